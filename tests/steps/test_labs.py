"""Laboratory results over a study: grades only by the version it names, recoveries, and whom a fault costs."""

from dataclasses import replace

import polars as pl
import pytest

from tests.steps.clinical_study import TABLES, finish, make_study
from tilseq.steps import labs

HEADER = "subject,day,test,value_text,unit,lower_limit,upper_limit,clinically_significant\n"
COUNTS = {-8: 4.0, 0: 0.3, 3: 0.2, 9: 0.8, 10: 1.2, 11: 1.4}
LABS = HEADER + "".join(f"S1,{day},ANC,{count},10^9/L,1.8,7.5,{count < 1}\n" for day, count in COUNTS.items())
LABS += "S2,-8,ANC,2.0,10^9/L,1.8,7.5,\nS2,2,ANC,1.9,10^9/L,1.8,7.5,\nS2,2,heart rate,120,/min,60,100,true\n"
GRADED = {"study.yaml": TABLES["study.yaml"] + "analysis: {clinical: {ctcae: 5}}\n", "clinical/labs.csv": LABS}
TERM = "Neutrophil count decreased"


@pytest.fixture
def written(tmp_path):
    return finish(make_study(tmp_path, GRADED), tmp_path, "labs")


def test_grades_shifts_and_worsening(written):
    graded = written["lab_grades"].filter(subject="S1").select("day", "grade", "baseline_grade", "version")
    assert graded.rows() == [
        (-8, 0, 0, "5"), (0, 4, 0, "5"), (3, 4, 0, "5"), (9, 3, 0, "5"), (10, 2, 0, "5"), (11, 2, 0, "5"),
    ]  # fmt: skip
    shifts = written["lab_shifts"].filter(period="any").select("baseline_grade", "worst_grade", "subjects")
    assert shifts.rows() == [(0, 0, 1), (0, 4, 1)]
    worst = f"direction=low;period=any;term={TERM};test=ANC;worst_grade=4"
    row = written["summaries"].filter(qualifier=worst).select("parameter", "numerator", "denominator")
    assert row.rows() == [("lab_worsening", 1, 2)]


def test_endpoints_of_each_subject(written):
    told = written["endpoints"].select("subject", "parameter", "qualifier", "day", "value", "value_text", "status")
    of_grade = f"term={TERM};test=ANC"
    assert told.filter(pl.col("qualifier").str.contains("ANC")).rows() == [
        # Back from day 9 on at 0.5; at 1 for two days, where three are asked.
        ("S1", "blood_count_recovery", "test=ANC;threshold=0.5", 9, 9.0, None, "quantified"),
        ("S1", "blood_count_recovery", "test=ANC;threshold=1", 11, None, "not by day 11", "above_range"),
        ("S1", "worst_lab_grade", of_grade, None, 4.0, None, "quantified"),
        ("S2", "blood_count_recovery", "test=ANC;threshold=0.5", None, None, "never below", "not_evaluable"),
        ("S2", "blood_count_recovery", "test=ANC;threshold=1", None, None, "never below", "not_evaluable"),
        ("S2", "worst_lab_grade", of_grade, None, 0.0, None, "quantified"),
    ]


def test_what_no_term_grades_is_excluded_but_held_against_its_limits(written):
    assert written["exclusions"].select("file", "rule", "rows").rows() == [
        ("clinical/labs.csv", "not graded: no term of CTCAE 5 is known for the test heart rate", 1)
    ]
    assert written["results_by_limits"].filter(test="heart rate")["position"].to_list() == ["high"]
    flagged = written["significant_results"].filter(period="follow_up_30").select("subject", "judged", "significant")
    assert flagged.rows() == [("S1", 4, 2), ("S2", 1, 1)]


def test_severe_terms_are_drawn(written, tmp_path):
    drawn = {path.name[:-15] for path in (tmp_path / "work/labs/all/figures").glob("*.svg")}
    assert drawn == {"Neutrophil_count_decreased_over_time"}  # a map of two subjects tells what the table does


def test_without_a_version_nothing_is_graded_and_it_is_said(tmp_path):
    study = make_study(tmp_path, {"clinical/labs.csv": LABS})
    assert any("are not graded" in note for note in study.notes)
    written = finish(study, tmp_path, "labs")
    assert written["lab_grades"].is_empty()
    assert written["exclusions"].select("rule", "rows").rows() == [
        ("not graded: study.yaml names no version of the CTCAE (analysis.clinical.ctcae: 5 or 6)", 9)
    ]
    assert written["recoveries"].height == 4
    assert written["results_by_limits"].height == 9
    assert not (tmp_path / "work/labs/all/figures").exists()


def test_an_unknown_subject_is_a_failure_and_the_others_go_on(tmp_path):
    study = make_study(tmp_path, GRADED)
    stranger = pl.when(subject="S2").then(pl.lit("S22")).otherwise("subject").alias("subject")
    tables = {**study.clinical, "labs": study.clinical["labs"].with_columns(stranger)}
    written = finish(replace(study, clinical=tables), tmp_path, "labs")
    (failure,) = written["failures"].iter_rows(named=True)
    assert failure["unit"] == "S22"
    assert failure["error"].startswith(
        "clinical/labs.csv, row 8, column subject: a subject of the results is not among"
    )
    assert written["lab_grades"]["subject"].unique().to_list() == ["S1"]
    assert "left out for faulty records: 1" in written["summaries"]["denominator_text"][0]


def test_without_results_there_is_no_job(tmp_path):
    assert labs.plan(make_study(tmp_path)) == []
