"""Restricted means against R's survfit, by hand, and where there is none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clinical.survival_sets import AML_DAYS, AML_EVENT, AML_GROUP, read
from tilseq.clinical import rmst, rmst_difference
from tilseq.errors import AnalysisError

LUNG = read("lung")
TWO = np.array(AML_GROUP) == "maintained"


@pytest.mark.parametrize(
    ("end", "sex", "mean", "error"),
    [
        (180, 1, 151.6800802, 4.338435664),
        (180, 2, 168.0079726, 3.520430884),
        (365, 1, 241.4950852, 10.35822649),
        (365, 2, 297.4654095, 10.79132398),
        (700, 1, 308.6959191, 18.83712343),
        (700, 2, 428.0584544, 26.08551400),
    ],
)
def test_lung_by_sex(end, sex, mean, error):
    of_sex = LUNG.filter(sex=sex)
    found = rmst(of_sex["days"], of_sex["event"], end)
    assert (found.estimate, found.standard_error) == pytest.approx((mean, error), abs=1e-6)
    normal = rmst(of_sex["days"], of_sex["event"], end, interval="normal")
    assert (normal.lower, normal.upper) == pytest.approx((mean - 1.959963985 * error, mean + 1.959963985 * error))


def test_aml_by_group():
    for here, mean, error in ((TWO, 28.89772727, 3.467577679), (~TWO, 21.93055556, 3.835641163)):
        found = rmst(np.array(AML_DAYS)[here], np.array(AML_EVENT)[here], 40)
        assert (found.estimate, found.standard_error) == pytest.approx((mean, error), abs=1e-7)


def test_limits_of_the_logit_by_t():
    # R's mean and error of the maintained, and its qt(0.975, 10).
    found = rmst(np.array(AML_DAYS)[TWO], np.array(AML_EVENT)[TWO], 40)
    of_logit = 3.467577679 * 40 / (28.89772727 * (40 - 28.89772727)) * math.sqrt(11 / 10)
    middle = math.log(28.89772727 / (40 - 28.89772727))
    ends = [40 / (1 + math.exp(-(middle + side * 2.228138852 * of_logit))) for side in (-1, 1)]
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-6)


def test_the_mean_of_all_events_is_their_mean():
    assert rmst([2, 4, 6, 8], [1, 1, 1, 1], 100).estimate == 5
    assert rmst([2, 4, 6, 8], [1, 1, 1, 1], 5).estimate == (2 + 4 + 5 + 5) / 4


def test_where_nobody_is_followed_there_is_no_mean():
    found = rmst([5, 9], [1, 0], 10)
    assert math.isnan(found.estimate) and found.reason == "cannot be estimated: nobody is followed to day 10"
    assert rmst([5, 9], [0, 1], 10).estimate == 9


@pytest.mark.parametrize(
    ("days", "event", "end", "reason"),
    [
        ([5, 9], [0, 0], 5, "limits cannot be estimated: no event"),
        ([5], [1], 5, "limits cannot be estimated: one subject, or its variance is 0"),
        ([5, 5], [1, 1], 9, "limits cannot be estimated: one subject, or its variance is 0"),
    ],
)
def test_a_mean_without_limits_says_why(days, event, end, reason):
    found = rmst(days, event, end)
    assert found.estimate == 5 and math.isnan(found.lower) and found.reason == reason


# R: survfit's means and errors, its qt, qlogis and plogis, and uniroot for p (tests/oracles/survival.R).
@pytest.mark.parametrize(
    ("end", "estimate", "lower", "upper", "p"),
    [
        (180, 16.32789245859, 4.36164290340, 27.42922820387, 0.01058892293),
        (365, 55.97032434, 24.75969008, 84.50731948, 8.541771506e-04),
        (700, 119.3625353, 53.85684104, 181.4012867, 5.158584639e-04),
    ],
)
def test_the_difference_of_lung(end, estimate, lower, upper, p):
    found = rmst_difference(LUNG["days"], LUNG["event"], (LUNG["sex"] == 2).to_numpy(), end)
    assert found.estimate == pytest.approx(estimate, abs=1e-6)
    assert found.p == pytest.approx(p, rel=1e-4)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), rel=1e-6)


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans()), min_size=4, max_size=30))
def test_limits_and_p_agree_and_groups_exchange_signs(rows):
    days, event, group = (np.array(values) for values in zip(*rows, strict=True))
    if group.all() or not group.any():
        return
    found, other = rmst_difference(days, event, group, 10), rmst_difference(days, event, ~group, 10)
    if found.reason is None:
        assert found.lower <= found.estimate <= found.upper
        assert (found.p < 0.05) == (found.lower > 0 or found.upper < 0)
        assert (other.estimate, other.lower, other.upper) == pytest.approx(
            (-found.estimate, -found.upper, -found.lower)
        )
        assert other.p == pytest.approx(found.p)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([5, 9], [1, 0], 0), "the end of a mean must be a day above 0"),
        (([5, 9], [1, 0], float("nan")), "the end of a mean"),
        (([0, 9], [1, 0], 5), "the time of subject 1 cannot be"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(AnalysisError, match=message):
        rmst(*arguments)
    with pytest.raises(AnalysisError, match="two groups"):
        rmst_difference([5, 9], [1, 0], [True, True], 5)
    with pytest.raises(AnalysisError, match="no such interval"):
        rmst([5, 9], [1, 0], 5, interval="log")
