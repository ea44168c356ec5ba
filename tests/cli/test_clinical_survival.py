import csv

import polars as pl
import pytest

from tests.commands import exit_code

FILES = {
    "followup": "subject,last_alive_day,death_day,death_cause,data_cut_day\n007,200,,,400\nS02,,150,other,400\n",
    "responses": "subject,day,visit,reader,response\n007,42,D42,inv,PR\n007,84,D84,inv,PR\n007,126,D126,inv,PD\n"
    "S02,42,D42,inv,SD\n",
    "subjects": "subject,tumor_type,enrollment_day,lymphodepletion_day\n007,melanoma,-60,-7\nS02,cervical,-60,-7\n",
    "therapies": "subject,therapy,start_day\nS02,chemotherapy,100\n",
    "schedule": "visit,day,window\nD42,42,4\nD84,84,7\nD126,126,7\nD168,168,7\n",
    "best": "subject,reader,source,confirmation,best_response,day,response_day,confirmation_day\n"
    "007,inv,recorded,required,PR,42,42,84\n",
}


@pytest.fixture
def files(tmp_path):
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def run(files, *more, responses="responses", full=True):
    arguments = ["clinical", "survival", files / "followup.csv", "--responses", files / f"{responses}.csv"]
    arguments += ["--subjects", files / "subjects.csv", "-o", files / "out"]
    if full:
        arguments += ["--therapies", files / "therapies.csv", "--schedule", files / "schedule.csv"]
        arguments += ["--best-response", files / "best.csv"]
    return exit_code(*arguments, *more)


def rows(files):
    return {
        (row["parameter"], row["subject"]): (row["days"], row["event"], row["rule"])
        for row in csv.DictReader((files / "out/time_to_event.csv").read_text().splitlines())
    }


def test_the_table_is_written_twice_and_told_in_short(files, capsys):
    assert run(files) == 0
    assert rows(files) == {
        ("DOR", "007"): ("85", "true", "progression"),
        ("OS", "007"): ("201", "false", "last_alive"),
        ("OS", "S02"): ("151", "true", "death"),
        ("PFS", "007"): ("127", "true", "progression"),
        ("PFS", "S02"): ("43", "false", "new_therapy"),
        ("TTP", "007"): ("127", "true", "progression"),
        ("TTP", "S02"): ("43", "false", "new_therapy"),
        ("TTR", "007"): ("43", "true", "response"),
        ("follow_up", "007"): ("201", "true", "last_alive"),
        ("follow_up", "S02"): ("151", "false", "death"),
    }
    assert pl.read_parquet(files / "out/time_to_event.parquet").height == 10
    assert capsys.readouterr().err.splitlines() == [
        "DOR: 1 event, 0 censored, 0 not evaluable",
        "OS: 1 event, 1 censored, 0 not evaluable",
        "PFS: 1 event, 1 censored, 0 not evaluable",
        "TTP: 1 event, 1 censored, 0 not evaluable",
        "TTR: 1 event, 0 censored, 0 not evaluable",
        "follow_up: 1 event, 1 censored, 0 not evaluable",
        "missing baselines not looked for: no lesions",
        f"wrote {files / 'out'}",
    ]


def test_months_in_place_of_days_are_asked_about(files, capsys):
    header = "subject,last_alive_day,death_day,death_cause,data_cut_day\n"
    (files / "months.csv").write_text(header + "007,13.0,,,14.0\nS02,,9.0,other,14.0\n")
    arguments = ["--subjects", files / "subjects.csv", "-o", files / "out"]
    for name, told in (("months", True), ("followup", False)):
        assert exit_code("clinical", "survival", files / f"{name}.csv", *arguments) == 0
        asked = "tilseq: no subject was followed for more than 14 days: the tables hold days; are these months?"
        assert (asked in capsys.readouterr().err) is told


def test_ema_and_the_protocol(files):
    assert run(files, "--censoring", "ema", "--preset", "lm103", "--first-dose", "lymphodepletion") == 0
    told = rows(files)
    assert told["OS", "S02"] == ("158", "true", "death")
    assert told["PFS", "S02"] == ("211", "true", "death")
    assert told["TTP", "S02"] == ("103", "false", "other_death")
    assert told["TTR", "007"] == ("103", "true", "response")


