"""Reading FCS files (Flow Cytometry Standard 2.0, 3.0, 3.1 and 3.2): right, or refused with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import ReadError, did_you_mean, plural
from tilseq.io.fcs_data import MOST_LISTED, locate, read_channels, read_events
from tilseq.io.fcs_header import Header, chain, open_fcs, read_header, warn_of_leftover, whole_number

SPILL_KEYWORDS = ("$SPILLOVER", "$SPILL", "SPILL")


@dataclass(frozen=True)
class Spill:
    """A spillover matrix as the file gives it.

    Attributes
    ----------
    channels
        $PnN of the channels, in the order of rows and columns.
    matrix
        n x n; row i is how channel i's dye shows in every channel, as a fraction of its own signal.
    source
        What it is called: `the file`, or the name of a file of its own.
    """

    channels: list[str]
    matrix: NDArray[np.float64]
    source: str = "the file"


@dataclass(frozen=True)
class Fcs:
    """One data set of an FCS file.

    Attributes
    ----------
    path
        The file.
    events
        float32, shape (events, channels), C order, in memory, on the linear scale (see `read_fcs`); not compensated.
    channels
        $PnN, in file order.
    markers
        $PnS, in file order; empty where absent.
    spill
        The spillover matrix as the file gives it, or None where the file has none; whether it can be taken out is for
        `tilseq.flow.compensate` to say.
    keywords
        Every keyword of TEXT, in upper case with its `$`, to its value as it stands.
    warnings
        Sentences on what was odd and how it was read.
    data_sets
        How many data sets the file holds.
    """

    path: Path
    events: NDArray[np.float32]
    channels: list[str]
    markers: list[str]
    spill: Spill | None
    keywords: dict[str, str]
    warnings: list[str]
    data_sets: int

    def __repr__(self) -> str:
        return f"Fcs({self.path.name}: {plural(len(self.events), 'event')}, channels {', '.join(self.channels)})"

    def index(self, name: str) -> int:
        """Return the column of `events` of the channel of this name ($PnN).

        Raises
        ------
        ReadError
            No channel, or more than one, has the name.
        """
        return _index(self.channels, name, self.path)


def read_fcs(path: str | Path, *, data_set: int = 0) -> Fcs:
    """Read one data set of an FCS file, every value on the linear scale.

    Stored values become linear as the standard says:

    - Integers lose the bits above $PnR, ``ceil(log2(R))`` of them count; a channel with $PnE ``f1,f2`` and f1 above 0
      becomes ``f2 * 10 ** (f1 * x / R)``, an f2 of 0 counting as 1. Floats are linear whatever $PnE says.
    - Linear channels are divided by their gain, $PnG. A gain of 0 counts as 1; one on a logarithmic channel is ignored
      (flowio divides by it).
    - A channel named `Time` stays in the instrument's ticks: neither $PnG nor $TIMESTEP is applied (flowio, too,
      leaves its gain, but multiplies by $TIMESTEP).

    Read are lists of events ($MODE L) of unsigned integers of 8, 16, 24 ... 64 bits, 32-bit and 64-bit floats, also
    mixed ($PnDATATYPE, FCS 3.2), in little or big endian order. 64-bit floats, and integers above 2^24, are rounded to
    32-bit floats with a warning. NaN and infinite values stay in `events` and are counted in a warning. Where HEADER
    and TEXT differ, see `tilseq.io.fcs_data.locate`. Sizes are checked against the file before memory is taken.

    Parameters
    ----------
    path
        The file.
    data_set
        Which of several data sets of the file, counted from 0.

    Raises
    ------
    ReadError
        The file is of another kind, cut, contradicts itself or holds what is not supported. Duplicate channel names
        are a warning: the events are read, `Fcs.index` refuses the name.
    """
    path = Path(path)
    with open_fcs(path) as (stream, size):
        header, data_sets = _header(stream, size, path, data_set)
        channels = read_channels(header)
        names = [channel.name for channel in channels]
        start, count = locate(header, sum(channel.size for channel in channels))
        spill = _spill(header, names)
        warn_of_leftover(stream, header)
        events = read_events(stream, header, start, count, channels)
    _warn_names(header, names)
    markers = [channel.marker for channel in channels]
    return Fcs(path, events, names, markers, spill, header.keywords, header.warnings, data_sets)


def _header(stream: BinaryIO, size: int, path: Path, data_set: int) -> tuple[Header, int]:
    """Return the header of one data set, and how many data sets there are."""
    header = read_header(stream, size, path)
    starts, fault = chain(stream, size, header)
    if data_set not in range(len(starts)):
        raise fault or ReadError("no such data set", file=path, found=data_set, expected=f"0 to {len(starts) - 1}")
    if data_set:
        header = read_header(stream, size, path, starts[data_set])
    elif len(starts) > 1:
        header.warnings.append(f"The file holds {len(starts)} data sets; the first was read.")
    if fault:
        header.warnings.append(f"Further data sets cannot be reached: {fault.what}.")
    return header, len(starts)


class Staining(NamedTuple):
    """$PnN and $PnS of every channel, as `Fcs.channels` and `Fcs.markers`, and all keywords, as `Fcs.keywords`."""

    channels: list[str]
    markers: list[str]
    keywords: Mapping[str, str]


def staining_of(path: str | Path, *, data_set: int = 0) -> Staining:
    """Return what a file is stained with, and all that its header tells, without reading an event.

    Raises
    ------
    ReadError
        The file is no FCS file, or its header cannot be read; there is no such data set.
    """
    path = Path(path)
    with open_fcs(path) as (stream, size):
        header = _header(stream, size, path, data_set)[0]
        channels = read_channels(header)
    names, markers = [channel.name for channel in channels], [channel.marker for channel in channels]
    return Staining(names, markers, header.keywords)


def list_data_sets(path: str | Path) -> list[int]:
    """Return the byte at which each data set of an FCS file starts, in file order.

    Raises
    ------
    ReadError
        The file is no FCS file, or $NEXTDATA leads out of the file or back in a loop.
    """
    path = Path(path)
    with open_fcs(path) as (stream, size):
        starts, fault = chain(stream, size, read_header(stream, size, path))
    if fault:
        raise fault
    return starts


def _index(channels: list[str], name: str, path: Path, keyword: str | None = None) -> int:
    places = [place for place, channel in enumerate(channels) if channel == name]
    if len(places) == 1:
        return places[0]
    if not places:
        raise ReadError(
            "no such channel",
            file=path,
            column=keyword,
            found=name,
            expected=f"one of {', '.join(channels[:MOST_LISTED])}",
            mend=did_you_mean(name, channels),
        )
    numbers = ", ".join(f"$P{place + 1}N" for place in places)
    raise ReadError(
        "more than one channel has this name",
        file=path,
        column=keyword,
        found=name,
        expected="a name of one channel",
        mend=f"rename all but one of {numbers}",
    )


def _warn_names(header: Header, names: list[str]) -> None:
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        header.warnings.append(
            f"Several channels share a name and cannot be looked up by it: {', '.join(twins[:MOST_LISTED])}."
        )
    if any(name.startswith("Comp-") for name in names):
        header.warnings.append("Channels named Comp- hold compensated values; they must not be compensated again.")


def _spill(header: Header, names: list[str]) -> Spill | None:
    """Return the spillover matrix, bound to the channels by name, or by number where it gives numbers."""
    given = [key for key in SPILL_KEYWORDS if header.keywords.get(key, "").strip()]
    if not given:
        if "$COMP" in header.keywords:
            header.warnings.append("The old keyword $COMP is not read; the data set counts as one without spillover.")
        return None
    key = given[0]
    spill = _read_spill(header, key, names)
    others = [other for other in given if header.keywords[other].strip() != header.keywords[key].strip()]
    for other in others if _says_nothing_spills(spill) else []:
        if not _says_nothing_spills(_read_spill(header, other, names)):
            raise header.error(
                f"{key} says that nothing spills over, {other} gives a spillover",
                key,
                found=f"two matrices that contradict each other, {key} and {other}",
                expected="one matrix",
                mend=f"export the file again with the right matrix alone, under {key} or {other}",
            )
    if others:
        header.warnings.append(f"{' and '.join(given)} differ; {key} is taken.")
    return spill


def _says_nothing_spills(spill: Spill | None) -> bool:
    return spill is None or np.array_equal(spill.matrix, np.eye(len(spill.matrix)))


def _read_spill(header: Header, key: str, names: list[str]) -> Spill | None:
    """Return the matrix of one keyword, None where it is of no channel."""
    parts = [part.strip() for part in header.keywords[key].split(",")]
    count = whole_number(parts[0])
    if count == 0 and len(parts) == 1:
        header.warnings.append(f"{key} is of 0 channels; the data set counts as one without spillover.")
        return None
    if not count or len(parts) != 1 + count + count * count:
        raise header.error(
            "the spillover matrix has the wrong size",
            key,
            found=f"n = {parts[0]} with {len(parts) - 1} entries",
            expected="n, then n channels, then n x n values",
        )
    channels = _bind(header, key, parts[1 : 1 + count], names)
    try:
        matrix = np.array(parts[1 + count :], dtype=np.float64).reshape(count, count)
    except ValueError as error:
        raise header.error("the spillover matrix holds no number", key, found=str(error), expected="numbers") from error
    _check_matrix(header, key, matrix)
    return Spill(channels, matrix)


def _bind(header: Header, key: str, given: list[str], names: list[str]) -> list[str]:
    """Return the channels' names; each must be one channel of the file."""
    numbers = [whole_number(part) for part in given]
    if not set(given) <= set(names) and all(number and number <= len(names) for number in numbers):
        header.warnings.append(f"{key} names its channels by number.")
        given = [names[number - 1] for number in numbers if number]
    for name in given:
        _index(names, name, header.path, key)
    if len(set(given)) < len(given):
        raise header.error("the spillover matrix names a channel twice", key, found=", ".join(given))
    return given


def _check_matrix(header: Header, key: str, matrix: NDArray[np.float64]) -> None:
    if not np.isfinite(matrix).all():
        raise header.error("the spillover matrix holds NaN or infinity", key, found="NaN or inf", expected="numbers")
    if np.linalg.matrix_rank(matrix) < len(matrix):
        header.warnings.append(f"The matrix of {key} is singular: it cannot be taken out.")
    if not np.allclose(np.diag(matrix), 1):
        header.warnings.append(f"The diagonal of {key} is not 1 throughout.")
