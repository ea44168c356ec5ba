"""Times, curves and estimates over a study: what fails of one subject stops nobody else."""

import json

import polars as pl
import pytest

from tests.steps.clinical_study import TABLES, finish, make_study
from tilseq.clinical import survival_curve, survival_estimates, time_to_event_rules
from tilseq.errors import AnalysisError
from tilseq.steps import clinical, survival
from tilseq.study.settings import Settings

STEPS = ("response_rates", "survival")
SAID = ["subject", "parameter", "days", "event", "rule"]


def test_times_curves_and_estimates(tmp_path):
    written = finish(make_study(tmp_path), tmp_path, *STEPS)
    tables = {"time_to_event", "survival_curve", "survival_estimates", "survival_contrasts", "failures", "exclusions"}
    assert set(written) == tables
    times = written["time_to_event"].filter(pl.col("parameter").is_in(["OS", "PFS", "DOR"])).select(SAID)
    # From day 0 to day d are d + 1 days; S1 answers from day 42 to its last scan on day 84.
    assert sorted(times.rows()) == [
        ("S1", "DOR", 43, False, "last_adequate"),
        ("S1", "OS", 301, False, "last_alive"),
        ("S1", "PFS", 85, False, "last_adequate"),
        ("S2", "OS", 101, True, "death"),
        ("S2", "PFS", 43, True, "progression"),
        ("S3", "OS", 31, True, "death"),
        ("S3", "PFS", 31, True, "death"),
    ]
    curve = written["survival_curve"].filter(parameter="OS", group="all").select("day", "at_risk", "survival")
    assert curve.with_columns(pl.col("survival").round(6)).rows() == [
        (0, 3, 1.0), (31, 3, 0.666667), (101, 2, 0.333333), (301, 1, 0.333333),
    ]  # fmt: skip
    # Of melanoma one event on day 31 and one censored on day 301: flat at a half from 31 to 301, by R's rule 166.
    groups = written["survival_estimates"].filter(parameter="OS", quantity="median").select("group", "estimate")
    assert groups.rows() == [("all", 101.0), ("tumor_type=cervical", 101.0), ("tumor_type=melanoma", 166.0)]
    assert written["failures"].is_empty()
    assert written["survival_contrasts"].is_empty()  # tumour types are not compared
    drawn = tmp_path / "work" / "survival" / "all" / "figures"
    assert sorted(path.name for path in drawn.iterdir()) == ["captions.json", "swimmer.png", "swimmer.svg"]


def test_a_contradiction_is_a_failure_of_its_subject_with_file_and_row(tmp_path):
    late = TABLES["clinical/responses.csv"] + "S2,120,,PD\n"
    written = finish(make_study(tmp_path, {"clinical/responses.csv": late}), tmp_path, *STEPS)
    (failure,) = written["failures"].iter_rows(named=True)
    assert (failure["step"], failure["unit"], failure["file"]) == ("survival", "S2", "clinical/responses.csv")
    assert failure["error"] == (
        "clinical/responses.csv, row 5, column day: subject S2: an assessment after the death; found 120; "
        "expected day 100 or before"
    )
    times = written["time_to_event"]
    assert times.filter(subject="S2")["rule"].unique().to_list() == ["not_evaluable"]
    left_out = written["survival_estimates"].filter(parameter="OS", group="all", quantity="median")
    assert left_out.select("subjects", "left_out").row(0) == (2, 1)


def test_scans_that_contradict_one_another_tell_that_the_subject_lived(tmp_path):
    """Lesion T9 is not in the baseline. S1 was last seen by follow-up on day 60, and scanned on days 84 and 90."""
    changes = {
        "clinical/lesions.csv": TABLES["clinical/lesions.csv"].replace("S1,84,D84,T1", "S1,84,D84,T9"),
        "clinical/responses.csv": TABLES["clinical/responses.csv"] + "S1,90,,PR\n",
        "clinical/followup.csv": ("S1,300,", "S1,60,"),
    }
    times = finish(make_study(tmp_path, changes), tmp_path, *STEPS)["time_to_event"].filter(subject="S1")
    assert times.filter(parameter="OS").select("days", "event", "source_table").rows() == [(91, False, "responses")]
    assert times.filter(parameter="PFS")["rule"].to_list() == ["not_evaluable"]


