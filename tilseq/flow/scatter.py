"""The gate on single cells by light scatter."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.robust import centre_and_spread, median, thinned
from tilseq.flow.tube import Floats, Mask

SINGLET_SPREADS = 5.0
BINS = 20
MOST_LOOKED_AT = 65_536


class Line(NamedTuple):
    """A band on natural logarithms: log height within `reach` of ``slope * log area + offset``."""

    slope: float
    offset: float
    reach: float


class Beside(NamedTuple):
    """Events beside the band of single cells: below it, no further than it is wide on that side, and above it."""

    below: int
    above: int


NONE_BESIDE = Beside(0, 0)


def singlets(area: Floats, height: Floats) -> tuple[Mask, Beside]:
    """Keep events whose height fits their area, see `singlet_line`, and tell how many lie beside them.

    Parameters
    ----------
    area, height
        FSC-A and FSC-H of the same events, linear. An event with a value not above 0 is no single cell.

    Returns
    -------
    mask
        True for single cells; all True for fewer than 20 events with positive values.
    beside
        Events with positive values beside them.
    """
    line = singlet_line(area, height)
    if line is None:
        return np.ones(len(area), dtype=bool), NONE_BESIDE
    off = _log(area)
    off *= np.float32(line.slope)
    off += np.float32(line.offset)
    off -= _log(height)
    positive, below = (area > 0) & (height > 0), off > line.reach
    above = int(np.count_nonzero(positive & (off < -line.reach)))
    below &= positive & (off <= 2 * line.reach)
    return positive & (np.abs(off, out=off) <= line.reach), Beside(int(np.count_nonzero(below)), above)


def singlet_line(area: Floats, height: Floats) -> Line | None:
    """Find the band in which single cells lie: within 5 MAD of a robust line of log height on log area.

    The line goes through the medians of 20 bins of equal number and takes the median of their pairwise slopes
    (Theil, 1950; Sen, 1968), so doublets do not bend it. Two cells in a row have twice the area but not the height.
    Events off scale do not count. Of more than 65,536 events every second is looked at, or every third, and so on.

    Parameters
    ----------
    area, height
        FSC-A and FSC-H of the same events, linear.

    Returns
    -------
    Line or None
        None for fewer than 20 events with positive values.
    """
    places = np.flatnonzero((area > 0) & (height > 0) & _below_the_top(area) & _below_the_top(height))
    if len(places) < BINS:
        return None
    places = thinned(places, MOST_LOOKED_AT)
    x, y = (_log(values[places]).astype(np.float64) for values in (area, height))
    slope, offset = _robust_line(x, y)
    middle, spread = centre_and_spread(y - (slope * x + offset))
    # Rounded scatter can leave no spread at all; a part in a thousand is below any instrument's.
    return Line(slope, offset + middle, SINGLET_SPREADS * max(spread, 1e-3))


def _below_the_top(values: Floats) -> Mask:
    """Return the events below the largest value, where those off scale pile up; all where one event alone is there."""
    below = values < values.max() if len(values) else np.zeros(0, dtype=bool)
    return below if np.count_nonzero(~below) > 1 else np.ones(len(values), dtype=bool)


def _log(values: Floats) -> Floats:
    """Return logarithms, whatever they are of values not above 0."""
    positive = np.maximum(values, np.finfo(np.float32).tiny)
    return np.log(positive, out=positive)


def _robust_line(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[float, float]:
    order = np.argsort(x)
    x, y = x[order], y[order]
    starts = np.searchsorted(x, np.quantile(x, np.linspace(0, 1, BINS + 1)[:-1]))
    groups = [slice(start, end) for start, end in pairwise([*starts.tolist(), len(x)]) if start < end]
    middles_x, middles_y = (np.array([median(values[group]) for group in groups]) for values in (x, y))
    first, second = np.triu_indices(len(groups), 1)
    run, rise = middles_x[second] - middles_x[first], middles_y[second] - middles_y[first]
    slope = float(median(rise[run > 0] / run[run > 0])) if (run > 0).any() else 0.0
    return slope, float(median(middles_y - slope * middles_x))
