import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma

from tilseq.errors import AnalysisError
from tilseq.expression.moderated import inverse_trigamma, squeeze_variances

SPREAD = [
    0.546231683903744, 0.122354205478943, 0.315770759880376, 0.672545875508692, 1.045052643353713,
    0.511685036386414, 0.290729512048247, 1.109349672553408, 0.647181883297661, 1.561733595870808,
]  # fmt: skip
# tests/oracles/differential.R, by limma's squeezeVar
SPREAD_POSTERIOR = [
    0.586485755627148, 0.453312541477145, 0.514079875271755, 0.626170965965055, 0.743204604437431,
    0.575631939790819, 0.506212452184017, 0.763405352235215, 0.618202143514353, 0.905534680082140,
]  # fmt: skip
ALIKE = [0.9, 1, 1.1, 1.2, 0.8, 1.05]
ZERO = ([0, 1, 2, 3, 4, 40], [2, 3, 4, 5, 6, 7])
ZERO_POSTERIOR = [
    0.004169449390420, 0.878387363480891, 1.809431931695601, 2.765889100690924, 3.735896515948477, 37.702308545586092,
]  # fmt: skip


def test_variances_are_drawn_as_limma_draws_them():
    found = squeeze_variances(SPREAD, 6)
    assert found.prior_df == pytest.approx(13.09742050442772, rel=1e-9)
    assert found.prior_variance == pytest.approx(0.60492636614727, rel=1e-9)
    np.testing.assert_allclose(found.posterior, SPREAD_POSTERIOR, rtol=1e-9)


def test_variances_that_differ_no_more_than_by_chance_become_one():
    found = squeeze_variances(ALIKE, 4)
    assert found.prior_df == np.inf
    np.testing.assert_allclose(found.posterior, [1.00833333333333] * 6, rtol=1e-12)


def test_a_variance_of_zero_and_degrees_of_freedom_of_each_gene():
    found = squeeze_variances(*ZERO)
    assert (found.prior_df, found.prior_variance) == pytest.approx((0.426869322080202, 0.0237044647909253), rel=1e-7)
    np.testing.assert_allclose(found.posterior, ZERO_POSTERIOR, rtol=1e-7)


def test_sets_of_genes_are_drawn_each_by_itself():
    found = squeeze_variances([SPREAD[:6], ALIKE], 4)
    one, other = squeeze_variances(SPREAD[:6], 4), squeeze_variances(ALIKE, 4)
    np.testing.assert_array_equal(found.prior_df, [one.prior_df, other.prior_df])
    np.testing.assert_array_equal(found.posterior, [one.posterior, other.posterior])


def test_a_gene_without_a_variance_does_not_count():
    found = squeeze_variances([*SPREAD, np.nan], 6)
    np.testing.assert_allclose(found.posterior[:-1], SPREAD_POSTERIOR, rtol=1e-9)
    assert np.isnan(found.posterior[-1])


@pytest.mark.parametrize(
    ("variances", "df", "words"),
    [([1, 2], 0, "no residual degrees of freedom"), ([1.0], 3, "too few genes"), ([1, np.nan], 3, "too few genes")],
)
def test_what_cannot_be_drawn_is_refused(variances, df, words):
    with pytest.raises(AnalysisError, match=words):
        squeeze_variances(variances, df)


@given(st.lists(st.floats(1e-4, 1e4), min_size=2, max_size=30), st.integers(1, 40))
def test_each_becomes_something_between_itself_and_the_prior(variances, df):
    found = squeeze_variances(variances, df)
    low, high = np.minimum(variances, found.prior_variance), np.maximum(variances, found.prior_variance)
    assert np.all((found.posterior >= low * (1 - 1e-12)) & (found.posterior <= high * (1 + 1e-12)))


@given(st.floats(1e-9, 1e9))
def test_trigamma_of_the_inverse_is_the_number(x):
    assert polygamma(1, inverse_trigamma(x)) == pytest.approx(x, rel=1e-5)
