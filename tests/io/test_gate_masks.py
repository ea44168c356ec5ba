"""Gates of every kind applied to a few events by hand."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flowkit
import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.io.gate_masks import masks
from tilseq.io.gate_tree import Tree

GATES = flowkit.gates
X, Y = flowkit.Dimension("X"), flowkit.Dimension("Y")
POINTS = [(0, 0), (1, 1), (3, 1), (1, 3), (5, 5), (np.nan, 1)]


def applied(gates: dict[tuple[str, ...], Any], keywords: dict[str, str] | None = None) -> dict[str, list[int]]:
    tube = SimpleNamespace(
        events=np.array(POINTS, dtype=np.float32), channels=["X", "Y"], spill=None, keywords=keywords or {}
    )
    found = masks(Tree(Path("gates.xml"), "s1", gates, {}, {}), tube)
    return {"/".join(place): np.flatnonzero(mask).tolist() for place, mask in found.items()}


def test_shapes() -> None:
    square = [(-1, -1), (4, -1), (4, 2), (-1, 2)]
    found = applied(
        {
            ("rectangle",): GATES.RectangleGate("rectangle", [flowkit.Dimension("X", range_min=1, range_max=5)]),
            ("outside",): GATES.RectangleGate("outside", [flowkit.Dimension("X", range_max=1)], use_complement=True),
            ("polygon",): GATES.PolygonGate("polygon", [X, Y], square),
            ("hole",): GATES.PolygonGate("hole", [X, Y], square, use_complement=True),
            # Half axes of 2 and 1 about (1, 1); (3, 1) lies on the edge.
            ("ellipse",): GATES.EllipsoidGate("ellipse", [X, Y], [1, 1], [[4, 0], [0, 1]], 1),
        }
    )
    # The last event is not finite and lies nowhere, not even outside.
    assert found == {
        "rectangle": [1, 2, 3],
        "outside": [1, 2, 3, 4],
        "polygon": [0, 1, 2],
        "hole": [3, 4],
        "ellipse": [1, 2],
    }


def test_parents_operands_and_quadrants_in_any_order() -> None:
    dividers = [flowkit.QuadrantDivider(name, name, "uncompensated", [2]) for name in ("X", "Y")]
    quadrants = [
        GATES.Quadrant("high", ["X", "Y"], [(2, None), (2, None)]),
        GATES.Quadrant("low", ["X", "Y"], [(None, 2), (None, 2)]),
    ]
    right = GATES.RectangleGate("T", [flowkit.Dimension("X", range_min=1)])
    upper = GATES.RectangleGate("T", [flowkit.Dimension("Y", range_min=3)])
    refers = [
        {"ref": "low", "path": ("root", "Q"), "complement": True},
        {"ref": "T", "path": ("root", "T"), "complement": False},
    ]
    found = applied(
        {
            ("T", "neither"): GATES.BooleanGate("neither", "and", refers),
            ("either",): GATES.BooleanGate("either", "or", refers),
            ("Q", "low", "in"): right,
            ("T", "T"): upper,
            ("Q",): GATES.QuadrantGate("Q", dividers, quadrants),
            ("T",): right,
            ("not",): GATES.BooleanGate("not", "not", refers[1:]),
        }
    )
    assert found == {
        "T/neither": [3, 4],
        "either": [2, 3, 4],
        "Q/low/in": [1],
        "T/T": [3, 4],
        "Q/high": [4],
        "Q/low": [0, 1],
        "T": [1, 2, 3, 4],
        "not": [0, 1, 2],
    }


def test_transformed_values_are_refused() -> None:
    gates = {("T",): GATES.RectangleGate("T", [flowkit.Dimension("X", range_min=1)])}
    with pytest.raises(AnalysisError, match="gates.xml, column transformation: the tube's values are transformed"):
        applied(gates, {"TRANSFORMATION": "custom"})
