"""Worst grades where some cannot be told, and who became worse; all literal."""

import polars as pl
import pytest

from tilseq.clinical import (
    lab_grades,
    lab_shifts,
    lab_worsening,
    results_by_limits,
    significant_results,
    significant_shares,
    worst_lab_grades,
)
from tilseq.tables.inputs import LABS

SUBJECTS = pl.DataFrame(
    {
        "subject": [f"S{number}" for number in range(10)],
        "arm": ["a"] * 4 + ["b"] * 6,
        "lymphodepletion_day": -7,
        "first_dose_day": -7,
    }
)


def anc(subject, text, day=5, unit="10^9/L", lower=1.8):
    own = {"subject": subject, "day": day, "test": "ANC", "value_text": text, "unit": unit}
    return own | {"lower_limit": lower, "upper_limit": 7.5}


def worst(*rows, version=5):
    found = worst_lab_grades(lab_grades(LABS.frame(list(rows)), version=version, subjects=SUBJECTS))
    return found.filter(period="any")


def shares(rows, version=6, group="all"):
    found = lab_worsening(worst(*rows, version=version), subjects=SUBJECTS).filter(group=group)
    found = found.with_columns(grade=pl.col("qualifier").str.extract("worst_grade=(.*)$"))
    told = found["denominator_text"].str.extract(r"; (\d+) cannot be told").cast(pl.Int64).fill_null(0)
    return {
        grade: (numerator, total, open_)
        for (grade, numerator, total), open_ in zip(
            found.select("grade", "numerator", "denominator").rows(), told, strict=True
        )
    }


def test_who_was_never_treated_has_no_worst_grade_and_who_was_not_infused_no_period_after_it():
    people = SUBJECTS.head(3).with_columns(pl.Series("lymphodepletion_day", [-7, -7, None]), first_dose_day=None)
    rows = LABS.frame([anc(name, text, day) for name in ("S0", "S1", "S2") for day, text in ((-9, "2.0"), (5, "0.3"))])
    infusions = pl.DataFrame({"subject": ["S0"], "day": [0]})
    found = worst_lab_grades(lab_grades(rows, version=5, subjects=people, infusions=infusions))
    assert found.select("subject", "period", "worst_grade").sort("subject", "period").rows() == [
        ("S0", "any", 4), ("S0", "follow_up_30", 4), ("S1", "any", 4), ("S1", "lymphodepletion", 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "known", "at_least", "results"),
    [
        ([anc("S0", "0.1", unit="furlong"), anc("S0", "2.0", 6)], None, 0, 2),
        ([anc("S0", "0.1", unit="furlong"), anc("S0", "1.2", 6)], None, 2, 2),
        ([anc("S0", "clotted"), anc("S0", "0.3", 6)], 4, 4, 2),  # nothing is above 4
        ([anc("S0", "1.6", lower=None), anc("S0", "1.7", 6)], 1, 1, 2),  # at most 1 without its limit
        ([anc("S0", "1.6", lower=None), anc("S0", "2.0", 6)], None, 0, 2),
        ([anc("S0", None), anc("S0", "2.0", 6)], 0, 0, 1),  # not done
        ([anc("S0", "2.0"), anc("S0", "2.0"), anc("S0", "1.9")], 0, 0, 2),  # one is written twice
    ],
)
def test_a_worst_grade_is_known_only_where_no_result_can_have_a_higher_one(rows, known, at_least, results):
    (found,) = worst(*rows).iter_rows(named=True)
    assert (found["worst_grade"], found["worst_at_least"], found["results"]) == (known, at_least, results)


def test_without_any_result_there_is_no_row():
    assert worst(anc("S0", None)).is_empty()


# Version 6 has grade 4 below 0.1: of "<0.2" it is 3 or 4.
def test_neutrophils_below_the_limit_of_the_analyser_are_counted_as_worse():
    base = [anc(f"S{number}", "4", -9) for number in range(10)]
    low = [anc(f"S{number}", "<0.2") for number in range(8)] + [anc("S8", "0.6"), anc("S9", "0.6")]
    assert shares(base + low) == {
        "1": (0, 10, 0), "2": (2, 10, 0), "3": (0, 2, 8), "4": (0, 2, 8), "3-4": (8, 10, 0), "any": (10, 10, 0),
    }  # fmt: skip
    assert shares(base + low, group="arm=a")["3-4"] == (4, 4, 0)
    assert shares(base + low, group="arm=b")["any"] == (6, 6, 0)


@pytest.mark.parametrize(
    ("before", "after", "grade", "share"),
    [
        ("<1.8", "0.05", "any", (0, 0, 1)),  # the baseline may be 4 itself
        ("<1.8", "0.05", "4", (0, 0, 1)),
        (">0.6", "0.3", "any", (1, 1, 0)),  # 2 at most, then 3
        (">0.6", "0.3", "3", (1, 1, 0)),
        (">0.6", "1.2", "any", (0, 0, 1)),  # 2 at most, then 1
        ("0.3", "0.05", "4", (1, 1, 0)),
        ("0.3", "0.05", "3-4", (0, 0, 0)),  # it was 3 before
        ("0.3", "0.05", "any", (1, 1, 0)),
        ("0.05", "0.05", "any", (0, 0, 0)),  # nothing is worse than 4
        ("0.6", "<2", "any", (0, 0, 1)),
        ("0.6", "0.3", "2", (0, 0, 0)),
    ],
)
def test_what_is_known_within_limits_counts_where_they_decide(before, after, grade, share):
    assert shares([anc("S0", before, -9), anc("S0", after)])[grade] == share


def test_a_baseline_that_was_never_measured_is_no_grade():
    assert shares([anc("S0", "0.05")])["any"] == (1, 1, 0)


def test_one_arm_is_no_group():
    alone = SUBJECTS.with_columns(arm=pl.lit("a"))
    found = worst(anc("S0", "0.3"))
    assert lab_worsening(found, subjects=alone)["group"].unique().to_list() == ["all"]
    assert lab_worsening(found)["group"].unique().to_list() == ["all"]


def test_no_results_have_no_shares():
    assert lab_worsening(worst()).is_empty()


def test_grades_and_limits_of_pandas_are_read():
    """They ended in a traceback."""
    rows = [anc("S1", "2", -8), anc("S1", "0.4"), anc("S2", None, -8), anc("S2", "<1"), anc("S3", "5")]
    grades = lab_grades(LABS.frame(rows), version=5, subjects=SUBJECTS)
    assert lab_shifts(grades.to_pandas()).equals(lab_shifts(grades))
    worst_grades = worst_lab_grades(grades)
    assert worst_lab_grades(grades.to_pandas()).equals(worst_grades)
    assert lab_worsening(worst_grades.to_pandas()).equals(lab_worsening(worst_grades))
    limits = results_by_limits(LABS.frame([row | {"clinically_significant": True} for row in rows]), subjects=SUBJECTS)
    assert significant_results(limits.to_pandas()).equals(significant_results(limits))
    assert significant_shares(limits.to_pandas()).equals(significant_shares(limits))
