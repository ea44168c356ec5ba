"""The table of rates over a population."""

from __future__ import annotations

from tilseq.tables.schema import Column, Table

SUMMARIES = Table(
    "summaries",
    "One rate of one group of a population a row.",
    (
        Column("population", "text", "Whom it is over, such as `infused`.", needed=True),
        Column("group", "text", "`all`, or a part of the population such as `tumor_type=melanoma`.", needed=True),
        Column("parameter", "text", "What the rate is, such as ORR.", needed=True),
        Column("qualifier", "text", "Sorted name=value pairs, parted by ';', that tell rows of one parameter apart."),
        Column("numerator", "integer", "Subjects that count; null where nobody recorded it.", minimum=0),
        Column("denominator", "integer", "Subjects of the group.", needed=True, minimum=0),
        Column("denominator_text", "text", "Who is in the denominator, in words.", needed=True),
        Column(
            "estimate",
            "number",
            "The rate as a fraction; null for an empty group or no numerator.",
            minimum=0,
            maximum=1,
        ),
        Column("lower", "number", "Lower limit as a fraction.", minimum=0, maximum=1),
        Column("upper", "number", "Upper limit as a fraction.", minimum=0, maximum=1),
        Column("method", "text", "How the limits were found.", needed=True),
    ),
    key=("population", "group", "parameter", "qualifier"),
)
