"""`tilseq clinical labs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import (
    EXIT_SOME_FAILED,
    Examples,
    of_subjects,
    output_folder,
    read_people,
    sdtm_day_1,
    strange_subjects,
    tell_written,
)
from tilseq.cli.results import write_tables
from tilseq.cli.suggestions import CSV

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical import RecoveryRule
    from tilseq.clinical.ctcae import Symptoms
    from tilseq.errors import TilseqError
    from tilseq.io.sdtm_events import DayOne
    from tilseq.tables import Table

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq clinical labs $S/clinical/labs.csv --ctcae 5 --subjects $S/subjects.csv --infusions $S/infusions.csv -o out"""


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
@click.option("--therapies", type=CSV, help="Further therapies: a recovery is looked for up to the next one.")
@click.option("--followup", type=CSV, help="Days of the data cut: later results take no part.")
@click.option(
    "--symptoms",
    type=click.Choice(["assumed", "not_assumed"]),
    default="assumed",
    show_default=True,
    help="What is taken where a grade needs what no laboratory knows: the worse, or the better.",
)
@click.option(
    "--anticoagulation", is_flag=True, help="Subjects are on it: INR counts by multiples of its baseline too."
)
@click.option(
    "--recovery",
    type=(str, click.FloatRange(min=0, min_open=True)),
    multiple=True,
    metavar="TEST COUNT",
    help="A blood count and what it must come back to, in 10^9/L, instead of the usual ones; may be repeated.",
)
@click.option(
    "--sustained",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Days with results in a row on which a count that is back must be there.",
)
@click.option(
    "--il2-end-day",
    type=click.IntRange(min=0),
    help="Last day of IL-2 of those of whom --subjects has none: the infusion's period lasts so long.",
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
    therapies: Path | None,
    followup: Path | None,
    symptoms: Symptoms,
    anticoagulation: bool,
    recovery: tuple[tuple[str, float], ...],
    sustained: int,
    il2_end_day: int | None,
    sdtm_day_1: DayOne | None,
    output: Path,
) -> None:
    """Grade laboratory results by the CTCAE.

    LABS.csv is our table labs or SDTM's domain LB, which its header tells.
    Writes lab_grades, lab_shifts, summaries (worsening, results called significant), recoveries, recovery_estimates,
    results_by_limits, significant_results and exclusions, as .csv and .parquet. A faulty row is told with its number
    and left out, of a faulty limit or judgement the cell alone, and so are the rows of a subject that --subjects does
    not have; the others go on. Results that cannot be read are counted by test and reason.
    """
    from tilseq import clinical
    from tilseq.clinical import RecoveryRule, up_to_data_cut
    from tilseq.io.clinical import read_followup, read_infusions, read_lab_results, read_therapies
    from tilseq.io.sdtm_events import day_ones

    default = RecoveryRule()
    rule = RecoveryRule(thresholds=recovery or default.thresholds, sustained=sustained)
    people, wrong = (None, []) if subjects is None else read_people(subjects, infusions)
    if sdtm_day_1 is not None and people is None:
        raise click.UsageError("--sdtm-day-1 needs --subjects")
    day_one = None if people is None or sdtm_day_1 is None else day_ones(people, sdtm_day_1)
    results, numbers, faults = read_lab_results(labs, infusions=infusions, day_one=day_one)
    results, numbers, strangers, excluded = _known(labs, results, numbers, people)
    names = (people if people is not None else results)["subject"].to_list()
    followed = None if followup is None else read_followup(followup, infusions=infusions)
    results, numbers, late = _by_the_cut(labs, results, numbers, followed)
    infused = None if infusions is None else up_to_data_cut(read_infusions(infusions), followed)
    given = None if therapies is None else read_therapies(therapies, infusions=infusions)
    if people is not None:
        further = ((infusions, infused), (therapies, given), (followup, followed))
        strangers += [fault for path, frame in further for fault in strange_subjects(path, frame, names)]
        infused = of_subjects(infused, names)
    days: dict[str, Any] = {"subjects": people, "infusions": infused}
    il2_end = None if il2_end_day is None else dict.fromkeys(names, il2_end_day)
    policies: dict[str, Any] = {"version": ctcae, "symptoms": symptoms, "anticoagulation": anticoagulation}
    grades = clinical.lab_grades(results, il2_end=il2_end, **policies, **days)
    left_out = _exclusions(labs, results, numbers, grades, ctcae)
    _tell(labs, results, numbers, grades, [*wrong, *faults, *strangers], left_out)
    derived = _derive(results, grades, days, il2_end, given, rule)
    write_tables([*derived, _excluded([*excluded, *late, *_faulty(labs, faults), *left_out])], output)
    tell_written(output)
    if wrong or faults or strangers or any(row["kind"] == "unread" for row in left_out):
        context.exit(EXIT_SOME_FAILED)


def _derive(
    results: pl.DataFrame,
    grades: pl.DataFrame,
    days: dict[str, Any],
    il2_end: dict[str, int] | None,
    therapies: pl.DataFrame | None,
    rule: RecoveryRule,
) -> list[tuple[pl.DataFrame, Table]]:
    """Return every table but the exclusions."""
    import polars as pl

    from tilseq import clinical
    from tilseq.tables import lab_grades as tables
    from tilseq.tables.summaries import SUMMARIES

    people = days["subjects"]
    by_limits = clinical.results_by_limits(results, il2_end=il2_end, **days)
    counts = clinical.recoveries(results, therapies=therapies, rule=rule, **days)
    worse = clinical.lab_worsening(clinical.worst_lab_grades(grades), subjects=people)
    significant = clinical.significant_shares(by_limits, subjects=people)
    return [
        (grades, tables.LAB_GRADES),
        (clinical.lab_shifts(grades), tables.LAB_SHIFTS),
        (pl.concat([worse, significant]), SUMMARIES),
        (counts, tables.RECOVERIES),
        (clinical.recovery_estimates(counts, subjects=people), tables.RECOVERY_ESTIMATES),
        (by_limits, tables.RESULTS_BY_LIMITS),
        (clinical.significant_results(by_limits), tables.SIGNIFICANT_RESULTS),
    ]


