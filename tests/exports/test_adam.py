import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.exports.adam import adam
from tilseq.tables import conform
from tilseq.tables.adam import ADAM_TABLES
from tilseq.tables.best_response import BEST_RESPONSE
from tilseq.tables.inputs import INFUSIONS, SUBJECTS
from tilseq.tables.lab_grades import LAB_GRADES
from tilseq.tables.outputs import ENDPOINTS, RESPONSE
from tilseq.tables.safety import ADVERSE_EVENT_ROWS
from tilseq.tables.survival import TIME_TO_EVENT

SUBJECT_ROWS = [
    {"subject": "01", "tumor_type": "melanoma", "age": 51.5, "sex": "female", "lymphodepletion_day": -7},
    {"subject": "02", "tumor_type": "ovarian", "sex": "other", "arm": "B", "lymphodepletion_day": -5},
    {"subject": "03", "tumor_type": "ovarian", "lymphodepletion_day": -5},
]
INFUSION_ROWS = [
    {"subject": "01", "infusion": 1, "day": 0, "cells": 2e10},
    {"subject": "01", "infusion": 2, "day": 14, "cells": 1e10},
    {"subject": "02", "infusion": 1, "day": 0, "cells": 3e10},
    {"subject": "02", "infusion": 2, "day": 14},
]
TABLES = (TIME_TO_EVENT, RESPONSE, BEST_RESPONSE, LAB_GRADES, ADVERSE_EVENT_ROWS, ENDPOINTS)


def export(subjects=SUBJECT_ROWS, reference="infusion", infusions=INFUSION_ROWS, **rows):
    """Datasets by name, of tables of which rows are given."""
    tables = {table.name: table.frame(rows.get(table.name, ())) for table in TABLES}
    made = adam(tables, SUBJECTS.frame(subjects), INFUSIONS.frame(infusions), study="T1", reference=reference)
    return {table.name: conform(frame, table) for frame, table in made}


def columns(frame, *names):
    return frame.select(names).rows()


def test_every_dataset_is_there_and_its_names_and_labels_are_as_short_as_the_model_asks():
    assert list(export()) == ["adsl", "adtte", "adtr", "adrs", "adlb", "adae", "adbm"]
    every = [column for table in ADAM_TABLES for column in table.columns]
    assert {column.name for column in every if len(column.name) > 8 or column.name != column.name.upper()} == set()
    assert {column.meaning for column in every if len(column.meaning) > 40} == set()


def test_subjects():
    """The day of the infusion is 1, and the day before it -1; cells of which one lot is not known are not known."""
    made = export()["adsl"]
    assert made["STUDYID"].unique().to_list() == ["T1"]
    told = columns(made, "USUBJID", "AGE", "AGEU", "SEX", "ARM", "TRTFL", "LDEPLDY", "INFDY", "INFCELLS")
    assert told == [
        ("01", 51.5, "YEARS", "F", None, "Y", -7, 1, 3e10),
        ("02", None, None, "U", "B", "Y", -5, 1, None),
        ("03", None, None, None, None, "N", -5, None, None),
    ]


def test_an_infusion_of_0_cells_is_none():
    """As in the results: who had no other is not treated, and the cells are of those given."""
    infusions = [
        {"subject": "01", "infusion": 1, "day": 0, "cells": 2e10},
        {"subject": "01", "infusion": 2, "day": 14, "cells": 0.0},
        {"subject": "02", "infusion": 1, "day": 0, "cells": 0.0},
    ]
    assert columns(export(infusions=infusions)["adsl"], "USUBJID", "TRTFL", "INFDY", "INFCELLS") == [
        ("01", "Y", 1, 2e10),
        ("02", "N", None, None),
        ("03", "N", None, None),
    ]


