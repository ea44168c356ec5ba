"""Delimited text files: every cell as text, every row where it stands, or an error that says where it does not."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import stat
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from os import SEEK_END
from os.path import isfile
from pathlib import Path
from typing import BinaryIO

import polars as pl

from tilseq.errors import ReadError
from tilseq.io import row_checks
from tilseq.io.even_rows import read_even_rows
from tilseq.io.kinds import GZIP, KIND_BYTES, kind_of
from tilseq.io.row_checks import check_rows, long_line, may_quote

MAX_BYTES = 4 << 30
MAX_COLUMNS = 100_000
# DEFLATE reaches 1:1032 on zeros; real tables stay far below 1:100.
MAX_GZIP_RATIO = 200
SMALL_GZIP_BYTES = 16 << 20
CHUNK = 4 << 20
FIRST_BYTES = 4096
SEPARATORS = ("\t", ",", ";")
SEPARATOR_OF_SUFFIX = {".tsv": "\t", ".tab": "\t", ".csv": ","}
FCS_HEADER = re.compile(rb"FCS[23]\.[0-9] {4}")  # and no header of a table
LARGE_BYTES = 16 << 20  # larger plain files are not read whole
BEGINNING = 1 << 20  # of a large file, in which its header ends


@dataclass(frozen=True)
class Delimited:
    """A delimited text file whose header is read; that every row has as many cells is checked as they are read.

    Attributes
    ----------
    path
        The file, as errors name it.
    names
        Column names, as they stand in the header.
    separator
        What parts the cells.
    header_row
        Row of the header: 1, or more where comment lines stand above it.
    """

    path: str
    names: tuple[str, ...]
    separator: str
    header_row: int
    _start: int  # of the header
    _body: int  # where the rows begin
    _content: bytes | None  # none where a large file is read as it stands

    def cells(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the cells of some columns, by default all, in the file's order: all text, an empty cell null.

        Raises
        ------
        ReadError
            The text is not sound, see `read_cells`.
        """
        wanted = [name for name in self.names if columns is None or name in columns]
        if not wanted:
            return pl.DataFrame()
        frame = read_even_rows(self._open, self._body, self.separator, self.names, wanted)
        return self._checked(wanted) if frame is None else frame

    def _open(self) -> BinaryIO:
        return open(self.path, "rb") if self._content is None else io.BytesIO(self._content)

    def _checked(self, wanted: Sequence[str]) -> pl.DataFrame:
        """Return some columns of a text that is not plain, or raise where it is not sound."""
        content = _as_utf8(_read_bytes(self.path), self.path) if self._content is None else self._content
        rows = check_rows(content, self._start, self.separator, len(self.names), self.header_row, self.path)
        if not rows:
            return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String()))
        quoted = may_quote(self.separator) and b'"' in content
        frame = pl.read_csv(
            content,
            has_header=False,
            skip_lines=self.header_row,
            separator=self.separator,
            quote_char='"' if quoted else None,
            schema=dict.fromkeys(self.names, pl.String()),
            columns=[place for place, name in enumerate(self.names) if name in wanted],
            n_rows=rows,
        )
        if frame.height != rows:
            raise ReadError("rows were lost while reading", file=self.path, found=frame.height, expected=str(rows))
        # Unquoted empty cells are null already.
        return frame.with_columns(pl.when(pl.all() != "").then(pl.all())) if quoted else frame


def read_cells(path: str | Path, *, separator: str | None = None, comment: str | None = None) -> pl.DataFrame:
    """Read a delimited text file, plain or gzip, as a frame of text cells.

    Row ``i`` of the frame is row ``i + 2`` of the file; each comment line above the header adds one to that.
    A line break within a quoted cell does not start a row, as in a spreadsheet. Cells and names keep their blanks.
    UTF-8 and, with a byte-order mark, UTF-16 are read, with LF, CRLF or CR line ends (within cells they become LF).
    Quotes follow RFC 4180, except in a file parted by tabs, where a quote is a plain character.

    Parameters
    ----------
    path
        The file. Its real type is told by its first bytes, whatever its suffix.
    separator
        What parts the cells. By default what the suffix says (.csv, .tsv, .tab) if it occurs in the header,
        else the tab, comma or semicolon that occurs most often there.
    comment
        Lines above the header that start with this are skipped; below the header every line is data.

    Returns
    -------
    polars.DataFrame
        One text column a column of the file, in its order; an empty cell is null.

    Raises
    ------
    ReadError
        The file is absent, empty, cut, too large or of another type; is not UTF-8; holds a NUL, a row with more or
        fewer cells than the header, an unbalanced quote, a line over 16 MiB, a column name twice.
    """
    return open_delimited(path, separator=separator, comment=comment).cells()


