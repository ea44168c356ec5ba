from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilseq.flow.given_spill import with_spill
from tilseq.flow.manual_checks import check_tube, finite_events
from tilseq.flow.tree import Population
from tilseq.gates import Channel, Range, RectangleGate, Spectra
from tilseq.io.fcs import Spill
from tilseq.io.gate_masks import masks
from tilseq.io.gate_tree import Tree

STAINS = ["B1-A", "B2-A", "R1-A"]
MATRIX = np.array([[1, 0.2, 0], [0, 1, 0.1], [0, 0, 1]])
SPILL = Spill(STAINS, MATRIX, "$SPILLOVER")
SPECTRA = Spectra.of(STAINS, STAINS, MATRIX)


def rows(tube: Any, *channels: Channel, **populations: Any) -> dict[str, dict[str, Any]]:
    every = np.ones(len(tube.events), dtype=bool)
    masks = {"all events": every, **populations}
    gated = {name: Population(name, None, mask) for name, mask in masks.items()}
    return {row["check"]: row for row in check_tube("a", tube, channels, gated)}


def compensation(tube: Any, *channels: Channel) -> tuple[str, str]:
    row = rows(tube, *channels)["compensation"]
    return row["verdict"], row["reason"]


def test_gates_on_values_of_which_nothing_is_taken_out_warn(simulate: Any) -> None:
    tube = simulate()
    tube.spill = None
    reason = (
        "the file holds no spillover, and gates look at B1-A as measured: nothing is taken out, and dyes spill over"
    )
    assert compensation(tube, Channel("FSC-A"), Channel("B1-A")) == ("warn", reason)
    assert compensation(tube, Channel("B1-A", "FCS")) == ("warn", reason)
    tube.spill = SPILL
    assert compensation(tube, Channel("B1-A"), Channel("B2-A", "FCS")) == (
        "warn",
        "gates look at B1-A as measured: nothing is taken out, and dyes spill over",
    )


def test_what_gates_take_out_is_told(simulate: Any) -> None:
    tube = simulate()
    assert compensation(tube, Channel("B1-A")) == ("pass", "the file says that nothing spills over")
    assert compensation(tube, Channel("FSC-A"), Channel("Time")) == ("pass", "no gate is on a dye")
    tube.spill = Spill(["B1-A", "B2-A"], np.eye(2), "$SPILLOVER")
    assert compensation(tube, Channel("B1-A"), Channel("B2-A", "FCS"))[0] == "pass"
    assert compensation(tube, Channel("B1-A"), Channel("R1-A")) == (
        "warn",
        "gates look at R1-A as measured: nothing is taken out, and dyes spill over",
    )
    tube.spill = None
    assert compensation(tube, Channel("B1-A", SPECTRA)) == (
        "pass",
        "the matrix in the file of the gates is taken out",
    )
    tube.channels = [f"Comp-{name}" if name in STAINS else name for name in tube.channels]
    for name in ("Comp-B1-A", "B1-A"):
        assert compensation(tube, Channel(name)) == ("pass", "the file's channels are compensated already")


def test_a_spillover_that_does_not_fit_warns_as_it_does_for_automatic_gates(simulate: Any) -> None:
    tube = simulate()
    tube.spill = SPILL  # of dyes that do not spill
    verdict, reason = compensation(tube, *(Channel(name, "FCS") for name in STAINS))
    assert verdict == "warn"
    assert reason.startswith("the file's spillover does not fit: it takes too much of ")


def test_a_given_spillover_that_gates_do_not_use_warns(simulate: Any) -> None:
    tube = simulate()
    places = [tube.channels.index(name) for name in STAINS]
    tube.events[:, places] = tube.events[:, places] @ MATRIX.astype(np.float32)
    given = with_spill(tube, Spill(STAINS, MATRIX, "spill.csv"))
    told = rows(given, *(Channel(name, "FCS") for name in STAINS))
    assert told["compensation"]["reason"] == "the spillover of spill.csv is taken out; its condition number"
    assert told["spillover given"]["reason"].startswith("that of spill.csv in place of the file's own")
    assert compensation(given, Channel("B1-A", SPECTRA)) == (
        "pass",
        "the matrix in the file of the gates is taken out",
    )
    other = Spectra.of(STAINS, STAINS, MATRIX + np.diag([0.02, 0], k=1))
    assert compensation(given, Channel("B1-A", other)) == (
        "warn",
        "the matrix in the file of the gates is taken out; the spillover given is not used by them; "
        "it differs from the one given by 0.02 in what B1-A puts into B2-A",
    )


