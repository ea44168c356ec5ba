"""Tumour markers over a study: courses, changes, and CA-125 of ovarian cancer alone."""

import json
from dataclasses import replace

import polars as pl

from tests.steps.clinical_study import TABLES, finish, make_study
from tilseq.steps import markers

MARKERS = "subject,day,test,value_text,unit,upper_limit\n"
MARKERS += "".join(f"S1,{day},CA125,{value},U/mL,35\n" for day, value in ((-8, 200), (28, 90), (60, 80), (90, 170)))
MARKERS += "S2,-8,SCC,<0.5,ng/mL,1.5\nS2,28,SCC,0.9,ng/mL,1.5\nS2,-8,TG,12,ng/mL,55\n"
CHANGES = {
    "clinical/tumor_markers.csv": MARKERS,
    "subjects.csv": TABLES["subjects.csv"].replace("S1,melanoma", "S1,ovarian").replace("S3,melanoma", "S3,ovarian"),
}


def test_courses_changes_and_categories(tmp_path):
    written = finish(make_study(tmp_path, CHANGES), tmp_path, "markers")
    assert set(written) == {"marker_courses", "gcig", "endpoints", "exclusions", "failures"}
    # From 200 half or less on days 28 and 60, 28 days apart; 170 is twice the nadir, but once. S3 has no sample.
    found = written["gcig"].select("subject", "category", "response_day", "evaluable_response").rows()
    assert found == [("S1", "PR", 28, True), ("S3", "NE", None, False)]
    told = written["endpoints"].select("subject", "parameter", "qualifier", "day", "value", "value_text", "status")
    assert told.rows() == [
        ("S1", "gcig_ca125", None, None, None, "PR", "quantified"),
        ("S1", "marker_lowest_change", "marker=CA125", 60, -60.0, None, "quantified"),
        ("S3", "gcig_ca125", None, None, None, "NE", "not_evaluable"),
    ]
    drawn = tmp_path / "work/markers/all/figures"
    assert sorted(path.stem for path in drawn.glob("*.svg")) == ["markers_S1", "markers_S2"]


def test_who_was_never_treated_has_a_course_and_no_response(tmp_path):
    people = CHANGES["subjects.csv"].replace("S1,ovarian,-60,-7", "S1,ovarian,-60,")
    changes = CHANGES | {"subjects.csv": people, "infusions.csv": "subject,infusion,day\nS2,1,0\nS3,1,0\n"}
    written = finish(make_study(tmp_path, changes), tmp_path, "markers")
    assert written["marker_courses"].filter(subject="S1").height == 4
    assert written["gcig"].filter(subject="S1").select("category", "response_day", "reason").row(0) == (
        "NE", None, "response not evaluable: never treated; progression not evaluable: never treated",
    )  # fmt: skip
    assert "marker_lowest_change" not in written["endpoints"]["parameter"].to_list()


def test_every_figure_has_its_caption_and_what_takes_no_part_is_excluded(tmp_path):
    more = MARKERS + "S1,28,CA125,95,U/mL,35\nS2,30,SCC,n/a,ng/mL,1.5\nS2,31,SCC,lost,ng/mL,1.5\n"
    written = finish(make_study(tmp_path, CHANGES | {"clinical/tumor_markers.csv": more}), tmp_path, "markers")
    assert written["exclusions"].select("file", "rule", "rows").rows() == [
        ("clinical/tumor_markers.csv", "not used: CA125: results of one day differ", 2),
        ("clinical/tumor_markers.csv", "not used: SCC: the result is no number", 2),
    ]
    captions = json.loads((tmp_path / "work/markers/all/figures/captions.json").read_text())
    assert set(captions) == {f"markers_S{n}.{kind}" for n in (1, 2) for kind in ("svg", "png")}


def test_drainage_and_antibodies_are_settings(tmp_path):
    for setting, why in (
        ("ca125_interference: {S1: [28, 60]}", "sample of day 28 not used"),
        ("mouse_antibodies: [S1]", "given mouse antibodies"),
    ):
        yaml = TABLES["study.yaml"] + f"analysis: {{clinical: {{{setting}}}}}\n"
        written = finish(make_study(tmp_path, CHANGES | {"study.yaml": yaml}), tmp_path, "markers")
        assert why in written["gcig"].filter(subject="S1")["reason"][0]


