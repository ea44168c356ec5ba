import re
from dataclasses import replace

import numpy as np
import pytest

from tests.flow.stimulated import simulate
from tilseq.errors import AnalysisError
from tilseq.flow.gating import gate
from tilseq.flow.intracellular import (
    Counted,
    Moved,
    Stained,
    count_positive,
    cut_alike,
    cytokine_threshold,
    negatives_moved,
    stained,
    told_of_moved,
)
from tilseq.flow.panel import find_cytokines
from tilseq.populations import rule

IFNG = "IFN-γ"


def tube_of(values, sample="a"):
    values = np.asarray(values, np.float32)
    return Stained(sample, {IFNG: {"CD3+": values}}, np.zeros_like(values), "pass", None)


@pytest.mark.parametrize("text", ["IFN-γ", "IFNg", "IFN-gamma PE", "IFN gamma", "anti-IFN-g"])
def test_a_cytokine_goes_by_many_names(text):
    assert find_cytokines(["Y1-A", "B1-A"], [text, "CD3"]) == {IFNG: "Y1-A"}


def test_other_markers_are_no_cytokines():
    texts = ["CD107b", "IL-21", "IL-2Ra", "TNFR2", "IFNGR1", "CD10"]
    assert find_cytokines([f"Y{i}-A" for i in range(6)], texts) == {}
    texts = ["TNF-RII", "TNF R1", "IL-2 Ra", "IL-2 receptor", "TGF-beta RII", "IFN-γ R1"]
    assert find_cytokines([f"Y{i}-A" for i in range(6)], texts) == {}
    for dye in ("R-PE", "RB705", "R718"):
        assert find_cytokines(["Y1-A"], [f"IL-2 {dye}"]) == {"IL-2": "Y1-A"}
    found = find_cytokines(["A", "B", "C", "D", "E"], ["TNF-a", "IL-2 APC", "LAP", "CD107a", "GzmB"])
    assert found == {"TNF": "A", "IL-2": "B", "TGF-β": "C", "CD107a": "D", "granzyme B": "E"}


def test_a_panel_may_name_the_channel_by_any_name_of_the_cytokine():
    assert find_cytokines(["Y1-A", "B1-A"], ["", ""], {"IFNg": ["y1-a"]}) == {IFNG: "Y1-A"}
    with pytest.raises(AnalysisError, match="several channels answer to IFN-γ"):
        find_cytokines(["Y1-A", "B1-A"], ["IFNg", "IFN-gamma"])


# Share of negatives above the threshold by their distribution's own tail, at the threshold of 3.5 spreads.
@pytest.mark.parametrize(
    ("draw", "most"),
    [
        (lambda random, size: random.normal(0, 100, size), 0.0001),
        (lambda random, size: random.normal(500, 100, size), 0.0001),
        (lambda random, size: 300 * random.lognormal(0, 0.5, size), 0.001),
        (lambda random, size: 100 * random.standard_t(5, size), 0.004),
    ],
)
@pytest.mark.parametrize("size", [500, 20_000])
def test_few_negatives_lie_above_the_threshold(draw, most, size):
    random = np.random.default_rng(4)
    threshold = cytokine_threshold([tube_of(draw(random, size))], IFNG)
    assert np.mean(draw(random, 200_000) > threshold) < most


def test_cells_that_bear_it_unstimulated_hardly_move_the_threshold():
    random = np.random.default_rng(5)
    negatives = random.normal(0, 100, 10_000)
    alone = cytokine_threshold([tube_of(negatives)], IFNG)
    with_some = cytokine_threshold([tube_of([*negatives, *3000 * random.lognormal(0, 0.5, 200)])], IFNG)
    assert 0.98 * alone < with_some < 1.15 * alone


