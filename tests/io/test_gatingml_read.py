"""GatingML 2.0 that is faulty or hostile."""

from pathlib import Path
from time import perf_counter
from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.errors import ReadError
from tilseq.io.gate_files import read_gates

HEAD = """<gating:Gating-ML xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating"
 xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations"
 xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes">"""
NAMES = '<data-type:fcs-dimension data-type:name="A"/><data-type:fcs-dimension data-type:name="B"/>'
DIMENSIONS = "".join(
    f'<gating:dimension gating:compensation-ref="uncompensated">{part}/></gating:dimension>'
    for part in NAMES.split("/>")[:2]
)
TUBE = SimpleNamespace(
    events=np.array([[1, 10], [5, 10], [9, 10]], dtype=np.float32), channels=["A", "B"], spill=None, keywords={}
)


def rectangle(name: str, further: str = "", *, bounds: str = 'gating:min="4"', extra: str = "") -> str:
    return (
        f'<gating:RectangleGate gating:id="{name}" {further}>'
        f'<gating:dimension gating:compensation-ref="uncompensated" {bounds} {extra}>'
        '<data-type:fcs-dimension data-type:name="A"/></gating:dimension></gating:RectangleGate>'
    )


def within(parent: str) -> str:
    return f'gating:parent_id="{parent}"'


def boolean(name: str, operation: str, *references: str) -> str:
    inside = "".join(f"<gating:gateReference gating:ref={reference} />" for reference in references)
    return (
        f'<gating:BooleanGate gating:id="{name}"><gating:{operation}>{inside}</gating:{operation}></gating:BooleanGate>'
    )


def matrix(values: str = "1 0.1 0.2 1", further: str = "", names: str = NAMES) -> str:
    numbers = [f'<transforms:coefficient transforms:value="{value}"/>' for value in values.split()]
    rows = "".join(f"<transforms:spectrum>{''.join(numbers[i : i + 2])}</transforms:spectrum>" for i in (0, 2))
    return (
        f'<transforms:spectrumMatrix transforms:id="M" {further}><transforms:fluorochromes>{names}'
        f"</transforms:fluorochromes><transforms:detectors>{names}</transforms:detectors>{rows}"
        "</transforms:spectrumMatrix>"
    )


def scale(parameters: str, further: str = "") -> str:
    return (
        f'<transforms:transformation transforms:id="S" {further}><transforms:{parameters}/></transforms:transformation>'
    )


def polygon(*vertices: str) -> str:
    points = "".join(
        "<gating:vertex>"
        + "".join(f'<gating:coordinate data-type:value="{value}"/>' for value in vertex.split())
        + "</gating:vertex>"
        for vertex in vertices
    )
    return f'<gating:PolygonGate gating:id="P">{DIMENSIONS}{points}</gating:PolygonGate>'


def ellipse(*covariance: object, mean: object = 1, distance: object = 1) -> str:
    entries = [f'<gating:entry data-type:value="{value}"/>' for value in covariance]
    rows = "".join(f"<gating:row>{''.join(entries[i : i + 2])}</gating:row>" for i in (0, 2))
    centre = f'<gating:coordinate data-type:value="{mean}"/>' * 2
    return (
        f'<gating:EllipsoidGate gating:id="E">{DIMENSIONS}<gating:mean>{centre}</gating:mean><gating:covarianceMatrix>'
        f'{rows}</gating:covarianceMatrix><gating:distanceSquare data-type:value="{distance}"/></gating:EllipsoidGate>'
    )


def quadrants(value: str) -> str:
    divider = (
        '<gating:divider gating:id="d" gating:compensation-ref="uncompensated">'
        f'<data-type:fcs-dimension data-type:name="A"/><gating:value>{value}</gating:value></gating:divider>'
    )
    return (
        f'<gating:QuadrantGate gating:id="Q">{divider}<gating:Quadrant gating:id="low">'
        '<gating:position gating:divider_ref="d" gating:location="0"/></gating:Quadrant></gating:QuadrantGate>'
    )


def read(folder: Path, *parts: str) -> dict[str, list[bool]]:
    path = folder / "gates.xml"
    path.write_text(HEAD + "".join(parts) + "</gating:Gating-ML>")
    found = read_gates(path, sample="s1").populations(TUBE)
    return {name: population.mask.tolist() for name, population in found.items()}


def test_a_minimum_belongs_to_the_gate_and_a_maximum_does_not(tmp_path: Path) -> None:
    assert read(tmp_path, rectangle("T", bounds='gating:min="5" gating:max="9"')) == {"T": [False, True, False]}
    # An infinite one is as good as none.
    assert read(tmp_path, rectangle("T", bounds='gating:min="5" gating:max="INF"')) == {"T": [False, True, True]}


