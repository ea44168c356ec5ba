"""The odd curve behind logicle, hyperlog and FlowJo's biexponential, forth in closed form and back by Newton."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.masked import refuse_masked

Doubles = NDArray[np.float64]

# Both limits from which Newton starts are above the root by a factor of two at most, so a handful of steps does.
MOST_STEPS = 50
SMALLEST_STEP = 1e-13


def doubles(values: ArrayLike) -> Doubles:
    """Return values of any shape as float64.

    Raises
    ------
    AnalysisError
        A value is masked.
    """
    refuse_masked(values=values)
    return np.asarray(values, dtype=np.float64)


@dataclass(frozen=True)
class Curve:
    """An odd curve from displayed to linear values: exponential far from 0, nearly straight about it.

    At a displayed distance ``u >= 0`` from where 0 lies, the linear value is
    ``rise (exp(b u) - 1) + fall (1 - exp(-d u)) + slope u``; at ``-u`` it is the negative of that. No two terms
    differ in sign, so nothing is lost to rounding near 0.

    Attributes
    ----------
    rise, fall, slope
        On the linear scale, not negative; `slope` is per displayed unit.
    b, d
        Per displayed unit, positive.
    """

    rise: float
    b: float
    fall: float = 0.0
    d: float = 1.0
    slope: float = 0.0

    @property
    def bend(self) -> float:
        """The linear value about which the curve turns from straight to exponential."""
        return self.rise + (self.fall * self.d + self.slope) / self.b

    def linear(self, distance: Doubles) -> Doubles:
        """Return the linear values at displayed distances from where 0 lies."""
        return np.copysign(self._value_and_slope(np.abs(distance))[0], distance)

    def displayed(self, values: Doubles) -> Doubles:
        """Return the displayed distances of linear values from where 0 lies; NaN and infinities stay as they are."""
        size = np.abs(values)
        with np.errstate(invalid="ignore", over="ignore"):
            # The curve lies above each of its parts, so the root lies below the root of each.
            distance = np.minimum(np.log1p(size / self.rise) / self.b, size / (self.b * self.bend))
            for _ in range(MOST_STEPS):
                value, slope = self._value_and_slope(distance)
                step = (value - size) / slope
                distance -= step
                if not (np.abs(step) > SMALLEST_STEP * distance).any():
                    break
        return np.copysign(np.where(np.isinf(size), size, distance), values)

    def _value_and_slope(self, distance: Doubles) -> tuple[Doubles, Doubles]:
        up = self.rise * np.expm1(self.b * distance)
        down = -self.fall * np.expm1(-self.d * distance)
        slope = self.b * (up + self.rise) + self.d * (self.fall - down) + self.slope
        return up + down + self.slope * distance, slope


def falling_rate(b: float, width: float) -> float:
    """Return d of ``2 ln(d / b) + width (b + d) = 0``, at which the curve has no curvature at 0.

    Parks, Roederer and Moore, Cytometry A 2006;69:541, equation 3 in the notation of Moore and Parks, Cytometry A
    2012;81:273.

    Parameters
    ----------
    b
        Rate of the rising exponential, per displayed unit.
    width
        Displayed width of the nearly straight part, not negative.
    """
    log = 0.0  # of d / b; the function is convex in it and positive here, so Newton comes down to the root
    for _ in range(MOST_STEPS):
        log -= (2 * log + width * b * (1 + exp(log))) / (2 + width * b * exp(log))
    return b * exp(log)
