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


@given(st.lists(st.floats(1, 1e6), min_size=5, max_size=80), st.floats(0.01, 100))
def test_a_gain_moves_the_signal_alone(values, gain):
    one, other = median_signal(np.array(values)), median_signal(gain * np.array(values))
    assert other.signal == pytest.approx(gain * one.signal, rel=1e-9)
    assert (one.se_log is None) == (other.se_log is None) or min(values) == max(values)
    if one.se_log and other.se_log:
        assert other.se_log == pytest.approx(one.se_log, rel=1e-6, abs=1e-9)
