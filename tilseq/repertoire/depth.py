"""The depth of a sample: how many cells stand behind its counts, and how that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from tilseq.repertoire.cells import cells_of, effective_cells, effective_number
from tilseq.repertoire.clones import INDEPENDENT, check_count_of, clone_counts
from tilseq.repertoire.effective import effective_clones
from tilseq.repertoire.miscounting import ONCE, Miscounting, miscounting
from tilseq.repertoire.replicates import Estimate
from tilseq.tables import as_polars
from tilseq.tables.repertoire import DEPTH

FEWEST_COUNTED_ONCE = 300  # clones of T cells: in blood one of so many is seen twice, unless the counts were lost
FEWEST_FOR_SINGLETONS = 100  # clones: of so many at least one is seen once, unless they were cut off
TOLD = ("declared", "input_ng")  # sources of cells that the counts have no part in
LIGHT = ("IGK", "IGL")  # of which a B cell bears one


def depth(
    table: Any,
    *,
    sample: str,
    count_of: str,
    counted: Mapping[str, int] | None = None,
    cells: float | None = None,
    t_cell_fraction: float | None = None,
    input_ng: float | None = None,
    replicates: Mapping[str, Estimate] | None = None,
    pair: Mapping[str, Estimate] | None = None,
    miscounted: Mapping[str, Miscounting] | None = None,
) -> pl.DataFrame:
    """Return the cells and the effective number of cells of each locus of a sample, and the source of the cells.

    The first that is known is taken: the cells counted, where the counts are of cells; the cells or the DNA that went
    into the library (`cells_of`); an estimate from replicates; counts of templates; an estimate from a pair. Counts of
    UMIs or reads are never taken for cells: a cell of RNA gives several UMIs, and no library tells how many.

    Parameters
    ----------
    table
        polars or pandas: `locus`, `junction`, `duplicate_count`.
    sample
        Sample identifier.
    count_of
        What the counts count: `cells`, `umis`, `templates`, `reads` or `unknown`.
    counted
        Locus → distinct cells, where the counts are of cells.
    cells, t_cell_fraction, input_ng
        As for `cells_of`.
    replicates, pair
        Locus → estimate, of `cells_from_replicates` and `cells_from_pair`.
    miscounted
        Locus → how often templates are counted, of `miscounted_templates`, where libraries of one laboratory tell it
        together; by default what this table tells, which is little.

    Returns
    -------
    polars.DataFrame
        The table `depth`: `sample, locus, counts, count_of, cells, cells_from, cells_lower, cells_upper, n_effective,
        counting`.

        - `cells_from`: `counted`, `declared`, `input_ng`, `replicates`, `templates`, `pair` or `not_known`. Cells that
          were told stand behind each locus, but for those of light chains, see `told_by_locus`.
        - `n_effective`: that of `effective_number`, where cells were told; ``1 / (1 / cells + 1 / counts)`` of cells
          that replicates or a pair tell, in which unequal yields are; None of UMIs and reads whose replicates look like
          one library (`one_library`). A cell with two chains of a locus is an observation of each: it counts once in
          `cells` and twice here.
        - `counting`, how often a cell is counted: `once`; `twice`, that is 0, 1 or 2 times, as templates may be;
          `drawn` at random; `unsure` of templates whose libraries do not surely tell; `too_many` where more templates
          were counted than the cells told can have given; None where the counts' meaning is unknown and they are not
          worth their sum.

    Raises
    ------
    TableError
        The table is not a clonotype table.
    AnalysisError
        Counts are not of that; as `cells_of`.
    """
    check_count_of(count_of)
    put_in = cells_of(cells, t_cell_fraction, input_ng)
    rows = []
    clones = clone_counts(table)
    sums = dict(clones.group_by("locus").agg(pl.col("duplicate_count").sum()).iter_rows())
    if miscounted is None and count_of == "templates":
        miscounted = miscounted_templates([clones])
    of_locus = {} if put_in is None else told_by_locus(put_in, sums)
    for locus, counts in sums.items():
        row: dict[str, Any] = {"sample": sample, "locus": locus, "counts": counts, "count_of": count_of}
        repeated, paired = (known.get(locus) if known else None for known in (replicates, pair))
        how = (miscounted or {}).get(locus, ONCE)
        if count_of == "cells":
            known = min(counts, (counted or {}).get(locus, counts))
            row |= {"cells": known, "cells_from": "counted", "n_effective": counts}
        elif put_in is not None:
            source, behind = "declared" if cells is not None else "input_ng", of_locus[locus]
            effective = effective_number(counts, count_of, behind, variance=how.variance)
            row |= {"cells": behind, "cells_from": source, "n_effective": effective}
        elif repeated:
            row |= _estimated(repeated, "replicates", counts)
            if count_of not in INDEPENDENT and _like_one_library(repeated, counts):
                row["n_effective"] = None
        elif count_of == "templates":
            effective = effective_number(counts, count_of, variance=how.variance)
            row |= {"cells": counts, "cells_from": count_of, "n_effective": effective}
        elif paired:
            row |= _estimated(paired, "pair", counts)
        else:
            row |= {"cells_from": "not_known"}
        rows.append(row | {"counting": _counting(row, how)})
    return DEPTH.frame(rows)


def miscounted_templates(tables: Iterable[Any]) -> dict[str, Miscounting]:
    """Return locus → how often templates are counted, as libraries of one laboratory tell it together (`miscounting`).

    Parameters
    ----------
    tables
        Clonotype tables of templates, polars or pandas: `locus`, `junction`, `duplicate_count`.

    Raises
    ------
    TableError
        A table is not a clonotype table.
    """
    by_locus: dict[str, list[np.ndarray]] = {}
    for table in tables:
        for (locus,), clones in clone_counts(table).partition_by("locus", as_dict=True).items():
            by_locus.setdefault(str(locus), []).append(clones["duplicate_count"].to_numpy())
    return {locus: miscounting(libraries) for locus, libraries in by_locus.items()}


def told_by_locus(cells: float, counts: Mapping[str, int]) -> dict[str, float]:
    """Return locus → cells behind it, of the cells of the receptor's kind that went into a library.

    A B cell bears a kappa or a lambda chain, not both (isotypic exclusion), so that where both were sequenced together
    their cells are parted as their counts are. Of one of them alone nobody knows how many bear it: all are taken, and
    limits are too narrow; so it is of TRG and TRD, which few T cells bear.

    Parameters
    ----------
    cells
        Cells that went into the library.
    counts
        Locus → sum of its counts.
    """
    light = sum(counts.get(locus, 0) for locus in LIGHT)
    return {locus: cells * counts[locus] / light if locus in LIGHT else cells for locus in counts}


def is_cut_off(counts: ArrayLike) -> bool:
    """Tell whether the clones of a library look as if those of few counts had been taken away: none was counted once.

    Parameters
    ----------
    counts
        Those of each clone of one locus, shape (clones,), as cells, templates or UMIs give them; of fewer than 100
        clones nothing is told. Of deep reads no clone need be counted once.
    """
    counts = np.asarray(counts)
    return bool(counts.size >= FEWEST_FOR_SINGLETONS and counts.min() > 1)


def is_counted_once(locus: str, counts: ArrayLike) -> bool:
    """Tell whether the clones of a library of T cells look as if their counts had been lost: each was counted once.

    Parameters
    ----------
    locus
        Locus of the clones. Of B cells nothing is told: each naive one is a clone of its own.
    counts
        Those of each clone, shape (clones,), of a bulk library; of fewer than 300 clones nothing is told.
    """
    counts = np.asarray(counts)
    return bool(locus.startswith("TR") and counts.size >= FEWEST_COUNTED_ONCE and counts.max() == 1)


def one_library(depths: Any) -> pl.DataFrame:
    """Return the samples whose replicates look like one library sequenced several times.

    Libraries made apart hold other cells, so that counts of UMIs or reads differ between them by more than these do;
    where they do not, the cells told are as many as the counts or more. So it is, too, where there are more cells than
    counts.

    Parameters
    ----------
    depths
        The table `depth`, polars or pandas.

    Returns
    -------
    polars.DataFrame
        `sample, locus, cells, reason`, a row each.
    """
    alike = pl.col("cells").is_null() | (pl.col("cells") >= pl.col("counts"))
    found = as_polars(depths).filter(alike, ~pl.col("count_of").is_in(INDEPENDENT), cells_from="replicates")
    reason = pl.format(
        "{}: replicates differ no more than their counts do by chance, as one library sequenced several times would; "
        "its cells are then not known, and nothing rests on them; give the cells put in",
        "locus",
    )
    return found.select("sample", "locus", "cells", reason.alias("reason"))


def too_few_cells(table: Any, depths: Any) -> pl.DataFrame:
    """Return the loci of a sample that show more clones, or templates, than their library can have held cells for.

    Of cells or DNA that were told: a cell has one clone of a locus, of TRA two, and gives one template of DNA of each.
    The number told is kept; limits that rest on it are too wide.

    Parameters
    ----------
    table
        polars or pandas: `locus`, `junction`, `duplicate_count`.
    depths
        The sample's rows of the table `depth`, polars or pandas.

    Returns
    -------
    polars.DataFrame
        `locus, cells, shown, reason`, a row each; `shown` is the clones or templates in words.
    """
    clones = clone_counts(table).group_by("locus").agg(clones=pl.len())
    told = as_polars(depths).filter(pl.col("cells_from").is_in(TOLD)).join(clones, on="locus")
    held = pl.col("cells") * pl.when(pl.col("locus") == "TRA").then(2).otherwise(1)
    many = (pl.col("count_of") == "templates") & (pl.col("counts") > held)
    few = told.filter((pl.col("clones") > held) | many).with_columns(
        shown=pl.when(pl.col("clones") > held)
        .then(pl.format("{} clones", "clones"))
        .otherwise(pl.format("{} templates", "counts"))
    )
    why = (
        pl.when(pl.col("clones") > held)
        .then(pl.lit("errors of reading stand as clones"))
        .otherwise(pl.lit("the counts are of something else"))
    )
    reason = pl.format(
        "{}: {} are more than {} cells can hold: too few cells are told, or {}; limits are too wide",
        "locus",
        "shown",
        pl.col("cells").round(0).cast(pl.Int64),
        why,
    )
    return few.select("locus", "cells", "shown", reason.alias("reason")).sort("locus")


def worth_more_than(row: Mapping[str, Any], estimate: Estimate) -> bool:
    """Tell whether the counts of a locus are taken to be worth more cells than an estimate allows at most.

    Of templates that need not be so where more cells are told: they are no more worth for it, see `effective_number`.

    Parameters
    ----------
    row
        Row of the table `depth`.
    estimate
        Of the same locus and sample, of `cells_from_replicates`.
    """
    return estimate.upper is not None and row["n_effective"] > effective_cells(estimate.upper, row["counts"])


def share_cells(depths: Any) -> dict[str, float | None]:
    """Return locus → effective number of cells that shares of a sample are worth, None where it is not known.

    Both chains of a cell with two of one locus are its clone's, so that cells that were counted are worth no more than
    their number.

    Parameters
    ----------
    depths
        Rows of the table `depth` of one sample, polars or pandas.
    """
    counted = pl.col("cells_from") == "counted"
    worth = pl.when(counted).then(pl.min_horizontal("n_effective", "cells")).otherwise("n_effective")
    return dict(as_polars(depths).select("locus", worth.alias("n_effective")).iter_rows())


def with_depth(table: Any, depths: Any) -> pl.DataFrame:
    """Return the clones of a sample as `effective_clones` gives them, by its rows of the table `depth`.

    Parameters
    ----------
    table
        Clonotype table of the sample, polars or pandas: `locus`, `junction`, `duplicate_count`.
    depths
        Rows of the table `depth` of the sample, polars or pandas.

    Raises
    ------
    TableError, AnalysisError
        As `effective_clones`.
    """
    counting = dict(as_polars(depths).select("locus", "counting").iter_rows())
    return effective_clones(table, share_cells(depths), counting)


def _counting(row: Mapping[str, Any], how: Miscounting) -> str | None:
    """Return how often a cell is counted, of a row of `depth`; templates are not counted twice in the mean."""
    counts, effective = row["counts"], row.get("n_effective")
    if effective is None or effective >= counts:
        return None if effective is None else "once"
    if row["count_of"] == "templates" and row["cells_from"] in TOLD and effective >= row["cells"]:
        return "too_many"  # more than those cells can have given: one of the two is wrong, and nothing tells which
    if row["count_of"] == "templates" and 2 * effective >= counts:
        law = "twice" if how.twice and 2 * effective > counts else "drawn"
        return law if how.sure else "unsure"
    return None if row["count_of"] == "unknown" else "drawn"


def _like_one_library(found: Estimate, counts: int) -> bool:
    """Tell whether replicates differ no more than if each count were a cell, as where one library was read twice."""
    return found.cells is None or found.cells >= counts


def _estimated(found: Estimate, source: str, counts: int) -> dict[str, Any]:
    """Return what an estimate says; where counts vary no more than if each were a cell, they are worth their sum."""
    effective = effective_cells(found.cells, counts) if found.cells else float(counts)
    limits = {"cells_lower": found.lower, "cells_upper": found.upper}
    return {"cells": found.cells, "cells_from": source, "n_effective": effective, **limits}
