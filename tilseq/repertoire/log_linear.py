"""Log-linear courses of many clones over the same samples at once: Poisson or negative binomial, maximum likelihood.

The mean of a clone's cells in sample j is ``μ = n_j exp(a + b t_j)``, their variance ``μ + α μ²``; α = 0 is Poisson.
For a given α the logarithm of the likelihood is concave in a and b, so that Newton's steps climb it, to where R's `glm`
comes by reweighting. Limits are those of the profile likelihood, which cells of few clones need: a clone that is lost
after its first sample has no finite slope, and a limit on one side only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

STEPS = 60
PRECISE = 1e-10
LONGEST_STEP = 2.0
STEEPEST = 200.0  # change of ln(mean) from the first day to the last; steeper is infinite
LEAST_EXPECTED = 1.0  # cells in each sample, of clones that tell the dispersion: with fewer one stray cell decides
SMALLEST, LARGEST = 1e-8, 100.0  # dispersions


class Counts(NamedTuple):
    """Cells of shape (clones, samples), which need not be whole; the time of each sample; how many cells it is worth.

    Times are centred and their range is 1.
    """

    cells: Floats
    times: Floats
    worth: Floats

    def of(self, clones: Mask | NDArray[np.intp]) -> Counts:
        """Return some of the clones."""
        return self._replace(cells=self.cells[clones])


class Courses(NamedTuple):
    """Of each clone, shape (clones,).

    Attributes
    ----------
    slope, lower, upper
        Change of ln(mean) a day and its limits; infinite ones are infinite.
    root
        Signed root of twice the logarithm of the likelihood ratio to a level course.
    """

    slope: Floats
    lower: Floats
    upper: Floats
    root: Floats


def counts_of(cells: Floats, days: Floats, worth: Floats) -> Counts:
    """Return cells as the functions here take them.

    Parameters
    ----------
    cells
        Clones × samples.
    days, worth
        Day and effective number of cells of each sample; the days are not all the same.
    """
    return Counts(cells, (days - days.mean()) / np.ptp(days), worth)


def dispersion_of(counts: Counts) -> tuple[float, int]:
    """Return the dispersion α that all clones have in common, and its degrees of freedom.

    It is the α at which Pearson's ``Σ (y - μ)² / (μ + α μ²)`` over all clones is its degrees of freedom: of each clone
    two fewer than samples (moment estimate, Breslow, Appl Stat 1984;33:38). Unlike the most likely α it is not biased
    by the two numbers fitted to each clone. Clones of which less than one cell is expected in some sample take no part;
    where there is no other the answer is 0 with 0 degrees of freedom.
    """
    level, slope = _fit(counts, 0.0)
    used = _means(counts, level, slope).min(axis=1) >= LEAST_EXPECTED
    part, start = counts.of(used), (level[used], slope[used])
    freedom = int(used.sum()) * (len(counts.times) - 2)

    def excess(dispersion: float) -> float:
        means = _means(part, *_fit(part, dispersion, start))
        return float(np.sum((part.cells - means) ** 2 / (means * (1 + dispersion * means)))) - freedom

    if not freedom or excess(0.0) <= 0:
        return 0.0, freedom
    low, high = np.log(SMALLEST), np.log(LARGEST)
    while high - low > PRECISE:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(float(np.exp(middle))) > 0 else (low, middle)
    return float(np.exp((low + high) / 2)), freedom


def courses(counts: Counts, span: float, dispersion: float, quantile: float) -> Courses:
    """Return the slope of each clone with its limits.

    Parameters
    ----------
    counts
        No clone is without cells.
    span
        Days from the first sample to the last.
    dispersion
        α, 0 or more.
    quantile
        Of the signed root at the limits, such as 1.96.
    """
    level, slope = _fit(counts, dispersion)
    highest = _likelihood(counts, level, slope, dispersion)
    level_only = _profile(counts, np.zeros_like(slope), dispersion, level)
    fall = highest - _likelihood(counts, level_only, np.zeros_like(slope), dispersion)
    root = np.sign(slope) * np.sqrt(2 * np.maximum(fall, 0))
    lower, upper = (_limit(counts, level, slope, highest - quantile**2 / 2, side, dispersion) for side in (-1, 1))
    infinite = np.abs(slope) >= STEEPEST
    slope = np.where(infinite, np.copysign(np.inf, slope), slope)
    return Courses(slope / span, lower / span, upper / span, root)


def _means(counts: Counts, level: Floats, slope: Floats) -> Floats:
    return np.asarray(counts.worth * np.exp(level[:, None] + slope[:, None] * counts.times))


def _likelihood(counts: Counts, level: Floats, slope: Floats, dispersion: float) -> Floats:
    """Return the logarithm of the likelihood of each clone, less what does not depend on the mean."""
    means = _means(counts, level, slope)
    logs = np.log(counts.worth) + level[:, None] + slope[:, None] * counts.times
    if not dispersion:
        return np.asarray(np.sum(counts.cells * logs - means, axis=1))
    grown = np.log1p(dispersion * means)
    return np.asarray(np.sum(counts.cells * (logs - grown) - grown / dispersion, axis=1))


def _fit(counts: Counts, dispersion: float, start: tuple[Floats, Floats] | None = None) -> tuple[Floats, Floats]:
    """Return the most likely level and slope; of a clone seen on the first or the last day only, the steepest slope."""
    cells, times = counts.cells, counts.times
    seen = cells > 0
    falls, rises = (~seen[:, times != end].any(axis=1) for end in (times.min(), times.max()))
    steepest = STEEPEST * (rises.astype(float) - falls)
    if start is None:
        start = np.log(cells.sum(axis=1) / counts.worth.sum()), steepest
    level, slope = start[0].copy(), start[1].copy()
    moving = np.flatnonzero(~(falls | rises))
    for _ in range(STEPS):
        part = Counts(cells[moving], times, counts.worth)
        means = _means(part, level[moving], slope[moving])
        grown = 1 + dispersion * means
        score = (part.cells - means) / grown
        weight = means * (1 + dispersion * part.cells) / grown**2
        of_level, of_slope = score.sum(axis=1), score @ times
        all_, first, second = weight.sum(axis=1), weight @ times, weight @ times**2
        determinant = all_ * second - first**2
        up = np.clip((second * of_level - first * of_slope) / determinant, -LONGEST_STEP, LONGEST_STEP)
        along = np.clip((all_ * of_slope - first * of_level) / determinant, -LONGEST_STEP, LONGEST_STEP)
        level[moving] += up
        slope[moving] += along
        moving = moving[np.maximum(np.abs(up), np.abs(along)) > PRECISE]
        if not moving.size:
            break
    if (falls | rises).any():
        ends = falls | rises
        level[ends] = _profile(counts.of(ends), steepest[ends], dispersion, level[ends])
    return level, slope


def _profile(counts: Counts, slope: Floats, dispersion: float, start: Floats) -> Floats:
    """Return the most likely level at a given slope, found from a level that is not far."""
    if not dispersion:
        return np.asarray(np.log(counts.cells.sum(axis=1) / _means(counts, np.zeros_like(slope), slope).sum(axis=1)))
    level = start.copy()
    for _ in range(STEPS):
        means = _means(counts, level, slope)
        grown = 1 + dispersion * means
        score = np.sum((counts.cells - means) / grown, axis=1)
        weight = np.sum(means * (1 + dispersion * counts.cells) / grown**2, axis=1)
        step = np.clip(score / weight, -LONGEST_STEP, LONGEST_STEP)
        level += step
        if np.max(np.abs(step), initial=0) <= PRECISE:
            break
    return level


def _limit(counts: Counts, level: Floats, slope: Floats, least: Floats, side: int, dispersion: float) -> Floats:
    """Return the slope on one side of the most likely one at which the profile likelihood falls to `least`."""
    inner, outer, step = slope.copy(), slope.copy(), np.full_like(slope, 1.0)
    at = level.copy()
    # Far steps until it is lower; a clone whose most likely slope is infinite on this side has no limit there.
    away = np.flatnonzero(side * slope < STEEPEST)
    while away.size:
        outer[away] += side * step[away]
        step[away] *= 2
        part = counts.of(away)
        at[away] = _profile(part, outer[away], dispersion, at[away])
        higher = _likelihood(part, at[away], outer[away], dispersion) > least[away]
        inner[away[higher]] = outer[away[higher]]
        away = away[higher & (side * outer[away] < STEEPEST)]
    for _ in range(STEPS):
        middle = (inner + outer) / 2
        at = _profile(counts, middle, dispersion, at)
        higher = _likelihood(counts, at, middle, dispersion) > least
        inner, outer = np.where(higher, middle, inner), np.where(higher, outer, middle)
        if np.max(np.abs(outer - inner), initial=0) <= PRECISE:
            break
    return np.where(side * outer >= STEEPEST, side * np.inf, outer)
