import os
import shutil
from functools import partial
from itertools import product

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tests.commands import exit_code
from tilseq.cli.repertoire import repertoire_command
from tilseq.io.clonotypes import read_clonotypes
from tilseq.io.dialects import DIALECTS
from tilseq.receptors import LOCI

HEADER = "sequence_id\tv_call\tj_call\tjunction\tjunction_aa\tproductive\tumi_count\n"


@pytest.fixture
def folder(tmp_path):
    def write(name, rows):
        text = HEADER + "".join(f"{i}\tTRBV1\tTRBJ1-1\t{nt}\tCAF\t{ok}\t{n}\n" for i, (nt, ok, n) in enumerate(rows))
        (tmp_path / name).write_text(text)

    write("product.tsv", [("AAA", "T", 70), ("CCC", "T", 10), ("GGG", "T", 20)])
    write("day7.tsv", [("AAA", "T", 10), ("CCC", "T", 5), ("TTT", "T", 3), ("ACG", "F", 9)])
    write("day28.tsv", [("TTT", "T", 40)])
    (tmp_path / "cut.tsv").write_text(HEADER + "1\tTRBV1\n")
    return tmp_path


run = partial(exit_code, "repertoire")


def test_a_faulty_file_lets_the_others_go_on(folder, capsys):
    out = folder / "diversity.csv"
    assert run("diversity", folder / "cut.tsv", folder / "day7.tsv", "-o", out) == 4
    assert pl.read_csv(out)["sample"].unique().to_list() == ["day7"]
    assert "cut.tsv, row 2: this row has fewer cells" in capsys.readouterr().err
    assert run("diversity", folder / "cut.tsv") == 3
    assert run("diversity", folder / "day7.tsv", folder / "day7.tsv") == 2


LOST = "no limits, nothing of what is not seen (Chao1, coverage) and no common depth"


def test_diversity_goes_to_stdout(folder, capsys):
    assert run("diversity", folder / "day7.tsv") == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:2] == [
        "sample,locus,parameter,value,lower,upper,n,depth,at_coverage,over",
        "day7,TRB,ace,,,,18.0,,,",
    ]
    assert "day7,TRB,richness,3.0,,,18.0,," in printed.out
    assert "at_n" not in printed.out
    assert f"day7: {LOST}, as the cells behind counts of umis are not known" in printed.err


def of_templates(folder, *names):
    """Have files count what `--count-of templates` says; return them and that."""
    files = [folder / name for name in names]
    for file in files:
        file.write_text(file.read_text().replace("umi_count", "duplicate_count"))
    return [*files, "--count-of", "templates"]


def test_files_of_unequal_depth_are_also_told_at_a_common_one(folder, capsys):
    out, depth = folder / "diversity.csv", folder / "depth.csv"
    files = of_templates(folder, "product.tsv", "day7.tsv")
    assert run("diversity", *files, "-o", out, "--depth", depth) == 0
    assert (
        "TRB: raw values are of 18 to 100 cells and do not compare; the rows at_n (18 cells)" in capsys.readouterr().err
    )
    found = pl.read_csv(out)
    assert found.filter(parameter="richness")["depth"].to_list() == [18, 100]
    common = found.filter(parameter="richness_at_n")
    # 1 - C(100 - k, 18) / C(100, 18) of k = 70, 10, 20
    assert common.select("sample", "depth").rows() == [("day7", 18), ("product", 18)]
    assert common["value"].to_list() == pytest.approx([3, 1 + 1 - 0.12404 + 1 - 0.01117], abs=0.02)
    assert found.filter(parameter="hill_q1_at_coverage")["at_coverage"].to_list() == [1, 1]
    assert pl.read_csv(depth).select("sample", "cells", "cells_from", "n_effective").rows() == [
        ("day7", 18, "templates", 18),
        ("product", 100, "templates", 100),
    ]
    assert run("diversity", *files, "-o", out, "--at-cells", 10) == 0
    assert pl.read_csv(out).filter(parameter="richness_at_n")["depth"].to_list() == [10, 10]
    assert run("diversity", *files, "--at-coverage", 1) == 2


