import math
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from tilseq.flow import gate
from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table, far_from_cohort
from tilseq.tables.outputs import CUTS

Simulate = Callable[..., Any]


def row(sample: str, gate: str, threshold: float, **more: Any) -> dict[str, Any]:
    given = {"parent": "CD3+", "channel": "X", "lower": threshold - 10, "upper": threshold + 20, "separation": 0.9}
    return {"sample": sample, "gate": gate, "threshold": threshold, "source": "valley"} | given | more


def test_the_table_of_one_tube(simulate: Simulate) -> None:
    gating = gate(simulate(), sample="s1")
    table = cuts_table(gating)
    cut = table.row(by_predicate=(pl.col("gate") == "CD8") & (pl.col("parent") == "CD3+"), named=True)
    assert (cut["channel"], cut["threshold"]) == ("R1-A", gating.cuts["CD8", "CD3+"].threshold)
    scatter = table.row(by_predicate=pl.col("gate") == "lymphocytes SSC-A", named=True)
    assert gating.region is not None
    assert scatter["threshold"] == gating.region.centre["SSC-A"] == pytest.approx(20e3, rel=0.02)
    # Where the region ends on side scatter: its radius in spreads of the logarithm.
    reach = gating.region.radius * gating.region.spread["SSC-A"]
    assert math.log(scatter["upper"] / scatter["threshold"]) == pytest.approx(reach)
    assert math.log(scatter["threshold"] / scatter["lower"]) == pytest.approx(reach)


def test_the_usual_cut_is_the_median_of_clear_ones() -> None:
    cuts = CUTS.frame(
        [
            *(row(f"s{number}", "CD8", place) for number, place in enumerate((100, 110, 130, 90, 500))),
            row("s5", "CD8", 5000, separation=0.4),
            row("s6", "CD8", 6000, source="fallback", separation=None),
            row("s7", "CD8", 7000, source="settings", separation=None),
            row("s0", "CD4", 70),
            row("s1", "CD4", 80),
        ]
    )
    usual = cohort_cuts(cuts)
    # Of 90, 100, 110, 130, 500 the median is 110; distances from it 0, 10, 20, 20, 390: their median is 20.
    (only,) = usual.rows(named=True)
    assert (only["gate"], only["threshold"], only["mad"], only["tubes"]) == ("CD8", 110, 20, 5)
    assert (only["lower"], only["upper"]) == (100, 130)
    cut = borrowed(usual).cuts["CD8", "CD3+"]
    # Scaled by 1.4826 the MAD is 29.652; 95 % of tubes lie within 58.117 of it. Roots of 10² and of 20² more.
    assert (cut.threshold, cut.source) == (110, "cohort")
    assert (cut.lower, cut.upper) == (pytest.approx(110 - 58.971, abs=0.01), pytest.approx(110 + 61.462, abs=0.01))
    assert cohort_cuts(cuts.sample(fraction=1, shuffle=True, seed=1)).equals(usual)
    assert far_from_cohort(cuts, usual)["threshold"].to_list() == [500, 5000]


def test_cuts_and_region_of_a_cohort_come_back(simulate: Simulate) -> None:
    tubes = [gate(simulate(seed=seed), sample=f"s{seed}") for seed in (1, 2, 3)]
    lent = borrowed(cohort_cuts(pl.concat([cuts_table(tube) for tube in tubes])))
    assert lent.region is not None
    assert lent.region.source == "cohort"
    assert lent.region.radius == pytest.approx(sorted(tube.region.radius for tube in tubes if tube.region)[1])
    assert lent.region.centre["FSC-A"] == pytest.approx(50e3, rel=0.02)
    assert {("CD3", "lymphocytes"), ("CD4", "CD3+"), ("CD8", "CD3+")} <= lent.cuts.keys()
    two = cohort_cuts(pl.concat([cuts_table(tube) for tube in tubes[:2]]))
    assert two.is_empty()
    assert borrowed(two).region is None


