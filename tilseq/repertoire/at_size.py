"""What a sample of another number of cells would show, from the clones of this one."""

from __future__ import annotations

from math import exp

import numpy as np

from tilseq.repertoire.indices import (
    Index,
    gradient,
    hill,
    hill_q1_asymptotic,
    once_and_twice,
    sample_coverage,
    unseen_clones,
)
from tilseq.repertoire.spectrum import Floats, Integers, Spectrum

FEW = 1e-7  # of so few of very many cells the cube beside their square: two terms of a series tell all then
NODES = np.arange(-40, 41)  # of a sum over a hypergeometric distribution, about its mean


def hill_at_size(s: Spectrum, x: Integers, size: int, q: int) -> Index:
    """Return the Hill number of order 0, 1 or 2 of so many cells (Chao et al. 2014, table 1; extrapolated as in iNEXT).

    Parameters
    ----------
    s
        The sample.
    x
        Counts whose influence is wanted, see `indices.Index`.
    size
        Cells.
    q
        Order.
    """
    n = s.n
    if q == 2:
        return _order_two(s, x, size)
    if size == n:
        return hill(s, x, q)
    if size > n:
        return _entropy_beyond(s, x, size) if q == 1 else _richness_beyond(s, x, size)
    if q == 0:
        expected = s.sum(1 - missed(s.sizes, n, size))
        return Index(expected, (1 - missed(x, n, size)) / expected, "log")
    entropy = s.sum(_entropy_within(s.sizes, n, size))
    return Index(exp(entropy), _entropy_within(x, n, size), "log")


def coverage_at_size(s: Spectrum, x: Integers, size: int) -> Index:
    """Return the mean coverage of so many cells (Chao and Jost, Ecology 2012;93:2533, eqs. 4a, 4b and 12)."""
    n = s.n
    if size < n:

        def uncovered(counts: Integers) -> Floats:
            """Return x / n C(n - x, m) / C(n - 1, m)."""
            return counts / n * missed(counts, n, size) * (n / (n - size))

        return Index(max(0.0, 1 - s.sum(uncovered(s.sizes))), -uncovered(x), "share")
    return sample_coverage(s, x, size - n) or Index(0.0, np.zeros(len(x)), "share")


def _order_two(s: Spectrum, x: Integers, size: int) -> Index:
    def chance(counts: Integers) -> Floats:
        """Return what a clone adds to the chance that two of so many cells, with return, are one clone."""
        return np.asarray(counts / s.n / size + (1 - 1 / size) * counts * (counts - 1.0) / (s.n * (s.n - 1)))

    whole = s.sum(chance(s.sizes))
    return Index(1 / whole, -chance(x) / whole, "log")


def missed(x: Integers, n: int, size: float) -> Floats:
    """Return C(n - x, size) / C(n, size): the chance that none of x cells of n is among so many of them.

    The size need not be a whole number: between two of them the chance runs smoothly. It has the shape of x.
    """
    from scipy.special import gammaln

    room = n - x - size
    inside = room >= 0
    if size**3 < FEW * n**2:  # the differences of logarithms below would be all rounding
        drawn = np.where(inside, x, 0)
        return np.where(
            inside, np.exp(size * np.log1p(-drawn / n) - drawn / n * size * (size - 1) / 2 / (n - drawn)), 0
        )
    rest = np.where(inside, room, 0)
    chance = gammaln(n - x + 1.0) - gammaln(rest + 1.0) - gammaln(n + 1.0) + gammaln(n - size + 1.0)
    few = np.minimum(x, 64)
    # Of few cells the sum of logarithms is exact, where the difference of large ones is not.
    steps = np.log1p(-size / (n - np.arange(min(64, n - size)))) if size < n else np.empty(0)
    exact = np.append(0.0, np.cumsum(steps))
    chance = np.where(x == few, exact[np.minimum(few, len(exact) - 1)], chance)
    return np.where(inside, np.exp(chance), 0.0)


def _entropy_within(x: Integers, n: int, size: int) -> Floats:
    """Return the mean of -(Y / size) ln(Y / size), Y the cells of a clone of x among so many of n.

    Y is hypergeometric. Where it spreads wide, the sum is taken at every few counts, half a standard deviation apart:
    of so smooth a distribution that is as exact.
    """
    from scipy.special import gammaln, xlogy

    if size == n - 1:  # one cell is left out, be it of this clone or of another
        same, fewer = (np.maximum(x - less, 0) / size for less in (0, 1))
        return np.asarray(-(1 - x / n) * xlogy(same, same) - x / n * xlogy(fewer, fewer))
    mean = x * (size / n)
    spread = np.sqrt(mean * (1 - x / n) * ((n - size) / (n - 1)))
    stride = np.maximum(1, np.floor(spread / 2)).astype(np.int64)
    y = np.rint(mean).astype(np.int64)[:, None] + stride[:, None] * NODES
    low, high = np.maximum(0, x + size - n)[:, None], np.minimum(x, size)[:, None]
    inside = (y >= low) & (y <= high)
    y = np.clip(y, low, high)
    rest = x[:, None] - y
    weight = -gammaln(y + 1.0) - gammaln(rest + 1.0) - gammaln(size - y + 1.0) - gammaln(n - size - rest + 1.0)
    weight = np.where(inside, weight, -np.inf)
    chance = np.exp(weight - weight.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    return np.asarray(-np.sum(chance * xlogy(y / size, y / size), axis=1))


def _richness_beyond(s: Spectrum, x: Integers, size: int) -> Index:
    """S + f0 (1 - (1 - f1 / (n f0 + f1))^(size - n)), with Chao1's f0."""

    def more(sums: Floats) -> float:
        f1, f2 = sums
        unseen = unseen_clones(s.n, f1, f2 if s.seen(2) > 0 else 0)
        if unseen <= 0:
            return 0.0
        return float(unseen * (1 - (1 - f1 / (s.n * unseen + f1)) ** (size - s.n)))

    sums = np.array([s.seen(1), s.seen(2)])
    expected = s.richness + more(sums)
    return Index(expected, ((x > 0) + gradient(more, sums) @ once_and_twice(x)) / expected, "log")


def _entropy_beyond(s: Spectrum, x: Integers, size: int) -> Index:
    """Between the Hill number of order 1 seen and its asymptote, as fast as the last cell moved towards it."""
    seen, last = hill(s, x, 1), hill_at_size(s, x, s.n - 1, 1)
    end = hill_q1_asymptotic(s, x)
    if end is None or end.value <= last.value or seen.value >= end.value:
        return seen

    # c - (c - a) L^m with L = (c - a) / (c - b), of a the value seen, b with a cell less, c the asymptote, m cells more
    a, b, c, more = seen.value, last.value, end.value, size - s.n
    left = (c - a) / (c - b)
    value = c - (c - a) * left**more
    slopes = np.array([(1 + more) * a, -more * left * b, c * (left**-more - 1 - more * (1 - left))]) * left**more
    influence = slopes @ np.array([seen.influence, last.influence, end.influence]) / value
    return Index(value, influence, "log")
