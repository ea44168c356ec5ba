"""What the dimensions of gates look at: bound by name, and compensated once, as the file says."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.gates import LOG10, Channel, Ratio, Spectra
from tilseq.io.gate_columns import Columns
from tilseq.io.gate_tree import Tree

# 100 of dye A and 50 of dye B, with 10 % of A in B's detector and 20 % of B in A's.
SPILL = np.array([[1, 0.1], [0.2, 1]])
MEASURED = {"A": 110.0, "B": 60.0}


def tube(*channels: str, spill: Any = None, keywords: dict[str, str] | None = None, values: Any = None) -> Any:
    events = np.array([values or [MEASURED.get(name.removeprefix("Comp-"), 7.0) for name in channels]], np.float32)
    return SimpleNamespace(events=events, channels=list(channels), spill=spill, keywords=keywords or {})


M = Spectra.of("AB", "AB", SPILL)


def tree(**parts: Any) -> Tree:
    return Tree(Path("gates.xml"), "s1", [], **parts)


def value(read: Tree, measured: Any, asked: Channel | Ratio) -> float:
    return float(Columns(read, measured).of(asked, "CD4 T")[0])


def test_each_dimension_is_compensated_as_it_says_for_itself() -> None:
    columns = Columns(tree(), tube("B", "A", "FSC-A"))
    found = [float(columns.of(Channel(*asked), "T")[0]) for asked in (("A", M), ("A",), ("B", M), ("FSC-A", M))]
    assert found == pytest.approx([100, 110, 50, 7])


def test_the_matrix_is_bound_by_name_not_by_place() -> None:
    turned = Spectra.of("BA", "BA", SPILL[::-1, ::-1])
    for order in (("A", "B"), ("B", "FSC-A", "A")):
        assert value(tree(), tube(*order), Channel("A", turned)) == pytest.approx(100)


def test_dyes_have_names_of_their_own() -> None:
    named = Spectra.of(["FITC", "PE"], ["A", "B"], SPILL)
    assert value(tree(), tube("A", "B"), Channel("PE", named)) == pytest.approx(50)
    assert value(tree(), tube("A", "B"), Channel("B", named)) == pytest.approx(50)


def test_more_detectors_than_dyes_take_least_squares() -> None:
    spectra = np.array([[1, 0.5, 0.1], [0, 0.5, 1]])
    measured = tube("A", "B", "C", values=(np.array([30.0, 8.0]) @ spectra).tolist())
    unmixed = Spectra.of("DE", "ABC", spectra)
    assert value(tree(), measured, Channel("D", unmixed)) == pytest.approx(30)
    with pytest.raises(AnalysisError, match="is on a detector of which the matrix does not say what dye it is"):
        value(tree(), measured, Channel("A", unmixed))


def test_the_tubes_own_spillover() -> None:
    own = SimpleNamespace(channels=["B", "A"], matrix=SPILL[::-1, ::-1])
    assert value(tree(), tube("A", "B", spill=own), Channel("A", "FCS")) == pytest.approx(100)
    assert value(tree(), tube("A", "B", "FSC-A", spill=own), Channel("FSC-A", "FCS")) == 7
    assert value(tree(), tube("A", "B"), Channel("A", "FCS")) == 110  # GatingML 2.0: no spillover, no compensation
    singular = SimpleNamespace(channels=["A", "B"], matrix=np.ones((2, 2)))
    with pytest.raises(AnalysisError, match="tube's own spillover, which cannot be done; found 'a matrix that is sing"):
        value(tree(), tube("A", "B", spill=singular), Channel("A", "FCS"))
    percent = SimpleNamespace(channels=["A", "B"], matrix=np.array([[100, 10], [20, 100]]))
    with pytest.raises(AnalysisError, match="own spillover, which is in percent; found '100 all along the diagonal'"):
        value(tree(), tube("A", "B", spill=percent), Channel("A", "FCS"))


def test_a_tube_compensated_already_is_not_compensated_twice() -> None:
    own = SimpleNamespace(channels=["Comp-A", "Comp-B"], matrix=SPILL)
    for asked in (("A", M), ("Comp-A", M), ("Comp-A", "FCS"), ("A", "FCS"), ("Comp-A",)):
        assert value(tree(), tube("Comp-A", "Comp-B", spill=own), Channel(*asked)) == 110, asked
    assert value(tree(), tube("<A>", "<B>", values=[1.0, 2.0]), Channel("A", M)) == 1
    # With both in the tube, the measured one is compensated.
    both = tube("Comp-A", "A", "B", values=[3.0, 110.0, 60.0])
    assert value(tree(), both, Channel("A", M)) == pytest.approx(100)


def test_a_ratio_is_compensated_and_then_scaled() -> None:
    assert value(tree(), tube("A", "B"), Ratio("A", "B", 2.0, 10.0, 5.0)) == pytest.approx(2 * 100 / 55)
    assert value(tree(), tube("A", "B"), Ratio("A", "B", 2.0, 10.0, 5.0, M)) == pytest.approx(2 * 90 / 45)
    assert value(tree(), tube("A", "B"), Ratio("A", "B", 2.0, 10.0, 5.0, M, LOG10)) == pytest.approx(np.log10(4))


def test_time_is_in_the_files_unit() -> None:
    ticks = tube("Time", values=[200.0], keywords={"$TIMESTEP": "0.01"})
    assert value(tree(), ticks, Channel("Time")) == pytest.approx(2)
    assert value(tree(time_step=0.02), ticks, Channel("Time")) == pytest.approx(4)
    for unsound in ("", "nan", "0", "ms"):
        ticks = tube("Time", values=[200.0], keywords={"$TIMESTEP": unsound})
        assert value(tree(), ticks, Channel("Time")) == 200
    assert value(tree(), tube("TIME", values=[200.0]), Channel("TIME")) == 200


def test_flowjo_writes_no_slashes() -> None:
    assert value(tree(underscores=True), tube("A/W"), Channel("A_W")) == 7
    with pytest.raises(AnalysisError, match="found 'A_W'"):
        value(tree(), tube("A/W"), Channel("A_W"))


def test_a_channel_that_is_not_there_once_is_told_with_gate_and_sample() -> None:
    with pytest.raises(AnalysisError) as caught:
        value(tree(), tube("PE-A", "FSC-A"), Channel("PE-B"))
    assert str(caught.value) == (
        "gates.xml: gate CD4 T of sample s1 is on a channel that the tube does not have exactly once; "
        "found 'PE-B'; expected one of PE-A, FSC-A; did you mean 'PE-A'?"
    )
    with pytest.raises(AnalysisError, match="expected a name that one channel bears"):
        value(tree(), tube("A", "A"), Channel("A"))
    with pytest.raises(AnalysisError, match="found 'B'"):  # a detector of the matrix
        value(tree(), tube("A"), Channel("A", M))
    # A marker's name is no channel's.
    with pytest.raises(AnalysisError, match="found 'CD3'"):
        value(tree(), tube("A"), Channel("CD3"))
