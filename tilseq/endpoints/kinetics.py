"""Kinetics of one subject: peak, area under the curve, half-life, and how long something stays, from its series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.endpoints.areas import Rule, area
from tilseq.errors import AnalysisError, refuse_unknown
from tilseq.intervals import log_normal
from tilseq.tables import Column, Row, Table, conform, known_columns
from tilseq.tables.outputs import VALUE_STATUSES

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

PARAMETERS = ("peak", "day_of_peak", "auc_0_28", "auc_0_last", "half_life", "last_day_quantified", "time_to_loss")
DETECTED = ("detected_below_loq", "quantified", "above_range")
END_OF_AUC = 28
LATEST_FIRST = 10  # day after 0, a visit of day 7 with its window: infused cells rise and fall by then
LEAST_POINTS = 3
LOST = 0.1  # of what was surely there at the highest: more may be left of a mere fall
SMALLEST_FALL = 1e-9  # of ln(value) a day; less is rounding
DRAWS = 10_000
TAILS = (0.025, 0.975)
NEVER = "never detected"
NUMBERS = ("value", "lower", "upper")

_VALUE = (
    Column("value", "number", "Value; null where there is none.", minimum=0),
    Column("lower", "number", "Lower 95 % limit, in the unit of the value.", minimum=0),
    Column("upper", "number", "Upper 95 % limit, in the unit of the value.", minimum=0),
)
_STATUS = Column("status", "text", "What kind of number this is.", needed=True, allowed=VALUE_STATUSES)
SERIES = Table(
    "series",
    "One value of one day a row.",
    (Column("day", "number", "Day; 0 is the first infusion.", unit="d", needed=True), *_VALUE, _STATUS),
    key=("day",),
)
KINETICS = Table(
    "kinetics",
    "One parameter of one subject's series a row.",
    (
        Column("parameter", "text", "What the number is.", needed=True, allowed=PARAMETERS),
        *_VALUE,
        Column("unit", "text", "Unit of the value.", needed=True),
        Column("n", "integer", "Days that it rests on.", needed=True),
        _STATUS,
        Column("reason", "text", "Why there is no number, or no limit; of a loss, how much may still have been there."),
    ),
)


class _Series(NamedTuple):
    """The evaluable days from day 0 on; what was not detected has the value 0, and as it was measured its own."""

    days: Floats
    values: Floats
    measured: Floats
    lower: Floats
    upper: Floats
    statuses: NDArray[np.str_]
    detected: Mask

    @property
    def quantified(self) -> Mask:
        """Days whose number is quantified."""
        return np.asarray(self.statuses == "quantified")

    def since(self, first: int) -> _Series:
        """Return the days from one on."""
        return _Series(
            self.days[first:],
            self.values[first:],
            self.measured[first:],
            self.lower[first:],
            self.upper[first:],
            self.statuses[first:],
            self.detected[first:],
        )


def kinetics(
    series: Any,
    *,
    unit: str,
    seed: int,
    rule: Rule = "linear_up_log_down",
    carried: bool = False,
    common_error: bool = False,
    untold: Sequence[float] = (),
    seen: Sequence[float] = (),
) -> pl.DataFrame:
    """Return the kinetic parameters of one subject's series.

    Days before 0 take no part, nor do rows that are `not_evaluable`. In areas what was not detected counts as half of
    its upper limit, as 0 in lower limits and as its upper limit in upper limits; where none of the days of an area was
    detected it is 0, up to the area of the upper limits.

    - `peak`, `day_of_peak`: the highest value measured and its day, the first where two are equal. The limits of the
      peak are those of its own measurement; they are slightly too high where several days are truly alike. The limits
      of its day are the measured days that hold the peak in 95 % of draws. Of what was never detected the peak is the
      highest value all the same, 0 where there is none, from 0 to the highest upper limit.
    - `auc_0_28`, `auc_0_last`: area from day 0 to day 28 and to the last day quantified, see `tilseq.endpoints.areas`.
      Day 0 must be measured, one of the first ten days, one between the two, and day 28, or later a day from which it
      is interpolated. A course that is 0 before the infusion has a row of day 0 with the value 0.
    - `half_life`: ln 2 over the fall of ln(value) a day, by an unweighted straight line through the quantified days
      after the peak, at least 3. Its limits are the wider, on each side, of the regression's own (Student's t) and
      those that the points' limits propagate to: neither alone covers both a course that is no straight line and
      points that lie on one by chance.
    - `last_day_quantified`.
    - `time_to_loss`: the first day not detected after the last day detected, whose upper limit lies below the value of
      that day and below a tenth of the highest lower limit of any day: a measurement that would not have seen as much
      tells no loss, and one that may have missed more than a tenth of what was surely there tells of a fall alone. The
      loss lies between its two limits, which are these two days, and is one to less than that upper limit, which
      `reason` tells. Without limits of any detected day nothing was surely there, and no loss is told. Where the last
      day measured is the last detected it is the value, with the status `above_range`.

    Limits are 2.5 and 97.5 % points of 10,000 draws of the series, each value log-normal with its own limits as 95 %
    limits, independent from day to day. A lower limit of 0 makes the lower side normal. A value without limits leaves
    what is drawn from it without limits.

    Parameters
    ----------
    series
        polars or pandas, one row a day: `day`, `value`, `lower`, `upper` (95 %, in one unit; null where there is none)
        and `status`, a status of the endpoint table. A `not_detected` row needs its upper limit alone.
    unit
        Unit of the values.
    seed
        Seed of the draws.
    rule
        How the course runs between days, for areas.
    carried
        The value of day 0 was measured before the infusion and stands for it, so that areas have a start. It is no
        peak, and no other parameter rests on it.
    common_error
        The days may err together, as where one measurement enters all values. Limits of areas are then those of the
        course with every day at its limit, which are never too narrow.
    untold
        Days on which it was there, in an amount that cannot be told and may be the highest. There is no peak, half-life
        and area that spans such a day then, and nothing is last quantified, or lost, before one.
    seen
        Days on which it was there and nobody measured how much: nothing is lost before one.

    Returns
    -------
    polars.DataFrame
        `parameter, value, lower, upper, unit, n, status, reason`, one row a parameter, in the order above. `n` is the
        number of days it rests on. What cannot be told is null, `not_evaluable`, and `reason` says why.

    Raises
    ------
    TableError
        The series lacks a column, holds a day twice, a negative value or an unknown status.
    AnalysisError
        A detected value is absent, 0, or outside its limits; the upper limit of what was not detected is absent.
    """
    refuse_unknown("rule", rule, get_args(Rule))
    points = _read(series)
    first = int((points.days == 0).sum()) if carried else 0
    after = points.since(first)
    if not after.days.size:
        rows = [_not_evaluable(name, 0, "no evaluable value from day 0 on") for name in PARAMETERS]
    else:
        draws = _draw(points, np.random.default_rng(seed))
        rows = [
            *_peak(after, draws[:, first:]),
            *_areas(points, after.days[after.quantified], None if common_error else draws, rule),
            _half_life(after, draws[:, first:]),
            _last_quantified(after),
            _loss(after, unit),
        ]
        there = {"time_to_loss": sorted({*untold, *seen})}
        rows = [_unless_untold(row, there.get(row["parameter"], sorted(untold))) for row in rows]
    units = {"peak": unit, "auc_0_28": f"{unit}·d", "auc_0_last": f"{unit}·d"}
    return KINETICS.frame([{"unit": units.get(row["parameter"], "d"), **row} for row in rows])


def _peak(points: _Series, draws: Floats) -> list[Row]:
    n = points.days.size
    if not points.detected.any():
        row = _row("peak", points.measured.max(), (0.0, points.upper.max()), n, "not_detected")
        return [row, _not_evaluable("day_of_peak", n, NEVER)]
    top = int(np.argmax(points.values))
    status = "above_range" if "above_range" in points.statuses else str(points.statuses[top])
    # A draw without a number has no peak, and a day that was not detected may hide a higher one.
    hidden = bool((~points.detected & (points.upper > points.values[top])).any())
    known = np.isfinite(draws).all() and not hidden
    on = points.days[np.argmax(draws, axis=1)] if known else np.full(DRAWS, np.nan)
    reason = "a day that was not detected may lie higher" if hidden else None
    return [
        _row("peak", points.values[top], (points.lower[top], points.upper[top]), n, status),
        _row("day_of_peak", points.days[top], _limits(on), n, status, reason),
    ]


def _areas(points: _Series, quantified: Floats, draws: Floats | None, rule: Rule) -> list[Row]:
    ends = {"auc_0_28": float(END_OF_AUC), "auc_0_last": float(quantified[-1]) if quantified.size else None}
    return [_area(name, points, draws, end, rule) for name, end in ends.items()]


def _area(name: str, points: _Series, draws: Floats | None, end: float | None, rule: Rule) -> Row:
    n = points.days.size
    if end is None:
        return _not_evaluable(name, n, "never quantified")
    if points.days[0] != 0:
        return _not_evaluable(name, n, "no value on day 0")
    if points.days[-1] < end:
        reason = f"the last value is of day {points.days[-1]:g}, and none follows from which day {end:g} could be told"
        return _not_evaluable(name, n, reason)
    if not ((points.days > 0) & (points.days < end)).any():
        return _not_evaluable(name, n, f"no value between day 0 and day {end:g}: a rise and a fall would go unseen")
    first = points.days[points.days > 0][0]
    if first > LATEST_FIRST:
        reason = f"the first value after day 0 is of day {first:g}: a rise and a fall before would go unseen"
        return _not_evaluable(name, n, reason)
    n = int(np.searchsorted(points.days, end)) + 1
    half = np.where(points.detected, points.values, points.upper / 2)
    value = float(area(points.days, half, 0, end, rule)) if points.detected[:n].any() else 0.0
    if draws is None:
        lower, upper = (float(area(points.days, limits, 0, end, rule)) for limits in (points.lower, points.upper))
    else:
        lower, _ = _limits(area(points.days, draws, 0, end, rule))
        _, upper = _limits(area(points.days, np.where(points.detected, draws, points.upper), 0, end, rule))
    reached = [status for status in reversed(DETECTED) if status in points.statuses[:n]]
    return _row(name, value, (lower, upper), n, reached[0] if reached else "not_detected")


def _half_life(points: _Series, draws: Floats) -> Row:
    from scipy.special import stdtrit

    used = points.quantified & (points.days > points.days[np.argmax(points.values)])
    n = int(used.sum())
    if n < LEAST_POINTS:
        return _not_evaluable("half_life", n, f"fewer than {LEAST_POINTS} quantified days after the peak")
    days, logs = points.days[used], np.log(points.values[used])
    centred = days - days.mean()
    weights = centred / np.sum(centred**2)
    slope = float(logs @ weights)
    if slope > -SMALLEST_FALL:
        return _not_evaluable("half_life", n, "no fall after the peak")
    residuals = logs - logs.mean() - slope * centred
    error = stdtrit(n - 2, TAILS[1]) * math.sqrt(residuals @ residuals / (n - 2) / np.sum(centred**2))
    weighs = weights != 0  # a day of no weight is none, even where it may be 0
    with np.errstate(divide="ignore", invalid="ignore"):
        own = _limits(np.log(draws[:, used][:, weighs]) @ weights[weighs])
    # fmin and fmax pass over limits that the points do not have.
    steepest, flattest = np.fmin(slope - error, own[0]), np.fmax(slope + error, own[1])
    upper, reason = (
        (-math.log(2) / flattest, None) if flattest < 0 else (math.nan, "a level course lies within the limits")
    )
    return _row("half_life", -math.log(2) / slope, (-math.log(2) / steepest, upper), n, "quantified", reason)


def _last_quantified(points: _Series) -> Row:
    n = points.days.size
    if not points.quantified.any():
        return _not_evaluable("last_day_quantified", n, "never quantified")
    return _row("last_day_quantified", points.days[points.quantified][-1], (math.nan, math.nan), n, "quantified")


def _loss(points: _Series, unit: str) -> Row:
    n = points.days.size
    if not points.detected.any():
        return _not_evaluable("time_to_loss", n, NEVER)
    last = int(np.flatnonzero(points.detected)[-1])
    if last == n - 1:
        reason = f"still detected on day {points.days[last]:g}, the last measured"
        return _row("time_to_loss", points.days[last], (points.days[last], math.nan), n, "above_range", reason)
    day, value, most = points.days[last], points.values[last], np.fmax.reduce(points.lower)
    bound = min(value, LOST * most)
    lost = last + 1 + np.flatnonzero(points.upper[last + 1 :] < bound)
    if not lost.size:
        left = points.upper[last + 1 :].min()
        reason = (
            f"not detected after day {day:g}, but {_amount(left, unit)} could have been missed: a loss is told below "
            f"{_amount(bound, unit)}, as day {day:g} had {_amount(value, unit)} and the highest lower limit is "
            f"{_amount(most, unit)}"
        )
        return _not_evaluable("time_to_loss", n, reason)
    first = lost[0]
    reason = (
        f"at most {_amount(points.upper[first], unit)} then, where day {day:g} had {_amount(value, unit)} and the "
        f"highest lower limit is {_amount(most, unit)}"
    )
    return _row("time_to_loss", points.days[first], (day, points.days[first]), n, "quantified", reason)


def _amount(value: float, unit: str) -> str:
    """Return an amount with its unit, a fraction in percent; three digits, but no power of ten of thousands."""
    value, unit = (100 * value, "%") if unit == "fraction" else (value, unit)
    return f"{value:,.0f} {unit}" if value >= 999.5 else f"{value:.3g} {unit}"


def _unless_untold(row: Row, untold: Sequence[float]) -> Row:
    """Return a row as it is, or without a number where a day of which no amount is told would change it."""
    name, value = row["parameter"], row.get("value")
    if value is None:
        return row
    # The loss lies after the last detection, its lower limit.
    since = {"last_day_quantified": value, "time_to_loss": row.get("lower")}.get(name, -math.inf)
    end = END_OF_AUC if name == "auc_0_28" else math.inf
    days = [day for day in untold if since < day <= end]
    if not days:
        return row
    told = ", ".join(f"{day:g}" for day in days)
    return _not_evaluable(name, row["n"], f"there, in an amount that cannot be told, on day {told}")


def _draw(points: _Series, random: np.random.Generator) -> Floats:
    """Draw every value within its own limits, shape (draws, points); what was not detected stays 0."""
    draws, at = np.zeros((DRAWS, points.days.size)), points.detected
    draws[:, at] = log_normal(points.values[at], points.lower[at], points.upper[at], random, DRAWS)
    return draws


def _limits(draws: Floats) -> tuple[float, float]:
    lower, upper = np.quantile(draws, TAILS, method="inverted_cdf")
    return float(lower), float(upper)


def _row(name: str, value: float, limits: tuple[float, float], n: int, status: str, reason: str | None = None) -> Row:
    return {
        "parameter": name,
        "value": float(value),
        "lower": float(limits[0]),
        "upper": float(limits[1]),
        "n": n,
        "status": status,
        "reason": reason,
    }


def _not_evaluable(name: str, n: int, reason: str) -> Row:
    return {"parameter": name, "n": n, "status": "not_evaluable", "reason": reason}


def _read(series: Any) -> _Series:
    """Return the evaluable days from 0 on, in order, once the series is sound."""
    frame = conform(known_columns(series, SERIES), SERIES)
    frame = frame.filter(pl.col("status") != "not_evaluable")
    value, lower, upper = pl.col("value"), pl.col("lower"), pl.col("upper")
    detected = pl.col("status").is_in(DETECTED)
    in_limits = (lower.fill_null(value) <= value) & (value <= upper.fill_null(value))
    sound = pl.when(detected).then((value > 0) & value.is_finite() & in_limits).otherwise(upper.is_finite())
    strange = frame.filter(~sound.fill_null(False))
    if strange.height:
        expected = "a detected value above 0 and within its limits, or the upper limit of what was not detected"
        raise AnalysisError("a series cannot hold this", found=strange.row(0, named=True), expected=expected)
    frame = frame.filter(pl.col("day") >= 0)
    statuses = frame["status"].to_numpy().astype(str)
    seen = np.isin(statuses, DETECTED)
    days, values, low, high = (frame[name].fill_null(math.nan).to_numpy() for name in ("day", *NUMBERS))
    measured = np.nan_to_num(values)  # of what was not detected there may be no value
    return _Series(days, np.where(seen, values, 0), measured, np.where(seen, low, 0), high, statuses, seen)
