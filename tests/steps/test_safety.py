"""Safety over a study: who is counted, what stands for each subject, and whom a faulty record costs."""

from dataclasses import replace

import polars as pl

from tests.steps.clinical_study import TABLES, finish, make_study
from tilseq.steps import safety

EVENTS = """\
subject,term,soc,grade,serious,immune_related,related,start_day,end_day,pt
S1,chills,general,2,no,no,IL-2,0,1,Chills
S1,fever,general,3,yes,no,IL-2,2,4,Pyrexia
S2,chills,general,1,no,no,IL-2,-20,-19,Chills
S2,rash,skin,4,no,yes,TIL,12,,Rash
"""
CHANGES = {"clinical/adverse_events.csv": EVENTS}


def shares(written, **at):
    rows = written["summaries"].filter(group="all", **at)
    return rows.select("numerator", "denominator").row(0)


def test_subjects_are_counted_and_each_has_its_worst_grade(tmp_path):
    written = finish(make_study(tmp_path, CHANGES), tmp_path, "safety")
    assert set(written) == {
        "adverse_event_rows", "summaries", "adverse_event_rates", "adverse_event_times", "endpoints", "failures",
        "adverse_event_table", "adverse_event_estimates", "exclusions",
    }  # fmt: skip
    # S2's chills ended before lymphodepletion, its first dose: not counted. S3 was treated and had nothing.
    assert written["adverse_event_rows"].select("subject", "term", "counted", "pt").rows() == [
        ("S1", "chills", True, "Chills"), ("S1", "fever", True, "Pyrexia"),
        ("S2", "chills", False, "Chills"), ("S2", "rash", True, "Rash"),
    ]  # fmt: skip
    assert shares(written, parameter="ae_any", qualifier="grade=any") == (2, 3)
    assert shares(written, parameter="ae_serious", qualifier="grade=any") == (1, 3)
    worst = written["endpoints"].select("subject", "parameter", "value", "n")
    assert worst.rows() == [
        ("S1", "worst_adverse_event_grade", 3.0, 2.0),
        ("S2", "worst_adverse_event_grade", 4.0, 1.0),
        ("S3", "worst_adverse_event_grade", 0.0, 0.0),
    ]
    assert written["failures"].is_empty()
    left_out = written["exclusions"].select("file", "row", "rule", "rows").rows()
    assert left_out == [("clinical/adverse_events.csv", 4, "not counted: began before the first dose", 1)]
    # Chills of one counted subject, fever of the same, rash of the other.
    table = written["adverse_event_table"].filter(period="any").select("soc", "term", "n_any", "n_3_5")
    assert table.rows() == [
        (None, None, 2, 2), ("general", None, 1, 1), ("general", "Pyrexia", 1, 1), ("general", "Chills", 1, 0),
        ("skin", None, 1, 1), ("skin", "Rash", 1, 1),
    ]  # fmt: skip
    drawn = tmp_path / "work/safety/all/figures"
    assert sorted(path.name for path in drawn.iterdir()) == ["bars.png", "bars.svg", "captions.json"]


def test_settings_of_the_study_decide_whom_and_when(tmp_path):
    own = "analysis: {clinical: {emergence: all, il2_end_day: 4}}\n"
    written = finish(make_study(tmp_path, CHANGES | {"study.yaml": TABLES["study.yaml"] + own}), tmp_path, "safety")
    rows = written["adverse_event_rows"]
    assert rows["counted"].all()
    assert rows["period"].to_list() == ["infusion", "infusion", "screening", "follow_up_30"]


def test_a_faulty_record_costs_itself_alone(tmp_path):
    study = make_study(tmp_path, CHANGES)
    ended_early = pl.when(term="fever").then(pl.lit(1)).otherwise("end_day").alias("end_day")
    tables = {**study.clinical, "adverse_events": study.clinical["adverse_events"].with_columns(ended_early)}
    written = finish(replace(study, clinical=tables), tmp_path, "safety")
    (failure,) = written["failures"].iter_rows(named=True)
    assert (failure["step"], failure["unit"], failure["file"]) == ("safety", "S1", "clinical/adverse_events.csv")
    assert failure["error"].startswith("clinical/adverse_events.csv, row 3, column end_day: the event ends before")
    # The fever counts as ever; its end is not used.
    assert shares(written, parameter="ae_any", qualifier="grade=any") == (2, 3)
    assert shares(written, parameter="ae_serious", qualifier="grade=any") == (1, 3)
    fever = written["adverse_event_rows"].filter(term="fever").row(0, named=True)
    assert (fever["counted"], fever["end_day"]) == (True, None)


def test_every_row_of_the_file_is_counted_or_excluded(tmp_path):
    repeated = EVENTS + EVENTS.splitlines()[1] + "\n"
    written = finish(make_study(tmp_path, {"clinical/adverse_events.csv": repeated}), tmp_path, "safety")
    rows = written["adverse_event_rows"]
    assert rows["counted"].sum() + written["exclusions"]["rows"].sum() == rows.height == 5
    assert sorted(rows["row"]) == [2, 3, 4, 5, 6]


def test_the_last_day_of_il2_may_be_each_subject_s_own(tmp_path):
    people = "subject,tumor_type,lymphodepletion_day,il2_end_day\nS1,melanoma,-7,2\nS2,cervical,-7,\nS3,melanoma,-7,\n"
    changes = CHANGES | {"subjects.csv": people, "clinical/responses.csv": None, "clinical/lesions.csv": None}
    own = {"study.yaml": TABLES["study.yaml"] + "analysis: {clinical: {il2_end_day: 12}}\n"}
    rows = finish(make_study(tmp_path, changes | own), tmp_path, "safety")["adverse_event_rows"]
    periods = dict(rows.select("term", "period").rows())
    assert (periods["fever"], periods["rash"]) == ("infusion", "infusion")


def test_without_adverse_events_there_is_no_job_and_without_follow_up_no_rate(tmp_path):
    assert safety.plan(make_study(tmp_path)) == []
    written = finish(make_study(tmp_path, CHANGES | {"clinical/followup.csv": None}), tmp_path, "safety")
    assert written["adverse_event_times"].is_empty()
    assert (
        written["adverse_event_rates"]["rate_per_100_person_months"].null_count()
        == written["adverse_event_rates"].height
    )
