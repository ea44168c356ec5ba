"""How far standard wells are off: the dilution errors of levels and the volumes of wells, given what curves tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.curve import Floats

# Standard deviations of natural logarithms that are tried: of each well's volume (all alike likely a priori), and of
# the dilution errors of levels, with how likely each is. Levels are right, as likely as not, but for one or two.
WELLS = np.geomspace(0.005, 0.3, 9)
LEVELS = {0.005: 0.4, 0.1: 0.15, 0.2: 0.15, 0.4: 0.15, 0.8: 0.15}
# A level may be far off while others are less so: its chance, standard deviations, and how many are looked for.
FAR_CHANCE, FAR, MOST_FAR = 0.2, (0.1, 0.3), 2


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
        Whether levels' dilution errors are told; otherwise they are left to the curves, and volumes are judged by wells
        of one level alone.
    """
    count = int(level_of.max()) + 1
    member = np.equal.outer(level_of, np.arange(1, count)).astype(np.float64)
    spreads, prior = _tried(count - 1)
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
        means.append(through @ mean * shared + volume @ score)
        covariances.append(through @ spread @ through.T * shared + volume)
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
    which = [off for number in range(MOST_FAR + 1) for off in combinations(range(levels), number)]
    far = np.array([np.isin(np.arange(levels), off) for off in which])
    chance = np.where(far, FAR_CHANCE, 1 - FAR_CHANCE).prod(axis=1)
    spreads = [np.sqrt(near**2 + far * away**2) for near in LEVELS for away in FAR]
    ln = [np.log(chance * likely / len(FAR)) for likely in LEVELS.values() for _ in FAR]
    return np.concatenate(spreads), np.concatenate(ln)
