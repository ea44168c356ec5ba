import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.flow.beside import Beyond, Loss, Told, below_cut, beyond_edge, evenly_beside, of_odds


@pytest.mark.parametrize(
    ("part", "width", "left"),
    # R: z <- c(2, 1.2, 2.9); w <- c(0.25, 0.25, 0.6); (pnorm(z) - pnorm(z - w)) / pnorm(z); log(pnorm(z))
    [
        (0.017711974677, 0.25, -0.023012909329),
        (0.063266512857, 0.25, -0.122246360487),
        (0.008874855545, 0.6, -0.001867556098),
    ],
)
def test_the_part_near_an_edge_tells_the_part_beyond_it(part: float, width: float, left: float) -> None:
    found = beyond_edge(10**12, round(part * 10**12), width, 0.01)
    assert found.left == pytest.approx(left, rel=1e-3)
    assert found.sd < 1e-4


def test_cells_beyond_an_edge_are_found_again() -> None:
    away = np.random.default_rng(5).normal(size=200_000)
    inside = away < 1.7
    found = beyond_edge(int(inside.sum()), int((inside & (away > 1.45)).sum()), 0.25, 0.02)
    assert found.left == pytest.approx(math.log(inside.mean()), abs=3 * found.sd)
    assert 0 < found.sd < 0.1 * -found.left


def test_few_cells_tell_as_much_as_fifty_of_the_usual_kind() -> None:
    usual = beyond_edge(0, 0, 0.25, 0.017711974677)
    assert usual.left == pytest.approx(-0.023012909329, rel=1e-3)
    assert usual.sd > 0.02


@given(events=st.integers(0, 10**6), within=st.integers(0, 10**6), usual=st.floats(0, 1), width=st.floats(0.01, 3))
def test_a_loss_is_a_number_and_more_near_the_edge_is_more_beyond(
    events: int, within: int, usual: float, width: float
) -> None:
    within = min(events, within)
    found, more = (beyond_edge(events, number, width, usual) for number in (within, events))
    assert -math.inf < more.left <= found.left + 1e-9 <= 1e-8
    assert 0 <= found.sd < math.inf


def test_odds_gain_what_the_population_lost_and_give_what_the_others_lost() -> None:
    found = of_odds(Loss(-0.1, 0.02), [(300, Loss(-0.05, 0.01)), (100, Loss(-0.01, 0.03))])
    # 0.1 - (300 × 0.05 + 100 × 0.01) / 400 = 0.06
    assert found.shift == pytest.approx(0.06)
    assert found.sd == pytest.approx(math.sqrt(0.02**2 + (0.3 * 0.06) ** 2 + 0.0075**2 + 0.0075**2))
    assert of_odds(Loss(-0.1, 0.02), [(0, Loss(-0.5, 0.1))]) == Beyond(0.1, pytest.approx(math.hypot(0.02, 0.03)))


def test_poorly_stained_cells_lie_evenly_down_to_darkness() -> None:
    # 30 in a quarter of the way stand for 120, of which 60 to 114 are such, 2.9 for each. Before, 24 of 4,000 were, of
    # which a third of one is known: 18/19 of 30 1/3 × 1.9 = 54.6 are not seen, and of their variance 1 + 1.8.
    spread = math.hypot(0.95 * 27 * 18 / 19 / 1.959964, math.sqrt(54.6 * 2.8))
    assert below_cut(30, 600, 800, 4_000) == pytest.approx((84.6, spread), rel=1e-6)
    # Where the cut could lie as low as darkness all are seen.
    for lower in (-50, 0):
        assert below_cut(30, lower, 800, 4_000) == pytest.approx((21.75, 0.95 * 6.75 * 72 / 73 / 1.959964), rel=1e-6)
    assert below_cut(6, -300, -100, 4_000) == pytest.approx((4.35, 0.95 * 1.35 * 72 / 73 / 1.959964), rel=1e-6)


def test_where_no_poorly_stained_cell_is_seen_there_may_be_some() -> None:
    # A third of one, times 1.8 as above; where 200 bear the marker, 9/19 of 1.9.
    assert below_cut(0, 600, 800, 4_000) == pytest.approx((0.6, math.sqrt(0.6 * 2.8)), rel=1e-6)
    assert below_cut(0, 600, 800, 200) == pytest.approx((0.3, math.sqrt(0.3 * 1.9)), rel=1e-6)
    assert below_cut(0, 600, 800, 0) == below_cut(0, 0, 800, 4_000) == Told(0, 0)


def test_ends_that_tell_nothing_leave_what_is_known_beforehand() -> None:
    """0.725 × 0.006 of 1,000 cells that bear the marker, a gamma of shape 1/3."""
    told = below_cut(0, 800 - 1e-6, 800, 1_000)
    assert told == pytest.approx((4.35, math.sqrt(4.35 + 3 * 4.35**2)), rel=1e-3)


@pytest.mark.parametrize("seen", [10, 40, 200])
def test_the_number_of_poorly_stained_cells_is_as_far_off_as_it_says(seen: int) -> None:
    """Of a tube 2.9 times as many as are seen on average, 0.6 % of those that bear the marker, as beforehand."""
    random, held, tubes = np.random.default_rng(8), 0, 4000
    for part in random.choice([0.6, 0.725, 0.85], tubes).tolist():
        beside, further = random.poisson(seen), random.poisson((4 * part - 1) * seen)
        told = below_cut(int(beside), 600, 800, round(2.9 * seen / 0.006))
        held += abs(told.mean - beside - further) <= 1.959964 * told.sd
    assert 0.92 < held / tubes < 0.995


def test_cells_beside_a_cut_lie_as_densely_down_to_darkness() -> None:
    assert evenly_beside(30, 600, 800, 1000) == 60  # 30 in half of the way
    assert evenly_beside(30, 200, 800, 1800) == 15  # and fewer than there are where the ends lie far apart
    assert evenly_beside(0, 600, 800, 1000) == 0
    assert evenly_beside(5, -300, -100, 200) == 5
    assert evenly_beside(5, 800, 800, 800) == 5
