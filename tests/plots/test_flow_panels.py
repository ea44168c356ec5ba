from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.flow.gated import Gating
from tilseq.flow.lymphocytes import Region
from tilseq.flow.tree import Cut, Population
from tilseq.plots.flow_panels import Panel, panels
from tilseq.populations import BUILT_IN, T_CELLS, rule


def gating(
    rules: dict[str, Any],
    cuts: list[tuple[str, str]],
    *,
    before: tuple[str, ...] = (),
    channels: dict[str, str] | None = None,
    region: tuple[str, ...] = ("FSC-A", "SSC-A"),
) -> Gating:
    """Return a tube of no events with these rules and cuts; of the populations before lymphocytes those named."""
    chain = ["all events", *before, "lymphocytes"]
    none = np.zeros(0, dtype=bool)
    populations = {
        name: Population(name, parent, none)
        for name, parent in zip(chain, [None, *chain[:-1]], strict=True)
    } | {name: Population(name, one.parent, none) for name, one in rules.items()}  # fmt: skip
    if "beads" in populations:
        populations["beads"] = Population("beads", "all events", none)
        populations["cells"] = Population("cells", "all events", none)
    markers = {marker: marker for marker, _ in cuts} | (channels or {})
    return Gating(
        sample="S1",
        populations=populations,
        rules=rules,
        cuts={key: Cut(*key, 1.0, None, None, None, "settings") for key in cuts},
        region=Region(dict.fromkeys(region, 1.0), dict.fromkeys(region, 1.0), 1.0, 1.0, 1.0) if region else None,
        quality=pl.DataFrame(),
        exclusions=pl.DataFrame(),
        markers=markers,
        values={},
        cofactors={},
    )


TBNK = [("CD3", "lymphocytes"), ("CD4", "CD3+"), ("CD8", "CD3+"), ("CD19", "CD3-"), ("CD16", "CD3-"), ("CD56", "CD3-")]
LEFT, RIGHT = False, True
BOTTOM, TOP = False, True
ON_SCATTER = Panel("all events", "FSC-A", "SSC-A", {"lymphocytes": (RIGHT, BOTTOM)})
ON_CD3 = Panel("lymphocytes", "CD3", "SSC-A", {"CD3+": (RIGHT, TOP), "CD3-": (LEFT, TOP)})
QUADRANTS = {"CD4+ T": (RIGHT, BOTTOM), "CD8+ T": (LEFT, TOP), "DN T": (LEFT, BOTTOM), "DP T": (RIGHT, TOP)}


def test_the_tree_of_a_tbnk_tube_whose_cd16_and_cd56_are_one_stain() -> None:
    tube = gating(dict(T_CELLS), TBNK, channels={"CD16": "PE-A", "CD56": "PE-A"})
    assert panels(tube) == [
        ON_SCATTER,
        ON_CD3,
        Panel("CD3+", "CD4", "CD8", QUADRANTS),
        Panel("CD3-", "CD19", "CD16", {"B": (RIGHT, BOTTOM), "NK": (LEFT, TOP)}),
    ]


def test_of_two_stains_of_which_either_will_do_each_has_its_panel_and_the_share_stands_in_the_last() -> None:
    last = panels(gating(dict(T_CELLS), TBNK))[-2:]
    assert last == [
        Panel("CD3-", "CD19", "CD16", {"B": (RIGHT, BOTTOM)}),
        Panel("CD3-", "CD19", "CD56", {"B": (RIGHT, BOTTOM), "NK": (LEFT, TOP)}),
    ]


def test_before_the_rules_come_beads_single_and_living_cells_and_cd45() -> None:
    tube = gating(
        {}, [("viability", "singlets")], before=("beads", "singlets", "live"), region=("FSC-A", "SSC-A", "CD45")
    )
    assert [(panel.population, panel.across, panel.up, panel.kept) for panel in panels(tube)] == [
        ("all events", "CD4", "CD8", "cells"),
        ("beads", "FSC-A", "FSC-H", "singlets"),
        ("singlets", "viability", "SSC-A", None),
        ("live", "FSC-A", "SSC-A", None),
        ("live", "CD45", "SSC-A", None),
    ]


def test_lymphocytes_by_a_threshold_of_cd45_that_someone_set_show_it() -> None:
    assert [panel.across for panel in panels(gating({}, [("CD45", "all events")], region=()))] == ["FSC-A", "CD45"]


def test_further_populations_stand_on_their_markers_two_by_two() -> None:
    rules = {"CD3+": T_CELLS["CD3+"], "naive": rule("CD3+", "CD45RA+", "CCR7+", "CD95-"), "gd": rule("CD3+", "TCRgd+")}
    cuts = [("CD3", "lymphocytes"), *((marker, "CD3+") for marker in ("CD45RA", "CCR7", "CD95", "TCRgd"))]
    assert panels(gating(rules, cuts))[2:] == [
        Panel("CD3+", "TCRgd", "SSC-A", {"gd": (RIGHT, TOP)}),
        Panel("CD3+", "CD45RA", "CCR7", {}),
        Panel("CD3+", "CCR7", "CD95", {"naive": (RIGHT, BOTTOM)}),
    ]


@pytest.mark.parametrize("signs", [("PD-1+",), ("PD-1+", "TIM-3-"), ("PD-1+|TIM-3+",), ("PD-1+", "TIM-3+", "LAG-3+")])
def test_every_population_of_a_rule_has_a_corner_in_a_panel_of_its_parent(signs: tuple[str, ...]) -> None:
    rules = {**T_CELLS, "x": rule("CD8+ T", *signs)}
    cuts = [*TBNK, *((marker, "CD8+ T") for marker in ("PD-1", "TIM-3", "LAG-3"))]
    shown = {name: panel.population for panel in panels(gating(rules, cuts)) for name in panel.parts}
    assert shown.keys() - set(BUILT_IN) == rules.keys()
    assert all(shown[name] == one.parent for name, one in rules.items())
