"""How the benchmark of whole runs counts what holds, and which statuses it calls wrong."""

import numpy as np
import polars as pl
import pytest

from benchmarks.truth.summary import mean_of_subjects, share_held, wrong_statuses


def test_values_of_a_subject_that_fail_together_are_worth_few():
    # 2 of 4 subjects hold in all of their 25 values: variance of the mean 4/3 × 4 × 12.5² / 100² = 1/12, worth
    # w = 0.25 × 12 × (1.984217 / 3.182446)² = 1.166212 values; limits by R: qbeta(.025, w/2, w/2 + 1) and
    # qbeta(.975, w/2 + 1, w/2)
    held, subjects = np.repeat([True, True, False, False], 25), np.repeat(list("abcd"), 25)
    assert mean_of_subjects(held.astype(float), subjects) == (0.5, pytest.approx(12**-0.5), 4)
    assert share_held(held, subjects) == (0.5, pytest.approx(0.0010549957), pytest.approx(0.9989450043))


def test_where_all_hold_each_value_counts():
    share, low, high = share_held(np.ones(40, dtype=bool), np.repeat(list("abcd"), 10))
    assert (share, low, high) == (1.0, pytest.approx(0.025 ** (1 / 40)), 1.0)


def test_statuses_that_are_wrong():
    rows = pl.DataFrame(
        [
            ("quantified", 0.0, None),
            ("quantified", 1.0, None),
            ("detected_below_loq", 0.0, None),
            ("not_detected", 2.1, 1.0),
            ("not_detected", 1.9, 1.0),
            ("detected_below_loq", 21.0, 10.0),
            ("above_range", 400.0, 1000.0),
            ("above_range", 600.0, 1000.0),
        ],
        schema={"status": pl.String, "truth": pl.Float64, "limit": pl.Float64},
        orient="row",
    )
    assert wrong_statuses(rows.with_columns(scale=pl.lit("points")))["truth"].to_list() == [2.1, 21.0, 400.0]
    found = wrong_statuses(rows.with_columns(scale=pl.lit("ratio")))
    assert found["truth"].to_list() == [0.0, 2.1, 21.0, 400.0]
    assert found["wrong"].to_list() == [
        "quantified, truly absent",
        "below its limit, truly twice that or more",
        "below its limit, truly twice that or more",
        "above range, truly less than half its end",
    ]