def test_what_times_do_not_rest_on_has_its_row(tmp_path):
    changes = {
        "clinical/followup.csv": ("S1,300,,,365\nS2,99,100,tumor,365", "S1,300,,,80\nS2,99,100,tumor,99"),
        "clinical/therapies.csv": "subject,therapy,start_day\nS2,x,98\nS1,x,81\n",
        "infusions.csv": ("S3,1,0\n", ""),
    }
    written = finish(make_study(tmp_path, changes), tmp_path, *STEPS)
    assert sorted(written["exclusions"].select("file", "row", "rule", "rows").rows()) == [
        ("clinical/followup.csv", 3, "a death after the data cut: no event", 1),
        ("clinical/responses.csv", 3, "a recorded response after the data cut: no time to an event rests on it", 1),
        ("clinical/therapies.csv", 3, "a therapy after the data cut: censors nothing", 1),
        ("subjects.csv", 4, "not infused: not evaluable for OS, PFS, TTP, follow_up", 1),
    ]
    of_s3 = written["time_to_event"].filter(subject="S3", parameter="OS")
    assert of_s3.select("days", "rule", "reason").rows() == [(None, "not_evaluable", "not infused")]
    left_out = written["survival_estimates"].filter(parameter="OS", group="all", quantity="median")
    assert left_out.select("subjects", "left_out").row(0) == (2, 1)


def test_a_progression_without_a_baseline_has_its_row(tmp_path):
    lm103 = "analysis: {clinical: {time_to_event: {preset: lm103, first_dose: lymphodepletion}}}\n"
    changes = {
        "study.yaml": TABLES["study.yaml"] + lm103,
        "clinical/responses.csv": TABLES["clinical/responses.csv"] + "S1,-50,screening,PD\n",
    }
    written = finish(make_study(tmp_path, changes), tmp_path, *STEPS)
    why = "a recorded response of PD without a baseline before it: no time to an event rests on it"
    assert written["exclusions"].select("file", "row", "rule").rows() == [("clinical/responses.csv", 5, why)]
    assert written["time_to_event"].filter(subject="S1", parameter="PFS").select(SAID).rows() == [
        ("S1", "PFS", 145, False, "last_adequate")
    ]


def test_a_subject_without_follow_up_is_a_failure_and_not_alive_for_ever(tmp_path):
    header, *lines = TABLES["subjects.csv"].splitlines()
    changes = {
        "clinical/followup.csv": TABLES["clinical/followup.csv"].replace("S1,300,,,365\n", ""),
        "subjects.csv": "\n".join([header, *reversed(lines)]) + "\n",
    }
    written = finish(make_study(tmp_path, changes), tmp_path, *STEPS)
    assert written["failures"]["error"].to_list() == [
        "subjects.csv, row 4, column subject: subject S1: no row in followup; found 'S1'; add it, or nothing tells if "
        "it lives"
    ]


def test_whose_responses_could_not_be_derived_is_not_taken_for_one_who_was_never_assessed(tmp_path):
    bad = {"clinical/lesions.csv": ("S1,84,D84,T1", "S1,84,D84,T9")}
    times = finish(make_study(tmp_path, bad), tmp_path, *STEPS)["time_to_event"].filter(subject="S1")
    assert times.filter(parameter="OS").select(SAID).rows() == [("S1", "OS", 301, False, "last_alive")]
    told = times.filter(parameter="PFS").select("days", "event", "origin", "rule", "reason").row(0)
    assert told == (None, None, None, "not_evaluable", "its responses could not be derived, see failures")


def test_where_nobody_followed_up_was_assessed_there_is_no_time_that_scans_decide(tmp_path):
    """S1 and S2, who have scans, have no follow-up; PFS of S3 alone would be that of who died, and of nobody alive."""
    header, *lines = TABLES["clinical/followup.csv"].splitlines()
    followup = {"clinical/followup.csv": "\n".join([header, lines[2]]) + "\n"}
    times = finish(make_study(tmp_path, followup), tmp_path, *STEPS)["time_to_event"]
    assert times.filter(parameter="OS", subject="S3").select(SAID).rows() == [("S3", "OS", 31, True, "death")]
    assert times.filter(parameter="PFS").sort("subject").select("subject", "days", "rule", "reason").rows() == [
        ("S1", None, "not_evaluable", "no row in followup"),
        ("S2", None, "not_evaluable", "no row in followup"),
        ("S3", None, "not_evaluable", "nobody followed up was assessed"),
    ]