def test_cuts_may_be_of_pandas() -> None:
    cuts = CUTS.frame([row(name, "CD4", place) for name, place in (("a", 90.0), ("b", 100.0), ("c", 130.0))])
    usual = cohort_cuts(cuts.to_pandas())
    assert usual.select("gate", "threshold", "mad", "tubes").rows() == [("CD4", 100.0, 10.0, 3)]
    cut = borrowed(usual.to_pandas()).cuts["CD4", "CD3+"]
    assert (cut.threshold, cut.source) == (100.0, "cohort")


def test_the_region_is_one_whatever_its_parent() -> None:
    def scatter(sample: str, parent: str, centre: float) -> list[dict]:
        more = {"parent": parent, "lower": centre / 2, "upper": centre * 2, "spread": 0.2, "radius": 3.5}
        return [row(sample, f"lymphocytes {name}", centre, **more) for name in ("FSC-A", "SSC-A")]

    rows = [*scatter("a", "live", 100), *scatter("b", "live", 110), *scatter("c", "singlets", 150)]
    usual = cohort_cuts(CUTS.frame(rows))
    assert usual.select("gate", "parent", "threshold", "tubes").rows() == [
        ("lymphocytes FSC-A", "lymphocytes", 110, 3),
        ("lymphocytes SSC-A", "lymphocytes", 110, 3),
    ]
    region = borrowed(usual).region
    assert region is not None
    assert (region.centre, region.radius) == ({"FSC-A": 110, "SSC-A": 110}, 3.5)


def test_tubes_of_several_panels_lend_nothing() -> None:
    def cut(sample: str, gate: str, channel: str, place: float) -> dict:
        return {**row(sample, gate, place), "channel": channel}

    more = {"parent": "live", "lower": 1, "upper": 1000, "spread": 0.2, "radius": 3.5}
    one = [cut(f"a{i}", "CD3", "B1-A", 900 + i) for i in range(3)] + [
        cut(f"a{i}", "CD8", "R1-A", 500) for i in range(3)
    ]
    other = [cut(f"b{i}", "CD3", "V1-A", 300 + i) for i in range(3)]
    regions = [
        row(f"{name}{i}", f"lymphocytes {channel}", place, **more)
        for name, place in (("a", 20.0), ("b", 80.0))
        for i in range(3)
        for channel in ("FSC-A", "SSC-A")
    ]
    alone = borrowed(cohort_cuts(CUTS.frame([*one, *regions[:6]])))
    assert set(alone.cuts) == {("CD3", "CD3+"), ("CD8", "CD3+")} and alone.region is not None
    mixed = borrowed(cohort_cuts(CUTS.frame([*one, *other, *regions])))
    assert (dict(mixed.cuts), mixed.region) == ({}, None)


def test_tubes_that_hardly_differ_are_not_far_from_each_other() -> None:
    cuts = CUTS.frame([row(f"s{number}", "CD8", place) for number, place in enumerate((100, 100, 100, 105, 107))])
    # The MAD is 0: two per cent of 100 are one spread, three of them the limit.
    assert far_from_cohort(cuts, cohort_cuts(cuts))["threshold"].to_list() == [107]


def test_a_region_has_one_radius_though_a_tube_lacks_a_channel() -> None:
    def region(sample: str, radius: float, *names: str) -> list[dict[str, Any]]:
        more = {"parent": "live", "spread": 0.2, "radius": radius}
        return [row(sample, f"lymphocytes {name}", 100, **more) for name in names]

    three = ("FSC-A", "SSC-A", "CD45")
    tubes = [region(sample, radius, *three) for sample, radius in (("a", 3.9), ("b", 4.0), ("c", 4.2))]
    usual = cohort_cuts(CUTS.frame([*sum(tubes, []), *region("d", 3.6, *three[:2])]))
    # the median of 3.6, 3.9, 4.0 and 4.2 in all rows, though CD45 is that of three tubes
    assert usual["radius"].to_list() == pytest.approx([3.95, 3.95, 3.95])
