from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.flow.counts import count
from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table
from tilseq.flow.dead import check_few, check_undyed, dead_among, number_dead
from tilseq.flow.gated import Borrowed, Gating
from tilseq.flow.gating import gate
from tilseq.flow.tree import Population
from tilseq.populations import T_CELLS, rule
from tilseq.simulate.cytometry.faults import Beads, Conditions
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read

CHANNELS = {"CD8": "a", "CD19": "b", "CD16": "c", "CD56": "c", "CD4": "d", "FSC-A": "f"}
BLOOD = {"CD4+ T": 600.0, "CD8+ T": 400.0, "DN T": 40.0, "B": 200.0, "NK": 150.0, "monocyte": 300.0}


def helpers(raised: int, *, size: float = 0.6, channels: tuple[str, ...] = ("CD8", "CD19", "CD16")) -> Any:
    """1,000 CD4+ T, of which the first few are raised by ten spreads in some channels and are of another size."""
    random = np.random.default_rng(3)
    values = {name: random.normal(100, 30, 1000).astype(np.float32) for name in CHANNELS}
    values["FSC-A"] = (20_000 * np.exp(0.15 * random.standard_normal(1000))).astype(np.float32)
    values["FSC-A"][:raised] *= size
    for name in channels:
        values[name][:raised] += 300
    values["CD56"] = values["CD16"]
    return {"CD4+ T": Population("CD4+ T", "CD3+", np.ones(1000, dtype=bool))}, values


def test_small_t_cells_with_antibody_of_every_kind_warn() -> None:
    (row,) = check_undyed("a", *helpers(200), CHANNELS)
    assert (row["check"], row["verdict"], row["value"]) == (
        "dead cells without a dye",
        "warn",
        pytest.approx(20, abs=0.2),
    )
    assert row["reason"] == (
        "20 % of T cells take up antibody of every kind and are smaller than the others: many are dead, and there is "
        "no viability dye, and dead cells that still stain are counted as living"
    )


def test_few_such_cells_larger_ones_and_a_single_marker_do_not_warn() -> None:
    counted = "there is no viability dye, and dead cells that still stain are counted as living"
    (row,) = check_undyed("a", *helpers(45), CHANNELS)
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(4.5, abs=0.2))
    assert row["reason"] == f"few to be seen, but {counted}"
    (row,) = check_undyed("a", *helpers(200, size=1.5), CHANNELS)  # monocytes
    assert row["verdict"] == "pass" and "not smaller than the others" in row["reason"]
    (row,) = check_undyed("a", *helpers(200, channels=("CD16",)), CHANNELS)  # T cells that bear CD56
    assert (row["verdict"], row["value"]) == ("pass", 0)


def test_without_markers_that_t_cells_lack_it_is_told_that_dead_cells_are_counted() -> None:
    populations, values = helpers(200)
    for missing in (("CD8", "CD19"), ("CD8", "CD16", "CD56")):
        fewer = {name: column for name, column in values.items() if name not in missing}
        (row,) = check_undyed("a", populations, fewer, CHANNELS)
        assert (row["verdict"], row["value"]) == ("pass", None)
        assert row["reason"].startswith("not available: too few T cells with two markers that they lack; there is no ")
    assert check_undyed("a", populations, {**values, "viability": values["CD4"]}, CHANNELS) == []


@pytest.mark.parametrize(("dead", "verdict"), [(0.03, "pass"), (0.25, "warn")])
def test_simulated_blood(dead: float, verdict: str) -> None:
    tube = acquire(np.random.default_rng(5), TBNK, BLOOD, 8_000, conditions=Conditions(dead=dead))
    quality = gate(as_read(tube), sample="a").quality.filter(check="dead cells without a dye")
    assert quality["verdict"].to_list() == [verdict]


def double_positives(raised: int, channels: tuple[str, ...] = ("CD19", "CD16"), events: int = 50) -> Any:
    """1,000 CD3+, the first of which are DP T, and the first few of these raised by ten spreads in some channels."""
    helper, values = helpers(raised, channels=channels)
    mask = np.arange(1000) < events
    found = {"CD3+": Population("CD3+", "lymphocytes", helper["CD4+ T"].mask), "DP T": Population("DP T", "CD3+", mask)}
    return found, values


def test_double_positives_that_bear_every_marker_they_lack_are_told() -> None:
    populations, values = double_positives(60)
    dead = dead_among(populations, T_CELLS, values, CHANNELS)
    # The first 60 T cells are dead, ten of which are no DP T.
    assert [np.flatnonzero(mask).tolist() for mask in dead.values()] == [list(range(60))]
    assert number_dead(populations, dead) == {"DP T": 50}
    for channels in (("CD19",), ("CD16",)):  # a T cell may bear CD56
        populations, rules, values = with_rules(double_positives(30, channels))
        assert number_dead(populations, dead_among(populations, rules, values, CHANNELS)) == {"DP T": 0}


