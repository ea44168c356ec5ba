"""The clinical step: what its job carries, and what it writes from that alone."""

import json
import shutil

import polars as pl
import pytest

from tilseq.errors import StudyError
from tilseq.steps.clinical import plan, run
from tilseq.steps.job import Job
from tilseq.study import read_study

LESIONS = """\
subject,day,visit,lesion,role,diameter_mm
S1,-8,baseline,T1,target,50
S1,28,D28,T1,target,0
S1,84,D84,T1,target,4
S2,-8,baseline,T1,target,40
S2,28,D28,T1,target,
"""
RESPONSES = "subject,day,visit,response\nS1,28,D28,CR\nS2,28,D28,NE\n"
TABLES = {
    "study.yaml": "study: demo\n",
    "subjects.csv": "subject,tumor_type,age,first_dose_day\nS1,melanoma,40,-7\nS2,melanoma,50,-7\n",
    "infusions.csv": "subject,infusion,day\nS1,1,0\nS2,1,0\n",
    "samples.csv": "sample,subject,visit,day,specimen,assay,path\n",
    "clinical/lesions.csv": LESIONS,
    "clinical/responses.csv": RESPONSES,
}


@pytest.fixture
def study(tmp_path):
    """Write a study with some files changed or, with None, left out, and read it."""

    def make(changes=None):
        root = tmp_path / "demo"
        shutil.rmtree(root, ignore_errors=True)
        for name, text in (TABLES | (changes or {})).items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
        return read_study(root)

    return make


def tables(jobs, folder):
    """Run jobs as their processes do, from JSON, and return what they wrote together."""
    written = {}
    for job in jobs:
        (folder / job.folder).mkdir(parents=True)
        run(Job.from_dict(json.loads(json.dumps(job.as_dict()))), folder / job.folder)
        for path in (folder / job.folder).glob("*.parquet"):
            written.setdefault(path.stem, []).append(pl.read_parquet(path))
    return {name: pl.concat(frames) for name, frames in written.items()}


COLUMNS = ["subject", "visit", "parameter", "value", "value_text", "status", "scope", "method"]


def test_endpoints_of_lesions_and_recorded_responses(study, tmp_path):
    written = tables(plan(study()), tmp_path / "out")
    assert sorted(written) == ["endpoints", "exclusions", "irecist", "irecist_best", "response", "response_differences"]
    # The reader recorded nothing on day 84, where the sum is 4 mm after 0 mm: back, yet below 5 mm above the nadir.
    assert written["response_differences"].select("subject", "day", "kind", "derived").rows() == [
        ("S1", 84, "derived_only", "PR")
    ]
    assert written["irecist_best"].select("subject", "best_response", "day").rows() == [
        ("S1", "iCR", 28), ("S2", "NE", 28),
    ]  # fmt: skip
    recist = "RECIST 1.1"
    found = written["endpoints"].filter(subject="S1", visit="D28").select(COLUMNS).rows()
    assert found == [
        ("S1", "D28", "change_from_baseline", -100.0, None, "quantified", "cohort", recist),
        ("S1", "D28", "change_from_nadir", -100.0, None, "quantified", "cohort", recist),
        ("S1", "D28", "response_derived", None, "CR", "quantified", "cohort", recist),
        ("S1", "D28", "response_recorded", None, "CR", "quantified", "sample", "as recorded by the reader"),
        ("S1", "D28", "sum_of_diameters", 0.0, None, "quantified", "cohort", recist),
    ]
    assert written["endpoints"].filter(subject="S2", visit="D28").select(COLUMNS).rows() == [
        ("S2", "D28", "change_from_baseline", None, None, "not_evaluable", "cohort", recist),
        ("S2", "D28", "change_from_nadir", None, None, "not_evaluable", "cohort", recist),
        ("S2", "D28", "response_derived", None, "NE", "not_evaluable", "cohort", recist),
        ("S2", "D28", "response_recorded", None, "NE", "not_evaluable", "sample", "as recorded by the reader"),
        ("S2", "D28", "sum_of_diameters", None, None, "not_evaluable", "cohort", recist),
    ]


@pytest.mark.parametrize(
    ("changes", "after", "best"),
    [
        ({"clinical/therapies.csv": "subject,therapy,start_day\nS1,x,27\n"}, "a new therapy (day 27)", []),
        ({"clinical/followup.csv": "subject,data_cut_day\nS1,28\n"}, "the data cut (day 28)", [("iCR", 28)]),
    ],
)
def test_no_best_response_by_irecist_rests_on_lesions_seen_too_late(study, tmp_path, changes, after, best):
    written = tables(plan(study(changes)), tmp_path / "out")
    assert written["irecist_best"].filter(subject="S1").select("best_response", "day").rows() == best
    rule = f"a lesion seen after {after}: no best response by iRECIST rests on it"
    left_out = written["exclusions"].select("file", "row", "rule", "rows").rows()
    assert left_out == [("clinical/lesions.csv", row, rule, 1) for row in ([4] if best else [3, 4])]


def test_recorded_responses_without_lesions_are_endpoints_too(study, tmp_path):
    written = tables(plan(study({"clinical/lesions.csv": None})), tmp_path / "out")
    assert written["endpoints"].select(COLUMNS).rows() == [
        ("S1", "D28", "response_recorded", None, "CR", "quantified", "sample", "as recorded by the reader"),
        ("S2", "D28", "response_recorded", None, "NE", "not_evaluable", "sample", "as recorded by the reader"),
    ]
    assert written["response"].select("subject", "recorded", "response").rows() == [
        ("S1", "CR", None),
        ("S2", "NE", None),
    ]


