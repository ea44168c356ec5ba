from datetime import date

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.identifiers import days_by_subject, same_identifier, twin_key, unknown_subjects

CASE = "They differ only in case or Unicode form"
ZEROS = "A spreadsheet may have taken the leading zeros"
MARKS = "A spreadsheet may have put marks or decimals about it"
KNOWN = ["S01", "007", "003", "P 12"]


@pytest.mark.parametrize(
    ("word", "mend"),
    [
        ("s01", f"did you mean 'S01'? {CASE}"),
        ("7", f"did you mean '007'? {ZEROS}"),
        ("S1", f"did you mean 'S01'? {ZEROS}"),
        ("7.0", f"did you mean '007'? {MARKS}"),
        ("'007", f"did you mean '007'? {MARKS}"),
        ('="007"', f"did you mean '007'? {MARKS}"),
        ("S01.0", None),
        ("P12", "did you mean 'P 12'? They differ only in blanks"),
        (" 007", "did you mean '007'? They differ only in blanks"),
        # Spelt alike, but perhaps another person's.
        ("004", None), ("S02", None), ("S0l", None), ("S010", None), ("", None),
    ],
)  # fmt: skip
def test_an_identifier_is_meant_only_where_it_is_the_same(word, mend):
    assert same_identifier(word, KNOWN) == mend


def test_of_two_that_could_be_meant_none_is_named():
    assert same_identifier("7", ["007", "07"]) is None


@given(st.text(), st.lists(st.text(), max_size=5))
def test_a_twin_is_found_whatever_it_is(word, others):
    others = [name for name in others if twin_key(name) != twin_key(word)]
    assert same_identifier(word.casefold(), [*others, word]) == f"did you mean {word!r}? {CASE}"


def test_unknown_subjects_are_told_once_with_their_first_row():
    frame = pl.DataFrame({"subject": ["007", "9", None, "7", "9"]})
    faults = unknown_subjects(frame, KNOWN)
    assert [(name, fault.row, fault.column, fault.mend) for name, fault in faults] == [
        ("9", 3, "subject", "add the subject to the table of subjects"),
        ("7", 5, "subject", f"did you mean '007'? {ZEROS}"),
    ]
    assert [fault.what for _, fault in faults] == ["no such subject", "no such subject"]


def test_days_by_subject_are_of_the_subjects_of_a_table():
    days = pd.DataFrame({"subject": [101, 102, 103], "day": [-7.0, float("nan"), -6.0]}).set_index("subject")["day"]
    assert days_by_subject(days.to_dict(), ["101", "103"]) == {"101": -7, "103": -6}
    assert days_by_subject({"S1": -7, "S2": None, "S3": -5}, ["S1"]) == {"S1": -7, "S3": -5}
    assert days_by_subject(None, []) == {}


@pytest.mark.parametrize("name", ["s-01", "S-1", "S- 01"])
def test_a_day_of_a_subject_that_the_table_has_under_another_name_is_refused(name):
    with pytest.raises(AnalysisError, match="the table has no such subject.*did you mean 'S-01'"):
        days_by_subject({name: -7}, ["S-01", "S-02"])
    assert days_by_subject({"S-01": -6, "S-03": -7}, ["S-01", "S-02"]) == {"S-01": -6, "S-03": -7}


@pytest.mark.parametrize("day", [-6.5, "-7", date(2024, 1, 1), float("inf")])
def test_a_day_of_a_subject_that_is_no_whole_number_is_refused(day):
    with pytest.raises(AnalysisError, match="the day of subject 101 is no whole number"):
        days_by_subject({101: day}, ["101"])


@pytest.mark.parametrize("days", [4, [4], pd.Series([4], index=["S01"])], ids=["number", "list", "series"])
def test_days_that_are_not_by_subject_are_refused(days):
    with pytest.raises(
        AnalysisError, match=r"days are given by subject; .*; expected subject → day; write \{'S01': 4\}"
    ):
        days_by_subject(days, ["S01"])
