"""`tilseq verify`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from tilseq.cli.common import EXIT_SOME_FAILED, Examples, printable
from tilseq.cli.progress import Progress
from tilseq.cli.run import own_cores
from tilseq.cli.suggestions import ExistingPath

EXAMPLE = """\
  tilseq verify out
with the study where it is now, and every number made once more:
  tilseq verify out --study my_study --rerun"""


@click.command("verify", cls=Examples, example=EXAMPLE)
@click.argument("out", type=ExistingPath(file_okay=False))
@click.option("--study", type=ExistingPath(file_okay=False), help="The study's folder, if it has moved since the run.")
@click.option("--rerun", is_flag=True, help="Also run the study once more, and compare every number.")
@click.option(
    "--cores", type=click.IntRange(min=1), help="Jobs at a time of that run; by default every core it may use."
)
def verify_command(out: Path, study: Path | None, rerun: bool, cores: int | None) -> int:
    """Tell whether a finished run, and the files it was made from, are as they were.

    OUT is the folder that `tilseq run` wrote. Its tables, figures and report and the study's files are held against the
    SHA-256 in run.json, whose own is printed: kept elsewhere, it tells whether run.json is the same. The command ends
    with 0 when all is as it was, else with 4, or with 3 where the study's files are nowhere to be found.
    """
    from tilseq.io.digest import sha256_of_file
    from tilseq.workflow.verify import altered_inputs, altered_outputs, other_results, other_versions, study_of
    from tilseq.workflow.written import RECORD

    altered = _tell(out, altered_outputs(out))
    root = study or study_of(out)
    inputs = _tell(root, altered_inputs(out, root))
    altered += inputs
    if rerun and inputs:
        click.echo("it is not run again: the study is not that of the run", err=True)
    elif rerun:
        for name, versions in other_versions(out).items():
            click.echo(f"note: {name} was {versions}", err=True)
        progress = Progress("jobs", "have ended", then="all jobs have ended; their numbers are compared")
        altered += _tell(out, other_results(out, root, cores=cores or own_cores(), progress=progress))
    click.echo(f"{sha256_of_file(out / RECORD)}  {out / RECORD}")
    if altered:
        return EXIT_SOME_FAILED
    click.echo(f"all is as it was{', and every number comes out again' if rerun else ''}", err=True)
    return 0


def _tell(folder: Path, states: Mapping[str, str]) -> int:
    """Print what is not as it was, and return of how many files that is so."""
    for path, state in states.items():
        click.echo(printable(f"{folder / path}: {state}"))
    return len(states)
