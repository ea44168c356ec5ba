import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.simulate.sampling import draw_cells, draw_templates
from tilseq.simulate.streams import stream


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any), st.integers(0, 10_000), st.integers(0, 99))
def test_templates_sum_to_the_depth_and_need_cells(cells, depth, seed):
    templates = draw_templates(stream(seed), np.array(cells), depth)
    assert templates.sum() == depth
    assert all(count == 0 for count, held in zip(templates, cells, strict=True) if held == 0)


def test_cells_sum_and_follow_the_frequencies():
    cells = draw_cells(stream(1), np.array([0.5, 0.5, 0.0]), 10_000)
    assert cells.sum() == 10_000
    assert cells[2] == 0
    assert abs(cells[0] - 5_000) < 4 * 50


def test_templates_vary_more_than_cells_alone_would_make_them():
    # A clone of 10 in 1,000 cells at depth 1,000: the yields add 1/dispersion per cell to the multinomial variance,
    # 1000 * 0.01 * 0.99 * (1 + 999/2001) = 14.84 (Dirichlet-multinomial with concentration 2 * 1000).
    rng, cells = stream(1), np.array([10, 990])
    counts = np.array([draw_templates(rng, cells, 1_000, dispersion=2)[0] for _ in range(8_000)])
    assert counts.mean() == pytest.approx(10, abs=0.2)
    assert counts.var() == pytest.approx(14.84, rel=0.06)
