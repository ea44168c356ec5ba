"""Limits of the share of few cells that bear several markers."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tilseq.flow import gate
from tilseq.flow.gated import Gating, Shift
from tilseq.flow.share_limits import share_limits
from tilseq.intervals import clopper_pearson

Simulate = Callable[..., Any]
FLOOR = 1.959964 * 0.002  # of the logit


def test_what_lies_beside_their_cuts_widens_few_cells_that_bear_several_markers(gating: Gating) -> None:
    """Of 9 cells in the tenths beside each cut 45 would lie down to darkness: up to half come in, to a third go out."""
    borne = [gating.cuts[name, "CD3+"]._replace(close=None) for name in ("CD4", "CD8")]
    cuts = {(cut.marker, "CD3+"): cut._replace(lower=0.9 * cut.threshold, upper=1.1 * cut.threshold) for cut in borne}
    number, total = gating.populations["DP T"].events, gating.populations["CD3+"].events
    moved = dict(gating.moved)
    for name in ("CD4 of CD3+", "CD8 of CD3+"):
        lower, upper = ({**end, "DP T": number + more} for end, more in zip(moved[name], (4, -5), strict=True))
        moved[name] = moved[name]._replace(lower=lower, upper=upper)
    others = [shift for name, shift in gating.moved.items() if "lymphocytes" in name]
    found = [gating, replace(gating, cuts={**gating.cuts, **cuts}, moved=moved)]
    (before, _), ((lower, upper), _) = (share_limits(one, one.populations["DP T"]) for one in found)
    exact = [float(limit) for limit in clopper_pearson(number, total)]
    middle, more = (math.log((part + 0.5) / (total - part + 0.5)) for part in (number, number + 4))
    counting_lower, counting_upper = (math.log(limit / (1 - limit)) for limit in exact)
    # The upper ends, 5 events off, tell less than what lies beside and are not counted, the lower ones, 4 off, are.
    by = [[math.log((end["DP T"] + 0.5) / (end["CD3+"] - end["DP T"] + 0.5)) for end in shift] for shift in others]
    down = math.hypot(middle - counting_lower, FLOOR, *(middle - min(two) for two in by))
    up = math.hypot(counting_upper - middle, FLOOR, more - middle, more - middle, *(max(two) - middle for two in by))
    share, ends = number / total, [1 / (1 + math.exp(-end)) for end in (middle - down, middle + up)]
    gained = math.hypot(share - ends[0], 0.95 * (22.5 + 22.5) / total, 1.959964 * 1.7e-4)
    lost = math.hypot(ends[1] - share, 0.95 * (15 + 15) / total, 1.959964 * 1.7e-4, 1.959964 * 0.0013 * share)
    assert lower == pytest.approx(share - gained, abs=1e-6)
    assert upper == pytest.approx(share + lost + 0.0065 * share, abs=1e-6)
    assert before[0] > lower
    assert before[1] < upper


def test_few_cells_that_bear_several_markers_take_the_ends_close_by(gating: Gating) -> None:
    """With ends close by of no width, no more is told of these cells by both cuts, and as much as before of others."""
    cuts = {
        key: cut._replace(close=(cut.threshold, cut.threshold)) if cut.parent == "CD3+" else cut
        for key, cut in gating.cuts.items()
    }
    closer = replace(gating, cuts=cuts)
    own = {name: one.events for name, one in gating.populations.items()}
    still = {"CD4 of CD3+": Shift(own, own), "CD8 of CD3+": Shift(own, own)}
    none = {key: cut._replace(close=None) for key, cut in cuts.items()}
    for name in ("DP T", "CD4+ T"):
        moved = {**gating.moved, **still} if name == "DP T" else gating.moved
        expected = share_limits(replace(gating, cuts=none, moved=moved), gating.populations[name])
        assert share_limits(closer, closer.populations[name]) == expected, name


@pytest.mark.parametrize(("number", "few"), [(180, True), (210, True), (240, False)])
def test_cells_that_bear_several_markers_are_few_below_four_per_cent(
    simulate: Simulate, number: int, few: bool
) -> None:
    """Ends close by are another matter to few alone, and so is what lies beside.

    Of 5,000 T cells 210 could be 3.7 %, 240 no fewer than 4.2 % (R: binom.test(210, 5000), binom.test(240, 5000)).
    """
    cells_of = {"CD4+ T": 3000, "CD8+ T": 1850 - number, "DN T": 150, "DP T": number, "B": 800, "NK": 500}
    made = gate(simulate(cells_of), sample="s")
    own = {name: one.events for name, one in made.populations.items()}
    none = {key: cut._replace(close=None) for key, cut in made.cuts.items()}
    cells, cut = made.populations["DP T"], none["CD8", "CD3+"]
    share, total = cells.events / own["CD3+"], own["CD3+"]
    elsewhere = {key: one._replace(close=(one.threshold, 9 * one.threshold)) for key, one in made.cuts.items()}
    assert (share_limits(replace(made, cuts=elsewhere), cells) == share_limits(made, cells)) != few
    # Of 20 cells in the last and first tenth beside the cut 100 would lie down to darkness.
    cuts = {**none, ("CD8", "CD3+"): cut._replace(lower=0.9 * cut.threshold, upper=1.1 * cut.threshold)}
    still = {name: Shift(own, own) for name in made.moved}
    ends = Shift({**own, "DP T": own["DP T"] + 20}, own)
    # The cut of CD3 moved as far has the same ends, and nothing beside it is told of these cells.
    (before, _), (told, _) = (
        share_limits(replace(made, cuts=cuts, moved={**still, name: ends}), cells)
        for name in ("CD3 of lymphocytes", "CD8 of CD3+")
    )
    surely = 0.0065 * share  # is lost by other gates
    gained, lost = (0.95 * 50, 0.95 * 100 / 3) if few else [0.475 * 50 * math.sqrt(2)] * 2
    assert told[0] == pytest.approx(share - math.hypot(share - before[0], gained / total), rel=1e-6)
    up = math.hypot(before[1] - surely - share, lost / total) + surely
    assert told[1] == pytest.approx(share + up, rel=1e-6)
