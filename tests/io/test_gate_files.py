"""A person's gates on real tubes: ISAC's compliance suite for GatingML 2.0, and a FlowJo workspace."""

import re
import sys
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from subprocess import run
from types import SimpleNamespace
from typing import Any

import flowkit
import numpy as np
import pytest
from lxml import etree

from tilseq.errors import ReadError, TilseqError
from tilseq.gates import BooleanGate, Channel, EllipsoidGate, Gate, Operand, PolygonGate, Range, RectangleGate
from tilseq.io.fcs import read_fcs
from tilseq.io.gate_files import read_gates
from tilseq.io.gatingml import write_gatingml

# The suite's results name this gate differently from its file.
ALSO = {"ParRectangle1": "ParQuadRect"}
DETECTORS = {"FITC": "FL1-H", "PE": "FL2-H", "PerCP": "FL3-H"}


@cache
def truth(suite: Path) -> dict[str, np.ndarray]:
    """Gate → the events that ISAC says lie in it."""
    return {
        path.stem.removeprefix("Results_"): np.loadtxt(path).astype(bool) for path in (suite / "truth").glob("*.txt")
    }


@cache
def suite_files(suite: Path) -> list[Path]:
    # What is left out is no GatingML: its gate stands in an element `sample`.
    return [path for path in sorted((suite / "gml").glob("*.xml")) if path.name != "gml_range_gate_attr_testing.xml"]


def check(suite: Path, path: Path, tube: Any) -> set[str]:
    """Hold every gate of a file against the suite's events; return the gates that it has events for."""
    held = set()
    for name, population in read_gates(path, sample="data1").populations(tube).items():
        name = ALSO.get(name, name)
        if name in truth(suite):
            np.testing.assert_array_equal(population.mask, truth(suite)[name], f"{name} of {path.name}")
            held.add(name)
    return held


def test_the_suite_is_event_exact(shared_data: Path) -> None:
    suite = shared_data / "flow" / "gatingml_suite"
    tube = read_fcs(suite / "data1.fcs")
    held = set().union(*(check(suite, path, tube) for path in suite_files(suite)))
    assert held == truth(suite).keys()
    assert len(held) == 51


def test_the_suite_is_event_exact_after_an_export_by_flowkit(shared_data: Path, tmp_path: Path) -> None:
    suite = shared_data / "flow" / "gatingml_suite"
    tube = read_fcs(suite / "data1.fcs")
    held = set()
    for source in suite_files(suite):
        content = BytesIO()
        flowkit.export_gatingml(flowkit.parse_gating_xml(str(source)), content)
        (tmp_path / source.name).write_bytes(content.getvalue())
        held |= check(suite, tmp_path / source.name, tube)
    assert held == truth(suite).keys()


def test_what_tilseq_has_gates_for_is_event_exact_after_its_own_export(shared_data: Path, tmp_path: Path) -> None:
    suite = shared_data / "flow" / "gatingml_suite"
    tube = read_fcs(suite / "data1.fcs")
    held = set()
    for source in suite_files(suite):
        strategy = flowkit.parse_gating_xml(str(source))
        gates = as_gates(strategy)
        if not gates:
            continue
        matrix = strategy.comp_matrices.get("MySpill")
        spill = matrix and SimpleNamespace(channels=list(DETECTORS.values()), matrix=matrix.matrix)
        write_gatingml(tmp_path / source.name, gates, spill)
        held |= check(suite, tmp_path / source.name, tube)
    left = truth(suite).keys() - held
    scales = {name for name in truth(suite) if name.startswith("Scale")}
    ratios = {"RatRange1", "RatRange1a", "RatRange2"}
    # The suite's Ellipsoid3D has a covariance that is not symmetric.
    assert left == scales | ratios | {"Ellipsoid3D"}
    assert len(held) == 51 - 16 - 3 - 1


def as_gates(strategy: Any) -> list[Gate]:
    """Return the gates of a strategy of FlowKit that tilseq has gates for, as these."""
    gates: dict[str, Gate] = {}
    waiting = strategy.get_gate_ids()
    for _ in range(5):  # parents and operands first
        for name, above in waiting:
            parent = above[-1] if len(above) > 1 else None
            try:
                gate = strategy.get_gate(name, above)
            except flowkit.exceptions.QuadrantReferenceError:
                continue
            if name not in gates and (parent is None or parent in gates):
                gates |= {made.name: made for made in as_gate(gate, parent, gates)}
    return list(gates.values())


def as_gate(gate: Any, parent: str | None, known: dict[str, Gate]) -> list[Gate]:
    name, kind = gate.gate_name, gate.gate_type
    if kind == "BooleanGate":
        operands = tuple(Operand(item["ref"], item["complement"]) for item in gate.gate_refs)
        return [BooleanGate(name, parent, gate.type, operands)] if {o.gate for o in operands} <= known.keys() else []
    if any(d.transformation_ref or hasattr(d, "ratio_ref") for d in gate.dimensions):
        return []
    channels = [getattr(d, "dimension_ref", d.id) for d in gate.dimensions]
    by_place = [
        Channel(DETECTORS.get(channel, channel), d.compensation_ref == "MySpill")
        for channel, d in zip(channels, gate.dimensions, strict=True)
    ]
    if kind == "QuadrantGate":
        places = {divider.id: channel for divider, channel in zip(gate.dimensions, by_place, strict=True)}
        return [
            RectangleGate(q.id, parent, tuple(Range(places[key], *q.get_divider_range(key)) for key in q.divider_refs))
            for q in gate.quadrants.values()
        ]
    if kind == "EllipsoidGate" and name == "Ellipsoid3D":
        return []
    if kind == "EllipsoidGate":
        shape = tuple(gate.coordinates), tuple(map(tuple, gate.covariance_matrix)), gate.distance_square
        return [EllipsoidGate(name, parent, tuple(by_place), *shape)]
    if kind == "PolygonGate":
        return [PolygonGate(name, parent, *by_place, tuple(map(tuple, gate.vertices)))]
    sides = zip(by_place, gate.dimensions, strict=True)
    return [RectangleGate(name, parent, tuple(Range(channel, d.min, d.max) for channel, d in sides))]


