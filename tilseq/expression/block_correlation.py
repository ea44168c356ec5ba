"""The correlation between samples of one subject, one for all genes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tilseq.expression.linear_fit import Codes

Floats = NDArray[np.float64]

TRIM = 0.15
MOST = 0.99  # of a correlation
MARGIN = 0.01  # above the least correlation that blocks can have
ABSENT = 1e-10
GRID = 61
PRECISION = 1e-12


def block_correlation(values: Floats, columns: Floats, blocks: Codes, weights: Floats) -> float:
    """Return the correlation within blocks, as limma's ``duplicateCorrelation`` does.

    Each gene's variance between and within blocks is found by restricted maximum likelihood; the inverse hyperbolic
    tangents of the correlations are averaged without 15 % at either end. Smyth, Michaud and Scott, Bioinformatics
    2005;21:2067.

    Parameters
    ----------
    values, weights
        Genes × samples.
    columns
        Samples × coefficients, the intercept among them, independent.
    blocks
        Code of each sample's block.
    """
    eigenvalues, squares, rest, n_rest = _contrasts_of_error(values, columns, blocks, weights)
    least = 1 / (1 - int(np.bincount(blocks).max())) + MARGIN
    found = np.sort(np.arctanh(_most_likely(eigenvalues, squares, rest, n_rest, least)))
    cut = int(len(found) * TRIM)
    return float(np.tanh(found[cut : len(found) - cut].mean()))


def _contrasts_of_error(
    values: Floats, columns: Floats, blocks: Codes, weights: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return error contrasts of each gene, free of the coefficients and of each other.

    A contrast of eigenvalue d has variance ``(1 - ρ) + ρ d`` times the total. Given are eigenvalues (genes × blocks),
    the contrasts' squares, the sum of squares of the contrasts of eigenvalue 0, and how many these are.
    """
    ones = np.eye(int(blocks.max()) + 1)[blocks]
    roots = np.sqrt(weights)
    white = roots[:, None, :] * columns.T  # genes × coefficients × samples
    target = roots * values
    inverse = np.linalg.inv(white @ white.transpose(0, 2, 1))
    coefficients = (inverse @ (white @ target[:, :, None]))[:, :, 0]
    residual = target - (coefficients[:, None, :] @ white)[:, 0, :]
    by_block = white @ ones
    between = np.diag(ones.sum(axis=0)) - by_block.transpose(0, 2, 1) @ inverse @ by_block
    eigenvalues, vectors = np.linalg.eigh(between)
    there = eigenvalues > ABSENT
    scores = ((residual @ ones)[:, None, :] @ vectors)[:, 0, :] ** 2
    squares = np.where(there, scores / np.where(there, eigenvalues, 1.0), 0.0)
    rest = np.maximum(np.einsum("gs,gs->g", residual, residual) - squares.sum(axis=1), 0)
    n_rest = len(columns) - columns.shape[1] - there.sum(axis=1)
    return np.where(there, eigenvalues, 0.0), squares, rest, n_rest.astype(float)


def _most_likely(eigenvalues: Floats, squares: Floats, rest: Floats, n_rest: Floats, least: float) -> Floats:
    """Return the correlation of greatest restricted likelihood uphill from that of the moments, genes at once.

    The summit need not be the highest: where a contrast is near 0 by chance the likelihood has a spike at the least
    correlation, which means nothing.
    """
    start = np.clip(_by_moments(eigenvalues, squares, rest, n_rest), least, MOST)
    grid = np.linspace(least, MOST, GRID)
    rises = np.stack([_slope(rho, eigenvalues, squares, rest, n_rest) > 0 for rho in grid[:, None]])
    place = np.arange(GRID)[:, None]
    above = np.searchsorted(grid, start)
    upward = _slope(start, eigenvalues, squares, rest, n_rest) > 0
    falls_after, rises_before = ~rises & (place >= above), rises & (place < above)
    top = np.where(falls_after.any(axis=0), falls_after.argmax(axis=0), GRID - 1)
    bottom = np.where(rises_before.any(axis=0), GRID - 1 - rises_before[::-1].argmax(axis=0), 0)
    low = np.where(upward, np.maximum(start, grid[np.maximum(top - 1, 0)]), grid[bottom])
    high = np.where(upward, grid[top], np.minimum(start, grid[np.minimum(bottom + 1, GRID - 1)]))
    while (high - low).max() > PRECISION:
        middle = (low + high) / 2
        further = _slope(middle, eigenvalues, squares, rest, n_rest) > 0
        low, high = np.where(further, middle, low), np.where(further, high, middle)
    return (low + high) / 2


def _by_moments(eigenvalues: Floats, squares: Floats, rest: Floats, n_rest: Floats) -> Floats:
    """Return the correlation by the line through squares over eigenvalues, 0 where it falls below 0."""
    n = n_rest + (eigenvalues > 0).sum(axis=1)
    sum_d, sum_y = eigenvalues.sum(axis=1), squares.sum(axis=1) + rest
    spread = n * (eigenvalues**2).sum(axis=1) - sum_d**2
    between = (n * (eigenvalues * squares).sum(axis=1) - sum_d * sum_y) / np.where(spread > 0, spread, np.inf)
    within = (sum_y - between * sum_d) / n
    sound = (within >= 0) & (within + between * eigenvalues.max(axis=1) >= 0) & (within + between > 0)
    return np.where(sound, between / np.where(sound, within + between, 1.0), 0.0)


def _slope(rho: Floats, eigenvalues: Floats, squares: Floats, rest: Floats, n_rest: Floats) -> Floats:
    """Return the slope of twice the log likelihood, at the best total variance, in the correlation."""
    within = 1 - np.broadcast_to(rho, rest.shape)
    there = eigenvalues > 0
    variance = np.where(there, 1 + (1 - within)[:, None] * (eigenvalues - 1), 1.0)
    steep = np.where(there, eigenvalues - 1, 0.0) / variance
    scaled = squares / variance
    total = scaled.sum(axis=1) + rest / within
    falls = (scaled * steep).sum(axis=1) - rest / within**2
    n = n_rest + there.sum(axis=1)
    slope: Floats = -steep.sum(axis=1) + n_rest / within + n * falls / total
    return slope
