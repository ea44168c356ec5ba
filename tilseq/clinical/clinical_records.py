"""The tables that time to event is derived from, held against the registry, each row with its number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tilseq.clinical.assessments import Row
from tilseq.errors import TableError
from tilseq.tables import Column, Table, as_polars, conform
from tilseq.tables.best_response import BEST_RESPONSE
from tilseq.tables.inputs import FOLLOWUP, INFUSIONS, LESIONS, RESPONSE_READS, SCHEDULE, SUBJECTS, THERAPIES
from tilseq.tables.outputs import RESPONSE

RESPONDERS = ("CR", "PR")  # best responses that make a responder

_SUBJECT = Column("subject", "text", "Subject identifier.", needed=True)


def _part(table: Table, *names: str) -> Table:
    return Table(table.name, table.meaning, tuple(c for c in table.columns if c.name in names), table.key)


SUBJECT_DAYS = _part(
    SUBJECTS, "subject", "enrollment_day", "randomization_day", "first_dose_day", "lymphodepletion_day"
)
NEW_LESIONS = _part(LESIONS, "subject", "day", "visit", "reader", "lesion", "role", "state")
READS = _part(RESPONSE, "subject", "reader", "day", "visit", "baseline", "new_lesion", "response", "recorded")
BEST_RESPONSES = _part(
    BEST_RESPONSE,
    "subject",
    "reader",
    "source",
    "confirmation",
    "best_response",
    "response_day",
    "confirmation_day",
)
CONTACTS = Table(
    "contacts",
    "One day of one subject that some further table tells of a row.",
    (
        _SUBJECT,
        Column("day", "integer", "Day on which the subject lived.", unit="d", needed=True),
        Column("table", "text", "Table that tells of it.", needed=True),
    ),
)


@dataclass(frozen=True)
class Records:
    """Rows of all tables, each with `row`, its number as a spreadsheet counts it (the header is row 1).

    Attributes
    ----------
    subjects, followup, contacts
        Rows of `subjects`, `followup` and of further dated records.
    reads
        Rows of `response`; of `responses` with what was recorded in `recorded`. `table` says which.
    therapies, schedule, infusions, lesions, responders
        Rows of those tables, None where not given; `responders` are best responses by the confirmation asked for.
    """

    subjects: Sequence[Row]
    followup: Sequence[Row]
    reads: Sequence[Row]
    therapies: Sequence[Row] | None
    schedule: Sequence[Row] | None
    infusions: Sequence[Row] | None
    lesions: Sequence[Row] | None
    responders: Sequence[Row] | None
    contacts: Sequence[Row]


def numbered_rows(frame: Any, table: Table, refused: Collection[str] = (), *, wider: bool = False) -> list[Row]:
    """Return the rows of a frame in its order, held against a table; those of refused subjects are left out.

    Parameters
    ----------
    frame
        polars or pandas.
    table
        What it must hold.
    refused
        Subjects whose rows are not looked at.
    wider
        The frame may have further columns.
    """
    frame = as_polars(frame)
    if wider:
        frame = frame.select(pl.selectors.by_name(*table.names, require_all=False))
    frame = frame.with_row_index("row", offset=2)
    if "subject" in table.names and "subject" in frame.columns and refused:
        frame = frame.filter(~pl.col("subject").is_in(list(refused)).fill_null(False))
    given = frame.drop("row")
    conform(given, table)
    absent = [pl.lit(None).alias(name) for name in table.names if name not in given.columns]
    typed = frame.with_columns(*absent).with_columns(pl.col(name).cast(kind) for name, kind in table.schema.items())
    return list(typed.rows(named=True))


def gather_records(
    responses: Any,
    followup: Any,
    subjects: Any,
    *,
    therapies: Any = None,
    schedule: Any = None,
    infusions: Any = None,
    lesions: Any = None,
    best_response: Any = None,
    contacts: Any = None,
    confirmation: str = "required",
    refused: Collection[str] = (),
) -> Records:
    """Return the rows of all tables; see `time_to_event` for what each may hold.

    Raises
    ------
    TableError
        A table breaks its registry.
    """

    def rows(frame: Any, table: Table, *, wider: bool = False) -> list[Row] | None:
        return None if frame is None else numbered_rows(frame, table, refused, wider=wider)

    responders = rows(best_response, BEST_RESPONSES, wider=True)
    if responders:
        asked = [row for row in responders if row["confirmation"] == confirmation]
        if not asked:
            found = responders[0]["confirmation"]
            what = "no best response by the confirmation that the rules ask for"
            raise TableError(what, column="confirmation", found=found, expected=confirmation)
        responders = asked
    return Records(
        numbered_rows(subjects, SUBJECT_DAYS, refused, wider=True),
        numbered_rows(followup, FOLLOWUP, refused),
        _reads(responses, refused),
        rows(therapies, THERAPIES),
        rows(schedule, SCHEDULE),
        rows(infusions, INFUSIONS),
        rows(lesions, NEW_LESIONS, wider=True),
        responders,
        rows(contacts, CONTACTS) or [],
    )


def _reads(responses: Any, refused: Collection[str]) -> list[Row]:
    """Return assessments with `baseline`, `response` and `recorded`, of either table of responses."""
    frame = as_polars(responses)
    if "recorded" in frame.columns:
        return [row | {"table": "response"} for row in numbered_rows(frame, READS, refused, wider=True)]
    alone = {"baseline": False, "new_lesion": None, "table": "responses"}
    rows = numbered_rows(frame, RESPONSE_READS, refused)
    return [row | alone | {"recorded": row["response"], "response": None} for row in rows]
