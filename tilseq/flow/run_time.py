"""How much of a run's time is left when stretches of it are left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tilseq.flow.flow_rate import pauses, runs_of
from tilseq.flow.tube import Mask, Tube, time_channel


class TimeKept(NamedTuple):
    """Shares of a run's time, and what lies outside of it.

    Attributes
    ----------
    kept
        Of the time without pauses, that in which events are kept.
    paused
        Of all time, that of pauses, in which no event came.
    apart
        Events whose time lies far from all others', see `flow_rate.read_runs`: nothing tells whether it is a stray one,
        or they came after a pause, which is no part of `paused`.
    """

    kept: float
    paused: float
    apart: int


def time_kept(tube: Tube, kept: Mask) -> TimeKept:
    """Return the share of the run's time in which events are kept, by which a volume that was taken is scaled.

    The time between two events that follow each other counts for each of the two by half. In a pause, see
    `flow_rate.pauses`, no volume is taken as far as can be told, and it counts for none.

    Parameters
    ----------
    tube
        Tube with a channel `Time`; without one, or with a clock that stands still, the share of events stands for it.
    kept
        One an event: False for those left out.
    """
    column, runs = time_channel(tube), runs_of(tube)
    whole = left = paused = 0.0
    for run in runs:
        between, pause = np.diff(run.ticks), pauses(run.ticks)
        stays = kept[run.order]
        paused += float(between[pause].sum())
        between[pause] = 0.0
        whole += float(between.sum())
        left += float((between * (stays[1:].astype(float) + stays[:-1]) / 2).sum())
    if column is None or not whole:
        return TimeKept(float(np.mean(kept)), 0.0, 0)
    apart = int(np.count_nonzero(np.isfinite(tube.events[:, column]))) - sum(len(run.order) for run in runs)
    return TimeKept(left / whole, paused / (whole + paused), apart)