def test_a_matrix_of_the_gates_that_is_not_the_files_warns_and_tells_how_far_it_differs(simulate: Any) -> None:
    tube = simulate()
    tube.spill = SPILL
    off = MATRIX + np.array([[0, -0.05, 0], [0, 0, 0], [0, 0.001, 0]])
    channel = Channel("B1-A", Spectra.of(STAINS, STAINS, off))
    row = rows(tube, channel)["compensation"]
    assert (row["verdict"], row["value"]) == ("warn", pytest.approx(0.05))
    assert row["reason"] == (
        "the matrix in the file of the gates is taken out; it differs from the file's own by 0.05 in what B1-A puts "
        "into B2-A"
    )
    # Rows in another unit are the same spillover, and what a program loses when it writes a matrix is no difference.
    for alike in (MATRIX * [[100], [100], [1]], MATRIX + np.array([[0, 2e-5, 0], [0, 0, 0], [0, 0, 0]])):
        assert compensation(tube, Channel("B1-A", Spectra.of(STAINS, STAINS, alike)))[0] == "pass"
    # The file says that nothing spills over, the gates that something does.
    tube.spill = Spill(STAINS, np.eye(3), "$SPILLOVER")
    assert "by 0.2 in what B1-A puts into B2-A" in compensation(tube, Channel("B1-A", SPECTRA))[1]
    # More detectors than dyes: no spillover to compare.
    wide = Spectra.of(["d"], STAINS, [[1, 0.2, 0]])
    tube.spill = SPILL
    assert rows(tube, Channel("d", wide))["compensation"]["value"] is None


def test_the_run_and_the_detectors_are_looked_at(simulate: Any) -> None:
    tube = simulate()
    number = len(tube.events)
    late = np.arange(number) >= number * 3 // 4
    tube.events[late, tube.channels.index("B1-A")] += 20_000  # a fluidics fault that lasts a quarter of the run
    tube.events[:3, tube.channels.index("B2-A")] = np.nan
    told = rows(tube, Channel("B1-A"), Channel("B2-A"))
    assert list(told) == [
        *("compensation", "non-finite events", "flow rate", "signal over time", "drift over time"),
        *("events at the top of a detector", "events at the floor of a detector"),
    ]
    assert told["signal over time"]["verdict"] == "warn"
    assert "median of B1-A" in told["signal over time"]["reason"]
    assert (told["non-finite events"]["verdict"], told["non-finite events"]["value"]) == (
        "warn",
        pytest.approx(300 / number),
    )


def test_lymphocytes_at_the_top_of_a_detector_warn(simulate: Any) -> None:
    tube = simulate()
    place = tube.channels.index("B1-A")
    tube.events[:, place] = np.minimum(tube.events[:, place], 9000)
    t_cells = np.isin(tube.kinds, ["CD4+ T", "CD8+ T"])
    top = rows(tube, Channel("B1-A"), **{"CD3+": t_cells})["lymphocytes at the top of a detector"]
    share = 100 * np.mean(tube.events[t_cells, place] == 9000)
    assert (top["verdict"], top["value"]) == ("warn", pytest.approx(share))
    # what else lies there does no harm
    assert rows(tube, Channel("B1-A"))["events at the top of a detector"]["verdict"] == "pass"


def test_a_tube_without_a_finite_event_or_a_channel_of_the_gates_is_no_fault_of_the_checks() -> None:
    tube = SimpleNamespace(
        events=np.full((3, 1), np.nan, np.float32), channels=["B1-A"], markers=[""], spill=None, keywords={}
    )
    told = rows(tube, Channel("B1-A"), Channel("B9-A"))
    assert told["non-finite events"]["verdict"] == "fail"


def test_a_matrix_of_another_panel_warns(simulate: Any) -> None:
    tube = simulate()
    tube.spill = SPILL
    fewer = Spectra.of(STAINS[1:], STAINS[1:], MATRIX[1:, 1:])
    assert compensation(tube, Channel("B2-A", fewer)) == (
        "warn",
        "the matrix in the file of the gates is taken out; it lacks B1-A, whose light stays in the others: is it of "
        "another panel?",
    )
    assert compensation(tube, Channel("B2-A", SPECTRA))[0] == "pass"


@pytest.mark.parametrize(
    ("lost", "channel", "kept"),
    [
        ("B1-A", Channel("B1-A"), False),
        ("R1-A", Channel("B1-A"), True),  # the gate takes nothing out
        ("R1-A", Channel("B1-A", "FCS"), False),
        ("R1-A", Channel("B1-A", SPECTRA), False),
        ("V1-A", Channel("B1-A", SPECTRA), True),  # its matrix does not hold it
        ("Time", Channel("Time"), False),
        ("Time", Channel("B1-A"), True),
    ],
)
def test_an_event_without_a_number_in_what_is_taken_out_lies_in_no_gate(
    simulate: Any, lost: str, channel: Channel, kept: bool
) -> None:
    tube = simulate()
    tube.spill = SPILL
    tube.events[3, tube.channels.index(lost)] = np.nan
    finite = finite_events(tube, [channel])
    assert finite[3] == kept and np.delete(finite, 3).all()
    # what the gates themselves do
    gate = RectangleGate("all of it", None, (Range(channel, minimum=-1e30),))
    (inside,) = masks(Tree(Path("gates.xml"), "a", [gate]), tube).values()
    assert inside[3] == kept
