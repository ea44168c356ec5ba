"""Persistence: what the clones of a reference, as an infusion product, hold of a later repertoire."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.intervals import clopper_pearson, scalar
from tilseq.repertoire.clones import INDEPENDENT, KEY, clone_counts
from tilseq.tables.outputs import PERSISTENCE


def effective_cells(cells: float, reads: float) -> float:
    """Return the number of independent observations in a sample: ``1 / (1 / cells + 1 / reads)``.

    Cells are drawn from the blood, then reads from the cells, and each draw adds its own variance; many reads of few
    cells are worth no more than the cells.

    Parameters
    ----------
    cells
        T cells that went into the library.
    reads
        Reads (or UMIs, templates) of the locus that came out.
    """
    if not (isfinite(cells) and isfinite(reads) and cells > 0 and reads > 0):
        raise AnalysisError("cells and reads must be above 0", found=f"{cells:g} cells, {reads:g} reads")
    return 1 / (1 / cells + 1 / reads)


def effective_number(counts: float, count_of: str, cells: float | None = None) -> float | None:
    """Return the effective number of cells behind a sum of counts, or None when it cannot be known.

    Parameters
    ----------
    counts
        Sum of counts of a locus.
    count_of
        What they count: `cells`, `umis`, `templates`, `reads` or `unknown`.
    cells
        T cells that went into the library, where known.

    Returns
    -------
    float or None
        The counts themselves where they are cells; `effective_cells` where the cells are known; else the counts of
        UMIs or templates, and None for reads and counts of unknown meaning.
    """
    if counts <= 0:
        return None
    if count_of == "cells":
        return counts
    if cells is not None:
        return effective_cells(cells, counts)
    return counts if count_of in INDEPENDENT else None


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
        rows.append({**place, "measure": "product_mass_kept", "value": share, "n_effective": n})
    return PERSISTENCE.frame(rows)


def _shared(clones: pl.DataFrame, others: pl.DataFrame | None = None) -> dict[str, int]:
    """Return the sum of counts by locus, of all clones or of those that `others` holds too."""
    if others is not None:
        clones = clones.join(others, on=KEY, how="semi")
    return dict(clones.group_by("locus").agg(pl.col("duplicate_count").sum()).iter_rows())


def _mass(held: int, counts: int, n_effective: float | None) -> dict[str, float]:
    share = held / counts
    if n_effective is None:
        return {"value": share}
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
