"""Shares of populations over the run; the expected shares are by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.flow.shares_over_time import check_shares
from tilseq.flow.tree import Population

EVENTS = np.arange(4_000)
T_CELLS = EVENTS % 4 > 0  # three of four lymphocytes, of all of which one comes a tick
FOURS = T_CELLS & (EVENTS % 4 < 3)  # two of three T cells


def checked(*, t_cells=T_CELLS, fours=FOURS, channel="Time", names=("CD3+", "CD4+ T")):
    tube = SimpleNamespace(events=EVENTS.astype(np.float32)[:, None], channels=[channel])
    populations = {
        "lymphocytes": Population("lymphocytes", None, np.ones(4_000, dtype=bool)),
        "CD3+": Population("CD3+", "lymphocytes", t_cells),
        "CD4+ T": Population("CD4+ T", "CD3+", t_cells & fours),
    }
    row = check_shares("a", tube, populations, names)
    assert (row["sample"], row["check"]) == ("a", "shares over time")
    return row


def test_even_shares_pass():
    row = checked()
    assert (row["value"], row["verdict"], row["reason"]) == (1.0, "pass", "steady")


def test_t_cells_lost_over_a_third_of_the_run_fail():
    """Of the first 67 of 100 parts of 40 lymphocytes 2,000 of 2,680 are CD3+, then none: of the whole 50 %."""
    row = checked(t_cells=T_CELLS & (EVENTS < 2_667))
    assert row["verdict"] == "fail"
    assert row["value"] == pytest.approx(2_000.5 / 2_681 / 0.5)
    assert row["reason"] == "of CD3+ 0 to 67 % of the run's time hold 100 %, of the others of lymphocytes 34 %"


def test_the_share_of_the_greater_part_is_told_beside_that_of_the_whole():
    """CD4+ T are 2/3 of 3,000 T cells but for the last tenth, where they are none: 3/5 of all."""
    row = checked(fours=FOURS & (EVENTS < 3_600))
    assert row["verdict"] == "warn"
    assert row["value"] == pytest.approx((2 / 3) / (3 / 5), rel=0.01)
    assert row["reason"].startswith("of CD4+ T 0.025 to 90 % of the run's time hold 100 %, of the others of CD3+ 75 %")


def test_a_small_difference_is_told_and_passes():
    """Of the last twentieth none: 2/3 beside 19/30."""
    row = checked(fours=FOURS & (EVENTS < 3_800))
    assert row["verdict"] == "pass"
    assert row["value"] == pytest.approx(20 / 19, rel=0.01)


def test_the_furthest_apart_comes_first_and_three_are_told():
    """Both, of CD3+ the less: its last tenth alone is lost, of CD4+ T the half of the run."""
    names = ["CD3+", "CD4+ T"] * 2
    row = checked(t_cells=T_CELLS & (EVENTS < 3_600), fours=FOURS & (EVENTS < 1_800), names=names)
    assert row["reason"].startswith("of CD4+ T 46 to 90 % of the run's time hold 0 %")
    assert row["reason"].count("; of ") == 2 and row["reason"].endswith("; and 1 more")


@pytest.mark.parametrize(("number", "reason"), [(79, "steady"), (80, "of CD4+ T 0.025 to ")])
def test_eighty_events_are_enough_to_tell(number, reason):
    """The first of the T cells alone."""
    few = np.zeros(4_000, dtype=bool)
    few[np.flatnonzero(T_CELLS)[:number]] = True
    assert checked(fours=few)["reason"].startswith(reason)


def test_without_a_clock_nothing_is_told():
    row = checked(channel="FSC-A")
    assert (row["value"], row["verdict"], row["reason"]) == (None, "pass", "not available: no clock")
