"""The tables that time to event is derived from, held against the registry, each row with its number."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import polars as pl

from tilseq.errors import TableError
from tilseq.tables import Column, Row, Table, as_polars, conform, known_columns
from tilseq.tables.best_response import BEST_RESPONSE
from tilseq.tables.inputs import FOLLOWUP, INFUSIONS, LESIONS, RESPONSE_READS, SCHEDULE, SUBJECTS, THERAPIES
from tilseq.tables.outputs import RESPONSE, SUBJECT

RESPONDERS = ("CR", "PR")  # best responses that make a responder


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
        SUBJECT,
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
        Rows of those tables, None where not given; `responders` are those of best responses.
    refused
        Subject → why it cannot be evaluated; none of its rows is here.
    refused_responders
        `subject, reader, confirmation` of the CR and PR of those subjects and of those `unscanned`.
    unscanned
        Subject → why what scans decide cannot be told of it; none of its scans is here, but for their days among the
        contacts.
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
    refused: Mapping[str, str]
    refused_responders: Sequence[Row] = ()
    unscanned: Mapping[str, str] = field(default_factory=dict)

    @property
    def assessed(self) -> bool:
        """Whether anybody has an evaluable assessment beside the baseline, up to the data cut.

        Else PFS would be of the dead alone.
        """
        cuts = {row["subject"]: row["data_cut_day"] for row in self.followup if row["data_cut_day"] is not None}
        later = [
            row for row in self.reads if not row["baseline"] and row["day"] <= cuts.get(row["subject"], row["day"])
        ]
        return any({row["recorded"], row["response"]} - {None, "NE"} for row in later)

    def refusing(self, refused: Mapping[str, str]) -> Records:
        """Return the records without the rows of further subjects.

        Parameters
        ----------
        refused
            Subject → why it cannot be evaluated, such as what `contradictions` says.
        """
        known = {row["subject"] for row in self.subjects}
        others = ("refused", "refused_responders", "unscanned")
        tables = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in others}
        kept: dict[str, Any] = {name: _without(rows, refused) for name, rows in tables.items()}
        named = {subject: why for subject, why in refused.items() if subject in known}
        lost = [row for row in _answers(self.responders or ()) if row["subject"] in named]
        answers = (*self.refused_responders, *lost)
        return replace(self, **kept, refused={**self.refused, **named}, refused_responders=answers)

    def without_scans(self, unscanned: Mapping[str, str]) -> Records:
        """Return the records without the scans of some subjects, of whom what scans decide cannot be told.

        Parameters
        ----------
        unscanned
            Subject → why, such as what `contradictions` says of scans alone.
        """
        days = [
            {"subject": row["subject"], "day": row["day"], "table": row["table"]}
            for row in self.reads
            if row["subject"] in unscanned
        ]
        lost = [row for row in _answers(self.responders or ()) if row["subject"] in unscanned]
        return replace(
            self,
            reads=_without(self.reads, unscanned) or (),
            lesions=_without(self.lesions, unscanned),
            responders=_without(self.responders, unscanned),
            contacts=(*self.contacts, *days),
            refused_responders=(*self.refused_responders, *lost),
            unscanned={**self.unscanned, **unscanned},
        )

    def confirmed(self, confirmation: str) -> Records:
        """Return the records with the best responses by one kind of confirmation alone.

        Parameters
        ----------
        confirmation
            `required` or `not_required`, as table `best_response` has it.

        Raises
        ------
        TableError
            There are best responses, and none by this.
        """
        answers = [row for row in self.refused_responders if row["confirmation"] == confirmation]
        if not self.responders:
            return replace(self, refused_responders=answers)
        asked = [row for row in self.responders if row["confirmation"] == confirmation]
        if not asked:
            found = self.responders[0]["confirmation"]
            what = "no best response by the confirmation that the rules ask for"
            raise TableError(what, column="confirmation", found=found, expected=confirmation)
        return replace(self, responders=asked, refused_responders=answers)


def _numbered_rows(frame: Any, table: Table, refused: Collection[str] = (), *, wider: bool = False) -> list[Row]:
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
        frame = known_columns(frame, table)
    frame = frame.with_row_index("row", offset=2)
    if "subject" in table.names and "subject" in frame.columns and refused:
        frame = frame.filter(~pl.col("subject").is_in(list(refused)).fill_null(False))
    given = frame.drop("row")
    conform(given, table)
    absent = [pl.lit(None).alias(name) for name in table.names if name not in given.columns]
    typed = frame.with_columns(*absent).with_columns(pl.col(name).cast(kind) for name, kind in table.schema.items())
    return list(typed.rows(named=True))


def _without(rows: Sequence[Row] | None, subjects: Collection[str]) -> list[Row] | None:
    return None if rows is None else [row for row in rows if row.get("subject") not in subjects]


def _answers(rows: Iterable[Row]) -> list[Row]:
    """Return subject, reader and confirmation of the rows of best responses that are a CR or PR."""
    names = ("subject", "reader", "confirmation")
    return [{name: row.get(name) for name in names} for row in rows if row.get("best_response") in RESPONDERS]


def clinical_records(
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
    refused: Mapping[str, str] | None = None,
    unscanned: Mapping[str, str] | None = None,
) -> Records:
    """Gather what `time_to_event` and `contradictions` look at; each table polars or pandas.

    Parameters
    ----------
    responses
        Table `response` (derived, with what was recorded) or `responses` (recorded alone). Where `responses` alone is
        given nobody can tell whether there was a baseline, and its absence censors nobody.
    followup
        Table `followup`; a row for each subject.
    subjects
        Table `subjects`, of which the days are used; a row for each subject.
    therapies
        Table `therapies`; those that begin after the infusion count, or without one after lymphodepletion or the
        origin.
    schedule
        Table `schedule` of planned tumour assessments.
    infusions
        Table `infusions`. Without it every subject counts as infused on day 0.
    lesions
        Table `lesions`; tells of the day on which a new lesion was seen.
    best_response
        Table `best_response`; without it DOR and TTR are not derived, as nobody is known to have responded.
    contacts
        Columns `subject, day, table`: days of further tables on which a subject was alive.
    refused
        Subject → why it cannot be evaluated; its rows are not looked at.
    unscanned
        Subject → why what scans decide cannot be told of it; of its responses and lesions the days alone are looked
        at, as days on which it lived.

    Raises
    ------
    TableError
        A table breaks its registry.
    """
    refused = refused or {}
    unscanned = {subject: why for subject, why in (unscanned or {}).items() if subject not in refused}
    unread = {**refused, **unscanned}

    def rows(frame: Any, table: Table, *, wider: bool = False, out: Collection[str] = refused) -> list[Row] | None:
        return None if frame is None else _numbered_rows(frame, table, out, wider=wider)

    known = set(as_polars(subjects)["subject"])
    best = () if best_response is None else as_polars(best_response).to_dicts()
    return Records(
        _numbered_rows(subjects, SUBJECT_DAYS, refused, wider=True),
        _numbered_rows(followup, FOLLOWUP, refused),
        _reads(responses, unread),
        rows(therapies, THERAPIES),
        rows(schedule, SCHEDULE),
        # As `given_infusions`, which would come before the rows have their numbers.
        None if infusions is None else [row for row in rows(infusions, INFUSIONS) or () if row["cells"] != 0],
        rows(lesions, NEW_LESIONS, wider=True, out=unread),
        rows(best_response, BEST_RESPONSES, wider=True, out=unread),
        [*(rows(contacts, CONTACTS) or ()), *_days_of(unscanned, responses=responses, lesions=lesions)],
        {subject: why for subject, why in refused.items() if subject in known},
        _answers(row for row in best if row.get("subject") in known & set(unread)),
        unscanned,
    )


def _days_of(subjects: Collection[str], **tables: Any) -> list[Row]:
    """Return the days of some subjects' rows as contacts; a row without a day tells none."""
    found: list[Row] = []
    for name, frame in tables.items():
        if frame is not None and subjects:
            days = as_polars(frame).filter(pl.col("subject").is_in(list(subjects)))
            found += days.select("subject", "day", table=pl.lit(name)).drop_nulls().to_dicts()
    return found


def _reads(responses: Any, refused: Collection[str]) -> list[Row]:
    """Return assessments with `baseline`, `response` and `recorded`, of either table of responses."""
    frame = as_polars(responses)
    if "recorded" in frame.columns:
        return [row | {"table": "response"} for row in _numbered_rows(frame, READS, refused, wider=True)]
    alone = {"baseline": False, "new_lesion": None, "table": "responses"}
    rows = _numbered_rows(frame, RESPONSE_READS, refused)
    return [row | alone | {"recorded": row["response"], "response": None} for row in rows]
