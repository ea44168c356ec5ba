"""Events that stand in a tube's file more than once, as in one that was joined with itself."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.quality import check
from tilseq.flow.tube import Floats, Tube
from tilseq.markers import plain_name

MOST, REFUSED = 0.01, 0.1  # of events; real tubes with a clock of the gates' channels have next to none
SOME = 30_000  # events, of which some are looked at first: all copies of an event are among them, or none
# Of the detectors: cells that lie at the ends of more are alike by chance where the scale has but 1,024 steps, as beads
# that fill every stain, or debris that has none. Of one real tube 5 % of all events were, and 0.1 % of those looked at.
MOST_AT_ENDS = 1 / 3
# Not measured of a cell: the clock, and what programs add that join files.
NOT_MEASURED = re.compile(r"(hdr )?time|event( ?(no|num|number|id|count))?|(sample|file)( ?(no|num|number|id|index))?")


def check_repeats(sample: str, tube: Tube) -> list[dict[str, Any]]:
    """Return a warning where more than 1 % of a tube's events repeat another in all that was measured of it.

    No two cells are alike in every detector to the last digit, but for events that lie at the ends of more than a third
    of them, which are not looked at. Counts of a file that holds its events twice would have limits that are too
    narrow, and by its volume be twice too high.

    Raises
    ------
    AnalysisError
        A tenth of the events or more do.
    """
    measured = [column for column, name in enumerate(tube.channels) if not NOT_MEASURED.fullmatch(plain_name(name))]
    if not measured:
        return []
    some, differ = _compared(_some(tube.events, measured[0]), measured)
    if some - differ <= MOST / 2 * some:
        return []
    events, distinct = _compared(tube.events, measured)
    repeats = events - distinct
    share = repeats / events
    if share <= MOST:
        return []
    if share >= REFUSED:
        raise AnalysisError(
            "events stand in the file more than once",
            found=f"{repeats} of {events} are the same as another in every detector",
            expected="each event once",
            mend="export the file again: it was joined with itself, or with a part of it",
        )
    reason = (
        f"{repeats} of {events} events are the same as another in every detector: counts and limits take each twice"
    )
    limit = f"at most {100 * MOST:g} %; refused from {100 * REFUSED:g} %"
    return [check(sample, "repeated events", 100 * share, limit, False, reason)]


def _some(events: Floats, column: int) -> Floats:
    """Return about 30,000 to 60,000 of many events, by what one detector measured: of those alike all or none."""
    shift = len(events).bit_length() - SOME.bit_length()
    if shift <= 0:
        return events
    bits = np.ascontiguousarray(events[:, column], dtype=np.float32).view(np.uint32)
    part = bits * np.uint32(0x9E3779B1) >> np.uint32(32 - shift)  # odd: as many events of each part
    return events.take(np.flatnonzero(part == part[len(part) // 2]), axis=0)


def _compared(events: Floats, columns: list[int]) -> tuple[int, int]:
    """Return how many events are finite in some columns and not at the ends of many, and how many of these differ.

    They differ by the sums of their bits times random odd numbers, which are as good as never the same by chance.
    """
    factors = np.random.default_rng(0).integers(0, 2**63, len(columns), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    sums, finite = np.zeros(len(events), dtype=np.uint64), np.ones(len(events), dtype=bool)
    at_ends, spread = np.zeros(len(events), dtype=np.intp), 0
    for column, factor in zip(columns, factors, strict=True):
        values = np.ascontiguousarray(events[:, column], dtype=np.float32)
        is_finite = np.isfinite(values)
        finite &= is_finite
        sums += values.view(np.uint32) * factor
        held = values[is_finite]
        if held.size and held.min() < held.max():
            spread += 1
            at_ends += (values == held.min()) | (values == held.max())
    if not spread:  # nothing was measured, which is told by itself
        return 0, 0
    sums = np.sort(sums[finite & (at_ends <= MOST_AT_ENDS * spread)])
    return len(sums), int(np.count_nonzero(sums[1:] != sums[:-1])) + bool(len(sums))
