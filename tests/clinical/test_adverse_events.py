"""The listing row by row: what a fault costs, which flags are recorded, and which words are one term."""

import pandas as pd
import polars as pl
import pytest

from tests.clinical.test_safety import SUBJECTS, event, found, listed, summary
from tilseq.clinical import safety
from tilseq.clinical.adverse_events import denied_periods, event_faults, uncounted_events, unknown_causes
from tilseq.errors import TableError


def shares(tables, parameter, qualifier):
    return tables.summaries.filter(group="all", parameter=parameter, qualifier=qualifier).row(0, named=True)


def test_a_bad_last_day_takes_no_death_out_of_any_table():
    """A rash that ends before it begins: its end is not used, and the sepsis of the same subject counts as ever."""
    rows = [event("A3", "sepsis", 5, 55, 60, serious=True), event("A3", "rash", 1, 5, 4), event("A2", "nausea", 2, 1)]
    tables = found(rows)
    assert summary(tables, "ae_any", "grade=5") == (1, 6)
    assert summary(tables, "ae_any", "grade=any") == (2, 6)
    assert summary(tables, "ae_serious", "grade=any") == (1, 6)
    rash = listed(tables, "rash")
    assert (rash["counted"], rash["end_day"], rash["duration_days"], rash["ongoing"]) == (True, None, None, None)
    assert rash["reason"] == "ends on day 4, before it begins on day 5: the end is not used"
    # Whether it still lasts nobody knows: no duration, and it is counted as left out.
    duration = tables.times.filter(parameter="ae_duration", subject="A3").row(0, named=True)
    assert (duration["rule"], duration["reason"]) == ("not_evaluable", "the last day cannot be read")


def test_a_row_that_cannot_be_used_is_listed_not_counted_and_told_in_every_denominator():
    rows = [
        event("A2", "fever", None, 1), event("A2", "chills", 2, 1), event("a2", "rash", 3, 1),
        event(None, "rash", 3, 1), event("A4", None, 4, 2),
    ]  # fmt: skip
    unread = [TableError("this value cannot stand here", row=2, column="grade", found="G2")]
    tables = found(rows, unread=unread)
    assert tables.rows.height == 5
    reasons = dict(tables.rows.select("row", "reason").rows())
    assert reasons == {
        2: "not counted: no grade that can be read; grade cannot be read: 'G2'",
        3: None,
        4: "not counted: no such subject",
        5: "not counted: no subject",
        6: "not counted: no term",
    }
    row = shares(tables, "ae_any", "grade=any")
    assert (row["numerator"], row["denominator"]) == (1, 6)
    assert row["denominator_text"].endswith("; 4 events not counted for faulty records")
    assert uncounted_events(tables.rows) == [
        {"row": 2, "rule": "not counted: no grade that can be read", "rows": 1},
        {"row": 4, "rule": "not counted: no such subject", "rows": 1},
        {"row": 5, "rule": "not counted: no subject", "rows": 1},
        {"row": 6, "rule": "not counted: no term", "rows": 1},
    ]


def test_rows_that_cannot_be_read_are_no_repeats_of_one_another():
    unread = [TableError("x", row=row, column="end_day", found=text) for row, text in ((2, "soon"), (3, "later"))]
    tables = found([event("A2", "a", 3, 1), event("A2", "a", 3, 1)], unread=unread)
    assert tables.rows["counted"].to_list() == [True, True]
    assert tables.rows["ongoing"].to_list() == [None, None]


def test_a_fault_that_costs_no_value_is_no_matter_of_the_row():
    space = TableError("a space at one end", row=2, column="subject", found="A2 ")
    assert listed(found([event("A2", "a", 3, 1)], unread=[space]), "a")["reason"] is None


def test_faults_have_the_rows_of_the_table():
    rows = pl.DataFrame([event("A2", "a", 3, 1), event("a2", "a", 3, 1), event("A2", "a", 3, 5, 4)])
    faults = event_faults(rows, SUBJECTS["subject"].to_list())
    assert [(name, p.row, p.column, p.found, p.mend) for name, p in faults] == [
        ("a2", 3, "subject", "'a2'", "did you mean 'A2'? They differ only in case or Unicode form"),
        ("A2", 4, "end_day", "4", "its end is not used"),
    ]


