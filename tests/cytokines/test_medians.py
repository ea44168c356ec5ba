import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.cytokines.medians import median_signal


def test_standard_error_by_hand():
    # 16 beads: places round(8.5 - 4) = 4 from below and above; below the fourth lie 0 to 3 of 16 with probability
    # (1 + 16 + 120 + 560) / 2 ** 16 = 0.0106354; its normal quantile is 2.303144.
    told = median_signal(np.arange(1.0, 17.0) ** 2)
    assert told.signal == pytest.approx((64 + 81) / 2)
    assert told.se_log == pytest.approx(np.log(13**2 / 4**2) / (2 * 2.303144), rel=1e-4)


def test_cv_is_half_the_middle_two_thirds_over_the_median():
    told = median_signal(np.arange(0.0, 10_001.0))
    assert told.cv == pytest.approx((8413 - 1587) / 2 / 5000)


@pytest.mark.parametrize("beads", [35, 100, 400])
def test_standard_error_is_right_on_average(beads):
    rng = np.random.default_rng(17)
    told = [median_signal(np.exp(0.3 * row)) for row in rng.standard_t(5, (2_000, beads))]
    seen = np.log([one.signal for one in told])
    errors = np.array([one.se_log for one in told])
    assert errors.mean() / seen.std() == pytest.approx(1, abs=0.07)
    assert np.mean(np.abs(seen) < 1.96 * errors) > 0.925


@pytest.mark.parametrize("values", [[], [5.0], [1.0, 2.0, 3.0, 4.0], [-5.0, -4.0, 1.0, 2.0, 3.0, 4.0], [7.0] * 50])
def test_no_standard_error_where_there_is_none(values):
    told = median_signal(np.array(values))
    assert told.se_log is None
    assert told.signal == (pytest.approx(np.median(values)) if values else None)


def test_where_beads_share_a_value_the_error_is_that_of_the_next_values():
    """100 beads, places round(50.5 - 10) = 40 and 61 both 12; below the 40th lie 0 to 39 of 100 with 0.0176001."""
    told = median_signal(np.repeat([11.0, 12.0, 13.0], [2, 95, 3]))
    assert told.signal == 12
    assert told.se_log == pytest.approx(np.log(13 / 11) / (2 * 2.1059), rel=1e-3)
    assert median_signal(np.repeat([12.0, 13.0], [97, 3])).se_log == pytest.approx(np.log(13 / 12) / 4.2118, rel=1e-3)


@pytest.mark.parametrize(("cv", "beads"), [(0.05, 1_000), (0.05, 5_000), (0.2, 300)])
def test_beads_on_1024_channels_of_four_decades_have_an_error_of_the_right_size(cv, beads):
    rng = np.random.default_rng(5)
    true = 1_234 * np.exp(rng.uniform(-0.1, 0.1, 500))
    light = true[:, None] * np.exp(cv * rng.standard_normal((500, beads)))
    told = [median_signal(row) for row in 10 ** (np.round(256 * np.log10(light)) / 256)]
    assert all(one.se_log is not None for one in told)
    away = np.log([one.signal for one in told]) - np.log(true)
    assert 0.75 < np.mean([one.se_log for one in told]) / away.std() < 1.5


@given(st.lists(st.floats(1, 1e6), min_size=5, max_size=80), st.floats(0.01, 100))
def test_a_gain_moves_the_signal_alone(values, gain):
    one, other = median_signal(np.array(values)), median_signal(gain * np.array(values))
    assert other.signal == pytest.approx(gain * one.signal, rel=1e-9)
    assert (one.se_log is None) == (other.se_log is None) or min(values) == max(values)
    if one.se_log and other.se_log:
        assert other.se_log == pytest.approx(one.se_log, rel=1e-6, abs=1e-9)
