"""The table of who the subjects are and how far they came."""

from __future__ import annotations

from tilseq.tables.schema import Column, Table

# How far subjects come, in order; then who they are.
FLOW = ("enrolled", "randomised", "resected", "lymphodepleted", "infused", "assessed")
CHARACTERISTICS = (*FLOW, "age", "sex", "tumor_type")

CHARACTERISTICS_TABLE = Table(
    "characteristics",
    "How many subjects of one group came so far or are of one kind a row; of the age the median and range.",
    (
        Column("group", "text", "`all`, or `arm=NAME`; `arm=not given` for subjects without.", needed=True),
        Column("characteristic", "text", "What is counted.", needed=True, allowed=CHARACTERISTICS),
        Column("level", "text", "Of sex and tumour type which, `not given` for none; null for the others."),
        Column("subjects", "integer", "Subjects of it; of the age those with one.", needed=True, minimum=0),
        Column("enrolled", "integer", "All subjects of the group.", needed=True, minimum=1),
        Column("median", "number", "Of the age.", unit="a"),
        Column("lowest", "number", "Of the age.", unit="a"),
        Column("highest", "number", "Of the age.", unit="a"),
    ),
    key=("group", "characteristic", "level"),
)
