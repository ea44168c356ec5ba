"""A person's gates on real tubes: ISAC's compliance suite for GatingML 2.0, and a FlowJo workspace."""

import re
import sys
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from subprocess import run
from typing import Any

import flowkit
import numpy as np
import pytest
from lxml import etree

from tilseq.errors import AnalysisError, ReadError, TilseqError
from tilseq.gates import BooleanGate, Channel, Operand, Range, RectangleGate
from tilseq.io.fcs import read_fcs
from tilseq.io.gate_files import read_gates
from tilseq.io.gatingml import id_of, write_gatingml

# The suite's results name this gate differently from its file.
ALSO = {"ParRectangle1": "ParQuadRect"}


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


def test_the_suite_is_event_exact_after_our_own_export(shared_data: Path, tmp_path: Path) -> None:
    suite = shared_data / "flow" / "gatingml_suite"
    tube, sample = read_fcs(suite / "data1.fcs"), flowkit.Sample(suite / "data1.fcs")
    ours, theirs = set(), set()
    for source in suite_files(suite):
        written, gates = tmp_path / source.name, read_gates(source, sample="data1")
        gates.write_gatingml(written)
        again = read_gates(written, sample="data1")
        assert (again.parents, list(again._tree.gates)) == (gates.parents, list(gates._tree.gates))
        ours |= check(suite, written, tube)
        found = flowkit.parse_gating_xml(str(written)).gate_sample(sample)
        for name in gates.parents:
            told = ALSO.get(name, name)
            if told in truth(suite):
                np.testing.assert_array_equal(found.get_gate_membership(id_of(name)), truth(suite)[told], name)
                theirs.add(told)
    assert ours == theirs == truth(suite).keys()
    assert len(ours) == 51


def test_a_workspace_is_written_as_gatingml_or_refused(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "flow" / "flowsom_68983"
    path = tmp_path / "gates.xml"
    with pytest.raises(AnalysisError, match="cannot be written as GatingML; found 'the scale FlowJo biex, ") as caught:
        read_gates(folder / "gating.wsp", sample="68983").write_gatingml(path)
    assert caught.value.file == str(folder / "gating.wsp")
    assert not path.exists()


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
    sides = (Range(Channel("X"), minimum=0.0),)
    write_gatingml(path, [RectangleGate(name, None, sides) for name in ("A", "B")])
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


def test_gates_on_time_are_told_by_name_also_of_those_that_combine_them(tmp_path: Path) -> None:
    time, cd3 = Channel("Time"), Channel("CD3-A")
    write_gatingml(
        tmp_path / "gates.xml",
        [
            RectangleGate("clog", None, (Range(time, 10, 20),)),
            BooleanGate("steady", None, "not", (Operand("clog"),)),
            RectangleGate("T", "steady", (Range(cd3, 100),)),
            RectangleGate("late", "T", (Range(cd3, 100), Range(time, 30))),
        ],
    )
    assert read_gates(tmp_path / "gates.xml", sample="a").on_time == ["clog", "steady", "late"]
