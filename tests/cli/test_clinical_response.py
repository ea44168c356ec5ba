"""`tilseq clinical response`: what it writes beside the responses, and how one bad subject does not stop the others."""

import polars as pl
import pytest

from tests.commands import exit_code

LESIONS = """subject,day,visit,reader,lesion,role,diameter_mm,state
P1,-5,base,inv,T1,target,50,
P1,42,w6,inv,T1,target,35,
P1,84,w12,inv,T1,target,30,
P2,-5,base,inv,T1,target,40,
P2,42,w6,inv,T1,target,50,
P2,84,w12,inv,T1,target,56,
"""
RESPONSES = "subject,day,visit,reader,response\nP1,42,w6,inv,PR\nP1,84,w12,inv,PR\nP2,42,w6,inv,SD\nP2,84,w12,inv,PD\n"
SUBJECTS = "subject,tumor_type,enrollment_day\nP1,melanoma,-60\nP2,cervical,-60\nP3,cervical,-60\n"
INFUSIONS = "subject,infusion,day\nP1,1,0\nP2,1,0\nP3,1,0\n"
THERAPIES = "subject,therapy,start_day\nP1,anti-PD-1,60\n"
TABLES = ("response", "response_differences", "best_response", "summaries")


@pytest.fixture
def folder(tmp_path):
    for name, text in (
        ("l", LESIONS),
        ("r", RESPONSES),
        ("s", SUBJECTS),
        ("i", INFUSIONS),
        ("t", THERAPIES),
    ):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def run(folder, *options, lesions="l.csv"):
    given = ["--responses", "r.csv", "--subjects", "s.csv", "--infusions", "i.csv", *options]
    arguments = [folder / one if one.endswith(".csv") else one for one in given]
    return exit_code("clinical", "response", folder / lesions, *arguments, "-o", folder / "out")


def best(folder, confirmation="required"):
    table = pl.read_csv(folder / "out/best_response.csv").filter(confirmation=confirmation)
    return dict(table.select("subject", "best_response").rows())


def test_every_table_is_written_twice_and_the_rates_are_told(folder, capsys):
    assert run(folder) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(
        f"{name}.{ending}" for name in TABLES for ending in ("csv", "parquet")
    )
    assert best(folder) == {"P1": "PR", "P2": "SD", "P3": "not_assessed"}
    told = capsys.readouterr().err.splitlines()
    absent = (
        "3 infused subjects; 1 of them without an assessment that counts, so without response; "
        "SD counts from 42 days on, none fell short of it"
    )
    assert told == [
        "6 assessments: 2 baselines, 4 compared, 1 differs",
        f"ORR by inv, confirmed: 33.3 % (0.8 to 90.6), 1 of {absent}",
        f"DCR by inv, confirmed: 66.7 % (9.4 to 99.2), 2 of {absent}",
        f"wrote {folder / 'out'}",
    ]
    differences = pl.read_csv(folder / "out/response_differences.csv")
    assert differences.select("subject", "day", "recorded", "derived").rows() == [("P2", 42, "SD", "PD")]
    rates = pl.read_parquet(folder / "out/summaries.parquet").filter(parameter="ORR")
    assert set(rates["group"]) == {"all", "tumor_type=melanoma", "tumor_type=cervical"}


def test_each_policy_is_an_option(folder):
    assert run(folder, "--therapies", "t.csv") == 0
    assert best(folder)["P1"] == "SD"  # the read that confirms lies after the new therapy
    assert run(folder, "--source", "derived") == 0
    assert best(folder)["P2"] == "PD"
    assert run(folder, "--confirmation-days", "43") == 0
    assert best(folder)["P1"] == "SD"
    assert run(folder, "--sd-min-days", "43") == 0
    assert best(folder)["P2"] == "PD"
    assert run(folder, "--sd-min-days", "103", "--reference", "enrollment") == 0
    assert best(folder)["P2"] == "PD"
    assert run(folder, "--sd-min-days", "102", "--reference", "enrollment") == 0
    assert best(folder)["P2"] == "SD"
    assert run(folder, "--disease-control", "CR,PR") == 0
    rates = pl.read_csv(folder / "out/summaries.csv").filter(parameter="DCR", group="all", population="infused")
    assert rates["numerator"].to_list() == [1, 1]
    (folder / "f.csv").write_text("subject,data_cut_day\nP1,83\n")
    assert run(folder, "--followup", "f.csv") == 0
    assert best(folder)["P1"] == "SD"  # the read that confirms lies after the cut
    (folder / "p.csv").write_text("visit,day,window\nw7,49,6\n")
    assert run(folder, "--schedule", "p.csv") == 0
    assert best(folder)["P2"] == "PD"  # the first planned scan may lie on day 43, the SD on 42


