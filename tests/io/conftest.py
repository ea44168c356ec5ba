"""Fixtures for the tests of readers and writers."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

DATA_AT = 4096


def fcs_bytes(
    data: bytes,
    channels: Sequence[Mapping[str, Any]],
    *,
    version: str = "FCS3.1",
    keywords: Mapping[str, Any] | None = None,
    header: tuple[int, int] | None | str = "as TEXT",
    delimiter: str = "/",
    text: str = "",
) -> bytes:
    """Build an FCS file by hand: HEADER, TEXT, blanks up to byte 4,096, DATA.

    A channel is its keywords by letter, such as ``{"N": "FL1", "B": 32, "R": 1024}``; E is ``0,0`` unless given, a
    value of None leaves the keyword out. `keywords` overrides, None leaves out. `text` is put behind as it is.
    """
    end = DATA_AT + len(data) - 1
    rows = sum(int(channel["B"]) for channel in channels) // 8
    pairs: dict[str, Any] = {
        "$BEGINDATA": DATA_AT,
        "$ENDDATA": end,
        "$BYTEORD": "1,2,3,4",
        "$DATATYPE": "F",
        "$MODE": "L",
        "$NEXTDATA": 0,
        "$PAR": len(channels),
        "$TOT": len(data) // rows,
    }
    for number, channel in enumerate(channels, 1):
        pairs |= {f"$P{number}{letter}": value for letter, value in ({"E": "0,0", "R": 1024} | dict(channel)).items()}
    pairs |= keywords or {}
    given = {key: str(value).replace(delimiter, delimiter * 2) for key, value in pairs.items() if value is not None}
    body = delimiter + "".join(f"{key}{delimiter}{value}{delimiter}" for key, value in given.items()) + text
    places = (DATA_AT, end) if header == "as TEXT" else ("", "") if header is None else header
    start = f"{version:<10}{58:>8}{57 + len(body.encode()):>8}{places[0]:>8}{places[1]:>8}{0:>8}{0:>8}"
    return (start + body).encode().ljust(DATA_AT) + data


@pytest.fixture
def make_fcs(tmp_path: Path) -> Callable[..., Path]:
    """Write what `fcs_bytes` builds to a file and give its path."""

    def make(*arguments: Any, **options: Any) -> Path:
        path = tmp_path / "example.fcs"
        path.write_bytes(fcs_bytes(*arguments, **options))
        return path

    return make
