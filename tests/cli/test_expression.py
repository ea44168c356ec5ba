import csv
import io

import anndata
import numpy as np
import pandas as pd
import pytest

from tests.commands import exit_code as run

GMT = "found\tx\tA\tB\nlost\tx\tA\tY\tZ\n"


@pytest.fixture
def cells(tmp_path):
    obs = pd.DataFrame({"sample": ["s1", "s2", "s2"]}, index=["c1", "c2", "c3"])
    data = anndata.AnnData(np.array([[1, 9], [5, 5], [0, 0]], np.float32), obs=obs, var=pd.DataFrame(index=["A", "B"]))
    data.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text(GMT)
    return tmp_path / "cells.h5ad"


def test_score_prints_a_row_a_sample_and_set(cells, capsys):
    assert run("expression", "score", cells, "--gmt", cells.parent / "s.gmt", "--by", "sample", "--controls", 0) == 0
    told = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert [(row["sample"], row["set"], row["n"]) for row in rows] == [
        ("s1", "found", "1"), ("s1", "lost", "1"), ("s2", "found", "1"), ("s2", "lost", "1"),
    ]  # fmt: skip
    assert float(rows[0]["value"]) == pytest.approx((np.log(1001) + np.log(9001)) / 2, rel=1e-6)
    assert rows[1]["value"] == ""
    assert told.err.splitlines() == [
        "lost: not scored: 1 of 3 genes found, fewer than 50%",
        "cells of s2 without a count, left out: 1",
    ]


def test_genes_that_bear_each_others_names_are_told_of_each_sample(tmp_path, capsys):
    genes = ["ACTB", "B2M", "EEF1A1", "GAPDH", "RPLP0", *(f"G{n}" for n in range(15))]
    counts = np.array([[9000] * 5 + [1] * 15, [1] * 15 + [9000] * 5, [1] * 15 + [2] * 5], np.float32)
    obs = pd.DataFrame({"sample": ["s1", "s2", "s2"]}, index=["c1", "c2", "c3"])
    anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=genes)).write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text("few\tx\tG1\tG2\n")
    command = ("expression", "score", tmp_path / "cells.h5ad", "--gmt", tmp_path / "s.gmt", "--by", "sample")
    assert run(*command) == 0
    assert capsys.readouterr().err.splitlines() == [
        "s2: 5 of 5 genes that all tissues express much are not among the quarter of its genes counted most "
        "(ACTB, B2M, EEF1A1, GAPDH, RPLP0): were names and counts moved apart, or a part lost?"
    ]


def test_the_seed_chooses_the_control_genes(tmp_path):
    genes = [f"G{i:03d}" for i in range(240)]
    counts = np.random.default_rng(2).poisson(np.linspace(1, 4, 240), (20, 240)).astype(np.float32)
    data = anndata.AnnData(counts, var=pd.DataFrame(index=genes), obs=pd.DataFrame(index=[f"c{i}" for i in range(20)]))
    data.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text("found\tx\tG100\tG101\n")
    values = {}
    for name, seed in (("none", ()), ("0", ("--seed", 0)), ("1", ("--seed", 1))):
        out = tmp_path / f"{name}.csv"
        command = ("expression", "score", tmp_path / "cells.h5ad", "--gmt", tmp_path / "s.gmt", "--controls", 2)
        assert run(*command, *seed, "-o", out) == 0
        (row,) = csv.DictReader(out.read_text().splitlines())
        values[name] = float(row["value"])
    assert values["none"] == values["0"]
    assert abs(values["1"] - values["0"]) > 1e-3


def test_ensembl_ids_are_scored_by_the_files_own_symbols(tmp_path, capsys):
    var = pd.DataFrame({"feature_name": ["CD8A", "CD8A", "KIAA0101"]}, index=[f"ENSG{i:011d}" for i in range(3)])
    counts = np.array([[1, 2, 7]], np.float32)
    anndata.AnnData(counts, var=var, obs=pd.DataFrame(index=["c1"])).write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text("eight\tx\tCD8A\ncycle\tx\tPCLAF\n")
    command = ("expression", "score", tmp_path / "cells.h5ad", "--gmt", tmp_path / "s.gmt", "--controls", 0)
    assert run(*command) == 0
    told = capsys.readouterr()
    rows = {row["set"]: float(row["value"]) for row in csv.DictReader(io.StringIO(told.out))}
    assert rows == pytest.approx({"eight": np.log(3001), "cycle": np.log(7001)}, rel=1e-6)
    assert "1 gene stands in several rows, which are summed: CD8A" in told.err


def test_without_by_the_file_is_one_sample_and_several_in_it_are_told(cells, capsys):
    out = cells.parent / "out.csv"
    assert run("expression", "score", cells, "--gmt", cells.parent / "s.gmt", "-o", out) == 0
    told = capsys.readouterr().err
    assert "cells: all cells are taken for one sample, but obs tells them apart by sample (2 values)" in told
    assert "or score each by --by sample" in told
    assert {row["sample"] for row in csv.DictReader(out.read_text().splitlines())} == {"cells"}


def test_an_unknown_column_and_a_damaged_file_end_with_3(cells, capsys):
    assert run("expression", "score", cells, "--by", "sampel") == 3
    assert "did you mean 'sample'?" in capsys.readouterr().err
    cells.write_bytes(cells.read_bytes()[:900])
    assert run("expression", "score", cells) == 3
    assert "cut or damaged" in capsys.readouterr().err


def test_a_file_with_logged_values_names_the_layer_to_give(tmp_path, capsys):
    counts = np.array([[1, 9]], np.float32)
    data = anndata.AnnData(np.log1p(counts), var=pd.DataFrame(index=["A", "B"]), layers={"counts": counts})
    data.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text("found\tx\tA\n")
    command = ("expression", "score", tmp_path / "cells.h5ad", "--gmt", tmp_path / "s.gmt", "--controls", 0)
    assert run(*command) == 3
    assert "X does not hold raw counts" in (told := capsys.readouterr().err)
    assert "counts holds raw counts: say so by --layer" in told
    assert run(*command, "--layer", "counts") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert float(row["value"]) == pytest.approx(np.log(1001), rel=1e-6)


def test_10x_files_are_scored_too_and_a_small_one_lacks_controls(tmp_path, capsys):
    folder = tmp_path / "P1"
    folder.mkdir()
    (folder / "matrix.mtx").write_text("%%MatrixMarket matrix coordinate integer general\n2 2 2\n1 1 1\n2 1 9\n")
    (folder / "features.tsv").write_text(
        "ENSG00000000001\tA\tGene Expression\nENSG00000000002\tKIAA0101\tGene Expression\n"
    )
    (folder / "barcodes.tsv").write_text("AAAC-1\nAAAG-1\n")
    (tmp_path / "s.gmt").write_text("found\tx\tA\tPCLAF\n")
    assert run("expression", "score", folder, "--gmt", tmp_path / "s.gmt", "--method", "ucell") == 0
    told = capsys.readouterr()
    (row,) = csv.DictReader(io.StringIO(told.out))
    # Ranks 2 and 1 of two genes are the best there are.
    assert (row["sample"], row["n"], row["method"], float(row["value"])) == ("P1", "1", "ucell", 1.0)
    assert told.err.splitlines() == [
        "1 retired symbols are read as the present ones: KIAA0101 → PCLAF",
        "cells of P1 without a count, left out: 1",
    ]
    assert run("expression", "score", folder, "--gmt", tmp_path / "s.gmt", "--controls", "50") == 0
    assert "found: not scored: no gene is left as its control" in capsys.readouterr().err