def test_templates_of_one_library_tell_no_coverage_and_why(folder, capsys):
    counts = [1] * 90 + [2] * 40 + [3] * 20 + [9] * 5
    text = HEADER.replace("umi_count", "duplicate_count") + "".join(
        f"{i}\tTRBV1\tTRBJ1-1\t{'ACGT'[i % 4] * (i + 5)}\tCAF\tT\t{n}\n" for i, n in enumerate(counts)
    )
    (folder / "dna.tsv").write_text(text)
    out = folder / "d.csv"
    assert run("diversity", folder / "dna.tsv", "--count-of", "templates", "-o", out) == 0
    assert pl.read_csv(out).filter(parameter="coverage")["value"].to_list() == [None]
    told = "are of templates, and their libraries do not surely tell how often one is counted; more laid together may"
    assert f"dna: no coverage of TRB and nothing at a common depth: its clones {told}\n" in capsys.readouterr().err


# Of reads 400 cells are worth 400 / 2.4 = 167 that yield alike, of UMIs 400 / 1.7 = 235, of either 1,000 more than 300.
@pytest.mark.parametrize(("count_of", "cells", "told"), [("reads", 400, 1), ("reads", 1000, 0), ("umis", 1000, 0)])
def test_more_counts_than_cells_that_yield_alike_tell_no_coverage_and_why(folder, capsys, count_of, cells, told):
    text = HEADER.replace("umi_count", "duplicate_count") + "".join(
        f"{n}\tTRBV1\tTRBJ1-1\t{'ACGT'[n % 4] * 6}\tCAF\tT\t{n}\n" for n in (149, 100, 51)
    )
    (folder / "deep.tsv").write_text(text)
    given = ["--count-of", count_of, "--cells", f"deep={cells}"]
    assert run("diversity", folder / "deep.tsv", *given, "-o", folder / "d.csv") == 0
    assert pl.read_csv(folder / "d.csv").filter(parameter="coverage")["value"].null_count() == told
    reason = "deep: no coverage of TRB: more counts (300) than cells that yield alike (167)\n"
    assert capsys.readouterr().err.count(reason) == told


def test_replicates_tell_cells(folder, capsys):
    rows = [(f"{number}", "T", 100 + 30 * (number % 5)) for number in range(1, 40)]
    for name, turn in (("r1", 0), ("r2", 2)):
        text = HEADER.replace("umi_count", "duplicate_count") + "".join(
            f"{i}\tTRBV1\tTRBJ1-1\t{'ACGT'[i % 4] * (i + 5)}\tCAF\t{ok}\t{100 + 30 * ((i + turn) % 5)}\n"
            for i, (_, ok, _) in enumerate(rows)
        )
        (folder / f"{name}.tsv").write_text(text)
    files, out = [folder / "r1.tsv", folder / "r2.tsv"], folder / "depth.csv"
    assert run("diversity", *files, "--replicates", "r1,r2", "--depth", out, "-o", folder / "d.csv") == 0
    found = pl.read_csv(out)
    assert found["cells_from"].to_list() == ["replicates"] * 2
    assert (found["n_effective"] < found["counts"]).all()
    for wrong in ("r1", "r1,r1", "r1,r3"):
        assert run("diversity", *files, "--replicates", wrong) == 2
    assert run("diversity", *files, "--replicates", "r1,r2", "--replicates", "r2,r1") == 2
    assert run("diversity", folder / "r1.tsv", folder / "day7.tsv", "--replicates", "r1,day7") == 2
    assert "their counts are of umis and unknown" in capsys.readouterr().err
    capsys.readouterr()
    told = ["--cells", "r1=1000000", "--cells", "r2=2"]
    assert run("diversity", *files, "--replicates", "r1,r2", *told, "--depth", out, "-o", folder / "d.csv") == 0
    assert pl.read_csv(out)["cells_from"].to_list() == ["declared"] * 2
    err = capsys.readouterr().err
    assert "r1: --replicates is not used for TRB, as --cells tells 1000000 cells; the replicates differ as" in err
    assert "r2: --replicates is not used for TRB, as --cells tells 2 cells\n" in err
    assert run("diversity", *files, "--replicates", "r1,r2", "--depth", out, "-o", folder / "d.csv") == 0
    found = pl.read_csv(out)
    assert run("overlap", *files, "--replicates", "r1,r2", "-o", out) == 0
    n = pl.read_csv(out).filter(parameter="morisita").select("n_a", "n_b").row(0)
    assert n == tuple(found["n_effective"])


