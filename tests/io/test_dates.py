from datetime import date

import polars as pl
import pytest

from tilseq.io.dates import DayZero, day_zero, days_from_dates, first_infusions, parse_dated
from tilseq.tables.inputs import ADVERSE_EVENTS, LESIONS, SAMPLES, SCHEDULE, SUBJECTS

DAY0 = DayZero({"S01": date(2024, 3, 1)}, frozenset({"S01", "S03"}))


def text(**columns):
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def test_day_0_is_the_date_of_the_first_infusion():
    infusions = text(
        subject=["A", "A", "B", "C", "D", None, "E", "F"],
        infusion=["2", "1", "1", "2", "1", "1", "2", "1"],
        day=["14", None, "0", "10", None, None, None, "0"],
        date=["2024-03-15", "2024-03-01", "2024-02-29", "2024-05-11", "01/02/2024", "2024-01-01", "2024-01-01", None],
    )
    assert first_infusions(infusions) == {"A": date(2024, 3, 1), "B": date(2024, 2, 29), "C": date(2024, 5, 1)}


@pytest.mark.parametrize("sentinel", ["9999-12-31", "0001-01-01"])
def test_a_date_that_stands_for_none_is_no_day_0(sentinel):
    infusions = text(subject=["A"], infusion=["1"], day=["-5"], date=[sentinel])
    assert first_infusions(infusions) == {}
    _, problems = days_from_dates(text(subject=["S01"], date=[sentinel]), SAMPLES, DAY0, file="samples.csv")
    mend = "mend the year, which is 1900 to 2199, or leave the cell empty where there is no date"
    assert [problem.mend for problem in problems] == [mend]


def test_dates_become_days():
    cells = text(subject=["S01", "S01", "S01"], date=["2024-02-29", "2024-03-29", None], day=[None, "28", "3"])
    frame, problems = days_from_dates(cells, SAMPLES, DAY0, file="samples.csv")
    assert problems == []
    assert frame.to_dict(as_series=False) == {"subject": ["S01"] * 3, "day": ["-1", "28", "3"]}


def test_named_date_columns():
    cells = text(subject=["S01"], harvest_date=["2024-01-01"])
    frame, problems = days_from_dates(cells, SUBJECTS, DAY0, file="subjects.csv")
    assert (frame["harvest_day"].to_list(), frame.columns, problems) == (["-60"], ["subject", "harvest_day"], [])


@pytest.mark.parametrize(
    ("subject", "cell", "day", "what"),
    [
        ("S01", "03/04/2024", None, "no date that reads in one way only"),
        ("S01", "2024-3-4", None, "no date that reads in one way only"),
        ("S01", "2024-02-30", None, "no date that reads in one way only"),
        ("S01", "20240304", None, "no date that reads in one way only"),
        ("S01", "2024-03", None, "no date that reads in one way only"),
        ("S01", "9999-12-31", None, "no date that reads in one way only"),
        ("S01", "0024-03-04", None, "no date that reads in one way only"),
        ("S01", "٢٠٢٤-٠٣-٠٤", None, "no date that reads in one way only"),
        ("S02", "2024-03-04", None, "this date cannot be turned into a day"),
        (None, "2024-03-04", None, "this date cannot be turned into a day"),
        ("S01", "2024-03-04", "4", "date and day disagree"),
        ("S01", "2024-03-04", "x", "date and day disagree"),
    ],
)
def test_refused(subject, cell, day, what):
    cells = text(subject=[subject], date=[cell], day=[day])
    frame, problems = days_from_dates(cells, SAMPLES, DAY0, file="samples.csv")
    assert [(p.what, p.file, p.row, p.column, p.found) for p in problems] == [
        (what, "samples.csv", 2, "date", repr(cell))
    ]
    assert frame["day"].to_list() == [day]


def test_a_subject_that_lost_its_zeros_is_not_told_to_be_never_infused():
    zeros = DayZero({"007": date(2024, 3, 1)}, frozenset({"007"}))
    _, problems = days_from_dates(text(subject=["7"], date=["2024-03-04"], day=[None]), SAMPLES, zeros, file="s.csv")
    assert problems[0].mend == "did you mean '007'? A spreadsheet may have taken the leading zeros"


def test_who_was_never_infused_is_told_apart_from_whose_infusion_has_no_date():
    cells = text(subject=["S02", "S03", "S01"], date=["2024-03-04", "2024-03-04", "45000"])
    _, problems = days_from_dates(cells, SAMPLES, DAY0, file="samples.csv")
    assert [(problem.expected, problem.mend) for problem in problems] == [
        (
            "an infusion of this subject, whose day is day 0",
            "write days; of who was never infused day 0 may be the day that was planned for it",
        ),
        (
            "the date of the subject's first infusion",
            "give infusions.csv a `date` for this subject's first infusion, or write days instead",
        ),
        (
            "year-month-day such as 2024-03-04",
            "as spreadsheets number dates this is 2023-03-15: write it so, in a column of dates",
        ),
    ]
    infusions = text(subject=["S01", "S03", None], infusion=["1", "1", "1"], date=["2024-03-01", None, None])
    assert day_zero(infusions) == DAY0


def test_dates_without_infusions_are_one_error_a_column():
    cells = text(subject=["S01", "S02"], harvest_date=["2024-01-01", "x"], tumor_type=["melanoma"] * 2)
    frame, problems = parse_dated(cells, SUBJECTS, None, file="subjects.csv")
    assert [(problem.row, problem.column, problem.what) for problem in problems] == [
        (1, "harvest_date", "dates, and no infusions that they count from"),
    ]
    assert frame["harvest_day"].to_list() == [None, None]
    cells = text(subject=["S01", "S02"], date=["2024-01-01", "x"], lesion=["T1", "T1"], role=["target", "target"])
    (problem,) = parse_dated(cells, LESIONS, None, file="lesions.csv")[1]  # where the day is needed, too
    assert (problem.row, problem.column) == (1, "date")


def test_start_and_end():
    cells = text(subject=["S01"], start_date=["2024-03-02"], end_date=[None])
    frame, problems = days_from_dates(cells, ADVERSE_EVENTS, DAY0, file="clinical/adverse_events.csv")
    assert frame.to_dict(as_series=False) == {"subject": ["S01"], "start_day": ["1"], "end_day": [None]}
    assert problems == []


def test_a_table_without_subjects_has_no_dates():
    cells = text(visit=["D28"], date=["2024-03-29"])
    frame, problems = days_from_dates(cells, SCHEDULE, DAY0, file="clinical/schedule.csv")
    assert (frame.equals(cells), problems) == (True, [])
