"""One command from a study folder to a report."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.errors import RunError
from tilseq.workflow.collect import collect
from tilseq.workflow.engine import Profile, run_engine
from tilseq.workflow.figures import draw_figures
from tilseq.workflow.lock import only_run
from tilseq.workflow.plan import Plan, ended, make_plan, pending
from tilseq.workflow.slurm import check_slurm, end_jobs, slurm_arguments, watch
from tilseq.workflow.written import FOLDERS, RECORD, REPORT, record_outputs

if TYPE_CHECKING:
    import polars as pl

    from tilseq.steps.job import Job
    from tilseq.study import Study

HOME = ".tilseq"


@dataclass(frozen=True)
class Outcome:
    """What became of a run: its report, how its samples went in words, jobs in all, from before, and failed.

    `failures` counts rows of the table of this name: of one job several subjects may have failed, and of a figure none.
    """

    report: Path
    samples: str
    jobs: int
    trusted: int
    failed: int
    failures: int


def run(
    study: Study,
    out: Path,
    *,
    notes: Sequence[str],
    command: str,
    cores: int,
    profile: Profile = "local",
    progress: Callable[[int, int], None],
) -> Outcome:
    """Run all jobs of a study that have not been done yet, then write tables, figures, `run.json` and the report.

    Parameters
    ----------
    study
        The study, as `tilseq.read_study` gives it.
    out
        Output folder: new, empty, or that of an earlier run, which is then gone on with.
    notes
        What is worth knowing of the study, as `tilseq.steps.notes.notes_of` gives it: the report tells them.
    command
        The command that runs it again, as the person gave it: told in `run.json` and beside each failure.
    cores
        Jobs at a time, and then processes that draw the figures of the cohort; on Slurm, one draws them here.
    profile
        Where jobs run: `local`, on this machine, or `slurm`, where Slurm has them run.
    progress
        Called with the number of jobs ended and of all jobs to do.

    Raises
    ------
    RunError
        The folder is another's, another run works in it, it cannot be written, or Snakemake could not start; Slurm is
        not there, does not answer, has jobs of an earlier run that do not end, or none of those that are waited for.
    """
    from tilseq.io.files import write_json
    from tilseq.report import render
    from tilseq.report.overview import verdict
    from tilseq.report.results import read_results
    from tilseq.workflow.provenance import provenance

    check_folder(study, out)
    home = out / HOME
    started, clock = datetime.now(UTC), time.monotonic()
    with only_run(home), _stopped_by_signals():
        end_jobs(home)
        plan = make_plan(study)
        plan.write(home / "plan.json")
        to_do = pending(plan, home / "work")
        if to_do:
            _do(plan, to_do, home, profile, cores, progress)
        for name in (REPORT, RECORD):  # what they tell is no longer so
            (out / name).unlink(missing_ok=True)
        failures = collect(study, plan.jobs, home / "work", out, command)

        def write_run() -> None:
            times = {
                "started": started.isoformat(timespec="seconds"),
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - clock, 1),
            }
            write_json(out / RECORD, provenance(study, plan, command=command, notes=notes, times=times))

        write_run()  # figures are drawn by the settings that it holds
        failures = _draw(out, failures, command, cores if profile == "local" else 1)
        write_run()
        report = render(out)
        record_outputs(out, *FOLDERS, REPORT)
        samples = verdict(read_results(out))
    failed = _failed_jobs(plan, failures)
    return Outcome(report, samples, len(plan.jobs), len(plan.jobs) - len(to_do), failed, failures.height)


def _failed_jobs(plan: Plan, failures: pl.DataFrame) -> int:
    """Return how many whole jobs failed."""
    jobs = {(job.step, job.unit) for job in plan.jobs}
    return sum(pair in jobs for pair in failures.select("step", "unit").iter_rows())


def _do(
    plan: Plan, jobs: Sequence[Job], home: Path, profile: Profile, cores: int, progress: Callable[[int, int], None]
) -> None:
    """Have the jobs done, here or by Slurm."""
    limits, watched = ["--cores", str(cores)], None
    if profile == "slurm":
        check_slurm(plan)
        limits, watched = slurm_arguments(home, plan, cores), watch(home)

    def look() -> None:
        progress(ended(jobs, home / "work"), len(jobs))
        if watched:
            watched()

    code = run_engine(home, profile=profile, limits=limits, look=look)
    _check_engine(code, ended(jobs, home / "work"), home / "engine.log")


def _check_engine(code: int, jobs_ended: int, log: Path) -> None:
    """Tell an engine that never worked from samples that failed.

    Raises
    ------
    RunError
        Snakemake ended with a fault before any job had ended.
    """
    if code and not jobs_ended:
        last = log.read_text("utf-8", errors="replace").strip().splitlines()[-1:]
        raise RunError("Snakemake could not run the jobs", file=log, found=" ".join(last))


def _draw(out: Path, failures: pl.DataFrame, command: str, cores: int) -> pl.DataFrame:
    """Draw the cohort's figures; one that cannot be drawn is a failure, and the report goes on without it."""
    import polars as pl

    from tilseq.io.write import write_table
    from tilseq.tables.outputs import FAILURES

    told = draw_figures(out, cores=cores)
    if told:
        row = {"step": "figures", "unit": "study", "error": "\n".join(told), "retry": command}
        failures = pl.concat([failures, FAILURES.frame([row])])
        write_table(failures, FAILURES, out / "tables")
    return failures


def jobs_to_do(study: Study, out: Path) -> tuple[Plan, list[Job]]:
    """Return the plan of a run and the jobs that it would do, without touching anything."""
    plan = make_plan(study)
    return plan, pending(plan, out / HOME / "work", remove=False)


def check_folder(study: Study, out: Path) -> None:
    """Refuse an output folder in which somebody's files would be overwritten.

    Raises
    ------
    RunError
        It, or a folder that is written in it, is a file; it is the study itself or a folder around it, holds the run
        of another study, or holds files that no run of tilseq has written.
    """
    mend = "give a new folder with -o"
    for folder in (out, *(out / name for name in FOLDERS)):
        if folder.exists() and not folder.is_dir():
            raise RunError("the output must be a folder", file=folder, mend=mend)
    if study.root.resolve().is_relative_to(out.resolve()):
        raise RunError("the output folder holds the study", file=out, mend=mend)
    if out.is_dir() and any(out.iterdir()) and not (out / HOME).is_dir():
        raise RunError("the output folder holds files of something else", file=out, mend=mend)
    name = _study_of(out)
    if name not in (None, study.settings.study):
        raise RunError("the output folder holds the run of another study", file=out, found=name, mend=mend)


def _study_of(out: Path) -> str | None:
    """Return the name of the study whose finished run a folder holds."""
    try:
        name = json.loads((out / RECORD).read_text("utf-8"))["study"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(name)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP of a terminal that is closed, end the block as Ctrl-C does: children are ended, too."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    told = [number for number, handler in before.items() if handler != signal.SIG_IGN]  # `nohup` stays in force
    for number in told:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in told:
            signal.signal(number, before[number])
