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
from lxml import etree

from tilseq.errors import AnalysisError, RunError
from tilseq.gates import (
    LOG10,
    BooleanGate,
    Channel,
    Divider,
    EllipsoidGate,
    Gate,
    Operand,
    PolygonGate,
    Quadrant,
    QuadrantGate,
    Range,
    Ratio,
    RectangleGate,
    Scale,
    Spectra,
    parents_of,
)
from tilseq.io.fcs import read_fcs
from tilseq.io.gate_files import read_gates
from tilseq.io.gatingml import id_of, name_of, write_gatingml
from tilseq.io.gatingml_read import read_gatingml

FORWARD, HEIGHT, SIDE = (Channel(name, scale=LOG10) for name in ("FSC-A", "FSC-H", "SSC-A"))
SLOPE, OFFSET, WIDTH = 0.98, -0.05, 0.04


def over(name: str, parent: str | None, channel: Channel, threshold: float, *, above: bool = True) -> RectangleGate:
    """What automatic gating hands over: events above a threshold (float32), or those that are not."""
    least = float(np.nextafter(np.float32(threshold), np.float32(np.inf)))
    side = Range(channel, minimum=least) if above else Range(channel, maximum=least)
    return RectangleGate(name, parent, (side,))


def gates_of_a_tube(spectra: Spectra) -> list[Gate]:
    """Every form that automatic gating has, on the channels of a mouse spleen."""
    low, high = 1.0, 6.0
    band = [(low, SLOPE * low + OFFSET - WIDTH), (high, SLOPE * high + OFFSET - WIDTH)]
    band += [(high, SLOPE * high + OFFSET + WIDTH), (low, SLOPE * low + OFFSET + WIDTH)]
    stain = {name: Channel(name, spectra) for name in spectra.dyes}
    bright = (Range(stain["PE-A"], minimum=300.0), Range(stain["APC-A"], minimum=300.0))
    return [
        RectangleGate("beads", None, bright),
        BooleanGate("cells", None, "not", (Operand("beads"),)),
        PolygonGate("singlets", "cells", FORWARD, HEIGHT, tuple(band)),
        EllipsoidGate("lymphocytes", "singlets", (FORWARD, SIDE), (4.98, 4.6), ((0.004, 0.0), (0.0, 0.01)), 4.0),
        over("CD3+", "lymphocytes", stain["PE-Cy7-A"], 600.0),
        over("CD3-", "lymphocytes", stain["PE-Cy7-A"], 600.0, above=False),
        over("CD4 over", "CD3+", stain["PE-Texas Red-A"], 1500.0),
        over("CD8 over", "CD3+", stain["Pacific Blue-A"], 600.0),
        BooleanGate("CD4+ T", "CD3+", "and", (Operand("CD4 over"), Operand("CD8 over", complement=True))),
        over("B", "CD3-", stain["PE-Cy5-A"], 1500.0),
        over("CD16+", "CD3-", stain["PE-A"], 1000.0),
        over("CD56+", "CD3-", stain["APC-A"], 200.0),
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
    spectra = Spectra.of(tube.spill.channels, tube.spill.channels, tube.spill.matrix)
    write_gatingml(path, gates_of_a_tube(spectra))
    ours = read_gates(path, sample="68983").populations(tube)
    theirs = flowkit.parse_gating_xml(str(path)).gate_sample(flowkit.Sample(source))
    for name, mask in expected_masks(tube).items():
        assert 10 < mask.sum() < len(mask), name
        np.testing.assert_array_equal(ours[name].mask, mask, name)
        np.testing.assert_array_equal(theirs.get_gate_membership(id_of(name)), mask, name)
    assert ours["NK"].parent == "CD3-"
    assert ours["beads"].parent is None


def test_the_file_is_the_same_each_time_and_whole(tmp_path: Path) -> None:
    spill = Spectra.of("AB", "AB", [[1, 0.1], [0.25, 1]])
    gate = RectangleGate("CD3+", None, (Range(Channel("A", spill), minimum=0.1),))
    write_gatingml(tmp_path / "a.xml", [gate])
    write_gatingml(tmp_path / "b.xml", [gate])
    content = (tmp_path / "a.xml").read_bytes()
    assert content == (tmp_path / "b.xml").read_bytes()
    assert b'transforms:value="0.25"' in content
    assert b'gating:min="0.1"' in content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "b.xml"]
    with pytest.raises(RunError, match="cannot write"):
        write_gatingml(tmp_path / "a.xml" / "c.xml", [gate])


