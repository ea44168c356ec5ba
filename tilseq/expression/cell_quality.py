"""Which cells are kept: counts, genes, mitochondrial share, doublets; each cell that is not says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.blocks import check_raw, of_blocks, summed
from tilseq.tables.single_cells import CELL_EXPRESSION, MEASURES, QUALITY_LIMITS

MITOCHONDRIAL = "MT-"
# As annotations of NCBI name them, without a prefix.
BARE = (
    *("ND1", "ND2", "ND3", "ND4", "ND4L", "ND5", "ND6"),
    *("COX1", "COX2", "COX3", "ATP6", "ATP8", "CYTB"),
)
FEWEST_BARE = 5
MAD = 1.4826  # a normal distribution's standard deviation by its median absolute deviation


@dataclass(frozen=True)
class QualityRules:
    """What a cell must be to be kept.

    Attributes
    ----------
    least_counts, least_genes
        Fewest counts and genes.
    most_genes
        Most genes, or None.
    most_percent_mitochondrial
        Most percent of mitochondrial counts, or None.
    deviations
        How many median absolute deviations, times 1.4826 as of R's `mad` and scuttle's `isOutlier`, from the sample's
        median the logarithms of counts and genes may lie, and the mitochondrial percent above it, besides the fixed
        limits; 5 is usual (Heumos et al., Nat Rev Genet 2023;24:550). Where they are not so scaled, as by scipy's
        `median_abs_deviation`, 5 of them are 3.37 of these. None: fixed limits alone.
    """

    least_counts: int = 500
    least_genes: int = 250
    most_genes: int | None = None
    most_percent_mitochondrial: float | None = 15.0
    deviations: float | None = None


@dataclass(frozen=True)
class CellQuality:
    """Cells and what they were held against.

    Attributes
    ----------
    table
        The table `cell_expression`, sorted by sample and cell.
    limits
        The table `quality_limits`.
    dropped
        Cells left out: `sample, rule, rows`, and the `counts` that they held.
    kept
        Which cells are kept, in the order given.
    told
        What a reader should know.
    """

    table: pl.DataFrame
    limits: pl.DataFrame
    dropped: pl.DataFrame
    kept: NDArray[np.bool_]
    told: tuple[str, ...] = field(default=())


def cell_quality(
    counts: Any,
    genes: Sequence[str],
    samples: Sequence[str],
    cell_ids: Sequence[str],
    *,
    rules: QualityRules | None = None,
    doublets: Mapping[str, NDArray[np.bool_]] | None = None,
    doublet_scores: NDArray[np.float64] | None = None,
    cell_types: Sequence[str] | None = None,
) -> CellQuality:
    """Hold each cell against rules; the first that it does not pass is its reason.

    Parameters
    ----------
    counts
        Raw counts, cells × genes, sparse or dense.
    genes
        Symbol of each column.
    samples, cell_ids
        Sample and barcode of each cell.
    rules
        See `QualityRules`.
    doublets
        Why a cell is taken for two, such as ``two cells by its receptors``, → which cells are.
    doublet_scores
        Of each cell, to stand in the table; see `tilseq.expression.doublets.doublet_scores`.
    cell_types
        `CD4`, `CD8` or `unclear` of each cell, to stand in the table.

    Returns
    -------
    CellQuality
        Without mitochondrial genes their percent is null and its rule not applied, which `told` says.

    Raises
    ------
    AnalysisError
        Cells, samples and barcodes are not as many, the genes do not fit the matrix, or it does not hold raw counts.
    """
    rules = rules or QualityRules()
    matrix = summed(counts)
    lengths = {len(samples), len(cell_ids), matrix.shape[0]}
    if len(lengths) > 1 or matrix.shape[1] != len(genes):
        expected = "one sample and barcode a cell, one gene a column"
        raise AnalysisError("the cells do not fit their names", found=matrix.shape, expected=expected)
    check_raw(matrix)
    measured = _measured(matrix, _mitochondrial(genes))
    names = np.asarray([str(sample) for sample in samples], dtype=object)
    limits = [row for sample in sorted(set(names)) for row in _limits(sample, names == sample, measured, rules)]
    reasons = _reasons(names, measured, limits, doublets or {})
    rows = pl.DataFrame(
        {"sample": names.tolist(), "cell_id": list(map(str, cell_ids)), "reason": reasons}
    ).with_columns(
        counts=pl.Series(measured["counts"], dtype=pl.Int64),
        genes=pl.Series(measured["genes"], dtype=pl.Int64),
        percent_mitochondrial=pl.Series(measured["percent_mitochondrial"]).fill_nan(None),
        doublet_score=None if doublet_scores is None else pl.Series(doublet_scores).fill_nan(None),
        cell_type=None if cell_types is None else pl.Series(list(cell_types)),
        kept=pl.col("reason").is_null(),
    )
    by_rule = rows.drop_nulls("reason").group_by("sample", rule="reason")
    dropped = by_rule.agg(pl.len().alias("rows"), pl.col("counts").sum()).sort("sample", "rule")
    told = (
        () if _mitochondrial(genes).any() else ("there are no mitochondrial genes, so that their share is not known",)
    )
    table = CELL_EXPRESSION.frame(rows.select(CELL_EXPRESSION.frame().columns).to_dicts())
    return CellQuality(table, QUALITY_LIMITS.frame(limits), dropped, rows["kept"].to_numpy(), told)


def _mitochondrial(genes: Sequence[str]) -> NDArray[np.bool_]:
    prefixed = np.array([gene.upper().startswith(MITOCHONDRIAL) for gene in genes], dtype=bool)
    bare = np.array([gene in BARE for gene in genes], dtype=bool)
    return prefixed if prefixed.any() or bare.sum() < FEWEST_BARE else bare


def _measured(matrix: Any, mitochondrial: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Return each measure of each cell; NaN where it is not known."""
    own = mitochondrial.astype(np.float64)

    def look(_rows: slice, block: Any) -> tuple[Any, Any, Any]:
        # A sparse matrix may write zeros down.
        return block.sum(axis=1, dtype=np.float64), block.astype(bool).sum(axis=1), block @ own

    found = of_blocks(matrix, look)
    counts, genes, of_mitochondria = (
        np.concatenate([np.zeros(0), *(one[place] for one in found)]) for place in range(3)
    )
    known = (counts > 0) & bool(mitochondrial.any())
    percent = np.where(known, 100 * of_mitochondria / np.maximum(counts, 1), np.nan)
    return {"counts": counts, "genes": genes, "percent_mitochondrial": percent}


