"""Adverse events row by row: emergence, period, onset, duration, and what speaks against a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl

from tilseq.clinical.attribution import attribution
from tilseq.clinical.periods import Periods, period_of
from tilseq.clinical.treated import Subject
from tilseq.errors import StudyError, TableError, did_you_mean
from tilseq.tables import as_polars, conform
from tilseq.tables.inputs import ADVERSE_EVENTS
from tilseq.tables.safety import listing_table

Row = dict[str, Any]
Emergence = Literal["from_first_dose", "all"]
FATAL = 5
RECORDED = "period_recorded"  # what the input calls `period`; ours is derived from the day


def event_rows(
    adverse_events: Any,
    subjects: Mapping[str, Subject],
    periods: Mapping[str, Periods],
    *,
    emergence: Emergence = "from_first_dose",
    followup_known: bool = True,
) -> pl.DataFrame:
    """Return table `adverse_event_rows`: every recorded event with what is derived of it.

    An event is emergent where it begins on or after the first dose; one without a first day counts as emergent, unless
    it ended before the first dose. A row that repeats another in every column is not counted, nor is one of a subject
    who was not treated; the reason says so.

    Parameters
    ----------
    adverse_events
        Table `adverse_events`, polars or pandas; further columns, such as codes of a dictionary, pass through as text.
    subjects
        Every subject of the study, see `subjects_of`.
    periods
        Boundaries of each subject, see `periods_of`.
    emergence
        Which events are counted: emergent ones, or `all`.
    followup_known
        Whether grade 5 can be held against the days of death.

    Raises
    ------
    StudyError
        An event of an unknown subject, or one that ends before it begins; every such row is listed with its number in
        the frame, the header being row 1.
    TableError
        The table breaks its registry.
    """
    given = as_polars(adverse_events)
    further = [name for name in given.columns if name not in ADVERSE_EVENTS.names]
    known = conform(given.drop(further), ADVERSE_EVENTS)
    rows = known.with_columns(given[name].cast(pl.String) for name in further).to_dicts()
    faults = [error for _, error in event_faults(known, list(subjects))]
    if faults:
        raise StudyError(faults, "the adverse events")
    repeats = _repeats(rows)
    derived = [
        _derived(row, subjects[row["subject"]], periods[row["subject"]], emergence, followup_known, repeats[number])
        for number, row in enumerate(rows)
    ]
    table = listing_table([*([RECORDED] if known["period"].null_count() < known.height else []), *further])
    frame = table.frame([{name: row.get(name) for name in table.names} for row in derived])
    return frame.sort("subject", "start_day", "term", "grade", nulls_last=True, maintain_order=True)


def event_faults(adverse_events: pl.DataFrame, subjects: Sequence[str]) -> list[tuple[str, TableError]]:
    """Return each row of an unknown subject, and each that ends before it begins, with its subject.

    Parameters
    ----------
    adverse_events
        Table `adverse_events`.
    subjects
        Every subject of the study.
    """
    faults = []
    for number, row in enumerate(adverse_events.select("subject", "start_day", "end_day").iter_rows(), start=2):
        name, start, end = row
        if name not in subjects:
            mend = did_you_mean(name, subjects) or "add the subject to the table of subjects"
            faults.append((name, TableError("no such subject", row=number, column="subject", found=name, mend=mend)))
        if start is not None and end is not None and end < start:
            what, expected = "the event ends before it begins", f"day {start} or later"
            faults.append((name, TableError(what, row=number, column="end_day", found=end, expected=expected)))
    return faults


def _repeats(rows: list[Row]) -> list[int | None]:
    """Return for each row the number of the row that it repeats, None for the first of its kind."""
    first: dict[tuple[Any, ...], int] = {}
    repeats: list[int | None] = []
    for number, row in enumerate(rows, start=2):
        key = tuple(row.values())
        repeats.append(first.get(key))
        first.setdefault(key, number)
    return repeats


def _derived(
    row: Row,
    subject: Subject,
    periods: Periods,
    emergence: Emergence,
    followup_known: bool,
    repeats: int | None,
) -> Row:
    start, end = row["start_day"], row["end_day"]
    emergent = _emergent(start, end, subject.first_dose)
    causes, unknown = attribution(row["related"])
    against = [
        *([] if subject.treated else ["not counted: the subject was not treated"]),
        *([] if repeats is None else [f"not counted: repeats row {repeats}"]),
        *([] if emergent or emergence == "all" else ["not counted: began before the first dose"]),
    ]
    told = [
        *(["no first day: taken to be emergent"] if start is None and emergent else []),
        *(["no first day"] if start is None and not emergent else []),
        *[f"not recorded: {name}" for name in ("serious", "immune_related") if row[name] is None],
        *([] if causes else ["not recorded: related"]),
        *[f"related to {word!r}, which is no known cause" for word in unknown],
        *(_fatal(row, subject, followup_known) if row["grade"] == FATAL else []),
    ]
    return row | {
        "arm": subject.arm,
        "attribution": ";".join(causes) or None,
        "period": period_of(start, periods),
        RECORDED: row["period"],
        "onset_days": None if start is None else start - subject.first_dose + 1,
        "duration_days": None if start is None or end is None else end - start + 1,
        "ongoing": None if start is None else end is None,
        "emergent": emergent,
        "counted": not against,
        "reason": "; ".join(against + told) or None,
    }


def _emergent(start: int | None, end: int | None, first_dose: int) -> bool:
    if start is None:
        return end is None or end >= first_dose
    return start >= first_dose


def _fatal(row: Row, subject: Subject, followup_known: bool) -> list[str]:
    """Return what does not fit between an event of grade 5 and the day of death."""
    death, start, end = subject.death_day, row["start_day"], row["end_day"]
    if not followup_known:
        return ["grade 5: no follow-up to hold it against"]
    if death is None:
        return ["grade 5, but the follow-up has no death"]
    if start is not None and start > death:
        return [f"grade 5 begins on day {start}, after the death on day {death}"]
    if end is not None and end != death:
        return [f"grade 5 ends on day {end}, the death is on day {death}"]
    return []
