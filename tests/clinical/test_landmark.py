"""Times from a landmark: who is still at risk on it, and why others are not."""

import pytest

from tests.clinical.survival_sets import table
from tilseq.clinical import landmark, survival_curve
from tilseq.errors import AnalysisError, TableError


def test_who_is_at_risk_on_a_landmark_and_why_others_are_not():
    rows = table([42, 43, 43, 100, None, 60], [True, True, False, False, None, True], start_day=[0, 0, 0, -10, 0, 50])
    found = landmark(rows, 42).select("subject", "start_day", "end_day", "days", "event", "rule", "reason")
    assert found.rows() == [
        ("00", 42, None, None, None, "not_evaluable", "event on day 41, not after the landmark"),
        ("01", 42, None, None, None, "not_evaluable", "event on day 42, not after the landmark"),
        ("02", 42, None, None, None, "not_evaluable", "censored on day 42, not after the landmark"),
        ("03", 42, 89, 48, False, "landmark", None),
        ("04", 42, None, None, None, "not_evaluable", "could not be evaluated"),
        ("05", 42, None, None, None, "not_evaluable", "its clock starts on day 50, after the landmark"),
    ]


def test_what_comes_of_a_landmark_is_a_table_of_times():
    curve = survival_curve(landmark(table([10, 50, 60], [True, True, False]), 42))
    assert curve["day"].to_list() == [0, 8, 18]
    assert curve["at_risk"].to_list() == [2, 2, 1]


def test_a_landmark_needs_the_day_of_the_origin():
    with pytest.raises(TableError, match="column start_day: a landmark needs the day of each origin"):
        landmark(table([5], [True]).drop("start_day"), 42)


@pytest.mark.parametrize("day", [5.5, 5.0, True, "5", None])
def test_a_landmark_is_a_whole_day(day):
    with pytest.raises(AnalysisError, match="a landmark is a whole day"):
        landmark(table([9], [True]), day)
