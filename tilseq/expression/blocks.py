"""Matrices of counts, walked in blocks of cells so that nothing as large as the matrix is made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.masked import refuse_masked

ENTRIES = 512 << 10  # of a block, which then stays in a processor's cache


def looks_like_counts(matrix: Any) -> bool:
    """Return whether a matrix holds raw counts: every value finite, whole and not negative.

    Parameters
    ----------
    matrix
        Dense array or scipy sparse matrix, any shape.
    """
    return first_not_count(matrix) is None


def first_not_count(matrix: Any) -> float | None:
    """Return the first value of a matrix that is no raw count, None where all are.

    Parameters
    ----------
    matrix
        As of `looks_like_counts`.
    """
    values = summed(matrix).data if hasattr(matrix, "tocsr") else np.asarray(matrix)
    if values.dtype.kind in "ub":
        return None
    flat = values.reshape(-1)
    for start in range(0, flat.size, ENTRIES):
        part = flat[start : start + ENTRIES]
        if not _whole(part):
            with np.errstate(invalid="ignore"):
                return float(part[~(np.isfinite(part) & (part >= 0) & (part == np.floor(part)))][0])
    return None


def check_raw(matrix: Any) -> None:
    """Refuse a matrix that does not hold raw counts: counts of a cell or a second logarithm would be of no meaning.

    Parameters
    ----------
    matrix
        As of `looks_like_counts`.

    Raises
    ------
    AnalysisError
        A value is none, or the matrix is none (`check_matrix`).
    """
    check_matrix(matrix)
    wrong = first_not_count(matrix)
    if wrong is not None:
        mend = "give the raw counts (often layers['counts'] or raw), not normalised or logged values"
        what, expected = "the matrix does not hold raw counts", "whole numbers, 0 or more"
        raise AnalysisError(what, found=f"{wrong:g}", expected=expected, mend=mend)


def check_matrix(matrix: Any) -> None:
    """Refuse what holds a matrix and is none, as an AnnData or a data frame, whose rows may be in another order.

    Raises
    ------
    AnalysisError
        It is neither a numpy array nor a scipy sparse matrix, or a masked array.
    """
    refuse_masked(counts=matrix)
    if not isinstance(matrix, np.ndarray) and not hasattr(matrix, "tocsr"):
        raise AnalysisError(
            "counts are no matrix",
            found=type(matrix).__name__,
            expected="a numpy array or a scipy sparse matrix, cells × genes",
            mend="of an AnnData take `raw_counts(cells)`, and give its `matrix` and its `genes`; of a data frame its "
            "`to_numpy()`",
        )


def _whole(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "i":
        return bool(values.min() >= 0)
    return bool(np.all(np.isfinite(values)) and np.all(values >= 0) and np.all(values == np.floor(values)))


def summed(matrix: Any) -> Any:
    """Return a sparse matrix by rows with one value an entry; sparse formats allow an entry to be written in parts.

    The matrix given stays as it is. Parts are summed in double precision, where small integers do not overflow.
    """
    if not hasattr(matrix, "tocsr"):
        return matrix
    rows = matrix.tocsr()
    if rows.has_canonical_format:
        return rows
    rows = rows.astype(np.float64)
    rows.sum_duplicates()
    return rows


def of_blocks[R](matrix: Any, look: Callable[[slice, Any], R]) -> list[R]:
    """Return what a function says of each block of cells, on all processors, in the order of the cells.

    Parameters
    ----------
    matrix
        Cells × genes: a numpy array, or a sparse matrix from `summed`.
    look
        Is given which cells, and a csr_array of them in float32 that is its own.
    """
    cells, genes = matrix.shape
    per_cell = matrix.nnz / max(cells, 1) if hasattr(matrix, "indptr") else genes
    step = max(1, int(ENTRIES / max(per_cell, 1)))
    blocks = (slice(start, min(start + step, cells)) for start in range(0, cells, step))
    with ThreadPoolExecutor(cpu_count()) as pool:
        return list(pool.map(lambda rows: look(rows, _block(matrix, rows)), blocks))


def _block(matrix: Any, rows: slice) -> Any:
    from scipy.sparse import csr_array

    if not hasattr(matrix, "indptr"):
        return csr_array(np.asarray(matrix[rows], dtype=np.float32))
    first, last = matrix.indptr[rows.start], matrix.indptr[rows.stop]
    data = matrix.data[first:last].astype(np.float32)
    starts = (matrix.indptr[rows.start : rows.stop + 1] - first).astype(matrix.indices.dtype)
    block = csr_array((data, matrix.indices[first:last], starts), shape=(rows.stop - rows.start, matrix.shape[1]))
    block.has_canonical_format = True  # as `summed` left it; looking again takes as long as a product
    return block
