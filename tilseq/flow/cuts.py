"""The table of cuts: from one gated tube, from a cohort's tubes, and back to cuts that a tube can borrow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tilseq.flow.gating import Borrowed, Gating
from tilseq.flow.lymphocytes import BLIND, Region
from tilseq.flow.tree import CLEAR_SEPARATION, Cut

if TYPE_CHECKING:
    import polars as pl

# How the region of the lymphocytes stands in the table: one row a channel, its gate this and the channel's marker.
REGION = "lymphocytes "
LEAST_TUBES = 3
FURTHEST_MADS = 3.0


def cuts_table(gating: Gating) -> pl.DataFrame:
    """Return the cuts of one tube as the table `cuts`.

    A row is a threshold of a marker within a parent. The region of the lymphocytes has a row for each of its channels,
    named `lymphocytes FSC-A` and so on: the threshold is its centre, `lower` and `upper` where it ends on that
    channel, `spread` the standard deviation of natural logarithms that its distances are counted in.
    """
    from tilseq.tables.outputs import CUTS

    rows: list[dict[str, Any]] = [
        {
            "sample": gating.sample,
            "gate": cut.marker,
            "channel": gating.markers[cut.marker],
            "parent": cut.parent,
            "threshold": cut.threshold,
            "lower": cut.lower,
            "upper": cut.upper,
            "separation": cut.separation,
            "source": cut.source,
        }
        for cut in gating.cuts.values()
    ]
    region = gating.region
    if region is not None:
        for name, middle in region.centre.items():
            reach = math.exp(region.radius * region.spread[name])
            rows.append(
                {
                    "sample": gating.sample,
                    "gate": REGION + name,
                    "channel": gating.markers[name],
                    "parent": gating.populations["lymphocytes"].parent,
                    "threshold": middle,
                    "lower": middle / reach,
                    "upper": middle * reach,
                    "spread": region.spread[name],
                    "separation": region.separation,
                    "source": region.source,
                }
            )
    return CUTS.frame(rows)


def cohort_cuts(cuts: pl.DataFrame) -> pl.DataFrame:
    """Return the usual cuts of tubes of one panel on one instrument, which tubes without clear ones borrow.

    Taken are the medians over the tubes whose own cut lies in a valley of a separation of at least 0.5; of the region
    of the lymphocytes over all tubes that found it. The order of tubes changes nothing.

    Parameters
    ----------
    cuts
        Tables `cuts` of all tubes, one below the other.

    Returns
    -------
    polars.DataFrame
        Table `cohort_cuts`; a cut that fewer than three tubes have is not there.
    """
    import polars as pl

    from tilseq.tables.outputs import COHORT_CUTS

    is_region = pl.col("gate").str.starts_with(REGION)
    clear = (pl.col("source") == "valley") & (pl.col("separation") >= CLEAR_SEPARATION)
    own = cuts.filter((is_region & pl.col("source").is_in(["valley", "fallback"])) | (~is_region & clear))
    median = pl.col("threshold").median()
    mad = (pl.col("threshold") - median).abs().median()
    found = own.group_by("gate", "parent").agg(
        median,
        pl.col("lower").median(),
        pl.col("upper").median(),
        pl.col("spread").median(),
        mad.alias("mad"),
        pl.col("sample").n_unique().alias("tubes"),
    )
    return COHORT_CUTS.frame(found.filter(pl.col("tubes") >= LEAST_TUBES).to_dicts())


def borrowed(cohort: pl.DataFrame) -> Borrowed:
    """Return the cuts of a table `cohort_cuts` for `gate` to borrow.

    A borrowed cut could lie anywhere between the cohort's usual ends, and as far off as tubes differ.
    """
    cuts: dict[tuple[str, str], Cut] = {}
    centre: dict[str, float] = {}
    spread: dict[str, float] = {}
    radius = 0.0
    for row in cohort.iter_rows(named=True):
        if row["gate"].startswith(REGION):
            name = row["gate"].removeprefix(REGION)
            centre[name], spread[name] = row["threshold"], row["spread"]
            radius = math.log(row["upper"] / row["threshold"]) / row["spread"]
        else:
            lower = min(row["lower"], row["threshold"] - row["mad"])
            upper = max(row["upper"], row["threshold"] + row["mad"])
            key = (row["gate"], row["parent"])
            cuts[key] = Cut(*key, row["threshold"], lower, upper, None, "cohort")
    region = Region(centre, spread, radius, radius - BLIND, radius + BLIND, None, "cohort") if centre else None
    return Borrowed(cuts, region)


def far_from_cohort(cuts: pl.DataFrame, cohort: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a table `cuts` that lie more than three scaled MADs from the cohort's: told, never moved."""
    import polars as pl

    usual = cohort.select("gate", "parent", usual=pl.col("threshold"), mad=pl.col("mad"))
    joined = cuts.filter(pl.col("source") == "valley").join(usual, on=["gate", "parent"], how="inner")
    away = (pl.col("threshold") - pl.col("usual")).abs()
    return joined.filter(away > FURTHEST_MADS * 1.4826 * pl.col("mad"), pl.col("mad") > 0)