@pytest.mark.parametrize(
    ("reads", "option", "before", "after"),
    [
        ("P1,42,a,inv,PR P1,84,b,inv,SD P1,126,c,inv,PR", "--accept-sd", "SD", "PR"),
        ("P1,20,a,inv,CR P1,84,b,inv,SD", "--strict-table3", "SD", "PD"),
        ("P1,42,a,inv,PR P1,84,b,inv,NE P1,126,c,inv,PR", "--max-ne=0", "PR", "SD"),
    ],
)
def test_what_may_lie_between_is_an_option(folder, reads, option, before, after):
    (folder / "r.csv").write_text("subject,day,visit,reader,response\n" + reads.replace(" ", "\n") + "\n")
    assert run(folder) == 0
    assert best(folder)["P1"] == before
    assert run(folder, option) == 0
    assert best(folder)["P1"] == after


def test_a_therapy_of_the_treatment_itself_is_told(folder, capsys):
    assert run(folder, "--therapies", "t.csv") == 0
    assert "within 14 days" not in capsys.readouterr().err
    (folder / "t.csv").write_text("subject,therapy,start_day\nP1,IL-2,1\n")
    assert run(folder, "--therapies", "t.csv") == 0
    assert "t.csv: therapies that start within 14 days after the infusion, after which" in capsys.readouterr().err
    assert best(folder)["P1"] == "not_assessed"


def test_diameters_that_leap_tenfold_are_told(folder, capsys):
    assert run(folder) == 0
    assert "tenth" not in capsys.readouterr().err
    odd = LESIONS.replace("w6,inv,T1,target,35", "w6,inv,T1,target,5.0").replace("T1,target,56", "T1,target,500")
    (folder / "l.csv").write_text(odd)
    assert run(folder) == 0
    told = capsys.readouterr().err
    assert "l.csv: subject P1, day 42: T1 a tenth of what it was: in cm?" in told
    assert "l.csv: subject P2, day 84: T1 ten times what it was: is a comma lost?" in told


def test_a_row_of_sums_is_told(folder, capsys):
    rows = [
        f"P1,{day},{visit},inv,{lesion},target,{size},\n"
        for day, visit, lesion, size in (
            (-5, "base", "T2", 20),
            (42, "w6", "T2", 15),
            (84, "w12", "T2", 10),
            (-5, "base", "T3", 70),
            (42, "w6", "T3", 50),
            (84, "w12", "T3", 40),
        )
    ]
    (folder / "l.csv").write_text(LESIONS + "".join(rows))
    assert run(folder) == 0
    told = capsys.readouterr().err
    assert "l.csv: subject P1, day -5: T3 always the sum of the other targets: a row of sums?" in told
    (folder / "l.csv").write_text(LESIONS + "".join(rows).replace("T3", "SUM"))
    assert run(folder) == 4
    assert "l.csv, row 11, column lesion: a target that is called a sum" in capsys.readouterr().err


def test_days_in_weeks_are_told_with_a_schedule_and_without(folder, capsys):
    close = "4 of 4 assessments lie less than 14 days after the one before, as P1, days -1, 6, 12: are these weeks"
    (folder / "l.csv").write_text(LESIONS.replace(",-5,", ",-1,").replace(",42,", ",6,").replace(",84,", ",12,"))
    assert run(folder) == 0
    assert f"l.csv: {close}" in capsys.readouterr().err
    (folder / "p.csv").write_text("visit,day,window\nw6,42,4\nw12,84,7\n")
    assert run(folder, "--schedule", "p.csv") == 0
    told = capsys.readouterr().err
    off = "4 of 6 assessments outside the window of their visit, as P1, w6 on day 6 (42 ± 4): are these days since"
    assert f"l.csv: {off}" in told and f"l.csv: {close}" in told
    assert "r.csv: " not in told
    (folder / "l.csv").write_text(LESIONS)
    assert run(folder, "--schedule", "p.csv") == 0
    assert "are these" not in capsys.readouterr().err