@pytest.mark.parametrize(("cut", "known"), [(41, False), (42, True)])
def test_an_assessment_after_the_data_cut_is_none_that_a_time_can_rest_on(tmp_path, cut, known):
    """The first scans are of day 42. Cut before, PFS would be that of S3 alone, who died on day 30."""
    followup = {"clinical/followup.csv": TABLES["clinical/followup.csv"].replace(",365", f",{cut}")}
    times = finish(make_study(tmp_path, followup), tmp_path, *STEPS)["time_to_event"]
    assert times.filter(parameter="OS").sort("subject")["days"].to_list() == [cut + 1, cut + 1, 31]
    pfs = times.filter(parameter="PFS").sort("subject").select("days", "event").rows()
    assert pfs == ([(43, False), (43, True), (31, True)] if known else [(None, None)] * 3)


def test_a_baseline_alone_is_no_assessment_that_a_time_can_rest_on(tmp_path):
    """S2 and S3 died and S1 lives: PFS of the dead alone."""
    lesions = "\n".join(line for line in TABLES["clinical/lesions.csv"].splitlines() if "D" not in line) + "\n"
    scans = {"clinical/lesions.csv": lesions, "clinical/responses.csv": None}
    times = finish(make_study(tmp_path, scans), tmp_path, *STEPS)["time_to_event"]
    assert times.filter(parameter="OS")["days"].to_list() == [301, 101, 31]
    told = times.filter(parameter="PFS").select("days", "rule", "reason").unique().rows()
    assert told == [(None, "not_evaluable", "nobody followed up was assessed")]


def test_the_preset_of_the_protocol_counts_from_enrolment_and_from_lymphodepletion(tmp_path):
    lm103 = "analysis: {clinical: {time_to_event: {preset: lm103, first_dose: lymphodepletion}}}\n"
    preset = {"study.yaml": TABLES["study.yaml"] + lm103}
    times = finish(make_study(tmp_path, preset), tmp_path, *STEPS)["time_to_event"]
    starts = times.filter(subject="S2").select("parameter", "origin", "start_day", "days").rows()
    assert ("OS", "lymphodepletion", -7, 108) in starts
    assert ("PFS", "enrollment", -60, 103) in starts


def test_by_the_protocol_the_progression_of_who_was_never_treated_is_an_event(tmp_path):
    """S3, enrolled on day -60 and never treated, grew from 40 mm on day -40 to 60 on day -20: the 41st day."""
    changes = {
        "study.yaml": TABLES["study.yaml"]
        + "analysis: {clinical: {time_to_event: {preset: lm103, first_dose: infusion}}}\n",
        "subjects.csv": ("S3,melanoma,-60,-7", "S3,melanoma,-60,"),
        "infusions.csv": ("S3,1,0\n", ""),
        "clinical/lesions.csv": TABLES["clinical/lesions.csv"] + "S3,-40,scr,T1,target,40\nS3,-20,unsch,T1,target,60\n",
    }
    times = finish(make_study(tmp_path, changes), tmp_path, *STEPS)["time_to_event"]
    assert times.filter(parameter="PFS", subject="S3").select(SAID).rows() == [("S3", "PFS", 41, True, "progression")]


def test_the_settings_of_the_study_are_those_of_the_laboratory():
    settings = Settings(study="demo").analysis.clinical
    told = {"source": settings.source, **settings.time_to_event.model_dump()}
    assert survival._rules(told) == time_to_event_rules()
    assert settings.survival.interval == survival_curve.__kwdefaults__["interval"]
    defaults = survival_estimates.__kwdefaults__
    assert settings.survival.landmarks == list(defaults["at_days"])
    assert settings.survival.rmst_days == list(defaults["rmst_days"])


def test_without_follow_up_there_is_no_job(tmp_path):
    assert survival.plan(make_study(tmp_path, {"clinical/followup.csv": None})) == []


