"""Rows of tests of gene sets, and families of them."""

import pytest

from tests.expression.gene_set_data import GENES, SETS, differences
from tilseq.errors import AnalysisError
from tilseq.expression.enrichment import one_family
from tilseq.tables.enrichment import ENRICHMENT

ROW = {"size": 20, "family": "all", "method": "sign_flip", "exploratory": False}


def rows(contrast, **p):
    return ENRICHMENT.frame([ROW | {"contrast": contrast, "set": name, "p": value} for name, value in p.items()])


def test_one_family_is_all_sets_in_all_contrasts():
    found = one_family([rows("x", a=0.01, b=0.04), rows("y", a=0.03, b=0.5, c=None)])
    assert found.select("contrast", "set").rows() == [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b"), ("y", "c")]
    assert found["q"].to_list() == pytest.approx([0.04, 0.0533333333333, 0.0533333333333, 0.5, None])


def test_families_are_corrected_each_by_itself():
    families = {"a": "confirmatory", "b": "confirmatory", "c": "exploratory", "d": "exploratory"}
    found = one_family([rows("x", a=0.01, b=0.04, c=0.03, d=0.5)], families)
    assert found["q"].to_list() == pytest.approx([0.02, 0.04, 0.06, 0.5])
    assert found["family"].to_list() == ["confirmatory"] * 2 + ["exploratory"] * 2


def test_a_set_without_a_family_and_a_test_given_twice_are_refused():
    with pytest.raises(AnalysisError, match="sets without a family; found 'b'"):
        one_family([rows("x", a=0.01, b=0.04)], {"a": "confirmatory"})
    with pytest.raises(AnalysisError, match="tested twice"):
        one_family([rows("x", a=0.01), rows("x", a=0.01)])


def test_one_contrast_may_be_tested_in_two_ways():
    from tilseq.expression.camera import camera
    from tilseq.expression.sign_flip_gsea import sign_flip_gsea

    both = [
        camera(differences(), GENES, SETS, contrast="x").table,
        sign_flip_gsea(differences(), GENES, SETS, contrast="x", seed=1).table,
    ]
    assert one_family(both).select("set", "method").rows()[:2] == [("a", "camera"), ("a", "sign_flip")]
