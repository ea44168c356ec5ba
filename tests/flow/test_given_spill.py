from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.gated import Gating
from tilseq.flow.gating import gate
from tilseq.flow.given_spill import Respilled, check_given, with_spill
from tilseq.io.fcs import Spill

Simulate = Callable[..., Any]
STAINS = ["B1-A", "B2-A", "R1-A"]
MATRIX = [[1, 0.2, 0], [0, 1, 0.1], [0, 0, 1]]


def given(matrix: Any = MATRIX, channels: list[str] | None = None) -> Spill:
    return Spill(channels or STAINS, np.array(matrix, dtype=float), "spill.csv")


def whole(matrix: Any) -> Spill:
    """Return the matrix over every stain of the tube, of which the others spill nothing."""
    wide = np.eye(6)
    wide[:3, :3] = matrix
    return given(wide, [*STAINS, "R2-A", "V1-A", "V2-A"])


def spilled(simulate: Simulate, own: Any = None) -> Any:
    """Return a tube of which a fifth of CD3 lies in the detector of CD4, and a tenth of CD4 in that of CD8."""
    tube = simulate()
    places = [tube.channels.index(name) for name in STAINS]
    tube.events[:, places] = tube.events[:, places] @ np.array(MATRIX, dtype=np.float32)
    tube.spill = own
    return tube


def events(gating: Gating) -> dict[str, int]:
    return {name: one.events for name, one in gating.populations.items()}


def rows(gating: Gating) -> dict[str, dict[str, Any]]:
    return {row["check"]: row for row in gating.quality.iter_rows(named=True)}


@pytest.mark.parametrize("own", [None, given(np.eye(3)), given([[1, 0.9, 0], [0, 1, 0], [0.5, 0, 1]])])
def test_a_given_matrix_takes_the_place_of_the_files_own(simulate: Simulate, own: Spill | None) -> None:
    right = gate(spilled(simulate, whole(MATRIX)), sample="a")
    found = gate(with_spill(spilled(simulate, own), whole(MATRIX)), sample="a")
    assert events(found) == events(right)
    np.testing.assert_array_equal(found.values["CD4"], right.values["CD4"])
    told = rows(found)["compensation"]
    assert (told["verdict"], told["reason"]) == (
        "pass",
        "the spillover of spill.csv is taken out; its condition number",
    )
    assert "spillover given" not in rows(right)


def test_a_given_matrix_that_does_not_fit_warns_by_its_name(simulate: Simulate) -> None:
    too_much = [[1, 0.5, 0], [0, 1, 0.1], [0, 0, 1]]
    told = rows(gate(with_spill(spilled(simulate, given()), whole(too_much)), sample="a"))
    assert told["compensation"]["verdict"] == "warn"
    assert told["compensation"]["reason"].startswith("the spillover of spill.csv does not fit: it takes too much of ")
    assert told["spillover given"]["value"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("own", "value", "reason"),
    [
        (None, None, "that of spill.csv; the file holds none"),
        (given(), 0.0, "that of spill.csv in place of the file's own, which is the same"),
        (
            given([[1, 0.05, 0], [0, 1, 0.1], [0, 0, 1]]),
            0.15,
            "that of spill.csv in place of the file's own, which differs by 0.15 in what B1-A puts into B2-A",
        ),
        # the same matrix, its channels in another order
        (given([[1, 0, 0], [0.1, 1, 0], [0, 0.2, 1]], ["R1-A", "B2-A", "B1-A"]), 0.0, None),
        (
            given([[1, 0.2], [0.3, 1]], ["B1-A", "V1-A"]),
            0.3,
            "that of spill.csv in place of the file's own, which differs by 0.3 in what V1-A puts into B1-A; "
            "the file's own lacks B2-A, R1-A; it lacks V1-A",
        ),
    ],
)
def test_how_far_it_differs_from_the_files_own(own: Any, value: float | None, reason: str | None) -> None:
    row = check_given("a", Respilled(SimpleNamespace(spill=own), given()))
    assert (row["check"], row["verdict"]) == ("spillover given", "pass")
    assert row["value"] == (None if value is None else pytest.approx(value))
    assert reason is None or row["reason"] == reason


@pytest.mark.parametrize(
    ("channels", "spill", "message"),
    [
        (["Comp-B1-A", "Comp-B2-A", "Comp-R1-A"], given(), "found 'Comp-B1-A, Comp-B2-A, Comp-R1-A'; expected"),
        (["B1-A", "B2-A", "R1-A", "Comp-B1-A"], given(MATRIX, ["Comp-B1-A", "B2-A", "R1-A"]), "found 'Comp-B1-A'"),
        (STAINS, given(MATRIX, ["B1-A", "B2-A", "R2-A"]), "names a channel that .* once; found 'R2-A'; expected"),
        (STAINS, given([[1, 1, 0], [1, 1, 0], [0, 0, 1]]), "is singular or nearly so"),
        (STAINS, given([[1, np.nan, 0], [0, 1, 0], [0, 0, 1]]), "a value that is no finite number"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_out_is_refused_by_file(channels: list[str], spill: Spill, message: str) -> None:
    tube: Any = SimpleNamespace(channels=channels, keywords={})
    with pytest.raises(AnalysisError, match=f"^spill.csv: .*{message}"):
        with_spill(tube, spill)


@pytest.mark.parametrize("name", ["Time", "HDR-Time", "FSC-A", "FSC-Width", "SSC-B-A", "SSC", "FS INT", "fsc-h"])
def test_time_and_scatter_are_no_dyes(name: str) -> None:
    tube: Any = SimpleNamespace(channels=["B1-A", "B2-A", name], keywords={})
    message = f"^spill.csv, column {name}: a spillover matrix is of dyes, .*; delete the row and the column {name}$"
    with pytest.raises(AnalysisError, match=message):
        with_spill(tube, given(MATRIX, ["B1-A", "B2-A", name]))


def test_names_that_begin_like_scatter_are_dyes() -> None:
    names = ["FS-Blue 1", "SSCy5-A", "Timer-A"]
    accepted = with_spill(SimpleNamespace(channels=names, keywords={}), given(MATRIX, names))
    assert accepted.spill.channels == names


def test_a_tube_is_never_compensated_twice(simulate: Simulate) -> None:
    tube = simulate()
    tube.channels = [f"Comp-{name}" if name[0] in "BRV" else name for name in tube.channels]
    tube.spill = None
    with pytest.raises(AnalysisError, match="compensated already, and nothing is taken out of them twice"):
        gate(with_spill(tube, given()), sample="a")
    # The raw channels stand beside the compensated ones, which the panel names.
    tube.channels = [*tube.channels, *STAINS]
    tube.markers = [*tube.markers, "", "", ""]
    tube.events = np.column_stack([tube.events, tube.events[:, 3:6]])
    with pytest.raises(
        AnalysisError, match="compensated already, and nothing is taken out of them twice; found 'Comp-B1"
    ):
        gate(with_spill(tube, given()), sample="a")


def test_nothing_is_taken_out_of_transformed_values(simulate: Simulate) -> None:
    tube = simulate()
    tube.keywords = {"transformation": "custom"}
    with pytest.raises(AnalysisError, match="so a spillover cannot be taken out any more"):
        gate(with_spill(tube, given()), sample="a")
