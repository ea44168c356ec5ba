"""Rows of safety, laboratory results and tumour markers of a run, as the laboratory makes them of a few records."""

from typing import Any

import polars as pl

from tilseq.clinical import gcig, lab_grades, lab_shifts, lab_worsening, markers, recoveries, safety, worst_lab_grades
from tilseq.clinical.lab_limits import results_by_limits, significant_results, significant_shares
from tilseq.clinical.recovery_estimates import recovery_estimates
from tilseq.tables import Table
from tilseq.tables import lab_grades as labs
from tilseq.tables.safety import (
    ADVERSE_EVENT_ESTIMATES,
    ADVERSE_EVENT_RATES,
    ADVERSE_EVENT_ROWS,
    ADVERSE_EVENT_TABLE,
    ADVERSE_EVENT_TIMES,
)
from tilseq.tables.summaries import SUMMARIES
from tilseq.tables.tumor_marker_course import GCIG, MARKER_COURSES

COUNTS = {-8: "4.0", 2: "<0.1", 9: "0.8", 10: "1.2", 11: "1.4"}
CA125 = {-8: "200", 28: "90", 60: "80", 90: "<100"}


def safety_tables(names: tuple[str, ...], hostile: str | None) -> dict[Table, list[dict[str, Any]]]:
    """Return the rows of each table: the first two subjects have events and results, the others none.

    A hostile text takes the place of every free one.
    """
    first, second = names[:2]
    subjects = pl.DataFrame({"subject": names, "tumor_type": "ovarian", "lymphodepletion_day": -7})
    infusions = pl.DataFrame({"subject": names, "infusion": 1, "day": 0})
    days: dict[str, Any] = {"subjects": subjects, "infusions": infusions}
    found = safety(_events(first, second, hostile), followup=_followup(names), **days)
    results = _labs(first, hostile)
    grades = lab_grades(results, version=5, **days)
    by_limits = results_by_limits(results, **days)
    counts = recoveries(results, **days)
    courses = markers(_markers(first, hostile), subjects=subjects)
    frames = {
        ADVERSE_EVENT_ROWS: found.rows,
        ADVERSE_EVENT_RATES: found.rates,
        ADVERSE_EVENT_TIMES: found.times,
        ADVERSE_EVENT_TABLE: found.table,
        ADVERSE_EVENT_ESTIMATES: found.estimates,
        SUMMARIES: pl.concat([found.summaries, lab_worsening(worst_lab_grades(grades)), significant_shares(by_limits)]),
        labs.LAB_GRADES: grades,
        labs.LAB_SHIFTS: lab_shifts(grades),
        labs.RECOVERIES: counts,
        labs.RECOVERY_ESTIMATES: recovery_estimates(counts),
        labs.RESULTS_BY_LIMITS: by_limits,
        labs.SIGNIFICANT_RESULTS: significant_results(by_limits),
        MARKER_COURSES: courses,
        GCIG: gcig(courses, subjects=subjects.head(2)),
    }
    return {table: frame.to_dicts() for table, frame in frames.items()}


def _events(first: str, second: str, hostile: str | None) -> pl.DataFrame:
    common = {"soc": hostile or "general", "serious": False, "immune_related": False, "related": hostile or "IL-2"}
    return pl.DataFrame(
        [
            {"subject": first, "term": hostile or "chills", "grade": 2, "start_day": 0, "end_day": 1, **common},
            {"subject": first, "term": "fever", "grade": 3, "start_day": 2, "end_day": 4, **common, "serious": True},
            {"subject": second, "term": hostile or "chills", "grade": 1, "start_day": 40, "end_day": None, **common},
        ]
    )


def _followup(names: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame({"subject": names, "last_alive_day": 100, "data_cut_day": 120})


def _labs(subject: str, hostile: str | None) -> pl.DataFrame:
    limits = {"unit": "10^9/L", "lower_limit": 1.8, "upper_limit": 7.5}
    rows = [
        {
            "subject": subject,
            "day": day,
            "test": "ANC",
            "value_text": count,
            "clinically_significant": day == 2,
            **limits,
        }
        for day, count in COUNTS.items()
    ]
    other = {"test": hostile or "heart rate", "value_text": hostile or "120", "clinically_significant": True}
    return pl.DataFrame([*rows, {**rows[1], **other, "unit": hostile or "/min"}])


def _markers(subject: str, hostile: str | None) -> pl.DataFrame:
    rows = [
        {"subject": subject, "day": day, "test": "CA125", "value_text": value, "unit": "U/mL", "upper_limit": 35.0}
        for day, value in CA125.items()
    ]
    other = {"test": hostile or "LDH", "value_text": hostile or "300", "unit": hostile or "U/L"}
    return pl.DataFrame([*rows, {**rows[0], **other}])
