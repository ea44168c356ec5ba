from functools import partial

import polars as pl
import pytest
from click.testing import CliRunner

from tests.commands import exit_code
from tilseq.cli.repertoire import repertoire_command

HEADER = "sequence_id\tv_call\tj_call\tjunction\tjunction_aa\tproductive\tumi_count\n"


@pytest.fixture
def folder(tmp_path):
    def write(name, rows):
        lines = [f"{i}\t{v}\tTRBJ1-1\t{nt}\t{aa}\t{ok}\t{n}\n" for i, (v, nt, aa, ok, n) in enumerate(rows)]
        (tmp_path / name).write_text(HEADER + "".join(lines))

    write("a.tsv", [("TRBV2*01", "TGTTTT", "CF", "T", 6), ("", "TGTAAATTT", "CKF", "T", 2), ("TRBV2", "A", "", "F", 9)])
    write("b.tsv", [("TRBV2*02", "TGTTTT", "CF", "T", 3), ("TRBV9", "TGTAGATTT", "CRF", "T", 1)])
    write("c.tsv", [("TRBV9", "TGTTTT", "CF", "T", 4)])
    return tmp_path


run = partial(exit_code, "repertoire")


def test_overlap_of_all_pairs(folder):
    pytest.importorskip("symscan")
    out, used, near = (folder / f"{name}.out.csv" for name in ("o", "u", "n"))
    files = [folder / f"{name}.tsv" for name in "abc"]
    assert run("overlap", *files, "-o", out, "--usage", used, "--neighbours", near) == 0
    found = pl.read_csv(out)
    shared = found.filter(parameter="shared_clones").select("sample_a", "sample_b", "locus", "key", "value")
    assert shared.rows() == [(a, b, "TRB", "junction", 1.0) for a, b in ("ab", "ac", "bc")]
    assert found.filter(sample_a="a", sample_b="b", parameter="f")["value"].to_list() == [pytest.approx(0.75)]
    assert found.filter(key="v_call").height == 6
    assert pl.read_csv(used).filter(sample="a", feature="v_call", level="TRBV2", weight="clones")["share"][0] == 0.5
    assert pl.read_csv(near).select("sample_a", "sample_b", "junction_aa_a", "junction_aa_b").rows() == [
        ("a", "a", "CF", "CKF"), ("a", "b", "CF", "CRF"), ("a", "b", "CKF", "CF"), ("a", "b", "CKF", "CRF"),
        ("a", "c", "CKF", "CF"), ("b", "b", "CF", "CRF"), ("b", "c", "CRF", "CF"),
    ]  # fmt: skip


def test_a_key_with_genes_tells_what_it_leaves_out(folder, capsys):
    files = folder / "a.tsv", folder / "c.tsv"
    for file in files:
        file.write_text(file.read_text().replace("umi_count", "duplicate_count"))
    given = ["--key", "junction_aa+v", "--count-of", "templates", "-o", folder / "o.csv"]
    assert run("overlap", *files, *given) == 0
    assert "a: 1 clonotype (2 counts) left out: no v_call for the key junction_aa+v" in capsys.readouterr().err
    found = pl.read_csv(folder / "o.csv").filter(key="junction_aa+v", parameter="shared_clones")
    assert found["value"].to_list() == [0]
    morisita = pl.read_csv(folder / "o.csv").filter(parameter="morisita").select("n_a", "n_b").rows()
    assert morisita == [(6, 4)]  # of eight cells, those whose clones have a V gene


def test_a_file_that_cannot_be_read_does_not_stop_the_others(folder, capsys):
    (folder / "bad.tsv").write_text("what\n")
    files = [folder / f"{name}.tsv" for name in ("a", "bad", "b")]
    assert run("overlap", *files, "-o", folder / "o.csv") == 4
    assert "bad.tsv" in capsys.readouterr().err
    assert set(pl.read_csv(folder / "o.csv")["sample_b"]) == {"b"}
    assert run("qc", *files, "-o", folder / "q.csv") == 4
    assert run("overlap", folder / "bad.tsv") == run("qc", folder / "bad.tsv") == 3
    assert run("overlap", folder / "a.tsv", "--cells", "z=4") == 2


def test_qc_tells_what_was_read_and_lost(folder, capsys):
    assert run("qc", folder / "a.tsv", folder / "b.tsv") == 0
    found = pl.read_csv(capsys.readouterr().out.encode())
    of_a = dict(found.filter(sample="a").select("check", "verdict").iter_rows())
    assert of_a["left out: not productive"] == "pass" and of_a["clonotypes"] == "pass"
    assert dict(found.filter(sample="a").select("check", "value").iter_rows())["left out"] == pytest.approx(1 / 3)
    assert not found.filter(sample="b").filter(pl.col("check").str.starts_with("left out:")).height


def test_qc_counts_rows_against_rows_where_many_are_one_clone(tmp_path, capsys):
    row = "TRBV2\tTRBJ1-1\tTGTGCATTC\tCAF\t1\t"
    lines = ["v_call\tj_call\tjunction\tjunction_aa\tduplicate_count\tproductive", *[row + "T"] * 9, row + "F"]
    (tmp_path / "a.tsv").write_text("\n".join(lines) + "\n")
    assert run("qc", tmp_path / "a.tsv") == 0
    left_out = pl.read_csv(capsys.readouterr().out.encode()).filter(check="left out")
    assert left_out.select("value", "verdict", "reason").row(0) == (0.1, "pass", "1 row left out, 9 kept")


@pytest.mark.parametrize("command", ["overlap", "qc"])
def test_help_ends_with_an_example(command):
    result = CliRunner().invoke(repertoire_command, [command, "--help"])
    assert result.exit_code == 0
    assert f"tilseq repertoire {command} " in result.output.split("Example:")[1]
