"""Laboratory results: worst grades, shifts, recoveries of blood counts, what was called clinically significant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.rates import rate_cell
from tilseq.report.results import Results
from tilseq.report.safety import PERIODS
from tilseq.report.view import Cell, Head, View, count, text
from tilseq.report.words import plural, share
from tilseq.tables import Row
from tilseq.tables.lab_grades import (
    ANY_PERIOD,
    FOR_THE_TEST,
    NO_TERM,
    NOT_GRADED,
    NOT_READ,
    TAKEN_AS,
    TAKEN_AS_NORMAL,
    UNGRADED,
)

GRADES = (0, 1, 2, 3, 4)
FILES = ("clinical/labs.csv", "clinical/lb.csv")


def worst_grades(results: Results) -> View:
    """Return subjects by the worst grade since treatment began, a row a term, the most severe first."""
    table = results.tables["lab_shifts"].filter(period=ANY_PERIOD)
    worse = _worsening(results)
    heads = [Head("Term", "test"), Head("Subjects", numeric=True)]
    heads += [Head(f"{grade}", numeric=True, group="worst grade, subjects") for grade in GRADES]
    heads += [Head("not known", numeric=True, group="worst grade, subjects")]
    heads += [Head(words, "% (limits)", True, "worse than before treatment") for words in ("Any", "To grade 3–4")]
    assumed = _assumed(results)
    found: dict[tuple[str, str], dict[int | None, int]] = {}
    for term, test, grade, subjects in table.select("term", "test", "worst_grade", "subjects").iter_rows():
        own = found.setdefault((term, test), {})
        own[grade] = own.get(grade, 0) + subjects
    graded = [(key, own) for key, own in found.items() if set(own) - {0}]
    severe = sorted(graded, key=lambda item: ([-item[1].get(grade, 0) for grade in (4, 3, 2, 1)], item[0]))
    rows = [
        [
            Cell(f"{term}*" if term in assumed else term, note=test, kind="name"),
            count(sum(own.values())),
            *(_counted(own.get(grade, 0)) for grade in (*GRADES, None)),
            *(rate_cell(worse.get((term, test, grade))) for grade in (ANY_PERIOD, "3-4")),
        ]
        for (term, test), own in severe
    ]
    version = results.tables["lab_grades"]["version"].drop_nulls()
    by = f", CTCAE {version[0]}" if version.len() else ""
    return View(f"Laboratory terms by worst grade{by}", heads, rows, _nothing(results), "tables/lab_shifts.csv")


def remarks(results: Results) -> str:
    """Return what must be said beside the grades: what rests on an assumption, and what has no grade at all."""
    told = []
    for words, rows in sorted(_assumed(results).items()):
        told.append(f"* {words}: {rows}")
    rules = results.tables["exclusions"].filter(pl.col("rule").str.starts_with(f"{NOT_GRADED}{NO_TERM}"))
    unknown = [
        f"{rule.partition(f' {FOR_THE_TEST} ')[2].partition(';')[0]} ({rows:,})"
        for rule, rows in rules.select("rule", "rows").iter_rows()
    ]
    if unknown:
        told.append(f"No grade is of these tests, with their results: {', '.join(unknown)}")
    unread = int(results.tables["exclusions"].filter(pl.col("rule").str.starts_with(NOT_READ))["rows"].sum())
    if unread:
        told.append(f"{plural(unread, 'result')} could not be read, see exclusions")
    return "".join(f"{sentence}. " for sentence in told).rstrip()


def significance(results: Results) -> str:
    """Return the share of subjects with a result called clinically significant, a sentence; empty without one."""
    rows = results.tables["summaries"].filter(
        group="all", parameter="lab_clinically_significant", qualifier=f"period={ANY_PERIOD}"
    )
    if rows.is_empty() or rows["estimate"][0] is None:
        return ""
    row = rows.row(0, named=True)
    limits = share(row["estimate"], row["lower"], row["upper"])
    of = f"{row['numerator']:,} of {row['denominator']:,} subjects"
    return (
        f"A result since treatment began was called clinically significant in {of}, {limits} % with exact 95 % limits: "
        f"{row['denominator_text']}."
    )


def shifts(results: Results) -> View:
    """Return subjects by the grade before treatment and the worst in each period."""
    found: dict[tuple[str, str, str, int | None], dict[int | None, int]] = {}
    for row in results.tables["lab_shifts"].iter_rows(named=True):
        key = (row["term"], row["test"], row["period"], row["baseline_grade"])
        found.setdefault(key, {})[row["worst_grade"]] = row["subjects"]
    heads = [Head("Term", "test"), Head("Period"), Head("Before", "grade", True)]
    heads += [Head(f"{grade}", numeric=True, group="worst grade, subjects") for grade in GRADES]
    heads += [Head("not known", numeric=True, group="worst grade, subjects")]
    rows = [
        [
            Cell(term, note=test, kind="name"),
            Cell("all from treatment on" if period == ANY_PERIOD else PERIODS.get(period, period)),
            Cell("not known" if before is None else f"{before}", kind="number"),
            *(_counted(own.get(grade, 0)) for grade in (*GRADES, None)),
        ]
        for (term, test, period, before), own in sorted(found.items(), key=lambda item: _place(item[0]))
    ]
    title = "Shifts of grades from before treatment to the worst of each period"
    return View(title, heads, rows, _nothing(results), "tables/lab_shifts.csv")


def recoveries(results: Results) -> View:
    """Return when blood counts were back: of those below the threshold how many, the median by Kaplan-Meier, days."""
    table = results.tables["recoveries"]
    heads = [Head("Blood count", "10⁹/L"), Head("Subjects", numeric=True), Head("Never below", numeric=True)]
    heads += [Head("Back", numeric=True), Head("Day back", "median (limits), Kaplan-Meier", True)]
    heads += [Head("Days", "first to last of those back", True)]
    heads += [Head("Not back", "at the last result", True), Head("Not evaluable", numeric=True)]
    medians = {
        row["parameter"]: row
        for row in results.tables["recovery_estimates"].filter(group="all", quantity="median").iter_rows(named=True)
    }
    rows = []
    for (name,), own in table.group_by("parameter", maintain_order=True):
        days = own.filter(rule="recovered")["end_day"]
        rows.append(
            [
                Cell(_count_in_words(f"{name}"), kind="name"),
                count(own.height),
                count(own.filter(rule="never_below").height),
                count(days.len()),
                _median(medians.get(f"{name}")),
                _span(days.to_list()),
                *(count(own.filter(rule=rule).height) for rule in ("not_recovered", "not_evaluable")),
            ]
        )
    empty = results.nothing("recoveries", "No blood count was recorded after treatment began.", needs=FILES)
    return View("Recovery of blood counts", heads, rows, empty, "tables/recoveries.csv")


def subject_recoveries(results: Results) -> View:
    """Return the recovery of each subject with its nadir."""
    heads = [Head("Subject"), Head("Blood count", "10⁹/L"), Head("Day", "or last result", True), Head("What ended it")]
    heads += [Head("Reason")]
    rows = [
        [
            Cell(row["subject"], kind="name"),
            Cell(_count_in_words(row["parameter"])),
            count(row["end_day"]),
            Cell(row["rule"].replace("_", " "), note=row["description"] or ""),
            text(row["reason"], "prose"),
        ]
        for row in results.tables["recoveries"].sort("subject", "parameter").iter_rows(named=True)
    ]
    empty = results.nothing("recoveries", "No blood count was recorded after treatment began.")
    return View("Recovery of each subject", heads, rows, empty, "tables/recoveries.csv")


def significant(results: Results) -> View:
    """Return how many results of each subject and period the investigator called clinically significant."""
    table = results.tables["significant_results"].filter(pl.col("judged") > 0)
    known = set(table["period"].fill_null("unknown").to_list())
    shown = [period for period in PERIODS if period in known]
    heads = [Head("Subject"), *(Head(PERIODS[period], "of those judged", True) for period in shown), Head("Tests")]
    found: dict[str, dict[str, Row]] = {}
    for row in table.iter_rows(named=True):
        found.setdefault(row["subject"], {})[row["period"] or "unknown"] = row
    rows = [
        [
            Cell(subject, kind="name"),
            *(_judged(own.get(period)) for period in shown),
            Cell(", ".join(_tests(own)) or "–", kind="prose"),
        ]
        for subject, own in sorted(found.items())
    ]
    empty = results.nothing("significant_results", "No result was judged by the investigator.")
    return View("Results called clinically significant", heads, rows, empty, "tables/significant_results.csv")


def _span(days: Sequence[int]) -> Cell:
    return Cell(f"{min(days)} to {max(days)}", kind="number") if days else Cell("–", kind="missing")


def _median(row: Row | None) -> Cell:
    """Return a median in days of the study, of which the infusion's is 0; NE where it is not reached."""
    if row is None:
        return Cell("–", kind="missing")
    values = ["NE" if row[name] is None else f"{max(row[name] - 1, 0):g}" for name in ("estimate", "lower", "upper")]
    return Cell(f"{values[0]} ({values[1]} to {values[2]})", kind="number")


