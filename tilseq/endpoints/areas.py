"""Area under a measured course, by trapezoids."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError

Floats = NDArray[np.float64]
Rule = Literal["linear_up_log_down", "linear"]
# Below this fall a straight line and an exponential agree to 1e-13, and the logarithm would lose more digits.
NEARLY_LEVEL = 1e-6


def area(days: Floats, values: Floats, start: float, end: float, rule: Rule = "linear_up_log_down") -> Floats:
    """Return the area under a course between two days.

    Between two days the course is a straight line, of area ``(a + b) / 2 · Δt``, or where it falls an exponential, of
    area ``(a - b) / ln(a / b) · Δt`` (Rowland and Tozer; Gabrielsson and Weiner). For a fall to 0 this is 0, as for
    ever smaller b: programs that draw a straight line to 0 give more area to less, and no limits can be had so.

    Parameters
    ----------
    days
        Days measured, rising, shape (points,).
    values
        Values of 0 or more, shape (..., points): one course, or many on the same days.
    start, end
        Days that bound the area, within those measured; a bound between two days is interpolated as the rule has it.
    rule
        `linear_up_log_down`, or `linear` for straight lines alone.

    Returns
    -------
    ndarray
        Areas, shape (...), in the unit of the values times days.

    Raises
    ------
    AnalysisError
        The bounds do not lie within the days measured.
    """
    if not (len(days) and days[0] <= start <= end <= days[-1]):
        measured = f"{days[0]:g} to {days[-1]:g}" if len(days) else "no day"
        raise AnalysisError("an area needs values up to both its bounds", found=measured, expected=f"{start} to {end}")
    inside = (days > start) & (days < end)
    ends = [_value_at(days, values, day, rule)[..., None] for day in (start, end)]
    days = np.concatenate([[start], days[inside], [end]])
    values = np.concatenate([ends[0], values[..., inside], ends[1]], axis=-1)
    before, after = values[..., :-1], values[..., 1:]
    heights = (before + after) / 2
    if rule == "linear_up_log_down":
        falls = after < before * (1 - NEARLY_LEVEL)
        before, after = before[falls], after[falls]
        with np.errstate(divide="ignore", over="ignore"):
            heights[falls] = (before - after) / np.log(before / after)
    return np.asarray(heights @ np.diff(days))


def _value_at(days: Floats, values: Floats, day: float, rule: Rule) -> Floats:
    """Return the value on a day, interpolated between its neighbours."""
    right = int(np.searchsorted(days, day))
    if days[right] == day:
        return np.asarray(values[..., right])
    before, after = values[..., right - 1], values[..., right]
    way = (day - days[right - 1]) / (days[right] - days[right - 1])
    level = np.asarray(before + way * (after - before))
    if rule == "linear_up_log_down":
        falls = after < before
        level[falls] = before[falls] * (after[falls] / before[falls]) ** way
    return level
