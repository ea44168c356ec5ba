"""Gates written as GatingML 2.0, read back by FlowKit itself and by tilseq."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flowkit
import flowutils
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError, RunError
from tilseq.gates import BooleanGate, Channel, EllipsoidGate, Gate, Operand, PolygonGate, Range, RectangleGate
from tilseq.io.fcs import read_fcs
from tilseq.io.gate_files import read_gates
from tilseq.io.gatingml import id_of, name_of, write_gatingml

FORWARD, HEIGHT, SIDE = (Channel(name, False) for name in ("FSC-A", "FSC-H", "SSC-A"))
SLOPE, OFFSET, WIDTH = 0.98, -0.05, 0.04


def over(name: str, parent: str | None, channel: str, threshold: float, *, above: bool = True) -> RectangleGate:
    """What automatic gating hands over: events above a threshold (float32), or those that are not."""
    least = float(np.nextafter(np.float32(threshold), np.float32(np.inf)))
    side = Range(Channel(channel, True), minimum=least) if above else Range(Channel(channel, True), maximum=least)
    return RectangleGate(name, parent, (side,))


def gates_of_a_tube() -> list[Gate]:
    """Every form that automatic gating has, on the channels of a mouse spleen."""
    low, high = 1.0, 6.0
    band = [(low, SLOPE * low + OFFSET - WIDTH), (high, SLOPE * high + OFFSET - WIDTH)]
    band += [(high, SLOPE * high + OFFSET + WIDTH), (low, SLOPE * low + OFFSET + WIDTH)]
    bright = (Range(Channel("PE-A", True), minimum=300.0), Range(Channel("APC-A", True), minimum=300.0))
    return [
        RectangleGate("beads", None, bright),
        BooleanGate("cells", None, "not", (Operand("beads"),)),
        PolygonGate("singlets", "cells", FORWARD, HEIGHT, tuple(band), "log10"),
        EllipsoidGate(
            "lymphocytes", "singlets", (FORWARD, SIDE), (4.98, 4.6), ((0.004, 0.0), (0.0, 0.01)), 4.0, "log10"
        ),
        over("CD3+", "lymphocytes", "PE-Cy7-A", 600.0),
        over("CD3-", "lymphocytes", "PE-Cy7-A", 600.0, above=False),
        over("CD4 over", "CD3+", "PE-Texas Red-A", 1500.0),
        over("CD8 over", "CD3+", "Pacific Blue-A", 600.0),
        BooleanGate("CD4+ T", "CD3+", "and", (Operand("CD4 over"), Operand("CD8 over", complement=True))),
        over("B", "CD3-", "PE-Cy5-A", 1500.0),
        over("CD16+", "CD3-", "PE-A", 1000.0),
        over("CD56+", "CD3-", "APC-A", 200.0),
        BooleanGate("CD16+ or CD56+", "CD3-", "or", (Operand("CD16+"), Operand("CD56+"))),
        BooleanGate("NK", "CD3-", "and", (Operand("CD16+ or CD56+"), Operand("B", complement=True))),
    ]


def expected_masks(tube: Any) -> dict[str, np.ndarray]:
    """Work the same gates out with numpy alone, compensated by flowutils."""
    places = [tube.channels.index(name) for name in tube.spill.channels]
    events = flowutils.compensate.compensate(tube.events.astype(np.float64), tube.spill.matrix, places)
    at = {name: events[:, place] for place, name in enumerate(tube.channels)}
    beads = (at["PE-A"] >= 300) & (at["APC-A"] >= 300)
    x, y = np.log10(at["FSC-A"]), np.log10(at["FSC-H"])
    singlets = ~beads & (np.abs(y - SLOPE * x - OFFSET) <= WIDTH)
    inside = singlets & ((x - 4.98) ** 2 / 0.004 + (np.log10(at["SSC-A"]) - 4.6) ** 2 / 0.01 <= 4)
    cd3, cd4, cd8 = at["PE-Cy7-A"] > 600, at["PE-Texas Red-A"] > 1500, at["Pacific Blue-A"] > 600
    rest, b_cells = inside & ~cd3, at["PE-Cy5-A"] > 1500
    killers = (at["PE-A"] > 1000) | (at["APC-A"] > 200)
    return {
        "beads": beads,
        "cells": ~beads,
        "singlets": singlets,
        "lymphocytes": inside,
        "CD3+": inside & cd3,
        "CD3-": rest,
        "CD4+ T": inside & cd3 & cd4 & ~cd8,
        "B": rest & b_cells,
        "NK": rest & killers & ~b_cells,
    }


def test_automatic_gates_are_read_back_to_the_same_events(shared_data: Path, tmp_path: Path) -> None:
    source, path = shared_data / "flow" / "flowsom_68983" / "68983.fcs", tmp_path / "gates.xml"
    tube = read_fcs(source)
    write_gatingml(path, gates_of_a_tube(), tube.spill)
    ours = read_gates(path, sample="68983").populations(tube)
    theirs = flowkit.parse_gating_xml(str(path)).gate_sample(flowkit.Sample(source))
    for name, mask in expected_masks(tube).items():
        assert 10 < mask.sum() < len(mask), name
        np.testing.assert_array_equal(ours[name].mask, mask, name)
        np.testing.assert_array_equal(theirs.get_gate_membership(id_of(name)), mask, name)
    assert ours["NK"].parent == "CD3-"
    assert ours["beads"].parent is None


def test_the_file_is_the_same_each_time_and_whole(tmp_path: Path) -> None:
    spill = SimpleNamespace(channels=["A", "B"], matrix=np.array([[1, 0.1], [0.25, 1]]))
    gate = RectangleGate("CD3+", None, (Range(Channel("A", True), minimum=0.1),))
    write_gatingml(tmp_path / "a.xml", [gate], spill)
    write_gatingml(tmp_path / "b.xml", [gate], spill)
    content = (tmp_path / "a.xml").read_bytes()
    assert content == (tmp_path / "b.xml").read_bytes()
    assert b'transforms:value="0.25"' in content
    assert b'gating:min="0.1"' in content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "b.xml"]
    with pytest.raises(RunError, match="cannot write"):
        write_gatingml(tmp_path / "a.xml" / "c.xml", [gate], spill)


def test_gates_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    one = SimpleNamespace(channels=["A"], matrix=np.eye(1))
    gate = RectangleGate("T", None, (Range(Channel("A", True), minimum=0.0),))
    root = RectangleGate("root", None, (Range(Channel("A", False), minimum=0.0),))
    control = RectangleGate("T", None, (Range(Channel("A\x01", False), minimum=0.0),))
    for given_gate, spill, message in (
        (gate, None, "on compensated channels, yet no spillover is given"),
        (gate, one, "no spillover of one channel; found 'A'"),
        (root, None, "no gate can be named root"),
        (control, None, "a character that XML forbids"),
    ):
        with pytest.raises(AnalysisError, match=message):
            write_gatingml(tmp_path / "a.xml", [given_gate], spill)
    assert list(tmp_path.iterdir()) == []


def test_names_as_identifiers() -> None:
    assert id_of("CD4+ T") == "CD4_x002B__x0020_T"
    assert id_of("CD3_hi") == "CD3_hi"
    assert id_of("_spillover") == "_x005F_spillover"
    assert id_of("4-1BB") == "_x0034_-1BB"
    assert id_of("a_x0041_") == "a_x005F_x0041_"
    assert id_of("γδ T") == "γδ_x0020_T"
    assert id_of("Größe") == "Größe"
    assert id_of("µ細胞") == "_x00B5__x7D30__x80DE_"


@given(st.text(min_size=1))
def test_every_name_comes_back(name: str) -> None:
    identifier = id_of(name)
    assert name_of(identifier) == name
    assert re.fullmatch("(?:[A-Za-zÀ-ÖØ-öø-ÿΑ-ΡΣ-Ωα-ω]|_x)[A-Za-zÀ-ÖØ-öø-ÿΑ-ΡΣ-Ωα-ω0-9_.-]*", identifier)


def test_names_in_other_letters_are_valid_and_come_back_from_the_file(tmp_path: Path) -> None:
    """FlowKit holds the file against ISAC's schema, by which an identifier is a name of XML."""
    names = ["γδ T", "Ωmega", "Prä-µ+", "細胞", "αβ/x;y=z"]
    gates = [
        RectangleGate(name, None, (Range(Channel("A", False), number, None),)) for number, name in enumerate(names)
    ]
    write_gatingml(tmp_path / "a.xml", gates, None)
    assert set(read_gates(tmp_path / "a.xml", sample="a").parents) == set(names)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(-50, 50), st.integers(1, 60), st.booleans()), min_size=1, max_size=5
    ),
    st.integers(0, 2**32 - 1),
)
def test_any_nested_rectangles_come_back(
    tmp_path_factory: pytest.TempPathFactory, sides: list[tuple[int, int, int, bool]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    names, matrix = ["A", "B", "C"], np.eye(3) + random.uniform(0, 0.2, (3, 3)) * (1 - np.eye(3))
    dyes = random.integers(-64, 64, (50, 3)).astype(np.float64)
    tube = SimpleNamespace(
        events=(dyes @ matrix).astype(np.float32), channels=names, markers=[""] * 3, spill=None, keywords={}
    )
    spill = SimpleNamespace(channels=names, matrix=matrix)
    gates: list[Gate] = []
    expected, mask = [], np.ones(50, dtype=bool)
    for number, (place, least, width, compensated) in enumerate(sides):
        # Half a unit away from any dye's value, so that rounding puts no event on the other side.
        low, high = least + 0.5, least + width + 0.5
        values = dyes[:, place] if compensated else tube.events[:, place].astype(np.float64)
        mask = mask & (values >= low) & (values < high)
        expected.append(mask)
        parent = gates[-1].name if gates else None
        gates.append(RectangleGate(f"gate {number}", parent, (Range(Channel(names[place], compensated), low, high),)))
    path = tmp_path_factory.mktemp("gates") / "gates.xml"
    write_gatingml(path, gates, spill)
    found = read_gates(path, sample="any").populations(tube)
    for gate, inside in zip(gates, expected, strict=True):
        np.testing.assert_array_equal(found[gate.name].mask, inside)
