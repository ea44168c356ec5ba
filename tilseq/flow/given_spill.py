"""A spillover matrix that is given in place of the one in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.flow.compensation import checked_columns, checked_matrix, is_compensated
from tilseq.flow.quality import check
from tilseq.flow.tube import Floats, Spill, Tube
from tilseq.gates import COMPENSATED_PREFIXES
from tilseq.markers import plain_name

NO_DYE = re.compile(r"(hdr )?time$|[fs]sc(?![a-z])|[fs]s( (a|h|w|area|height|width|peak|tof|int|lin|log))*$")
SAME = 1e-6  # what a program may lose when it writes a matrix as text


class GivenSpill(Spill, Protocol):
    """A spillover matrix, and what it is called.

    Attributes
    ----------
    source
        Name of the file it was read from.
    """

    @property
    def source(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Respilled:
    """A tube with a spillover in place of its own; see `with_spill`.

    Attributes
    ----------
    tube
        The tube as it was read.
    spill
        The spillover that is taken out of it.
    """

    tube: Tube
    spill: GivenSpill

    @property
    def events(self) -> Floats:
        """Those of the tube."""
        return self.tube.events

    @property
    def channels(self) -> Sequence[str]:
        """Those of the tube."""
        return self.tube.channels

    @property
    def markers(self) -> Sequence[str]:
        """Those of the tube."""
        return self.tube.markers

    @property
    def keywords(self) -> Mapping[str, str]:
        """Those of the tube."""
        return self.tube.keywords

    @property
    def warnings(self) -> Sequence[str]:
        """Those of the tube."""
        return self.tube.warnings


def with_spill(tube: Tube, spill: GivenSpill) -> Respilled:
    """Return a tube with a spillover in place of its own.

    Parameters
    ----------
    tube
        Linear events with their channels, as they were measured.
    spill
        A matrix such as `tilseq.io.read_spill` gives.

    Raises
    ------
    AnalysisError
        The tube or a channel of the matrix is compensated already; the matrix is not n × n, not finite, singular or
        nearly so, or names time, scatter or a channel that the tube does not have exactly once.
    """
    done = [name for name in spill.channels if name.casefold().startswith(COMPENSATED_PREFIXES)]
    if done or is_compensated(tube):
        raise compensated_already(spill, done or tube.channels)
    no_dye = next((name for name in spill.channels if NO_DYE.match(plain_name(name))), None)
    if no_dye is not None:
        raise AnalysisError(
            "a spillover matrix is of dyes, and time and scatter are none",
            file=spill.source,
            column=no_dye,
            found=no_dye,
            expected="channels of dyes",
            mend=f"delete the row and the column {no_dye}",
        )
    try:
        checked_matrix(spill.channels, spill.matrix)
        checked_columns(tube.channels, spill.channels)
    except AnalysisError as error:
        error.file = spill.source
        raise
    return Respilled(tube, spill)


def compensated_already(spill: GivenSpill, channels: Any) -> AnalysisError:
    """Return the error that a spillover is given for channels that are compensated already."""
    return AnalysisError(
        "the file's channels are compensated already, and nothing is taken out of them twice",
        file=spill.source,
        found=", ".join(channels),
        expected="channels as they were measured",
        mend="give no spillover matrix for this tube, or its file as it was measured",
    )


def check_given(sample: str, tube: Respilled) -> dict[str, Any]:
    """Return the row of `quality` that tells which matrix takes the place of the file's own, and how far they differ.

    Channels that only one of the two knows count as if nothing spilled in the other.
    """
    own, spill = tube.tube.spill, tube.spill
    name, limit = "spillover given", "told, largest difference from the file's own"
    if own is None:
        return check(sample, name, None, limit, True, f"that of {spill.source}; the file holds none")
    apart = difference(own, spill)
    told = f"that of {spill.source} in place of the file's own, "
    if apart.largest <= SAME:
        return check(sample, name, apart.largest, limit, True, told + "which is the same")
    told += f"which differs by {apart}"
    pairs = ((spill, own, "the file's own lacks"), (own, spill, "it lacks"))
    for one, other, words in pairs:
        alone = [channel for channel in one.channels if channel not in other.channels]
        told += f"; {words} {', '.join(alone)}" if alone else ""
    return check(sample, name, apart.largest, limit, True, told)


class Difference(NamedTuple):
    """The largest difference of two spillover matrices, and of what dye in which detector it is."""

    largest: float
    dye: str
    detector: str

    def __str__(self) -> str:
        return f"{self.largest:.3g} in what {self.dye} puts into {self.detector}"


def difference(one: Spill, other: Spill) -> Difference:
    """Return how far two matrices differ; a channel that only one of them knows spills nothing in the other."""
    names = list(dict.fromkeys([*one.channels, *other.channels]))
    apart = np.abs(_within(one, names) - _within(other, names))
    row, column = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return Difference(float(apart[row, column]), names[row], names[column])


def _within(spill: Spill, names: list[str]) -> NDArray[np.float64]:
    """Return a matrix over more channels, which spill nothing."""
    wide = np.eye(len(names))
    places = [names.index(name) for name in spill.channels]
    wide[np.ix_(places, places)] = spill.matrix
    return wide
