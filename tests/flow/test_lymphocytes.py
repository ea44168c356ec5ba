import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.lymphocytes import Region, distance, find_region

RANDOM = np.random.default_rng(12)


def cells(number: int, forward: float, side: float, spread: float = 0.15) -> dict[str, np.ndarray]:
    return {
        "FSC-A": (forward * RANDOM.lognormal(0, spread, number)).astype(np.float32),
        "SSC-A": (side * RANDOM.lognormal(0, spread, number)).astype(np.float32),
    }


def with_cd45(number: int, forward: float, side: float) -> dict[str, np.ndarray]:
    return cells(number, forward, side) | {"CD45": (9e3 * RANDOM.lognormal(0, 0.15, number)).astype(np.float32)}


def together(*parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def test_distances_by_hand() -> None:
    region = Region({"FSC-A": 100.0, "SSC-A": 10.0}, {"FSC-A": 0.1, "SSC-A": 0.2}, 3, 3, 3)
    values = {
        "FSC-A": np.array([100, 100 * np.exp(0.3), 100, 100 * np.exp(-0.3), -5], dtype=np.float32),
        "SSC-A": np.array([10, 10, 10 * np.exp(0.8), 10 * np.exp(0.8), 10], dtype=np.float32),
    }
    # Spreads: 0; 3; 4; the root of 9 + 16; ln(1000) / 0.1 = 69.08 for what is below a thousandth of the centre.
    np.testing.assert_allclose(distance(values, region), [0, 3, 4, 5, 69.0776], rtol=1e-5)


def test_lymphocytes_lie_about_the_t_cells_and_others_do_not() -> None:
    values = together(cells(3000, 50e3, 20e3), cells(1000, 52e3, 21e3), cells(4000, 80e3, 90e3), cells(800, 12e3, 8e3))
    t_cells = np.arange(8800) < 3000
    region = find_region(values, np.ones(8800, dtype=bool), t_cells)
    assert region.centre["FSC-A"] == pytest.approx(50e3, rel=0.02)
    assert region.spread["SSC-A"] == pytest.approx(0.15, abs=0.02)
    inside = distance(values, region) <= region.radius
    assert inside[:4000].mean() > 0.995
    assert inside[4000:].mean() < 0.001


def test_the_radius_is_the_valley_before_a_near_neighbour() -> None:
    near = with_cd45(3000, 50e3, 20e3 * np.exp(0.15 * 6))  # six spreads off
    values = together(with_cd45(6000, 50e3, 20e3), near)
    region = find_region(values, np.ones(9000, dtype=bool), np.arange(9000) < 6000)
    assert region.source == "valley"
    # The middle lies two spreads from the T cells on the side that the neighbours do not; the region ends half-way to
    # them, a bit nearer the T cells.
    assert region.shift["SSC-A"] == pytest.approx(-2, abs=0.05)
    assert 2.5 < region.radius - 2 < 3.2
    assert region.lower < region.radius < region.upper


def test_the_middle_lies_away_from_larger_cells() -> None:
    # Monocytes five spreads off on both: at 45 degrees, thus √2 spreads of shift on each; the region is nearer to the
    # T cells on that side than on the other, and its centre is theirs.
    values = together(with_cd45(6000, 50e3, 20e3), with_cd45(3000, 50e3 * np.exp(0.75), 20e3 * np.exp(0.75)))
    region = find_region(values, np.ones(9000, dtype=bool), np.arange(9000) < 6000)
    assert region.shift == {
        "FSC-A": pytest.approx(-1.41, abs=0.05),
        "SSC-A": pytest.approx(-1.41, abs=0.05),
        "CD45": pytest.approx(0, abs=0.05),
    }
    assert region.centre["FSC-A"] == pytest.approx(50e3, rel=0.01)
    assert region.middle["FSC-A"] == pytest.approx(50e3 * np.exp(-1.41 * 0.15), rel=0.02)
    inside = distance(values, region) <= region.radius
    assert inside[:6000].mean() > 0.998
    assert inside[6000:].mean() < 0.005
    assert region.on(["SSC-A"]).shift == {"SSC-A": region.shift["SSC-A"]}


def test_without_cd45_the_middle_is_the_centre() -> None:
    values = together(cells(6000, 50e3, 20e3), cells(3000, 50e3 * np.exp(0.75), 20e3 * np.exp(0.75)))
    assert find_region(values, np.ones(9000, dtype=bool), np.arange(9000) < 6000).shift == {}


def test_monocytes_among_the_first_t_cells_are_left_out() -> None:
    # A fifth of the first T cells are monocytes, four spreads off on both: MADs of all would be 1.3 times as wide.
    values = together(cells(4000, 50e3, 20e3), cells(1000, 50e3 * np.exp(0.6), 20e3 * np.exp(0.6)))
    region = find_region(values, np.ones(5000, dtype=bool), np.ones(5000, dtype=bool))
    assert region.centre["FSC-A"] == pytest.approx(50e3, rel=0.02)
    assert region.spread["FSC-A"] == pytest.approx(0.15, rel=0.08)


def test_t_cells_that_are_alike_in_each_channel_by_halves() -> None:
    # No event is near the medians of both channels: they are taken as they are.
    values = {"FSC-A": np.array([1, 1, 9, 1e3], dtype=np.float32), "SSC-A": np.array([7e3, 1, 5, 5], dtype=np.float32)}
    region = find_region(values, np.ones(4, dtype=bool), np.ones(4, dtype=bool))
    assert all(np.isfinite(value) for value in (*region.centre.values(), *region.spread.values(), region.radius))


def test_without_a_neighbour_the_usual_radius() -> None:
    values = cells(5000, 50e3, 20e3)
    region = find_region(values, np.ones(5000, dtype=bool), np.ones(5000, dtype=bool))
    # The root of chi-squared's 99.9 % quantile with two degrees of freedom is 3.717.
    assert (region.source, region.radius, region.separation) == ("fallback", pytest.approx(3.717, abs=0.01), None)


def test_few_t_cells_lean_on_the_usual_spread() -> None:
    values = {name: np.full(10, 100.0, dtype=np.float32) for name in ("FSC-A", "SSC-A")}
    region = find_region(values, np.ones(10, dtype=bool), np.ones(10, dtype=bool))
    # Ten alike against the weight of twenty of 0.16 and 0.35: times the root of 20 / 30.
    assert region.spread == {
        "FSC-A": pytest.approx(0.16 * 0.8165, rel=1e-3),
        "SSC-A": pytest.approx(0.35 * 0.8165, rel=1e-3),
    }


def test_the_order_of_events_and_the_gain_change_nothing() -> None:
    values = together(cells(3000, 50e3, 20e3), cells(3000, 80e3, 90e3))
    t_cells = np.arange(6000) < 3000
    order = np.random.default_rng(3).permutation(6000)
    first = find_region(values, np.ones(6000, dtype=bool), t_cells)
    turned = find_region({n: v[order] for n, v in values.items()}, np.ones(6000, dtype=bool), t_cells[order])
    assert first == turned
    stronger = find_region({n: v * np.float32(64) for n, v in values.items()}, np.ones(6000, dtype=bool), t_cells)
    assert stronger.radius == pytest.approx(first.radius, rel=1e-4)
    assert stronger.centre["SSC-A"] == pytest.approx(64 * first.centre["SSC-A"], rel=1e-5)


def test_t_cells_without_light_are_refused() -> None:
    every = np.ones(50, dtype=bool)
    values = cells(50, 50e3, 20e3) | {"SSC-A": np.zeros(50, dtype=np.float32)}
    with pytest.raises(AnalysisError, match="no CD3. event has light in SSC-A"):
        find_region(values, every, every)
    values["SSC-A"][::2], values["FSC-A"][::2] = 100, 0
    with pytest.raises(AnalysisError, match="no CD3. event has light in FSC-A and SSC-A"):
        find_region(values, every, every)