def test_gates_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    for name, channel, message in (
        (
            "T",
            Channel("A", Spectra.of("A", "A", [[1.0]])),
            "gate T cannot be .* as GatingML; found 'a spillover of one",
        ),
        ("T", Channel("A", Spectra.of("AB", "AB", np.ones((2, 2)))), "found 'a matrix that is singular"),
        ("T", Channel("A", scale=Scale("FlowJo log", (1.0, 4.0))), "found 'the scale FlowJo log, which GatingML does"),
        ("T", Channel("A", scale=Scale("flog", (1.0,))), "found 'the scale flog with 1 parameters in place of T, M'"),
        ("T", Channel("A", scale=Scale("flin", (0.0, 1.0))), "found 'the scale flin with T of 0, not 1e-09 to 1e"),
        (
            "T",
            Channel("A", scale=Scale("fasinh", (1.0, 1.0, -1.0))),
            "found 'the scale fasinh with A of -1, not 0 to 1'",
        ),
        (
            "T",
            Channel("A", scale=Scale("hyperlog", (9.0, 0.0, 4.0, 0.0))),
            "found 'the scale hyperlog with W of 0, not 1e-09 to 2'",
        ),
        ("root", Channel("A"), "no gate can be named root"),
        ("T", Channel("A\x01"), "a character that XML forbids"),
    ):
        with pytest.raises(AnalysisError, match=message):
            write_gatingml(tmp_path / "a.xml", [RectangleGate(name, None, (Range(channel, minimum=0.0),))])
    assert list(tmp_path.iterdir()) == []


def test_what_lies_outside_is_the_complement_of_another_gate(tmp_path: Path) -> None:
    path, ranges = tmp_path / "a.xml", (Range(Channel("A"), 1.0),)
    write_gatingml(path, [RectangleGate("low", None, ranges, outside=True), RectangleGate("in", "low", ranges)])
    assert read_gates(path, sample="any").parents == {"low": None, "in": "low"}  # `inside of low` is a helper
    assert 'gating:id="inside_x0020_of_x0020_low"' in path.read_text()
    read_gates(path, sample="any").write_gatingml(tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_bytes() == path.read_bytes()
    tube = SimpleNamespace(events=np.array([[0], [2]], np.float32), channels=["A"], spill=None, keywords={})
    found = read_gates(path, sample="any").populations(tube)
    assert [found[name].mask.tolist() for name in ("low", "in")] == [[True, False], [False, False]]


def test_names_as_identifiers() -> None:
    assert id_of("CD4+ T") == "CD4_x002B__x0020_T"
    assert id_of("CD3_hi") == "CD3_hi"
    assert id_of("_spillover") == "_x005F_spillover"
    assert id_of("4-1BB") == "_x0034_-1BB"
    assert id_of("a_x0041_") == "a_x005F_x0041_"
    assert id_of("γδ T") == "γδ_x0020_T"
    assert id_of("Größe") == "Größe"
    assert id_of("µ細胞") == "_x00B5__x7D30__x80DE_"


def test_escapes_of_what_no_name_can_hold_stay() -> None:
    for identifier in ("a_xD800_b", "a_xDFFF_", "_x0000_", "a_x000A_b", "a_x0085_", "a_x2028_b", "a_x110000_"):
        assert name_of(identifier) == identifier
    assert name_of("a_x0020_b_x1F9EC_") == "a b\U0001f9ec"


def test_a_name_of_half_a_pair_is_read_as_it_is(tmp_path: Path) -> None:
    write_gatingml(tmp_path / "a.xml", [RectangleGate("T", None, (Range(Channel("A"), 1.0),))])
    written = (tmp_path / "a.xml").read_text()
    (tmp_path / "a.xml").write_text(written.replace('id="T"', 'id="a_xD800_b"'))
    assert list(read_gates(tmp_path / "a.xml", sample="any").parents) == ["a_xD800_b"]


def test_no_name_holds_a_control_character(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="the name of a gate holds a control character; found 'a.nb'"):
        write_gatingml(tmp_path / "a.xml", [RectangleGate("a\nb", None, (Range(Channel("A"), 1.0),))])
    assert list(tmp_path.iterdir()) == []


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1))
def test_every_name_comes_back(name: str) -> None:
    identifier = id_of(name)
    assert name_of(identifier) == name
    assert re.fullmatch("(?:[A-Za-zÀ-ÖØ-öø-ÿΑ-ΡΣ-Ωα-ω]|_x)[A-Za-zÀ-ÖØ-öø-ÿΑ-ΡΣ-Ωα-ω0-9_.-]*", identifier)


