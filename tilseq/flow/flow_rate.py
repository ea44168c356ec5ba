"""How evenly events came: the clock of a tube, and stretches in which fewer or more events came than usual."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.scan import Departure, departures, excess_spread, trend
from tilseq.flow.tube import Floats, Tube, time_channel

MOST_BINS, LEAST_BINS, EVENTS_PER_BIN = 200, 10, 20
# Relative to the usual rate. A run's rate wanders by some 5 to 10 %; too few events are the sign of a clog, too many do
# harm only where cells pass together.
REMOVED_RATE, TOLD_RATE = (2 / 3, 2.0), (4 / 5, 5 / 4)
LEAST_FALL, MOST_RUNS = 0.01, 10
LEAST_STAMPS = 0.2
LEAST_OF_MEAN = 0.1  # keeps the line of a rate that sinks to nothing above 0
# A pause lasts as long as so many events, and such a part of the run, usually take: by chance not once in 10^8 gaps.
PAUSE, LEAST_PAUSE = 20, 0.01


class Run(NamedTuple):
    """Events that came without the clock beginning anew.

    Attributes
    ----------
    order
        Places of the events in the order in which they came.
    ticks
        Time of each event in that order, from 0, in the instrument's ticks.
    """

    order: NDArray[np.intp]
    ticks: NDArray[np.float64]


class Rate(NamedTuple):
    """Stretches of unusual flow rate.

    Attributes
    ----------
    edges
        Limits of the bins of time, in ticks.
    stretches
        Stretches of bins; their effect is the rate relative to the usual one, less 1, their level 0 where it is
        below 2/3 or above twice of it.
    """

    edges: NDArray[np.float64]
    stretches: list[Departure]


def read_runs(ticks: Floats) -> list[Run]:
    """Put the events of a tube in the order in which they came.

    A clock that falls back by more than 1 % of its range, up to nine times, has run over its largest value, or the tube
    was stopped and begun anew, or files were joined: each part is a run of its own. One that falls back more often is
    of shuffled events, which are sorted. Events of one tick keep the file's order. Fewer than 20 events that a pause
    parts from the rest of a run at its beginning or end bear a stray time, or tell no rate, and are left out.

    Parameters
    ----------
    ticks
        Values of the Time channel, finite, in the order of the file.

    Returns
    -------
    list of Run
        Those of which the clock moves.
    """
    if not len(ticks):
        return []
    time = ticks.astype(np.float64)
    if (ticks[1:] >= ticks[:-1]).all():
        return _run(np.arange(len(time)), time)
    falls = np.flatnonzero(np.diff(time) < -LEAST_FALL * np.ptp(time)) + 1
    parts = np.split(np.arange(len(time)), falls if len(falls) < MOST_RUNS else falls[:0])
    orders = [
        part if (np.diff(time[part]) >= 0).all() else part[np.argsort(time[part], kind="stable")] for part in parts
    ]
    return [run for order in orders for run in _run(order, time[order])]


def runs_of(tube: Tube) -> list[Run]:
    """Return the runs of a tube, whose orders are places of its events; see `read_runs`.

    None without a channel `Time`, or with a clock that stands still; events without a finite time are in none.
    """
    column = time_channel(tube)
    if column is None:
        return []
    timed = np.flatnonzero(np.isfinite(tube.events[:, column]))
    return [run._replace(order=timed[run.order]) for run in read_runs(tube.events[timed, column])]


def _run(order: NDArray[np.intp], ticks: NDArray[np.float64]) -> list[Run]:
    """Return the run of events in order, without those that bear a stray time; none if its clock stands still.

    Pauses that would part more and more events are those of a trickle, as of a clog, which is part of the run.
    """
    first, end = 0, len(ticks)
    while end - first >= LEAST_BINS * EVENTS_PER_BIN:
        before = first + np.flatnonzero(pauses(ticks[first:end])) + 1
        early, late = before[before - first < EVENTS_PER_BIN], before[end - before < EVENTS_PER_BIN]
        if not len(early) and not len(late):
            break
        first, end = early[-1] if len(early) else first, late[0] if len(late) else end
    inner = slice(first if first < EVENTS_PER_BIN else 0, end if len(ticks) - end < EVENTS_PER_BIN else None)
    order, ticks = order[inner], ticks[inner]
    ticks -= ticks[0]
    return [Run(order, ticks)] if ticks[-1] > 0 else []


def pauses(ticks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell between which neighbours no event came for far longer than is usual.

    Parameters
    ----------
    ticks
        Time of each event, ascending.

    Returns
    -------
    numpy.ndarray
        One a pair of neighbours: whether 20 of the times that are usual between two ticks with events, and 1 % of the
        run, lie between them.
    """
    between = np.diff(ticks)
    whole = between.sum()
    usual = whole / max(1, int(np.count_nonzero(between)))
    return np.asarray(between > max(PAUSE * usual, LEAST_PAUSE * whole))