def open_delimited(path: str | Path, *, separator: str | None = None, comment: str | None = None) -> Delimited:
    """Read the header of a delimited text file, so that the columns needed can be chosen; see `read_cells`."""
    if _plain_so_far(path):
        with open(path, "rb") as stream:
            source = _with_header(stream, path, separator, comment, None)
        if source._body <= BEGINNING:
            return source
    content = _as_utf8(_read_bytes(path), path)
    return _with_header(io.BytesIO(content), path, separator, comment, content)


def _with_header(
    stream: BinaryIO, path: str | Path, separator: str | None, comment: str | None, content: bytes | None
) -> Delimited:
    row, start, line = _find_header(stream, path, comment)
    header = line.removesuffix(b"\n").decode(errors="replace")  # cells tells of a file that is not UTF-8
    separator = separator or _separator(header, Path(path))
    names = _names(header, separator, row, path)
    return Delimited(str(path), names, separator, row, start, start + len(line), content)


def read_text(path: str | Path) -> str:
    """Return a text file, plain or gzip, in UTF-8 or with a byte-order mark UTF-16; errors as `read_cells`."""
    return _as_utf8(_read_bytes(path), path).decode()


def unquoted(cell: str) -> str:
    """Return a cell without the quotes around it, which R writes in files parted by tabs too."""
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def first_character(path: str | Path) -> str:
    """Return the first character of a text file, plain or gzip, that is no blank; none where it cannot be read."""
    if not isfile(path):  # opening a pipe could wait for ever
        return ""
    try:
        with open(path, "rb") as stream:
            packed = stream.read(2) == GZIP
            stream.seek(0)
            start = (gzip.GzipFile(fileobj=stream) if packed else stream).read(FIRST_BYTES)
    except (OSError, EOFError, zlib.error):
        return ""
    return start.removeprefix(codecs.BOM_UTF8).decode("latin-1").lstrip()[:1]


def _read_bytes(path: str | Path) -> bytes:
    """Return the file's bytes, unpacked if they are gzip, once its size and type are known to be sound."""
    content, packed = unpacked(path)
    _refuse_other_types(content, path, packed)
    return content


def unpacked(path: str | Path) -> tuple[bytes, bool]:
    """Return the file's bytes, whatever they are, and whether they were gzip; errors as `read_cells`."""
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe could wait for ever
            raise ReadError("not a regular file", file=path, mend="save it to a file first")
        if status.st_size > MAX_BYTES:
            raise ReadError(
                "the file is too large", file=path, found=status.st_size, expected=f"at most {MAX_BYTES} bytes"
            )
        with open(path, "rb") as stream:
            packed = stream.read(2) == GZIP
            stream.seek(0)
            content = _unpack(stream, status.st_size, path) if packed else stream.read()
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", file=path) from error
    if not content:
        raise ReadError("the file is empty", file=path)
    return content, packed


def _plain_so_far(path: str | Path) -> bool:
    """Return whether a large file, not packed, begins as ASCII with LF line ends, so that it may be read in pieces."""
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode) or not LARGE_BYTES <= status.st_size <= MAX_BYTES:
            return False
        with open(path, "rb") as stream:
            beginning = stream.read(BEGINNING)
            stream.seek(-2, SEEK_END)
            blank_end = stream.read() == b"\n\n"
    except OSError:
        return False
    plain = beginning.isascii() and not (b"\r" in beginning or b"\0" in beginning)
    return plain and not blank_end and not kind_of(beginning[:KIND_BYTES])


def _unpack(stream: BinaryIO, size: int, path: str | Path) -> bytes:
    allowed = min(MAX_BYTES, max(SMALL_GZIP_BYTES, MAX_GZIP_RATIO * size))
    parts: list[bytes] = []
    total = 0
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            while part := unpacked.read(CHUNK):
                total += len(part)
                if total > allowed:
                    raise ReadError(
                        "the gzip file unpacks to more than it may",
                        file=path,
                        found=f"over {allowed} bytes from {size}",
                        expected=f"at most {MAX_GZIP_RATIO} times its size",
                        mend="unpack it yourself if you trust it",
                    )
                parts.append(part)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ReadError("the gzip file is cut or damaged", file=path, mend="copy it again") from error
    return b"".join(parts)


