"""Whether counting beads came among the cells as evenly over a run as they were mixed with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.absolute import AbsoluteCount, without_value
from tilseq.flow.flow_rate import read_runs
from tilseq.flow.quality import check
from tilseq.flow.scan import sure
from tilseq.flow.tube import Mask, Tube, time_channel

CHECK = "beads over time"
MOST_PARTS, LEAST_PARTS, LEAST_PER_PART = 200, 4, 20
TOLD, REFUSED = 1.1, 1.25
LIMIT = f"greater part of the run alone within {TOLD:g} times the cells per µL of the whole; no number from {REFUSED:g}"
MEND = "look at beads and cells over time"

Counted = tuple[dict[str, AbsoluteCount], list[dict[str, Any]]]


class Parts(NamedTuple):
    """A run in two parts: a stretch in which beads are more or fewer to a cell, and the rest.

    Attributes
    ----------
    start, end
        Where the stretch begins and ends, as shares of the run's time.
    beads, cells
        Shares of all beads and of all cells that it holds.
    times
        Cells to a bead of the part with more events, relative to those of the whole run; each count has half an event
        added.
    """

    start: float
    end: float
    beads: float
    cells: float
    times: float


def hold_over_time(
    sample: str, counted: Mapping[str, AbsoluteCount], tube: Tube, beads: Mask, cells: tuple[str, Mask]
) -> Counted:
    """Hold beads against cells over the run: beads that are lost in a part of it multiply cells/µL of the whole.

    Parameters
    ----------
    sample
        Name of the tube.
    counted
        Population → its cells per µL by beads.
    tube
        The tube.
    beads
        Events that are the beads counted.
    cells
        Name and events of the largest population counted.

    Returns
    -------
    tuple
        The counts, without their numbers where the greater part of the run alone gives 1.25 times as many or as few,
        and a row of the table `quality`, which warns from 1.1 times.
    """
    name, among = cells
    times, is_bead = _in_order(tube, beads, among)
    fewer = min(int(np.count_nonzero(is_bead)), int(np.count_nonzero(~is_bead)))
    number = min(MOST_PARTS, fewer // LEAST_PER_PART)
    if number < LEAST_PARTS:
        reason = "not available: few beads or cells, or no clock"
        return dict(counted), [check(sample, CHECK, None, LIMIT, True, reason)]
    found = uneven(times, is_bead, number)
    if found is None:
        return dict(counted), [check(sample, CHECK, 1.0, LIMIT, True, "steady")]
    apart = max(found.times, 1 / found.times)
    reason = (
        f"{100 * found.start:.3g} to {100 * found.end:.3g} % of the run's time hold {100 * found.beads:.3g} % of the "
        f"beads and {100 * found.cells:.3g} % of {name}"
    )
    fine = apart < TOLD
    row = check(sample, CHECK, found.times, LIMIT, fine, reason if fine else f"{reason}: {MEND}")
    if apart < REFUSED:
        return dict(counted), [row]
    why = f"beads do not come as evenly as cells: {MEND}"
    return {one: without_value(count, why) for one, count in counted.items()}, [row]


def uneven(times: NDArray[np.float64], is_bead: Mask, number: int) -> Parts | None:
    """Find the stretch of a run in which beads to a cell differ most surely from those of the rest.

    The run is cut into parts of as many events, and stretches of every place and length are tried: that of the largest
    likelihood ratio of two binomial numbers (Kulldorff, Commun Stat 1997;26:1481) is taken if its root, which is
    nearly standard normal, passes the quantile of `scan.departures`.

    Parameters
    ----------
    times
        When each bead and each cell came, as shares of the run's time, ascending.
    is_bead
        Which of them are beads.
    number
        Parts to cut the run into.

    Returns
    -------
    Parts or None
        None where no stretch differs for sure.
    """
    edges = np.linspace(0, len(times), number + 1).astype(int)
    first, end = np.triu_indices(number + 1, 1)
    beads, cells = (np.append(0, np.cumsum(one))[edges] for one in (is_bead, ~is_bead))
    of_beads, of_cells = (one[end] - one[first] for one in (beads, cells))
    counts = np.stack([of_beads, of_cells, beads[-1] - of_beads, cells[-1] - of_cells])
    score = np.sqrt(_deviance(counts))
    place = int(score.argmax())
    if score[place] < sure(number * np.log2(number)):
        return None
    start, stop = edges[first[place]], edges[end[place]]
    beads_in, cells_in, beads_out, cells_out = counts[:, place].tolist()
    more = (beads_in, cells_in) if 2 * (stop - start) > len(times) else (beads_out, cells_out)
    all_beads, all_cells = beads_in + beads_out, cells_in + cells_out
    ratio = (more[1] + 0.5) / (more[0] + 0.5) * all_beads / all_cells
    return Parts(float(times[start]), float(times[stop - 1]), beads_in / all_beads, cells_in / all_cells, ratio)


def _deviance(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return twice the log likelihood ratio of tables of two by two, 4 × tables: beads and cells in, then out."""
    in_beads, in_cells, out_beads, out_cells = counts
    sums = np.stack([in_beads + in_cells, out_beads + out_cells, in_beads + out_beads, in_cells + out_cells])
    held, margins, whole = (
        (many * np.log(np.maximum(many, 1))).sum(axis=0) for many in (counts, sums, counts.sum(axis=0, keepdims=True))
    )
    found: NDArray[np.float64] = np.maximum(2 * (held - margins + whole), 0.0)
    return found


def _in_order(tube: Tube, beads: Mask, cells: Mask) -> tuple[NDArray[np.float64], Mask]:
    """Return when each bead and cell came, as a share of the run's time, in order, and whether it is a bead."""
    column = time_channel(tube)
    timed = np.flatnonzero(np.isfinite(tube.events[:, column])) if column is not None else np.array([], dtype=np.intp)
    ticks, places, before = [np.empty(0)], [np.empty(0, dtype=np.intp)], 0.0
    for run in read_runs(tube.events[timed, column]) if timed.size else []:
        order = timed[run.order]
        held = (beads | cells)[order]
        ticks.append(before + run.ticks[held])
        places.append(order[held])
        before += float(run.ticks[-1])
    return np.concatenate(ticks) / (before or 1.0), beads[np.concatenate(places)]
