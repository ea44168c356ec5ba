"""Counts of a repertoire by how many clones have each: all that indices of diversity need of a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Spectrum:
    """How many clones were seen how many times.

    Attributes
    ----------
    sizes
        The counts that occur, rising, all above 0.
    clones
        Clones with each of these counts. Whole numbers, save where counts were turned into effective ones.
    n
        Sum of counts.
    """

    sizes: Integers
    clones: Floats
    n: int

    @property
    def richness(self) -> float:
        """Clones seen."""
        return float(self.clones.sum())

    def seen(self, times: int) -> float:
        """Return the clones seen so many times."""
        place = int(np.searchsorted(self.sizes, times))
        return float(self.clones[place]) if place < len(self.sizes) and self.sizes[place] == times else 0.0

    def sum(self, per_clone: Floats) -> float:
        """Return the sum over clones of what one of each size adds."""
        return float(per_clone @ self.clones)


def spectrum(counts: Integers) -> Spectrum:
    """Return the spectrum of the counts of clones, all above 0."""
    if len(counts) and counts.max() <= 16 * len(counts):
        by_size = np.bincount(counts)
        sizes = np.flatnonzero(by_size)
        return Spectrum(sizes, by_size[sizes].astype(float), int(counts.sum()))
    sizes, clones = np.unique(counts, return_counts=True)
    return Spectrum(sizes, clones.astype(float), int(counts.sum()))


def effective_spectrum(whole: Spectrum, n_effective: float) -> Spectrum:
    """Return the spectrum of as many cells as the counts are worth.

    Each count is multiplied by ``n_effective / n``, and its clone divided between the two whole numbers around the
    product, so that the sum of counts stays exact; what falls on 0 is not seen. It is what rounding up or down at
    random gives in the mean.

    Parameters
    ----------
    whole
        Spectrum of the counts.
    n_effective
        Effective number of cells, rounded to a whole one; the counts are returned as they are where it is not below
        their sum.
    """
    n = round(n_effective)
    if n >= whole.n:
        return whole
    scaled = whole.sizes * (n / whole.n)
    lower = np.floor(scaled).astype(np.int64)
    upper_part = scaled - lower
    sizes, place = np.unique(np.concatenate([lower, lower + 1]), return_inverse=True)
    clones = np.bincount(place, np.concatenate([whole.clones * (1 - upper_part), whole.clones * upper_part]))
    kept = (sizes > 0) & (clones > 0)
    return Spectrum(sizes[kept], clones[kept], n)
