"""Against the same mixture over wells instead of levels, by the textbook's formulas."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.cytokines.offsets import FAR, FAR_CHANCE, LEVELS, WELLS, limits_of_levels, offsets_of

LEVEL_OF = np.array([0, 0, 1, 1, 2, 2])
# Standard errors of 0.02 each, but a common factor is not told.
INFORMATION = 2_500 * (np.eye(6) - 1 / 6)


def by_wells(information, score):
    """Return the probability, mean and covariance of every pair of spreads: normal prior, normal likelihood."""
    told = []
    for well, (near, chance), far, off in product(WELLS, LEVELS.items(), FAR, product((False, True), repeat=2)):
        levels = np.array([0, *(near**2 + far**2 * one for one in off)])
        prior = well**2 * np.eye(6) + np.where(np.equal.outer(LEVEL_OF, LEVEL_OF), levels[LEVEL_OF], 0)
        covariance = np.linalg.inv(information + np.linalg.inv(prior))
        likely = chance / 2 * np.prod(np.where(off, FAR_CHANCE, 1 - FAR_CHANCE))
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


def test_limits_hold_95_of_100_of_the_mixture():
    weight, means, covariances = by_wells(INFORMATION, score_of(0, 0, 0.1))
    rng = np.random.default_rng(1)
    drawn = [rng.multivariate_normal(means[k], covariances[k]) for k in rng.choice(len(weight), 4_000, p=weight)]
    last = np.array(drawn)[:, 4:].mean(axis=1)
    lower, upper = limits_of_levels(INFORMATION, score_of(0, 0, 0.1), LEVEL_OF, True)
    assert np.mean(last < lower[2]) == pytest.approx(0.025, abs=0.01)
    assert np.mean(last > upper[2]) == pytest.approx(0.025, abs=0.01)


def test_levels_that_are_not_shared_are_right_but_for_volumes():
    told = offsets_of(INFORMATION, score_of(0, 0.3, -0.2), LEVEL_OF, False)
    assert told.mean == pytest.approx(np.zeros(6), abs=0.1)


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=2))
def test_mirrored_errors_give_mirrored_offsets(levels):
    one, other = (offsets_of(INFORMATION, sign * score_of(0, *levels), LEVEL_OF, True) for sign in (1, -1))
    assert one.mean == pytest.approx(-other.mean, abs=1e-9)
    lower, upper = limits_of_levels(INFORMATION, score_of(0, *levels), LEVEL_OF, True)
    assert (lower < upper).all()
