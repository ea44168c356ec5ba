from functools import partial

import polars as pl
import pytest

from tests.commands import exit_code

CODONS = {"A": "GCA", "C": "TGC", "G": "GGA", "T": "ACA"}  # of the amino acids of these letters


@pytest.fixture
def folder(tmp_path):
    """Files of two people, three of each; b2.tsv is that of a2.tsv."""

    def write(name, junctions):
        lines = [f"TRBV2\tTRBJ1\tTGC{''.join(map(CODONS.get, one))}TTC\tC{one}F\t2" for one in junctions]
        (tmp_path / name).write_text("\n".join(["v_call\tj_call\tjunction\tjunction_aa\tumi_count", *lines]) + "\n")

    def clones(start, number=64):
        return [start + "".join("ACGT"[i // 4**k % 4] for k in range(3)) for i in range(number)]

    for n, visit in enumerate("123"):
        write(f"a{visit}.tsv", clones("AA") + clones("AT" + "C" * n))
        write(f"b{visit}.tsv", clones("GG") + clones("GT" + "C" * n))
    (tmp_path / "b2.tsv").write_bytes((tmp_path / "a2.tsv").read_bytes())
    return tmp_path


run = partial(exit_code, "repertoire", "contamination")


def subjects(names):
    return [word for name in names for word in ("--subject", f"{name}={name[0].upper()}")]


def test_two_subjects_with_one_file_are_told(folder, capsys):
    names = [f"{person}{visit}" for person in "ab" for visit in "123"]
    files = [folder / f"{name}.tsv" for name in names]
    assert run(*files, *subjects(names), "-o", folder / "out") == 0
    tables = {path.stem: pl.read_csv(path) for path in (folder / "out").glob("*.csv")}
    assert set(tables) == {"sample_identity", "shared_pairs", "leak_rates", "suspicious_clones", "exclusions"}
    found = dict(tables["sample_identity"].select("sample", "verdict").iter_rows())
    assert found == dict.fromkeys(names, "as_labelled") | {"a2": "duplicate", "b2": "duplicate"}
    assert set(tables["sample_identity"]["run"]) == {"all files"}
    said = capsys.readouterr().err
    assert "b2: duplicate: the same clones and shares as a2; they are those of A" in said
    assert "4 of 6 samples as labelled; 0 leaks found\n" in said
    assert "a1:" not in said


def test_runs_and_names_of_files(folder):
    names = ["a1", "a2", "b1", "b3"]
    files = [folder / f"{name}.tsv" for name in names]
    told = [
        "--subject",
        f"{files[0]}=A",
        "--subject",
        "a2.tsv=A",
        *subjects(names[2:]),
        "--run",
        "a1=r1",
        "--run",
        "b1=r1",
    ]
    assert run(*files, *told, "-o", folder / "out") == 0
    rows = pl.read_csv(folder / "out" / "sample_identity.csv").select("sample", "run").rows()
    assert rows == [("a1", "r1"), ("a2", None), ("b1", "r1"), ("b3", None)]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(folder, capsys):
    (folder / "bad.tsv").write_text("what\n")
    files = [folder / f"{name}.tsv" for name in ("a1", "bad", "b1")]
    assert run(*files, *subjects(["a1", "bad", "b1"]), "-o", folder / "out") == 4
    assert "bad.tsv" in capsys.readouterr().err
    assert pl.read_csv(folder / "out" / "sample_identity.csv")["sample"].to_list() == ["a1", "b1"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--subject", "a1=A"], "b1 has none; write --subject b1=SUBJECT"),
        (["--subject", "a1=A", "--subject", "z=A"], "z=A: no such sample; they are a1, b1"),
        (["--subject", "a1=A", "--subject", "b1="], "nothing stands behind ="),
        (["--subject", "a1=A", "--subject", "a1=B"], "a1 is told twice, A and B"),
        (["--subject", "a1=A", "--subject", "b1=B", "--run", "q=1"], "--run q=1: no such sample"),
    ],
)
def test_wrong_options(folder, options, told, capsys):
    assert run(folder / "a1.tsv", folder / "b1.tsv", *options, "-o", folder / "out") == 2
    assert told in capsys.readouterr().err
