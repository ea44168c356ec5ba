"""`tilseq clinical markers`."""

from __future__ import annotations

from pathlib import Path

import click

from tilseq.cli.common import EXIT_SOME_FAILED, Examples, output_folder, read_people, tell_faults

CSV = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "markers",
    cls=Examples,
    example="tilseq clinical markers tumor_markers.csv --subjects subjects.csv -o out\n",
)
@click.argument("records", metavar="M.csv", type=CSV)
@click.option("--subjects", type=CSV, required=True, help="Kinds of tumour, and when treatment starts.")
@click.option(
    "--infusions", type=CSV, help="Infusions, whose dates turn dates into days; without it dates are refused."
)
@click.option(
    "--tg",
    type=click.Choice(["thyroglobulin", "triglycerides"]),
    default="thyroglobulin",
    show_default=True,
    help="What TG means; triglycerides are no tumour marker.",
)
@click.option(
    "--harvest",
    type=click.Choice(["interferes", "ignored"]),
    default="interferes",
    show_default=True,
    help="GCIG: whether the resection for the product counts as surgery of peritoneum or pleura.",
)
@output_folder
@click.pass_context
def markers_command(
    context: click.Context,
    /,
    records: Path,
    subjects: Path,
    infusions: Path | None,
    tg: str,
    harvest: str,
    output: Path,
) -> None:
    """Follow each tumour marker from its baseline, and write marker_courses.

    With subjects of ovarian cancer also gcig: response and progression by CA-125, exploratory after cells.
    A subject with a faulty record is told with file and row and left out; the others go on.
    """
    import polars as pl

    from tilseq.clinical.gcig import gcig
    from tilseq.clinical.tumor_markers import marker_faults, markers
    from tilseq.io.clinical import parse_by_subject
    from tilseq.io.write import write_table
    from tilseq.tables.inputs import TUMOR_MARKERS
    from tilseq.tables.tumor_marker_course import GCIG, MARKER_COURSES

    people, wrong = read_people(subjects, infusions)
    for fault in wrong:
        click.echo(f"tilseq: {fault}", err=True)
    recorded, faults = parse_by_subject(records, TUMOR_MARKERS, infusions=infusions)
    faults = tell_faults(records, faults, marker_faults(recorded, people["subject"].to_list()))
    sound = ~pl.col("subject").is_in(list(faults))
    people = people.filter(sound)
    courses = markers(
        recorded.filter(sound),
        subjects=people,
        tg="triglycerides" if tg == "triglycerides" else "thyroglobulin",
    )
    write_table(courses, MARKER_COURSES, output)
    ca125 = gcig(courses, subjects=people, harvest="ignored" if harvest == "ignored" else "interferes")
    if ca125.height:
        write_table(ca125, GCIG, output)
    used = int(courses["used"].sum())
    click.echo(f"{courses.height} records, {used} used; {ca125.height} subjects by GCIG", err=True)
    for row in courses.filter(~courses["used"]).iter_rows(named=True):
        click.echo(f"subject {row['subject']}, day {row['day']}, {row['test']}: {row['reason']}", err=True)
    if faults:
        click.echo(f"left out for faulty records: {', '.join(faults)}", err=True)
    if wrong or faults:
        context.exit(EXIT_SOME_FAILED)
