"""Mean-based gene-set scores."""

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_array, csc_matrix, csr_array

from tilseq.errors import AnalysisError
from tilseq.expression import load_signatures, looks_like_counts, summarise
from tilseq.expression import score as score_with_controls
from tilseq.io.h5ad import read_h5ad


def score(counts, genes, sets):
    """Scores without control genes, of which such small matrices have none."""
    return score_with_controls(counts, genes, sets, controls=0)


GENES = ["A", "B", "C", "D"]
COUNTS = csr_array(np.array([[1, 3, 0, 6], [0, 0, 5, 5], [0, 0, 0, 0]]))


def test_a_score_is_the_mean_of_log_normalised_expression():
    found = score(COUNTS, GENES, {"ab": ["A", "B"], "c": ["C"]})
    # Cell 1 has 10 counts: A 1,000 and B 3,000 in 10,000; cell 2 has C 5,000 in 10,000.
    expected = [[(np.log(1001) + np.log(3001)) / 2, 0], [0, np.log(5001)]]
    assert found.values[:2] == pytest.approx(np.array(expected), rel=1e-6)
    assert found.values.dtype == np.float32
    assert found.sets == ("ab", "c")
    assert found.scored.tolist() == [True, True, False]
    assert np.isnan(found.values[2]).all()


def test_a_set_of_which_less_than_half_is_there_is_not_scored_and_the_rest_is():
    found = score(COUNTS, GENES, {"half": ["A", "X"], "less": ["A", "X", "Y"], "none": ["X"]})
    assert found.coverage.select("set", "genes_found", "genes_listed", "scored", "reason").rows() == [
        ("half", 1, 2, True, None),
        ("less", 1, 3, False, "1 of 3 genes found, fewer than 50%"),
        ("none", 0, 1, False, "0 of 1 genes found, fewer than 50%"),
    ]
    assert found.values[0, 0] == pytest.approx(np.log(1001), rel=1e-6)
    assert np.isnan(found.values[:, 1:]).all()


def test_a_retired_symbol_stands_for_the_present_one_on_either_side():
    counts = np.array([[1, 9]])
    assert score(counts, ["KIAA0101", "B"], {"s": ["PCLAF"]}).values[0, 0] == pytest.approx(np.log(1001), rel=1e-6)
    assert score(counts, ["PCLAF", "B"], {"s": ["KIAA0101"]}).values[0, 0] == pytest.approx(np.log(1001), rel=1e-6)
    both = score(np.array([[1, 2, 7]], np.uint8), ["PCLAF", "B", "KIAA0101"], {"s": ["PCLAF"], "b": ["B"]})
    assert both.values[0].tolist() == pytest.approx([np.log(8001), np.log(2001)], rel=1e-6)


def test_a_gene_listed_twice_counts_once():
    assert score(COUNTS, GENES, {"s": ["A", "A", "B"]}).coverage.row(0) == ("s", None, 2, 2, 1.0, True, None)


def test_dense_and_any_sparse_form_give_the_same():
    forms = [COUNTS, COUNTS.toarray(), csc_matrix(COUNTS), COUNTS.toarray().astype(np.uint8)]
    values = [score(form, GENES, {"s": ["A", "D"]}).values for form in forms]
    assert all(np.array_equal(values[0], other, equal_nan=True) for other in values)


def test_the_matrix_given_is_not_changed():
    counts = csr_array(np.array([[1, 3]], np.float32))
    score(counts, ["A", "B"], {"s": ["A"]})
    assert counts.toarray().tolist() == [[1, 3]]


@pytest.mark.parametrize("matrix", [COUNTS.toarray() * 0.5, np.log1p(COUNTS.toarray()), -COUNTS.toarray()])
def test_anything_but_raw_counts_is_refused(matrix):
    with pytest.raises(AnalysisError, match="raw counts"):
        score(matrix, GENES, {"s": ["A"]})


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_cell_without_a_sample_is_no_sample_called_none(missing):
    scores = score(np.array([[1, 2], [3, 4]]), ["A", "B"], {"a": ["A"]})
    with pytest.raises(
        AnalysisError, match="cells without a sample; found '1 of 2'; name it, or leave these cells out"
    ):
        summarise(scores, ["s1", missing])
    assert summarise(scores, ["s1", "None"])["sample"].to_list() == ["None", "s1"]


@pytest.mark.parametrize("form", [anndata.AnnData, pd.DataFrame, np.ndarray.tolist])
def test_what_holds_a_matrix_is_refused_with_what_to_give(form):
    cells = form(COUNTS.toarray().astype(np.float32))
    told = f"counts are no matrix; found '{type(cells).__name__}'; expected a numpy array.*`raw_counts"
    with pytest.raises(AnalysisError, match=told):
        score(cells, GENES, {"s": ["A"]})
    with pytest.raises(AnalysisError, match="does not fit"):
        score(np.array([1, 3, 0, 6]), GENES, {"s": ["A"]})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0, 1], [2, 3]], True),
        ([[0.0, 7.0]], True),
        ([[True, False]], True),
        ([[0.0, 0.5]], False),
        ([[0, -1]], False),
        ([[0.0, np.nan]], False),
        ([[0.0, np.inf]], False),
    ],
)
def test_counts_are_whole_and_not_negative(values, expected):
    assert looks_like_counts(np.array(values)) is expected
    assert looks_like_counts(csr_array(np.array(values))) is expected


