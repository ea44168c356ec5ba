"""Medians and spreads, against those that the standard library and numpy give."""

import statistics

import numpy as np
import pytest

from tilseq.flow.robust import centre_and_spread, median, thinned


@pytest.mark.parametrize("number", [1, 2, 3, 4, 1000, 1001])
def test_the_median_is_that_of_the_standard_library(number: int) -> None:
    values = np.random.default_rng(number).normal(size=number)
    assert median(values) == statistics.median(values.tolist())
    assert median(values[:1].repeat(number)) == values[0]


@pytest.mark.parametrize("number", [1, 2, 999, 1000])
def test_the_median_of_each_row_is_numpy_s_to_the_last_bit(number: int) -> None:
    values = np.random.default_rng(number).normal(size=(3, number)).astype(np.float32)
    found = median(values)
    assert found.dtype == np.float32
    assert found.tolist() == np.median(values, axis=1).tolist()


def test_a_value_that_is_not_a_number_counts_as_the_largest() -> None:
    assert median(np.array([np.nan, 1.0, 3.0])) == 3
    assert np.isnan(median(np.array([np.nan, np.nan, 3.0])))


def test_centre_and_spread() -> None:
    # Distances from 3 are 2, 1, 0, 1 and 97: their median is 1.
    assert centre_and_spread(np.array([1.0, 2.0, 3.0, 4.0, 100.0])) == (3.0, pytest.approx(1.4826))


@pytest.mark.parametrize(
    ("number", "most", "kept"), [(0, 3, []), (3, 3, [0, 1, 2]), (4, 3, [0, 2]), (7, 3, [0, 3, 6]), (9, 3, [0, 3, 6])]
)
def test_values_are_thinned_evenly_to_so_many_or_fewer(number: int, most: int, kept: list[int]) -> None:
    assert thinned(np.arange(number), most).tolist() == kept
