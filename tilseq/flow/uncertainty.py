"""What the placing of gates adds to counting: every cut moved to both ends of where it could as well lie."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.beside import NONE_BEYOND, Beyond
from tilseq.flow.gated import Gating, Shift
from tilseq.flow.lymphocytes import CHANNELS, distance
from tilseq.flow.misplaced import Misplaced, of_both
from tilseq.flow.tree import Cut
from tilseq.flow.tube import Floats, Mask
from tilseq.intervals import Z95

Places = NDArray[np.intp]
Limits = tuple[float, float]
# For each cut, at its lower and at its upper end, two counts: of a part and its whole, or of the two of a ratio.
Ends = Iterable[Sequence[tuple[float, float]]]

# What is left even where every valley is empty, found on simulated tubes of known truth (see benchmarks/RESULTS.md), as
# standard deviations: of the logit of a share, and of the logarithm of a count.
FLOOR, FLOOR_OF_COUNTS = 0.002, 0.01
EDGE = "lymphocytes"  # what their radius is called among the cuts that are moved


def shifts(gating: Gating, away: Floats | None) -> dict[str, Shift]:
    """Count the populations again with each cut moved, the others in place.

    Parameters
    ----------
    gating
        A gated tube.
    away
        Spreads that each event lies from the middle of the region of its lymphocytes; None where there is no region.

    Returns
    -------
    dict
        Name of the cut, its marker and parent, or `lymphocytes` for their radius → events of each population. Markers
        that share a channel are moved together. A cut that someone set has no ends and is not moved.
    """
    found = {name_of(cuts): _shift(gating, cuts) for cuts in by_channel(gating)}
    if gating.region is not None and away is not None:
        moved = [_with_radius(gating, away, end) for end in (gating.region.lower, gating.region.upper)]
        found[EDGE] = Shift(*moved)
    return found


def close_by(gating: Gating, markers: Collection[str]) -> Gating:
    """Return a gating with the cuts of some markers moved no further than close by, see `cut_ends`."""
    ends = {key: cut.close for key, cut in gating.cuts.items() if cut.close is not None and cut.marker in markers}
    cuts = {key: gating.cuts[key]._replace(lower=lower, upper=upper) for key, (lower, upper) in ends.items()}
    return _moved_again(replace(gating, cuts={**gating.cuts, **cuts}), cuts)


def of_living(gating: Gating) -> Gating:
    """Return a gating whose populations hold no cells told to be dead (see `Gating.dead`), wherever the cuts lie."""
    if not any(dead.any() for dead in gating.dead.values()):
        return gating
    whole = gating.populations
    living = {name: replace(whole[name], mask=whole[name].mask & ~dead) for name, dead in gating.dead.items()}
    return all_moved_again(replace(gating, populations={**whole, **living}))


def all_moved_again(gating: Gating) -> Gating:
    """Return a gating with all its cuts moved anew."""
    region = gating.region
    away = None if region is None else distance({name: gating.values[name] for name in region.centre}, region)
    return replace(gating, moved=shifts(gating, away))


def _moved_again(gating: Gating, some: Collection[tuple[str, str]]) -> Gating:
    """Return a gating with some of its cuts moved anew."""
    groups = [group for group in by_channel(gating) if any((cut.marker, cut.parent) in some for cut in group)]
    return replace(gating, moved={**gating.moved, **{name_of(group): _shift(gating, group) for group in groups}})


def name_of(cuts: Sequence[Cut]) -> str:
    """Return what cuts that are moved together are called."""
    return f"{' and '.join(cut.marker for cut in cuts)} of {cuts[0].parent}"


def by_channel(gating: Gating) -> list[list[Cut]]:
    """Return the cuts that can be moved, those of one channel within one parent together."""
    groups: dict[tuple[str, str], list[Cut]] = {}
    for cut in gating.cuts.values():
        if cut.lower is not None and cut.upper is not None:
            groups.setdefault((gating.markers[cut.marker], cut.parent), []).append(cut)
    return list(groups.values())


def _shift(gating: Gating, cuts: Sequence[Cut]) -> Shift:
    """Return the counts with cuts of one channel moved to their lower and to their upper ends."""
    return Shift(_with_cuts(gating, cuts, lower=True), _with_cuts(gating, cuts, lower=False))


def _with_cuts(gating: Gating, cuts: Sequence[Cut], *, lower: bool) -> dict[str, int]:
    """Return the counts with cuts of one channel moved to an end."""
    moved = {(cut.marker, cut.parent): cut._replace(threshold=_end(cut, lower)) for cut in cuts}
    places = [cut.threshold for cut in (*cuts, *moved.values())]
    values, parent = gating.values[cuts[0].marker], cuts[0].parent
    between = (values > min(places)) & (values <= max(places)) & gating.populations[parent].mask
    some = np.flatnonzero(between)
    masks = {"lymphocytes": gating.populations["lymphocytes"].mask[some]}
    if cuts[0].marker == "viability":
        masks["live"] = values[some] <= moved["viability", parent].threshold
        masks["lymphocytes"] = masks["live"] & _among_lymphocytes(gating, some)
    return _counts(gating, some, {**gating.cuts, **moved}, masks)


def _end(cut: Cut, lower: bool) -> float:
    end = cut.lower if lower else cut.upper
    return cut.threshold if end is None else end


def _with_radius(gating: Gating, away: Floats, end: float) -> dict[str, int]:
    """Return the counts with the radius of the lymphocytes moved to an end."""
    region, population = gating.region, gating.populations["lymphocytes"]
    radius = region.radius if region is not None else 0.0
    between = (away > min(end, radius)) & (away <= max(end, radius)) & gating.populations[population.parent or ""].mask
    some = np.flatnonzero(between)
    some = some[_within_thresholds(gating, some)]
    return _counts(gating, some, gating.cuts, {"lymphocytes": np.full(len(some), end > radius)})


def _among_lymphocytes(gating: Gating, some: Places) -> Mask:
    """Tell which living events would be lymphocytes."""
    inside = _within_thresholds(gating, some)
    if gating.region is not None:
        values = {name: gating.values[name][some] for name in gating.region.centre}
        inside &= distance(values, gating.region) <= gating.region.radius
    return inside


def _within_thresholds(gating: Gating, some: Places) -> Mask:
    """Tell which events lie on the right side of the thresholds that someone set for lymphocytes."""
    inside = np.ones(len(some), dtype=bool)
    for name in CHANNELS:
        cut = gating.cuts.get((name, gating.populations["lymphocytes"].parent or ""))
        if cut is not None and cut.source == "settings":
            inside &= (gating.values[name][some] > cut.threshold) != (name == "SSC-A")
    return inside


def _counts(
    gating: Gating, some: Places, cuts: Mapping[tuple[str, str], Cut], masks: dict[str, Mask]
) -> dict[str, int]:
    """Return the events of every population when some are sorted anew, of which a few populations are known."""

    @cache
    def over(marker: str, parent: str) -> Mask:
        return np.asarray(gating.values[marker][some] > cuts[marker, parent].threshold)

    for name, rule in gating.rules.items():
        mask = masks[rule.parent] if rule.parent in masks else gating.populations[rule.parent].mask[some]
        for condition in rule.conditions:
            signs = [sign for sign in condition if (sign.marker, rule.parent) in cuts]
            mask = mask & np.logical_or.reduce([over(sign.marker, rule.parent) == sign.positive for sign in signs])
        if name in gating.dead:
            mask = mask & ~gating.dead[name][some]
        masks[name] = mask
    events = {name: population.events for name, population in gating.populations.items()}
    for name, mask in masks.items():
        events[name] += int(np.count_nonzero(mask)) - int(np.count_nonzero(gating.populations[name].mask[some]))
    return events


def with_gates(
    events: float, total: int, counting: Limits, ends: Ends, *, misplaced: Misplaced, beyond: Beyond = NONE_BEYOND
) -> tuple[Limits, Limits]:
    """Join the limits of a share from counting with what the placing of gates adds.

    On the logit scale the distance to a limit is the root of the sum of squares: of the distance to the counting
    limit, of the furthest that each moved cut takes the share on that side, of the error of what lies beyond an edge,
    and of a floor; both limits move by what lies there. On the scale of shares what is misplaced and lost whatever the
    cut is joined in the same way. The limits hold the share itself.

    Parameters
    ----------
    events, total
        Events of the part, whole or not, and of the whole, at least one of these.
    counting
        Limits of counting alone, as fractions.
    ends
        For each cut the events of part and whole at its lower and at its upper end.
    misplaced
        Cells that are misplaced whatever the cut, see `misplaced`.
    beyond
        Cells that lie beyond the lymphocytes' edge, see `beside.beyond_edge`.

    Returns
    -------
    both, gates
        Limits as fractions: of both together, and of gating alone.
    """
    share, middle = events / total, _logit(events, total - events)
    down, up = (
        math.hypot(reach, Z95 * beyond.sd)
        for reach in _reach(middle, ([_logit(part, whole - part) for part, whole in pair] for pair in ends))
    )
    true = middle + beyond.shift
    lower = _share(true - math.hypot(middle - _of_share(counting[0]), down)) if events else 0.0
    upper = _share(true + math.hypot(_of_share(counting[1]) - middle, up)) if events < total else 1.0
    centre = share + _share(true) - _share(middle)
    both, gates = (
        _with_misplaced(misplaced, centre, *limits)
        for limits in ((lower, upper), (_share(true - down), _share(true + up)))
    )
    return holding(both, share), holding(gates, share)


def ratio_with_gates(
    a: int, b: int, counting: Limits, ends: Ends, *, own: Misplaced, other: Misplaced
) -> tuple[Limits, Limits]:
    """Join the limits of the ratio a / b as `with_gates` does those of the share of a, of which it is the odds.

    Without a count nothing is known, and the limits are NaN. `own` and `other` are what is misplaced of a and of b, as
    events.
    """
    if not a + b:
        return (math.nan, math.nan), (math.nan, math.nan)
    shares = (counting[0] / (1 + counting[0]), 1 - 1 / (1 + counting[1]))
    misplaced = of_both(a, b, own, other)
    both, gates = with_gates(a, a + b, shares, ([(x, x + y) for x, y in pair] for pair in ends), misplaced=misplaced)
    return (_odds(both[0]), _odds(both[1])), (_odds(gates[0]), _odds(gates[1]))


def log_sds(gating: Gating) -> dict[str, float]:
    """Return what the placing of gates adds to the error of each population's count.

    Returns
    -------
    dict
        Population → standard deviation of the logarithm of its number of events: of the furthest that each moved cut
        takes it as half the width of a 95 % interval, of what is told of monocytes, and of a floor, the root of the
        sum of squares.
    """
    alone = lymphocytes_alone(gating)
    moved = gating.moved.values()
    sds = {}
    for name, population in gating.populations.items():
        middle = math.log(population.events + 0.5)
        squares = [max(abs(math.log(end[name] + 0.5) - middle) for end in shift) ** 2 for shift in moved]
        monocytes = gating.monocytes.sd / max(1, alone[name]) if name in alone else 0.0
        sds[name] = math.hypot(math.sqrt(sum(squares)) / Z95, monocytes, FLOOR_OF_COUNTS)
    return sds


def lymphocytes_alone(gating: Gating) -> dict[str, int]:
    """Return the events of the populations that hold monocytes, see `Gating.monocytes`, without these."""
    held = [name for name in ("lymphocytes", "CD3-") if name in gating.populations]
    return {name: max(0, gating.populations[name].events - round(gating.monocytes.mean)) for name in held}


def _with_misplaced(misplaced: Misplaced, centre: float, lower: float, upper: float) -> Limits:
    down = math.hypot(centre - lower, Z95 * misplaced.gained) + misplaced.surely_gained
    up = math.hypot(upper - centre, Z95 * misplaced.lost) + misplaced.surely_lost
    return centre - down, centre + up


def holding(limits: Limits, share: float) -> Limits:
    """Return limits that hold a share, within 0 and 1."""
    return max(0.0, min(share, limits[0])), min(1.0, max(share, limits[1]))


def _reach(middle: float, ends: Iterable[Sequence[float]]) -> Limits:
    """Return how far moved cuts and the floor reach below and above a middle, each as a root of a sum of squares."""
    down = up = (Z95 * FLOOR) ** 2
    for pair in ends:
        down += max(0.0, middle - min(pair)) ** 2
        up += max(0.0, max(pair) - middle) ** 2
    return math.sqrt(down), math.sqrt(up)


def _logit(a: float, b: float) -> float:
    """Return the logarithm of a / b with half an event more on each side, so that none is infinite."""
    return math.log((a + 0.5) / (b + 0.5))


def _of_share(share: float) -> float:
    return math.log(share / (1 - share))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
