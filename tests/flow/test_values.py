"""The values that gates look at, of tubes with values that no cytometer writes and matrices that do not fit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.panel import find_markers
from tilseq.flow.values import compensated_values

Simulate = Callable[..., Any]
STAINS = ["CD3", "CD4", "CD8", "CD19"]


@dataclass
class Found:
    values: dict[str, np.ndarray]
    finite: np.ndarray
    told: dict[str, tuple[str, str]] = field(default_factory=dict)


def values_of(tube: Any) -> Found:
    values, finite, quality = compensated_values(tube, "s1", find_markers(tube.channels, tube.markers), STAINS)
    return Found(values, finite, {row["check"]: (row["verdict"], row["reason"]) for row in quality})


@pytest.mark.parametrize("value", [1e19, -1e30, 3e38, np.inf, -np.inf, np.nan])
def test_a_value_that_no_cytometer_writes_leaves_its_event_out(simulate: Simulate, value: float) -> None:
    tube = simulate()
    sound = values_of(tube)
    tube.events[5, tube.channels.index("B1-A")] = value
    found = values_of(tube)
    assert np.isnan(found.values["CD3"][5])
    assert found.finite.tolist() == [event != 5 for event in range(len(tube.events))]
    np.testing.assert_array_equal(np.delete(found.values["CD3"], 5), np.delete(sound.values["CD3"], 5))
    assert tube.events[5, tube.channels.index("B1-A")] == np.float32(value) or np.isnan(value)


def test_the_largest_plausible_value_is_kept(simulate: Simulate) -> None:
    tube = simulate()
    tube.events[5, tube.channels.index("B1-A")] = 9.9e17
    assert values_of(tube).finite.all()


@pytest.mark.parametrize(("time", "kept"), [(1e30, False), (np.inf, False), (np.nan, True), (1e9, True)])
def test_a_time_that_no_clock_shows_leaves_its_event_out(simulate: Simulate, time: float, kept: bool) -> None:
    tube = simulate()
    tube.events[5, -1] = time
    assert values_of(tube).finite[5] == kept


def test_a_detector_that_saw_nothing_gets_no_spread_from_compensation(simulate: Simulate) -> None:
    tube = simulate()
    matrix = np.eye(6)
    matrix[0, 3] = 0.1  # of CD3 in the detector of CD19
    tube.spill = SimpleNamespace(channels=tube.channels[3:9], matrix=matrix)
    tube.events[:, tube.channels.index("R2-A")] = 7
    found = values_of(tube)
    assert "CD19" not in found.values
    assert found.told["channel of CD19"] == ("warn", "not available")
    tube.events[:, tube.channels.index("B2-A")] = 7
    with pytest.raises(AnalysisError, match="column B2-A: the channel of CD4 holds one value only; found 7.0"):
        values_of(tube)


def test_a_spillover_that_takes_out_too_much_is_told_with_its_pair(simulate: Simulate) -> None:
    tube = simulate()
    # nothing spills in these tubes: a fifth of CD4's light is taken out of CD8's detector that was never there
    matrix = np.eye(6)
    matrix[1, 2] = 0.2
    tube.spill = SimpleNamespace(channels=tube.channels[3:9], matrix=matrix)
    verdict, reason = values_of(tube).told["compensation"]
    assert verdict == "warn"
    assert reason.startswith("the file's spillover does not fit: it takes too much of B2-A out of R1-A, where the")
    assert reason.endswith("lie at -20 % of their light")
    matrix[1, 2] = 0.02
    assert values_of(tube).told["compensation"][0] == "pass"


def test_a_spillover_that_lacks_a_stain_is_told(simulate: Simulate) -> None:
    tube = simulate()
    matrix = np.eye(5)
    matrix[0, 4] = 0.01
    tube.spill = SimpleNamespace(channels=["B2-A", "R1-A", "V1-A", "V2-A", "R2-A"], matrix=matrix)
    reason = "the file's spillover lacks B1-A: gated as measured, with the light of other dyes"
    assert values_of(tube).told["compensation"] == ("warn", reason)
    whole = np.eye(6)
    whole[:5, :5] = matrix
    tube.spill = SimpleNamespace(channels=[*tube.spill.channels, "B1-A"], matrix=whole)
    assert values_of(tube).told["compensation"][0] == "pass"
