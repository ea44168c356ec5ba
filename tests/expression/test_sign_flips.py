"""Flips of subjects' signs."""

import numpy as np
import pytest

from tests.expression.gene_set_data import differences
from tilseq.errors import AnalysisError
from tilseq.expression.sign_flips import moderated_t, sign_flips


def test_half_of_all_flips_of_few_subjects_the_data_as_they_are_first():
    flips = sign_flips(3, seed=1)
    assert flips.signs.tolist() == [[1, 1, 1], [-1, 1, 1], [1, -1, 1], [-1, -1, 1]]
    assert (flips.exact, flips.floor) == (True, 1 / 4)
    assert len(np.unique(sign_flips(12, seed=1).signs, axis=0)) == 2048


def test_random_flips_of_many_subjects_by_seed():
    flips = sign_flips(13, seed=1, random=999)
    assert flips.signs.shape == (1000, 13)
    assert (flips.signs[0] == 1).all()
    assert set(np.unique(flips.signs)) == {-1, 1}
    assert (flips.exact, flips.floor) == (False, 1 / 1000)
    assert np.array_equal(flips.signs, sign_flips(13, seed=1, random=999).signs)
    assert not np.array_equal(flips.signs, sign_flips(13, seed=2, random=999).signs)
    with pytest.raises(AnalysisError, match="too few flips"):
        sign_flips(13, seed=1, random=0)


def test_the_moderated_t_of_each_flip_is_limma_s():
    signs = np.array([[1, 1, 1, 1, 1], [1, -1, 1, 1, -1]], float)
    (found,) = moderated_t(differences(), signs)
    expected = [
        [2.68226071810, 2.92008291339, -0.74178022882, -4.76250041852],
        [1.104475561871, 1.198249338256, 0.149589960521, -0.330987125900],
    ]
    assert found[:, [0, 1, 149, 299]] == pytest.approx(np.array(expected), rel=1e-6)


def test_flips_in_blocks_are_those_one_by_one():
    signs = sign_flips(8, seed=1).signs
    found = np.concatenate(list(moderated_t(np.random.default_rng(1).normal(size=(8, 50)), signs)))
    alone = next(moderated_t(np.random.default_rng(1).normal(size=(8, 50)), signs[[100]]))[0]
    assert found.shape == (128, 50)
    assert found[100] == pytest.approx(alone, rel=1e-9)
