"""The table of cuts: from one gated tube, from a cohort's tubes, and back to cuts that a tube can borrow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tilseq.flow.gated import Borrowed, Gating, refuse_ungated
from tilseq.flow.lymphocytes import BLIND, Region
from tilseq.flow.tree import CLEAR_SEPARATION, Cut
from tilseq.intervals import Z95
from tilseq.populations import REGION

if TYPE_CHECKING:
    import polars as pl

LEAST_TUBES = 3
FURTHEST_MADS, LEAST_DIFFERENCE = 3.0, 0.02
SCALED = 1.4826  # standard deviation of a normal distribution by its MAD


def cuts_table(gating: Gating) -> pl.DataFrame:
    """Return the cuts of one tube as the table `cuts`.

    A row is a threshold of a marker within a parent. The region of the lymphocytes has a row for each of its channels,
    named `lymphocytes FSC-A` and so on: the threshold is its centre, `lower` and `upper` where it ends on that
    channel, `spread` the standard deviation of natural logarithms that its distances are counted in, `shift` how many
    of them its middle lies from its centre, and `radius` how many it reaches from its middle.

    Parameters
    ----------
    gating
        A gated tube.

    Returns
    -------
    polars.DataFrame
        Table `cuts`, on the compensated linear scale.

    Raises
    ------
    AnalysisError
        It is no gated tube.
    """
    from tilseq.tables.outputs import CUTS

    refuse_ungated(gating)
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
        for name, middle in region.middle.items():
            reach = math.exp(region.radius * region.spread[name])
            rows.append(
                {
                    "sample": gating.sample,
                    "gate": REGION + name,
                    "channel": gating.markers[name],
                    "parent": gating.populations["lymphocytes"].parent,
                    "threshold": region.centre[name],
                    "lower": middle / reach,
                    "upper": middle * reach,
                    "spread": region.spread[name],
                    "shift": region.shift.get(name),
                    "radius": region.radius,
                    "separation": region.separation,
                    "source": region.source,
                }
            )
    return CUTS.frame(rows)


def cohort_cuts(cuts: Any) -> pl.DataFrame:
    """Return the usual cuts of tubes of one panel on one instrument, which tubes without clear ones borrow.

    Taken are the medians over the tubes whose own cut lies in a valley of a separation of at least 0.5; of the region
    of the lymphocytes over all tubes that found it beside larger cells, or over the others where these are more. The
    order of tubes changes nothing.

    Parameters
    ----------
    cuts
        Tables `cuts` of all tubes, polars or pandas, one below the other.

    Returns
    -------
    polars.DataFrame
        Table `cohort_cuts`; a cut that fewer than three tubes have is not there.
    """
    import polars as pl

    from tilseq.tables.outputs import COHORT_CUTS
    from tilseq.tables.schema import as_polars

    cuts = as_polars(cuts)
    is_region = pl.col("gate").str.starts_with(REGION)
    clear = (pl.col("source") == "valley") & (pl.col("separation") >= CLEAR_SEPARATION)
    regions = _of_most(cuts.filter(is_region & pl.col("source").is_in(["valley", "fallback"])))
    # One radius, though tubes without CD45 have a row less.
    radius = pl.col("radius").filter(pl.col("sample").is_first_distinct()).median()
    regions = regions.with_columns(radius=radius)
    own = pl.concat([regions, cuts.filter(~is_region & clear)])
    # The region is one, whether dead cells could be told from living ones in all tubes or not.
    parent = pl.when(is_region).then(pl.lit("lymphocytes")).otherwise("parent").alias("parent")
    median = pl.col("threshold").median()
    mad = (pl.col("threshold") - median).abs().median()
    found = (
        own.with_columns(parent)
        .group_by("gate", "parent", "channel")
        .agg(
            median,
            pl.col("lower").median(),
            pl.col("upper").median(),
            pl.col("spread").median(),
            pl.col("shift").median(),
            pl.col("radius").median(),
            mad.alias("mad"),
            pl.col("sample").n_unique().alias("tubes"),
        )
    )
    return COHORT_CUTS.frame(found.filter(pl.col("tubes") >= LEAST_TUBES).to_dicts())


def _of_most(regions: pl.DataFrame) -> pl.DataFrame:
    """Return the regions that are moved away from larger cells, or the others where more tubes have such."""
    import polars as pl

    moved = pl.col("shift").is_not_null().any().over("sample")
    tubes = regions.with_columns(moved=moved).unique("sample")["moved"]
    return regions.filter(moved if 2 * tubes.sum() >= tubes.len() else ~moved)


def borrowed(cohort: Any) -> Borrowed:
    """Return the cuts of a table `cohort_cuts` for `gate` to borrow.

    A borrowed cut could lie anywhere between the cohort's usual ends, and as far off as 95 % of tubes do: the root of
    the sum of both squares. Of a marker that tubes bear in different channels nothing is lent; where that is CD3 they
    are of several panels, and nothing is lent at all.

    Parameters
    ----------
    cohort
        Table `cohort_cuts` of one panel, instrument and batch, polars or pandas.

    Returns
    -------
    Borrowed
        Each cut with its place and ends on the compensated linear scale.
    """
    import polars as pl

    from tilseq.tables.schema import as_polars

    cohort = as_polars(cohort)
    if cohort.filter(pl.col("gate") == "CD3")["channel"].n_unique() > 1:
        return Borrowed()
    one_channel = pl.col("channel").n_unique().over("gate") == 1
    cohort = cohort.filter(one_channel)
    is_region = pl.col("gate").str.starts_with(REGION)
    cuts: dict[tuple[str, str], Cut] = {}
    for row in cohort.filter(~is_region).iter_rows(named=True):
        place, key = row["threshold"], (row["gate"], row["parent"])
        lower, upper = (math.hypot(place - end, Z95 * SCALED * row["mad"]) for end in (row["lower"], row["upper"]))
        cuts[key] = Cut(*key, place, place - lower, place + upper, None, "cohort")
    region = cohort.filter(is_region).with_columns(gate=pl.col("gate").str.strip_prefix(REGION))
    channels = {**dict(cohort.filter(~is_region).select("gate", "channel").rows())}
    channels |= dict(region.select("gate", "channel").rows())
    if not {"FSC-A", "SSC-A"} <= set(region["gate"]):
        return Borrowed(cuts, None, channels)
    centre, spread, shift = (
        dict(region.drop_nulls(column).select("gate", column).rows()) for column in ("threshold", "spread", "shift")
    )
    radius = float(region["radius"].to_list()[0])
    lent = Region(centre, spread, radius, radius - BLIND, radius + BLIND, None, "cohort", shift)
    return Borrowed(cuts, lent, channels)


def far_from_cohort(cuts: pl.DataFrame, cohort: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a table `cuts` that lie more than three scaled MADs from the cohort's: told, never moved.

    Where tubes differ less than that, two per cent of the cohort's are one.
    """
    import polars as pl

    usual = cohort.select("gate", "parent", "channel", usual=pl.col("threshold"), mad=pl.col("mad"))
    joined = cuts.filter(pl.col("source") == "valley").join(usual, on=["gate", "parent", "channel"], how="inner")
    away = (pl.col("threshold") - pl.col("usual")).abs()
    scaled = pl.max_horizontal(SCALED * pl.col("mad"), LEAST_DIFFERENCE * pl.col("usual").abs())
    return joined.filter(away > FURTHEST_MADS * scaled)