def test_both_spellings_of_true(tmp_path: Path) -> None:
    outside, inside = [True, False, False], [False, True, True]
    for word, expected in (("true", outside), ("1", outside), (" true ", outside), ("0", inside), ("false", inside)):
        both = boolean("N", "or", *[f'"T" gating:use-as-complement="{word}"'] * 2)
        assert read(tmp_path, rectangle("T"), both)["N"] == expected


def test_a_boolean_gate_that_refers_to_its_own_parent(tmp_path: Path) -> None:
    either = boolean("N", "or", '"T" gating:use-as-complement="true"', '"U"')
    either = either.replace('gating:id="N"', f'gating:id="N" {within("T")}')
    inside = rectangle("I", within("N"), bounds='gating:min="0"')
    last = boolean("L", "not", '"N"')
    found = read(tmp_path, rectangle("T"), rectangle("U", bounds='gating:min="9"'), either, inside, last)
    assert found["N"] == found["I"] == [False, False, True]
    assert found["L"] == [True, True, False]
    assert read_gates(tmp_path / "gates.xml", sample="s1").parents == {
        "T": None, "U": None, "N": "T", "I": "N", "L": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "the file holds no gate"),
        ([rectangle("T", within("Lymphocyte")), rectangle("Lymphocytes")], "the parent that gate T refers to is miss"),
        ([rectangle("T"), boolean("N", "not", '"U"')], "the gate that gate N refers to is missing; found 'U'"),
        ([rectangle("A1", within("B1")), rectangle("B1", within("A1"))], "in a circle; found '(A1 → B1|B1 → A1) → "),
        ([rectangle("A1", within("A1"))], "in a circle; found 'A1 → A1'"),
        ([boolean("N", "not", '"N"')], "in a circle; found 'N → N'"),
        ([rectangle("T"), rectangle("T")], "of one id; found 'T'; give each an id of its own"),
        (
            [rectangle("T", bounds='gating:min=""')],
            "line 3 is not valid .*: T: Element 'dimension', attribute 'min': ''",
        ),
        ([rectangle("T", bounds='gating:min="1,5"')], "T: Element 'dimension', attribute 'min': '1,5' is not a valid"),
        (
            [rectangle("T").replace('gating:compensation-ref="uncompensated"', "")],
            "T: Element 'dimension': The attribute 'compensation-ref' is required but missing",
        ),
        ([rectangle("T"), boolean("N", "and", '"T"')], "N: Element 'and': Missing child element.* gateReference"),
        (
            [scale('flog transforms:T="0" transforms:M="1"'), rectangle("T")],
            "S: Element 'flog', attribute 'T': .* The value '0' must be greater than '0.0'",
        ),
        ([rectangle("root")], "a gate is named root"),
        ([rectangle("C D")], "C D: Element 'RectangleGate', attribute 'id': 'C D' is not a valid value"),
        ([rectangle("T", bounds='gating:min="NaN"')], "gate T of sample s1 has a number that is NaN"),
        ([ellipse(1, 1, 1, 1)], "gate E of sample s1 is no ellipsoid of its channels"),
        ([ellipse(1, 0, 0, "INF")], "gate E of sample s1 has a number that is NaN or infinite"),
        ([ellipse(1, 0, 0, 1, mean="-INF")], "gate E of sample s1 has a number that is NaN or infinite"),
        ([ellipse(1, 0, 0, 1, distance="INF")], "gate E of sample s1 has a number that is NaN or infinite"),
        ([quadrants("INF")], "gate Q of sample s1 has a number that is NaN or infinite"),
        ([polygon("0 0", "1 INF", "1 0")], "gate P of sample s1 has a number that is NaN or infinite"),
        ([rectangle("T", bounds="")], "gate T of sample s1 has a dimension with neither a minimum nor a maximum"),
        ([quadrants("1"), boolean("N", "not", '"Q"')], "gate N of sample s1 refers to a gate that is not in the file"),
        ([quadrants("NaN")], "gate Q of sample s1 has a number that is NaN"),
        ([rectangle("T", extra='gating:transformation-ref="S"')], "refers to a transformation that is not in the file"),
        ([rectangle("T").replace("uncompensated", "M")], "refers to a spillover matrix that is not in the file"),
        ([matrix("1 1 1 1"), rectangle("T")], "matrix M cannot be taken out; found 'a matrix that is singular"),
        ([matrix("1 0 0 NaN"), rectangle("T")], "found 'a value that is no finite number"),
        ([matrix(names=NAMES.replace('"B"', '"A"')), rectangle("T")], "found 'a channel that stands twice"),
        ([matrix("1 0 0"), rectangle("T")], "the gates cannot be read"),
        ([matrix(further='transforms:matrix-inverted-already="true"'), rectangle("T")], "is inverted already"),
        ([scale('flin transforms:T="9" transforms:A="0"', 'transforms:boundMax="3"'), rectangle("T")], "a boundMax"),
        ([scale('flin transforms:T="INF" transforms:A="0"'), rectangle("T")], "transformation S is no finite number"),
        (
            [
                scale('logicle transforms:T="1000" transforms:W="3" transforms:M="4.5" transforms:A="0"'),
                rectangle("T", extra='gating:transformation-ref="S"'),
            ],
            "gate T of sample s1 is on a scale that cannot be worked out; found 'the scale logicle with W of 3, not 0",
        ),
        (
            [
                scale(
                    'fratio transforms:A="1" transforms:B="0" transforms:C="0">' + NAMES + "</transforms:fratio><a"
                ).replace("<a/>", ""),
                rectangle("T", extra='gating:transformation-ref="S"'),
            ],
            "refers to a transformation that is not in the file",
        ),
    ],
)
def test_faulty_files_are_refused(tmp_path: Path, parts: list[str], message: str) -> None:
    with pytest.raises(ReadError, match=message) as caught:
        read(tmp_path, *parts)
    assert caught.value.file == str(tmp_path / "gates.xml")


