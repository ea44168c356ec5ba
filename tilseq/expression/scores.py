"""Scores of gene sets, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.blocks import check_matrix, check_raw, of_blocks, summed
from tilseq.expression.controls import choose_controls
from tilseq.expression.coverage import Found, coverage_table, find_genes
from tilseq.expression.mean_scores import log_normalise, mean_weights, totals_and_means
from tilseq.expression.signatures import Signature, as_signatures
from tilseq.expression.ucell import MAX_RANK, capped_ranks, rank_weights
from tilseq.gene_symbols import present_symbol, sum_by_gene
from tilseq.tables.outputs import SCORES

Method = Literal["mean", "ucell"]
MISSING_OF_PANDAS = ("None", "nan", "<NA>", "NaT")
METHODS: tuple[Method, ...] = get_args(Method)


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
        The table `signature_coverage` without `sample`, one row a set in the order of the columns.
    method
        `mean` or `ucell`.
    genes
        Symbol of each column that was scored.
    controls
        (Set, `up` or `down`) → columns of its control genes; empty where none were subtracted.
    """

    values: NDArray[np.float32]
    sets: tuple[str, ...]
    scored: NDArray[np.bool_]
    coverage: pl.DataFrame
    method: Method
    genes: tuple[str, ...]
    controls: Mapping[tuple[str, str], NDArray[np.intp]]

    def control_genes(self, name: str, direction: Literal["up", "down"] = "up") -> tuple[str, ...]:
        """Return the symbols of the control genes of a set."""
        return tuple(self.genes[column] for column in self.controls.get((name, direction), ()))


def score(
    counts: Any,
    genes: Sequence[str],
    sets: Mapping[str, Signature | Sequence[str]],
    *,
    method: Method = "mean",
    controls: int = 0,
    seed: int = 0,
    max_rank: int = MAX_RANK,
) -> CellScores:
    """Score gene sets in each cell.

    - `mean`: the mean, over the set's genes, of log-normalised expression (counts scaled to 10,000 a cell over all
      genes given, then log(1 + x)). All sets are one sparse product. With `controls` the mean over control genes is
      taken off: up to so many genes of each of 25 bins of mean expression that the set's genes fall into, its own left
      out; with the same controls the score is that of scanpy's `tl.score_genes` (Tirosh et al., Science 2016;352:189);
      how they are chosen: `choose_controls`. Controls are those of the cells given: scores of cells given by parts do
      not compare, as what all cells of a part express takes itself off.
    - `ucell`: by the ranks of the genes within each cell, ties at their mean, 0 to 1 (Andreatta and Carmona, Comput
      Struct Biotechnol J 2021;19:3796). Genes that the data do not hold are left out, not taken for unexpressed.

    A set with genes against it is scored in both directions and the second taken off; UCell itself sets what is
    then below 0 to 0, which is not done here. The matrix is walked in blocks of cells, so that little more memory is
    used than for the matrix and the scores.

    Parameters
    ----------
    counts
        Raw counts, cells × genes, sparse or dense.
    genes
        Symbol of each column, unique. Retired symbols stand for their present ones; columns of one gene are summed.
    sets
        Name of each set to its `Signature`, or to symbols. A set of which fewer than half are among `genes`, in
        either direction, is not scored.
    method
        `mean` or `ucell`.
    controls
        Most control genes a bin, for `mean`; 0 takes none off.
    seed
        Of the choice of controls.
    max_rank
        Where ranks end, for `ucell`.

    Returns
    -------
    CellScores
        Cells without a count are left out.

    Raises
    ------
    AnalysisError
        The counts are no matrix (an AnnData), not raw counts, do not fit the genes, or a gene stands twice; there is no
        such method.
    """
    if method not in METHODS:
        raise AnalysisError("no such method of scoring", found=method, expected=" or ".join(METHODS))
    if controls < 0:
        raise AnalysisError("fewer control genes than none", found=controls, expected="0 or more")
    matrix, names = _checked(counts, genes)
    found = find_genes(as_signatures(sets), names)
    values = np.full((matrix.shape[0], len(found)), np.nan, dtype=np.float32)
    if method == "mean":
        scored, reasons, chosen = _by_means(matrix, names, found, values, controls=controls, seed=seed)
    else:
        scored, reasons = _by_ranks(matrix, found, values, max_rank)
        chosen = {}
    values[~scored] = np.nan
    values[:, [reason is not None for reason in reasons]] = np.nan
    return CellScores(values, tuple(sets), scored, coverage_table(found, reasons), method, names, chosen)


