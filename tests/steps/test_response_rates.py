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
    rates = written["summaries"].filter(parameter="ORR", qualifier="confirmation=required")
    assert rates.select("group", "numerator", "denominator").rows() == [
        ("all", 1, 3), ("tumor_type=cervical", 0, 1), ("tumor_type=melanoma", 1, 2),
    ]  # fmt: skip
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
        "not_assessed", "its responses could not be derived, see failures",
    )  # fmt: skip
    rates = written["summaries"].filter(parameter="ORR", qualifier="confirmation=required")
    told = {row["group"]: (row["denominator"], row["denominator_text"]) for row in rates.iter_rows(named=True)}
    assert told["all"] == (
        3,
        "3 infused subjects; 2 of them without an assessment that counts, so without response; "
        "of these S1 could not be finished, see failures",
    )
    assert told["tumor_type=cervical"] == (1, "1 infused subjects")


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
