"""How far standard wells are off: the dilution errors of levels and the volumes of wells, given what curves tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.curve import Floats

# Standard deviations of natural logarithms that are tried: of each well's volume (all alike likely a priori), and of
# the dilution errors of levels, with how likely each is. Levels are right, as likely as not, but for one or two.
WELLS = np.geomspace(0.005, 0.3, 9)
LEVELS = {0.005: 0.4, 0.1: 0.15, 0.2: 0.15, 0.4: 0.15, 0.8: 0.15}
# A level may be far off where others are at most so much off: its chance, standard deviations, how many are looked for.
FAR_BESIDE, FAR_CHANCE, FAR, MOST_FAR = 0.1, 0.35, (0.1, 0.3), 2
# Each level is diluted from the one above it, so that an error of a step carries on to all below: standard deviations
# of steps, with how likely each is. A factor of all levels below the top is in them, which no plate tells.
STEPS = {0.0: 0.4, 0.05: 0.4, 0.1: 0.2}
FREE = 3.0  # standard deviation of a level that is not drawn towards 0: a factor of 400 either way
NEGLIGIBLE = 1e-7
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
class LevelErrors:
    """ln(true over nominal) of standard levels, each not drawn towards 0: see `level_errors`.

    Attributes
    ----------
    median, lower, upper
        Of each level's wells in the mean, with 95 % limits.
    """

    median: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True)
class _Seen:
    """What is told of levels at one spread of volumes.

    Their ln likelihood is ``ln + pull @ levels - levels @ told @ levels / 2``. Given levels, the wells' offsets are
    normal about `through @ levels + volume @ score` with covariance `volume`.
    """

    ln: float
    told: Floats
    pull: Floats
    through: Floats
    volume: Floats


@dataclass(frozen=True)
class _Tried:
    """Levels a posteriori at each of the spreads of levels that are tried: ln evidence, means and covariances."""

    ln: Floats
    means: Floats
    covariances: Floats


def offsets_of(information: Floats, score: Floats, level_of: NDArray[np.intp], shared: bool) -> Offsets:
    """Return how far wells are off a posteriori.

    A well's offset is the dilution error of its level + that of its volume, both normal. The top level has no dilution
    error. That of another is the sum of the errors of the steps down to it, which it shares with the levels below, and
    one of its own; up to two may be far off. All spreads are not known: the result is the mean over a grid of them, by
    their marginal likelihood (a scale mixture of normals).

    Parameters
    ----------
    information, score
        What curves tell: ln likelihood is ``score @ u - u @ information @ u / 2`` of offsets u.
    level_of
        Level of each well, 0 for the top.
    shared
        Whether levels' dilution errors are told; otherwise levels are taken as right, and volumes are judged by wells
        of one level alone.
    """
    evidence, means, covariances = [], [], []
    for well in WELLS:
        seen = _seen(information, score, level_of, well)
        tried = _tried(seen)
        weight = np.exp(tried.ln - tried.ln.max())
        evidence.append(tried.ln.max() + np.log(weight.sum()))
        mean, spread = _mixture(weight / weight.sum(), tried.means, tried.covariances)
        means.append(seen.through @ mean * shared + seen.volume @ score)
        covariances.append(seen.through @ spread @ seen.through.T * shared + seen.volume)
    weight = np.exp(np.array(evidence) - max(evidence))
    weight /= weight.sum()
    return Offsets(*_mixture(weight, np.array(means), np.array(covariances)), float(np.sqrt(weight @ WELLS**2)))


def level_errors(information: Floats, score: Floats, level_of: NDArray[np.intp]) -> LevelErrors:
    """Return how far each level is off, not drawn towards 0.

    `offsets_of` draws errors towards 0 by what levels are like a priori, which steadies curves, but of an error that
    the plate tells but vaguely it takes up to a half. Here each level in turn may be off by any factor, all alike
    likely, while the others are as in `offsets_of`: the estimate has hardly a bias, and its limits hold a large error
    as well as a small one; it scatters more. The top level is off by its volumes alone. What the others may be like
    makes for distributions of several peaks, of which median and limits are quantiles. Of a level without information
    the limits are those of an error of any size. Parameters are those of `offsets_of`.
    """
    levels = range(int(level_of.max()) + 1)
    each = [_seen(information, score, level_of, well) for well in WELLS]
    return LevelErrors(*np.array([_of_level(each, score, level_of, k) for k in levels]).T)


def _of_level(each: list[_Seen], score: Floats, level_of: NDArray[np.intp], level: int) -> tuple[float, float, float]:
    """Return median and limits of the mean offset of a level's wells, over all spreads."""
    mean_of = (level_of == level) / np.sum(level_of == level)
    ln, middles, variances = [], [], []
    for seen in each:
        tried = _tried(seen, level)
        through = mean_of @ seen.through
        ln.append(tried.ln)
        middles.append(tried.means @ through + mean_of @ seen.volume @ score)
        variances.append(tried.covariances @ through @ through + mean_of @ seen.volume @ mean_of)
    weight = np.exp(np.concatenate(ln) - np.max(ln))
    likely = weight > NEGLIGIBLE * weight.sum()
    middle, sd = np.concatenate(middles)[likely], np.sqrt(np.concatenate(variances)[likely])
    weight = weight[likely] / weight[likely].sum()
    median, lower, upper = (_quantile(share, weight, middle, sd) for share in (0.5, OUTSIDE, 1 - OUTSIDE))
    return median, lower, upper


