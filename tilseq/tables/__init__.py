"""The column registry: name, type, unit and meaning of every column of every public table."""

from tilseq.tables.own_frames import known_columns, refuse_stand_ins
from tilseq.tables.schema import (
    Column,
    Row,
    Table,
    as_polars,
    conform,
    no_such_column,
    parse,
    without_empty_end,
)

__all__ = [
    "Column",
    "Row",
    "Table",
    "as_polars",
    "conform",
    "known_columns",
    "no_such_column",
    "parse",
    "refuse_stand_ins",
    "without_empty_end",
]
