"""HEADER and TEXT of an FCS file: what kind of file it is, its keywords, its chain of data sets."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tilseq.errors import ReadError, shown
from tilseq.io.kinds import kind_of

HEADER_BYTES = 58
LARGEST_TEXT = 4 << 20
MOST_DATA_SETS = 10_000
LARGEST_LEFTOVER = 1 << 16
# What FCS allows behind the last segment: 8 characters of checksum, 7 where DATA is said to end one byte too far.
CHECKSUM = re.compile(rb"[0-9A-Fa-f]{7,8}|")
VERSIONS = ("FCS2.0", "FCS3.0", "FCS3.1", "FCS3.2")
# The keywords that decide what the numbers mean; none of them may be given twice, or stand where a value should.
DECISIVE = re.compile(
    r"\$(P\d+[NBERGS]|P\d+DATATYPE|PAR|TOT|MODE|DATATYPE|BYTEORD|(BEGIN|END)(DATA|STEXT)|NEXTDATA|SPILL|SPILLOVER|COMP)"
    r"|SPILL"
)


@dataclass(frozen=True)
class Header:
    """One data set's HEADER and TEXT.

    Attributes
    ----------
    path, file_size
        The file and its size in bytes.
    base
        Byte of the file at which the data set starts; all its offsets count from there.
    version
        `FCS2.0`, `FCS3.0`, `FCS3.1` or `FCS3.2`.
    text, data
        First and last byte of TEXT and DATA as HEADER gives them, from `base`; None where DATA is blank or 0.
    last
        Last byte of any segment, as HEADER gives it.
    keywords
        Keyword in upper case to its value as it stands.
    warnings
        What is odd but does not forbid reading; readers of the other parts add theirs.
    """

    path: Path
    file_size: int
    base: int
    version: str
    text: tuple[int, int]
    data: tuple[int, int] | None
    last: int
    keywords: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def error(self, what: str, keyword: str | None = None, **parts: object) -> ReadError:
        """Return an error that names this file and, where given, the keyword and what stands there."""
        if keyword is not None:
            parts = {"column": keyword, "found": self.keywords.get(keyword), **parts}
        return ReadError(what, file=self.path, **parts)  # type: ignore[arg-type]

    def required(self, keyword: str) -> str:
        """Return a keyword's value without the blanks around it; absent or empty is an error."""
        value = self.keywords.get(keyword, "").strip()
        if not value:
            raise self.error(
                "a required keyword is missing",
                keyword,
                expected=f"{keyword} with a value in TEXT",
                mend="if TEXT holds unescaped delimiters its keywords are shifted; export the file again",
            )
        return value

    def whole(self, keyword: str, absent: int | None = None) -> int:
        """Return a keyword's value as a whole number, or `absent` where that is given and the keyword is not."""
        if absent is not None and not self.keywords.get(keyword, "").strip():
            return absent
        value = whole_number(self.required(keyword))
        if value is None:
            raise self.error("a keyword is no whole number", keyword, expected="digits only")
        return value


