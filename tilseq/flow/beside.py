"""Cells that lie beyond a gate, told by those that lie beside it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tilseq.intervals import Z95

# How many cells of the usual kind count with a population's own: the part of B cells near the edge varies between
# simulated tubes as if of 54 cells (a moment estimate). How far off what is told of cells beyond the edge can be, as a
# part of it: distances are not quite normal.
WEIGHT_OF_USUAL, OFF = 50, 0.3
FURTHEST, STEPS = 6.0, 601  # standard deviations that an edge can lie from the middle of a population
# Of the cells just below a cut some lack the marker themselves: what part took the stain poorly, from and to.
# Where dead cells, which lie next to the cut rather than further down, are taken off, it is from a half to all.
POOR_FROM, POOR_TO, POOR_TO_OF_LIVING = 1 / 2, 5 / 6, 1.0
# Doublets that lie as a single cell does, of as many as lie as far again below the band: from and to. In simulated
# tubes of three panels with 0.5 to 10 % of doublets they are 0.64 to 0.88.
DOUBLETS_FROM, DOUBLETS_TO = 1 / 2, 1.0
EVENLY = 0.95 / 2 / Z95  # of what is evenly spread, so that 1.96 of it hold 95 %


class Loss(NamedTuple):
    """What an edge leaves of a population: the logarithm of the part within it, and its standard error."""

    left: float
    sd: float


class Beyond(NamedTuple):
    """What cells beyond an edge change: of the logit of a share the change to the truth, and its standard error."""

    shift: float
    sd: float


NONE_BEYOND = Beyond(0.0, 0.0)


class Told(NamedTuple):
    """Cells that are not seen where they belong: their number or share, and its standard error."""

    mean: float
    sd: float


NONE_TOLD = Told(0.0, 0.0)


def beyond_edge(events: int, within: int, width: float, usual: float) -> Loss:
    """Tell what part of a population lies beyond an edge from the part that lies just within it.

    Distances from the edge are taken as normal, in the unit that they are counted in: of the cells within an edge that
    lies z standard deviations from their middle, those of the last `width` are the part (Φ(z) - Φ(z - width)) / Φ(z),
    which tells z and the part beyond it, 1 - Φ(z).

    Parameters
    ----------
    events
        Cells within the edge.
    within
        Of these, those no further than `width` from it.
    width
        In standard deviations.
    usual
        What part of all cells within the edge lies so near to it: counts as 50 cells of the population.
    """
    from scipy.special import log_ndtr, ndtr

    z = np.linspace(-FURTHEST, FURTHEST, STEPS)
    # A logarithm of ratios, as far below the edge both are next to nothing.
    near = -np.expm1(log_ndtr(z - width) - log_ndtr(z))
    cells, number = within + WEIGHT_OF_USUAL * usual, events + WEIGHT_OF_USUAL
    part, error = cells / number, math.sqrt(cells) / number
    left, worse = np.log(ndtr(np.interp([-part, -part - error], -near, z)))
    return Loss(float(left), float(left - worse))


def of_odds(own: Loss, others: list[tuple[int, Loss]]) -> Beyond:
    """Tell what losses at an edge change of the odds of a population to others.

    Parameters
    ----------
    own
        Of the population.
    others
        Events of each of the others, and its loss.
    """
    whole = max(1, sum(events for events, _ in others))
    shift = sum(events / whole * loss.left for events, loss in others) - own.left
    return Beyond(shift, math.hypot(own.sd, OFF * shift, *(events / whole * loss.sd for events, loss in others)))


def below_cut(events: int, lower: float, threshold: float, most: float = POOR_TO) -> Told:
    """Tell how many cells that took a stain poorly lie below its cut, from those just below it.

    Such cells lie evenly between dark and stained: as densely, on the linear scale, all the way down to darkness as
    between the lower end of where the cut could lie and the cut. From a half to `most` of what this tells are such,
    each part as likely; to this is added the error of counting: where f cells stand for each of n seen, the
    f n - n others vary by themselves, and as n does.

    Parameters
    ----------
    events
        Cells between `lower` and `threshold`.
    lower, threshold
        Linear.
    most
        What part of them took the stain poorly, at most.
    """
    each = max(1.0, threshold / (threshold - lower)) if threshold > lower else 1.0
    at_most = each * events
    return Told(
        (POOR_FROM + most) / 2 * at_most,
        math.hypot(EVENLY * (most - POOR_FROM) * at_most, math.sqrt(events * each * (each - 1))),
    )


def let_in(below: int) -> Told:
    """Tell how many doublets a band of single cells lets in, from those just below it.

    A doublet of unequal cells is as high as its larger one and has the area of both. From a half to all as many as lie
    below the band, no further from it than it is wide on that side, lie within it, each part as likely; to this is
    added the error of counting, of those below and of those let in.

    Parameters
    ----------
    below
        Events just below the band.
    """
    part = (DOUBLETS_FROM + DOUBLETS_TO) / 2
    either_way = EVENLY * (DOUBLETS_TO - DOUBLETS_FROM) * below
    return Told(part * below, math.hypot(either_way, math.sqrt(part * (1 + part) * below)))


def evenly_beside(events: int, lower: float, threshold: float, upper: float) -> float:
    """Tell how many cells would lie from darkness up to a cut if they lay as densely as beside it, linear.

    Cells that took a stain poorly reach down to darkness, those that it sticks to reach as far up again, and between
    the ends of where the cut could lie are those of both. Where the cut is not above darkness it is these alone.

    Parameters
    ----------
    events
        Cells between `lower` and `upper`.
    lower, threshold, upper
        Linear.
    """
    return events * threshold / (upper - lower) if threshold > 0 and upper > lower else float(events)
