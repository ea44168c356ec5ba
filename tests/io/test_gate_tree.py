"""A tree of gates."""

import numpy as np
import pytest

from tilseq.gates import Spectra
from tilseq.io.gate_tree import spectra_fault


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
