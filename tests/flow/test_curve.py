import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.flow.curve import Curve, falling_rate


def test_by_hand() -> None:
    # rise (e^(b u) - 1) with b = ln 2, plus a slope: 4 (2^3 - 1) + 2 · 3 = 34.
    curve = Curve(rise=4, b=math.log(2), slope=2)
    np.testing.assert_allclose(curve.linear(np.array([3.0, -3.0, 0.0])), [34, -34, 0])
    np.testing.assert_allclose(curve.displayed(np.array([34.0, -34.0, 0.0])), [3, -3, 0])
    # 1 (2^2 - 1) + 8 (1 - 2^-2) = 9
    both = Curve(rise=1, b=math.log(2), fall=8, d=math.log(2))
    np.testing.assert_allclose(both.displayed(np.array([9.0])), [2])


@given(
    st.floats(1e-6, 1e6),
    st.floats(0.5, 50),
    st.floats(0, 1),
    st.floats(0.01, 1),
    st.floats(0, 1e8),
    st.floats(-20, 20).map(lambda power: math.copysign(10**power, power)),
)
def test_back_and_forth(rise: float, b: float, convex: float, share: float, slope: float, value: float) -> None:
    d = b * share
    curve = Curve(rise, b, fall=convex * rise * (b / d) ** 2, d=d, slope=slope)
    there = curve.displayed(np.array([value]))
    assert curve.linear(there)[0] == pytest.approx(value, rel=1e-9)


def test_what_is_not_finite_stays() -> None:
    shown = Curve(rise=1, b=1).displayed(np.array([np.nan, np.inf, -np.inf]))
    np.testing.assert_array_equal(shown, [np.nan, np.inf, -np.inf])


def test_the_falling_rate() -> None:
    assert falling_rate(10.0, 0.0) == 10
    # With d = b / e: 2 ln(1/e) + width (b + b/e) = 0, so width b = 2 / (1 + 1/e).
    assert falling_rate(10.0, 0.2 / (1 + math.exp(-1))) == pytest.approx(10 / math.e, rel=1e-14)