def test_days_count_from_the_reference_that_is_asked_for():
    events = [{"subject": "01", "start_day": day, "counted": True, "row": day + 20} for day in (-8, -7, -6, 0, 3)]
    assert export(adverse_event_rows=events)["adae"]["ASTDY"].to_list() == [-8, -7, -6, 1, 4]
    moved = export(reference="lymphodepletion", adverse_event_rows=events)
    assert moved["adae"]["ASTDY"].to_list() == [-1, 1, 2, 8, 11]
    assert columns(moved["adsl"], "LDEPLDY", "INFDY") == [(1, 8), (1, 6), (1, None)]


def test_a_reference_that_subjects_do_not_have_is_refused():
    with pytest.raises(AnalysisError, match="relative days cannot count from enrollment.*found '01, 02, 03'"):
        export(reference="enrollment")


def test_time_to_event():
    """An event has censor 0, as survival's programs ask; what cannot be evaluated has neither value nor censor."""
    common = {"parameter": "OS", "rule": "r", "origin": "infusion", "start_day": 0}
    rows = [
        {**common, "subject": "01", "end_day": 99, "days": 100, "event": True, "description": "death",
         "source_table": "followup", "source_row_day": 99},
        {**common, "subject": "02", "end_day": 49, "days": 50, "event": False, "description": "last alive",
         "reason": "r2"},
        {**common, "subject": "03", "start_day": None, "description": "never infused", "reason": "r3"},
    ]  # fmt: skip
    made = export(time_to_event=rows)["adtte"]
    assert columns(made, "USUBJID", "PARAMCD", "AVAL", "AVALU", "CNSR", "STARTDY", "ADY") == [
        ("01", "OS", 100, "DAYS", 0, 1, 100),
        ("02", "OS", 50, "DAYS", 1, 1, 50),
        ("03", "OS", None, None, None, None, None),
    ]
    assert columns(made, "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCDY", "REASON") == [
        ("death", None, "followup", 100, None),
        (None, "last alive", None, None, "r2"),
        (None, None, None, None, "never infused; r3"),
    ]


def test_sums_of_diameters_with_baseline_and_lowest_earlier_sum():
    """Sums 70, 60, 30, none, 45 of a reader: by hand, changes of -50 and -25 % from 60, and +50 % from 30."""

    def at(day, visit, total, change=None, from_nadir=None, measured=2, *, baseline=False):
        return {"subject": "01", "reader": "A", "day": day, "visit": visit, "baseline": baseline, "targets": 2,
                "targets_measured": measured, "sum_mm": total, "change_from_baseline_pct": change,
                "change_from_nadir_pct": from_nadir}  # fmt: skip

    rows = [
        at(-30, "early", 70.0),
        at(-8, "baseline", 60.0, baseline=True),
        at(41, "D42", 30.0, -50.0, -50.0),
        at(83, "D84", None, measured=1),
        at(125, "D126", 45.0, -25.0, 50.0),
        at(-8, "baseline", None, measured=0, baseline=True) | {"subject": "02", "targets": 0},
    ]
    made = export(response=rows)["adtr"]
    assert columns(made, "ADY", "AVAL", "ABLFL", "BASE", "PCHG", "NADIR", "PCHGNAD", "LSASS") == [
        (-30, 70.0, None, None, None, None, None, 2),
        (-8, 60.0, "Y", 60.0, None, None, None, 2),
        (42, 30.0, None, 60.0, -50.0, 60.0, -50.0, 2),
        (84, None, None, 60.0, None, 30.0, None, 1),
        (126, 45.0, None, 60.0, -25.0, 30.0, 50.0, 2),
    ]


