"""GatingML's scales beside the tables of its specification and, over the whole range of the data, flowutils' C."""

from typing import Any

import numpy as np
import pytest
from flowutils import transforms
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.flow.scales import Arcsinh, Hyperlog, Linear, Log, Logicle, Scale

# Tables 3 to 8 of the Gating-ML 2.0 specification (20130122): values and what three scales of each kind show.
VALUES = [-10, -5, -1, 0, 0.3, 1, 3, 10, 100, 1000]
SPECIFIED = [
    (Linear(1000, 0), [-100, -10, 0, 10, 100, 120, 890, 1000], [-0.1, -0.01, 0, 0.01, 0.1, 0.12, 0.89, 1]),
    (Linear(1000, 100), [-100, -10, 0, 10, 100, 120, 890, 1000], [0, 0.081818, 0.090909, 0.1, 0.181818, 0.2, 0.9, 1]),
    (Linear(1024, 256), [-100, -10, 0, 100, 1000], [0.121875, 0.1921875, 0.2, 0.278125, 0.98125]),
    (Log(10000, 5), [0.5, 1, 10, 1023, 10000, 262144], [0.139794, 0.2, 0.4, 0.801975, 1, 1.283708]),
    (Log(1023, 4.5), [0.5, 1, 10, 1023, 10000, 262144], [0.264243, 0.331139, 0.553361, 1, 1.220028, 1.535259]),
    (Log(262144, 4.5), [0.5, 1, 10, 1023, 10000, 262144], [-0.271016, -0.204120, 0.018102, 0.464741, 0.684768, 1]),
    (
        Arcsinh(1000, 4, 1),
        VALUES,
        [-0.200009, -0.139829, -0.000856, 0.2, 0.303776, 0.400856, 0.495521, 0.600009, 0.8, 1],
    ),
    (Arcsinh(1000, 5, 0), VALUES, [-0.6, -0.539794, -0.400009, 0, 0.295521, 0.400009, 0.495425, 0.6, 0.8, 1]),
    (
        Arcsinh(1000, 3, 2),
        VALUES,
        [0.199144, 0.256923, 0.358203, 0.4, 0.412980, 0.441797, 0.503776, 0.600856, 0.800009, 1],
    ),
    (
        Logicle(1000, 1, 4, 0),
        VALUES,
        [0.067574, 0.147986, 0.228752, 0.25, 0.256384, 0.271248, 0.312897, 0.432426, 0.739548, 1],
    ),
    (
        Logicle(1000, 1, 4, 1),
        VALUES,
        [0.254059, 0.318389, 0.383001, 0.4, 0.405107, 0.416999, 0.450318, 0.545941, 0.791638, 1],
    ),
    (
        Logicle(1000, 0, 4, 1),
        VALUES,
        [-0.200009, -0.139829, -0.000856, 0.2, 0.303776, 0.400856, 0.495521, 0.600009, 0.8, 1],
    ),
    (
        Hyperlog(1000, 1, 4, 0),
        VALUES,
        [0.083554, 0.155868, 0.229477, 0.25, 0.256239, 0.270523, 0.309091, 0.416446, 0.731875, 1],
    ),
    (
        Hyperlog(1000, 1, 4, 1),
        VALUES,
        [0.266843, 0.324695, 0.383581, 0.4, 0.404991, 0.416419, 0.447273, 0.533157, 0.7855, 1],
    ),
    (
        Hyperlog(1000, 0.01, 4, 1),
        VALUES,
        [0.017447, 0.106439, 0.182593, 0.202, 0.207833, 0.221407, 0.259838, 0.386553, 0.774211, 1],
    ),
]
TOPS = [1000.0, 262144.0, 1e7]
# w and a as shares of what they may be: the ends, and in between.
SHAPES = [(4.5, w, a) for w in (0.01, 0.11, 0.5, 1) for a in (0, 0.3, 1)] + [(3.0, 0.3, 0.3), (10.0, 1, 0)]


