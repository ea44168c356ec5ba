"""Jobs of a run on a Slurm cluster: what Snakemake is told, and the end of jobs that nobody waits for."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tilseq.errors import RunError
from tilseq.workflow.plan import Plan

SECONDS_OF_A_CALL = 60  # without its daemon, Slurm's commands never end
SECONDS_TO_END = 120
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_QUESTIONS = 60
SECONDS_WITHOUT_JOBS = 900  # a job that has ended is seen within three minutes, and its files are waited for one
SPARE_SECONDS = 300  # starts of Snakemake and Python within a job, which are none of the study's
# Slurm's own variables of what the executor would choose by itself; all others `sbatch` obeys.
CHOSEN = {"SBATCH_PARTITION": "slurm_partition", "SBATCH_ACCOUNT": "slurm_account"}
MARK = "on_slurm"  # within the run's folder, as long as Slurm may hold jobs of it


def check_slurm(plan: Plan) -> None:
    """Refuse to begin where Slurm would not take the jobs of a plan.

    Raises
    ------
    RunError
        Slurm's commands, or Snakemake's executor for it, are not there; Slurm knows no such partition or account, or
        has no node that gives a job what the study allows it.
    """
    if shutil.which("sbatch") is None:
        raise RunError("no `sbatch` is found", mend="start the run on a login node, or leave out --profile")
    if find_spec("snakemake_executor_plugin_slurm") is None:
        raise RunError("Snakemake's executor for Slurm is not installed", mend="pip install 'tilseq[slurm]'")
    mend = (
        "choose another partition or account (SBATCH_PARTITION, SBATCH_ACCOUNT), or allow a job less "
        "(analysis.job_gigabytes, analysis.job_seconds)"
    )
    _call("sbatch", "--test-only", f"--mem={_megabytes(plan)}", f"--time={_minutes(plan)}", "--wrap=true", mend=mend)


def slurm_arguments(home: Path, plan: Plan, jobs: int) -> list[str]:
    """Return Snakemake's arguments for a run on Slurm.

    Parameters
    ----------
    home
        The run's own folder, on a file system that all nodes share.
    plan
        What is to be run: each job is given the memory and, with some to spare, the time that the study allows it.
    jobs
        Jobs that wait or run at a time.
    """
    chosen = [f"{name}={told}" for variable, name in CHOSEN.items() if (told := os.environ.get(variable))]
    resources = (f"mem_mb={_megabytes(plan)}", f"runtime={_minutes(plan)}", *chosen)
    return ["--jobs", str(jobs), "--slurm-jobname-prefix", job_name(home), "--default-resources", *resources]


def _megabytes(plan: Plan) -> int:
    return math.ceil(plan.gigabytes * 1024)


def _minutes(plan: Plan) -> int:
    return math.ceil((plan.seconds + SPARE_SECONDS) / 60)


def job_name(home: Path) -> str:
    """Return the name by which the jobs of all runs in a folder are known to Slurm; an identifier follows it."""
    from tilseq.io.digest import sha256_of_value

    return f"tilseq-{sha256_of_value(str(home.resolve()))[:16]}"


@contextmanager
def none_left(home: Path) -> Iterator[None]:
    """See that Slurm holds no jobs of a folder after a block, however it ends."""
    (home / MARK).touch()
    try:
        yield
    finally:
        end_jobs(home)


def watch(home: Path) -> Callable[[], None]:
    """Return what is called again and again while Snakemake works, and refuses to wait for jobs that are no more.

    Snakemake's executor forgets jobs whose state Slurm would not tell for a while, as when its controller was started
    anew, and waits for them for ever.
    """
    asked = seen = time.monotonic()

    def look() -> None:
        nonlocal asked, seen
        now = time.monotonic()
        if now - asked < SECONDS_BETWEEN_QUESTIONS:
            return
        asked = now
        try:
            held = bool(_held(job_name(home)))
        except RunError:  # of a Slurm that does not answer nobody can tell
            held = True
        if held:
            seen = now
        elif now - seen > SECONDS_WITHOUT_JOBS:
            raise RunError(
                "Snakemake waits, and Slurm holds no job of this run",
                file=home / "engine.log",
                mend="run again: it goes on where it was",
            )

    return look


def end_jobs(home: Path) -> None:
    """End all jobs of a folder that Slurm still holds: they would write beside those of the next run.

    Raises
    ------
    RunError
        Slurm does not answer, or a job has not ended within two minutes.
    """
    if not (home / MARK).exists():
        return
    deadline = time.monotonic() + SECONDS_TO_END
    while held := _held(job_name(home)):
        if time.monotonic() > deadline:
            raise RunError(
                "jobs of an earlier run do not end", found=" ".join(held), mend="`scancel` them, and run again"
            )
        _call("scancel", *held)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    (home / MARK).unlink()


def _held(name: str) -> list[str]:
    """Return the numbers of one's own jobs of a name that wait, run or end."""
    lines = (line.split() for line in _call("squeue", "--me", "--noheader", "--format=%i %j").splitlines())
    return [number for number, job in lines if job.startswith(name)]


def _call(*command: str, mend: str = "run again when Slurm answers") -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_OF_A_CALL, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = (str(getattr(error, "stderr", None) or "").strip() or str(error)).splitlines()[-1]
        raise RunError(f"`{shlex.join(command)}` failed", found=said, mend=mend) from error
    return done.stdout
