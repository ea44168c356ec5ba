"""`tilseq clinical labs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import EXIT_SOME_FAILED, Examples, output_folder

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical.ctcae import Symptoms
    from tilseq.errors import TilseqError

CSV = click.Path(exists=True, dir_okay=False, path_type=Path)
EXAMPLE = """\
tilseq clinical labs labs.csv --ctcae 5 --subjects subjects.csv --infusions infusions.csv -o out"""


@click.command("labs", cls=Examples, example=EXAMPLE)
@click.argument("labs", metavar="LABS.csv", type=CSV)
@click.option(
    "--ctcae", required=True, type=click.Choice(["5", "6"]), help="Version of the CTCAE that the protocol names."
)
@click.option("--subjects", type=CSV, help="Days of lymphodepletion; without it the baseline is the last before day 0.")
@click.option("--infusions", type=CSV, help="Infusions; without it every subject was infused once, on day 0.")
@click.option(
    "--symptoms",
    type=click.Choice(["assumed", "not_assumed"]),
    default="assumed",
    show_default=True,
    help="What is taken where a grade needs what no laboratory knows: the worse, or the better.",
)
@output_folder
@click.pass_context
def labs_command(
    context: click.Context,
    /,
    labs: Path,
    ctcae: str,
    subjects: Path | None,
    infusions: Path | None,
    symptoms: Symptoms,
    output: Path,
) -> None:
    """Grade laboratory results by the CTCAE.

    Writes lab_grades, lab_shifts, recoveries, results_by_limits, significant_results and exclusions, as .csv and
    .parquet. A faulty row is told with its number and left out; the others go on.
    """
    from tilseq.clinical.lab_grades import lab_grades, lab_shifts
    from tilseq.clinical.lab_limits import results_by_limits, significant_results
    from tilseq.clinical.recoveries import recoveries
    from tilseq.io.clinical import read_infusions, read_lab_results, read_subjects
    from tilseq.io.write import write_table
    from tilseq.tables import lab_grades as tables
    from tilseq.tables.outputs import EXCLUSIONS

    results, numbers, faults = read_lab_results(labs)
    days: dict[str, Any] = {
        "subjects": None if subjects is None else read_subjects(subjects),
        "infusions": None if infusions is None else read_infusions(infusions),
    }
    grades = lab_grades(results, version=ctcae, symptoms=symptoms, **days)
    by_limits = results_by_limits(results, **days)
    write_table(grades, tables.LAB_GRADES, output)
    write_table(lab_shifts(grades), tables.LAB_SHIFTS, output)
    write_table(recoveries(results, **days), tables.RECOVERIES, output)
    write_table(by_limits, tables.RESULTS_BY_LIMITS, output)
    write_table(significant_results(by_limits), tables.SIGNIFICANT_RESULTS, output)
    write_table(_exclusions(labs, results, ctcae, faults), EXCLUSIONS, output)
    for fault in [*faults, *_unread(labs, results, numbers)]:
        click.echo(f"tilseq: {fault}", err=True)
    told = grades["grade"].count()
    click.echo(f"{told} grades of {results.height} results; {grades.height - told} cannot be told", err=True)
    if faults:
        context.exit(EXIT_SOME_FAILED)


def _unread(labs: Path, results: pl.DataFrame, numbers: list[int]) -> list[TilseqError]:
    """Return what is wrong with results that stand in the tables without a number or limits."""
    import polars as pl

    from tilseq.clinical.lab_values import lab_values
    from tilseq.errors import TableError

    why = pl.coalesce("refused", "note").alias("why")
    faulty = (
        lab_values(results).with_columns(why).filter(pl.col("why").is_not_null(), pl.col("value_text").is_not_null())
    )
    return [
        TableError(row["why"], file=labs, row=numbers[row["row"]], found=row["value_text"])
        for row in faulty.iter_rows(named=True)
    ]


def _exclusions(labs: Path, results: pl.DataFrame, version: str, faults: list[TilseqError]) -> pl.DataFrame:
    """Return the table of rows that were left out: the faulty ones, and results that no term grades."""
    from tilseq.clinical.lab_grades import ungraded_tests
    from tilseq.tables.outputs import EXCLUSIONS

    rules: dict[int | None, list[str]] = {}
    for fault in faults:
        rules.setdefault(fault.row, []).append(f"{fault.column}: {fault.what}")
    rows: list[dict[str, object]] = [
        {"file": str(labs), "row": row, "rule": "; ".join(what), "rows": 1} for row, what in rules.items()
    ]
    for test, count in ungraded_tests(results, version).items():
        rule = f"not graded: no term of CTCAE {version} is known for the test {test}"
        rows.append({"file": str(labs), "row": None, "rule": rule, "rows": count})
    return EXCLUSIONS.frame(rows)