def test_cells_left_over_are_told_as_double_positives_are_and_those_that_are_no_t_cells_too() -> None:
    """The first 60 events bear CD19 and CD16. Ten of them are no T cells, of 40 DN T from the 31st on 30 are dead."""
    (_, rules, values), place = with_rules(double_positives(60)), np.arange(1000)
    masks = {"CD3+": place >= 10, "DN T": (place >= 30) & (place < 70)}
    populations = {name: Population(name, None, mask) for name, mask in masks.items()}
    dead = dead_among(populations, rules, values, CHANNELS)
    assert {name: np.flatnonzero(mask).tolist() for name, mask in dead.items()} == {"DN T": list(range(60))}
    assert number_dead(populations, dead) == {"DN T": 30}
    (row,) = check_few("a", populations, number_dead(populations, dead))
    assert (row["check"], row["verdict"], row["value"]) == ("DN T without a dye", "warn", 75.0)


def with_rules(made: Any, **more: Any) -> Any:
    populations, values = made
    return populations, {**T_CELLS, **more}, values


def test_dead_double_positives_need_two_markers_no_dye_t_cells_and_the_built_in_rule() -> None:
    populations, rules, values = with_rules(double_positives(30))
    without = {name: column for name, column in values.items() if name != "CD19"}
    dyed = {**values, "viability": values["CD4"]}
    own = {**rules, "DP T": rule("CD3+", "CD4+", "CD8+", "CD19+")}
    few = {**populations, "CD3+": Population("CD3+", "lymphocytes", np.arange(1000) < 19)}
    for one in (
        (populations, rules, without),
        (populations, rules, dyed),
        (populations, own, values),
        (few, rules, values),
    ):
        assert dead_among(*one, CHANNELS) == {}


@pytest.mark.parametrize(
    ("dead", "events", "verdict"), [(26, 50, "warn"), (25, 50, "pass"), (0, 50, "pass"), (19, 19, "pass")]
)
def test_few_double_positives_that_are_mostly_dead_warn(dead: int, events: int, verdict: str) -> None:
    populations, _ = double_positives(0, events=events)
    (row,) = check_few("a", populations, {"DP T": dead})
    assert (row["check"], row["verdict"], row["value"]) == ("DP T without a dye", verdict, 100 * dead / events)
    told = f"{dead} of {events} events take up antibody of every kind, as dead cells do: an upper bound"
    assert row["reason"] == (told if dead else "none take up antibody of every kind, as dead cells do")
    assert check_few("a", double_positives(0, events=0)[0], {"DP T": 0})[0]["value"] is None
    assert check_few("a", populations, {}) == []


def test_limits_of_double_positives_hold_the_truth_where_no_dye_tells_dead_cells() -> None:
    """Blood of the nadir, 3 % of the cells dead: most DP T found are, of 0.96 % of T cells in truth."""
    usual = {"CD4+ T": 700.0, "CD8+ T": 300.0, "DN T": 30.0, "DP T": 10.0, "B": 150.0, "NK": 200.0, "monocyte": 300.0}
    nadir = {"CD4+ T": 1.4, "CD8+ T": 0.6, "DN T": 0.06, "DP T": 0.02, "B": 1.0, "NK": 20.0, "monocyte": 100.0}

    def gated(cells: dict[str, float], seed: int, lent: Borrowed | None = None) -> Gating:
        random = np.random.default_rng([7, seed])
        tube = acquire(random, TBNK, cells, 20_000, beads=Beads(50_000, 50), conditions=Conditions(dead=0.03))
        return gate(as_read(tube), sample=str(seed), borrowed=lent)

    lent = borrowed(cohort_cuts(pl.concat([cuts_table(gated(usual, 100 + seed)) for seed in range(6)])))
    tubes = [gated(nadir, seed, lent) for seed in range(20)]

    def held(gating: Gating) -> bool:
        row = count(gating).filter(population="DP T").row(0, named=True)
        return bool(row["lower"] <= 100 * 0.02 / 2.08 <= row["upper"])

    assert (
        sum(number_dead(gating.populations, gating.dead)["DP T"] for gating in tubes)
        > sum(gating.populations["DP T"].events for gating in tubes) / 2
    )
    assert sum(map(held, tubes)) >= 18
    assert sum(held(replace(gating, dead={})) for gating in tubes) <= 14
