"""Assessments in weeks or months, told by their own intervals where no schedule has them in days."""

import polars as pl
import pytest

from tilseq.tables.scan_days import told_close_scans

DAYS = (-8, 41, 84, 131, 162, 257)  # of the first subject of the sample study
ASK = "are these weeks or months?"


def scans(*subjects, visits=None):
    """One row an assessment of each subject, A and so on, on some days."""
    rows = [(name, day) for name, days in zip("ABC", subjects, strict=False) for day in days]
    return pl.DataFrame(rows, schema=["subject", "day"], orient="row").with_columns(
        visit=pl.Series(visits or [None] * len(rows), dtype=pl.String)
    )


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (([-1, 6, 12, 19, 23, 37], [-1, 6]), f"5 of 6 assessments lie less than 14 days after the one before, "
         f"as A, days -1, 6, 12, 19, 23, 37: {ASK}"),  # of DAYS / 7
        (([0, 1, 3, 4, 5, 8],), f"5 of 5 assessments lie less than 14 days after the one before, "
         f"as A, days 0, 1, 3, 4, 5, 8: {ASK}"),  # in months
        (([0, 13, 26], [0, 13, 39]), f"3 of 4 assessments lie less than 14 days after the one before, "
         f"as A, days 0, 13, 26: {ASK}"),
        (([6, 12, 12, 6], [6, 12], [6, 12]), f"3 of 3 assessments lie less than 14 days after the one before, "
         f"as A, days 6, 12: {ASK}"),  # lesions, each in a row
    ],
)  # fmt: skip
def test_assessments_that_nobody_scans_so_closely_are_told(days, told):
    assert told_close_scans(scans(*days)) == told


@pytest.mark.parametrize(
    "days",
    [
        (DAYS, DAYS),
        ([0, 14, 28, 42],),
        ([-7, 14, 35, 56],),  # every three weeks
        ([-2, 0, 40, 42, 82, 84],),  # CT and MRI, two days apart and without a visit
        ([0, 6, 12],),  # two intervals
        ([0, 6], [0, 6]),
        ([0, 13, 27], [0, 13, 40], [0, 13]),  # 3 of 5
        ([], []),
    ],
)
def test_assessments_in_days_are_not(days):
    assert told_close_scans(scans(*days)) == ""


def test_scans_of_one_visit_are_one_assessment():
    visits = ["base", "base", "D42", "D42", "D84", "D84"]
    assert told_close_scans(scans([-8, -2, 40, 45, 80, 90], visits=visits)) == ""
    assert told_close_scans(scans([-1, -1, 6, 7, 12, 13], visits=visits)) == ""  # two intervals
    weeks = scans([-1, 6, 12, 18], visits=["base", "D42", "D84", "D126"])
    assert told_close_scans(weeks).startswith("3 of 3 assessments lie less than 14 days")


def test_a_row_without_a_day_is_of_no_assessment():
    assert told_close_scans(scans([-1, 6, None, 12])) == ""
