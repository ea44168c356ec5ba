"""Exact tests of counts that several laboratories use."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def upper_tail(found: ArrayLike, population: ArrayLike, members: ArrayLike, drawn: ArrayLike) -> Floats:
    """Return the chance of as many or more members of a set among what is drawn without replacement: hypergeometric.

    It is the p of Fisher's exact test, one-sided, as R's ``fisher.test(alternative = "greater")`` and
    ``phyper(found - 1, members, population - members, drawn, lower.tail = FALSE)``. One dimension each, or numbers.

    Parameters
    ----------
    found
        Members drawn.
    population
        How many there are to draw from.
    members
        Members of the set.
    drawn
        How many are drawn.
    """
    from scipy.special import gammaln

    def choose(n: int, k: ArrayLike) -> Floats:
        k = np.asarray(k)
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    rows = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(part, np.int64)) for part in (found, population, members, drawn))
    )
    tails = np.zeros(len(rows[0]))
    for row, (k, all_, size, taken) in enumerate(zip(*rows, strict=True)):
        more = np.arange(k, min(size, taken) + 1)
        more = more[taken - more <= all_ - size]
        chances = choose(size, more) + choose(all_ - size, taken - more) - choose(all_, taken)
        tails[row] = min(np.exp(chances).sum(), 1.0)
    return tails


def shares_differ(positive_a: ArrayLike, total_a: ArrayLike, positive_b: ArrayLike, total_b: ArrayLike) -> Floats:
    """Return p of Fisher's exact test that the share of a is not above that of b, one-sided.

    Fisher, Statistical Methods for Research Workers (1934), section 21.02. It is never too small where counts are
    binomial, and too small where shares of one content differ between tubes by more than counting.

    Parameters
    ----------
    positive_a, total_a, positive_b, total_b
        Whole numbers, one dimension; 0 <= positive <= total.
    """
    a, all_a, b, all_b = (np.asarray(part, np.int64) for part in (positive_a, total_a, positive_b, total_b))
    return upper_tail(a, all_a + all_b, a + b, all_a)
