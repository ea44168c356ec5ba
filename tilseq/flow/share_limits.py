"""Limits of the share of one population of a gated tube, of counting and gating together."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from tilseq.flow.beside import (
    EVENLY,
    NONE_BEYOND,
    NONE_TOLD,
    Beyond,
    Loss,
    Told,
    beyond_edge,
    evenly_beside,
    let_in,
    of_odds,
)
from tilseq.flow.dead import number_dead
from tilseq.flow.left_over import bears_any, below_cuts, of_left_over
from tilseq.flow.lymphocytes import Region
from tilseq.flow.misplaced import (
    FEW,
    IMPURE,
    IMPURE_WHERE_RARE,
    NO_T_CELLS,
    NO_T_CELLS_WHERE_RARE,
    PURE,
    Misplaced,
    across,
    bearing,
    few_across,
    gaining,
    lacking,
    living_across,
    loss,
    lost_elsewhere,
    made_whole,
    monocytes,
    monocytes_among,
)
from tilseq.flow.uncertainty import (
    EDGE,
    Ends,
    Limits,
    by_channel,
    close_by,
    holding,
    lymphocytes_alone,
    name_of,
    of_living,
    ratio_with_gates,
    with_gates,
)
from tilseq.intervals import Z95, clopper_pearson, jeffreys, scalar
from tilseq.populations import T_CELLS

if TYPE_CHECKING:
    from tilseq.flow.gated import Gating
    from tilseq.flow.tree import Population

# Lymphocytes are T, B or NK cells; what is none of them is not a lymphocyte, or is missed by a cut.
LINEAGES = ("CD3+", "B", "NK")


def share_limits(gating: Gating, population: Population) -> tuple[Limits, Limits]:
    """Return the 95 % limits of a share of the parent, as fractions: of counting and gating together, of gating alone.

    Where T, B and NK cells are all told, their shares are of these alone, each made whole by what lies beyond the edge
    of the lymphocytes (see `beside.beyond_edge`), and the limits hold the share of all events of the parent, too. Where
    dead cells are told (see `Gating.dead`) they are taken off few cells before these are counted; of many the lower
    limit is no higher than that of the others alone, and the upper one lies lower by as many, but not below the share.

    Parameters
    ----------
    gating
        A gated tube with its `moved` cuts.
    population
        One of its populations, with a parent that has events.
    """
    name, parent = population.name, population.parent or ""
    if _few_of_several(gating, name, parent):
        return _of_few(gating, population)
    if below_cuts(gating, name, parent) is not None:
        return of_left_over(gating, population)
    both, gates = _of_many(gating, population)
    dead = number_dead(gating.populations, gating.dead).get(name)
    if dead:
        total = gating.populations[parent].events
        living, share = population.events - dead, population.events / total
        both = min(both[0], scalar(clopper_pearson(living, total))[0]), max(share, both[1] - dead / total)
        gates = min(gates[0], living / total), max(share, gates[1] - dead / total)
    return both, gates


def _of_many(gating: Gating, population: Population) -> tuple[Limits, Limits]:
    """Return the limits of a share as if every event were a living cell."""
    name, parent = population.name, population.parent or ""
    if name == "singlets":
        return _of_singlets(gating, population)
    if name in {*LINEAGES, "CD3-"} and _known(gating):
        share = population.events / gating.populations[parent].events
        both, gates = _of_lineage(gating, "CD3+" if name == "CD3-" else name)
        if name == "CD3-":
            both, gates = (1 - both[1], 1 - both[0]), (1 - gates[1], 1 - gates[0])
        return (min(both[0], share), max(both[1], share)), (min(gates[0], share), max(gates[1], share))
    events, total = population.events, gating.populations[parent].events
    told = _told(gating, name, parent)
    misplaced, ends = _misplaced(gating, name, parent, told), _ends(gating, name, parent, told)
    lost = next(iter(told.values()), NONE_TOLD)
    most = 2 * events > total and bool(told)
    if most:
        misplaced = made_whole(misplaced, lost, events / total * _lost_elsewhere(gating, parent))
    return with_gates(events, total, _counting(events, total, whole=not most), ends, misplaced=misplaced)


def _counting(events: float, total: int, *, whole: bool) -> Limits:
    """Return the limits of counting: exact ones of a whole number, others of what is left when some are taken off."""
    return scalar((clopper_pearson if whole else jeffreys)(events, total))


def share_of(gating: Gating, population: Population, whole: str) -> tuple[Limits, float] | None:
    """Return the 95 % limits of a share, as a fraction, of a population further up; and the part of gating alone.

    The limits are of counting and gating together; of gating alone is the standard deviation of the logarithm. The
    share is the product of those of the parents down to the population; the distances of their limits, on the
    logarithmic scale, add as squares (MOVER; Zou and Donner, Stat Med 2008;27:1693). Monocytes are taken off, see
    `Gating.monocytes`.

    Parameters
    ----------
    gating
        A gated tube.
    population
        One of its populations.
    whole
        Name of the population that the share is of.

    Returns
    -------
    limits, gates
        None of what is no part of the whole, or of a parent without events.
    """
    alone = {name: one.events for name, one in gating.populations.items()} | lymphocytes_alone(gating)
    centre, both, gates = 1.0, (0.0, 0.0), (0.0, 0.0)
    while population.name != whole:
        if population.parent is None or not gating.populations[population.parent].events:
            return None
        share = (alone[population.name] + 0.5) / (alone[population.parent] + 1)
        of_both, of_gates = share_limits(gating, population)
        both, gates = _further(both, share, of_both), _further(gates, share, of_gates)
        centre, population = centre * share, gating.populations[population.parent]
    limits = centre * math.exp(-both[0]), min(1.0, centre * math.exp(both[1]))
    return limits, max(part for part in gates if math.isfinite(part)) / Z95


def _further(apart: Limits, share: float, limits: Limits) -> Limits:
    """Return how far limits lie below and above a product, on the logarithmic scale, with one share more in it."""
    below = max(0.0, math.log(share / limits[0])) if limits[0] > 0 else math.inf
    above = max(0.0, math.log(limits[1] / share)) if limits[1] > 0 else 0.0
    return math.hypot(apart[0], below), math.hypot(apart[1], above)


def ratio_limits(gating: Gating, names: tuple[str, str], counting: Limits) -> tuple[Limits, Limits]:
    """Return the 95 % limits of the ratio of two populations' events: of counting and gating together, of gating alone.

    Each loses and gains what its own share does.

    Parameters
    ----------
    gating
        A gated tube.
    names
        Of both populations.
    counting
        Limits of the ratio by counting alone.
    """
    own, other = (gating.populations[name].events for name in names)
    parents = [gating.populations[name].parent or "" for name in names]
    told = [_told(gating, name, parent) for name, parent in zip(names, parents, strict=True)]
    misplaced = [
        Misplaced(*(gating.populations[parent].events * part for part in _misplaced(gating, name, parent, gate)))
        for name, parent, gate in zip(names, parents, told, strict=True)
    ]
    ends = [
        [(end[names[0]], end[names[1]]) for end in shift]
        for gate, shift in gating.moved.items()
        if not any(gate in each for each in told)
    ]
    return ratio_with_gates(own, other, counting, ends, own=misplaced[0], other=misplaced[1])


def _known(gating: Gating) -> bool:
    """Tell whether T, B and NK cells are told, by the built-in rules, and there are any."""
    names = (*LINEAGES, "CD3-")
    told = all(name in gating.populations and gating.rules.get(name) == T_CELLS[name] for name in names)
    return told and any(gating.populations[name].events for name in ("B", "NK"))


def _of_lineage(gating: Gating, name: str) -> tuple[Limits, Limits]:
    """Return the limits of the share of T cells among T, B and NK cells, or of B or NK cells among both."""
    numbers = {other: gating.populations[other].events for other in LINEAGES}
    others = [other for other in ("B", "NK") if other != name]
    total = numbers[name] + sum(numbers[other] for other in others)
    ends = [
        [(end[name], end[name] + sum(end[other] for other in others)) for end in shift]
        for gate, shift in gating.moved.items()
        if gate != EDGE
    ]
    share = numbers[name] / max(1, total)
    misplaced = PURE
    if name == "CD3+":
        usual = (NO_T_CELLS_WHERE_RARE if _rare(gating.region) else NO_T_CELLS) * share
        misplaced = gaining(usual, [(1 - share) * beside for beside in _beside(gating, name, {"CD3"})])
    counting = scalar(clopper_pearson(numbers[name], total))
    return with_gates(numbers[name], total, counting, ends, misplaced=misplaced, beyond=_beyond(gating, name, others))


def _beyond(gating: Gating, name: str, others: list[str]) -> Beyond:
    """Return what lymphocytes beyond their edge change of the odds of one lineage to others."""
    region = gating.region
    if region is None or EDGE not in gating.moved:
        return NONE_BEYOND
    width, at_edge = region.radius - region.lower, gating.moved[EDGE].lower

    def within(population: str) -> int:
        return gating.populations[population].events - at_edge[population]

    usual = within("lymphocytes") / gating.populations["lymphocytes"].events

    def lost(population: str) -> Loss:
        return beyond_edge(gating.populations[population].events, within(population), width, usual)

    return of_odds(lost(name), [(gating.populations[other].events, lost(other)) for other in others])


def _ends(gating: Gating, name: str, parent: str, told: Collection[str]) -> Ends:
    """Return the ends of each cut but those that cells beside them tell more of."""
    return [[(end[name], end[parent]) for end in shift] for gate, shift in gating.moved.items() if gate not in told]


def _of_singlets(gating: Gating, population: Population) -> tuple[Limits, Limits]:
    """Return the limits of single cells: doublets that the band lets in are taken off before they are counted.

    Of what lies above the band, where no doublet does, as much again may lie below it: from none to all are single.
    """
    total, beside = gating.populations[population.parent or ""].events, gating.beside_singlets
    doublets, share = let_in(beside.below), population.events / total
    own = max(0, population.events - round(doublets.mean))
    misplaced = Misplaced(gained=doublets.sd / total, lost=2 * EVENLY * 2 * beside.above / total)
    both, gates = with_gates(own, total, scalar(clopper_pearson(own, total)), [], misplaced=misplaced)
    return holding(both, share), holding(gates, share)


def _of_few(gating: Gating, population: Population) -> tuple[Limits, Limits]:
    """Return the limits of few cells that bear several markers, dead ones that are told taken off before.

    What comes in across their cuts is told by the ends of these or by what lies beside them, by that which tells more:
    both are of the same cells. Where dead cells are told it is those of them that are not. What goes out lies down to
    darkness, beyond the ends, too; of living cells there are no more than lie between the ends.
    """
    name, parent, markers = population.name, population.parent or "", _surely_borne(gating, population.name)
    gating = close_by(of_living(gating), markers)
    events, total = gating.populations[name].events, gating.populations[parent].events
    share, dead = events / total, population.events - events
    own = {name_of(cuts) for cuts in by_channel(gating) if bears_any(cuts, markers)}
    ends = {gate: [(end[name], end[parent]) for end in shift] for gate, shift in gating.moved.items()}
    fewest = (min(part / max(1, whole) for part, whole in pair) for gate, pair in ends.items() if gate in own)
    by_ends = math.hypot(*(max(0.0, share - least) for least in fewest))
    told = name in gating.dead
    if told:
        between = sum(ends[gate][0][0] - ends[gate][1][0] for gate in own)
        across_cuts = living_across(between / total, dead / total)
    else:
        across_cuts = few_across(_beside(gating, name, markers), rare=_rare(gating.region))
    misplaced = bearing(share, gating.rules[name].borne, _impure(gating).get(parent, PURE))
    misplaced = misplaced._replace(lost=math.hypot(misplaced.lost, across_cuts.lost))
    if told or Z95 * across_cuts.gained > by_ends:
        misplaced = misplaced._replace(gained=math.hypot(misplaced.gained, across_cuts.gained))
        ends |= {gate: [(max(part, events), whole) for part, whole in ends[gate]] for gate in own & ends.keys()}
    counting = _counting(events, total, whole=not dead)
    both, gates = with_gates(events, total, counting, ends.values(), misplaced=misplaced)
    return holding(both, population.events / total), holding(gates, population.events / total)


def _misplaced(gating: Gating, name: str, parent: str, told: Mapping[str, Told]) -> Misplaced:
    """Return what of a population is misplaced whatever the cut; `live` and `lymphocytes` bear no stain."""
    shares = {
        name: population.events / max(1, gating.populations[parent].events)
        for name, population in gating.populations.items()
        if population.parent == parent
    }
    impure = _impure(gating).get(parent, PURE)
    borne = {other: gating.rules[other].borne for other in shares if other in gating.rules}
    if borne.get(name) or name not in borne:
        markers = borne.get(name) or [name]
        own = bearing(shares[name], markers, impure, next(iter(told.values()), None))
        if name == "lymphocytes":
            own = monocytes_among(own, gating.monocytes, gating.populations[parent].events)
        return across(own, _beside(gating, name, _surely_borne(gating, name)))
    lost = sum(loss(markers) * shares[other] for other, markers in borne.items() if markers)
    return lacking(shares[name], lost, impure)


def _lost_elsewhere(gating: Gating, parent: str) -> float:
    """Return what a parent loses on average of its parts by other gates than their cuts, as a share of it."""
    parts = [one for one in gating.populations.values() if one.parent == parent]
    told = [one for one in parts if one.name in gating.rules and gating.rules[one.name].borne]
    return (
        sum(lost_elsewhere(gating.rules[one.name].borne) * one.events for one in told)
        / gating.populations[parent].events
    )


def _told(gating: Gating, name: str, parent: str) -> dict[str, Told]:
    """Return the cut of a population that bears one marker, and which share of the parent those left over gain by it.

    It is empty where none tell, and where the population bears several markers or none. Dead cells beside the cut tell
    of none that few cells lose. The share of many they lower, wherever they lie, by about what they tell there.
    """
    borne = gating.rules[name].borne if name in gating.rules else []
    if len(borne) != 1:
        return {}
    own = {name_of(cuts) for cuts in by_channel(gating) if cuts[0].parent == parent and bears_any(cuts, borne)}
    if gating.populations[name].events < FEW * gating.populations[parent].events:
        gating = of_living(gating)
    others = (other for other, population in gating.populations.items() if population.parent == parent)
    below = [(below_cuts(gating, other, parent) or {}).items() for other in others]
    told = [(gate, one) for found in below for gate, one in found if gate in own]
    return dict([max(told, key=lambda found: found[1].mean)]) if told else {}


def _surely_borne(gating: Gating, name: str) -> set[str]:
    """Return the markers that all cells of a population bear if they are several, else none."""
    rule = gating.rules.get(name)
    several = {signs[0].marker for signs in rule.conditions if len(signs) == 1 and signs[0].positive} if rule else set()
    return several if len(several) > 1 else set()


def _few_of_several(gating: Gating, name: str, parent: str) -> bool:
    """Tell whether living cells of several markers are few beside those that bear one, or could be by their number."""
    if not _surely_borne(gating, name):
        return False
    living = gating.populations[name].events - number_dead(gating.populations, gating.dead).get(name, 0)
    return scalar(clopper_pearson(living, gating.populations[parent].events))[0] < FEW


def _beside(gating: Gating, name: str, markers: Collection[str]) -> list[float]:
    """Return what lies beside each cut of a population's markers, as a share of its parent."""
    total = gating.populations[gating.populations[name].parent or ""].events
    found = []
    for cuts in by_channel(gating):
        cut, shift = cuts[0], gating.moved[name_of(cuts)]
        if bears_any(cuts, markers):
            beside = shift.lower[name] - shift.upper[name]
            found.append(evenly_beside(beside, cut.lower or 0.0, cut.threshold, cut.upper or 0.0) / total)
    return found


def _impure(gating: Gating) -> Mapping[str, Misplaced]:
    """Return for each parent that holds other cells what is gained and lost by that of any share of it."""
    usual = IMPURE_WHERE_RARE if _rare(gating.region) else IMPURE
    if not gating.monocytes.mean:
        return usual
    of_monocytes = {
        name: monocytes(usual[name], gating.monocytes, gating.populations[name].events)
        for name in ("lymphocytes", "CD3-")
        if name in gating.populations and name in usual
    }
    return {**usual, **of_monocytes}


def _rare(region: Region | None) -> bool:
    """Tell whether T cells are so rare that other tubes tell where lymphocytes lie."""
    return region is not None and region.source == "cohort"
