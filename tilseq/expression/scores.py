"""Mean-based scores of gene sets, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.tables.outputs import SCORES

COUNTS_PER_CELL = 1e4
LEAST_COVERAGE = 0.5
# Symbols that older annotations bear, and what they are called now (HGNC).
RETIRED = {
    "C10orf54": "VSIR",
    "CARS": "CARS1",
    "FAM65B": "RIPOR2",
    "HIST1H4C": "H4C3",
    "KIAA0101": "PCLAF",
    "TMEM173": "STING1",
}


@dataclass(frozen=True)
class CellScores:
    """Scores of gene sets in single cells.

    Attributes
    ----------
    values
        Cells × sets, float32. The rows of cells that were left out and the columns of sets that were not scored
        hold NaN; tables made from it hold nulls.
    sets
        Names of the sets, in the order of the columns.
    scored
        Per cell: it has counts, so it was scored.
    coverage
        One row a set: `set`, `genes_found`, `genes_listed`, `reason` (why it was not scored, else null).
    """

    values: NDArray[np.float32]
    sets: tuple[str, ...]
    scored: NDArray[np.bool_]
    coverage: pl.DataFrame


def looks_like_counts(matrix: Any) -> bool:
    """Return whether a matrix holds raw counts: every value finite, whole and not negative.

    Parameters
    ----------
    matrix
        Dense array or scipy sparse matrix, any shape.
    """
    values = _summed(matrix).data if hasattr(matrix, "tocsr") else np.asarray(matrix)
    if values.dtype.kind in "ub":
        return True
    if values.dtype.kind == "i":
        return bool(values.size == 0 or values.min() >= 0)
    return bool(np.all(np.isfinite(values)) and np.all(values >= 0) and np.all(values == np.floor(values)))


def score(counts: Any, genes: Sequence[str], sets: Mapping[str, Sequence[str]]) -> CellScores:
    """Score gene sets in each cell: the mean, over the set's genes, of log-normalised expression.

    Counts are scaled to 10,000 a cell over all genes given, then log(1 + x) is taken; all sets are one sparse product.
    No expression-matched control genes are subtracted, so a score compares cells and samples within a set, never one
    set with another.

    Parameters
    ----------
    counts
        Raw counts, cells × genes, sparse or dense.
    genes
        Symbol of each column, unique. A retired symbol stands for its present one (`RETIRED`).
    sets
        Name of each set to its genes. A set of which fewer than half are among `genes` is not scored.

    Returns
    -------
    CellScores
        Cells without a count are left out.

    Raises
    ------
    AnalysisError
        The matrix is not raw counts, does not fit the genes, or a gene stands twice.
    """
    from scipy.sparse import csr_array

    if counts.shape[1] != len(genes):
        raise AnalysisError("the matrix does not fit the genes", found=counts.shape, expected=f"{len(genes)} columns")
    if not looks_like_counts(counts):
        mend = "give the raw counts (often layers['counts'] or raw), not normalised or logged values"
        raise AnalysisError("the matrix does not hold raw counts", expected="whole numbers, 0 or more", mend=mend)
    matrix = csr_array(_summed(counts), dtype=np.float32)
    membership, coverage = _membership(_positions(genes), sets)
    totals = matrix.sum(axis=1, dtype=np.float64)
    scored = totals > 0
    matrix.data = np.log1p(matrix.data * np.repeat(_scale(totals), np.diff(matrix.indptr)))
    values = np.full((matrix.shape[0], len(sets)), np.nan, dtype=np.float32)
    kept = [column for column, reason in enumerate(coverage["reason"]) if reason is None]
    product = (matrix @ csr_array(membership[:, kept])).toarray()
    values[np.ix_(scored, np.array(kept, dtype=int))] = product[scored]
    return CellScores(values, tuple(sets), scored, coverage)


def _summed(matrix: Any) -> Any:
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


def summarise(scores: CellScores, groups: Sequence[str]) -> pl.DataFrame:
    """Return the mean score of each set over the cells of each group.

    No interval is given: the cells of a sample are not replicates of the subject, so a spread over cells would
    promise a precision that the sample does not have.

    Parameters
    ----------
    scores
        From `score`.
    groups
        The sample of each cell, in the order of the matrix's rows.

    Returns
    -------
    polars.DataFrame
        Table `scores`; `n` counts the cells scored. A set not scored, and a sample without a cell, have a null value.
    """
    names = np.asarray([str(group) for group in groups], dtype=object)
    if len(names) != len(scores.scored):
        raise AnalysisError("each cell needs its sample", found=len(names), expected=f"{len(scores.scored)} cells")
    rows = []
    for sample in sorted(set(names)):
        cells = (names == sample) & scores.scored
        for column, row in enumerate(scores.coverage.rows(named=True)):
            known = row["reason"] is None and cells.any()
            value = float(scores.values[cells, column].mean(dtype=np.float64)) if known else None
            found = {name: row[name] for name in ("set", "genes_found", "genes_listed")}
            rows.append({"sample": sample, "value": value, "n": int(cells.sum()), **found})
    return SCORES.frame(rows)


def _positions(genes: Sequence[str]) -> dict[str, int]:
    """Return the column of each gene, under its present symbol."""
    positions: dict[str, int] = {}
    for column, gene in enumerate(genes):
        if gene in positions:
            raise AnalysisError("a gene stands twice", found=gene, mend="sum the columns of one gene")
        positions[gene] = column
    for old, new in RETIRED.items():
        if old in positions:
            positions.setdefault(new, positions[old])
    return positions


def _membership(positions: Mapping[str, int], sets: Mapping[str, Sequence[str]]) -> tuple[Any, pl.DataFrame]:
    """Return genes × sets, 1 / genes found where a gene is in a set, and what was found of each set."""
    from scipy.sparse import csc_array

    rows: list[int] = []
    columns: list[int] = []
    weights: list[float] = []
    coverage = []
    for column, (name, listed) in enumerate(sets.items()):
        wanted = {RETIRED.get(gene, gene) for gene in listed}
        found = sorted({positions[gene] for gene in wanted if gene in positions})
        enough = bool(found) and len(found) >= LEAST_COVERAGE * len(wanted)
        reason = None if enough else f"{len(found)} of {len(wanted)} genes found, fewer than {LEAST_COVERAGE:.0%}"
        coverage.append({"set": name, "genes_found": len(found), "genes_listed": len(wanted), "reason": reason})
        rows += found
        columns += [column] * len(found)
        weights += [1 / len(found) for _ in found]
    shape = (max(positions.values(), default=-1) + 1, len(sets))
    membership = csc_array((np.array(weights, np.float32), (rows, columns)), shape=shape)
    schema = {"set": pl.String, "genes_found": pl.Int64, "genes_listed": pl.Int64, "reason": pl.String}
    return membership, pl.DataFrame(coverage, schema=schema)


def _scale(totals: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the factor that brings each cell to 10,000 counts; 1 for a cell without any."""
    return (COUNTS_PER_CELL / np.where(totals > 0, totals, COUNTS_PER_CELL)).astype(np.float32)
