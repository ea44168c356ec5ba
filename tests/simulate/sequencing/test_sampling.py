from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.simulate.sequencing.sampling import FLAVORS, GDNA, READS, UMI, draw_cells, n_effective, sequence
from tilseq.simulate.streams import stream

CELLS = st.lists(st.integers(0, 40), min_size=1, max_size=25)


def test_cells_sum_and_follow_the_frequencies():
    cells = draw_cells(stream(1), np.array([0.5, 0.5, 0.0]), 10_000)
    assert cells.sum() == 10_000
    assert cells[2] == 0
    assert abs(cells[0] - 5_000) < 4 * 50


def test_what_rounding_leaves_over_falls_to_no_absent_clone():
    assert draw_cells(stream(1), np.array([0.5, 0.4999995, 0.0]), 10**9)[-1] == 0


@pytest.mark.parametrize("shares", [[0.5, 0.4], [1.2, -0.2], [0.5, 0.6], [np.nan, 1.0]])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(ValueError, match="sum to 1"):
        draw_cells(stream(1), np.array(shares), 10)


@pytest.mark.parametrize("flavor", FLAVORS.values(), ids=FLAVORS)
@given(cells=CELLS, depth=st.integers(0, 2_000), seed=st.integers(0, 99))
def test_a_library_holds_the_depth_and_nothing_of_a_clone_without_cells(flavor, cells, depth, seed):
    cells = np.array(cells)
    library = sequence(stream(seed), cells, depth, flavor)
    assert not library.templates[cells == 0].any()
    assert not library.reads[library.templates == 0].any()
    if flavor is READS:
        assert library.counted is library.reads
        assert library.reads.sum() == (depth if library.templates.any() else 0)
    else:
        assert library.counted is library.templates
        assert (library.reads >= library.templates).all()
        assert library.templates.sum() <= depth
    if flavor is GDNA:
        assert (library.templates <= 2 * np.array(cells)).all()


@pytest.mark.parametrize("flavor", FLAVORS.values(), ids=FLAVORS)
def test_as_much_is_counted_as_was_asked_for(flavor):
    assert sequence(stream(1), np.full(1_000, 10), 5_000, flavor).counted.sum() == 5_000
    with pytest.raises(ValueError, match="0 or more"):
        sequence(stream(1), np.full(10, 1), -1, flavor)


def test_a_depth_beyond_the_tube_counts_what_is_there():
    cells = np.full(100, 100)
    assert sequence(stream(1), cells, 10**6, GDNA).templates.sum() == pytest.approx(8_000, abs=4 * 40)
    assert sequence(stream(1), cells, 10**6, UMI).templates.sum() == pytest.approx(100_000, rel=0.04)


def test_a_clone_that_is_there_may_not_be_seen():
    # One cell of each of 10,000 clones, 2,000 templates: seen are 1,700 of gDNA, as 300 others count
    # twice, and by UMI fewer than 2,000, as some cells are seen twice.
    cells = np.ones(10_000, int)
    seen = {name: (sequence(stream(1), cells, 2_000, flavor).counted > 0).sum() for name, flavor in FLAVORS.items()}
    assert seen["gdna"] == 1_700
    assert 1_600 < seen["umi"] < 1_800
    assert seen["reads"] < seen["umi"]


def test_yields_of_cells_have_a_heavier_tail_than_a_gamma():
    # Factorial moments of UMIs of one cell, over powers of the mean, are the moments of its yield: of the gamma (shape
    # 3) (1 + 1/3) and (1 + 1/3)(1 + 2/3), times those of the log-normal exp(0.5**2) and exp(3 * 0.5**2).
    umis = sequence(stream(1), np.ones(400_000, int), 10**8, UMI).templates.astype(float)
    second, third = (umis * (umis - 1)).mean(), (umis * (umis - 1) * (umis - 2)).mean()
    assert second / umis.mean() ** 2 == pytest.approx(4 / 3 * exp(0.25), rel=0.015)
    assert third / umis.mean() ** 3 == pytest.approx(20 / 9 * exp(0.75), rel=0.06)
    # A gamma with the same spread (squared CV 0.712) would have (1 + 0.712)(1 + 2 * 0.712) = 4.15.
    assert third / umis.mean() ** 3 > 4.4


def test_effective_numbers_by_hand():
    assert n_effective(20_000, 5_000, GDNA) == pytest.approx(5_000 / 1.3)
    assert n_effective(2_000, 50_000, GDNA) == pytest.approx(1_600 / 1.3)  # a fifth of the cells is lost
    # Squared CV of a cell's yield: 4/3 * exp(0.25) - 1 = 0.7120339.
    assert n_effective(20_000, 5_000, UMI) == pytest.approx(1 / (1.7120339 / 20_000 + 1 / 5_000), rel=1e-6)
    assert n_effective(2_000, 50_000, UMI) == pytest.approx(1 / (1.7120339 / 2_000 + 1 / 20_000), rel=1e-6)
    # Reads: 3 templates a cell, of squared CV 1 after PCR.
    by_hand = 1 / (1.7120339 / 50_000 + 2 / 150_000 + 1 / 2_000_000)
    assert n_effective(50_000, 2_000_000, READS) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("flavor", FLAVORS.values(), ids=FLAVORS)
@given(cells=st.integers(1, 10**7), depth=st.integers(1, 10**7))
def test_no_library_is_worth_less_than_a_cell_or_more_than_what_was_counted(flavor, cells, depth):
    assert 1 <= n_effective(cells, depth, flavor) <= max(depth, 1)


@pytest.mark.parametrize("flavor", FLAVORS.values(), ids=FLAVORS)
def test_one_cell_is_worth_one_cell(flavor):
    # The share of a clone is then 0 or 1: the largest variance that a share can have, p (1 - p).
    rng, shares = stream(3, flavor.name), []
    while len(shares) < 2_000:
        counted = sequence(rng, draw_cells(rng, np.array([0.5, 0.5]), 1), 50, flavor).counted
        shares += [counted[0] / counted.sum()] if counted.sum() else []
    assert set(shares) == {0, 1}
    assert np.var(shares) == pytest.approx(0.25, abs=0.005)
    assert n_effective(1, 50, flavor) == 1


@pytest.mark.parametrize("flavor", FLAVORS.values(), ids=FLAVORS)
@pytest.mark.parametrize(("cells", "depth"), [(10_000, 2_000), (10_000, 9_000), (4_000, 60_000)])
def test_a_share_varies_as_the_effective_number_says(flavor, cells, depth):
    # 200 libraries of 250 equal clones: 50,000 squared distances, so about 0.7 % standard error.
    clones, rng = 250, stream(1, flavor.name, str(cells), str(depth))
    shares = np.full(clones, 1 / clones)
    squares = []
    for _ in range(200):
        counted = sequence(rng, draw_cells(rng, shares, cells), depth, flavor).counted
        squares.append(((counted / counted.sum() - 1 / clones) ** 2).mean())
    told = 1 / clones * (1 - 1 / clones) / np.mean(squares)
    assert told == pytest.approx(n_effective(cells, depth, flavor), rel=0.03)
