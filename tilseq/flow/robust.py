"""Centre and spread that a few outliers cannot move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAD_TO_SD = 1.4826  # of a normal distribution, 1 / Φ⁻¹(3/4)


def centre_and_spread(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the median and the standard deviation by the median absolute deviation."""
    middle = float(np.median(values))
    return middle, MAD_TO_SD * float(np.median(np.abs(values - middle)))
