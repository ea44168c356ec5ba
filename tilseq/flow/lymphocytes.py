"""Lymphocytes by scatter and CD45: the neighbourhood of the T cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.density import next_valley
from tilseq.flow.robust import centre_and_spread
from tilseq.flow.tube import Floats, Mask

CHANNELS = ("FSC-A", "SSC-A", "CD45")
Source = Literal["valley", "fallback", "cohort"]
# Standard deviations of natural logarithms of lymphocytes, round figures between whole-blood tubes (RGLab/flowStats
# ITN, Artistic-2.0); with few T cells they count as 20 of them.
USUAL: Mapping[str, float] = {"FSC-A": 0.16, "SSC-A": 0.35, "CD45": 0.25}
WEIGHT_OF_USUAL = 20
LEAST_T_CELLS = 10
MOST_LOOKED_AT = 65_536
# Number of channels → radius that holds 99.9 % of independent normal logarithms, the root of chi-squared's quantile.
RADII: Mapping[int, float] = {1: 3.29, 2: 3.72, 3: 4.03}
# How far the radius could lie either way: of a valley, and where there is none.
EITHER_WAY, BLIND = 0.25, 0.6
# How far a valley may lie within or beyond the usual radius.
FURTHEST_WITHIN, FURTHEST_BEYOND = 0.6, 0.6
# Where T cells are rare, as after lymphodepletion, other cells outnumber lymphocytes and reach further in.
FURTHEST_WITHIN_OF_RARE, NARROWER = 1.2, 0.75
LEAST_SEPARATION = 0.05  # a shallow valley is better than none
FURTHEST = 15.0
LEAST_OF_CENTRE = 1e-3


@dataclass(frozen=True)
class Region:
    """An ellipsoid about the T cells, its axes along the channels, on natural logarithms.

    Attributes
    ----------
    centre
        Channel → median of the T cells, linear.
    spread
        Channel → their standard deviation, of natural logarithms.
    radius
        How many spreads from the centre lymphocytes lie at most.
    lower, upper
        Radii between which it could as well lie.
    separation
        1 - valley / lower peak of the density of distances, or None where there is no valley.
    source
        Where it comes from: `valley`, `fallback` (the usual radius), or `cohort`.
    """

    centre: Mapping[str, float]
    spread: Mapping[str, float]
    radius: float
    lower: float
    upper: float
    separation: float | None = None
    source: Source = "fallback"


def find_region(values: Mapping[str, Floats], among: Mask, t_cells: Mask) -> Region:
    """Find the region of the lymphocytes from the T cells, which lie in its middle (back-gating).

    B and NK cells lie within about a spread of the T cells on forward scatter, side scatter and CD45; monocytes,
    granulocytes and debris lie further off. The radius would hold 99.9 % of normal T cells; where the density of
    distances has a valley between lymphocytes and the rest near that, on the near side of the valley. Of more than
    65,536 T cells every second is looked at to find their centre, or every third, and so on.

    Parameters
    ----------
    values
        FSC-A, SSC-A and, where there is one, CD45 → linear values of all events.
    among
        Single, living events on the scale of the scatter detectors.
    t_cells
        Events above a first cut of CD3; at least one among them.

    Raises
    ------
    AnalysisError
        On some channel no T cell has a value above 0.
    """
    centre, spread = {}, {}
    seeds = np.flatnonzero(among & t_cells)
    number = len(seeds)
    seeds = seeds[:: max(1, -(-number // MOST_LOOKED_AT))]
    for name, column in values.items():
        own = column[seeds].astype(np.float64)
        if not (own > 0).any():
            raise AnalysisError(f"no CD3+ event has light in {name}", expected="T cells with light above 0")
        middle, width = centre_and_spread(np.log(own[own > 0]))
        pooled = number * width**2 + WEIGHT_OF_USUAL * USUAL[name] ** 2
        centre[name], spread[name] = float(np.exp(middle)), float(np.sqrt(pooled / (number + WEIGHT_OF_USUAL)))
    usual = RADII[len(values)]
    return with_own_radius(values, among, Region(centre, spread, usual, usual - BLIND, usual + BLIND))


def with_own_radius(
    values: Mapping[str, Floats], among: Mask, region: Region, *, within: float = FURTHEST_WITHIN
) -> Region:
    """Return a region that ends on the near side of the valley before other cells, where the tube has one.

    A valley is looked for from `within` spreads within the usual radius to 0.6 beyond it. On its near side a few
    lymphocytes of every kind are missed, more readily than others are taken in.
    """
    away = distance({name: values[name][among] for name in region.centre}, region)
    start = float(np.sqrt(len(region.centre)))
    found = next_valley(away[away < FURTHEST], start, above=True, least=LEAST_SEPARATION)
    usual = RADII[len(region.centre)]
    if found is None or not usual - within <= found.threshold <= usual + FURTHEST_BEYOND:
        return region
    radius = (found.lower + found.threshold) / 2
    ends = (radius, radius - EITHER_WAY, radius + EITHER_WAY)
    source: Source = "cohort" if region.source == "cohort" else "valley"
    return Region(region.centre, region.spread, *ends, found.separation, source)


def find_region_of_rare(values: Mapping[str, Floats], among: Mask, t_cells: Mask, lent: Region) -> Region:
    """Find the region about few T cells: centred on them, with the spread of other tubes, and narrower than theirs.

    Parameters
    ----------
    values, among, t_cells
        As for `find_region`.
    lent
        The region of other tubes. With fewer than ten T cells its centre serves, too.
    """
    seeds = among & t_cells
    ends = (lent.radius - NARROWER, lent.radius - NARROWER - BLIND, lent.radius - NARROWER + BLIND)
    region = Region(lent.centre, lent.spread, *ends, None, "cohort")
    if np.count_nonzero(seeds) >= LEAST_T_CELLS:
        centre = {name: float(np.median(values[name][seeds])) for name in lent.centre}
        region = Region(centre, lent.spread, *ends, None, "cohort")
    return with_own_radius(values, among, region, within=FURTHEST_WITHIN_OF_RARE)


def distance(values: Mapping[str, Floats], region: Region) -> Floats:
    """Return how many spreads each event lies from the centre of a region, float32.

    Values below a thousandth of the centre, and not above 0, count as that.
    """
    out = np.zeros(len(next(iter(values.values()))), dtype=np.float32)
    for name, middle in region.centre.items():
        part = np.maximum(values[name], np.float32(LEAST_OF_CENTRE * middle))
        part /= np.float32(middle)
        np.log(part, out=part)
        part /= np.float32(region.spread[name])
        part *= part
        out += part
    return np.sqrt(out, out=out)
