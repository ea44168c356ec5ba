"""The Kaplan-Meier curve and its quantiles (Kaplan and Meier, J Am Stat Assoc 1958;53:457)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from tilseq.clinical.survival_limits import NAMES, Interval, survival_limits
from tilseq.clinical.survival_times import Floats, by_group, checked
from tilseq.tables import conform
from tilseq.tables.survival import SURVIVAL_CURVE

# A curve that is at a half but for rounding is at a half: R's tolerance, the root of the machine's epsilon.
TOLERANCE = float(np.finfo(float).eps ** 0.5)


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve: one element a day, day 0 first, then each day of an event or a censoring.

    Attributes
    ----------
    day
        Days since the origin.
    at_risk, events, censored
        Subjects at risk just before the day, with the event on it, censored on it (after the events).
    survival, lower, upper
        Share without the event after the day and its limits, NaN where there are none.
    interval, level
        How the limits were found, and their coverage.
    """

    day: Floats
    at_risk: Floats
    events: Floats
    censored: Floats
    survival: Floats
    lower: Floats
    upper: Floats
    interval: Interval
    level: float

    @property
    def method(self) -> str:
        """Name of the estimate and its interval, as tables give it."""
        return f"Kaplan-Meier, {NAMES.get(self.interval, self.interval)} {100 * self.level:g} %"

    @property
    def last_day(self) -> float:
        """Longest time of any subject."""
        return float(self.day[-1])


def kaplan_meier(
    days: ArrayLike, event: ArrayLike, *, interval: Interval = "beta_product", level: float = 0.95
) -> Curve:
    """Return the Kaplan-Meier curve of times to event.

    Parameters
    ----------
    days
        One dimension, time to event or censoring of each subject, above 0.
    event
        As many: true for the event, false for censored. Who is censored on the day of an event was at risk of it.
    interval
        `beta_product` (the default, which holds in small trials), `log-log` (SAS's), `log` (R's) or `plain`; see
        `survival_limits`.
    level
        Coverage of the pointwise interval.

    Raises
    ------
    AnalysisError
        A time or event cannot be, there is none, or there is no such interval.
    """
    times, happened = checked(days, event)
    day, place = np.unique(times, return_inverse=True)
    events = np.bincount(place, weights=happened, minlength=len(day))
    ending = np.bincount(place, minlength=len(day)).astype(float)
    left = len(times) - np.cumsum(ending)
    day, events, ending, left = (
        np.concatenate([[first], rest])
        for first, rest in ((0.0, day), (0.0, events), (0.0, ending), (float(len(times)), left))
    )
    at_risk = left + ending
    lower, upper = survival_limits(at_risk, events, left, interval, level)
    survival = np.cumprod(1 - events / at_risk)
    return Curve(day, at_risk, events, ending - events, survival, lower, upper, interval, level)


def quantile(curve: Curve, share: float = 0.5) -> tuple[float, float, float]:
    """Return the time by which a share of the subjects has had the event, and its limits; NaN where there is none.

    R's rule (`quantile` of package survival): the first day on which the curve, or its lower or upper limit, is at or
    below 1 - `share`. Where the curve lies flat at it, the middle of the flat; where it ends flat, the middle up to the
    last time. A limit that rises again, as `log` and `plain` can, counts where it is highest of those at or below.

    Parameters
    ----------
    curve
        Of `kaplan_meier`.
    share
        Share with the event; 0.5 is the median.

    Returns
    -------
    estimate, lower, upper
        Days.
    """
    estimate, lower, upper = (
        _crossing(curve.day, height, 1 - share) for height in (curve.survival, curve.lower, curve.upper)
    )
    return estimate, lower, upper


def _crossing(day: Floats, height: Floats, share: float) -> float:
    heights, first = np.unique(height, return_index=True)  # NaN last
    last = height[first.max()]
    known = ~np.isnan(heights)
    heights, days = heights[known], day[first[known]]
    at, below = (np.flatnonzero(heights <= share + side * TOLERANCE) for side in (1, -1))
    if not len(at):
        return float("nan")
    if abs(last - share) < TOLERANCE:
        return float(days[at[-1]] + day[-1]) / 2
    return float(days[at[-1]] + days[below[-1]]) / 2 if len(below) else float("nan")


def value_on(curve: Curve, day: float) -> tuple[float, float, float]:
    """Return the survival on a day and its limits; NaN where nobody was followed to it and some were censored.

    After the last event of all subjects it is 0. Who is censored on the very day was followed through it, so that the
    lower limit by `beta_product` counts them as still at risk; the curve's own limit, which holds from the day on, does
    not. Where all who live are followed to one day and no further that limit is 0, and here Clopper and Pearson's.
    """
    at = int(np.searchsorted(curve.day, day, side="right")) - 1
    if day > curve.last_day and curve.survival[-1] > 0:
        return float("nan"), float("nan"), float("nan")
    lower = curve.lower[at]
    if curve.day[at] == day and curve.censored[at]:
        at_risk, events, censored = (part[: at + 1] for part in (curve.at_risk, curve.events, curve.censored))
        left = at_risk - events - np.where(np.arange(at + 1) < at, censored, 0)
        lower = survival_limits(at_risk, events, left, curve.interval, curve.level)[0][-1]
    return float(curve.survival[at]), float(lower), float(curve.upper[at])


def survival_curve(
    time_to_event: Any, *, groups: Any = None, interval: Interval = "beta_product", level: float = 0.95
) -> pl.DataFrame:
    """Return the Kaplan-Meier curves of each endpoint, reader and group.

    Parameters
    ----------
    time_to_event
        Table `time_to_event`, polars or pandas; of its columns `parameter, reader, subject, days, event` are read.
        Rows with null days take no part; `survival_estimates` counts them.
    groups
        Columns `subject` and one or more to group by, such as `tumor_type`; None is all subjects together.
        What is known only after the origin, as the response is, is refused: see `state_contrasts`.
    interval, level
        As of `kaplan_meier`.

    Returns
    -------
    polars.DataFrame
        Table `survival_curve`: `parameter, reader, group, day, at_risk, events, censored, survival, lower, upper,
        method`. Days count from the origin. A group without any time has no rows.

    Raises
    ------
    StudyError
        Times or events cannot be; all are listed.
    TableError
        A table breaks its registry.
    AnalysisError
        Groups of what is known only later, or an interval that is none.
    """
    frames: list[pl.DataFrame] = []
    for part in by_group(time_to_event, groups):
        if not part.subjects:
            continue
        curve = kaplan_meier(part.days, part.event, interval=interval, level=level)
        names = ("day", "at_risk", "events", "censored", "survival", "lower", "upper")
        columns = {name: getattr(curve, name) for name in names}
        keys = [pl.lit(value, pl.String).alias(name) for name, value in part.key.items()]
        frames.append(pl.DataFrame(columns).with_columns(*keys, pl.lit(curve.method).alias("method")))
    return conform(pl.concat(frames), SURVIVAL_CURVE) if frames else SURVIVAL_CURVE.frame()
