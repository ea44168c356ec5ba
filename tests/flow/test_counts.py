from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.flow.counts import blank_for, cd4_cd8_ratio, count
from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table
from tilseq.flow.gated import Gating
from tilseq.flow.gating import gate
from tilseq.flow.rare import status_of_counts
from tilseq.flow.tree import Population
from tilseq.populations import rule
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read
from tilseq.tables.outputs import QUALITY


def gating(quality: list[dict[str, Any]], **masks: tuple[str | None, list[int]]) -> Gating:
    populations = {n: Population(n, parent, np.array(mask, dtype=bool)) for n, (parent, mask) in masks.items()}
    return Gating("s1", populations, {}, {}, None, QUALITY.frame(quality), pl.DataFrame(), {}, {}, {})


def row(check: str, verdict: str, reason: str) -> dict[str, str]:
    return {"sample": "s1", "check": check, "verdict": verdict, "reason": reason}


def test_a_gated_tube_shows_its_populations_in_a_line() -> None:
    assert (
        repr(gating([], all=(None, [1] * 1200), some=("all", [1] * 7 + [0] * 1193))) == "Gating(s1: all 1,200, some 7)"
    )


def test_shares_and_their_exact_limits() -> None:
    # 7 of 10: Clopper-Pearson 34.755 to 93.326 % (R: binom.test(7, 10)).
    frame = count(gating([], all=(None, [1] * 10), some=("all", [1] * 7 + [0] * 3)))
    root, some = frame.rows(named=True)
    assert (root["parent"], root["events"], root["parent_events"], root["percent_of_parent"]) == (None, 10, None, None)
    assert (root["lower"], root["upper"]) == (None, None)
    assert (some["events"], some["parent_events"]) == (7, 10)
    assert some["percent_of_parent"] == pytest.approx(70)
    assert some["lower"] == pytest.approx(34.75471, abs=1e-4)
    assert some["upper"] == pytest.approx(93.32605, abs=1e-4)
    assert (some["counting_lower"], some["counting_upper"]) == (some["lower"], some["upper"])
    assert some["gate_lower"] is None  # not told by a cut
    assert frame["cells_per_ul"].to_list() == [None, None]


def test_a_share_of_nothing_is_null_not_zero() -> None:
    frame = count(gating([], all=(None, [1, 1]), none=("all", [0, 0]), part=("none", [0, 0])))
    part = frame.row(by_predicate=pl.col("population") == "part", named=True)
    assert (part["events"], part["parent_events"]) == (0, 0)
    assert (part["percent_of_parent"], part["lower"], part["upper"]) == (None, None, None)


def test_the_worst_verdict_and_every_reason() -> None:
    quality = [row("a", "warn", "so"), row("b", "fail", "few"), row("c", "pass", "well")]
    frame = count(gating(quality, all=(None, [1])))
    assert frame["verdict"][0] == "fail"
    assert frame["reason"][0] == "a: so; b: few"
    assert count(gating([row("c", "pass", "well")], all=(None, [1])))["reason"][0] is None


def tube(helpers: int, killers: int) -> Gating:
    number = helpers + killers
    is_helper = [1] * helpers + [0] * killers
    parts = {"CD4+ T": ("all", is_helper), "CD8+ T": ("all", [1 - one for one in is_helper])}
    return gating([], **{"all": (None, [1] * number)}, **parts)


def test_a_ratio_and_its_limits() -> None:
    # 20 and 10: binom.test(20, 30) is 0.4718800 to 0.8271258; as odds to six digits 0.893508 and 4.784552.
    found = cd4_cd8_ratio(tube(20, 10))
    assert (found.value, found.n) == (2, 30)
    assert found.counting_lower == pytest.approx(0.893508, abs=1e-5)
    assert found.counting_upper == pytest.approx(4.784552, abs=1e-5)
    # What cells placed wrongly add is little beside 30 cells.
    assert found.lower is not None
    assert found.upper is not None
    assert 0.99 * 0.893508 < found.lower < 0.893508
    assert 4.784552 < found.upper < 1.01 * 4.784552


def test_without_cd8_the_ratio_is_null_not_infinite() -> None:
    found = cd4_cd8_ratio(tube(20, 0))
    assert (found.value, found.upper, found.n, found.status) == (None, None, 20, "not_evaluable")
    assert found.counting_lower == pytest.approx(4.938, abs=1e-2)  # 0.025 ** (1 / 20) = 0.83157
    assert cd4_cd8_ratio(tube(0, 0)) == (None, None, None, None, None, 0, "not_evaluable")


