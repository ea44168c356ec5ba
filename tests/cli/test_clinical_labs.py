"""`tilseq clinical labs`: what it writes, what it tells, how it ends."""

import csv

import polars as pl
import pytest

from tests.commands import exit_code as run

HEADER = "subject,day,test,value_text,unit,lower_limit,upper_limit,clinically_significant\n"
LABS = HEADER + (
    "007,-8,ANC,4.0,10^9/L,1.8,7.5,false\n"
    "007,3,ANC,0.3,10^9/L,1.8,7.5,true\n"
    "007,9,ANC,600,/uL,1800,7500,\n"
    "007,3,heart rate,120,/min,60,100,true\n"
)
SUBJECTS = "subject,tumor_type,lymphodepletion_day\n007,melanoma,-7\n"


def labs(folder, text=LABS, *options, ctcae="5"):
    (folder / "labs.csv").write_text(text)
    (folder / "subjects.csv").write_text(SUBJECTS)
    version = [] if ctcae is None else ["--ctcae", ctcae]
    return run("clinical", "labs", folder / "labs.csv", *version, *options, "-o", folder / "out")


def written(folder, name, *columns):
    rows = csv.DictReader((folder / "out" / f"{name}.csv").read_text().splitlines())
    return [tuple(row[column] for column in columns) for row in rows]


def test_rows_that_repeat_earlier_ones_are_told(tmp_path, capsys):
    labs(tmp_path, LABS + LABS.removeprefix(HEADER))
    told = "labs.csv, row 6: 4 rows repeat earlier ones, and each counts: was the file joined twice?"
    assert told in capsys.readouterr().err
    labs(tmp_path, LABS)
    assert "each counts" not in capsys.readouterr().err


def test_grades_are_written_with_their_shifts(tmp_path, capsys):
    assert labs(tmp_path, LABS, "--subjects", tmp_path / "subjects.csv") == 0
    columns = ("subject", "day", "test", "term", "direction", "value", "unit", "grade", "baseline_grade", "reason")
    term = "Neutrophil count decreased"
    assert written(tmp_path, "lab_grades", *columns) == [
        ("007", "-8", "ANC", term, "low", "4.0", "10^9/L", "0", "0", ""),
        ("007", "3", "ANC", term, "low", "0.3", "10^9/L", "4", "0", ""),
        ("007", "9", "ANC", term, "low", "0.6", "10^9/L", "3", "0", ""),
    ]
    assert written(tmp_path, "lab_shifts", "test", "period", "baseline_grade", "worst_grade", "subjects") == [
        ("ANC", "any", "0", "4", "1"),
        ("ANC", "follow_up_30", "0", "4", "1"),
    ]
    assert written(tmp_path, "exclusions", "rule", "rows") == [
        ("not graded: no term of CTCAE 5 is known for the test heart rate", "1")
    ]
    assert written(tmp_path, "results_by_limits", "test", "position")[-1] == ("heart rate", "high")
    assert written(tmp_path, "significant_results", "period", "judged", "significant", "tests") == [
        ("follow_up_30", "2", "2", "ANC; heart rate"),
        ("screening", "1", "0", ""),
    ]
    assert pl.read_parquet(tmp_path / "out/recoveries.parquet")["rule"].to_list() == ["not_recovered"] * 2
    assert capsys.readouterr().err == (
        "3 grades of 4 results; 0 cannot be told\nnot graded: no term of CTCAE 5 is known for the test heart rate (1)\n"
        f"wrote {tmp_path / 'out'}\n"
    )
    named = ("parameter", "quantity", "estimate", "estimate_text", "subjects", "events")
    assert written(tmp_path, "recovery_estimates", *named)[0] == (
        "recovery: ANC >= 0.5", "median", "", "not reached", "1", "0",
    )  # fmt: skip
    shares = written(tmp_path, "summaries", "parameter", "qualifier", "numerator", "denominator")
    assert ("lab_clinically_significant", "period=any", "1", "1") in shares


