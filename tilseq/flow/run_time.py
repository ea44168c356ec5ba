"""How much of a run's time is left when stretches of it are left out."""

from __future__ import annotations

import numpy as np

from tilseq.flow.flow_rate import read_runs
from tilseq.flow.tube import Mask, Tube


def share_of_time(tube: Tube, kept: Mask) -> float:
    """Return the share of the run's time in which events are kept, by which a volume that was taken is scaled.

    The time between two events that follow each other counts for each of the two by half.

    Parameters
    ----------
    tube
        Tube with a channel `Time`; without one, or with a clock that stands still, the share of events stands for it.
    kept
        One an event: False for those left out.
    """
    column = next((place for place, name in enumerate(tube.channels) if name.strip().casefold() == "time"), None)
    timed = np.flatnonzero(np.isfinite(tube.events[:, column])) if column is not None else np.array([], dtype=np.intp)
    runs = read_runs(tube.events[timed, column]) if timed.size else []
    whole = left = 0.0
    for run in runs:
        between = np.diff(run.ticks)
        stays = kept[timed[run.order]]
        whole += float(between.sum())
        left += float((between * (stays[1:].astype(float) + stays[:-1]) / 2).sum())
    if not whole:
        return float(np.mean(kept))
    return left / whole
