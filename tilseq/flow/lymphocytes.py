"""Lymphocytes by scatter and CD45: the neighbourhood of the T cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.flow.density import next_valley
from tilseq.flow.robust import MAD_TO_SD, median, thinned
from tilseq.flow.tube import Floats, Mask

CHANNELS = ("FSC-A", "SSC-A", "CD45")
Source = Literal["valley", "fallback", "cohort"]
# Standard deviations of natural logarithms of lymphocytes, round figures between whole-blood tubes (RGLab/flowStats
# ITN, Artistic-2.0); with few T cells they count as 20 of them.
USUAL: Mapping[str, float] = {"FSC-A": 0.16, "SSC-A": 0.35, "CD45": 0.25}
WEIGHT_OF_USUAL = 20
LEAST_T_CELLS = 10
MOST_LOOKED_AT = 16_384
# Number of channels → radius that holds 99.9 % of independent normal logarithms, the root of chi-squared's quantile: of
# an ellipsoid about their centre, and of one whose middle is moved off it (chi-squared with non-centrality OFF²).
RADII: Mapping[int, float] = {1: 3.29, 2: 3.72, 3: 4.03}
OFF = 2.0  # spreads that the middle is moved away from monocytes
RADII_OFF: Mapping[int, float] = {1: 5.09, 2: 5.24, 3: 5.39}
# Monocytes and granulocytes are larger and more granular than T cells: these many spreads off, at least these many for
# each T cell, and of all.
LARGER = ("FSC-A", "SSC-A")
FURTHEST_OF_LARGER, LEAST_LARGER_A_T_CELL, LEAST_LARGER = 8.0, 0.01, 50
# Spreads within which lie the cells that a centre is of (99 % of normal ones), and how often both are taken anew.
WITHIN, ROUNDS, SMALLEST_SPREAD = 3.5, 4, 1e-9
# How far the radius could lie either way: of a valley, and where there is none.
EITHER_WAY, BLIND = 0.25, 0.6
# How far a valley may lie within or beyond the usual radius.
FURTHEST_WITHIN, FURTHEST_BEYOND = 0.6, 0.6
# Where T cells are rare, as after lymphodepletion, other cells outnumber lymphocytes and reach further in.
FURTHEST_WITHIN_OF_RARE, NARROWER = 1.2, 0.75
LEAST_SEPARATION = 0.05  # a shallow valley is better than none
FURTHEST = 15.0
LEAST_OF_CENTRE = 1e-3
ROWS_AT_ONCE = 65_536  # so many stay in a processor's cache


@dataclass(frozen=True)
class Region:
    """An ellipsoid about the T cells, its axes along the channels, on natural logarithms.

    Its middle is moved away from larger and more granular cells, which makes its side towards them flatter and holds
    them off, and gives room to lymphocytes on every other side.

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
    shift
        Channel → how many spreads its middle lies from the centre; none, where there are no other cells near.
    """

    centre: Mapping[str, float]
    spread: Mapping[str, float]
    radius: float
    lower: float
    upper: float
    separation: float | None = None
    source: Source = "fallback"
    shift: Mapping[str, float] = field(default_factory=dict)

    @property
    def middle(self) -> dict[str, float]:
        """Channel → middle of the ellipsoid, linear."""
        return {
            name: centre * math.exp(self.shift.get(name, 0.0) * self.spread[name])
            for name, centre in self.centre.items()
        }

    def on(self, channels: Iterable[str]) -> Region:
        """Return the region on some of its channels."""
        names = list(channels)
        centre, spread, shift = (
            {name: of[name] for name in names if name in of} for of in (self.centre, self.spread, self.shift)
        )
        return replace(self, centre=centre, spread=spread, shift=shift)


def find_region(values: Mapping[str, Floats], among: Mask, t_cells: Mask) -> Region:
    """Find the region of the lymphocytes from the T cells, about which it lies (back-gating).

    B and NK cells lie within about a spread of the T cells on forward scatter, side scatter and CD45; monocytes,
    granulocytes and debris lie further off. Where there are larger and more granular cells near, the middle of the
    region is moved two spreads away from them. The radius would hold 99.9 % of normal T cells; where the density of
    distances has a valley between lymphocytes and the rest near that, on the near side of the valley. Of more than
    16,384 T cells, and of as many events for the larger cells, every second is looked at, or every third, and so on.

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
    seeds = np.flatnonzero(among & t_cells)
    number = len(seeds)
    seeds = thinned(seeds, MOST_LOOKED_AT)
    own = np.stack([column[seeds] for column in values.values()]).astype(np.float64)
    lit = (own > 0).all(axis=0)
    if not lit.any():
        dark = [name for name, any_lit in zip(values, (own > 0).any(axis=1), strict=True) if not any_lit]
        where = " and ".join(dark or values)
        raise AnalysisError(f"no CD3+ event has light in {where}", expected="T cells with light above 0")
    middles, widths = _about_most(np.log(own[:, lit]))
    usual = np.array([USUAL[name] for name in values])
    widths = np.sqrt((number * widths**2 + WEIGHT_OF_USUAL * usual**2) / (number + WEIGHT_OF_USUAL))
    centre = dict(zip(values, np.exp(middles).tolist(), strict=True))
    spread = dict(zip(values, widths.tolist(), strict=True))
    shift = _off_larger(values, among, Region(centre, spread, 0.0, 0.0, 0.0), number)
    usual_radius = (RADII_OFF if shift else RADII)[len(centre)]
    ends = (usual_radius, usual_radius - BLIND, usual_radius + BLIND)
    return _with_own_radius(values, among, Region(centre, spread, *ends, shift=shift))


