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
    # 30 in a quarter of the way stand for 120, of which 60 to 100 are such, 80 ± 19 by 95 %. The 90 that are not seen
    # vary by √90 and by 3 √30.
    spread = math.hypot(19 / 1.959964, math.sqrt(90), 3 * math.sqrt(30))
    assert below_cut(30, 600, 800) == pytest.approx((80, spread), rel=1e-6)
    for lower in (-50, 0):
        assert below_cut(30, lower, 800) == pytest.approx((20, 4.75 / 1.959964), rel=1e-6)
    # Of 60 to 120 such 90 ± 28.5.
    spread = math.hypot(28.5 / 1.959964, math.sqrt(90), 3 * math.sqrt(30))
    assert below_cut(30, 600, 800, 1.0) == pytest.approx((90, spread), rel=1e-6)
    assert below_cut(0, 600, 800) == Told(0, 0)
    assert below_cut(6, -300, -100) == pytest.approx((4, 0.95 / 1.959964), rel=1e-6)


def test_what_is_told_of_poorly_stained_cells_is_as_far_off_as_it_says() -> None:
    """Cells lie evenly from 0 to 800, and those from 600 on are seen: from a half to five sixths of them bear it."""
    random, held, tubes = np.random.default_rng(8), 0, 4000
    for part in random.uniform(1 / 2, 5 / 6, tubes).tolist():
        light = random.uniform(0, 800, random.poisson(120))
        bear = int((random.random(len(light)) < part).sum())
        told = below_cut(int((light > 600).sum()), 600, 800)
        held += abs(told.mean - bear) <= 1.959964 * told.sd
    assert 0.94 < held / tubes < 0.99


def test_cells_beside_a_cut_lie_as_densely_down_to_darkness() -> None:
    assert evenly_beside(30, 600, 800, 1000) == 60  # 30 in half of the way
    assert evenly_beside(30, 200, 800, 1800) == 15  # and fewer than there are where the ends lie far apart
    assert evenly_beside(0, 600, 800, 1000) == 0
    assert evenly_beside(5, -300, -100, 200) == 5
    assert evenly_beside(5, 800, 800, 800) == 5