def test_responses_of_visits_and_the_best_of_subjects():
    of_visit = [
        {"subject": "01", "reader": "A", "day": 41, "visit": "D42", "baseline": False, "targets": 0,
         "targets_measured": 0, "new_lesion": False, "response": "PR", "recorded": "SD",
         "target_response": "PR", "reason": "why"},
        {"subject": "02", "reader": "A", "day": 41, "visit": "D42", "baseline": False, "targets": 0,
         "targets_measured": 0, "new_lesion": True, "recorded": "PD"},
    ]  # fmt: skip
    best = [
        {"subject": "01", "reader": "A", "source": "derived", "confirmation": "required", "best_response": "PR",
         "day": 41, "visit": "D42", "confirmation_day": 83, "rule": "r"},
        {"subject": "02", "reader": "A", "source": "recorded", "confirmation": "not_required",
         "best_response": "not_assessed", "rule": "r", "reason": "no scan"},
    ]  # fmt: skip
    made = export(response=of_visit, best_response=best)["adrs"]
    assert columns(made, "USUBJID", "PARAMCD", "AVISIT", "ADY", "AVALC", "CONFDY", "REASON") == [
        ("01", "OVRREC", "D42", 42, "SD", None, None),
        ("02", "OVRREC", "D42", 42, "PD", None, None),
        ("01", "OVRDER", "D42", 42, "PR", None, "why"),
        ("01", "TRGRESP", "D42", 42, "PR", None, None),
        ("02", "BORREC", None, None, "MISSING", None, "no scan"),
        ("01", "CBORDER", "D42", 42, "PR", 84, None),
    ]


def test_grades_stand_on_their_side():
    common = {"subject": "01", "day": 3, "test": "potassium", "value": 5.7, "value_text": "5.7", "unit": "mmol/L"}
    rows = [
        {**common, "term": "Hypokalemia", "direction": "low", "grade": 0, "baseline_grade": 0, "version": "5"},
        {**common, "term": "Hyperkalemia", "direction": "high", "grade": 2, "version": "5"},
    ]
    made = export(lab_grades=rows)["adlb"]
    assert columns(made, "ADY", "AVAL", "ATOXDSCL", "ATOXGRL", "BTOXGRL", "ATOXDSCH", "ATOXGRH", "BTOXGRH") == [
        (4, 5.7, "Hypokalemia", 0, 0, None, None, None),
        (4, 5.7, None, None, None, "Hyperkalemia", 2, None),
    ]


def test_a_result_is_a_number_in_its_unit_beside_what_the_laboratory_wrote():
    """13.5 g/dL are 135 g/L; fewer than 100 cells per µL are below 0.1 x 10^9/L, and no number."""
    common = {"subject": "01", "day": 3, "term": "t", "direction": "low", "version": "5"}
    rows = [
        {**common, "test": "haemoglobin", "value": 135.0, "value_text": "13.5", "unit": "g/L"},
        {**common, "test": "neutrophils", "value": 0.1, "value_text": " < 100", "unit": "10^9/L", "grade": 4},
        {**common, "test": "lipase", "value": 600.0, "value_text": "≥600", "unit": "U/L"},
        {**common, "test": "sodium", "value": None, "value_text": "lysed", "unit": "mmol/L"},
    ]
    made = export(lab_grades=rows)["adlb"]
    assert columns(made, "AVAL", "AVALC", "AVALU", "LBORRES", "ATOXGRL") == [
        (135.0, None, "g/L", "13.5", None),
        (None, "<0.1", "10^9/L", " < 100", 4),
        (None, ">=600", "U/L", "≥600", None),
        (None, None, "mmol/L", "lysed", None),
    ]


def test_results_of_subjects_that_the_study_does_not_have_are_refused():
    events = [{"subject": name, "start_day": 0, "counted": True} for name in ("01", "1")]
    with pytest.raises(AnalysisError, match="results are of subjects of none of the study; found '1'; give"):
        export(adverse_event_rows=events)


def test_adverse_events_with_what_is_not_recorded_left_empty():
    rows = [
        {"subject": "01", "term": "rash", "counted_term": "Rash", "start_day": 0, "end_day": 4, "duration_days": 5,
         "grade": 2, "serious": False, "immune_related": None, "emergent": True, "counted": True, "row": 2},
        {"subject": None, "term": "fever", "counted": False, "row": 3},
    ]  # fmt: skip
    made = export(adverse_event_rows=rows)["adae"]
    assert columns(made, "AETERM", "AEDECOD", "ASTDY", "AENDY", "ADURN", "ADURU", "AESER", "IRAEFL", "TRTEMFL") == [
        ("rash", "Rash", 1, 5, 5, "DAYS", "N", None, "Y")
    ]
    assert columns(made, "ANL01FL", "SRCSEQ") == [("Y", 2)]