def test_a_replicate_that_cannot_be_read_does_not_stop_the_others(folder, capsys):
    rows = [f"{i}\tTRBV1\tTRBJ1-1\t{'ACGT'[i % 4] * (i + 5)}\tCAF\tT\t{{}}\n" for i in range(40)]
    header = HEADER.replace("umi_count", "duplicate_count")
    for turn, name in enumerate(("r1", "r2")):
        text = "".join(row.format(100 + 30 * ((i + 2 * turn) % 5)) for i, row in enumerate(rows))
        (folder / f"{name}.tsv").write_text(header + text)
    files, depth = [folder / f"{name}.tsv" for name in ("r1", "cut", "r2")], folder / "depth.csv"
    assert run("diversity", *files, "--replicates", "r1,cut,r2", "--depth", depth, "-o", folder / "d.csv") == 4
    assert pl.read_csv(depth).select("sample", "cells_from").rows() == [("r1", "replicates"), ("r2", "replicates")]
    assert "cut.tsv, row 2: this row has fewer cells" in capsys.readouterr().err
    assert run("diversity", *files[:2], "--replicates", "r1,cut", "--depth", depth, "-o", folder / "d.csv") == 4
    assert "--replicates r1,cut: fewer than two can be read" in capsys.readouterr().err
    assert pl.read_csv(depth)["cells_from"].to_list() == ["not_known"]


def test_one_library_sequenced_twice_is_told(folder, capsys):
    random, header = np.random.default_rng(2), HEADER.replace("umi_count", "duplicate_count")
    cells = random.integers(1, 30, 60)
    for name in ("first", "again"):
        reads = random.poisson(40 * cells)
        lines = [f"{i}\tTRBV1\tTRBJ1-1\t{'ACGT'[i % 4] * (i + 5)}\tCAF\tT\t{n}\n" for i, n in enumerate(reads)]
        (folder / f"{name}.tsv").write_text(header + "".join(lines))
    files = [folder / "first.tsv", folder / "again.tsv"]
    assert run("diversity", *files, "--replicates", "first,again", "-o", folder / "d.csv") == 0
    assert "first: TRB: replicates differ no more than their counts do by chance" in capsys.readouterr().err


def test_a_copy_is_no_replicate(folder, capsys):
    text = HEADER.replace("umi_count", "duplicate_count") + "".join(
        f"{i}\tTRBV1\tTRBJ1-1\t{'ACGT'[i % 4] * (i + 5)}\tCAF\tT\t{100 + 30 * (i % 5)}\n" for i in range(40)
    )
    for name in ("one", "copy"):
        (folder / f"{name}.tsv").write_text(text)
    files, out = [folder / "one.tsv", folder / "copy.tsv"], folder / "depth.csv"
    assert run("diversity", *files, "--replicates", "one,copy", "--depth", out) == 0
    assert pl.read_csv(out)["cells_from"].to_list() == ["not_known"] * 2
    assert "they do not tell the cells of TRB" in capsys.readouterr().err


def test_a_file_with_hardly_a_cell_or_no_clonotype_is_told(folder, capsys):
    lines = (folder / "day7.tsv").read_text().splitlines(keepends=True)
    (folder / "empty.tsv").write_text(lines[0])
    (folder / "one.tsv").write_text(lines[0] + "1\tTRBV1\tTRBJ1-1\tTGTTGTTTC\tCCF\tT\t1\n")
    files = of_templates(folder, "product.tsv", "empty.tsv", "one.tsv")
    assert run("diversity", *files, "-o", folder / "d.csv") == 0
    err = capsys.readouterr().err
    assert "empty: the file holds no clonotype, so that it has no rows" in err
    assert "one: no rows at_n and at_coverage of TRB, of 1 effective cells" in err


