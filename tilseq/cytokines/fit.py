"""The standard curve of one analyte by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tilseq.cytokines.curve import PARAMETERS, Curve, Floats, Model, check_model
from tilseq.cytokines.least_squares import Normal, least_squares
from tilseq.errors import AnalysisError
from tilseq.masked import refuse_masked

GAIN, STEPS = 1e-13, 500


def fit_curve(log_conc: ArrayLike, log_signal: ArrayLike, sd: ArrayLike, model: Model) -> Curve:
    """Fit one curve by weighted least squares on the logarithm of the signal.

    Parameters
    ----------
    log_conc
        ln pg/mL of each standard well; minus infinity is a blank.
    log_signal
        ln signal of each.
    sd
        Standard deviation of each ln signal, at least up to a common factor.
    model
        4PL or 5PL.

    Returns
    -------
    Curve
        That of the least sum of squares, as far as found from a start by rule.

    Raises
    ------
    AnalysisError
        There is no such model; the three are not of one length, or a number is none.
    """
    refuse_masked(log_conc=log_conc, log_signal=log_signal, sd=sd)
    x, y, spread = (np.asarray(values, np.float64) for values in (log_conc, log_signal, sd))
    check_model(model)
    sound = x.shape == y.shape == spread.shape and np.isfinite(y).all() and (x < np.inf).all()
    if not sound or not np.isfinite(x).any() or not ((spread > 0) & np.isfinite(spread)).all():
        raise AnalysisError(
            "a curve cannot be fitted to these",
            expected="for each well ln pg/mL (minus infinity of a blank), a finite ln signal, and an sd above 0",
        )

    def normal(theta: Floats) -> Normal:
        value, _, gradient = Curve(model, theta[0]).parts(x)
        residual, slope = (value - y) / spread, gradient / spread[:, None]
        return np.sum(residual**2, keepdims=True), (residual @ slope)[None], (slope.T @ slope)[None]

    return Curve(model, least_squares(normal, start_of(x, y, model)[None], gain=GAIN, steps=STEPS)[0])


def start_of(log_conc: Floats, log_signal: Floats, model: Model) -> Floats:
    """Return parameters to start from: the ends of the signal, and the concentration half way between them.

    Parameters
    ----------
    log_conc, log_signal
        ln pg/mL (minus infinity for a blank) and ln signal of the wells of one curve.
    model
        Tells how many parameters there are, in the order of `Curve.theta`.
    """
    low, high = float(log_signal.min()), float(log_signal.max())
    above = log_conc[(log_signal > (low + high) / 2) & np.isfinite(log_conc)]
    middle = float(above.min()) if len(above) else float(np.median(log_conc[np.isfinite(log_conc)]))
    rise = float(np.log(max(2 * np.exp(high) - np.exp(low), 1e-9)))
    return np.array([low, rise, middle + 1.0, 0.0, 0.0])[: PARAMETERS[model]]
