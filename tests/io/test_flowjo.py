"""FlowJo workspaces, sound, faulty and hostile."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilseq.errors import AnalysisError, ReadError
from tilseq.io.gate_files import read_gates

HEAD = """<Workspace version="20.0" flowJoVersion="{version}"
 xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating"
 xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations"
 xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes">
<Groups><GroupNode name="All"><Group><SampleRefs><SampleRef sampleID="1"/></SampleRefs></Group></GroupNode></Groups>
<SampleList>{samples}</SampleList></Workspace>"""
# 100 of dye A and 50 of dye B, with 10 % of A in B's detector and 20 % of B in A's; then an event without dye.
TUBE = SimpleNamespace(
    events=np.array([[110, 60, 200], [3, 3, 300]], dtype=np.float32),
    channels=["A", "B", "Time"],
    spill=SimpleNamespace(channels=["A", "B"], matrix=np.array([[1, 0.9], [0, 1]])),  # the workspace's is taken
    keywords={"$TIMESTEP": "1"},
)
LINEAR = 'transforms:minRange="0" transforms:maxRange="1000"'
SPILL = {"A": {"A": "1", "B": "0.1"}, "B": {"A": "0.2", "B": "1"}}


def matrix(rows: dict[str, dict[str, str]] = SPILL, channels: str = "AB", further: str = "") -> str:
    names = "".join(f'<data-type:parameter data-type:name="{name}"/>' for name in channels)
    told = ""
    for row, values in rows.items():
        inside = "".join(
            f'<transforms:coefficient data-type:parameter="{name}" transforms:value="{value}"/>'
            for name, value in values.items()
        )
        told += f'<transforms:spillover data-type:parameter="{row}">{inside}</transforms:spillover>'
    return (
        f'<transforms:spilloverMatrix prefix="Comp-" suffix="" name="My (matrix" {further}>'
        f"<data-type:parameters>{names}</data-type:parameters>{told}</transforms:spilloverMatrix>"
    )


def population(name: str, channel: str, least: float, *inside: str, kind: str = "RectangleGate") -> str:
    return (
        f'<Population name="{name}" owningGroup=""><Gate><gating:{kind}>'
        f'<gating:dimension gating:min="{least}"><data-type:fcs-dimension data-type:name="{channel}"/>'
        f"</gating:dimension></gating:{kind}></Gate><Subpopulations>{''.join(inside)}</Subpopulations></Population>"
    )


def boolean(kind: str, name: str, *others: str) -> str:
    told = "".join(f'<Dependent name="{other}"/>' for other in others)
    return f'<{kind} name="{name}" owningGroup=""><Dependents>{told}</Dependents></{kind}>'


def sample(*populations: str, name: str = "s1.fcs", spill: str | None = None, scales: str = "", uri: str = "") -> str:
    return (
        f'<Sample><DataSet uri="{uri or name}" sampleID="1"/>{matrix() if spill is None else spill}'
        f"<Transformations>{scales}</Transformations><Keywords/>"
        f'<SampleNode name="{name}" sampleID="1"><Subpopulations>{"".join(populations)}</Subpopulations></SampleNode>'
        "</Sample>"
    )


def scale(name: str, kind: str = "linear", further: str = LINEAR) -> str:
    return f'<transforms:{kind} {further}><data-type:parameter data-type:name="{name}"/></transforms:{kind}>'


def read(folder: Path, *samples: str, name: str = "s1", version: str = "10.8.1", tube: Any = TUBE) -> dict[str, Any]:
    path = folder / "gates.wsp"
    path.write_text(HEAD.format(version=version, samples="".join(samples)))
    found = read_gates(path, sample=name).populations(tube)
    return {name: population.mask.tolist() for name, population in found.items()}


def test_a_channel_is_compensated_by_its_prefix_alone(tmp_path: Path) -> None:
    gates = [
        population(f"{name} {least}", name, least) for name in ("A", "Comp-A", "B", "Comp-B") for least in (55, 105)
    ]
    found = read(tmp_path, sample(*gates))
    assert [name for name, mask in found.items() if mask[0]] == ["A 55", "A 105", "Comp-A 55", "B 55"]
    assert not any(mask[1] for mask in found.values())


def test_each_form_of_a_channel_has_its_own_scale(tmp_path: Path) -> None:
    # Straight, the lower edge passes x = 100 at 18, below the event at (100, 50); were x logarithmic, at 55.
    scales = scale("A", "log", 'transforms:offset="1" transforms:decades="2"') + scale("Comp-A") + scale("Comp-B")
    vertex = "<gating:vertex>{}{}</gating:vertex>"
    coordinate = '<gating:coordinate data-type:value="{}"/>'
    corners = "".join(vertex.format(*map(coordinate.format, corner)) for corner in ((10, 10), (1000, 100), (10, 1000)))
    second = '<gating:dimension><data-type:fcs-dimension data-type:name="Comp-B"/></gating:dimension>'
    gate = population("T", "Comp-A", 0, kind="PolygonGate").replace(' gating:min="0"', "")
    gate = gate.replace("</gating:dimension>", f"</gating:dimension>{second}{corners}", 1)
    assert read(tmp_path, sample(gate, scales=scales)) == {"T": [True, False]}


def test_the_matrix_is_bound_by_name_not_by_place(tmp_path: Path) -> None:
    turned = {row: dict(reversed(SPILL[row].items())) for row in ("B", "A")}
    gates = [population("low", "Comp-A", 99), population("high", "Comp-A", 101)]
    assert read(tmp_path, sample(*gates, spill=matrix(turned))) == {"low": [True, False], "high": [False, False]}


def test_a_spectral_matrix(tmp_path: Path) -> None:
    rows = {"A": {"A": "1", "B": "0.5", "C": "0.1"}, "B": {"B": "0.5", "A": "0", "C": "1"}}
    further = 'spectral="1" weightOptAlgorithmType="OLS"'
    values = (np.array([30.0, 8.0]) @ [[1, 0.5, 0.1], [0, 0.5, 1]]).astype(np.float32)
    tube = SimpleNamespace(events=values[None, [1, 2, 0]], channels=["B", "C", "A"], spill=None, keywords={})
    gates = [
        population(f"{name}{least}", f"Comp-{name}", least)
        for name, least in (("A", 29.9), ("A", 30.1), ("B", 7.9), ("B", 8.1))
    ]
    found = read(tmp_path, sample(*gates, spill=matrix(rows, further=further)), tube=tube)
    assert found == {"A29.9": [True], "A30.1": [False], "B7.9": [True], "B8.1": [False]}


def test_time_is_as_the_workspace_scales_it(tmp_path: Path) -> None:
    scales = scale("Time", further='transforms:minRange="0" transforms:maxRange="73" gain="0.01"')
    assert read(tmp_path, sample(population("late", "Time", 2.5), scales=scales)) == {"late": [False, True]}
    assert read(tmp_path, sample(population("late", "Time", 250))) == {"late": [False, True]}  # by $TIMESTEP


def test_a_tube_of_another_number_of_events_is_another_file_of_the_name(tmp_path: Path) -> None:
    def told(events: str) -> str:
        keywords = f'<Keywords><Keyword name="$TOT" value="{events}"/></Keywords>'
        return sample(population("low", "A", 100)).replace("<Keywords/>", keywords)

    assert read(tmp_path, told(" 2 ")) == {"low": [True, False]}
    with pytest.raises(AnalysisError, match=r"another file of this name; found '3 events there and 2 in the tube'"):
        read(tmp_path, told("3"))


def test_gates_of_one_name_under_two_parents_stay_apart(tmp_path: Path) -> None:
    gates = [
        population("CD3+", "A", 100, population("CD4+", "Comp-B", 40)),
        population("CD3-", "A", 0, population("CD4+", "Comp-B", 0), boolean("NotNode", "not", "CD3-/CD4+")),
        boolean("AndNode", "and", "CD3+/CD4+", "CD3-"),
        boolean("OrNode", "or", "CD3+", "CD3-"),
    ]
    assert read(tmp_path, sample(*gates)) == {
        "CD3+": [True, False],
        "CD3+/CD4+": [True, False],
        "CD3-": [True, True],
        "CD3-/CD4+": [True, True],
        "not": [False, False],
        "and": [True, False],
        "or": [True, True],
    }


def test_events_outside_of_a_gate(tmp_path: Path) -> None:
    gate = population("low", "A", 100).replace("<gating:RectangleGate>", '<gating:RectangleGate eventsInside="0">')
    assert read(tmp_path, sample(gate)) == {"low": [False, True]}


def test_gates_on_linear_scales_are_written_as_gatingml(tmp_path: Path) -> None:
    outside = population("low", "A", 100).replace("<gating:RectangleGate>", '<gating:RectangleGate eventsInside="0">')
    gates = [
        population("CD3+", "A", 100, population("CD4+", "Comp-B", 40)),
        population("CD3-", "A", 0, population("CD4+", "Comp-B", 0), boolean("NotNode", "not", "CD3-/CD4+")),
        boolean("AndNode", "and", "CD3+/CD4+", "CD3-"),
    ]
    expected = read(tmp_path, sample(*gates, outside, scales=scale("A") + scale("Comp-B")))
    read_gates(tmp_path / "gates.wsp", sample="s1").write_gatingml(tmp_path / "gates.xml")
    found = read_gates(tmp_path / "gates.xml", sample="any").populations(TUBE)
    masks = {name: population.mask.tolist() for name, population in found.items()}
    assert masks == expected
    assert found["CD3-/CD4+"].parent == "CD3-"


def test_time_as_flowjo_scales_it_is_not_written_as_gatingml(tmp_path: Path) -> None:
    scales = scale("Time", further='transforms:minRange="0" transforms:maxRange="73" gain="0.01"')
    read(tmp_path, sample(population("late", "Time", 2.5), scales=scales))
    with pytest.raises(AnalysisError, match="gate late is on Time as FlowJo scales it") as caught:
        read_gates(tmp_path / "gates.wsp", sample="s1").write_gatingml(tmp_path / "gates.xml")
    assert caught.value.file == str(tmp_path / "gates.wsp")
    assert not (tmp_path / "gates.xml").exists()


def test_samples_are_found_by_either_name(tmp_path: Path) -> None:
    others = sample(population("T", "A", 1e6), name="other.fcs")
    named = sample(population("T", "A", 100), name="Tube 1", uri="file:/D:/a%20b/s%201.fcs")
    for name in ("Tube 1", "s 1", "s 1.FCS"):
        assert read(tmp_path, others, named, name=name) == {"T": [True, False]}
    with pytest.raises(ReadError, match="holds no such sample; found 'tube1'; expected one of other.fcs, Tube 1; did"):
        read(tmp_path, others, named, name="tube1")
    with pytest.raises(ReadError, match="holds several samples of this name; found 's1'"):
        read(tmp_path, sample(), sample())


def test_what_is_wrong_with_another_sample_does_not_matter(tmp_path: Path) -> None:
    bad = sample(population("T", "A", 1, kind="CurlyGate"), name="bad.fcs", scales=scale("A", "miltenyi"))
    assert read(tmp_path, bad, sample(population("T", "A", 100))) == {"T": [True, False]}


@pytest.mark.parametrize("channel", ["Comp-C", "C", "Comp-Time"])
def test_a_channel_that_is_absent_is_told_with_sample_and_gate(tmp_path: Path, channel: str) -> None:
    with pytest.raises(
        AnalysisError, match=f"gate U of sample s1 is on a channel that .*; found '{channel}'"
    ) as caught:
        read(tmp_path, sample(population("T", "A", 0, population("U", channel, 0))))
    assert caught.value.file == str(tmp_path / "gates.wsp")


def test_a_tube_compensated_already_is_not_compensated_twice(tmp_path: Path) -> None:
    tube = SimpleNamespace(events=TUBE.events, channels=["Comp-A", "Comp-B", "Time"], spill=TUBE.spill, keywords={})
    gates = [population("low", "Comp-A", 109), population("high", "Comp-A", 111)]
    assert read(tmp_path, sample(*gates), tube=tube) == {"low": [True, False], "high": [False, False]}


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([sample()], "the workspace holds no gate for this sample; found 's1'"),
        ([sample(population("T", "A", 1), population("T", "A", 2))], "gate T of sample s1 stands twice"),
        ([sample(population("T", "A", 1, kind="CurlyGate"))], "gate T of sample s1 is of a kind that is not read"),
        ([sample(boolean("NotNode", "N", "T"))], "gate N of sample s1 refers to a gate that is not in the file; fou"),
        (
            [sample(population("T", "A", 1), boolean("NotNode", "N", "T", "T"))],
            "gate N of sample s1 has not the number of operands that `not` takes; found '2'",
        ),
        ([sample(boolean("AndNode", "N"))], "gate N of sample s1 has not the number of operands that `and` takes"),
        ([sample(boolean("NotNode", "N", "N"))], "in a circle; found 'N → N'"),
        (
            [sample(population("T", "A", 1), scales=scale("A", "miltenyi"))],
            "the gates cannot be read; found .ValueError: FlowJo tra",
        ),
        ([sample(population("T", "A", 1), spill=matrix({"A": SPILL["A"]}))], "matrix of sample s1 is not of one row"),
        ([sample(population("T", "A", 1), spill=matrix(channels="AC"))], "matrix of sample s1 is not of one row"),
        (
            [sample(population("T", "A", 1), spill=matrix(dict.fromkeys("AB", {"A": "1", "B": "1"})))],
            "matrix spillover cannot be taken out; found 'a matrix that is singular",
        ),
        ([sample(population("T", "A", 1), spill=matrix(further='spectral="1"'))], "the gates cannot be read"),
        ([sample(population("T", "A", 1)).replace("<Keywords/>", "")], "the gates cannot be read"),
        ([sample(population("T", "A", 1, kind="PolygonGate"))], "gate T of sample s1 is no polygon of two channels"),
        (
            [sample(population("T", "A", 1)).replace("gating:dimension", "gating:none")],
            "gate T of sample s1 is on no ch",
        ),
        (
            [sample(population("T", "Time", 1), scales=scale("Time", further=f'gain="nan" {LINEAR}'))],
            "the gates cannot be read; found 'ValueError: the gain of Time is nan'",
        ),
        ([sample(population("T", "A", 1)).replace("SampleNode", "Other")], "the workspace holds no such sample"),
        ([sample(*(population(f"T{i}", "A", 1) for i in range(1001)))], "sample s1 has too many gates"),
    ],
)
def test_faulty_workspaces_are_refused(tmp_path: Path, samples: list[str], message: str) -> None:
    with pytest.raises(ReadError, match=message) as caught:
        read(tmp_path, *samples)
    assert caught.value.file == str(tmp_path / "gates.wsp")


def test_older_workspaces_are_refused(tmp_path: Path) -> None:
    for version in ("9.7", "", "X"):
        with pytest.raises(ReadError, match="not a workspace of FlowJo 10; found"):
            read(tmp_path, sample(population("T", "A", 1)), version=version)


@pytest.mark.parametrize("depth", [102, 5000])
def test_gates_nested_deep_are_refused(tmp_path: Path, depth: int) -> None:
    opening, closing = population("T", "A", 1, "|").split("|")
    with pytest.raises(ReadError, match="nested too deep|Excessive depth"):
        read(tmp_path, sample(opening * depth + closing * depth))
