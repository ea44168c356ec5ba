"""Writing tables: Parquet, and a CSV twin that no spreadsheet runs."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import polars as pl

from tilseq.io.files import write_text, write_with
from tilseq.tables import Row, Table, conform

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
DIGITS = 10  # of a number in a CSV; Parquet keeps all
# Sizes that polars rounds to the nearest number of so many digits; it misses it beyond.
ROUNDED_EXACTLY = (1e-12, 1e12)


def write_table(
    frame: pl.DataFrame, table: Table, folder: str | Path, metadata: dict[str, str] | None = None
) -> list[Path]:
    """Hold a frame against its table and write `<table>.parquet` with its `.csv` twin.

    A text cell of the twin that a spreadsheet would run as a formula gets a leading apostrophe; a number that is not
    whole has at most 10 significant digits. The Parquet file is lossless, and takes the metadata.
    """
    frame = conform(frame, table)
    parquet, twin = (Path(folder) / f"{table.name}.{kind}" for kind in ("parquet", "csv"))
    write_frame(frame, parquet, metadata)
    write_csv(frame, twin)
    return [parquet, twin]


def write_parquet(rows: pl.DataFrame | Sequence[Row], table: Table, folder: str | Path) -> Path:
    """Hold a frame, or rows, against their table and write `<table>.parquet`."""
    path = Path(folder) / f"{table.name}.parquet"
    write_frame(conform(rows if isinstance(rows, pl.DataFrame) else table.frame(rows), table), path)
    return path


def write_frame(frame: pl.DataFrame, path: str | Path, metadata: dict[str, str] | None = None) -> None:
    """Write a frame of no public table as Parquet."""
    # Made in memory first: polars hides a full disk behind an error of its own.
    content = BytesIO()
    frame.write_parquet(content, compression="zstd", metadata=metadata)
    write_with(path, lambda stream: stream.write(content.getbuffer()))


def write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a CSV as `csv_text` has it."""
    write_text(path, csv_text(frame))


def csv_text(frame: pl.DataFrame) -> str:
    """Return a frame as CSV whose text cells no spreadsheet runs, numbers to 10 digits; empty cells are nulls."""
    numbers = [_shortened(frame[name]) for name in frame.select(pl.selectors.float()).columns]
    return harmless(frame.with_columns(numbers)).write_csv()


def _shortened(values: pl.Series) -> pl.Series:
    """Return numbers to at most 10 significant digits, whole ones as they are."""
    short = values.round_sig_figs(DIGITS)
    size, whole = values.abs(), values == values.round()
    beyond = ((size < ROUNDED_EXACTLY[0]) | (size >= ROUNDED_EXACTLY[1])).fill_null(False)
    if beyond.any():
        one_by_one = [float(f"{value:.{DIGITS}g}") for value in values.filter(beyond)]
        short = short.scatter(beyond.arg_true(), pl.Series(one_by_one, dtype=values.dtype))
    return values.zip_with(whole.fill_null(False), short)


def harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with an apostrophe before each text cell that a spreadsheet would take for a formula."""
    text = pl.selectors.string()
    runs = text.str.slice(0, 1).is_in(FORMULA_STARTS)
    return frame.with_columns(pl.when(runs).then(pl.lit("'") + text).otherwise(text).name.keep())