def test_without_cd4_the_ratio_is_null_with_an_upper_limit() -> None:
    found = cd4_cd8_ratio(tube(0, 20))
    assert (found.value, found.lower, found.status) == (None, 0, "not_evaluable")
    assert found.counting_upper == pytest.approx(1 / 4.938, abs=1e-2)


def test_a_tree_without_the_subsets_has_no_ratio() -> None:
    assert cd4_cd8_ratio(gating([], all=(None, [1]))) == (None, None, None, None, None, 0, "not_evaluable")


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([0], "not_detected"),
        ([1], "detected_below_loq"),
        ([49], "detected_below_loq"),
        ([50], "quantified"),
        ([50, 49], "detected_below_loq"),
        ([50, 50], "quantified"),
        ([900, 0], "not_detected"),
    ],
)
def test_fifty_events_are_quantified_and_fewer_are_detected(events: list[int], status: str) -> None:
    assert status_of_counts(*events) == status


@pytest.mark.parametrize(
    ("cd4", "cd8", "status"), [(50, 50, "quantified"), (49, 50, "detected_below_loq"), (900, 1, "detected_below_loq")]
)
def test_the_smaller_count_decides_on_the_ratio(cd4: int, cd8: int, status: str) -> None:
    assert cd4_cd8_ratio(tube(cd4, cd8)).status == status


def test_each_row_bears_the_ratio_of_its_tube() -> None:
    frame = count(tube(20, 10))
    names = ("cd4_cd8_ratio", "cd4_cd8_ratio_lower", "cd4_cd8_ratio_upper")
    assert frame["population"].to_list() == ["CD4+ T", "CD8+ T", "all"]
    for name, expected in zip(names, cd4_cd8_ratio(tube(20, 10))[:3], strict=True):
        assert frame[name].to_list() == [expected] * 3
    assert frame["cd4_cd8_ratio"][0] == 2
    # Without CD8+ T cells there is neither a ratio nor an upper limit of one.
    none = count(tube(20, 0)).row(0, named=True)
    assert (none["cd4_cd8_ratio"], none["cd4_cd8_ratio_upper"]) == (None, None)
    assert none["cd4_cd8_ratio_lower"] > 1


BLOOD = {"CD4+ T": 700.0, "CD8+ T": 400.0, "DN T": 40.0, "DP T": 6.0, "B": 200.0, "NK": 250.0}
NK_OF_CD8 = {"CD8+ T/NK": rule("CD8+ T", "CD16+|CD56+")}


@pytest.mark.parametrize(
    ("unstained", "blank"),
    [("CD16+CD56", {"NK", "CD8+ T/NK"}), ("CD8", {"CD8+ T", "DP T", "CD8+ T/NK"}), (None, set())],
)
def test_a_tube_that_lacks_one_stain_is_blank_for_that_stain_alone(unstained: str | None, blank: set[str]) -> None:
    """0.4 % of its lymphocytes are DP T cells, which bear CD4 and CD8: without CD16 and CD56 they are no background."""
    panel = PANELS["tbnk"]
    looks = {
        kind: replace(look, stains={marker: one for marker, one in look.stains.items() if marker != unstained})
        for kind, look in panel.looks.items()
    }
    full = [as_read(acquire(np.random.default_rng(seed), panel, BLOOD, 8_000)) for seed in range(3)]
    usual = cohort_cuts(
        pl.concat([cuts_table(gate(tube, sample=str(i), populations=NK_OF_CD8)) for i, tube in enumerate(full)])
    )
    tube = as_read(acquire(np.random.default_rng(5), replace(panel, looks=looks), BLOOD, 8_000))
    gating = gate(tube, sample="blank", populations=NK_OF_CD8, borrowed=borrowed(usual))
    assert gating.populations["DP T"].events <= 0.01 * gating.populations["lymphocytes"].events
    events, others = blank_for(gating)
    assert set(events) == blank
    assert blank.isdisjoint(others) and blank | set(others) == {
        "CD3+",
        "CD4+ T",
        "CD8+ T",
        "DP T",
        "B",
        "NK",
        "CD8+ T/NK",
    }
