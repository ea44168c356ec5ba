"""Fast draws from many tables of weights at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Alias:
    """Walker's alias tables, one a row of weights: a draw costs the same however many outcomes there are.

    Attributes
    ----------
    outcomes
        Number of outcomes of each row.
    keep
        Probability of keeping the cell that was hit, row after row, `outcomes` cells each.
    other
        Outcome taken otherwise.
    """

    outcomes: int
    keep: Floats
    other: Integers

    def draw(self, rng: np.random.Generator, rows: Integers) -> Integers:
        """Draw one outcome for each element of `rows`, from the weights of that row."""
        place = rng.random(len(rows)) * self.outcomes
        hit = place.astype(np.int64)
        place -= hit
        cell = rows * self.outcomes + hit
        return np.where(place < self.keep[cell], hit, self.other[cell])


def alias(weights: Floats) -> Alias:
    """Return the tables that draw column `k` of row `i` with probability ``weights[i, k] / weights[i].sum()``.

    Vose's construction (IEEE Trans Softw Eng 1991;17:972).

    Parameters
    ----------
    weights
        Rows × outcomes, none negative. A row without any weight is allowed, and must not be drawn from.
    """
    rows, outcomes = weights.shape
    keep, other = np.ones((rows, outcomes)), np.tile(np.arange(outcomes), (rows, 1))
    for row in range(rows):
        total = float(weights[row].sum())
        if total > 0:
            _fill(weights[row] / total * outcomes, keep[row], other[row])
    return Alias(outcomes, keep.ravel(), other.ravel())


def _fill(scaled: Floats, keep: Floats, other: Integers) -> None:
    """Pair every outcome with less than its cell's share with one that has more; fills `keep` and `other`."""
    small = [k for k, share in enumerate(scaled) if share < 1]
    large = [k for k, share in enumerate(scaled) if share >= 1]
    left = scaled.tolist()
    while small and large:
        low, high = small.pop(), large[-1]
        keep[low], other[low] = left[low], high
        left[high] -= 1 - left[low]
        if left[high] < 1:
            small.append(large.pop())
