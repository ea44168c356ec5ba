from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.flow import count, gate
from tilseq.flow.beads import find_beads
from tilseq.io.fcs import read_fcs
from tilseq.simulate.cytometry.faults import Beads, Conditions
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.streams import stream

Simulate = Callable[..., Any]
STAINS = ("CD3", "CD4", "CD8", "CD19")
CELLS = {"CD4+ T": 3000, "CD8+ T": 1500, "DN T": 150, "DP T": 400, "B": 800, "NK": 500, "granulocyte": 3000}


def with_beads(tube: Any, number: int, *, seed: int = 1, spread: float = 0.06, light: float = 20e3) -> Any:
    """Return the tube with beads after its cells: bright in all six stains, little forward and much side scatter."""
    random = np.random.default_rng(seed)
    beads = np.empty((number, tube.events.shape[1]), dtype=np.float32)
    beads[:, 0] = 25e3 * random.normal(1, 0.03, number)
    beads[:, 1] = 0.95 * beads[:, 0] * random.normal(1, 0.01, number)
    beads[:, 2] = 70e3 * random.normal(1, 0.05, number)
    beads[:, 3:9] = light * random.lognormal(0, spread, (number, 6))
    events = np.concatenate([tube.events, beads])
    events[:, 9] = np.random.default_rng([77, seed, number]).permutation(len(events))  # beads come among the cells
    parts = vars(tube) | {
        "events": events,
        "kinds": np.concatenate([tube.kinds, np.repeat("bead", number)]),
    }
    return SimpleNamespace(**parts)


@pytest.mark.parametrize("number", [60, 500, 9_000, 30_000])
def test_beads_are_told_and_change_no_population(simulate: Simulate, number: int) -> None:
    alone = simulate(CELLS)
    tube = with_beads(alone, number)
    gating, plain = gate(tube, sample="s"), gate(alone, sample="s")
    np.testing.assert_array_equal(gating.populations["beads"].mask, tube.kinds == "bead")
    assert gating.populations["cells"].events == len(alone.events)
    assert gating.populations["singlets"].parent == "cells"
    for name in ("lymphocytes", "CD3+", "CD4+ T", "CD8+ T", "DN T", "DP T", "B", "NK"):
        assert gating.populations[name].events == plain.populations[name].events, name
    told = gating.quality.row(by_predicate=pl.col("check") == "beads left out", named=True)
    assert told["verdict"] == "pass"
    assert told["value"] == pytest.approx(100 * number / (number + len(alone.events)))
    assert told["reason"].startswith(f"{number} events that are bright in CD3, CD4, CD8, CD19 at once")
    rows = {row["population"]: row for row in count(gating).rows(named=True)}
    assert (rows["beads"]["events"], rows["beads"]["parent"]) == (number, "all events")
    assert set(count(gating)["verdict"]) == {"pass"}


def test_what_holds_a_bead_is_left_out_with_the_beads(simulate: Simulate) -> None:
    tube = with_beads(simulate(CELLS), 2_000)
    tube.events[-100:, 3:9] *= 2  # two beads
    tube.events[-200:-100, 3:5] += 8_000  # a bead and a CD4+ T cell
    np.testing.assert_array_equal(gate(tube, sample="s").populations["beads"].mask, tube.kinds == "bead")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cells_that_bear_every_stain_are_no_beads(simulate: Simulate, seed: int) -> None:
    # As bright as beads, but with the spread of a stain on cells.
    tube = with_beads(simulate(CELLS, seed=seed), 1_000, seed=seed, spread=0.3)
    assert "beads" not in gate(tube, sample="s").populations


@pytest.mark.parametrize("number", [0, 19])
def test_a_handful_of_bright_events_is_no_bead_population(simulate: Simulate, number: int) -> None:
    gating = gate(with_beads(simulate(CELLS), number), sample="s")
    assert "beads" not in gating.populations
    assert gating.populations["singlets"].parent == "all events"
    assert "beads left out" not in gating.quality["check"]


def test_events_on_the_floor_of_the_detectors_are_no_beads() -> None:
    random = np.random.default_rng(1)
    values = {stain: np.maximum(random.normal(0, 50, 5_000), 1).astype(np.float32) for stain in STAINS}
    for column in values.values():
        column[:2_000] = 1  # alike to the last digit, but with half of the others above
    assert not find_beads(values, np.ones(5_000, dtype=bool)).any()


def test_the_order_of_events_changes_nothing(simulate: Simulate) -> None:
    tube = with_beads(simulate(CELLS), 700)
    order = np.random.default_rng(2).permutation(len(tube.events))
    turned = SimpleNamespace(**vars(tube) | {"events": tube.events[order]})
    first, second = gate(tube, sample="s"), gate(turned, sample="s")
    np.testing.assert_array_equal(first.populations["beads"].mask[order], second.populations["beads"].mask)
    assert first.cuts == second.cuts


@pytest.mark.parametrize(
    "name",
    [*(f"itn/itn_{number:02}.fcs" for number in range(1, 9)), "pbmc_spectral_unmixed.fcs", "flowsom_68983/68983.fcs"],
)
def test_no_beads_are_seen_where_there_are_none(shared_data: Path, name: str) -> None:
    assert "beads" not in gate(read_fcs(shared_data / "flow" / name), sample="s").populations


@pytest.mark.parametrize("seed", range(3))
def test_a_simulated_blood_tube_with_beads_is_counted(seed: int) -> None:
    cells = {"CD4+ T": 700.0, "CD8+ T": 350.0, "DN T": 40.0, "B": 200.0, "NK": 200.0}
    cells |= {"monocyte": 450.0, "granulocyte": 4_000.0}
    conditions = Conditions(dead=0.005)
    tube = acquire(stream(seed, "blood"), TBNK, cells, 20_000, beads=Beads(50_000, 50), conditions=conditions)
    dyes = [dye.channel for dye in TBNK.dyes]
    read = SimpleNamespace(
        events=tube.events.astype(np.float32),
        channels=TBNK.channels,
        markers=[marker or "" for marker in TBNK.markers],
        spill=SimpleNamespace(channels=dyes, matrix=TBNK.spill),
        keywords={},
        warnings=[],
    )
    populations = gate(read, sample="s").populations
    truth = {kind: tube.labels == tube.kinds.index(kind) for kind in tube.kinds}
    assert not np.any(truth["bead"] & ~populations["beads"].mask)
    assert not np.any(populations["beads"].mask & ~truth["bead"] & ~truth["doublet"] & ~truth["debris"])
    for kind in ("CD4+ T", "CD8+ T"):
        assert populations[kind].events == pytest.approx(truth[kind].sum(), rel=0.1), kind
