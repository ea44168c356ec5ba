"""Writing tables: Parquet, and a CSV twin that no spreadsheet runs."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tilseq.io.files import atomic, write_json, write_text, write_with
from tilseq.tables import Table, conform

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

__all__ = ["atomic", "harmless", "write_csv", "write_json", "write_parquet", "write_table", "write_text", "write_with"]


def write_table(frame: pl.DataFrame, table: Table, folder: str | Path) -> list[Path]:
    """Hold a frame against its table and write `<table>.parquet` with its `.csv` twin.

    A text cell of the twin that a spreadsheet would run as a formula gets a leading apostrophe; numbers are untouched.
    The Parquet file is lossless.
    """
    twin = Path(folder) / f"{table.name}.csv"
    parquet = write_parquet(frame, table, folder)
    write_csv(conform(frame, table), twin)
    return [parquet, twin]


def write_parquet(frame: pl.DataFrame, table: Table, folder: str | Path) -> Path:
    """Hold a frame against its table and write `<table>.parquet`."""
    frame = conform(frame, table)
    path = Path(folder) / f"{table.name}.parquet"
    write_with(path, lambda stream: frame.write_parquet(stream, compression="zstd"))
    return path


def write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a CSV whose text cells no spreadsheet runs; empty cells are nulls."""
    with atomic(path) as stream:
        harmless(frame).write_csv(stream)


def harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with an apostrophe before each text cell that a spreadsheet would take for a formula."""
    text = pl.selectors.string()
    runs = text.str.slice(0, 1).is_in(FORMULA_STARTS)
    return frame.with_columns(pl.when(runs).then(pl.lit("'") + text).otherwise(text).name.keep())
