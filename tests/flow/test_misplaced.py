"""What each population gains and loses by cells on the wrong side of a gate."""

import math

import pytest

from tilseq.flow.beside import Told
from tilseq.flow.misplaced import (
    PURE,
    Misplaced,
    across,
    bearing,
    few_across,
    gaining,
    lacking,
    left_over,
    living_across,
    loss,
    lost_elsewhere,
    made_whole,
    of_both,
)


def test_a_share_of_two_is_off_by_what_either_is() -> None:
    # A cell more of 300 takes 300 / 400 up by 100 / 400², one of 100 takes it down by 300 / 400².
    one, two = 100 / 160_000, 300 / 160_000
    found = of_both(300, 100, Misplaced(2.0, 3.0, 0.0, 4.0), Misplaced(1.0, 5.0, 0.5, 6.0))
    expected = (math.hypot(2 * one, 5 * two), math.hypot(3 * one, 1 * two), 5.5 * two - 4 * one, 0)
    assert found == pytest.approx(expected)
    # What is lost of the first alone takes the share up.
    assert of_both(300, 100, Misplaced(0.0, 0.0, 0.0, 4.0), PURE) == pytest.approx((0, 0, 0, 4 * one))
    # Both lose one in a hundred: on average nothing changes.
    alike = of_both(300, 100, Misplaced(0.0, 0.0, 0.0, 3.0), Misplaced(0.0, 0.0, 0.0, 1.0))
    assert alike == pytest.approx((0, 0, 0, 0))


def test_a_part_loses_some_of_its_own() -> None:
    assert (loss(["CD4"]), loss(["CD8", "CD4"])) == (0.0015, 0.0065)
    assert bearing(0.9, ["CD4"]) == pytest.approx((1.7e-4, math.hypot(1.7e-4, 0.9 * 0.0013), 0, 0.9 * 0.0015))
    both = bearing(0.01, ["CD4", "CD8"])
    assert both == pytest.approx((1.7e-4, math.hypot(1.7e-4, 0.01 * 0.0013), 0, 0.01 * 0.0065))
    impure = bearing(0.5, ["CD19"], Misplaced(0.01, 0.02, 0.003, 0.004))
    gained, lost = math.hypot(1.7e-4, 0.005), math.hypot(1.7e-4, 0.00065, 0.01)
    assert impure == pytest.approx((gained, lost, 0.0015, 0.5 * (0.0015 + 0.004)))


def test_a_part_loses_what_those_left_over_gain_and_what_other_gates_take() -> None:
    told = bearing(0.4, ["CD4"], Misplaced(0.01, 0.02, 0.003, 0.004), Told(0.02, 0.003))
    # Of other cells of the parent, 0.02 of a share, half are among those told.
    expected = (math.hypot(1.7e-4, 0.004), math.hypot(1.7e-4, 0.003, 0.004), 0.0012, 0.02 + 0.0016)
    assert told == pytest.approx(expected, rel=1e-6)
    # CD8+ T are dimmer in CD3: half a per cent more of them are lost, by that cut.
    assert bearing(0.4, ["CD8"], PURE, Told(0.02, 0.003)).surely_lost == pytest.approx(0.02 + 0.4 * 0.005)
    for marker, part in (("CD4", 0.0015), ("CD8", 0.0065)):  # as on average, not less
        assert bearing(0.4, [marker], PURE, Told(0.0002, 0.0)).surely_lost == pytest.approx(0.4 * part)


def test_t_cells_gain_any_number_of_those_beside_their_cut() -> None:
    assert gaining(0.003, []) == Misplaced(0.003, 0.0)
    # 95 % of what is evenly spread from none to 0.02 lie below 0.019, 1.96 standard deviations of 0.0096941.
    assert gaining(0.003, [0.02]) == pytest.approx((math.hypot(0.003, 0.0096941), 0, 0, 0), rel=1e-4)


def test_what_comes_in_and_goes_out_across_cuts_is_joined() -> None:
    # Of each half of 0.02 any part: 95 % within 0.475 × 0.01, which is 1.96 standard deviations of 0.0024235.
    one, four = across(PURE, [0.02]), across(Misplaced(0.003, 0.004, 0.1, 0.2), [0.02, 0.02])
    assert one == pytest.approx((0.0024235 * math.sqrt(2), 0.0024235 * math.sqrt(2), 0, 0), rel=1e-4)
    assert four == pytest.approx(
        (math.hypot(0.003, 2 * 0.0024235), math.hypot(0.004, 2 * 0.0024235), 0.1, 0.2), rel=1e-4
    )
    assert across(Misplaced(0.003, 0.004), []) == Misplaced(0.003, 0.004)


def test_few_cells_gain_and_lose_one_part_of_what_lies_beside_all_their_cuts() -> None:
    # From none to a half of 0.02 and to a third: 95 % below 0.95 × 0.01 and 0.95 × 0.00667, 1.96 standard deviations.
    assert few_across([0.02], rare=False) == pytest.approx((0.0048470, 0.0032314, 0, 0), rel=1e-4)
    assert few_across([0.01, 0.03], rare=False) == pytest.approx((0.0096941, 0.0064627, 0, 0), rel=1e-4)
    assert few_across([], rare=True) == PURE
    # Of rare T cells from none to two thirds.
    assert few_across([0.02], rare=True) == pytest.approx((0.0064627, 0.0032314, 0, 0), rel=1e-4)


def test_a_part_told_by_what_it_lacks_gains_what_others_lose() -> None:
    found = lacking(0.03, 0.004, Misplaced(0.01, 0.02, 0.003, 0.005))
    gained, lost = math.hypot(1.7e-4, 0.97 * 0.0013, 0.97 * 0.02), math.hypot(1.7e-4, 0.97 * 0.01)
    assert found == pytest.approx((gained, lost, 0.004 + 0.97 * 0.005, 0.97 * 0.003))


def test_what_is_left_over_is_as_far_off_as_what_each_cut_tells() -> None:
    either_way = math.hypot(1.7e-4, 0.003, 0.004)
    assert left_over([Told(0.03, 0.003), Told(0.01, 0.004)]) == pytest.approx((either_way, either_way, 0, 0), rel=1e-9)
    assert left_over([]) == pytest.approx((1.7e-4, 1.7e-4, 0, 0))


def test_few_living_cells_gain_dead_ones_that_are_not_told_and_lose_up_to_all_between_the_ends() -> None:
    found = living_across(0.02, dead=0.03)
    assert 1.959964 * found.gained == pytest.approx(0.95 * 0.01)
    assert 1.959964 * found.lost == pytest.approx(0.95 * 0.02)
    assert (found.surely_gained, found.surely_lost) == (0, 0)
    assert living_across(0.0, dead=0.0) == Misplaced(0, 0)


def test_what_most_cells_lose_moves_both_limits_less_what_the_parent_loses() -> None:
    found = made_whole(Misplaced(0.003, 0.005, 0.0, 0.02), Told(0.015, 0.004), by_parent=0.006)
    assert found == Misplaced(pytest.approx(0.005), 0.005, pytest.approx(-0.014), 0.02)
    assert made_whole(Misplaced(0.003, 0.005, 0.0, 0.02), Told(0.015, 0.004), by_parent=0.03).surely_gained == 0
    assert lost_elsewhere(["CD8"]) == lost_elsewhere(["CD4", "CD8"]) == pytest.approx(0.005)
    assert lost_elsewhere(["CD4"]) == 0
