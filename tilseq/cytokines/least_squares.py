"""Least squares of a non-linear model by Levenberg's and Marquardt's steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_STEPS = 500
FIRST_DAMPING, LARGEST_DAMPING = 1e-3, 1e12


def least_squares(
    misfit: Callable[[Floats], tuple[Floats, Floats]], start: Floats, gain: float = 1e-13
) -> tuple[Floats, Floats]:
    """Minimise a sum of squares (Marquardt, J SIAM 1963;11:431).

    Parameters
    ----------
    misfit
        Returns residuals and their derivatives, residuals × parameters.
    start
        Parameters to start from.
    gain
        Relative gain in the sum of squares below which two steps in a row end the search.

    Returns
    -------
    parameters
        Where the sum is least, as far as found.
    information
        Product of the derivatives with themselves there: its inverse is the covariance where residuals have variance 1.
    """
    at = np.asarray(start, np.float64)
    residual, slope = misfit(at)
    total, damping, still = float(residual @ residual), FIRST_DAMPING, 0
    for _ in range(MOST_STEPS):
        information = slope.T @ slope
        scale = np.maximum(np.diag(information), 1e-12)
        step = np.linalg.solve(information + damping * np.diag(scale), -slope.T @ residual)
        there, slope_there = misfit(at + step)
        new = float(there @ there)
        if not np.isfinite(new) or new > total:
            damping *= 4
            if damping > LARGEST_DAMPING:
                break
            continue
        still = still + 1 if total - new <= gain * total else 0
        at, residual, slope, total, damping = at + step, there, slope_there, new, damping / 3
        if still == 2:
            break
    return at, slope.T @ slope
