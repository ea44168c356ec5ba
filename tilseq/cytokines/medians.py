"""The median reporter of a bead population, with its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 5  # for a standard error


@dataclass(frozen=True)
class Median:
    """A median reporter.

    Attributes
    ----------
    signal
        Median, on the linear scale; None without a bead.
    se_log
        Standard error of its natural logarithm; None where it cannot be told.
    cv
        Robust coefficient of variation between beads: half the distance between the 15.87th and the 84.13th
        percentile, over the median; None where the median is not above 0.
    """

    signal: float | None
    se_log: float | None
    cv: float | None


def median_signal(reporter: NDArray[np.floating]) -> Median:
    """Return the median reporter of one population's beads in one well.

    The standard error is that of Price and Bonett (J Stat Comput Simul 2001;68:295-305): the distance of the two order
    statistics about the median that are ``sqrt(n)`` places from it, over that distance of a standard normal by the
    binomial distribution. It takes order statistics alone, so that it is the same on any scale of the reporter.
    Where so many beads share one value that both are equal, as on few channels, the next values below and above take
    their place: the error is then that of the scale's step. It is None with fewer than five beads, or where the lower
    of the two is not above 0, or all beads have one value.

    Parameters
    ----------
    reporter
        Reporter of the beads, on the linear scale.
    """
    from scipy.special import bdtr, ndtri

    values = np.sort(np.asarray(reporter, np.float64))
    n = len(values)
    if not n:
        return Median(None, None, None)
    middle = float(np.median(values))
    lower, upper = np.percentile(values, [15.87, 84.13])
    cv = float((upper - lower) / 2 / middle) if middle > 0 else None
    if n < FEWEST:
        return Median(middle, None, cv)
    place = max(round((n + 1) / 2 - np.sqrt(n)), 1)
    below, above = float(values[place - 1]), float(values[n - place])
    if below == above:
        first, last = (int(np.searchsorted(values, below, side)) for side in ("left", "right"))
        below, above = float(values[max(first - 1, 0)]), float(values[min(last, n - 1)])
    if not 0 < below < above:
        return Median(middle, None, cv)
    z = -float(ndtri(bdtr(place - 1, n, 0.5)))
    return Median(middle, float(np.log(above / below) / (2 * z)), cv)
