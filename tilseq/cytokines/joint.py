"""The curves of all analytes of a plate at given concentrations, and what they tell of errors in these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.curve import Floats, parts_of
from tilseq.cytokines.least_squares import Normal, least_squares

GAIN, STEPS = 1e-7, 60
# What curves look like a priori, so that standards that do not reach the ends still give one: standard deviations of
# ln bottom about the lowest signal, of ln(top - bottom) about the highest, of ln midpoint about the middle of the
# standards, of ln slope about 0.1 and of ln asymmetry about 0.
VAGUE = np.array([3.0, 1.0, 3.0, 0.3, 0.5])
USUAL_SLOPE = 0.1


@dataclass(frozen=True)
class Points:
    """Standard and blank wells of all analytes, one analyte after the other.

    Attributes
    ----------
    log_conc, log_signal, se
        ln nominal pg/mL (minus infinity for a blank), ln signal, and its standard error from the beads.
    analyte
        Place of the analyte; in order.
    well
        Place of the filled standard well; -1 for a blank.
    wells
        How many filled wells there are.
    """

    log_conc: Floats
    log_signal: Floats
    se: Floats
    analyte: NDArray[np.intp]
    well: NDArray[np.intp]
    wells: int

    @property
    def starts(self) -> NDArray[np.intp]:
        """First point of each analyte."""
        return np.flatnonzero(np.diff(self.analyte, prepend=-1))

    def summed(self, values: Floats) -> Floats:
        """Return sums by analyte."""
        return np.add.reduceat(values, self.starts, axis=0)

    def at(self, offsets: Floats) -> Floats:
        """Return ln pg/mL of each point, given ln(true over nominal) of each filled well."""
        return self.log_conc + np.where(self.well >= 0, offsets[self.well], 0.0)

    def usual(self) -> Floats:
        """Return the parameters that `VAGUE` is about: analytes × 5."""
        told = np.isfinite(self.log_conc)
        lowest, highest = (end.reduceat(self.log_signal, self.starts) for end in (np.minimum, np.maximum))
        middle = [np.median(self.log_conc[told & (self.analyte == k)]) for k in range(len(highest))]
        zero = np.zeros(len(highest))
        return np.column_stack([lowest, highest + 0.5, np.array(middle) + 2, zero + USUAL_SLOPE, zero])


@dataclass(frozen=True)
class Joint:
    """Curves at given offsets, with what the plate tells about both, to second order.

    Attributes
    ----------
    theta
        Parameters, analytes × 5.
    inner
        Covariance of each curve's parameters at given offsets, analytes × 5 × 5.
    cross
        Change of each curve's parameters by offset, analytes × 5 × wells.
    information, score
        Of the offsets, curves left free: wells × wells, and the linear term about offsets of 0.
    residual, steep, gradient
        Of each point: curve less ln signal, steepness, and gradient with that of a 4PL's asymmetry 0.
    """

    theta: Floats
    inner: Floats
    cross: Floats
    information: Floats
    score: Floats
    residual: Floats
    steep: Floats
    gradient: Floats


def fit_curves(points: Points, theta: Floats, free: NDArray[np.bool_], offsets: Floats, sd: Floats) -> Floats:
    """Return the parameters of all curves of least squares, a priori about the usual ones.

    Parameters
    ----------
    points
        Of the plate.
    theta
        To start from, analytes × 5.
    free
        Which parameters are fitted, analytes × 5.
    offsets
        ln(true over nominal) of each filled well.
    sd
        Standard deviation of each ln signal.
    """
    x, usual = points.at(offsets), points.usual()

    def normal(at: Floats) -> Normal:
        value, _, gradient = parts_of(at[points.analyte], x)
        residual, slope = (value - points.log_signal) / sd, gradient * free[points.analyte] / sd[:, None]
        prior = (at - usual) / VAGUE
        return (
            points.summed(residual**2) + (prior**2).sum(axis=1),
            points.summed(slope * residual[:, None]) + prior / VAGUE,
            points.summed(slope[:, :, None] * slope[:, None, :]) + np.diag(VAGUE**-2.0),
        )

    return least_squares(normal, theta * free, gain=GAIN, steps=STEPS)


def joint(points: Points, theta: Floats, free: NDArray[np.bool_], offsets: Floats, sd: Floats) -> Joint:
    """Return what a plate tells of curves and offsets about those fitted; parameters as of `fit_curves`."""
    value, steep, gradient = parts_of(theta[points.analyte], points.at(offsets))
    gradient = gradient * free[points.analyte]
    residual = value - points.log_signal
    slope, steeper, misfit = gradient / sd[:, None], steep / sd, residual / sd
    inner = np.linalg.inv(points.summed(slope[:, :, None] * slope[:, None, :]) + np.diag(VAGUE**-2.0))
    pull = points.summed(slope * misfit[:, None]) + (theta - points.usual()) / VAGUE**2
    filled = points.well >= 0
    mixed = np.zeros((len(theta), theta.shape[1], points.wells))
    mixed[points.analyte[filled], :, points.well[filled]] = (slope * steeper[:, None])[filled]
    cross = -inner @ mixed
    own = np.bincount(points.well[filled], steeper[filled] ** 2, points.wells)
    information = np.diag(own) + np.einsum("apw,apv->wv", mixed, cross)
    score = -np.bincount(points.well[filled], (steeper * misfit)[filled], points.wells)
    score -= np.einsum("apw,ap->w", cross, pull)
    score += information @ offsets
    return Joint(theta, inner, cross, information, score, residual, steep, gradient)
