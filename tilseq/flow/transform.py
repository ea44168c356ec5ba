"""The scale on which populations look round: inverse hyperbolic sine with a cofactor taken from the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError
from tilseq.flow.robust import MAD_TO_SD, median, thinned

# The densest part of a channel is its negatives; linear within three of their standard deviations.
SPREADS = 3.0
QUANTILES = 2001
MOST_LOOKED_AT = 65_536


def arcsinh(values: ArrayLike, cofactor: float) -> NDArray[np.float32]:
    """Return ``arcsinh(values / cofactor)``: linear about 0, logarithmic far above the cofactor.

    Parameters
    ----------
    values
        Linear, compensated values of one channel, any shape.
    cofactor
        Positive, in the unit of the values.
    """
    if not (np.isfinite(cofactor) and cofactor > 0):
        raise AnalysisError("a cofactor must be a positive number", found=cofactor)
    scaled = np.asarray(values, dtype=np.float32) / np.float32(cofactor)
    return np.arcsinh(scaled, out=scaled) if scaled.ndim else np.arcsinh(scaled)


def square_root(values: ArrayLike) -> NDArray[np.float32]:
    """Return the square root of light scatter, negative values as 0.

    Scatter grows in spread with its size as a count does, so populations have like widths on this scale.
    """
    light = np.maximum(np.asarray(values, dtype=np.float32), np.float32(0))
    return np.sqrt(light, out=light) if light.ndim else np.sqrt(light)


def cofactor(values: ArrayLike) -> float:
    """Find a channel's cofactor: three standard deviations of its negatives.

    The negatives are taken to lie about the narrowest interval that holds a quarter of the events, events on the
    detector's floor apart; their spread is the median distance below its middle, so that positives do not count.
    The cofactor grows with the gain. Of more than 65,536 events every second is looked at, or every third, and so on.

    Parameters
    ----------
    values
        Linear, compensated values of one channel.

    Raises
    ------
    AnalysisError
        No value is finite, or all are the same.
    """
    return SPREADS * negatives(values)[1]


def negatives(values: ArrayLike) -> tuple[float, float]:
    """Return the middle and the standard deviation of a channel's negatives, as `cofactor` finds them, both linear.

    Raises
    ------
    AnalysisError
        No value is finite, or all are the same.
    """
    finite = np.asarray(values).ravel()
    finite = finite[np.isfinite(finite)]
    ordered = np.sort(thinned(finite, MOST_LOOKED_AT))
    if not ordered.size or ordered[0] == ordered[-1]:
        raise AnalysisError(
            "a channel holds one value only",
            found=float(ordered[0]) if ordered.size else None,
            expected="a spread of values",
        )
    # By linear interpolation; sorting once is faster than to part the values at two thousand places.
    places = np.linspace(0, ordered.size - 1, QUANTILES)
    left = np.minimum(places.astype(np.intp), ordered.size - 2)
    low, high = ordered[left].astype(np.float64), ordered[left + 1].astype(np.float64)
    levels = low + (places - left) * (high - low)
    above_floor = levels[levels > levels[0]]
    middle = _middle_of_narrowest(above_floor, max(1, len(above_floor) // 4))
    below = levels[levels < middle]
    return middle, float(MAD_TO_SD * median(middle - below))


def _middle_of_narrowest(ordered: NDArray[np.float64], steps: int) -> float:
    widths = ordered[steps:] - ordered[:-steps]
    start = int(widths.argmin()) if widths.size else 0
    return float(median(ordered[start : start + steps + 1]))