@pytest.mark.parametrize(
    ("parameter", "flag"),
    [("ae_serious", "serious"), ("ae_immune_related", "immune_related"), ("ae_related", "related")],
)
def test_a_class_that_nobody_recorded_has_no_number_and_one_recorded_in_part_says_so(parameter, flag):
    none = {flag: None}
    yes = {flag: "TIL" if flag == "related" else True}
    row = shares(found([event("A2", "a", 3, 1, **none), event("A4", "b", 2, 1, **none)]), parameter, "grade=any")
    assert (row["numerator"], row["estimate"], row["lower"], row["denominator"]) == (None, None, None, 6)
    assert row["denominator_text"].endswith("; not recorded of 2 events of 2 subjects")
    partly = found([event("A2", "a", 3, 1, **none), event("A4", "b", 2, 1, **yes)])
    row = shares(partly, parameter, "grade=any")
    assert (row["numerator"], row["denominator"]) == (1, 6)
    assert row["denominator_text"].endswith("; not recorded of 1 event of 1 subject")
    assert listed(partly, "a")["reason"] == f"not recorded: {flag}"


def test_a_class_nobody_recorded_has_no_rate_and_no_time_either():
    tables = found([event("A2", "a", 3, 1, serious=None)])
    assert tables.rates.filter(parameter="ae_serious").is_empty()
    assert tables.times.filter(parameter="ae_onset_serious").is_empty()
    assert tables.times.filter(parameter="ae_onset_immune_related").height == 6


def test_nobody_with_an_event_is_0_of_all_whatever_was_recorded():
    row = shares(found([event("A2", "a", 3, -20, serious=None)]), "ae_serious", "grade=any")
    assert (row["numerator"], row["denominator"]) == (0, 6)


def test_causes_that_are_not_known_are_unspecified_and_told():
    tables = found([event("A2", "a", 3, 1, related="pembrolizumab"), event("A4", "b", 3, -20, related="radiotherapy")])
    assert summary(tables, "ae_related", "attribution=unspecified;grade=any") == (1, 6)
    assert listed(tables, "a")["reason"] == "related to 'pembrolizumab', which is no known word, counted as unspecified"
    assert unknown_causes(tables.rows) == ["pembrolizumab"]


def test_ways_to_write_one_term_are_one_and_are_called_by_the_commonest():
    rows = [
        event("A2", "Nausea", 1, 1, soc="Gut"), event("A3", "nausea", 2, 1), event("A4", " nausea ", 1, 1, soc="gut "),
        event("A5", "nausea", 3, 1),
    ]  # fmt: skip
    tables = found(rows)
    assert summary(tables, "ae_any", "grade=any;soc=gut;term=nausea") == (4, 6)
    assert tables.rows["term"].to_list() == ["Nausea", "nausea", " nausea ", "nausea"]
    assert tables.rows["counted_term"].unique().to_list() == ["nausea"]


def test_british_and_american_spellings_and_hyphens_are_one_term():
    rows = [
        event("A2", "anaemia", 2, 1), event("A3", "Anemia", 3, 1), event("A4", "anaemia", 1, 1),
        event("A2", "leukopenia", 4, 1), event("A5", "Leucopenia", 3, 1), event("A6", "leukopenia", 3, 1),
        event("A2", "oedema peripheral", 1, 1), event("A3", "edema peripheral", 1, 1),
        event("A4", "non-cardiac chest pain", 1, 1), event("A5", "non cardiac chest pain", 1, 1),
        event("A2", "diarrhoea", 1, 1), event("A3", "dizziness", 1, 1),
    ]  # fmt: skip
    tables = found(rows)
    assert summary(tables, "ae_any", "grade=any;soc=gut;term=anaemia") == (3, 6)
    assert summary(tables, "ae_any", "grade=any;soc=gut;term=leukopenia") == (3, 6)
    assert summary(tables, "ae_any", "grade=any;soc=gut;term=edema peripheral") == (2, 6)
    assert summary(tables, "ae_any", "grade=any;soc=gut;term=non cardiac chest pain") == (2, 6)
    assert summary(tables, "ae_any", "grade=any;soc=gut;term=diarrhoea") == (1, 6)
    assert sorted(tables.rows["counted_term"].unique()) == [
        "anaemia", "diarrhoea", "dizziness", "edema peripheral", "leukopenia", "non cardiac chest pain",
    ]  # fmt: skip


