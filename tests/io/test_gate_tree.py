"""A tree of gates."""

from pathlib import Path

import flowkit
import numpy as np
import pytest

from tilseq.io.gate_tree import Spectra, Tree, places, spectra_fault


def test_quadrants_are_populations_of_their_gates_parent() -> None:
    divider = flowkit.QuadrantDivider("d", "X", "uncompensated", [2])
    quadrants = [flowkit.gates.Quadrant(name, ["d"], [(None, 2)]) for name in ("low", "lower")]
    rectangle = flowkit.gates.RectangleGate("T", [flowkit.Dimension("X", range_min=1)])
    gates = {("T",): rectangle, ("T", "Q"): flowkit.gates.QuadrantGate("Q", [divider], quadrants)}
    tree = Tree(Path("gates.xml"), "s1", gates, {}, {})
    assert places(tree) == {("T",): (), ("T", "Q", "low"): ("T",), ("T", "Q", "lower"): ("T",)}


@pytest.mark.parametrize(
    ("dyes", "detectors", "matrix", "fault"),
    [
        ("AB", "AB", [[1, 0.1], [0.2, 1]], None),
        ("A", "AB", [[1, 0.1]], None),
        ("AB", "A", [[1], [0.2]], "a matrix that is singular or nearly so"),
        ("AB", "AB", [[1, 1], [1, 1]], "a matrix that is singular or nearly so"),
        ("AB", "ABC", [[1, 0.1], [0.2, 1]], "2 × 2 values for 2 dyes and 3 detectors"),
        ("AA", "AB", [[1, 0.1], [0.2, 1]], "a channel that stands twice"),
        ("AB", "AB", [[1, np.inf], [0.2, 1]], "a value that is no finite number"),
    ],
)
def test_matrices_that_cannot_be_taken_out(dyes: str, detectors: str, matrix: list, fault: str | None) -> None:
    found = spectra_fault(Spectra(list(dyes), list(detectors), np.array(matrix, dtype=float)))
    assert found is None if fault is None else found.startswith(fault)
