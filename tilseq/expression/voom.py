"""Precision of log counts: how variance falls with the mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.block_correlation import block_correlation
from tilseq.expression.linear_fit import LinearFit, fit_correlated, fit_within_blocks
from tilseq.expression.lowess import lowess
from tilseq.expression.moderated import squeeze_variances
from tilseq.expression.normalise import PER_MILLION
from tilseq.expression.paired_model import Estimates, PairedModel

Floats = NDArray[np.float64]

SPAN = 0.5  # share of the genes that the smooth line looks at
TAIL = 0.975
LEAST_DEVIATION = 1e-5  # a root of a standard deviation of log counts below it is made of rounding errors
ROUNDS = 2  # of weights and correlation, as limma recommends


def fit_voom(log_cpm: Floats, sizes: Floats, model: PairedModel) -> Estimates:
    """Return limma's moderated t of the model's first coefficient, by weighted least squares.

    Parameters
    ----------
    log_cpm
        Genes × samples, from `log2_cpm`.
    sizes
        Effective library size of each sample.
    model
        Its samples are those of the values.
    """
    from scipy.special import stdtr, stdtrit

    fit, correlation = _correlated_fit(log_cpm, sizes, model) if model.correlated else _block_fit(log_cpm, sizes, model)
    squeezed = squeeze_variances(fit.variance, fit.df)
    prior_df, prior_variance = float(squeezed.prior_df), float(squeezed.prior_variance)
    df = min(fit.df + prior_df, fit.df * len(log_cpm))
    error = np.sqrt(fit.unscaled * squeezed.posterior)
    margin = stdtrit(df, TAIL) * error
    t = fit.estimate / error
    p = 2 * stdtr(df, -np.abs(t))
    lower, upper = fit.estimate - margin, fit.estimate + margin
    return Estimates(fit.estimate, lower, upper, t, p, df, prior_df, prior_variance, correlation)


def _block_fit(log_cpm: Floats, sizes: Floats, model: PairedModel) -> tuple[LinearFit, None]:
    weights = voom_weights(log_cpm, fit_within_blocks(log_cpm, model.columns, model.blocks), sizes)
    return fit_within_blocks(log_cpm, model.columns, model.blocks, weights), None


def _correlated_fit(log_cpm: Floats, sizes: Floats, model: PairedModel) -> tuple[LinearFit, float]:
    together = (model.blocks[:, None] == model.blocks).astype(float)
    matrix, weights, correlation = np.eye(len(together)), None, 0.0
    for _ in range(ROUNDS):
        weights = voom_weights(log_cpm, fit_correlated(log_cpm, model.columns, matrix), sizes)
        correlation = block_correlation(log_cpm, model.columns, model.blocks, weights)
        matrix = correlation * together + (1 - correlation) * np.eye(len(together))
    return fit_correlated(log_cpm, model.columns, matrix, weights), correlation


def voom_weights(log_cpm: Floats, fit: LinearFit, sizes: Floats) -> Floats:
    """Return the precision of each log count, as limma's ``voom`` does.

    The square root of the residual standard deviation of genes is smoothed over their mean log2 count; a log count's
    weight is the inverse fourth power of the line at its fitted value. Law et al., Genome Biol 2014;15:R29.

    Parameters
    ----------
    log_cpm
        Genes × samples, from `log2_cpm`; no gene is all zero.
    fit
        Of these values, without weights.
    sizes
        Effective library size of each sample.

    Raises
    ------
    AnalysisError
        Genes do not vary, so that nothing can be weighed.
    """
    depth = np.log2(sizes + 1)
    means = log_cpm.mean(axis=1) + depth.mean() - np.log2(PER_MILLION)
    x, line = lowess(means, np.sqrt(np.sqrt(fit.variance)), SPAN)
    deviation = np.interp(fit.fitted + (depth - np.log2(PER_MILLION)), x, line)
    if deviation.min() < LEAST_DEVIATION:
        raise AnalysisError("genes do not vary beside what the model tells", found="a residual variance of 0")
    square = deviation * deviation
    weights: Floats = 1 / (square * square)
    return weights
