"""Genes in the order of their ranks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.expression.gene_order import ONE_SIGN, checked_differences, checked_ranks, falling


def test_ranks_stand_by_symbol_without_rearranged_genes_and_ties_are_told():
    found = checked_ranks([1, 2, 3, 1, 1], ["D", "TRBV9", "A", "C", "B"])
    assert found.genes == ("A", "B", "C", "D")
    assert found.values.tolist() == [3, 1, 1, 1]
    assert found.told == (
        "V(D)J genes left out: 1 (TRBV9)",
        "genes with the rank of another, ordered by symbol: 3 of 4",
    )
    assert falling(found.values).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("first", "step", "genes", "told"),
    [(0, 1, 100, True), (0, -1, 100, True), (0, 1, 99, False), (-1, 1, 100, False), (0.001, 0.001, 100, True)],
)
def test_ranks_of_one_sign_are_told(first, step, genes, told):
    found = checked_ranks(first + step * np.arange(genes), [f"G{i:03d}" for i in range(genes)])
    assert found.told == ((ONE_SIGN,) if told else ())


@given(
    st.lists(st.sampled_from([0.0, -0.0, 1e-300, 1.0, 1 + 1e-15, -3.5, 2e15, -2e15]) | st.floats(-9, 9), max_size=60)
)
def test_falling_is_a_stable_sort_whatever_the_spread(values):
    by_hand = sorted(range(len(values)), key=lambda i: -values[i])
    assert falling(np.array(values, float)).tolist() == by_hand
    assert falling(np.array([values, values[::-1]], float))[0].tolist() == by_hand


@pytest.mark.parametrize(
    ("ranks", "genes", "words"),
    [
        ([1, 2], ["A", "A"], "a gene stands twice; found 'A'"),
        ([1, np.nan], ["A", "B"], "a rank is missing or infinite; found 'B'"),
        ([np.inf, 1], ["A", "B"], "a rank is missing or infinite; found 'A'"),
        ([2, 2, 2], ["A", "B", "C"], "all ranks are equal, so there is no order; found 2.0"),
        ([0, 0, 0], ["A", "B", "C"], "all ranks are equal"),
        ([1, 2], ["A", "TRAV1-1"], "fewer than two genes to rank"),
        ([1, 2, 3], ["A", "B"], "each gene needs its rank; found 3; expected 2 genes"),
    ],
)
def test_ranks_that_have_no_order_are_refused(ranks, genes, words):
    with pytest.raises(AnalysisError) as caught:
        checked_ranks(ranks, genes)
    assert words in str(caught.value)


def test_genes_that_change_in_no_subject_are_left_out_and_told():
    found = checked_differences([[1, 0, 2], [0, 0, 3]], ["B", "C", "A"])
    assert found.genes == ("A", "B")
    assert found.values.tolist() == [[2, 1], [3, 0]]
    assert found.told == ("genes that change in no subject, left out: 1",)


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ([[1, 2, 3]], "too few subjects with a pair; found 1; expected 2 or more; with one subject genes can only be"),
        (np.zeros((0, 3)), "too few subjects with a pair; found 0"),
        ([[0, 0, 1], [0, 0, 2]], "fewer than two genes change in any subject; found 1"),
        ([[1, np.nan, 1], [0, 0, 2]], "a difference is missing or infinite; found 'B'"),
        ([[1, 2, 3], [1, 2, 3]], "no gene varies between subjects, so there is no t; is one subject given several"),
    ],
)
def test_differences_that_cannot_be_tested_are_refused(differences, words):
    with pytest.raises(AnalysisError) as caught:
        checked_differences(differences, ["A", "B", "C"])
    assert words in str(caught.value)
