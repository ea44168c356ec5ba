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
    frame = conform(frame, table)
    parquet, twin = (Path(folder) / f"{table.name}.{kind}" for kind in ("parquet", "csv"))
    _write_whole(frame, parquet)
    write_csv(frame, twin)
    return [parquet, twin]


def write_parquet(frame: pl.DataFrame, table: Table, folder: str | Path) -> Path:
    """Hold a frame against its table and write `<table>.parquet`."""
    path = Path(folder) / f"{table.name}.parquet"
    _write_whole(conform(frame, table), path)
    return path


def _write_whole(frame: pl.DataFrame, path: Path) -> None:
    write_with(path, lambda stream: frame.write_parquet(stream, compression="zstd"))


def write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a CSV whose text cells no spreadsheet runs; empty cells are nulls."""
    with atomic(path) as stream:
        harmless(frame).write_csv(stream)


def harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with an apostrophe before each text cell that a spreadsheet would take for a formula."""
    text = pl.selectors.string()
    runs = text.str.slice(0, 1).is_in(FORMULA_STARTS)
    return frame.with_columns(pl.when(runs).then(pl.lit("'") + text).otherwise(text).name.keep())
