"""Adverse events of lymphodepletion, infusion, IL-2 and immunity, in words of our own."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tilseq.simulate.calendar import IL2_LAST_DAY
from tilseq.simulate.clinic.followup import Fate
from tilseq.simulate.clinic.labs import HOSPITAL_DAYS, Course, Tolerance
from tilseq.simulate.clinic.lesions import FIRST_DAY

Floats = NDArray[np.float64]
Row = dict[str, object]

IL2_PERIOD_LAST_DAY = IL2_LAST_DAY + 1  # what begins up to the day after the last dose is of the period of IL-2
LATEST_LAB_EVENT_DAY = 60  # laboratory events of the treatment begin before
SECOND_EPISODE_SHARE = 0.12  # of events that come back once, but for those of one day; round figure
UNREPORTED_SHARE = 0.3  # of events of grade 1; round figure
# Of reactive cells, on which immune-related events lean: median of subjects, and SD of the natural logarithm.
TYPICAL_PEAK_PER_UL, PEAK_SPREAD = 85.0, 0.95


@dataclass(frozen=True)
class Event:
    """One kind of adverse event.

    Attributes
    ----------
    term, soc
        Plain words; no code or text of a coding dictionary.
    related
        What the investigator relates it to: `lymphodepletion`, `TIL`, `IL-2` or `no`.
    shares
        Shares of subjects with any grade, with grade 2, 3 and 4 or more: round figures of the order that trials of
        TIL with lymphodepletion and IL-2 report (Chesney and others, J Immunother Cancer 2022;10:e005755;
        Rohaan and others, N Engl J Med 2022;387:2113).
    cause
        What makes it likelier in the same subject: `marrow`, `il2`, `cells` (reactive cells) or `none`.
    days
        First and last day on which it can begin; None for the days of true neutrophils below 0.5·10⁹/L.
    lasts
        Median days; 0 for what is still there at the end.
    immune_related
        Counted as immune-related.
    tumor_type
        Only in this tumour type.
    """

    term: str
    soc: str
    related: str
    shares: tuple[float, float, float, float]
    cause: str
    days: tuple[int, int] | None
    lasts: float
    immune_related: bool = False
    tumor_type: str | None = None


EVENTS = (
    Event("nausea", "gut", "lymphodepletion", (0.65, 0.30, 0.05, 0.0), "marrow", (-7, -2), 8),
    Event("vomiting", "gut", "lymphodepletion", (0.40, 0.18, 0.03, 0.0), "marrow", (-7, -2), 4),
    Event("fatigue", "general", "lymphodepletion", (0.60, 0.30, 0.07, 0.0), "marrow", (-6, 4), 30),
    Event("alopecia", "skin", "lymphodepletion", (0.55, 0.35, 0.0, 0.0), "none", (3, 16), 110),
    Event("mucositis", "gut", "lymphodepletion", (0.18, 0.10, 0.03, 0.0), "marrow", (0, 8), 8),
    Event("haemorrhagic cystitis", "kidney", "lymphodepletion", (0.04, 0.03, 0.01, 0.0), "marrow", (-6, 5), 9),
    Event("febrile neutropenia", "blood", "lymphodepletion", (0.38, 0.38, 0.38, 0.03), "marrow", None, 4),
    Event("infection", "infection", "lymphodepletion", (0.28, 0.22, 0.12, 0.02), "marrow", (2, 40), 9),
    Event("infusion reaction", "general", "TIL", (0.20, 0.12, 0.02, 0.0), "cells", (0, 0), 1),
    Event("dyspnoea", "lung", "TIL", (0.22, 0.12, 0.06, 0.01), "il2", (0, 6), 5),
    Event("chills", "general", "IL-2", (0.75, 0.40, 0.06, 0.0), "il2", (0, 4), 2),
    Event("fever", "general", "IL-2", (0.70, 0.35, 0.14, 0.01), "il2", (0, 5), 4),
    Event("hypotension", "heart and vessels", "IL-2", (0.42, 0.32, 0.12, 0.03), "il2", (0, 5), 3),
    Event("tachycardia", "heart and vessels", "IL-2", (0.35, 0.14, 0.03, 0.0), "il2", (0, 5), 4),
    Event("capillary leak syndrome", "heart and vessels", "IL-2", (0.22, 0.16, 0.07, 0.02), "il2", (1, 6), 6),
    Event("oliguria", "kidney", "IL-2", (0.20, 0.12, 0.05, 0.01), "il2", (1, 6), 4),
    Event("delirium", "nerves and mind", "IL-2", (0.12, 0.07, 0.03, 0.01), "il2", (1, 7), 4),
    Event("diarrhoea", "gut", "IL-2", (0.35, 0.15, 0.04, 0.0), "il2", (0, 9), 5),
    Event("rash", "skin", "IL-2", (0.28, 0.12, 0.04, 0.0), "cells", (1, 30), 12, True),
    Event("vitiligo", "skin", "TIL", (0.22, 0.08, 0.0, 0.0), "cells", (30, 200), 0, True, "melanoma"),
    Event("uveitis", "eye", "TIL", (0.05, 0.04, 0.01, 0.0), "cells", (14, 150), 40, True),
    Event("hypothyroidism", "hormones", "TIL", (0.04, 0.03, 0.0, 0.0), "cells", (30, 200), 0, True),
    Event("colitis", "gut", "TIL", (0.02, 0.02, 0.01, 0.0), "cells", (10, 120), 25, True),
    Event("constipation", "gut", "no", (0.25, 0.08, 0.01, 0.0), "none", (-30, 120), 9),
    Event("headache", "nerves and mind", "no", (0.25, 0.07, 0.01, 0.0), "none", (-30, 150), 4),
    Event("cough", "lung", "no", (0.20, 0.06, 0.0, 0.0), "none", (-30, 250), 15),
    Event("back pain", "muscles and bones", "no", (0.18, 0.08, 0.02, 0.0), "none", (-30, 300), 20),
    Event("insomnia", "nerves and mind", "no", (0.18, 0.05, 0.0, 0.0), "none", (-30, 90), 14),
)
LOADING = 0.65  # correlation of an event's severity with what causes it; round figure


@dataclass(frozen=True)
class LabEvent:
    """An adverse event that a laboratory value is, graded by CTCAE 5 (National Cancer Institute, public domain).

    Attributes
    ----------
    term, soc, related
        As of an `Event`.
    test, falls
        The test, and whether low values are the event.
    bounds
        Bounds of grades 2, 3 and 4: values, or multiples of the upper limit for what rises (of the subject's own
        value before treatment where that is above the limit). 0 where grade 4 is a clinical one.
    first_if_high
        Bound of grade 1 where the value before treatment is above the limit; elsewhere it is the limit.
    by_baseline
        Multiples of the value before treatment give grades 2 and 3 as well.
    """

    term: str
    soc: str
    related: str
    test: str
    falls: bool
    bounds: tuple[float, float, float]
    first_if_high: float = 1.0
    by_baseline: bool = False


LAB_EVENTS = (
    LabEvent("neutropenia", "blood", "lymphodepletion", "ANC", True, (1.5, 1.0, 0.5)),
    LabEvent("lymphopenia", "blood", "lymphodepletion", "lymphocytes", True, (0.8, 0.5, 0.2)),
    LabEvent("leukopenia", "blood", "lymphodepletion", "WBC", True, (3.0, 2.0, 1.0)),
    LabEvent("thrombocytopenia", "blood", "lymphodepletion", "platelets", True, (75.0, 50.0, 25.0)),
    LabEvent("anaemia", "blood", "lymphodepletion", "haemoglobin", True, (100.0, 80.0, 0.0)),
    LabEvent("ALT increased", "laboratory", "IL-2", "ALT", False, (3.0, 5.0, 20.0), 1.5),
    LabEvent("AST increased", "laboratory", "IL-2", "AST", False, (3.0, 5.0, 20.0), 1.5),
    LabEvent("bilirubin increased", "laboratory", "IL-2", "bilirubin", False, (1.5, 3.0, 10.0)),
    LabEvent("hypoalbuminaemia", "laboratory", "IL-2", "albumin", True, (30.0, 20.0, 0.0)),
    LabEvent("creatinine increased", "kidney", "IL-2", "creatinine", False, (1.5, 3.0, 6.0), by_baseline=True),
)
FATAL = (("sepsis", "infection", "lymphodepletion"), ("respiratory failure", "lung", "IL-2"))


@dataclass(frozen=True)
class Safety:
    """The adverse events of a subject.

    Attributes
    ----------
    adverse_events
        Rows of that table: what was reported while the subject was seen, with the worst grade up to then.
    true_events
        `subject, term, grade, start_day, end_day, reported`: everything that happened up to the death, with its true
        end (empty for what does not end).
    """

    adverse_events: list[Row]
    true_events: list[Row]


@dataclass(frozen=True)
class _Episode:
    term: str
    soc: str
    related: str
    immune_related: bool
    grade: int
    start_day: int
    end_day: int | None
    serious: bool
    reported: bool
    seen_grade: int  # worst grade up to the day on which the subject was last seen


def draw_safety(
    rng: np.random.Generator,
    subject: str,
    course: Course,
    tolerance: Tolerance,
    fate: Fate,
    reactive_per_ul: Floats,
    *,
    tumor_type: str,
) -> Safety:
    """Draw the adverse events of a subject.

    The severity of an event is normal with a correlation of 0.65 to what causes it, and the event's grade is that of
    the shares in `EVENTS`; so those of one cause come together. Laboratory events are the true values of `course`,
    graded by CTCAE 5, where they are worse than before treatment. A death from the treatment is an event of grade 5.

    Parameters
    ----------
    rng
        Stream of the subject's adverse events.
    subject
        Identifier.
    course, tolerance
        True laboratory values, and how the subject bears the treatment.
    fate
        When the subject is last seen, and the death.
    reactive_per_ul
        Tumour-reactive infused T cells per µL of blood, from day 0.
    tumor_type
        Vitiligo is of melanoma only.
    """
    peak = max(float(np.max(reactive_per_ul)), 1e-3)
    severity = {
        "marrow": tolerance.marrow,
        "il2": tolerance.il2,
        "cells": float(np.clip(np.log(peak / TYPICAL_PEAK_PER_UL) / PEAK_SPREAD, -3, 3)),
        "none": float(rng.standard_normal()),
    }
    episodes = [found for event in LAB_EVENTS for found in _of_labs(rng, event, course, fate)]
    episodes += _fatal(rng, fate)
    for event in EVENTS:
        drawn = _drawn(rng, event, severity[event.cause], course)
        if event.tumor_type in (None, tumor_type):
            episodes += drawn
    lived = [one for one in episodes if fate.death_day is None or one.start_day <= fate.death_day]
    lived.sort(key=lambda one: (one.start_day, one.term))
    return Safety(
        [_row(subject, one, fate) for one in lived if one.reported and one.start_day <= fate.last_alive_day],
        [_true_row(subject, one, fate) for one in lived],
    )


def grades(event: LabEvent, values: Floats, limits: tuple[float, float], baseline: float) -> NDArray[np.int64]:
    """Return the grade of each value by CTCAE 5, 0 for none.

    Parameters
    ----------
    event
        Which event.
    values
        Values in the unit of the test.
    limits
        Lower and upper limit of normal.
    baseline
        Value before treatment.
    """
    lower, upper = limits
    second, third, fourth = event.bounds
    if event.falls:
        return np.asarray(np.sum([values < bound for bound in (lower, second, third, fourth)], axis=0))
    high = baseline > upper
    reference = baseline if high and not event.by_baseline else upper
    first = event.first_if_high if high else 1.0
    found = np.asarray(np.sum([values > factor * reference for factor in (first, second, third, fourth)], axis=0))
    own = np.where(values > third * baseline, 3, np.where(values > second * baseline, 2, 0))
    return np.maximum(found, own) if event.by_baseline else found


def period(day: int) -> str:
    """Return the period of the treatment that a day belongs to; day 0 is the infusion's though IL-2 begins on it."""
    if day < HOSPITAL_DAYS[0]:
        return "screening"
    if day < 0:
        return "lymphodepletion"
    if day == 0:
        return "infusion"
    return "IL-2" if day <= IL2_PERIOD_LAST_DAY else "follow-up"


