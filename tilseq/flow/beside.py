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
POOR_FROM, POOR_TO = 1 / 2, 19 / 20
# How many such cells there are beforehand: the shape of a gamma, as of the neutral prior (Kerman, Electron J Stat
# 2011;5:1450), and its mean, as a part of the cells that bear the marker: of simulated CD4+ and CD8+ T cells 0.0024 to
# 0.0041 lie below the cut.
SHAPE, OF_BEARING = 1 / 3, 0.006
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


def below_cut(events: int, lower: float, threshold: float, bearing: int) -> Told:
    """Tell how many cells that took a stain poorly lie below its cut, from those just below it.

    Such cells lie evenly between dark and stained: as densely, on the linear scale, all the way down to darkness as
    between the lower end of where the cut could lie and the cut. From a half to 19 twentieths of what this tells are
    such, each part as likely. Where each of n seen stands for f, (n + a) g of them, with g = (f - 1) / (1 + b), lie
    further down, with a variance of (n + a) g (1 + g): both numbers are Poisson's, of one density, whose prior is a
    gamma of shape a and rate b.

    Parameters
    ----------
    events
        Cells between `lower` and `threshold`.
    lower, threshold
        Linear.
    bearing
        Cells above the cut.
    """
    whole = max(1.0, threshold / (threshold - lower)) if threshold > lower else 1.0
    each = (POOR_FROM + POOR_TO) / 2 * whole
    weight = OF_BEARING * bearing / (OF_BEARING * bearing + SHAPE * whole)  # 1 / (1 + b)
    further = weight * max(0.0, each - 1)
    unseen = (events + SHAPE) * further
    either_way = EVENLY * (POOR_TO - POOR_FROM) * whole * weight * events
    return Told(min(1.0, each) * events + unseen, math.hypot(either_way, math.sqrt(unseen * (1 + further))))


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
