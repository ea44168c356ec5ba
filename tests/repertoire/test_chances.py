"""Chances of counts beside the sum over cells that defines them."""

import numpy as np
import pytest
from scipy.stats import poisson

from tilseq.repertoire.chances import FINEST, counted_often, counted_once, counted_twice


@pytest.mark.parametrize("per_cell", [0.01, 0.5, 2.0, 8.0])
def test_counts_are_poisson_of_poisson_cells(per_cell):
    found = counted_often(per_cell)
    cells = np.arange(20_000)
    for place in (0, 20, 40):
        expected = found.expected[place]
        of_cells = poisson.pmf(cells, expected / per_cell)
        some = of_cells > 1e-18
        for count in (0, 1, 3, 30):
            summed = of_cells[some] @ poisson.pmf(count, cells[some] * per_cell)
            assert found.chance[place, count] == pytest.approx(summed, abs=1e-12)
            with_cells = (of_cells * (cells - expected / per_cell))[some] @ poisson.pmf(count, cells[some] * per_cell)
            assert found.with_cells[place, count] == pytest.approx(with_cells, abs=1e-9)
    assert found.spread == pytest.approx(1 + per_cell)


@pytest.mark.parametrize("variance", [0.05, 0.3, 1.0])
def test_counts_of_templates_are_sums_of_none_one_or_two(variance):
    found = counted_twice(variance)
    each = np.array([variance / 2, 1 - variance, variance / 2])
    for place in (0, 20):
        mean = found.expected[place]
        chance, with_cells, summed = np.zeros(8), np.zeros(8), np.array([1.0])
        for cells in range(200):
            of_cells = poisson.pmf(cells, mean) * np.pad(summed, (0, 8))[:8]
            chance, with_cells = chance + of_cells, with_cells + (cells - mean) * of_cells
            summed = np.convolve(summed, each)
        assert found.chance[place, :8] == pytest.approx(chance, abs=1e-12)
        assert found.with_cells[place, :8] == pytest.approx(with_cells, abs=1e-9)
    counts = np.arange(found.chance.shape[1])
    assert found.chance @ counts == pytest.approx(found.expected, rel=1e-6)
    assert found.chance @ counts**2 - found.expected**2 == pytest.approx(found.expected * (1 + variance), rel=1e-6)
    assert (found.spread, found.per_cell) == (1 + variance, 1)


@pytest.mark.parametrize("per_cell", [0.1, 3.0, 8.0, 8.5, 50.0, 1e4])
def test_counts_have_their_mean_and_variance(per_cell):
    found = counted_often(per_cell)
    counts = np.arange(found.chance.shape[1])
    assert found.chance.sum(axis=1) == pytest.approx(np.ones(len(found.expected)), abs=1e-9)
    assert found.chance @ counts == pytest.approx(found.expected, rel=1e-6)
    # units coarser than counts add their rounding, at most a quarter of a unit squared for each cell
    rounding = 0.25 * found.expected / found.per_cell if per_cell > FINEST else 0.0
    variance = found.chance @ counts**2 - found.expected**2
    assert (variance >= found.expected * found.spread * (1 - 1e-6)).all()
    assert (variance <= found.expected * found.spread * (1 + 1e-6) + rounding).all()
    assert found.with_counts.sum(axis=1) == pytest.approx(np.zeros(len(found.expected)), abs=1e-6)


def test_cells_hardly_counted_twice_are_counts_of_cells():
    once, often = counted_once(), counted_often(1e-6)
    assert once.once and not often.once
    grid = once.chance.shape[1]
    assert often.chance[:, :grid] == pytest.approx(once.chance, abs=1e-5)
