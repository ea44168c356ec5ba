"""Cells that a person gated in a part of the run, beside beads or a volume of all of it."""

from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.part_of_run import refuse_other_part, refuse_root_off_time
from tilseq.flow.tree import Population

EVENTS = 10_000
TICKS = np.arange(EVENTS)


def tube(channels=("Time",)):
    return SimpleNamespace(events=TICKS.astype(np.float32)[:, None], channels=list(channels))


def populations(steady, *, beads_within=None):
    """T cells are every second event of the steady run, beads every tenth."""
    every = np.ones(EVENTS, dtype=bool)
    beads = (TICKS % 10 == 5) & (steady if beads_within else every)
    return {
        "all events": Population("all events", None, every),
        "steady": Population("steady", "all events", steady),
        "CD3+": Population("CD3+", "steady", steady & (TICKS % 2 == 0)),
        "beads": Population("beads", beads_within or "all events", beads),
    }


def refusal(check, *arguments, **more):
    """Return what a check says where it refuses, else None."""
    try:
        check(*arguments, **more)
    except AnalysisError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("by_beads", "of"), [(True, "that of beads"), (False, "that in which the volume was taken")])
def test_cells_of_a_part_of_the_run_are_not_counted_by_what_is_of_all_of_it(by_beads, of):
    with pytest.raises(AnalysisError, match=f"the gate steady holds a part of the run, which is not {of}; found 'CD3"):
        refuse_other_part(tube(), populations(TICKS >= 3000), ["steady"], ["CD3+"], by_beads=by_beads)


def test_a_gap_in_the_run_is_a_part_left_out():
    gap = (TICKS < 4000) | (TICKS >= 5000)
    with pytest.raises(AnalysisError, match="the gate steady holds a part of the run"):
        refuse_other_part(tube(), populations(gap), ["steady"], ["CD3+"], by_beads=False)


def test_beads_alone_in_a_part_of_the_run_are_not_counted_by():
    found = populations(TICKS >= 3000, beads_within="steady")
    found["CD3+"] = Population("CD3+", "all events", TICKS % 2 == 0)
    with pytest.raises(AnalysisError, match="the gate steady holds a part of the run, which is not that of beads"):
        refuse_other_part(tube(), found, ["steady"], ["CD3+"], by_beads=True)


@pytest.mark.parametrize(
    ("steady", "on_time", "beads_within", "channels"),
    [
        (TICKS >= 3000, ["steady"], "steady", ["Time"]),  # beads are of the same part
        (TICKS >= 3000, [], None, ["Time"]),  # the gate is on another channel
        (TICKS % 3 > 0, ["steady"], None, ["Time"]),  # on Time and side scatter: all of the run, not all events
        (TICKS % 400 == 0, ["steady"], None, ["Time"]),  # so few that a stretch without one is chance
        (TICKS >= 50, ["steady"], None, ["Time"]),  # half a per cent of it
        (TICKS >= 3000, ["steady"], None, ["FSC-A"]),  # without a clock nothing can be told
    ],
)
def test_cells_of_the_same_run_are_counted(steady, on_time, beads_within, channels):
    found = populations(steady, beads_within=beads_within)
    assert refusal(refuse_other_part, tube(channels), found, on_time, ["CD3+"], by_beads=True) is None


def test_a_part_that_is_all_events_holds_beads_and_volume_alike():
    found = populations(TICKS >= 3000)
    assert refusal(refuse_other_part, tube(), found, ["all events"], ["beads"], by_beads=False) is None


def test_a_volume_is_not_scaled_by_a_gate_on_something_else_than_time():
    finite = TICKS > 0
    debris_out = {"all events": Population("all events", None, finite & (TICKS % 2 == 0))}
    with pytest.raises(AnalysisError, match="the gate all events is not on Time, .* found '4999 of 9999 events'"):
        refuse_root_off_time(debris_out, [], finite)
    assert refusal(refuse_root_off_time, debris_out, ["all events"], finite) is None
    assert refusal(refuse_root_off_time, {"all events": Population("all events", None, finite)}, [], finite) is None
