"""Diversity of a repertoire: how many clones, how even, how much of it the sample has seen."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.repertoire.clones import INDEPENDENT, clone_counts
from tilseq.tables.outputs import DIVERSITY

Counts = NDArray[np.int64]
Limits = tuple[float, float] | None
Z95 = 1.959963984540054
# A delta interval around a biased estimate covers 94 % instead of 95 % when the bias is a third of its error.
LARGEST_BIAS_IN_ERRORS = 1 / 3


def diversity(table: Any, *, sample: str, count_of: str = "unknown") -> pl.DataFrame:
    """Return the diversity of each locus of a sample.

    Indices are of the clones seen, their share ``p = count / sum of counts`` (N counts, S clones):

    - `richness` S; `chao1_bias_corrected` S + f1 (f1 - 1) / (2 (f2 + 1)), a lower bound of the clones there are, by
      the clones seen once (f1) and twice (f2) (Chao 1984; bias-corrected as in vegan's `estimateR`);
    - `shannon_entropy_nats` H = -Σ p ln p; `hill_q1` exp(H); `simpson_inverse` 1 / Σ p²;
    - `gini` of the counts of the clones seen; `clonality` 1 - H / ln S, null for a single clone;
    - `d50_clones` the fewest clones that hold at least half of the counts;
    - `coverage` the share of the repertoire that belongs to clones seen (Chao and Jost, Ecology 2012;93:2533, eq. 4a,
      without clones seen twice as in iNEXT), null for a single count;
    - `cells_or_counts` N.

    Limits, 95 %, are given where the counts are independent and an analytic form holds, else they are null:

    - Chao1: log-normal (Chao, Biometrics 1987;43:783) with vegan's variance; none when fewer than two clones were seen
      once. They are limits of the lower bound, not of the richness behind it.
    - entropy and `hill_q1` (Hutcheson, J Theor Biol 1970;29:151) and `simpson_inverse` (Simpson, Nature 1949;163:688):
      multinomial delta method, only where the known bias of the estimate is under a third of its error.

    Parameters
    ----------
    table
        polars or pandas: `locus`, `junction`, `duplicate_count`; rows of one clone are summed.
    sample
        Sample identifier.
    count_of
        What the counts count. Limits are given for `cells`, `umis` and `templates` alone: reads of one molecule are
        not independent, and limits drawn from them would be far too narrow.

    Returns
    -------
    polars.DataFrame
        The table `diversity`: `sample, locus, parameter, value, lower, upper, n`.

    Raises
    ------
    TableError
        The table is not a clonotype table.
    """
    rows: list[dict[str, Any]] = []
    for (locus,), group in clone_counts(table).group_by("locus"):
        counts = group["duplicate_count"].sort().to_numpy()
        for parameter, (value, limits) in _indices(counts).items():
            lower, upper = limits if limits is not None and count_of in INDEPENDENT else (None, None)
            rows.append(
                {
                    "sample": sample,
                    "locus": locus,
                    "parameter": parameter,
                    "value": value,
                    "lower": lower,
                    "upper": upper,
                    "n": int(counts.sum()),
                }
            )
    return DIVERSITY.frame(rows)


def _indices(counts: Counts) -> dict[str, tuple[float | None, Limits]]:
    """Return each index with its limits, for counts in rising order."""
    n, seen = int(counts.sum()), len(counts)
    share = counts / n
    entropy = max(0.0, -float(np.sum(share * np.log(share))))
    chao1, chao1_limits = _chao1(counts)
    entropy_limits = _entropy_limits(share, entropy, n, chao1)
    simpson = float(np.sum(share**2))
    return {
        "cells_or_counts": (n, None),
        "richness": (seen, None),
        "chao1_bias_corrected": (chao1, chao1_limits),
        "shannon_entropy_nats": (entropy, entropy_limits),
        "hill_q1": (exp(entropy), entropy_limits and (exp(entropy_limits[0]), exp(entropy_limits[1]))),
        "simpson_inverse": (1 / simpson, _simpson_inverse_limits(share, simpson, n)),
        "gini": (_gini(counts), None),
        "clonality": (max(0.0, 1 - entropy / log(seen)) if seen > 1 else None, None),
        "d50_clones": (int(np.searchsorted(2 * np.cumsum(counts[::-1]), n)) + 1, None),
        "coverage": (_coverage(counts), None),
    }


def _seen(counts: Counts, times: int) -> int:
    return int(np.count_nonzero(counts == times))


def _chao1(counts: Counts) -> tuple[float, Limits]:
    """Return the estimate and its log-normal limits.

    The variance is the delta method's over the counts of counts f_i, with covariance f_i (δ_ij - f_j / estimate).
    """
    seen, f1, f2 = len(counts), _seen(counts, 1), _seen(counts, 2)
    unseen = f1 * (f1 - 1) / (2 * (f2 + 1))
    estimate = seen + unseen
    if unseen == 0:
        return estimate, None
    slope1 = 1 + (2 * f1 - 1) / (2 * (f2 + 1))
    slope2 = 1 - f1 * (f1 - 1) / (2 * (f2 + 1) ** 2)
    others = seen - f1 - f2
    variance = slope1**2 * f1 + slope2**2 * f2 + others - (slope1 * f1 + slope2 * f2 + others) ** 2 / estimate
    spread = exp(Z95 * sqrt(log(1 + variance / unseen**2)))
    return estimate, (seen + unseen / spread, seen + unseen * spread)


def _entropy_limits(share: NDArray[np.float64], entropy: float, n: int, richness: float) -> Limits:
    error = sqrt(max(0.0, float(np.sum(share * np.log(share) ** 2)) - entropy**2) / n)
    bias = (richness - 1) / (2 * n)  # Miller 1955, of as many clones as Chao1 estimates
    if error == 0 or bias > LARGEST_BIAS_IN_ERRORS * error:
        return None
    return entropy - Z95 * error, entropy + Z95 * error


def _simpson_inverse_limits(share: NDArray[np.float64], simpson: float, n: int) -> Limits:
    error = 2 * sqrt(max(0.0, float(np.sum(share**3)) - simpson**2) / n)
    bias = (1 - simpson) / n
    if error == 0 or bias > LARGEST_BIAS_IN_ERRORS * error or simpson <= Z95 * error:
        return None
    return 1 / (simpson + Z95 * error), 1 / (simpson - Z95 * error)


def _gini(counts: Counts) -> float:
    """Return the Gini index of counts in rising order."""
    seen = len(counts)
    rank = np.arange(1, seen + 1)
    return max(0.0, float(2 * np.sum(rank * (counts / counts.sum())) / seen - (seen + 1) / seen))


def _coverage(counts: Counts) -> float | None:
    n, f1, f2 = int(counts.sum()), _seen(counts, 1), _seen(counts, 2)
    if n < 2:
        return None
    if f1 == 0:
        return 1.0
    if f2 == 0:
        return 1 - f1 / n * (n - 1) * (f1 - 1) / ((n - 1) * (f1 - 1) + 2)
    return 1 - f1 / n * (n - 1) * f1 / ((n - 1) * f1 + 2 * f2)
