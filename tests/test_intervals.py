import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.intervals import (
    clopper_pearson,
    difference_of_shares,
    jeffreys,
    log_normal,
    poisson,
    ratio_of_counts,
    scalar,
)


@pytest.mark.parametrize("level", [95, 1, 0, -0.5, float("nan")])
def test_a_level_that_is_none_is_refused(level):
    """Limits of 95 were empty, those of -0.5 the wrong way round."""
    for limits in (clopper_pearson(3, 10), jeffreys(3, 10), poisson(3)):
        assert limits[0] < limits[1]
    for call in (lambda: clopper_pearson(3, 10, level), lambda: jeffreys(3, 10, level), lambda: poisson(3, level)):
        with pytest.raises(AnalysisError, match="a level lies between 0 and 1"):
            call()


# R: binom.test(x, n)$conf.int
@pytest.mark.parametrize(
    ("count", "total", "lower", "upper"),
    [
        (0, 10, 0.0, 0.308497),
        (5, 10, 0.187086, 0.812914),
        (10, 10, 0.691503, 1.0),
        (11, 36, 0.163474, 0.481071),
        (48, 153, 0.2412148559, 0.3936170317),
        (7, 5000, 0.00056305202429, 0.00288239435280),
        (0, 100000, 0.0, 3.68881141579e-05),
    ],
)
def test_clopper_pearson_equals_r(count, total, lower, upper):
    assert scalar(clopper_pearson(count, total)) == pytest.approx((lower, upper), rel=2e-6)


# R: qbeta(c(0.025, 0.975), count + 0.5, total - count + 0.5)
@pytest.mark.parametrize(
    ("count", "total", "lower", "upper"),
    [
        (3, 50, 0.0171866491, 0.1515325630),
        (6.4, 760, 0.0036283233, 0.0169238246),
        (12.5, 1000, 0.0069396175, 0.0208676796),
        (0, 20, 0.0, 0.1166389829),
        (20, 20, 0.8833610171, 1.0),
    ],
)
def test_jeffreys_equals_r(count, total, lower, upper):
    assert scalar(jeffreys(count, total)) == pytest.approx((lower, upper), rel=1e-8)


def test_a_total_of_zero_has_no_interval():
    for interval in (clopper_pearson, jeffreys):
        lower, upper = interval([0, 1], [0, 2])
        assert np.isnan(lower[0]) and np.isnan(upper[0])
        assert not np.isnan(lower[1])


def test_more_than_the_total_is_refused():
    for interval in (clopper_pearson, jeffreys):
        with pytest.raises(ValueError, match="count <= total"):
            interval(3, 2)


# R: poisson.test(x)$conf.int
@pytest.mark.parametrize(
    ("count", "lower", "upper"), [(0, 0, 3.688879), (5, 1.623486, 11.668332), (100, 81.36399125, 121.62679379)]
)
def test_poisson_equals_r(count, lower, upper):
    assert scalar(poisson(count)) == pytest.approx((lower, upper), rel=1e-6)


# R: poisson.test(c(a, b))$conf.int
@pytest.mark.parametrize(
    ("a", "b", "lower", "upper"), [(10, 20, 0.209005965, 1.119183044), (300, 150, 1.638612263, 2.449609534)]
)
def test_ratio_of_counts_equals_r(a, b, lower, upper):
    assert scalar(ratio_of_counts(a, b)) == pytest.approx((lower, upper), rel=1e-6)


def test_a_ratio_over_nothing_is_unbounded_above():
    lower, upper = scalar(ratio_of_counts(5, 0))
    assert lower > 0 and math.isinf(upper)


