"""Where one channel's density has its valley between two populations."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curve = NDArray[np.float64]

BINS, LEAST_BINS_A_BANDWIDTH, MOST_ROUNDS = 4096, 4, 3
AT_ONCE = 65_536  # so many values stay in a processor's cache
TAIL = 0.0005
SMALLEST_SHARE = 0.005
LEAST_MODE = 10
LEAST_VALLEY = 0.3
EITHER_WAY = 2.0  # bandwidths that a valley could lie either way
HARDLY_HIGHER = 0.03  # of the way from the valley up to the lower peak


class Valley(NamedTuple):
    """A valley between two modes.

    Attributes
    ----------
    threshold
        Where it lies, on the scale of the values.
    separation
        1 - valley / lower peak of the density: 1 is an empty gap, 0 no valley.
    near_end
        Where the stretch begins in which the density is hardly higher, or two bandwidths below the threshold.
    left, right
        The two modes.
    """

    threshold: float
    separation: float
    near_end: float
    left: float
    right: float


class Density(NamedTuple):
    """A density on a grid of equal steps, the bandwidth of its kernel, and how many values lie at each place."""

    grid: Curve
    height: Curve
    bandwidth: float
    counts: Curve


def density(values: ArrayLike) -> Density | None:
    """Estimate the density of values by a Gaussian kernel on a grid (binned, by FFT).

    The bandwidth is Silverman's robust one, ``0.9 min(sd, IQR / 1.349) n^(-1/5)`` (Density Estimation, 1986, 3.31),
    its spread and quartiles taken from the bins, so that the order of events cannot touch the last digit.

    Returns
    -------
    Density or None
        Over the inner 99.9 % of the values and three bandwidths more; None for fewer than ten finite values or for
        values all alike.
    """
    data = np.asarray(values).ravel()
    if not np.isfinite(data).all():
        data = data[np.isfinite(data)]
    if data.size < LEAST_MODE:
        return None
    low, high = float(data.min()), float(data.max())
    for _ in range(MOST_ROUNDS):
        if not high > low:
            return None
        step = (high - low) / BINS
        counts = _binned(data, low, step)
        grid = low + step * (np.arange(BINS) + 0.5)
        first, q1, q3, last = np.searchsorted(np.cumsum(counts), np.array([TAIL, 0.25, 0.75, 1 - TAIL]) * counts.sum())
        inner: Curve = np.zeros_like(counts)
        inner[first : last + 1] = counts[first : last + 1]
        spread = min(width for width in (_sd(grid, inner), (q3 - q1) * step / 1.349, np.inf) if width > 0)
        bandwidth = 0.9 * spread * data.size**-0.2
        # Far outliers make wide bins: then once more without them.
        if bandwidth >= LEAST_BINS_A_BANDWIDTH * step or (first, last) == (0, BINS - 1):
            break
        low, high = float(grid[first] - step / 2), float(grid[last] + step / 2)
    if not np.isfinite(spread):
        return None
    pad = min(int(np.ceil(3 * bandwidth / step)), BINS)
    inner = np.pad(inner[first : last + 1], pad)
    size = 1 << int(np.ceil(np.log2(2 * len(inner))))
    kernel = np.exp(-2 * (np.pi * np.fft.rfftfreq(size, step) * bandwidth) ** 2)
    smooth = np.fft.irfft(np.fft.rfft(inner, size) * kernel)[: len(inner)]
    grid = grid[first] + step * (np.arange(len(inner)) - pad)
    return Density(grid, np.maximum(smooth, 0) / (inner.sum() * step), bandwidth, inner)


def _binned(data: NDArray[Any], low: float, step: float) -> Curve:
    """Count values in bins of one width from `low` on; what lies outside is left out."""
    counts = np.zeros(BINS)
    for start in range(0, len(data), AT_ONCE):
        part = data[start : start + AT_ONCE]
        away = part - low
        away /= step
        places = np.floor(away, out=away).astype(np.intp)
        places[part == low + BINS * step] = BINS - 1
        inside = (places >= 0) & (places < BINS)
        counts += np.bincount(places if inside.all() else np.compress(inside, places), minlength=BINS)
    return counts


def _sd(grid: NDArray[Any], counts: Curve) -> float:
    mean = np.average(grid, weights=counts)
    return float(np.sqrt(np.average((grid - mean) ** 2, weights=counts)))


def valley(values: ArrayLike, curve: Density | None = None) -> Valley | None:
    """Find the valley between the two most prominent modes of one channel.

    Parameters
    ----------
    values
        Values on a scale where populations are round, such as `transform.arcsinh`'s.
    curve
        Their density, where it is known already.

    Returns
    -------
    Valley or None
        None where there is no second mode, the separation is below 0.3, or the smaller side holds less than
        0.5 % of the values or fewer than ten.
    """
    curve = curve or density(values)
    if curve is None:
        return None
    peaks = modes(curve.height)
    if len(peaks) < 2:
        return None
    left, right = sorted(peaks[:2])
    found = _floor(curve, left, right)
    return found if found.separation >= LEAST_VALLEY and _parts(values, found.threshold) else None


def next_valley(
    values: ArrayLike, start: float, *, above: bool, least: float = LEAST_VALLEY, curve: Density | None = None
) -> Valley | None:
    """Find the valley nearest to a place, on one side of it, that parts off another mode.

    Parameters
    ----------
    values
        Values of one channel.
    start
        Where the population that is to be parted from its neighbour lies, such as its median.
    above
        Look above `start` or below it.
    least
        Least separation.
    curve
        The density of the values, where it is known already.

    Returns
    -------
    Valley or None
        As `valley`.
    """
    curve = curve or density(values)
    if curve is None:
        return None
    own = _climb(curve.height, int(np.abs(curve.grid - start).argmin()))
    beyond = sorted((peak for peak in modes(curve.height) if (peak > own if above else peak < own)), reverse=not above)
    for peak in beyond:
        found = _floor(curve, min(own, peak), max(own, peak))
        if found.separation >= least and _parts(values, found.threshold):
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


def _floor(curve: Density, left: int, right: int) -> Valley:
    """Return the middle of the lowest stretch between two maxima: a gap without events has no single lowest point."""
    grid, between = curve.grid[left : right + 1], curve.height[left : right + 1]
    lower_peak = min(between[0], between[-1])
    threshold = float(lowest(grid, between))
    hardly_higher = between <= between.min() + HARDLY_HIGHER * (lower_peak - between.min())
    near_end = min(grid[hardly_higher][0], threshold - EITHER_WAY * curve.bandwidth)
    separation = float(1 - between.min() / lower_peak)
    return Valley(threshold, separation, float(near_end), float(grid[0]), float(grid[-1]))


def lowest(grid: Curve, heights: Curve) -> Curve:
    """Return the middle of the lowest stretch of each of several curves that begin and end on a maximum.

    Parameters
    ----------
    grid
        Places, shape (places,).
    heights
        Shape (..., places).

    Returns
    -------
    ndarray
        Shape (...).
    """
    lower_peak = np.minimum(heights[..., 0], heights[..., -1])
    low = heights <= (heights.min(axis=-1) + 1e-3 * lower_peak)[..., None]
    return np.asarray((low * grid).sum(axis=-1) / low.sum(axis=-1))


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
    above, finite = int(np.count_nonzero(data > threshold)), int(np.count_nonzero(np.isfinite(data)))
    return min(above, finite - above) >= max(LEAST_MODE, SMALLEST_SHARE * finite)
