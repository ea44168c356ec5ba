"""What the placing of gates adds to counting: every cut moved to both ends of where it could as well lie."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.beside import EVENLY, NONE_BEYOND, Beyond, Told
from tilseq.flow.gated import Gating, Shift
from tilseq.flow.larger import part_left
from tilseq.flow.lymphocytes import CHANNELS, distance
from tilseq.flow.tree import Cut
from tilseq.flow.tube import Floats, Mask
from tilseq.intervals import Z95

Places = NDArray[np.intp]
Limits = tuple[float, float]
# For each cut, at its lower and at its upper end, two counts: of a part and its whole, or of the two of a ratio.
Ends = Iterable[Sequence[tuple[float, float]]]

# What is left even where every valley is empty, found on simulated tubes of known truth (see benchmarks/RESULTS.md), as
# standard deviations: of the logit of a share; and of the share itself by cells that seem to bear a marker, as clumps
# of antibody do.
FLOOR, MISPLACED = 0.002, 1.7e-4
# What part of those that bear a marker is not seen, because it took the stain too poorly or lies beyond another gate.
# CD8+ T cells are dimmer in CD3 than CD4+ T cells: more of them are lost by that cut.
LOST, LOST_SPREAD = 0.0015, 0.0013
LOST_OF: Mapping[str, float] = {"CD8": 0.0065}
FLOOR_OF_COUNTS = 0.01  # of the logarithm of a count


class Misplaced(NamedTuple):
    """Cells that are misplaced whatever the cut, as parts of a whole.

    `gained` and `lost` are standard deviations of the share, by which the truth can lie below and above what is found;
    by `surely_gained` and `surely_lost` it does so on average. One of these below 0 takes its limit nearer.
    """

    gained: float
    lost: float
    surely_gained: float = 0.0
    surely_lost: float = 0.0


PURE = Misplaced(0.0, 0.0)
# Where T, B and NK cells are not all told, of a parent that holds other cells: what of the share of a part that bears a
# marker is gained and lost by it.
IMPURE: Mapping[str, Misplaced] = {
    "lymphocytes": Misplaced(0.0045, 0.0),
    "CD3-": Misplaced(0.015, 0.025, 0.0, 0.02),
}
# The same where T cells are rare and lymphocytes are looked for where other tubes have them.
IMPURE_WHERE_RARE: Mapping[str, Misplaced] = {
    "lymphocytes": Misplaced(0.05, 0.01),
    "CD3+": Misplaced(0.01, 0.026),
    "CD3-": Misplaced(0.03, 0.03, 0.0, 0.02),
}
# What part of other cells that do not count with a part fall among those left over, and are told there.
OTHERS_TOLD = 0.5
# Cells of several markers are few below this part of their parent: two bandwidths from a cut reach into the flank of
# their neighbours. What part of those that lie beside their cuts they can gain, less what they lose, the same where T
# cells are rare, and what they can lose.
FEW, OTHERS_BESIDE, OTHERS_BESIDE_WHERE_RARE, OWN_BESIDE = 0.04, 1 / 2, 2 / 3, 1 / 3


# Dead cells that are not told among few T cells, to one that is, at most: three quarters of them or more are told.
MOST_DEAD_UNTOLD = 1 / 3

EDGE = "lymphocytes"  # what their radius is called among the cuts that are moved
# What of the share of T cells among T, B and NK cells are monocytes and dead cells, as a standard deviation; the same
# where T cells are rare.
NO_T_CELLS, NO_T_CELLS_WHERE_RARE = 0.002, 0.03


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
    """Return a gating with the cuts of some markers moved no further than close by, see `cut_ends`.

    Populations whose dead cells are told (see `Gating.dead`) hold none, at both ends of these cuts, too.
    """
    ends = {key: cut.close for key, cut in gating.cuts.items() if cut.close is not None and cut.marker in markers}
    cuts = {key: gating.cuts[key]._replace(lower=lower, upper=upper) for key, (lower, upper) in ends.items()}
    living = {name: gating.populations[name].mask & ~dead for name, dead in gating.dead.items()}
    populations = {name: replace(gating.populations[name], mask=mask) for name, mask in living.items()}
    closer = replace(gating, cuts={**gating.cuts, **cuts}, populations={**gating.populations, **populations})
    some = {key for key in gating.cuts if key[0] in markers} if living else cuts.keys()
    groups = [group for group in by_channel(closer) if any((cut.marker, cut.parent) in some for cut in group)]
    return replace(closer, moved={**gating.moved, **{name_of(group): _shift(closer, group) for group in groups}})


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
        Cells that are misplaced whatever the cut, see `bearing`, `lacking`, `left_over`.
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


def bearing(share: float, markers: Collection[str], impure: Misplaced = PURE, told: Told | None = None) -> Misplaced:
    """Return what is misplaced of a part that bears markers: it loses some of its own.

    Parameters
    ----------
    share
        Share of the part.
    markers
        Markers that the part bears.
    impure
        What of any such share in the parent is gained and lost because the parent holds other cells.
    told
        Share of the whole that cells left over gain by the marker's cut, see `beside.below_cut`, where that is told:
        cells of the part that took the stain poorly, and a part of the parent's other cells, which are not counted
        once more. What is lost by other gates comes on top, and not less is lost than on average.
    """
    lost, spread, others = loss(markers) * share, LOST_SPREAD * share, impure.lost * share
    if told is not None:
        lost, spread, others = lost + max(0.0, told.mean - LOST * share), told.sd, (1 - OTHERS_TOLD) * others
    return Misplaced(
        gained=math.hypot(MISPLACED, impure.gained * share),
        lost=math.hypot(MISPLACED, spread, others),
        surely_gained=impure.surely_gained * share,
        surely_lost=lost + impure.surely_lost * share,
    )


def made_whole(misplaced: Misplaced, lost: Told, by_others: float) -> Misplaced:
    """Return what is misplaced of a part that is most of its parent: the lower limit moves up as the upper one does.

    Cells that are no T cells fall among all its parts, and take from the share of the largest what they add to the
    others. Of a smaller part the lower limit stays, as they can be more than what it loses.

    Parameters
    ----------
    misplaced
        What is misplaced of the part.
    lost
        Share of the whole that it loses by its cut, as is told.
    by_others
        What its share gains as the parent loses cells of other parts.
    """
    nearer = max(0.0, misplaced.surely_lost - by_others)
    return misplaced._replace(
        gained=math.hypot(misplaced.gained, lost.sd), surely_gained=misplaced.surely_gained - nearer
    )


def across(misplaced: Misplaced, beside: Iterable[float]) -> Misplaced:
    """Add to what is misplaced of a part what comes in and goes out across its cuts, as cells beside them tell.

    Parameters
    ----------
    misplaced
        What is misplaced of the part.
    beside
        For each cut the share of the whole that `beside.evenly_beside` tells. Half of it are taken as cells of the
        part, half as others: of each half any number from none to all lies on the wrong side.
    """
    either_way = math.hypot(*(math.sqrt(2) * EVENLY * share / 2 for share in beside))
    gained, lost = (math.hypot(side, either_way) for side in (misplaced.gained, misplaced.lost))
    return misplaced._replace(gained=gained, lost=lost)


def few_across(beside: Iterable[float], *, rare: bool) -> Misplaced:
    """Return what comes in and goes out across the cuts of a part that is few beside its neighbours.

    Of all that lie beside its cuts together any part from none to a half comes in, more than goes out, to two thirds
    where T cells are rare among other cells; or to a third goes out.

    Parameters
    ----------
    beside
        As for `across`.
    rare
        Whether T cells are rare.
    """
    others, told = OTHERS_BESIDE_WHERE_RARE if rare else OTHERS_BESIDE, 2 * EVENLY * sum(beside)
    return Misplaced(gained=others * told, lost=OWN_BESIDE * told)


def living_across(between: float, dead: float) -> Misplaced:
    """Return what comes in and goes out across the cuts of few living cells where the dead ones are told.

    What comes in are dead cells that are not told, from none to a third as many as are. What goes out is from none to
    as many as lie between the ends of the cuts: living cells there are the part's own.

    Parameters
    ----------
    between
        Share of the whole that living cells between the ends are.
    dead
        Share of the whole that dead cells are, which are taken off the part.
    """
    return Misplaced(gained=2 * EVENLY * MOST_DEAD_UNTOLD * dead, lost=2 * EVENLY * between)


def gaining(usual: float, beside: Iterable[float]) -> Misplaced:
    """Return what is misplaced of T cells: they gain dim cells of other kinds, as those beside their cut tell.

    Parameters
    ----------
    usual
        What they gain in general, as a standard deviation of their share.
    beside
        What their share gains if all that `beside.evenly_beside` tells are others: any number from none to that does.
    """
    return Misplaced(math.hypot(usual, *(2 * EVENLY * share for share in beside)), 0.0)


def lacking(share: float, lost_by_others: float, impure: Misplaced = PURE) -> Misplaced:
    """Return what is misplaced of a part that is told by markers that it lacks alone: it gains what the others lose.

    Parameters
    ----------
    share
        Share of the part.
    lost_by_others
        Share of the whole that the other parts lose on average, see `loss`.
    impure
        As for `bearing`.
    """
    others = 1 - share
    return Misplaced(
        gained=math.hypot(MISPLACED, LOST_SPREAD * others, impure.lost * others),
        lost=math.hypot(MISPLACED, impure.gained * others),
        surely_gained=lost_by_others + impure.surely_lost * others,
        surely_lost=impure.surely_gained * others,
    )


def monocytes(impure: Misplaced, larger: Told, events: int) -> Misplaced:
    """Add to what is misplaced of any share of a parent what monocytes among its events do: every share is too low.

    Parameters
    ----------
    impure
        What is misplaced by other cells.
    larger
        Monocytes, see `larger.larger_within`.
    events
        Events of the parent, monocytes among them.
    """
    left = part_left(larger, events)
    either_way = larger.sd / max(1, events) / left**2
    return Misplaced(
        gained=math.hypot(impure.gained, either_way),
        lost=math.hypot(impure.lost, either_way),
        surely_gained=impure.surely_gained,
        surely_lost=impure.surely_lost + 1 / left - 1,
    )


def monocytes_among(lymphocytes: Misplaced, larger: Told, events: int) -> Misplaced:
    """Add to what is misplaced of the lymphocytes' share of a parent the monocytes among them, which are none.

    Parameters
    ----------
    lymphocytes
        What is misplaced of them by other cells.
    larger
        Monocytes, see `larger.larger_within`.
    events
        Events of the parent.
    """
    gained = math.hypot(lymphocytes.gained, larger.sd / max(1, events))
    return lymphocytes._replace(gained=gained, surely_gained=lymphocytes.surely_gained + larger.mean / max(1, events))


def left_over(told: Iterable[Told]) -> Misplaced:
    """Return what is misplaced of a part that is left when several markers are taken away, what it gains taken off.

    Parameters
    ----------
    told
        Shares of the whole that other parts lose to it by each cut, see `beside.below_cut`.
    """
    either_way = math.hypot(MISPLACED, *(one.sd for one in told))
    return Misplaced(either_way, either_way)


def loss(markers: Collection[str]) -> float:
    """Return what part of the cells that bear some markers is lost on average."""
    return max(LOST_OF.get(marker, LOST) for marker in markers)


def lost_elsewhere(markers: Collection[str]) -> float:
    """Return what part of the cells that bear some markers is lost on average by other gates than their cuts."""
    return loss(markers) - LOST


def of_both(a: int, b: int, own: Misplaced, other: Misplaced) -> Misplaced:
    """Return what is misplaced of the share of a among a and b, of what is misplaced of either, as events."""
    one, two = b / (a + b) ** 2, a / (a + b) ** 2
    surely = two * (other.surely_lost - other.surely_gained) - one * (own.surely_lost - own.surely_gained)
    return Misplaced(
        gained=math.hypot(one * own.gained, two * other.lost),
        lost=math.hypot(one * own.lost, two * other.gained),
        surely_gained=max(0.0, surely),
        surely_lost=max(0.0, -surely),
    )


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
        larger = gating.larger.sd / max(1, alone[name]) if name in alone else 0.0
        sds[name] = math.hypot(math.sqrt(sum(squares)) / Z95, larger, FLOOR_OF_COUNTS)
    return sds


def lymphocytes_alone(gating: Gating) -> dict[str, int]:
    """Return the events of the populations that hold monocytes, see `Gating.larger`, without these."""
    held = [name for name in ("lymphocytes", "CD3-") if name in gating.populations]
    return {name: max(0, gating.populations[name].events - round(gating.larger.mean)) for name in held}


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
