"""The tables of tumour markers: their course, and GCIG's CA-125 criteria."""

from __future__ import annotations

from tilseq.tables.outputs import SUBJECT
from tilseq.tables.schema import Column, Table

# Words in reasons that what they tell of is found by.
NOT_USED, CHECK_UNIT = "not used: ", "check the unit"
NO_UPPER_LIMIT = "% withheld: no upper limit at baseline"
LEWIS_NEGATIVE = (
    "every CA19-9 is far below its upper limit, below that of the assay: a Lewis-negative subject makes none"
)

MARKER_COURSES = Table(
    "marker_courses",
    "One row a recorded tumour marker, with its change from the baseline of the same assay.",
    (
        SUBJECT,
        Column("day", "integer", "Day of the sample; day 0 is the first infusion.", unit="d", needed=True),
        Column("test", "text", "Marker, by its name in the panel.", needed=True),
        Column("in_panel", "boolean", "In the panel of the subject's tumour type.", needed=True),
        Column("value", "number", "Result; null where it is a limit or no number.", minimum=0),
        Column("operator", "text", "Set where the result lies beyond a limit.", allowed=("<", "<=", ">", ">=")),
        Column("limit_value", "number", "That limit; it is no result.", minimum=0),
        Column("value_text", "text", "Result as the laboratory wrote it."),
        Column("unit", "text", "Unit as the laboratory wrote it."),
        Column("upper_limit", "number", "Upper limit of normal of this record."),
        Column("times_uln", "number", "value / upper_limit.", minimum=0),
        Column(
            "assay", "integer", "Number of the assay of this subject and marker: another has another unit or limits."
        ),
        Column("used", "boolean", "It takes part in what is derived.", needed=True),
        Column("baseline_value", "number", "Last value of this assay before treatment; null where it is a limit."),
        Column("baseline_day", "integer", "Day of the baseline.", unit="d"),
        Column("change", "number", "value - baseline_value."),
        Column("change_pct", "number", "Change in % of the baseline; null for a baseline below its upper limit."),
        Column("log2_ratio", "number", "Binary logarithm of value / baseline_value."),
        Column("nadir", "number", "Lowest value from the baseline to this day; null where the lowest is a limit."),
        Column("nadir_day", "integer", "Its first day.", unit="d"),
        Column("normalised", "boolean", "Not above the upper limit, where the baseline was above it; null elsewhere."),
        Column("doubling_days", "number", "Doubling time where this and the two values before it rise.", "d", above=0),
        Column("reason", "text", "Why something is null, and what else bears on the row."),
    ),
)

GCIG = Table(
    "gcig",
    "CA-125 response and progression of one subject with ovarian cancer by GCIG's criteria: exploratory after cells.",
    (
        SUBJECT,
        Column("evaluable_response", "boolean", "Its CA-125 can tell a response.", needed=True),
        Column("evaluable_progression", "boolean", "Its CA-125 can tell progression.", needed=True),
        Column("response", "text", "Confirmed response, null where not evaluable.", allowed=("CR", "PR", "none")),
        Column("response_day", "integer", "Day of the first sample with half the baseline or less.", unit="d"),
        Column(
            "progression",
            "text",
            "By which rule: A elevated and normalised, B never normalised, C normal before; null: not evaluable.",
            allowed=("A", "B", "C", "none"),
        ),
        Column("progression_day", "integer", "Day of the first of the two samples.", unit="d"),
        Column(
            "category",
            "text",
            "The first of response and progression, else SD; NE where not evaluable.",
            needed=True,
            allowed=("CR", "PR", "SD", "PD", "NE"),
        ),
        Column("reason", "text", "Why it is not evaluable, and which samples took no part."),
    ),
    key=("subject",),
)
