import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilseq.flow import gate
from tilseq.flow.beside import Beyond, Told
from tilseq.flow.lymphocytes import distance
from tilseq.flow.uncertainty import (
    PURE,
    Misplaced,
    across,
    bearing,
    close_by,
    few_across,
    gaining,
    lacking,
    left_over,
    loss,
    of_both,
    ratio_with_gates,
    with_gates,
)
from tilseq.intervals import clopper_pearson, ratio_of_counts, scalar

Simulate = Callable[..., Any]


def test_a_moved_cut_gives_the_counts_of_a_tube_cut_there(simulate: Simulate) -> None:
    tube = simulate()
    gating = gate(tube, sample="s")
    cut = gating.cuts["CD3", "lymphocytes"]
    moved = gating.moved["CD3 of lymphocytes"]
    for place, counts in ((cut.lower, moved.lower), (cut.upper, moved.upper)):
        lymphocytes = gating.populations["lymphocytes"].mask
        over = gating.values["CD3"] > place
        assert counts["CD3+"] == np.count_nonzero(lymphocytes & over)
        assert counts["CD3-"] == np.count_nonzero(lymphocytes & ~over)
        cd4, cd8 = (gating.values[name] > gating.cuts[name, "CD3+"].threshold for name in ("CD4", "CD8"))
        assert counts["CD4+ T"] == np.count_nonzero(lymphocytes & over & cd4 & ~cd8)
        cd19 = gating.values["CD19"] > gating.cuts["CD19", "CD3-"].threshold
        assert counts["B"] == np.count_nonzero(lymphocytes & ~over & cd19)
        assert counts["singlets"] == gating.populations["singlets"].events


def test_a_moved_radius_and_what_it_takes_along(simulate: Simulate) -> None:
    gating = gate(simulate({"CD4+ T": 30_000, "CD8+ T": 15_000, "DN T": 900, "B": 8000, "NK": 5000}), sample="s")
    region = gating.region
    assert region is not None
    away = distance({name: gating.values[name] for name in region.centre}, region)
    parent = gating.populations[gating.populations["lymphocytes"].parent or ""].mask
    moved = gating.moved["lymphocytes"]
    for end, counts in ((region.lower, moved.lower), (region.upper, moved.upper)):
        assert counts["lymphocytes"] == np.count_nonzero(parent & (away <= end))
        assert counts["CD3+"] + counts["CD3-"] == counts["lymphocytes"]
        assert sum(counts[name] for name in ("CD4+ T", "CD8+ T", "DN T", "DP T")) == counts["CD3+"]
    assert moved.lower["CD3+"] < gating.populations["CD3+"].events < moved.upper["CD3+"]


def test_a_moved_cut_of_the_dead_moves_all_below(simulate: Simulate) -> None:
    tube = simulate()
    # The dead fade out towards the living.
    dead = np.flatnonzero(tube.kinds == "dead")
    tube.events[dead, tube.channels.index("V2-A")] = np.random.default_rng(2).lognormal(7.6, 0.7, len(dead))
    gating = gate(tube, sample="s")
    assert gating.region is not None
    cut = gating.cuts["viability", "singlets"]
    moved = gating.moved["viability of singlets"]
    single = gating.populations["singlets"].mask
    away = distance({name: gating.values[name] for name in gating.region.centre}, gating.region)
    over_cd3 = gating.values["CD3"] > gating.cuts["CD3", "lymphocytes"].threshold
    for end, counts in ((cut.lower, moved.lower), (cut.upper, moved.upper)):
        live = single & (gating.values["viability"] <= end)
        assert counts["live"] == np.count_nonzero(live)
        lymphocytes = live & (away <= gating.region.radius)
        assert counts["lymphocytes"] == np.count_nonzero(lymphocytes)
        assert counts["CD3+"] == np.count_nonzero(lymphocytes & over_cd3)
    assert moved.lower["live"] < moved.upper["live"]


def test_markers_of_one_channel_are_moved_together(simulate: Simulate) -> None:
    tube = simulate()
    markers = ["CD16+CD56" if marker == "CD56" else marker for marker in tube.markers]
    gating = gate(SimpleNamespace(**vars(tube) | {"markers": markers}), sample="s")
    cuts = [gating.cuts[marker, "CD3-"] for marker in ("CD16", "CD56")]
    moved = gating.moved["CD16 and CD56 of CD3-"]
    no_b = gating.values["CD19"] <= gating.cuts["CD19", "CD3-"].threshold
    for end, counts in ((cuts[0].lower, moved.lower), (cuts[0].upper, moved.upper)):
        expected = gating.populations["CD3-"].mask & no_b & (gating.values["CD56"] > end)
        assert counts["NK"] == np.count_nonzero(expected)


def test_a_cut_moved_close_by_gives_the_counts_of_a_tube_cut_there(simulate: Simulate) -> None:
    gating = gate(simulate(), sample="s")
    found = close_by(gating, {"CD4", "CD8"})
    over_cd8 = gating.values["CD8"] > gating.cuts["CD8", "CD3+"].threshold
    cut = gating.cuts["CD4", "CD3+"]
    assert cut.close is not None and cut.lower is not None and cut.upper is not None
    assert cut.lower < cut.close[0] < cut.threshold < cut.close[1] < cut.upper
    assert (found.cuts["CD4", "CD3+"].lower, found.cuts["CD4", "CD3+"].upper) == cut.close
    for place, counts in zip(cut.close, found.moved["CD4 of CD3+"], strict=True):
        over = gating.populations["CD3+"].mask & (gating.values["CD4"] > place)
        assert counts["DP T"] == np.count_nonzero(over & over_cd8)
        assert counts["CD4+ T"] == np.count_nonzero(over & ~over_cd8)
    assert found.moved["CD3 of lymphocytes"] is gating.moved["CD3 of lymphocytes"]
    assert found.cuts["CD3", "lymphocytes"] == gating.cuts["CD3", "lymphocytes"]