def test_best_responses_are_derived_where_none_are_given(files):
    assert run(files, full=False) == 0
    assert rows(files)["DOR", "007"] == ("85", "true", "progression")
    assert rows(files)["TTR", "007"] == ("43", "true", "response")
    best = pl.read_parquet(files / "out/best_response.parquet").filter(confirmation="required")
    assert best.select("subject", "best_response", "response_day").rows() == [("007", "PR", 42), ("S02", "SD", None)]
    assert run(files) == 0  # those of a file count instead
    (files / "best.csv").write_text(FILES["best"].replace("PR,42,42,84", "SD,42,,"))
    assert run(files) == 0
    assert ("DOR", "007") not in rows(files)


def test_what_is_read_after_the_data_cut_confirms_no_response(files):
    # Cut on day 100: CR on day 84 confirms the PR of day 42, the CR of day 126 does not count.
    later = FILES["responses"].replace("007,84,D84,inv,PR", "007,84,D84,inv,CR").replace("inv,PD", "inv,CR")
    (files / "responses.csv").write_text(later)
    (files / "followup.csv").write_text(FILES["followup"].replace("007,200,,,400", "007,100,,,100"))
    assert run(files, full=False) == 0
    best = pl.read_parquet(files / "out/best_response.parquet").filter(subject="007", confirmation="required")
    assert best.select("best_response", "response_day", "confirmation_day").row(0) == ("PR", 42, 84)
    assert rows(files)["DOR", "007"] == ("43", "false", "last_adequate")


def test_curves_and_estimates_are_written(files):
    assert run(files, "--group", "tumor_type", "--at-day", "100", "--at-day", "150", "--interval", "plain") == 0
    curve = pl.read_parquet(files / "out/survival_curve.parquet").filter(parameter="OS", group="all")
    assert curve.select("day", "at_risk", "events", "survival").rows() == [
        (0, 2, 0, 1.0), (151, 2, 1, 0.5), (201, 1, 0, 0.5),
    ]  # fmt: skip
    assert set(curve["method"]) == {"Kaplan-Meier, plain 95 %"}
    estimates = pl.read_parquet(files / "out/survival_estimates.parquet").filter(parameter="OS")
    # Flat at a half from day 151 to the last time 201: by R's rule 176.
    medians = estimates.filter(quantity="median").select("group", "estimate", "estimate_text")
    assert medians.rows() == [
        ("all", 176.0, None), ("tumor_type=cervical", 151.0, None), ("tumor_type=melanoma", None, "not reached"),
    ]  # fmt: skip
    shares = estimates.filter(quantity="survival_at", group="all").select("at_day", "estimate")
    assert shares.rows() == [(100, 1.0), (150, 1.0)]
    assert not list((files / "out").glob("*.svg"))


@pytest.mark.parametrize("column", ["site", "subject", "age", "enrollment_day"])
def test_a_group_that_the_subjects_do_not_have(files, capsys, column):
    assert run(files, "--group", column) == 2
    told = f"subjects have no column '{column}' to group by; they have tumor_type, arm, sex"
    assert told in " ".join(capsys.readouterr().err.split())


def test_figures_are_drawn_when_asked_for(files):
    assert run(files, "--figures") == 0
    drawn = {path.name for path in (files / "out").glob("*.svg")}
    assert drawn == {"survival-OS.svg", "survival-PFS-inv.svg"}


def test_deaths_of_unknown_cause_are_told(files, capsys):
    (files / "followup.csv").write_text(FILES["followup"].replace("150,other", "150,unknown"))
    (files / "therapies.csv").write_text("subject,therapy,start_day\n")
    assert run(files, "--preset", "lm103", "--first-dose", "infusion", "--censoring", "ema") == 0
    told = capsys.readouterr().err.splitlines()
    assert "1 of 2 TTP events is a death of unknown cause, counted as from the tumour (inv)" in told


def test_other_tables_tell_that_a_subject_lived(files):
    (files / "labs.csv").write_text("subject,day,test,value_text,unit\n007,300,WBC,5,10^9/L\n")
    (files / "events.csv").write_text("subject,term,grade,start_day\nS02,fever,1,-3\n007,fever,1,310\n007,rash,1,\n")
    assert run(files, "--labs", str(files / "labs.csv"), "--adverse-events", str(files / "events.csv")) == 0
    assert rows(files)["OS", "007"] == ("311", "false", "last_alive")
    assert rows(files)["OS", "S02"] == ("151", "true", "death")