def _of_labs(rng: np.random.Generator, event: LabEvent, course: Course, fate: Fate) -> list[_Episode]:
    """Return the event, from the first to the last day of life on which the value is worse than before treatment."""
    reported, serious = rng.random(2).tolist()
    before = HOSPITAL_DAYS[0] - 1 - FIRST_DAY
    lived = course.values[event.test][before : None if fate.death_day is None else fate.death_day + 1 - FIRST_DAY]
    found = grades(event, lived, course.limits[event.test], float(lived[0]))
    worse = np.flatnonzero(found[1:] > found[0]) + HOSPITAL_DAYS[0]
    if not len(worse) or worse[0] > LATEST_LAB_EVENT_DAY:
        return []
    grade = int(found.max())
    seen = int(found[: max(fate.last_alive_day - HOSPITAL_DAYS[0], 0) + 2].max())
    last_day = HOSPITAL_DAYS[0] + len(found) - 2
    end = None if int(worse[-1]) == last_day else int(worse[-1])
    known = seen > 1 or reported >= UNREPORTED_SHARE
    words = (event.term, event.soc, event.related, False)
    return [_Episode(*words, grade, int(worse[0]), end, seen == 4 and serious < 0.05, known, seen)]


def _fatal(rng: np.random.Generator, fate: Fate) -> list[_Episode]:
    which, before = rng.random(2).tolist()
    if fate.death_day is None or fate.death_cause != "treatment":
        return []
    term, soc, related = FATAL[int(which * len(FATAL))]
    start = max(min(fate.death_day - int(before * 5), fate.last_alive_day), 0)
    return [_Episode(term, soc, related, False, 5, start, fate.death_day, True, fate.known_death, 5)]


