"""Cells held against rules."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tilseq.errors import AnalysisError
from tilseq.expression.cell_quality import QualityRules, cell_quality
from tilseq.io import read_h5ad

GENES = ["A", "B", "C", "MT-ND1"]
COUNTS = np.array([[5, 4, 1, 0], [1, 0, 0, 0], [3, 3, 0, 4], [9, 0, 0, 1], [0, 0, 0, 0]])
NAMES = ["c1", "c2", "c3", "c4", "c5"]
RULES = QualityRules(least_counts=2, least_genes=2, most_percent_mitochondrial=20)


@pytest.mark.parametrize("form", [np.array, csr_matrix])
def test_each_cell_left_out_has_the_first_rule_that_it_does_not_pass(form):
    found = cell_quality(form(COUNTS), GENES, ["s"] * 5, NAMES, rules=RULES)
    columns = ("cell_id", "counts", "genes", "percent_mitochondrial", "kept", "reason")
    assert found.table.select(columns).rows() == [
        ("c1", 10, 3, 0.0, True, None),
        ("c2", 1, 1, 0.0, False, "counts below the limit"),
        ("c3", 10, 3, 40.0, False, "mitochondrial percent above the limit"),
        ("c4", 10, 2, 10.0, True, None),
        ("c5", 0, 0, None, False, "counts below the limit"),
    ]
    assert found.kept.tolist() == [True, False, False, True, False]
    assert found.dropped.rows() == [
        ("s", "counts below the limit", 2, 1),
        ("s", "mitochondrial percent above the limit", 1, 10),
    ]
    assert found.told == ()


def test_a_zero_that_a_sparse_matrix_writes_down_is_no_gene():
    # As files have it whose counts were corrected for ambient RNA and rounded.
    counts = csr_matrix(COUNTS[:4] + 1)
    counts.data -= 1
    found = cell_quality(counts, GENES, ["s"] * 4, NAMES[:4], rules=RULES)
    assert found.table["genes"].to_list() == [3, 1, 3, 2]
    assert counts.nnz == 16


def test_doublets_come_last_and_name_their_source():
    two = {"two cells by its receptors": np.array([True, True, False, False, False])}
    scores = np.array([0.1, 0.2, 0.3, np.nan, 0.4])
    found = cell_quality(COUNTS, GENES, ["s"] * 5, NAMES, rules=RULES, doublets=two, doublet_scores=scores)
    assert found.table["reason"].to_list()[:2] == ["two cells by its receptors", "counts below the limit"]
    assert found.table["doublet_score"].to_list() == [0.1, 0.2, 0.3, None, 0.4]


def test_limits_by_deviations_are_of_each_sample():
    # Counts 10, 12, 14, 16, 1000 of one gene: log1p median 2.70805, its absolute deviations' median 0.14310.
    counts = np.array([[10], [12], [14], [16], [1000], [5], [5]])
    rules = QualityRules(least_counts=0, least_genes=0, most_percent_mitochondrial=None, deviations=5)
    found = cell_quality(counts, ["A"], ["s"] * 5 + ["t"] * 2, list("abcdefg"), rules=rules)
    limits = {row[:2]: row[2:] for row in found.limits.select("sample", "measure", "lower", "upper", "median").rows()}
    # R: x <- log1p(c(10, 12, 14, 16, 1000)); expm1(median(x) + c(-5, 5) * mad(x))
    assert limits["s", "counts"] == (pytest.approx(4.19264732, abs=1e-6), pytest.approx(42.33049913, abs=1e-6), 14)
    assert limits["t", "counts"] == (pytest.approx(5), pytest.approx(5), 5)
    assert found.table.drop_nulls("reason").select("cell_id", "reason").rows() == [("e", "counts above the limit")]


def test_without_mitochondrial_genes_their_share_is_null_and_told():
    found = cell_quality(COUNTS[:, :3], GENES[:3], ["s"] * 5, NAMES, rules=RULES)
    assert found.table["percent_mitochondrial"].null_count() == 5
    assert found.told == ("there are no mitochondrial genes, so that their share is not known",)
    assert found.table["reason"].to_list() == [
        None,
        "counts below the limit",
        None,
        "genes below the limit",
        "counts below the limit",
    ]


def test_row_31_the_empty_drops_of_an_unfiltered_matrix_are_left_out_and_counted():
    counts = np.vstack([COUNTS[:1], np.zeros((50, 4), int), np.ones((40, 4), int)])
    found = cell_quality(counts, GENES, ["s"] * 91, [f"c{i}" for i in range(91)], rules=QualityRules(5, 2))
    assert found.dropped.rows() == [("s", "counts below the limit", 90, 160)]


def test_names_of_mitochondrial_genes_without_a_prefix(shared_data):
    data = read_h5ad(shared_data / "sc/wu2020_til_200cells.h5ad")
    found = cell_quality(data.X, list(data.var_names), list(data.obs["sample"]), list(data.obs_names))
    bare = [
        name for name in data.var_names if name in ("ND1", "ND2", "ND4", "ND5", "ND6", "COX2", "COX3", "ATP6", "CYTB")
    ]
    assert len(bare) == 9
    dense = data.X.toarray()
    at = [list(data.var_names).index(name) for name in bare]
    percent = dict(zip(data.obs_names, 100 * dense[:, at].sum(axis=1) / dense.sum(axis=1), strict=True))
    for name, value in found.table.select("cell_id", "percent_mitochondrial").iter_rows():
        assert value == pytest.approx(percent[name], rel=1e-5)


def test_cells_that_do_not_fit_their_names_are_refused():
    with pytest.raises(AnalysisError, match="the cells do not fit their names"):
        cell_quality(COUNTS, GENES, ["s"] * 4, NAMES)