def test_results_after_the_death_are_told(files, capsys):
    (files / "labs.csv").write_text("subject,day,test,value_text,unit\nS02,150,WBC,5,10^9/L\n007,900,WBC,5,10^9/L\n")
    assert run(files, "--labs", str(files / "labs.csv")) == 0
    assert "after the death" not in capsys.readouterr().err
    (files / "labs.csv").write_text("subject,day,test,value_text,unit\nS02,151,WBC,5,10^9/L\n")
    assert run(files, "--labs", str(files / "labs.csv")) == 0
    told = capsys.readouterr().err.splitlines()
    assert told.count("tilseq: subject S02: labs tells of day 151, which is after the death on day 150") == 1
    assert rows(files)["OS", "S02"] == ("151", "true", "death")


def test_a_last_day_alive_before_other_records_is_told(files, capsys):
    assert run(files) == 0
    assert "last_alive_day" not in capsys.readouterr().err
    weeks = FILES["followup"].replace("007,200,", "007,29,")
    assert weeks != FILES["followup"]
    (files / "followup.csv").write_text(weeks)
    assert run(files) == 0
    assert (
        "followup.csv: 1 of 1 of the living are told of after last_alive_day, which then counts no more, "
        "as 007 (day 29; responses tells of day 126)"
    ) in capsys.readouterr().err


def test_a_therapy_of_nobody_is_told_and_the_others_go_on(files, capsys):
    (files / "therapies.csv").write_text(FILES["therapies"] + "S9,x,5\n")
    assert run(files, "--therapies", str(files / "therapies.csv"), full=False) == 4
    told = capsys.readouterr().err
    assert "therapies.csv, row 3, column subject: subject S9: not in subjects" in told
    assert told.count("S9") == 2  # once as the subject, once as the value found
    assert rows(files)["DOR", "007"] == ("85", "true", "progression")


LESIONS = """\
subject,day,visit,reader,lesion,role,diameter_mm
007,-10,base,inv,T1,target,40
007,42,D42,inv,T1,target,20
007,84,D84,inv,T1,target,20
007,126,D126,inv,T1,target,50
S02,-10,base,inv,T1,target,40
S02,42,D42,inv,T1,target,40
"""


def test_lesions_tell_the_baseline(files, capsys):
    before = FILES["responses"] + "007,-40,S1,inv,SD\n007,-20,S2,inv,PD\n"
    (files / "responses.csv").write_text(before)
    (files / "lesions.csv").write_text(LESIONS)
    protocol = ("--preset", "lm103", "--first-dose", "infusion", "--lesions", str(files / "lesions.csv"))
    assert run(files, *protocol, full=False) == 0
    assert rows(files)["PFS", "007"] == ("187", "true", "progression")
    assert rows(files)["DOR", "007"] == ("85", "true", "progression")
    (files / "lesions.csv").write_text(LESIONS.replace("S02,42,D42,inv,T1", "S02,42,D42,inv,T9"))
    assert run(files, *protocol, full=False) == 4
    assert "lesions.csv, row 7, column lesion: this lesion is not in the baseline" in capsys.readouterr().err
    assert rows(files)["PFS", "S02"] == ("", "", "not_evaluable")
    assert rows(files)["OS", "S02"] == ("151", "true", "death")  # no scan decides it
    assert rows(files)["PFS", "007"] == ("187", "true", "progression")


def test_a_progression_before_the_treatment_costs_no_response_to_it(files):
    before = FILES["responses"] + "007,-40,S1,inv,SD\n007,-20,S2,inv,PD\n"
    (files / "responses.csv").write_text(before)
    protocol = ("--preset", "lm103", "--first-dose", "infusion")
    assert run(files, *protocol, full=False) == 0
    assert (rows(files)["PFS", "007"], rows(files)["DOR", "007"]) == (
        ("187", "true", "progression"), ("85", "true", "progression"),
    )  # fmt: skip
    assert run(files, *protocol, "--early-progression", "event", full=False) == 0
    assert (rows(files)["PFS", "007"], rows(files)["DOR", "007"]) == (
        ("41", "true", "progression"), ("85", "true", "progression"),
    )  # fmt: skip


