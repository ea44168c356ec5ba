"""The standard curve of an analyte: a logistic curve of four or five parameters, on natural logarithms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError

Floats = NDArray[np.float64]
Model = Literal["4PL", "5PL"]

PARAMETERS: dict[Model, int] = {"4PL": 4, "5PL": 5}


def check_model(model: str) -> None:
    """Raise an AnalysisError where there is no such model."""
    if model not in PARAMETERS:
        raise AnalysisError("no such model of a standard curve", found=model, expected=", ".join(PARAMETERS))


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
        wanted: Floats = np.atleast_1d(np.asarray(log_signal, np.float64))
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = self.theta[0] + np.log(np.expm1(wanted - self.theta[0]))
            found: Floats = self.theta[2] - np.log(np.expm1((self.theta[1] - bound) / self.asymmetry)) / self.slope
        found[wanted <= self.theta[0]] = -np.inf
        found[wanted >= np.log(self.top)] = np.inf
        return found

    def parts(self, log_conc: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Return ln signal, steepness and gradient at once; see the three."""
        value, steep, gradient = parts_of(self.theta, np.atleast_1d(np.asarray(log_conc, np.float64)))
        return value, steep, gradient[:, : PARAMETERS[self.model]]


def parts_of(theta: Floats, log_conc: Floats) -> tuple[Floats, Floats, Floats]:
    """Return ln signal, steepness and gradient (points × 5) at points that may each have a curve of its own.

    Parameters
    ----------
    theta
        As of `Curve`, of one curve or points × parameters; of a 4PL the fifth is 0 or left out.
    log_conc
        ln concentration of each point; minus infinity is a blank.
    """
    bottom, rise, middle, log_slope, *fifth = theta.T
    slope, power = np.exp(log_slope), np.exp(fifth[0]) if fifth else 1.0
    blank = np.isneginf(log_conc)
    t = -slope * (np.where(blank, middle, log_conc) - middle)
    soft = np.logaddexp(0, t)
    bound = np.where(blank, -np.inf, rise - power * soft)
    value = np.logaddexp(bottom, bound)
    share = np.exp(bound - value)  # of the signal that is bound analyte
    sigmoid = np.exp(t - soft)
    steep = share * power * sigmoid * slope
    columns = [1 - share, share, -steep, -share * power * sigmoid * t, -share * power * soft]
    return value, steep, np.column_stack(columns)
