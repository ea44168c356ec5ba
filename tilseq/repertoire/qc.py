"""Quality of a clonotype table: what was read, what was lost, and what of the rest a reader should look at."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.repertoire.clones import INDEPENDENT, check_count_of, check_once, clone_counts
from tilseq.repertoire.depth import FEWEST_FOR_SINGLETONS, is_counted_once, is_cut_off, too_few_cells
from tilseq.tables import as_polars
from tilseq.tables.outputs import QUALITY

MOST_LEFT_OUT = 0.5
MOST_WITHOUT_ANCHORS = 0.05
ANCHORED = "^C.*[FW]$"
LEFT_OUT_BY = "left out: "  # how the checks of single rules are called


def qc(
    table: Any,
    *,
    sample: str,
    count_of: str = "unknown",
    exclusions: Any | None = None,
    rows_kept: int | None = None,
    depth: Any | None = None,
) -> pl.DataFrame:
    """Return the checks of one sample's clonotypes.

    - `clonotypes`: how many are left; fails at none.
    - `counts`: their sum; warns where they are of reads or of unknown meaning and the cells behind them are not known,
      as those give no limits.
    - `left out`: rows left out, as a share of those and the rows kept; warns above a half. Each rule has a check of its
      own, `left out: <rule>`, that only tells.
    - `singletons LOCUS`: share of the clones seen once; warns where of a hundred clones or more none was, as a table
      cut at a smallest count has no coverage and no Chao1, and where of 300 clones of T cells or more each was, unless
      cells are counted, as a table that lost its counts.
    - `anchors LOCUS`: share of the clones whose `junction_aa` lacks its C or its F or W; warns above 5 %, as it may be
      a CDR3 without its anchors, which matches no junction.

    - `cells LOCUS`: warns where more clones or templates were seen than the cells told can hold (see `too_few_cells`).

    The limits that warn are round figures of ours, not of a paper.

    Parameters
    ----------
    table
        polars or pandas: `locus, junction, junction_aa, duplicate_count`, one row a clone.
    sample
        Sample identifier.
    count_of
        What the counts count.
    exclusions
        What was left out in reading, polars or pandas: `rule`, `rows`, `counts`.
    rows_kept
        Rows that were read into the table; by default its own, or its counts where these are cells.
    depth
        The sample's rows of the table `depth`, polars or pandas: the cells behind its counts, where they are known.

    Returns
    -------
    polars.DataFrame
        The table `quality`: `sample, check, value, limit, verdict, reason`.

    Raises
    ------
    TableError
        The table is not a clonotype table, or a clone stands in several rows.
    AnalysisError
        Counts are not of that.
    """
    check_count_of(count_of)
    frame = as_polars(table)
    check_once(frame)
    counts = int(clone_counts(frame)["duplicate_count"].sum())
    known = count_of in INDEPENDENT or (depth is not None and not as_polars(depth)["n_effective"].has_nulls())
    rows: list[dict[str, Any]] = [
        {
            "check": "clonotypes",
            "value": frame.height,
            "limit": "at least 1",
            "verdict": "pass" if frame.height else "fail",
            "reason": _some(frame.height, "clonotype") if frame.height else "no clonotype is left; see exclusions",
        },
        _counts(counts, count_of, known),
    ]
    if exclusions is not None:
        usual = counts if count_of == "cells" else frame.height
        rows += _left_out(as_polars(exclusions), usual if rows_kept is None else rows_kept)
    for (locus,), clones in sorted(frame.partition_by("locus", as_dict=True).items()):
        rows += [_singletons(str(locus), clones, count_of), _anchors(str(locus), clones)]
    if depth is not None:
        rows += [
            {
                "check": f"cells {few['locus']}",
                "value": few["cells"],
                "limit": f"at least those of {few['shown']}",
                "verdict": "warn",
                "reason": few["reason"],
            }
            for few in too_few_cells(frame, depth).iter_rows(named=True)
        ]
    return QUALITY.frame([{"sample": sample, **row} for row in rows])


def _counts(counts: int, count_of: str, known: bool) -> dict[str, Any]:
    told = "unknown meaning" if count_of == "unknown" else count_of
    what = "`count_of` (of templates it will do) or `cells`" if count_of == "unknown" else "`cells`"
    unknown = (
        f"counts of {told}, cells not known: indices have no limits, and nothing is told of what is not seen; "
        f"tell {what}, or give replicate libraries"
    )
    return {
        "check": "counts",
        "value": counts,
        "limit": "of cells, templates or known cells",
        "verdict": "pass" if known else "warn",
        "reason": f"{counts} of {told}" if known else unknown,
    }


def _left_out(exclusions: pl.DataFrame, kept: int) -> list[dict[str, Any]]:
    lost = int(exclusions["rows"].sum())
    share = lost / (lost + kept) if lost + kept else None
    rows: list[dict[str, Any]] = [
        {
            "check": "left out",
            "value": share,
            "limit": f"at most {MOST_LEFT_OUT:g} of the rows",
            "verdict": "warn" if share is not None and share > MOST_LEFT_OUT else "pass",
            "reason": f"{_some(lost, 'row')} left out, {kept} kept",
        }
    ]
    for rule, count, held in exclusions.group_by("rule").agg(pl.col("rows", "counts").sum()).sort("rule").iter_rows():
        reason = f"{_some(count, 'row')}, {_some(held, 'count')}"
        share = count / (lost + kept)
        rows.append({"check": f"{LEFT_OUT_BY}{rule}", "value": share, "verdict": "pass", "reason": reason})
    return rows


def _some(number: float, one: str) -> str:
    """Return a number with its noun."""
    return f"{number:.0f} {one}" + "s" * (number != 1)


def _singletons(locus: str, clones: pl.DataFrame, count_of: str) -> dict[str, Any]:
    once = clones.filter(duplicate_count=1).height
    cut = is_cut_off(clones["duplicate_count"])
    lost = count_of != "cells" and is_counted_once(locus, clones["duplicate_count"])
    reason = f"{once} of {clones.height} clones seen once"
    if cut:
        reason += ": was the table cut at a smallest count, or its counts scaled? coverage, Chao1 and limits then mean "
        reason += "nothing"
    if lost:
        reason += ": were the counts lost? Shares are then those of clones (of sorted naive cells it may be so)"
    return {
        "check": f"singletons {locus}",
        "value": once / clones.height,
        "limit": f"above 0 of {FEWEST_FOR_SINGLETONS} clones or more",
        "verdict": "warn" if cut or lost else "pass",
        "reason": reason,
    }


def _anchors(locus: str, clones: pl.DataFrame) -> dict[str, Any]:
    bare = int((~clones["junction_aa"].cast(pl.String).str.contains(ANCHORED).fill_null(False)).sum())
    share = bare / clones.height
    return {
        "check": f"anchors {locus}",
        "value": share,
        "limit": f"at most {MOST_WITHOUT_ANCHORS:g} without",
        "verdict": "warn" if share > MOST_WITHOUT_ANCHORS else "pass",
        "reason": f"{bare} of {clones.height} junctions lack their C or F/W anchor; they are kept",
    }
