"""Centre and spread that a few outliers cannot move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAD_TO_SD = 1.4826  # of a normal distribution, 1 / Φ⁻¹(3/4)
ERROR_OF_MEDIAN = 1.2533  # of a normal distribution, √(π/2) times the standard error of the mean


def centre_and_spread(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the median and the standard deviation by the median absolute deviation."""
    middle = float(np.median(values))
    return middle, MAD_TO_SD * float(np.median(np.abs(values - middle)))
