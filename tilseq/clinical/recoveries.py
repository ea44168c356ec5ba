"""Time until blood counts are back above thresholds after lymphodepletion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Literal

import polars as pl

from tilseq.clinical.lab_values import BLANK, EQUAL, lab_values
from tilseq.clinical.periods import FOLLOW_UP_DAYS, Periods, periods_of_results
from tilseq.clinical.treated import columns_of
from tilseq.errors import AnalysisError
from tilseq.lab_tests import lab_test
from tilseq.tables import Row
from tilseq.tables.infusions import given_infusions
from tilseq.tables.inputs import INFUSIONS, THERAPIES
from tilseq.tables.lab_grades import RECOVERIES

Origin = Literal["infusion", "nadir"]
THRESHOLDS = (("ANC", 0.5), ("ANC", 1.0), ("platelets", 20.0), ("platelets", 50.0), ("lymphocytes", 0.5))
DIGITS = 12  # to which counts converted from different units are compared
NOT_INFUSED: Row = {  # who was lymphodepleted alone has no infusion to recover from
    **dict.fromkeys(("start_day", "end_day", "days", "event", "source_row_day")),
    "rule": "not_evaluable",
    "description": "not infused",
    "reason": None,
}
TRANSFUSED = "platelet transfusions are not known and may hold the count up"


@dataclass(frozen=True)
class RecoveryRule:
    """What recovery is.

    Attributes
    ----------
    thresholds
        Pairs of a test and a count in 10^9/L that it must reach (at or above).
    origin
        What the time counts from: day 0 (`infusion`), or the last day of the lowest count (`nadir`).
    sustained
        On how many days with results in a row the count must be there; recovery is dated by the first of them. Three
        is the custom of transplantation registries for neutrophils.
    """

    thresholds: tuple[tuple[str, float], ...] = THRESHOLDS
    origin: Origin = "infusion"
    sustained: int = 3

    def __post_init__(self) -> None:
        for name, threshold in self.thresholds:
            test = lab_test(name)
            if test is None or test.unit != "10^9/L" or not 0 < threshold < math.inf:
                expected = "a blood count and a threshold above 0 in 10^9/L"
                raise AnalysisError("no such recovery", found=f"{name} {threshold:g}", expected=expected)
        if self.origin not in ("infusion", "nadir"):
            raise AnalysisError("no such origin of recovery", found=self.origin, expected="infusion or nadir")
        if self.sustained < 1:
            raise AnalysisError("recovery needs a day with a result", found=self.sustained, expected="1 or more")


@dataclass(frozen=True)
class _Day:
    """What the results of one day allow: the range of the lowest of them; None where one could not be read."""

    day: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class _Span:
    """The days of one subject that tell of its first recovery, inclusive."""

    start: int  # of treatment
    last_fall: int  # after which a fall is another episode
    end: int | None  # the last day before another therapy; None without one
    why: str | None  # what ends it


def recoveries(
    labs: Any,
    *,
    subjects: Any = None,
    infusions: Any = None,
    therapies: Any = None,
    rule: RecoveryRule | None = None,
) -> pl.DataFrame:
    """Return when each subject's counts were back, as rows of time to an event.

    What is timed is the episode of the treatment: its nadir is the lowest count from the start of lymphodepletion
    (without its day, from day 0) to 30 days after the last infusion, the last of equal ones, and recovery is the first
    of `sustained` days with results in a row at or above the threshold from the nadir on, as registries of
    transplantation count (CIBMTR, Forms Instruction Manual), but not before day 0. A later fall is another episode,
    which the reason tells. Another therapy, or an infusion more than 30 days after the one before, ends what is looked
    at. Without recovery the time is censored on the last day with a result before. A recovery between two draws is
    dated by the later one, and the reason tells both. Death is not looked at: where a subject died before recovery the
    results end.

    A subject that was never below has no time for the threshold; nor has one of whom a result could not be read, or may
    lie on either side such as ``<1.0`` of 0.5, while no other was below, as that one may have been; nor one that was
    not infused. Of several results of a day the lowest counts. A result such as ``<0.1`` is below a threshold it surely
    lies below, and breaks a row of days where it is not surely above.

    Parameters
    ----------
    labs
        Table `labs`.
    subjects, infusions
        As in `lab_grades`.
    therapies
        Table `therapies`; without it none is known.
    rule
        What recovery is.

    Returns
    -------
    polars.DataFrame
        Table `recoveries`: the columns of `time_to_event`; `parameter` such as ``recovery: ANC >= 0.5``.
    """
    rule = rule or RecoveryRule()
    periods = periods_of_results(labs, subjects, infusions)
    values = lab_values(labs, periods).filter(pl.col("refused").ne_missing(BLANK))
    others = _other_therapies(infusions, therapies)
    rows: list[Row] = []
    for name, threshold in rule.thresholds:
        test = lab_test(name)
        if test is None:
            continue
        of_test = values.filter(pl.col("name") == test.name).sort("subject", "day")
        counts = of_test.select("subject", "day", pl.col("low") * pl.col("factor"), pl.col("high") * pl.col("factor"))
        for subject, results in groupby(counts.iter_rows(), key=lambda row: row[0]):
            bounds = (periods or {}).get(subject, Periods())
            span = _span(bounds, others.get(subject, []))
            days = [
                day for day in _days(results) if day.day >= span.start and (span.end is None or day.day <= span.end)
            ]
            if days:
                row = _recovery(test.name, days, threshold, span, rule)
                rows.append({"subject": subject} | row | ({} if bounds.infused else NOT_INFUSED))
    return RECOVERIES.frame(rows)


def _other_therapies(infusions: Any, therapies: Any) -> dict[str, list[tuple[int, str]]]:
    """Return subject → days on which another therapy began, and what it was; late infusions are some."""
    found: dict[str, list[tuple[int, str]]] = {}
    if therapies is not None:
        names = ("subject", "start_day", "therapy")
        for name, day, what in columns_of(therapies, THERAPIES, names).select(names).iter_rows():
            found.setdefault(name, []).append((day, what))
    if infusions is not None:
        given = columns_of(given_infusions(infusions), INFUSIONS, ("subject", "day"))
        ordered = given.select("subject", "day").sort("subject", "day")
        for (subject, one), (other, next_day) in pairwise(ordered.iter_rows()):
            if subject == other and next_day - one > FOLLOW_UP_DAYS:
                found.setdefault(subject, []).append((next_day, "another infusion"))
    return found


def _span(periods: Periods, others: Sequence[tuple[int, str]]) -> _Span:
    later = min((one for one in others if one[0] > 0), default=None)
    last_fall = periods.follow_up_end_day
    if later is None:
        return _Span(periods.start_day, last_fall, None, None)
    return _Span(periods.start_day, last_fall, later[0] - 1, f"{later[1]} from day {later[0]} on")


def _days(results: Any) -> list[_Day]:
    found = []
    for day, of_day in groupby(results, key=lambda row: row[1]):
        ranges = [row[2:] for row in of_day]
        read = [(low, high) for low, high in ranges if low is not None]
        if len(read) < len(ranges):
            found.append(_Day(day, None, None))
        if read:
            found.append(_Day(day, min(low for low, _ in read), min(high for _, high in read)))
    return found


def _recovery(test: str, days: Sequence[_Day], threshold: float, span: _Span, rule: RecoveryRule) -> Row:
    """Return the row of one subject and threshold."""
    reasons = [TRANSFUSED] if test == "platelets" else []
    row: Row = {"parameter": f"recovery: {test} >= {threshold:g}", "origin": rule.origin, "source_table": "labs"}
    read = [one for one in days if one.high is not None]
    below = [one for one in read if _high(one) < threshold * (1 - EQUAL)]
    nadir = _lowest([one for one in below if one.day <= span.last_fall])
    if nadir is None:
        reasons += [f"below on day {below[0].day}, after day {span.last_fall}"] if below else []
        within = [one for one in days if one.day <= span.last_fall]
        return row | _without_fall(within, threshold, span, reasons)
    after = [one for one in read if one.day >= max(nadir.day, 0)]
    above = [(one.low or 0) >= threshold * (1 - EQUAL) for one in after]
    runs = range(len(after) - rule.sustained + 1)
    back = next((after[i] for i in runs if all(above[i : i + rule.sustained])), None)
    end = back or read[-1]
    start = 0 if rule.origin == "infusion" else nadir.day
    reasons.append(f"nadir {_told(nadir)} on day {nadir.day}")
    before = max((one.day for one in read if one.day < end.day), default=end.day)
    reasons += [f"between day {before} and {back.day}"] if back and back.day - before > 1 else []
    again = next((one.day for one in below if back and one.day > back.day), None)
    reasons += [] if again is None else [f"below again on day {again}"]
    if back is None and above and above[-1]:
        reasons.append(f"at or above on the last day, but not on {rule.sustained} in a row")
    if back is None and span.why:
        reasons.append(span.why)
    if end.day < start:
        return row | _no_time("not_evaluable", "no result from the origin on", reasons)
    last = "last result" if span.end is None else "last result before another therapy"
    return row | {
        "start_day": start,
        "end_day": end.day,
        "days": end.day - start + 1,
        "event": back is not None,
        "rule": "recovered" if back else "not_recovered",
        "description": f"first of {rule.sustained} days with results at or above" if back else last,
        "source_row_day": end.day,
        "reason": "; ".join(reasons),
    }


def _without_fall(days: Sequence[_Day], threshold: float, span: _Span, reasons: list[str]) -> Row:
    """Return what is said of a subject that was not seen to fall below."""
    lowest = _lowest([one for one in days if one.high is not None])
    reasons += [f"lowest {_told(lowest)} on day {lowest.day}"] if lowest else []
    unread = sum(one.high is None for one in days)
    open_ = [one.day for one in days if one.low is not None and one.low < threshold * (1 - EQUAL)]
    if unread or open_:
        reasons += [f"results that could not be read may have been below: {unread}"] if unread else []
        reasons += [f"may have been below on day {open_[0]}"] if open_ else []
        return _no_time("not_evaluable", "cannot be told to have been below", reasons)
    if lowest is None:
        return _no_time("not_evaluable", f"no result up to day {span.last_fall}", reasons)
    return _no_time("never_below", "never below the threshold", reasons)


def _no_time(rule: str, description: str, reasons: Sequence[str]) -> Row:
    return {"rule": rule, "description": description, "reason": "; ".join(reasons) or None}


def _high(day: _Day) -> float:
    return math.inf if day.high is None else day.high


def _lowest(days: Sequence[_Day]) -> _Day | None:
    """Return the last day of the lowest count; those that differ by rounding alone are equal, and <0.1 is below 0.1."""
    return min(days, key=lambda one: (float(f"{_high(one):.{DIGITS}g}"), one.low == one.high, -one.day), default=None)


def _told(day: _Day) -> str:
    return f"{day.high:.3g}" if day.low == day.high else f"<{day.high:.3g}"
