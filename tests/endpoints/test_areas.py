import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tilseq.endpoints.areas import area
from tilseq.errors import AnalysisError

# Theophylline, subject 1 (Boeckmann, Sheiner and Beal, NONMEM Users Guide 1994; R's data set Theoph).
HOURS = np.array([0, 0.25, 0.57, 1.12, 2.02, 3.82, 5.1, 7.03, 9.05, 12.12, 24.37])
THEOPHYLLINE = np.array([0.74, 2.84, 6.57, 10.5, 9.66, 8.58, 8.36, 7.47, 6.89, 5.94, 3.28])


# Phoenix WinNonlin and R's NonCompart 148.92305 (linear); NonCompart and PKNCA 147.2347485 (linear up, log down).
@pytest.mark.parametrize(("rule", "expected"), [("linear", 148.92305), ("linear_up_log_down", 147.2347485)])
def test_theophylline_equals_winnonlin_noncompart_and_pknca(rule, expected):
    assert area(HOURS, THEOPHYLLINE, 0, 24.37, rule) == pytest.approx(expected, rel=1e-9)


def test_by_hand():
    days, values = np.array([0.0, 1, 2, 4, 5]), np.array([0.0, 10, 8, 4, 4])
    # 5 + 2 / ln 1.25 + 2 * 4 / ln 2 + 4
    assert area(days, values, 0, 5) == pytest.approx(5 + 2 / 0.22314355 + 8 / 0.69314718 + 4)
    assert area(days, values, 0, 5, "linear") == 5 + 9 + 12 + 4


def test_bounds_between_two_days_follow_the_course():
    days, values = np.array([0.0, 10, 20]), np.array([0.0, 100, 25])
    # Rises by 10 a day; falls by half in 5 days, so that day 15 is 50.
    assert area(days, values, 2, 10) == pytest.approx((20 + 100) / 2 * 8)
    assert area(days, values, 10, 15) == pytest.approx(50 * 5 / math.log(2))
    assert area(days, values, 15, 20, "linear") == pytest.approx((62.5 + 25) / 2 * 5)
    assert area(days, values, 20, 20) == 0


@given(st.lists(st.floats(0.1, 60), min_size=2, max_size=8, unique=True), st.floats(0.01, 1))
def test_an_exponential_has_its_integral_whatever_days_are_measured(days, rate):
    days = np.sort(np.array(days))
    assume(np.diff(days).min() > 0.01)
    exact = (math.exp(-rate * days[0]) - math.exp(-rate * days[-1])) / rate
    assert area(days, np.exp(-rate * days), days[0], days[-1]) == pytest.approx(exact, rel=1e-6)


VALUES = st.floats(0, 1e6, allow_subnormal=False)


@given(st.lists(VALUES, min_size=4, max_size=4), st.integers(0, 3), VALUES, st.floats(0, 30), st.floats(0, 30))
def test_more_of_a_value_is_never_less_area(values, which, more, start, end):
    days, start, end = np.array([0.0, 7, 14, 30]), min(start, end), max(start, end)
    low, high = np.array(values), np.array(values)
    high[which] += more
    for rule in ("linear", "linear_up_log_down"):
        assert area(days, low, start, end, rule) <= area(days, high, start, end, rule) * (1 + 1e-9) + 1e-9
    assert area(days, low, start, end) <= area(days, low, start, end, "linear") * (1 + 1e-9) + 1e-9


def test_a_fall_to_0_is_the_limit_of_falls_to_ever_less():
    days = np.array([0.0, 1])
    assert area(days, np.array([5.0, 0]), 0, 1) == 0
    assert area(days, np.array([5.0, 0]), 0, 1, "linear") == 2.5
    assert area(days, np.array([5.0, 5e-300]), 0, 1) == pytest.approx(5 / (300 * math.log(10)))


def test_many_courses_at_once():
    courses = np.array([[0.0, 10, 8], [4, 4, 4], [4, 2, 1]])
    one_by_one = [float(area(np.array([0.0, 1, 3]), course, 0.5, 2)) for course in courses]
    assert area(np.array([0.0, 1, 3]), courses, 0.5, 2) == pytest.approx(one_by_one)


@pytest.mark.parametrize(("days", "start", "end"), [([1.0, 5], 0, 5), ([0.0, 5], 0, 6), ([0.0, 5], 4, 3), ([], 0, 1)])
def test_bounds_beyond_the_days_measured_are_refused(days, start, end):
    with pytest.raises(AnalysisError, match="needs values up to both its bounds"):
        area(np.array(days), np.ones(len(days)), start, end)
