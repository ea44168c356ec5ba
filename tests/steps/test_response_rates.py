"""Best responses and rates over a study: the subject that could not be finished is told beside the rates."""

import pytest

from tests.steps.clinical_study import TABLES, finish, make_study
from tilseq.clinical import BestResponsePolicy
from tilseq.errors import AnalysisError
from tilseq.steps import response_rates
from tilseq.study.settings import Settings


def test_best_responses_rates_and_endpoints(tmp_path):
    written = finish(make_study(tmp_path), tmp_path, "response_rates")
    best = written["best_response"].filter(confirmation="required").select("subject", "best_response", "depth_pct")
    # S1: PR on days 42 and 84. S2: PD on day 42. S3 is infused and was never scanned.
    assert best.rows() == [("S1", "PR", -50.0), ("S2", "PD", 25.0), ("S3", "not_assessed", None)]
    rates = written["summaries"].filter(parameter="ORR", qualifier="confirmation=required", population="infused")
    assert rates.select("group", "numerator", "denominator").rows() == [
        ("all", 1, 3), ("tumor_type=cervical", 0, 1), ("tumor_type=melanoma", 1, 2),
    ]  # fmt: skip
    # D42 is planned with a window of 4 days.
    assert rates["denominator_text"][1] == "1 infused subject; SD counts from 38 days on, none fell short of it"
    flow = written["characteristics"].filter(group="all").select("characteristic", "level", "subjects").rows()
    assert flow == [
        ("assessed", None, 2), ("enrolled", None, 3), ("infused", None, 3), ("lymphodepleted", None, 3),
        ("tumor_type", "cervical", 1), ("tumor_type", "melanoma", 2),
    ]  # fmt: skip
    assert written["exclusions"].is_empty()
    endpoints = written["endpoints"].select("subject", "day", "parameter", "qualifier", "value", "value_text", "status")
    assert endpoints.filter(subject="S1").rows() == [
        ("S1", 42, "best_response", "confirmation=not_required", None, "PR", "quantified"),
        ("S1", 42, "best_response", "confirmation=required", None, "PR", "quantified"),
        ("S1", 84, "depth_of_response", None, -50.0, None, "quantified"),
    ]
    assert endpoints.filter(subject="S3")["status"].unique().to_list() == ["not_evaluable"]


def test_a_subject_that_failed_stays_in_the_denominator_and_is_named(tmp_path):
    bad = {"clinical/lesions.csv": ("S1,84,D84,T1", "S1,84,D84,T9")}
    written = finish(make_study(tmp_path, bad), tmp_path, "response_rates")
    best = written["best_response"].filter(subject="S1", confirmation="required")
    assert best.select("best_response", "reason").row(0) == (
        "not_assessed", "its responses could not be derived",
    )  # fmt: skip
    rates = written["summaries"].filter(parameter="ORR", qualifier="confirmation=required", population="infused")
    told = {row["group"]: (row["denominator"], row["denominator_text"]) for row in rates.iter_rows(named=True)}
    assert told["all"] == (
        3,
        "3 infused subjects; 2 of them without an assessment that counts, so without response; "
        "SD counts from 38 days on, none fell short of it; of these S1 could not be derived: not assessed",
    )
    assert told["tumor_type=cervical"] == (
        1, "1 infused subject; SD counts from 38 days on, none fell short of it",
    )  # fmt: skip


READS = "subject,day,visit,response\nS1,-8,baseline,SD\nS1,42,D42,PR\nS1,84,D84,PR\nS2,42,D42,PD\nS2,84,D84,PD\n"


def test_what_no_best_response_rests_on_is_excluded_by_file_and_row(tmp_path):
    changes = {
        "clinical/responses.csv": READS,
        "clinical/followup.csv": TABLES["clinical/followup.csv"].replace("S1,300,,,365", "S1,60,,,60"),
        "infusions.csv": ("S3,1,0\n", ""),
    }
    written = finish(make_study(tmp_path, changes), tmp_path, "response_rates")
    assert written["exclusions"].select("file", "row", "rule", "rows").sort("file", "row").rows() == [
        ("clinical/responses.csv", 2,
         "a recorded response by the start of treatment: no best response rests on it", 1),
        ("clinical/responses.csv", 4, "a recorded response after the data cut: no best response rests on it", 1),
        ("clinical/responses.csv", 6,
         "a recorded response after the first progression: no best response rests on it", 1),
        ("subjects.csv", 4, "not infused: in no rate of the infused", 1),
    ]  # fmt: skip
    # The PR of day 84 that would confirm is after the cut.
    assert written["best_response"].filter(subject="S1", confirmation="required")["best_response"].to_list() == ["SD"]


def test_derived_responses_that_do_not_count_are_excluded_by_the_rows_of_their_lesions(tmp_path):
    changes = {
        "clinical/responses.csv": None,
        "clinical/lesions.csv": TABLES["clinical/lesions.csv"] + "S2,84,D84,T1,target,60\n",
    }
    written = finish(make_study(tmp_path, changes), tmp_path, "response_rates")
    assert written["exclusions"].select("file", "row", "rule", "rows").rows() == [
        ("clinical/lesions.csv", 7,
         "a derived response after the first progression: no best response rests on it", 1),
    ]  # fmt: skip


def test_where_all_failed_there_is_no_rate(tmp_path):
    bad = {"clinical/lesions.csv": TABLES["clinical/lesions.csv"].replace("D42,T1", "D42,T9")}
    with pytest.raises(AnalysisError, match="no subject's responses could be derived"):
        finish(make_study(tmp_path, bad), tmp_path, "response_rates")


def test_policies_of_the_study_are_those_of_the_laboratory(tmp_path):
    strict = {"study.yaml": TABLES["study.yaml"] + "analysis: {clinical: {best_response: {confirmation_days: 60}}}\n"}
    written = finish(make_study(tmp_path, strict), tmp_path, "response_rates")
    assert written["best_response"].filter(subject="S1")["best_response"].to_list() == ["PR", "SD"]
    settings = Settings(study="demo").analysis.clinical
    told = {"source": settings.source, **settings.best_response.model_dump()}
    assert BestResponsePolicy(**{**told, "disease_control": tuple(told["disease_control"])}) == BestResponsePolicy()


def test_without_clinical_tables_there_is_no_job(tmp_path):
    none = dict.fromkeys(("clinical/lesions.csv", "clinical/responses.csv"))
    assert response_rates.plan(make_study(tmp_path, none)) == []