@pytest.mark.parametrize(("share", "most"), [(0.1, 1.1), (0.3, 1.3), (0.6, 5)])
def test_many_cells_that_bear_it_unstimulated_do_not_hide_behind_the_threshold(share, most):
    random = np.random.default_rng(5)
    negatives = random.normal(0, 100, 10_000)
    bearing = 2000 * random.lognormal(0, 0.5, int(10_000 * share / (1 - share)))
    alone, together = (
        cytokine_threshold([tube_of(negatives)], IFNG),
        cytokine_threshold([tube_of([*negatives, *bearing])], IFNG),
    )
    assert 0.95 * alone < together < most * alone


def test_cells_of_one_value_have_no_threshold():
    with pytest.raises(AnalysisError, match="most unstimulated CD3.* have one value of IFN-γ"):
        cytokine_threshold([tube_of([*[0] * 950, *np.linspace(0, 10, 50)])], IFNG)


def test_negatives_that_moved_are_seen_and_cells_that_bear_it_are_not():
    random = np.random.default_rng(7)
    unstimulated = [tube_of(random.normal(0, 100, 20_000))]
    threshold = cytokine_threshold(unstimulated, IFNG)
    shifted = [*random.normal(100, 100, 10_000), *4000 * random.lognormal(0, 0.5, 10_000)]
    moved = negatives_moved(unstimulated, [tube_of(shifted)], IFNG, threshold)
    assert moved.shift == pytest.approx(1, abs=0.1) and moved.width == pytest.approx(1, abs=0.1)
    assert moved.threshold == pytest.approx(threshold + 100, rel=0.05)
    wider = negatives_moved(unstimulated, [tube_of(random.normal(0, 150, 20_000))], IFNG, threshold)
    # The 25 % quantile of the wider ones: 0.674 (1 - 1.5) of the others' standard deviations
    assert wider.shift == pytest.approx(-0.337, abs=0.1) and wider.width == pytest.approx(1.5, abs=0.15)


def test_negatives_that_did_not_move_leave_the_threshold():
    tubes = [tube_of(np.random.default_rng(8).normal(50, 100, 4000))]
    threshold = cytokine_threshold(tubes, IFNG)
    assert negatives_moved(tubes, tubes, IFNG, threshold) == pytest.approx((0, 1, threshold), rel=1e-5)
    assert negatives_moved(tubes, [tube_of(np.full(500, 1e4))], IFNG, threshold) is None


@pytest.mark.parametrize(
    ("moved", "source", "verdict", "told"),
    [
        (Moved(0.4, 1.1, 500), "stimulated", "pass", None),
        (Moved(0.7, 1.1, 500), "stimulated", "warn", "spread 1.1 times as wide: the threshold is raised"),
        (Moved(-0.7, 1.1, 300), "unstimulated", "warn", "negatives moved by -0.7 .*: dim cells may be missed"),
        (Moved(0.1, 1.4, 500), "stimulated", "warn", "spread 1.4 times"),
        (Moved(2.5, 1.1, 900), "stimulated", "fail", "the tubes are not alike"),
        (Moved(2.5, 1.1, 900), "settings", "warn", "the threshold that was set is used all the same"),
        (None, "unstimulated", "warn", "too few CD3.* cells below the threshold"),
    ],
)
def test_what_is_told_of_negatives_that_moved(moved, source, verdict, told):
    found, reason = told_of_moved(moved, source)
    assert found == verdict and (reason is None if told is None else re.search(told, reason))


def test_the_threshold_goes_with_the_gain_and_pools_replicates():
    values = np.random.default_rng(6).normal(50, 100, 4000)
    threshold = cytokine_threshold([tube_of(values)], IFNG)
    assert cytokine_threshold([tube_of(values * 8)], IFNG) == pytest.approx(8 * threshold, rel=1e-4)
    assert cytokine_threshold([tube_of(values[:2000]), tube_of(values[2000:])], IFNG) == threshold


