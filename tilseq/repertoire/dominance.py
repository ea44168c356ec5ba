"""Dominance: what the largest clones hold of a repertoire, and how many of them hold half of it."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from tilseq.repertoire.sampling import Sampling
from tilseq.repertoire.spectrum import Floats, Integers, Spectrum

MOST_FREEDOM = 1e9  # degrees of freedom: a normal deviate then
STEPS = 256  # counts about the border of the largest clones at which chances are taken; each one where few cells decide


def held_by_largest(spectrum: Spectrum, number: int) -> float:
    """Return the share of the counts that the so many largest clones hold."""
    sizes, clones = spectrum.sizes[::-1], spectrum.clones[::-1]
    before = np.cumsum(clones) - clones
    return float(sizes @ np.clip(number - before, 0, clones)) / spectrum.n


def error_of_largest(spectrum: Spectrum, sampling: Sampling, number: int) -> tuple[float, float]:
    """Return the standard error of the share that the so many largest clones hold, and its degrees of freedom.

    The sum of the largest counts is the sum over c from 1 of the smaller of `number` and M(c), the clones counted c
    times or more. Its projection on the count of one clone (Hajek, Ann Math Stat 1968;39:325) adds, for each c up to
    that count, the chance that fewer than `number` others reach c, with M(c) taken for normal: not for the one largest.
    Degrees of freedom as in `Sampling.errors`.
    """
    from scipy.special import ndtr

    spread = sampling.chances.spread
    every, of_each = sampling.repertoire()
    place = int(np.searchsorted(np.cumsum(spectrum.clones[::-1]), number))
    border = spectrum.sizes[::-1][min(place, len(spectrum.sizes) - 1)]
    scale = np.sqrt(border * spread) + spread
    steps = np.unique(np.rint(np.linspace(max(1, border - 8 * scale), border + 15 * scale, STEPS))).astype(np.int64)
    safe = every > border + 8 * scale  # always among the largest
    near = ~safe & (every > border - 10 * scale)
    expected, clones = every[near], of_each[near]
    reach, with_counts = _reach(sampling, steps, near)
    others = of_each[safe].sum() + clones @ reach - reach
    apart = clones @ (reach * (1 - reach)) - reach * (1 - reach)
    chance = ndtr((number - 0.5 - others) / np.sqrt(np.maximum(apart, 1e-12)))
    added = chance * np.diff(steps, prepend=steps[0] - 1)
    risen = np.cumsum(added, axis=1)
    own = np.sum((risen**2 - (risen - added) ** 2) * reach, axis=1) - np.sum(added * reach, axis=1) ** 2
    along = np.sum(added * with_counts, axis=1)
    # The sum of counts is fixed, so that what runs along with it does not vary.
    always = spread * float(every[safe] @ of_each[safe])
    taken = (clones @ along + always) / (spread * float(every @ of_each))
    of_clone = np.where(safe, 1 - taken, taken) ** 2 * spread * every
    of_clone[near] = np.maximum(0.0, own - 2 * taken * along + taken**2 * spread * expected)
    variance = float(of_clone @ of_each)
    doubt = float((of_clone**2 * np.minimum(1.0, 4 * spread / every)) @ of_each)
    freedom = min(2 * variance**2 / doubt, MOST_FREEDOM) if doubt > 0 else MOST_FREEDOM
    return float(np.sqrt(variance + spread**2 / 4)) / spectrum.n, freedom


def _reach(sampling: Sampling, steps: Integers, near: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the chances that clones are counted so many times or more, and their covariances with the count.

    Shape (expected counts, steps), for those of `Sampling.repertoire` that are near. A clone counted often is taken for
    Poisson in effective cells.
    """
    from scipy.special import gammainc, gammaln

    chances = sampling.chances
    grid = len(chances.expected)
    of_grid = near[:grid]
    last = chances.chance.shape[1] - 1
    place, inside = np.minimum(steps, last), steps <= last
    tails = (np.cumsum(each[of_grid, ::-1], axis=1)[:, ::-1][:, place] * inside for each in chances[3:5])
    cells, whole = steps / chances.spread, sampling.repertoire()[0][grid:][near[grid:], None]
    often = whole / chances.spread
    just_before = np.exp((cells - 1) * np.log(often) - often - gammaln(cells))  # of one cell less
    reach, along = (np.vstack(both) for both in zip(tails, (gammainc(cells, often), whole * just_before), strict=True))
    return np.clip(reach, 0.0, 1.0), along


def d50_clones(spectrum: Spectrum, share: float = 0.5) -> int:
    """Return the fewest clones that hold at least a share of the counts."""
    sizes, clones = spectrum.sizes[::-1], spectrum.clones[::-1]
    held = np.cumsum(sizes * clones)
    wanted = share * spectrum.n
    place = min(int(np.searchsorted(held, wanted)), len(sizes) - 1)
    rest = wanted - (float(held[place - 1]) if place else 0.0)
    fewer = float(clones[:place].sum())
    return int(fewer) + max(1, ceil(min(float(rest / sizes[place]), float(clones[place])) - 1e-9))


def limits_of_d50(spectrum: Spectrum, sampling: Sampling, quantile: float) -> tuple[int, int]:
    """Return limits of `d50_clones`, as Woodruff's of a quantile (JASA 1952;47:635).

    They are the clones that hold half of the counts less and more than `quantile` standard errors of what those
    clones hold, rounded down and up to whole clones.
    """
    sizes, clones = spectrum.sizes[::-1], spectrum.clones[::-1]
    border = sizes[min(int(np.searchsorted(np.cumsum(sizes * clones), spectrum.n / 2)), len(sizes) - 1)]
    excess: Floats = np.maximum(sampling.points - border, 0).astype(float)
    error = float(sampling.errors(excess[None])[0][0]) / spectrum.n
    lower, upper = (max(1 / spectrum.n, 0.5 - quantile * error), min(1.0, 0.5 + quantile * error))
    return max(1, d50_clones(spectrum, lower) - 1), d50_clones(spectrum, upper)
