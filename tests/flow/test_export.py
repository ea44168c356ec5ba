"""Automatic gates written as GatingML 2.0 and read back by FlowKit itself and by tilseq, event by event."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import flowkit
import numpy as np
import pytest

from tilseq.flow import export
from tilseq.flow.counts import count
from tilseq.flow.export import Exported, export_gates
from tilseq.flow.gated import Gating
from tilseq.flow.gating import gate
from tilseq.flow.manual import count_manual, name_populations
from tilseq.flow.tree import Population
from tilseq.gates import EllipsoidGate, RectangleGate
from tilseq.io.fcs import read_fcs
from tilseq.io.gate_files import read_gates
from tilseq.io.gatingml import id_of, write_gatingml
from tilseq.populations import BUILT_IN, rule
from tilseq.simulate.cytometry.faults import Beads, Clog, Conditions
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import write_tube
from tilseq.steps.flow_person import read_populations

BLOOD = {"CD4+ T": 600.0, "CD8+ T": 400.0, "DN T": 40.0, "B": 200.0, "NK": 150.0, "monocyte": 300.0}
BLOOD |= {"granulocyte": 3500.0}


def written(path: Path, *, seed: int = 1, clog: Clog | None = None, events: int = 20_000) -> Path:
    beads = Beads(per_tube=50_000, sample_volume_ul=50.0)
    conditions = Conditions(clog=clog)
    write_tube(path, acquire(np.random.default_rng(seed), TBNK, BLOOD, events, beads=beads, conditions=conditions), "s")
    return path


def differing(source: Path, tmp_path: Path, **settings: Any) -> tuple[Gating, Exported, Mapping[str, tuple[int, int]]]:
    """Gate a tube and return, for each population in the file, how many events we and FlowKit read back otherwise."""
    tube = read_fcs(source)
    gating = gate(tube, sample="s", **settings)
    exported = export_gates(gating, tube)
    path = tmp_path / "gates.xml"
    write_gatingml(path, exported.gates)
    ours = read_gates(path, sample="s").populations(tube)
    theirs = flowkit.parse_gating_xml(str(path)).gate_sample(flowkit.Sample(source))
    gated = {name: (one.parent, one.mask) for name, one in ours.items()}
    read_back = name_populations(gated, finite=np.isfinite(tube.events).all(axis=1))
    parents = {name: one.parent for name, one in gating.populations.items()}
    assert {name: one.parent for name, one in read_back.items()} == parents
    assert read_back["all events"].events == gating.populations["all events"].events
    found = {}
    for name, population in gating.populations.items():
        if name in ours:
            at_flowkit = theirs.get_gate_membership(id_of(name))
            differ = [np.count_nonzero(mask != population.mask) for mask in (ours[name].mask, at_flowkit)]
            found[name] = int(differ[0]), int(differ[1])
    return gating, exported, found


@pytest.mark.filterwarnings("ignore:.*log10")
@pytest.mark.parametrize(
    "name", ["flowsom_68983/68983.fcs", "itn/itn_01.fcs", "itn/itn_05.fcs", "pbmc_spectral_unmixed.fcs"]
)
def test_gates_of_real_tubes_are_read_back_to_the_same_events(shared_data: Path, tmp_path: Path, name: str) -> None:
    gating, exported, found = differing(shared_data / "flow" / name, tmp_path)
    assert {"lymphocytes", "CD3+", "CD3-", "CD4+ T", "CD8+ T", "DN T", "DP T"} <= found.keys()
    assert set(found.values()) == {(0, 0)}
    assert exported.misplaced == 0
    ranges = [side for one in exported.gates if isinstance(one, RectangleGate) for side in one.ranges]
    assert {side.channel.compensation is not None for side in ranges} == {name.startswith("flowsom")}


@pytest.mark.filterwarnings("ignore:.*log10")
@pytest.mark.parametrize("seed", [1, 2])
def test_beads_cells_and_either_of_two_markers_are_read_back(tmp_path: Path, seed: int) -> None:
    gating, _, found = differing(written(tmp_path / "a.fcs", seed=seed), tmp_path)
    assert {"beads", "cells", "singlets", "NK"} <= found.keys()
    assert gating.populations["beads"].events > 500
    assert set(found.values()) == {(0, 0)}


@pytest.mark.filterwarnings("ignore:.*log10")
@pytest.mark.parametrize("seed", [1, 5, 9])
def test_a_clog_is_left_out_by_whole_ticks_of_time(tmp_path: Path, seed: int) -> None:
    source = written(tmp_path / "a.fcs", seed=seed, clog=Clog(start=0.4, length=0.2, rate=0.3, signal=0.7))
    gating, exported, found = differing(source, tmp_path)
    assert 20_000 - gating.populations["all events"].events > 1000
    assert exported.misplaced == 0
    assert set(found.values()) == {(0, 0)}


def test_what_ticks_of_a_clock_that_began_anew_misplace_is_counted(tmp_path: Path) -> None:
    source = written(tmp_path / "a.fcs", clog=Clog(start=0.4, length=0.2, rate=0.3, signal=0.7))
    tube = read_fcs(source)
    time = list(tube.channels).index("Time")
    again = tube.events.copy()
    again[:, 0] = np.nextafter(again[:, 0], np.float32(np.inf))  # other events, though of the same times
    twice = replace(tube, events=np.vstack([tube.events, again]))
    gating = gate(twice, sample="s")
    kept = gating.populations["all events"].mask.copy()
    kept[len(kept) // 2 :] = True  # the clog of the first run alone was left out
    mixed = replace(gating, populations={**gating.populations, "all events": Population("all events", None, kept)})
    gone = np.count_nonzero(~kept)
    assert gone > 1000
    assert export_gates(mixed, twice).misplaced == pytest.approx(gone, rel=0.01)
    assert np.isfinite(twice.events[:, time]).all()


@pytest.mark.filterwarnings("ignore:.*log10")
@pytest.mark.parametrize(
    "thresholds",
    [
        {"FSC-A": 10_000.0},
        {"FSC-A": 10_000.0, "SSC-A": 20_000.0},
        {"FSC-A": 10_000.0, "SSC-A": 20_000.0, "CD45": 3000.0},
        {"CD4": 2000.0, "CD8": 2500.0},
    ],
    ids=["with an ellipsoid", "with a range", "alone", "of stains"],
)
def test_thresholds_that_were_set_are_gates(tmp_path: Path, thresholds: dict[str, float]) -> None:
    gating, exported, found = differing(written(tmp_path / "a.fcs"), tmp_path, thresholds=thresholds)
    assert gating.populations["lymphocytes"].events > 1000
    assert set(found.values()) == {(0, 0)}
    free = 3 - len({"FSC-A", "SSC-A", "CD45"} & thresholds.keys())
    assert any(isinstance(one, EllipsoidGate) for one in exported.gates) == (free > 1)


@pytest.mark.filterwarnings("ignore:.*log10")
def test_a_population_of_alternatives_alone_is_a_gate(tmp_path: Path) -> None:
    _, exported, found = differing(
        written(tmp_path / "a.fcs"), tmp_path, populations={"T4 or T8": rule("CD3+", "CD4+|CD8+")}
    )
    assert found["T4 or T8"] == (0, 0)
    assert {"T4 or T8: CD4+", "T4 or T8: CD8+"} <= {one.name for one in exported.gates}


@pytest.mark.filterwarnings("ignore:.*log10")
def test_two_conditions_of_alternatives_and_one_of_a_marker_are_a_gate_of_their_parent(tmp_path: Path) -> None:
    further = {"odd": rule("CD3+", "CD4+|CD8+", "CD4-|CD8-", "CD19-")}
    thresholds = {"CD19": 800.0}
    source = written(tmp_path / "a.fcs")
    gating, _, found = differing(source, tmp_path, populations=further, thresholds=thresholds)
    assert gating.populations["odd"].events > 100
    assert found["odd"] == (0, 0)


def test_events_that_are_no_numbers_are_no_part_of_what_is_read_back(simulate: Any, tmp_path: Path) -> None:
    tube = simulate({"CD4+ T": 3000, "CD8+ T": 2000, "B": 1500})
    tube.events[:40, list(tube.channels).index("FSC-A")] = np.nan
    gating = gate(tube, sample="s")
    write_gatingml(tmp_path / "gates.xml", export_gates(gating, tube).gates)
    counts = count(gating)
    person = read_populations(tmp_path / "gates.xml", tube, "s.fcs")
    again = count_manual("s", person.populations, [{"check": "gates", "verdict": "pass", "reason": ""}])
    same = ["population", "parent", "events", "parent_events", "percent_of_parent"]
    assert again.select(same).sort("population").equals(counts.select(same).sort("population"))


def test_with_too_few_events_all_are_single_cells(simulate: Any, tmp_path: Path) -> None:
    tube = simulate({"CD4+ T": 10, "CD8+ T": 8})
    tube.spill = None
    thresholds = {"CD3": 1000.0, "CD4": 1000.0, "CD8": 1000.0, "FSC-A": 1000.0, "SSC-A": 90_000.0}
    gating = gate(tube, sample="s", thresholds=thresholds)
    path = tmp_path / "gates.xml"
    write_gatingml(path, export_gates(gating, tube).gates)
    found = read_gates(path, sample="s").populations(tube)
    assert {name: int(found[name].mask.sum()) for name in ("singlets", "CD4+ T", "CD8+ T")} == {
        "singlets": 18,
        "CD4+ T": 10,
        "CD8+ T": 8,
    }


def test_every_population_that_is_found_by_itself_has_a_gate() -> None:
    assert {"all events", *export.BUILT_IN} == set(BUILT_IN)
