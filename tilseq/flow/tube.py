"""What the laboratory needs to know of one tube; a reader's result fits without either importing the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Spill(Protocol):
    """A spillover matrix as an instrument wrote it.

    Attributes
    ----------
    channels
        Names ($PnN) of the rows and columns, in order.
    matrix
        n × n, float64; row i is what the dye of channel i puts into each detector, with 1 on the diagonal.
    """

    @property
    def channels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def matrix(self) -> NDArray[np.float64]: ...  # noqa: D102


class Tube(Protocol):
    """One tube.

    Attributes
    ----------
    events
        Events × channels, float32, on the linear scale.
    channels, markers
        $PnN and $PnS of each channel; a marker that is not given is an empty string.
    spill
        The file's own spillover, or None.
    keywords
        The file's keywords.
    warnings
        What the reader found odd, one sentence each.
    """

    @property
    def events(self) -> Floats: ...  # noqa: D102
    @property
    def channels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def markers(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def spill(self) -> Spill | None: ...  # noqa: D102
    @property
    def keywords(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def warnings(self) -> Sequence[str]: ...  # noqa: D102


def time_channel(tube: Tube) -> int | None:
    """Return the place of a tube's channel `Time`, or None."""
    return next((place for place, name in enumerate(tube.channels) if name.strip().casefold() == "time"), None)
