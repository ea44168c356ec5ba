"""`tilseq clinical labs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import EXIT_SOME_FAILED, Examples, output_folder, read_people, sdtm_day_1

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical.ctcae import Symptoms
    from tilseq.errors import TilseqError
    from tilseq.io.sdtm_events import DayOne

CSV = click.Path(exists=True, dir_okay=False, path_type=Path)
EXAMPLE = """\
tilseq clinical labs labs.csv --ctcae 5 --subjects subjects.csv --infusions infusions.csv -o out"""


@click.command("labs", cls=Examples, example=EXAMPLE)
@click.argument("labs", metavar="LABS.csv", type=CSV)
@click.option(
    "--ctcae", required=True, type=click.Choice(["5", "6"]), help="Version of the CTCAE that the protocol names."
)
@click.option("--subjects", type=CSV, help="Days of lymphodepletion; without it the baseline is the last before day 0.")
@click.option(
    "--infusions",
    type=CSV,
    help="Infusions; without it every subject was infused once, on day 0, and dates are refused.",
)
@click.option(
    "--symptoms",
    type=click.Choice(["assumed", "not_assumed"]),
    default="assumed",
    show_default=True,
    help="What is taken where a grade needs what no laboratory knows: the worse, or the better.",
)
@click.option(
    "--il2-end-day", type=click.IntRange(min=0), help="Last day of IL-2: the infusion's period lasts so long."
)
@sdtm_day_1
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
    il2_end_day: int | None,
    sdtm_day_1: DayOne | None,
    output: Path,
) -> None:
    """Grade laboratory results by the CTCAE.

    LABS.csv is our table labs or SDTM's domain LB, which its header tells.
    Writes lab_grades, lab_shifts, summaries (worsening), recoveries, results_by_limits, significant_results and
    exclusions, as .csv and .parquet. A faulty row is told with its number and left out, and so are the rows of a
    subject that --subjects does not have; the others go on.
    """
    from tilseq.clinical.lab_grades import lab_grades, lab_shifts, lab_worsening
    from tilseq.clinical.lab_limits import results_by_limits, significant_results
    from tilseq.clinical.recoveries import recoveries
    from tilseq.io.clinical import read_infusions, read_lab_results
    from tilseq.io.sdtm_events import day_ones
    from tilseq.io.write import write_table
    from tilseq.tables import lab_grades as tables
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.summaries import SUMMARIES

    people, wrong = (None, []) if subjects is None else read_people(subjects, infusions)
    if sdtm_day_1 is not None and people is None:
        raise click.UsageError("--sdtm-day-1 needs --subjects")
    day_one = None if people is None or sdtm_day_1 is None else day_ones(people, sdtm_day_1)
    results, numbers, faults = read_lab_results(labs, infusions=infusions, day_one=day_one)
    results, numbers, strangers, excluded = _known(labs, results, numbers, people)
    of_subjects = people if people is not None else results
    days: dict[str, Any] = {
        "subjects": people,
        "infusions": None if infusions is None else read_infusions(infusions),
    }
    il2_end = None if il2_end_day is None else dict.fromkeys(of_subjects["subject"].to_list(), il2_end_day)
    grades = lab_grades(results, version=ctcae, symptoms=symptoms, il2_end=il2_end, **days)
    by_limits = results_by_limits(results, il2_end=il2_end, **days)
    shifts = lab_shifts(grades)
    write_table(grades, tables.LAB_GRADES, output)
    write_table(shifts, tables.LAB_SHIFTS, output)
    write_table(lab_worsening(shifts), SUMMARIES, output)
    write_table(recoveries(results, **days), tables.RECOVERIES, output)
    write_table(by_limits, tables.RESULTS_BY_LIMITS, output)
    write_table(significant_results(by_limits), tables.SIGNIFICANT_RESULTS, output)
    excluded += _excluded(labs, results, ctcae, faults)
    write_table(EXCLUSIONS.frame(excluded), EXCLUSIONS, output)
    for fault in [*wrong, *faults, *strangers, *_unread(labs, results, numbers)]:
        click.echo(f"tilseq: {fault}", err=True)
    told = grades["grade"].count()
    click.echo(f"{told} grades of {results.height} results; {grades.height - told} cannot be told", err=True)
    if wrong or faults or strangers:
        context.exit(EXIT_SOME_FAILED)


def _known(
    labs: Path, results: pl.DataFrame, numbers: list[int], people: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[int], list[TilseqError], list[dict[str, object]]]:
    """Return the results of known subjects with their rows in the file, a fault for each other, and its exclusion."""
    from tilseq.clinical.lab_values import lab_faults

    found = dict([] if people is None else lab_faults(results, people["subject"].to_list()))
    kept = [place for place, name in enumerate(results["subject"]) if name not in found]
    excluded: list[dict[str, object]] = []
    for name, fault in found.items():
        fault.file, fault.row = str(labs), numbers[(fault.row or 2) - 2]
        rows = results.filter(subject=name).height
        excluded.append({"file": str(labs), "row": None, "rule": f"no such subject: {name}", "rows": rows})
    return results[kept], [numbers[place] for place in kept], list(found.values()), excluded


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


def _excluded(
    labs: Path, results: pl.DataFrame, version: str, faults: list[TilseqError]
) -> Iterator[dict[str, object]]:
    """Yield the rows of `exclusions` of what was left out: the faulty rows, and results that no term grades."""
    from tilseq.clinical.lab_grades import ungraded_tests

    rules: dict[int | None, list[str]] = {}
    for fault in faults:
        rules.setdefault(fault.row, []).append(f"{fault.column}: {fault.what}")
    for row, what in rules.items():
        yield {"file": str(labs), "row": row, "rule": "; ".join(what), "rows": 1}
    for test, count in ungraded_tests(results, version).items():
        rule = f"not graded: no term of CTCAE {version} is known for the test {test}"
        yield {"file": str(labs), "row": None, "rule": rule, "rows": count}
