"""Gates as data."""

from dataclasses import replace

import numpy as np
import pytest

from tilseq.gates import (
    BooleanGate,
    Channel,
    Divider,
    Operand,
    Quadrant,
    QuadrantGate,
    Range,
    RectangleGate,
    Spectra,
    channels_of,
    needs_of,
    parents_of,
    populations_of,
    spectra_fault,
)

X, Y = Channel("X"), Channel("Y", "FCS")
DIVIDERS = Divider(X, (2.0, 5.0)), Divider(Y, (1.0,))
QUADRANTS = Quadrant("a", ((0, 1.9), (1, 1.0))), Quadrant("b", ((0, 2.0),)), Quadrant("c", ((1, 0.0), (0, 9.0)))
GATE = QuadrantGate("q", "T", DIVIDERS, QUADRANTS)


def test_a_divider_belongs_to_what_is_above_it() -> None:
    assert [GATE.ranges(one) for one in QUADRANTS] == [
        [Range(X, None, 2.0), Range(Y, 1.0, None)],
        [Range(X, 2.0, 5.0)],
        [Range(Y, None, 1.0), Range(X, 5.0, None)],
    ]


def test_quadrants_are_populations_of_their_gates_parent() -> None:
    gates = [GATE, RectangleGate("T", None, (Range(X, 1.0),)), BooleanGate("n", "b", "not", (Operand("c"),))]
    assert list(parents_of(gates).items()) == [("a", "T"), ("b", "T"), ("c", "T"), ("T", None), ("n", "b")]
    assert needs_of(gates) == {"q": ["T"], "a": ["q"], "b": ["q"], "c": ["q"], "T": [], "n": ["c", "b"]}
    assert [channels_of(gate) for gate in gates] == [[X, Y], [X], []]


def test_a_helper_is_no_population_and_hands_its_parent_on() -> None:
    ranges = (Range(X, 1.0),)
    helper = RectangleGate("h", "T", ranges, helper=True)
    gates = [RectangleGate("T", None, ranges), helper, replace(helper, name="i", parent="h")]
    gates.append(RectangleGate("a", "i", ranges))
    assert populations_of(gates) == {"T": None, "a": "T"}
    assert parents_of(gates) == {"T": None, "h": "T", "i": "h", "a": "i"}


def test_spectra_of_an_array() -> None:
    assert Spectra.of(["D"], ["A", "B"], [[1, 0.5]]) == Spectra(("D",), ("A", "B"), ((1.0, 0.5),))


@pytest.mark.parametrize(
    ("dyes", "detectors", "matrix", "fault"),
    [
        ("AB", "AB", [[1, 0.1], [0.2, 1]], None),
        ("A", "AB", [[1, 0.1]], None),
        ("AB", "A", [[1], [0.2]], "a matrix that is singular or nearly so"),
        ("AB", "AB", [[1, 1], [1, 1]], "a matrix that is singular or nearly so"),
        ("AB", "ABC", [[1, 0.1], [0.2, 1]], "2 × 2 values for 2 dyes and 3 detectors"),
        ("AB", "AB", [[1, 0.1]], "1 × 2 values for 2 dyes and 2 detectors"),
        ("AA", "AB", [[1, 0.1], [0.2, 1]], "a channel that stands twice"),
        ("AB", "AB", [[1, np.inf], [0.2, 1]], "a value that is no finite number"),
    ],
)
def test_matrices_that_cannot_be_taken_out(dyes: str, detectors: str, matrix: list, fault: str | None) -> None:
    found = spectra_fault(Spectra.of(dyes, detectors, matrix))
    assert found is None if fault is None else found.startswith(fault)