def _assumed(results: Results) -> dict[str, str]:
    """Return each term of which grades rest on an assumption → how many results, and on which."""
    reason = pl.col("reason").str.extract(f"({TAKEN_AS} [^;]*)")
    rows = results.tables["lab_grades"].filter(pl.col("grade") > 0).with_columns(why=reason).drop_nulls("why")
    return {
        f"{term}": f"{plural(own.height, 'result')} {own['why'][0]}"
        for (term,), own in rows.filter(pl.col("why") != TAKEN_AS_NORMAL).group_by("term", maintain_order=True)
    }


def _place(key: tuple[str, str, str, int | None]) -> tuple[str, str, int, bool, int]:
    term, test, period, before = key
    return term, test, [*PERIODS, ANY_PERIOD].index(period), before is None, before or 0


def _worsening(results: Results) -> dict[tuple[str, str, str], Row]:
    """Return the shares of subjects that became worse since treatment began, by term, test and grade."""
    found = {}
    rows = results.tables["summaries"].filter(group="all", parameter="lab_worsening")
    for row in rows.iter_rows(named=True):
        at = qualifier_pairs(row["qualifier"])
        if at["period"] == ANY_PERIOD:
            found[at["term"], at["test"], at["worst_grade"]] = row
    return found


def _nothing(results: Results) -> str:
    if UNGRADED in results.tables["exclusions"]["rule"]:
        return (
            "Laboratory results are not graded: study.yaml names no version of the CTCAE (analysis.clinical.ctcae, "
            "5 or 6; grades differ between them, so none is taken by default)."
        )
    failed = "labs" in results.tables["failures"]["step"]
    told = "No laboratory result was graded." + (" See failures." if failed else "")
    return results.nothing("lab_grades", told, needs=FILES)


def _counted(subjects: int) -> Cell:
    return count(subjects) if subjects else Cell("·", kind="missing")


def _judged(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell("–", kind="missing")
    return Cell(f"{row['significant']} of {row['judged']}", kind="number")


def _tests(own: Mapping[str, Row]) -> Sequence[str]:
    told = [test for row in own.values() for test in (row["tests"] or "").split("; ") if test]
    return sorted(set(told), key=str.casefold)


def _count_in_words(parameter: str) -> str:
    return parameter.removeprefix("recovery: ").replace(">=", "≥")