def test_without_subjects_the_baseline_is_the_last_before_day_0(tmp_path):
    assert labs(tmp_path) == 0
    assert written(tmp_path, "lab_grades", "baseline_day", "period") == [
        ("-8", ""), ("-8", "follow_up_30"), ("-8", "follow_up_30"),
    ]  # fmt: skip


def test_the_version_has_no_default(tmp_path, capsys):
    assert labs(tmp_path, ctcae=None) == 2
    assert "--ctcae" in capsys.readouterr().err
    assert labs(tmp_path, ctcae="4") == 2


def test_version_6(tmp_path):
    assert labs(tmp_path, ctcae="6") == 0
    assert written(tmp_path, "lab_grades", "version", "grade") == [("6", "0"), ("6", "3"), ("6", "2")]


def test_symptoms_are_a_setting(tmp_path):
    text = HEADER + "007,3,potassium,3.2,mmol/L,3.5,5.1,\n"
    for policy, grade in (("assumed", "2"), ("not_assumed", "1")):
        assert labs(tmp_path, text, "--symptoms", policy) == 0
        assert written(tmp_path, "lab_grades", "grade")[0] == (grade,)


def test_a_faulty_row_is_told_and_left_out_and_the_rest_goes_on(tmp_path, capsys):
    text = LABS + "007,three,ANC,0.2,10^9/L,1.8,7.5,\n007,11,ANC,2.2,10^9/L,1.8,7.5,\n"
    assert labs(tmp_path, text) == 4
    told = capsys.readouterr().err
    assert f"{tmp_path / 'labs.csv'}, row 6, column day: this value cannot stand here; found 'three'" in told
    assert [day for (day,) in written(tmp_path, "lab_grades", "day")] == ["-8", "3", "9", "11"]
    assert written(tmp_path, "exclusions", "row", "rule", "rows")[0] == (
        "6", "day: this value cannot stand here", "1",
    )  # fmt: skip


def test_a_faulty_limit_or_judgement_costs_its_cell_and_not_the_result(tmp_path, capsys):
    text = HEADER + "007,3,ANC,0.1,10^9/L,<1.8,7.5,CS\n007,4,ANC,0.3,10^9/L,1.8,7.5,true\n"
    assert labs(tmp_path, text) == 4
    told = capsys.readouterr().err
    assert "row 2, column lower_limit: this value cannot stand here; found '<1.8'" in told
    assert "row 2, column clinically_significant: this value cannot stand here; found 'CS'" in told
    assert written(tmp_path, "lab_grades", "day", "grade", "reason") == [("3", "4", ""), ("4", "4", "")]
    assert written(tmp_path, "significant_results", "results", "judged") == [("2", "1")]


def test_subjects_of_further_tables_that_are_not_known_are_told(tmp_path, capsys):
    (tmp_path / "therapies.csv").write_text("subject,therapy,start_day\n7,x,40\n")
    (tmp_path / "infusions.csv").write_text("subject,infusion,day\n007,1,0\n08,1,0\n")
    options = ("--therapies", tmp_path / "therapies.csv", "--infusions", tmp_path / "infusions.csv")
    assert labs(tmp_path, LABS, "--subjects", tmp_path / "subjects.csv", *options) == 4
    told = capsys.readouterr().err
    assert "therapies.csv, row 2, column subject: no such subject; found '7'; did you mean '007'?" in told
    assert "infusions.csv, row 3, column subject: no such subject; found '08'" in told


