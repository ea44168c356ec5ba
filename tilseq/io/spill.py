"""A spillover matrix in a table, as FlowJo and others export it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from tilseq.errors import ReadError, did_you_mean
from tilseq.io.fcs import Spill
from tilseq.io.text import read_cells

FIRST_ROW = 2
# What a program may lose when it writes 1.
NEAR_ONE = 1e-5


def read_spill(path: str | Path) -> Spill:
    """Read a spillover matrix from a CSV or TSV file.

    Parameters
    ----------
    path
        The first column names the rows, the header the columns, both by the channels' names ($PnN). Row i is what
        the dye of channel i puts into each detector, as a fraction of its own signal. Rows may stand in another order
        than columns. A file gives no sign of rows and columns being exchanged: see that it is written this way.

    Returns
    -------
    Spill
        Channels in the order of the columns, the matrix, n × n, float64, and the file's name.

    Raises
    ------
    ReadError
        The file is no delimited text, holds no channel, is not square, names a channel not at all, twice or only in
        rows or columns, holds a cell that is not a finite number, or has another value than 1 on its diagonal.
    """
    cells = read_cells(path)
    _refuse_nameless_rows(cells, path)
    channels = _channels(cells.columns[1:], path)
    rows = _rows(cells[:, 0].to_list(), channels, path)
    values = np.empty((len(channels), len(channels)), dtype=np.float64)
    for place, name in enumerate(channels):
        values[:, place] = _numbers(cells[:, place + 1], name, path)
    for place, name in enumerate(channels):
        own = values[rows.index(name), place]
        if abs(own - 1) > NEAR_ONE:
            raise ReadError(
                "the diagonal of a spillover matrix is 1, the dye's signal in its own detector",
                file=path,
                row=rows.index(name) + FIRST_ROW,
                column=name,
                found=float(own),
                expected="1",
                mend="divide percentages by 100" if own == 100 else "divide each row by the value on its diagonal",
            )
    return Spill(channels, values[[rows.index(name) for name in channels]], Path(path).name)


def _refuse_nameless_rows(cells: pl.DataFrame, path: str | Path) -> None:
    """Refuse a table whose first column is of numbers: programs write matrices without the names of the rows, too."""
    first = cells[:, 0].str.strip_chars()
    if first.len() and first.cast(pl.Float64, strict=False).is_not_null().all() and not set(first) & {*cells.columns}:
        raise ReadError(
            "the first column of the spillover matrix does not name the rows",
            file=path,
            row=FIRST_ROW,
            column=cells.columns[0],
            found=first[0],
            expected="the channel of the row's dye",
            mend="put a column before the others that names the channel of each row",
        )


def _channels(header: Sequence[str], path: str | Path) -> list[str]:
    channels = [name.strip() for name in header]
    if not channels:
        raise ReadError("a spillover matrix without channels", file=path, row=1, expected="a column for each channel")
    for place, name in enumerate(channels):
        if not name:
            raise ReadError(
                "a column of the spillover matrix has no name", file=path, row=1, found=f"column {place + 2}"
            )
        if name in channels[:place]:
            raise ReadError("the spillover matrix names a column twice", file=path, row=1, column=name)
    return channels


def _rows(names: Sequence[str | None], channels: Sequence[str], path: str | Path) -> list[str]:
    """Return the names of the rows, each one of the columns."""
    rows = [(name or "").strip() for name in names]
    for place, name in enumerate(rows):
        row = place + FIRST_ROW
        if not name:
            raise ReadError("a row of the spillover matrix has no name", file=path, row=row)
        if name in rows[:place]:
            raise ReadError("the spillover matrix names a row twice", file=path, row=row, found=name)
        if name not in channels:
            raise ReadError(
                "a row of the spillover matrix has no column",
                file=path,
                row=row,
                found=name,
                expected=f"one of {', '.join(channels)}",
                mend=did_you_mean(name, channels),
            )
    for name in channels:
        if name not in rows:
            raise ReadError(
                "a column of the spillover matrix has no row",
                file=path,
                column=name,
                found=f"{len(rows)} rows and {len(channels)} columns",
                expected="a row for each column",
            )
    return rows


def _numbers(cells: pl.Series, name: str, path: str | Path) -> pl.Series:
    numbers = cells.str.strip_chars().cast(pl.Float64, strict=False)
    wrong = (~numbers.is_finite().fill_null(False)).arg_true()
    if len(wrong):
        place = int(wrong[0])
        raise ReadError(
            "a cell of the spillover matrix is not a finite number",
            file=path,
            row=place + FIRST_ROW,
            column=name,
            found=cells[place] or "",
            expected="a number such as 0.05",
        )
    return numbers
