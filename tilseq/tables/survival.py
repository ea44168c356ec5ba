"""The tables of time to an event."""

from __future__ import annotations

from tilseq.tables.schema import Column, Table

TIME_PARAMETERS = ("OS", "PFS", "TTP", "DOR", "TTR", "follow_up")
ORIGINS = ("infusion", "lymphodepletion", "enrollment", "randomization", "response")

TIME_TO_EVENT = Table(
    "time_to_event",
    "One endpoint of one subject and reader a row: from when, to when, and what ended it.",
    (
        Column("subject", "text", "Subject identifier.", needed=True),
        Column("parameter", "text", "Endpoint.", needed=True, allowed=TIME_PARAMETERS),
        Column("reader", "text", "Who read the scans; null where none is asked, as for OS, or none is named."),
        Column("origin", "text", "What the time counts from.", allowed=ORIGINS),
        Column("start_day", "integer", "Day of the origin.", unit="d"),
        Column("end_day", "integer", "Day of the event or of censoring.", unit="d"),
        Column("days", "integer", "end_day - start_day + 1.", unit="d", minimum=1),
        Column("event", "boolean", "The event was seen; false is censored, null cannot be evaluated."),
        Column("description", "text", "What ended the time, in words."),
        Column("rule", "text", "Event or censoring rule that fired, or `not_evaluable`.", needed=True),
        Column("source_table", "text", "Table that tells of the end."),
        Column("source_row_day", "integer", "Day in that table's row.", unit="d"),
        Column("reason", "text", "What else bears on the row: policies that were used, rules that could not be."),
    ),
    key=("parameter", "subject", "reader"),
)
