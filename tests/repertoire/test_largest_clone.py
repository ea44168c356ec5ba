"""Literal limits: tests/oracles/largest_clone.R."""

import numpy as np
import pytest

from tilseq.repertoire.dominance import held_by_largest
from tilseq.repertoire.largest_clone import limits_of_largest_clone
from tilseq.repertoire.sampling import Sampling, sampled
from tilseq.repertoire.spectrum import spectrum

# counts, the last of which are clones of one cell; limits of the share of the largest
CASES = [
    ([60, 30, 10], (0.501792741271, 0.692523370289)),  # alone: those of a binomial share
    ([150, 140, 130, 120, *[60] * 10, *[1] * 2860], (0.0333164640656, 0.0434086557878)),
    ([150, 60, *[55] * 50, *[1] * 1040], (0.0319381130766, 0.0437311178629)),
]


def limits(counts):
    whole = spectrum(np.array(counts))
    return limits_of_largest_clone(whole, Sampling(whole), held_by_largest(whole, 1))


@pytest.mark.parametrize(("counts", "expected"), CASES)
def test_limits_of_the_largest_clone_as_r(counts, expected):
    assert limits(counts) == pytest.approx(expected, rel=1e-4)


def test_limits_hold_the_value_whatever_lies_beside_it():
    for counts in ([20, *[19] * 40, *[1] * 50], [20, *[1] * 50], [999, 1], [50_000, 50_000], [15, 1]):
        lower, upper = limits(counts)
        assert 0 < lower <= max(counts) / sum(counts) <= upper < 1


def test_counts_that_are_worth_fewer_cells_have_wider_limits():
    counts = np.array([300, 120, 60, *[1] * 520])
    whole = spectrum(counts)
    few = limits_of_largest_clone(*sampled(whole, 500), 0.3)
    assert few == pytest.approx((0.2610270801, 0.3412825310), rel=1e-4)  # 150 of 500 cells


def test_a_largest_clone_that_came_out_small_is_not_told_too_surely():
    """Beside others of its size its error seemed small: the mean lay above the upper limit in 6 % of such samples."""
    share = np.exp(1.5 * np.random.default_rng(0).standard_normal(20_000))
    share[share.argmax()] = 440
    share[np.argsort(share)[-4:-1]] = 290, 260, 240
    share /= share.sum()
    random = np.random.default_rng(5)
    found = []
    for _ in range(500):
        drawn = random.multinomial(3_000, share)
        whole = spectrum(drawn[drawn > 0])
        value = held_by_largest(whole, 1)
        found.append((value, *limits_of_largest_clone(whole, Sampling(whole), value)))
    value, lower, upper = np.array(found).T
    # 2.5 % each; three standard errors of 500
    assert 0.005 < np.mean(value.mean() > upper) < 0.046
    assert 0.005 < np.mean(value.mean() < lower) < 0.046
