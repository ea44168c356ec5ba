"""Monocytes among lymphocytes that scatter alone tells, against tubes of which every cell's kind is known."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.flow.beside import Told
from tilseq.flow.counts import count
from tilseq.flow.gated import Gating
from tilseq.flow.gating import gate
from tilseq.flow.lymphocytes import Region
from tilseq.flow.monocytes import monocytes_within, part_left
from tilseq.flow.share_limits import share_limits, share_of
from tilseq.flow.tree import Population
from tilseq.io.fcs import read_fcs
from tilseq.simulate.cytometry.faults import Conditions
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read

REGION = Region({"FSC-A": 20_000.0, "SSC-A": 6_000.0}, {"FSC-A": 0.16, "SSC-A": 0.35}, 3.72, 3.1, 4.3)
OTHERS = {"DN T": 20.0, "DP T": 10.0, "B": 100.0, "NK": 150.0}
LYMPHOCYTES = {"CD4+ T": 500.0, "CD8+ T": 250.0, **OTHERS}
OF_STATES = {"CD4+ T central_memory": 500.0, "CD8+ T effector": 250.0, **OTHERS}


def scatter(places: np.ndarray) -> dict[str, np.ndarray]:
    """Linear values of events that lie so many spreads from the centre of `REGION`."""
    return {
        name: (REGION.centre[name] * np.exp(places[:, column] * REGION.spread[name])).astype(np.float32)
        for column, name in enumerate(REGION.centre)
    }


def told_of(others: int) -> tuple[Told, int]:
    """1,000 T cells and 500 other lymphocytes about the centre, monocytes three spreads off on both scatters."""
    rng = np.random.default_rng(5)
    middles = np.repeat([[0.0, 0.0], [0.2, 0.3], [3.0, 3.0]], [1_000, 500, others], axis=0)
    places = middles + rng.normal(size=middles.shape)
    inside = np.hypot(*places.T) <= REGION.radius
    without_cd3 = np.arange(len(places)) >= 1_000
    return monocytes_within(scatter(places), without_cd3, inside, REGION), int(np.count_nonzero(inside[1_500:]))


@pytest.mark.parametrize("others", [200, 1_000, 5_000])
def test_monocytes_within_the_region_are_told(others: int) -> None:
    """To a tenth, and where they are few to their counting error, 7.6 of 58."""
    told, truly = told_of(others)
    assert truly > 0.2 * others
    assert told.mean == pytest.approx(truly, abs=np.hypot(0.1 * truly, np.sqrt(truly)))
    assert told.sd == pytest.approx(np.hypot(np.sqrt(told.mean), 0.2 * told.mean))


def test_without_monocytes_next_to_none_are_told() -> None:
    told, truly = told_of(0)
    assert truly == 0
    assert told.mean <= 5


def test_among_debris_lymphocytes_are_not_told_as_monocytes() -> None:
    """Few monocytes lie beyond the region where most are left out as dead, and a normal distribution is left over.

    It lies among the lymphocytes, 0.6 to 1 spread off: half of it are told, give or take as many.
    """
    cells = {**LYMPHOCYTES, "monocyte": 300.0}
    for seed in (1000, 1001, 1002):
        tube = acquire(np.random.default_rng(seed), PANELS["ics"], cells, 5_000, conditions=Conditions(debris=0.5))
        gating = gate(as_read(tube), sample="tube")
        kinds = np.array(tube.kinds)[tube.labels[gating.populations["lymphocytes"].mask]]
        truly = np.count_nonzero(kinds == "monocyte")
        assert abs(gating.monocytes.mean - truly) < 2 * gating.monocytes.sd
        assert 0.93 < part_left(gating.monocytes, len(kinds)) < 1


def test_of_too_few_half_as_many_are_told_give_or_take_as_many() -> None:
    """Of twelve cells beyond the usual radius towards more of both."""
    places = np.vstack([np.zeros((50, 2)), np.full((12, 2), 4.0)])
    told = monocytes_within(scatter(places), np.ones(62, dtype=bool), np.arange(62) < 50, REGION)
    assert told == (6.0, 6.0)


def test_the_part_that_is_left_is_never_none() -> None:
    assert part_left(Told(25.0, 5.0), 100) == 0.75
    assert part_left(Told(200.0, 5.0), 100) == 0.05
    assert part_left(Told(0.0, 0.0), 0) == 1.0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 400), st.integers(0, 400), st.floats(0.01, 5), st.floats(0, 8))
def test_what_is_told_is_a_number_of_the_cells_within(
    seed: int, own: int, others: int, wide: float, off: float
) -> None:
    rng = np.random.default_rng(seed)
    places = np.vstack([rng.normal(size=(own, 2)), off + wide * rng.normal(size=(others, 2))])
    inside = np.hypot(*places.T) <= REGION.radius
    without_cd3 = rng.random(len(places)) < 0.7
    told = monocytes_within(scatter(places), without_cd3, inside, REGION)
    assert 0 <= told.mean <= max(np.count_nonzero(inside & without_cd3), 10)
    assert np.isfinite(told.sd)


def gated(seed: int, monocytes: float, panel: str = "t_state") -> Gating:
    cells = {**(OF_STATES if panel == "t_state" else LYMPHOCYTES), "monocyte": monocytes}
    return gate(as_read(acquire(np.random.default_rng(seed), PANELS[panel], cells, 5_000)), sample="tube")


@pytest.mark.parametrize("panel", ["t_state", "ics"])
@pytest.mark.parametrize("monocytes", [150.0, 600.0, 1_500.0])
def test_limits_of_t_cells_hold_the_truth_without_cd45(monocytes: float, panel: str) -> None:
    """75.7 % of the lymphocytes are T cells, 780 of 1,030, however many monocytes are among them."""
    for seed in (1, 2):
        rows = {row["population"]: row for row in count(gated(seed, monocytes, panel)).iter_rows(named=True)}
        assert rows["CD3+"]["lower"] < 100 * 780 / 1_030 < rows["CD3+"]["upper"]
        assert rows["CD3-"]["lower"] < 100 * 250 / 1_030 < rows["CD3-"]["upper"]


def test_few_pure_lymphocytes_are_told() -> None:
    checks = {
        monocytes: gated(4, monocytes).quality.filter(pl.col("check") == "lymphocytes are such")
        for monocytes in (150.0, 1_500.0)
    }
    assert checks[150.0]["verdict"].to_list() == ["pass"]
    assert checks[150.0]["value"][0] > 95
    assert checks[1_500.0]["verdict"].to_list() == ["warn"]
    assert checks[1_500.0]["value"][0] < 85
    assert "are monocytes by scatter" in checks[1_500.0]["reason"][0]


def test_t_cells_of_several_sizes_hide_monocytes_which_is_told() -> None:
    """40 % of the T cells are 1.7 times as large as the others, as monocytes are, of which none are told."""
    looks = dict(PANELS["ics"].looks)
    for kind in ("CD4+ T", "CD8+ T"):
        looks[f"{kind} blast"] = replace(looks[kind], fsc=1.7 * looks[kind].fsc, ssc=2.9 * looks[kind].ssc)
    panel = replace(PANELS["ics"], looks=looks)
    cells = {**OTHERS, "CD4+ T": 300.0, "CD8+ T": 150.0, "CD4+ T blast": 200.0, "CD8+ T blast": 100.0}
    for monocytes, others in ((300.0, 1.0), (0.0, 0.01)):  # a product of T cells has hardly any other cells
        mixture = {name: number * (others if name in ("B", "NK") else 1) for name, number in cells.items()}
        tube = as_read(acquire(np.random.default_rng(1), panel, {**mixture, "monocyte": monocytes}, 5_000))
        gating = gate(tube, sample="tube", thresholds=None if monocytes else {"CD3": 800.0})
        told = gating.quality.filter(pl.col("check") == "lymphocytes are such").select("verdict", "reason").rows()
        assert gating.region is not None and gating.region.spread["FSC-A"] > 0.3
        assert [verdict for verdict, _ in told] == (["warn"] if monocytes else [])
        assert all("T cells are of several sizes" in reason for _, reason in told)


def test_much_debris_is_told() -> None:
    """Of half of the events some lie among the lymphocytes, which scatter does not part from them."""
    for debris, verdicts in ((0.5, ["warn"]), (0.06, [])):
        tube = acquire(
            np.random.default_rng(2), PANELS["ics"], LYMPHOCYTES, 5_000, conditions=Conditions(debris=debris)
        )
        gating = gate(as_read(tube), sample="tube")
        told = gating.quality.filter(pl.col("check") == "lymphocytes are such", pl.col("reason").str.contains("debris"))
        assert told["verdict"].to_list() == verdicts


def test_of_a_tube_with_a_threshold_of_cd45_only_cells_above_it_tell() -> None:
    """Debris and doublets without it say nothing of the monocytes among the lymphocytes."""
    cells = {**LYMPHOCYTES, "monocyte": 300.0}
    for seed in (1000, 1001):
        tube = acquire(np.random.default_rng(seed), PANELS["tbnk"], cells, 5_000)
        gating = gate(as_read(tube), sample="tube", thresholds={"CD45": 3000.0})
        kinds = np.array(tube.kinds)[tube.labels[gating.populations["lymphocytes"].mask]]
        assert gating.monocytes.sd < 0.3 * gating.monocytes.mean
        assert abs(gating.monocytes.mean - np.count_nonzero(kinds == "monocyte")) < 2.5 * gating.monocytes.sd


def test_where_cd45_holds_monocytes_off_none_are_told() -> None:
    gating = gated(1, 600.0, "tbnk")
    assert gating.monocytes == (0.0, 0.0)
    assert "lymphocytes are such" not in gating.quality["check"].to_list()


def test_monocytes_of_a_real_tube_agree_with_its_markers(shared_data: Path) -> None:
    """Of 1,200 lymphocytes by scatter without CD3, 261 are B and 331 NK cells: 608 are neither, and 403 bear CD14."""
    gating = gate(read_fcs(shared_data / "flow" / "pbmc_spectral_unmixed.fcs"), sample="tube")
    others = [gating.populations[name].events for name in ("CD3-", "B", "NK")]
    assert others == [1_200, 261, 331]
    assert gating.monocytes.mean == pytest.approx(608, abs=2 * gating.monocytes.sd)
    assert gating.monocytes.mean > 403


def test_the_share_of_a_part_is_that_of_its_parents_down_to_it() -> None:
    """CD4+ T of lymphocytes: no nearer than CD4+ T of CD3+, and about the product of both shares."""
    gating = gated(1, 600.0, "tbnk")
    cd4, cd3 = (gating.populations[name] for name in ("CD4+ T", "CD3+"))
    found = share_of(gating, cd4, "lymphocytes")
    assert found is not None
    (lower, upper), gates = found
    share = cd4.events / gating.populations["lymphocytes"].events
    assert lower < share < upper
    for part in ((cd4, cd3.events), (cd3, gating.populations["lymphocytes"].events)):
        limits, _ = share_limits(gating, part[0])
        middle = part[0].events / part[1]
        assert math.log(upper / share) >= math.log(limits[1] / middle) - 0.001
        assert math.log(share / lower) >= math.log(middle / limits[0]) - 0.001
    assert 0 < gates < 0.1


def test_of_a_parent_without_events_there_is_no_share() -> None:
    gating = gated(1, 600.0, "tbnk")
    none = {
        name: Population(name, gating.populations[name].parent, np.zeros_like(gating.populations[name].mask))
        for name in ("CD3-", "B")
    }
    empty = replace(gating, populations={**gating.populations, **none})
    assert share_of(empty, none["B"], "lymphocytes") is None
    assert share_of(empty, gating.populations["live" if "live" in gating.populations else "singlets"], "CD3+") is None
