"""Laboratory results graded by the CTCAE, and how grades shift from before treatment to each period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import polars as pl

from tilseq.clinical.assessments import Row
from tilseq.clinical.ctcae import SYMPTOMS, Criterion, Symptoms, criteria, ctcae_version
from tilseq.clinical.grading import graded
from tilseq.clinical.lab_values import baselines, by_test, lab_values
from tilseq.clinical.periods import PERIODS, periods_of
from tilseq.errors import AnalysisError
from tilseq.intervals import clopper_pearson, scalar
from tilseq.lab_tests import lab_test
from tilseq.tables import as_polars, conform
from tilseq.tables.lab_grades import ANY_PERIOD, LAB_GRADES, LAB_SHIFTS
from tilseq.tables.summaries import SUMMARIES

BASE = {"low": "base_low", "high": "base_high", "lower_limit": "base_lower", "upper_limit": "base_upper"}
TREATMENT_PERIODS = PERIODS[1:]


def lab_grades(
    labs: Any,
    *,
    version: str | int | None = None,
    subjects: Any = None,
    infusions: Any = None,
    il2_end: Mapping[str, int] | None = None,
    symptoms: Symptoms = "assumed",
) -> pl.DataFrame:
    """Grade laboratory results by the Common Terminology Criteria for Adverse Events.

    A result takes a row for each term that it can be graded by, such as hypokalaemia and hyperkalaemia; results of
    tests without a term take none, see `ungraded_tests`. How a grade is found: `tilseq.clinical.grading.graded`.
    The baseline is the last result before lymphodepletion, or before day 0 where its day is not known.
    Thresholds that the NCI prints in several units are taken in the unit of the result; else it is converted to theirs.

    Parameters
    ----------
    labs
        Table `labs`.
    version
        Version of the CTCAE, 5 or 6; there is no default.
    subjects, infusions
        Tables `subjects` and `infusions`; without subjects no day of lymphodepletion is known.
    il2_end
        Subject → day of the last dose of IL-2, up to which the period `infusion` lasts.
    symptoms
        What is taken of grades that a laboratory value alone does not give (potassium, sodium, urate, lipase, amylase,
        INR): `assumed` (the worse: symptomatic, on anticoagulation) or `not_assumed`. Grades that are clinical
        altogether, such as 4 of anaemia, are never given.

    Returns
    -------
    polars.DataFrame
        Table `lab_grades`.

    Raises
    ------
    AnalysisError
        The version or policy is not known.
    TableError, StudyError
        A table breaks its registry; a subject of the results is not among the subjects.
    """
    named = ctcae_version(version)
    days: dict[str, Any] = {"subjects": subjects, "infusions": infusions, "il2_end": il2_end}
    return grades_by(labs, criteria(named), version=named, symptoms=symptoms, **days)


def grades_by(
    labs: Any,
    rows: Sequence[Criterion],
    *,
    version: str,
    subjects: Any = None,
    infusions: Any = None,
    il2_end: Mapping[str, int] | None = None,
    symptoms: Symptoms = "assumed",
) -> pl.DataFrame:
    """Grade results by criteria at hand, see `lab_grades`; `version` is what the table then names."""
    if symptoms not in SYMPTOMS:
        raise AnalysisError("no such policy on symptoms", found=symptoms, expected=" or ".join(SYMPTOMS))
    periods = None if subjects is None else periods_of(subjects, infusions, il2_end=il2_end)
    results = by_test(lab_values(labs, periods))
    before = {name: baselines(part, periods) for name, part in results.items()}
    parts = [
        _of_term(results[term[0].test], before[term[0].test], term, symptoms).with_columns(
            pl.lit(term[0].term).alias("term"),
            pl.lit(term[0].direction).alias("direction"),
            (2 * pl.col("row") + (term[0].direction == "high")).alias("row"),
        )
        for term in _terms(rows)
        if term[0].test in results
    ]
    if not parts:
        return LAB_GRADES.frame([])
    found = pl.concat(parts).with_columns(pl.lit(version).alias("version")).sort("row", maintain_order=True)
    return conform(found.select(LAB_GRADES.names), LAB_GRADES)


def lab_shifts(grades: pl.DataFrame) -> pl.DataFrame:
    """Count subjects by the grade before treatment and the worst grade of each period.

    Of each subject the worst grade counts once a test, term and period, see `worst_lab_grades`. A subject without a
    result in a period is not counted in it. Of results before treatment nothing is counted but the baseline.

    Parameters
    ----------
    grades
        Table `lab_grades`.

    Returns
    -------
    polars.DataFrame
        Table `lab_shifts`; period `any` is the worst from the start of treatment on.
    """
    counted = pl.len().cast(pl.Int64).alias("subjects")
    what = ["test", "term", "direction", "period", "baseline_grade", "worst_grade"]
    return conform(worst_lab_grades(grades).group_by(what).agg(counted), LAB_SHIFTS)


def worst_lab_grades(grades: pl.DataFrame) -> pl.DataFrame:
    """Return the worst grade of each subject, test, term and period from the start of treatment on.

    It is null where none can be told, and where a result without a grade is surely worse than all that have one.

    Parameters
    ----------
    grades
        Table `lab_grades`.

    Returns
    -------
    polars.DataFrame
        Columns `subject, test, term, direction, period, baseline_grade, worst_grade, results`: plain names of tests,
        period `any` for all of them together, and how many results there are. Sorted by all but the last three.
    """
    names = grades["test"].unique()
    plain = {name: test.name for name in names if (test := lab_test(name)) is not None}
    since = grades.filter(pl.col("period").is_in(TREATMENT_PERIODS)).with_columns(pl.col("test").replace(plain))
    since = pl.concat([since, since.with_columns(pl.lit(ANY_PERIOD).alias("period"))])
    what = ["subject", "test", "term", "direction", "period"]
    worst = pl.col("grade").max()
    told = pl.when(worst >= pl.col("grade_at_least").max()).then(worst)
    found = (pl.col("baseline_grade").first(), told.alias("worst_grade"), pl.len().cast(pl.Int64).alias("results"))
    return since.group_by(what).agg(found).sort(what)


def lab_worsening(shifts: pl.DataFrame, *, level: float = 0.95) -> pl.DataFrame:
    """Return the share of subjects whose worst grade is above the one before treatment, with exact limits.

    As tern's table of worsening by baseline has it: a subject counts for the grade that is its worst where that is
    above its baseline; the denominator is subjects with a worst grade whose baseline is below that grade or not known.
    Qualifier `worst_grade=any` is any worsening, of subjects whose baseline is below 4 or not known.

    Parameters
    ----------
    shifts
        Table `lab_shifts`.
    level
        Coverage of the limits.

    Returns
    -------
    polars.DataFrame
        Table `summaries`, parameter `lab worsening`.
    """
    of_term = ["test", "term", "direction", "period"]
    rows: list[Row] = []
    for key, part in shifts.filter(pl.col("worst_grade").is_not_null()).group_by(of_term, maintain_order=True):
        base, worst = pl.col("baseline_grade").fill_null(0), pl.col("worst_grade")
        worse = part.filter(worst > base)
        for grade in ("1", "2", "3", "4", "any"):
            counted = worse if grade == "any" else worse.filter(worst == int(grade))
            at_risk = part.filter(base < (4 if grade == "any" else int(grade)))
            named = zip([*of_term, "worst_grade"], [*map(str, key), grade], strict=True)
            rows.append(_share(dict(named), int(counted["subjects"].sum()), int(at_risk["subjects"].sum()), level))
    return SUMMARIES.frame(rows)


def _share(named: dict[str, str], count: int, total: int, level: float) -> Row:
    lower, upper = scalar(clopper_pearson(count, total, level))
    known = total > 0
    below = "4" if named["worst_grade"] == "any" else named["worst_grade"]
    return {
        "population": "with a result in the period",
        "group": "all",
        "parameter": "lab worsening",
        "qualifier": ";".join(f"{name}={value}" for name, value in sorted(named.items())),
        "numerator": count,
        "denominator": total,
        "denominator_text": f"subjects with a worst grade whose baseline is below {below} or not known",
        "estimate": count / total if known else None,
        "lower": lower if known else None,
        "upper": upper if known else None,
        "method": "Clopper-Pearson, exact",
    }


def ungraded_tests(labs: Any, version: str | int) -> dict[str, int]:
    """Return test → how many of its results no term of a version grades, in the order of the results."""
    known = {row.test for row in criteria(ctcae_version(version))} | {"calcium"}
    tests: Iterable[str] = as_polars(labs)["test"]
    return Counter(name for name in tests if (test := lab_test(name)) is None or test.name not in known)


def _terms(rows: Sequence[Criterion]) -> list[list[Criterion]]:
    """Return the criteria of each term, test and direction."""
    key = [(row.term, row.test, row.direction) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: key.index(key[i]))
    return [[rows[i] for i in some] for _, some in groupby(order, key=lambda i: key[i])]


def _of_term(
    results: pl.DataFrame, before: pl.DataFrame, term: Sequence[Criterion], symptoms: Symptoms
) -> pl.DataFrame:
    """Grade the results of one test by one term, with the grade of each subject's baseline."""
    own = before.select(
        "subject", *((pl.col(name) * pl.col("factor")).alias(new) for name, new in BASE.items()), baseline_day="day"
    )
    at_start = before.with_columns(
        value=pl.col("low"), unit=pl.col("plain_unit"), refused=pl.lit(None, pl.String), note=pl.lit(None, pl.String)
    ).join(own, on="subject")
    first = graded(at_start, term, symptoms).select("subject", baseline_grade="grade")
    needed = results.drop("name", "clinically_significant")
    found = graded(needed.join(own.join(first, on="subject", how="left"), on="subject", how="left"), term, symptoms)
    return found.drop(
        "plain_unit", "factor", "low", "high", "lower_limit", "upper_limit", "refused", "note", *BASE.values()
    )