def test_a_workspace_agrees_with_flowjos_counts(shared_data: Path) -> None:
    folder = shared_data / "flow" / "flowsom_68983"
    gates = read_gates(folder / "gating.wsp", sample="68983")
    found = gates.populations(read_fcs(folder / "68983.fcs"))
    flowjo = {
        node.get("name"): int(node.get("count")) for node in etree.parse(folder / "gating.wsp").iter("Population")
    }
    assert list(found) == list(flowjo) == list(gates.parents)
    assert len(found) == 15
    for name, population in found.items():
        # FlowJo sorts events into bins first: 0.1 %, or one event where that is less than one.
        assert abs(int(population.mask.sum()) - flowjo[name]) <= max(1, 0.001 * flowjo[name]), name
    assert found["CD4 T cells"].parent == "ab T cells"
    ratio = found["CD4 T cells"].mask.sum() / found["CD8 T cells"].mask.sum()
    assert ratio == pytest.approx(7480 / 1407, rel=0.001)


def test_a_workspace_agrees_with_flowkits_own_gating(shared_data: Path) -> None:
    folder = shared_data / "flow" / "flowsom_68983"
    found = read_gates(folder / "gating.wsp", sample="68983.fcs").populations(read_fcs(folder / "68983.fcs"))
    workspace = flowkit.Workspace(folder / "gating.wsp", fcs_samples=folder / "68983.fcs")
    workspace.analyze_samples(use_mp=False)
    for name, population in found.items():
        expected = workspace.get_gate_membership("68983.fcs", name)
        np.testing.assert_array_equal(population.mask, expected, name)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gates.xml"
    path.write_text("<html><body/></html>")
    with pytest.raises(ReadError, match="not a file of gates; found 'html'; expected GatingML 2.0 or a FlowJo 10"):
        read_gates(path, sample="s1")


def test_gates_of_one_name_are_told_by_their_paths(tmp_path: Path) -> None:
    path = tmp_path / "gates.xml"
    # XML tells these identifiers apart, but they stand for one name.
    ids = ["A", "_x0041_"]
    sides = (Range(Channel("X", False), minimum=0.0),)
    write_gatingml(path, [RectangleGate(name, None, sides) for name in ("A", "B")], None)
    path.write_text(path.read_text().replace('id="B"', f'id="{ids[1]}"'))
    with pytest.raises(ReadError, match="two gates cannot be told apart by name; found 'A'"):
        read_gates(path, sample="s1")
    path.write_text(path.read_text().replace(f'id="{ids[1]}"', f'id="{ids[1]}" gating:parent_id="A"'))
    assert read_gates(path, sample="s1").parents == {"A": None, "A/A": "A"}


def test_import_is_light() -> None:
    script = "import sys, tilseq.io.gate_files; print([m for m in sys.modules if m in sys.argv])"
    heavy = ["scipy", "pandas", "polars", "flowkit", "flowutils", "lxml", "networkx"]
    done = run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


VALUES = (b'""', b'"NaN"', b'"inf"', b'"-1"', b'"1e308"', b'"0"', b'"Comp-"', b'"Range1"', b'"root"', b'"FSC-H"')
ATTRIBUTE, ELEMENT, VALUE = rb' [\w:-]+="[^"]*"', rb"<[\w:-]+ [^<>]*/>", rb'"[^"<>]*"'


def mutant(content: bytes, random: Random) -> bytes:
    """Change a value or a byte, or take an attribute or an element out."""
    pattern = random.choice((VALUE, VALUE, ATTRIBUTE, ELEMENT, b"."))
    place = random.choice(list(re.finditer(pattern, content)))
    changed = {VALUE: random.choice(VALUES), b".": bytes([random.randrange(256)])}.get(pattern, b"")
    return content[: place.start()] + changed + content[place.end() :]


@pytest.mark.parametrize("mutants", [25, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("file", "tube", "sample"),
    [
        ("gatingml_suite/gml/gml_all_gates.xml", "gatingml_suite/data1.fcs", "data1"),
        ("flowsom_68983/gating.wsp", "flowsom_68983/68983.fcs", "68983"),
    ],
)
def test_damaged_files_are_refused_by_name_or_read(
    shared_data: Path, tmp_path: Path, file: str, tube: str, sample: str, mutants: int
) -> None:
    content, events = (shared_data / "flow" / file).read_bytes(), read_fcs(shared_data / "flow" / tube)
    path, random, refused = tmp_path / "gates.xml", Random(mutants), 0
    for _ in range(mutants):
        path.write_bytes(mutant(content, random))
        try:
            read_gates(path, sample=sample).populations(events)
        except TilseqError as error:
            assert error.file == str(path)
            refused += 1
    assert mutants / 10 < refused < mutants
