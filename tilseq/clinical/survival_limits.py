"""Pointwise intervals of a Kaplan-Meier curve."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from tilseq.clinical.survival_times import Floats
from tilseq.errors import AnalysisError, did_you_mean
from tilseq.intervals import tail_of

Interval = Literal["log-log", "log", "plain", "beta_product"]
INTERVALS: tuple[Interval, ...] = get_args(Interval)
NAMES = {"beta_product": "beta product (Fay 2013)"}  # in words; the others are called as they are


def survival_limits(
    at_risk: Floats, events: Floats, left: Floats, interval: Interval, level: float
) -> tuple[Floats, Floats]:
    """Return the lower and upper limits of the curve from each of its days on.

    `log-log`, `log` and `plain` are normal intervals of log(-log S), log S and S with Greenwood's variance, cut off at
    0 and 1. They have none where S is 1 or 0, where that variance says nothing.

    `beta_product` is the beta product confidence procedure by moments (Fay, Brittain and Proschan, Biostatistics
    2013;14:723; ties as in Fay and Brittain, Stat Med 2016;35:2726). S after d events of n at risk is a product of
    Beta(n - d + 1, d), which is the upper distribution; the lower one falls by Beta(m, 1) more, m being those still at
    risk, as if the next event came at once. Without censoring both are Clopper and Pearson's. It has limits everywhere:
    at S = 1, at S = 0, and 0 for the lower once nobody is left.

    Parameters
    ----------
    at_risk, events, left
        Of each day in rising order: at risk just before it, events on it, and at risk just after it.
    interval
        Which.
    level
        Coverage, two-sided.

    Returns
    -------
    lower, upper
        As fractions; NaN where there is none.

    Raises
    ------
    AnalysisError
        There is no such interval, or the level is not between 0 and 1.
    """
    if interval not in INTERVALS:
        mend = did_you_mean(str(interval), INTERVALS)
        raise AnalysisError("no such interval", found=interval, expected=", ".join(INTERVALS), mend=mend)
    tail = tail_of(level)
    if interval == "beta_product":
        return _beta_product(at_risk, events, left, tail)
    return _normal(at_risk, events, interval, tail)


def _greenwood(at_risk: Floats, events: Floats) -> Floats:
    """Return the variance of log S after each day (Greenwood 1926): infinite where nobody is left without the event."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.cumsum(np.where(events > 0, events / (at_risk * (at_risk - events)), 0.0)))


def _normal(at_risk: Floats, events: Floats, interval: Interval, tail: float) -> tuple[Floats, Floats]:
    from scipy.special import ndtri

    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        wide = -ndtri(tail) * np.sqrt(_greenwood(at_risk, events))
        if interval == "log-log":
            lower, upper = (survival ** np.exp(side * wide / np.log(survival)) for side in (-1, 1))
        elif interval == "log":
            lower, upper = survival * np.exp(-wide), np.minimum(survival * np.exp(wide), 1)
        else:
            lower, upper = np.maximum(survival * (1 - wide), 0), np.minimum(survival * (1 + wide), 1)
    said = (survival > 0) & (survival < 1)
    return np.where(said, lower, np.nan), np.where(said, upper, np.nan)


def _beta_product(at_risk: Floats, events: Floats, left: Floats, tail: float) -> tuple[Floats, Floats]:
    mean = np.cumprod((at_risk - events + 1) / (at_risk + 1))
    spread = np.cumsum(np.log1p(events / ((at_risk - events + 1) * (at_risk + 2))))  # log of E[S²] / E[S]²
    upper = _quantile(mean, spread, 1 - tail, without=1.0)
    lower = _quantile(
        mean * left / (left + 1), spread + np.log1p(1 / np.maximum(left * (left + 2), 1e-300)), tail, without=0.0
    )
    # By moments a limit may rise by a hair where the curve cannot.
    return np.minimum.accumulate(lower), np.minimum.accumulate(upper)


def _quantile(mean: Floats, spread: Floats, share: float, without: float) -> Floats:
    """Return the quantile of the beta distribution with these moments, and `without` where it is a point at 0 or 1."""
    from scipy.special import betaincinv

    point = (mean <= 0) | (spread <= 0)
    inner = np.where(point, 0.5, mean)
    variance = inner**2 * np.expm1(np.where(point, 0.01, spread))
    size = inner * (1 - inner) / variance - 1
    return np.where(point, without, betaincinv(inner * size, (1 - inner) * size, share))
