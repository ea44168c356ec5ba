"""Exact intervals that several laboratories print beside a count or a share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError

Floats = NDArray[np.float64]

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution


def tail_of(level: float) -> float:
    """Return the chance that lies beyond each limit of an interval.

    Raises
    ------
    AnalysisError
        The level is none.
    """
    if not 0 < level < 1:
        raise AnalysisError("a level lies between 0 and 1", found=level)
    return (1 - level) / 2


def clopper_pearson(count: ArrayLike, total: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact binomial interval of a share (Clopper and Pearson, Biometrika 1934;26:404).

    Counts need not be whole, so that an effective sample size can stand in for a number of cells.

    Parameters
    ----------
    count, total
        Arrays of one shape, ``0 <= count <= total``. A total of 0 gives NaN for both limits.
    level
        Coverage, by default 0.95 (two-sided).

    Returns
    -------
    lower, upper
        Limits as fractions.
    """
    from scipy.special import betaincinv

    count, total, tail = np.asarray(count, float), np.asarray(total, float), tail_of(level)
    if np.any(count < 0) or np.any(count > total):
        raise ValueError("a share needs 0 <= count <= total")
    with np.errstate(invalid="ignore"):
        lower = np.where(count > 0, betaincinv(np.maximum(count, 1e-300), total - count + 1, tail), 0.0)
        upper = np.where(count < total, betaincinv(count + 1, np.maximum(total - count, 1e-300), 1 - tail), 1.0)
    empty = total <= 0
    return np.where(empty, np.nan, lower), np.where(empty, np.nan, upper)


def jeffreys(count: ArrayLike, total: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Jeffreys's interval of a share (Brown, Cai and DasGupta, Stat Sci 2001;16:101).

    It holds 95 % on average over shares. An exact interval holds more, as counts are whole; of a number that is none,
    as what is left of a count when an expected one is taken off, this one holds what it should.

    Parameters
    ----------
    count, total
        Arrays of one shape, ``0 <= count <= total``, counts whole or not. A total of 0 gives NaN for both limits.
    level
        Coverage, by default 0.95 (two-sided).

    Returns
    -------
    lower, upper
        Limits as fractions; 0 below a count of 0 and 1 above one of the total.
    """
    from scipy.special import betaincinv

    count, total, tail = np.asarray(count, float), np.asarray(total, float), tail_of(level)
    if np.any(count < 0) or np.any(count > total):
        raise ValueError("a share needs 0 <= count <= total")
    lower, upper = (betaincinv(count + 0.5, total - count + 0.5, end) for end in (tail, 1 - tail))
    empty = total <= 0
    lower, upper = np.where(count > 0, lower, 0.0), np.where(count < total, upper, 1.0)
    return np.where(empty, np.nan, lower), np.where(empty, np.nan, upper)


def poisson(count: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of a Poisson mean (Garwood, Biometrika 1936;28:437).

    Parameters
    ----------
    count
        Observed events, any shape.
    level
        Coverage, by default 0.95 (two-sided).
    """
    from scipy.special import gammaincinv

    count, tail = np.asarray(count, float), tail_of(level)
    lower = np.where(count > 0, gammaincinv(np.maximum(count, 1e-300), tail), 0.0)
    return lower, gammaincinv(count + 1, 1 - tail)


def ratio_of_counts(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of ``a / b`` for two Poisson counts, by the binomial share of ``a`` in ``a + b``.

    Przyborowski and Wilenski, Biometrika 1940;31:313. With ``b`` = 0 the upper limit is infinite;
    with both 0 nothing is known and both limits are NaN.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    low, high = clopper_pearson(a, a + b, level)
    with np.errstate(divide="ignore"):
        return low / (1 - low), high / (1 - high)


def difference_of_shares(
    count_a: ArrayLike, total_a: ArrayLike, count_b: ArrayLike, total_b: ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Interval of ``count_a / total_a - count_b / total_b`` for two binomial counts, from exact ones of both shares.

    The limits of both shares are joined by MOVER (Zou and Donner, Stat Med 2008;27:1693, equation 3), as Newcombe joins
    Wilson's (Stat Med 1998;17:873, method 10). Clopper and Pearson's in their place are 2 % wider where the other share
    is near 0 and hold there too, where Wilson's lower limit of a few positives does not.

    Parameters
    ----------
    count_a, total_a, count_b, total_b
        Arrays of one shape, ``0 <= count <= total``. A total of 0 gives NaN for both limits.
    level
        Coverage, by default 0.95 (two-sided).

    Returns
    -------
    lower, upper
        Limits as fractions, from -1 to 1.
    """
    low_a, high_a = clopper_pearson(count_a, total_a, level)
    low_b, high_b = clopper_pearson(count_b, total_b, level)
    with np.errstate(invalid="ignore"):
        a = np.asarray(count_a, float) / np.asarray(total_a, float)
        b = np.asarray(count_b, float) / np.asarray(total_b, float)
    return a - b - np.hypot(a - low_a, high_b - b), a - b + np.hypot(high_a - a, b - low_b)


def log_normal(value: ArrayLike, lower: ArrayLike, upper: ArrayLike, random: np.random.Generator, draws: int) -> Floats:
    """Draw a value known by its 95 % limits: normal in logarithms, each side with a standard deviation of its own.

    Parameters
    ----------
    value, lower, upper
        Arrays of one shape, ``0 <= lower <= value <= upper``, the value above 0. A lower limit of 0 makes the lower
        side normal, cut off at 0. A limit of NaN gives NaN for the draws of its side.
    random
        Where the draws come from.
    draws
        How many.

    Returns
    -------
    ndarray
        Shape (draws, *that of the value).
    """
    value, lower, upper = np.asarray(value, float), np.asarray(lower, float), np.asarray(upper, float)
    z = random.standard_normal((draws, *value.shape)) / Z95
    falls = np.where(lower == 0, np.maximum(0, 1 + z), (np.where(lower == 0, 1, lower) / value) ** -z)
    return np.asarray(value * np.where(z > 0, (upper / value) ** z, falls))


def scalar(limits: tuple[Any, Any]) -> tuple[float, float]:
    """Return a pair of zero-dimensional arrays as two floats."""
    return float(limits[0]), float(limits[1])
