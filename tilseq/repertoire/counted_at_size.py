"""What fewer cells would show, of cells that were each counted several times or not at all.

Of R counts of C cells r, drawn at random, are of C (1 - (1 - 1 / C)^r) cells in the mean, and these are cells of the
repertoire like any other. So many counts stand for so many cells: the clones that they show are those that the cells
would show. That curve holds the entropy and the coverage too; 1 / (1 / C + 1 / R) cells, the effective ones, are within
its reach.

Templates of DNA are counted 0, 1 or 2 times. Of r counts every two are of one cell with the chance c, and no third is:
they are of r - c r (r - 1) / 2 cells.

Cells that are counted unequally give the same pairs of counts of one cell, of which C is the number, but more of three.
What half of C cells would show hardly hangs on that; with more it soon does.
"""

from __future__ import annotations

from math import exp, log, log1p, sqrt

import numpy as np

from tilseq.repertoire.at_size import missed
from tilseq.repertoire.indices import Index
from tilseq.repertoire.spectrum import Floats, Integers, Spectrum

STEP = 0.4  # of the integral for the entropy, in logarithms: its sum is exact to 1e-6
LOGS = np.arange(-30, 4, STEP)


def hill_of_counted(s: Spectrum, effective: float, x: Integers, size: int, q: int, twice: bool = False) -> Index:
    """Return the Hill number of order 0, 1 or 2 of so many cells, no more than the effective ones.

    Order 2 as in Chao et al. 2014, table 1, less the pairs of counts that are of one cell.

    Parameters
    ----------
    s
        Counts of the clones.
    effective
        Effective cells that they are worth, fewer than the counts.
    x
        Counts whose influence is wanted, see `indices.Index`.
    size
        Cells.
    q
        Order.
    twice
        Whether a cell is counted no more than twice.
    """
    if q == 1:
        entropy = s.sum(_entropy(s.sizes, s.n, effective, size, twice))
        return Index(exp(min(max(entropy, 0.0), log(size))), _entropy(x, s.n, effective, size, twice), "log", q)
    if q == 0:
        drawn, _ = _counts(s.n, effective, size, twice)
        shown = s.sum(1 - missed(s.sizes, s.n, drawn))
        return Index(min(shown, float(size)), (1 - missed(x, s.n, drawn)) / shown, "log", q)
    cell = 1 / effective - 1 / s.n

    def pairs(counts: Integers) -> Floats:
        return np.asarray(counts * (counts - 1.0) / (s.n * (s.n - 1.0)))

    of_one_clone = max(0.0, (s.sum(pairs(s.sizes)) - cell) / (1 - cell))
    whole = 1 / size + (1 - 1 / size) * of_one_clone
    return Index(1 / whole, -(1 - 1 / size) / (1 - cell) * pairs(x) / whole, "log", q)


def coverage_of_counted(s: Spectrum, effective: float, x: Integers, size: float, twice: bool = False) -> Index:
    """Return the mean coverage of so many cells: how seldom a further one is of a clone that they do not show.

    It is the chance that a further count is of such a clone, by that of its being of a cell not yet counted.
    Parameters as for `hill_of_counted`.
    """
    drawn, left = _counts(s.n, effective, size, twice)
    drawn = min(drawn, s.n - 1.0)  # that there is a further one

    def uncovered(counts: Integers) -> Floats:
        return np.asarray(missed(counts, s.n, drawn) * counts / (s.n - drawn) / left)

    return Index(max(0.0, 1 - s.sum(uncovered(s.sizes))), -uncovered(x), "share")


def coverage_of_seen(s: Spectrum, x: Integers, left: float) -> Index:
    """Return the coverage of the clones seen: how seldom a further cell is of none of them.

    A further count is of such a clone with the chance f1 / N (Good, Biometrika 1953;40:237), and of a cell not yet
    counted with the chance `left`.

    Parameters
    ----------
    s
        Counts of the clones, of which some are of one cell.
    x
        Counts whose influence is wanted, see `indices.Index`.
    left
        Chance that a further count is of none of the cells counted.
    """

    def uncovered(counts: Integers) -> Floats:
        return np.asarray((counts == 1) / s.n / left)

    return Index(max(0.0, 1 - s.sum(uncovered(s.sizes))), -uncovered(x), "share")


def _counts(n: int, effective: float, size: float, twice: bool) -> tuple[float, float]:
    """Return how many counts stand for so many cells, and the chance that a further one is of none of these cells."""
    cell = 1 / effective - 1 / n
    if twice:
        drawn = 2 * size / (1 + cell / 2 + sqrt(max(0.0, (1 + cell / 2) ** 2 - 2 * cell * size)))
        return drawn, 1 - drawn * cell
    return log1p(-size * cell) / log1p(-cell), 1 - size * cell


def _entropy(x: Integers, n: int, effective: float, size: int, twice: bool) -> Floats:
    """Return what clones of so many counts add to the entropy of so many cells.

    As ``ln(k) = ∫ (1 - exp(-(k - 1) w)) exp(-w) / w dw``, that is the integral of
    ``(u - exp(-(size - 1) w)) exp(-w) / w``, u the share that ``(size - 1) (1 - exp(-w))`` cells do not cover. That
    takes the cells and the counts of a clone for Poisson; what it adds beside fixed sums of them is taken off, to first
    order.
    """
    w = np.exp(LOGS)[:, None]
    cell = 1 / effective - 1 / n
    some = -np.expm1(-w) * (size - 1)
    left = np.sqrt(1 - 2 * some * cell) if twice else 1 - some * cell
    drawn = 2 * some / (1 + left) if twice else -np.log1p(-some * cell) / cell
    uncovered = np.exp((x - 1.0) * np.log1p(-drawn / n)) / left
    expected = x * ((size - 1) / n)
    large = expected / (1 + expected)
    less = large**2 / 2 * (1 / max(1, size - 1) - 1 / effective) + large / effective
    entropy = STEP * np.sum((uncovered - np.exp(-(size - 1) * w)) * np.exp(-w), axis=0)
    return np.asarray(x / n * (entropy - less))
