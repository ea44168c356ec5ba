"""Gating of tubes with a spillover, given, taken out already, or neither."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow import count, gate

Simulate = Callable[..., Any]
STAINS = ["B1-A", "B2-A", "R1-A", "R2-A", "V1-A", "V2-A"]


def numbers(gating: Any) -> dict[str, int]:
    return {name: population.events for name, population in gating.populations.items()}


def changed(tube: Any, **parts: Any) -> Any:
    return SimpleNamespace(**{**vars(tube), **parts})


def test_spill_is_taken_out_once(simulate: Simulate) -> None:
    tube = simulate()
    names = STAINS
    matrix = np.eye(6) + 0.25 * np.eye(6, k=1) + 0.1 * np.eye(6, k=-1)
    places = [tube.channels.index(name) for name in names]
    spilt = tube.events.copy()
    spilt[:, places] = tube.events[:, places] @ matrix
    spill = SimpleNamespace(channels=names, matrix=matrix)
    with_spill = gate(changed(tube, events=spilt, spill=spill), sample="s1")
    assert numbers(with_spill) == numbers(gate(tube, sample="s1"))
    check = with_spill.quality.row(by_predicate=pl.col("check") == "compensation", named=True)
    assert check["value"] == pytest.approx(np.linalg.cond(matrix))
    compensated = [f"Comp-{name}" if name in names else name for name in tube.channels]
    never_twice = gate(changed(tube, channels=compensated, spill=spill), sample="s1")
    assert numbers(never_twice) == numbers(gate(tube, sample="s1"))


@pytest.mark.parametrize(
    ("spill", "channels", "verdict", "reason"),
    [
        (
            None,
            {},
            "warn",
            "the file holds no spillover and nothing tells that it was taken out; if the cytometer did, give an "
            "identity matrix as spillover",
        ),
        (SimpleNamespace(channels=STAINS, matrix=np.eye(6)), {}, "pass", "the file says that nothing spills over"),
        (
            SimpleNamespace(channels=["B1-A", "B2-A"], matrix=np.eye(2)),
            {},
            "warn",
            "the file says that nothing spills over, and lacks R1-A, R2-A, V1-A, V2-A: gated as measured",
        ),
        (
            None,
            {f"{c}-A": f"Comp-{c}-A" for c in ("B1", "B2", "R1", "R2", "V1", "V2")},
            "pass",
            "the file's channels are compensated already",
        ),
    ],
    ids=["nothing", "identity", "identity of two", "compensated"],
)
def test_a_tube_that_nothing_says_was_compensated_is_told(
    simulate: Simulate, spill: Any, channels: dict[str, str], verdict: str, reason: str
) -> None:
    tube = simulate()
    names = [channels.get(name, name) for name in tube.channels]
    gating = gate(changed(tube, spill=spill, channels=names), sample="s1")
    check = gating.quality.row(by_predicate=pl.col("check") == "compensation", named=True)
    assert check["verdict"] == verdict
    assert check["reason"].startswith(reason)
    assert set(count(gating)["verdict"]) == {verdict}


def spilt(tube: Any, **parts: Any) -> Any:
    """Return the tube with a quarter of CD3 in CD4's detector and the matrix that says so."""
    events = tube.events.copy()
    events[:, 4] += 0.25 * events[:, 3]
    spill = SimpleNamespace(channels=["B1-A", "B2-A"], matrix=np.array([[1, 0.25], [0, 1]]))
    return changed(tube, **{"events": events, "spill": spill} | parts)


def test_a_compensated_channel_that_is_not_used_changes_nothing(simulate: Simulate) -> None:
    tube = spilt(simulate())
    for extra in ("Comp-FSC-A", "Comp-Z-A"):
        more = changed(
            tube,
            events=np.column_stack([tube.events, tube.events[:, 0]]),
            channels=[*tube.channels, extra],
            markers=[*tube.markers, ""],
        )
        assert numbers(gate(more, sample="s1")) == numbers(gate(simulate(), sample="s1"))


def test_raw_and_compensated_stains_together_are_refused(simulate: Simulate) -> None:
    names = ["Comp-B1-A" if name == "B1-A" else name for name in simulate().channels]
    with pytest.raises(AnalysisError, match="gate Comp-B1-A are compensated and B2-A, R1-A, R2-A, V1-A, V2-A are not"):
        gate(changed(simulate(), channels=names), sample="s1")


def test_a_spillover_beside_values_that_look_transformed_is_told(simulate: Simulate) -> None:
    tube = simulate()
    events = tube.events.copy()
    events[:, 3:9] = np.arcsinh(events[:, 3:9] / 150)
    spill = SimpleNamespace(channels=["B1-A", "B2-A"], matrix=np.array([[1, 0.01], [0, 1]]))
    keywords = {f"$P{number}R": "262144" for number in range(1, 11)}
    gating = gate(changed(tube, events=events, spill=spill, keywords=keywords), sample="s1")
    check = gating.quality.row(by_predicate=pl.col("check") == "compensation", named=True)
    assert check["verdict"] == "fail"
    assert check["reason"].startswith("the stains' values look transformed")


def test_transformed_values_are_not_compensated(simulate: Simulate) -> None:
    tube = simulate()
    spill = SimpleNamespace(channels=["B1-A", "B2-A"], matrix=np.array([[1, 0.1], [0.1, 1]]))
    with pytest.raises(AnalysisError, match="export linear values"):
        gate(changed(tube, spill=spill, keywords={"transformation": "custom"}), sample="s1")
