"""FlowJo's scale beside a table that FlowJo wrote and, over the whole range of the data, FlowKit."""

import flowkit
import numpy as np
import pytest
from flowkit._models.transforms._wsp_transforms import generate_biex_lut
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.flow.biex import Biex

# Channels and values of FlowJo's own table for width basis -7.943282, one negative decade and a maximum of
# 262144.000029, from FlowKit's test data (BSD-3), data/flowjo_xforms; FlowJo writes six digits.
TABLE = {
    **{0: -865.899, 250: -432.08, 500: -218.365, 800: -85.4819, 1000: -26.0171, 1050: -12.4003, 1095: -0.269159},
    **{
        1096: 0,
        1097: 0.269159,
        1120: 6.46243,
        1250: 42.2075,
        1500: 124.522,
        2000: 506.626,
        2500: 2107.39,
        3000: 9372.66,
    },
    **{3500: 42647.2, 3700: 78339.6, 4050: 227281, 4064: 237177, 4095: 260651},
}
WIDTHS = [-1.0, -1.6, -7.943282, -10.0, -100.0, -1000.0]


def over_all(top: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    decades = top * np.logspace(-8, 2, 4001)
    return np.concatenate([np.linspace(-top, 1.5 * top, 4001), decades, -decades, [0.0]]).astype(np.float32)


def test_a_table_that_flowjo_wrote() -> None:
    scale = Biex(width_basis=-7.943282, negative=1)
    assert scale.zero == 1096
    np.testing.assert_allclose(scale.inverse(list(TABLE)), list(TABLE.values()), rtol=4e-6)
    # Six digits are a share of a channel.
    np.testing.assert_allclose(scale.exact(list(TABLE.values())), list(TABLE), rtol=0, atol=0.002)


@pytest.mark.parametrize("top", [262144.000029, 1e6])
@pytest.mark.parametrize("negative", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("width", WIDTHS)
def test_beside_flowkit(width: float, negative: float, top: float) -> None:
    scale = Biex(width, negative, max_value=top)
    values = over_all(top)
    peer = flowkit.transforms.WSPBiexTransform(negative, width, max_value=top)
    expected = peer.apply(values.astype(np.float64)) / 4096
    exact = scale.exact(values)
    np.testing.assert_allclose(np.clip(exact, 0, 4096) / 4096, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.clip(scale.fast(values), 0, 4096) / 4096, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(scale.fast(values) / 4096, exact / 4096, rtol=0, atol=1e-6)
    np.testing.assert_allclose(scale.inverse(exact), values, rtol=1e-9, atol=1e-9 * top)


@pytest.mark.parametrize("channels", [256, 1024])
def test_other_ranges_of_channels(channels: int) -> None:
    linear, places = generate_biex_lut(channels, neg=0, width_basis=-100)
    scale = Biex(-100, 0, channel_range=channels)
    np.testing.assert_allclose(scale.inverse(places), linear, rtol=1e-9, atol=1e-6)
    # What the table errs by is largest where two straight pieces meet.
    meet = linear * np.linspace(0.9995, 1.0005, 201)[:, None]
    values = np.concatenate([over_all(262144), meet.ravel().astype(np.float32)])
    expected = np.interp(values.astype(np.float64), linear, places) / channels
    np.testing.assert_allclose(np.clip(scale.exact(values), 0, channels) / channels, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.clip(scale.fast(values), 0, channels) / channels, expected, rtol=0, atol=1e-6)


def test_negative_decades_below_0_count_as_0() -> None:
    values = over_all(262144)
    np.testing.assert_array_equal(Biex(-10, -0.5).exact(values), Biex(-10, 0).exact(values))


@given(st.floats(-1e7, 1e7, width=32), st.floats(-1e7, 1e7, width=32))
def test_order_is_kept_beyond_the_first_and_the_last_channel_too(one: float, other: float) -> None:
    low, high = Biex().exact(sorted([one, other]))
    assert low <= high
    np.testing.assert_allclose(Biex().inverse([low, high]), sorted([one, other]), rtol=1e-9, atol=1e-6)


def test_it_is_not_clipped_and_what_is_not_finite_stays() -> None:
    values = np.array([np.nan, np.inf, -np.inf, -1e6, 1e6], dtype=np.float32)
    for shown in (Biex().fast(values), Biex().exact(values)):
        np.testing.assert_array_equal(shown[:3], [np.nan, np.inf, -np.inf])
        assert shown[3] < 0 and shown[4] > 4096


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"width_basis": -0.5}, "parameter width_basis .* expected a number from -1e[+]06 to -1"),
        ({"width_basis": 10}, "parameter width_basis"),
        ({"negative": float("nan")}, "parameter negative"),
        ({"positive": -1}, "parameter positive"),
        ({"max_value": 0}, "parameter max_value"),
        ({"channel_range": 100}, "parameter channel_range"),
        ({"width_basis": -1000, "positive": 1.5}, "leaves no decade; found -1000; expected above -1000"),
    ],
)
def test_parameters_outside_their_limits_are_refused(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        Biex(**parameters)  # type: ignore[arg-type]
