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


def test_a_last_digit_tells_two_events_apart(simulate: Simulate) -> None:
    tube = twice(simulate({"CD4+ T": 100}), slice(None))
    tube.events[:100, 0] = np.nextafter(tube.events[:100, 0], np.float32(np.inf))
    assert check_repeats("a", tube) == []


def test_copies_under_a_persons_gates_are_refused_too(simulate: Simulate) -> None:
    tube = twice(simulate(), slice(None))
    every = {"all events": Population("all events", None, np.ones(len(tube.events), dtype=bool))}
    with pytest.raises(AnalysisError, match="more than once"):
        check_tube("a", tube, [Channel("FSC-A")], every)


def test_real_tubes_hold_each_event_once(shared_data: Path) -> None:
    for name in ("itn/itn_01.fcs", "itn/itn_08.fcs", "pbmc_spectral_unmixed.fcs", "flowsom_68983/68983.fcs"):
        assert check_repeats("a", read_fcs(shared_data / "flow" / name)) == []