def over_all(top: float) -> NDArray[np.float32]:
    """Values over and beyond the range of the data, evenly and in decades, of either sign."""
    decades = top * np.logspace(-8, 2, 4001)
    return np.concatenate([np.linspace(-top, 1.5 * top, 4001), decades, -decades, [0.0]]).astype(np.float32)


def shaped(kind: Any, top: float, m: float, w_share: float, a_share: float) -> Any:
    w = max(w_share * m / 2, 0.001)
    return kind(top, w, m, min(-w + a_share * (m - w), m - 2 * w))


@pytest.mark.parametrize(("scale", "values", "expected"), SPECIFIED, ids=lambda value: str(value)[:40])
def test_tables_of_the_specification(scale: Scale, values: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(scale.exact(values), expected, atol=1e-6)  # some are cut, not rounded
    shown = scale.fast(np.array(values, dtype=np.float32))
    assert shown.dtype == np.float32
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    np.testing.assert_allclose(scale.inverse(scale.exact(values)), values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("top", TOPS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("kind", "there", "back"),
    [
        (Logicle, transforms._logicle, transforms._logicle_inverse),
        (Hyperlog, transforms._hyperlog, transforms._hyperlog_inverse),
    ],
)
def test_logicle_and_hyperlog_beside_flowutils(
    kind: Any, there: Any, back: Any, shape: tuple[float, float, float], top: float
) -> None:
    scale = shaped(kind, top, *shape)
    values = over_all(top)
    expected = there(values.astype(np.float64), scale.t, scale.m, scale.w, scale.a)
    # flowutils gives -1 where it does not converge; what is shown there is checked by the way back.
    converged = expected != -1
    assert converged.mean() > 0.7
    exact = scale.exact(values)
    np.testing.assert_allclose(exact[converged], expected[converged], rtol=0, atol=1e-10)
    np.testing.assert_allclose(scale.fast(values)[converged], expected[converged], rtol=0, atol=1e-6)
    np.testing.assert_allclose(scale.fast(values), exact, rtol=0, atol=1e-6)
    np.testing.assert_allclose(scale.inverse(exact), values, rtol=1e-9, atol=1e-9 * top)
    shown = np.linspace(-0.2, 1.2, 501)
    linear = back(shown.copy(), scale.t, scale.m, scale.w, scale.a)
    np.testing.assert_allclose(scale.inverse(shown), linear, rtol=1e-9, atol=1e-9 * top)


@pytest.mark.parametrize("top", TOPS)
def test_arcsinh_log_and_linear_beside_flowutils(top: float) -> None:
    values = over_all(top)
    double = values.astype(np.float64)
    for m, a in ((4.5, 0), (4.5, 4.5), (3, 1)):
        expected = transforms.asinh(double, None, top, m, a)
        np.testing.assert_allclose(Arcsinh(top, m, a).exact(values), expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(Arcsinh(top, m, a).fast(values), expected, rtol=0, atol=1e-6)
    positive = values > 0
    expected = transforms.log(double[positive], None, top, 4.5)
    np.testing.assert_allclose(Log(top, 4.5).exact(values[positive]), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(Log(top, 4.5).fast(values)[positive], expected, rtol=0, atol=1e-6)
    expected = (double + 500) / (top + 500)
    within = np.abs(values) <= 1.5 * top
    np.testing.assert_allclose(Linear(top, 500).fast(values)[within], expected[within], rtol=0, atol=1e-6)


def test_what_has_no_logarithm() -> None:
    values = np.array([-1, -0.0, 0, np.nan, -np.inf, 100], dtype=np.float32)
    expected = [np.nan] * 5 + [0.5]
    np.testing.assert_array_equal(Log(10000, 4).exact(values), expected)
    np.testing.assert_allclose(Log(10000, 4).fast(values), expected, atol=1e-7)


# A subnormal number is no light: the table takes it for the smallest normal one.
REAL = st.floats(-1e9, 1e9, width=32, allow_subnormal=False)
SCALES: list[Scale] = [
    Linear(262144, 1000),
    Arcsinh(262144, 4.5, 0.5),
    Logicle(262144, 0.5, 4.5, 0),
    Logicle(262144, 0, 4.5, 0.3),
    Hyperlog(262144, 1, 4.5, 0.5),
]


@pytest.mark.parametrize("scale", SCALES, ids=repr)
def test_what_is_not_finite_stays_and_in_place_is_the_same(scale: Scale) -> None:
    values = np.array([np.nan, np.inf, -np.inf, 5, -70, 3e7], dtype=np.float32)
    shown = scale.fast(values)
    np.testing.assert_array_equal(shown[:3], [np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(scale.exact(values)[:3], [np.nan, np.inf, -np.inf])
    assert values[3] == 5
    matrix = np.column_stack([values, values])
    assert np.shares_memory(scale.fast(matrix[:, 1], out=matrix[:, 1]), matrix)
    np.testing.assert_array_equal(matrix[:, 1], shown)
    np.testing.assert_array_equal(matrix[:, 0], values)


@given(st.sampled_from([*SCALES, Log(262144, 4.5)]), REAL, REAL)
def test_order_is_kept_and_the_way_back_is_found(scale: Scale, one: float, other: float) -> None:
    assume(one < other and not (isinstance(scale, Log) and one <= 0))
    shown = scale.exact([one, other])
    assert shown[0] <= shown[1]
    np.testing.assert_allclose(scale.inverse(shown), [one, other], rtol=1e-9, atol=1e-6)
    fast = scale.fast(np.array([one, other], dtype=np.float32))
    np.testing.assert_allclose(fast, shown, rtol=1e-6, atol=1e-6)


@given(st.floats(1e-3, 1e9), st.floats(0.5, 10), st.floats(0.002, 1), st.floats(0, 1), st.floats(-3, 3))
def test_every_shape_is_fast_within_a_millionth(top: float, m: float, w: float, a: float, value: float) -> None:
    for kind in (Logicle, Hyperlog):
        scale = shaped(kind, top, m, w, a)
        values = (top * np.array([value, value**3, value**9, 0.0, 1.0])).astype(np.float32)
        np.testing.assert_allclose(scale.fast(values), scale.exact(values), rtol=0, atol=1e-6)
        assert scale.exact(top) == pytest.approx(1, abs=1e-12)
        assert scale.exact(0) == pytest.approx((scale.a + scale.w) / (m + scale.a), abs=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(0, 0), "the parameter t of a scale is outside its limits; found 0; expected"),
        (lambda: Linear(100, 101), "parameter a .* expected a number from 0 to 100"),
        (lambda: Log(float("nan"), 4), "parameter t"),
        (lambda: Log(100, 0), "parameter m"),
        (lambda: Arcsinh(100, 4, -0.1), "parameter a .* expected a number from 0 to 4"),
        (lambda: Arcsinh(100, float("inf"), 0), "parameter m"),
        (lambda: Logicle(-5, 0.5, 4.5, 0), "parameter t"),
        (lambda: Logicle(100, 2.3, 4.5, 0), "parameter w .* expected a number from 0 to 2.25"),
        (lambda: Logicle(100, -0.1, 4.5, 0), "parameter w"),
        (lambda: Logicle(100, 0.5, 4.5, -0.6), "parameter a .* expected a number from -0.5 to 3.5"),
        (lambda: Logicle(100, 0.5, 4.5, 3.6), "parameter a"),
        (lambda: Hyperlog(100, 0, 4.5, 0), "parameter w .* expected a number from 0.001 to 2.25"),
        (lambda: Hyperlog(100, 0.5, 4.5, -0.6), "parameter a"),
    ],
)
def test_parameters_outside_their_limits_are_refused(make: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        make()