@contextmanager
def open_fcs(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file and give it with its size, after a look at what kind of file it is.

    Raises
    ------
    ReadError
        The file cannot be opened or read, is empty, too short or of another kind.
    """
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        raise ReadError(f"cannot open: {getattr(error, 'strerror', None) or error}", file=path) from error
    if not regular:
        raise ReadError("not a regular file", file=path, expected="an FCS file")
    try:
        with path.open("rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            _check_kind(path, size, stream.read(HEADER_BYTES))
            yield stream, size
    except OSError as error:
        raise ReadError(f"cannot read: {error.strerror or error}", file=path) from error


def read_header(stream: BinaryIO, size: int, path: Path, base: int = 0) -> Header:
    """Return HEADER and TEXT (with the supplemental TEXT) of the data set that starts at byte `base`.

    Raises
    ------
    ReadError
        No FCS 2.0-3.2 HEADER stands there, TEXT does not lie in the file, or its keywords contradict each other.
    """
    raw = _read_at(stream, base, min(HEADER_BYTES, size - base))
    if len(raw) < HEADER_BYTES or raw[:3] != b"FCS":
        raise ReadError(
            "no FCS HEADER", file=path, byte=base, found=raw[:6], expected=f"{HEADER_BYTES} bytes from FCS on"
        )
    version = raw[:6].decode("ascii", "replace")
    if version not in VERSIONS:
        raise ReadError("unknown FCS version", file=path, byte=base, found=version, expected=", ".join(VERSIONS))
    first, last, data_first, data_last = (_offset(raw, at, path, base) for at in (10, 18, 26, 34))
    if first is None or last is None or not HEADER_BYTES <= first < last:
        raise ReadError(
            "HEADER gives no place for TEXT",
            file=path,
            byte=base + 10,
            found=raw[10:26],
            expected=f"{HEADER_BYTES} <= begin < end",
        )
    data = (data_first, data_last) if data_first and data_last else None
    furthest = max(last, data_last or 0, whole_number(raw[50:58].decode("latin-1")) or 0)
    header = Header(path, size, base, version, (first, last), data, furthest)
    text = _segment(stream, header, first, last, "TEXT")
    _add_text(header, text)
    _check_behind(header, _read_at(stream, base + last + 1, 1))
    begin, end = header.whole("$BEGINSTEXT", 0), header.whole("$ENDSTEXT", 0)
    if begin and end > begin and (begin, end) != header.text:
        more = _segment(stream, header, begin, end, "supplemental TEXT")
        if more[0] == text[0]:
            _add_text(header, more)
        else:
            header.warnings.append("The supplemental TEXT does not start with TEXT's delimiter; it was not read.")
    return header


def chain(stream: BinaryIO, size: int, first: Header) -> tuple[list[int], ReadError | None]:
    """Return the starts of all data sets, in file order, and the fault that ends the chain early, if any.

    $NEXTDATA counts from the start of its data set; where no HEADER stands there, from the start of the file, as some
    instruments write it. A next data set begins behind the TEXT of this one, so a chain that leads back is a loop.
    """
    starts, header = [first.base], first
    try:
        while step := header.whole("$NEXTDATA", 0):
            places = (header.base + step, step)
            found = [place for place in places if place + HEADER_BYTES <= size and _read_at(stream, place, 3) == b"FCS"]
            if not found:
                raise header.error(
                    f"$NEXTDATA of data set {len(starts) - 1} leads to no data set",
                    "$NEXTDATA",
                    byte=places[0],
                    expected=f"a HEADER inside the file of {size} bytes",
                    mend="the file may be cut; get it whole",
                )
            if found[0] <= header.base + header.text[1]:
                raise header.error(
                    f"$NEXTDATA of data set {len(starts) - 1} makes a loop back to byte {found[0]}", "$NEXTDATA"
                )
            if len(starts) == MOST_DATA_SETS:
                raise header.error("the file holds too many data sets", expected=f"at most {MOST_DATA_SETS}")
            header = read_header(stream, size, first.path, found[0])
            starts.append(header.base)
    except ReadError as fault:
        return starts, fault
    return starts, None


def warn_of_leftover(stream: BinaryIO, header: Header) -> None:
    """Warn where the file goes on behind its last segment by more than blanks or a checksum.

    A header edited by another program (to take a name out of it, say) may have moved DATA away from its place.
    """
    ends = [whole_number(header.keywords.get(f"$END{name}", "")) or 0 for name in ("DATA", "STEXT", "ANALYSIS")]
    behind = header.base + max(header.last, *ends) + 1
    rest = _read_at(stream, behind, min(header.file_size - behind, LARGEST_LEFTOVER))
    if not CHECKSUM.fullmatch(rest.strip(b" \0\r\n\t")) and not header.keywords.get("$NEXTDATA", "").strip("0 "):
        header.warnings.append(
            f"{header.file_size - behind} bytes at the end of the file belong to no segment; "
            "if the header was edited, DATA may have moved and its values be wrong."
        )


def _read_at(stream: BinaryIO, offset: int, count: int) -> bytes:
    """Return up to `count` bytes from `offset` of the file."""
    if count <= 0:
        return b""
    stream.seek(offset)
    return stream.read(count)


def whole_number(text: str) -> int | None:
    """Return text of digits as a number; anything else, signs and underscores too, is None."""
    text = text.strip()
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) else None


def _check_kind(path: Path, size: int, start: bytes) -> None:
    if not size:
        raise ReadError("the file is empty", file=path, found="0 bytes", expected="an FCS file")
    kind = kind_of(start)
    if kind:
        raise ReadError("not an FCS file", file=path, byte=0, found=kind, expected="FCS2.0, FCS3.0, FCS3.1 or FCS3.2")
    if size < HEADER_BYTES:
        raise ReadError(
            "too short for an FCS file", file=path, found=f"{size} bytes", expected=f"at least {HEADER_BYTES} bytes"
        )


def _offset(raw: bytes, at: int, path: Path, base: int) -> int | None:
    """Return one 8-byte offset of HEADER; blank is None."""
    text = raw[at : at + 8].decode("latin-1").replace("\0", " ").strip()
    value = whole_number(text)
    if text and value is None:
        raise ReadError(
            "HEADER holds no offset", file=path, byte=base + at, found=text, expected="a number of 8 characters"
        )
    return value


def _segment(stream: BinaryIO, header: Header, first: int, last: int, name: str) -> str:
    begin, count = header.base + first, last - first + 1
    if begin + count > header.file_size:
        raise header.error(
            f"the file is cut inside {name}",
            byte=begin,
            found=f"{max(0, header.file_size - begin)} bytes",
            expected=f"{count} bytes",
            mend="get the file whole",
        )
    if count > LARGEST_TEXT:
        raise header.error(
            f"{name} is too large", byte=begin, found=f"{count} bytes", expected=f"at most {LARGEST_TEXT} bytes"
        )
    raw = _read_at(stream, begin, count)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _add_text(header: Header, text: str) -> None:
    """Add a TEXT segment's keywords to the header's."""
    pairs, empty, rest = split_text(text)
    if not pairs:
        raise header.error("TEXT holds no keywords", byte=header.base + header.text[0], found=text[:20])
    if empty:
        header.warnings.append(
            f"{empty} keywords have no value, which FCS does not allow; a doubled delimiter right after a keyword "
            "was read as an empty value."
        )
    if rest:
        _check_rest(header, rest, text[0])
    repeated = set()
    for keyword, value in pairs:
        name = keyword.strip().upper()
        known = header.keywords.setdefault(name, value)
        if value.lstrip().startswith("$") and DECISIVE.fullmatch(value.strip().upper()):
            raise header.error(
                "keywords and values of TEXT are shifted",
                shown(keyword),
                found=value,
                expected="a value, not a keyword",
                mend="a value holds an unescaped delimiter; export the file again",
            )
        if known != value:
            repeated.add(name)
            if DECISIVE.fullmatch(name):
                raise header.error("a keyword is given twice with different values", name, found=f"{known} and {value}")
    if repeated:
        header.warnings.append(f"{len(repeated)} keywords are given twice with different values; the first is kept.")


def _check_rest(header: Header, rest: str, delimiter: str) -> None:
    name = rest.split(delimiter)[0].strip().upper()
    if DECISIVE.fullmatch(name):
        raise header.error(
            f"TEXT ends inside the value of {name}",
            byte=header.base + header.text[1],
            found=rest[len(name) + 1 :],
            expected=f"the delimiter {delimiter!r} behind it",
            mend="the end of TEXT in HEADER is wrong, or the file is cut; export it again",
        )
    header.warnings.append(f"TEXT ends inside a keyword: {len(rest)} characters at its end were not read.")


def _check_behind(header: Header, behind: bytes) -> None:
    """Warn where TEXT seems to go on behind its end: keywords such as the spillover would be missed unseen."""
    end = header.text[1]
    segments = [header.keywords.get(f"$BEGIN{name}", "") for name in ("DATA", "STEXT", "ANALYSIS")]
    begins = {whole_number(text) for text in segments} | {header.data[0] if header.data else None}
    if end + 1 not in begins and b"!" <= behind <= b"~":
        header.warnings.append(f"TEXT ends at byte {end} but goes on; keywords behind it were not read.")


def split_text(text: str) -> tuple[list[tuple[str, str]], int, str]:
    r"""Split TEXT at its delimiter, which is its first character.

    Inside a value a doubled delimiter stands for one delimiter. Right after a keyword it stands for an empty value:
    FCS forbids both an empty value and a value that starts with the delimiter, and real files hold the first.

    Returns
    -------
    pairs
        Keyword and value, in file order.
    empty
        Number of empty values.
    rest
        What is left behind the last whole pair, without blanks and NULs: a keyword whose value has no end.

    Examples
    --------
    >>> split_text("/$P1N/FL1/$P1S/GFP//FITC/$P2S//$P2N/FL2/  ")
    ([('$P1N', 'FL1'), ('$P1S', 'GFP/FITC'), ('$P2S', ''), ('$P2N', 'FL2')], 1, '')
    """
    delimiter = text[0]
    mark = re.escape(delimiter)
    pair = re.compile(f"([^{mark}]++){mark}(?:{mark}(?!{mark})|((?:[^{mark}]++|{mark}{mark})++){mark})")
    pairs, at = [], 1
    while match := pair.match(text, at):
        keyword, value = match[1], match[2] or ""
        pairs.append((keyword, value.replace(delimiter * 2, delimiter)))
        at = match.end()
    return pairs, sum(not value for _, value in pairs), text[at:].strip(" \0\t\r\n" + delimiter)
