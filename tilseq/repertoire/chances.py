"""Chances of the counts of a clone: of cells, and of cells that may each be counted several times or not at all.

Cells are Poisson about what is expected of a clone. Where each is counted about m times, a clone's count given its
cells is Poisson again: Neyman's distribution of type A (Ann Math Stat 1939;10:35), with 1 + m times the variance that
cells counted once would have. A template of DNA may be counted 0, 1 or 2 times, with the mean 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import ceil, floor, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.repertoire.spectrum import Floats

Turns = NDArray[np.complex128]

EXPECTED = np.geomspace(0.005, 70, 48)  # the grid of expected counts, in effective cells
LARGEST_POINT = 160  # effective cells: a clone of the largest of the grid never has more
LEAST_CHANCE = 1e-300  # for what rounding leaves at or below 0
FINEST = 8.0  # counts that a cell is given at most: more of them tell no more of it


class Chances(NamedTuple):
    """Chances of counts.

    Attributes
    ----------
    expected
        Expected counts, shape (grid,).
    spread
        Variance of a count beside its mean.
    per_cell
        Mean counts of a cell; 0 where the counts are cells.
    chance
        Chance of each count from 0 on for each expected count, shape (grid, counts).
    with_counts
        It times the distance of the count from its mean.
    with_cells
        It times the distance of the clone's cells from theirs, in the mean of clones with that count.
    """

    expected: Floats
    spread: float
    per_cell: float
    chance: Floats
    with_counts: Floats
    with_cells: Floats

    @property
    def once(self) -> bool:
        """Whether the counts are cells."""
        return self.per_cell == 0


def counted_twice(variance: float) -> Chances:
    """Return the chances of counts of templates that are counted 0, 1 or 2 times, with the mean 1 and this variance."""

    def more(turn: Turns) -> Turns:
        return np.asarray(turn - 1 + variance / 2 * (turn - 1) ** 2)

    return _compound(more, 1.0, 1 + variance)


@cache
def counted_once() -> Chances:
    """Return the chances of counts that are cells."""
    from scipy.special import gammaln

    counts = np.arange(LARGEST_POINT + 1)
    chance = np.exp(counts * np.log(EXPECTED[:, None]) - EXPECTED[:, None] - gammaln(counts + 1.0))
    chance /= chance.sum(axis=1, keepdims=True)
    apart = chance * (counts - EXPECTED[:, None])
    return Chances(EXPECTED, 1.0, 0.0, chance, apart, apart)


def counted_often(per_cell: float) -> Chances:
    """Return the chances of counts of cells that are counted so many times in the mean.

    Where a cell has more than `FINEST` counts they are in units of which it has that many.

    Parameters
    ----------
    per_cell
        Mean counts of a cell, above 0: ``counts / effective cells - 1``, as ``1 / effective = 1 / cells + 1 / counts``.
    """
    from numpy.polynomial.polynomial import polyval

    given = min(per_cell, FINEST)

    def more(turn: Turns) -> Turns:
        if given == per_cell:
            return np.asarray(np.expm1(given * (turn - 1)))
        return np.asarray(polyval(turn, _of_one_cell(per_cell)) - 1)

    return _compound(more, given, given / per_cell * (1 + per_cell))


def _compound(more_of_cell: Callable[[Turns], Turns], given: float, spread: float) -> Chances:
    """Return the chances of the sum of the counts of a Poisson number of cells.

    Its generating function is ``exp(cells * (h(z) - 1))``, that of one cell's count h; its Fourier transform gives the
    chances.

    Parameters
    ----------
    more_of_cell
        ``h(z) - 1``.
    given
        Mean counts of a cell.
    spread
        Variance of a clone's count beside its mean.
    """
    largest = ceil(LARGEST_POINT * spread)
    length = 1 << largest.bit_length()
    turn = np.exp(-2j * np.pi * np.arange(length // 2 + 1) / length)
    more = more_of_cell(turn)
    expected = EXPECTED * spread
    cells = expected[:, None] / given
    transform = np.exp(cells * more)
    chance = np.maximum(np.fft.irfft(transform, length)[:, : largest + 1], LEAST_CHANCE)
    with_cells = np.fft.irfft(transform * more * cells, length)[:, : largest + 1]
    with_counts = chance * (np.arange(largest + 1) - expected[:, None])
    return Chances(expected, spread, given, chance, with_counts, with_cells)


def _of_one_cell(per_cell: float) -> Floats:
    """Return the chances of the counts of one cell, in units of which it has `FINEST` in the mean.

    What falls between two whole units is divided between them, as `effective_spectrum` does with counts.
    """
    from scipy.special import gammaln

    far = 10 * sqrt(per_cell)
    counts = np.arange(max(0, floor(per_cell - far)), ceil(per_cell + far))
    chance = np.exp(counts * np.log(per_cell) - per_cell - gammaln(counts + 1.0))
    units = counts * (FINEST / per_cell)
    below = np.floor(units).astype(np.int64)
    part = units - below
    return np.bincount(np.append(below, below + 1), np.append(chance * (1 - part), chance * part))
