"""A smooth line through points: locally weighted straight lines, made robust."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError

Floats = NDArray[np.float64]

SKIPPED_SHARE = 0.01  # of the range of x: points so near to one already fitted lie on a straight line between two
NEAR, FAR = 0.001, 0.999  # of a width: the weight is 1 within, 0 beyond
FLAT = 0.001  # of the range of x: a narrower neighbourhood has a mean, no slope
ROUNDING = 1e-12
NOTHING_LEFT = 1e-7  # residuals of which half are so small beside the mean one are not weighed again


def lowess(x: ArrayLike, y: ArrayLike, span: float = 2 / 3, steps: int = 3) -> tuple[Floats, Floats]:
    """Return the points between which the smooth line of R's ``lowess`` is straight, in order of x, and the line there.

    At each point a straight line is fitted to its neighbours with tricube weights; then `steps` times again, with
    bisquare weights of the residuals, so that outliers count for less. Points within 1 % of the range of x of one
    fitted are interpolated. Cleveland, J Am Stat Assoc 1979;74:829.

    Parameters
    ----------
    x, y
        Of one length, finite.
    span
        Share of the points that are neighbours.
    steps
        Robust fits after the first.

    Raises
    ------
    AnalysisError
        There is no point, or a value is not finite.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if not x.size or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise AnalysisError("no line can be drawn", found=f"{x.size} points", expected="finite points, one or more")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    if x.size == 1:
        return x, y
    places, weights = _neighbourhoods(x, span)
    line = _pass(x, y, places, weights, np.ones_like(x))
    for _ in range(steps):
        robust = _robust_weights(y - np.interp(x, x[places], line), np.abs(y).max())
        if robust is None:
            break
        line = _pass(x, y, places, weights, robust)
    return x[places], line


def _neighbourhoods(x: Floats, span: float) -> tuple[NDArray[np.int_], Floats]:
    """Return the points that are fitted, and for each the weights by distance of all points.

    The other points lie between two of them or equal one.
    """
    n = len(x)
    size = max(2, min(n, int(span * n + 1e-7)))
    delta = SKIPPED_SHARE * (x[-1] - x[0])
    # The neighbours move on while the next point to the right is nearer than the last one to the left.
    both = x[: n - size] + x[size:]
    places, rows = [], []
    at = left = 0
    while True:
        left = max(left, int(np.searchsorted(both, 2 * x[at])) - 1)
        while left + size < n and x[at] - x[left] > x[left + size] - x[at]:
            left += 1
        places.append(at)
        rows.append(_distance_weights(x, at, left, left + size))
        # Points that equal this one have its value; the next is the last within delta, or the one after.
        last = int(np.searchsorted(x, x[at], "right")) - 1
        if last >= n - 1:
            return np.array(places), np.array(rows)
        at = max(last + 1, int(np.searchsorted(x, x[at] + delta, "right")) - 1)


def _distance_weights(x: Floats, at: int, left: int, right: int) -> Floats:
    """Return the tricube weight of each point for the fit at one, 0 outside its neighbourhood."""
    width = max(x[at] - x[left], x[right - 1] - x[at])
    # Points as far as the last neighbour, by ties, are neighbours too.
    end = max(right, int(np.searchsorted(x, x[at] + FAR * width, "right")))
    weights = np.zeros_like(x)
    if width == 0:
        weights[left:end] = 1
        return weights
    share = np.abs(x[left:end] - x[at]) / width
    near = 1 - share * share * share  # ten times as fast as a power
    weights[left:end] = np.where(share <= FAR, near * near * near, 0)
    weights[left:end][share <= NEAR] = 1
    return weights


def _pass(x: Floats, y: Floats, places: NDArray[np.int_], weights: Floats, robust: Floats) -> Floats:
    """Return the line at the places for the weights that residuals gave; all fits are one product."""
    spread = x[-1] - x[0]
    away = x - x.mean()
    moments = weights @ (robust * np.array([np.ones_like(x), away, away**2, y, away * y])).T
    total = moments[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, square, level, cross = (moments[:, 1:] / total[:, None]).T
        square = np.maximum(square - mean**2, 0)
        slope = np.where(np.sqrt(square) > FLAT * spread, (cross - mean * level) / square, 0)
    return np.where(total > 0, level + slope * (away[places] - mean), y[places])


def _robust_weights(residuals: Floats, largest: float) -> Floats | None:
    """Return bisquare weights of residuals on the scale of six times their median, None where the line fits all."""
    size = np.abs(residuals)
    n = len(size)
    middle = np.partition(size, (n - n // 2 - 1, n // 2))
    scale = 3 * (middle[n // 2] + middle[n - n // 2 - 1])
    # Where the line fits all points to rounding, as with very few, weights would be made of rounding errors.
    if scale < NOTHING_LEFT * size.mean() or scale <= ROUNDING * largest:
        return None
    weights = np.where(size <= NEAR * scale, 1.0, (1 - (size / scale) ** 2) ** 2)
    weights[size > FAR * scale] = 0
    return weights
