import csv

import pytest

from tests.commands import exit_code as run

HEADER = "subject,day,test,value_text,unit,lower_limit,upper_limit\n"
ROWS = "007,-8,CA-125,400,U/mL,0,35\n007,20,CA 125,200,U/mL,0,35\n007,48,ca125,<200,U/mL,0,35\n8,5,CEA,4,ng/mL,,\n"
SUBJECTS = "subject,tumor_type,lymphodepletion_day,harvest_day\n007,ovarian,-7,-30\n8,melanoma,-7,-30\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "m.csv").write_text(HEADER + ROWS)
    (tmp_path / "s.csv").write_text(SUBJECTS)
    return tmp_path


def markers(files, *more):
    return run("clinical", "markers", files / "m.csv", "--subjects", files / "s.csv", "-o", files / "out", *more)


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_writes_courses_and_gcig(files, capsys):
    assert markers(files, "--harvest", "ignored") == 0
    courses = rows_of(files / "out/marker_courses.csv")
    assert [(row["test"], row["change_pct"], row["operator"]) for row in courses] == [
        ("CA125", "", ""), ("CA125", "-50.0", ""), ("CA125", "", "<"), ("CEA", "", ""),
    ]  # fmt: skip
    (ca125,) = rows_of(files / "out/gcig.csv")
    assert (ca125["subject"], ca125["response"], ca125["response_day"]) == ("007", "PR", "20")
    assert capsys.readouterr().err == f"4 records, 4 used; 1 subject by GCIG\nwrote {files / 'out'}\n"


def test_records_of_which_none_can_be_used_end_with_3(files, capsys):
    (files / "m.csv").write_text(HEADER + '007,-8,CA-125,"400,5",U/mL,0,35\n007,20,CA-125,"200,5",U/mL,0,35\n')
    assert markers(files) == 3
    assert "2 records, 0 used" in capsys.readouterr().err


def test_infusions_of_a_subject_that_is_not_there_are_told(files, capsys):
    (files / "i.csv").write_text("subject,infusion,day\n007,1,0\n9,1,0\n")
    assert markers(files, "--infusions", files / "i.csv", "--harvest", "ignored") == 4
    assert "i.csv, row 3, column subject: no such subject" in capsys.readouterr().err
    (ca125,) = rows_of(files / "out/gcig.csv")
    assert ca125["response"] == "PR"


def test_the_harvest_makes_a_subject_not_evaluable(files):
    assert markers(files) == 0
    (ca125,) = rows_of(files / "out/gcig.csv")
    assert ca125["category"] == "NE"
    assert "day -30 is within 28 days before it" in ca125["reason"]


def test_without_ovarian_cancer_there_is_no_gcig(files):
    (files / "s.csv").write_text(SUBJECTS.replace("ovarian", "cervical"))
    assert markers(files) == 0
    assert not (files / "out/gcig.csv").exists()


def test_a_record_that_takes_no_part_is_told_and_the_rest_goes_on(files, capsys):
    (files / "m.csv").write_text(HEADER + ROWS.replace("200,U/mL", "-200,U/mL", 1))
    assert markers(files) == 0
    assert "subject 007, day 20, CA125: not used: '-200' is below 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("found", "given", "row", "told"),
    [
        ("007,20", "07,20", 3, "no such subject"),
        ("20,CA 125", "x,CA 125", 3, "a whole number"),
        ("0,35", "0,-", 2, "a number with a decimal point"),
    ],
)
def test_a_faulty_cell_is_told_with_file_and_row_and_costs_its_subject_alone(files, capsys, found, given, row, told):
    (files / "m.csv").write_text(HEADER + ROWS.replace(found, given, 1))
    assert markers(files) == 4
    error = capsys.readouterr().err
    assert f"m.csv, row {row}" in error
    assert told in error
    courses = rows_of(files / "out/marker_courses.csv")
    assert {one["subject"] for one in courses} == ({"007", "8"} if told == "no such subject" else {"8"})


def test_tg_is_a_setting(files):
    (files / "m.csv").write_text(HEADER + "8,5,TG,60,ng/mL,,78\n")
    markers(files, "--tg", "triglycerides")
    (row,) = rows_of(files / "out/marker_courses.csv")
    assert (row["used"], row["reason"]) == (
        "false",
        "not used: TG is set to be triglycerides; not in the panel of melanoma",
    )


def test_an_option_may_name_a_subject_that_is_left_out_for_a_faulty_record(files, capsys):
    (files / "m.csv").write_text(HEADER + ROWS + "8,soon,CEA,4,ng/mL,,\n")
    assert markers(files, "--mouse-antibodies", "8", "--interference", "8", "3") == 4
    assert "left out for faulty records: 8" in capsys.readouterr().err
    assert markers(files, "--mouse-antibodies", "9") == 2
    assert "no such subject: 9" in capsys.readouterr().err


def test_records_after_the_data_cut_are_left_out(files):
    (files / "f.csv").write_text("subject,last_alive_day,data_cut_day\n007,40,20\n8,40,4\n")
    assert markers(files, "--harvest", "ignored", "--followup", files / "f.csv") == 0
    assert [(row["subject"], row["day"]) for row in rows_of(files / "out/marker_courses.csv")] == [
        ("007", "-8"), ("007", "20"),
    ]  # fmt: skip
    # The half of day 20 is not held for 28 days.
    (ca125,) = rows_of(files / "out/gcig.csv")
    assert ca125["response_day"] == ""
    assert [(row["row"], row["rule"]) for row in rows_of(files / "out/exclusions.csv")] == [
        ("4", "a record after the data cut of 007 (day 20)"), ("5", "a record after the data cut of 8 (day 4)"),
    ]  # fmt: skip


def test_a_subject_of_the_follow_up_that_is_not_known_is_told(files, capsys):
    (files / "f.csv").write_text("subject,last_alive_day,data_cut_day\n7,40,20\n")
    assert markers(files, "--followup", files / "f.csv") == 4
    assert "f.csv, row 2, column subject: no such subject; found '7'" in capsys.readouterr().err


def test_a_new_therapy_ends_the_samples_of_gcig(files):
    (files / "t.csv").write_text("subject,therapy,start_day\n007,carboplatin,40\n")
    assert markers(files, "--harvest", "ignored", "--therapies", files / "t.csv") == 0
    (ca125,) = rows_of(files / "out/gcig.csv")
    assert (ca125["response"], ca125["response_day"]) == ("none", "")
    assert "samples after the new therapy of day 40 not used: 1" in ca125["reason"]
