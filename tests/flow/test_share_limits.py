"""Limits of shares of a gated tube."""

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest

from tilseq.flow import gate
from tilseq.flow.beside import Told
from tilseq.flow.gated import Gating, Shift
from tilseq.flow.misplaced import Misplaced
from tilseq.flow.share_limits import ratio_limits, share_limits
from tilseq.flow.uncertainty import EDGE, all_moved_again, ratio_with_gates
from tilseq.intervals import clopper_pearson, jeffreys, ratio_of_counts, scalar
from tilseq.populations import T_CELLS, rule

Simulate = Callable[..., Any]
FLOOR = 1.959964 * 0.002  # of the logit


def test_limits_hold_the_share_as_it_is_counted(gating: Gating) -> None:
    for name in gating.rules:
        population = gating.populations[name]
        share = population.events / gating.populations[population.parent or ""].events
        (lower, upper), (gate_lower, gate_upper) = share_limits(gating, population)
        assert 0 <= lower <= gate_lower <= share <= gate_upper <= upper <= 1, name


def test_what_t_cells_leave_has_the_limits_that_they_leave(gating: Gating) -> None:
    (lower, upper), _ = share_limits(gating, gating.populations["CD3-"])
    (t_lower, t_upper), _ = share_limits(gating, gating.populations["CD3+"])
    assert (lower, upper) == (pytest.approx(1 - t_upper), pytest.approx(1 - t_lower))


def test_cells_of_no_lineage_raise_the_upper_limit(gating: Gating) -> None:
    """CD3- cells that are neither B nor NK cells may be no lymphocytes: the share is then that among B and NK cells."""
    cells = gating.populations["CD3-"]
    mask = cells.mask.copy()
    others = ~gating.populations["lymphocytes"].mask
    mask[others.nonzero()[0][:400]] = True
    with_others = replace(gating, populations={**gating.populations, "CD3-": replace(cells, mask=mask)})
    numbers = {name: one.events for name, one in with_others.populations.items()}
    assert numbers["CD3-"] == numbers["B"] + numbers["NK"] + 400
    for name in ("B", "NK"):
        (lower, upper), (gate_lower, _) = share_limits(with_others, with_others.populations[name])
        assert lower <= gate_lower <= numbers[name] / numbers["CD3-"]
        assert upper > numbers[name] / (numbers["B"] + numbers["NK"])


