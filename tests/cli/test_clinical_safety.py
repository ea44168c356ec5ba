import csv

import polars as pl
import pytest

from tilseq.cli import main

EVENTS = "subject,term,soc,grade,serious,immune_related,related,start_day,end_day,pt_code\n"
ROWS = (
    "007,fever,general,3,true,false,IL-2,1,4,10016558\n"
    "007,fever,general,1,false,false,IL-2,9,,10016558\n"
    "8,sepsis,infection,5,true,no,lymphodepletion,20,21,10040047\n"
)
SUBJECTS = "subject,tumor_type,first_dose_day\n007,melanoma,-7\n8,cervical,-7\n9,nsclc,-7\n"
FOLLOWUP = "subject,last_alive_day,death_day\n007,100,\n8,20,21\n9,60,\n"


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture
def files(tmp_path):
    for name, text in (("ae", EVENTS + ROWS), ("s", SUBJECTS), ("f", FOLLOWUP)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def safety(files, *more):
    return run("clinical", "safety", files / "ae.csv", "--subjects", files / "s.csv", "-o", files / "out", *more)


def test_writes_four_tables(files, capsys):
    assert safety(files, "--followup", files / "f.csv") == 0
    names = ["adverse_event_rates", "adverse_event_rows", "adverse_event_times", "summaries"]
    assert sorted(path.name for path in (files / "out").iterdir()) == [
        f"{name}.{kind}" for name in names for kind in ("csv", "parquet")
    ]
    rows = list(csv.DictReader((files / "out/adverse_event_rows.csv").read_text().splitlines()))
    assert [(row["subject"], row["onset_days"], row["duration_days"], row["pt_code"]) for row in rows] == [
        ("007", "9", "4", "10016558"),
        ("007", "17", "", "10016558"),
        ("8", "28", "2", "10040047"),
    ]
    summaries = pl.read_parquet(files / "out/summaries.parquet")
    one = summaries.filter(parameter="ae_any", qualifier="grade=3;soc=general;term=fever").row(0, named=True)
    assert (one["numerator"], one["denominator"]) == (1, 3)
    assert capsys.readouterr().err == "3 adverse events, 3 counted\n"


def test_the_end_of_il2_and_emergence_are_settings(files):
    safety(files, "--il2-end-day", "4", "--emergence", "all")
    rows = pl.read_parquet(files / "out/adverse_event_rows.parquet")
    assert rows["period"].to_list() == ["infusion", "follow_up_30", "follow_up_30"]


def test_a_grade_5_without_a_death_is_told(files, capsys):
    (files / "f.csv").write_text(FOLLOWUP.replace("20,21", "30,"))
    assert safety(files, "--followup", files / "f.csv") == 0
    assert "subject 8, sepsis: grade 5, but the follow-up has no death" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("found", "given", "row", "told", "left"),
    [
        ("fever,general,3", "fever,general,severe", 2, "'severe'", ["8"]),
        ("fever,general,3", "fever,general,6", 2, "at most 5", ["8"]),
        ("fever,general,3", "fever,general,", 2, "a value is missing", ["8"]),
        ("3,true,false", "3,maybe,false", 2, "true or false", ["8"]),
        ("IL-2,1,4", "IL-2,1,0", 2, "ends before it begins", ["8"]),
        ("IL-2,1,4", "IL-2,1.5,4", 2, "a whole number", ["8"]),
        ("8,sepsis", "88,sepsis", 4, "no such subject", ["007", "007"]),
    ],
)
def test_a_faulty_cell_is_told_with_file_and_row_and_costs_its_subject_alone(
    files, capsys, found, given, row, told, left
):
    (files / "ae.csv").write_text((EVENTS + ROWS).replace(found, given, 1))
    assert safety(files) == 4
    error = capsys.readouterr().err
    assert f"ae.csv, row {row}" in error
    assert told in error
    assert "left out for faulty records: " in error
    assert pl.read_parquet(files / "out/adverse_event_rows.parquet")["subject"].to_list() == left


def test_denominators_say_who_is_left_out(files):
    (files / "ae.csv").write_text((EVENTS + ROWS).replace(",3,true", ",x,maybe").replace("8,sepsis", "88,sepsis"))
    assert safety(files) == 4
    row = pl.read_parquet(files / "out/summaries.parquet").row(0, named=True)
    assert (row["numerator"], row["denominator"]) == (0, 2)
    assert row["denominator_text"].endswith("; left out for faulty records: 1; events of 1 unknown subjects left out")


def test_an_unknown_column_is_refused_and_nothing_is_written(files, capsys):
    (files / "ae.csv").write_text((EVENTS + ROWS).replace("serious", "seriuos", 1))
    assert safety(files) == 3
    assert "did you mean 'serious'?" in capsys.readouterr().err
    assert not (files / "out").exists()


def test_a_file_of_sdtm_is_known_by_its_header(files, capsys):
    (files / "ae.csv").write_text(
        "USUBJID,AETERM,AETOXGR,AESER,AESTDTC,AESTDY\n007,hot,3,Y,2024-03-12,9\n8,rash,1,N,2024-02,\n9,cold,1,N,,8\n"
    )
    (files / "i.csv").write_text("subject,infusion,date\n007,1,2024-03-11\n8,1,2024-03-11\n9,1,2024-03-11\n")
    options = ("--infusions", files / "i.csv", "--sdtm-day-1", "first_dose")
    assert safety(files, *options) == 4
    assert "ae.csv, row 3, column AESTDTC: a date without its day; found '2024-02'" in capsys.readouterr().err
    assert safety(files, *options, "--partial-dates", "last_day") == 0
    rows = pl.read_parquet(files / "out/adverse_event_rows.parquet")
    assert rows.select("subject", "term", "grade", "serious", "start_day", "counted").rows() == [
        ("007", "hot", 3, True, 1, True),
        ("8", "rash", 1, False, -11, False),
        ("9", "cold", 1, False, 0, True),
    ]
