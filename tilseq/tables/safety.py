"""The table of adverse events as a clinician reads it."""

from __future__ import annotations

from collections.abc import Sequence

from tilseq.tables.schema import Column, Table
from tilseq.tables.survival import SURVIVAL_ESTIMATES, TIME_TO_EVENT

ADVERSE_EVENT_ROWS = Table(
    "adverse_event_rows",
    "One row a recorded adverse event, with what is derived of it; further columns are those of the input, as text: "
    "its `period` is `period_recorded`.",
    (
        Column("subject", "text", "Subject identifier; null where the row names none."),
        Column("arm", "text", "Treatment arm."),
        Column("soc", "text", "System organ class, as recorded."),
        Column("term", "text", "What happened, as recorded."),
        Column("counted_soc", "text", "System it counts under: of ways to write one the commonest."),
        Column("counted_term", "text", "Term it counts under: the preferred term (`pt`) where the row has one."),
        Column("grade", "integer", "Grade by CTCAE; null where it cannot be read.", minimum=1, maximum=5),
        Column("serious", "boolean", "A serious adverse event; null where it is not recorded."),
        Column("immune_related", "boolean", "An immune-related adverse event; null where it is not recorded."),
        Column("related", "text", "What the investigator relates it to, as recorded."),
        Column("attribution", "text", "The same in words that are counted, parted by ';': `none` is not related."),
        Column("start_day", "integer", "First day.", unit="d"),
        Column("end_day", "integer", "Last day; null while it lasts.", unit="d"),
        Column("period", "text", "Period of the treatment that its first day belongs to."),
        Column("onset_days", "integer", "First day, counted from the first dose, which is 1.", unit="d"),
        Column("duration_days", "integer", "end_day - start_day + 1; null while it lasts.", unit="d"),
        Column("ongoing", "boolean", "It has begun and no end is recorded."),
        Column("emergent", "boolean", "Begun on or after the first dose, or not known to have begun before."),
        Column("counted", "boolean", "It takes part in the summaries.", needed=True),
        Column("reason", "text", "Why it is not counted, and what else bears on it."),
        Column("row", "integer", "Row of the input (the header is row 1).", minimum=2),
    ),
)


def listing_table(columns: Sequence[str]) -> Table:
    """Return table `adverse_event_rows` with those of the columns that are further ones of an input."""
    known = ADVERSE_EVENT_ROWS
    further = tuple(Column(name, "text", "As in the file.") for name in columns if name not in known.names)
    return Table(known.name, known.meaning, known.columns + further)


ADVERSE_EVENT_RATES = Table(
    "adverse_event_rates",
    "Events, and subjects with a first event by the time at risk, of one class of adverse events a row.",
    (
        Column("population", "text", "Whom it is over.", needed=True),
        Column("group", "text", "`all`, or a part of the population such as `arm=A`.", needed=True),
        Column("parameter", "text", "Class of adverse events, as in `summaries`.", needed=True),
        Column("qualifier", "text", "Sorted name=value pairs, parted by ';', that tell rows of one parameter apart."),
        Column("events", "integer", "Events recorded.", needed=True, minimum=0),
        Column("subjects", "integer", "Subjects with at least one.", needed=True, minimum=0),
        Column("subjects_at_risk", "integer", "Subjects whose follow-up is known.", minimum=0),
        Column("first_events", "integer", "Of those, with at least one.", minimum=0),
        Column(
            "person_months", "number", "Time at risk: to the first event, or the end of follow-up.", "mo", minimum=0
        ),
        Column("rate_per_100_person_months", "number", "Subjects with a first event per 100 person-months.", minimum=0),
        Column("lower", "number", "Lower limit of the rate.", minimum=0),
        Column("upper", "number", "Upper limit of the rate.", minimum=0),
        Column("method", "text", "How the limits were found."),
        Column("denominator_text", "text", "Who is at risk, in words.", needed=True),
    ),
    key=("population", "group", "parameter", "qualifier"),
)

_GRADES = {
    "any": "of any grade",
    **{f"{i}": f"whose worst grade is {i}" for i in range(1, 6)},
    "3_5": "of grade 3 to 5",
}
ADVERSE_EVENT_TABLE = Table(
    "adverse_event_table",
    "Subjects by system, term and worst grade, one system or term a row, the commonest first.",
    (
        Column("population", "text", "Whom it is over.", needed=True),
        Column("group", "text", "`all`, or a part of the population such as `arm=A`.", needed=True),
        Column("period", "text", "Period the events began in; `any` is all of them.", needed=True),
        Column("soc", "text", "System organ class; null with a null term is any adverse event."),
        Column("term", "text", "Term; null is any of the system."),
        Column("subjects", "integer", "Subjects in the denominator.", needed=True, minimum=0),
        *(
            column
            for grade, words in _GRADES.items()
            for column in (
                Column(f"n_{grade}", "integer", f"Subjects with an event {words}.", needed=True, minimum=0),
                Column(f"pct_{grade}", "number", "The same in percent.", unit="%", minimum=0, maximum=100),
            )
        ),
    ),
)

_OWN = {
    "parameter": Column("parameter", "text", "Such as `ae_onset` or `ae_duration_grade_3_5`.", needed=True),
    "reader": Column("reader", "text", "Null: an adverse event has no reader."),
    "origin": Column("origin", "text", "What the time counts from.", needed=True, allowed=("first_dose", "onset")),
    "rule": Column(
        "rule",
        "text",
        "Whether it began or ended, was censored, or its time is not known.",
        needed=True,
        allowed=("event", "censored_at_end_of_follow_up", "not_evaluable"),
    ),
}
ADVERSE_EVENT_TIMES = Table(
    "adverse_event_times",
    "Time to onset, or duration, of the first adverse event of a class of one subject, in columns of `time_to_event`.",
    tuple(_OWN.get(column.name, column) for column in TIME_TO_EVENT.columns),
    key=TIME_TO_EVENT.key,
)

ADVERSE_EVENT_ESTIMATES = Table(
    "adverse_event_estimates",
    "Kaplan-Meier median, and range, of the time to onset or the duration of a class, in columns of "
    "`survival_estimates`.",
    SURVIVAL_ESTIMATES.columns,
    key=SURVIVAL_ESTIMATES.key,
)

# Beside the listing, which has further columns of its input.
SAFETY_TABLES = (ADVERSE_EVENT_TABLE, ADVERSE_EVENT_RATES, ADVERSE_EVENT_TIMES, ADVERSE_EVENT_ESTIMATES)
