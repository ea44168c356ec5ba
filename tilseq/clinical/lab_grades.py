"""Laboratory results graded by the CTCAE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import polars as pl

from tilseq.clinical.ctcae import SYMPTOMS, Criterion, Symptoms, criteria, ctcae_version
from tilseq.clinical.grading import graded
from tilseq.clinical.lab_values import baselines, by_test, lab_values
from tilseq.clinical.periods import Periods, periods_of_results
from tilseq.errors import AnalysisError
from tilseq.tables import conform
from tilseq.tables.lab_grades import LAB_GRADES

LYMPHODEPLETION_LASTS = 14  # days before the infusion at the most
BASELINE = {"baseline_grade": "grade", "baseline_at_least": "grade_at_least", "baseline_at_most": "grade_at_most"}
BASE = {"low": "base_low", "high": "base_high", "lower_limit": "base_lower", "upper_limit": "base_upper"}


def lab_grades(
    labs: Any,
    *,
    version: str | int | None = None,
    subjects: Any = None,
    infusions: Any = None,
    il2_end: Mapping[str, int] | None = None,
    symptoms: Symptoms = "assumed",
    anticoagulation: bool = False,
) -> pl.DataFrame:
    """Grade laboratory results by the Common Terminology Criteria for Adverse Events.

    A result takes a row for each term that it can be graded by, such as hypokalaemia and hyperkalaemia; results of
    tests without a term take none, see `lab_exclusions`. How a grade is found: `tilseq.clinical.grading.graded`.
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
        What is taken of grades that a laboratory value alone does not give (potassium, sodium, urate, lipase,
        amylase): `assumed` (the worse: symptomatic) or `not_assumed`. Grades that are clinical altogether, such as 4 of
        anaemia, are never given.
    anticoagulation
        Whether subjects are on anticoagulation: INR then counts by multiples of its baseline too, so that any rise of
        it is grade 1.

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
    policies: dict[str, Any] = {"symptoms": symptoms, "anticoagulation": anticoagulation}
    return grades_by(labs, criteria(named), version=named, **policies, **days)


def grades_by(
    labs: Any,
    rows: Sequence[Criterion],
    *,
    version: str,
    subjects: Any = None,
    infusions: Any = None,
    il2_end: Mapping[str, int] | None = None,
    symptoms: Symptoms = "assumed",
    anticoagulation: bool = False,
) -> pl.DataFrame:
    """Grade results by criteria at hand, see `lab_grades`; `version` is what the table then names."""
    if symptoms not in SYMPTOMS:
        raise AnalysisError("no such policy on symptoms", found=symptoms, expected=" or ".join(SYMPTOMS))
    periods = periods_of_results(labs, subjects, infusions, il2_end=il2_end)
    results = by_test(lab_values(labs, periods))
    before = {name: baselines(part, periods) for name, part in results.items()}
    parts = [
        _of_term(results[term[0].test], before[term[0].test], term, symptoms, anticoagulation).with_columns(
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
    found = found.with_columns(_unsure_baseline({} if subjects is None else periods or {}))
    return conform(found.select(LAB_GRADES.names), LAB_GRADES)


def _unsure_baseline(periods: Mapping[str, Periods]) -> pl.Expr:
    """Return the reason, which tells where a baseline may lie within lymphodepletion, whose day is not known."""
    unknown = [name for name, one in periods.items() if one.infused and one.lymphodepletion_day is None]
    near = pl.col("subject").is_in(unknown) & (pl.col("baseline_day") >= -LYMPHODEPLETION_LASTS)
    after = pl.col("day") >= 0
    told = pl.format("day of lymphodepletion not known: the baseline of day {} may lie within it", "baseline_day")
    return pl.concat_str("reason", pl.when(near & after).then(told), separator="; ", ignore_nulls=True).replace(
        "", None
    )


def _terms(rows: Sequence[Criterion]) -> list[list[Criterion]]:
    """Return the criteria of each term, test and direction."""
    key = [(row.term, row.test, row.direction) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: key.index(key[i]))
    return [[rows[i] for i in some] for _, some in groupby(order, key=lambda i: key[i])]


def _of_term(
    results: pl.DataFrame, before: pl.DataFrame, term: Sequence[Criterion], symptoms: Symptoms, anticoagulation: bool
) -> pl.DataFrame:
    """Grade the results of one test by one term, with the grade of each subject's baseline."""
    by = partial(graded, rows=term, symptoms=symptoms, anticoagulation=anticoagulation)
    own = before.select(
        "subject", *((pl.col(name) * pl.col("factor")).alias(new) for name, new in BASE.items()), baseline_day="day"
    )
    at_start = before.with_columns(
        value=pl.col("low"), unit=pl.col("plain_unit"), refused=pl.lit(None, pl.String), note=pl.lit(None, pl.String)
    ).join(own, on="subject")
    first = by(at_start).select("subject", **BASELINE)
    needed = results.drop("name", "clinically_significant")
    found = by(needed.join(own.join(first, on="subject", how="left"), on="subject", how="left"))
    return found.drop(
        "plain_unit", "factor", "low", "high", "lower_limit", "upper_limit", "refused", "note", *BASE.values()
    )
