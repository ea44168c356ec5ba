"""Files that hold events more than once."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.flow.fcs_files import build, parts_of, simulated
from tilseq.errors import AnalysisError
from tilseq.flow.gating import gate
from tilseq.flow.manual_checks import check_tube
from tilseq.flow.repeats import check_repeats
from tilseq.flow.tree import Population
from tilseq.gates import Channel
from tilseq.io.fcs import read_fcs

Simulate = Callable[..., Any]


def twice(tube: Any, places: slice) -> Any:
    """Return a tube whose events of some places stand behind the others once more."""
    return SimpleNamespace(**{**vars(tube), "events": np.concatenate([tube.events, tube.events[places]])})


def test_a_file_that_holds_every_event_twice_is_refused(tmp_path: Path) -> None:
    """DATA of 3,000 events stands in it once more."""
    parts = parts_of(simulated(tmp_path / "once.fcs", "tbnk"))
    joined = tmp_path / "twice.fcs"
    joined.write_bytes(build(parts, {"$TOT": 6000}, data=parts.data * 2))
    with pytest.raises(AnalysisError, match="stand in the file more than once; found '3000 of 6000 "):
        gate(read_fcs(joined), sample="a")
    assert gate(read_fcs(tmp_path / "once.fcs"), sample="a").populations["all events"].events > 2900


def test_the_clock_and_what_joining_adds_do_not_tell_copies_apart(simulate: Simulate) -> None:
    tube = twice(simulate(), slice(None))
    number = len(tube.events)
    added = np.column_stack([np.arange(number), np.arange(number) // (number // 2)]).astype(np.float32)
    tube.events[:, tube.channels.index("Time")] = np.arange(number)
    tube.events = np.column_stack([tube.events, added])
    tube.channels, tube.markers = [*tube.channels, "Event #", "SampleID"], [*tube.markers, "", ""]
    with pytest.raises(AnalysisError, match="more than once"):
        check_repeats("a", tube)


def test_some_copies_warn_and_a_tenth_is_refused(simulate: Simulate) -> None:
    """Of 100 events more, 1, 2 and 12."""
    tube = simulate({"CD4+ T": 100})
    assert check_repeats("a", tube) == []
    assert check_repeats("a", twice(tube, slice(0, 1))) == []
    (row,) = check_repeats("a", twice(tube, slice(0, 2)))
    assert (row["check"], row["verdict"]) == ("repeated events", "warn")
    assert row["value"] == pytest.approx(100 * 2 / 102)
    with pytest.raises(AnalysisError, match="12 of 112"):
        check_repeats("a", twice(tube, slice(0, 12)))


@pytest.mark.parametrize(("copies", "told"), [(600, None), (2_000, 2.0), (30_000, "30000 of 100000")])
@pytest.mark.parametrize("first", ["spread", "one value"])
def test_of_many_events_some_are_looked_at_first(copies: int, told: float | str | None, first: str) -> None:
    events = np.random.default_rng(4).normal(1e4, 3e3, (100_000, 6)).astype(np.float32)
    if first == "one value":
        events[:, 0] = 7
    events[-copies:] = events[:copies]
    tube: Any = SimpleNamespace(events=events, channels=[f"D{number}-A" for number in range(6)])
    if isinstance(told, str):
        with pytest.raises(AnalysisError, match=told):
            check_repeats("a", tube)
    else:
        assert [row["value"] for row in check_repeats("a", tube)] == ([] if told is None else [told])


def test_a_last_digit_tells_two_events_apart(simulate: Simulate) -> None:
    tube = twice(simulate({"CD4+ T": 100}), slice(None))
    tube.events[:100, 0] = np.nextafter(tube.events[:100, 0], np.float32(np.inf))
    assert check_repeats("a", tube) == []


def test_cells_at_the_ends_of_their_detectors_are_alike_by_chance() -> None:
    """On a scale of 1,024 steps: 1,500 counting beads that fill all four stains, 4,000 of debris that has none."""
    rng = np.random.default_rng(20)
    middle, spread = [430, 200, 600, 300, 500, 200], [45, 40, 40, 45, 40, 45]
    cells = rng.normal(middle, spread, (6000, 6))
    beads = np.column_stack([rng.normal([120, 300], [10, 12], (1500, 2)), np.full((1500, 4), 2000)])
    debris = np.column_stack([rng.normal([60, 40], [6, 8], (4000, 2)), np.full((4000, 4), -20)])
    events = np.clip(np.rint(np.concatenate([cells, beads, debris])), 0, 1023).astype(np.float32)
    tube: Any = SimpleNamespace(events=events, channels=["FSC-H", "SSC-H", "FL1-H", "FL2-H", "FL3-H", "FL4-H"])
    assert len(np.unique(events, axis=0)) < 0.7 * len(events)
    assert check_repeats("a", tube) == []
    with pytest.raises(AnalysisError, match="6000 of 12000"):
        check_repeats("a", twice(tube, slice(None)))


def test_events_of_which_nothing_was_measured_are_no_copies() -> None:
    tube: Any = SimpleNamespace(events=np.ones((50, 2), dtype=np.float32), channels=["FSC-A", "SSC-A"])
    assert check_repeats("a", tube) == []


def test_copies_under_a_persons_gates_are_refused_too(simulate: Simulate) -> None:
    tube = twice(simulate(), slice(None))
    every = {"all events": Population("all events", None, np.ones(len(tube.events), dtype=bool))}
    with pytest.raises(AnalysisError, match="more than once"):
        check_tube("a", tube, [Channel("FSC-A")], every)


def test_real_tubes_hold_each_event_once(shared_data: Path) -> None:
    for name in (
        "itn/itn_01.fcs",
        "itn/itn_08.fcs",
        "pbmc_spectral_unmixed.fcs",
        "flowsom_68983/68983.fcs",
        "odd/Sample_Well_A02.fcs",
    ):
        assert check_repeats("a", read_fcs(shared_data / "flow" / name)) == []
