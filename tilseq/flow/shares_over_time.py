"""Whether populations hold the same share of their parents over the run, as of well-mixed cells they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tilseq.flow.quality import check
from tilseq.flow.tree import Population
from tilseq.flow.tube import Tube
from tilseq.flow.uneven import TOLD, WRONG, Course, Parts, course_of, parts_of, uneven

CHECK = "shares over time"
LIMIT = f"greater part of the run alone within {TOLD:g} times the share of the whole; fails from {WRONG:g} times"
MOST_TOLD = 3


class _Share(NamedTuple):
    """A population whose share of its parent is another in a part of the run, `times` as large by the greater part."""

    name: str
    parent: str
    parts: Parts
    times: float

    @property
    def apart(self) -> float:
        return max(self.times, 1 / self.times)

    def __str__(self) -> str:
        one = self.parts
        return (
            f"of {self.name} {100 * one.start:.3g} to {100 * one.end:.3g} % of the run's time hold "
            f"{100 * one.some:.3g} %, of the others of {self.parent} {100 * one.others:.3g} %"
        )


def check_shares(
    sample: str, tube: Tube, populations: Mapping[str, Population], names: Sequence[str]
) -> dict[str, Any]:
    """Hold the shares that populations have of their parents in parts of the run against each other.

    A dye that dims, or a gain that falls, moves cells over a cut in a part of the run, where the signal of all events
    together hardly tells it; the share of the whole run is then of neither part.

    Parameters
    ----------
    sample
        Name of the tube.
    tube
        The tube.
    populations
        Populations of the tube.
    names
        Those to look at; each has a parent.

    Returns
    -------
    dict
        Row of the table `quality`; its value is the share by the greater part of the run alone, relative to that of the
        whole, of the population where these are furthest apart.
    """
    course = course_of(tube)
    if course is None:
        return check(sample, CHECK, None, LIMIT, True, "not available: no clock")
    found = sorted(_changed(course, populations, names), key=lambda share: -share.apart)
    if not found:
        return check(sample, CHECK, 1.0, LIMIT, True, "steady")
    more = [f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else []
    reason = "; ".join([*map(str, found[:MOST_TOLD]), *more])
    worst = "fail" if found[0].apart >= WRONG else "warn"
    return check(sample, CHECK, found[0].times, LIMIT, found[0].apart < TOLD, reason, worst=worst)


def _changed(course: Course, populations: Mapping[str, Population], names: Sequence[str]) -> Iterator[_Share]:
    """Yield each population whose share surely differs between parts of the run."""
    for parent in dict.fromkeys(populations[name].parent or "" for name in names):
        held = np.flatnonzero(populations[parent].mask[course.places])
        times, places = course.times[held], course.places[held]
        for name in (name for name in names if populations[name].parent == parent):
            is_own = populations[name].mask[places]
            events = int(np.count_nonzero(is_own))
            number = parts_of(events, len(is_own) - events)
            parts = uneven(times, is_own, number, tests=len(names)) if number else None
            if parts is not None:
                share = events / len(is_own)
                some, others = parts.greater_some * share, parts.greater_others * (1 - share)
                yield _Share(name, parent, parts, some / (some + others) / share)
