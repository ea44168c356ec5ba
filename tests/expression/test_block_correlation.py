import numpy as np
import pytest

from tilseq.expression.block_correlation import block_correlation

BLOCKS = np.repeat(np.arange(40), 3)
ONES = np.ones((120, 1))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_a_planted_correlation_is_found(correlation):
    random = np.random.default_rng(1)
    shared = random.normal(size=(200, 40))[:, BLOCKS]
    own = random.normal(size=(200, 120))
    values = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    found = block_correlation(values, ONES, BLOCKS, np.ones_like(values))
    assert found == pytest.approx(correlation, abs=0.02)


def test_values_alike_and_values_apart_stay_within_what_blocks_can_have():
    random = np.random.default_rng(2)
    alike = random.normal(size=(20, 40))[:, BLOCKS] + 1e-6 * random.normal(size=(20, 120))
    assert block_correlation(alike, ONES, BLOCKS, np.ones_like(alike)) == pytest.approx(0.99)
    apart = np.tile([1.0, -1, 0], 40) + 1e-3 * random.normal(size=(20, 120))
    # 1 / (1 - 3) and a margin of 0.01
    assert block_correlation(apart, ONES, BLOCKS, np.ones_like(apart)) == pytest.approx(-0.49)


def test_balanced_blocks_give_the_anova_estimate():
    # Without weights REML of a balanced layout is (MSB - MSW) / (MSB + 2 MSW) where that is within the limits.
    random = np.random.default_rng(3)
    values = random.normal(size=(1, 40))[:, BLOCKS] + random.normal(size=(1, 120))
    groups = values[0].reshape(40, 3)
    between = 3 * groups.mean(axis=1).var(ddof=1)
    within = groups.var(axis=1, ddof=1).mean()
    expected = (between - within) / (between + 2 * within)
    assert block_correlation(values, ONES, BLOCKS, np.ones_like(values)) == pytest.approx(expected, abs=1e-9)
