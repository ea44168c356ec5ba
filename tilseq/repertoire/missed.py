"""How many clones of a reference were missed there although another sample shows them."""

from __future__ import annotations

from functools import cache
from math import exp, floor, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.intervals import Z95

Floats = NDArray[np.float64]

LEAST_SEEN = 10  # clones seen in both; with fewer nothing is known of those missed
NODES = 20  # of the integral over the scatter
FIRST_STEP = 0.3  # of each parameter
FARTHEST = 30.0  # of each parameter from 0
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
    # Steps of a twentieth of each, which is the default, are next to none of those that start near 0.
    corners = start + np.vstack([np.zeros(3), FIRST_STEP * np.eye(3)])
    options = {"maxiter": ROUNDS, "xatol": 1e-3, "fatol": 1e-3, "initial_simplex": corners}
    fit = minimize(unlikely, start, method="Nelder-Mead", options=options)
    none = _chances(fit.x, x, y)[1]
    return np.asarray((none / (1 - none))[back.reshape(-1)])


def fewest_missed(counts: ArrayLike) -> int:
    """Return how many clones a sample missed at least, of those that another sample shows.

    The lower 95 % limit of ``f1 (f1 - 1) / (2 (f2 + 1))``, with f1 clones counted once and f2 twice (Chao, Biometrics
    1987;43:783); its logarithm has the variance ``4 / f1 + 1 / (f2 + 1)``, and that of the number missed 1 / itself.
    Whatever the sizes of the clones, and however often a cell is counted or how unequally, ``E(f1)**2 <= 2 E(f2)
    E(missed)``: counts of Poisson numbers of cells are more often two than Poisson counts are. An upper limit there is
    not, as no sample tells how many clones are too small for it (Mao and Lindsay, Ann Stat 2007;35:917).

    Parameters
    ----------
    counts
        In the sample, of the clones that it shares with the other: whole numbers above 0.
    """
    once, twice = (int(np.count_nonzero(np.asarray(counts) == number)) for number in (1, 2))
    least = once * (once - 1) / (2 * (twice + 1))
    if not least:
        return 0
    return floor(least * exp(-Z95 * sqrt(4 / once + 1 / (twice + 1) + 1 / least)))


def poisson_log_normal(counts: Floats, centre: Floats, scatter: float) -> Floats:
    """Return the chances of counts whose expected number is log-normal, each about a centre of its own.

    By Gauss and Hermite's rule about the likeliest expected number of each count (Liu and Pierce, Biometrika
    1994;81:624), which Wright's omega function gives: about the centre, a large count would fall between the nodes.

    Parameters
    ----------
    counts, centre
        Counts, and the means of the logarithms of their expected numbers, one dimension.
    scatter
        Standard deviation of these logarithms.
    """
    from scipy.special import gammaln, wrightomega

    omega = wrightomega(centre + counts * scatter**2 + 2 * np.log(scatter))
    likeliest = centre + counts * scatter**2 - omega
    width = scatter / np.sqrt(1 + omega)
    nodes, weights = _nodes()
    number, logs = counts[:, None], likeliest[:, None] + width[:, None] * nodes
    prior = ((logs - centre[:, None]) / scatter) ** 2
    return np.asarray(
        np.exp(number * logs - np.exp(logs) - gammaln(number + 1) - (prior - nodes**2) / 2) @ weights * width / scatter
    )


def _chances(parameters: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the chance of each count of the reference, and that of no cell."""
    centre, slope, log_scatter = np.clip(parameters, -FARTHEST, FARTHEST)
    of_clone, scatter = np.clip(centre + slope * x, -30, 15), float(np.exp(log_scatter))
    seen, none = (poisson_log_normal(counts, of_clone, scatter) for counts in (y, np.zeros_like(y)))
    return np.maximum(seen, 1e-300), np.minimum(none, 1 - 1e-12)


@cache
def _nodes() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, weights / weights.sum()
