"""Writing FCS 3.1: the same events and keywords give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import TableError
from tilseq.io.files import atomic
from tilseq.masked import refuse_masked

Kind = Literal["float32", "uint16", "uint32"]

# $DATATYPE, $PnB, default $PnR, little-endian type of the DATA segment.
_KINDS: dict[str, tuple[str, int, int, str]] = {
    "float32": ("F", 32, 262_144, "<f4"),
    "uint16": ("I", 16, 2**16, "<u2"),
    "uint32": ("I", 32, 2**32, "<u4"),
}
_HEADER_BYTES = 58
_LARGEST_HEADER_OFFSET = 99_999_999
_ROWS_AT_ONCE = 65_536
# A form feed parts keywords and values; as no value may hold a control character, none ever needs doubling.
_DELIMITER = "\f"
_OWN_KEYWORDS = re.compile(
    r"\$(BEGINANALYSIS|ENDANALYSIS|BEGINSTEXT|ENDSTEXT|BEGINDATA|ENDDATA|BYTEORD|DATATYPE|MODE|NEXTDATA|PAR|TOT"
    r"|SPILLOVER|P\d+[BENRS])"
)


def write_fcs(
    path: str | Path,
    events: ArrayLike,
    channels: Sequence[str],
    *,
    markers: Sequence[str | None] | None = None,
    spill: tuple[Sequence[str], ArrayLike] | None = None,
    keywords: Mapping[str, str] | None = None,
    kind: Kind = "float32",
) -> None:
    """Write events as one FCS 3.1 data set (Spidlen and others, Cytometry A 2010;77:97), atomically.

    No date, time, program or machine name is written unless `keywords` holds one.

    Parameters
    ----------
    path
        File to write.
    events
        Events × channels, linear scale. For the integer kinds the values must be whole, from 0 to 65,535 or 2³² - 1.
    channels
        Short name of each channel, `$PnN`: unique, not empty, without a comma.
    markers
        Name of what each channel stains, `$PnS`; None or empty where there is none.
    spill
        Channels and the square matrix of `$SPILLOVER`: row = fluorochrome, column = detector, diagonal 1.
    keywords
        Further TEXT keywords, such as ``{"$CYT": "Aurora"}``; those that describe the layout are refused.
    kind
        Number type of the DATA segment. `$PnR` is 262,144 for float32, else one more than the largest value it holds.

    Raises
    ------
    TableError
        The shape does not match the channels, a value is not finite or does not fit the type, or a name or keyword
        cannot stand in a TEXT segment.
    RunError
        The file cannot be written.
    """
    if kind not in _KINDS:
        raise TableError("FCS has no such number type here", file=path, found=kind, expected=", ".join(_KINDS))
    refuse_masked(events=events)
    matrix = np.asarray(events)
    if matrix.ndim != 2 or matrix.shape[1] != len(channels):
        raise TableError(
            "the events do not match the channels",
            file=path,
            found=matrix.shape,
            expected=f"two dimensions, the second {len(channels)} long",
        )
    _check_values(matrix, channels, kind, path)
    pairs = _layout(channels, markers, spill, kind, path)
    pairs.update(_checked_keywords(keywords or {}, path))
    head = header_and_text(pairs, matrix.shape[0], matrix.shape[0] * matrix.shape[1] * _KINDS[kind][1] // 8)
    with atomic(path) as stream:
        stream.write(head)
        for start in range(0, matrix.shape[0], _ROWS_AT_ONCE):
            stream.write(np.ascontiguousarray(matrix[start : start + _ROWS_AT_ONCE], dtype=_KINDS[kind][3]).tobytes())


def header_and_text(pairs: Mapping[str, str], events: int, data_bytes: int) -> bytes:
    """Return the HEADER and TEXT segments of a data set whose DATA segment follows at once.

    An offset above 99,999,999 does not fit the header's eight digits: both DATA offsets stand as 0 there then,
    and only `$BEGINDATA` and `$ENDDATA` hold them (FCS 3.1, 3.1).

    Parameters
    ----------
    pairs
        TEXT keywords with their values, without the offsets.
    events
        Number of events, `$TOT`.
    data_bytes
        Length of the DATA segment in bytes.
    """
    begin = 0
    while True:
        # The offsets stand inside the text whose length they depend on. They only ever grow, so this ends.
        text = _text({**pairs, "$TOT": str(events), "$BEGINDATA": str(begin), "$ENDDATA": str(begin + data_bytes - 1)})
        if _HEADER_BYTES + len(text) == begin:
            break
        begin = _HEADER_BYTES + len(text)
    end = begin + data_bytes - 1
    if begin - 1 > _LARGEST_HEADER_OFFSET:
        raise TableError("the TEXT segment is longer than an FCS header can say", found=f"{begin} bytes")
    in_header = (begin, end) if end <= _LARGEST_HEADER_OFFSET else (0, 0)
    offsets = (_HEADER_BYTES, begin - 1, *in_header, 0, 0)
    return b"FCS3.1    " + b"".join(b"%8d" % offset for offset in offsets) + text


def _text(pairs: Mapping[str, str]) -> bytes:
    parts = [part for pair in pairs.items() for part in pair]
    return (_DELIMITER + _DELIMITER.join(parts) + _DELIMITER).encode()


def _layout(
    channels: Sequence[str],
    markers: Sequence[str | None] | None,
    spill: tuple[Sequence[str], ArrayLike] | None,
    kind: Kind,
    path: str | Path,
) -> dict[str, str]:
    """Return the keywords that describe the channels, in the order of the standard's own list."""
    if not channels or len(set(channels)) != len(channels) or any("," in name for name in channels):
        raise TableError("channel names must be unique, without commas", file=path, column="$PnN", found=list(channels))
    if markers is not None and len(markers) != len(channels):
        raise TableError(
            "one marker a channel", file=path, column="$PnS", found=len(markers), expected=str(len(channels))
        )
    datatype, bits, limit, _ = _KINDS[kind]
    pairs = {
        **dict.fromkeys(("$BEGINANALYSIS", "$ENDANALYSIS", "$BEGINSTEXT", "$ENDSTEXT"), "0"),
        **{"$BYTEORD": "1,2,3,4", "$DATATYPE": datatype, "$MODE": "L", "$NEXTDATA": "0", "$PAR": str(len(channels))},
    }
    for number, channel in enumerate(channels, start=1):
        pairs |= {f"$P{number}B": str(bits), f"$P{number}E": "0,0", f"$P{number}R": str(limit)}
        pairs[f"$P{number}N"] = _value(f"$P{number}N", channel, path)
        marker = None if markers is None else markers[number - 1]
        if marker:
            pairs[f"$P{number}S"] = _value(f"$P{number}S", marker, path)
    if spill is not None:
        pairs["$SPILLOVER"] = _spillover(*spill, channels, path)
    return pairs


