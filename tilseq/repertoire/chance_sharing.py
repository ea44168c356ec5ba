"""How many nucleotide-identical clones two people share by chance: public clones, and how far their number scatters.

Each of the n_a clones of one sample and the n_b of another is a draw from the same recombination. Two draws coincide
with a probability r that depends on the locus alone (few where N additions are many, as in TRB; many in light chains),
so that ``r n_a n_b`` shared clones are expected (Elhanati and others, Immunol Rev 2018;284:167). Pairs of samples of
different subjects, of different runs where there are enough, tell r. Subjects differ in age, HLA and public clones that
have grown, so the number scatters more than Poisson's: it is negative binomial, of mean m and variance
``m + dispersion m²``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEAST_DISPERSION = 0.25  # the rate scatters by half of itself at least, a round figure: few pairs tell too little
# No two people share so many: in public 10x samples 9 of a million pairs of alpha clones are the same, 0.7 of beta
# clones, of heavy chains fewer. Other loci have no such number: light chains are shared widely.
MOST_SHARED = {"TRA": 1e-4, "TRB": 1e-5, "IGH": 1e-5}
MANY = 50  # shared clones, which a few public ones are not
CLEAN_P = 1e-4  # a pair less likely than this takes no part in the rate
ROUNDS = 100


@dataclass(frozen=True)
class Chance:
    """Sharing of one locus between people.

    Attributes
    ----------
    rate
        Probability that a clone of one person and one of another are the same; NaN where no pair tells.
    dispersion
        Squared coefficient of variation of the rate between pairs of samples.
    pairs
        Pairs of samples that tell both; where none does and a highest rate stands in, all.
    """

    rate: float
    dispersion: float
    pairs: int


def fit_chance(shared: ArrayLike, products: ArrayLike, *, most: float = math.inf) -> Chance:
    """Return how much people share by chance, from pairs of which some may be swapped or contaminated.

    A forward search: it starts with the half of the pairs that share the least for their size, takes in every pair
    that is not too unlikely (p of 1e-4) by these, and repeats that until none is left or falls out. The dispersion is
    held at its least meanwhile, lest one pair that is swapped let in the next, and estimated at the end. Half a shared
    clone is added, so that where none was seen the rate is not 0.

    Parameters
    ----------
    shared
        Clones that samples of different subjects share, one dimension.
    products
        Number of clones of the one times that of the other, above 0.
    most
        Highest rate between two people, see `MOST_SHARED`: pairs of more that share more than `MANY` clones are of one
        person. They take no part, and where all pairs are such it is the rate.
    """
    k, x = np.asarray(shared, float), np.asarray(products, float)
    if not len(k):
        return Chance(float("nan"), LEAST_DISPERSION, 0)
    of_two = (k <= MANY) | (k <= most * x)
    if not of_two.any():
        return Chance(most, LEAST_DISPERSION, len(k))
    k, x = k[of_two], x[of_two]
    kept = np.zeros(len(k), bool)
    kept[np.lexsort((-x, k / x))[: (len(k) + 1) // 2]] = True
    for _ in range(ROUNDS):
        rate = (k[kept].sum() + 0.5) / x[kept].sum()
        now = upper_tail(k, rate * x, LEAST_DISPERSION) >= CLEAN_P
        if (now == kept).all() or not now.any():
            break
        kept = now
    return Chance(float(rate), _dispersion(k[kept], rate * x[kept]), int(kept.sum()))


def _dispersion(k: Floats, mean: Floats) -> float:
    """Return the moment estimate of the dispersion, never below `LEAST_DISPERSION`."""
    return max(LEAST_DISPERSION, float(((k - mean) ** 2 - mean).sum() / (mean**2).sum()))


def upper_tail(count: ArrayLike, mean: ArrayLike, dispersion: float) -> Floats:
    """Return the probability of `count` or more, negative binomial.

    ``P(X >= k) = I(m / (m + s); k, s)`` with ``s = 1 / dispersion`` and I the regularised incomplete beta function.
    """
    from scipy.special import betainc

    k, m = np.broadcast_arrays(np.asarray(count, float), np.asarray(mean, float))
    size = 1 / dispersion
    return np.where(k > 0, betainc(np.maximum(k, 1e-300), size, m / (m + size)), 1.0)