def test_biomarkers_are_the_numbers_of_samples_and_have_codes_that_stay():
    rows = [
        {"subject": "01", "visit": "D7", "parameter": "cd4_cd8_ratio", "day": 7, "value": 1.5, "unit": "ratio",
         "lower": 1.2, "upper": 1.9, "interval_method": "10,000 draws",
         "status": "quantified", "sample": "t1", "qualifier": "", "scope": "sample"},
        {"subject": "01", "parameter": "hill_q1", "qualifier": "locus=TRB", "unit": "clones", "status": "not_evaluable",
         "scope": "sample"},
        {"subject": "01", "parameter": "sum_of_diameters", "value": 60.0, "unit": "mm", "status": "quantified",
         "scope": "cohort"},
    ]  # fmt: skip
    made = export(endpoints=rows)["adbm"]
    # `printf cd4_cd8_ratio | sha256sum | xxd -r -p | base32`, and of "hill_q1 locus=TRB"
    assert columns(made, "PARAM", "PARAMCD", "ADY", "AVAL", "AVALLL", "AVALUL", "ASTATUS") == [
        ("cd4_cd8_ratio", "B55K7YP7", 8, 1.5, 1.2, 1.9, "quantified"),
        ("hill_q1 locus=TRB", "BWIHUQXD", None, None, None, None, "not_evaluable"),
    ]
    assert made["ALIMMETH"].to_list() == ["10,000 draws", None]


def test_a_number_that_is_a_day_counts_as_the_days_beside_it():
    of = {"subject": "01", "qualifier": "locus=TRB", "unit": "d", "scope": "cohort"}
    rows = [
        {"subject": "01", "visit": "D7", "parameter": "persistence_mass", "qualifier": "locus=TRB", "day": 9,
         "value": 0.8, "unit": "fraction", "status": "quantified", "sample": "t1", "scope": "cohort"},
        {**of, "parameter": "persistence_mass_day_of_peak", "value": 9.0, "lower": 9.0, "upper": 26.0,
         "status": "quantified"},
        {**of, "parameter": "persistence_mass_half_life", "value": 9.0, "status": "quantified"},
        {**of, "parameter": "persistence_mass_last_day_quantified", "value": 179.0, "status": "quantified"},
        {**of, "parameter": "persistence_mass_time_to_loss", "value": 179.0, "lower": 179.0, "value_text": "> 179 d",
         "status": "above_range"},
    ]  # fmt: skip
    names = ("ADY", "AVAL", "AVALLL", "AVALUL", "AVALC")
    assert columns(export(endpoints=rows)["adbm"], *names) == [
        (10, 0.8, None, None, None),
        (None, 10, 10, 27, None),
        (None, 9, None, None, None),
        (None, 180, None, None, None),
        (None, 180, 180, None, "> 180 d"),
    ]
    # Lymphodepletion of subject 01 is on day -7.
    assert columns(export(reference="lymphodepletion", endpoints=rows)["adbm"], *names) == [
        (17, 0.8, None, None, None),
        (None, 17, 17, 34, None),
        (None, 9, None, None, None),
        (None, 187, None, None, None),
        (None, 187, 187, None, "> 187 d"),
    ]


def test_a_column_of_the_study_that_nobody_gave_stays_empty():
    frame = export([{"subject": "01", "tumor_type": "melanoma", "lymphodepletion_day": None}])["adsl"]
    assert frame.select("LDEPLDY", "RANDDY", "AGE").rows() == [(None, None, None)]
    assert frame.schema["RANDDY"] == pl.Int64