def _refuse_other_types(content: bytes, path: str | Path, packed: bool) -> None:
    kind = kind_of(content)
    if packed and content.startswith(GZIP):
        kind = "a gzip file within a gzip file"
    if FCS_HEADER.match(content):
        kind = "an FCS file"
    if kind:
        mend = "save its sheet as CSV in UTF-8" if "Excel" in kind else None
        raise ReadError(
            "this is not delimited text", file=path, found=kind, expected="CSV or TSV, plain or gzip", mend=mend
        )


def _as_utf8(content: bytes, path: str | Path) -> bytes:
    """Return the text as UTF-8 without a byte-order mark and with LF line ends."""
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise ReadError("the text is not UTF-8", file=path, found="UTF-32", mend="save it as UTF-8")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeError as error:
            raise ReadError("the UTF-16 text is cut or damaged", file=path, mend="save it as UTF-8") from error
    content = content.removeprefix(codecs.BOM_UTF8)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if content.endswith(b"\n\n"):
        content = content.rstrip(b"\n")
    _check_characters(content, path)
    return content


def _check_characters(content: bytes, path: str | Path) -> None:
    nul = content.find(b"\0")
    if nul >= 0:
        beginning = content[:200]
        if beginning.count(b"\0") * 3 > len(beginning):
            raise ReadError(
                "the text is not UTF-8", file=path, found="UTF-16 without its mark", mend="save it as UTF-8"
            )
        raise ReadError("the text holds a NUL", file=path, row=_line(content, nul), mend="copy or export it again")
    if content.isascii():
        return
    try:
        codecs.utf_8_decode(content, "strict", True)
    except UnicodeDecodeError as error:
        byte = content[error.start]
        suspect = "Windows-1252" if 0x80 <= byte < 0xA0 else "Latin-1 (ISO 8859-1) or Windows-1252"
        raise ReadError(
            "the text is not UTF-8",
            file=path,
            row=_line(content, error.start),
            found=f"byte 0x{byte:02x}, perhaps {suspect}",
            mend="save it as UTF-8",
        ) from error


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _find_header(stream: BinaryIO, path: str | Path, comment: str | None) -> tuple[int, int, bytes]:
    """Return the header's row, where it starts, and its line, below any comment lines."""
    row, start = 1, 0
    while comment and (line := stream.readline()).startswith(comment.encode()):
        row, start = row + 1, start + len(line)
    stream.seek(start)
    line = stream.readline()
    if not line and row > 1:
        raise ReadError("the file holds nothing but comments", file=path)
    if len(line) > row_checks.MAX_LINE_BYTES:
        raise long_line(row, path)
    if not line.strip():
        raise ReadError("the header is empty", file=path, row=row, expected="the names of the columns")
    return row, start, line


def _separator(header: str, path: Path) -> str:
    suffix = next((s for s in reversed(path.suffixes) if s.lower() != ".gz"), "").lower()
    said = SEPARATOR_OF_SUFFIX.get(suffix)
    if said and said in header:
        return said
    most = max(SEPARATORS, key=header.count)
    return most if most in header else said or ","


def _names(header: str, separator: str, row: int, path: str | Path) -> tuple[str, ...]:
    if may_quote(separator):
        try:
            names = next(csv.reader(io.StringIO(header), delimiter=separator, strict=True))
        except csv.Error as error:
            raise ReadError("the header has a quote out of place", file=path, row=row) from error
    else:
        names = header.split(separator)
    if len(names) > MAX_COLUMNS:
        raise ReadError("too many columns", file=path, row=row, found=len(names), expected=f"at most {MAX_COLUMNS}")
    nameless = names.count("")
    if nameless > 1:
        mend = "delete the empty columns that a spreadsheet left, or the title above the header"
        raise ReadError("several columns have no name", file=path, row=row, found=nameless, mend=mend)
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ReadError("this column stands twice in the header", file=path, row=row, column=name)
        seen.add(name)
    return tuple(names)
