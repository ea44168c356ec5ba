from functools import partial

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.commands import exit_code


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """Eight subjects' cells, 12 at product and D28, with one cell more at D7."""
    random = np.random.default_rng(5)
    rows = [(f"P{s}", visit, "CD8") for s in range(8) for visit in ("product", "D28") for _ in range(12)]
    rows.append(("P0", "D7", "CD8"))
    obs = pd.DataFrame(rows, columns=["patient", "visit", "cell_type"], index=[f"c{i}" for i in range(len(rows))])
    mean = np.tile(np.linspace(0.5, 8, 30), (len(rows), 1))
    mean[obs["visit"] == "D28", :3] *= 4
    data = anndata.AnnData(random.poisson(mean).astype(np.float32), obs=obs)
    data.var_names = [f"g{i}" for i in range(30)]
    monkeypatch.chdir(tmp_path)
    data.write_h5ad("cells.h5ad")
    return data


run = partial(exit_code, "expression")


def test_cells_are_summed_and_the_sums_tested(cells, capsys):
    arguments = ["--subject", "patient", "--groups", "groups.csv", "-o", "new/sums.h5ad"]
    assert run("pseudobulk", "cells.h5ad", *arguments) == 0
    told = capsys.readouterr().err
    assert "P0|D7|CD8: left out: 1 cell, fewer than 10" in told
    assert "16 groups of 17 kept" in told
    assert "summed over every specimen, status: obs has no such column (--specimen, --status name another)" in told
    sums = anndata.read_h5ad("new/sums.h5ad")
    here = ((cells.obs["patient"] == "P3") & (cells.obs["visit"] == "D28")).to_numpy()
    assert sums["P3|D28|CD8"].X.toarray().ravel().tolist() == cells.X[here].sum(axis=0).tolist()
    assert pl.read_csv("groups.csv")["kept"].sum() == 16
    assert run("de", "new/sums.h5ad", "--contrast", "visit:D28/product", "-o", "de.csv") == 0
    assert "voom, 8 subjects, 16 samples, 30 genes" in capsys.readouterr().err
    found = pl.read_csv("de.csv").sort("p")
    assert sorted(found["gene"][:3]) == ["g0", "g1", "g2"]
    assert (found["log2_fold_change"][:3] > 1).all()


def test_nothing_is_said_of_columns_where_all_are_there(cells, capsys):
    cells.obs = cells.obs.assign(specimen="blood", status="infused")
    cells.write_h5ad("cells.h5ad")
    assert run("pseudobulk", "cells.h5ad", "--subject", "patient", "-o", "sums.h5ad") == 0
    assert "no such column" not in capsys.readouterr().err


def test_a_column_that_is_not_there_is_refused(cells, capsys):
    assert run("pseudobulk", "cells.h5ad", "-o", "sums.h5ad") == 3
    told = capsys.readouterr().err
    assert "cells.h5ad: no column of obs tells the subject; found 'subject'; name one for `subject`: obs has " in told


def test_ensembl_ids_and_retired_symbols_are_summed_under_present_symbols(cells, capsys):
    cells.var["gene_symbols"] = ["CD8A", "CD8A", "KIAA0101", *cells.var_names[3:]]
    ids = ["ENSG00000153563", "ENSG00000254772", "ENSG00000166803"]
    cells.var_names = [*ids, *cells.var_names[3:]]
    cells.write_h5ad("ids.h5ad")
    assert run("pseudobulk", "ids.h5ad", "--subject", "patient", "-o", "sums.h5ad") == 0
    assert "1 retired symbols are read as the present ones: KIAA0101 → PCLAF" in capsys.readouterr().err
    sums = anndata.read_h5ad("sums.h5ad")
    assert list(sums.var_names[:3]) == ["CD8A", "PCLAF", "g3"]
    here = ((cells.obs["patient"] == "P3") & (cells.obs["visit"] == "D28")).to_numpy()
    by_column = cells.X[here].sum(axis=0).tolist()
    assert sums["P3|D28|CD8"].X.toarray().ravel()[:2].tolist() == [by_column[0] + by_column[1], by_column[2]]


def test_the_cells_are_not_written_over(cells, capsys):
    assert run("pseudobulk", "cells.h5ad", "--subject", "patient", "-o", "./cells.h5ad") == 2
    assert "cells.h5ad is read by this command and would be lost" in capsys.readouterr().err
    assert anndata.read_h5ad("cells.h5ad").n_obs == cells.n_obs
