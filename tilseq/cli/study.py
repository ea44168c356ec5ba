"""`tilseq init` and `tilseq check`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import EXIT_INVALID, Examples, as_json, printable

if TYPE_CHECKING:
    from tilseq.study.scan import Draft

DEFAULT_PATTERN = "{subject}_{visit}_{assay}"
INIT_EXAMPLE = """\
a commented template:
  tilseq init my_study
a draft from files that are there, after a look at what would be written:
  tilseq init my_study --scan my_study/raw --pattern '{subject}_{visit}_{assay}' --dry-run
  tilseq init my_study --scan my_study/raw --pattern '{subject}_{visit}_{assay}'
files in folders; {_} and * skip:
  tilseq init my_study --scan my_study/raw --pattern '{subject}/{_}_D{day}_*'"""

CHECK_EXAMPLE = """\
the sample study, in a clone:
  tilseq check data/sample
a study of yours:
  tilseq check my_study --json"""


@click.command("init", cls=Examples, example=INIT_EXAMPLE)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--scan", "scanned", type=click.Path(path_type=Path), help="Folder inside DIR whose files to draft from.")
@click.option(
    "--pattern",
    help="How a file's path below the scanned folder reads, without extensions. Fields: subject, visit, day, specimen, "
    f"assay, sample, timing, lot, locus, stimulus, replicate.  [default: {DEFAULT_PATTERN}]",
)
@click.option("--dry-run", is_flag=True, help="Write nothing: print the rows of samples.csv, and what is left out.")
def init_command(folder: Path, scanned: Path | None, pattern: str | None, dry_run: bool) -> None:
    """Start a study in DIR: a template, or a draft from files that are there already.

    A scan reads subjects, visits and assays from file names, and the assay from the files' first bytes where the
    pattern does not name it. Panels are drafted from the stains that FCS files name. What it guesses it marks; what it
    cannot read it lists.
    """
    from tilseq.steps.draft_panels import draft_panels
    from tilseq.study.read import examine
    from tilseq.study.scan import number_replicates, scan
    from tilseq.study.template import refuse_existing, samples_text, write_draft, write_template

    if scanned is None:
        if pattern is not None or dry_run:
            raise click.UsageError("--pattern and --dry-run need --scan")
        _tell_files(write_template(folder))
        click.echo(f"next: fill in the tables, then\n  tilseq check {quote(str(folder))}")
        return
    if not dry_run:
        refuse_existing(folder)
    draft = scan(scanned, folder, pattern or DEFAULT_PATTERN)
    panels = draft_panels(folder, draft.samples)
    number_replicates(draft.samples)
    if dry_run:
        click.echo(samples_text(draft), nl=False)
        _tell_left_out(draft, err=True)
        return
    _tell_files(write_draft(folder, draft, panels))
    _tell_draft(draft)
    if panels:
        click.echo(f"  study.yaml: look over the markers of {', '.join(panels)}, which were guessed from the stains")
    problems = examine(folder).problems
    for problem in problems:
        click.echo(f"to mend: {printable(str(problem))}")
    click.echo(f"then\n  tilseq check {quote(str(folder))}")


@click.command(
    "check",
    cls=Examples,
    example=CHECK_EXAMPLE,
)
@click.argument("study", type=click.Path(path_type=Path))
@as_json
def check_command(study: Path, as_json: bool) -> int:
    """Tell everything that is wrong with a study folder, at once.

    Ends with 3 when anything is wrong. Notes tell what is not wrong but worth knowing.
    """
    from tilseq.errors import in_lines
    from tilseq.steps.notes import notes_of
    from tilseq.study.read import as_study, examine
    from tilseq.study.summary import as_json as to_json
    from tilseq.study.summary import is_empty, summary

    folder = examine(study)
    if not folder.problems:
        folder.notes = notes_of(as_study(folder))
    if as_json:
        import json

        click.echo(json.dumps(to_json(folder), indent=1))
    else:
        for line in in_lines(folder.problems):
            click.echo(printable(line))
        for line in [] if folder.problems else summary(folder):
            click.echo(printable(line))
        for note in folder.notes:
            click.echo(f"note: {printable(note)}")
        if not folder.problems and is_empty(folder):
            click.echo("nothing is wrong, but nothing can be analysed yet: fill in samples.csv, plates/ or clinical/")
        elif not folder.problems:
            click.echo(f"nothing is wrong; next:\n  tilseq run {quote(str(study))} -o out")
        else:
            count = len(folder.problems)
            click.echo(f"{count} problem{'' if count == 1 else 's'} in {study}", err=True)
    return EXIT_INVALID if folder.problems else 0


def _tell_files(paths: list[Path]) -> None:
    for path in paths:
        click.echo(f"wrote {path}")


def _tell_draft(draft: Draft) -> None:
    click.echo(f"samples: {len(draft.samples)}, subjects: {len(draft.subjects)}, files left out: {len(draft.left_out)}")
    _tell_left_out(draft)
    click.echo("next, in an editor or a spreadsheet:")
    open_days = [visit for visit, day in draft.visits.items() if day is None]
    if open_days:
        click.echo(f"  study.yaml: fill in the nominal day of {printable(', '.join(open_days))}")
    click.echo("  study.yaml: look over the days of the visits, which were guessed")
    click.echo("  subjects.csv: `tumor_type` is `other` for all")
    click.echo("  infusions.csv: one row an infusion; the first, day 0, is drafted for each subject")
    if any(row["comment"] for row in draft.samples):
        click.echo("  samples.csv: look over the rows whose `comment` says `guessed`")
    if any(row["assay"] == "flow" and "replicate" in row for row in draft.samples):
        click.echo("  samples.csv: tubes with `replicate` must agree; give stimulated ones `role` and `stimulus`")
    if any(row["assay"] in ("tcr", "bcr") for row in draft.samples):
        click.echo(
            "  samples.csv: fill in `count_of` and `cells` of tcr and bcr where files do not say them: else no limits"
        )


def _tell_left_out(draft: Draft, *, err: bool = False) -> None:
    for name, why in draft.left_out.items():
        click.echo(f"left out: {printable(f'{name}: {why}')}", err=err)
