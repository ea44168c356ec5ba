"""The column registry: name, type, unit and meaning of every column of every public table."""

from tilseq.tables.schema import Column, Table, as_polars, conform, no_such_column, parse, without_empty_end

__all__ = ["Column", "Table", "as_polars", "conform", "no_such_column", "parse", "without_empty_end"]
