"""Least squares of non-linear models by Levenberg's and Marquardt's steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tilseq.cytokines.curve import Floats

FIRST_DAMPING, LARGEST_DAMPING = 1e-3, 1e8
Normal = tuple[Floats, Floats, Floats]


def least_squares(normal: Callable[[Floats], Normal], start: Floats, *, gain: float, steps: int) -> Floats:
    """Minimise the sums of squares of several problems at once (Marquardt, J SIAM 1963;11:431).

    Parameters
    ----------
    normal
        Returns of parameters, problems × parameters: each problem's sum of squares, the products of its derivatives
        with its residuals (problems × parameters), and with themselves (problems × parameters × parameters).
    start
        Parameters to start from, problems × parameters.
    gain
        Relative gain in its sum of squares at which a problem is solved.
    steps
        Most steps, those that gain nothing included.

    Returns
    -------
    Floats
        Parameters of the least sums, as far as found.
    """
    at, found = start, normal(start)
    damping, still = np.full(len(at), FIRST_DAMPING), np.zeros(len(at), bool)
    for _ in range(steps):
        squares, pull, products = found
        damped = products.copy()
        diagonal = np.einsum("aii->ai", damped)
        diagonal += damping[:, None] * np.maximum(diagonal, 1e-12)
        there = at - np.linalg.solve(damped, pull[:, :, None])[:, :, 0]
        new = normal(there)
        better = new[0] <= squares  # never where it is not a number
        still |= np.where(better, squares - new[0] <= gain * squares, damping > LARGEST_DAMPING)
        damping = np.where(better, damping / 3, damping * 4)
        at = np.where(better[:, None], there, at)
        found = (
            np.where(better, new[0], squares),
            np.where(better[:, None], new[1], pull),
            np.where(better[:, None, None], new[2], products),
        )
        if still.all():
            break
    return at
