"""Stretches of a series that depart from the rest of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.robust import centre_and_spread, median

Series = NDArray[np.float64]

FALSE_ALARMS = 0.01  # share of steady series in which any stretch is found


class Departure(NamedTuple):
    """A stretch that departs from the rest.

    Attributes
    ----------
    first, end
        Its first part and the one after its last.
    column
        Series that departs most.
    effect
        By how much, on the scale of the limits.
    level
        Place of the limits that it passes among those given.
    """

    first: int
    end: int
    column: int
    effect: float
    level: int


def departures(z: Series, change: Series, weight: Series, limits: Sequence[tuple[float, float]]) -> list[Departure]:
    """Find the stretch that departs most, then the next, until none is both sure and large.

    The score of a stretch is the sum of its parts' z over the square root of their number; stretches of every place and
    length are tried, as in circular binary segmentation (Olshen and others, Biostatistics 2004;5:557). The score must
    pass a normal quantile, by Bonferroni over series and over as many stretches as there are of lengths 1, 2, 4, 8 ...:
    those between hardly add to chance. So about 1 % of steady tubes hold one, none of which needs to be large.

    Parameters
    ----------
    z
        Parts × series, at least two parts and one series: departure of each part, standardised.
    change, weight
        Parts × series, parts × 1: the effect of a stretch is its sum of `change` over its sum of `weight`.
    limits
        Pairs (low, high), the widest first: a stretch counts where its effect is at or below `low` or at or above
        `high`. The next pair is tried on the parts that are left.

    Returns
    -------
    list of Departure
        None overlap; in the order found.
    """
    parts, series = z.shape
    first, end = np.triu_indices(parts + 1, 1)
    least = sure(series * parts * np.log2(parts))
    length, weights = (end - first)[:, None], _sums(weight, first, end)
    z, change = z.copy(), change.copy()
    found: list[Departure] = []
    taken = np.zeros((parts, 1))
    for level, (low, high) in enumerate(limits):
        while True:
            score = np.abs(_sums(z, first, end)) / np.sqrt(length)
            effect = _sums(change, first, end) / weights
            score[(effect > low) & (effect < high)] = 0
            score[_sums(taken, first, end)[:, 0] > 0] = 0
            place, column = divmod(int(score.argmax()), series)
            if score[place, column] < least:
                break
            stretch = slice(int(first[place]), int(end[place]))
            found.append(Departure(stretch.start, stretch.stop, column, float(effect[place, column]), level))
            z[stretch] = change[stretch] = 0
            taken[stretch] = 1
    return found


def sure(tests: float) -> float:
    """Return the least z that chance gives in 1 % of as many tests together (two-sided, Bonferroni).

    Parameters
    ----------
    tests
        How many, above 0: no threshold could be told of none. It need not be whole, as `departures` counts stretches
        by a logarithm.
    """
    return NormalDist().inv_cdf(1 - FALSE_ALARMS / (2 * tests))


def trend(values: Series) -> Series:
    """Return the robust line through each series of equally spaced parts, parts × series.

    Its slope is the median slope of all pairs (Theil, 1950; Sen, 1968), and 0 unless the series rises or falls for sure
    (Mann, Econometrica 1945;13:245): a line tilts a little towards a clog at either end.
    """
    number = len(values)
    parts = np.arange(number, dtype=np.float64)
    first, second = np.triu_indices(number, 1)
    rises = values.take(second, axis=0) - values.take(first, axis=0)
    slope = median((rises / (second - first)[:, None]).T)
    noise = np.sqrt(number * (number - 1) * (2 * number + 5) / 18)
    slope[np.abs(np.sign(rises).sum(axis=0)) < sure(1) * noise] = 0
    rising = parts[:, None] * slope
    line: Series = rising + median((values - rising).T)
    return line


def excess_spread(z: Series) -> float:
    """Return by how much a standardised series spreads more than it should; at least 1."""
    return max(1.0, centre_and_spread(z)[1])


def _sums(values: Series, first: NDArray[np.int64], end: NDArray[np.int64]) -> Series:
    total = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(axis=0)])
    sums: Series = total.take(end, axis=0) - total.take(first, axis=0)
    return sums
