"""Against the same mixture over wells instead of levels, by the textbook's formulas."""

from itertools import product
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.cytokines.offsets import FAR, FAR_BESIDE, FAR_CHANCE, FREE, LEVELS, STEPS, WELLS, level_errors, offsets_of

LEVEL_OF = np.array([0, 0, 1, 1, 2, 2])
# Standard errors of 0.02 each, but a common factor is not told.
INFORMATION = 2_500 * (np.eye(6) - 1 / 6)


def by_wells(information, score, free=None):
    """Return the probability, mean and covariance of every pair of spreads: normal prior, normal likelihood.

    The variance of level `free` is that of an error of any size.
    """
    told = []
    for well, step, near, far, off in product(WELLS, STEPS, LEVELS, FAR, list(product((False, True), repeat=2))):
        if near > FAR_BESIDE and (any(off) or far != FAR[0]):
            continue  # levels that are off anyway are not far off besides
        own = np.array([0, *(near**2 + far**2 * one for one in off)])
        if free:
            own[free] += FREE**2
        # The first level below the top is one step down, the second two, of which one is the first's.
        levels = np.diag(own) + step**2 * np.array([[0, 0, 0], [0, 1, 1], [0, 1, 2]])
        prior = well**2 * np.eye(6) + levels[np.ix_(LEVEL_OF, LEVEL_OF)]
        covariance = np.linalg.inv(information + np.linalg.inv(prior))
        likely = STEPS[step] * LEVELS[near]
        likely *= 1 if near > FAR_BESIDE else np.prod(np.where(off, FAR_CHANCE, 1 - FAR_CHANCE)) / 2
        evidence = np.sqrt(np.linalg.det(covariance) / np.linalg.det(prior)) * np.exp(score @ covariance @ score / 2)
        told.append((likely * evidence, covariance @ score, covariance))
    weight, means, covariances = (np.array(part) for part in zip(*told, strict=True))
    return weight / weight.sum(), means, covariances


def score_of(*levels):
    return INFORMATION @ np.array(levels)[LEVEL_OF]


@pytest.mark.parametrize("levels", [(0, 0.3, -0.2), (0, 0, 0.1), (0, 0.01, -0.01)])
def test_mean_and_covariance_are_those_of_the_mixture(levels):
    weight, means, covariances = by_wells(INFORMATION, score_of(*levels))
    told = offsets_of(INFORMATION, score_of(*levels), LEVEL_OF, True)
    mean = weight @ means
    assert told.mean == pytest.approx(mean, abs=1e-9)
    spread = np.einsum("k,kij->ij", weight, covariances) + (weight * (means - mean).T) @ (means - mean)
    assert told.covariance == pytest.approx(spread, abs=1e-9)
    assert told.well**2 == pytest.approx(weight @ np.repeat(WELLS**2, len(weight) // len(WELLS)), rel=1e-9)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_median_and_limits_of_a_level_are_those_of_the_mixture(level):
    score = score_of(0, 0.2, 0.1)
    weight, means, covariances = by_wells(INFORMATION, score, level)
    mean_of = (LEVEL_OF == level) / 2
    middle, sd = means @ mean_of, np.sqrt(covariances @ mean_of @ mean_of)
    told = level_errors(INFORMATION, score, LEVEL_OF)
    for share, at in ((0.5, told.median), (0.025, told.lower), (0.975, told.upper)):
        below = sum(w * NormalDist(m, s).cdf(at[level]) for w, m, s in zip(weight, middle, sd, strict=True))
        assert below == pytest.approx(share, abs=1e-5)


def test_an_error_told_vaguely_is_not_drawn_towards_0():
    """One level alone is told, to 0.05, and stands 0.10 high: a normal about 0.10 + a volume's, of which 0.1 shows."""
    information = np.diag([1e6, 1e6, 200, 200, 1e6, 1e6])
    score = information @ np.array([0, 0, 0.1, 0.1, 0, 0])
    drawn, told = offsets_of(information, score, LEVEL_OF, True), level_errors(information, score, LEVEL_OF)
    assert told.median[1] == pytest.approx(0.1, abs=0.002)
    assert drawn.mean[2:4].mean() < 0.08
    # Two wells known to 1 / sqrt(200) each: a standard error of 0.05.
    assert told.upper[1] - told.median[1] == pytest.approx(1.96 * 0.05, abs=0.003)
    assert told.median[1] - told.lower[1] == pytest.approx(1.96 * 0.05, abs=0.003)


def test_levels_that_are_not_shared_are_right_but_for_volumes():
    told = offsets_of(INFORMATION, score_of(0, 0.3, -0.2), LEVEL_OF, False)
    assert told.mean == pytest.approx(np.zeros(6), abs=0.1)


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=2))
def test_mirrored_errors_give_mirrored_offsets(levels):
    one, other = (offsets_of(INFORMATION, sign * score_of(0, *levels), LEVEL_OF, True) for sign in (1, -1))
    assert one.mean == pytest.approx(-other.mean, abs=1e-9)
    one, other = (level_errors(INFORMATION, sign * score_of(0, *levels), LEVEL_OF) for sign in (1, -1))
    assert one.median == pytest.approx(-other.median, abs=1e-6)
    assert one.lower == pytest.approx(-other.upper, abs=1e-6)
    assert (one.lower < one.median).all()
