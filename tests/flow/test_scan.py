import numpy as np
import pytest
from scipy.stats import theilslopes

from tilseq.flow.scan import departures, excess_spread, sure, trend

ANY_SIZE = [(0.0, 0.0)]


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_the_stretch_that_departs_most_comes_first() -> None:
    z = np.zeros((40, 2))
    z[5:9, 1] = 4
    z[20:30, 0] = -6
    found = departures(z, z, np.ones((40, 1)), ANY_SIZE)
    assert [(one.first, one.end, one.column, one.effect) for one in found] == [(20, 30, 0, -6), (5, 9, 1, 4)]


def test_a_part_that_points_the_other_way_ends_a_stretch() -> None:
    z = np.zeros((30, 1))
    z[10:16, 0] = [5, 5, 5, -5, 5, 5]
    found = departures(z, z, np.ones((30, 1)), ANY_SIZE)
    assert (found[0].first, found[0].end) == (10, 13)


def test_a_sure_but_small_effect_is_of_the_next_level_or_none() -> None:
    z, change = np.zeros((20, 1)), np.zeros((20, 1))
    z[4:8], change[4:8] = 8, 0.1
    z[12:14], change[12:14] = 8, 0.3
    found = departures(z, change, np.ones((20, 1)), [(-0.2, 0.2), (-0.05, 0.05)])
    assert [(one.first, one.end, one.level) for one in found] == [(12, 14, 0), (4, 8, 1)]
    assert departures(z, change, np.ones((20, 1)), [(-0.5, 0.5)]) == []


def test_the_effect_weighs_parts_by_their_length() -> None:
    z, change, weight = np.zeros((12, 1)), np.zeros((12, 1)), np.ones((12, 1))
    z[3:5, 0], change[3:5, 0], weight[3:5, 0] = (9, 9), (3, 2), (1, 4)
    assert departures(z, change, weight, ANY_SIZE)[0].effect == 1.0


@pytest.mark.parametrize("parts", [10, 50, 200])
def test_steady_series_are_hardly_ever_flagged(parts: int) -> None:
    random = np.random.default_rng(parts)
    flagged = sum(
        bool(departures(noise, noise, np.ones((parts, 1)), ANY_SIZE)) for noise in random.normal(size=(400, parts, 3))
    )
    assert flagged <= 12  # 1 % promised; of 400, more than 12 come by chance once in 1,000 times


def test_the_quantile_is_that_of_the_normal_distribution() -> None:
    # R: qnorm(1 - 0.01 / 2) and qnorm(1 - 0.01 / 200)
    assert sure(1) == pytest.approx(2.575829, abs=1e-6)
    assert sure(100) == pytest.approx(3.890592, abs=1e-6)


def test_a_trend_is_the_line_of_theil_and_sen() -> None:
    values = np.random.default_rng(3).normal(size=(31, 2)) + np.linspace(0, [8, -8], 31)
    values[[4, 15, 16], 0] += 50
    for place in range(2):
        slope, offset, *_ = theilslopes(values[:, place], np.arange(31), method="joint")
        np.testing.assert_allclose(trend(values)[:, place], offset + slope * np.arange(31), atol=1e-9)


def test_without_a_sure_rise_the_trend_is_the_median() -> None:
    # Kendall's S of four that rise is 6, its standard error 2.94; of six 15 and 5.32 (R: cor.test, method "kendall").
    np.testing.assert_array_equal(trend(column(1, 2, 3, 4)), column(2.5, 2.5, 2.5, 2.5))
    np.testing.assert_array_equal(trend(column(1, 2, 3, 4, 5, 6)), column(1, 2, 3, 4, 5, 6))


def test_spread_counts_only_where_it_is_more_than_promised() -> None:
    assert excess_spread(column(0, 0.1, -0.1, 0.2)) == 1
    # R: mad(c(-6, -2, 0, 2, 60)) = 2.9652
    assert excess_spread(column(-6, -2, 0, 2, 60)) == pytest.approx(2.9652)


def test_stretches_do_not_overlap() -> None:
    z = np.zeros((30, 1))
    z[10:14], z[14:18] = 8, -8
    found = sorted((one.first, one.end) for one in departures(z, z, np.ones((30, 1)), [(-9, 9), (-0.5, 0.5)]))
    assert found == [(10, 14), (14, 18)]
