"""Least squares for all genes at once, each gene and sample with a weight of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int_]


class LinearFit(NamedTuple):
    """The fits of all genes.

    Attributes
    ----------
    estimate
        First coefficient beside the blocks', a gene.
    unscaled
        Its variance over the residual variance.
    variance
        Residual variance, a gene.
    fitted
        Genes × samples.
    df
        Residual degrees of freedom.
    """

    estimate: Floats
    unscaled: Floats
    variance: Floats
    fitted: Floats
    df: int


def fit_within_blocks(values: Floats, columns: Floats, blocks: Codes, weights: Floats | None = None) -> LinearFit:
    """Fit a level for each block and a coefficient for each column, by weighted least squares.

    Blocks are eliminated before the coefficients are solved for (Frisch, Waugh and Lovell), so that what is left is
    small: one product over all genes gives every sum that is needed.

    Parameters
    ----------
    values
        Genes × samples.
    columns
        Samples × coefficients, independent of each other and of the blocks.
    blocks
        Code of each sample's block, 0 to the number of blocks less 1.
    weights
        Genes × samples, else 1.
    """
    weights = np.ones((1, values.shape[1])) if weights is None else weights
    ones = np.eye(int(blocks.max()) + 1)[blocks]
    n_blocks, q = ones.shape[1], columns.shape[1]
    pairs = (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)
    crossed = (columns[:, :, None] * ones[:, None, :]).reshape(len(columns), -1)
    weighed = weights * values
    total = weights @ ones
    sums = (weights @ crossed).reshape(-1, q, n_blocks)
    means = sums / total[:, None, :]
    level = weighed @ ones / total
    square = (weights @ pairs).reshape(-1, q, q) - means @ sums.transpose(0, 2, 1)
    cross = weighed @ columns - (sums @ level[:, :, None])[:, :, 0]
    inverse = np.linalg.inv(square)
    coefficients = (inverse @ cross[:, :, None])[:, :, 0]
    level = level - (coefficients[:, None, :] @ means)[:, 0, :]
    fitted = level @ ones.T + coefficients @ columns.T
    df = len(blocks) - n_blocks - q
    variance = _mean_square(weights, values - fitted, df)
    unscaled = np.broadcast_to(inverse[:, 0, 0], variance.shape)
    return LinearFit(coefficients[:, 0], unscaled, variance, fitted, df)


def fit_correlated(values: Floats, columns: Floats, correlation: Floats, weights: Floats | None = None) -> LinearFit:
    """Fit coefficients by generalised least squares, samples having a correlation that all genes share.

    The covariance of a gene is ``W^-1/2 C W^-1/2`` times its residual variance. Smyth, Michaud and Scott,
    Bioinformatics 2005;21:2067; with weights as in limma.

    Parameters
    ----------
    values
        Genes × samples.
    columns
        Samples × coefficients, the intercept among them, independent.
    correlation
        Samples × samples, C.
    weights
        Genes × samples, else 1.
    """
    roots = np.ones((1, values.shape[1])) if weights is None else np.sqrt(weights)
    whiten = np.linalg.inv(np.linalg.cholesky(correlation)).T
    white = np.stack([(roots * column) @ whiten for column in columns.T], axis=1)
    target = (roots * values) @ whiten
    inverse = np.linalg.inv(white @ white.transpose(0, 2, 1))
    coefficients = (inverse @ (white @ target[:, :, None]))[:, :, 0]
    residual = target - (coefficients[:, None, :] @ white)[:, 0, :]
    df = len(columns) - columns.shape[1]
    variance = _mean_square(np.ones((1, len(columns))), residual, df)
    unscaled = np.broadcast_to(inverse[:, 0, 0], variance.shape)
    return LinearFit(coefficients[:, 0], unscaled, variance, coefficients @ columns.T, df)


def _mean_square(weights: Floats, residual: Floats, df: int) -> Floats:
    """Return the residual variance of each gene; NaN where nothing is left to tell it."""
    squares = np.einsum("gs,gs,gs->g", np.broadcast_to(weights, residual.shape), residual, residual)
    return squares / df if df > 0 else np.full(len(residual), np.nan)
