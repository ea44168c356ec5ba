import sys
from collections.abc import Callable
from subprocess import run
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow import cd4_cd8_ratio, count, gate
from tilseq.flow.gated import Borrowed
from tilseq.flow.lymphocytes import Region
from tilseq.flow.tree import Cut
from tilseq.populations import rule
from tilseq.simulate.cytometry.faults import Conditions
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read

KINDS = ["CD4+ T", "CD8+ T", "DN T", "DP T", "B", "NK"]
T_KINDS = KINDS[:4]
COMMON_CELLS = {"CD4+ T": 3000, "CD8+ T": 1500, "DN T": 150, "DP T": 50, "B": 800, "NK": 500}
Simulate = Callable[..., Any]


def numbers(gating: Any) -> dict[str, int]:
    return {name: population.events for name, population in gating.populations.items()}


def changed(tube: Any, **parts: Any) -> Any:
    return SimpleNamespace(**{**vars(tube), **parts})


# Simulated tubes -------------------------------------------------------------------------------------------------


def test_every_kind_is_found_again(simulate: Simulate) -> None:
    tube = simulate()
    gating = gate(tube, sample="s1")
    for kind in KINDS:
        truth, found = tube.kinds == kind, gating.populations[kind].mask
        assert np.mean(truth[found]) > 0.99, kind
        assert np.mean(found[truth]) > 0.99, kind
    assert set(gating.quality["verdict"]) == {"pass"}
    assert {cut.source for cut in gating.cuts.values()} <= {"valley", "fallback"}
    assert gating.exclusions.height == 0


@pytest.mark.parametrize(
    "mixture",
    [
        {"CD4+ T": 60, "CD8+ T": 30, "DN T": 3, "B": 16, "NK": 10, "granulocyte": 60, "debris": 16},
        {"CD4+ T": 2000, "CD8+ T": 8000, "DN T": 100, "DP T": 50, "NK": 150, "debris": 500, "dead": 500},
        {"CD4+ T": 40, "CD8+ T": 30, "B": 3, "NK": 50, "granulocyte": 9000, "debris": 1000},
        {"CD4+ T": 3000, "CD8+ T": 1500, "B": 800, "NK": 500, "granulocyte": 3000, "dead": 5000},
        {"CD4+ T": 3000, "CD8+ T": 30, "DN T": 150, "B": 800, "NK": 500},
        {"CD8+ T": 8000, "CD4+ T": 10, "B": 300, "NK": 500, "granulocyte": 2000},
    ],
    ids=["200 events", "product", "after lymphodepletion", "half dead", "1 % CD8", "0.1 % CD4"],
)
def test_unusual_mixtures_are_recovered(simulate: Simulate, mixture: dict[str, int]) -> None:
    found = numbers(gate(simulate(mixture), sample="s1"))
    for kind in T_KINDS:
        assert found[kind] == pytest.approx(mixture.get(kind, 0), rel=0.02, abs=2), kind


def test_few_t_cells_fail_the_tube(simulate: Simulate) -> None:
    counts = count(gate(simulate({"CD4+ T": 30, "CD8+ T": 15, "B": 60, "granulocyte": 500}), sample="s1"))
    assert set(counts["verdict"]) == {"fail"}
    assert "events in CD3+: below the limit of quantification" in counts["reason"][0]


def test_a_cut_without_a_valley_is_flagged(simulate: Simulate) -> None:
    gating = gate(simulate({"CD4+ T": 3000, "CD8+ T": 4, "B": 800, "NK": 500}), sample="s1")
    cut = gating.cuts["CD8", "CD3+"]
    check = gating.quality.row(by_predicate=pl.col("check") == "separation of CD8", named=True)
    assert (cut.source, cut.separation) == ("fallback", None)
    assert (check["verdict"], check["value"]) == ("warn", None)
    assert "no valley" in check["reason"]
    assert numbers(gating)["CD8+ T"] == 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_populations_nest_and_t_cells_add_up(simulate: Simulate, seed: int) -> None:
    populations = gate(simulate(seed=seed), sample="s1").populations
    for population in populations.values():
        if population.parent is not None:
            assert not np.any(population.mask & ~populations[population.parent].mask)
    together = np.sum([populations[kind].mask for kind in T_KINDS], axis=0)
    np.testing.assert_array_equal(together, populations["CD3+"].mask)
    np.testing.assert_array_equal(populations["CD3+"].mask | populations["CD3-"].mask, populations["lymphocytes"].mask)


