"""Gates on light scatter: single cells, and lymphocytes found back from the T cells."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.density import next_valley
from tilseq.flow.robust import centre_and_spread
from tilseq.flow.tube import Floats, Mask

SINGLET_SPREADS = 5.0
NEAREST, REACH = 2.0, 4.0
BINS = 20


class Edge(NamedTuple):
    """One side of the lymphocyte gate, on the scale of the values given."""

    threshold: float
    separation: float | None
    source: Literal["valley", "fallback"]


def singlets(area: Floats, height: Floats) -> Mask:
    """Keep events whose height fits their area: within 5 MAD of a robust line of log height on log area.

    The line goes through the medians of 20 bins of equal number and takes the median of their pairwise slopes
    (Theil, 1950; Sen, 1968), so doublets do not bend it. Two cells in a row have twice the area but not the height.

    Parameters
    ----------
    area, height
        FSC-A and FSC-H of the same events, linear. An event with a value not above 0 is no single cell.

    Returns
    -------
    ndarray of bool
        True for single cells; all True for fewer than 20 events with positive values.
    """
    positive = (area > 0) & (height > 0)
    if positive.sum() < BINS:
        return np.ones(len(area), dtype=bool)
    x, y = (np.log(np.where(positive, values, 1)).astype(np.float64) for values in (area, height))
    slope, offset = _robust_line(x[positive], y[positive])
    residual = y - (slope * x + offset)
    middle, spread = centre_and_spread(residual[positive])
    # Rounded scatter can leave no spread at all; a part in a thousand is below any instrument's.
    return positive & (np.abs(residual - middle) <= SINGLET_SPREADS * max(spread, 1e-3))


def edge(values: Floats, t_cells: Mask, *, upper: bool) -> Edge:
    """Find where lymphocytes end on one scatter or CD45 channel, seen from the T cells.

    The nearest valley beyond the T cells' median is taken when it lies at least two of their standard deviations
    away, so that no T cells are cut; otherwise their median plus or minus four standard deviations (by the MAD).

    Parameters
    ----------
    values
        One channel on the scale where populations are round (square root of scatter, arcsinh of CD45).
    t_cells
        Events above a first CD3 cut; at least one.
    upper
        Whether lymphocytes lie below the edge (side scatter) or above it (forward scatter against debris, CD45).
    """
    middle, spread = centre_and_spread(values[t_cells])
    found = next_valley(values, middle, above=upper)
    if found is not None and abs(found.threshold - middle) >= NEAREST * spread:
        return Edge(found.threshold, found.separation, "valley")
    return Edge(middle + (REACH if upper else -REACH) * spread, None, "fallback")


def _robust_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    limits = np.quantile(x, np.linspace(0, 1, BINS + 1))
    bins = np.clip(np.searchsorted(limits, x, side="right") - 1, 0, BINS - 1)
    groups = [bins == number for number in range(BINS) if (bins == number).any()]
    middles_x, middles_y = (np.array([np.median(values[group]) for group in groups]) for values in (x, y))
    first, second = np.triu_indices(len(groups), 1)
    run, rise = middles_x[second] - middles_x[first], middles_y[second] - middles_y[first]
    slope = float(np.median(rise[run > 0] / run[run > 0])) if (run > 0).any() else 0.0
    return slope, float(np.median(middles_y - slope * middles_x))
