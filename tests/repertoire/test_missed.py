import numpy as np
import pytest

from tilseq.repertoire.missed import missed


@pytest.mark.parametrize("centre", [-2.0, 0.0, 1.5])
def test_as_many_as_were_missed(centre):
    found, truth = [], []
    for seed in (8, 9, 10):
        random = np.random.default_rng(seed)
        later = np.ceil(random.lognormal(3, 1, 4000))
        expected = np.exp(centre + 0.9 * (np.log(later) - 3) + 0.8 * random.standard_normal(4000))
        counts = random.poisson(expected)
        seen, large = counts > 0, later > 40
        numbers = missed(later[seen], counts[seen].astype(float))
        found.append([numbers.sum(), numbers[large[seen]].sum()])
        truth.append([np.count_nonzero(~seen), np.count_nonzero(~seen & large)])
    assert np.mean(found, axis=0) == pytest.approx(np.mean(truth, axis=0), rel=0.25, abs=5)


def test_of_few_clones_nothing_is_known():
    assert np.isinf(missed(np.full(9, 5.0), np.full(9, 2.0))).all()