@pytest.mark.parametrize("seed", [4, 5])
def test_the_order_of_events_changes_nothing(simulate: Simulate, seed: int) -> None:
    tube = simulate()
    order = np.random.default_rng(seed).permutation(len(tube.events))
    first, second = gate(tube, sample="s1"), gate(changed(tube, events=tube.events[order]), sample="s1")
    assert first.cuts == second.cuts
    assert first.region == second.region
    assert first.quality.equals(second.quality)
    for name, population in first.populations.items():
        np.testing.assert_array_equal(population.mask[order], second.populations[name].mask)


@pytest.mark.parametrize("gain", [2.0**-10, 2.0**6])
def test_gain_changes_cuts_but_no_count(simulate: Simulate, gain: float) -> None:
    tube = simulate()
    stronger = changed(tube, events=tube.events * np.float32(gain))
    first, second = gate(tube, sample="s1"), gate(stronger, sample="s1")
    assert numbers(first) == numbers(second)
    for key, cut in first.cuts.items():
        assert second.cuts[key].threshold == pytest.approx(gain * cut.threshold, rel=1e-6)


def test_cuts_given_back_as_thresholds_give_the_same_counts(simulate: Simulate) -> None:
    tube = simulate()
    first = gate(tube, sample="s1")
    again = gate(tube, sample="s1", thresholds={cut.marker: cut.threshold for cut in first.cuts.values()})
    assert numbers(again) == numbers(first)
    assert {(cut.source, cut.separation) for cut in again.cuts.values()} == {("settings", None)}


def test_a_threshold_overrides_one_cut(simulate: Simulate) -> None:
    tube = simulate()
    gating = gate(tube, sample="s1", thresholds={"CD8": 1e6})
    assert numbers(gating)["CD8+ T"] == 0
    assert gating.cuts["CD8", "CD3+"].threshold == 1e6
    assert cd4_cd8_ratio(gating).value is None


def test_no_t_cell_above_a_set_threshold_is_a_zero_with_a_null_share(simulate: Simulate) -> None:
    tube = simulate({"B": 800, "NK": 500, "granulocyte": 3000})
    set_by_hand = {"CD3": 3000, "FSC-A": 30e3, "SSC-A": 50e3, "CD4": 3000, "CD8": 3000}
    rows = {row["population"]: row for row in count(gate(tube, sample="s1", thresholds=set_by_hand)).rows(named=True)}
    assert (rows["CD3+"]["events"], rows["CD3+"]["percent_of_parent"]) == (0, 0.0)
    assert rows["CD3+"]["upper"] == pytest.approx(100 * (1 - 0.025 ** (1 / 1300)), rel=1e-2)
    assert (rows["CD4+ T"]["events"], rows["CD4+ T"]["percent_of_parent"]) == (0, None)
    assert rows["CD3+"]["verdict"] == "fail"


@pytest.mark.parametrize(("lost", "verdict"), [(0, "pass"), (1, "warn"), (515, "warn"), (516, "fail")])
def test_events_that_are_not_finite_warn_and_above_five_percent_fail(
    simulate: Simulate, lost: int, verdict: str
) -> None:
    tube = simulate()  # 10,300 events
    events = tube.events.copy()
    events[:lost, tube.channels.index("B1-A")] = np.nan
    gating = gate(changed(tube, events=events), sample="s1")
    check = gating.quality.row(by_predicate=pl.col("check") == "non-finite events", named=True)
    assert (check["value"], check["verdict"]) == (pytest.approx(100 * lost / 10_300), verdict)
    assert set(count(gating)["verdict"]) == {verdict}


