"""Tail probabilities by R (tests/oracles/contamination.R)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.repertoire.chance_sharing import fit_chance, upper_tail


@pytest.mark.parametrize(
    ("count", "mean", "dispersion", "expected"),
    [
        (1, 0.5, 0.25, 0.37570492303),
        (4, 0.5, 0.25, 0.00403954113021),
        (8, 0.5, 0.25, 2.80707538552e-06),
        (450, 90, 0.25, 4.38625829356e-06),
        (35, 3, 1, 4.23783671009e-05),
        (0, 0.5, 0.25, 1),
    ],
)
def test_upper_tail_is_that_of_r(count, mean, dispersion, expected):
    assert upper_tail(count, mean, dispersion) == pytest.approx(expected, rel=1e-9)


def test_the_rate_is_shared_clones_over_products():
    found = fit_chance([3, 1, 0, 4], [1e6, 1e6, 1e6, 1e6])
    assert found.rate == pytest.approx(8.5 / 4e6)  # half a clone is added
    assert found.pairs == 4
    assert fit_chance([], []).pairs == 0
    assert np.isnan(fit_chance([], []).rate)


def test_swapped_pairs_take_no_part():
    clean = np.random.default_rng(1).poisson(2, 60)
    found = fit_chance([*clean, 800, 750, 35, 90], np.full(64, 1e6))
    assert found.pairs == 60
    assert found.rate == pytest.approx((clean.sum() + 0.5) / 60e6)


def test_half_of_the_pairs_may_be_swapped():
    assert fit_chance([0, 2, 700, 650], [1e6, 1e6, 1e6, 1e6]).rate == pytest.approx(2.5 / 2e6)


def test_pairs_that_no_two_people_can_be_tell_no_rate():
    """690 of 1,187 and 1,234 clones are 471 of a million pairs; of 50 or fewer clones nothing is said."""
    found = fit_chance([690], [1187 * 1234], most=1e-5)
    assert (found.rate, found.pairs) == (1e-5, 1)
    assert upper_tail(690, found.rate * 1187 * 1234, found.dispersion) < 1e-9
    beside = fit_chance([690, 700, 3], np.full(3, 1e6), most=1e-5)
    assert (beside.rate, beside.pairs) == (3.5e-6, 1)
    assert fit_chance([51, 51], [1e6, 1e6], most=1e-5).rate == 1e-5
    assert fit_chance([50, 50], [1e6, 1e6], most=1e-5).rate == 100.5 / 2e6
    assert fit_chance([690], [1187 * 1234]).rate == 690.5 / (1187 * 1234)


def test_pairs_that_scatter_more_than_the_least_are_heard():
    # mean m = 30.125 and sum of squares 1400.0625, by hand: (1400.0625 - 4 m) / 4 m^2
    found = fit_chance([10, 20, 30, 60], np.ones(4))
    assert (found.rate, found.pairs) == (30.125, 4)
    assert found.dispersion == pytest.approx(1279.5625 / 3630.0625)
    assert fit_chance([28, 30, 31, 29], np.ones(4)).dispersion == 0.25


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.floats(1, 1e9))
def test_a_rate_is_above_0_and_scales_with_size(shared, size):
    found = fit_chance(shared, np.full(len(shared), size))
    assert found.rate > 0
    assert found.rate * size == pytest.approx(fit_chance(shared, np.ones(len(shared))).rate)
    assert 1 <= found.pairs <= len(shared)
