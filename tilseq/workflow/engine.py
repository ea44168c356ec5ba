"""Snakemake, started so that it does not outlive the run that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO, Literal

from tilseq.workflow.slurm import none_left
from tilseq.workflow.warm import warm_process

Profile = Literal["local", "slurm"]

# One thread a job: sums in one order, and jobs that do not fight for cores.
THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
SECONDS_BETWEEN_LOOKS = 0.5
# Names the process of Snakemake to the jobs that it starts on the same machine.
ENGINE = "TILSEQ_ENGINE"


def run_engine(home: Path, *, profile: Profile, limits: Sequence[str], look: Callable[[], None]) -> int:
    """Run Snakemake on a written plan and return its exit code.

    Parameters
    ----------
    home
        The run's own folder, which holds `plan.json`; Snakemake keeps its state there too.
    profile
        Where jobs run: on this machine, or where Slurm has them run.
    limits
        Arguments for Snakemake of how many jobs run at a time and what each may take.
    look
        Called twice a second, to move the progress bar.
    """
    with as_file(files("tilseq.pipelines")) as pipelines:
        profiles = pipelines / "profiles"
        arguments = [
            *("--snakefile", str(pipelines / "Snakefile")),
            *("--profile", str(profiles / "local")),  # that of SNAKEMAKE_PROFILE is meant for other work
            *("--workflow-profile", "none" if profile == "local" else str(profiles / profile)),
            *("--directory", str(home)),
            *limits,
        ]
        starter = "import sys; from tilseq.workflow.engine import main; main(int(sys.argv[1]), *sys.argv[2:])"
        environment = {**os.environ, **dict.fromkeys(THREAD_SETTINGS, "1"), "PYTHONPATH": module_folders()}
        with open(home / "engine.log", "w") as log, _jobs_served(home, profile, log, environment):
            process = subprocess.Popen(
                [sys.executable, "-c", starter, str(os.getpid()), profile, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment, "XDG_CACHE_HOME": str(home.resolve() / "cache")},  # a home may be read-only
                start_new_session=True,  # Ctrl-C is the run's to answer
            )
            try:
                while not _has_ended(process):
                    look()
                look()
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)  # with what it starts; jobs die with it
                    process.wait()
    return process.returncode


def _jobs_served(
    home: Path, profile: Profile, log: IO[str], environment: Mapping[str, str]
) -> AbstractContextManager[None]:
    """Return what keeps jobs going for the length of a block: a warm process, or that Slurm holds none afterwards."""
    return warm_process(home, log, environment) if profile == "local" else none_left(home)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait for a process until it is time to look; whether it has ended."""
    try:
        process.wait(SECONDS_BETWEEN_LOOKS)
    except subprocess.TimeoutExpired:
        return False
    return True


def module_folders() -> str:
    """Return where this process looks for modules: jobs start in another folder, and must find the same tilseq."""
    return os.pathsep.join(os.path.abspath(folder) for folder in sys.path)


def main(parent: int, profile: str, *arguments: str) -> None:
    """Be Snakemake, in the process that `run_engine` starts."""
    from tilseq.workflow.processes import die_with_parent

    die_with_parent(parent)
    if profile == "local":
        os.environ[ENGINE] = str(os.getpid())
    from snakemake.cli import main as snakemake

    snakemake(list(arguments))