@pytest.mark.parametrize(
    ("text", "why", "grade"),
    [
        ("007,11,ANC,0.2,furlong,1.8,7.5,", "ANC has no unit 'furlong', it may be", ""),
        ('007,11,ANC,"0,2",10^9/L,1.8,7.5,', "ANC: a comma may be a decimal or a thousands mark; found '0,2'", ""),
        ("007,11,ANC,clotted,10^9/L,1.8,7.5,", "ANC: the result is no number; found 'clotted'", ""),
        ("007,11,ANC,0.2,10^9/L,7.5,1.8,", "ANC: limits not used: the lower is above the upper; found '0.2'", "4"),
    ],
)
def test_a_result_that_cannot_be_read_is_told_with_its_row(tmp_path, capsys, text, why, grade):
    assert labs(tmp_path, LABS + "007,x,ANC,1,10^9/L,1,7,\n" + text + "\n007,12,ANC,0.2,10^9/L,1.8,7.5,\n") == 4
    assert f"{tmp_path / 'labs.csv'}, row 7: {why}" in capsys.readouterr().err
    assert written(tmp_path, "lab_grades", "grade") == [("0",), ("4",), ("3",), (grade,), ("4",)]


def test_what_is_not_graded_is_told_by_name_counted_and_excluded(tmp_path, capsys):
    rows = "007,3,Neutrofils,0.1,10^9/L,1.8,7.5,\n007,3,CRP,5,mg/L,0,5,\n007,4,CRP,6,mg/L,0,5,\n"
    rows += "".join(f"007,{day},platelets,{day},%,150,400,\n007,{day},Hb,7,furlong,12,16,\n" for day in range(5, 25))
    assert labs(tmp_path, HEADER + rows) == 4  # results of haemoglobin could not be read
    assert capsys.readouterr().err == (
        f"tilseq: {tmp_path / 'labs.csv'}, row 6: Hb: haemoglobin has no unit 'furlong', it may be g/L, g/dL, mmol/L; "
        "found '7'; 20 such results\n"
        "0 grades of 43 results; 40 cannot be told\n"
        "not graded: no term of CTCAE 5 is known for the test Neutrofils; did you mean 'neutrophils'? (1)\n"
        "not graded: no term of CTCAE 5 is known for the test CRP (2)\n"
        "not graded: no term of CTCAE 5 is known for the test platelets in % (20)\n"
        f"wrote {tmp_path / 'out'}\n"
    )
    told = dict(written(tmp_path, "exclusions", "rule", "rows"))
    assert sum(map(int, told.values())) == 43
    unit = "not read: Hb: haemoglobin has no unit 'furlong', it may be g/L, g/dL, mmol/L, first in row 6"
    assert told[unit] == "20"


def test_what_rests_on_symptoms_is_told(tmp_path, capsys):
    text = HEADER + "007,3,potassium,3.2,mmol/L,3.5,5.1,\n007,4,potassium,3.3,mmol/L,3.5,5.1,\n"
    assert labs(tmp_path, text) == 0
    assert "Hypokalemia: 2 grades taken as symptomatic\n" in capsys.readouterr().err
    assert labs(tmp_path, text, "--symptoms", "not_assumed") == 0
    assert "symptomatic" not in capsys.readouterr().err


def test_anticoagulation_therapies_and_recovery_are_options(tmp_path):
    text = HEADER + "007,-8,INR,0.95,1,0.8,1.2,\n007,3,INR,0.98,1,0.8,1.2,\n007,3,ANC,0.3,10^9/L,1.8,7.5,\n"
    text += "007,20,ANC,0.4,10^9/L,1.8,7.5,\n007,40,ANC,2.4,10^9/L,1.8,7.5,\n"
    (tmp_path / "therapies.csv").write_text("subject,therapy,start_day\n007,x,40\n")
    assert labs(tmp_path, text, "--anticoagulation") == 0
    assert written(tmp_path, "lab_grades", "grade")[1] == ("1",)
    options = ("--therapies", tmp_path / "therapies.csv", "--recovery", "ANC", "2", "--sustained", "1")
    assert labs(tmp_path, text, *options) == 0
    told = written(tmp_path, "recoveries", "parameter", "rule", "end_day")
    assert told == [("recovery: ANC >= 2", "not_recovered", "20")]
    assert labs(tmp_path, text, "--recovery", "ALT", "2") == 3


