import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.expression.linear_fit import fit_correlated, fit_within_blocks

BLOCKS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3])


def by_lstsq(values, columns, weights):
    """One gene by numpy's least squares: first coefficient, its unscaled variance, residual variance, fitted."""
    roots = np.sqrt(weights)
    x, y = columns * roots[:, None], values * roots
    coefficients = np.linalg.lstsq(x, y, rcond=None)[0]
    residual = y - x @ coefficients
    df = len(y) - np.linalg.matrix_rank(x)
    return coefficients[0], np.linalg.inv(x.T @ x)[0, 0], residual @ residual / df, columns @ coefficients


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_blocks_and_weights_of_each_gene_give_what_least_squares_gives_gene_by_gene(seed):
    random = np.random.default_rng(seed)
    values, weights = random.normal(8, 2, (5, 11)), random.uniform(0.1, 10, (5, 11))
    columns = random.normal(size=(11, 3))
    found = fit_within_blocks(values, columns, BLOCKS, weights)
    whole = np.column_stack([columns, np.eye(4)[BLOCKS]])
    assert found.df == 4
    for gene in range(5):
        expected = by_lstsq(values[gene], whole, weights[gene])
        actual = (found.estimate[gene], found.unscaled[gene], found.variance[gene], found.fitted[gene])
        for a, b in zip(actual, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(-0.3, 0.9))
def test_correlated_samples_give_what_least_squares_gives_of_whitened_ones(seed, correlation):
    random = np.random.default_rng(seed)
    values, weights = random.normal(8, 2, (4, 11)), random.uniform(0.1, 10, (4, 11))
    columns = np.column_stack([random.normal(size=(11, 2)), np.ones(11)])
    matrix = np.where(BLOCKS[:, None] == BLOCKS, correlation, 0.0)
    np.fill_diagonal(matrix, 1)
    found = fit_correlated(values, columns, matrix, weights)
    for gene in range(4):
        covariance = matrix / np.sqrt(np.outer(weights[gene], weights[gene]))
        root = np.linalg.inv(np.linalg.cholesky(covariance))
        expected = by_lstsq(root @ values[gene], root @ columns, np.ones(11))
        actual = (found.estimate[gene], found.unscaled[gene], found.variance[gene])
        np.testing.assert_allclose(actual, expected[:3], rtol=1e-7, atol=1e-9)


def test_without_weights_all_are_one():
    values, columns = np.arange(22.0).reshape(2, 11) ** 1.5, np.arange(11.0)[:, None] ** 2
    a, b = (fit_within_blocks(values, columns, BLOCKS, w) for w in (None, np.ones((2, 11))))
    for one, other in zip(a, b, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_nothing_left_leaves_no_variance():
    found = fit_within_blocks(np.ones((1, 2)), np.array([[0.0], [1]]), np.array([0, 0]))
    assert found.df == 0 and np.isnan(found.variance).all()
    assert found.estimate == pytest.approx(0)
