"""CA-125 response and progression by the criteria of the Gynecologic Cancer InterGroup.

Rustin and others, Int J Gynecol Cancer 2011;21:419. They were made for chemotherapy and are not validated for cells or
immunotherapy: infusion, IL-2 and effusions move CA-125 by themselves. What is found here is exploratory.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import polars as pl

from tilseq.clinical.best_response import new_therapies
from tilseq.clinical.periods import periods_of
from tilseq.clinical.treated import STARTS, columns_of
from tilseq.clinical.tumor_markers import DIFFER, Sample, samples_of
from tilseq.errors import refuse_unknown
from tilseq.identifiers import refuse_misspelt
from tilseq.tables import Row, as_polars
from tilseq.tables.inputs import SUBJECTS
from tilseq.tables.tumor_marker_course import CHECK_UNIT, GCIG

MARKER, TUMOR_TYPE = "CA125", "ovarian"
PRETREATMENT_DAYS = 14  # before the start
CONFIRMED_DAYS = 28
APART_DAYS = 7
INTERFERED_DAYS = 28  # after something was done to peritoneum or pleura
TOLERANCE = 1.10  # variability of the assay between a sample and the one before
RELATIVE_ERROR = 1e-9  # of floating point, so that exactly half or twice is met

Harvest = Literal["interferes", "ignored"]


@dataclass(frozen=True)
class _Course:
    """CA-125 of one subject: samples of the assay before treatment, and those after its start."""

    before: Sample | None
    start_day: int
    after: list[Sample]


def gcig(
    courses: Any,
    *,
    subjects: Any,
    infusions: Any = None,
    harvest: Harvest = "interferes",
    interference_days: Mapping[str, Collection[int]] | None = None,
    mouse_antibodies: Collection[str] = (),
    therapies: Any = None,
) -> pl.DataFrame:
    """Find CA-125 response and progression of every subject with ovarian cancer.

    Response: at most half of the pretreatment sample, confirmed by a sample 28 days later or more that is so too; up to
    it each sample is at most 110 % of the one before, where both are not within the reference range. Samples between
    the two may so lie above half: that is our reading. It is dated by its first sample. Evaluable is who has, in the
    14 days before the start, a sample of at least twice the upper limit (the last of them counts). A response is
    complete where a sample of it is within the reference range before progression.

    Progression: two samples 7 days apart or more, and none between them that fails, of at least twice the upper limit
    (A: elevated before treatment and normal since; C: normal before treatment) or at least twice the nadir (B: elevated
    and never normal since). It is dated by the first. That none between may fail is ours: the paper is silent.

    Not evaluable is who was given mouse antibodies or never treated. Samples within 28 days after something was done
    to peritoneum or pleura take no part, nor do those of another assay than the pretreatment one. A result that is a
    limit counts where it decides: ``<5`` is below half of 100.

    Parameters
    ----------
    courses
        Table `marker_courses`; rows of CA125 that are used take part.
    subjects
        Columns `subject`, `tumor_type`, `lymphodepletion_day`, `first_dose_day`, `harvest_day`. The start is
        lymphodepletion, else the first dose, else day 0. Subjects with another tumour have no row: the criteria are
        not for cervical cancer.
    infusions
        Columns `subject`, `day`; without it every subject is infused.
    harvest
        Whether the resection for the product counts as surgery of peritoneum or pleura, as it often is: `interferes`,
        or `ignored`.
    interference_days
        Subject → days of surgery of peritoneum or pleura, or of drainage.
    mouse_antibodies
        Subjects who were given any.
    therapies
        Table `therapies`. Samples after the first day of one that starts after day 0 take no part, as assessments of
        the tumour after it do not: what another therapy does is not this one's.

    Returns
    -------
    polars.DataFrame
        Table `gcig`, a row for every subject with ovarian cancer.

    Raises
    ------
    TableError
        `subjects` breaks its registry.
    AnalysisError
        There is no such setting; a subject of `interference_days` or `mouse_antibodies` is misspelt.
    """
    refuse_unknown("harvest", harvest, get_args(Harvest))
    people = columns_of(subjects, SUBJECTS, ("subject", "tumor_type", "harvest_day", *STARTS))
    rows = as_polars(courses).filter(pl.col("test") == MARKER)
    days_differ = pl.col("reason").str.contains(DIFFER, literal=True).fill_null(False)
    bounds = periods_of(people, infusions)
    others, _ = new_therapies(therapies)
    interfered = {str(subject): days for subject, days in (interference_days or {}).items()}
    mice = {mouse_antibodies} if isinstance(mouse_antibodies, str) else {str(one) for one in mouse_antibodies}
    refuse_misspelt({*interfered, *mice}, people["subject"].to_list())
    found = []
    for person in people.filter(pl.col("tumor_type") == TUMOR_TYPE).to_dicts():
        name = person["subject"]
        days = [*interfered.get(name, ())]
        if harvest == "interferes" and person["harvest_day"] is not None:
            days.append(person["harvest_day"])
        records = rows.filter(pl.col("subject") == name)
        differing = records.filter(~pl.col("used"), days_differ)["day"].unique().sort().to_list()
        told = [f"samples of day {day} not used: {DIFFER}" for day in differing]
        samples, later = _before_therapy(samples_of(records.to_dicts()), others.get(name))
        told += [f"sample of day {one.day}: {CHECK_UNIT}" for one in samples if CHECK_UNIT in (one.row["reason"] or "")]
        barred = "given mouse antibodies" if name in mice else None if bounds[name].treated else "never treated"
        found.append({"subject": name} | _evaluate(samples, bounds[name].start_day, days, barred, [*told, *later]))
    return GCIG.frame(found)


def _before_therapy(samples: list[Sample], day: int | None) -> tuple[list[Sample], list[str]]:
    """Return the samples up to the day of a new therapy, and what is said of the others."""
    kept = [sample for sample in samples if day is None or sample.day <= day]
    later = len(samples) - len(kept)
    return kept, [f"samples after the new therapy of day {day} not used: {later}"] if later else []


def _evaluate(
    samples: list[Sample], start_day: int, interference_days: Sequence[int], barred: str | None, differing: list[str]
) -> Row:
    clean = [sample for sample in samples if _interference(sample, interference_days) is None]
    course, left_out = _one_assay(clean, start_day)
    told = [*differing, *_interfered(samples, interference_days), *left_out]
    no_response = barred or _response_not_evaluable(course)
    no_progression = barred or _progression_not_evaluable(course)
    response = None if no_response else _response(course)
    progression = None if no_progression else _progression(course)
    row: Row = {
        "evaluable_response": no_response is None,
        "evaluable_progression": no_progression is None,
        "response": None if no_response else "none",
        "progression": None if no_progression else "none",
    }
    if progression is not None:
        row["progression"], row["progression_day"] = progression
    elif no_progression is None:
        told += _unconfirmed(course)
    if response is None and no_response is None and course.before is not None and math.isinf(course.before.high):
        row["response"] = None
        told.append(f"response cannot be told: half of {course.before.row['value_text']} is not known")
    if response is not None:
        until = row.get("progression_day")
        complete = _completed(response, until)
        row["response"], row["response_day"] = "PR" if complete is None else "CR", response[0].day
        if complete is not None and complete > response[0].day:
            told.append(
                f"half of it or less from day {response[0].day} on, within the reference range on day {complete}"
            )
    reasons = [f"response not evaluable: {no_response}"] if no_response else []
    reasons += [f"progression not evaluable: {no_progression}"] if no_progression else []
    return row | {"category": _category(row), "reason": "; ".join(reasons + told) or None}


def _interference(sample: Sample, days: Sequence[int]) -> int | None:
    """Return the day of what was done within the 28 days before a sample, or on its day."""
    return next((day for day in sorted(days) if 0 <= sample.day - day <= INTERFERED_DAYS), None)


def _interfered(samples: Sequence[Sample], days: Sequence[int]) -> Iterator[str]:
    for sample in samples:
        day = _interference(sample, days)
        if day is not None:
            what = f"surgery or drainage on day {day} is within {INTERFERED_DAYS} days before it"
            yield f"sample of day {sample.day} not used: {what}"


def _one_assay(samples: list[Sample], start_day: int) -> tuple[_Course, list[str]]:
    """Return the samples of the assay before treatment (without one, of the first), and what is said of others."""
    before = [sample for sample in samples if sample.day < start_day]
    after = [sample for sample in samples if sample.day > start_day]
    first = next(iter([*before[-1:], *after[:1]]), None)
    same = [sample for sample in after if first is not None and sample.row["assay"] == first.row["assay"]]
    others = len(after) - len(same)
    told = [f"samples of another assay not used: {others}"] if others else []
    if any(sample.day == start_day for sample in samples):
        told.append(f"sample of day {start_day} not used: neither before nor after the start")
    return _Course(before[-1] if before else None, start_day, same), told


def _response_not_evaluable(course: _Course) -> str | None:
    before = course.before
    if before is None or before.day < course.start_day - PRETREATMENT_DAYS:
        last = "" if before is None else f"; the last is of day {before.day}"
        return f"no usable sample in the {PRETREATMENT_DAYS} days before day {course.start_day}{last}"
    if not before.upper_limit:
        return "no upper limit of the pretreatment sample"
    if not _at_least(before, 2 * before.upper_limit):
        return f"pretreatment sample {before.row['value_text']} is below twice the upper limit {before.upper_limit:g}"
    return None if course.after else "no usable sample after the start"


def _progression_not_evaluable(course: _Course) -> str | None:
    if course.before is None:
        return "no usable sample before the start"
    if not course.before.upper_limit:
        return "no upper limit of the pretreatment sample"
    if _within_range(course.before) is _above_range(course.before):
        return f"pretreatment sample {course.before.row['value_text']} does not tell whether it is normal"
    return None if course.after else "no usable sample after the start"


def _response(course: _Course) -> list[Sample] | None:
    """Return the samples from the first with half the baseline to that which confirms it, and those after it."""
    if course.before is None:
        return None
    half = course.before.low / 2
    for place, first in enumerate(course.after):
        if not _at_most(first, half):
            continue
        for one, other in zip(course.after[place:], course.after[place + 1 :], strict=False):
            if not _held(one, other):
                break
            if other.day - first.day >= CONFIRMED_DAYS and _at_most(other, half):
                return course.after[place:]
    return None


def _held(one: Sample, other: Sample) -> bool:
    """Whether a sample is at most 110 % of the one before, or both lie within the reference range."""
    # Where the one before is above the range, so is 110 % of it, and more than any sample within.
    return _at_most(other, TOLERANCE * one.high) or _within_range(other)


def _completed(samples: Sequence[Sample], progression_day: int | None) -> int | None:
    """Return the day of the first sample within the reference range before progression."""
    until = [sample for sample in samples if progression_day is None or sample.day < progression_day]
    return next((sample.day for sample in until if _within_range(sample)), None)


def _progression(course: _Course) -> tuple[str, int] | None:
    """Return the rule that is met and the day of the first of its samples."""
    if course.before is None:
        return None
    for place, (first, rule, limit) in enumerate(_thresholds(course, course.before)):
        for sample in course.after[place:]:
            if not _at_least(sample, limit):
                break
            if sample.day - first.day >= APART_DAYS:
                return rule, first.day
    return None


def _thresholds(course: _Course, before: Sample) -> Iterator[tuple[Sample, str, float]]:
    """Yield each sample after the start with the rule that it may progress by and what that asks for."""
    seen = [before]
    for sample in course.after:
        rule = "C" if not _above_range(before) else "A" if any(_within_range(one) for one in seen) else "B"
        yield sample, rule, 2 * (min(one.high for one in seen) if rule == "B" else before.upper_limit or 0)
        seen.append(sample)


def _unconfirmed(course: _Course) -> Iterator[str]:
    """Yield the first sample that reached what progression asks for, and was not confirmed."""
    if course.before is None:
        return
    for sample, rule, limit in _thresholds(course, course.before):
        if _at_least(sample, limit):
            what = "nadir" if rule == "B" else "upper limit"
            twice = f"day {sample.day} is at least twice the {what}"
            yield f"rule {rule} not confirmed: {twice}, no sample {APART_DAYS} days later or more is so too"
            return


def _category(row: Row) -> str:
    responded, progressed = row.get("response_day"), row.get("progression_day")
    if responded is not None and (progressed is None or responded < progressed):
        return str(row["response"])
    if progressed is not None:
        return "PD"
    return "NE" if row["response"] is None else "SD"


def _at_least(sample: Sample, limit: float) -> bool:
    return sample.low >= limit * (1 - RELATIVE_ERROR)


def _at_most(sample: Sample, limit: float) -> bool:
    return sample.high <= limit * (1 + RELATIVE_ERROR)


def _within_range(sample: Sample) -> bool:
    return bool(sample.upper_limit) and sample.high <= (sample.upper_limit or 0)


def _above_range(sample: Sample) -> bool:
    return bool(sample.upper_limit) and sample.low > (sample.upper_limit or 0)