def test_what_tg_means_is_a_setting(tmp_path):
    fat = "analysis: {clinical: {tg: triglycerides}}\n"
    written = finish(make_study(tmp_path, CHANGES | {"study.yaml": TABLES["study.yaml"] + fat}), tmp_path, "markers")
    assert written["marker_courses"].filter(test="TG")["used"].to_list() == [False]


def test_an_unknown_subject_is_a_failure_and_the_others_go_on(tmp_path):
    study = make_study(tmp_path, CHANGES)
    stranger = pl.when(subject="S2").then(pl.lit("S22")).otherwise("subject").alias("subject")
    tables = {**study.clinical, "tumor_markers": study.clinical["tumor_markers"].with_columns(stranger)}
    written = finish(replace(study, clinical=tables), tmp_path, "markers")
    assert written["failures"].select("step", "unit").rows() == [("markers", "S22")]
    assert written["marker_courses"]["subject"].unique().to_list() == ["S1"]


def test_without_markers_there_is_no_job(tmp_path):
    assert markers.plan(make_study(tmp_path)) == []


def test_records_after_the_data_cut_count_nowhere(tmp_path):
    follow = TABLES["clinical/followup.csv"].replace("S1,300,,,365", "S1,300,,,59")
    written = finish(make_study(tmp_path, CHANGES | {"clinical/followup.csv": follow}), tmp_path, "markers")
    assert written["marker_courses"].filter(subject="S1")["day"].to_list() == [-8, 28]
    # 90 of 200 on day 28; what confirms the half on day 60 was not known yet.
    lowest = written["endpoints"].filter(subject="S1", parameter="marker_lowest_change")
    assert lowest.select("day", "value").rows() == [(28, -55.0)]
    assert written["gcig"].filter(subject="S1")["response_day"].to_list() == [None]
    assert written["exclusions"].select("file", "row", "rule", "rows").rows() == [
        ("clinical/tumor_markers.csv", None, "a record after the data cut of S1 (day 59), first in row 4", 2)
    ]


def test_after_a_new_therapy_no_change_and_no_category_of_it(tmp_path):
    given = {"clinical/therapies.csv": "subject,therapy,start_day\nS1,carboplatin,59\n"}
    written = finish(make_study(tmp_path, CHANGES | given), tmp_path, "markers")
    # The course goes on; -60 % of day 60 is that of the next therapy.
    assert written["marker_courses"].filter(subject="S1")["day"].to_list() == [-8, 28, 60, 90]
    lowest = written["endpoints"].filter(subject="S1", parameter="marker_lowest_change")
    assert lowest.select("day", "value", "n").rows() == [(28, -55.0, 1.0)]
    since = "lowest change since treatment began, {}, from the last value before it, of one assay"
    assert lowest["method"].to_list() == [since.format("up to a new therapy")]
    assert "samples after the new therapy of day 59 not used: 2" in written["gcig"].filter(subject="S1")["reason"][0]
    ignored = TABLES["study.yaml"] + "analysis: {clinical: {best_response: {new_therapy: ignore}}}\n"
    written = finish(make_study(tmp_path, CHANGES | given | {"study.yaml": ignored}), tmp_path, "markers")
    assert written["gcig"].filter(subject="S1").select("category", "response_day").rows() == [("PR", 28)]
    lowest = written["endpoints"].filter(subject="S1", parameter="marker_lowest_change")
    assert lowest.select("day", "value", "method").rows() == [(60, -60.0, since.format("new therapies ignored"))]
    written = finish(make_study(tmp_path, CHANGES | {"clinical/therapies.csv": None}), tmp_path, "markers")
    lowest = written["endpoints"].filter(subject="S1", parameter="marker_lowest_change")
    assert lowest["method"].to_list() == [since.format("new therapies not looked for: no table")]
