"""Time until blood counts are back above thresholds after lymphodepletion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import polars as pl

from tilseq.clinical.assessments import Row
from tilseq.clinical.lab_values import EQUAL, lab_values
from tilseq.clinical.periods import Periods, periods_of
from tilseq.errors import AnalysisError
from tilseq.lab_tests import lab_test
from tilseq.tables.lab_grades import RECOVERIES

Origin = Literal["infusion", "nadir"]
THRESHOLDS = (("ANC", 0.5), ("ANC", 1.0), ("platelets", 20.0), ("platelets", 50.0), ("lymphocytes", 0.5))
TRANSFUSED = "platelet transfusions are not known and may hold the count up"


@dataclass(frozen=True)
class RecoveryRule:
    """What recovery is.

    Attributes
    ----------
    thresholds
        Pairs of a test and a count in 10^9/L that it must reach (at or above).
    origin
        What the time counts from: day 0 (`infusion`), or the day of the lowest count (`nadir`).
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
            if test is None or test.unit != "10^9/L" or threshold <= 0:
                expected = "a blood count and a threshold above 0 in 10^9/L"
                raise AnalysisError("no such recovery", found=f"{name} {threshold:g}", expected=expected)
        if self.origin not in ("infusion", "nadir"):
            raise AnalysisError("no such origin of recovery", found=self.origin, expected="infusion or nadir")
        if self.sustained < 1:
            raise AnalysisError("recovery needs a day with a result", found=self.sustained, expected="1 or more")


@dataclass(frozen=True)
class _Day:
    """What the results of one day allow: the range of the lowest of them."""

    day: int
    low: float
    high: float


def recoveries(
    labs: Any, *, subjects: Any = None, infusions: Any = None, rule: RecoveryRule | None = None
) -> pl.DataFrame:
    """Return when each subject's counts were back, as rows of time to an event.

    The nadir is the lowest count from the start of lymphodepletion on (without its day, from day 0); its day is the
    first on which it was reached. A subject that was never below a threshold has no time for it. Of several results of
    a day the lowest counts. A result such as ``<0.1`` is below a threshold it surely lies below, and breaks a row of
    days where it is not surely above. Recovery is looked for from the nadir on, but not before day 0; without it the
    time is censored on the last day with a result. Death and further infusions are not looked at: where a subject died
    before recovery the results end before.

    Parameters
    ----------
    labs
        Table `labs`.
    subjects, infusions
        As in `lab_grades`.
    rule
        What recovery is.

    Returns
    -------
    polars.DataFrame
        Table `recoveries`: the columns of `time_to_event`; `parameter` such as ``recovery: ANC >= 0.5``.
    """
    rule = rule or RecoveryRule()
    periods = None if subjects is None else periods_of(subjects, infusions)
    values = lab_values(labs, periods).filter(pl.col("low").is_not_null())
    rows: list[Row] = []
    for name, threshold in rule.thresholds:
        test = lab_test(name)
        if test is None:
            continue
        of_test = values.filter(pl.col("name") == test.name).sort("subject", "day")
        counts = of_test.select("subject", "day", pl.col("low") * pl.col("factor"), pl.col("high") * pl.col("factor"))
        for subject, results in groupby(counts.iter_rows(), key=lambda row: row[0]):
            start = (periods or {}).get(subject, Periods()).start_day
            days = [day for day in _days(results) if day.day >= start]
            if days:
                rows.append({"subject": subject} | _recovery(test.name, days, threshold, rule))
    return RECOVERIES.frame(rows)


def _days(results: Any) -> list[_Day]:
    found = []
    for day, of_day in groupby(results, key=lambda row: row[1]):
        ranges = [row[2:] for row in of_day]
        found.append(_Day(day, min(low for low, _ in ranges), min(high for _, high in ranges)))
    return found


def _recovery(test: str, days: Sequence[_Day], threshold: float, rule: RecoveryRule) -> Row:
    """Return the row of one subject and threshold."""
    nadir = min(days, key=lambda one: (one.high, one.day))
    reasons = [TRANSFUSED] if test == "platelets" else []
    row: Row = {"parameter": f"recovery: {test} >= {threshold:g}", "origin": rule.origin, "source_table": "labs"}
    if not any(one.high < threshold * (1 - EQUAL) for one in days):
        told = "; ".join([*reasons, f"lowest {_told(nadir)} on day {nadir.day}"])
        return row | {"rule": "never_below", "description": "never below the threshold", "reason": told}
    start = 0 if rule.origin == "infusion" else nadir.day
    after = [one for one in days if one.day >= max(nadir.day, 0)]
    above = [one.low >= threshold * (1 - EQUAL) for one in after]
    runs = range(len(after) - rule.sustained + 1)
    back = next((after[i] for i in runs if all(above[i : i + rule.sustained])), None)
    end = back or days[-1]
    reasons.append(f"nadir {_told(nadir)} on day {nadir.day}")
    if back is None and above and above[-1]:
        reasons.append(f"at or above on the last day, but not on {rule.sustained} in a row")
    if end.day < start:
        what = {"rule": "not_evaluable", "description": "no result from the origin on"}
        return row | what | {"reason": "; ".join(reasons)}
    return row | {
        "start_day": start,
        "end_day": end.day,
        "days": end.day - start + 1,
        "event": back is not None,
        "rule": "recovered" if back else "not_recovered",
        "description": f"first of {rule.sustained} days with results at or above" if back else "last result",
        "source_row_day": end.day,
        "reason": "; ".join(reasons),
    }


def _told(day: _Day) -> str:
    return f"{day.high:.3g}" if day.low == day.high else f"<{day.high:.3g}"
