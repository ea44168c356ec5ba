import csv

import polars as pl
import pytest

from tests.commands import exit_code as run

EVENTS = "subject,term,soc,grade,serious,immune_related,related,start_day,end_day,pt_code\n"
ROWS = (
    "007,fever,general,3,true,false,IL-2,1,4,10016558\n"
    "007,fever,general,1,false,false,IL-2,9,,10016558\n"
    "8,sepsis,infection,5,true,no,lymphodepletion,20,21,10040047\n"
)
SUBJECTS = "subject,tumor_type,first_dose_day\n007,melanoma,-7\n8,cervical,-7\n9,nsclc,-7\n"
FOLLOWUP = "subject,last_alive_day,death_day\n007,100,\n8,20,21\n9,60,\n"


@pytest.fixture
def files(tmp_path):
    for name, text in (("ae", EVENTS + ROWS), ("s", SUBJECTS), ("f", FOLLOWUP)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def safety(files, *more):
    return run("clinical", "safety", files / "ae.csv", "--subjects", files / "s.csv", "-o", files / "out", *more)


def test_writes_seven_tables(files, capsys):
    assert safety(files, "--followup", files / "f.csv") == 0
    names = ["adverse_event_estimates", "adverse_event_rates", "adverse_event_rows", "adverse_event_table"]
    names += ["adverse_event_times", "exclusions", "summaries"]
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
    # Exact limits of 2, 1 and 0 of 3 by R's binom.test.
    assert capsys.readouterr().err.splitlines() == [
        "3 adverse events, 3 counted",
        "of 3 subjects treated: infused, or with a day of the first dose or of lymphodepletion",
        "  any adverse event    2 of 3  66.7 % (9.4-99.2)",
        "  grade 3 to 5         2 of 3  66.7 % (9.4-99.2)",
        "  grade 5              1 of 3  33.3 % (0.8-90.6)",
        "  serious              2 of 3  66.7 % (9.4-99.2)",
        "  immune-related       0 of 3   0.0 % (0.0-70.8)",
        "  related              2 of 3  66.7 % (9.4-99.2)",
        "commonest, subjects (of grade 3 to 5): fever 1 (1), sepsis 1 (1)",
        f"wrote {files / 'out'}",
    ]


def test_the_end_of_il2_and_emergence_are_settings(files):
    safety(files, "--il2-end-day", "4", "--emergence", "all")
    rows = pl.read_parquet(files / "out/adverse_event_rows.parquet")
    assert rows["period"].to_list() == ["infusion", "follow_up_30", "follow_up_30"]


def test_first_days_that_deny_the_recorded_period_are_counted(files, capsys):
    rows = (
        "subject,term,grade,start_day,period\n007,fever,3,8,lymphodepletion\n8,rash,1,-3,follow-up\n9,rash,1,8,IL-2\n"
    )
    (files / "ae.csv").write_text(rows)
    assert safety(files) == 0
    told = "first days that deny the recorded period: 2 of 3 events, the first of row 2: are days counted from another"
    assert told in capsys.readouterr().err


def test_a_grade_5_without_a_death_is_told(files, capsys):
    (files / "f.csv").write_text(FOLLOWUP.replace("20,21", "30,"))
    assert safety(files, "--followup", files / "f.csv") == 0
    assert "subject 8, sepsis: grade 5, but the follow-up has no death" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("found", "given", "row", "told", "reason"),
    [
        ("fever,general,3", "fever,general,severe", 2, "'severe'", "no grade that can be read"),
        ("fever,general,3", "fever,general,6", 2, "at most 5", "no grade that can be read"),
        ("fever,general,3", "fever,general,", 2, "a value is missing", "no grade that can be read"),
        ("007,fever,general,3", "007,,general,3", 2, "a value is missing", "no term"),
        (",fever,general,3", ",fever,general,3", 2, "a value is missing", "no subject"),
        ("8,sepsis", "88,sepsis", 4, "no such subject", "no such subject"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_listed_and_not_counted(files, capsys, found, given, row, told, reason):
    text = (EVENTS + ROWS).replace("007,fever,general,3", ",fever,general,3", reason == "no subject")
    (files / "ae.csv").write_text(text.replace(found, given, 1))
    assert safety(files) == 4
    error = capsys.readouterr().err
    assert f"ae.csv, row {row}" in error
    assert told in error
    assert f"3 adverse events, 2 counted; not counted: 1 {reason}\n" in error
    rows = pl.read_parquet(files / "out/adverse_event_rows.parquet")
    assert rows.filter(~pl.col("counted"))["row"].to_list() == [row]
    left_out = pl.read_parquet(files / "out/exclusions.parquet").select("file", "row", "rule", "rows").rows()
    assert left_out == [(str(files / "ae.csv"), row, f"not counted: {reason}", 1)]
    # Every subject stays in the denominator, whose words tell.
    first = pl.read_parquet(files / "out/summaries.parquet").row(0, named=True)
    assert first["denominator"] == 3
    assert first["denominator_text"].endswith("; 1 event not counted for faulty records")


@pytest.mark.parametrize(
    ("found", "given", "told"),
    [
        ("3,true,false", "3,maybe,false", "true or false"),
        ("IL-2,1,4", "IL-2,1,0", "ends before it begins"),
        ("IL-2,1,4", "IL-2,1.5,4", "a whole number"),
        ("IL-2,1,4", "IL-2,1,ongoing", "a whole number"),
    ],
)
def test_any_other_faulty_cell_is_told_and_its_row_counts(files, capsys, found, given, told):
    (files / "ae.csv").write_text((EVENTS + ROWS).replace(found, given, 1))
    assert safety(files) == 4
    assert told in capsys.readouterr().err
    assert pl.read_parquet(files / "out/adverse_event_rows.parquet")["counted"].all()


def test_subjects_of_infusions_and_follow_up_that_are_not_known_are_told(files, capsys):
    (files / "i.csv").write_text("subject,infusion,day\n7,1,0\n8,1,0\n")
    assert safety(files, "--infusions", files / "i.csv") == 4
    told = f"{files / 'i.csv'}, row 2, column subject: no such subject; found '7'; did you mean '007'?"
    assert told in capsys.readouterr().err


def test_what_is_not_counted_is_told_by_rule(files, capsys):
    first = ROWS.splitlines(keepends=True)[0]
    (files / "ae.csv").write_text(EVENTS + ROWS + first + first + first.replace(",1,4,", ",-20,-19,"))
    assert safety(files) == 0
    line = capsys.readouterr().err.splitlines()[0]
    assert line == "6 adverse events, 3 counted; not counted: 2 repeats another, 1 began before the first dose"


def test_flags_nobody_recorded_and_words_nobody_knows_are_told(files, capsys):
    text = (
        (EVENTS + ROWS).replace(",true,false", ",,false").replace(",false,false", ",,false").replace(",true,no", ",,no")
    )
    (files / "ae.csv").write_text(text.replace(",IL-2,", ",radiotherapy,", 1))
    assert safety(files) == 0
    error = capsys.readouterr().err
    assert "  serious            not recorded\n" in error
    assert "words of `related` that are not known, counted as unspecified: 'radiotherapy'" in error


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


def test_a_day_of_lymphodepletion_that_cannot_be_is_told_with_its_row_and_counts_as_unknown(files, capsys):
    people = "subject,tumor_type,lymphodepletion_day,first_dose_day\n007,melanoma,-7,\n8,cervical,7,12\n9,nsclc,-7,-7\n"
    (files / "s.csv").write_text(people)
    (files / "i.csv").write_text("subject,infusion,day\n007,1,0\n8,1,0\n9,1,0\n")
    assert safety(files, "--infusions", files / "i.csv") == 4
    told = capsys.readouterr().err
    assert "s.csv, row 3, column lymphodepletion_day: lymphodepletion of subject 8 does not begin before" in told
    assert "s.csv, row 3, column first_dose_day: the first dose of subject 8 is after the infusion" in told
    rows = pl.read_parquet(files / "out/adverse_event_rows.parquet")
    assert rows.select("subject", "onset_days", "counted").rows() == [
        ("007", 9, True),
        ("007", 17, True),
        ("8", 21, True),
    ]


def test_an_event_that_did_not_occur_is_listed_and_not_counted(files, capsys):
    header = "USUBJID,AETERM,AETOXGR,AESTDY,AEOCCUR\n"
    (files / "ae.csv").write_text(header + "007,rash,3,9,N\n007,hot,1,9,Y\n")
    assert safety(files, "--sdtm-day-1", "first_dose") == 4
    told = capsys.readouterr().err
    assert "row 2, column AEOCCUR: an event that did not occur" in told
    assert "2 adverse events, 1 counted; not counted: 1 it did not occur" in told
    rows = pl.read_parquet(files / "out/adverse_event_rows.parquet")
    assert rows.select("term", "counted").rows() == [("hot", True), ("rash", False)]
    assert rows["reason"][1].startswith("not counted: it did not occur; not recorded: serious")
