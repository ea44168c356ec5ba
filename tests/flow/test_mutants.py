"""FCS files changed by a seeded hand, read, gated and counted: refused, warned of, or the same numbers.

First bytes flipped, put in, taken out and cut anywhere; then one keyword changed so that it contradicts the data.
"""

import random
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.flow.fcs_files import (
    DATA_AT,
    LARGEST_IN_HEADER,
    Parts,
    build,
    data_begins,
    parts_of,
    simulated,
    spill_of,
    spill_text,
)
from tilseq.errors import TilseqError
from tilseq.flow.counts import count
from tilseq.flow.gating import gate
from tilseq.io.fcs import Fcs, read_fcs

# Name → file, and what its panel needs to be told.
REAL: dict[str, tuple[str, dict[str, list[str]]]] = {
    "floats without spillover": ("flow/itn/itn_04.fcs", {}),
    "big-endian floats": ("flow/flowsom_68983/68983.fcs", {}),
    "spectral": ("flow/pbmc_spectral_unmixed.fcs", {}),
    "logarithmic integers": ("flow/gatingml_suite/data1.fcs", {"CD8": ["FL4-H"]}),
}
BASES = ("tbnk", "t_state", *REAL)
# Another value of these, or none, can be as right as the old one; no reader can know.
TAKEN_AS_GIVEN = re.compile(r"\$P\d+(?!B$|DATATYPE$).*|\$?SPILL(OVER)?")
HOW_MANY = [pytest.param(34, id="34"), pytest.param(334, id="334", marks=pytest.mark.slow)]


class Base(NamedTuple):
    path: Path
    aliases: dict[str, list[str]]


class Read(NamedTuple):
    """What a user gets of a file: the tube, what was told of it, and events in each population."""

    tube: Fcs
    told: frozenset[Any]
    counts: dict[str, int]


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Base:
    if request.param not in REAL:
        return Base(simulated(tmp_path / "tube.fcs", request.param), {})
    path, aliases = REAL[request.param]
    return Base(request.getfixturevalue("shared_data") / path, aliases)


