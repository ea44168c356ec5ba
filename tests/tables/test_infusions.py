"""An infusion of 0 cells is none: for responses, times, safety, laboratory results and the check of a study alike.

A, B and C are enrolled; A was infused, of B the product failed and 0 cells were given, of C nobody wrote how many.
"""

import polars as pl
import pytest

from tests.clinical.one_subject import derive, followup, reads, subjects
from tests.clinical.reads import recorded
from tilseq.clinical import best_response, characteristics, response, response_rates, safety
from tilseq.clinical.clinical_records import clinical_records
from tilseq.clinical.contradictions import contradictions
from tilseq.clinical.periods import periods_of
from tilseq.errors import TableError
from tilseq.io.clinical import infusion_faults
from tilseq.tables.infusions import given_infusions

SUBJECTS = pl.DataFrame({"subject": ["A", "B", "C"], "tumor_type": ["melanoma"] * 3})
INFUSIONS = pl.DataFrame(
    {"subject": ["A", "B", "C"], "infusion": [1, 1, 1], "day": [0, 0, 0], "cells": [5e10, 0.0, None]}
)
TWICE = pl.DataFrame({"subject": ["S1", "S1"], "infusion": [1, 2], "day": [0, 14], "cells": [5e10, 0.0]})


@pytest.mark.parametrize("frame", [INFUSIONS, INFUSIONS.to_pandas()])
def test_rows_of_no_cells_are_left_out(frame):
    assert given_infusions(frame)["subject"].to_list() == ["A", "C"]


def test_without_a_number_every_row_is_an_infusion():
    assert given_infusions(INFUSIONS.drop("cells")).height == 3
    assert given_infusions(INFUSIONS.with_columns(cells=None)).height == 3


def test_cells_that_are_no_number_are_refused():
    with pytest.raises(TableError, match="cells"):
        given_infusions(INFUSIONS.with_columns(cells=pl.lit("many")))


def test_rates_of_response_leave_out_who_got_no_cells():
    table = response_rates(best_response(recorded([("A", 42, "PR"), ("A", 84, "PR")])), SUBJECTS, INFUSIONS)
    row = table.filter(population="infused", parameter="ORR", group="all", qualifier="confirmation=required").row(
        0, named=True
    )
    assert (row["numerator"], row["denominator"]) == (1, 2)
    assert "1 enrolled and never infused left out: B" in row["denominator_text"]


def test_who_got_no_cells_is_not_among_the_infused_nor_the_treated():
    table = characteristics(SUBJECTS, INFUSIONS)
    assert table.filter(characteristic="infused")["subjects"].to_list() == [2]
    event = {"subject": "B", "term": "chills", "grade": 3, "start_day": 1}
    found = safety(pl.DataFrame([event]), subjects=SUBJECTS, infusions=INFUSIONS)
    assert found.rows["reason"][0].startswith("not counted: the subject was not treated")
    assert found.summaries.filter(parameter="ae_any", qualifier="grade=any")["denominator"].to_list() == [2]


def test_the_baseline_of_who_got_no_cells_is_that_of_one_never_treated():
    rows = [("B", day, "L1", "target", 20.0 + day) for day in (5, 40)]
    lesions = pl.DataFrame(rows, schema=["subject", "day", "lesion", "role", "diameter_mm"], orient="row")
    found = response(lesions, subjects=SUBJECTS, infusions=INFUSIONS)
    assert found.select("day", "baseline").rows() == [(5, True), (40, False)]


def test_times_do_not_run_from_an_infusion_of_no_cells():
    follow = followup(last_alive_day=100)
    none = TWICE.filter(infusion=1).with_columns(cells=0.0)
    (row,) = derive(reads((42, "SD")), follow, subjects(), infusions=none).filter(parameter="OS").rows(named=True)
    assert (row["days"], row["reason"]) == (None, "not infused")
    (row,) = derive(reads((42, "SD")), follow, subjects(), infusions=TWICE).filter(parameter="OS").rows(named=True)
    assert (row["days"], row["reason"]) == (101, None)  # it does not count from the first of two


def test_a_death_before_an_infusion_of_no_cells_contradicts_nothing():
    dead = followup(last_alive_day=9, death_day=9, death_cause="tumor")
    assert contradictions(clinical_records(reads((5, "SD")), dead, subjects(), infusions=TWICE)) == []
    given = TWICE.with_columns(cells=1e9)
    assert contradictions(clinical_records(reads((5, "SD")), dead, subjects(), infusions=given)) != []


def test_periods_end_after_the_last_infusion_of_cells():
    people = subjects()
    assert periods_of(people, TWICE)["S1"].infusion_end_day == 0
    assert periods_of(people, TWICE.with_columns(cells=1e9))["S1"].infusion_end_day == 14


def test_days_count_from_the_first_infusion_of_cells():
    (fault,) = infusion_faults(TWICE.with_columns(cells=pl.Series([0.0, 1e9])), "infusions.csv")
    assert (fault.row, fault.column, fault.found, fault.expected) == (3, "day", "14", "0")
    assert (fault.mend or "").startswith("one of 0 cells is no infusion: leave its row out")
    assert infusion_faults(INFUSIONS, "infusions.csv") == []
    late = TWICE.filter(infusion=1).with_columns(cells=0.0, day=3)
    assert [fault.row for fault in infusion_faults(late, "infusions.csv")] == [2]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"cells": "Cells"}, "column Cells: table infusions calls this column otherwise; expected cells"),
        ({"subject": "patient"}, "column subject: table infusions lacks a column"),
    ],
)
def test_infusions_by_other_names_are_refused(named, told):
    lesions = pl.DataFrame({"subject": ["A"], "day": [-8], "lesion": ["T1"], "role": ["target"], "diameter_mm": [20.0]})
    with pytest.raises(TableError, match=told):
        response(lesions, subjects=SUBJECTS, infusions=INFUSIONS.rename(named))
    with pytest.raises(TableError, match=told):
        response_rates(best_response(recorded([("A", 42, "PR")])), SUBJECTS, INFUSIONS.rename(named))
