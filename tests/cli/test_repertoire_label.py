import gzip
from itertools import islice, product

import numpy as np
import polars as pl
import pytest
from anndata import AnnData, read_h5ad

from tests.commands import exit_code
from tilseq.repertoire import Miscounting, miscounting

HEADER = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,c_gene,productive,cdr3,cdr3_nt,reads,umis\n"
BASES = "ACGT"
MANY = [f"CC{BASES[i // 16]}{BASES[i // 4 % 4]}{BASES[i % 4]}C" for i in range(40)]


def run(*arguments):
    return exit_code("repertoire", "label", *arguments)


@pytest.fixture
def folder(tmp_path):
    def write(name, **cells):
        lines = [
            f"{cell}-1,true,{cell}-1_{i},true,{chain},{chain}V1,{chain}J1,,true,CAF,{junction},9,{9 - i}\n"
            for cell, chains in cells.items()
            for i, (chain, junction) in enumerate(chains)
        ]
        with gzip.open(tmp_path / name, "wt") as stream:
            stream.write(HEADER + "".join(lines))

    write("blood.csv.gz", A=[("TRA", "AAA"), ("TRB", MANY[0])], C=[("TRB", "GGG")], G=[("TRA", "TTT")])
    write("cells.csv.gz", **{f"T{i}": [("TRA", f"A{one[1:]}"), ("TRB", one)] for i, one in enumerate(MANY)})
    lines = [f"TRBV2\tTRBJ1-1\t{one}\tCAF\t{i + 1}" for i, one in enumerate(MANY)]
    (tmp_path / "bulk.tsv").write_text(
        "\n".join(["v_call\tj_call\tjunction\tjunction_aa\tduplicate_count", *lines, ""])
    )
    return tmp_path


def test_cells_against_a_bulk_product(folder, capsys):
    blood, bulk, out = folder / "blood.csv.gz", folder / "bulk.tsv", folder / "out"
    assert run(blood, "--product", bulk, "--cells", "bulk=2000", "-o", out) == 0
    tables = {path.stem: pl.read_csv(path) for path in out.glob("*.csv")}
    assert set(tables) == {"cell_labels", "quality", "exclusions"}
    labels = tables["cell_labels"].select("cell_id", "label", "matched_by", "product_count", "probability")
    assert labels.select(pl.exclude("probability")).rows() == [
        ("A-1", "infused", "beta", 1),
        ("C-1", "not_seen_in_product", None, None),
        ("G-1", "undecided", None, None),
    ]
    assert labels["probability"].is_between(0, 1, closed="none").to_list() == [True, True, None]
    assert run(blood, "--product", bulk, "-o", folder / "reads") == 0
    assert (
        "bulk: no cell has a probability, as the cells behind counts of unknown meaning are not known"
        in capsys.readouterr().err
    )
    assert pl.read_csv(folder / "reads" / "cell_labels.csv")["probability"].null_count() == 3
    assert run(blood, "--product", bulk, "--count-of", "templates", "-o", folder / "templates") == 0
    assert pl.read_csv(folder / "templates" / "cell_labels.csv")["product_n_effective"][0] == 820


def test_how_templates_are_counted_all_libraries_of_the_product_tell_together(folder):
    rng = np.random.default_rng(4)
    cells = np.concatenate([np.ones(700, int), np.full(20, 10)])
    junctions = ["TGT" + "".join(one) + "TGG" for one in islice(product("ACG", repeat=6), 720)]
    libraries, given = [], []
    for name, share in (("lot1", 0.1), ("lot2", 0.4)):
        missed = rng.binomial(cells, share)
        counts = cells - missed + rng.binomial(cells - missed, share / (1 - share))
        lines = [f"TRBV2\tTRBJ1-1\t{one}\tCAF\t{n}" for one, n in zip(junctions, counts, strict=True) if n]
        (folder / f"{name}.tsv").write_text(
            "\n".join(["v_call\tj_call\tjunction\tjunction_aa\tduplicate_count", *lines, ""])
        )
        libraries.append(counts[counts > 0])
        given += ["--product", folder / f"{name}.tsv"]

    def effective(*lots):
        assert run(folder / "blood.csv.gz", *lots, "--count-of", "templates", "-o", folder / "out") == 0
        return pl.read_csv(folder / "out" / "cell_labels.csv")["product_n_effective"][0]

    total = sum(counts.sum() for counts in libraries)
    together = total / (1 + miscounting(libraries).variance)
    assert effective(*given) == pytest.approx(together)
    assert effective(*given[:2]) + effective(*given[2:]) != pytest.approx(together, rel=0.01)


def test_products_of_other_subjects_tell_how_templates_are_counted(folder, capsys):
    lines = [f"TRBV2\tTRBJ1-1\tTTT{one}\tCAF\t{2 * (i // 30) + 2}" for i, one in enumerate(MANY)]
    other = folder / "other.tsv"
    other.write_text("\n".join(["v_call\tj_call\tjunction\tjunction_aa\tduplicate_count", *lines, ""]))
    files = (folder / "blood.csv.gz", "--product", folder / "bulk.tsv", "--count-of", "templates")
    assert run(*files, "-o", folder / "alone") == 0
    assert run(*files, "--alike", other, "-o", folder / "both") == 0
    alone, both = (pl.read_csv(folder / name / "cell_labels.csv")["probability"] for name in ("alone", "both"))
    assert alone[0] == pytest.approx(both[0], abs=1e-6) and alone[1] < both[1]
    other.write_text(other.read_text() + "TRBV2\tTRBJ1-1\tTTTGT\tC*F\t3\n")  # out of frame: left out, and said
    assert run(*files, "--alike", other, "-o", folder / "told") == 0
    left_out = pl.read_csv(folder / "told" / "exclusions.csv")
    assert left_out.filter(sample="other").select("rows", "counts").rows() == [(1, 3)]
    bulk = ("--product", folder / "bulk.tsv", "--cells", "bulk=2000")
    assert run(folder / "blood.csv.gz", *bulk, "--alike", folder / "cells.csv.gz", "-o", folder / "no") == 3
    assert "--alike is for templates of DNA; found 'counts of cells in" in capsys.readouterr().err
    lines = [f"TRBV2\tTRBJ1-1\tTGT{''.join(one)}T\tC\t{3 + i}" for i, one in enumerate(product("ACG", repeat=5))]
    other.write_text("\n".join(["v_call\tj_call\tjunction\tjunction_aa\tduplicate_count", *lines, ""]))
    assert run(*files, "--alike", other, "-o", folder / "no") == 3
    assert "other.tsv: --alike is for libraries with all of their clones" in (told := capsys.readouterr().err)
    assert "found 'no clone of TRB counted less than 3 times'; give the table before it was cut, or leave" in told


