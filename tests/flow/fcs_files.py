"""FCS files to spoil: simulated tubes, and a sound file taken apart and put together with other keywords."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tilseq.io.fcs_header import open_fcs, read_header
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import write_tube

DATA_AT = 16_384
LARGEST_IN_HEADER = 99_999_999
BLOOD = {"CD4+ T": 700.0, "CD8+ T": 400.0, "DN T": 40.0, "DP T": 15.0, "B": 200.0, "NK": 250.0, "granulocyte": 3000.0}
SPILL_KEYWORDS = ("$SPILLOVER", "$SPILL", "SPILL")


def simulated(path: Path, panel: str, *, events: int = 3000, seed: int = 1) -> Path:
    """Write a tube of panel `tbnk` (16-bit integers) or `t_state` (32-bit floats)."""
    cells = BLOOD if panel == "tbnk" else dict.fromkeys(PANELS[panel].looks, 100.0)
    write_tube(path, acquire(np.random.default_rng(seed), PANELS[panel], cells, events), path.stem)
    return path


@dataclass(frozen=True)
class Parts:
    """Version, keywords and DATA of a file's first data set."""

    version: str
    keywords: dict[str, str]
    data: bytes

    @property
    def channels(self) -> int:
        return int(self.keywords["$PAR"])

    @property
    def row(self) -> int:
        """Bytes of one event."""
        return sum(int(self.keywords[f"$P{number}B"]) for number in range(1, self.channels + 1)) // 8

    @property
    def end(self) -> int:
        return DATA_AT + len(self.data) - 1


def data_begins(path: Path) -> int:
    """Return DATA's first byte, as HEADER gives it."""
    return int(path.read_bytes()[26:34])


def parts_of(path: Path) -> Parts:
    with open_fcs(path) as (stream, size):
        header = read_header(stream, size, path)
        assert header.data is not None
        first, last = header.data
        stream.seek(first)
        data = stream.read(last - first + 1)
    parts = Parts(header.version, header.keywords, data)
    return Parts(parts.version, parts.keywords, data[: len(data) // parts.row * parts.row])


def build(
    parts: Parts,
    keywords: Mapping[str, Any] | None = None,
    *,
    header: tuple[int, int] | None = None,
    data: bytes | None = None,
    version: str | None = None,
) -> bytes:
    """Put a file together with some keywords changed (None takes one out): HEADER, TEXT, blanks, DATA at 16,384."""
    offsets = {"$BEGINDATA": DATA_AT, "$ENDDATA": DATA_AT + len(parts.data if data is None else data) - 1}
    nowhere = dict.fromkeys(("$BEGINSTEXT", "$ENDSTEXT", "$BEGINANALYSIS", "$ENDANALYSIS", "$NEXTDATA"), 0)
    pairs = {**parts.keywords, **offsets, **nowhere, **(keywords or {})}
    given = {key: str(value).replace("|", "||") for key, value in pairs.items() if value is not None}
    text = ("|" + "".join(f"{key}|{value}|" for key, value in given.items())).encode()
    places = tuple(offsets.values()) if header is None else header
    start = f"{version or parts.version:<10}{58:>8}{57 + len(text):>8}{places[0]:>8}{places[1]:>8}{0:>8}{0:>8}"
    assert 58 + len(text) <= DATA_AT
    return (start.encode() + text).ljust(DATA_AT) + (parts.data if data is None else data)


def spill_of(parts: Parts) -> tuple[str, list[str], np.ndarray] | None:
    """Return the keyword of the spillover, its channels and its matrix."""
    for key in SPILL_KEYWORDS:
        if key in parts.keywords:
            count, *rest = (part.strip() for part in parts.keywords[key].split(","))
            return key, rest[: int(count)], np.array(rest[int(count) :], float).reshape(int(count), int(count))
    return None


def spill_text(channels: list[str], matrix: np.ndarray, count: int | None = None) -> str:
    return ",".join([str(count or len(channels)), *channels, *(repr(float(value)) for value in matrix.ravel())])
