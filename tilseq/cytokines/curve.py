"""The standard curve of an analyte: a logistic curve of four or five parameters, on natural logarithms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Model = Literal["4PL", "5PL"]

PARAMETERS: dict[Model, int] = {"4PL": 4, "5PL": 5}
FURTHEST = 40.0  # natural logarithms from the midpoint within which an inverse is sought
HALVINGS = 60


@dataclass(frozen=True)
class Curve:
    """Signal by concentration.

    ``signal = bottom + (top - bottom) / (1 + (midpoint / x) ** slope) ** asymmetry``; with asymmetry 1 it is the
    four-parameter curve. It is LL.5 of the R package drc with b = -slope, c = bottom, d = top, e = midpoint,
    f = asymmetry.

    Attributes
    ----------
    model
        `4PL` or `5PL`.
    theta
        ln bottom, ln(top - bottom), ln midpoint, ln slope and, of a 5PL, ln asymmetry.
    """

    model: Model
    theta: Floats

    @property
    def bottom(self) -> float:
        """Signal without analyte."""
        return float(np.exp(self.theta[0]))

    @property
    def top(self) -> float:
        """Signal at saturation."""
        return self.bottom + float(np.exp(self.theta[1]))

    @property
    def midpoint(self) -> float:
        """Concentration where ``(midpoint / x) ** slope`` is 1."""
        return float(np.exp(self.theta[2]))

    @property
    def slope(self) -> float:
        """Exponent of the concentration."""
        return float(np.exp(self.theta[3]))

    @property
    def asymmetry(self) -> float:
        """Exponent of the whole; 1 for a 4PL."""
        return float(np.exp(self.theta[4])) if self.model == "5PL" else 1.0

    def log_signal(self, log_conc: ArrayLike) -> Floats:
        """Return ln signal at ln concentrations; minus infinity is a blank."""
        return self.parts(log_conc)[0]

    def steepness(self, log_conc: ArrayLike) -> Floats:
        """Return d ln signal / d ln concentration."""
        return self.parts(log_conc)[1]

    def gradient(self, log_conc: ArrayLike) -> Floats:
        """Return d ln signal / d theta: concentrations × parameters."""
        return self.parts(log_conc)[2]

    def inverse(self, log_signal: ArrayLike) -> Floats:
        """Return the ln concentration of a ln signal; minus and plus infinity outside of the curve."""
        wanted = np.atleast_1d(np.asarray(log_signal, np.float64))
        low = np.full(wanted.shape, self.theta[2] - FURTHEST)
        high = low + 2 * FURTHEST
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = self.log_signal(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found = (low + high) / 2
        found[wanted <= self.theta[0]] = -np.inf
        found[wanted >= np.log(self.top)] = np.inf
        return found

    def parts(self, log_conc: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Return ln signal, steepness and gradient at once; see the three."""
        x = np.atleast_1d(np.asarray(log_conc, np.float64))
        slope, power = self.slope, self.asymmetry
        blank = np.isneginf(x)
        t = -slope * (np.where(blank, self.theta[2], x) - self.theta[2])
        soft = np.logaddexp(0, t)
        bound = np.where(blank, -np.inf, self.theta[1] - power * soft)
        value = np.logaddexp(self.theta[0], bound)
        share = np.exp(bound - value)  # of the signal that is bound analyte
        sigmoid = 1 / (1 + np.exp(-t))
        steep = share * power * sigmoid * slope
        columns = [1 - share, share, -steep, -share * power * sigmoid * t]
        if self.model == "5PL":
            columns.append(-share * power * soft)
        return value, steep, np.column_stack(columns)