def test_a_table_without_a_needed_column_ends_with_3_and_writes_nothing(tmp_path, capsys):
    assert labs(tmp_path, "subject,day,value_text\n007,1,3\n") == 3
    assert "labs needs this column" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_subject_that_is_not_known_is_told_and_the_others_go_on(tmp_path, capsys):
    text = LABS + "07,3,ANC,0.2,10^9/L,1.8,7.5,\n07,4,ANC,0.2,10^9/L,1.8,7.5,\n"
    assert labs(tmp_path, text, "--subjects", tmp_path / "subjects.csv") == 4
    told = capsys.readouterr().err
    assert f"{tmp_path / 'labs.csv'}, row 6, column subject: no such subject" in told
    assert "found '07'; did you mean '007'?" in told
    assert {name for (name,) in written(tmp_path, "lab_grades", "subject")} == {"007"}
    assert written(tmp_path, "exclusions", "rule", "rows")[0] == ("no such subject: 07, first in row 6", "2")


def test_the_end_of_il2_is_a_setting_and_worsening_a_summary(tmp_path):
    assert labs(tmp_path, LABS, "--subjects", tmp_path / "subjects.csv", "--il2-end-day", "4") == 0
    assert {period for (period,) in written(tmp_path, "lab_grades", "period")} == {
        "screening", "infusion", "follow_up_30",
    }  # fmt: skip
    worst = "direction=low;period=any;term=Neutrophil count decreased;test=ANC;worst_grade=4"
    assert (worst, "1", "1") in written(tmp_path, "summaries", "qualifier", "numerator", "denominator")


def test_a_file_of_sdtm_is_known_by_its_header(tmp_path, capsys):
    header = "USUBJID,LBTESTCD,LBORRES,LBORRESU,LBORNRLO,LBORNRHI,LBDY\n"
    text = f"{header}007,NEUT,4,10^9/L,1.8,7.5,-1\n007,NEUT,0.3,10^9/L,1.8,7.5,11\n"
    assert labs(tmp_path, text, "--subjects", tmp_path / "subjects.csv", "--sdtm-day-1", "lymphodepletion") == 0
    assert written(tmp_path, "lab_grades", "day", "grade") == [("-8", "0"), ("3", "4")]
    capsys.readouterr()
    assert labs(tmp_path, text, "--sdtm-day-1", "infusion") == 2
    assert "--sdtm-day-1 needs --subjects" in capsys.readouterr().err


def test_results_after_the_data_cut_are_left_out(tmp_path, capsys):
    (tmp_path / "f.csv").write_text("subject,last_alive_day,data_cut_day\n007,40,8\n")
    faulty = LABS + "007,8,ANC,clotted,10^9/L,1.8,7.5,\n"
    assert labs(tmp_path, faulty, "--followup", tmp_path / "f.csv") == 4
    assert "1 result after the data cut left out" in capsys.readouterr().err
    assert written(tmp_path, "lab_grades", "day", "grade") == [("-8", "0"), ("3", "4"), ("8", "")]
    assert written(tmp_path, "exclusions", "row", "rule", "rows") == [
        ("4", "a result after the data cut of 007 (day 8)", "1"),
        ("5", "not graded: no term of CTCAE 5 is known for the test heart rate", "1"),
        ("6", "not read: ANC: the result is no number", "1"),
    ]


def test_rows_are_those_of_a_spreadsheet_also_below_a_line_break_within_a_cell(tmp_path, capsys):
    """Row 2 stands on two lines of the file, and row 3 has a fault: the result that is lost is in row 4."""
    lines = '007,-8,"AN\nC",4.0,10^9/L,1.8,7.5,\n007,x,ANC,1,10^9/L,1.8,7.5,\n007,3,ANC,lost,10^9/L,1.8,7.5,\n'
    assert labs(tmp_path, HEADER + lines) == 4
    rows = pl.read_csv(tmp_path / "out" / "exclusions.csv").select("row", "rows").rows()
    assert sorted(rows) == [(2, 1), (3, 1), (4, 1)]
    assert "labs.csv, row 4: ANC: the result is no number; found 'lost'" in capsys.readouterr().err
