"""What the largest clones hold of a repertoire, and how many of them hold half of it."""

from __future__ import annotations

from math import ceil

import numpy as np

from tilseq.repertoire.sampling import Sampling
from tilseq.repertoire.spectrum import Floats, Spectrum

STEPS = 96  # counts about the border of the largest clones at which chances are taken


def held_by_largest(spectrum: Spectrum, number: int) -> float:
    """Return the share of the counts that the so many largest clones hold."""
    sizes, clones = spectrum.sizes[::-1], spectrum.clones[::-1]
    before = np.cumsum(clones) - clones
    return float(sizes @ np.clip(number - before, 0, clones)) / spectrum.n


def error_of_largest(spectrum: Spectrum, sampling: Sampling, number: int) -> float:
    """Return the standard error of the share that the so many largest clones hold.

    The sum of the largest counts is the sum over c from 1 of the smaller of `number` and M(c), the clones counted c
    times or more. Its projection on the count of one clone (Hajek, Ann Math Stat 1968;39:325) adds, for each c up to
    that count, the chance that fewer than `number` others reach c; M(c) is taken for normal.
    """
    from scipy.special import gammainc, gammaln, ndtr

    every, of_each = sampling.repertoire()
    place = int(np.searchsorted(np.cumsum(spectrum.clones[::-1]), number))
    border = spectrum.sizes[::-1][min(place, len(spectrum.sizes) - 1)]
    scale = np.sqrt(border) + 1
    steps = np.unique(np.rint(np.linspace(max(1, border - 8 * scale), border + 18 * scale, STEPS)))
    safe = every > border + 10 * scale  # always among the largest
    near = ~safe & (every > border - 14 * scale)
    expected, clones = every[near], of_each[near]
    reach = gammainc(steps, expected[:, None])
    just_before = np.exp((steps - 1) * np.log(expected[:, None]) - expected[:, None] - gammaln(steps))  # of one less
    others = of_each[safe].sum() + clones @ reach - reach
    spread = clones @ (reach * (1 - reach)) - reach * (1 - reach)
    chance = ndtr((number - 0.5 - others) / np.sqrt(np.maximum(spread, 1e-12)))
    added = chance * np.diff(steps, prepend=steps[0] - 1)
    risen = np.cumsum(added, axis=1)
    variance = np.sum((risen**2 - (risen - added) ** 2) * reach, axis=1) - np.sum(added * reach, axis=1) ** 2
    with_cells = clones @ (expected * np.sum(added * just_before, axis=1))
    always = float(every[safe] @ of_each[safe])
    total = clones @ variance + always - (with_cells + always) ** 2 / float(every @ of_each)
    return float(np.sqrt(max(0.0, total) + 0.25)) / spectrum.n


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