def test_a_table_without_its_small_clones_is_told(folder, capsys):
    rows = [f"{i}\tTRBV1\tTRBJ1-1\tTG{''.join(one)}TTT\tC\tT\t{{}}\n" for i, one in enumerate(product("ACG", repeat=5))]
    for name, least in (("cut", 5), ("whole", 1)):
        text = "".join(row.format(least + i) for i, row in enumerate(rows))
        (folder / f"{name}.tsv").write_text(HEADER + text)
    told = "cut: none of its 243 clones of TRB was counted less than 5 times: was the table cut there, or its"
    given = ["--product", folder / "product.tsv", "-o", folder / "out"]
    for arguments in (["diversity", folder / "cut.tsv", "-o", folder / "d.csv"], ["track", folder / "cut.tsv", *given]):
        assert run(*arguments) == 0
        assert told in capsys.readouterr().err
    assert run("diversity", folder / "whole.tsv", "-o", folder / "d.csv") == 0
    assert "was the table cut" not in capsys.readouterr().err


def test_a_table_that_lost_its_counts_is_told(folder, capsys):
    junctions = ["".join(one) for one in product("ACG", repeat=6)][:300]
    rows = [f"{i}\tTRBV1\tTRBJ1-1\tTG{one}TT\tC\tT\t1\n" for i, one in enumerate(junctions)]
    for name, text in (("once", "".join(rows)), ("more", "".join(rows)[:-2] + "2\n")):
        (folder / f"{name}.tsv").write_text(HEADER + text)
        assert run("diversity", folder / f"{name}.tsv", "-o", folder / "d.csv") == 0
    told = capsys.readouterr().err
    assert (
        "once: each of its 300 clones of TRB was counted once: were the counts lost? Shares are then those of" in told
    )
    assert "more: each of its" not in told


def test_a_common_depth_out_of_reach_is_told(folder, capsys):
    files = of_templates(folder, "product.tsv", "day7.tsv")
    assert run("diversity", *files, "--at-cells", 150, "-o", folder / "d.csv") == 0
    told = capsys.readouterr().err
    assert "day7: no rows at_n of TRB, out of reach of twice its 18 cells" in told
    assert "product: no rows" not in told
    assert pl.read_csv(folder / "d.csv").filter(parameter="richness_at_n")["sample"].to_list() == ["product"]


def test_limits_need_to_know_what_is_counted(folder, capsys):
    text = (folder / "day7.tsv").read_text().replace("umi_count", "duplicate_count").replace("AAA", "AGA")
    (folder / "open.tsv").write_text(text)
    arguments = ["track", folder / "open.tsv", "--product", folder / "product.tsv", "-o", folder]
    assert run(*arguments) == 0
    assert pl.read_csv(folder / "persistence.csv")["n_effective"].to_list() == [None, None]
    assert (
        "open: no limits and no common depth, as the cells behind counts of unknown meaning are not known"
        in capsys.readouterr().err
    )
    of_templates(folder, "product.tsv")
    assert run(*arguments, "--count-of", "templates") == 0
    assert set(pl.read_csv(folder / "persistence.csv")["n_effective"]) == {18}
    assert run("diversity", folder / "open.tsv") == 0
    assert f"open: {LOST}, as the cells behind counts of unknown meaning" in capsys.readouterr().err
    assert run("diversity", folder / "day7.tsv", "--count-of", "reads") == 3
    assert "the counts of day7 are umis" in capsys.readouterr().err


