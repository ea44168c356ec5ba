"""Persistence: what the clones of a reference, as an infusion product, hold of a later repertoire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.intervals import clopper_pearson, scalar
from tilseq.receptors import CLONE
from tilseq.repertoire.clones import clone_counts
from tilseq.tables.repertoire import PERSISTENCE


def persistence(
    sample_table: Any,
    reference_table: Any,
    *,
    sample: str,
    n_effective: float | Mapping[str, float | None] | None = None,
) -> pl.DataFrame:
    """Return what the clones of a reference hold of a later sample, locus by locus.

    - `mass`: share of the sample's counts that belong to clones of the reference. Depth leaves it unbiased. Limits are
      Clopper and Pearson's on `n_effective`; `limit_of_detection` is the share that would be missed with a chance of
      5 %, ``1 - 0.05 ** (1 / n_effective)``. A mass of 0 means "below that limit".
    - `product_mass_kept`: share of the reference's counts that belong to clones seen in the sample. It grows with the
      depth of the sample, so it compares samples of like `n_effective` only; it has no limits.

    Where no clone of the reference is seen and `n_effective` is not known, both are null: not seen is never 0 without
    the limit below which nothing would have been seen.

    The share of the reference's *clones* still seen is not given: it is a matter of depth more than of persistence.

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

    Returns
    -------
    polars.DataFrame
        The table `persistence`: `sample, locus, measure, value, lower, upper, n_effective, limit_of_detection`.
        A locus that one of the two tables lacks has null values.

    Raises
    ------
    TableError
        A table is not a clonotype table.
    AnalysisError
        The tables have no locus in common; `n_effective` is not above 0 or exceeds the sample's counts.
    """
    later, reference = clone_counts(sample_table), clone_counts(reference_table)
    ours, theirs = set(later["locus"]), set(reference["locus"])
    if not ours & theirs:
        raise AnalysisError(
            "sample and reference have no locus in common",
            found=f"{', '.join(sorted(ours)) or 'no clone'} against {', '.join(sorted(theirs)) or 'no clone'}",
        )
    held, counts = _shared(later, reference), _shared(later)
    kept, product = _shared(reference, later), _shared(reference)
    rows: list[dict[str, Any]] = []
    for locus in sorted(ours | theirs):
        n = n_effective.get(locus) if isinstance(n_effective, Mapping) else n_effective
        place = {"sample": sample, "locus": locus}
        if locus not in ours & theirs:
            rows += [{**place, "measure": measure} for measure in ("mass", "product_mass_kept")]
            continue
        rows.append({**place, "measure": "mass", **_mass(held.get(locus, 0), counts[locus], n)})
        share = kept.get(locus, 0) / product[locus]
        told = share if share or n is not None else None
        rows.append({**place, "measure": "product_mass_kept", "value": told, "n_effective": n})
    return PERSISTENCE.frame(rows)


def _shared(clones: pl.DataFrame, others: pl.DataFrame | None = None) -> dict[str, int]:
    """Return the sum of counts by locus, of all clones or of those that `others` holds too."""
    if others is not None:
        clones = clones.join(others, on=CLONE, how="semi")
    return dict(clones.group_by("locus").agg(pl.col("duplicate_count").sum()).iter_rows())


def _mass(held: int, counts: int, n_effective: float | None) -> dict[str, float | None]:
    share = held / counts
    if n_effective is None:
        return {"value": share or None}
    if not (0 < n_effective <= counts):
        raise AnalysisError(
            "the effective number of cells cannot exceed the counts",
            found=n_effective,
            expected=f"above 0, at most {counts}",
        )
    lower, upper = scalar(clopper_pearson(share * n_effective, n_effective))
    return {
        "value": share,
        "lower": lower,
        "upper": upper,
        "n_effective": n_effective,
        "limit_of_detection": 1 - 0.05 ** (1 / n_effective),
    }


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
