from functools import partial

import polars as pl
import pytest

from tests.commands import exit_code

HEADER = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,c_gene,productive,cdr3,cdr3_nt,reads,umis\n"


run = partial(exit_code, "repertoire", "cells")


@pytest.fixture
def write(tmp_path):
    def write(name, **cells):
        lines = [
            f"{cell}-1,true,{cell}-1_{i},true,{chain},{chain}V1,{chain}J1,,true,CAF,{junction},9,{9 - i}\n"
            for cell, chains in cells.items()
            for i, (chain, junction) in enumerate(chains)
        ]
        (tmp_path / name).write_text(HEADER + "".join(lines))
        return tmp_path / name

    return write


PAIR = [("TRA", "AAA"), ("TRB", "CCC")]


def test_tables_of_two_files(write, tmp_path, capsys):
    one = write("one.csv", A=PAIR, C=PAIR, G=[("TRB", "CCC")], T=[("TRA", "AAA"), ("TRA", "GGG"), ("TRB", "TTT")])
    other = write("other.csv", A=PAIR)
    out = tmp_path / "out"
    assert run(one, other, "-o", out) == 0
    assert capsys.readouterr().err.splitlines()[-1] == f"wrote {out}"
    tables = {path.stem: pl.read_csv(path) for path in out.glob("*.csv")}
    assert tables["cells"].select("sample", "cell_id", "chain_pairing", "dual_alpha").rows() == [
        ("one", "A-1", "single pair", False),
        ("one", "C-1", "single pair", False),
        ("one", "G-1", "orphan VDJ", False),
        ("one", "T-1", "extra VJ", True),
        ("other", "A-1", "single pair", False),
    ]
    assert tables["paired_clones"].select("sample", "junction", "duplicate_count").rows() == [
        ("one", "AAA+CCC", 2),
        ("one", "AAA+TTT", 1),
        ("other", "AAA+CCC", 1),
    ]
    assert tables["quality"].select("sample", "check", "value").rows() == [
        ("one", "doublets", 0), ("one", "full pairs", 0.75), ("other", "doublets", 0), ("other", "full pairs", 1),
    ]  # fmt: skip
    assert tables["overlap"].filter(parameter="shared_clones").select("locus", "value", "n_a").rows() == [
        ("TRA+TRB", 1, 3)
    ]
    assert tables["diversity"].filter(sample="one", parameter="richness")["value"].to_list() == [2]
    assert tables["exclusions"].select("sample", "rule", "counts").rows() == [
        ("one", "cell without a pair of chains: orphan VDJ", 1)
    ]
    assert tables["cell_quality"].filter(sample="one", call="dual_alpha", category="dual alpha")["cells"].to_list() == [
        1
    ]


def test_one_file_has_no_overlap_and_faults_are_told(write, tmp_path, capsys):
    one = write("one.csv", A=PAIR)
    (tmp_path / "bulk.tsv").write_text("v_call\tj_call\tjunction\tumi_count\nTRBV2\tTRBJ1-1\tTGT\t3\n")
    assert run(one, tmp_path / "bulk.tsv", "-o", tmp_path / "out") == 4
    assert "the file does not name cells" in capsys.readouterr().err
    assert not (tmp_path / "out" / "overlap.csv").exists()
    assert run(write("none.csv"), "-o", tmp_path / "empty") == 0
    assert pl.read_csv(tmp_path / "empty" / "cells.csv").height == 0
