from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.tree import Population
from tilseq.gates import Channel
from tilseq.steps.flow_person import (
    Gated,
    beside_automatic,
    cells_to_count,
    gates_of,
    quality_of,
    read_populations,
)
from tilseq.study.settings import GateFile
from tilseq.tables.outputs import QUALITY


def part(name, parent, first, last):
    """Events `first` to `last` - 1 of 300."""
    places = np.arange(300)
    return Population(name, parent, (places >= first) & (places < last))


PERSON = {
    "all events": part("all events", None, 0, 300),
    "CD3+": part("CD3+", "all events", 0, 200),
    "CD4+ T": part("CD4+ T", "CD3+", 0, 120),
    "CD8+ T": part("CD8+ T", "CD3+", 120, 200),
}


def automatic(*quality):
    populations = {
        "all events": part("all events", None, 0, 300),
        "CD3+": part("CD3+", "lymphocytes", 0, 180),
        "CD4+ T": part("CD4+ T", "CD3+", 0, 100),
        "CD8+ T": part("CD8+ T", "CD3+", 100, 180),
    }
    return SimpleNamespace(populations=populations, quality=QUALITY.frame(quality))


def study(**gates):
    return SimpleNamespace(settings=SimpleNamespace(gates={name: GateFile(file=file) for name, file in gates.items()}))


def test_gates_are_those_of_the_sample_then_of_its_panel_and_gatingml_goes_first():
    sample = {"sample": "a", "panel": "tbnk"}
    assert gates_of(study(a="own.xml", tbnk="panel.xml"), sample)["file"] == "own.xml"
    assert gates_of(study(a="own.wsp", tbnk="panel.xml"), sample)["file"] == "panel.xml"
    assert gates_of(study(tbnk="panel.WSP"), sample) == {"file": "panel.WSP", "names": {}}
    assert gates_of(study(other="other.xml"), sample) is None


def test_the_automatic_gates_are_set_beside_the_persons():
    table, quality = beside_automatic("a", PERSON, automatic())
    rows = {row["population"]: row for row in table.iter_rows(named=True)}
    # By hand: 180 of 180 and of 200 events; 100 of 100 and of 120; events 120 to 179 of 80 and 80.
    assert (rows["CD3+"]["precision"], rows["CD3+"]["recall"], rows["CD3+"]["f1"]) == (1.0, 0.9, 360 / 380)
    assert rows["CD4+ T"]["f1"] == 200 / 220
    assert rows["CD8+ T"]["f1"] == 120 / 160
    assert (rows["CD4+ T / CD8+ T"]["ratio_a"], rows["CD4+ T / CD8+ T"]["ratio_b"]) == (1.25, 1.5)
    (told,) = quality
    assert (told["check"], told["value"], told["verdict"]) == ("automatic gates", 0.75, "pass")
    assert told["reason"] == "CD3+ 0.947, CD4+ T 0.909, CD8+ T 0.750, all events 1.000"


def test_exchanged_names_of_cd4_and_cd8_warn_beside_the_automatic_gates():
    exchanged = PERSON | {"CD4+ T": part("CD4+ T", "CD3+", 120, 200), "CD8+ T": part("CD8+ T", "CD3+", 0, 120)}
    _, (told,) = beside_automatic("a", exchanged, automatic())
    assert told["verdict"] == "warn"
    assert told["reason"].endswith(
        "; CD4+ T and CD8+ T hold more of each other's events than of their own: names exchanged?"
    )


def test_without_automatic_gates_it_is_told_why():
    table, quality = beside_automatic("a", PERSON, "no channel for CD3")
    assert table.is_empty()
    assert [(row["verdict"], row["value"], row["reason"]) for row in quality] == [
        ("pass", None, "not available: no channel for CD3")
    ]


