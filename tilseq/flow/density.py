"""Where one channel's density has its valley between two populations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curve = NDArray[np.float64]

GRID = 1024
TAIL = 0.0005
SMALLEST_SHARE = 0.005
LEAST_MODE = 10
LEAST_VALLEY = 0.3


class Valley(NamedTuple):
    """A valley between two modes.

    Attributes
    ----------
    threshold
        Where it lies, on the scale of the values.
    separation
        1 - valley / lower peak of the density: 1 is an empty gap, 0 no valley.
    """

    threshold: float
    separation: float


def density(values: ArrayLike) -> tuple[Curve, Curve] | None:
    """Estimate the density of values by a Gaussian kernel on a grid (binned, by FFT).

    The bandwidth is Silverman's robust one, ``0.9 min(sd, IQR / 1.349) n^(-1/5)`` (Density Estimation, 1986, 3.31).

    Returns
    -------
    grid, height
        1,024 points over the inner 99.9 % of the values, and the density there; None for fewer than ten finite
        values or for values all alike.
    """
    data = np.asarray(values, dtype=np.float64).ravel()
    data = data[np.isfinite(data)]
    if data.size < LEAST_MODE:
        return None
    low, q1, q3, high = np.quantile(data, (TAIL, 0.25, 0.75, 1 - TAIL))
    inner = data[(data >= low) & (data <= high)]
    spread = min(width for width in (_order_free_sd(inner), (q3 - q1) / 1.349, np.inf) if width > 0)
    if not np.isfinite(spread) or high <= low:
        return None
    bandwidth = 0.9 * spread * data.size**-0.2
    edges = np.linspace(low - 3 * bandwidth, high + 3 * bandwidth, GRID + 1)
    counts = np.histogram(inner, edges)[0]
    step = edges[1] - edges[0]
    frequencies = np.fft.rfftfreq(2 * GRID, step)
    kernel = np.exp(-2 * (np.pi * frequencies * bandwidth) ** 2)
    smooth = np.fft.irfft(np.fft.rfft(counts, 2 * GRID) * kernel)[:GRID]
    return (edges[:-1] + edges[1:]) / 2, np.maximum(smooth, 0) / (inner.size * step)


def valley(values: ArrayLike) -> Valley | None:
    """Find the valley between the two most prominent modes of one channel.

    Parameters
    ----------
    values
        Values on a scale where populations are round, such as `transform.arcsinh`'s.

    Returns
    -------
    Valley or None
        None where there is no second mode, the separation is below 0.3, or the smaller side holds less than
        0.5 % of the values or fewer than ten.
    """
    curve = density(values)
    if curve is None:
        return None
    peaks = modes(curve[1])
    if len(peaks) < 2:
        return None
    left, right = sorted(peaks[:2])
    found = _floor(*curve, left, right)
    return found if found.separation >= LEAST_VALLEY and _parts(values, found.threshold) else None


def next_valley(values: ArrayLike, start: float, *, above: bool) -> Valley | None:
    """Find the valley nearest to a place, on one side of it, that parts off another mode.

    Parameters
    ----------
    values
        Values of one channel.
    start
        Where the population that is to be parted from its neighbour lies, such as its median.
    above
        Look above `start` or below it.

    Returns
    -------
    Valley or None
        As `valley`.
    """
    curve = density(values)
    if curve is None:
        return None
    grid, height = curve
    own = _climb(height, int(np.abs(grid - start).argmin()))
    beyond = sorted((peak for peak in modes(height) if (peak > own if above else peak < own)), reverse=not above)
    for peak in beyond:
        found = _floor(grid, height, min(own, peak), max(own, peak))
        if found.separation >= LEAST_VALLEY and _parts(values, found.threshold):
            return found
    return None


def modes(height: Curve) -> list[int]:
    """Return the places of all local maxima, the most prominent first.

    The prominence of a maximum is its height over the highest saddle that parts it from a higher one.
    """
    padded = np.concatenate(([-1.0], height, [-1.0]))
    peaks = np.flatnonzero((padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:]))
    return sorted((int(peak) for peak in peaks), key=lambda peak: (-_prominence(height, peak), peak))


def _prominence(height: Curve, peak: int) -> float:
    saddles = []
    for side in (height[:peak][::-1], height[peak + 1 :]):
        higher = np.flatnonzero(side > height[peak])
        if higher.size:
            saddles.append(side[: higher[0] + 1].min())
    return float(height[peak] - max(saddles, default=0.0))


def _floor(grid: Curve, height: Curve, left: int, right: int) -> Valley:
    """Return the middle of the lowest stretch between two maxima: a gap without events has no single lowest point."""
    between = height[left : right + 1]
    lower_peak = min(height[left], height[right])
    low = np.flatnonzero(between <= between.min() + 1e-3 * lower_peak)
    threshold = float(grid[left + low].mean())
    return Valley(threshold, float(1 - between.min() / lower_peak))


def _climb(height: Curve, place: int) -> int:
    """Return the maximum that lies uphill of a place."""
    while True:
        low = max(place - 1, 0)
        higher = low + int(height[low : place + 2].argmax())
        if height[higher] <= height[place]:
            return place
        place = higher


def _parts(values: ArrayLike, threshold: float) -> bool:
    """Tell whether each side of a threshold holds enough events to be a population."""
    data = np.asarray(values)
    above, finite = int((data > threshold).sum()), int(np.isfinite(data).sum())
    return min(above, finite - above) >= max(LEAST_MODE, SMALLEST_SHARE * finite)


def _order_free_sd(values: Curve) -> float:
    """Return the standard deviation, from ordered values so that the order of events cannot touch the last digit."""
    return float(np.sort(values).std())