def test_without_a_therapies_table_it_is_told_that_they_were_not_looked_for(tmp_path):
    times = finish(make_study(tmp_path), tmp_path, *STEPS)["time_to_event"]
    (reason,) = times.filter(subject="S1", parameter="PFS")["reason"]
    assert "new therapies not looked for: no table" in reason


ARMS = {
    "subjects.csv": "subject,tumor_type,arm,enrollment_day,lymphodepletion_day\n"
    "S1,melanoma,TIL,-60,-7\nS2,cervical,control,-60,-7\nS3,melanoma,control,-60,-7\n"
}


def test_arms_have_curves_of_their_own_and_a_hazard_ratio(tmp_path):
    written = finish(make_study(tmp_path, ARMS), tmp_path, *STEPS)
    medians = written["survival_estimates"].filter(parameter="OS", quantity="median").select("group", "estimate")
    # Deaths on days 31 and 101 in control: R's median is the middle of where the curve lies at a half.
    assert dict(medians.rows())["arm=control"] == 66
    assert set(written["survival_curve"]["group"]) == {
        "all", "arm=TIL", "arm=control", "tumor_type=cervical", "tumor_type=melanoma",
    }  # fmt: skip
    contrasts = written["survival_contrasts"]
    assert set(contrasts["parameter"]) == {"OS", "PFS", "TTP"}  # of responders there is no randomised comparison
    assert set(contrasts["contrast"]) == {"arm", "arm:control/TIL"}
    rank = contrasts.filter(parameter="OS", method="log_rank").row(0, named=True)
    # Expected of the one on TIL 1/3 + 1/2, observed 0; variance 2/9 + 1/4.
    assert rank["statistic"] == pytest.approx((5 / 6) ** 2 / (2 / 9 + 1 / 4))
    assert set(contrasts["method"]) == {"log_rank", "cox", "proportional_hazards", "rmst_difference"}


def test_the_study_says_which_arm_is_the_reference_and_which_endpoint_is_primary(tmp_path):
    asked = "analysis: {clinical: {survival: {reference_arm: control, primary: [OS]}}}\n"
    written = finish(make_study(tmp_path, ARMS | {"study.yaml": TABLES["study.yaml"] + asked}), tmp_path, *STEPS)
    contrasts = written["survival_contrasts"]
    assert set(contrasts["contrast"]) == {"arm", "arm:TIL/control"}
    families = (
        contrasts.filter(method="log_rank").select("parameter", "family", "exploratory").unique().sort("parameter")
    )
    assert families.rows() == [("OS", "primary", False), ("PFS", "exploratory", True), ("TTP", "exploratory", True)]
    of_os = contrasts.filter(parameter="OS", method="log_rank").row(0, named=True)
    assert of_os["q"] == of_os["p"]  # alone in its family


def test_one_arm_is_no_comparison_and_no_group(tmp_path):
    one_arm = {"subjects.csv": ARMS["subjects.csv"].replace("control", "TIL")}
    written = finish(make_study(tmp_path, one_arm), tmp_path, *STEPS)
    assert written["survival_contrasts"].is_empty()
    assert not written["survival_curve"]["group"].str.starts_with("arm").any()


READ_TWICE = {
    "clinical/lesions.csv": None,
    "clinical/responses.csv": "subject,day,visit,reader,response\nS1,42,D42,a,PR\nS1,84,D84,a,PR\nS2,42,D42,a,PD\n"
    "S1,42,D42,b,PR\nS1,84,D84,b,PD\nS2,42,D42,b,SD\n",
}


def captions_of(tmp_path, changes):
    finish(make_study(tmp_path, READ_TWICE | changes), tmp_path, *STEPS)
    return json.loads((tmp_path / "work/survival/all/figures/captions.json").read_text())["swimmer.svg"]


def test_lanes_are_those_of_the_endpoints_reader_or_of_nobody(tmp_path):
    told = captions_of(tmp_path, {"study.yaml": TABLES["study.yaml"] + "analysis: {clinical: {endpoint_reader: b}}\n"})
    assert told.endswith("Responses of reader b, whose reading is the endpoint.")
    assert "nobody's reading is the endpoint, as endpoint_reader is not set" in captions_of(tmp_path, {})
    renamed = READ_TWICE["clinical/responses.csv"].replace(",b,", ",investigator,")
    assert "Responses of reader investigator" in captions_of(tmp_path, {"clinical/responses.csv": renamed})


