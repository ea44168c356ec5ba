"""Stretches of a run in which some events are more or fewer among others than in the rest of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.flow_rate import runs_of
from tilseq.flow.scan import sure
from tilseq.flow.tube import Mask, Tube

MOST_PARTS, LEAST_PARTS, LEAST_PER_PART = 100, 4, 20
RARER = 100  # by chance than what `scan.sure` finds, as a tube may fail for it or lose its numbers
# By how many times a number may differ by the greater part of the run alone. Beads that settle among cells differ by
# less than the first; no honest run was seen that differs by the second.
TOLD, WRONG = 1.1, 1.25


class Course(NamedTuple):
    """The events of a tube in the order in which they came.

    Attributes
    ----------
    times
        When each came, as a share of the run's time.
    places
        Its place in the tube.
    """

    times: NDArray[np.float64]
    places: NDArray[np.intp]


class Parts(NamedTuple):
    """A run in two parts: a stretch in which some events are more or fewer among others, and the rest.

    Attributes
    ----------
    start, end
        Where the stretch begins and ends, as shares of the run's time.
    some, others
        Shares of all of either that it holds.
    greater_some, greater_others
        Those of the part with more events, with half an event added to each number.
    """

    start: float
    end: float
    some: float
    others: float
    greater_some: float
    greater_others: float


def course_of(tube: Tube) -> Course | None:
    """Return the course of a tube, None without a clock that moves."""
    runs = runs_of(tube)
    if not runs:
        return None
    ends = np.cumsum([run.ticks[-1] for run in runs])
    ticks = [end - run.ticks[-1] + run.ticks for end, run in zip(ends, runs, strict=True)]
    return Course(np.concatenate(ticks) / ends[-1], np.concatenate([run.order for run in runs]))


def parts_of(some: int, others: int) -> int:
    """Return into how many parts a run can be cut to hold some events against others; 0 for fewer than 80 of either."""
    number = min(MOST_PARTS, min(some, others) // LEAST_PER_PART)
    return number if number >= LEAST_PARTS else 0


def uneven(times: NDArray[np.float64], is_one: Mask, number: int, *, tests: int = 1) -> Parts | None:
    """Find the stretch of a run in which some events are most surely more or fewer among others.

    The run is cut into parts of as many events, and stretches of every place and length are tried: that of the largest
    likelihood ratio of two binomial numbers (Kulldorff, Commun Stat 1997;26:1481) is taken if its root, which is
    nearly standard normal, passes the quantile of `scan.departures` that a hundredth as many steady runs pass.

    Parameters
    ----------
    times
        When each of them and of the others came, as shares of the run's time, ascending.
    is_one
        Which are of the some; not all, nor none.
    number
        Parts to cut the run into, see `parts_of`.
    tests
        How many such questions are asked of the run together.

    Returns
    -------
    Parts or None
        None where no stretch differs for sure.
    """
    edges = np.linspace(0, len(times), number + 1).astype(int)
    first, end = np.triu_indices(number + 1, 1)
    some, others = (np.append(0, np.cumsum(one))[edges] for one in (is_one, ~is_one))
    inside = np.stack([some[end] - some[first], others[end] - others[first]])
    whole = np.array([[some[-1]], [others[-1]]])
    score = np.sqrt(_deviance(inside, whole - inside))
    place = int(score.argmax())
    if score[place] < sure(RARER * tests * number * np.log2(number)):
        return None
    start, stop = edges[first[place]], edges[end[place]]
    held = inside[:, place] / whole[:, 0]
    more = inside[:, place] if 2 * (stop - start) > len(times) else whole[:, 0] - inside[:, place]
    return Parts(float(times[start]), float(times[stop - 1]), *held.tolist(), *((more + 0.5) / whole[:, 0]).tolist())


def _deviance(inside: NDArray[np.int64], outside: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return twice the log likelihood ratio of tables of two by two, each side 2 × tables."""
    counts = np.concatenate([inside, outside])
    sums = np.concatenate([inside + outside, inside.sum(axis=0, keepdims=True), outside.sum(axis=0, keepdims=True)])
    held, margins, whole = (
        (many * np.log(np.maximum(many, 1))).sum(axis=0) for many in (counts, sums, counts.sum(axis=0, keepdims=True))
    )
    found: NDArray[np.float64] = np.maximum(2 * (held - margins + whole), 0.0)
    return found