def test_lm103_asks_what_the_first_dose_is_of(files, capsys):
    assert run(files, "--preset", "lm103") == 3
    assert "set first_dose (`--first-dose`) as the protocol means it" in capsys.readouterr().err
    assert not (files / "out").exists()


def test_the_table_of_clinical_response_is_read_too(files):
    (files / "response.csv").write_text(
        "subject,reader,day,visit,baseline,targets,targets_measured,response,recorded\n"
        "007,inv,-5,base,true,1,1,,\n007,inv,42,D42,false,1,1,SD,SD\n007,inv,84,D84,false,1,1,SD,PD\n"
    )
    assert run(files, responses="response", full=False) == 0
    assert rows(files)["PFS", "007"] == ("85", "true", "progression")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "followup",
            "007,200,,,400",
            "007,,-3,tumor,400",
            "row 2, column death_day: subject 007: the death is before the first",
        ),
        (
            "followup",
            "007,200,,,400",
            "007,200,yes,,400",
            "row 2, column death_day: this value cannot stand here; found 'yes'",
        ),
        ("followup", "007,200,,,400", "007,200,,tumour,400", "row 2, column death_cause: this value cannot stand here"),
        ("followup", "007,200,,,400\n", "", "row 2, column subject: subject 007: no row in followup"),
        (
            "followup",
            "007,200,,,400",
            "007,-1,,,400",
            "column last_alive_day: subject 007: the last day alive is before",
        ),
        (
            "followup",
            "007,200,,,400",
            "007,200,,,400\n007,201,,,400",
            "row 3, column subject: this subject stands in row 2",
        ),
        ("responses", "007,84,D84,inv,PR", "007,84,D84,,PR", "row 3, column reader: subject 007: no reader"),
        (
            "responses",
            "007,84,D84,inv,PR",
            "007,84,D84,inv,PRR",
            "row 3, column response: this value cannot stand here",
        ),
        (
            "responses",
            "007,84,D84,inv,PR",
            "007,03/04/2024,D84,inv,PR",
            "row 3, column day: this value cannot stand here",
        ),
        ("best", "42,42,84", "42,,84", "row 2, column response_day: subject 007: PR without the day of the response"),
        (
            "therapies",
            "S02,chemotherapy,100",
            "S02,chemotherapy,100\n007,x,",
            "row 3, column start_day: a value is missing",
        ),
    ],
)
def test_one_subject_s_error_has_file_and_row_and_the_other_goes_on(files, capsys, name, old, new, message):
    (files / f"{name}.csv").write_text(FILES[name].replace(old, new))
    assert run(files) == 4
    error = capsys.readouterr().err
    faulty = "subjects.csv" if "no row in followup" in message else f"{name}.csv"
    assert faulty in error and message in error
    told = rows(files)
    assert told["OS", "S02"] == ("151", "true", "death")
    assert told["PFS", "007"] == ("", "", "not_evaluable")
    of_scans = name in ("responses", "best")
    assert told["OS", "007"] == (("201", "false", "last_alive") if of_scans else ("", "", "not_evaluable"))


def test_the_row_of_a_subject_set_aside_says_why(files):
    (files / "followup.csv").write_text(FILES["followup"].replace("007,200,,,400", "007,200,100,,400"))
    assert run(files) == 4
    table = pl.read_parquet(files / "out/time_to_event.parquet").filter(subject="007", parameter="OS")
    assert table["reason"].item() == "last_alive_day: alive after the death; day: an assessment after the death"


def test_a_wrong_header_or_a_row_of_nobody_stops_all(files, capsys):
    (files / "followup.csv").write_text(FILES["followup"].replace("death_day", "died"))
    assert run(files) == 3
    (files / "followup.csv").write_text(FILES["followup"].replace("S02,", ","))
    assert run(files) == 3
    assert "row 3, column subject: a value is missing" in capsys.readouterr().err
    assert not (files / "out").exists()


def test_nobody_left_ends_with_3(files, capsys):
    (files / "followup.csv").write_text("subject,death_day\n007,-3\nS02,-4\n")
    assert run(files) == 3
    assert "no time to event can be derived of any subject" in capsys.readouterr().err
    assert not (files / "out").exists()


