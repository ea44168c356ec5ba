"""States that begin under way: literal subjects, and Cox in time as R has it of the heart transplants."""

import numpy as np
import polars as pl
import pytest

from tests.clinical.survival_sets import read, table
from tilseq.clinical import state_contrasts
from tilseq.clinical.state_contrasts import state_spans
from tilseq.errors import AnalysisError, TableError


def test_spans_part_where_the_state_begins():
    rows = table([100, 100, 100, 43, 30], [True, False, True, True, True], start_day=[0, 0, 50, 0, 0])
    began = pl.DataFrame({"subject": ["00", "01", "02", "03", "04"], "day": [42, None, 42, 42, 42]})
    assert state_spans(rows, began).rows() == [
        ("00", 0, 43, False, 0),
        ("00", 43, 100, True, 1),
        ("01", 0, 100, False, 0),
        ("02", 0, 100, True, 1),  # in it before its clock starts
        ("03", 0, 43, True, 0),  # the event on the very day
        ("04", 0, 30, True, 0),  # seen after its time: at no time at risk in it
    ]


def heart():
    """Transplants as a state: R's heart, whose few half days and days 0 of entry are made whole by doubling."""
    spans = read("heart").sort("id", "start")
    last = spans.group_by("id", maintain_order=True).agg(pl.col("stop").last(), pl.col("event").last())
    moved = spans.filter(pl.col("transplant") == 1).select("id", (pl.col("start") * 2).cast(pl.Int64).alias("began"))
    both = last.join(moved, on="id", how="left").sort("id")
    times = table((both["stop"] * 2).cast(pl.Int64), both["event"] == 1)
    # A state is in force from the day after it is seen: time b after an origin on day 0 is day b - 1.
    return times, pl.DataFrame({"subject": times["subject"], "day": both["began"] - 1})


def test_cox_in_time_of_the_heart_transplants():
    times, states = heart()
    row = state_contrasts(times, states, state="transplant", landmarks=()).row(0, named=True)
    assert (row["contrast"], row["method"], row["subjects"], row["events"]) == (
        "transplant:yes/no", "cox_time_dependent", 103, 75,
    )  # fmt: skip
    assert np.log(row["estimate"]) == pytest.approx(0.1271411266, abs=1e-7)
    assert row["p"] == pytest.approx(0.672880611, abs=1e-7)
    breslow = state_contrasts(times, states, landmarks=(), ties="breslow").row(0, named=True)
    assert np.log(breslow["estimate"]) == pytest.approx(0.1256668916, abs=1e-7)


def test_landmarks_and_time_stand_side_by_side_and_say_who_is_left_out():
    rows = table([20, 50, 90, 120, 150, 200, 210, 230], [True, True, True, True, False, True, False, True])
    states = pl.DataFrame(
        {"subject": ["00", "01", "02", "03", "04", "05", "06"], "day": [None, 42, None, 30, None, 84, 42]}
    )
    found = state_contrasts(rows, states, landmarks=(42,))
    assert found.select("method", "at_day", "contrast", "subjects", "events").rows() == [
        ("landmark_log_rank", 42, "response", 6, 4),
        ("cox_time_dependent", None, "response:yes/no", 7, 5),
        ("landmark_cox", 42, "response:yes/no", 6, 4),
    ]
    assert found["exploratory"].all()
    reasons = found["reason"].to_list()
    assert reasons[0].startswith("left out: 1 of whom the state is not known; left out: 1 not at risk on the landmark")
    assert reasons[1] == (
        "left out: 1 of whom the state is not known; Wald's limits and p are unsure: fewer than 5 events on a side"
    )


def test_states_without_their_day_are_refused_as_nobody_would_be_in_the_state():
    states = pl.DataFrame({"subject": ["00", "01"], "response_day": [42, None]})
    with pytest.raises(TableError, match="column day: the states lack a column; found 'subject, response_day'"):
        state_contrasts(table([60, 90], [True, True]), states)


def test_states_of_other_subjects_are_refused_as_nobody_would_be_compared():
    times = table([60, 90], [True, True])
    with pytest.raises(AnalysisError, match="of no subject that has a time; found 'X00'; expected subjects such as 00"):
        state_contrasts(times, pl.DataFrame({"subject": ["X00", "X01"], "day": [42, None]}))


def test_a_state_that_nobody_enters_has_words():
    rows = table([20, 50, 90], [True, True, False])
    found = state_contrasts(
        rows, pl.DataFrame({"subject": ["00", "01", "02"], "day": pl.Series([None] * 3, dtype=pl.Int64)})
    )
    assert found["p"].null_count() == found.height
    assert all("cannot be estimated" in reason for reason in found["reason"])
