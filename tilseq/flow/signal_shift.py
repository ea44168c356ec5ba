"""How steady the light of a tube was: stretches whose signal is shifted, and slow drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.scan import Departure, departures, excess_spread, sure, trend
from tilseq.flow.tube import Floats

Series = NDArray[np.float64]

MOST_SEGMENTS, LEAST_SEGMENTS, LEAST_PER_SEGMENT, LOOKED_AT = 200, 8, 25, 250
# Of the mean rank, as a share of all events: an event of the stretch lies above a usual one with probability 1/2 more
# or less this. Light dimmer by a fifth shifts a population of scatter, whose logarithm spreads by 0.3, by 0.2.
REMOVED_SHIFT, TOLD_SHIFT = 0.15, 0.075
UPPER_HALF = (0.5, 0.6, 0.7, 0.8, 0.9)
ENDS = 0.2


class Shift(NamedTuple):
    """A stretch of shifted signal.

    Attributes
    ----------
    first, end
        Its first event and the one after its last, in the order of the run.
    channel
        Channel that is shifted most.
    below
        Share of the stretch's events below the median of all others in that channel; 1/2 where nothing is shifted.
    strong
        Whether the mean rank is shifted by 0.15 or more of all events.
    """

    first: int
    end: int
    channel: str
    below: float
    strong: bool


class Drift(NamedTuple):
    """The channel that drifts most.

    Attributes
    ----------
    channel
        Its name.
    change
        Change of its signal between the first and the last fifth of the run, relative.
    """

    channel: str
    change: float


def shifts_and_drift(values: Mapping[str, Floats], order: NDArray[np.intp]) -> tuple[list[Shift], Drift | None] | None:
    """Find stretches of shifted signal, and the drift of the rest.

    The run is cut into up to 200 segments of equal number, at least 25 events each, of which at most 250 are looked at.
    Like flowCut (Meskas and others, Cytometry A 2023;103:71) and PeacoQC (Emmaneel and others, Cytometry A
    2022;101:325) it holds segments against each other, but by their mean rank in each channel: a median jumps where a
    channel has two modes of like size. Each is held against a robust line through all of them. Its noise is that of a
    random draw from the tube, or more where segments spread more (by the MAD).

    A drift is told where the mean rank rises or falls over the segments that are left (by least squares, Bonferroni
    over channels). Its size is the median ratio of five quantiles of the upper half, so that it is the gain's.

    Parameters
    ----------
    values
        Channel → values of all events, finite for those in `order`.
    order
        Places of the events to look at, in the order of the run.

    Returns
    -------
    shifts, drift
        None for fewer than 200 events or where no channel has a spread.
    """
    seen = _segments(values, order)
    if not seen:
        return None
    names, ranks = list(seen), [_ranks(column) for column in seen.values()]
    middles = np.stack([rank.mean(axis=1) for rank in ranks], axis=1)
    off = middles - trend(middles)
    errors = np.array([rank.std() / np.sqrt(rank.shape[1]) for rank in ranks])
    errors *= [excess_spread(column) for column in (off / errors).T]
    limits = [(-size, size) for size in (REMOVED_SHIFT, TOLD_SHIFT)]
    found = departures(off / errors, off, np.ones((len(off), 1)), limits)
    edges = np.linspace(0, len(order), len(off) + 1).astype(int).tolist()
    kept, shifts = np.ones(len(off), dtype=bool), []
    for stretch in found:
        name, strong = names[stretch.column], stretch.level == 0
        below = _below(seen[name], stretch)
        shifts.append(Shift(edges[stretch.first], edges[stretch.end], name, below, strong))
        if strong:
            kept[stretch.first : stretch.end] = False
    return shifts, _drift({name: column[kept] for name, column in seen.items()}, middles[kept], errors, kept)


def _segments(values: Mapping[str, Floats], order: NDArray[np.intp]) -> dict[str, Floats]:
    """Return channel → segments × events looked at, for channels with a spread; nothing for too few events."""
    segments = min(MOST_SEGMENTS, len(order) // LEAST_PER_SEGMENT)
    if segments < LEAST_SEGMENTS:
        return {}
    each = min(len(order) // segments, LOOKED_AT)
    looked_at = order[np.linspace(0, len(order) - 1, segments * each).astype(np.intp)]
    seen = {name: column[looked_at].reshape(segments, each) for name, column in values.items()}
    return {name: column for name, column in seen.items() if column.min() < column.max()}


def _ranks(values: Floats) -> Series:
    """Return ranks from 0 to 1, the mean rank for values that are alike."""
    order = np.argsort(values, axis=None)
    ordered = values.ravel()[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, ordered.size)
    starts = np.append(0, ends[:-1])
    ranks: Series = np.empty(ordered.size)
    ranks[order] = np.repeat((starts + ends) / (2 * ordered.size), ends - starts)
    return ranks.reshape(values.shape)


def _below(values: Floats, stretch: Departure) -> float:
    inside = np.zeros(len(values), dtype=bool)
    inside[stretch.first : stretch.end] = True
    own, middle = values[inside], np.median(values if inside.all() else values[~inside])
    return float(np.mean(own < middle) + np.mean(own == middle) / 2)


def _drift(values: Mapping[str, Floats], middles: Series, errors: Series, kept: NDArray[np.bool_]) -> Drift | None:
    """Return the channel of largest change among those that rise or fall for sure, if enough is left to tell."""
    if np.count_nonzero(kept) < LEAST_SEGMENTS:
        return None
    times = np.flatnonzero(kept) - np.flatnonzero(kept).mean()
    length = np.sqrt((times**2).sum())
    least, ends = sure(len(errors)), max(1, int(ENDS * len(times)))
    found = []
    for name, z in zip(values, (times @ middles / length / errors).tolist(), strict=True):
        if abs(z) < least:
            continue
        change = _change(values[name][:ends], values[name][-ends:])
        if change is not None:
            found.append(Drift(name, change))
    return max(found, key=lambda drift: abs(np.log1p(drift.change)), default=None)


def _change(before: Floats, after: Floats) -> float | None:
    """Return the relative change of the signal; None where the upper half of the values does not lie above 0."""
    old, new = np.quantile(before, UPPER_HALF), np.quantile(after, UPPER_HALF)
    positive = (old > 0) & (new > 0)
    return float(np.median(new[positive] / old[positive])) - 1 if positive.any() else None