def _drawn(rng: np.random.Generator, event: Event, cause: float, course: Course) -> list[_Episode]:
    """Return the episodes of an event; it takes its chances whether it happens or not."""
    own, length = rng.standard_normal(2).tolist()
    place, serious, reported, again, later = rng.random(5).tolist()
    latent = LOADING * cause + (1 - LOADING**2) ** 0.5 * own
    grade = sum(share > 0 and latent > NormalDist().inv_cdf(1 - share) for share in event.shares)
    days = _neutropenic(course) if event.days is None else list(range(event.days[0], event.days[1] + 1))
    if grade == 0 or not days:
        return []
    start = days[int(place * len(days))]
    lasts = max(round(event.lasts * (0.6 + 0.2 * grade) * float(np.exp(0.5 * length))), 1)
    end = start + lasts - 1 if event.lasts else None
    badly = grade >= 4 or (grade == 3 and serious < 0.35)
    told = grade > 1 or reported >= UNREPORTED_SHARE
    words = (event.term, event.soc, event.related, event.immune_related)
    episodes = [_Episode(*words, grade, start, end, badly, told, grade)]
    # What begins on one day only is of the infusion, which is given once.
    returns = event.days is not None and event.days[0] < event.days[1]
    if end is not None and again < SECOND_EPISODE_SHARE and returns:
        back, milder = end + 3 + int(later * 25), max(grade - 1, 1)
        episodes.append(_Episode(*words, milder, back, back + lasts - 1, False, told, milder))
    return episodes


def _neutropenic(course: Course) -> list[int]:
    return [int(index) + FIRST_DAY for index in np.flatnonzero(course.values["ANC"] < 0.5)]


def _row(subject: str, one: _Episode, fate: Fate) -> Row:
    seen = one.end_day is not None and (one.end_day <= fate.last_alive_day or one.grade == 5)
    return {
        "subject": subject,
        "term": one.term,
        "soc": one.soc,
        "grade": one.seen_grade,
        "serious": one.serious,
        "immune_related": one.immune_related,
        "related": one.related,
        "start_day": one.start_day,
        "end_day": one.end_day if seen else None,
        "period": period(one.start_day),
    }


def _true_row(subject: str, one: _Episode, fate: Fate) -> Row:
    end = one.end_day
    if fate.death_day is not None:
        end = fate.death_day if end is None else min(end, fate.death_day)
    return {
        "subject": subject,
        "term": one.term,
        "grade": one.grade,
        "start_day": one.start_day,
        "end_day": end,
        "reported": one.reported and one.start_day <= fate.last_alive_day,
    }
