"""A mixture of bead populations: places shared by all wells of a plate, shares and a small shift by well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_ROUNDS, STILL = 60, 1e-4
WELL_ROUNDS = 4
# Squared distance within which an event is a bead of a population: 99.9 % of a normal one in three dimensions.
WITHIN = 16.27
LEAST_SPREAD = 0.01  # natural logarithm
SHIFT_SPREAD = 0.05  # natural logarithm, a priori standard deviation of a well's shift


@dataclass(frozen=True)
class Mixture:
    """Normal populations over an even background, on natural logarithms.

    Attributes
    ----------
    centres
        populations × dimensions.
    precisions
        populations × dimensions × dimensions: inverse covariances.
    shares
        Of each population; what is missing to 1 is background.
    background
        Its logarithmic density, even over the space that events span.
    """

    centres: Floats
    precisions: Floats
    shares: Floats
    background: float

    @property
    def covariances(self) -> Floats:
        """Populations × dimensions × dimensions."""
        return np.asarray(np.linalg.inv(self.precisions))


def fit_mixture(events: Floats, start: NDArray[np.intp], populations: int) -> Mixture:
    """Fit populations to the pooled events of a plate by expectation and maximisation.

    An event outside the `WITHIN` ellipsoid of a population takes no part in its place and shape, so that doublets and
    debris, which the even background holds, do not move it.

    Parameters
    ----------
    events
        events × dimensions, natural logarithms.
    start
        For each event the population that it starts in, -1 for none. Each population has a few.
    populations
        How many there are.
    """
    low, high = events.min(axis=0), events.max(axis=0)
    background = -float(np.log(np.maximum(high - low, LEAST_SPREAD)).sum())
    terms = _terms(events)
    centres = np.array([np.median(events[start == k], axis=0) for k in range(populations)])
    covariances = np.array([_robust_covariance(events[start == k]) for k in range(populations)])
    shares = np.bincount(start[start >= 0], minlength=populations) / len(events)
    mixture = Mixture(centres, np.linalg.inv(covariances), shares, background)
    for _ in range(MOST_ROUNDS):
        squares, part = _responsibilities(terms, mixture)
        part[squares > WITHIN] = 0
        count = np.maximum(part.sum(axis=0), 1e-9)
        centres = part.T @ events / count[:, None]
        covariances = np.array(
            [
                ((events - centres[k]) * part[:, [k]]).T @ (events - centres[k]) / count[k]
                + LEAST_SPREAD**2 * np.eye(events.shape[1])
                for k in range(populations)
            ]
        )
        moved = float(np.abs(centres - mixture.centres).max())
        mixture = Mixture(centres, np.linalg.inv(covariances), count / len(events), background)
        if moved < STILL:
            break
    return mixture


def fit_well(events: Floats, mixture: Mixture) -> tuple[Mixture, Floats]:
    """Fit the shares of one well, and a shift by which all its populations lie off those of the plate.

    The shift is the same for all populations and near 0 a priori (standard deviation `SHIFT_SPREAD` in each
    dimension), so that a well of few beads is not moved.

    Parameters
    ----------
    events
        events × dimensions, natural logarithms; may hold none.
    mixture
        That of the plate.

    Returns
    -------
    mixture
        That of the well.
    shift
        By dimension.
    """
    shift = np.zeros(events.shape[1])
    well = mixture
    terms = _terms(events)
    prior = np.eye(events.shape[1]) / SHIFT_SPREAD**2
    for _ in range(WELL_ROUNDS):
        squares, part = _responsibilities(terms, well)
        part[squares > WITHIN] = 0
        count = part.sum(axis=0)
        gaps = part.T @ events - count[:, None] * mixture.centres
        pull = np.einsum("kij,kj->i", mixture.precisions, gaps)
        shift = np.linalg.solve(np.einsum("kij,k->ij", mixture.precisions, count) + prior, pull)
        shares = np.maximum(count, 1e-9) / max(len(events), 1)
        well = replace(mixture, centres=mixture.centres + shift, shares=shares)
    return well, shift


def assign(events: Floats, mixture: Mixture, clear: float) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the population of each event, -1 for none, and whether it lies within the ellipsoid of any.

    Parameters
    ----------
    events
        events × dimensions, natural logarithms.
    mixture
        That of the well.
    clear
        Least probability of a population, against the others and the background, at which an event is its bead.
    """
    squares, part = _responsibilities(_terms(events), mixture)
    best, own = part.argmax(axis=1), np.arange(len(events))
    inside = squares <= WITHIN
    ours = inside[own, best] & (part[own, best] >= clear)
    return np.where(ours, best, -1), inside.any(axis=1)


def separations(mixture: Mixture) -> Floats:
    """Return how many standard deviations each population lies from its nearest neighbour; infinite for a lone one.

    It is the Mahalanobis distance under the mean of both covariances, shape (populations,).
    """
    covariances, number = mixture.covariances, len(mixture.centres)
    told = np.full(number, np.inf)
    for one in range(number):
        for other in range(number):
            if one != other:
                gap = mixture.centres[one] - mixture.centres[other]
                shared = (covariances[one] + covariances[other]) / 2
                told[one] = min(told[one], float(np.sqrt(gap @ np.linalg.solve(shared, gap))))
    return told


def _terms(events: Floats) -> Floats:
    """Return products of coordinates: all squared distances are one product of matrices with them."""
    i, j = np.triu_indices(events.shape[1])
    return np.column_stack([events[:, i] * events[:, j], events, np.ones(len(events))])


def _responsibilities(terms: Floats, mixture: Mixture) -> tuple[Floats, Floats]:
    """Return squared distances and the probability of each population, both events × populations."""
    number, dimensions = mixture.centres.shape
    i, j = np.triu_indices(dimensions)
    weights = np.where(i == j, 1.0, 2.0) * mixture.precisions[:, i, j]
    slopes = -2 * np.einsum("kij,kj->ki", mixture.precisions, mixture.centres)
    constants = np.einsum("ki,kij,kj->k", mixture.centres, mixture.precisions, mixture.centres)
    squares = np.maximum(terms @ np.column_stack([weights, slopes, constants]).T, 0)
    log_height = 0.5 * (np.linalg.slogdet(mixture.precisions)[1] - dimensions * np.log(2 * np.pi))
    height = np.exp(np.minimum(log_height + np.log(np.maximum(mixture.shares, 1e-12)), 700.0) - squares / 2)
    rest = np.exp(mixture.background) * max(1 - float(mixture.shares.sum()), 1e-6)
    return squares, height / (height.sum(axis=1, keepdims=True) + rest)


def _robust_covariance(events: Floats) -> Floats:
    """Return a diagonal covariance by the median absolute deviation."""
    spread = 1.4826 * np.median(np.abs(events - np.median(events, axis=0)), axis=0)
    return np.diag(np.maximum(spread, LEAST_SPREAD) ** 2)
