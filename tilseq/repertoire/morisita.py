"""Morisita's index of overlap of two samples, and limits of the overlap of the repertoires they were drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDING = 1e-9  # a share of Σ x² that a single pair of equal cells among ten million still exceeds


@dataclass(frozen=True)
class Moments:
    """What the limits rest on; arrays of one shape, an element a pair of samples.

    Attributes
    ----------
    n, m
        Effective number of cells of the first and second sample, above 1.
    xy, xxy, xyy
        Σ xy, Σ x²y, Σ xy² of the frequencies of shared clones.
    xx, xxx, yy, yyy
        Σ x², Σ x³, Σ y², Σ y³ of all clones.
    """

    n: Floats
    m: Floats
    xy: Floats
    xxy: Floats
    xyy: Floats
    xx: Floats
    xxx: Floats
    yy: Floats
    yyy: Floats


def morisita(moments: Moments) -> tuple[Floats, Floats]:
    """Return Morisita's index and its standard error; NaN where no clone of either sample was seen twice.

    ``2 Σ xy / (λ1 + λ2)``, ``λ = Σ k (k - 1) / (n (n - 1))`` of counts k (Morisita 1959; `vegdist(method="morisita")`
    gives 1 minus it). Numerator and denominator are unbiased, so that it estimates the Morisita-Horn overlap of the two
    repertoires at any depth, and may come out a little above 1. With effective numbers of cells k is n x.

    The variance is the delta method's over clones, whose counts are taken for Poisson with free totals: of the term
    ``2 xy/(nm) - C x(x-1)/n² - C y(y-1)/m²`` less what the totals take of it, each power estimated without bias by
    falling factorials. Where the two repertoires are nearly the same those cancel, and half the variance of the plain
    plug-in formula, which is the true one for two samples of one repertoire, is the floor.
    """
    n, m = moments.n, moments.m
    lambda_x = (moments.xx - 1 / n) * n / (n - 1)
    lambda_y = (moments.yy - 1 / m) * m / (m - 1)
    total = lambda_x + lambda_y
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(total > ROUNDING * (moments.xx + moments.yy), 2 * moments.xy / total, np.nan)
        variance = np.maximum(_unbiased(moments, value, lambda_x, lambda_y), _plug_in(moments, value) / 2)
        return value, np.sqrt(variance) / total


def _unbiased(at: Moments, c: Floats, lambda_x: Floats, lambda_y: Floats) -> Floats:
    n, m = at.n, at.m
    a, b = 2 * (at.xy - c * lambda_x), 2 * (at.xy - c * lambda_y)
    of_xy = 4 * (at.xxy / m + at.xyy / n - at.xy / (n * m))
    of_xx = 4 * at.xxx / n - 10 * at.xx / n**2 + 6 / n**3
    of_yy = 4 * at.yyy / m - 10 * at.yy / m**2 + 6 / m**3
    crossed = 8 * c * ((at.xxy - at.xy / n) / n + (at.xyy - at.xy / m) / m)
    totals = a**2 / n + b**2 / m - 4 * at.xy * (a / n + b / m)
    totals += 4 * c * (a * (at.xx - 1 / n) / n + b * (at.yy - 1 / m) / m)
    return of_xy + c**2 * (of_xx + of_yy) - crossed + totals


def _plug_in(at: Moments, c: Floats) -> Floats:
    x = at.xyy - 2 * c * at.xxy + c**2 * at.xxx - (at.xy - c * at.xx) ** 2
    y = at.xxy - 2 * c * at.xyy + c**2 * at.yyy - (at.xy - c * at.yy) ** 2
    return 4 * (x / at.n + y / at.m)


def morisita_limits(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return 95 % limits of the overlap, from 0 to 1, on the logit scale; NaN where there is no error.

    The error is known no better than the coincidences that it comes from, about ``(value / error)²`` of them: Student's
    quantile for twice as many degrees of freedom (Satterthwaite, Biometrics 1946;2:110) takes the place of the normal.
    An index within one error of 1 is taken for one error below it; where it cannot be told from 1 the upper limit is 1,
    or the index itself where that came out above 1.
    """
    from scipy.special import stdtrit

    known = (value > 0) & (error > 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        quantile = stdtrit(2 * (value / error) ** 2, 0.975)
        inside = np.minimum(value, np.maximum(1 - error, 0.5))
        odds, spread = inside / (1 - inside), np.exp(quantile * error / (inside * (1 - inside)))
        lower, upper = 1 / (1 + spread / odds), 1 / (1 + 1 / (odds * spread))
        upper = np.where(value + quantile * error >= 1, np.maximum(value, 1), upper)
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)
