"""Scores by mean expression, less that of control genes: all sets at once by one sparse product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilseq.expression.blocks import of_blocks
from tilseq.expression.controls import ControlGenes
from tilseq.expression.coverage import Found

COUNTS_PER_CELL = 1e4
NO_CONTROL = "no gene is left as its control: give more genes, or controls=0"


@dataclass(frozen=True)
class MeanWeights:
    """What log-normalised expression is multiplied by.

    The controls of a set are those chosen in its genes' bins, without its own genes. So the sum over them is that over
    whole bins, which all sets share, less that over a few genes: the product stays sparse.

    Attributes
    ----------
    genes
        Sparse, genes × (sets and then bins).
    bins
        Bins × sets: what the sum over a bin's chosen genes counts in each set's score.
    controls
        (Set, `up` or `down`) → columns of its control genes.
    reasons
        Of each set, why it cannot be scored, else None.
    """

    genes: Any
    bins: NDArray[np.float64]
    controls: dict[tuple[str, str], NDArray[np.intp]]
    reasons: list[str | None]


def log_normalise(block: Any, totals: NDArray[np.float64]) -> None:
    """Scale the counts of cells to 10,000 each and take the natural log(1 + x), in place.

    Parameters
    ----------
    block
        Cells × genes, sparse by rows, of floats.
    totals
        Counts of each cell; one without any stays as it is.
    """
    scale = (COUNTS_PER_CELL / np.where(totals > 0, totals, COUNTS_PER_CELL)).astype(block.dtype)
    block.data *= np.repeat(scale, np.diff(block.indptr))
    np.log1p(block.data, out=block.data)


def totals_and_means(matrix: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the counts of each cell, and of each gene the mean log-normalised expression over cells with counts.

    The matrix is cells × genes; the counts have shape (cells,), the means (genes,).
    """

    def look(_rows: slice, block: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        totals = (block @ np.ones(block.shape[1], block.dtype)).astype(np.float64)
        log_normalise(block, totals)
        return totals, (np.ones(block.shape[0], block.dtype) @ block).astype(np.float64)

    found = of_blocks(matrix, look)
    totals = np.concatenate([np.zeros(0), *(one for one, _ in found)])
    sums = sum((one for _, one in found), np.zeros(matrix.shape[1]))
    return totals, sums / max(int((totals > 0).sum()), 1)


def mean_weights(found: Sequence[Found], genes: int, choice: ControlGenes | None) -> MeanWeights:
    """Return the weights of sets.

    Parameters
    ----------
    found
        The sets.
    genes
        Columns of the matrix.
    choice
        Genes that may be controls; None subtracts none.
    """
    number = 0 if choice is None else int(choice.bins.max(initial=-1)) + 1
    bins = np.zeros((number, len(found)))
    entries = _Entries()
    controls: dict[tuple[str, str], NDArray[np.intp]] = {}
    reasons = [one.reason for one in found]
    for column, one in enumerate(found):
        if one.reason is not None:
            continue
        for sign, members in one.parts:
            entries.add(members, column, sign / len(members))
            if choice is None:
                continue
            own = choice.of(members, one.all)
            if not len(own):
                reasons[column] = NO_CONTROL
                continue
            controls[one.name, "up" if sign > 0 else "down"] = own
            used = np.unique(choice.bins[members])
            bins[used, column] -= sign / len(own)
            back = one.all[choice.chosen[one.all] & np.isin(choice.bins[one.all], used)]
            entries.add(back, column, sign / len(own))
    if choice is not None:
        for one_bin in range(number):
            entries.add(np.flatnonzero(choice.chosen & (choice.bins == one_bin)), len(found) + one_bin, 1.0)
    return MeanWeights(entries.matrix((genes, len(found) + number)), bins, controls, reasons)


class _Entries:
    """Entries of a sparse matrix, gathered."""

    def __init__(self) -> None:
        self.rows: list[NDArray[np.intp]] = [np.array([], np.intp)]
        self.columns: list[int] = []
        self.weights: list[float] = []

    def add(self, rows: NDArray[np.intp], column: int, weight: float) -> None:
        """Add one weight in some rows of a column."""
        self.rows.append(rows)
        self.columns += [column] * len(rows)
        self.weights += [weight] * len(rows)

    def matrix(self, shape: tuple[int, int]) -> Any:
        """Return all that was added as a sparse matrix, entries of one place summed."""
        from scipy.sparse import csr_array

        weights = np.array(self.weights, dtype=np.float32)
        return csr_array((weights, (np.concatenate(self.rows), self.columns)), shape=shape)