def test_a_cut_that_someone_set_is_not_moved(simulate: Simulate) -> None:
    gating = gate(simulate(), sample="s", thresholds={"CD3": 3000.0})
    assert "CD3 of lymphocytes" not in gating.moved


def test_joined_limits_by_hand() -> None:
    # 400 of 1,000: Clopper-Pearson 0.369473 to 0.431127 (R: binom.test(400, 1000)); one cut moves the part to 380 and
    # 430 of 1,000. Logits with half an event more: of 400 -0.405049, of 380 -0.489039, of 430 -0.281566.
    counting = scalar(clopper_pearson(400, 1000))
    (lower, upper), (low, high) = with_gates(400, 1000, counting, [[(380, 1000), (430, 1000)]], misplaced=PURE)
    floor = (1.959964 * 0.002) ** 2
    down, up = math.sqrt(0.083990**2 + floor), math.sqrt(0.123483**2 + floor)
    logits = [-0.405049 - math.hypot(-0.405049 - math.log(0.369473 / 0.630527), down)]
    logits += [-0.405049 + math.hypot(math.log(0.431127 / 0.568873) + 0.405049, up), -0.405049 - down, -0.405049 + up]
    expected = [1 / (1 + math.exp(-logit)) for logit in logits]
    np.testing.assert_allclose([lower, upper, low, high], expected, atol=2e-5)


@pytest.mark.parametrize(("events", "total"), [(0, 50), (50, 50), (1, 1), (0, 1), (3, 40_000), (20_000, 40_000)])
def test_gates_only_widen_and_limits_stay_shares(events: int, total: int) -> None:
    counting = scalar(clopper_pearson(events, total))
    for misplacing in (PURE, Misplaced(1e-4, 2e-4)):
        (lower, upper), _ = with_gates(events, total, counting, [[(events, total)] * 2], misplaced=misplacing)
        assert 0 <= lower <= counting[0] + 1e-12
        assert counting[1] - 1e-12 <= upper <= 1
        assert lower <= events / total <= upper


def test_the_ratio_is_the_odds_of_the_share() -> None:
    counting = scalar(ratio_of_counts(300, 100))
    own, other = Misplaced(2.0, 3.0, 0.0, 4.0), Misplaced(1.0, 5.0, 0.5, 6.0)
    both, gates = ratio_with_gates(300, 100, counting, [[(310, 95), (290, 100)]], own=own, other=other)
    lost = of_both(300, 100, own, other)
    shares = scalar(clopper_pearson(300, 400))
    expected, alone = with_gates(300, 400, shares, [[(310, 405), (290, 390)]], misplaced=lost)
    np.testing.assert_allclose(both, [share / (1 - share) for share in expected], rtol=1e-9)
    np.testing.assert_allclose(gates, [share / (1 - share) for share in alone], rtol=1e-9)
    none, few = (ratio_with_gates(a, 0, scalar(ratio_of_counts(a, 0)), [], own=PURE, other=PURE)[0] for a in (0, 9))
    assert all(math.isnan(limit) for limit in none)
    assert few[1] == math.inf


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


def test_what_is_gained_lowers_and_what_is_lost_raises_a_limit() -> None:
    counting = scalar(clopper_pearson(400, 1000))
    plain, _ = with_gates(400, 1000, counting, [], misplaced=PURE)
    gained, _ = with_gates(400, 1000, counting, [], misplaced=Misplaced(0.02, 0.0))
    lost, _ = with_gates(400, 1000, counting, [], misplaced=Misplaced(0.0, 0.02))
    assert gained == (pytest.approx(0.4 - math.hypot(0.4 - plain[0], 1.959964 * 0.02)), plain[1])
    assert lost == (plain[0], pytest.approx(0.4 + math.hypot(plain[1] - 0.4, 1.959964 * 0.02)))
    surely, _ = with_gates(400, 1000, counting, [], misplaced=Misplaced(0.0, 0.0, 0.01, 0.02))
    assert surely == pytest.approx((plain[0] - 0.01, plain[1] + 0.02))


def test_what_is_left_over_is_as_far_off_as_what_each_cut_tells() -> None:
    either_way = math.hypot(1.7e-4, 0.003, 0.004)
    assert left_over([Told(0.03, 0.003), Told(0.01, 0.004)]) == pytest.approx((either_way, either_way, 0, 0), rel=1e-9)
    assert left_over([]) == pytest.approx((1.7e-4, 1.7e-4, 0, 0))


def test_cells_beyond_an_edge_move_both_limits() -> None:
    # Logit of 400.5 / 600.5: -0.405049; counting alone 0.369473 to 0.431127, see above; the floor is 0.00392.
    counting = scalar(clopper_pearson(400, 1000))
    (lower, upper), gates = with_gates(400, 1000, counting, [], misplaced=PURE, beyond=Beyond(0.1, 0.03))
    error = math.hypot(0.00392, 1.959964 * 0.03)
    down = math.hypot(-0.405049 - math.log(0.369473 / 0.630527), error)
    up = math.hypot(math.log(0.431127 / 0.568873) + 0.405049, error)
    expected = [1 / (1 + math.exp(0.305049 + down)), 1 / (1 + math.exp(0.305049 - up))]
    np.testing.assert_allclose([lower, upper], expected, atol=2e-4)
    assert gates == (0.4, pytest.approx(1 / (1 + math.exp(0.305049 - error)), abs=2e-4))  # the share itself is held
