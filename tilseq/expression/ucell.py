"""Scores by the ranks of genes within each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilseq.expression.coverage import Found

MAX_RANK = 1500
SMALL = 256  # counts below it are ranked by how many there are of each, those above by sorting


def capped_ranks(block: Any, max_rank: int) -> NDArray[np.float64]:
    """Return the rank of each entry among its cell's, the highest count first, ties at their mean, at most `max_rank`.

    Counts are whole and mostly small, so that the rank follows from how many of each value a cell has.

    Parameters
    ----------
    block
        csr_array of counts, cells × genes. An entry that is 0 has the highest rank.
    max_rank
        Where ranks end.
    """
    cells = block.shape[0]
    values = np.minimum(block.data, 2**31 - 1).astype(np.int64)
    row = np.repeat(np.arange(cells), np.diff(block.indptr))
    small = np.minimum(values, SMALL)
    key = row * (SMALL + 1) + small
    number = np.bincount(key, minlength=cells * (SMALL + 1)).reshape(cells, SMALL + 1)
    above = number[:, ::-1].cumsum(axis=1)[:, ::-1] - number
    ranks = (above + (number + 1) / 2).ravel()[key]
    large = np.flatnonzero(values >= SMALL)
    if len(large):
        order = large[np.lexsort((-block.data[large], row[large]))]
        ranks[order] = _ranks_of_sorted(row[order], block.data[order])
    return np.where(values > 0, np.minimum(ranks, max_rank), float(max_rank))


def _ranks_of_sorted(row: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean rank within each row, of entries by row with the highest first."""
    at = np.arange(len(row))
    new_row = np.r_[True, row[1:] != row[:-1]]
    new_value = new_row | np.r_[True, values[1:] != values[:-1]]
    starts = np.flatnonzero(new_value)
    size = np.diff(np.r_[starts, len(row)])
    first_of_row = np.maximum.accumulate(np.where(new_row, at, 0))
    mean = starts + (size - 1) / 2
    return np.repeat(mean, size) - first_of_row + 1


def rank_weights(found: Sequence[Found], genes: int, max_rank: int) -> Any:
    """Return genes × sets, by which `max_rank` less a gene's rank is multiplied for the scores of a cell.

    With n genes whose ranks add up to R, UCell is 1 − (R − n(n+1)/2) / (n·max − n(n+1)/2) (Andreatta and Carmona,
    Comput Struct Biotechnol J 2021;19:3796), which is the sum of max − rank over that denominator. Genes against a set
    are scored alike and taken off.

    Parameters
    ----------
    found
        Sets, each of fewer than `max_rank` genes.
    genes, max_rank
        Columns of the matrix; where ranks end.
    """
    from scipy.sparse import csr_array

    rows: list[NDArray[np.intp]] = [np.array([], np.intp)]
    columns: list[int] = []
    weights: list[float] = []
    for column, one in enumerate(found):
        for sign, members in one.parts if one.reason is None else ():
            n = len(members)
            rows.append(members)
            columns += [column] * n
            weights += [sign / (n * max_rank - n * (n + 1) / 2)] * n
    values = np.array(weights, dtype=np.float64)
    return csr_array((values, (np.concatenate(rows), columns)), shape=(genes, len(found)))
