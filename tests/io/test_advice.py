"""Slips that a spreadsheet makes, each with its mend."""

import polars as pl
import pytest

from tilseq.io.advice import advise, shortened_number
from tilseq.tables import parse
from tilseq.tables.inputs import ADVERSE_EVENTS, FOLLOWUP, INFUSIONS, LESIONS, SAMPLES

LESION = {"subject": "S1", "day": "0", "lesion": "T1", "role": "target", "diameter_mm": "20"}

SAMPLE = {"sample": "S1_D7", "subject": "S1", "visit": "D7", "specimen": "blood", "assay": "tcr"}


@pytest.mark.parametrize(
    ("column", "cell", "mend"),
    [
        ("diameter_mm", "1,5", "write a decimal point: 1.5"),
        ("diameter_mm", "-0,5", "write a decimal point: -0.5"),
        ("diameter_mm", "1,247.5", None),
        ("diameter_mm", "1,247", "write 1.247 where the comma is a decimal one, 1247 where it parts thousands"),
        ("day", "1,247", "is it 1247? write it so"),
        ("day", "1.247", "is it 1247? write it so"),
        ("day", "1.000", "is it 1000? write it so"),
        ("diameter_mm", "n/a", "leave the cell empty where there is no value"),
        ("diameter_mm", "n.a.", "leave the cell empty where there is no value"),
        # Counted by hand: 2023-01-01 is 44927, so that 45000 is 73 days later.
        ("day", "45000", "as spreadsheets number dates this is 2023-03-15: write it so, in a column of dates"),
        ("day", "2023-03-15", "call the column date to write dates"),
        ("day", "11.3", "write whole days; is it a time in months?"),
        ("day", "7,0", "write a decimal point: 7.0"),
        ("day", "156,14", "write whole days; is it a time in months?"),
    ],
)
def test_lesions(column, cell, mend):
    _, problems = parse(pl.DataFrame([LESION | {column: cell}]), LESIONS, file="lesions.csv")
    (problem,) = problems
    advise(problem)
    assert (problem.row, problem.column, problem.mend) == (2, column, mend)


@pytest.mark.parametrize(
    ("column", "cell", "mend"),
    [
        ("cells", "10.000", "is it 10000? write it so"),
        ("cells", "1.200.000", "is it 1200000? write it so"),
        ("cells", "10,000", "is it 10000? write it so"),
        ("cells", "1,200,000", "is it 1200000? write it so"),
        ("cells", "12 000 000", "is it 12000000? write it so"),
        ("cells", "12\u202f000", "is it 12000? write it so"),
        ("cells", "4,2E+6", "write a decimal point: 4.2E+6"),
        ("beads_per_tube", "51.300", "is it 51300? write it so"),
    ],
)
def test_thousands_are_not_taken_for_a_few_cells(column, cell, mend):
    _, problems = parse(pl.DataFrame([SAMPLE | {column: cell}]), SAMPLES, file="samples.csv")
    (problem,) = problems
    advise(problem)
    assert (problem.row, problem.column, problem.mend) == (2, column, mend)


def test_a_merged_cell_of_subjects():
    _, problems = parse(pl.DataFrame([LESION, LESION | {"subject": None, "day": "1"}]), LESIONS, file="lesions.csv")
    (problem,) = problems
    advise(problem)
    assert (problem.row, problem.mend) == (3, "write it in every row; of merged cells the first alone holds it")


@pytest.mark.parametrize(("cell", "value"), [("10000.0", 10000.0), ("1.5e6", 1.5e6), ("12000", 12000.0)])
def test_cells_as_software_writes_them_are_read(cell, value):
    frame, problems = parse(pl.DataFrame([SAMPLE | {"cells": cell}]), SAMPLES, file="samples.csv")
    assert (frame["cells"].to_list(), problems) == ([value], [])


def test_a_number_that_must_be_whole_is_not_given_a_decimal_point():
    frame = pl.DataFrame({"subject": ["S1"], "infusion": ["1,5"], "day": ["0"]})
    (problem,) = parse(frame, INFUSIONS, file="infusions.csv")[1]
    advise(problem)
    assert (problem.column, problem.mend) == ("infusion", "write a whole number")


def test_a_day_is_within_a_century():
    _, problems = parse(
        pl.DataFrame({"subject": ["S1", "S2"], "death_day": ["36525", "36526"]}), FOLLOWUP, file="f.csv"
    )
    (problem,) = problems
    advise(problem)
    assert (problem.row, problem.expected) == (3, "at most 36525")
    assert problem.mend.startswith("as spreadsheets number dates this is 2000-01-01")


def test_numbers_that_a_spreadsheet_shortens():
    cells = ["1E+05", "1.23457E+11", "1E5", "2E-05", "E+05", "S1E+05", "100000"]
    assert [cell for cell in cells if shortened_number(cell)] == ["1E+05", "1.23457E+11"]


@pytest.mark.parametrize(
    ("column", "cell", "mend"),
    [
        ("grade", "G2", "write 2"),
        ("grade", "Grade 3", "write 3"),
        ("grade", "severe", "write 1 to 5"),
        ("grade", None, "find it out; an event without a grade can be counted nowhere"),
        ("end_day", "Ongoing", "leave it empty while the event lasts"),
        ("end_day", "?", "leave the cell empty where there is no value"),
    ],
)
def test_adverse_events(column, cell, mend):
    row = {"subject": "S1", "term": "chills", "grade": "2", "end_day": None} | {column: cell}
    _, problems = parse(pl.DataFrame([row], schema=dict.fromkeys(row, pl.String)), ADVERSE_EVENTS, file="ae.csv")
    (problem,) = problems
    advise(problem)
    assert problem.mend == mend
