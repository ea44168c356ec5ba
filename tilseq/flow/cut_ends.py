"""Where a cut in a valley could as well lie: the valley found again in tubes like this one."""

from __future__ import annotations

import numpy as np

from tilseq.flow.density import EITHER_WAY, Curve, Density, Valley, lowest

Pair = tuple[float, float]
TUBES, SEED = 100, 2031
CLOSE_BY = 1.0  # bandwidths
BINS_A_BANDWIDTH, KERNEL_BANDWIDTHS = 2, 4


def cut_ends(curve: Density, found: Valley) -> tuple[Pair, Pair]:
    """Return the ends between which the threshold of a valley could as well lie, on the scale of the values.

    They hold 95 % of the thresholds of 100 tubes that are drawn again (Poisson counts in bins, the bootstrap), between
    the same two modes, and two bandwidths either way; the second pair one bandwidth either way, for populations that
    are so small that two reach into the flank of their neighbours.

    Parameters
    ----------
    curve
        The density in which the valley was found.
    found
        The valley.
    """
    grid, counts = _between(curve, found)
    drawn = np.random.default_rng(SEED).poisson(counts, (TUBES, len(counts))).astype(float)
    inside = (grid >= found.left) & (grid <= found.right)
    lower, upper = np.quantile(lowest(grid[inside], _smooth(drawn)[:, inside]), (0.025, 0.975))
    wide, close = (
        (min(float(lower), found.threshold - way), max(float(upper), found.threshold + way))
        for way in (EITHER_WAY * curve.bandwidth, CLOSE_BY * curve.bandwidth)
    )
    return wide, close


def _between(curve: Density, found: Valley) -> tuple[Curve, Curve]:
    """Return the middles of bins of half a bandwidth from below one mode to above the other, and the values in them."""
    step = curve.grid[1] - curve.grid[0]
    joined = max(1, int(curve.bandwidth / BINS_A_BANDWIDTH / step))
    beyond = KERNEL_BANDWIDTHS * curve.bandwidth
    some = slice(*np.searchsorted(curve.grid, (found.left - beyond, found.right + beyond)))
    starts = np.arange(0, len(curve.grid[some]), joined)
    counts = np.add.reduceat(curve.counts[some], starts)
    return curve.grid[some][starts] + (joined - 1) / 2 * step, counts


def _smooth(counts: Curve) -> Curve:
    """Smooth each row by a Gaussian kernel of a standard deviation of one bandwidth."""
    places = np.arange(-KERNEL_BANDWIDTHS * BINS_A_BANDWIDTH, KERNEL_BANDWIDTHS * BINS_A_BANDWIDTH + 1)
    kernel = np.exp(-0.5 * (places / BINS_A_BANDWIDTH) ** 2)
    size = counts.shape[1] + len(kernel) - 1
    both = np.fft.irfft(np.fft.rfft(counts, size) * np.fft.rfft(kernel, size), size)
    middle = len(kernel) // 2
    return np.maximum(both[:, middle : middle + counts.shape[1]], 0)