def test_names_in_other_letters_are_valid_and_come_back_from_the_file(tmp_path: Path) -> None:
    """FlowKit holds the file against ISAC's schema, by which an identifier is a name of XML."""
    names = ["γδ T", "Ωmega", "Prä-µ+", "細胞", "αβ/x;y=z"]
    gates = [RectangleGate(name, None, (Range(Channel("A"), number, None),)) for number, name in enumerate(names)]
    write_gatingml(tmp_path / "a.xml", gates)
    assert set(read_gates(tmp_path / "a.xml", sample="a").parents) == set(names)


NUMBERS = st.floats(-1e6, 1e6)
POSITIVE = st.floats(0.1, 1e6)
DECADES, SHARE = st.floats(0.1, 30), st.floats(0, 1)


def width_scale(kind: Any, top: float, width: float, decades: float, share: float) -> Scale:
    """Make a scale with a width up to M/2 and an A from -W to M - 2W."""
    width *= decades / 2
    return Scale(kind, (top, width, decades, share * (decades - 2 * width) - (1 - share) * width))


SCALES = st.one_of(
    st.none(),
    st.builds(lambda top, share: Scale("flin", (top, share * top)), POSITIVE, SHARE),
    st.builds(lambda top, decades: Scale("flog", (top, decades)), POSITIVE, DECADES),
    st.builds(lambda top, decades, share: Scale("fasinh", (top, decades, share * decades)), POSITIVE, DECADES, SHARE),
    st.builds(width_scale, st.sampled_from(["logicle", "hyperlog"]), POSITIVE, st.floats(0.01, 1), DECADES, SHARE),
)
SPECTRA = st.floats(0, 0.2).map(lambda spill: Spectra.of("DE", ["A", "B", "C/-"], [[1, spill, 0.1], [spill, 1, 0]]))
COMPENSATIONS = st.one_of(st.none(), st.just("FCS"), SPECTRA)
CHANNELS = st.builds(Channel, st.sampled_from(["A", "B", "C/-"]), COMPENSATIONS, SCALES)
AXES = CHANNELS | st.builds(Ratio, st.just("A"), st.just("C/-"), NUMBERS, NUMBERS, NUMBERS, COMPENSATIONS, SCALES)
BOUNDED = st.one_of(
    st.builds(Range, AXES, NUMBERS),
    st.builds(Range, AXES, st.none(), NUMBERS),
    st.builds(Range, AXES, NUMBERS, NUMBERS),
)
VALUES = st.lists(st.integers(-9, 9), min_size=1, max_size=3, unique=True).map(lambda values: tuple(sorted(values)))


