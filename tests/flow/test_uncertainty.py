import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilseq.flow import gate
from tilseq.flow.beside import Beyond
from tilseq.flow.lymphocytes import distance
from tilseq.flow.misplaced import PURE, Misplaced, of_both
from tilseq.flow.uncertainty import close_by, ratio_with_gates, with_gates
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


def test_what_is_gained_lowers_and_what_is_lost_raises_a_limit() -> None:
    counting = scalar(clopper_pearson(400, 1000))
    plain, _ = with_gates(400, 1000, counting, [], misplaced=PURE)
    gained, _ = with_gates(400, 1000, counting, [], misplaced=Misplaced(0.02, 0.0))
    lost, _ = with_gates(400, 1000, counting, [], misplaced=Misplaced(0.0, 0.02))
    assert gained == (pytest.approx(0.4 - math.hypot(0.4 - plain[0], 1.959964 * 0.02)), plain[1])
    assert lost == (plain[0], pytest.approx(0.4 + math.hypot(plain[1] - 0.4, 1.959964 * 0.02)))
    surely, _ = with_gates(400, 1000, counting, [], misplaced=Misplaced(0.0, 0.0, 0.01, 0.02))
    assert surely == pytest.approx((plain[0] - 0.01, plain[1] + 0.02))


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