def use(path: Path, aliases: dict[str, list[str]]) -> Read | TilseqError:
    """Read, gate and count; what is neither a refusal of ours nor a table, a warning of Python too, is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            tube = read_fcs(path)
        except TilseqError as error:
            assert error.file == str(path)
            return error
        try:
            gating = gate(tube, sample="s", aliases=aliases)
            counts = count(gating)
        except TilseqError as error:
            return error
    odd = gating.quality.filter(gating.quality["verdict"] != "pass").select("check", "verdict").rows()
    return Read(tube, frozenset([*tube.warnings, *odd]), dict(counts.select("population", "events").iter_rows()))


@cache
def unchanged(path: Path, aliases: tuple[str, ...]) -> Read:
    read = use(path, dict.fromkeys(("CD8",), list(aliases)) if aliases else {})
    assert isinstance(read, Read)
    return read


def of(base: Base) -> Read:
    return unchanged(base.path, tuple(base.aliases.get("CD8", ())))


def damaged(raw: bytes, at: int, draw: random.Random) -> bytes:
    """Flip, put in or take out bytes at a place, or cut the file there."""
    few = draw.randrange(1, 9)
    return draw.choice(
        (
            lambda: raw[:at] + bytes([raw[at] ^ (1 << draw.randrange(8))]) + raw[at + 1 :],
            lambda: raw[:at] + draw.randbytes(1) + raw[at + 1 :],
            lambda: raw[:at] + draw.randbytes(few) + raw[at:],
            lambda: raw[:at] + raw[at + few :],
            lambda: raw[:at],
        )
    )()


@pytest.mark.parametrize("mutants", HOW_MANY)
def test_damaged_files_are_refused_or_read(base: Base, mutants: int, tmp_path: Path) -> None:
    raw, sound, path = base.path.read_bytes(), of(base), tmp_path / "mutant.fcs"
    data_at, draw, seen = data_begins(base.path), random.Random(mutants), Counter[str]()
    for number in range(mutants):
        at = draw.randrange(data_at) if draw.random() < 0.6 else draw.randrange(data_at, len(raw))
        path.write_bytes(damaged(raw, at, draw))
        try:
            read = use(path, base.aliases)
        except Exception as error:
            raise AssertionError(f"mutant {number} of {base.path.name}") from error
        if isinstance(read, TilseqError):
            seen["refused"] += 1
        elif read.told - sound.told:
            seen["warned"] += 1
        elif read.counts == sound.counts or at >= data_at:
            seen["the same, or other values in DATA"] += 1
        else:
            seen["taken as given"] += 1
            keys = read.tube.keywords.keys() | sound.tube.keywords.keys()
            other = {key for key in keys if read.tube.keywords.get(key) != sound.tube.keywords.get(key)}
            assert all(TAKEN_AS_GIVEN.fullmatch(key) for key in other), (number, other)
    assert seen["refused"] > mutants / 5
    assert seen["taken as given"] <= max(1, mutants / 50)


def contradictions(parts: Parts) -> Iterator[tuple[str, bytes]]:
    """Change one keyword of a sound file so that it contradicts the data."""
    change = partial(build, parts)
    events, channels = int(parts.keywords["$TOT"]), parts.channels
    for value in (events - 1, events + 1, 2 * events, events // 2, 1, 0, 4_000_000_000, "", "x", None):
        yield f"$TOT {value}", change({"$TOT": value})
    for value in (channels - 1, channels + 1, 2 * channels, channels // 2, 1, 0, 100_000, -1, None):
        yield f"$PAR {value}", change({"$PAR": value})
    for number in (1, channels // 2, channels):
        for bits in (8, 16, 24, 32, 64, 0, 10, 2**31, "*", None):
            if str(bits) != parts.keywords[f"$P{number}B"]:
                yield f"$P{number}B {bits}", change({f"$P{number}B": bits})
        for kind in "IFD":
            if kind != parts.keywords["$DATATYPE"]:
                yield f"$P{number}DATATYPE {kind}", change({f"$P{number}DATATYPE": kind})
    for order in ("1,2,3,4", "4,3,2,1", "3,4,1,2", "2,1,4,3", "1,2", "2,1", "1", "", None):
        if order != parts.keywords["$BYTEORD"]:
            yield f"$BYTEORD {order}", change({"$BYTEORD": order})
    for kind in ("I", "F", "D", "A", "X", None):
        if kind != parts.keywords["$DATATYPE"]:
            yield f"$DATATYPE {kind}", change({"$DATATYPE": kind})
    yield from false_offsets(parts)
    yield from false_spills(parts)


def false_offsets(parts: Parts) -> Iterator[tuple[str, bytes]]:
    """Move the beginning, the end or both of DATA, in HEADER, in TEXT or in both."""
    begin, end = DATA_AT, parts.end
    for step in (1, 2, 4, parts.row, -1, -2, -4, -parts.row, 9_000_000_000, -DATA_AT, 58 - DATA_AT):
        for what, first, last in (("both", step, step), ("begin", step, 0), ("end", 0, step)):
            places = (begin + first, end + last)
            header = places if max(places) <= LARGEST_IN_HEADER else (0, 0)
            text = dict(zip(("$BEGINDATA", "$ENDDATA"), places, strict=True))
            yield f"{what} {step} in HEADER", build(parts, header=header)
            yield f"{what} {step} in TEXT", build(parts, text)
            yield f"{what} {step} in HEADER and TEXT", build(parts, text, header=header)
    yield "nowhere", build(parts, {"$BEGINDATA": 0, "$ENDDATA": 0}, header=(0, 0))


def false_spills(parts: Parts) -> Iterator[tuple[str, bytes]]:
    found = spill_of(parts)
    if found is None:
        return
    key, names, matrix = found
    one = np.eye(len(names))
    twisted = matrix.copy()
    twisted[[0, 1]] = twisted[[1, 0]]
    missing = matrix.copy()
    missing[0, 1] = np.nan
    texts: dict[str, str | None] = {
        "transposed": spill_text(names, matrix.T),
        "not a number": spill_text(names, missing),
        "singular": spill_text(names, np.ones_like(matrix)),
        "zero": spill_text(names, 0 * matrix),
        "percent": spill_text(names, 100 * matrix),
        "percent beside the diagonal": spill_text(names, np.where(one > 0, 1, 100 * matrix)),
        "negative": spill_text(names, np.where(one > 0, 1, -matrix)),
        "inverted": spill_text(names, np.linalg.inv(matrix)),
        "nothing spills": spill_text(names, one),
        "two rows swapped": spill_text(names, twisted),
        "names reversed": spill_text(names[::-1], matrix),
        "names moved on": spill_text(names[1:] + names[:1], matrix),
        "unknown channel": spill_text(["none", *names[1:]], matrix),
        "one channel twice": spill_text([names[1], *names[1:]], matrix),
        "of one channel more": spill_text(names, matrix, len(names) + 1),
        "of one channel less": spill_text(names, matrix, len(names) - 1),
        "cut": parts.keywords[key][: len(parts.keywords[key]) // 2],
        "empty": "",
        "absent": None,
    }
    for what, text in texts.items():
        yield f"spillover {what}", build(parts, {key: text})


@pytest.mark.parametrize("every", [pytest.param(8, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])
def test_no_contradiction_gives_another_number_unsaid(base: Base, every: int, tmp_path: Path) -> None:
    parts, path = parts_of(base.path), tmp_path / "mutant.fcs"
    path.write_bytes(build(parts))
    sound = use(path, base.aliases)
    assert isinstance(sound, Read) and sound.counts == of(base).counts
    assert np.array_equal(sound.tube.events, of(base).tube.events)
    silent, seen = [], Counter[str]()
    for what, raw in list(contradictions(parts))[::every]:
        path.write_bytes(raw)
        read = use(path, base.aliases)
        if isinstance(read, TilseqError):
            seen["refused"] += 1
        elif read.told - sound.told:
            seen["warned"] += 1
        elif read.counts == sound.counts and np.array_equal(read.tube.events, sound.tube.events):
            seen["the same"] += 1
        else:
            silent.append(what)
    assert silent == []
    assert seen["refused"] > 5 * seen["the same"]


@pytest.mark.slow
@pytest.mark.parametrize("base", ["tbnk", "t_state", "big-endian floats"], indirect=True)
def test_few_wrong_coefficients_of_a_spillover_stay_unsaid(base: Base, tmp_path: Path) -> None:
    """Half of a dye's light too much in one other detector; nothing shows it where the cells bear both."""
    parts, sound, path = parts_of(base.path), of(base), tmp_path / "mutant.fcs"
    found = spill_of(parts)
    assert found is not None
    key, names, matrix = found
    pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
    pairs = random.Random(1).sample(pairs, 30)
    left = []
    for i, j in pairs:
        wrong = matrix.copy()
        wrong[i, j] += 0.5
        path.write_bytes(build(parts, {key: spill_text(names, wrong)}))
        read = use(path, base.aliases)
        if isinstance(read, Read) and not read.told - sound.told and read.counts != sound.counts:
            change = max(abs(read.counts[name] / sound.counts[name] - 1) for name in ("CD3+", "CD4+ T", "CD8+ T"))
            left.append((names[i], names[j], round(change, 3)))
    assert len(left) <= len(pairs) / 8
    assert all(change <= 0.05 for *_, change in left)