def test_dates_stand_in_place_of_days_as_in_a_study(files, capsys):
    # Day 0 of 007 is 2024-03-01, of S02 2024-01-15.
    (files / "infusions.csv").write_text("subject,infusion,date\n007,1,2024-03-01\nS02,1,2024-01-15\n")
    (files / "followup.csv").write_text(
        "subject,last_alive_date,death_date,death_cause\n007,2024-09-17,,\nS02,,2024-06-13,other\n"
    )
    subjects = "subject,tumor_type,enrollment_date,lymphodepletion_date\n"
    (files / "subjects.csv").write_text(
        f"{subjects}007,melanoma,2024-01-01,2024-02-23\nS02,cervical,2023-11-16,2024-01-08\n"
    )
    assert run(files, "--infusions", str(files / "infusions.csv"), full=False) == 0
    assert (rows(files)["OS", "007"], rows(files)["OS", "S02"]) == (
        ("201", "false", "last_alive"), ("151", "true", "death"),
    )  # fmt: skip
    (files / "infusions.csv").write_text("subject,infusion,date\n007,1,2024-03-01\n")
    assert run(files, "--infusions", str(files / "infusions.csv"), full=False) == 4
    told = "followup.csv, row 3, column death_date: this date cannot be turned into a day"
    assert told in capsys.readouterr().err
    assert rows(files)["OS", "S02"] == ("", "", "not_evaluable")
    assert run(files, full=False) == 3
    assert "dates, and no infusions that they count from" in capsys.readouterr().err


@pytest.mark.parametrize("scans", ["", "007,-9,base,inv,T1,target,50\nS02,-9,base,inv,T1,target,50\n"])
def test_where_nobody_was_assessed_after_the_baseline_there_is_what_no_scan_decides(files, scans):
    """PFS would be that of S02, who died, and 007, who lives, would be censored on day 0."""
    (files / "lesions.csv").write_text("subject,day,visit,reader,lesion,role,diameter_mm\n" + scans)
    (files / "responses.csv").write_text(FILES["responses"].splitlines()[0] + "\n")
    assert run(files, "--lesions", str(files / "lesions.csv"), full=False) == 0
    told = {parameter for (parameter, _), row in rows(files).items() if row[2] != "not_evaluable"}
    assert told == {"OS", "follow_up"}


def test_without_responses_there_is_what_no_scan_decides(files, capsys):
    more = ["clinical", "survival", files / "followup.csv", "--subjects", files / "subjects.csv", "-o", files / "out"]
    assert exit_code(*more) == 0
    assert rows(files) == {
        ("OS", "007"): ("201", "false", "last_alive"),
        ("OS", "S02"): ("151", "true", "death"),
        ("follow_up", "007"): ("201", "true", "last_alive"),
        ("follow_up", "S02"): ("151", "false", "death"),
    }
    assert capsys.readouterr().err.splitlines() == [
        "OS: 1 event, 1 censored, 0 not evaluable",
        "follow_up: 1 event, 1 censored, 0 not evaluable",
        f"wrote {files / 'out'}",
    ]


@pytest.mark.parametrize("reads", ["", "007,-8,baseline,inv,NE\n", "007,42,D42,inv,NE\n"])
def test_where_nobody_was_assessed_after_day_0_there_is_no_time_that_scans_decide(files, reads):
    """S02 died on day 150 and 007 lives: progression-free survival would be that of S02 alone."""
    (files / "none.csv").write_text("subject,day,visit,reader,response\n" + reads)
    assert run(files, responses="none", full=False) == 0
    found = rows(files)
    assert found["OS", "S02"] == ("151", "true", "death")
    assert {found[endpoint, subject] for endpoint in ("PFS", "TTP") for subject in ("007", "S02")} == {
        ("", "", "not_evaluable")
    }


def test_responses_with_days_in_weeks_are_told_by_the_schedule(files, capsys):
    assert run(files) == 0
    assert "outside the window" not in capsys.readouterr().err
    weeks = FILES["responses"].replace(",42,D", ",6,D").replace(",84,D", ",12,D").replace(",126,D", ",18,D")
    (files / "responses.csv").write_text(weeks)
    run(files)
    told = "responses.csv: 4 of 4 assessments outside the window of their visit, as 007, D42 on day 6 (42 ± 4)"
    assert told in capsys.readouterr().err