def test_without_responses_there_is_what_no_scan_decides(tmp_path):
    study = make_study(tmp_path, {"clinical/lesions.csv": None, "clinical/responses.csv": None})
    written = finish(study, tmp_path, "survival")
    times = written["time_to_event"].select(SAID)
    assert sorted(times.filter(parameter="OS").rows()) == [
        ("S1", "OS", 301, False, "last_alive"),
        ("S2", "OS", 101, True, "death"),
        ("S3", "OS", 31, True, "death"),
    ]
    assert set(times["parameter"]) == {"OS", "follow_up"}
    assert written["survival_estimates"].filter(parameter="OS", group="all", quantity="median")["estimate"][0] == 101
    assert (written["failures"].height, written["exclusions"].height) == (0, 0)


def test_a_primary_endpoint_without_times_is_told_and_the_others_are_compared(tmp_path):
    """PFS is primary, and the study has no scans: it has no time to PFS."""
    asked = "analysis: {clinical: {survival: {primary: [PFS, OS]}}}\n"
    bare = {"clinical/lesions.csv": None, "clinical/responses.csv": None, "study.yaml": TABLES["study.yaml"] + asked}
    written = finish(make_study(tmp_path, ARMS | bare), tmp_path, "survival")
    contrasts = written["survival_contrasts"]
    ranks = contrasts.filter(method="log_rank").select("parameter", "family", "subjects", "reason")
    assert ranks.rows() == [
        ("OS", "primary", 3, contrasts.filter(parameter="OS", method="log_rank")["reason"][0]),
        ("PFS", "primary", 0, "cannot be estimated: nobody has a time to PFS"),
    ]
    assert contrasts.filter(parameter="OS", method="log_rank")["p"][0] is not None
    assert set(written["survival_estimates"]["parameter"]) == {"OS", "follow_up"}


SDTM = {
    "infusions.csv": "subject,infusion,day,date\nS1,1,0,2024-03-01\nS2,1,0,\nS3,1,0,2024-03-01\n",
    "clinical/lesions.csv": None,
    "clinical/responses.csv": "subject,day,response\n",
    "clinical/tu.csv": "USUBJID,TULNKID,TUTESTCD,TUORRES,TULOC\n"
    "S1,T1,TUMIDENT,TARGET,LUNG\nS2,T1,TUMIDENT,TARGET,LUNG\n",
    "clinical/tr.csv": "USUBJID,TRLNKID,TRTESTCD,TRORRES,TRORRESU,TRDTC\n"
    + "".join(
        f"{name},T1,LDIAM,{size},mm,{day}\n"
        for name in ("S1", "S2")
        for size, day in ((40, "2024-02-22"), (24, "2024-04-12"), (20, "2024-05-24"))
    ),
}


def test_scans_that_have_no_day_cost_their_subject_alone(tmp_path):
    """S2's infusion has no date: its scans by SDTM have no day, and the job of S2 fails, not the study."""
    written = finish(make_study(tmp_path, SDTM), tmp_path, *STEPS)
    times = written["time_to_event"]
    assert times.filter(subject="S1", parameter="PFS").select("end_day", "event", "rule").rows() == [
        (84, False, "last_adequate")
    ]
    lost = times.filter(subject="S2").select("parameter", "rule", "reason").sort("parameter")
    assert lost.filter(parameter="PFS").rows() == [
        ("PFS", "not_evaluable", "its responses could not be derived, see failures")
    ]
    # The death of S2 on day 100 is known without any scan.
    assert times.filter(subject="S2", parameter="OS").select("days", "event").rows() == [(101, True)]
    # Whose rows of SDTM they are is not those of the empty responses.csv.
    assert not written["exclusions"]["file"].str.contains("responses").any()


def test_the_job_of_a_subject_without_day_0_says_what_is_missing(tmp_path):
    (job,) = (job for job in clinical.plan(make_study(tmp_path, SDTM)) if job.unit == "S2")
    with pytest.raises(AnalysisError, match="no date of its first infusion is known") as caught:
        clinical.run(job, tmp_path)
    assert (caught.value.file, caught.value.column, caught.value.found) == ("infusions.csv", "date", "'subject S2'")