def _spillover(names: Sequence[str], matrix: ArrayLike, channels: Sequence[str], path: str | Path) -> str:
    values = np.asarray(matrix, dtype=np.float64)
    absent = [name for name in names if name not in channels]
    if absent or len(set(names)) != len(names):
        raise TableError(
            "each spillover channel must be a channel, once", file=path, column="$SPILLOVER", found=list(names)
        )
    if values.shape != (len(names), len(names)) or not np.isfinite(values).all():
        raise TableError(
            "the spillover matrix must be square and finite",
            file=path,
            column="$SPILLOVER",
            found=values.shape,
            expected=f"({len(names)}, {len(names)})",
        )
    return ",".join([str(len(names)), *names, *(np.format_float_positional(v, trim="-") for v in values.ravel())])


def _checked_keywords(keywords: Mapping[str, str], path: str | Path) -> dict[str, str]:
    checked: dict[str, str] = {}
    for given, value in keywords.items():
        key = given.upper()  # keywords are read without regard to case
        if not key.isascii() or not key.isprintable() or not key.strip():
            raise TableError("a keyword must be printable ASCII", file=path, column=given, found=given)
        if _OWN_KEYWORDS.fullmatch(key) or key in checked:
            raise TableError("this keyword is set by the writer or given twice", file=path, column=given)
        checked[key] = _value(key, value, path)
    return checked


def _value(key: str, value: str, path: str | Path) -> str:
    # An empty value is forbidden by the standard, and a control character would clash with the delimiter.
    if not value or any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise TableError("a value must hold text without control characters", file=path, column=key, found=value)
    return value


def _check_values(matrix: NDArray[Any], channels: Sequence[str], kind: Kind, path: str | Path) -> None:
    if matrix.dtype.kind not in "buif":
        raise TableError("events must be numbers", file=path, found=str(matrix.dtype))
    if matrix.dtype == np.dtype(_KINDS[kind][3]) and kind != "float32":
        return
    for start in range(0, matrix.shape[0], _ROWS_AT_ONCE):
        block = matrix[start : start + _ROWS_AT_ONCE]
        if kind == "float32":
            bad = ~(np.abs(block.astype(np.float64)) <= np.finfo(np.float32).max)
        else:
            bad = ~((block >= 0) & (block <= _KINDS[kind][2] - 1) & (block == np.floor(block)))
        if bad.any():
            event, channel = (int(i) for i in np.argwhere(bad)[0])
            raise TableError(
                f"event {start + event} holds a value that {kind} cannot",
                file=path,
                column=channels[channel],
                found=block[event, channel].item(),
                expected="a finite number" if kind == "float32" else f"a whole number, 0 to {_KINDS[kind][2] - 1}",
            )
