"""The counting intervals of tilseq hold the truth of simulated tubes and libraries as often as they say."""

import pytest

from benchmarks.coverage import CD8_SHARES, DEPTHS, EVENTS, MASSES, RUNS, mass, ratio_by_labels
from tilseq.simulate.sequencing.sampling import FLAVORS

LEAST, MOST = 0.93, 0.98


def assert_covers(cell, least=LEAST):
    assert cell.covered >= least, cell
    # An exact interval of few counts covers more than it says; more than that exact interval does is bought by width.
    assert cell.covered <= max(MOST, cell.forced), cell
    assert cell.width == pytest.approx(cell.expected_width, rel=0.05), cell


@pytest.mark.parametrize("flavor", FLAVORS)
def test_mass_in_one_cell_of_the_grid(flavor):
    assert_covers(mass(1_000, 0.1, flavor, runs=200)[0], least=0.91)  # 0.95 less 2.6 standard errors


def test_ratio_in_one_cell_of_the_grid():
    assert_covers(ratio_by_labels(3_000, 0.2, runs=200), least=0.91)


@pytest.mark.slow
@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("share", MASSES)
def test_mass(flavor, depth, share):
    assert_covers(mass(depth, share, flavor, RUNS)[0])


@pytest.mark.slow
@pytest.mark.parametrize("events", EVENTS)
@pytest.mark.parametrize("cd8_share", CD8_SHARES)
def test_ratio(events, cd8_share):
    assert_covers(ratio_by_labels(events, cd8_share, RUNS))