@given(total=st.integers(1, 10**6), share=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_the_interval_holds_the_estimate_and_mirrors(total, share, level):
    count = round(share * total)
    lower, upper = scalar(clopper_pearson(count, total, level))
    assert 0 <= lower <= count / total <= upper <= 1
    mirrored = scalar(clopper_pearson(total - count, total, level))
    assert mirrored == pytest.approx((1 - upper, 1 - lower), abs=1e-9)


DRAWS = 200_000


def quantiles(value, lower, upper):
    """Return the 2.5, 50 and 97.5 % points of draws."""
    draws = log_normal(value, lower, upper, np.random.default_rng(1), DRAWS)
    assert draws.shape == (DRAWS, *np.shape(value))
    return np.quantile(draws, [0.025, 0.5, 0.975], axis=0)


def test_log_normal_draws_have_the_value_as_median_and_the_limits_as_limits():
    assert quantiles(50, 20, 60) == pytest.approx([20, 50, 60], rel=0.01)
    # Half way on the side's own scale in logarithms: 16 % below one standard deviation, ln(50 / 20) / 1.96.
    draws = log_normal(50, 20, 60, np.random.default_rng(2), DRAWS)
    assert np.mean(draws < 50 * math.exp(-math.log(2.5) / 1.959964)) == pytest.approx(0.1586553, abs=0.003)
    assert np.mean(draws > 50 * math.exp(math.log(1.2) / 1.959964)) == pytest.approx(0.1586553, abs=0.003)


def test_a_lower_limit_of_0_is_reached_and_not_passed():
    draws = log_normal(50, 0, 60, np.random.default_rng(1), DRAWS)
    assert draws.min() == 0
    assert np.mean(draws == 0) == pytest.approx(0.025, abs=0.002)
    # Normal below the value: a standard deviation of 50 / 1.96.
    assert np.mean(draws < 50 - 50 / 1.959964) == pytest.approx(0.1586553, abs=0.003)


def test_log_normal_draws_of_many_values_are_independent_and_keep_their_limits():
    found = quantiles([1.0, 200.0], [0.5, 180.0], [4.0, 220.0])
    assert found == pytest.approx(np.array([[0.5, 180], [1, 200], [4, 220]]), rel=0.02)
    draws = log_normal([1.0, 1.0], [0.5, 0.5], [2.0, 2.0], np.random.default_rng(3), DRAWS)
    assert np.corrcoef(np.log(draws).T)[0, 1] == pytest.approx(0, abs=0.01)


def test_a_limit_that_is_not_known_leaves_its_side_without_numbers():
    draws = log_normal(50, math.nan, 60, np.random.default_rng(1), DRAWS)
    assert np.mean(np.isnan(draws)) == pytest.approx(0.5, abs=0.005)
    assert np.nanmin(draws) >= 50
    assert np.isnan(log_normal(50, 40, math.nan, np.random.default_rng(1), 100)).any()


@given(value=st.floats(1e-6, 1e9), down=st.floats(1, 1e3), up=st.floats(1, 1e3))
def test_log_normal_draws_are_finite_and_above_0(value, down, up):
    draws = log_normal(value, value / down, value * up, np.random.default_rng(1), 50)
    assert np.isfinite(draws).all() and (draws > 0).all()


# tests/oracles/intracellular.R: MOVER of binom.test's limits, in percentage points
@pytest.mark.parametrize(
    ("counts", "lower", "upper"),
    [
        ((50, 10000, 5, 10000), 0.305095587667, 0.612215253207),
        ((12, 5000, 3, 8000), 0.06600486494, 0.383815983913),
        ((3, 500, 0, 50000), 0.123848597557, 1.74336737259),
        ((0, 500, 0, 500), -0.735061005191, 0.735061005191),
        ((7, 2000, 9, 2000), -0.553618285203, 0.34305802014),
        ((56, 70, 48, 80), 4.38868782078, 34.4171023208),
        ((10, 10, 0, 20), 64.8516999444, 100),
    ],
)
def test_difference_of_shares_equals_r(counts, lower, upper):
    low, high = scalar(difference_of_shares(*counts))
    assert (100 * low, 100 * high) == pytest.approx((lower, upper), rel=1e-9)


def test_a_difference_from_nothing_has_no_interval():
    lower, upper = difference_of_shares([1, 1], [2, 2], [0, 1], [0, 2])
    assert np.isnan(lower[0]) and np.isnan(upper[0]) and lower[1] == -upper[1]
