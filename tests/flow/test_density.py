import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gaussian_kde

from tilseq.flow.density import density, modes, next_valley, valley

RANDOM = np.random.default_rng(11)
TWO = np.concatenate([RANDOM.normal(0, 1, 6000), RANDOM.normal(8, 1, 4000)])
THREE = np.concatenate([RANDOM.normal(0, 1, 5000), RANDOM.normal(8, 1, 3000), RANDOM.normal(16, 1, 4000)])


def test_the_density_is_scipys_at_the_same_bandwidth() -> None:
    found = density(TWO)
    assert found is not None
    grid, height, *_ = found
    q1, q3 = np.quantile(TWO, (0.25, 0.75))
    bandwidth = 0.9 * min(TWO.std(), (q3 - q1) / 1.349) * len(TWO) ** -0.2
    expected = gaussian_kde(TWO, bw_method=bandwidth / TWO.std(ddof=1))(grid)
    assert np.max(np.abs(height - expected)) < 0.01 * expected.max()


def test_the_valley_lies_between_two_populations() -> None:
    found = valley(TWO)
    assert found is not None
    assert found.threshold == pytest.approx(4, abs=0.7)
    assert found.separation > 0.95


def test_the_middle_of_an_empty_gap() -> None:
    random = np.random.default_rng(1)
    found = valley(np.concatenate([random.normal(0, 0.2, 1000), random.normal(20, 0.2, 1000)]))
    assert found is not None
    assert found.threshold == pytest.approx(10, abs=1)
    assert found.separation == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0] * 500,
        [float("nan")] * 500,
        RANDOM.normal(0, 1, 5),
        RANDOM.normal(0, 1, 5000),
        np.concatenate([RANDOM.normal(0, 1, 5000), RANDOM.normal(2.2, 1, 5000)]),
        np.concatenate([RANDOM.normal(0, 1, 50_000), RANDOM.normal(20, 1, 100)]),
    ],
    ids=["nothing", "constant", "not finite", "few", "one mode", "too near", "0.2 percent"],
)
def test_no_valley(values: object) -> None:
    assert valley(values) is None  # type: ignore[arg-type]


def test_one_percent_is_still_a_population() -> None:
    random = np.random.default_rng(2)
    found = valley(np.concatenate([random.normal(0, 1, 9900), random.normal(10, 1, 100)]))
    assert found is not None
    assert 3.5 < found.threshold < 7.5


@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_the_order_of_events_changes_nothing(order: object) -> None:
    values = TWO[::20].copy()
    order.shuffle(values)  # type: ignore[attr-defined]
    assert valley(values) == valley(TWO[::20])


def test_the_nearest_valley_on_either_side() -> None:
    above, below = next_valley(THREE, 8.0, above=True), next_valley(THREE, 8.0, above=False)
    assert above is not None
    assert below is not None
    assert above.threshold == pytest.approx(12, abs=1)
    assert below.threshold == pytest.approx(4, abs=1)
    assert next_valley(THREE, 16.0, above=True) is None
    assert next_valley(THREE, 0.0, above=False) is None


def test_modes_come_by_prominence() -> None:
    # Heights 5, 3 and 4; the saddle before 3 is 2, so it rises by 1; 4 rises by 3 from the saddle at 1.
    height = np.array([0.0, 5, 2, 3, 1, 4, 0])
    assert modes(height) == [1, 5, 3]
