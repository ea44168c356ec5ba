"""The cells behind each sample of a subject, where its replicates or a pair of its samples tell more than it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tilseq.steps import repertoire

if TYPE_CHECKING:
    import polars as pl

    from tilseq.repertoire.miscounting import Miscounting
    from tilseq.repertoire.replicates import Estimate

# Libraries alike in all of these, and told apart by `replicate`, are of one specimen.
ALIKE = ("assay", "specimen", "visit", "day", "timing", "lot", "lesion", "specimen_id", "marked_population", "locus")
# Two samples alike in these are a pair.
OF_ONE_KIND = ("assay", "specimen", "lesion", "marked_population", "locus")
SampleEstimates = dict[str, "dict[str, Estimate]"]


def cells_behind(
    samples: Sequence[Mapping[str, Any]],
    clones: Mapping[str, pl.DataFrame],
    miscounted: Mapping[str, Miscounting] | None = None,
) -> pl.DataFrame:
    """Return the table `depth` of a subject's samples, one row a sample and locus.

    Parameters
    ----------
    samples
        Rows of samples.csv in the order of their days.
    clones
        Sample → table `clonotypes` of the step `repertoire`; a sample without one is left out.
    miscounted
        Locus → how often templates are counted, of the step `template_counting`; by default as the subject's own
        libraries tell it together, which is often too little.

    Returns
    -------
    polars.DataFrame
        What a sample says of itself, or else an estimate: from libraries of one specimen whose `replicate` differs,
        then, where cells are not known at all, from the sample before it, or after the first, of one kind of specimen;
        of two such estimates the lower.
    """
    import polars as pl

    from tilseq.repertoire.depth import depth, miscounted_templates
    from tilseq.tables.repertoire import DEPTH

    present = [row for row in samples if clones.get(row["sample"]) is not None and clones[row["sample"]].height]
    replicates, pairs = _of_replicates(present, clones), _of_pairs(present, clones)
    if miscounted is None:
        tables = (clones[row["sample"]] for row in present)
        miscounted = miscounted_templates(table for table in tables if repertoire.count_of(table) == "templates")
    found = [DEPTH.frame()]
    for row in present:
        name = row["sample"]
        table = clones[name]
        counted = dict(table.select("locus", "cells_of_locus").drop_nulls().unique().iter_rows())
        found.append(
            depth(
                table,
                sample=name,
                count_of=repertoire.count_of(table),
                counted=counted,
                cells=repertoire.cells_in_library(row),
                replicates=replicates.get(name),
                pair=pairs.get(name),
                miscounted=miscounted,
            )
        )
    return pl.concat(found)


def more_than_replicates(
    samples: Sequence[Mapping[str, Any]], clones: Mapping[str, pl.DataFrame], depths: pl.DataFrame
) -> list[dict[str, Any]]:
    """Return a row of `quality` for each sample of which more cells are told than its replicates allow.

    What is told is kept; limits that rest on it are too narrow. `depths` is what `cells_behind` says of the samples.
    """
    import polars as pl

    from tilseq.repertoire.depth import TOLD, worth_more_than

    present = [row for row in samples if clones.get(row["sample"]) is not None and clones[row["sample"]].height]
    estimates = _of_replicates(present, clones)
    rows: list[dict[str, Any]] = []
    for row in depths.filter(pl.col("cells_from").is_in(TOLD)).iter_rows(named=True):
        estimate = estimates.get(row["sample"], {}).get(row["locus"])
        if estimate is not None and worth_more_than(row, estimate):
            reason = (
                f"samples.csv tells {row['cells']:.0f} cells, and its replicates differ as libraries of "
                f"{estimate.upper:.0f} at most do: limits are too narrow; without `cells` the replicates tell them"
            )
            rows.append(
                {
                    "sample": row["sample"],
                    "check": f"cells told against replicates, {row['locus']}",
                    "value": row["cells"],
                    "limit": f"at most {estimate.upper:.0f}",
                    "verdict": "warn",
                    "reason": reason,
                }
            )
    return rows


def known_cells(
    samples: Sequence[Mapping[str, Any]],
    clones: Mapping[str, pl.DataFrame],
    miscounted: Mapping[str, Miscounting] | None = None,
) -> pl.DataFrame:
    """Return the table `depth` as `cells_behind` does, without what pairs tell.

    A pair tells too few cells where clones changed, which is what is asked of them elsewhere.
    """
    import polars as pl

    return cells_behind(samples, clones, miscounted).filter(pl.col("cells_from") != "pair")


def _of_replicates(samples: Sequence[Mapping[str, Any]], clones: Mapping[str, pl.DataFrame]) -> SampleEstimates:
    from tilseq.repertoire.replicates import cells_from_replicates

    found: SampleEstimates = {}
    for group in _alike(samples, clones, ALIKE):
        if len({row["replicate"] for row in group}) == len(group) > 1:
            names = [row["sample"] for row in group]
            found |= dict.fromkeys(names, cells_from_replicates({name: clones[name] for name in names}))
    return found


def _of_pairs(samples: Sequence[Mapping[str, Any]], clones: Mapping[str, pl.DataFrame]) -> SampleEstimates:
    """Return the estimates of samples of which nothing else tells the cells."""
    from tilseq.repertoire.clones import INDEPENDENT
    from tilseq.repertoire.replicates import cells_from_pair

    found: SampleEstimates = {}
    untold = [row for row in samples if repertoire.count_of(clones[row["sample"]]) not in INDEPENDENT]
    unknown = [row for row in untold if repertoire.cells_in_library(row) is None]
    for group in _alike(unknown, clones, OF_ONE_KIND):
        for first, second in pairwise(row["sample"] for row in group):
            for locus, estimate in cells_from_pair(clones[first], clones[second]).items():
                for name in (first, second):
                    known = found.setdefault(name, {}).get(locus)
                    found[name][locus] = estimate if known is None else min(known, estimate, key=_cells)
    return found


def _cells(estimate: Estimate) -> float:
    return float("inf") if estimate.cells is None else estimate.cells


def _alike(
    samples: Sequence[Mapping[str, Any]], clones: Mapping[str, pl.DataFrame], columns: Sequence[str]
) -> list[list[Mapping[str, Any]]]:
    """Return the samples alike in some columns and in what their counts count, group by group."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in samples:
        alike = (*(row[name] for name in columns), repertoire.count_of(clones[row["sample"]]))
        groups.setdefault(alike, []).append(row)
    return list(groups.values())
