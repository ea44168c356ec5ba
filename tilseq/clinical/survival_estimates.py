"""Medians, survival on landmark days, restricted means and length of follow-up, with words where there is no number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from tilseq.clinical.kaplan_meier import Curve, kaplan_meier, quantile, value_on
from tilseq.clinical.rmst import restricted_mean
from tilseq.clinical.survival_limits import Interval
from tilseq.clinical.survival_times import CANNOT, NOT_REACHED, Times, by_group, sentence
from tilseq.errors import AnalysisError, refuse_lone
from tilseq.tables import Row
from tilseq.tables.survival import (
    FEW_AT_RISK,
    FEW_SUBJECTS,
    MAY_HOLD_LESS,
    NEVER_SCANNED,
    OF_UNKNOWN_CAUSE,
    SURVIVAL_ESTIMATES,
)

QUARTERS = (91, 183, 274, 365)  # 3, 6, 9 and 12 months of 30.4375 days
FOLLOW_UP = "follow_up"  # the endpoint whose events are the ends of follow-up
WITH_FOLLOW_UP = ("OS", "PFS")  # endpoints of which the reverse curve tells how long subjects were followed
# Of endpoints that only those have who come to the event, a share without it and a mean tell nothing.
OF_THOSE_WITH_THE_EVENT = ("TTR",)


def survival_estimates(
    time_to_event: Any,
    *,
    groups: Any = None,
    at_days: Sequence[int] = QUARTERS,
    rmst_days: Sequence[int] = (365,),
    interval: Interval = "beta_product",
    level: float = 0.95,
) -> pl.DataFrame:
    """Estimate each endpoint of each reader and group.

    `median` by R's rule (see `kaplan_meier.quantile`) and `time_range`, the shortest and longest time. But for TTR,
    which only responders have: `survival_at` landmark days since the origin; `rmst`, see `rmst`. Of OS and PFS
    `follow_up_median`, the median with events and censoring exchanged (reverse Kaplan-Meier; Schemper and Smith,
    Control Clin Trials 1996;17:343); of the endpoint `follow_up` the median itself.

    Where there is no number a word stands in its place: `not reached`, when the curve or its limit does not come down
    to a half while subjects were followed; `cannot be estimated` else, and the reason says why. A survival of 1 or 0
    has no limits by `log-log`, `log` and `plain`; by `beta_product` it has.

    The reason also says where limits may hold less than they should: by intervals but `beta_product`, of `survival_at`
    with fewer than 20 subjects or fewer than 5 at risk on the day, and of `follow_up_median` with fewer than 20
    (simulated trials, benchmarks/RESULTS.md). And it says how many events are deaths of unknown cause, where
    `time_to_event` says so of an event that the cause decides, and how many are deaths of subjects that were never
    scanned, with how many of the living are censored on the origin for want of a scan.

    Parameters
    ----------
    time_to_event
        Table `time_to_event`, polars or pandas; of its columns `parameter, reader, subject, days, event` are read,
        and `rule` and `reason` where they are there. Rows with null days are counted in `left_out`.
    groups
        Columns `subject` and one or more to group by, such as `tumor_type`; None is all subjects together.
        What is known only after the origin, as the response is, is refused: see `state_contrasts`.
    at_days, rmst_days
        Days since the origin for `survival_at` and ends of `rmst`, whole and above 0.
    interval, level
        As of `kaplan_meier`; `rmst` has an interval of its own.

    Returns
    -------
    polars.DataFrame
        Table `survival_estimates`: `parameter, reader, group, quantity, at_day, subjects, events, at_risk, estimate,
        lower, upper, estimate_text, lower_text, upper_text, unit, method, left_out, reason`.

    Raises
    ------
    StudyError
        Times or events cannot be; all are listed.
    TableError
        A table breaks its registry.
    AnalysisError
        A day is not a whole one above 0, groups of what is known only later, or an interval that is none.
    """
    refuse_lone(at_days=at_days, rmst_days=rmst_days)
    for day in (*at_days, *rmst_days):
        if day != int(day) or day < 1:
            raise AnalysisError("a landmark is a whole day above 0", column="at_day", found=day)
    rows: list[Row] = []
    for part in by_group(time_to_event, groups):
        doubts = sentence(_unknown_causes(part), _unscanned(part))
        for row in _estimates(part, sorted(set(at_days)), sorted(set(rmst_days)), interval, level):
            told = sentence(row.get("reason"), None if row["quantity"] == "follow_up_median" else doubts)
            rows.append(part.key | {"left_out": part.left_out} | row | {"reason": told})
    return SURVIVAL_ESTIMATES.frame(rows)


def _unknown_causes(part: Times) -> str | None:
    """Return how many of the events are deaths of which nobody knows the cause, where the cause decides."""
    if not part.unknown_causes:
        return None
    verb = "is a death" if part.unknown_causes == 1 else "are deaths"
    return f"{part.unknown_causes} of {part.event.sum()} {part.parameter} events {verb} {OF_UNKNOWN_CAUSE}"


def _unscanned(part: Times) -> str | None:
    """Return how many events are deaths of subjects never scanned, of whom the living are censored on the origin."""
    if not part.unscanned_deaths:
        return None
    verb = "is a death" if part.unscanned_deaths == 1 else "are deaths"
    told = f"{part.unscanned_deaths} of {part.event.sum()} {part.parameter} events {verb} {NEVER_SCANNED}"
    return f"{told}, and {part.unscanned_alive} alive without one censored on the origin"


def _estimates(
    part: Times, at_days: Sequence[int], rmst_days: Sequence[int], interval: Interval, level: float
) -> Iterator[Row]:
    follow_up = part.parameter == FOLLOW_UP
    if not part.subjects:
        yield _nobody("follow_up_median" if follow_up else "median", "d")
        return
    curve = kaplan_meier(part.days, part.event, interval=interval, level=level)
    yield _median(curve, "follow_up_median" if follow_up else "median")
    if not follow_up and part.parameter not in OF_THOSE_WITH_THE_EVENT:
        for day in at_days:
            yield _survival_at(curve, day)
        for day in rmst_days:
            yield _mean(curve, day)
    if part.parameter in WITH_FOLLOW_UP:
        reverse = kaplan_meier(part.days, ~part.event, interval=interval, level=level)
        yield _median(reverse, "follow_up_median")
    yield _range(part)


def _nobody(quantity: str, unit: str) -> Row:
    why = "nobody could be evaluated"
    words = {f"{name}_text": CANNOT for name in ("estimate", "lower", "upper")}
    return {"quantity": quantity, "subjects": 0, "events": 0, "unit": unit, "method": "none", "reason": why} | words


def _counts(curve: Curve) -> Row:
    return {"subjects": int(curve.at_risk[0]), "events": int(curve.events.sum())}


def _worded(values: Sequence[float], words: Sequence[str]) -> Row:
    """Return estimate and limits, each a number or the word in its place."""
    row: Row = {}
    for name, value, word in zip(("estimate", "lower", "upper"), values, words, strict=True):
        missing = bool(np.isnan(value))
        row |= {name: None if missing else value, f"{name}_text": word if missing else None}
    return row


def _median(curve: Curve, quantity: str) -> Row:
    """Return a median; a limit is not reached where the limits of the curve stay above a half to the last day."""
    values = quantile(curve)
    ending = CANNOT if np.isnan(curve.upper[-1]) else NOT_REACHED
    row = _worded(values, (NOT_REACHED, ending, ending))
    reason = None
    if np.isnan(values[2]) and ending == CANNOT:
        why = "no event" if not curve.events.any() else "the curve ends at 0, where this interval has no limits"
        reason = f"limit {CANNOT}: {why}"
    elif values[1] == 0:
        reason = f"lower limit 0: {curve.at_risk[0]:g} subjects are too few to rule any early median out"
    if quantity == "median":
        reason = sentence(reason, _flat(curve, values[0]))
    if quantity == "follow_up_median":
        reason = sentence(reason, _few(curve, None, values[1:]))
    method = curve.method if quantity == "median" else f"reverse {curve.method}"
    return {"quantity": quantity, **_counts(curve), **row, "unit": "d", "method": method, "reason": reason}


def _flat(curve: Curve, median: float) -> str | None:
    """Return that the median is the middle of a flat, where the curve lies at a half for a while."""
    flat = curve.day[np.isclose(curve.survival, 0.5, rtol=0, atol=1e-9)]
    if np.isnan(median) or not len(flat) or median <= flat[0]:
        return None
    end = 2 * median - flat[0]
    return f"flat at a half from day {flat[0]:g} to {end:g}: the midpoint, as R's quantile has it"


def _survival_at(curve: Curve, day: int) -> Row:
    values = value_on(curve, day)
    reason = None
    if np.isnan(values[0]):
        reason = f"{CANNOT}: nobody is followed to day {day}"
    elif np.isnan(values[1]):
        reason = f"limits {CANNOT}: a survival of {values[0]:g} has none by this interval"
    at_risk = _at_risk(curve, day)
    return {
        "quantity": "survival_at",
        "at_day": day,
        **_counts(curve),
        "at_risk": at_risk,
        **_worded(values, (CANNOT,) * 3),
        "unit": "fraction",
        "method": curve.method,
        "reason": sentence(reason, _few(curve, at_risk, values[1:])),
    }


def _at_risk(curve: Curve, day: int) -> int:
    return int(curve.at_risk[curve.day >= day][0]) if day <= curve.last_day else 0


def _few(curve: Curve, at_risk: int | None, limits: Sequence[float]) -> str | None:
    """Return what to say of limits that rest on few subjects; nothing where there is no limit, or they hold."""
    if curve.interval == "beta_product" or np.isnan(limits).all():
        return None
    few = [f"fewer than {FEW_SUBJECTS} subjects"] if curve.at_risk[0] < FEW_SUBJECTS else []
    few += [f"fewer than {FEW_AT_RISK} at risk"] if at_risk is not None and at_risk < FEW_AT_RISK else []
    return f"{' and '.join(few)}: {curve.interval} {MAY_HOLD_LESS}" if few else None


def _mean(curve: Curve, day: int) -> Row:
    mean = restricted_mean(curve, day)
    return {
        "quantity": "rmst",
        "at_day": day,
        **_counts(curve),
        "at_risk": _at_risk(curve, day),
        **_worded((mean.estimate, mean.lower, mean.upper), (CANNOT,) * 3),
        "unit": "d",
        "method": f"area under Kaplan-Meier, logit t {100 * curve.level:g} %",
        "reason": mean.reason,
    }


def _range(part: Times) -> Row:
    """Return the shortest and longest time; one that is censored only, and no event's, bears a plus."""
    ends = [float(part.days.min()), float(part.days.max())]
    words = [f"{end:g}{'' if part.event[part.days == end].any() else '+'}" for end in ends]
    return {
        "quantity": "time_range",
        "subjects": len(part.subjects),
        "events": int(part.event.sum()),
        "lower": ends[0],
        "upper": ends[1],
        "estimate_text": " to ".join(words),
        "unit": "d",
        "method": "shortest and longest time, + censored",
    }