def test_blood_of_naive_clones_tells_surely_how_templates_are_counted(folder, capsys):
    """Of a thousand naive clones and a few large ones each template is counted once, as a cell is."""
    junctions = ["TGT" + "".join(one) + "TGG" for one in islice(product("ACG", repeat=9), 1_060)]
    counts = [1] * 1_000 + [10] * 40 + [30] * 20
    lines = [f"TRBV2\tTRBJ1-1\t{one}\tCAF\t{n}" for one, n in zip(junctions, counts, strict=True)]
    blood = folder / "D7.tsv"
    blood.write_text("\n".join(["v_call\tj_call\tjunction\tjunction_aa\tduplicate_count", *lines, ""]))
    assert miscounting([counts]) == Miscounting(0.0, False, True, 1)
    files = (folder / "blood.csv.gz", "--product", folder / "bulk.tsv", "--count-of", "templates")
    assert run(*files, "-o", folder / "alone") == 0
    assert run(*files, "--beside", blood, "-o", folder / "beside") == 0
    alone, beside = (pl.read_csv(folder / name / "cell_labels.csv") for name in ("alone", "beside"))
    assert beside["probability"][1] < 0.95 * alone["probability"][1]
    assert beside["product_n_effective"][0] == sum(range(1, 41))
    bulk = ("--product", folder / "bulk.tsv", "--cells", "bulk=2000")
    assert run(folder / "blood.csv.gz", *bulk, "--beside", folder / "cells.csv.gz", "-o", folder / "no") == 3
    assert "--beside is for templates of DNA; found 'counts of cells in" in capsys.readouterr().err
    assert run(*files, "--beside", folder / "bulk.tsv", "-o", folder / "no") == 2
    assert "are the same file, byte for byte" in capsys.readouterr().err
    (folder / "other").mkdir()
    (folder / "other" / "bulk.tsv").write_text(blood.read_text())
    assert run(*files, "--beside", folder / "other" / "bulk.tsv", "-o", folder / "no") == 2
    assert "two files are both sample 'bulk'; rename one" in capsys.readouterr().err


def test_chances_by_templates_that_nothing_surely_counts_are_told(folder, capsys):
    seldom = [f"TRBV2\tTRBJ1-1\t{one}\tCAF\t{1 + i % 3}" for i, one in enumerate(MANY)]
    (folder / "bulk.tsv").write_text("\n".join(["v_call\tj_call\tjunction\tjunction_aa\tduplicate_count", *seldom, ""]))
    files = (folder / "blood.csv.gz", "--product", folder / "bulk.tsv", "--count-of", "templates")
    assert run(*files, "-o", folder / "alone") == 0
    assert "blood: 1 cells not seen in the product have a chance between 0.1 and 0.9, which" in capsys.readouterr().err
    checks = pl.read_csv(folder / "alone" / "quality.csv").filter(check="counting of templates")
    assert checks.select("sample", "verdict").rows() == [("blood", "warn")]


def test_a_product_of_single_cells_and_of_two_libraries(folder):
    out = folder / "out"
    files = ("--product", folder / "cells.csv.gz", "--product", folder / "bulk.tsv", "--cells", "bulk=2000")
    assert run(folder / "blood.csv.gz", *files, "-o", out) == 0
    row = pl.read_csv(out / "cell_labels.csv").row(0, named=True)
    assert (row["label"], row["matched_by"], row["product_lots"]) == ("undecided", "beta", "bulk;cells")
    assert row["reason"] == "the product's cells with its TRB have another TRA"


def test_labels_into_h5ad(folder):
    data = AnnData(np.ones((2, 1), np.float32))
    data.obs_names = ["C-1", "A-1"]
    data.write_h5ad(folder / "gex.h5ad")
    arguments = (
        folder / "blood.csv.gz",
        "--product",
        folder / "bulk.tsv",
        "--cells",
        "bulk=2000",
        "-o",
        folder / "out",
    )
    assert run(*arguments, "--h5ad", f"blood={folder / 'gex.h5ad'}") == 0
    assert list(read_h5ad(folder / "out" / "blood.h5ad").obs["product_label"]) == ["not_seen_in_product", "infused"]
    assert run(*arguments, "--h5ad", "gex.h5ad") == 2
    assert run(*arguments, *(("--h5ad", f"blood={folder / 'gex.h5ad'}") * 2)) == 2


def test_errors(folder, capsys):
    assert run(folder / "bulk.tsv", "--product", folder / "cells.csv.gz", "-o", folder / "out") == 3
    assert "the file does not name cells" in capsys.readouterr().err
    assert run(folder / "blood.csv.gz", "-o", folder / "out") == 2