def unusual_rates(ticks: NDArray[np.float64]) -> Rate | None:
    """Find bursts, clogs and stops.

    Events are counted in up to 200 bins of time of some 20 events or more. Each count is held against a robust line
    through all of them, since the rate may slowly fall, by its deviance as a Poisson number, the more leniently the
    more the rate wanders (by the MAD of the bins). Like flowAI (Monaco and others, Bioinformatics 2016;32:2473) it
    looks for outliers of the rate, but by scanning (Kulldorff, Commun Stat 1997;26:1481), so that a stretch of any
    length is found.

    Parameters
    ----------
    ticks
        Time of each event from 0, ascending.

    Returns
    -------
    Rate or None
        None where the clock cannot tell: fewer than 200 events, fewer than ten ticks, or events that bear the time
        of a whole batch.
    """
    # The run began and ended within a tick, so the first and the last hold fewer events than others.
    span = int(ticks[-1]) - 1
    wanted = min(MOST_BINS, len(ticks) // EVENTS_PER_BIN)
    if wanted < LEAST_BINS or span < LEAST_BINS or _in_batches(ticks, span):
        return None
    # A bin of a whole number of ticks holds as many as the next.
    width = -(-span // wanted)
    edges = 1.0 + np.append(np.arange(span // width) * width, span)
    counts = np.diff(np.searchsorted(ticks, edges)).astype(np.float64)[:, None]
    lasted = np.diff(edges)[:, None]
    expected = lasted * _usual(counts / lasted)
    z = _deviance(counts, expected)
    limits = [(low - 1, high - 1) for low, high in (REMOVED_RATE, TOLD_RATE)]
    spread = excess_spread(z[counts > 0])
    return Rate(edges, departures(z / spread, counts - expected, expected, limits))


def _usual(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the usual rate of each bin; a stop, however long, says nothing of it, and one busy bin tells no trend."""
    busy = np.flatnonzero(rates[:, 0])
    if len(busy) < 2:
        return np.full_like(rates, max(rates.mean(), LEAST_OF_MEAN))
    line = np.maximum(trend(rates[busy]), LEAST_OF_MEAN * rates[busy].mean())
    return np.interp(np.arange(len(rates)), busy, line[:, 0])[:, None]


def _in_batches(ticks: NDArray[np.float64], span: int) -> bool:
    """Tell whether far fewer times are seen than events that come at random would have."""
    stamps = 1 + np.count_nonzero(ticks[1:] != ticks[:-1])
    at_random = -span * np.expm1(-len(ticks) / span)
    return bool(stamps < LEAST_STAMPS * at_random)


def _deviance(counts: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signed root of the Poisson deviance, which is nearly standard normal."""
    logs = counts * np.log(np.maximum(counts, 1) / expected)
    roots: NDArray[np.float64] = np.sqrt(np.maximum(2 * (logs - counts + expected), 0))
    return np.copysign(roots, counts - expected)