def test_a_fault_is_told_where_prefixes_are_others(tmp_path: Path) -> None:
    """The default namespace is that of gates, and a prefix is declared below the root."""
    head, path = HEAD.replace("xmlns:gating=", "xmlns=").replace("<gating:", "<"), tmp_path / "gates.xml"
    space = 'xmlns:g="http://www.isac-net.org/std/Gating-ML/v2.0/gating"'
    one = rectangle("T", bounds='gating:min="x"').replace("gating:", "g:")
    path.write_text(head + one.replace("<g:RectangleGate", f"<g:RectangleGate {space}") + "</Gating-ML>")
    with pytest.raises(ReadError, match="T: Element 'dimension', attribute 'min': 'x' is not a valid value"):
        read_gates(path, sample="s1")


def test_gates_stand_within_others_in_any_order(tmp_path: Path) -> None:
    parts = [rectangle("C", within("B")), boolean("B", "not", '"A"'), rectangle("A"), rectangle("D", within("A"))]
    found = read(tmp_path, *parts)
    assert list(found) == ["B", "C", "A", "D"]
    assert found == {"B": [True, False, False], "C": [False] * 3, "A": [False, True, True], "D": [False, True, True]}


def test_a_thousand_chained_boolean_gates(tmp_path: Path) -> None:
    chain = [boolean(f"N{i}", "not", f'"N{i - 1}"') for i in range(1, 1000)]
    start = perf_counter()
    found = read(tmp_path, rectangle("N0"), *chain)
    assert perf_counter() - start < 5
    assert found["N998"] == found["N0"] == [False, True, True]
    assert found["N999"] == [True, False, False]


def test_gates_nested_deep(tmp_path: Path) -> None:
    gates = [rectangle("g0"), *(rectangle(f"g{i}", within(f"g{i - 1}")) for i in range(1, 102))]
    assert read(tmp_path, *gates[:101])["g100"] == [False, True, True]
    with pytest.raises(ReadError, match="gate g101 is nested too deep; expected at most 100 gates within others"):
        read(tmp_path, *gates)


def test_a_million_gates_are_refused(tmp_path: Path) -> None:
    one = '<gating:RectangleGate gating:id="{}" gating:parent_id="{}"/>'
    many = "".join(one.format(i, i - 1) for i in range(1_000_000))
    with pytest.raises(ReadError, match="holds too many gates; found 1000000; expected at most 1000"):
        read(tmp_path, many)


@pytest.mark.parametrize("further", ['parent_id="one"', 'Parent_ID="one"', 'transforms:parent_id="one"'])
def test_a_parent_under_another_name_is_refused(tmp_path: Path, further: str) -> None:
    path = tmp_path / "gates.xml"
    path.write_text(HEAD + rectangle("one") + rectangle("two", further) + "</gating:Gating-ML>")
    with pytest.raises(ReadError, match="gate two names its parent by an attribute .* expected gating:parent_id"):
        read_gates(path, sample="a")
