import csv

import polars as pl

from tests.commands import exit_code as run

LESIONS = "subject,day,visit,lesion,role,diameter_mm\n007,-5,base,T1,target,50\n007,40,w6,T1,target,35\n"


def test_response_writes_the_table_twice(tmp_path, capsys):
    (tmp_path / "l.csv").write_text(LESIONS)
    (tmp_path / "r.csv").write_text("subject,day,visit,response\n007,40,w6,SD\n")
    code = run("clinical", "response", tmp_path / "l.csv", "--responses", tmp_path / "r.csv", "-o", tmp_path / "out")
    assert code == 0
    rows = list(csv.DictReader((tmp_path / "out/response.csv").read_text().splitlines()))
    assert [(row["subject"], row["response"], row["recorded"], row["agrees"]) for row in rows] == [
        ("007", "", "", ""),
        ("007", "PR", "SD", "false"),
    ]
    assert pl.read_parquet(tmp_path / "out/response.parquet")["sum_mm"].to_list() == [50, 35]
    assert capsys.readouterr().err.startswith("2 assessments: 1 baseline, 1 compared, 1 differs\n")


def test_subjects_set_the_baseline(tmp_path):
    (tmp_path / "l.csv").write_text(LESIONS)
    (tmp_path / "s.csv").write_text("subject,tumor_type,harvest_day\n007,melanoma,-2\n")
    assert run("clinical", "response", tmp_path / "l.csv", "--subjects", tmp_path / "s.csv", "-o", tmp_path / "o") == 0
    assert pl.read_csv(tmp_path / "o/response.csv")["response"].to_list() == [None, "NE"]


def test_regrowth_is_a_setting(tmp_path):
    (tmp_path / "l.csv").write_text(LESIONS.replace("35", "0") + "007,80,w12,T1,target,3\n")
    words = []
    for rule in ("sum_rule", "pd"):
        assert run("clinical", "response", tmp_path / "l.csv", "--regrowth", rule, "-o", tmp_path / rule) == 0
        words.append(pl.read_csv(tmp_path / rule / "response.csv")["response"].to_list())
    assert words == [[None, "CR", "PR"], [None, "CR", "PD"]]


def test_a_faulty_table_ends_with_3_and_writes_nothing(tmp_path, capsys):
    (tmp_path / "l.csv").write_text(LESIONS.replace("35", "3,5"))
    assert run("clinical", "response", tmp_path / "l.csv", "-o", tmp_path / "out") == 3
    assert "row 3" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
