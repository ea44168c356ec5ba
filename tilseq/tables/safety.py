"""The table of adverse events as a clinician reads it."""

from __future__ import annotations

from tilseq.tables.schema import Column, Table

ADVERSE_EVENT_ROWS = Table(
    "adverse_event_rows",
    "One row a recorded adverse event, with what is derived of it; further columns are those of the input, as text.",
    (
        Column("subject", "text", "Subject identifier.", needed=True),
        Column("arm", "text", "Treatment arm."),
        Column("soc", "text", "System organ class."),
        Column("term", "text", "What happened.", needed=True),
        Column("grade", "integer", "Grade by CTCAE.", needed=True, minimum=1, maximum=5),
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
    ),
)
