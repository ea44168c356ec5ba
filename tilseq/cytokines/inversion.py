"""The concentration that a signal tells, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tilseq.cytokines.curve import Curve, Floats, parts_of

BEYOND, STEPS = 4.0, 2_000  # natural logarithms beyond the standards, and points of the grid


@dataclass(frozen=True)
class Errors:
    """What scatters a signal about its curve, as variances of natural logarithms.

    Attributes
    ----------
    covariance
        Of the curve's five parameters, the asymmetry of a 4PL included.
    wells
        Of what a well's content differs by from another's of the same sample.
    reading
        Of the signal of a well, beside that of its beads.
    critical
        Quantile of the interval, such as that of Student's t.
    """

    covariance: Floats
    wells: float
    reading: float
    critical: float


class Inversion:
    """The inverse of one curve with its errors, on a grid about the standards.

    Parameters
    ----------
    curve
        The curve.
    errors
        What scatters about it.
    low, high
        ln pg/mL of the lowest and highest standard.
    """

    def __init__(self, curve: Curve, errors: Errors, low: float, high: float) -> None:
        self.curve, self.errors = curve, errors
        self.grid = np.linspace(low - BEYOND, high + BEYOND, STEPS)
        self.value, self.steep, gradient = parts_of(curve.theta, self.grid)
        self.curve_variance = np.einsum("ij,jk,ik->i", gradient, errors.covariance, gradient)

    def interval(self, log_signals: Floats, ses: Floats) -> tuple[float, float, float]:
        """Return ln concentration with its limits, from the ln signals of one sample's wells.

        The interval holds the concentrations at which the mean ln signal lies within the critical number of standard
        deviations of the curve: it is not symmetrical near the ends of a curve, and minus or plus infinity where the
        signal cannot tell.

        Parameters
        ----------
        log_signals, ses
            Of the wells: ln signal and its standard error from the beads.
        """
        number, mean = len(log_signals), float(np.mean(log_signals))
        variance = float(np.sum(np.asarray(ses) ** 2)) / number**2 + self.errors.reading / number
        sd = np.sqrt(variance + self.steep**2 * self.errors.wells / number + self.curve_variance)
        beyond = np.abs(mean - self.value) - self.errors.critical * sd
        at, grid = float(self.curve.inverse(mean)[0]), self.grid
        place = int(np.clip(np.searchsorted(grid, at), 0, STEPS - 1))
        if grid[0] < at < grid[-1]:  # a precise signal can leave the interval before the next point of the grid
            beyond = np.insert(beyond, place, -self.errors.critical * np.interp(at, grid, sd))
            grid = np.insert(grid, place, at)
        before, after = np.flatnonzero(beyond[:place] > 0), place + np.flatnonzero(beyond[place:] > 0)
        lower = _crossing(grid, beyond, before[-1], before[-1] + 1) if len(before) else -np.inf
        upper = _crossing(grid, beyond, after[0], max(after[0] - 1, place)) if len(after) else np.inf
        return at, min(lower, at), max(upper, at)


def _crossing(grid: Floats, beyond: Floats, outside: int, inside: int) -> float:
    """Return where, between two neighbours, the limit lies; the one outside where both are."""
    share = beyond[outside] / (beyond[outside] - beyond[inside]) if beyond[inside] <= 0 else 0.0
    return float(grid[outside] + share * (grid[inside] - grid[outside]))