def test_a_gene_twice_and_a_matrix_that_does_not_fit_are_refused():
    with pytest.raises(AnalysisError, match="a gene stands twice; found 'A'"):
        score(COUNTS, ["A", "B", "A", "D"], {"s": ["A"]})
    with pytest.raises(AnalysisError, match="does not fit"):
        score(COUNTS, ["A", "B"], {"s": ["A"]})


def test_a_summary_is_a_row_a_sample_and_set_without_an_interval():
    scores = score(COUNTS, GENES, {"a": ["A"], "none": ["X"]})
    found = summarise(scores, ["s1", "s1", "s2"])
    columns = ["sample", "set", "n", "genes_found", "genes_listed"]
    assert found.select(columns).rows() == [("s1", "a", 2, 1, 1), ("s1", "none", 2, 0, 1),
                                            ("s2", "a", 0, 1, 1), ("s2", "none", 0, 0, 1)]  # fmt: skip
    assert found["value"][0] == pytest.approx(np.log(1001) / 2, rel=1e-6)
    assert found["value"].to_list()[1:] == [None, None, None]
    assert found["lower"].null_count() == found["upper"].null_count() == 4


def test_each_cell_needs_its_sample():
    with pytest.raises(AnalysisError, match="each cell needs its sample"):
        summarise(score(COUNTS, GENES, {"a": ["A"]}), ["s1"])


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=6), st.randoms())
def test_order_of_genes_and_depth_of_a_cell_change_nothing(rows, random):
    counts, genes, sets = np.array(rows), ["A", "B", "C"], {"s": ["A", "C"]}
    first = score(counts, genes, sets).values
    order = [0, 1, 2]
    random.shuffle(order)
    shuffled = score(counts[:, order], [genes[i] for i in order], sets).values
    deeper = score(counts * 7, genes, sets).values
    assert shuffled == pytest.approx(first, rel=1e-5, nan_ok=True)
    assert deeper == pytest.approx(first, rel=1e-5, nan_ok=True)


def test_tumour_t_cells_are_more_exhausted_than_blood_in_the_same_subjects(shared_data):
    cells = read_h5ad(shared_data / "screpertoire/gex_500cells_raw_counts.h5ad")
    scores = score_with_controls(cells.X, list(cells.var_names), load_signatures())
    found = summarise(scores, list(cells.obs["sample"]))
    value = {row["sample"]: row["value"] for row in found.filter(set="exhaustion").iter_rows(named=True)}
    assert sorted(value) == ["P17B", "P17L", "P18B", "P18L", "P19B", "P19L", "P20B", "P20L"]
    assert all(value[f"P{number}L"] > value[f"P{number}B"] for number in (17, 18, 19, 20))
    # Of the 2,000 most variable genes few are of metabolism.
    not_scored = set(scores.coverage.drop_nulls("reason")["set"])
    assert {"oxidative_phosphorylation", "glycolysis", "ifn_gamma_response"} < not_scored
    assert not {"exhaustion", "cytotoxic_effector", "exhaustion_terminal"} & not_scored


@pytest.mark.parametrize("made", [csr_array, csc_array])
def test_an_entry_written_in_parts_is_their_sum(made):
    # One cell with 3 = 1 + 2 counts of A and 7 of B, in a type that 200 + 100 would overflow.
    if made is csr_array:
        counts = csr_array((np.array([1, 2, 7], np.uint8), [0, 0, 1], [0, 3]), shape=(1, 2))
    else:
        counts = csc_array((np.array([1, 2, 7], np.uint8), [0, 0, 0], [0, 2, 3]), shape=(1, 2))
    found = score(counts, ["A", "B"], {"a": ["A"]})
    assert found.values[0, 0] == pytest.approx(np.log(3001), rel=1e-6)
    assert counts.data.tolist() == [1, 2, 7]


def test_parts_are_summed_before_counts_are_told_from_other_values():
    def row(*parts):
        return csr_array((np.array(parts), [0] * len(parts), [0, len(parts)]), shape=(1, 1))

    assert looks_like_counts(row(0.5, 0.5))
    assert not looks_like_counts(row(1.0, -2.0))
    overflowing = csr_array((np.array([200, 100], np.uint8), [0, 0], [0, 2]), shape=(1, 1))
    assert score(overflowing, ["A"], {"a": ["A"]}).values[0, 0] == pytest.approx(np.log(10_001), rel=1e-6)
