"""Periods of the treatment: the first and last day of each."""

import polars as pl
import pytest

from tilseq.clinical.periods import Periods, period_of, periods_of, with_periods
from tilseq.errors import AnalysisError, StudyError

# Lymphodepletion from day -7, a second infusion on day 2, IL-2 up to day 5, and 30 days after the last infusion.
BOUNDS = Periods(lymphodepletion_day=-7, infusion_end_day=5, follow_up_end_day=32)
EDGES = [
    (-8, "screening"),
    (-7, "lymphodepletion"),
    (-1, "lymphodepletion"),
    (0, "infusion"),
    (5, "infusion"),
    (6, "follow_up_30"),
    (32, "follow_up_30"),
    (33, "later"),
    (None, None),
]


def subjects(**cells):
    row = {"subject": "S1", "lymphodepletion_day": -7, "first_dose_day": None} | cells
    return pl.DataFrame([row], schema_overrides={"lymphodepletion_day": pl.Int64, "first_dose_day": pl.Int64})


@pytest.mark.parametrize(("day", "expected"), EDGES)
def test_period_of_the_days_about_each_edge(day, expected):
    assert period_of(day, BOUNDS) == expected


def test_periods_of_a_table_are_those_of_each_day():
    frame = pl.DataFrame({"subject": "S1", "start_day": [day for day, _ in EDGES]})
    found = with_periods(frame, {"S1": BOUNDS}, day="start_day")
    assert found["period"].to_list() == [expected for _, expected in EDGES]
    assert found["start_day"].to_list() == frame["start_day"].to_list()


def test_boundaries_come_from_infusions_and_il2():
    infusions = pl.DataFrame({"subject": ["S1", "S1"], "day": [0, 2]})
    assert periods_of(subjects(), infusions, il2_end={"S1": 5}) == {"S1": BOUNDS}
    assert periods_of(subjects(), infusions) == {"S1": Periods(-7, 2, 32)}
    assert periods_of(subjects(), il2_end={"S1": 40}) == {"S1": Periods(-7, 40, 40)}


def test_infusions_of_a_misspelt_subject_are_refused_and_those_of_others_are_not():
    infusions = pl.DataFrame({"subject": ["s1"], "day": [0]})
    with pytest.raises(AnalysisError, match="no such subject; found 's1'.*did you mean 'S1'"):
        periods_of(subjects(), infusions)
    assert not periods_of(subjects(), infusions.with_columns(subject=pl.lit("S2")))["S1"].infused


def test_a_first_dose_before_the_infusion_begins_lymphodepletion():
    assert periods_of(subjects(lymphodepletion_day=None, first_dose_day=-5))["S1"].lymphodepletion_day == -5
    assert periods_of(subjects(lymphodepletion_day=None, first_dose_day=0))["S1"].lymphodepletion_day is None
    assert periods_of(subjects(first_dose_day=-9))["S1"].lymphodepletion_day == -7


def test_without_a_day_of_lymphodepletion_a_day_before_the_infusion_has_no_period():
    frame = pl.DataFrame({"subject": ["S2", "S2"], "day": [-3, 3]})
    assert with_periods(frame, {})["period"].to_list() == [None, "follow_up_30"]
    assert period_of(-3, Periods()) is None
    assert Periods().start_day == 0


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({}, ["screening", "lymphodepletion", "lymphodepletion", "lymphodepletion"]),  # lymphodepleted, product failed
        ({"lymphodepletion_day": None, "first_dose_day": 0}, ["screening", "screening", *["lymphodepletion"] * 2]),
        ({"lymphodepletion_day": None}, ["screening"] * 4),  # never treated
    ],
)
def test_who_was_not_infused_reaches_no_period_of_the_infusion(days, expected):
    infusions = pl.DataFrame({"subject": ["S2", "S1"], "day": [0, 0], "cells": [1e9, 0]})
    bounds = periods_of(subjects(**days), infusions)
    frame = pl.DataFrame({"subject": "S1", "day": [-8, -7, 0, 90]})
    assert with_periods(frame, bounds)["period"].to_list() == expected
    assert [period_of(day, bounds["S1"]) for day in frame["day"]] == expected


def test_lymphodepletion_after_the_infusion_is_refused():
    with pytest.raises(StudyError, match="subject S1 does not begin before the infusion; found 7"):
        periods_of(subjects(lymphodepletion_day=7))


def test_a_first_dose_after_the_infusion_is_refused():
    with pytest.raises(StudyError, match="column first_dose_day: the first dose of subject S1 is after the infusion"):
        periods_of(subjects(first_dose_day=1))
