"""`tilseq run` and `tilseq report`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Literal

import click

from tilseq.cli.common import EXIT_SOME_FAILED, Examples, printable
from tilseq.cli.progress import Progress
from tilseq.cli.suggestions import ExistingPath

RUN_EXAMPLE = """\
the sample study, in a clone:
  tilseq run data/sample -o demo
a study of yours; stopped or changed, the same command goes on from there:
  tilseq run my_study -o out --cores 8
from the login node of a cluster, on a file system that its nodes share:
  tilseq run my_study -o out --profile slurm"""
SLURM_JOBS = 100  # that wait or run at a time


@click.command("run", cls=Examples, example=RUN_EXAMPLE)
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    default="out",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder to write to, of this study alone.",
)
@click.option(
    "--cores", type=click.IntRange(min=1), help="Jobs at a time; by default every core it may use, on Slurm 100."
)
@click.option(
    "--profile",
    type=click.Choice(["local", "slurm"]),
    default="local",
    show_default=True,
    help="Where jobs run: on this machine, or wherever Slurm has them run.",
)
@click.option("--dry-run", is_flag=True, help="Only list the jobs that would be run.")
def run_command(study: Path, output: Path, cores: int | None, profile: Literal["local", "slurm"], dry_run: bool) -> int:
    """Run a study: tables of endpoints, figures and one report.

    STUDY is the folder with study.yaml and its tables. Samples that cannot be read do not stop the others: they are
    listed in the report and the command ends with 4. A run that was stopped goes on where it was.
    What `tilseq check` notes is told, and stands in the report.
    """
    from tilseq.steps.notes import notes_of
    from tilseq.study import read_study
    from tilseq.workflow.run import jobs_to_do, run

    loaded = read_study(study)
    notes = notes_of(loaded)
    for note in notes:
        click.echo(f"note: {printable(note)}", err=True)
    if dry_run:
        plan, to_do = jobs_to_do(loaded, output)
        for job in to_do:
            click.echo(f"{job.step}\t{job.unit}")
        click.echo(f"{len(to_do)} of {len(plan.jobs)} jobs to do", err=True)
        return 0
    where = [] if profile == "local" else ["--profile", profile]
    command = shlex.join(["tilseq", "run", str(study), "-o", str(output), *where])
    progress = Progress("jobs", "have ended", then="all jobs have ended; tables, figures and the report follow")
    outcome = run(
        loaded,
        output,
        notes=notes,
        command=command,
        cores=cores or (own_cores() if profile == "local" else SLURM_JOBS),
        profile=profile,
        progress=progress,
    )
    click.echo(
        f"{outcome.jobs} jobs: {outcome.jobs - outcome.failed} done ({outcome.trusted} from before), "
        f"{outcome.failed} failed",
        err=True,
    )
    click.echo(outcome.samples, err=True)
    if outcome.failures:
        click.echo(f"what failed, and why: {output / 'tables' / 'failures.csv'}", err=True)
    click.echo(f"every check of every sample: {output / 'tables' / 'quality.csv'}", err=True)
    click.echo(str(outcome.report))
    return EXIT_SOME_FAILED if outcome.failures else 0


@click.command("report", cls=Examples, example="tilseq report out")
@click.argument("out", type=ExistingPath(file_okay=False))
def report_command(out: Path) -> int:
    """Make the report of a finished run again, from its tables."""
    from tilseq.report import render
    from tilseq.report.figures import make_figures
    from tilseq.workflow.verify import altered_outputs
    from tilseq.workflow.written import RECORD, REPORT, read_record, record_outputs

    make_figures(out)
    report = render(out)
    if (out / RECORD).is_file() and "outputs" in read_record(out):  # tables alone have a report, too
        if any(path.startswith("tables/") for path in altered_outputs(out)):
            click.echo("note: run.json does not vouch for this report: tables were changed since the run", err=True)
        else:
            record_outputs(out, "figures", REPORT)
    click.echo(str(report))
    return 0


def own_cores() -> int:
    """Return the cores that this process may use: of a cluster's node often a few."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
