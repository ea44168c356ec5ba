"""A person's gates on Time: whether cells are of the same part of the run as the beads or the volume they go by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.tree import Population
from tilseq.flow.tube import Floats, Mask, Tube, time_channel
from tilseq.populations import COUNTED_BEADS

ROOT = "all events"
STRETCHES, FEWEST, MOST_LEFT_OUT = 100, 10, 0.01


def refuse_other_part(
    tube: Tube, populations: Mapping[str, Population], on_time: Collection[str], names: Sequence[str], *, by_beads: bool
) -> None:
    """Refuse to count cells per µL of a part of the run by the beads, or the volume, of another.

    A gate is of a part of the run where more than 1 % of a hundred stretches of time, of which it should hold ten
    events or more, have none in it. The gate `all events` is none: it holds the beads, too, and the volume is scaled to
    it.

    Parameters
    ----------
    tube
        The tube.
    populations
        What the person gated, each within its parent.
    on_time
        Populations whose own gate is on Time.
    names
        Populations to be counted.
    by_beads
        They are counted by beads, otherwise by volume.

    Raises
    ------
    AnalysisError
        A population lies within a gate of a part of the run, in which the beads are not or of which the volume is not
        known; or only the beads do.
    """
    column = time_channel(tube)
    if column is None:
        return
    parts = {name for name in on_time if name != ROOT and _left_out(tube.events[:, column], populations, name)}
    beads = next((name for name in COUNTED_BEADS if name in populations), None)
    if by_beads and beads is None:
        return  # nothing is counted
    other = _within(populations, beads, parts) if by_beads else set()
    for name in names:
        apart = sorted(_within(populations, name, parts) ^ other)
        if apart:
            of = f"that of {beads}" if by_beads else "that in which the volume was taken"
            raise AnalysisError(
                f"cells cannot be counted per µL: the gate {apart[0]} holds a part of the run, which is not {of}",
                found=name,
                expected="cells of the same part of the run",
                mend=f"name the gate {apart[0]} {ROOT} and put all others within it",
            )


def refuse_root_off_time(populations: Mapping[str, Population], on_time: Collection[str], finite: Mask) -> None:
    """Refuse to scale a volume by a gate `all events` that leaves events out by something else than time.

    Raises
    ------
    AnalysisError
        A person's gate of this name is not on Time and leaves out events that are finite in all that gates look at.
    """
    if ROOT not in on_time and (finite & ~populations[ROOT].mask).any():
        raise AnalysisError(
            f"cells cannot be counted by volume: the gate {ROOT} is not on Time, and the volume is scaled by it",
            found=f"{populations[ROOT].events} of {int(np.count_nonzero(finite))} events",
            expected="a gate that leaves out stretches of the run, or none of this name",
            mend="give it another name",
        )


def _left_out(ticks: Floats, populations: Mapping[str, Population], name: str) -> bool:
    """Tell whether a gate leaves out stretches of the time of its parent's events."""
    inside = populations[name].mask
    among = populations[populations[name].parent or ROOT].mask & np.isfinite(ticks)
    if not among.any():
        return False
    edges = np.linspace(ticks[among].min(), ticks[among].max(), STRETCHES + 1)
    whole, kept = (np.histogram(ticks[mask], edges)[0] for mask in (among, among & inside))
    # None of ten that are expected is no chance; a gate of few events tells nothing.
    seen = whole * (kept.sum() / whole.sum()) >= FEWEST
    return bool(seen.any() and np.mean(kept[seen] == 0) > MOST_LEFT_OUT)


def _within(populations: Mapping[str, Population], name: str | None, parts: Collection[str]) -> set[str]:
    found = set()
    while name is not None:
        found |= {name} & set(parts)
        name = populations[name].parent
    return found
