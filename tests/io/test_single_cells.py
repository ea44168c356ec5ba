"""Genes of an h5ad by their present symbols, whatever the file calls them."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_matrix, issparse

from tilseq.errors import ReadError
from tilseq.expression import raw_counts
from tilseq.io import read_count_matrix, read_single_cells

COUNTS = np.array([[1, 2, 0, 4], [0, 5, 6, 7]], np.float32)
IDS = ["ENSG00000153563.15", "ENSG00000254772", "ENSG00000166803.2", "ENSG00000000001"]
SYMBOLS = ["CD8A", "CD8A", "KIAA0101", None]
# The two rows of CD8A summed, the retired symbol brought up to date, the id without a symbol kept.
SUMMED = [[3, 0, 4], [5, 6, 7]]
GENES = ["CD8A", "PCLAF", "ENSG00000000001"]


def dense(matrix):
    return matrix.toarray().tolist() if issparse(matrix) else np.asarray(matrix).tolist()


def of_ids(column="feature_name", form=csr_matrix, **parts):
    var = pd.DataFrame({column: SYMBOLS, "mean": [1.0, 2, 3, 4]}, index=IDS)
    obs = pd.DataFrame({"sample": ["a", "b"]}, index=["c1", "c2"])
    return anndata.AnnData(form(COUNTS), obs=obs, var=var, **parts)


@pytest.mark.parametrize("form", [np.array, csr_matrix, csc_matrix])
@pytest.mark.parametrize("column", ["feature_name", "gene_symbols", "gene_name", "Symbol", "SYMBOL"])
def test_ensembl_ids_are_read_by_the_files_own_symbols_and_one_gene_is_summed(tmp_path, column, form):
    of_ids(column, form).write_h5ad(tmp_path / "a.h5ad")
    cells, told = read_single_cells(tmp_path / "a.h5ad")
    assert (dense(cells.X), list(cells.var_names)) == (SUMMED, GENES)
    assert issparse(cells.X) == (form is not np.array)
    assert cells.obs["sample"].tolist() == ["a", "b"]
    assert told == (
        "1 of 4 genes are Ensembl ids without a symbol, which no gene set finds",
        "1 retired symbols are read as the present ones: KIAA0101 → PCLAF",
        "1 gene stands in several rows, which are summed: CD8A",
    )


def test_symbols_may_be_categories_as_cellxgene_writes_them(tmp_path):
    data = of_ids()
    data.var["feature_name"] = pd.Categorical(["CD8A", "CD4", "PCLAF", "ENSG00000000001"])
    data.write_h5ad(tmp_path / "a.h5ad")
    cells, _ = read_single_cells(tmp_path / "a.h5ad")
    assert list(cells.var_names) == ["CD8A", "CD4", "PCLAF", "ENSG00000000001"]
    assert cells.var["mean"].tolist() == [1, 2, 3, 4]  # nothing is summed: what is known of the genes stays


def of_kinds(*kinds):
    var = pd.DataFrame({"feature_types": kinds}, index=["CD8A", "B2M", "CD3", "CD4"])
    obs = pd.DataFrame(index=["c1", "c2"])
    whole = anndata.AnnData(csr_matrix(COUNTS), obs=obs, var=var)
    data = whole[:, [0, 2, 3]].copy()  # raw holds more genes
    data.layers["counts"] = data.X.copy()
    data.raw = whole
    return data


@pytest.mark.parametrize("antibody", ["adt_CD3", "CD45RA_TotalSeqB", "prot:CD4", "anti-CD8", "CD19-ADT", "AB_CD3"])
def test_antibodies_that_only_their_names_tell_from_genes_are_refused(antibody, tmp_path):
    path = tmp_path / "cells.h5ad"
    cells = anndata.AnnData(np.ones((2, 3), np.float32))
    cells.var_names = ["CD4", antibody, "ADTRP"]
    cells.write_h5ad(path)
    told = (
        f"column var/feature_types: features bear names of antibodies.*found '{antibody}'; expected 'Gene Expression'"
    )
    with pytest.raises(ReadError, match=told):
        read_single_cells(path)


def test_genes_whose_names_begin_as_those_of_antibodies_are_read(tmp_path):
    path = tmp_path / "cells.h5ad"
    genes = ["ABCB1", "ADTRP", "ANTXR1", "PROTOR1", "AB019441.29", "HLA-A", "A1BG-AS1"]
    cells = anndata.AnnData(np.ones((2, len(genes)), np.float32))
    cells.var_names = genes
    cells.write_h5ad(path)
    read, _ = read_single_cells(path)
    assert read.n_vars == len(genes)


def test_antibodies_of_an_h5ad_are_no_genes(tmp_path):
    of_kinds("Gene Expression", "Gene Expression", "Antibody Capture", "CRISPR Guide Capture").write_h5ad(
        tmp_path / "a.h5ad"
    )
    cells, told = read_single_cells(tmp_path / "a.h5ad")
    assert (dense(cells.X), list(cells.var_names)) == ([[1], [0]], ["CD8A"])
    assert dense(cells.layers["counts"]) == [[1], [0]]
    assert (dense(cells.raw.X), list(cells.raw.var_names)) == ([[1, 2], [0, 5]], ["CD8A", "B2M"])
    assert told == (
        "1 features of Antibody Capture are kept apart",
        "1 features of CRISPR Guide Capture are kept apart",
    )


@pytest.mark.parametrize("kind", ["Gene Expression", "GEX"])
def test_features_of_one_kind_all_stay(tmp_path, kind):
    of_kinds(*[kind] * 4).write_h5ad(tmp_path / "a.h5ad")
    cells, told = read_single_cells(tmp_path / "a.h5ad")
    assert (list(cells.var_names), told) == (["CD8A", "CD3", "CD4"], ())


def test_layers_and_raw_hold_the_same_genes_as_x(tmp_path):
    whole = of_ids()
    data = whole[:, :3].copy()
    data.X = csr_matrix(np.log1p(COUNTS[:, :3]))
    data.layers["counts"] = csc_matrix(COUNTS[:, :3])
    data.obsm["X_umap"] = np.eye(2)
    whole.var = whole.var.drop(columns="feature_name")  # raw's ids are named by the file's other table of genes
    data.raw = whole
    data.write_h5ad(tmp_path / "a.h5ad")
    cells, _ = read_single_cells(tmp_path / "a.h5ad")
    counts = raw_counts(cells, "counts")
    assert (dense(counts.matrix), counts.genes) == ([[3, 0], [5, 6]], ("CD8A", "PCLAF"))
    assert issparse(counts.matrix)
    raw = raw_counts(cells, "raw")
    assert (dense(raw.matrix), raw.genes) == (SUMMED, tuple(GENES))
    assert cells.X.toarray() == pytest.approx(np.log1p(COUNTS[:, [0, 2]]) + [[np.log1p(2), 0], [np.log1p(5), 0]])
    assert cells.obsm["X_umap"].tolist() == [[1, 0], [0, 1]]
    own = cells[cells.obs["sample"] == "b"]  # as a member of a shared file is taken
    assert dense(raw_counts(own, "raw").matrix) == SUMMED[1:]


def test_a_retired_and_a_present_symbol_of_two_files_meet(tmp_path):
    found = []
    for name, gene in (("a", "KIAA0101"), ("b", "PCLAF")):
        var = pd.DataFrame(index=["CD4", gene])
        anndata.AnnData(csr_matrix(COUNTS[:, :2]), var=var).write_h5ad(tmp_path / f"{name}.h5ad")
        found.append(read_single_cells(tmp_path / f"{name}.h5ad"))
    assert [list(cells.var_names) for cells, _ in found] == [["CD4", "PCLAF"]] * 2
    assert [told for _, told in found] == [("1 retired symbols are read as the present ones: KIAA0101 → PCLAF",), ()]


def test_raw_alone_with_a_retired_symbol_is_brought_up_to_date(tmp_path):
    data = anndata.AnnData(csr_matrix(COUNTS[:, :1]), var=pd.DataFrame(index=["CD4"]))
    data.raw = anndata.AnnData(csr_matrix(COUNTS[:, :2]), var=pd.DataFrame(index=["CD4", "KIAA0101"]))
    data.write_h5ad(tmp_path / "a.h5ad")
    cells, told = read_single_cells(tmp_path / "a.h5ad")
    assert raw_counts(cells, "raw").genes == ("CD4", "PCLAF")
    assert told == ("raw: 1 retired symbols are read as the present ones: KIAA0101 → PCLAF",)


def test_an_id_whose_symbol_is_missing_is_no_gene_called_nan(tmp_path):
    var = pd.DataFrame({"gene_symbols": ["CD8A", None, "", np.nan]}, index=IDS)
    data = anndata.AnnData(csr_matrix(COUNTS), var=var)
    data.write_h5ad(tmp_path / "a.h5ad")
    expected = ["CD8A", *(name.partition(".")[0] for name in IDS[1:])]
    assert list(read_single_cells(tmp_path / "a.h5ad")[0].var_names) == expected
    assert list(read_count_matrix(tmp_path / "a.h5ad").genes) == expected


def test_a_file_of_two_genes_of_one_name_is_refused_still(tmp_path):
    with pytest.warns(UserWarning, match="names are not unique"):
        data = anndata.AnnData(csr_matrix(COUNTS[:, :2]), var=pd.DataFrame(index=["CD4", "CD4"]))
    data.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(ReadError, match="1 gene names stand twice"):
        read_single_cells(tmp_path / "a.h5ad")