def test_irecist_is_written_on_request(folder):
    assert run(folder, "--irecist") == 0
    table = pl.read_csv(folder / "out/irecist.csv")
    assert table.filter(subject="P2")["response"].to_list() == ["iUPD", "iCPD"]
    assert run(folder, "--irecist", "--progression-days", "43", "56") == 0
    assert pl.read_csv(folder / "out/irecist.csv").filter(subject="P2")["response"].to_list() == ["iUPD", "iUPD"]
    found = pl.read_csv(folder / "out/irecist_best.csv")
    assert found.select("subject", "best_response").rows() == [("P1", "iPR"), ("P2", "iUPD")]


@pytest.mark.parametrize(
    ("old", "new", "row", "column", "words"),
    [
        ("P2,-5,base,inv,T1,target,40", "P2,-5,base,inv,T1,target,4.0", 5, "diameter_mm", "diameters in mm, not cm"),
        ("P2,42,w6,inv", "P2,42,w6,", 6, "reader", "a row without a reader stands beside rows of one"),
        ("P2,42,w6,inv,T1,target,50,", "P2,42,w6,inv,T1,target,50,absent", 6, "diameter_mm", "has no diameter"),
        ("P2,42,w6,inv,T1", "P2,42,w6,inv,T9", 6, "lesion", "this lesion is not in the baseline"),
    ],
)
def test_a_bad_subject_is_told_with_its_row_and_the_others_are_written(folder, capsys, old, new, row, column, words):
    assert old in LESIONS
    (folder / "bad.csv").write_text(LESIONS.replace(old, new))
    assert run(folder, lesions="bad.csv") == 4
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith(f"tilseq: {folder / 'bad.csv'}, row {row}, column {column}: ")
    assert words in first
    # The denominator is who was infused, whatever could be derived of them.
    assert rest[-3].startswith(
        "ORR by inv, confirmed: 33.3 % (0.8 to 90.6), 1 of 3 infused subjects; 2 of them without"
    )
    assert "; of these P2 could not be derived: not assessed" in rest[-3]
    assert best(folder) == {"P1": "PR", "P2": "not_assessed", "P3": "not_assessed"}


def test_the_enrolled_are_told_where_they_are_more_than_the_infused(folder, capsys):
    (folder / "i.csv").write_text(INFUSIONS.replace("P3,1,0\n", ""))
    assert run(folder) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ORR")]
    assert [line.split("; ")[0] for line in told] == [
        "ORR by inv, confirmed: 50.0 % (1.3 to 98.7), 1 of 2 infused subjects",
        "ORR by inv, confirmed: 33.3 % (0.8 to 90.6), 1 of 3 enrolled subjects",
    ]
    assert "1 of them never infused: P3" in told[1]


def test_undersized_targets_may_be_accepted(folder):
    (folder / "bad.csv").write_text(LESIONS.replace("target,40", "target,9"))
    assert run(folder, lesions="bad.csv") == 4
    assert run(folder, "--undersized", "accept", lesions="bad.csv") == 0


def test_a_recorded_response_without_a_reader_is_told_with_its_own_file(folder, capsys):
    (folder / "r.csv").write_text(RESPONSES.replace("P2,42,w6,inv", "P2,42,w6,"))
    assert run(folder) == 4
    assert capsys.readouterr().err.startswith(f"tilseq: {folder / 'r.csv'}, row 4, column reader: ")
    assert best(folder) == {"P1": "PR", "P2": "not_assessed", "P3": "not_assessed"}