def test_quality_names_the_file_of_the_gates_and_what_the_reader_found_odd():
    tube = SimpleNamespace(
        events=np.arange(300, dtype=np.float32)[:, None], channels=["CD3-A"], markers=[""], spill=None, keywords={},
        warnings=["the last event is cut"],
    )  # fmt: skip
    whole = part("all events", None, 0, 300)
    few = Gated(
        {"all events": whole, "CD3+": part("CD3+", "all events", 0, 49)}, [Channel("CD3-A")], np.ones(300, bool)
    )
    told = quality_of("a", tube, few, "gates.xml, SHA-256 0f", [])
    rows = [(row["check"], row["verdict"], row["reason"]) for row in told]
    assert rows[:2] == [
        ("input 1", "warn", "the last event is cut"),
        ("gates", "pass", "a person's, gates.xml, SHA-256 0f"),
    ]
    assert rows[-1] == ("events in CD3+", "fail", "below the limit of quantification")
    # nothing is taken out, which automatic gating would warn of, too
    assert {check: verdict for check, verdict, _ in rows}["compensation"] == "warn"


def test_a_share_that_changes_over_the_run_fails_but_not_that_of_a_gate_on_time():
    """All CD3+ come in the first half of 300 ticks; a gate on the clock holds none but the last third."""
    tube = SimpleNamespace(
        events=np.arange(300, dtype=np.float32)[:, None], channels=["Time"], markers=[""], spill=None, keywords={},
        warnings=[],
    )  # fmt: skip
    gates = {
        "all events": part("all events", None, 0, 300),
        "late": part("late", "all events", 200, 300),
        "CD3+": part("CD3+", "all events", 0, 150),
    }
    gated = Gated(gates, [Channel("Time")], np.ones(300, bool), ["late"])
    (row,) = [row for row in quality_of("a", tube, gated, "gates.xml", []) if row["check"] == "shares over time"]
    assert row["verdict"] == "fail"
    assert row["reason"].startswith("of CD3+ 0 to ") and "late" not in row["reason"]


def test_populations_of_a_file_bear_the_names_they_are_given(tmp_path):
    path = tmp_path / "gates.xml"
    path.write_text(
        '<gating:Gating-ML xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating" '
        'xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations" '
        'xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes">'
        '<gating:RectangleGate gating:id="Tcells"><gating:dimension gating:compensation-ref="uncompensated" '
        'gating:min="10"><data-type:fcs-dimension data-type:name="CD3-A"/></gating:dimension></gating:RectangleGate>'
        "</gating:Gating-ML>"
    )
    tube = SimpleNamespace(
        events=np.array([[5.0], [10.0], [20.0]], dtype=np.float32), channels=["CD3-A"], markers=[""], spill=None,
        keywords={},
    )  # fmt: skip
    found, channels, finite, on_time = read_populations(path, tube, "a.fcs", {"Tcells": "CD3+"})
    assert on_time == []
    assert channels == [Channel("CD3-A")]
    assert finite.all()
    assert {name: one.mask.tolist() for name, one in found.items()} == {
        "all events": [True, True, True],
        "CD3+": [False, True, True],
    }
    assert found["CD3+"].parent == "all events"


def test_cells_of_a_part_of_the_run_are_not_counted_by_the_volume_of_all_of_it():
    """Of 3,000 ticks and 100 µL a person gated 2,000: her cells are of some 67 µL, which nothing says."""
    places = np.arange(3000)
    tube = SimpleNamespace(
        events=places.astype(np.float32)[:, None], channels=["Time"], keywords={"$VOL": "100", "$CYT": "Aurora"}
    )
    steady = places < 2000
    populations = {
        "all events": Population("all events", None, np.ones(3000, dtype=bool)),
        "steady": Population("steady", "all events", steady),
        "CD3+": Population("CD3+", "steady", steady),
    }
    gated = Gated(populations, [Channel("Time")], np.ones(3000, dtype=bool), ["steady"])
    with pytest.raises(AnalysisError, match="the gate steady holds a part of the run") as caught:
        cells_to_count(tube, gated, {"beads_per_tube": None, "dilution": 2.0})
    assert "name the gate steady all events" in str(caught.value)
    assert cells_to_count(tube, gated, {"beads_per_tube": None, "dilution": None}) == ["steady", "CD3+"]
