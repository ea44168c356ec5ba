"""Whether every row of a delimited text has as many cells as its header."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tilseq.errors import ReadError

MAX_LINE_BYTES = 16 << 20
PIECE = 512 << 10  # of which the masks stay in cache
NEWLINE, QUOTE = 10, 34


def may_quote(separator: str) -> bool:
    """Return whether cells that this separator parts may be quoted; in a file parted by tabs a quote is plain."""
    return separator != "\t"


def check_rows(content: bytes, start: int, separator: str, width: int, header_row: int, path: str | Path) -> int:
    """Return the number of rows below the header, all of them as wide as it; raise at the first that is not.

    A separator or line end counts unless an odd number of quotes precedes it. Every record must then hold exactly
    `width` of these marks, its line end included. The file is walked in pieces, so that the masks stay in cache.
    """
    buffer = np.frombuffer(content, np.uint8)
    quoted = may_quote(separator) and b'"' in content
    if quoted:
        _check_quotes(buffer, start, separator, header_row, path)
    rows, marks_open, line_start, odd = 0, 0, start, 0
    for offset in range(start, len(buffer), PIECE):
        piece = buffer[offset : offset + PIECE]
        marks = (piece == ord(separator)) | (piece == NEWLINE)
        if quoted:
            parity = (np.cumsum(piece == QUOTE, dtype=np.uint8) + np.uint8(odd)) & 1
            marks &= parity == 0
            odd = int(parity[-1])
        at = np.flatnonzero(marks)
        ends = np.flatnonzero(piece[at] == NEWLINE)
        widths = np.diff(ends, prepend=-1 - marks_open)
        _check_widths(widths, width, header_row, rows, path)
        if len(ends):
            lengths = np.diff(offset + at[ends], prepend=line_start - 1)
            if lengths.max() > MAX_LINE_BYTES:
                raise long_line(header_row + rows + int(np.argmax(lengths > MAX_LINE_BYTES)), path)
            line_start = offset + int(at[ends[-1]]) + 1
        marks_open = len(at) - int(ends[-1]) - 1 if len(ends) else marks_open + len(at)
        rows += len(ends)
        if offset + len(piece) - line_start > MAX_LINE_BYTES:
            raise long_line(header_row + rows, path)
    if line_start < len(buffer):  # the last line has no line end
        _check_widths(np.array([marks_open + 1]), width, header_row, rows, path)
        rows += 1
    return rows - 1


def _check_widths(
    widths: np.ndarray[tuple[int], np.dtype[np.int64]], width: int, header_row: int, rows: int, path: str | Path
) -> None:
    wrong = np.flatnonzero(widths != width)
    if len(wrong):
        found, row = int(widths[wrong[0]]), header_row + rows + int(wrong[0])
        above = found > width and row == header_row + 1
        raise ReadError(
            "this row has fewer cells than the header" if found < width else "this row has more cells than the header",
            file=path,
            row=row,
            found=found,
            expected=f"{width} cell{'s' if width > 1 else ''}",
            mend=f"name every column in row {header_row}, or delete it if it is a title" if above else None,
        )


def _check_quotes(
    buffer: np.ndarray[tuple[int], np.dtype[np.uint8]], start: int, separator: str, header_row: int, path: str | Path
) -> None:
    """Raise unless quotes open at the start of a cell, close at its end, and are doubled within it (RFC 4180)."""
    quotes = np.flatnonzero(buffer[start:] == QUOTE) + start
    opening, closing = quotes[0::2], quotes[1::2]
    edges = np.array([ord(separator), NEWLINE], np.uint8)
    before = buffer[np.maximum(opening - 1, 0)]
    starts_cell = np.isin(before, edges) | (opening == start)
    starts_cell[1:] |= opening[1:] == closing[: len(opening) - 1] + 1  # a doubled quote
    after = buffer[np.minimum(closing + 1, len(buffer) - 1)]
    ends_cell = np.isin(after, edges) | (closing == len(buffer) - 1)
    follows = opening[1:] == closing[: len(opening) - 1] + 1
    ends_cell[: len(follows)] |= follows
    faults = [opening[~starts_cell][:1], opening[: len(closing)][~ends_cell][:1]]
    if len(opening) > len(closing):
        faults.append(opening[-1:])
    places = np.concatenate(faults)
    if len(places):
        raise ReadError(
            "a quote is out of place or never closed",
            file=path,
            row=_record(buffer, start, int(places.min()), header_row),
            mend='quote the whole cell and double the quotes within it ("")',
        )


def _record(buffer: np.ndarray[tuple[int], np.dtype[np.uint8]], start: int, position: int, header_row: int) -> int:
    """Return the row a position stands in; line ends within quotes do not count."""
    before = buffer[start:position]
    outside = np.cumsum(before == QUOTE, dtype=np.uint8) & 1 == 0
    return header_row + int(np.count_nonzero((before == NEWLINE) & outside))


def long_line(row: int, path: str | Path) -> ReadError:
    """Return the error for a line of more than `MAX_LINE_BYTES`."""
    return ReadError("this line is too long", file=path, row=row, expected=f"at most {MAX_LINE_BYTES} bytes")