def test_a_term_is_one_with_the_marks_of_a_word_processor():
    rows = [event("A2", "T-cell Bell's palsy", 1, 1), event("A3", "T\u2011cell Bell\u2019s palsy", 3, 1)]
    assert summary(found(rows), "ae_any", "grade=any;soc=gut;term=T-cell Bell's palsy") == (2, 6)


def test_an_event_counts_under_its_preferred_term_where_it_has_one():
    rows = [
        event("A2", "fever", 1, 1, pt="Pyrexia"), event("A3", "high temperature", 3, 1, pt="PYREXIA"),
        event("A4", "pyrexia", 2, 1, pt=None), event("A5", "rash", 2, 1, pt="10037844"),
    ]  # fmt: skip
    tables = found(rows)
    assert summary(tables, "ae_any", "grade=any;soc=gut;term=PYREXIA") == (3, 6)
    assert summary(tables, "ae_any", "grade=any;soc=gut;term=rash") == (1, 6)  # a code is no word


def test_tables_of_pandas_with_an_empty_day_are_read():
    people = pd.DataFrame({"subject": ["A", "B"], "tumor_type": "other", "lymphodepletion_day": [-7, float("nan")]})
    tables = found([event("A", "a", 2, -3)], subjects=people, infusions=None, followup=None)
    assert listed(tables, "a")["period"] == "lymphodepletion"


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"grade": "Grade"}, "column Grade: table adverse_events calls this column otherwise; expected grade"),
        ({"grade": "AETOXGR"}, "column grade: table adverse_events lacks a column"),
        ({"subject": "patient"}, "column subject: table adverse_events lacks a column"),
        ({"term": "AETERM"}, "column term: table adverse_events lacks a column"),
        ({"start_day": "start_date"}, "column start_date: dates where days are wanted; expected start_day"),
    ],
)
def test_a_column_by_another_name_is_refused(named, told):
    """No event had a grade, and 0 of 6 subjects an event; without first days all were emergent, of no period."""
    frame = pl.DataFrame([event("A2", "nausea", 3, 1)]).rename(named)
    with pytest.raises(TableError, match=told):
        safety(frame, subjects=SUBJECTS)


def test_dates_of_subjects_are_refused():
    """The event of lymphodepletion was not counted, as one before the first dose."""
    people = pd.DataFrame({"subject": ["A2"], "lymphodepletion_date": [pd.Timestamp("2024-01-01")]})
    with pytest.raises(TableError, match="column lymphodepletion_date: dates where days are wanted"):
        safety(pl.DataFrame([event("A2", "nausea", 3, -3)]), subjects=people)


def test_a_first_day_that_denies_the_recorded_period_is_told_and_the_event_counts():
    """As where days count from lymphodepletion, a week before the infusion."""
    rows = [
        event("A2", "nausea", 1, 1, period="lymphodepletion"), event("A2", "fever", 1, 1, period="infusion"),
        event("A3", "rash", 1, -2, period="follow-up"), event("A3", "chills", 1, 0, period="Lymphodepletion"),
    ]  # fmt: skip
    tables = found(rows)
    assert dict(tables.rows.sort("row").select("row", "reason").rows()) == {
        2: "recorded as of lymphodepletion, and begins on day 1: counted from another day?",
        3: None,
        4: "recorded as of follow-up, and begins on day -2: counted from another day?",
        5: None,
    }
    assert denied_periods(tables.rows) == [2, 4]
    assert tables.rows["counted"].all()
