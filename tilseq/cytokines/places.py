"""Which dense spot is which population of a kit: by size group, then by the order of the classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from tilseq.cytokines.peaks import Spot
from tilseq.kits import Kit, KitBead

SAME_SIZE = 0.15  # natural logarithm of forward scatter: spots further apart are not of one size
FEW = 0.08  # of the median population's events: a spot of fewer is no population
SAME_CLASSIFIER = 0.3  # natural logarithm: furthest that a population lies from where the kit has it


@dataclass(frozen=True)
class Placed:
    """What was found of a kit's populations.

    Attributes
    ----------
    spots
        The place of its spot in the list given, by analyte, for those found.
    missing
        Why the others were not, by analyte.
    odd
        By analyte found by order alone, that its classifier is not where the kit has it.
    """

    spots: dict[str, int]
    missing: dict[str, str]
    odd: dict[str, str] = field(default_factory=dict)


def place_spots(spots: Sequence[Spot], kit: Kit) -> Placed:
    """Match spots with the populations of a kit, constrained to the kit's number and order.

    Spots are parted by forward scatter into as many groups as the kit has sizes, the heaviest ones; within a group
    they are the kit's populations in the order of the classifier where their number is the kit's; the kit's relative
    classifiers, if told, are held against that. Where the number is not the kit's, they tell which the populations are;
    without them, none of that size can be told.

    Parameters
    ----------
    spots
        From `find_spots`, those of most events first.
    kit
        The kit.
    """
    counts = sorted(spot.events for spot in spots)
    least = FEW * float(np.median(counts[-len(kit.beads) :])) if spots else 0.0
    groups = _size_groups(spots, [place for place, spot in enumerate(spots) if spot.events >= least], len(kit.sizes))
    if len(groups) < len(kit.sizes):
        reason = (
            f"beads of {len(groups)} size{'s' * (len(groups) != 1)} are to be seen on this plate, and kit {kit.name} "
            f"has {len(kit.sizes)} ({', '.join(kit.sizes)})"
        )
        return Placed({}, dict.fromkeys(kit.analytes, reason))
    found: dict[str, int] = {}
    missing: dict[str, str] = {}
    odd: dict[str, str] = {}
    by_size = {
        size: sorted(group, key=lambda place: spots[place].classifier)
        for size, group in zip(kit.sizes, groups, strict=True)
    }
    shift = _shift(spots, by_size, kit)
    for size, group in by_size.items():
        beads = kit.of_size(size)
        if len(group) == len(beads):
            found |= {bead.analyte: place for bead, place in zip(beads, group, strict=True)}
            if shift is not None:
                odd |= _odd([spots[place].classifier - shift for place in group], beads)
            continue
        populations = "population" if len(group) == 1 else "populations"
        seen = (
            f"{len(group)} {populations} of {size} beads {'is' if len(group) == 1 else 'are'} to be seen on this plate"
        )
        told = f"{seen}, and kit {kit.name} has {len(beads)}"
        matched = None if shift is None else _matched([spots[place].classifier - shift for place in group], beads)
        if matched is None:
            mend = "which they are cannot be told without the classifier of each bead in the kit"
            missing |= {bead.analyte: f"{told}; {mend}" for bead in beads}
            continue
        found |= {analyte: group[place] for analyte, place in matched.items()}
        lost = f"{told}; none lies where that of this analyte should"
        missing |= {bead.analyte: lost for bead in beads if bead.analyte not in matched}
    return Placed(found, missing, odd)


def _odd(classifier: Sequence[float], beads: Sequence[KitBead]) -> dict[str, str]:
    """Return of which analytes the classifier is not where the kit has it, with what is odd."""
    gaps = [here - float(np.log(bead.classifier or 1)) for here, bead in zip(classifier, beads, strict=True)]
    return {
        bead.analyte: f"its classifier is {np.exp(gap):.2g} times what the kit has: another kit, or another order?"
        for bead, gap in zip(beads, gaps, strict=True)
        if abs(gap) > SAME_CLASSIFIER
    }


def _size_groups(spots: Sequence[Spot], places: Sequence[int], number: int) -> list[list[int]]:
    """Return the places of the spots of each size, the heaviest groups, from the least forward scatter up."""
    order = sorted(places, key=lambda place: spots[place].forward)
    groups: list[list[int]] = []
    for place in order:
        near = groups and spots[place].forward - spots[groups[-1][-1]].forward < SAME_SIZE
        if near:
            groups[-1].append(place)
        else:
            groups.append([place])
    heavy = sorted(groups, key=lambda group: -sum(spots[place].events for place in group))[:number]
    return sorted(heavy, key=lambda group: spots[group[0]].forward)


def _shift(spots: Sequence[Spot], by_size: dict[str, list[int]], kit: Kit) -> float | None:
    """Return ln(classifier here over classifier in the kit) under which most populations meet; None if not known."""
    if any(bead.classifier is None for bead in kit.beads):
        return None
    gaps = [
        spots[place].classifier - float(np.log(bead.classifier or 1))
        for size, group in by_size.items()
        for place in group
        for bead in kit.of_size(size)
    ]
    if not gaps:
        return None
    met = [np.array([other for other in gaps if abs(other - gap) < SAME_CLASSIFIER / 2]) for gap in gaps]
    best = max(met, key=lambda one: (len(one), -float(one.std())))
    return float(np.median(best))


def _matched(classifier: Sequence[float], beads: Sequence[KitBead]) -> dict[str, int] | None:
    """Return the spot of each analyte, in order and all near where the kit has them; None where there is no such way.

    Either some beads or some spots are left over; of all ways the one of the least squares is taken.
    """
    here, wanted = np.array(classifier), np.log([bead.classifier or 1 for bead in beads])
    fewer = min(len(here), len(wanted))
    ways = [
        (list(those), list(these))
        for those in combinations(range(len(here)), fewer)
        for these in combinations(range(len(wanted)), fewer)
    ]
    if not fewer:
        return {}
    apart = [float(np.abs(here[those] - wanted[these]).max()) for those, these in ways]
    squares = [float(((here[those] - wanted[these]) ** 2).sum()) for those, these in ways]
    those, these = ways[int(np.argmin(squares))]
    if apart[int(np.argmin(squares))] > SAME_CLASSIFIER:
        return None
    return {beads[bead].analyte: spot for spot, bead in zip(those, these, strict=True)}
