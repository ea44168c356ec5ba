"""Which genes of each set are there."""

import pytest

from tilseq.errors import AnalysisError
from tilseq.expression.set_members import match_sets
from tilseq.expression.signatures import Signature

GENES = ("A", "B", "C", "PCLAF", "TRAC", "TRBV9")


def found(sets, smallest=1, largest=5):
    matched = match_sets(GENES, sets, smallest, largest)
    columns = matched.members.toarray().T
    listed = {
        name: [GENES[row] for row in column.nonzero()[0]] for name, column in zip(matched.names, columns, strict=True)
    }
    assert matched.sizes.tolist() == [len(one) for one in listed.values()]
    return listed, matched.left_out


def test_sets_are_kept_by_the_genes_found_never_by_their_share():
    listed, left_out = found({"few of many": ["A", *(f"X{i}" for i in range(99))], "all": ["A", "B"]})
    assert listed == {"few of many": ["A"], "all": ["A", "B"]}
    assert left_out == ()


def test_sets_of_a_wrong_size_say_why():
    sets = {"none": ["X", "Y"], "few": ["A", "X"], "right": ["A", "B"], "many": ["A", "B", "C", "TRAC"]}
    listed, left_out = found(sets, 2, 3)
    assert list(listed) == ["right"]
    assert left_out == (
        ("none", 0, "none of its 2 genes is there"),
        ("few", 1, "1 of its 2 genes are there, fewer than 2"),
        ("many", 4, "4 of its 4 genes are there, more than 3"),
    )


def test_a_set_of_all_genes_has_no_other_gene_to_be_held_against():
    assert match_sets(("A", "B"), {"all": ["A", "B"]}, 1, 5).left_out == (("all", 2, "every gene is in it"),)


def test_rearranged_genes_are_of_no_set_and_constant_ones_stay():
    listed, _ = found({"s": ["TRBV9", "TRAC", "A"]})
    assert listed == {"s": ["A", "TRAC"]}


def test_a_gene_listed_twice_or_by_its_retired_symbol_counts_once():
    listed, _ = found({"s": ["A", "A", "KIAA0101", "PCLAF"]})
    assert listed == {"s": ["A", "PCLAF"]}
    old = match_sets(("KIAA0101", "A"), {"s": ["PCLAF"]}, 1, 5)
    assert old.members.toarray().tolist() == [[1], [0]]


@pytest.mark.parametrize("limits", [(0, 5), (6, 5)])
def test_limits_that_leave_no_size_and_no_sets_at_all_are_refused(limits):
    with pytest.raises(AnalysisError, match="no size lies between the limits"):
        match_sets(GENES, {"s": ["A"]}, *limits)
    with pytest.raises(AnalysisError, match="no gene set"):
        match_sets(GENES, {})


def test_a_signature_is_no_list_of_genes():
    with pytest.raises(AnalysisError, match="the set s is no list of genes; found 'Signature'; give lists of symbols"):
        match_sets(GENES, {"s": Signature("s", "axis", ("A", "B"))})
