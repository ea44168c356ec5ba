import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilseq.flow.lookup import AT_ONCE, look_up, tabulate

TABLE = tabulate(np.arcsinh, bend=1.0, top=1000.0)


def exact(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return 0.25 + np.arcsinh(values.astype(np.float64))


@given(st.lists(st.floats(width=32), max_size=50))
def test_any_float_at_all(listed: list[float]) -> None:
    values = np.array(listed, dtype=np.float32)
    found = look_up(TABLE, 0.25, values, exact)
    assert found.dtype == np.float32
    # arcsinh reaches 89 for the largest float32, one unit in the last place of which is 8e-6.
    np.testing.assert_allclose(found, exact(values), rtol=2e-7, atol=1e-6)


@pytest.mark.parametrize("size", [0, 1, AT_ONCE, 2 * AT_ONCE + 1])
def test_pieces_of_every_length(size: int) -> None:
    values = np.linspace(-2000, 9e4, size, dtype=np.float32)
    np.testing.assert_allclose(look_up(TABLE, 0.25, values, exact), exact(values), rtol=2e-7, atol=1e-6)


def test_in_place_and_not_contiguous() -> None:
    matrix = np.array([[1, 2, np.nan], [3, -4, 1e9]], dtype=np.float32)
    expected = exact(matrix[:, 1]), exact(matrix[:, 2])
    for column in (1, 2):
        shown = look_up(TABLE, 0.25, matrix[:, column], exact, out=matrix[:, column])
        assert np.shares_memory(shown, matrix)
    np.testing.assert_allclose(matrix[:, 1], expected[0], rtol=1e-6)
    np.testing.assert_allclose(matrix[:, 2], expected[1], rtol=1e-6)
    np.testing.assert_array_equal(matrix[:, 0], [1, 3])


def test_the_values_given_stay_as_they_were() -> None:
    values = np.array([-5, 0, 1e20], dtype=np.float32)
    look_up(TABLE, 0.25, values, exact)
    np.testing.assert_array_equal(values, np.array([-5, 0, 1e20], dtype=np.float32))


def test_it_never_falls() -> None:
    values = np.linspace(-9000, 9000, 300_001, dtype=np.float32)  # the table ends at 8,191
    # Where two pieces meet, rounding may take back one unit in the last place of a float32.
    assert np.diff(look_up(TABLE, 0.0, values, lambda far: np.arcsinh(far.astype(np.float64)))).min() >= -1e-6
