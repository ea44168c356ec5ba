import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.intervals import clopper_pearson, poisson, ratio_of_counts, scalar


# R: binom.test(x, n)$conf.int
@pytest.mark.parametrize(
    ("count", "total", "lower", "upper"),
    [
        (0, 10, 0.0, 0.308497),
        (5, 10, 0.187086, 0.812914),
        (10, 10, 0.691503, 1.0),
        (11, 36, 0.163474, 0.481071),
        (48, 153, 0.2412148559, 0.3936170317),
        (7, 5000, 0.00056305202429, 0.00288239435280),
        (0, 100000, 0.0, 3.68881141579e-05),
    ],
)
def test_clopper_pearson_equals_r(count, total, lower, upper):
    assert scalar(clopper_pearson(count, total)) == pytest.approx((lower, upper), rel=2e-6)


def test_a_total_of_zero_has_no_interval():
    lower, upper = clopper_pearson([0, 1], [0, 2])
    assert np.isnan(lower[0]) and np.isnan(upper[0])
    assert not np.isnan(lower[1])


def test_more_than_the_total_is_refused():
    with pytest.raises(ValueError, match="count <= total"):
        clopper_pearson(3, 2)


# R: poisson.test(x)$conf.int
@pytest.mark.parametrize(
    ("count", "lower", "upper"), [(0, 0, 3.688879), (5, 1.623486, 11.668332), (100, 81.36399125, 121.62679379)]
)
def test_poisson_equals_r(count, lower, upper):
    assert scalar(poisson(count)) == pytest.approx((lower, upper), rel=1e-6)


# R: poisson.test(c(a, b))$conf.int
@pytest.mark.parametrize(
    ("a", "b", "lower", "upper"), [(10, 20, 0.209005965, 1.119183044), (300, 150, 1.638612263, 2.449609534)]
)
def test_ratio_of_counts_equals_r(a, b, lower, upper):
    assert scalar(ratio_of_counts(a, b)) == pytest.approx((lower, upper), rel=1e-6)


def test_a_ratio_over_nothing_is_unbounded_above():
    lower, upper = scalar(ratio_of_counts(5, 0))
    assert lower > 0 and math.isinf(upper)


@given(total=st.integers(1, 10**6), share=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_the_interval_holds_the_estimate_and_mirrors(total, share, level):
    count = round(share * total)
    lower, upper = scalar(clopper_pearson(count, total, level))
    assert 0 <= lower <= count / total <= upper <= 1
    mirrored = scalar(clopper_pearson(total - count, total, level))
    assert mirrored == pytest.approx((1 - upper, 1 - lower), abs=1e-9)
