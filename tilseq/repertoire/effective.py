"""Clones of a sample with their shares and the effective cells behind them, which every tracking function takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.receptors import CLONE
from tilseq.repertoire.cells import checked_effective, refuse_no_loci
from tilseq.repertoire.clones import check_columns, clone_counts
from tilseq.tables import as_polars

Depths = float | Mapping[str, float | None] | None  # of all loci, or by locus
Counting = Mapping[str, str | None] | None


def limit_of_detection(n_effective: float) -> float:
    """Return the share that is missed with a chance of 5 %: ``1 - 0.05 ** (1 / n_effective)``."""
    return float(1 - 0.05 ** (1 / n_effective))


def below_detection(limit: float) -> str:
    """Return what is said of a share of which nothing was seen, by its limit of detection."""
    return f"below detection (limit {limit:.3g})"


def check_threshold(threshold: float) -> None:
    """Raise an AnalysisError where a threshold is no share above 0."""
    if not 0 < threshold <= 1:
        raise AnalysisError("a threshold must be a share above 0", found=threshold, expected="above 0, at most 1")


def effective_clones(table: Any, n_effective: Depths, counting: Counting = None) -> pl.DataFrame:
    """Return the clones of a sample with their shares and effective cells.

    Parameters
    ----------
    table
        polars or pandas: `locus`, `junction`, `duplicate_count`; rows of one clone are summed.
    n_effective
        Effective number of cells of the sample, for all loci or by locus; None where it is not known.
    counting
        Locus → how often a cell is counted, see `depth`; without it `once` where there are as many effective cells as
        counts, else `drawn`.

    Returns
    -------
    polars.DataFrame
        One row a clone: `locus, junction, duplicate_count`, `frequency` (share of the locus's counts), `n_effective`
        (of the locus, null where not known), `cells` (``frequency * n_effective``; null likewise), `counting` (of the
        locus).

    Raises
    ------
    TableError
        The table is not a clonotype table.
    AnalysisError
        An effective number is not above 0 or exceeds the counts, or is of no locus.
    """
    refuse_no_loci(counting=counting)
    clones = clone_counts(table)
    totals = totals_of(clones, n_effective)
    total: Any  # of all rows, or of each
    depths = [(locus, total, n, _counting(counting, locus, total, n)) for locus, (total, n) in totals.items()]
    how: pl.Expr
    if len(depths) == 1:
        every, ((_, total, n, one),) = clones, depths
        cells, how = pl.lit(n, pl.Float64), pl.lit(one, pl.String)
    else:
        every = clones.join(pl.DataFrame(depths, schema=_DEPTHS, orient="row"), on="locus")
        total, cells, how = every["counts"].to_numpy(), pl.col("n_effective"), pl.col("counting")
    # polars multiplies by 1 / total where that is one number, and so has 3 / 10 be 0.30000000000000004
    share = pl.lit(pl.Series(every["duplicate_count"].to_numpy() / total))
    return every.select(
        *CLONE, "duplicate_count", frequency=share, n_effective=cells, cells=share * cells, counting=how
    )


GIVEN = (*CLONE, "duplicate_count", "frequency", "n_effective", "cells", "counting")
_DEPTHS = {"locus": pl.String, "counts": pl.Int64, "n_effective": pl.Float64, "counting": pl.String}


def _counting(counting: Counting, locus: str, counts: int, n: float | None) -> str | None:
    if counting is not None:
        return counting.get(locus)
    return None if n is None else "once" if n >= counts else "drawn"


def totals_of(counts: pl.DataFrame, n_effective: Depths) -> dict[str, tuple[int, float | None]]:
    """Return locus → sum of its counts, and its effective number of cells of those given.

    Errors are those of `checked_effective`.
    """
    refuse_no_loci(n_effective=n_effective)
    totals = {}
    for locus, total in _by_locus(counts, "duplicate_count", pl.Series.sum).items():
        n = n_effective.get(locus) if isinstance(n_effective, Mapping) else n_effective
        totals[locus] = total, checked_effective(n, total, locus)
    return totals


def _by_locus(clones: pl.DataFrame, column: str, value: Callable[[pl.Series], Any]) -> dict[str, Any]:
    """Return locus → a number of its clones, by locus; most tables hold one, which is told faster than parted."""
    loci = clones["locus"]
    if loci.len() and (loci == loci[0]).all():
        return {loci[0]: value(clones[column])}
    parts = clones.select("locus", column).partition_by("locus", as_dict=True)
    return {str(locus): value(part[column]) for (locus,), part in sorted(parts.items())}


def summed(samples: Sequence[Any]) -> pl.DataFrame:
    """Return several samples, each as `effective_clones` gives it, as one whose cells are those of all.

    Where the effective number of one of them is not known that of the sum is not either, and a clone's share is the
    mean of its shares; else each sample counts by its cells. How often a cell is counted is not known of samples that
    count them in several ways.

    Parameters
    ----------
    samples
        At least one, polars or pandas, each with the columns that `effective_clones` returns.

    Returns
    -------
    polars.DataFrame
        One row a clone, with the same columns.

    Raises
    ------
    TableError
        One of several lacks a column.
    """
    given = [as_polars(one) for one in samples]
    if len(given) == 1:
        return given[0]
    for one in given:
        check_columns(one, GIVEN, "a sample as `effective_clones` gives it")
    loci = pl.concat([one.select("locus", "n_effective", "counting").unique() for one in given]).group_by("locus")
    depths = loci.agg(
        samples=pl.len(),
        counting=pl.when(pl.col("counting").n_unique() == 1).then(pl.col("counting").first()),
        total=pl.when(pl.col("n_effective").null_count() == 0).then(pl.col("n_effective").sum()),
    )
    clones = (
        pl.concat(given).group_by(CLONE, maintain_order=True).agg(pl.col("duplicate_count", "frequency", "cells").sum())
    )
    shares = pl.coalesce(
        pl.when(pl.col("total") > 0).then(pl.col("cells") / pl.col("total")), pl.col("frequency") / pl.col("samples")
    )
    return clones.join(depths, on="locus").select(
        *CLONE,
        "duplicate_count",
        frequency=shares,
        n_effective="total",
        cells=pl.when(pl.col("total") > 0).then("cells"),
        counting="counting",
    )


def depths_of(clones: pl.DataFrame) -> dict[str, float | None]:
    """Return locus → effective number of cells, of what `effective_clones` gives."""
    return _by_locus(clones, "n_effective", pl.Series.first)