def _known(
    labs: Path, results: pl.DataFrame, numbers: list[int], people: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[int], list[TilseqError], list[dict[str, object]]]:
    """Return the results of known subjects with their rows in the file, a fault for each other, and its exclusion."""
    from tilseq.clinical.left_out import subjects_left_out
    from tilseq.identifiers import unknown_subjects

    found = dict([] if people is None else unknown_subjects(results, people["subject"].to_list()))
    kept = [place for place, name in enumerate(results["subject"]) if name not in found]
    for fault in found.values():
        fault.file, fault.row = str(labs), numbers[(fault.row or 2) - 2]
    strangers = subjects_left_out(results, found, "no such subject", numbers)
    excluded: list[dict[str, object]] = [{"file": str(labs), **row} for row in strangers]
    return results[kept], [numbers[place] for place in kept], list(found.values()), excluded


def _by_the_cut(
    labs: Path, results: pl.DataFrame, numbers: list[int], followed: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[int], list[dict[str, object]]]:
    """Return the results up to the data cut with their rows in the file, and the exclusions of the others."""
    from tilseq.clinical.data_cut import cut_exclusions, data_cuts, is_after_cut
    from tilseq.errors import plural

    cuts = data_cuts(followed)
    late = is_after_cut(results, cuts)
    excluded = [{"file": str(labs), **row} for row in cut_exclusions(results, cuts, "a result", numbers)]
    if late.any():
        click.echo(f"{plural(int(late.sum()), 'result')} after the data cut left out", err=True)
    return results.filter(~late), [row for row, out in zip(numbers, late, strict=True) if not out], excluded


def _exclusions(
    labs: Path, results: pl.DataFrame, numbers: list[int], grades: pl.DataFrame, version: str
) -> list[dict[str, Any]]:
    """Return what has no grade, by test and reason, as rows of `exclusions`; `kind` and `first` say more of each."""
    from tilseq.clinical.lab_exclusions import lab_exclusions, rule_in_words

    rows = []
    for row in lab_exclusions(results, grades, version=version).iter_rows(named=True):
        number = None if row["first"] is None else numbers[row["first"]]
        single = number if row["rows"] == 1 else None
        rows.append(row | {"file": str(labs), "row": single, "rule": rule_in_words(row, number)})
    return rows


def _faulty(labs: Path, faults: list[TilseqError]) -> Iterator[dict[str, object]]:
    """Yield the rows of `exclusions` of rows with a fault."""
    rules: dict[int | None, list[str]] = {}
    for fault in faults:
        rules.setdefault(fault.row, []).append(f"{fault.column}: {fault.what}")
    for row, what in rules.items():
        yield {"file": str(labs), "row": row, "rule": "; ".join(what), "rows": 1}


def _excluded(rows: list[dict[str, Any]]) -> tuple[pl.DataFrame, Table]:
    """Return the table of exclusions with its registry."""
    from tilseq.tables.outputs import EXCLUSIONS

    kept = [{name: row.get(name) for name in EXCLUSIONS.names} for row in rows]
    return EXCLUSIONS.frame(kept), EXCLUSIONS


def _tell(
    labs: Path,
    results: pl.DataFrame,
    numbers: list[int],
    grades: pl.DataFrame,
    faults: list[TilseqError],
    left_out: list[dict[str, Any]],
) -> None:
    """Tell what is wrong, how many grades there are, and which of them rest on an assumption."""
    import polars as pl

    from tilseq.clinical.lab_exclusions import reason_in_words
    from tilseq.errors import plural
    from tilseq.tables.lab_grades import TAKEN_AS

    for fault in faults:
        click.echo(f"tilseq: {fault}", err=True)
    for row in left_out:
        if row["kind"] in ("unread", "limits"):
            text = results["value_text"][row["first"]]
            more = f"; {row['rows']} such results" if row["rows"] > 1 else ""
            place = f"{labs}, row {numbers[row['first']]}"
            click.echo(f"tilseq: {place}: {reason_in_words(row)}; found {text!r}{more}", err=True)
    again = results.with_row_index("place").filter(~pl.struct(results.columns).is_first_distinct())["place"]
    if again.len():
        repeat = "1 row repeats an earlier one" if again.len() == 1 else f"{again.len()} rows repeat earlier ones"
        place = f"{labs}, row {numbers[again[0]]}"
        click.echo(f"tilseq: {place}: {repeat}, and each counts: was the file joined twice?", err=True)
    told = grades["grade"].count()
    unknown = grades.height - told
    click.echo(f"{plural(told, 'grade')} of {plural(results.height, 'result')}; {unknown} cannot be told", err=True)
    for row in left_out:
        if row["kind"] == "unknown":
            click.echo(f"{row['rule']} ({row['rows']})", err=True)
    why = pl.col("reason").str.extract(f"({TAKEN_AS} [^;]*)")
    assumed = grades.filter(pl.col("grade") > 0).with_columns(why=why).drop_nulls("why")
    for (term,), rows in assumed.group_by("term", maintain_order=True):
        click.echo(f"{term}: {plural(rows.height, 'grade')} {rows['why'][0]}", err=True)
