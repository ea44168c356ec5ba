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
GRID = 41
STEPS = 60
PRECISION = 1e-12


def can_be_told(samples: int, coefficients: int, blocks: int) -> bool:
    """Tell whether samples are enough for a correlation within blocks beside the coefficients."""
    return samples > coefficients + 2 and 1 < blocks < samples - 1


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
    """Return the correlation of greatest restricted likelihood, genes at once: a grid, then halving of the slope."""
    grid = np.linspace(least, MOST, GRID)
    heights = np.stack([_profile(rho, eigenvalues, squares, rest, n_rest)[0] for rho in grid[:, None]])
    best = heights.argmax(axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, GRID - 1)]
    for _ in range(STEPS):
        middle = (low + high) / 2
        rises = _profile(middle, eigenvalues, squares, rest, n_rest)[1] > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
        if (high - low).max() < PRECISION:
            break
    return (low + high) / 2


def _profile(rho: Floats, eigenvalues: Floats, squares: Floats, rest: Floats, n_rest: Floats) -> tuple[Floats, Floats]:
    """Return twice the log likelihood at the best total variance, up to a constant, and its slope."""
    rho = np.broadcast_to(rho, rest.shape)
    within = 1 - rho
    there = eigenvalues > 0
    variance = np.where(there, within[:, None] + rho[:, None] * eigenvalues, 1.0)
    steep = np.where(there, eigenvalues - 1, 0.0) / variance
    scaled = squares / variance
    n = n_rest + there.sum(axis=1)
    total = scaled.sum(axis=1) + rest / within
    height = -np.log(variance).sum(axis=1) - n_rest * np.log(within) - n * np.log(total)
    falls = (scaled * steep).sum(axis=1) - rest / within**2
    slope = -steep.sum(axis=1) + n_rest / within + n * falls / total
    return height, slope