def test_lesions_without_recorded_responses(study, tmp_path):
    written = tables(plan(study({"clinical/responses.csv": None})), tmp_path / "out")
    words = written["endpoints"].drop_nulls("value_text").select("subject", "day", "parameter", "value_text")
    assert words.rows() == [
        ("S1", 28, "response_derived", "CR"),
        ("S1", 84, "response_derived", "PR"),
        ("S2", 28, "response_derived", "NE"),
    ]


def test_without_a_clinical_table_there_is_no_job(study):
    assert plan(study({"clinical/lesions.csv": None, "clinical/responses.csv": None})) == []


def test_regrowth_is_a_setting_that_the_method_tells(study, tmp_path):
    rule = {"study.yaml": "study: demo\nanalysis: {clinical: {regrowth: pd}}\n"}
    endpoints = tables(plan(study(rule)), tmp_path / "out")["endpoints"]
    row = endpoints.filter(subject="S1", day=84, parameter="response_derived").row(0, named=True)
    assert row["value_text"] == "PD"
    assert row["method"] == "RECIST 1.1; any target back after a complete response is PD"


def test_a_scan_after_the_first_dose_is_no_baseline(study, tmp_path):
    late = LESIONS.replace("S1,-8,", "S1,-6,")
    written = tables(plan(study({"clinical/lesions.csv": late})), tmp_path / "out")
    assert written["response"].filter(subject="S1")["reason"].unique().to_list() == [
        "no baseline: no assessment up to day -7"
    ]


def test_jobs_need_no_file_of_the_study(study, tmp_path):
    made = study()
    jobs = plan(made)
    shutil.rmtree(made.root)
    assert tables(jobs, tmp_path / "out")["response"].height == 5


def test_a_job_depends_on_nothing_but_the_rows_that_it_uses(study):
    first, second = plan(study({"clinical/labs.csv": "subject,day,test\nS1,0,ALT\n"}))
    assert (first.unit, second.unit) == ("S1", "S2")
    older = TABLES["subjects.csv"].replace(",40,", ",41,")
    assert plan(study({"subjects.csv": older})) == [first, second]
    other = TABLES["subjects.csv"].replace(",40,-7", ",40,-6")
    changed, same = plan(study({"subjects.csv": other}))
    assert changed != first
    assert same == second


def test_a_contradiction_stops_its_subject_alone(study, tmp_path):
    late_target = LESIONS + "S2,28,D28,T2,target,10\n"
    first, second = plan(study({"clinical/lesions.csv": late_target}))
    assert tables([first], tmp_path / "out")["response"]["subject"].unique().to_list() == ["S1"]
    with pytest.raises(StudyError, match=r"clinical/lesions\.csv, row 7.*T2"):
        tables([second], tmp_path / "out")


def test_rows_without_a_reader_fail_alone_where_other_subjects_name_one(study, tmp_path):
    lines = LESIONS.splitlines()
    named = [line + (",A" if line.startswith("S1") else ",") for line in lines[1:]]
    half = "\n".join([lines[0] + ",reader", *named]) + "\n"
    first, second = plan(study({"clinical/lesions.csv": half, "clinical/responses.csv": None}))
    assert tables([first], tmp_path / "out")["response"]["reader"].unique().to_list() == ["A"]
    with pytest.raises(StudyError, match=r"clinical/lesions\.csv, row 5.*without a reader"):
        tables([second], tmp_path / "out")


def test_rows_of_sdtm_are_carried(study, tmp_path):
    sdtm = {
        "infusions.csv": "subject,infusion,date\nS1,1,2024-03-11\nS2,1,2024-03-11\n",
        "clinical/lesions.csv": None,
        "clinical/responses.csv": None,
        "clinical/tu.csv": "USUBJID,VISIT,TULOC,TUTESTCD,TUORRES,TULNKID\nS1,BASE,LIVER,TUMIDENT,TARGET,T1\n",
        "clinical/tr.csv": "USUBJID,TRLNKID,TRTESTCD,TRORRES,TRORRESU,VISIT,TRDTC\n"
        "S1,T1,LDIAM,20,mm,BASE,2024-03-01\nS1,T1,VOLUME,4,mL,BASE,2024-03-01\n",
    }
    written = tables(plan(study(sdtm)), tmp_path / "out")
    assert written["response"].select("subject", "day", "baseline", "sum_mm").rows() == [("S1", -10, True, 20.0)]


def test_rows_of_a_target_resected_for_the_product_are_excluded_by_file_and_row(study, tmp_path):
    taken = "subject,day,visit,lesion,role,diameter_mm,resected\n"
    taken += "S1,-30,screening,T1,target,50,\nS1,-30,screening,T2,target,20,\nS1,-8,baseline,T1,target,50,\n"
    taken += "S1,-8,baseline,T2,target,,true\nS1,28,D28,T1,target,40,\n"
    written = tables(plan(study({"clinical/lesions.csv": taken, "clinical/responses.csv": None})), tmp_path / "out")
    rule = "a target resected for the product: in no sum"
    assert written["exclusions"].select("file", "row", "rule", "rows").rows() == [
        ("clinical/lesions.csv", 3, rule, 1),
        ("clinical/lesions.csv", 5, rule, 1),
    ]


def test_visits_that_do_not_tell_assessments_apart_get_their_day(study, tmp_path):
    unnamed = "\n".join(line.replace("D84", "") for line in LESIONS.splitlines())
    endpoints = tables(plan(study({"clinical/lesions.csv": unnamed})), tmp_path / "out")["endpoints"]
    assert endpoints.filter(subject="S1")["visit"].unique().sort().to_list() == ["D28", "baseline", "day 84"]