@st.composite
def any_gates(draw: st.DrawFn) -> list[Gate]:
    """Gates of every kind, each within an earlier one, or a quadrant, or all events."""
    gates: list[Gate] = []
    for number in range(draw(st.integers(1, 6))):
        known = list(parents_of(gates))
        name, parent = f"gate {number}", draw(st.sampled_from([None, *known]))
        kind = draw(
            st.sampled_from(["rectangle", "polygon", "ellipsoid", "quadrants", *(["boolean"] if known else [])])
        )
        if kind == "rectangle":
            gates.append(RectangleGate(name, parent, tuple(draw(st.lists(BOUNDED, min_size=1, max_size=3)))))
        elif kind == "polygon":
            vertices = draw(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=5))
            gates.append(PolygonGate(name, parent, draw(AXES), draw(AXES), tuple(vertices)))
        elif kind == "ellipsoid":
            axes, shape = draw(st.lists(AXES, min_size=2, max_size=3)), draw(st.floats(-0.4, 0.4))
            covariance = tuple(map(tuple, (np.eye(len(axes)) + shape * (1 - np.eye(len(axes)))).tolist()))
            gates.append(EllipsoidGate(name, parent, tuple(axes), (draw(NUMBERS),) * len(axes), covariance, 2.0))
        elif kind == "boolean":
            operands = st.builds(Operand, st.sampled_from(known), st.booleans())
            operation = draw(st.sampled_from(["and", "or", "not"]))
            size = (1, 1) if operation == "not" else (2, 3)
            chosen = draw(st.lists(operands, min_size=size[0], max_size=size[1]))
            gates.append(BooleanGate(name, parent, operation, tuple(chosen)))
        else:
            # The reader keeps the lower end of a quadrant, or the number below its upper one, for its location.
            dividers = [Divider(draw(CHANNELS), draw(VALUES)) for _ in range(draw(st.integers(1, 2)))]
            below = [[float(np.nextafter(one.values[0], -np.inf)), *one.values] for one in dividers]
            spots = draw(st.lists(st.tuples(*map(st.sampled_from, below)), min_size=1, max_size=3))
            parts = [Quadrant(f"{name} {part}", tuple(enumerate(spot))) for part, spot in enumerate(spots)]
            gates.append(QuadrantGate(name, parent, tuple(dividers), tuple(parts)))
    return gates


@given(any_gates())
def test_any_gates_come_back_the_same(tmp_path_factory: pytest.TempPathFactory, gates: list[Gate]) -> None:
    path = tmp_path_factory.mktemp("gates") / "gates.xml"
    write_gatingml(path, gates)
    found = read_gatingml(etree.parse(path).getroot(), path, "any").gates
    assert {gate.name: gate for gate in found} == {gate.name: gate for gate in gates}
    schema = Path(flowkit.__file__).parent / "_resources" / "Gating-ML.v2.0.xsd"
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.parse(path))


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
    spill = Spectra.of(names, names, matrix)
    gates: list[Gate] = []
    expected, mask = [], np.ones(50, dtype=bool)
    for number, (place, least, width, compensated) in enumerate(sides):
        # Half a unit away from any dye's value, so that rounding puts no event on the other side.
        low, high = least + 0.5, least + width + 0.5
        values = dyes[:, place] if compensated else tube.events[:, place].astype(np.float64)
        mask = mask & (values >= low) & (values < high)
        expected.append(mask)
        parent = gates[-1].name if gates else None
        gates.append(
            RectangleGate(
                f"gate {number}", parent, (Range(Channel(names[place], spill if compensated else None), low, high),)
            )
        )
    path = tmp_path_factory.mktemp("gates") / "gates.xml"
    write_gatingml(path, gates)
    found = read_gates(path, sample="any").populations(tube)
    for gate, inside in zip(gates, expected, strict=True):
        np.testing.assert_array_equal(found[gate.name].mask, inside)