def test_where_no_subject_can_be_used_nothing_is_written(folder, capsys):
    (folder / "bad.csv").write_text("subject,day,lesion,role,diameter_mm\nP1,-5,T1,target,5\n")
    (folder / "r.csv").write_text("subject,day,response\n")
    assert run(folder, lesions="bad.csv") == 3
    assert "row 2, column diameter_mm" in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_a_policy_that_cannot_be_is_refused(folder, capsys):
    assert run(folder, "--disease-control", "CR,XX") == 2
    assert run(folder, "--confirmation-days", "-1") == 2
    assert run(folder, "--irecist", "--progression-days", "60", "20") == 3
    assert run(folder, "--reference", "randomization") == 3
    assert "column randomization_day" in capsys.readouterr().err
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("line", "row", "words"),
    [
        ("P2,43,w6,inv,SD", 6, "column response: two recorded responses belong to one assessment"),
        ("P9,43,w6,inv,SD", 6, "column subject: a subject with recorded responses is not in subjects"),
    ],
)
def test_a_bad_recorded_response_is_told_with_its_row(folder, capsys, line, row, words):
    (folder / "r.csv").write_text(RESPONSES + line + "\n")
    assert run(folder) == 4
    assert capsys.readouterr().err.startswith(f"tilseq: {folder / 'r.csv'}, row {row}, {words}")
    assert best(folder)["P1"] == "PR"


@pytest.mark.parametrize(
    ("file", "text", "row"),
    [
        ("l.csv", LESIONS.replace("P1,42,w6,inv,T1,target,35,", "P1,42,w6,inv,T1,target,35 mm,"), 3),
        ("l.csv", LESIONS.replace("P1,42,w6", "P1,week 6,w6"), 3),
        ("l.csv", LESIONS + "P1,84,w12,inv,T1,target,31,\n", 8),
        ("l.csv", LESIONS.replace("P1,84,w12,inv", "P1,84,w12,inv "), 4),
        ("l.csv", LESIONS.replace("P1,84", "P1 ,84"), 4),
        ("r.csv", RESPONSES.replace("P1,42,w6,inv,PR", "P1,42,w6,inv,partial"), 2),
        ("s.csv", SUBJECTS.replace("P1,melanoma,-60", "P1,melanoma,in May"), 2),
        ("s.csv", SUBJECTS.replace("P1,melanoma", "P1,Melanoma"), 2),
        ("i.csv", INFUSIONS + "P1,1,3\n", 5),
        ("i.csv", INFUSIONS.replace("P1,1,0", "P1,1,today"), 2),
        ("t.csv", THERAPIES.replace("60", "later"), 2),
    ],
)
def test_a_row_that_cannot_be_used_costs_its_subject_alone(folder, capsys, file, text, row):
    (folder / file).write_text(text)
    assert run(folder, "--therapies", "t.csv", "--irecist") == 4
    assert f"{file}, row {row}" in capsys.readouterr().err
    assert best(folder) == {"P1": "not_assessed", "P2": "SD", "P3": "not_assessed"}
    rates = pl.read_csv(folder / "out/summaries.csv").filter(parameter="ORR", group="all", population="infused")
    assert rates["denominator"].to_list() == [3, 3]


def test_a_therapy_of_an_unknown_subject_is_told_with_its_row_and_the_others_go_on(folder, capsys):
    (folder / "t.csv").write_text(THERAPIES + "P9,anti-PD-1,60\n")
    assert run(folder, "--therapies", "t.csv") == 4
    assert "t.csv, row 3, column subject: this subject is not in subjects" in capsys.readouterr().err
    assert best(folder) == {"P1": "SD", "P2": "SD", "P3": "not_assessed"}


def test_an_infusion_of_an_unknown_subject_is_told_with_its_row_and_the_others_go_on(folder, capsys):
    (folder / "i.csv").write_text(INFUSIONS + "P9,1,0\n")
    assert run(folder) == 4
    assert "i.csv, row 5, column subject: this subject is not in subjects" in capsys.readouterr().err
    assert best(folder) == {"P1": "PR", "P2": "SD", "P3": "not_assessed"}


def test_rows_are_those_of_the_file_beside_a_subject_that_cannot_be_read(folder, capsys):
    bad = LESIONS.replace("P1,42,w6,inv,T1,target,35,", "P1,42,w6,inv,T1,target,35 mm,")
    (folder / "l.csv").write_text(bad.replace("P2,42,w6,inv,T1,target,50,", "P2,42,w6,inv,T1,nontarget,50,"))
    (folder / "r.csv").write_text(RESPONSES + "P3,42,w6,inv,SD\n")
    assert run(folder) == 4
    told = capsys.readouterr().err
    assert "l.csv, row 3, column diameter_mm" in told
    assert "l.csv, row 6, column role" in told
    (folder / "r.csv").write_text(RESPONSES)
    assert run(folder) == 3  # of no subject is anything left
