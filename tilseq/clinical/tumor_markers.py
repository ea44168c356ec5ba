"""Tumour markers over time: change from baseline, multiples of the upper limit, nadir, normalisation, doubling."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import polars as pl

from tilseq.clinical.marker_panel import (
    hardly_a_value,
    implausible,
    leapt,
    marker_name,
    marker_panel,
    same_unit,
)
from tilseq.clinical.periods import periods_of
from tilseq.clinical.treated import STARTS, columns_of
from tilseq.errors import StudyError, refuse_unknown
from tilseq.identifiers import unknown_subjects
from tilseq.lab_tests import Result, read_result
from tilseq.tables import Row, as_polars, conform
from tilseq.tables.inputs import SUBJECTS, TUMOR_MARKERS
from tilseq.tables.tumor_marker_course import CHECK_UNIT, LEWIS_NEGATIVE, MARKER_COURSES, NO_UPPER_LIMIT, NOT_USED

Thyroglobulin = Literal["thyroglobulin", "triglycerides"]
AMBIGUOUS, LEWIS = "TG", "CA199"
LIMITS = ("lower_limit", "upper_limit")
DIFFER = "results of one day differ"
TRIGLYCERIDE_UNITS = ("mmol/l", "mg/dl")
FAR_BELOW, LEAST_LIMIT = 0.1, 2.0  # of the upper limit, and U/mL: what the limit of an assay lies below
RISING = 3  # values of which the doubling time is that of the line through their logarithms


@dataclass(frozen=True)
class Sample:
    """One result as what is known of it: it lies from `low` to `high`; the two are alike for a number."""

    row: Row
    day: int
    low: float
    high: float
    upper_limit: float | None

    @property
    def value(self) -> float | None:
        """The number, None where the result is a limit."""
        return self.low if self.low == self.high else None


def markers(tumor_markers: Any, *, subjects: Any, tg: Thyroglobulin = "thyroglobulin") -> pl.DataFrame:
    """Derive the course of each tumour marker of each subject.

    The baseline is the last result before treatment (lymphodepletion, else the first dose, else day 0), of the same
    assay. Records of one marker that differ in unit or limits are of different assays: none is held against a
    baseline or nadir of another. ng/mL and µg/L, and U/mL and kU/L, are one unit; a missing limit counts as that of the
    record before it, or else of the assay.
    A result such as ``<0.5`` stays a limit: it is no number, has no change and no multiple of the upper limit, but
    tells that a marker is normal where the limit is. What is no number, or negative, takes no part; so do two results
    of one assay and day that differ, and a record that repeats another. The reason tells each. So it does of a value
    below a hundredth of its upper limit or above 1000 times it, and of one 300 times the one before or that part of it,
    as results in another unit are; such a value counts as it stands.

    The doubling time is that of the least-squares line through the logarithms of three rising values, from the baseline
    on. The percentage is withheld for a baseline below its upper limit, of which a small change is a large share.

    Parameters
    ----------
    tumor_markers
        Table `tumor_markers`.
    subjects
        Columns `subject`, `tumor_type`, `lymphodepletion_day`, `first_dose_day`.
    tg
        What TG means. As `triglycerides` it is no tumour marker, and its records take no part.

    Returns
    -------
    polars.DataFrame
        Table `marker_courses`: a row for every record, by subject, marker and day.

    Raises
    ------
    StudyError
        A subject that is not in `subjects`; each is listed with its first row.
    TableError
        A table breaks its registry.
    AnalysisError
        There is no such setting.
    """
    refuse_unknown("tg", tg, get_args(Thyroglobulin))
    people = columns_of(subjects, SUBJECTS, ("subject", "tumor_type", *STARTS))
    tumor_types = dict(zip(people["subject"].to_list(), people["tumor_type"].to_list(), strict=True))
    starts = {name: periods.start_day for name, periods in periods_of(people).items()}
    given = conform(as_polars(tumor_markers), TUMOR_MARKERS)
    faults = [error for _, error in unknown_subjects(given, tumor_types)]
    if faults:
        raise StudyError(faults, "the tumour markers")
    series: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in given.iter_rows(named=True):
        name, strange = marker_name(row["test"])
        series[row["subject"], name].append(row | {"test": name, "told": [strange] if strange else []})
    rows: list[Row] = []
    for (subject, test), records in series.items():
        known = marker_panel().get(test)
        in_panel = known is not None and tumor_types[subject] in known.tumor_types
        for record in records:
            record |= {"in_panel": in_panel}
            record["told"] += _remarks(record, tumor_types[subject], in_panel)
        rows += _series(sorted(records, key=lambda record: record["day"]), starts[subject], tg)
    told = [{name: row.get(name) for name in MARKER_COURSES.names} for row in rows]
    return MARKER_COURSES.frame(told).sort("subject", "test", "day", maintain_order=True)


def samples_of(rows: Sequence[Row]) -> list[Sample]:
    """Return the results of one subject and marker that can be used, in the order of their days.

    Parameters
    ----------
    rows
        Of `marker_courses`. A record without an upper limit has that of its assay.
    """
    limits = {row["assay"]: row["upper_limit"] for row in rows if (row["upper_limit"] or 0) > 0}
    found = []
    for row in sorted(rows, key=lambda row: row["day"]):
        if not row["used"]:
            continue
        if row["operator"] is None:
            low = high = row["value"]
        else:
            limit, below = row["limit_value"], row["operator"].startswith("<")
            low, high = (0.0, limit) if below else (limit, math.inf)
        found.append(Sample(row, row["day"], low, high, limits.get(row["assay"])))
    return found


def _remarks(record: Row, tumor_type: str, in_panel: bool) -> list[str]:
    known = marker_panel().get(record["test"])
    if known is None:
        return []
    outside = [] if in_panel else [f"not in the panel of {tumor_type}"]
    return outside + implausible(known, record["unit"], record["upper_limit"])


def _series(records: list[Row], start_day: int, tg: Thyroglobulin) -> list[Row]:
    """Return the rows of one subject and marker."""
    _read(records, tg)
    _number_assays(records)
    _settle_days(records)
    used = [record for record in records if record["used"]]
    samples = samples_of(records)
    _hold_against_limits(samples)
    lewis = len(used) > 1 and all(_makes_none(sample) for sample in samples)
    for assay in sorted({record["assay"] for record in used}):
        own = [sample for sample in samples if sample.row["assay"] == assay]
        _tell_strange(own)
        _derive(own, start_day, first=assay == used[0]["assay"])
    for record in records:
        if lewis and record["test"] == LEWIS and record["used"]:
            record["told"].append(LEWIS_NEGATIVE)
        record["reason"] = "; ".join(record["told"]) or None
    return records


def _read(records: list[Row], tg: Thyroglobulin) -> None:
    """Give each record its number, or its operator and limit, or the reason why it has none."""
    for record in records:
        result = read_result(record["value_text"], unit=record["unit"])
        if isinstance(result, Result) and result.operator is not None and result.value == 0:
            result = "a limit of 0 tells nothing"
        record |= {"value": None, "operator": None, "limit_value": None, "used": isinstance(result, Result)}
        if not isinstance(result, Result):
            record["told"].insert(0, f"{NOT_USED}{result}")
        elif result.operator is None:
            record["value"] = result.value
        else:
            record |= {"operator": result.operator, "limit_value": result.value}
        fat = same_unit(record["unit"]) in TRIGLYCERIDE_UNITS
        if record["test"] == AMBIGUOUS and (tg == "triglycerides" or fat):
            why = "TG is set to be triglycerides" if tg == "triglycerides" else "TG in a unit of triglycerides"
            record["used"] = False
            record["told"].insert(0, f"{NOT_USED}{why}")


def _hold_against_limits(samples: Sequence[Sample]) -> None:
    """Give each sample its multiple of the upper limit, and say where that is not its own or there is none."""
    for sample in samples:
        if not sample.upper_limit:
            sample.row["told"].append("no upper limit")
            continue
        if (sample.row["upper_limit"] or 0) <= 0:
            sample.row["told"].append(f"no upper limit: {sample.upper_limit:g} of its assay taken")
        if sample.value is not None:
            sample.row["times_uln"] = sample.value / sample.upper_limit


def _tell_strange(samples: Sequence[Sample]) -> None:
    """Say which results of one assay are likely of another unit than their record says; they count as they stand."""
    before: float | None = None
    for sample in samples:
        row, value = sample.row, sample.value
        if value is None:
            continue
        if sample.upper_limit and hardly_a_value(row["test"], value / sample.upper_limit):
            row["told"].append(
                f"{row['value_text'].strip()} {row['unit'] or ''} is hardly a value of {row['test']}: {CHECK_UNIT}"
            )
        elif before is not None and leapt(before, value):
            row["told"].append(f"{before:g} before, {value:g} now: {CHECK_UNIT}")
        before = value


def _makes_none(sample: Sample) -> bool:
    """Whether a result lies below a limit of detection that is far below the upper limit of normal."""
    usual = sample.upper_limit or marker_panel()[LEWIS].usual_upper_limit
    return sample.low == 0 and sample.high <= max(FAR_BELOW * usual, LEAST_LIMIT)


def _number_assays(records: list[Row]) -> None:
    """Give each record the number of its assay, from 1; one without a limit is of the assay before it."""
    assays: list[Row] = []
    before: int | None = None
    for record in records:
        own = {"unit": same_unit(record["unit"])} | {name: record[name] for name in LIMITS}
        order = [*([] if before is None else [before]), *range(len(assays))]
        number = next((number for number in order if _alike(own, assays[number])), None)
        if number is None:
            number = len(assays)
            assays.append(own)
        assays[number] |= {name: own[name] for name in LIMITS if own[name] is not None}
        if before is not None and number != before:
            record["told"].append("another assay than before: unit or limits differ")
        record["assay"], before = number + 1, number


def _alike(own: Row, assay: Row) -> bool:
    limits = all(None in (own[name], assay[name]) or own[name] == assay[name] for name in LIMITS)
    return bool(limits and own["unit"] == assay["unit"])


def _settle_days(records: list[Row]) -> None:
    """Take out records that repeat another, and results of one assay and day that differ."""
    days: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for record in records:
        if record["used"]:
            days[record["assay"], record["day"]].append(record)
    for same in days.values():
        results = {(record["value"], record["operator"], record["limit_value"]) for record in same}
        out = same if len(results) > 1 else same[1:]
        why = DIFFER if len(results) > 1 else "repeats another record"
        for record in out:
            record["used"] = False
            record["told"].insert(0, f"{NOT_USED}{why}")


def _derive(samples: list[Sample], start_day: int, *, first: bool) -> None:
    """Derive what hangs on the baseline of one assay."""
    before = [sample for sample in samples if sample.day < start_day]
    baseline = before[-1] if before else None
    later = [sample for sample in samples if sample.day >= start_day]
    path = ([baseline] if baseline else []) + later
    for place, sample in enumerate(path):
        row = sample.row
        seen = path[: place + 1]
        row |= _nadir(seen) | {"doubling_days": _doubling(seen)}
        if row["nadir"] is None and row["nadir_day"] is not None:
            row["told"].append(f"nadir is a limit, of day {row['nadir_day']}")
        if baseline is None:
            row["told"].append("no baseline" if first else "no baseline of this assay")
            continue
        row |= {"baseline_value": baseline.value, "baseline_day": baseline.day}
        if sample is not baseline:
            row["normalised"] = _normalised(sample, baseline)
            _change(row, sample, baseline)


def _change(row: Row, sample: Sample, baseline: Sample) -> None:
    if baseline.value is None:
        row["told"].append(f"baseline is a limit: {baseline.row['value_text']}")
        return
    if sample.value is None:
        return
    row["change"] = sample.value - baseline.value
    if sample.value > 0 and baseline.value > 0:
        row["log2_ratio"] = math.log2(sample.value / baseline.value)
    if not baseline.upper_limit:
        row["told"].append(NO_UPPER_LIMIT)
    elif baseline.value < baseline.upper_limit:
        row["told"].append("% withheld: baseline below its upper limit")
    else:
        row["change_pct"] = 100 * row["change"] / baseline.value


def _nadir(seen: list[Sample]) -> Row:
    """Return the lowest result so far and its first day; no number where a limit below which it lies is lower still."""
    numbers = [sample for sample in seen if sample.value is not None]
    limits = [sample for sample in seen if sample.value is None and sample.low == 0]
    lowest = min(numbers, key=lambda sample: sample.low, default=None)
    limit = min(limits, key=lambda sample: sample.high, default=None)
    if limit is not None and (lowest is None or limit.high <= lowest.low):
        return {"nadir": None, "nadir_day": limit.day}
    return {"nadir": None, "nadir_day": None} if lowest is None else {"nadir": lowest.value, "nadir_day": lowest.day}


def _normalised(sample: Sample, baseline: Sample) -> bool | None:
    """Whether a marker that was above its limit is so no more; None where that cannot be told."""
    if not baseline.upper_limit or baseline.low <= baseline.upper_limit or not sample.upper_limit:
        return None
    if sample.high <= sample.upper_limit:
        return True
    return False if sample.low > sample.upper_limit else None


def _doubling(seen: list[Sample]) -> float | None:
    """Return the doubling time in days of the last three results where they rise."""
    last = seen[-RISING:]
    values = [sample.value for sample in last]
    if len(last) < RISING or any(value is None or value <= 0 for value in values):
        return None
    logarithms = [math.log(value) for value in values if value is not None]
    if not logarithms[0] < logarithms[1] < logarithms[2]:
        return None
    days = [float(sample.day) for sample in last]
    mean = sum(days) / RISING
    spread = sum((day - mean) ** 2 for day in days)
    slope = sum((day - mean) * value for day, value in zip(days, logarithms, strict=True)) / spread
    return math.log(2) / slope
