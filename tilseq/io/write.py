"""Writing so that what exists is whole: beside the target first, then renamed over it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import polars as pl

from tilseq.errors import RunError
from tilseq.tables import Table, conform

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def atomic(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name only when the block ends without an error.

    Raises
    ------
    RunError
        The disk is full, the folder cannot be written, or the device fails.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            yield cast(BinaryIO, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise RunError(
            f"cannot write: {error.strerror or error}", file=path, mend="free space or give another output folder"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_with(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file atomically through a function that takes an open binary stream."""
    with atomic(path) as stream:
        write(stream)


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic(path) as stream:
        stream.write(text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write sorted, indented JSON atomically; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


def write_table(frame: pl.DataFrame, table: Table, folder: str | Path) -> list[Path]:
    """Hold a frame against its table and write `<table>.parquet` with its `.csv` twin.

    A text cell of the twin that a spreadsheet would run as a formula gets a leading apostrophe; numbers are untouched.
    The Parquet file is lossless.
    """
    frame = conform(frame, table)
    parquet, twin = Path(folder) / f"{table.name}.parquet", Path(folder) / f"{table.name}.csv"
    write_with(parquet, lambda stream: frame.write_parquet(stream, compression="zstd"))
    write_csv(frame, twin)
    return [parquet, twin]


def write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a CSV whose text cells no spreadsheet runs; empty cells are nulls."""
    with atomic(path) as stream:
        harmless(frame).write_csv(stream)


def harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with an apostrophe before each text cell that a spreadsheet would take for a formula."""
    text = pl.selectors.string()
    runs = text.str.slice(0, 1).is_in(FORMULA_STARTS)
    return frame.with_columns(pl.when(runs).then(pl.lit("'") + text).otherwise(text).name.keep())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
