"""Gates of every kind applied to a few events by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.errors import AnalysisError
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
    RectangleGate,
)
from tilseq.io.gate_masks import masks
from tilseq.io.gate_tree import Tree

X, Y = Channel("X"), Channel("Y")
POINTS = [(0, 0), (1, 1), (3, 1), (1, 3), (5, 5), (np.nan, 1)]


def applied(*gates: Gate, keywords: dict[str, str] | None = None) -> dict[str, list[int]]:
    tube = SimpleNamespace(
        events=np.array(POINTS, dtype=np.float32), channels=["X", "Y"], spill=None, keywords=keywords or {}
    )
    found = masks(Tree(Path("gates.xml"), "s1", gates), tube)
    return {name: np.flatnonzero(mask).tolist() for name, mask in found.items()}


def test_shapes() -> None:
    square = ((-1.0, -1.0), (4.0, -1.0), (4.0, 2.0), (-1.0, 2.0))
    found = applied(
        RectangleGate("rectangle", None, (Range(X, 1, 5), Range(Y))),
        RectangleGate("outside", None, (Range(X, maximum=1),), outside=True),
        PolygonGate("polygon", None, X, Y, square),
        PolygonGate("hole", None, X, Y, square, outside=True),
        # Half axes of 2 and 1 about (1, 1); (3, 1) lies on the edge.
        EllipsoidGate("ellipse", None, (X, Y), (1, 1), ((4, 0), (0, 1)), 1),
    )
    # The last event is not finite and lies nowhere, not even outside.
    assert found == {
        "rectangle": [1, 2, 3],
        "outside": [1, 2, 3, 4],
        "polygon": [0, 1, 2],
        "hole": [3, 4],
        "ellipse": [1, 2],
    }


@pytest.mark.filterwarnings("error")
def test_an_ellipsoid_of_values_that_are_not_finite_warns_not() -> None:
    covariance = ((1e12, 0.0), (0.0, 1e-6))
    found = applied(
        EllipsoidGate("ellipse", None, (X, Channel("Y", scale=LOG10)), (1, 0), covariance, 1),
        # (x - 1)² / 1e12 + (y - 1)² / 1e-6 <= 1: y within a thousandth of 1.
        EllipsoidGate("thin", None, (X, Y), (1, 1), covariance, 1),
    )
    assert found == {"ellipse": [1, 2], "thin": [1, 2]}


def test_parents_operands_and_quadrants_in_any_order() -> None:
    refers = Operand("low", complement=True), Operand("upper")
    found = applied(
        BooleanGate("neither", "T", "and", refers),
        BooleanGate("either", None, "or", refers),
        RectangleGate("in", "low", (Range(X, 1),)),
        RectangleGate("upper", "T", (Range(Y, 3),)),
        QuadrantGate(
            "Q",
            None,
            (Divider(X, (2.0,)), Divider(Y, (2.0,))),
            (Quadrant("high", ((0, 2.0), (1, 3.0))), Quadrant("low", ((1, 0.0), (0, 1.9)))),
        ),
        RectangleGate("T", None, (Range(X, 1),)),
        BooleanGate("not", None, "not", refers[1:]),
    )
    assert found == {
        "neither": [3, 4],
        "either": [2, 3, 4],
        "in": [1],
        "upper": [3, 4],
        "high": [4],
        "low": [0, 1],
        "T": [1, 2, 3, 4],
        "not": [0, 1, 2],
    }


def test_transformed_values_are_refused() -> None:
    with pytest.raises(AnalysisError, match="gates.xml, column transformation: the tube's values are transformed"):
        applied(RectangleGate("T", None, (Range(X, 1),)), keywords={"TRANSFORMATION": "custom"})
