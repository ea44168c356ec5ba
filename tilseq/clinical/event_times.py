"""When adverse events begin and how long they last, as rows that a Kaplan-Meier curve takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from tilseq.clinical.adverse_events import FATAL
from tilseq.clinical.treated import Subject
from tilseq.tables.safety import ADVERSE_EVENT_TIMES

DAYS_PER_MONTH = 30.4375
SOURCE = "adverse_events"
NO_FIRST_DAY = "no first day recorded: taken to begin with the first dose"

Row = dict[str, Any]


def event_times(rows: pl.DataFrame, subjects: Mapping[str, Subject], *, term: str | None = None) -> pl.DataFrame:
    """Return time to onset and duration of the first event of each class.

    Onset counts from the first dose to the first day of the subject's first such event, and is censored at the end of
    follow-up where there is none. Duration counts from the first day of that event to its last day; one that has not
    ended is censored at the end of follow-up (a death ends no event), so that a mean of the durations would be too
    short: take a Kaplan-Meier estimate.

    Parameters
    ----------
    rows
        Table `adverse_event_rows`; only rows that are counted take part.
    subjects
        Every subject, see `subjects_of`.
    term
        Only events of this term, instead of the classes.

    Returns
    -------
    polars.DataFrame
        Table `adverse_event_times`, one row a subject and parameter: `ae_onset`, `ae_duration` of any event, and with
        `_grade_3_5`, `_serious` and `_immune_related` of those. Onset has a row for every subject treated whose
        follow-up is known, duration one for each that had such an event.
    """
    counted = rows.filter("counted")
    members = {name: subject for name, subject in sorted(subjects.items()) if subject.treated}
    if term is not None:
        classes = {"": counted.filter(pl.col("term") == term)}
    else:
        classes = {
            "": counted,
            "_grade_3_5": counted.filter(pl.col("grade") >= 3),
            "_serious": counted.filter(pl.col("serious").fill_null(False)),
            "_immune_related": counted.filter(pl.col("immune_related").fill_null(False)),
        }
    found = [row for name, part in classes.items() for row in _times(name, part, members)]
    return ADVERSE_EVENT_TIMES.frame(found)


def times_at_risk(rows: pl.DataFrame, members: Mapping[str, Subject]) -> dict[str, tuple[int, bool]]:
    """Return the days at risk of each subject, and whether they end with a first event.

    From the first dose to the first day of the first event, or to the end of follow-up: both ends count. An event
    without a first day is taken to begin with the first dose. A subject without an event whose follow-up is not known
    is left out.

    Parameters
    ----------
    rows
        Events that count, of table `adverse_event_rows`.
    members
        The subjects at risk.
    """
    first = _first_events(rows)
    risk: dict[str, tuple[int, bool]] = {}
    for name, subject in members.items():
        event = first.get(name)
        end = subject.last_day if event is None else max(_begin(event, subject), subject.first_dose)
        if end is not None:
            risk[name] = (max(end - subject.first_dose + 1, 1), event is not None)
    return risk


def _times(name: str, rows: pl.DataFrame, members: Mapping[str, Subject]) -> Iterator[Row]:
    first = _first_events(rows)
    for subject, (days, event) in times_at_risk(rows, members).items():
        start = members[subject].first_dose
        yield _row(
            subject,
            f"ae_onset{name}",
            "first_dose",
            start,
            start + days - 1,
            event,
            first[subject]["term"] if event else "end of follow-up",
            first.get(subject),
        )
    for subject, event_row in first.items():
        start, end, last = event_row["start_day"], event_row["end_day"], members[subject].last_day
        if start is None or (end is None and last is None):
            continue
        ended = end is not None and event_row["grade"] < FATAL
        until = end if end is not None else max(last, start)
        told = "ended" if ended else "led to death" if event_row["grade"] == FATAL else "goes on at end of follow-up"
        yield _row(
            subject, f"ae_duration{name}", "onset", start, until, ended, f"{event_row['term']} {told}", event_row
        )


def _row(
    subject: str, parameter: str, origin: str, start: int, end: int, event: bool, what: str, source: Row | None
) -> Row:
    return {
        "subject": subject,
        "parameter": parameter,
        "origin": origin,
        "start_day": start,
        "end_day": end,
        "days": end - start + 1,
        "event": event,
        "description": what,
        "rule": "event" if event else "censored_at_end_of_follow_up",
        "source_table": SOURCE if source is not None else "followup",
        "source_row_day": None if source is None else source["start_day"],
        "reason": NO_FIRST_DAY if source is not None and source["start_day"] is None else None,
    }


def _first_events(rows: pl.DataFrame) -> dict[str, Row]:
    """Return the first event of each subject: one without a first day goes first, the worst of a day before others."""
    ordered = rows.sort("start_day", "grade", descending=[False, True], nulls_last=[False, True], maintain_order=True)
    return {row["subject"]: row for row in ordered.unique("subject", keep="first", maintain_order=True).to_dicts()}


def _begin(event: Row, subject: Subject) -> int:
    return subject.first_dose if event["start_day"] is None else int(event["start_day"])
