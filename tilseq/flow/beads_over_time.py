"""Whether counting beads came among the cells as evenly over a run as they were mixed with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tilseq.flow.absolute import AbsoluteCount, without_value
from tilseq.flow.quality import check
from tilseq.flow.tube import Mask, Tube
from tilseq.flow.uneven import TOLD, WRONG, course_of, parts_of, uneven

CHECK = "beads over time"
LIMIT = f"greater part of the run alone within {TOLD:g} times the cells per µL of the whole; no number from {WRONG:g}"
MEND = "look at beads and cells over time"

Counted = tuple[dict[str, AbsoluteCount], list[dict[str, Any]]]


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
    course = course_of(tube)
    held = (beads | among)[course.places] if course else np.zeros(0, dtype=bool)
    is_bead = beads[course.places][held] if course else held
    number = parts_of(int(np.count_nonzero(is_bead)), int(np.count_nonzero(~is_bead)))
    if course is None or not number:
        reason = "not available: few beads or cells, or no clock"
        return dict(counted), [check(sample, CHECK, None, LIMIT, True, reason)]
    found = uneven(course.times[held], is_bead, number)
    if found is None:
        return dict(counted), [check(sample, CHECK, 1.0, LIMIT, True, "steady")]
    times = found.greater_others / found.greater_some
    apart = max(times, 1 / times)
    reason = (
        f"{100 * found.start:.3g} to {100 * found.end:.3g} % of the run's time hold {100 * found.some:.3g} % of the "
        f"beads and {100 * found.others:.3g} % of {name}"
    )
    fine = apart < TOLD
    row = check(sample, CHECK, times, LIMIT, fine, reason if fine else f"{reason}: {MEND}")
    if apart < WRONG:
        return dict(counted), [row]
    why = f"beads do not come as evenly as cells: {MEND}"
    return {one: without_value(count, why) for one, count in counted.items()}, [row]