def _checked(counts: Any, genes: Sequence[str]) -> tuple[Any, tuple[str, ...]]:
    """Return raw counts by rows and present symbols, one column a gene."""
    check_matrix(counts)
    if counts.ndim != 2 or counts.shape[1] != len(genes):
        raise AnalysisError("the matrix does not fit the genes", found=counts.shape, expected=f"{len(genes)} columns")
    if len(set(genes)) < len(genes):
        twice = next(gene for gene in genes if list(genes).count(gene) > 1)
        raise AnalysisError("a gene stands twice", found=twice, mend="sum the columns of one gene")
    check_raw(counts)
    matrix, names, _ = sum_by_gene(summed(counts), [present_symbol(gene) for gene in genes])
    return summed(matrix), names


def _by_means(
    matrix: Any,
    names: Sequence[str],
    found: Sequence[Found],
    values: NDArray[np.float32],
    *,
    controls: int,
    seed: int,
) -> tuple[NDArray[np.bool_], list[str | None], dict[tuple[str, str], NDArray[np.intp]]]:
    """Fill in the scores by means; return which cells have counts, why sets were not scored, and the controls."""
    totals, means = totals_and_means(matrix)
    choice = choose_controls(means, names, size=controls, seed=seed) if controls else None
    weights = mean_weights(found, len(names), choice)

    def fill(rows: slice, block: Any) -> None:
        log_normalise(block, totals[rows])
        product = (block @ weights.genes).toarray()
        values[rows] = product[:, : len(found)] + product[:, len(found) :] @ weights.bins

    of_blocks(matrix, fill)
    return totals > 0, weights.reasons, weights.controls


def _by_ranks(
    matrix: Any, found: Sequence[Found], values: NDArray[np.float32], max_rank: int
) -> tuple[NDArray[np.bool_], list[str | None]]:
    """Fill in the scores by ranks; return which cells have counts and why sets were not scored."""
    large = [any(len(members) >= max_rank for _, members in one.parts) for one in found]
    reasons = [
        one.reason or (f"it has {max_rank} genes or more, beyond the last rank" if too_large else None)
        for one, too_large in zip(found, large, strict=True)
    ]
    small = [one if reason is None else _refused(one, reason) for one, reason in zip(found, reasons, strict=True)]
    weights = rank_weights(small, matrix.shape[1], max_rank)
    scored = np.zeros(matrix.shape[0], bool)

    def fill(rows: slice, block: Any) -> None:
        scored[rows] = block.sum(axis=1) > 0
        block.data = max_rank - capped_ranks(block, max_rank)
        values[rows] = (block @ weights).toarray()

    of_blocks(matrix, fill)
    return scored, reasons


def _refused(one: Found, reason: str) -> Found:
    return Found(one.name, one.axis, one.up, one.down, one.listed, reason)


def summarise(scores: CellScores, groups: Sequence[str]) -> pl.DataFrame:
    """Return the mean score of each set over the cells of each group.

    No interval is given: the cells of a sample are not replicates of the subject, so a spread over cells would
    promise a precision that the sample does not have.

    Parameters
    ----------
    scores
        From `score`.
    groups
        The sample of each cell, in the order of the matrix's rows; none may be missing.

    Returns
    -------
    polars.DataFrame
        Table `scores`; `n` counts the cells scored. A set not scored, and a sample without a cell, have a null value.
    """
    names = np.asarray([str(group) for group in groups], dtype=object)
    if len(names) != len(scores.scored):
        raise AnalysisError("each cell needs its sample", found=len(names), expected=f"{len(scores.scored)} cells")
    unnamed = sum(not isinstance(group, str) and str(group) in MISSING_OF_PANDAS for group in groups)
    if unnamed:
        mend = "name it, or leave these cells out"
        raise AnalysisError("cells without a sample", found=f"{unnamed} of {len(names)}", mend=mend)
    return SCORES.frame(list(_rows(scores, names)))


def _rows(scores: CellScores, names: NDArray[Any]) -> Iterator[dict[str, Any]]:
    for sample in sorted(set(names)):
        cells = (names == sample) & scores.scored
        for column, row in enumerate(scores.coverage.rows(named=True)):
            known = row["scored"] and cells.any()
            value = float(scores.values[cells, column].mean(dtype=np.float64)) if known else None
            found = {name: row[name] for name in ("set", "genes_found", "genes_listed")}
            yield {"sample": sample, "value": value, "n": int(cells.sum()), "method": scores.method, **found}
