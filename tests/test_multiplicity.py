import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tilseq.multiplicity import benjamini_hochberg, holm

# R: p.adjust(c(.001, .008, .039, .041, .042, .06, .074, .205), "BH")
P = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205]
Q = [0.008, 0.032, 0.0672, 0.0672, 0.0672, 0.08, 0.0845714285714, 0.205]
# R: p.adjust of the same, "holm"; tests/oracles/intracellular.R
HOLM = [0.008, 0.056, 0.234, 0.234, 0.234, 0.234, 0.234, 0.234]


def test_false_discoveries_as_r():
    np.testing.assert_allclose(benjamini_hochberg(P), Q, rtol=1e-12)


def test_the_order_is_that_of_the_tests():
    places = [5, 0, 7, 2, 1, 6, 3, 4]
    np.testing.assert_allclose(benjamini_hochberg([P[i] for i in places]), [Q[i] for i in places], rtol=1e-12)


def test_what_was_not_tested_stays_so_and_does_not_count():
    found = benjamini_hochberg([np.nan, *P, np.nan])
    assert np.isnan(found[[0, -1]]).all()
    np.testing.assert_allclose(found[1:-1], Q, rtol=1e-12)
    assert np.isnan(benjamini_hochberg([np.nan])).all()
    assert len(benjamini_hochberg([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_is_between_p_and_1_and_rises_with_it(p):
    q = benjamini_hochberg(p)
    assert ((q >= np.array(p) * (1 - 1e-12)) & (q <= 1)).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= 0).all()


def test_holm_as_r_in_any_order_and_without_what_was_not_tested():
    np.testing.assert_allclose(holm(P), HOLM, rtol=1e-12)
    places = [5, 0, 7, 2, 1, 6, 3, 4]
    np.testing.assert_allclose(holm([P[i] for i in places]), [HOLM[i] for i in places], rtol=1e-12)
    found = holm([np.nan, *P])
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], HOLM, rtol=1e-12)
    assert len(holm([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_never_below_the_false_discovery_rate(p):
    assert (holm(p) >= benjamini_hochberg(p) * (1 - 1e-12)).all() and (holm(p) <= 1).all()
