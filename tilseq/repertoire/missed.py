"""How many clones of a reference were missed there although a later sample shows them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_SEEN = 10  # clones seen in both; with fewer nothing is known of those missed
NODES = 40  # of the integral over the scatter
ROUNDS = 2000


def missed(later: Floats, reference: Floats) -> Floats:
    """Return, for each clone seen in a reference and later, how many like it the reference missed.

    Of clones of the reference that hold `later` cells of the later sample, the expected cells in the reference are
    log-normal about ``a + b log(later)``, and the cells counted Poisson; those without a cell there are not seen. The
    three numbers are those of the greatest likelihood of the counts seen, each given that it was seen (a zero-truncated
    Poisson log-normal; Bulmer, Biometrics 1974;30:101), with a weak prior that the slope is near 1 and the scatter near
    e-fold. With P the chance of no cell, a clone seen stands for ``P / (1 - P)`` others (Horvitz and Thompson, J Am
    Stat Assoc 1952;47:663).

    Parameters
    ----------
    later, reference
        Distinct cells of the same clones in the later sample and in the reference, one dimension, both above 0.

    Returns
    -------
    ndarray
        Of each clone; infinite where fewer than 10 clones are seen in both.
    """
    from scipy.optimize import minimize

    if len(later) < LEAST_SEEN:
        return np.full(len(later), np.inf)
    logs, counts = np.log(later), np.maximum(np.rint(reference), 1.0)
    middle = float(logs.mean())
    pairs, back, times = np.unique(
        np.column_stack([logs - middle, counts]), axis=0, return_inverse=True, return_counts=True
    )
    x, y = pairs.T

    def unlikely(parameters: Floats) -> float:
        seen, none = _chances(parameters, x, y)
        prior = ((parameters[1] - 1) ** 2 + parameters[2] ** 2) / 2
        return float(prior - times @ (np.log(seen) - np.log1p(-none)))

    start = np.array([np.log(counts.mean()), 0.5, 0.0])
    fit = minimize(unlikely, start, method="Nelder-Mead", options={"maxiter": ROUNDS, "xatol": 1e-3, "fatol": 1e-3})
    none = _chances(fit.x, x, y)[1]
    return np.asarray((none / (1 - none))[back.reshape(-1)])


def _chances(parameters: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the chance of each count of the reference, and that of no cell."""
    from scipy.special import gammaln

    centre, slope, log_scatter = parameters
    nodes, weights = _nodes()
    logs = np.clip(centre + slope * x[:, None] + np.exp(log_scatter) * nodes, -30, 15)
    expected = np.exp(logs)
    seen = np.exp(y[:, None] * logs - expected - gammaln(y[:, None] + 1)) @ weights
    none = np.exp(-expected) @ weights
    return np.maximum(seen, 1e-300), np.minimum(none, 1 - 1e-12)


@cache
def _nodes() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, weights / weights.sum()
