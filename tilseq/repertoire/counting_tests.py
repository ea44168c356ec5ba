"""Tail probabilities of a clone's cells in one of two samples, and the over-dispersion that replicates show."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError

Floats = NDArray[np.float64]

FEWEST = 5.0  # cells in both samples together with which a clone is tested
FEWEST_CLONES = 10  # clones of so many cells, with fewer an over-dispersion cannot be told
LARGEST, STEPS, ROUNDS = 0.5, 41, 8


def mid_p(count: ArrayLike, total: ArrayLike, share: float, overdispersion: float = 0.0) -> Floats:
    """Return the two-sided mid-p value of `count` of `total`, binomial or beta-binomial: twice the smaller tail.

    Lancaster, J Am Stat Assoc 1961;56:223: half of the probability of what was seen belongs to either tail.

    Parameters
    ----------
    count, total
        One dimension, ``0 <= count <= total``; whole numbers for the beta-binomial.
    share
        Mean share of the total, above 0 and below 1.
    overdispersion
        Intra-class correlation of the beta-binomial; 0 is the binomial.
    """
    k, m, back = alike(np.asarray(count, float), np.asarray(total, float))
    tails = _beta_binomial(k, m, share, overdispersion) if overdispersion else _binomial(k, m, share)
    at_most, at_least, seen = tails
    p = 2 * np.minimum(at_most - seen / 2, at_least - seen / 2)
    return np.asarray(np.clip(p, 0, 1)[back])


def alike(one: Floats, other: Floats) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return the pairs of numbers that differ, each once, and where the pair of each clone stands among them.

    Of shape (pairs,) twice and (clones,). Most clones are small, so that few pairs stand for many.
    """
    pairs, back = np.unique(one + 1j * other, return_inverse=True)  # sorts complex numbers far faster than rows
    return pairs.real, pairs.imag, back


def _binomial(k: Floats, m: Floats, share: float) -> tuple[Floats, Floats, Floats]:
    """Return the probabilities of at most, at least and just `k` of `m`.

    Either tail is summed by itself, as it may be too small to be told by a difference from 1.
    """
    from scipy.special import betainc

    seen = np.exp(_log_binomial(k, m, share))
    at_most = np.where(k < m, betainc(np.where(k < m, m - k, 1), k + 1, 1 - share), 1.0)
    at_least = np.where(k > 0, betainc(np.where(k > 0, k, 1), m - k + 1, share), 1.0)
    return at_most, at_least, seen


def _log_binomial(k: Floats, m: Floats, share: float) -> Floats:
    """Return the logarithm of the binomial probability, which may be too small to be told itself."""
    from scipy.special import gammaln

    log_ways = gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1)
    return np.asarray(log_ways + k * np.log(share) + (m - k) * np.log1p(-share))


def _beta_binomial(k: Floats, m: Floats, share: float, overdispersion: float) -> tuple[Floats, Floats, Floats]:
    """Return what `_binomial` does of the beta-binomial, summed total by total."""
    at_most, at_least, seen = (np.empty(len(k)) for _ in range(3))
    for total in np.unique(m):
        here, every = m == total, np.arange(total + 1)
        chances = np.exp(_log_chance(every, np.full(len(every), total), share, overdispersion))
        places = k[here].astype(int)
        seen[here] = chances[places]
        at_most[here] = np.cumsum(chances)[places]
        at_least[here] = np.cumsum(chances[::-1])[::-1][places]
    return at_most, at_least, seen


def _log_chance(count: Floats, total: Floats, share: float, overdispersion: float) -> Floats:
    """Return the logarithm of the beta-binomial probability of `count` of `total`.

    Mean `share`, intra-class correlation `overdispersion` above 0: the shapes of the beta are ``share * s`` and
    ``(1 - share) * s`` with ``s = 1 / overdispersion - 1``.
    """
    from scipy.special import betaln, gammaln

    size = 1 / overdispersion - 1
    one, other = share * size, (1 - share) * size
    ways = gammaln(total + 1) - gammaln(count + 1) - gammaln(total - count + 1)
    return np.asarray(ways + betaln(count + one, total - count + other) - betaln(one, other))


def overdispersion_of(first: ArrayLike, second: ArrayLike, n_first: float, n_second: float) -> float:
    """Return the intra-class correlation of clones' cells in two replicate libraries of one specimen.

    The most likely one: a clone's cells of the second are beta-binomial of those in both, with the share
    ``n_second / (n_first + n_second)``; 0 where no correlation is likelier than none. It is learnt of clones of five
    effective cells or more in both together, as are tested: one cell that yielded several counts may be worth two
    cells or three, all in one library, and a repertoire of single cells looks as if no clone agreed.

    Parameters
    ----------
    first, second
        Effective cells of the same clones in either library, one dimension; they are rounded to whole cells.
    n_first, n_second
        Effective cells of each library.

    Raises
    ------
    AnalysisError
        Fewer than 10 clones have five cells or more.
    """
    one, other = np.asarray(first, float), np.asarray(second, float)
    enough = one + other >= FEWEST
    k = np.rint(other[enough])
    m = k + np.rint(one[enough])
    if len(k) < FEWEST_CLONES:
        raise AnalysisError(
            "too few clones to tell the over-dispersion of replicates",
            found=f"{len(k)} clones of {FEWEST:g} cells or more",
            expected=f"at least {FEWEST_CLONES}",
        )
    pairs, times = np.unique(np.column_stack([k, m]), axis=0, return_counts=True)
    share = n_second / (n_first + n_second)

    def likelihood(overdispersion: float) -> float:
        return float(times @ _log_chance(pairs[:, 0], pairs[:, 1], share, overdispersion))

    none = float(times @ _log_binomial(pairs[:, 0], pairs[:, 1], share))
    grid = np.geomspace(1e-6, LARGEST, STEPS)
    for _ in range(ROUNDS):
        found = [likelihood(one) for one in grid]
        best = int(np.argmax(found))
        grid = np.linspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], STEPS)
    return float(grid[STEPS // 2]) if max(found) > none else 0.0
