"""Indices of diversity: the value of each, and what one clone more of each count would add to it.

An index is a function of sums over clones. To first order it varies as the sum over clones of its *influence*: the
derivative by the number of clones of each count. `sampling` turns influences into variances.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, hypot, log, sqrt
from typing import NamedTuple

import numpy as np

from tilseq.repertoire.spectrum import Floats, Integers, Spectrum

RARE = 10  # ACE's border between rare and abundant clones
SUMMED = 400  # terms of the series of unseen entropy, before an integral takes its place
LARGEST_REACH = 20.0  # of limits in logarithms: beyond a factor of e^20 nothing is known


class Index(NamedTuple):
    """An index of a sample.

    Attributes
    ----------
    value
        The index.
    influence
        What a clone of each of the counts asked for adds, on the scale in which limits are drawn.
    scale
        `plain`, `log` or `share`: limits are symmetric in the value, its logarithm or its logit; `unseen`: in the
        logarithm of what exceeds the richness.
    order
        Of a Hill number: it is a sum to the power 1 / (1 - order), of order 1 the exponential of a sum.
    """

    value: float
    influence: Floats
    scale: str = "plain"
    order: float = 1.0


def limits(
    index: Index, error: float, quantile: float, seen: float, rise: float | None = None
) -> tuple[float, float] | None:
    """Return limits of an index on its scale; None where it cannot vary or its scale has no place for it.

    A few large clones raise a sum and its variance alike, so that a low value seems surer than it is. Where it is known
    how the variance rises, each limit is as far as `quantile` standard errors are half way to it: the d that solve
    ``d² = quantile² (error² + rise d / 2)``, to first order symmetric where the variance is constant.

    Parameters
    ----------
    index
        The index.
    error
        Standard error on its scale: of the logarithm for `log`, of the value itself for the others.
    quantile
        Standard errors to go each way.
    seen
        Clones seen, which a limit of unseen ones never falls below (Chao, Biometrics 1987;43:783).
    rise
        How much the variance rises as the sum does; on the scales `plain` and `log` alone.
    """
    value, reach, lean = index.value, quantile * error, 0.0
    if not 0 < error < float("inf"):
        return None
    if rise is not None and index.scale in ("plain", "log"):
        # To first order a logarithm varies as its sum, to the second by its curvature less.
        curved = 2 * (1 - index.order) * error**2 if index.scale == "log" else 0.0
        lean = quantile**2 * (rise - curved) / 4
        reach = hypot(lean, reach)
    if index.scale == "log":
        # All of this scale are numbers of clones, of which there is one at least.
        known = lean + reach < LARGEST_REACH
        return (max(1.0, value * exp(lean - reach)), value * exp(lean + reach)) if known else None
    if index.scale == "share":
        if not 0 < value < 1:
            return None
        odds, factor = value / (1 - value), exp(min(LARGEST_REACH, reach / (value * (1 - value))))
        return odds / (odds + factor), odds * factor / (1 + odds * factor)
    if index.scale == "unseen":
        unseen = value - seen
        if unseen <= 0:
            return None
        spread = exp(quantile * sqrt(log(1 + (error / unseen) ** 2)))
        return seen + unseen / spread, seen + unseen * spread
    return value + lean - reach, value + lean + reach


def richness(s: Spectrum, x: Integers) -> Index:
    """S, the clones seen."""
    return Index(s.richness, (x > 0) / s.richness, "log")


def chao1_bias_corrected(s: Spectrum, x: Integers) -> Index:
    """S + f1 (f1 - 1) / (2 (f2 + 1)) (Chao 1984, bias-corrected; vegan's estimateR)."""
    f1, f2 = s.seen(1), s.seen(2)
    unseen = f1 * max(0.0, f1 - 1) / (2 * (f2 + 1))
    slopes = (x == 1) * (2 * f1 - 1) / (2 * (f2 + 1)) - (x == 2) * unseen / (f2 + 1)
    return Index(s.richness + unseen, (x > 0) + slopes, "unseen")


def chao1_inext(s: Spectrum, x: Integers) -> Index:
    """S + (n - 1) / n f1² / (2 f2), without clones seen twice f1 (f1 - 1) / 2 (Chao 1984; as in iNEXT)."""
    n, f1, f2 = s.n, s.seen(1), s.seen(2)
    unseen = unseen_clones(n, f1, f2)
    if f2 > 0:
        slopes = (n - 1) / n * ((x == 1) * f1 / f2 - (x == 2) * f1**2 / (2 * f2**2))
    else:
        slopes = (n - 1) / n * (x == 1) * (f1 - 0.5)
    return Index(s.richness + unseen, (x > 0) + slopes, "unseen")


def unseen_clones(n: int, f1: float, f2: float) -> float:
    """Return the least number of clones not seen in n cells (Chao, Scand J Stat 1984;11:265, as in iNEXT)."""
    return (n - 1) / n * (f1**2 / (2 * f2) if f2 > 0 else max(0.0, f1 * (f1 - 1) / 2))


def ace(s: Spectrum, x: Integers) -> Index | None:
    """Abundance-based coverage estimator (Chao and Lee, JASA 1992;87:210; clones seen up to ten times are rare)."""

    def estimate(sums: Floats) -> float:
        abundant, rare, cells, once, pairs = sums
        covered = 1 - once / cells
        variation = max(rare / covered * pairs / (cells * (cells - 1)) - 1, 0)
        return float(abundant + rare / covered + once / covered * variation)

    def parts(counts: Integers) -> Floats:
        few = (counts > 0) & (counts <= RARE)
        return np.array([counts > RARE, few, few * counts, counts == 1, few * counts * (counts - 1)], dtype=float)

    sums = parts(s.sizes) @ s.clones
    if sums[1] == 0:
        return Index(s.richness, (x > 0).astype(float), "unseen")
    if sums[3] >= sums[2]:
        return None  # all rare clones were seen once: the rare ones have no coverage
    return Index(estimate(sums), gradient(estimate, sums) @ parts(x), "unseen")


def shannon_entropy_nats(s: Spectrum, x: Integers) -> Index:
    """H = -Σ p ln p."""
    from scipy.special import xlogy

    return Index(max(0.0, -s.sum(xlogy(s.sizes / s.n, s.sizes / s.n))), -xlogy(x / s.n, x / s.n))


def gini_simpson(s: Spectrum, x: Integers) -> Index:
    """1 - Σ p²."""
    return Index(1 - s.sum((s.sizes / s.n) ** 2), -((x / s.n) ** 2))


def hill(s: Spectrum, x: Integers, q: float) -> Index:
    """(Σ p^q)^(1 / (1 - q)), for q = 1 its limit exp(H) (Hill, Ecology 1973;54:427)."""
    if q == 1:
        entropy = shannon_entropy_nats(s, x)
        return Index(exp(entropy.value), entropy.influence, "log")
    powers = s.sum((s.sizes / s.n) ** q)
    added = np.where(x > 0, (np.maximum(x, 1) / s.n) ** q, 0.0)
    return Index(powers ** (1 / (1 - q)), added / powers / (1 - q), "log", q)


def hill_q1_asymptotic(s: Spectrum, x: Integers) -> Index | None:
    """Exponential of the entropy of Chao, Wang and Jost (Methods Ecol Evol 2013;4:1091, eq. 7; as in iNEXT)."""
    from scipy.special import digamma

    if s.n < 2:
        return None

    def seen(counts: Integers) -> Floats:
        return np.asarray(counts / s.n * (digamma(s.n) - digamma(np.maximum(counts, 1))))

    def tail(sums: Floats) -> float:
        return _entropy_beyond(s.n, *sums)

    sums = np.array([s.seen(1), s.seen(2)])
    value = exp(s.sum(seen(s.sizes)) + tail(sums))
    return Index(value, seen(x) + gradient(tail, sums) @ once_and_twice(x), "log")


def hill_q2_asymptotic(s: Spectrum, x: Integers) -> Index | None:
    """Inverse of Σ x (x - 1) / (n (n - 1)), the unbiased estimate of Σ p² (Chao 2014, table 1); None where it is 0."""
    pairs = s.sum(s.sizes * (s.sizes - 1.0))
    if pairs == 0:
        return None
    return Index(s.n * (s.n - 1) / pairs, -x * (x - 1.0) / pairs, "log")


def gini(s: Spectrum, x: Integers) -> Index:
    """Gini index of the counts of the clones seen: Σ Σ |x - y| / (2 S n)."""
    cells, clones = np.cumsum(s.sizes * s.clones), np.cumsum(s.clones)
    place = np.searchsorted(s.sizes, x, side="right") - 1
    below, fewer = (np.where(place >= 0, sums[place], 0.0) for sums in (cells, clones))
    apart = x * (2 * fewer - clones[-1]) + cells[-1] - 2 * below  # Σ over clones of |x - theirs|
    own = s.sizes * (2 * clones - clones[-1]) + cells[-1] - 2 * cells
    value = max(0.0, s.sum(own) / (2 * s.richness * s.n))
    return Index(value, np.where(x > 0, apart / (s.richness * s.n) - value / s.richness, 0.0))


def clonality(s: Spectrum, x: Integers) -> Index | None:
    """1 - H / ln S; None for a single clone."""
    if s.richness <= 1:
        return None
    entropy, seen = shannon_entropy_nats(s, x), log(s.richness)
    influence = -entropy.influence / seen + (x > 0) * entropy.value / (s.richness * seen**2)
    return Index(max(0.0, 1 - entropy.value / seen), influence)


def sample_coverage(s: Spectrum, x: Integers, more: int = 0) -> Index | None:
    """Share of the repertoire that belongs to clones seen (Chao and Jost, Ecology 2012;93:2533, eq. 4a).

    Of so many cells more, eq. 12. Without clones seen twice as in iNEXT; None for a single count.
    """
    if s.n < 2:
        return None

    def missing(sums: Floats) -> float:
        f1, f2 = sums
        twice, once = (2 * f2, f1) if s.seen(2) > 0 else (2.0, f1 - min(1.0, s.seen(1)))
        if once <= 0:
            return 0.0
        return float(-f1 / s.n * ((s.n - 1) * once / ((s.n - 1) * once + twice)) ** (more + 1))

    sums = np.array([s.seen(1), s.seen(2)])
    return Index(1 + missing(sums), gradient(missing, sums) @ once_and_twice(x), "share")


def once_and_twice(x: Integers) -> Floats:
    """Return what a clone of each count adds to the clones seen once, and to those seen twice, shape (2, counts)."""
    return np.array([x == 1, x == 2], dtype=float)


def gradient(function: Callable[[Floats], float], at: Floats) -> Floats:
    """Return the derivatives of a smooth function of a few sums."""
    slopes = np.empty(len(at))
    for place in range(len(at)):
        step = np.zeros(len(at))
        step[place] = 1e-6 * max(1.0, abs(at[place]))
        slopes[place] = (function(at + step) - function(at - step)) / (2 * step[place])
    return slopes


def _entropy_beyond(n: int, f1: float, f2: float) -> float:
    """Return f1 / n Σ (1 - A)^j / (n - 1 + j) over j from 1: the entropy of what was not seen.

    The first terms are summed, for the rest Euler and Maclaurin's formula gives the sum by its integral.
    """
    twice, once = (2 * f2, f1) if f2 > 0 else (2.0, f1 - 1)
    if once <= 0:
        return 0.0
    decay = -float(np.log1p(-twice / ((n - 1) * once + twice)))
    first = np.arange(1, SUMMED)
    summed = float(np.sum(np.exp(-decay * first) / (n - 1 + first)))
    start = n - 1.0 + SUMMED
    ending = exp(-decay * SUMMED)
    slope = decay + 1 / start
    integral = ending * _scaled_exp1(decay * start)
    return float(f1 / n * (summed + integral + ending / start * (0.5 + slope / 12)))


def _scaled_exp1(y: float) -> float:
    """Return exp(y) E1(y)."""
    from scipy.special import exp1

    if y < 40:
        return float(np.exp(y) * exp1(y))
    term = total = 1 / y
    for k in range(1, 20):
        term *= -k / y
        total += term
    return total
