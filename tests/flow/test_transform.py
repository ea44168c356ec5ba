from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.flow.transform import arcsinh, cofactor, square_root


def test_arcsinh_of_known_values() -> None:
    # arcsinh(1) = ln(1 + √2), arcsinh(3/4) = ln 2
    np.testing.assert_allclose(arcsinh([-5, 0, 3.75, 5], 5), [-0.881374, 0, 0.693147, 0.881374], rtol=1e-5)


@pytest.mark.parametrize("bad", [0.0, -5.0, float("nan"), float("inf")])
def test_a_cofactor_is_a_positive_number(bad: float) -> None:
    with pytest.raises(AnalysisError, match="positive number"):
        arcsinh([1.0], bad)


def test_square_root_of_scatter() -> None:
    np.testing.assert_array_equal(square_root([-4, 0, 9]), [0, 0, 3])


def test_three_standard_deviations_of_normal_negatives() -> None:
    random = np.random.default_rng(5)
    negatives, positives = random.normal(20, 100, 20_000), random.normal(9000, 2000, 10_000)
    assert cofactor(negatives) == pytest.approx(300, rel=0.1)
    assert cofactor(np.concatenate([negatives, positives])) == pytest.approx(300, rel=0.1)


@settings(max_examples=25)
@given(st.integers(-8, 8), st.randoms(use_true_random=False))
def test_it_grows_with_the_gain_and_does_not_know_the_order(power: int, order: object) -> None:
    values = np.random.default_rng(2).normal(10, 50, 500)
    shuffled = values.copy()
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert cofactor(shuffled * 2.0**power) == cofactor(values) * 2.0**power


def test_events_on_the_floor_do_not_count_as_spread() -> None:
    random = np.random.default_rng(3)
    values = np.maximum(random.normal(2, 3, 5000), 1)
    assert 1 < cofactor(values) < 15


@pytest.mark.parametrize("values", [[], [7.0, 7.0, 7.0], [float("nan")], [float("inf"), 3.0]])
def test_one_value_has_no_cofactor(values: list[float]) -> None:
    with pytest.raises(AnalysisError, match="one value only"):
        cofactor(values)


def test_two_instruments_differ_by_orders_of_magnitude(shared_data: Path) -> None:
    from tilseq.io.fcs import read_fcs

    log_amplified = read_fcs(shared_data / "flow" / "itn" / "itn_01.fcs")
    spectral = read_fcs(shared_data / "flow" / "pbmc_spectral_unmixed.fcs")
    assert 2 < cofactor(log_amplified.events[:, log_amplified.index("CD3")]) < 15
    assert 2000 < cofactor(spectral.events[:, spectral.index("CD3")]) < 4000
