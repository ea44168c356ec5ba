"""How long after an assessment an event may come before two planned ones have been missed; days that none planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tilseq.clinical.reader_series import Read
from tilseq.errors import plural
from tilseq.tables import Row


@dataclass(frozen=True)
class Planned:
    """One planned assessment after treatment: names of its visit, days since the infusion, and window in days."""

    visits: tuple[str, ...]
    day: int
    window: int


def planned_visits(schedule: Sequence[Row]) -> tuple[Planned, ...]:
    """Return the planned assessments after the infusion in the order of their days; no window is one of 0 days.

    Rows of one day, such as a CT and an MRI of the brain, are one assessment with the widest of their windows.
    """
    by_day: dict[int, list[Row]] = defaultdict(list)
    for row in schedule:
        if row["day"] > 0:
            by_day[row["day"]].append(row)
    return tuple(
        Planned(tuple(sorted(row["visit"] for row in rows)), day, max(row["window"] or 0 for row in rows))
        for day, rows in sorted(by_day.items())
    )


def told_off_window(assessments: pl.DataFrame, schedule: pl.DataFrame) -> str:
    """Return how many assessments lie outside the window of their visit, as those of days in weeks; none is no text.

    Parameters
    ----------
    assessments
        `subject`, `visit` and `day`, in as many rows an assessment as there are.
    schedule
        Table `schedule`; of a visit that it does not hold, or holds without a window, nothing is told.
    """
    apart = assessments.select("subject", "visit", "day").unique(maintain_order=True)
    planned = schedule.select("visit", nominal="day", window="window").drop_nulls()
    off = apart.join(planned, on="visit", maintain_order="left").filter(
        (pl.col("day") - pl.col("nominal")).abs() > pl.col("window")
    )
    if off.is_empty():
        return ""
    subject, visit, day, nominal, window = off.row(0)
    first = f"{subject}, {visit} on day {day} ({nominal} ± {window})"
    told = f"{off.height} of {plural(apart.height, 'assessment')} outside the window of their visit, as {first}"
    return f"{told}: are these days since the infusion?"


def longest_gap(planned: Sequence[Planned], read: Read | None, infusion: int) -> int:
    """Return the days from the last adequate assessment, or the infusion, that two planned assessments take.

    The assessment stands for the planned one of its visit's name, else for the nearest by its day; the gap is from
    that planned day to the second next one, plus both windows: 2 x interval + 2 x window where both are constant.
    The infusion has no window. Beyond the end of the schedule its last interval goes on.

    Parameters
    ----------
    planned
        As of `planned_visits`, at least one.
    read
        Last adequate assessment; None counts from the infusion.
    infusion
        Day of the infusion.
    """
    days = [0, *(one.day for one in planned)]
    windows = [0, *(one.window for one in planned)]
    interval = days[-1] - days[-2]
    days += [days[-1] + interval, days[-1] + 2 * interval]
    windows += [windows[-1], windows[-1]]
    position = 0 if read is None else 1 + _position(planned, read, infusion)
    return days[position + 2] - days[position] + windows[position] + windows[position + 2]


def _position(planned: Sequence[Planned], read: Read, infusion: int) -> int:
    named = [i for i, one in enumerate(planned) if read.visit in one.visits]
    nearest = min(range(len(planned)), key=lambda i: abs(read.day - infusion - planned[i].day))
    return named[0] if named else nearest