def test_too_few_cells_have_no_threshold():
    with pytest.raises(AnalysisError, match="too few unstimulated CD3.* cells .* found 199; expected at least 200"):
        cytokine_threshold([tube_of(np.arange(199))], IFNG)
    with pytest.raises(AnalysisError, match="one value only"):
        cytokine_threshold([tube_of(np.ones(500))], IFNG)


def test_counts_of_simulated_tubes_are_the_truth_within_their_gates():
    making = {"CD4+ T": 200, "CD8+ T": 300, "other": 100}
    tubes = [simulate({}, seed=1), simulate(making, seed=2)]
    none, pma = (stained(gate(tube, sample=name, cytokines=True)) for tube, name in zip(tubes, "ab", strict=True))
    assert list(pma.values) == [IFNG] and list(pma.values[IFNG]) == ["CD3+", "CD4+ T", "CD8+ T"]
    threshold = cytokine_threshold([none], IFNG)
    for population, true, size in (("CD4+ T", 200, 4000), ("CD8+ T", 300, 2000)):
        ((positive, cells),) = count_positive([pma], IFNG, population, threshold)
        assert true - 5 <= positive <= true + 2 and 0.98 * size < cells <= size
        assert count_positive([none], IFNG, population, threshold)[0].positive <= 2
    assert count_positive([tube_of([1, 2, 3])], IFNG, "CD3+", 2) == [Counted(1, 3)]


def test_tubes_of_a_pair_are_kept_within_each_others_cuts():
    none, pma = (
        gate(simulate({}, seed=seed), sample=str(seed), cytokines=True, thresholds=thresholds)
        for seed, thresholds in ((1, {"CD3": 6000.0}), (2, {"viability": 90.0}))
    )
    within = cut_alike([none, pma])
    assert within == {"CD3": (6000.0, np.inf), "viability": (-np.inf, 90.0)}
    for gating in (none, pma):
        cells = gating.populations["CD8+ T"].mask & (gating.values["CD3"] > 6000) & (gating.values["viability"] <= 90)
        assert 500 < cells.sum() < gating.populations["CD8+ T"].mask.sum()
        alike = stained(gating, within)
        assert len(alike.values[IFNG]["CD8+ T"]) == cells.sum() and len(alike.cd8) == len(alike.values[IFNG]["CD3+"])
    other = replace(pma, markers={**pma.markers, "CD3": "R9-A"})
    assert list(cut_alike([none, other])) == ["viability"]


def test_a_dye_that_one_tube_of_a_pair_lost_leaves_no_cell_out():
    lost = simulate({}, seed=2)
    lost.events[:, lost.channels.index("V2-A")] = 7
    gatings = [gate(tube, sample=name, cytokines=True) for name, tube in (("a", simulate({}, seed=1)), ("b", lost))]
    within = cut_alike(gatings)
    assert list(within) == ["CD3"]
    for gating in gatings:
        assert len(stained(gating, within).cd8) > 5000


def test_populations_that_a_cytokine_tells_are_left_out_and_a_panels_own_are_kept():
    populations = {
        "late": rule("CD8+ T", "IFN-γ+"),
        "CD8 dim": rule("CD8+ T", "CD4-"),
        "beside": rule("lymphocytes", "CD8+"),
    }
    thresholds = {IFNG: 500.0}
    gating = gate(simulate({"CD8+ T": 300}, seed=3), sample="a", cytokines=True, populations=populations,
                  thresholds=thresholds)  # fmt: skip
    assert "late" in gating.populations
    assert list(stained(gating).values[IFNG]) == ["CD3+", "CD4+ T", "CD8+ T", "CD8 dim"]


def test_a_threshold_of_a_cytokine_leaves_other_tubes_alone():
    tube = simulate({}, seed=1, label="")
    gating = gate(tube, sample="a", cytokines=True, thresholds={"IFNg": 900.0})
    assert stained(gating).values == {}
    assert not gating.quality["check"].str.contains("IFN").any()
    assert IFNG not in gate(simulate({}, seed=1), sample="a").values
