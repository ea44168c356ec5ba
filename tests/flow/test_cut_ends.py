"""Ends between which the threshold of a valley could as well lie."""

import numpy as np
import pytest

from tilseq.flow.cut_ends import CLOSE_BY, _between, cut_ends
from tilseq.flow.density import EITHER_WAY, density, valley


def _ends(values: np.ndarray, close: bool = False) -> tuple[float, float, float, float]:
    curve = density(values)
    assert curve is not None
    found = valley(values, curve)
    assert found is not None
    return (found.threshold, *cut_ends(curve, found)[close], curve.bandwidth)


def _few_beyond_a_long_valley(random: np.random.Generator) -> np.ndarray:
    """A large population, few others far off, and some in the valley between: it has no one lowest place."""
    return np.concatenate([random.normal(0, 0.3, 9_000), random.normal(6, 0.3, 300), random.uniform(1, 5.2, 60)])


def test_ends_in_a_long_valley_hold_the_usual_threshold_of_such_tubes() -> None:
    """Tubes drawn from the same cells: the loop over 200 tells where their thresholds lie."""
    random = np.random.default_rng(4)
    tubes = [_few_beyond_a_long_valley(random) for _ in range(200)]
    found = [valley(tube) for tube in tubes]
    low, usual, high = np.quantile([one.threshold for one in found if one is not None], (0.025, 0.5, 0.975))
    ends = np.array([_ends(tube)[1:3] for tube in tubes])
    assert 0.9 <= np.mean((ends[:, 0] <= usual) & (usual <= ends[:, 1])) <= 0.98
    assert np.mean(ends[:, 1] - ends[:, 0]) < high - low


def test_ends_are_those_of_values_drawn_again_in_a_loop() -> None:
    """The plain bootstrap: values drawn with replacement, each time the whole density anew."""
    random = np.random.default_rng(12)
    widths, ends = [], []
    for _ in range(5):
        values = _few_beyond_a_long_valley(random)
        found = [valley(random.choice(values, len(values))) for _ in range(300)]
        widths.append(np.quantile([one.threshold for one in found if one is not None], (0.025, 0.975)))
        ends.append(_ends(values)[1:3])
    assert np.mean(ends, axis=0) == pytest.approx(np.mean(widths, axis=0), abs=0.12)


@pytest.mark.parametrize(("close", "bandwidths"), [(False, EITHER_WAY), (True, CLOSE_BY)])
def test_ends_in_a_narrow_valley_are_some_bandwidths_either_way(close: bool, bandwidths: float) -> None:
    random = np.random.default_rng(6)
    values = np.concatenate([random.normal(0, 1, 60_000), random.normal(5, 1, 60_000)])
    threshold, lower, upper, bandwidth = _ends(values, close)
    assert threshold == pytest.approx(2.5, abs=0.3)
    assert (lower, upper) == pytest.approx((threshold - bandwidths * bandwidth, threshold + bandwidths * bandwidth))


def test_ends_in_a_long_valley_are_no_closer_by_for_small_populations() -> None:
    values = _few_beyond_a_long_valley(np.random.default_rng(9))
    assert _ends(values, close=True) == _ends(values)


def test_ends_in_a_gap_hold_its_middle() -> None:
    """Nothing lies between 1 and 19: in every tube that is drawn again the middle of the gap is the same, nearly."""
    random = np.random.default_rng(1)
    threshold, lower, upper, bandwidth = _ends(
        np.concatenate([random.normal(0, 0.2, 1000), random.normal(20, 0.2, 1000)])
    )
    assert lower == pytest.approx(threshold - EITHER_WAY * bandwidth)
    assert upper == pytest.approx(threshold + EITHER_WAY * bandwidth)


def test_values_stay_where_they_are_in_wider_bins() -> None:
    random = np.random.default_rng(6)
    values = np.concatenate([random.normal(0, 1, 60_000), random.normal(5, 1, 60_000)])
    curve = density(values)
    assert curve is not None
    found = valley(values, curve)
    assert found is not None
    grid, counts = _between(curve, found)
    inside = values[(values > found.left - 4 * curve.bandwidth) & (values < found.right + 4 * curve.bandwidth)]
    assert grid[1] - grid[0] == pytest.approx(curve.bandwidth / 2, rel=0.1)
    assert np.average(grid, weights=counts) == pytest.approx(inside.mean(), abs=0.01)


def test_the_same_values_have_the_same_ends_in_any_order() -> None:
    values = _few_beyond_a_long_valley(np.random.default_rng(9))
    assert _ends(values) == _ends(values[::-1].copy())


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_ends_go_with_the_scale(scale: float) -> None:
    values = _few_beyond_a_long_valley(np.random.default_rng(9))
    assert _ends(values * scale)[1:3] == pytest.approx([scale * end for end in _ends(values)[1:3]], rel=0.05)