def _about_most(logarithms: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centre and standard deviation of most cells, channel by channel: those of another kind are left out.

    From medians and MADs on, cells further than 3.5 spreads from the centre are left out and both are taken anew, as
    monocytes that bear antibody can be among the T cells. `logarithms` are of shape (channels, cells).
    """
    middles, widths = _centres_and_spreads(logarithms)
    for _ in range(ROUNDS):
        away = (logarithms - middles[:, None]) / np.maximum(widths, SMALLEST_SPREAD)[:, None]
        most = np.compress(np.sum(away**2, axis=0) <= WITHIN**2, logarithms, axis=1)
        if not most.size:
            break
        middles, widths = _centres_and_spreads(most)
    return middles, widths


def _centres_and_spreads(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the median and the standard deviation, by the MAD, of each row."""
    middles = median(rows)
    return middles, MAD_TO_SD * median(np.abs(rows - middles[:, None]))


def _off_larger(values: Mapping[str, Floats], among: Mask, region: Region, t_cells: int) -> dict[str, float]:
    """Return the shift away from the larger cells near the T cells, none where there are hardly any.

    Without CD45 there is none: on the other side nothing would hold debris off.
    """
    if "CD45" not in region.centre or not set(LARGER) <= region.centre.keys():
        return {}
    step = max(1, len(among) // MOST_LOOKED_AT)
    values = {name: values[name][::step] for name in region.centre}
    away = distance(values, region)
    near = among[::step] & (away > RADII[len(region.centre)]) & (away < FURTHEST_OF_LARGER)
    for name in LARGER:
        near &= values[name] > region.centre[name]
    if step * np.count_nonzero(near) < max(LEAST_LARGER, LEAST_LARGER_A_T_CELL * t_cells):
        return {}
    floor = np.float32(LEAST_OF_CENTRE)
    towards = {
        name: float(median(np.log(np.maximum(values[name][near] / np.float32(middle), floor)))) / region.spread[name]
        for name, middle in region.centre.items()
    }
    length = math.hypot(*towards.values())
    return {name: -OFF * part / length for name, part in towards.items()}


def _with_own_radius(
    values: Mapping[str, Floats], among: Mask, region: Region, *, within: float = FURTHEST_WITHIN
) -> Region:
    """Return a region that ends on the near side of the valley before other cells, where the tube has one.

    A valley is looked for from `within` spreads within the usual radius to 0.6 beyond it. On its near side a few
    lymphocytes of every kind are missed, more readily than others are taken in.
    """
    away = np.compress(among, distance(values, region))
    start = math.sqrt(len(region.centre) + sum(part**2 for part in region.shift.values()))
    found = next_valley(np.compress(away < FURTHEST, away), start, above=True, least=LEAST_SEPARATION)
    usual = (RADII_OFF if region.shift else RADII)[len(region.centre)]
    if found is None or not usual - within <= found.threshold <= usual + FURTHEST_BEYOND:
        return region
    radius = (found.near_end + found.threshold) / 2
    return replace(
        region,
        radius=radius,
        lower=radius - EITHER_WAY,
        upper=radius + EITHER_WAY,
        separation=found.separation,
        source="cohort" if region.source == "cohort" else "valley",
    )


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
    radius = lent.radius - NARROWER
    region = replace(lent, radius=radius, lower=radius - BLIND, upper=radius + BLIND, separation=None, source="cohort")
    if np.count_nonzero(seeds) >= LEAST_T_CELLS:
        region = replace(region, centre={name: float(median(values[name][seeds])) for name in lent.centre})
    return _with_own_radius(values, among, region, within=FURTHEST_WITHIN_OF_RARE)


def distance(values: Mapping[str, Floats], region: Region) -> Floats:
    """Return how many spreads each event lies from the middle of a region, float32, shape (events,).

    `values` are linear, marker → one an event; those below a thousandth of the middle, and not above 0, count as that.
    """
    out: Floats = np.zeros(len(next(iter(values.values()))), dtype=np.float32)
    with np.errstate(over="ignore"):  # light that is beyond any measure lies at infinity
        for start in range(0, len(out), ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            for name, middle in region.middle.items():
                part = np.maximum(values[name][block], np.float32(LEAST_OF_CENTRE * middle))
                part /= np.float32(middle)
                np.log(part, out=part)
                part /= np.float32(region.spread[name])
                part *= part
                out[block] += part
    return np.sqrt(out, out=out)