def _quantile(share: float, weight: Floats, means: Floats, sds: Floats) -> float:
    """Return a quantile of a mixture of normals, by halving."""
    from scipy.special import ndtr

    low, high = float((means - FURTHEST * sds).min()), float((means + FURTHEST * sds).max())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if weight @ ndtr((middle - means) / sds) < share else (low, middle)
    return middle


def _seen(information: Floats, score: Floats, level_of: NDArray[np.intp], well: float) -> _Seen:
    member = np.equal.outer(level_of, np.arange(1, int(level_of.max()) + 1)).astype(np.float64)
    shrunk = np.linalg.inv(np.eye(len(score)) + well**2 * information)
    volume, through = well**2 * shrunk, shrunk @ member
    ln = np.linalg.slogdet(shrunk)[1] / 2 + score @ volume @ score / 2
    return _Seen(float(ln), member.T @ information @ through, through.T @ score, through, volume)


def _tried(seen: _Seen, free: int = 0) -> _Tried:
    roots, prior = _roots(len(seen.pull), free)
    turned = np.swapaxes(roots, 1, 2)
    precision = np.eye(len(seen.pull)) + turned @ seen.told @ roots
    covariances = roots @ np.linalg.inv(precision) @ turned
    means = covariances @ seen.pull
    ln = seen.ln + prior + means @ seen.pull / 2 - np.linalg.slogdet(precision)[1] / 2
    return _Tried(ln, means, covariances)


def _mixture(weight: Floats, means: Floats, covariances: Floats) -> tuple[Floats, Floats]:
    """Return mean and covariance of a mixture."""
    mean = weight @ means
    apart = means - mean
    return mean, np.tensordot(weight, covariances, 1) + (weight[:, None] * apart).T @ apart


@cache
def _roots(levels: int, free: int) -> tuple[Floats, Floats]:
    """Return roots of the covariances of levels that are tried, tries × levels × levels, and ln of their probability.

    A level `free`, counted from 1, may be off by any factor; 0 for none.
    """
    place = np.arange(1, levels + 1)
    carried = np.minimum.outer(place, place)  # how many steps two levels have in common
    covariances, ln = [], []
    for (step, of_step), (near, of_near) in product(STEPS.items(), LEVELS.items()):
        for off, away, chance in _far(levels) if near <= FAR_BESIDE else [((), 0.0, 1.0)]:
            own = near**2 + away**2 * np.isin(place, off) + FREE**2 * (place == free)
            covariances.append(np.diag(own) + step**2 * carried)
            ln.append(np.log(of_step * of_near * chance))
    return np.linalg.cholesky(np.array(covariances)), np.array(ln)


def _far(levels: int) -> list[tuple[tuple[int, ...], float, float]]:
    """Return which levels may be far off, by what standard deviation, and with what chance."""
    told = []
    for number in range(MOST_FAR + 1):
        chance = FAR_CHANCE**number * (1 - FAR_CHANCE) ** (levels - number) / len(FAR)
        told += [(off, away, chance) for off in combinations(range(1, levels + 1), number) for away in FAR]
    return told