def test_convert_writes_airr_that_reads_back(folder, capsys):
    assert run("convert", folder / "day7.tsv", "-o", folder / "out.tsv") == 0
    assert run("convert", folder / "day7.tsv") == 0
    printed = capsys.readouterr()
    assert printed.out == (folder / "out.tsv").read_text()
    assert "day7.tsv: 3 clonotypes, counts of umis" in printed.err
    again, first = read_clonotypes(folder / "out.tsv"), read_clonotypes(folder / "day7.tsv")
    assert again.table.equals(first.table)
    assert again.count_of == first.count_of == "umis"


@pytest.mark.parametrize(
    "arguments",
    [
        ("convert", "day7.tsv", "-o", "day7.tsv"),
        ("diversity", "day7.tsv", "product.tsv", "-o", "link.csv"),
        ("diversity", "day7.tsv", "-o", "out.csv", "--depth", "product.tsv/../day7.tsv"),
        ("overlap", "day7.tsv", "product.tsv", "-o", "o.csv", "--usage", "product.tsv"),
    ],
)
def test_what_is_read_is_not_written_over(folder, monkeypatch, capsys, arguments):
    monkeypatch.chdir(folder)
    (folder / "link.csv").symlink_to("product.tsv")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    arguments = [argument.replace("product.tsv/..", str(folder)) for argument in arguments]
    assert run(*arguments) == 2
    assert "is read by this command and would be lost" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_whose_name_is_no_text_is_refused(folder, capsys):
    odd = os.fsdecode(os.fsencode(folder) + b"/d\xff.tsv")  # as of an archive from another system
    shutil.copy(folder / "day7.tsv", odd)
    assert run("qc", odd) == 2
    assert "d\\udcff.tsv': this name is not UTF-8; rename the file" in capsys.readouterr().err
    assert run("qc", "x" * 5000) == 3
    assert "File name too long" in capsys.readouterr().err


def test_two_results_are_not_written_to_one_file(folder, capsys):
    out = folder / "out.csv"
    assert run("diversity", folder / "day7.tsv", "-o", out, "--depth", out) == 2
    assert "two results would be written to" in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_of_tables_does_not_go_to_stdout(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert run("bcr", "day7.tsv", "-o", "-") == 2
    assert "several tables are written: give a folder, not -" in capsys.readouterr().err
    assert not (folder / "-").exists()


@pytest.mark.parametrize("number", ["9" * 5000, "10000000000", "٣٠", "1e3", "20.000", "-7", "00"])
def test_cells_are_a_plain_whole_number(folder, capsys, number):
    assert run("diversity", folder / "day7.tsv", "--cells", f"day7={number}") == 2
    assert "is not a whole number above 0" in capsys.readouterr().err


def test_cells_of_a_sample_are_given_once(folder, capsys):
    assert run("diversity", folder / "day7.tsv", "--cells", "day7=10", "--cells", "day7=9000") == 2
    assert "the cells of 'day7' are given twice" in capsys.readouterr().err


def test_cells_of_a_file_that_counts_them_are_not_used(folder, capsys):
    header = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,productive,cdr3,cdr3_nt\n"
    rows = "".join(f"{c},true,{c}_1,true,TRB,TRBV2,TRBJ1-1,true,CAF,TGTGCATTC\n" for c in "abc")
    (folder / "cells.csv").write_text(header + rows)
    assert run("diversity", folder / "cells.csv", "--cells", "cells=9000") == 0
    told = capsys.readouterr()
    assert "cells: --cells is not used, as the file itself counts cells" in told.err
    assert "cells,TRB,richness,1.0,,,3.0,3.0,," in told.out


def test_the_choices_are_those_of_the_reader():
    options = {option.name: option for option in repertoire_command.commands["diversity"].params}
    assert tuple(options["dialect"].type.choices) == tuple(DIALECTS)
    assert tuple(options["locus"].type.choices) == LOCI


@pytest.mark.parametrize("command", ["convert", "diversity", "track"])
def test_help_ends_with_an_example(command):
    result = CliRunner().invoke(repertoire_command, [command, "--help"])
    assert result.exit_code == 0
    assert f"tilseq repertoire {command} " in result.output.split("Example:")[1]
