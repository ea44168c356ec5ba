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
FAR_CHANCE, FAR, MOST_FAR = 0.35, (0.1, 0.3), 2
NEGLIGIBLE = 1e-8
OUTSIDE, FURTHEST, HALVINGS = 0.025, 6.0, 40


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


@dataclass(frozen=True)
class _Tried:
    """What is told at one spread of volumes, for each of the spreads of levels.

    Given levels, the wells' offsets are normal about `through @ levels + volume @ score` with covariance `volume`.
    """

    ln: Floats
    levels: Floats
    covariances: Floats
    through: Floats
    volume: Floats


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
    evidence, means, covariances = [], [], []
    for well in WELLS:
        tried = _tried(information, score, level_of, well)
        weight = np.exp(tried.ln - tried.ln.max())
        evidence.append(tried.ln.max() + np.log(weight.sum()))
        mean, spread = _mixture(weight / weight.sum(), tried.levels, tried.covariances)
        means.append(tried.through @ mean * shared + tried.volume @ score)
        covariances.append(tried.through @ spread @ tried.through.T * shared + tried.volume)
    weight = np.exp(np.array(evidence) - max(evidence))
    weight /= weight.sum()
    return Offsets(*_mixture(weight, np.array(means), np.array(covariances)), float(np.sqrt(weight @ WELLS**2)))


def limits_of_levels(
    information: Floats, score: Floats, level_of: NDArray[np.intp], shared: bool
) -> tuple[Floats, Floats]:
    """Return 95 % limits of the mean offset of each level's wells.

    They are quantiles of the mixture: a level that is either right or far off has a distribution of two peaks.
    Parameters are those of `offsets_of`.
    """
    mean_of = np.equal.outer(np.arange(level_of.max() + 1), level_of).astype(np.float64)
    mean_of /= mean_of.sum(axis=1, keepdims=True)
    ln, middles, variances = [], [], []
    for well in WELLS:
        tried = _tried(information, score, level_of, well)
        through = mean_of @ tried.through * shared
        ln.append(tried.ln)
        middles.append(tried.levels @ through.T + mean_of @ tried.volume @ score)
        own = np.einsum("lw,wv,lv->l", mean_of, tried.volume, mean_of)
        variances.append(np.einsum("lp,kpq,lq->kl", through, tried.covariances, through) + own)
    weight = np.exp(np.concatenate(ln) - np.max(ln))
    weight /= weight.sum()
    likely = weight > NEGLIGIBLE
    middle, sd = np.concatenate(middles)[likely], np.sqrt(np.concatenate(variances)[likely])
    return _quantile(OUTSIDE, weight[likely], middle, sd), _quantile(1 - OUTSIDE, weight[likely], middle, sd)


def _quantile(level: float, weight: Floats, means: Floats, sds: Floats) -> Floats:
    """Return a quantile of mixtures of normals, means and sds components × mixtures, by halving."""
    from scipy.special import ndtr

    low, high = (means - FURTHEST * sds).min(axis=0), (means + FURTHEST * sds).max(axis=0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = weight @ ndtr((middle - means) / sds) < level * weight.sum()
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(middle)


def _tried(information: Floats, score: Floats, level_of: NDArray[np.intp], well: float) -> _Tried:
    count = int(level_of.max()) + 1
    member = np.equal.outer(level_of, np.arange(1, count)).astype(np.float64)
    spreads, prior = _spreads(count - 1)
    shrunk = np.linalg.inv(np.eye(len(score)) + well**2 * information)
    volume, through = well**2 * shrunk, shrunk @ member
    # Volumes integrated out, what is told of levels.
    told, pull = member.T @ information @ through, through.T @ score
    precision = np.eye(count - 1) + spreads[:, :, None] * told * spreads[:, None, :]
    covariances = spreads[:, :, None] * np.linalg.inv(precision) * spreads[:, None, :]
    levels = covariances @ pull
    ln = prior + levels @ pull / 2 - np.linalg.slogdet(precision)[1] / 2
    ln += np.linalg.slogdet(shrunk)[1] / 2 + score @ volume @ score / 2
    return _Tried(ln, levels, covariances, through, volume)


def _mixture(weight: Floats, means: Floats, covariances: Floats) -> tuple[Floats, Floats]:
    """Return mean and covariance of a mixture."""
    mean = weight @ means
    apart = means - mean
    return mean, np.tensordot(weight, covariances, 1) + (weight[:, None] * apart).T @ apart


@cache
def _spreads(levels: int) -> tuple[Floats, Floats]:
    """Return the standard deviations of levels that are tried, tries × levels, and ln of their prior probability."""
    which = [off for number in range(MOST_FAR + 1) for off in combinations(range(levels), number)]
    far = np.array([np.isin(np.arange(levels), off) for off in which])
    chance = np.where(far, FAR_CHANCE, 1 - FAR_CHANCE).prod(axis=1)
    spreads = [np.sqrt(near**2 + far * away**2) for near in LEVELS for away in FAR]
    ln = [np.log(chance * likely / len(FAR)) for likely in LEVELS.values() for _ in FAR]
    return np.concatenate(spreads), np.concatenate(ln)
