"""Scores by ranks, beside pyucell's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tilseq.expression import score
from tilseq.expression.ucell import capped_ranks

# 6 cells; pyucell 0.8.0, max_rank=12, missing_genes="skip", ties at their mean: tests/oracles/ucell.py
CELLS = [
    [0,0,0,6,1,1,0,0,2,0,0,0,2,0,0,0,0,3,0,0,2,0,0,0,0,0,0,1,2,0,2,3,0,0,0,0,0,2,0,0],
    [0,0,0,6,0,1,0,3,3,1,0,0,5,0,0,1,2,3,0,0,4,0,0,1,1,0,0,0,1,0,2,1,0,0,0,0,0,1,0,1],
    [0,0,0,900,0,1,0,300,0,300,2,0,4,0,0,0,2,6,0,0,6,0,0,3,0,0,0,0,1,0,7,0,0,0,0,0,0,1,0,0],
    [0,0,0,4,0,0,0,0,1,1,0,0,1,0,0,0,0,6,0,1,4,0,0,4,0,0,0,1,1,0,1,1,0,0,1,0,0,1,0,0],
    [0,0,0,6,1,0,0,4,0,2,0,0,4,1,0,1,1,4,0,0,4,0,0,3,0,0,0,0,1,0,5,5,0,0,0,0,0,1,0,1],
    [0,0,0,3,0,1,0,1,3,0,0,0,2,0,0,0,0,2,0,1,5,0,0,6,1,0,0,0,2,0,5,3,0,1,1,0,0,3,0,0],
]  # fmt: skip
SETS = {
    "one": ["G0", "G3", "G7", "G9", "G20"],
    "two": ["G5", "G6", "X", "G31"],
    "signed": ["G3+", "G12+", "G7-", "G30-"],
}
PYUCELL = [
    [0.36666667, 0.35, 0.52380949],
    [0.6, 0.0, 0.45238096],
    [0.81111109, 0.0, 0.0],
    [0.45555556, 0.08333331, 0.4285714],
    [0.6, 0.31666666, 0.07142854],
    [0.35555553, 0.21666664, 0.0],
]


@pytest.mark.parametrize("form", [np.array, csr_array])
def test_scores_are_pyucells(form):
    found = score(form(np.array(CELLS)), [f"G{i}" for i in range(40)], SETS, method="ucell", max_rank=12)
    assert found.values[:, :2] == pytest.approx(np.array(PYUCELL)[:, :2], abs=1e-6)
    # pyucell sets to 0 what is below it; the sign is kept here.
    assert np.maximum(found.values[:, 2], 0) == pytest.approx(np.array(PYUCELL)[:, 2], abs=1e-6)
    assert found.values[2, 2] < 0
    assert found.coverage["genes_found"].to_list() == [5, 3, 4]


def test_ties_share_their_mean_rank_and_zeros_the_last():
    block = csr_array(np.array([[5.0, 2, 2, 0, 1], [700, 300, 300, 9, 0]]))
    assert capped_ranks(block, 10).tolist() == [1, 2.5, 2.5, 4, 1, 2.5, 2.5, 4]
    assert capped_ranks(block, 2).tolist() == [1, 2, 2, 2, 1, 2, 2, 2]
    stored_zero = csr_array((np.array([3.0, 0.0]), [0, 1], [0, 2]), shape=(1, 2))
    assert capped_ranks(stored_zero, 10).tolist() == [1, 10]


@given(st.lists(st.sampled_from([1, 2, 3, 255, 256, 257, 5000]), min_size=1, max_size=30))
def test_ranks_are_those_of_their_definition(values):
    data = np.array([values], float)
    mean = [sum(other > one for other in values) + (sum(other == one for other in values) + 1) / 2 for one in values]
    assert capped_ranks(csr_array(data), 1500).tolist() == mean


def test_a_set_of_more_genes_than_ranks_is_not_scored():
    found = score(np.array(CELLS), [f"G{i}" for i in range(40)], SETS, method="ucell", max_rank=4)
    assert found.coverage["reason"].to_list() == ["it has 4 genes or more, beyond the last rank", None, None]
    assert np.isnan(found.values[:, 0]).all()
    assert not np.isnan(found.values[:, 1:]).any()


def test_an_unknown_method_is_refused():
    from tilseq.errors import AnalysisError

    with pytest.raises(AnalysisError, match="no such method of scoring; found 'aucell'; expected mean or ucell"):
        score(np.array(CELLS), [f"G{i}" for i in range(40)], SETS, method="aucell")
