"""Plain delimited texts, read piece by piece on all processors while the bytes of each tell that its rows are even."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import SEEK_END
from typing import BinaryIO

import numpy as np
import polars as pl

from tilseq.errors import ReadError
from tilseq.io import row_checks
from tilseq.io.row_checks import check_rows, may_quote

PIECE = 8 << 20  # stays in cache while it is looked at and read
THREADS_A_PROCESSOR = 2  # one goes on while another waits for threads of polars to wake
LOOKED_AT = 256 << 10  # of which masks stay in a nearer cache
LINE_FEED, BLANK = b"\n", 32


def read_even_rows(
    open_text: Callable[[], BinaryIO], start: int, separator: str, names: Sequence[str], columns: Sequence[str]
) -> pl.DataFrame | None:
    """Return some columns of the rows that begin at a byte, or None where the text is not plain or a row not even.

    Plain is UTF-8 without quotes, where they count, and without control characters but line feeds and tabs that part
    cells. A row is even that has a cell for each name.
    """
    cuts = _cuts(open_text, start)
    if cuts is None:
        return None

    def read(begin: int, end: int) -> pl.DataFrame | None:
        with open_text() as stream:
            stream.seek(begin)
            return _read_piece(stream.read(end - begin), separator, names, columns)

    with ThreadPoolExecutor(THREADS_A_PROCESSOR * pl.thread_pool_size()) as pool:
        frames = list(pool.map(read, cuts[:-1], cuts[1:]))
    sound = [frame for frame in frames if frame is not None]
    none = pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
    return pl.concat([none, *sound], rechunk=False) if len(sound) == len(frames) else None


def _cuts(open_text: Callable[[], BinaryIO], start: int) -> list[int] | None:
    """Return where pieces begin and end, each at the end of a line; None where a line may be too long."""
    step = min(PIECE, row_checks.MAX_LINE_BYTES // 2)
    with open_text() as stream:
        size = stream.seek(0, SEEK_END)
        cuts = [start]
        while cuts[-1] + step < size:
            stream.seek(cuts[-1] + step)
            if not stream.readline(step).endswith(LINE_FEED) and stream.tell() < size:
                return None
            cuts.append(stream.tell())
    return [*cuts, size] if cuts[-1] < size else cuts


def _read_piece(text: bytes, separator: str, names: Sequence[str], columns: Sequence[str]) -> pl.DataFrame | None:
    if may_quote(separator) and b'"' in text:
        return None
    last = names[-1]
    try:
        frame = pl.read_csv(
            text,
            has_header=False,
            separator=separator,
            quote_char=None,
            schema=dict.fromkeys(names, pl.String()),
            columns=[place for place, name in enumerate(names) if name in columns or name == last],
            truncate_ragged_lines=True,
        )
        # Where no row lacks its last cell none is short, so that the marks are too many if one is long.
        if frame[last].null_count():
            check_rows(text, 0, separator, len(names), 0, "")
    except (pl.exceptions.PolarsError, ReadError):  # of Polars above all where the text is not UTF-8
        return None
    if _marks(text, separator) != frame.height * len(names):
        return None
    return frame if last in columns else frame[list(columns)]  # by names as they stand, be one an asterisk


def _marks(text: bytes, separator: str) -> int:
    """Return how many separators, line ends and other control characters there are; the end of the text ends a line."""
    buffer = np.frombuffer(text, np.uint8)
    marks = int(not text.endswith(LINE_FEED))
    for at in range(0, len(buffer), LOOKED_AT):
        part = buffer[at : at + LOOKED_AT]
        marks += int(np.count_nonzero(part < BLANK))
        if ord(separator) >= BLANK:
            marks += int(np.count_nonzero(part == ord(separator)))
    return marks
