"""`tilseq clinical`."""

from __future__ import annotations

from pathlib import Path

import click

from tilseq.cli.clinical_survival import survival_command
from tilseq.cli.common import Examples, output_folder

CSV = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("clinical")
def clinical_command() -> None:
    """Tumour response from lesions, and time to event."""


@clinical_command.command(
    "response",
    cls=Examples,
    example="tilseq clinical response lesions.csv --responses responses.csv --subjects subjects.csv -o out\n",
)
@click.argument("lesions", metavar="LESIONS.csv", type=CSV)
@click.option("--responses", type=CSV, help="What the readers recorded, to be held beside what is derived.")
@click.option("--subjects", type=CSV, help="Days of harvest, lymphodepletion and first dose, which set the baseline.")
@click.option(
    "--regrowth",
    type=click.Choice(["sum_rule", "pd"]),
    default="sum_rule",
    show_default=True,
    help="After a complete response: 5 mm above the nadir as always, or any target back is PD.",
)
@output_folder
def response_command(lesions: Path, responses: Path | None, subjects: Path | None, regrowth: str, output: Path) -> None:
    """Derive RECIST 1.1 at every visit and write response.csv and response.parquet.

    The recorded response stays the endpoint; where the derived one differs, `agrees` is false.
    """
    from tilseq.clinical.recist import response
    from tilseq.io.clinical import read_lesions, read_responses, read_subjects
    from tilseq.io.write import write_table
    from tilseq.tables.outputs import RESPONSE

    derived = response(
        read_lesions(lesions),
        None if responses is None else read_responses(responses),
        subjects=None if subjects is None else read_subjects(subjects),
        regrowth="pd" if regrowth == "pd" else "sum_rule",
    )
    write_table(derived, RESPONSE, output)
    agree, differ = (int((derived["agrees"] == word).sum() or 0) for word in (True, False))
    click.echo(f"{derived.height} assessments; recorded and derived agree in {agree}, differ in {differ}", err=True)


clinical_command.add_command(survival_command)