def _limits(
    sample: str, cells: NDArray[np.bool_], measured: Mapping[str, NDArray[np.float64]], rules: QualityRules
) -> list[dict[str, Any]]:
    """Return the limits of one sample."""
    fixed: dict[str, tuple[float | None, float | None]] = {
        "counts": (rules.least_counts, None),
        "genes": (rules.least_genes, rules.most_genes),
        "percent_mitochondrial": (None, rules.most_percent_mitochondrial),
    }
    rows = []
    for measure in MEASURES:
        values = measured[measure][cells]
        values = values[np.isfinite(values)]
        lower, upper = fixed[measure]
        if rules.deviations is not None and len(values):
            logged = measure != "percent_mitochondrial"
            scaled = np.log1p(values) if logged else values
            middle = np.median(scaled)
            span = rules.deviations * MAD * np.median(np.abs(scaled - middle))
            upper = _least(upper, float(np.expm1(middle + span) if logged else middle + span))
            lower = max(lower or 0.0, float(np.expm1(middle - span))) if logged else lower
        median = float(np.median(values)) if len(values) else None
        rows.append({"sample": sample, "measure": measure, "lower": lower, "upper": upper, "median": median})
    return rows


def _least(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)


def _reasons(
    names: NDArray[Any],
    measured: Mapping[str, NDArray[np.float64]],
    limits: Sequence[Mapping[str, Any]],
    doublets: Mapping[str, NDArray[np.bool_]],
) -> list[str | None]:
    """Return the first rule that each cell does not pass."""
    words = {"counts": "counts", "genes": "genes", "percent_mitochondrial": "mitochondrial percent"}
    reasons = np.full(len(names), None, dtype=object)

    def mark(cells: NDArray[np.bool_], reason: str) -> None:
        reasons[cells & (reasons == None)] = reason  # noqa: E711 (elementwise)

    for row in limits:
        values, of_sample = measured[row["measure"]], names == row["sample"]
        if row["lower"] is not None:
            mark(of_sample & (values < row["lower"]), f"{words[row['measure']]} below the limit")
        if row["upper"] is not None:
            mark(of_sample & (values > row["upper"]), f"{words[row['measure']]} above the limit")
    for reason, cells in doublets.items():
        mark(np.asarray(cells, dtype=bool), reason)
    return list(reasons)
