"""`tilseq clinical markers`."""

from __future__ import annotations

from pathlib import Path

import click

from tilseq.cli.common import Examples, faults_of, output_folder

CSV = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "markers",
    cls=Examples,
    example="tilseq clinical markers tumor_markers.csv --subjects subjects.csv -o out\n",
)
@click.argument("records", metavar="M.csv", type=CSV)
@click.option("--subjects", type=CSV, required=True, help="Kinds of tumour, and when treatment starts.")
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
def markers_command(records: Path, subjects: Path, tg: str, harvest: str, output: Path) -> None:
    """Follow each tumour marker from its baseline, and write marker_courses.

    With subjects of ovarian cancer also gcig: response and progression by CA-125, exploratory after cells.
    """
    from tilseq.clinical.gcig import gcig
    from tilseq.clinical.tumor_markers import markers
    from tilseq.io.clinical import read_subjects
    from tilseq.io.clinical_events import read_tumor_markers
    from tilseq.io.write import write_table
    from tilseq.tables.tumor_marker_course import GCIG, MARKER_COURSES

    people = read_subjects(subjects)
    with faults_of(records):
        courses = markers(
            read_tumor_markers(records),
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