def test_what_lies_at_the_edge_of_the_lymphocytes_is_made_whole(gating: Gating) -> None:
    """Half of the B cells near the edge: then many more lie beyond it, and the limits go up."""
    at_edge = gating.moved[EDGE]
    numbers = {name: one.events for name, one in gating.populations.items()}
    lower = {**at_edge.lower, "B": numbers["B"] // 2}
    moved = {**gating.moved, EDGE: at_edge._replace(lower=lower)}
    before, _ = share_limits(gating, gating.populations["B"])
    after, _ = share_limits(replace(gating, moved=moved), gating.populations["B"])
    assert after[1] > before[1] + 0.1
    assert after[0] == numbers["B"] / numbers["CD3-"]


def test_left_over_cells_gain_what_lies_below_the_cuts_of_others(gating: Gating) -> None:
    """9 cells below the cut of CD4, on the last tenth of the way up to it, stand for 90; 45 to 85.5 are gained.

    They are taken off before the others are counted. For each of 9 1/3 are 5.285107 not seen, see `test_left_over`, and
    0.14 by the cut of CD8.
    """
    cut = gating.cuts["CD4", "CD3+"]
    cuts = {**gating.cuts, ("CD4", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}
    shift = gating.moved["CD4 of CD3+"]
    left, total = gating.populations["DN T"].events, gating.populations["CD3+"].events
    moved = {**gating.moved, "CD4 of CD3+": shift._replace(lower={**shift.lower, "DN T": left - 9})}
    (lower, upper), _ = share_limits(replace(gating, cuts=cuts, moved=moved), gating.populations["DN T"])
    own = left - 9 - 49.327665 - 0.14
    exact_lower, exact_upper = (total * limit for limit in scalar(jeffreys(own, total)))
    spread = math.hypot(0.95 * 20.25 * 0.845617, 1.959964 * math.sqrt(49.327665 * 6.285107))
    assert total * lower == pytest.approx(own - math.hypot(own - exact_lower, spread), abs=0.2)
    assert total * upper == pytest.approx(max(left, own + math.hypot(exact_upper - own, spread)), abs=0.2)


def test_cells_that_are_all_gained_leave_none(gating: Gating) -> None:
    """All DN T on the last tenth of the way up to the cut of CD4 stand for more than there are."""
    cut, shift = gating.cuts["CD4", "CD3+"], gating.moved["CD4 of CD3+"]
    cuts = {**gating.cuts, ("CD4", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}
    moved = {**gating.moved, "CD4 of CD3+": shift._replace(lower={**shift.lower, "DN T": 0})}
    dn = gating.populations["DN T"]
    (lower, upper), _ = share_limits(replace(gating, cuts=cuts, moved=moved), dn)
    assert lower == 0
    assert upper >= dn.events / gating.populations["CD3+"].events


def test_without_nk_cells_told_b_cells_are_limited_as_any_others(simulate: Simulate) -> None:
    tube = simulate()
    markers = [marker if marker != "CD56" else "" for marker in tube.markers]
    alone = gate(SimpleNamespace(**vars(tube) | {"markers": markers}), sample="s")
    assert "NK" not in alone.populations
    (lower, upper), _ = share_limits(alone, alone.populations["B"])
    share = alone.populations["B"].events / alone.populations["CD3-"].events
    assert lower < share < upper < 800 / 1300 + 0.15


def test_cells_that_most_are_left_over_from_are_limited_as_any_others(simulate: Simulate) -> None:
    """Most T cells of this tube are DN T: what lies below the cuts is mostly their own."""
    gating = gate(simulate({"CD4+ T": 900, "CD8+ T": 700, "DN T": 3000, "DP T": 50, "B": 800, "NK": 500}), sample="s")
    (lower, upper), _ = share_limits(gating, gating.populations["DN T"])
    exact_lower, exact_upper = clopper_pearson(gating.populations["DN T"].events, gating.populations["CD3+"].events)
    assert lower < exact_lower
    assert upper > exact_upper


def test_cells_without_cd3_of_an_own_rule_are_not_what_t_cells_leave(simulate: Simulate) -> None:
    """NK cells bear CD56 and are left out of these: CD3+ and CD3- do not add up, and each has limits of its own."""
    rules = {**T_CELLS, "CD3-": rule("lymphocytes", "CD3-", "CD56-")}
    gating = gate(simulate(), sample="s", populations=rules)
    for name in ("CD3+", "CD3-"):
        events, total = gating.populations[name].events, gating.populations["lymphocytes"].events
        (lower, upper), _ = share_limits(gating, gating.populations[name])
        # CD3- lack two markers: what they gain by these is taken off, though hardly any is seen.
        counting = clopper_pearson if name == "CD3+" else jeffreys
        counted_lower, counted_upper = (float(limit) for limit in counting(events, total))
        assert counted_lower - 0.02 < lower < counted_lower, name
        assert counted_upper - 0.001 < upper < counted_upper + 0.05, name


def test_what_ends_tell_of_few_cells_is_not_told_again_by_what_lies_beside(gating: Gating) -> None:
    """20 cells from a third of the cut to twice it stand for 12, of which half can come in: less than the ends tell."""
    found, own = _unmoved(gating), {name: one.events for name, one in gating.populations.items()}
    cut = gating.cuts["CD8", "CD3+"]
    wide = cut._replace(lower=cut.threshold / 3, upper=cut.threshold * 2, close=None)
    cuts = {**{key: one._replace(close=None) for key, one in gating.cuts.items()}, ("CD8", "CD3+"): wide}
    ends = Shift(own, {**own, "DP T": own["DP T"] - 20})
    (elsewhere, _), (here, _) = (
        share_limits(replace(found, cuts=cuts, moved={**found.moved, name: ends}), gating.populations["DP T"])
        for name in ("CD3 of lymphocytes", "CD8 of CD3+")
    )
    assert here[0] == pytest.approx(elsewhere[0], rel=1e-9)
    assert here[1] > elsewhere[1]


def test_a_ratio_is_off_by_what_both_shares_are(gating: Gating) -> None:
    """CD8+ T lose 85 by their cut and 0.5 % by others, CD4+ T 0.15 %; the ends of both cuts are not counted."""
    cut, found = gating.cuts["CD8", "CD3+"], _unmoved(gating)
    helpers, killers, left = (found.populations[name].events for name in ("CD4+ T", "CD8+ T", "DN T"))
    shift = found.moved["CD8 of CD3+"]
    lower = {**shift.lower, "DN T": left - 15, "CD4+ T": helpers - 500}
    moved = {**found.moved, "CD8 of CD3+": shift._replace(lower=lower)}
    told = replace(found, cuts={**gating.cuts, ("CD8", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}, moved=moved)
    counting = scalar(ratio_of_counts(helpers, killers))
    (low, high), _ = ratio_limits(told, ("CD4+ T", "CD8+ T"), counting)
    # 15 on the last tenth stand for 150; 75 to 142.5 are CD8+ T. For each of 15 1/3 are 6.25 × 9.276 / (9.276 + 10/3),
    # 4.597781, not seen; by the cut of CD4, beside which none lies, 0.131820.
    misplaced = 1.7e-4 * found.populations["CD3+"].events
    spread = math.hypot(0.95 * 33.75 * 0.735645 / 1.959964, math.sqrt(70.499309 * 5.597781))
    own = Misplaced(misplaced, math.hypot(misplaced, math.sqrt(0.131820 * 1.395460)), 0.0, 0.0015 * helpers)
    other = Misplaced(misplaced, math.hypot(misplaced, spread), 0.0, 85.499309 + 0.005 * killers)
    no_ends = [[(helpers, killers), (helpers, killers)]]
    expected, _ = ratio_with_gates(helpers, killers, counting, no_ends, own=own, other=other)
    assert (low, high) == pytest.approx(expected, rel=1e-6)
    # By a gate that neither bears, as that of CD3, the ends are.
    wider = {**moved, "CD3 of lymphocytes": Shift({**lower, "CD4+ T": helpers - 500}, shift.upper)}
    assert ratio_limits(replace(told, moved=wider), ("CD4+ T", "CD8+ T"), counting)[0][0] < low - 0.1


def _unmoved(gating: Gating) -> Gating:
    """Return a gating of which no cut takes anything along, so that counting and what is misplaced are left."""
    own = {name: one.events for name, one in gating.populations.items()}
    return replace(gating, moved={name: Shift(own, own) for name in gating.moved})


def _counting(gating: Gating, name: str, parent: str, *, exact: bool = True) -> tuple[float, float, float]:
    """Return a share, and how far below and above it counting and the floor of the logit, 1.96 × 0.002, reach."""
    events, total = gating.populations[name].events, gating.populations[parent].events
    limits = [float(limit) for limit in (clopper_pearson if exact else jeffreys)(events, total)]
    middle, *ends = (math.log(part / (1 - part)) for part in ((events + 0.5) / (total + 1), *limits))
    down, up = (math.hypot(middle - end, 1.959964 * 0.002) for end in ends)
    lower, upper = (1 / (1 + math.exp(-end)) for end in (middle - down, middle + up))
    return events / total, events / total - lower, upper - events / total


@pytest.mark.parametrize(("source", "gained"), [("valley", 0.002), ("cohort", 0.03)])
def test_of_t_cells_some_are_others_and_more_where_t_cells_are_rare(
    gating: Gating, source: Literal["valley", "cohort"], gained: float
) -> None:
    assert gating.region is not None
    found = replace(_unmoved(gating), region=replace(gating.region, source=source))
    numbers = [found.populations[name].events for name in ("CD3+", "B", "NK")]
    assert sum(numbers) == found.populations["lymphocytes"].events
    share, down, up = _counting(found, "CD3+", "lymphocytes")
    (lower, upper), _ = share_limits(found, found.populations["CD3+"])
    assert lower == pytest.approx(share - math.hypot(down, 1.959964 * gained * share), abs=1e-6)
    assert upper == pytest.approx(share + up, abs=1e-6)


def test_monocytes_among_the_lymphocytes_take_their_lower_limit_down(gating: Gating) -> None:
    """300 ± 60 of the lymphocytes are monocytes, so that the share of lymphocytes is lower by as many."""
    found = _unmoved(gating)
    cells = found.populations["lymphocytes"]
    total = found.populations[cells.parent or ""].events
    share, down, up = _counting(found, "lymphocytes", cells.parent or "")
    (lower, upper), _ = share_limits(replace(found, monocytes=Told(300.0, 60.0)), cells)
    away = math.hypot(down, 1.959964 * 1.7e-4, 1.959964 * 60 / total)
    assert lower == pytest.approx(share - away - 300 / total, abs=1e-6)
    assert upper == share_limits(found, cells)[0][1] == pytest.approx(share + up, rel=0.01)


def test_t_cells_gain_what_lies_beside_their_cut(gating: Gating) -> None:
    """Of 9 cells in the last and first tenth beside the cut 45 would lie beyond it; any number to that are others."""
    cut, found = gating.cuts["CD3", "lymphocytes"], _unmoved(gating)
    numbers = {name: one.events for name, one in gating.populations.items()}
    lower, upper = ({**numbers, "CD3+": numbers["CD3+"] + more} for more in (4, -5))
    cuts = {**gating.cuts, ("CD3", "lymphocytes"): cut._replace(lower=0.9 * cut.threshold, upper=1.1 * cut.threshold)}
    beside = replace(found, cuts=cuts, moved={**found.moved, "CD3 of lymphocytes": Shift(lower, upper)})
    total = numbers["lymphocytes"]
    share, down, _ = _counting(found, "CD3+", "lymphocytes")
    # The end that is 5 events off moves the share, and so does each of 0.95 × 45 that is no T cell.
    each = (1 - share) / total
    expected = share - math.hypot(down, 5 * each, 1.959964 * 0.002 * share, 0.95 * 45 * each)
    assert share_limits(beside, beside.populations["CD3+"])[0][0] == pytest.approx(expected, abs=2e-5)


def test_what_others_gain_by_a_cut_is_lost_by_those_that_bear_its_marker(gating: Gating) -> None:
    """6 DN T on the last tenth of the way up to the cut of CD4 stand for 60; 30 to 57 are CD4+ T.

    33.47 are not seen, see `test_left_over`. The ends of this cut are not counted once more. Most cells of the
    parent are CD4+ T: what they lose, 39.47, moves both limits, and what is left is no count. The lower one is moved
    by less, as others are lost from the parent by CD3: 0.5 % of CD8+ T and DP T.
    """
    cut, found = gating.cuts["CD4", "CD3+"], _unmoved(gating)
    shift = found.moved["CD4 of CD3+"]
    moved = {**found.moved, "CD4 of CD3+": shift._replace(lower={**shift.lower, "DN T": shift.lower["DN T"] - 6})}
    cuts = {**gating.cuts, ("CD4", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}
    told, total = replace(found, cuts=cuts, moved=moved), gating.populations["CD3+"].events
    share, down, up = _counting(found, "CD4+ T", "CD3+", exact=False)
    (lower, upper), _ = share_limits(told, told.populations["CD4+ T"])
    spread = math.hypot(0.95 * 13.5 * 0.845617, 1.959964 * math.sqrt(33.472346 * 6.285107)) / total
    expected = share - math.hypot(down, spread, 1.959964 * 1.7e-4) + (39.472346 - 0.005 * (1496 + 50) * share) / total
    assert lower == pytest.approx(expected, abs=1e-6)
    expected = share + math.hypot(up, spread, 1.959964 * 1.7e-4) + 39.472346 / total
    assert upper == pytest.approx(expected, abs=1e-6)
    # CD8+ T lose by their own cut, beside which no cell lies: 0.65 % on average, and not surely 0.139130 of them.
    share, _, up = _counting(found, "CD8+ T", "CD3+")
    (_, upper), _ = share_limits(told, told.populations["CD8+ T"])
    spread = 1.959964 * math.sqrt(0.139130 * 1.417389) / total
    assert upper == pytest.approx(share + math.hypot(up, spread, 1.959964 * 1.7e-4) + 0.0065 * share, abs=1e-6)


@pytest.mark.parametrize(("killers", "told"), [(100, False), (1500, True)])
def test_dead_cells_beside_a_cut_tell_of_none_that_few_cells_lose(simulate: Simulate, killers: int, told: bool) -> None:
    """6 dead DN T lie on the last tenth of the way up to the cut of CD8, or far below it."""
    numbers = {"CD4+ T": 3000, "CD8+ T": killers, "DN T": 150, "DP T": 50, "B": 800, "NK": 500}
    gating = gate(simulate(numbers), sample="s")
    cut, mask = gating.cuts["CD8", "CD3+"], gating.populations["DN T"].mask
    dead = mask & (np.cumsum(mask) <= 6)
    cuts = {**gating.cuts, ("CD8", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}
    uppers = []
    for light in (0.0, 0.95 * cut.threshold):
        values = {**gating.values, "CD8": np.where(dead, light, gating.values["CD8"]).astype(np.float32)}
        found = all_moved_again(replace(gating, values=values, cuts=cuts, dead={"DN T": dead}))
        uppers.append(share_limits(found, found.populations["CD8+ T"])[0][1])
    assert (uppers[1] > uppers[0] + 0.001) is told
    assert (uppers[1] == uppers[0]) is not told


def test_most_of_a_parent_loses_its_own_by_the_gates_of_the_parent(simulate: Simulate) -> None:
    """Most T cells are CD8+: of the 0.5 % that CD3 does not show the parent loses as many, in truth a third of them."""
    numbers = {"CD4+ T": 1500, "CD8+ T": 3000, "DN T": 150, "DP T": 50, "B": 800, "NK": 500}
    found = _unmoved(gate(simulate(numbers), sample="s"))
    share, down, _ = _counting(found, "CD8+ T", "CD3+", exact=False)
    (lower, _), _ = share_limits(found, found.populations["CD8+ T"])
    own, total = found.populations["CD8+ T"].events, found.populations["CD3+"].events
    assert own > 0.6 * total
    nearer = 0.0065 * share - 0.005 * share * (own + 50) / total
    # By the cut of CD8, beside which none lies, not surely half a cell or so.
    assert lower == pytest.approx(share - math.hypot(down, 1.959964 * 1.7e-4) + nearer, abs=1e-5)


def test_most_of_a_parent_that_loses_none_that_are_seen_is_limited_as_if_it_did(gating: Gating) -> None:
    """No cell lies beside the cut of CD4: CD4+ T lose 0.15 % on average, less than their share gains by CD3."""
    cut, found = gating.cuts["CD4", "CD3+"], _unmoved(gating)
    share, down, up = _counting(found, "CD4+ T", "CD3+", exact=False)
    (lower, upper), _ = share_limits(found, found.populations["CD4+ T"])
    assert cut.lower is not None and 0.0015 * share < 0.005 * (1496 + 50) / 4688 * share
    unseen = 1.959964 * math.sqrt(0.131820 * 1.395460) / 4688
    assert lower == pytest.approx(share - math.hypot(down, unseen, 1.959964 * 1.7e-4), abs=1e-6)
    assert upper == pytest.approx(share + math.hypot(up, unseen, 1.959964 * 1.7e-4) + 0.0015 * share, abs=1e-6)


def test_cells_that_bear_one_marker_are_not_told_by_the_ends_of_its_cut(gating: Gating) -> None:
    found = _unmoved(gating)
    for name, own, other in (("CD4+ T", "CD4 of CD3+", "CD8 of CD3+"), ("CD8+ T", "CD8 of CD3+", "CD4 of CD3+")):
        cells, moved = found.populations[name], found.moved
        fewer, more = ({**moved[own].lower, name: cells.events + way} for way in (-300, 300))
        before = share_limits(found, cells)
        assert share_limits(replace(found, moved={**moved, own: Shift(more, fewer)}), cells) == before
        wider, _ = share_limits(replace(found, moved={**moved, other: Shift(more, fewer)}), cells)
        assert wider[0] < before[0][0]
        assert wider[1] > before[0][1]


def test_without_a_b_or_nk_cell_t_cells_are_limited_as_any_others(gating: Gating) -> None:
    cells = gating.populations["CD3+"]
    none = {name: replace(cells, name=name, parent="CD3-", mask=cells.mask & False) for name in ("B", "NK")}
    found = replace(gating, populations={**gating.populations, **none})
    (lower, upper), _ = share_limits(found, cells)
    assert lower < cells.events / gating.populations["lymphocytes"].events < upper < 0.9
    assert share_limits(found, found.populations["B"])[0][0] == 0


def test_cells_that_lack_markers_gain_what_others_lose_where_nothing_beside_tells(simulate: Simulate) -> None:
    """Most T cells are DN T. CD4+ T lose 0.15 %, CD8+ T and DP T 0.65 %."""
    numbers = {"CD4+ T": 900, "CD8+ T": 700, "DN T": 3000, "DP T": 50, "B": 800, "NK": 500}
    gating = gate(simulate(numbers), sample="s")
    found = _unmoved(gating)
    total = found.populations["CD3+"].events
    lost = sum(
        part * found.populations[name].events for name, part in (("CD4+ T", 15e-4), ("CD8+ T", 65e-4), ("DP T", 65e-4))
    )
    share, down, _ = _counting(found, "DN T", "CD3+")
    spread = 1.959964 * math.hypot(1.7e-4, 0.0013 * (1 - share))
    (lower, _), _ = share_limits(found, found.populations["DN T"])
    assert lower == pytest.approx(share - math.hypot(down, spread) - lost / total, abs=1e-6)
    # 30 cells on the last tenth of the way up to the cut of CD4 are their own, not 300 that others lose.
    cut, left = gating.cuts["CD4", "CD3+"], found.populations["DN T"].events
    moved = dict(found.moved)
    below = {**moved["CD4 of CD3+"].lower, "DN T": left - 30}
    moved["CD4 of CD3+"] = moved["CD4 of CD3+"]._replace(lower=below)
    cuts = {**gating.cuts, ("CD4", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}
    (lower, _), _ = share_limits(replace(found, cuts=cuts, moved=moved), found.populations["DN T"])
    assert lower > share - 0.03


def test_what_is_left_over_is_not_told_by_the_upper_ends_of_its_cuts(gating: Gating) -> None:
    dn, found = gating.populations["DN T"], _unmoved(gating)
    shift = found.moved["CD8 of CD3+"]
    above = {**found.moved, "CD8 of CD3+": shift._replace(upper={**shift.upper, "DN T": dn.events + 300})}
    assert share_limits(replace(found, moved=above), dn) == share_limits(found, dn)


def test_what_is_left_over_beside_a_cut_that_someone_set_is_not_told_by_it(simulate: Simulate) -> None:
    """9 cells beside the cut of CD4 do not stand for 90 where that of CD8 has no ends."""
    gating = gate(simulate(), sample="s", thresholds={"CD8": 2000.0})
    cut, dn, shift = gating.cuts["CD4", "CD3+"], gating.populations["DN T"], gating.moved["CD4 of CD3+"]
    cuts = {**gating.cuts, ("CD4", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}
    moved = {**gating.moved, "CD4 of CD3+": shift._replace(lower={**shift.lower, "DN T": dn.events - 9})}
    (lower, _), _ = share_limits(replace(gating, cuts=cuts, moved=moved), dn)
    assert lower * gating.populations["CD3+"].events > dn.events - 60


def test_of_cells_that_bear_one_marker_nothing_is_added_for_what_lies_beside(gating: Gating) -> None:
    cut, shift = gating.cuts["CD4", "CD3+"], gating.moved["CD4 of CD3+"]
    for name in ("CD4+ T", "CD8+ T"):
        lower = {**shift.lower, name: gating.populations[name].events + 5}
        found = [
            replace(
                gating,
                cuts={
                    **gating.cuts,
                    ("CD4", "CD3+"): cut._replace(lower=cut.threshold - way, upper=cut.threshold + way),
                },
                moved={**gating.moved, "CD4 of CD3+": shift._replace(lower=lower)},
            )
            for way in (1e-3, 100.0)
        ]
        (one, _), (other, _) = (share_limits(each, each.populations[name]) for each in found)
        # Between ends that lie at the cut none can be seen, of all that may have been lost by it.
        assert one == pytest.approx(other, abs=0.012 if name == "CD4+ T" else 0)


def test_limits_of_few_cells_leave_dead_ones_out(gating: Gating) -> None:
    """30 of 50 DP T among 4,688 T cells are dead: R: qbeta(c(0.025, 0.975), 20.5, 4668.5).

    From none to a third as many as are told are dead besides; of the living 0.65 % are lost, by other gates.
    """
    found, cells = _with_cuts_at_rest(gating), gating.populations["DP T"]
    assert (cells.events, gating.populations["CD3+"].events) == (50, 4688)
    dead = cells.mask & (np.cumsum(cells.mask) > 20)
    (lower, upper), (gate_lower, gate_upper) = share_limits(replace(found, dead={"DP T": dead}), cells)
    share, middle = 20 / 4688, math.log(20.5 / 4668.5)
    down = math.hypot(middle - math.log(0.00269124203 / (1 - 0.00269124203)), FLOOR)
    spread = math.hypot(0.95 * 10 / 4688, 1.959964 * 1.7e-4)
    counted, at_rest = (1 / (1 + math.exp(way - middle)) for way in (down, FLOOR))
    assert lower == pytest.approx(share - math.hypot(share - counted, spread), abs=1e-8)
    assert gate_lower == pytest.approx(share - math.hypot(share - at_rest, spread), abs=1e-8)
    assert upper == gate_upper == 50 / 4688  # as the limits hold the share found
    # Nothing is dead besides where none are told dead, and the number is exact.
    (lower, _), _ = share_limits(replace(found, dead={"DP T": dead & False}), cells)
    share, counted, _ = _counting(found, "DP T", "CD3+")
    assert lower == pytest.approx(share - math.hypot(counted, 1.959964 * 1.7e-4), abs=1e-8)


def test_few_living_cells_lose_up_to_as_many_as_lie_between_the_ends_of_their_cuts(gating: Gating) -> None:
    """Ten cells of 40 lie at 1.05 times the cut, between its ends of 0.9 and 1.1, and as many dead ones."""
    cells, cut = gating.populations["DP T"], gating.cuts["CD4", "CD3+"]
    found, place = _with_cuts_at_rest(gating), np.cumsum(cells.mask)
    values = {**gating.values, "CD4": gating.values["CD4"].copy()}
    dead = cells.mask & (place > 40)
    for few in (cells.mask & (place <= 10), dead):
        values["CD4"][few] = 1.05 * cut.threshold
    values["CD4"][cells.mask & (place > 10) & (place <= 40)] = 2 * cut.threshold
    close = cut._replace(lower=cut.threshold, upper=cut.threshold, close=(0.9 * cut.threshold, 1.1 * cut.threshold))
    told = replace(found, dead={"DP T": dead}, values=values)
    (_, before), _ = share_limits(told, cells)
    (_, after), _ = share_limits(replace(told, cuts={**found.cuts, ("CD4", "CD3+"): close}), cells)
    share, surely = 40 / 4688, 0.0065 * 40 / 4688
    assert before > 50 / 4688
    assert after - surely - share == pytest.approx(math.hypot(before - surely - share, 0.95 * 10 / 4688), rel=1e-6)


def test_of_cells_that_are_few_without_the_dead_these_are_taken_off(gating: Gating) -> None:
    """If half of 4,688 T cells were DP T, all dead but 50, their number would be that of the 50."""
    cells, t_cells = gating.populations["DP T"], gating.populations["CD3+"].mask
    dead = t_cells & ~cells.mask & (np.cumsum(t_cells) < 2344)
    more = replace(cells, mask=cells.mask | dead)
    many = _with_cuts_at_rest(replace(gating, populations={**gating.populations, "DP T": more}, dead={"DP T": dead}))
    (lower, upper), _ = share_limits(many, more)
    assert lower == 0  # up to a third as many as are told could be dead besides
    assert upper == more.events / 4688
    (lower, _), _ = share_limits(replace(many, dead={}), more)
    assert lower > 0.4


def test_of_many_cells_the_limits_lie_lower_by_the_dead(gating: Gating) -> None:
    """If 1,000 of 4,688 T cells were DP T, 300 of them dead: R: binom.test(700, 4688) is from 0.1392293."""
    cells, t_cells = gating.populations["DP T"], gating.populations["CD3+"].mask
    more = replace(cells, mask=t_cells & (np.cumsum(t_cells) <= 1000))
    many = _with_cuts_at_rest(replace(gating, populations={**gating.populations, "DP T": more}))
    (_, upper), (_, gate_upper) = share_limits(many, more)
    for number in (300, 1):
        dead = more.mask & (np.cumsum(more.mask) <= number)
        both, gates = share_limits(replace(many, dead={"DP T": dead}), more)
        assert both[1] == max(1000 / 4688, upper - number / 4688)
        assert gates == (
            pytest.approx(min((1000 - number) / 4688, gates[0])),
            max(1000 / 4688, gate_upper - number / 4688),
        )
        if number == 300:
            assert both[0] == pytest.approx(0.139229322, rel=1e-6)


def _with_cuts_at_rest(gating: Gating) -> Gating:
    """Return a gating whose cuts have ends where they are, so that none takes anything along."""
    cuts = {key: cut._replace(lower=cut.threshold, upper=cut.threshold, close=None) for key, cut in gating.cuts.items()}
    assert gating.region is not None
    region = replace(gating.region, lower=gating.region.radius, upper=gating.region.radius)
    return replace(_unmoved(gating), cuts=cuts, region=region)
