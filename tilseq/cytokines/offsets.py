"""How far standard wells are off: the dilution errors of levels and the volumes of wells, given what curves tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.curve import Floats

# Standard deviations of natural logarithms that are tried, all alike likely a priori: of each well's volume, and of
# the dilution error of a level that is not far off.
WELLS = np.geomspace(0.01, 0.3, 9)
LEVELS = np.geomspace(0.01, 0.5, 10)
# A level may be far off while others are right: chance, standard deviation, and how many of a plate are looked for.
FAR_CHANCE, FAR, MOST_FAR = 0.1, 0.3, 2


@dataclass(frozen=True)
class Offsets:
    """ln(true over nominal) of standard wells.

    Attributes
    ----------
    mean, covariance
        Of the wells, all spreads tried weighted by their probability.
    well
        Root mean square of the standard deviation of a well's volume.
    """

    mean: Floats
    covariance: Floats
    well: float


def offsets_of(information: Floats, score: Floats, level_of: NDArray[np.intp], shared: bool) -> Offsets:
    """Return how far wells are off a posteriori.

    A well's offset is the dilution error of its level + that of its volume, both normal; the top level has no dilution
    error, and of the others up to two may be far off. Their spreads are not known: the result is the mean over a grid
    of them, by their marginal likelihood (a scale mixture of normals).

    Parameters
    ----------
    information, score
        What curves tell: ln likelihood is ``score @ u - u @ information @ u / 2`` of offsets u.
    level_of
        Level of each well, 0 for the top.
    shared
        Whether levels have dilution errors.
    """
    count = int(level_of.max()) + 1
    member = np.equal.outer(level_of, np.arange(1, count)).astype(np.float64)
    spreads, prior = _tried(count - 1) if shared else (np.zeros((1, count - 1)), np.zeros(1))
    evidence, means, covariances = [], [], []
    for well in WELLS:
        # Volumes integrated out, what is told of levels; given these, wells are `through @ levels + volume @ score`.
        shrunk = np.linalg.inv(np.eye(len(score)) + well**2 * information)
        volume, through = well**2 * shrunk, shrunk @ member
        told, pull = member.T @ information @ through, through.T @ score
        precision = np.eye(count - 1) + spreads[:, :, None] * told * spreads[:, None, :]
        covariance = spreads[:, :, None] * np.linalg.inv(precision) * spreads[:, None, :]
        middle = covariance @ pull
        ln = prior + middle @ pull / 2 - np.linalg.slogdet(precision)[1] / 2
        weight = np.exp(ln - ln.max())
        mean, spread = _mixture(weight / weight.sum(), middle, covariance)
        means.append(through @ mean + volume @ score)
        covariances.append(through @ spread @ through.T + volume)
        rest = np.linalg.slogdet(shrunk)[1] / 2 + score @ volume @ score / 2
        evidence.append(ln.max() + np.log(weight.sum()) + rest)
    weight = np.exp(np.array(evidence) - np.max(evidence))
    weight /= weight.sum()
    return Offsets(*_mixture(weight, np.array(means), np.array(covariances)), float(np.sqrt(weight @ WELLS**2)))


def _mixture(weight: Floats, means: Floats, covariances: Floats) -> tuple[Floats, Floats]:
    """Return mean and covariance of a mixture."""
    mean = weight @ means
    apart = means - mean
    return mean, np.tensordot(weight, covariances, 1) + (weight[:, None] * apart).T @ apart


@cache
def _tried(levels: int) -> tuple[Floats, Floats]:
    """Return the standard deviations of levels that are tried, tries × levels, and ln of their prior probability."""
    far = np.array([
        np.isin(np.arange(levels), off) for number in range(MOST_FAR + 1) for off in combinations(range(levels), number)
    ])
    spreads = np.sqrt(LEVELS[:, None, None] ** 2 + far * FAR**2)
    ln = far.sum(axis=1) * np.log(FAR_CHANCE) + (~far).sum(axis=1) * np.log(1 - FAR_CHANCE)
    return spreads.reshape(-1, levels), np.tile(ln, len(LEVELS))
