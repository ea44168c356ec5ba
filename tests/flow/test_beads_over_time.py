"""Beads against cells over the run; the expected shares and ratios are by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.flow.absolute import AbsoluteCount
from tilseq.flow.beads_over_time import hold_over_time

COUNTED = {
    name: AbsoluteCount(value, 0.9 * value, 1.1 * value, "counting beads", {}, "quantified", None)
    for name, value in {"lymphocytes": 2_000.0, "CD3+": 1_000.0}.items()
}
BEADS = np.tile([True, False, False], 1_000)  # one bead to two cells, one event a tick


def held(kept, *, ticks=None, channels=("Time",), order=None):
    """Hold beads against cells of which some events are kept, each at its tick."""
    kept = np.flatnonzero(kept)
    kept = kept if order is None else kept[order]
    ticks = np.arange(len(BEADS), dtype=np.float32) if ticks is None else ticks
    tube = SimpleNamespace(events=ticks[kept][:, None], channels=list(channels))
    found, (row,) = hold_over_time("a", COUNTED, tube, BEADS[kept], ("lymphocytes", ~BEADS[kept]))
    assert (row["sample"], row["check"]) == ("a", "beads over time")
    return found, row


def without_beads(start, end):
    """Return the events of a run that lost its beads from one tick to another."""
    place = np.arange(len(BEADS))
    return ~(BEADS & (place >= start) & (place < end))


def test_beads_as_even_as_cells_pass():
    found, row = held(np.ones(3_000, dtype=bool))
    assert found == COUNTED
    assert (row["value"], row["verdict"], row["reason"]) == (1.0, "pass", "steady")


def test_beads_lost_in_half_of_the_run_leave_no_number():
    """500 beads and 1,000 cells, then 1,000 cells: twice as many cells/µL as by the first half alone."""
    found, row = held(without_beads(1_500, 3_000))
    assert {(one.value, one.lower, one.upper, one.status) for one in found.values()} == {
        (None,) * 3 + ("not_evaluable",)
    }
    assert found["CD3+"].reason == "beads do not come as evenly as cells: look at beads and cells over time"
    assert row["value"] == pytest.approx(1_000.5 / 500.5 * 500 / 2_000, rel=0.01)
    assert row["verdict"] == "warn"
    assert row["reason"] == (
        "0 to 50 % of the run's time hold 100 % of the beads and 50 % of lymphocytes: look at beads and cells over time"
    )


def test_beads_of_which_an_eighth_is_lost_warn():
    """Seven eighths of the cells have all beads: 8/7 times as many cells/µL by the whole."""
    found, row = held(without_beads(2_625, 3_000))
    assert found == COUNTED
    assert row["verdict"] == "warn"
    assert row["value"] == pytest.approx(7 / 8, rel=0.01)


@pytest.mark.parametrize(("lost", "left"), [((2_310, 3_000), 0.77), ((900, 2_250), 0.55)])
def test_the_number_goes_by_the_greater_part(lost, left):
    """All beads are in 77 % of the run, or in the 55 % about its middle: 1/0.77 or 1/0.55 times as many cells/µL."""
    found, row = held(without_beads(*lost))
    assert found["CD3+"].value is None
    assert row["value"] == pytest.approx(left, rel=0.05)


def test_beads_of_which_a_few_are_lost_are_told():
    found, row = held(without_beads(1_500, 1_740))
    assert found == COUNTED
    assert row["verdict"] == "pass"
    assert row["value"] == pytest.approx(0.92, rel=0.02)
    assert "% of the beads and" in row["reason"] and "look at" not in row["reason"]


def test_a_run_that_has_its_beads_in_a_tenth_leaves_no_number():
    """Of five parts of 420 events the first has all 100 beads and 320 cells, the others 1,680 of the 2,000 cells."""
    found, row = held(without_beads(300, 3_000))
    assert found["CD3+"].value is None
    assert row["value"] == pytest.approx(1_680.5 / 0.5 * 100 / 2_000)


def test_a_clock_that_begins_anew_and_events_out_of_order_are_put_in_order():
    ticks = np.tile(np.arange(1_500, dtype=np.float32), 2)
    assert held(without_beads(1_500, 3_000), ticks=ticks)[1]["reason"].startswith("0 to 50 % of the run's time")
    kept = without_beads(1_500, 3_000)
    shuffled = np.random.default_rng(0).permutation(np.count_nonzero(kept))
    assert held(kept, order=shuffled)[1] == held(kept)[1]


@pytest.mark.parametrize("channels", [("FSC-A",), ("Time",)])
def test_what_cannot_be_told_passes_with_the_reason(channels):
    """No clock, or 79 beads, which make no four parts of twenty."""
    few = np.arange(3_000) < (3_000 if channels == ("FSC-A",) else 237)
    found, row = held(few, channels=channels)
    assert found == COUNTED
    assert (row["value"], row["verdict"]) == (None, "pass")
    assert row["reason"] == "not available: few beads or cells, or no clock"


@pytest.mark.parametrize("is_bead", [BEADS[:240], ~BEADS[:240]])
def test_eighty_of_either_are_enough_to_tell(is_bead):
    """Four parts of twenty."""
    tube = SimpleNamespace(events=np.arange(240, dtype=np.float32)[:, None], channels=["Time"])
    assert hold_over_time("a", COUNTED, tube, is_bead, ("lymphocytes", ~is_bead))[1][0]["reason"] == "steady"
    few = np.arange(240) < 237
    _, (row,) = hold_over_time("a", COUNTED, tube, is_bead & few, ("lymphocytes", ~is_bead & few))
    assert row["reason"].startswith("not available")
