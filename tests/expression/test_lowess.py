import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.expression.lowess import lowess

X = [1, 2, 2, 3, 4.5, 5, 5.001, 6, 8, 9, 9, 12, 13, 15, 20]
Y = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 30]
# tests/oracles/differential.R, by stats::lowess
HALF = [
    2.99546584257662, 2.31637646878510, 2.31637646878510, 2.18808775375725, 3.91012564710236, 4.64532458269278,
    4.64674239287962, 5.15064383585838, 4.77870514272537, 4.80562119379286, 4.80562119379286, 7.88499697223495,
    8.98440395786642, 15.51310484173490, 29.89061921920323,
]  # fmt: skip
TWO_THIRDS = [
    2.01538680052678, 2.61132456067467, 2.61132456067467, 3.22858435270840, 4.16057401783821, 4.53597192921018,
    4.53681558067454, 4.84999419692422, 4.83421455101479, 5.63803923097971, 5.63803923097971, 7.81391539167301,
    9.55650583607433, 16.30556080382547, 28.97973647235912,
]  # fmt: skip
NOT_ROBUST = [
    3.0, 2.5, 2.5, 1.0, 5.00624314046540, 5.49601743921189, 5.49698854313060, 5.99877733583130, 5.0, 4.0, 4.0, 8.0,
    8.18290790352610, 7.19727846489557, 29.86217690234545,
]  # fmt: skip


@pytest.mark.parametrize(("settings", "expected"), [((0.5,), HALF), ((), TWO_THIRDS), ((0.3, 0), NOT_ROBUST)])
def test_the_line_is_that_of_r(settings, expected):
    np.testing.assert_allclose(np.interp(X, *lowess(X, Y, *settings)), expected, rtol=1e-12)


def test_points_come_in_order():
    order = np.array([7, 3, 14, 0, 1, 2, 9, 10, 4, 13, 5, 6, 12, 8, 11])
    x, line = lowess(np.array(X)[order], np.array(Y)[order], 0.5)
    assert x.tolist() == sorted(x)
    np.testing.assert_allclose(np.interp(X, x, line), HALF, rtol=1e-12)


def test_points_of_one_place_have_their_robust_mean():
    line = np.interp([1, 1, 1], *lowess([1, 1, 1], [1, 2, 6]))
    np.testing.assert_allclose(line, [2.88911284797526] * 3, rtol=1e-12)


def test_one_point_is_its_own_line():
    assert [part.tolist() for part in lowess([3], [4])] == [[3], [4]]


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=60), st.floats(-5, 5), st.floats(0.3, 1))
def test_a_straight_line_stays_straight(x, slope, span):
    # Neighbourhoods narrower than 0.1 % of the range have a mean, no slope: keep points apart.
    x = np.unique(np.round(x))
    found, line = lowess(x, slope * x + 1, span)
    np.testing.assert_allclose(line, slope * found + 1, atol=1e-7)


@pytest.mark.parametrize(("x", "y"), [([], []), ([1, np.nan], [1, 2]), ([1, 2], [1, np.inf])])
def test_points_that_are_not_there_are_refused(x, y):
    with pytest.raises(AnalysisError, match="no line can be drawn"):
        lowess(x, y)
