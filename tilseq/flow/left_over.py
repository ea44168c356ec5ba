"""Cells that lack several markers, such as DN T: what they gain of those that took a stain poorly, and their limits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tilseq.flow.beside import Told, below_cut
from tilseq.flow.misplaced import left_over
from tilseq.flow.uncertainty import Limits, all_moved_again, by_channel, holding, name_of, of_living, with_gates
from tilseq.intervals import clopper_pearson, jeffreys, scalar

if TYPE_CHECKING:
    from tilseq.flow.gated import Gating
    from tilseq.flow.tree import Cut, Population


def below_cuts(gating: Gating, name: str, parent: str) -> dict[str, Told] | None:
    """Return for each cut of cells that lack several markers which share of the parent they gain by it; None of others.

    Of one marker that cells lack their share is what those that bear it leave. Where more cells lack the markers than
    bear one, they themselves lie next to the cuts, and nothing is told of others by these.

    Parameters
    ----------
    gating
        A gated tube.
    name, parent
        Population, and what its share is of.
    """
    rule = gating.rules.get(name)
    events, total = gating.populations[name].events, gating.populations[parent].events
    if rule is None or rule.borne or len(rule.markers) < 2 or 2 * events > total or not total:
        return None
    groups = _own_cuts(gating, name, parent)
    if not {cut.marker for cuts in groups for cut in cuts}.issuperset(rule.markers):
        return None
    found = {}
    for cuts in groups:
        told = _told(cuts, _beside(gating, name, cuts), _bearing(gating, cuts))
        found[name_of(cuts)] = Told(told.mean / total, told.sd / total)
    return found


def of_left_over(gating: Gating, population: Population) -> tuple[Limits, Limits]:
    """Return the limits of the share of cells that lack several markers: what they gain is taken off before they count.

    So are dead cells that are told. With another cut at its end what they gain is told by what lies beside their cuts
    there. The number that is left is none of a count: its limits are Jeffreys's, where any such cells are found.

    Parameters
    ----------
    gating
        A gated tube.
    population
        One of which `below_cuts` tells.

    Returns
    -------
    both, gates
        As fractions: of counting and gating together, of gating alone.
    """
    name, parent = population.name, population.parent or ""
    gating = of_living(gating)
    below = below_cuts(gating, name, parent) or {}
    events, total = gating.populations[name].events, gating.populations[parent].events
    own = max(0.0, events - total * sum(told.mean for told in below.values()))
    ends = list(_other_ends(gating, name, parent))
    counting = scalar((jeffreys if population.events else clopper_pearson)(own, total))
    both, gates = with_gates(own, total, counting, ends, misplaced=left_over(below.values()))
    share = population.events / total
    return holding(both, share), holding(gates, share)


def bears_any(cuts: Sequence[Cut], markers: Collection[str]) -> bool:
    """Tell whether a cut among some is of one of these markers."""
    return any(cut.marker in markers for cut in cuts)


def _own_cuts(gating: Gating, name: str, parent: str) -> list[list[Cut]]:
    markers = gating.rules[name].markers
    return [cuts for cuts in by_channel(gating) if cuts[0].parent == parent and bears_any(cuts, markers)]


def _beside(gating: Gating, name: str, cuts: Sequence[Cut]) -> int:
    """Return how many cells of a population lie between the lower end of a cut and the cut."""
    return gating.populations[name].events - gating.moved[name_of(cuts)].lower[name]


def _bearing(gating: Gating, cuts: Sequence[Cut]) -> int:
    """Return how many cells of the parent lie above a cut."""
    cut = cuts[0]
    return int(np.count_nonzero(gating.populations[cut.parent].mask & (gating.values[cut.marker] > cut.threshold)))


def _told(cuts: Sequence[Cut], beside: int, bearing: int) -> Told:
    return below_cut(max(0, beside), cuts[0].lower or 0.0, cuts[0].threshold, bearing)


def _other_ends(gating: Gating, name: str, parent: str) -> Iterator[list[tuple[float, float]]]:
    """Return what is left of a population, and its parent, with each cut but its own at both ends."""
    own = _own_cuts(gating, name, parent)
    further = [_below_lower_ends(gating, name, cuts) for cuts in own]
    bearing = [_bearing(gating, cuts) for cuts in own]
    names = [name_of(cuts) for cuts in own]
    for gate in (one for one in gating.moved if one not in names):
        pair = []
        for place, end in enumerate(gating.moved[gate]):
            gained = 0.0
            for cuts, far, bear in zip(own, further, bearing, strict=True):
                more = end[name] - gating.populations[name].events
                more -= far.moved[gate][place][name] - far.populations[name].events
                gained += _told(cuts, _beside(gating, name, cuts) + more, bear).mean
            pair.append((max(0.0, end[name] - gained), float(end[parent])))
        yield pair


def _below_lower_ends(gating: Gating, name: str, cuts: Sequence[Cut]) -> Gating:
    """Return a gating with cuts of one channel at their lower ends, of those that lack the markers, for this one."""
    moved = {(cut.marker, cut.parent): cut._replace(threshold=cut.lower or 0.0) for cut in cuts}
    population = gating.populations[name]
    mask = population.mask & (gating.values[cuts[0].marker] <= (cuts[0].lower or 0.0))
    populations = {**gating.populations, name: replace(population, mask=mask)}
    return all_moved_again(replace(gating, cuts={**gating.cuts, **moved}, populations=populations))
