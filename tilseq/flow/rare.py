"""Rare populations: limits of blank, of detection and of quantification, and what a count then allows to say.

The terms are those of CLSI EP17; for counts of events they follow Eck et al., Cytometry B 2020 (high-sensitivity flow
cytometry), and ICCS's rule of 50 events.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError
from tilseq.flow.quality import LEAST_QUANTIFIED

Floats = NDArray[np.float64]

LARGEST_CV = 0.2
ERROR = 0.05  # chance of calling a blank detected, and of missing what lies at the limit of detection
ROUNDING = 1e-12  # blanks that differ less from tube to tube, beside their counting, are Poisson
# From the least certain to the most.
STATUSES = ("not_evaluable", "not_detected", "detected_below_loq", "quantified")


class Blank(NamedTuple):
    """What tubes without the population show in its gate.

    Attributes
    ----------
    rate
        Expected blank events an event of the denominator.
    dispersion
        Squared coefficient of variation of the rate: how much it differs from tube to tube, and how little a few
        blanks tell of it. 0 is a rate that is known and constant: blank events are Poisson; else negative binomial.
    tubes
        Blank tubes that it rests on.
    """

    rate: float
    dispersion: float
    tubes: int


# Without blank tubes no event is expected in a blank.
NO_BLANK = Blank(0.0, 0.0, 0)


def blank_of(events: ArrayLike, denominators: ArrayLike) -> Blank:
    """Return what blank tubes tell of the background of a gate.

    The rate is that of all tubes together, with Jeffreys' half event. Its variation between tubes is what Pearson's
    statistic shows beyond Poisson's (moment estimate, Breslow, Appl Stat 1984;33:38), 0 where it shows none. The
    error of the rate adds to it, so that limits from few blanks are wider: one blank of 0 events does not show that
    there is no background. Variation between tubes shows itself in 20 blanks, hardly in 5.

    Parameters
    ----------
    events
        Events in the gate, one number a blank tube (FMO, unstained, donors without the population).
    denominators
        Events of the denominator of the same tubes.

    Raises
    ------
    AnalysisError
        There is no tube, the two differ in length, or a tube has not ``0 <= events <= denominator`` and
        ``denominator > 0``.
    """
    seen, depth = np.atleast_1d(np.asarray(events, float)), np.atleast_1d(np.asarray(denominators, float))
    if seen.shape != depth.shape or not seen.size:
        raise AnalysisError("blanks need one denominator a tube", found=f"{seen.size} and {depth.size} numbers")
    if not np.all((depth > 0) & (seen >= 0) & (seen <= depth) & np.isfinite(depth)):
        raise AnalysisError("blanks cannot hold these counts", expected="0 <= events <= denominator, above 0")
    between = _between_tubes(seen, depth)
    events_and_half = seen.sum() + 0.5
    of_rate = 1 / events_and_half + between * np.sum(depth**2) / depth.sum() ** 2
    return Blank(float(events_and_half / depth.sum()), float((1 + between) * (1 + of_rate) - 1), seen.size)


def limit_of_blank(denominator: int, blank: Blank = NO_BLANK) -> int:
    """Return the events that a blank tube of this depth exceeds with a chance of at most 5 %."""
    mean, spread = _background(denominator, blank)
    # No distribution has more than 5 % beyond √19 standard deviations above its mean (Cantelli).
    counts = np.arange(math.ceil(mean + math.sqrt(19) * spread) + 1)
    return int(np.searchsorted(_at_most(counts, mean, blank.dispersion), 1 - ERROR))


def limit_of_detection(denominator: int, blank: Blank = NO_BLANK) -> float:
    """Return the expected events, the blank's among them, that exceed the limit of blank with a chance of 95 %.

    Events of the population are Poisson and add to those of the blank.
    """
    from scipy.special import gammainccinv

    most = limit_of_blank(denominator, blank)
    mean, _ = _background(denominator, blank)
    if not mean:
        return float(gammainccinv(most + 1, ERROR))
    from scipy.optimize import brentq  # slow to import

    counts = np.arange(most + 1)
    of_blank = np.diff(_at_most(counts, mean, blank.dispersion), prepend=0)

    def missed(signal: float) -> float:
        return float(np.sum(of_blank * _at_most(most - counts, signal, 0))) - ERROR

    # Alone the signal would have to reach the upper end; at 0 a blank is missed with a chance of 95 % or more.
    return mean + float(brentq(missed, 0, gammainccinv(most + 1, ERROR) + 1))


def limit_of_quantification(denominator: int, blank: Blank = NO_BLANK) -> int:
    """Return the fewest events that are quantified: 50, or more where the blank takes precision away.

    What remains above the blank must have a coefficient of variation of at most 20 %. Of N events, b of them expected
    of the blank with dispersion d, it is ``sqrt(N + d b²) / (N - b)``; without a blank it is met by 25 events, so
    that ICCS's 50 decide.
    """
    mean, _ = _background(denominator, blank)
    # (N - b)² = k (N + d b²) solved for N, k = 1 / CV²
    k = 1 / LARGEST_CV**2
    root = math.sqrt(k**2 / 4 + k * mean + k * blank.dispersion * mean**2)
    return max(LEAST_QUANTIFIED, math.ceil(mean + k / 2 + root - 1e-9))


def status_of(events: int, denominator: int, blank: Blank = NO_BLANK) -> str:
    """Return what a count allows to say.

    Returns
    -------
    str
        `not_detected` up to the limit of blank, `quantified` from the limit of quantification on, between them
        `detected_below_loq`; `not_evaluable` where the denominator is 0.

    Raises
    ------
    AnalysisError
        Not ``0 <= events <= denominator``.
    """
    if not 0 <= events <= denominator:
        raise AnalysisError("events must lie within their denominator", found=f"{events} of {denominator}")
    if denominator == 0:
        return "not_evaluable"
    if events <= limit_of_blank(denominator, blank):
        return "not_detected"
    return "quantified" if events >= limit_of_quantification(denominator, blank) else "detected_below_loq"


def status_of_counts(*events: int) -> str:
    """Return what counts without a denominator and a blank allow to say, such as both of a ratio.

    Parameters
    ----------
    *events
        Each count, whole and not below 0.

    Returns
    -------
    str
        By the fewest of them: 50 or more are `quantified`, 1 to 49 `detected_below_loq`, none is `not_detected`.
    """
    return least_certain(*(status_of(number, max(1, number)) for number in events))


def least_certain(*statuses: str) -> str:
    """Return the status of a number that rests on several counts: that of the least certain one."""
    return min(statuses, key=STATUSES.index)


def _background(denominator: int, blank: Blank) -> tuple[float, float]:
    """Return mean and standard deviation of the blank events of a tube."""
    mean = blank.rate * denominator
    return mean, math.sqrt(mean + blank.dispersion * mean**2)


def _at_most(count: NDArray[np.integer], mean: float, dispersion: float) -> Floats:
    """Return P(X <= count) of a Poisson, or with dispersion a negative binomial variable of this mean."""
    from scipy.special import betaincc, gammaincc

    if dispersion * mean < ROUNDING:
        return np.asarray(gammaincc(count + 1, mean), float)
    size = 1 / dispersion
    return np.asarray(betaincc(count + 1, size, mean / (size + mean)), float)


def _between_tubes(seen: Floats, depth: Floats) -> float:
    """Return the dispersion at which Pearson's statistic equals its degrees of freedom, at least 0."""
    from scipy.optimize import brentq

    expected = depth * seen.sum() / depth.sum()
    if len(seen) < 2 or not seen.sum():
        return 0.0
    squares = (seen - expected) ** 2

    def beyond(dispersion: float) -> float:
        return float(np.sum(squares / (expected + dispersion * expected**2))) - (len(seen) - 1)

    if beyond(0) <= 0:
        return 0.0
    return float(brentq(beyond, 0, np.sum(squares / expected**2) / (len(seen) - 1)))
