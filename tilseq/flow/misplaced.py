"""Cells on the wrong side of a gate, whatever its cut: what each population gains and loses by them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from tilseq.flow.beside import EVENLY, Told
from tilseq.flow.monocytes import part_left

# Found on simulated tubes of known truth (see benchmarks/RESULTS.md), as a standard deviation of a share: cells that
# seem to bear a marker, as clumps of antibody do.
MISPLACED = 1.7e-4
# What part of those that bear a marker is not seen, because it took the stain too poorly or lies beyond another gate.
# CD8+ T cells are dimmer in CD3 than CD4+ T cells: more of them are lost by that cut.
LOST, LOST_SPREAD = 0.0015, 0.0013
LOST_OF: Mapping[str, float] = {"CD8": 0.0065}


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
# What of the share of T cells among T, B and NK cells are monocytes and dead cells, as a standard deviation; the same
# where T cells are rare.
NO_T_CELLS, NO_T_CELLS_WHERE_RARE = 0.002, 0.03


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


def made_whole(misplaced: Misplaced, lost: Told, by_parent: float) -> Misplaced:
    """Return what is misplaced of a part that is most of its parent: the lower limit moves up as the upper one does.

    Cells that are no T cells fall among all its parts, and take from the share of the largest what they add to the
    others. Of a smaller part the lower limit stays, as they can be more than what it loses.

    Parameters
    ----------
    misplaced
        What is misplaced of the part.
    lost
        Share of the whole that it loses by its cut, as is told.
    by_parent
        What its share gains as the parent loses cells, its own among them.
    """
    nearer = max(0.0, misplaced.surely_lost - by_parent)
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


def monocytes(impure: Misplaced, told: Told, events: int) -> Misplaced:
    """Add to what is misplaced of any share of a parent what monocytes among its events do: every share is too low.

    Parameters
    ----------
    impure
        What is misplaced by other cells.
    told
        Monocytes, see `monocytes.monocytes_within`.
    events
        Events of the parent, monocytes among them.
    """
    left = part_left(told, events)
    either_way = told.sd / max(1, events) / left**2
    return Misplaced(
        gained=math.hypot(impure.gained, either_way),
        lost=math.hypot(impure.lost, either_way),
        surely_gained=impure.surely_gained,
        surely_lost=impure.surely_lost + 1 / left - 1,
    )


def monocytes_among(lymphocytes: Misplaced, told: Told, events: int) -> Misplaced:
    """Add to what is misplaced of the lymphocytes' share of a parent the monocytes among them, which are none.

    Parameters
    ----------
    lymphocytes
        What is misplaced of them by other cells.
    told
        Monocytes, see `monocytes.monocytes_within`.
    events
        Events of the parent.
    """
    gained = math.hypot(lymphocytes.gained, told.sd / max(1, events))
    return lymphocytes._replace(gained=gained, surely_gained=lymphocytes.surely_gained + told.mean / max(1, events))


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
