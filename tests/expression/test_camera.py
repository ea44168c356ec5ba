"""CAMERA, against limma."""

import numpy as np
import pytest

from tests.expression.gene_set_data import GENES, SETS, differences
from tilseq.errors import AnalysisError
from tilseq.expression.camera import camera, normal_deviates


def enriched(data, **given):
    return camera(data, GENES, SETS, contrast="visit:D28/product", smallest=2, **given).table


def test_equal_to_limma_with_the_correlation_estimated():
    found = enriched(differences())
    assert found["p"].to_list() == pytest.approx([0.0530216206798, 0.8412064748571, 0.5824864299446], rel=1e-9)
    assert found["q"].to_list() == pytest.approx([0.159064862039, 0.841206474857, 0.841206474857], rel=1e-9)
    assert found["direction"].to_list() == ["up", "up", "up"]
    assert found["method"].unique().to_list() == ["camera"]
    assert found["exploratory"].to_list() == [False] * 3
    assert found["p_floor"].null_count() == found["nes"].null_count() == found["reason"].null_count() == 3


def test_equal_to_limma_with_the_correlation_given():
    found = enriched(differences(), correlation=0.01)
    assert found["p"].to_list() == pytest.approx([2.30956756621e-08, 0.853529907273, 0.547400776466], rel=1e-9)
    assert found["exploratory"].to_list() == [True] * 3
    assert found["reason"][0] == "correlation of genes taken to be 0.01, not estimated"


def test_the_score_and_the_fold_change_stand_beside_it():
    row = enriched(differences()).row(0, named=True)
    assert row["es"] > 0.5
    limits = (row["log2_fold_change"], row["lower"], row["upper"])
    assert limits == pytest.approx((0.4756772381896, 0.0364405804243, 0.9149138959550), rel=1e-9)


def test_turned_differences_turn_the_direction_alone():
    found, turned = enriched(differences()), enriched(-differences())
    assert turned["p"].to_numpy() == pytest.approx(found["p"].to_numpy(), rel=1e-9)
    assert turned["direction"].to_list() == ["down"] * 3


def test_normal_deviates_are_hill_s():
    expected = [-3.424353437746, -0.916788986288, 0, 0.285594367506, 2.631344351943]
    assert normal_deviates(np.array([-7, -1, 0, 0.3, 4]), 5.5) == pytest.approx(np.array(expected), rel=1e-11)
    assert normal_deviates(np.array([1.5]), np.inf).tolist() == [1.5]


@pytest.mark.parametrize("correlation", [-0.1, 1.0, np.nan])
def test_a_correlation_that_is_none_is_refused(correlation):
    with pytest.raises(AnalysisError, match="no correlation of genes"):
        enriched(differences(), correlation=correlation)


def test_one_subject_is_no_test():
    with pytest.raises(AnalysisError, match="too few subjects with a pair"):
        enriched(differences()[:1])
