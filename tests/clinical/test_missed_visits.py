"""How long two missed visits take: 2 x interval + 2 x window, and what that means where intervals differ."""

import polars as pl
import pytest

from tilseq.clinical.missed_visits import Planned, longest_gap, planned_visits, told_off_window
from tilseq.clinical.reader_series import Read

# data/sample/clinical/schedule.csv
SAMPLE = [
    {"visit": "baseline", "day": -10, "window": 4},
    {"visit": "D42", "day": 42, "window": 4},
    {"visit": "D84", "day": 84, "window": 7},
    {"visit": "D126", "day": 126, "window": 7},
    {"visit": "D168", "day": 168, "window": 7},
    {"visit": "D252", "day": 252, "window": 14},
    {"visit": "D336", "day": 336, "window": 14},
]


def read(day, visit=None):
    return Read(day, day, visit, "SD")


@pytest.mark.parametrize(
    ("last", "longest"),
    [
        (None, 84 + 7),  # from the infusion to D84
        (read(41, "D42"), 126 - 42 + 4 + 7),
        (read(84, "D84"), 168 - 84 + 7 + 7),
        (read(126, "D126"), 252 - 126 + 7 + 14),
        (read(168, "D168"), 336 - 168 + 7 + 14),
        (read(252, "D252"), 2 * 84 + 2 * 14),  # the last interval goes on
        (read(336, "D336"), 2 * 84 + 2 * 14),
        (read(90), 168 - 84 + 7 + 7),  # without a visit the nearest
        (read(63), 126 - 42 + 4 + 7),  # of two as near the earlier
        (read(64), 168 - 84 + 7 + 7),
        (read(64, "D42"), 126 - 42 + 4 + 7),  # the name goes first
    ],
)
def test_the_longest_gap_of_the_sample_schedule(last, longest):
    assert longest_gap(planned_visits(SAMPLE), last, 0) == longest


def test_a_constant_schedule_is_twice_interval_and_window():
    planned = [Planned((f"V{i}",), 56 * i, 5) for i in range(1, 6)]
    assert {longest_gap(planned, read(56 * i, f"V{i}"), 0) for i in range(1, 6)} == {2 * 56 + 2 * 5}


def test_days_count_from_the_infusion():
    assert longest_gap(planned_visits(SAMPLE), read(14 + 84), 14) == 168 - 84 + 7 + 7


def test_one_planned_visit_goes_on_at_its_own_interval():
    planned = planned_visits([{"visit": "D42", "day": 42, "window": None}])
    assert longest_gap(planned, None, 0) == 84
    assert longest_gap(planned, read(42), 0) == 84


def test_baselines_are_not_planned_after_treatment():
    assert [one.visits for one in planned_visits(SAMPLE[::-1])] == [
        (f"D{day}",) for day in (42, 84, 126, 168, 252, 336)
    ]


def test_rows_of_one_day_are_one_visit_with_the_wider_window():
    scans = [
        *SAMPLE,
        {"visit": "D42 brain MRI", "day": 42, "window": 6},
        {"visit": "D84 brain", "day": 84, "window": 1},
    ]
    planned = planned_visits(scans)
    assert [(one.visits, one.day, one.window) for one in planned[:2]] == [
        (("D42", "D42 brain MRI"), 42, 6),
        (("D84", "D84 brain"), 84, 7),
    ]
    assert longest_gap(planned, None, 0) == 84 + 7
    assert longest_gap(planned, read(50, "D42 brain MRI"), 0) == 126 - 42 + 6 + 7


def assessed(*rows):
    return pl.DataFrame(rows, schema=["subject", "visit", "day"], orient="row")


def test_assessments_outside_the_window_of_their_visit_are_told():
    weeks = assessed(("A", "baseline", -1), ("A", "D42", 6), ("A", "D84", 12), ("A", "D84", 12), ("B", "D84", 78))
    assert told_off_window(weeks, pl.DataFrame(SAMPLE)) == (
        "3 of 4 assessments outside the window of their visit, as A, baseline on day -1 (-10 ± 4): "
        "are these days since the infusion?"
    )
    # At the window's ends, of a visit that nobody planned, without a visit, and of one without a window.
    sound = assessed(("A", "D42", 38), ("A", "D42", 46), ("A", "extra", 60), ("A", None, 1), ("A", "D500", 90))
    schedule = pl.DataFrame([*SAMPLE, {"visit": "D500", "day": 500, "window": None}])
    assert told_off_window(sound, schedule) == ""
    assert told_off_window(sound.clear(), schedule) == ""
