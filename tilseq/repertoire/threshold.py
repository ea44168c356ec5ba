"""The distance that parts families of B cells, from the distribution of distances to the nearest junction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

USUAL_THRESHOLD = 0.15
FEWEST_DISTANCES = 50
FEWEST_A_SIDE = 10
LEAST_SEPARATION = 0.25
GRID = np.linspace(0, 1, 1001)


@dataclass(frozen=True)
class Valley:
    """Where a density is lowest between two modes.

    Attributes
    ----------
    threshold
        Distance at the bottom, a share of bases.
    separation
        1 - density there / density at the lower of the two modes: 0 is no valley, 1 an empty one.
    """

    threshold: float
    separation: float


def family_threshold(distances: Any) -> Valley | None:
    """Return the valley between the distances within families and those between families, or None.

    Density of a Gaussian kernel with Silverman's bandwidth, 0.9 min(sd, IQR / 1.34) n^(-1/5) (Density Estimation,
    1986, eq. 3.31), mirrored at 0; of its lowest points between two modes the one with the largest separation. The idea
    is that of shazam's `findThreshold(method = "density")` (Nouri and Kleinstein, Bioinformatics 2018;34:i341), which
    takes another bandwidth and the first lowest point.

    Parameters
    ----------
    distances
        Distance to the nearest of each distinct junction (`distance_to_nearest`), any sequence; nulls are let be.

    Returns
    -------
    Valley or None
        None for fewer than 50 distances, and where no valley with ten of them or more on each side is a quarter lower
        than its lower mode: nothing in the data then says where families end.
    """
    values = np.array([value for value in distances if value is not None], float)
    if len(values) < FEWEST_DISTANCES:
        return None
    height = _distance_density(values)
    inner = np.arange(1, len(height) - 1)
    lowest = inner[(height[inner] < height[inner - 1]) & (height[inner] <= height[inner + 1])]
    below = np.searchsorted(np.sort(values), GRID[lowest])
    lowest = lowest[np.minimum(below, len(values) - below) >= FEWEST_A_SIDE]
    left = np.maximum.accumulate(height)[lowest]
    right = np.maximum.accumulate(height[::-1])[::-1][lowest]
    if not len(lowest):
        return None
    separation = 1 - height[lowest] / np.minimum(left, right)
    best = int(np.argmax(separation))
    if separation[best] < LEAST_SEPARATION:
        return None
    return Valley(float(GRID[lowest[best]]), float(separation[best]))


def _distance_density(distances: Floats) -> Floats:
    """Return the density of distances at `GRID`, by the kernel of `family_threshold`; it integrates to 1."""
    quarter, three = np.quantile(distances, [0.25, 0.75])
    spread = min(float(distances.std(ddof=1)), float(three - quarter) / 1.34) or float(distances.std(ddof=1)) or 0.01
    bandwidth = 0.9 * spread * len(distances) ** -0.2
    step = GRID[1] - GRID[0]
    counts = np.bincount(np.rint(distances / step).astype(np.int64), minlength=len(GRID))
    kernel = np.exp(-0.5 * (np.concatenate([-GRID[:0:-1], GRID]) / bandwidth) ** 2)
    smooth = np.convolve(np.concatenate([counts[:0:-1], counts]), kernel, "same")[len(GRID) - 1 :]
    return np.asarray(smooth / (smooth.sum() * step))