def test_gates_that_no_channel_allows_are_told_and_pass(simulate: Simulate) -> None:
    tube = simulate({**COMMON_CELLS, "granulocyte": 3000})
    keep = [place for place, name in enumerate(tube.channels) if name not in ("FSC-H", "V2-A")]
    channels, markers = [tube.channels[i] for i in keep], [tube.markers[i] for i in keep]
    spill = SimpleNamespace(channels=channels[2:7], matrix=np.eye(5))
    gating = gate(
        changed(tube, events=tube.events[:, keep], channels=channels, markers=markers, spill=spill), sample="s"
    )
    told = gating.quality.filter(pl.col("check").is_in(["singlets", "live"])).sort("check", descending=True)
    assert told.select("check", "value", "verdict", "reason").rows() == [
        ("singlets", None, "pass", "not gated: the file has no FSC-H beside FSC-A"),
        ("live", None, "pass", "not gated: no viability dye: dead cells are counted"),
    ]
    assert set(count(gating)["verdict"]) == {"pass"}


def test_no_limit_begins_like_a_formula(simulate: Simulate) -> None:
    quality = gate(simulate(), sample="s1").quality
    assert quality.filter(pl.col("limit").str.contains("^[-+=@]")).height == 0
    row = quality.row(by_predicate=pl.col("check") == "CD4 and CD8 against CD3", named=True)
    assert row["limit"] == "between -10 and 10 %"


def test_what_the_reader_found_odd_is_a_check_that_warns(simulate: Simulate) -> None:
    gating = gate(changed(simulate(), warnings=["The gain is odd.", "Two clocks."]), sample="s1")
    assert gating.quality.filter(pl.col("check").str.starts_with("input")).rows() == [
        ("s1", "input 1", None, "nothing odd in the file", "warn", "The gain is odd."),
        ("s1", "input 2", None, "nothing odd in the file", "warn", "Two clocks."),
    ]


# Faulty tubes ----------------------------------------------------------------------------------------------------


def test_events_that_are_not_finite_are_left_out_and_told(simulate: Simulate) -> None:
    tube = simulate()
    events = tube.events.copy()
    events[:3, tube.channels.index("B1-A")] = [np.nan, np.inf, -np.inf]
    events[3, tube.channels.index("Time")] = np.nan  # not a channel that gates use
    gating = gate(changed(tube, events=events), sample="s1")
    assert gating.exclusions.rows() == [("s1", "a value that is not a finite number", 3)]
    assert numbers(gating)["all events"] == len(events) - 3


def test_monocytes_that_antibody_sticks_to_are_not_taken_for_the_t_cells_that_lymphocytes_lie_about() -> None:
    """60 % of the cells are monocytes, which the first cut of CD3 takes for T cells; 75.7 % of 1,030 are such."""
    cells = {"CD4+ T": 500.0, "CD8+ T": 250.0, "DN T": 20.0, "DP T": 10.0, "B": 100.0, "NK": 150.0, "monocyte": 1545.0}
    for seed in (1000, 1003):
        made = acquire(np.random.default_rng(seed), PANELS["ics"], cells, 5_000, conditions=Conditions(debris=0.3))
        gating = gate(as_read(made), sample="s1")
        kinds = np.array(made.kinds)[made.labels[gating.populations["lymphocytes"].mask]]
        assert np.mean(kinds == "monocyte") < 0.25
        row = next(row for row in count(gating).iter_rows(named=True) if row["population"] == "CD3+")
        assert row["lower"] < 100 * 780 / 1030 < row["upper"]


