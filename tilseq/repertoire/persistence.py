"""Persistence: what the clones of a reference, as an infusion product, hold of a later repertoire."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.intervals import clopper_pearson, scalar
from tilseq.receptors import CLONE
from tilseq.repertoire.cells import refuse_no_loci
from tilseq.repertoire.clones import clone_counts
from tilseq.repertoire.effective import (
    Counting,
    Depths,
    check_threshold,
    depths_of,
    effective_clones,
    limit_of_detection,
)
from tilseq.repertoire.still_seen import check_at_cells, doubts_of, still_seen
from tilseq.tables.repertoire import PERSISTENCE


def persistence(
    sample_table: Any,
    reference_table: Any,
    *,
    sample: str,
    n_effective: Depths = None,
    counting: Counting = None,
    reference_n_effective: Depths = None,
    baseline_table: Any = None,
    at_cells: Mapping[str, float] | None = None,
    threshold: float = 1e-3,
) -> pl.DataFrame:
    """Return what the clones of a reference hold of a later sample, locus by locus.

    - `mass`: share of the sample's counts that belong to clones of the reference. Depth leaves it unbiased. Limits are
      Clopper and Pearson's on `n_effective`; `limit_of_detection` is the share that would be missed with a chance of
      5 %, ``1 - 0.05 ** (1 / n_effective)``. A mass of 0 means "below that limit".
    - `mass_new`: the same of the clones of the reference that the baseline does not show, of loci that it holds. A
      clone that the baseline held and missed counts as new.
    - `product_mass_kept`: share of the reference that the clones seen in the sample held (see `still_seen`). It grows
      with the depth of the sample, so it compares samples of like `n_effective` only.
    - at a depth that samples have in common: `clones_at_n`, share of the reference's clones that the sample would
      still show; `frequent_clones_at_n`, of those that held at least `threshold` of the reference;
      `product_mass_kept_at_n`.

    Where no clone of the reference is seen and `n_effective` is not known, all are null: not seen is never 0 without
    the limit below which nothing would have been seen.

    Parameters
    ----------
    sample_table, reference_table
        polars or pandas: `locus`, `junction`, `duplicate_count`. Clones match by locus and nucleotide junction; rows
        of one clone are summed, so that several products may be put one below the other.
    sample
        Identifier of the later sample.
    n_effective
        Effective number of cells of the sample, for all loci or by locus (see `effective_number`). None gives values
        without limits: reads are not independent, and limits drawn from them would be far too narrow.
    counting
        Locus → how often a cell of the sample is counted, see `effective_clones`. Where that is not known there are no
        measures at a depth in common.
    reference_n_effective
        That of the reference, whose own sampling widens the limits of what is kept of it; None takes it as known.
    baseline_table
        Clones of blood from before the infusion, likewise.
    at_cells
        Locus → distinct cells that all samples to be compared show (see `common_cells`).
    threshold
        Share of the reference from which on a clone is frequent.

    Returns
    -------
    polars.DataFrame
        The table `persistence`: `sample, locus, measure, value, lower, upper, n_effective, limit_of_detection,
        at_cells`. A locus that one of the two tables lacks has null values.

    Raises
    ------
    TableError
        A table is not a clonotype table.
    AnalysisError
        The tables have no locus in common; an effective number is not above 0 or exceeds the counts; the threshold is
        no share above 0; the sample does not show so many distinct cells.
    """
    refuse_no_loci(at_cells=at_cells)
    return persistence_of(
        effective_clones(sample_table, n_effective, counting),
        effective_clones(reference_table, reference_n_effective),
        sample=sample,
        baseline=None if baseline_table is None else clone_counts(baseline_table),
        at_cells=at_cells,
        threshold=threshold,
    )


def persistence_of(
    later: pl.DataFrame,
    reference: pl.DataFrame,
    *,
    sample: str,
    baseline: pl.DataFrame | None = None,
    at_cells: Mapping[str, float] | None = None,
    threshold: float,
) -> pl.DataFrame:
    """Return what `persistence` does, of clones as `effective_clones` gives them."""
    check_threshold(threshold)
    ours, theirs = check_loci(later, reference)
    depths = depths_of(later)
    rows: list[dict[str, Any]] = []
    for locus in sorted(ours | theirs):
        place = {"sample": sample, "locus": locus, "n_effective": depths.get(locus)}
        if locus not in ours & theirs:
            rows += [{**place, "measure": measure} for measure in ("mass", "product_mass_kept")]
            continue
        parts = {"later": later.filter(locus=locus), "reference": reference.filter(locus=locus)}
        rows += [{**place, **row} for row in _masses(**parts, baseline=baseline)]
        rows += [{**place, **row} for row in _kept(**parts, cells=(at_cells or {}).get(locus), threshold=threshold)]
    return PERSISTENCE.frame(rows)


def check_loci(later: pl.DataFrame, reference: pl.DataFrame) -> tuple[set[str], set[str]]:
    """Return the loci of a sample and of a reference.

    Raises
    ------
    AnalysisError
        They have none in common.
    """
    ours, theirs = set(later["locus"].unique()), set(reference["locus"].unique())
    if not ours & theirs:
        raise AnalysisError(
            "sample and reference have no locus in common",
            found=f"{', '.join(sorted(ours)) or 'no clone'} against {', '.join(sorted(theirs)) or 'no clone'}",
        )
    return ours, theirs


def _masses(later: pl.DataFrame, reference: pl.DataFrame, baseline: pl.DataFrame | None) -> Iterator[dict[str, Any]]:
    """Yield the share of a locus that clones of the reference hold, of all and of those not in the baseline."""
    n, counts = later["n_effective"][0], int(later["duplicate_count"].sum())
    held = later.join(reference, on=CLONE, how="semi")
    named = {"mass": held}
    if baseline is not None and later["locus"][0] in baseline["locus"]:
        named["mass_new"] = held.join(baseline, on=CLONE, how="anti")
    for measure, clones in named.items():
        share = int(clones["duplicate_count"].sum()) / counts
        if n is None:
            yield {"measure": measure, "value": share or None}
            continue
        lower, upper = scalar(clopper_pearson(share * n, n))
        limits = {"lower": lower, "upper": upper, "limit_of_detection": limit_of_detection(n)}
        yield {"measure": measure, "value": share, **limits}


def _kept(
    later: pl.DataFrame, reference: pl.DataFrame, cells: float | None, threshold: float
) -> Iterator[dict[str, Any]]:
    """Yield what is kept of the reference at the sample's own depth, and at one in common."""
    if later["n_effective"][0] is None:
        held = reference.join(later, on=CLONE, how="semi")
        # Whatever order the clones stand in, `fsum` gives one number.
        kept = math.fsum(held["frequency"]) / math.fsum(reference["frequency"])
        yield {"measure": "product_mass_kept", "value": kept or None}
        return
    whole = still_seen(later, reference)["product_mass_kept"]
    yield {"measure": "product_mass_kept", **whole}
    if cells is None or any(doubts_of(later).values()):
        return
    check_at_cells(later, cells)
    yield from (
        {"measure": f"{name}_at_n", "at_cells": cells, **kept}
        for name, kept in still_seen(later, reference, cells).items()
    )
    frequent = reference.filter(pl.col("frequency") >= threshold)
    if frequent.height:
        clones = still_seen(later, frequent, cells)["clones"]
        yield {"measure": "frequent_clones_at_n", "at_cells": cells, **clones}


def pooled(tables: Sequence[tuple[Any, str]]) -> pl.DataFrame:
    """Return the clones of several tables as one reference, such as a product of several lots; counts are summed.

    Parameters
    ----------
    tables
        Each a clonotype table, polars or pandas, and what it counts.

    Raises
    ------
    AnalysisError
        There is no table, or they count different things, whose sum would mean nothing.
    TableError
        A table is not a clonotype table.
    """
    kinds = sorted({count_of for _, count_of in tables})
    if len(kinds) != 1:
        what = "clonotype tables that count different things cannot be summed" if kinds else "no clonotype table"
        raise AnalysisError(what, found=", ".join(kinds) or None, expected="counts of one kind")
    return clone_counts(pl.concat([clone_counts(table) for table, _ in tables]))