def test_a_panel_whose_t_cells_are_not_of_the_lymphocytes_has_no_second_look(
    simulate: Simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilseq.flow.gating.is_about_t_cells", lambda *_: False)
    elsewhere = {name: rule("singlets", name) for name in ("CD3+", "CD3-")}
    gating = gate(simulate(), sample="s1", populations=elsewhere)
    assert gating.populations["CD3+"].parent == "singlets"


def without(tube: Any, *missing: str) -> Any:
    keep = [i for i in range(len(tube.channels)) if tube.channels[i] not in missing]
    names = {name: [getattr(tube, name)[i] for i in keep] for name in ("channels", "markers")}
    return changed(tube, events=tube.events[:, keep], **names)


@pytest.mark.parametrize("missing", ["FSC-A", "SSC-A", "B1-A"])
def test_a_needed_channel_that_is_missing_is_told_with_those_there_are(simulate: Simulate, missing: str) -> None:
    tube = without(simulate({"CD4+ T": 100, "CD8+ T": 100}), missing, "FSC-H")
    with pytest.raises(AnalysisError, match=r"no channel for (FSC-A|SSC-A|CD3);.*V2-A \(Live/Dead Aqua\)"):
        gate(tube, sample="s1")


@pytest.mark.parametrize(
    ("gone", "marker", "left", "also"),
    [("R1-A", "CD8", "CD4+ T", "DP T"), ("B2-A", "CD4", "CD8+ T", "DP T")],
)
def test_without_cd8_cd3_and_cd4_are_counted_and_the_rest_is_not(
    simulate: Simulate, gone: str, marker: str, left: str, also: str
) -> None:
    whole = simulate()
    tube = without(whole, gone)
    tube.spill = None
    gating = gate(tube, sample="s1")
    lymphocytes = gating.populations["lymphocytes"].mask
    truly = np.isin(whole.kinds, [left, also]) & lymphocytes
    assert gating.populations[left].events == pytest.approx(np.count_nonzero(truly), rel=0.01)
    assert gating.populations["CD3+"].events == pytest.approx(4700, rel=0.02)
    assert {"CD4+ T", "CD8+ T", "DN T", "DP T"} & set(gating.populations) == {left}
    row = next(row for row in count(gating).iter_rows(named=True) if row["population"] == left)
    assert row["lower"] < 100 * np.count_nonzero(truly) / gating.populations["CD3+"].events < row["upper"]
    assert cd4_cd8_ratio(gating)[:2] == (None, None) and cd4_cd8_ratio(gating).status == "not_evaluable"
    told = gating.quality.row(by_predicate=pl.col("check") == "CD4 and CD8", named=True)
    assert told["verdict"] == "warn"
    assert told["reason"].startswith(
        f"no channel for {marker}: of T cells only CD3+ and {left} are counted, the latter"
    )
    assert "the channels are FSC-A" in told["reason"]
    with pytest.raises(AnalysisError, match=f"no channel for {marker};"):
        gate(tube, sample="s1", cytokines=True)


def test_without_cd4_and_cd8_cd3_is_counted(simulate: Simulate) -> None:
    tube = without(simulate(), "R1-A", "B2-A")
    tube.spill = None
    gating = gate(tube, sample="s1")
    assert gating.populations["CD3+"].events == pytest.approx(4700, rel=0.02)
    assert {"CD4+ T", "CD8+ T", "DN T", "DP T"}.isdisjoint(gating.populations)
    assert "of T cells only CD3+ are counted, and no ratio" in "".join(gating.quality["reason"])


@pytest.mark.parametrize("rows", [0, 1])
def test_no_or_one_event_is_refused(simulate: Simulate, rows: int) -> None:
    tube = simulate()
    with pytest.raises(AnalysisError, match="no event|one value only"):
        gate(changed(tube, events=tube.events[:rows]), sample="s1")


def test_a_constant_channel_is_refused_where_needed_and_told_where_not(simulate: Simulate) -> None:
    tube = simulate()
    for name, needed in (("B2-A", True), ("R2-A", False)):
        events = tube.events.copy()
        events[:, tube.channels.index(name)] = 7
        if needed:
            with pytest.raises(AnalysisError, match="column B2-A: the channel of CD4 holds one value only"):
                gate(changed(tube, events=events), sample="s1")
        else:
            gating = gate(changed(tube, events=events), sample="s1")
            check = gating.quality.row(by_predicate=pl.col("check") == "channel of CD19", named=True)
            assert (check["verdict"], check["value"], check["reason"]) == ("warn", None, "not available")
            assert "B" not in gating.populations


@pytest.mark.parametrize(("name", "marker"), [("B2-A", "CD4"), ("SSC-A", "SSC-A")])
def test_a_channel_that_only_odd_events_spread_is_refused_by_name(simulate: Simulate, name: str, marker: str) -> None:
    tube = simulate()
    events = tube.events.copy()
    events[1:, tube.channels.index(name)] = 7
    events[0, tube.channels.index("B1-A")] = np.nan  # the one event with another value takes no part
    with pytest.raises(AnalysisError, match=f"column {name}: the channel of {marker} holds one value only; found 7.0"):
        gate(changed(tube, events=events), sample="s1")


def test_an_optional_channel_that_only_odd_events_spread_is_told(simulate: Simulate) -> None:
    tube = simulate()
    events = tube.events.copy()
    events[1:, tube.channels.index("R2-A")] = 7
    events[0, tube.channels.index("B1-A")] = np.nan
    gating = gate(changed(tube, events=events), sample="s1")
    check = gating.quality.row(by_predicate=pl.col("check") == "channel of CD19", named=True)
    assert (check["verdict"], check["reason"]) == ("warn", "not available")


def test_cd3_that_does_not_part_is_refused(simulate: Simulate) -> None:
    with pytest.raises(AnalysisError, match="cannot be told apart among singlets.*for CD3, set analysis.flow.sample_"):
        gate(simulate({"B": 800, "NK": 500, "granulocyte": 3000}), sample="s1")
    with pytest.raises(AnalysisError, match="thresholds of the panel file for flow count --panel"):
        gate(simulate({"CD4+ T": 3000, "CD8+ T": 1000}), sample="s1")


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"CD33": 5.0}, "gate that does not exist; found 'CD33'; did you mean 'CD3'"),
        ({"CD3": float("nan")}, "threshold of CD3 is not a number"),
        ({"CD3": "450"}, "threshold of CD3 is not a number"),
        ({"CD3": True}, "threshold of CD3 is not a number"),
        ({"CD3": 1e9}, "too few CD3[+] events"),
        ({"viability": -1e9}, "no event is left in live"),
    ],
)
def test_thresholds_that_cannot_be_meant_are_refused(simulate: Simulate, thresholds: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        gate(simulate(), sample="s1", thresholds=thresholds)


def test_a_threshold_without_its_channel_is_told(simulate: Simulate) -> None:
    gating = gate(simulate(), sample="s1", thresholds={"CD45": 100})
    check = gating.quality.row(by_predicate=pl.col("check") == "threshold of CD45", named=True)
    assert (check["verdict"], check["reason"]) == ("warn", "not used: no such channel")


def test_a_further_population_is_cut_in_its_own_parent(simulate: Simulate) -> None:
    tube = simulate()
    # CD56 on half of the CD8+ T cells.
    place, killers = tube.channels.index("V1-A"), np.flatnonzero(tube.kinds == "CD8+ T")[::2]
    tube.events[killers, place] += np.random.default_rng(3).lognormal(9, 0.4, len(killers)).astype(np.float32)
    further = {"CD8+ T/CD56+": rule("CD8+ T", "CD56+"), "CD8+ T/dead": rule("CD8+ T", "CD57+")}
    gating = gate(tube, sample="s1", populations=further)
    assert gating.populations["CD8+ T/CD56+"].events == pytest.approx(750, abs=10)
    assert gating.cuts["CD56", "CD8+ T"].source == "valley"
    told = gating.quality.row(by_predicate=pl.col("check") == "population CD8+ T/dead", named=True)
    assert (told["verdict"], told["reason"]) == ("warn", "not available: no channel for CD57")
    assert "CD8+ T/dead" not in gating.populations


def test_a_marker_that_other_cells_may_bear_is_not_cut_above_them(simulate: Simulate) -> None:
    # Of the T cells none has a valley of CD45RA, which B and NK cells bear as well: nothing tells where it begins.
    tube = simulate()
    bright = np.random.default_rng(5).lognormal(9, 0.3, len(tube.kinds)).astype(np.float32)
    stained = changed(
        tube, events=np.column_stack([tube.events, bright]), channels=[*tube.channels, "B9-A"],
        markers=[*tube.markers, "CD45RA"],
    )  # fmt: skip
    naive = {"naive": rule("CD8+ T", "CD45RA+")}
    gating = gate(stained, sample="s1", aliases={"CD45RA": ["CD45RA"]}, populations=naive)
    assert "naive" not in gating.populations
    told = gating.quality.row(by_predicate=pl.col("check") == "population naive", named=True)
    assert told["reason"] == "not available: no valley of CD45RA among CD8+ T"


def test_an_alternative_that_cannot_be_had_is_told(simulate: Simulate) -> None:
    further = {"late": rule("CD3-", "CD56+|CD57+"), "NK": rule("CD3-", "CD56+")}
    quality = gate(simulate(), sample="s1", populations=further).quality
    told = dict(quality.filter(pl.col("check").str.starts_with("population")).select("check", "reason").rows())
    assert told == {"population late": "no channel for CD57"}


def test_a_tree_without_t_cells_is_refused(simulate: Simulate) -> None:
    with pytest.raises(AnalysisError, match="the population tree finds no CD3"):
        gate(simulate(), sample="s1", populations={"CD3+": rule("lymphocytes", "CD3+", "TCRab+")})


def test_a_tree_without_cd4_and_cd8_has_no_ratio(simulate: Simulate) -> None:
    further = {"ab T": rule("CD3+", "TCRgd-"), "CD4+ T": rule("ab T", "CD4+"), "CD8+ T": rule("ab T", "CD8+")}
    gating = gate(simulate(), sample="s1", populations=further)
    assert cd4_cd8_ratio(gating) == (None, None, None, None, None, 0, "not_evaluable")
    assert numbers(gating)["CD3+"] > 0


def test_dead_cells_are_cut_as_in_other_tubes_where_the_valley_is_another(simulate: Simulate) -> None:
    # Monocytes shine by themselves, between living lymphocytes and the dead.
    tube = simulate({**COMMON_CELLS, "granulocyte": 9000, "dead": 600})
    shining = tube.kinds == "granulocyte"
    tube.events[shining, tube.channels.index("V2-A")] += 1500
    tube.events[tube.kinds == "dead", tube.channels.index("V2-A")] += 6000
    lent = Cut("viability", "singlets", 4000.0, 3500.0, 4500.0, None, "cohort")
    alone = gate(tube, sample="s1")
    gating = gate(tube, sample="s1", borrowed=Borrowed({("viability", "singlets"): lent}))
    assert alone.cuts["viability", "singlets"].threshold < 1500
    assert gating.cuts["viability", "singlets"] == lent
    assert np.mean(gating.populations["live"].mask[tube.kinds == "dead"]) < 0.1
    # A tube whose own valley parts the same two modes keeps it.
    own = gate(simulate(), sample="s1", borrowed=Borrowed({("viability", "singlets"): lent}))
    assert own.cuts["viability", "singlets"].source == "valley"


def test_a_tube_without_t_cells_borrows_and_is_flagged(simulate: Simulate) -> None:
    nadir = simulate({"CD4+ T": 6, "CD8+ T": 3, "B": 40, "NK": 60, "granulocyte": 3000, "debris": 500})
    with pytest.raises(AnalysisError):
        gate(nadir, sample="s1")
    lent = {
        (marker, parent): Cut(marker, parent, 900.0, 700.0, 1100.0, None, "cohort")
        for marker, parent in (("CD3", "lymphocytes"), ("CD4", "CD3+"), ("CD8", "CD3+"))
    }
    region = Region({"FSC-A": 50e3, "SSC-A": 20e3}, {"FSC-A": 0.1, "SSC-A": 0.1}, 4.0, 3.5, 4.5, None, "cohort")
    gating = gate(nadir, sample="s1", borrowed=Borrowed(lent, region))
    found = numbers(gating)
    assert (found["CD4+ T"], found["CD8+ T"]) == (6, 3)
    warned = gating.quality.filter(pl.col("verdict") == "warn")["check"].to_list()
    assert {"lymphocytes", "separation of CD3", "separation of CD4", "separation of CD8"} <= set(warned)
    # A tube with clear valleys keeps its own.
    own = gate(simulate(), sample="s1", borrowed=Borrowed(lent, region))
    assert {cut.source for cut in own.cuts.values()} == {"valley"}
    assert numbers(own) == numbers(gate(simulate(), sample="s1"))


def test_cuts_of_other_channels_are_not_taken_in_silence(simulate: Simulate) -> None:
    lent = {
        (marker, parent): Cut(marker, parent, 900.0, 700.0, 1100.0, None, "cohort")
        for marker, parent in (("CD3", "lymphocytes"), ("CD4", "CD3+"), ("CD39", "CD3+"))
    }
    own, other = {"CD3": "B1-A", "CD4": "B2-A"}, {"CD3": "B1-A", "CD4": "R9-A", "CD39": "R8-A"}
    region = Region({"FSC-A": 50e3, "SSC-A": 20e3}, {"FSC-A": 0.1, "SSC-A": 0.1}, 4.0, 3.5, 4.5, None, "cohort")
    name = "cuts of other tubes"
    for channels, where, reason in (
        (own, None, None),
        ({**own, "CD39": "R8-A"}, None, None),  # a marker that the tube lacks
        (other, None, "some are not used: they are of CD4 in R9-A, which this tube bears in B2-A"),
        (other, region, "some are not used: they are of CD4 in R9-A, which this tube bears in B2-A"),
        (
            {"CD3": "R7-A", "CD39": "R8-A"},
            None,
            "none of them is used: they are of CD3 in R7-A, which this tube bears in B1-A, of CD39 in R8-A, which this "
            "tube lacks",
        ),
        # CD3 elsewhere is another panel: its lymphocytes need not lie where the tube's do.
        ({"CD3": "R7-A"}, region, "none of them is used: they are of CD3 in R7-A, which this tube bears in B1-A"),
    ):
        cuts = {key: cut for key, cut in lent.items() if key[0] in channels}
        quality = gate(simulate(), sample="s1", borrowed=Borrowed(cuts, where, channels)).quality
        told = quality.filter(check=name).select("verdict", "reason").rows()
        assert told == ([] if reason is None else [("warn", reason)])
    nadir = simulate({"CD4+ T": 6, "CD8+ T": 3, "B": 40, "NK": 60, "granulocyte": 3000, "debris": 500})
    with pytest.raises(AnalysisError, match="; cuts of other tubes: none of them is used: they are of CD3 in R7-A"):
        gate(nadir, sample="s1", borrowed=Borrowed({}, None, {"CD3": "R7-A"}))


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"CD3": 1e6}, "to find the lymphocytes by; found 0; .*; mend the thresholds that are set: CD3 1e.06"),
        ({"FSC-A": 1e6}, "found 'no event among lymphocytes'; .*; mend the thresholds that are set: FSC-A 1e.06"),
    ],
)
def test_thresholds_that_leave_no_cell_are_named(simulate: Simulate, thresholds: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        gate(simulate(), sample="s1", thresholds=thresholds)


def test_import_is_light() -> None:
    script = "import sys, tilseq.flow; print([m for m in sys.modules if m in sys.argv])"
    heavy = ["scipy", "scipy.stats", "pandas", "matplotlib", "flowkit", "anndata"]
    done = run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["TCRgd", "R2-A", "tcrgd"])
def test_a_marker_that_is_a_channels_very_own_name_needs_no_panel(simulate, name):
    tube = simulate()
    tube.markers = ["TCRgd" if mark == "CD19" else mark for mark in tube.markers]
    gating = gate(tube, sample="s1", populations={"own": rule("lymphocytes", f"{name}+")})
    assert gating.markers[name] == "R2-A"
    # what the simulator stains there are B cells
    own = gating.populations["own"].mask
    assert (tube.kinds[own] == "B").mean() > 0.99 and own.sum() > 0.95 * (tube.kinds == "B").sum()
    assert not any(row["check"] == "population own" for row in gating.quality.iter_rows(named=True))


def test_the_very_own_name_of_two_channels_is_refused(simulate):
    tube = simulate()
    tube.markers = ["TCRgd" if mark in ("CD19", "CD56") else mark for mark in tube.markers]
    with pytest.raises(AnalysisError, match="several channels answer to TCRgd: R2-A .TCRgd., V1-A .TCRgd."):
        gate(tube, sample="s1", populations={"own": rule("lymphocytes", "TCRgd+")})
