import numpy as np
import pytest

from tilseq.simulate.compartments import Kinetics, Rates, blood_at, blood_cells, draw_rates, t_subsets
from tilseq.simulate.streams import stream

PRODUCT, ENDOGENOUS = np.array([0.75, 0.25, 0.0]), np.array([0.0, 0.1, 0.9])
RATES = Rates(np.array([0.45, 0.0, 0.0]), np.array([0.01, 0.05, 0.0]))


def test_blood_before_the_infusion_holds_endogenous_cells_only():
    blood = blood_at(-10, 18, RATES, PRODUCT, ENDOGENOUS)
    assert blood.infused_per_ul.tolist() == [0, 0, 0]
    assert blood.endogenous_per_ul == pytest.approx([0, 110, 990])
    assert blood.other_per_ul == {"B": 200, "NK": 250, "monocyte": 450}
    assert blood.infused_share == 0


def test_day_0_is_the_nadir_with_the_infusion_in_it():
    blood = blood_at(0, 18, RATES, PRODUCT, ENDOGENOUS)
    assert blood.infused_per_ul == pytest.approx([13.5, 4.5, 0])
    assert blood.endogenous_per_ul == pytest.approx([0, 3.3, 29.7])
    assert blood.frequencies == pytest.approx([13.5 / 51, 7.8 / 51, 29.7 / 51])
    assert blood.infused_share == pytest.approx(18 / 51)


def test_day_28_by_hand():
    blood = blood_at(28, 18, RATES, PRODUCT, ENDOGENOUS)
    # 13.5 exp(0.45 * 7 * (1 - e^-4) - 0.28) and 4.5 exp(-1.4); 1100 (0.03 + 0.97 (1 - exp(-(28/45)^2))).
    assert blood.infused_per_ul == pytest.approx([224.7513, 1.109686, 0], rel=1e-5)
    assert blood.endogenous_per_ul.sum() == pytest.approx(375.526, rel=1e-5)


def test_subsets_keep_their_ratio():
    shares = t_subsets(2.0)
    assert shares == pytest.approx({"CD4+ T": 0.64, "CD8+ T": 0.32, "DN T": 0.03, "DP T": 0.01})


def test_cells_are_mixed_from_both_origins():
    blood = blood_at(0, 18, RATES, PRODUCT, ENDOGENOUS)
    cells = blood_cells(blood, t_subsets(0.5), t_subsets(2.0))
    assert cells["CD4+ T"] == pytest.approx(18 * 0.32 + 33 * 0.64)
    assert cells["CD8+ T"] == pytest.approx(18 * 0.64 + 33 * 0.32)
    assert cells["monocyte"] == pytest.approx(450 * 0.03)


def test_rates_have_the_mean_that_was_asked_for():
    rates = draw_rates(stream(1), Kinetics(18, 0.4, 0.02, rate_spread=0.25), 40_000)
    assert rates.expansion_per_day.mean() == pytest.approx(0.4, rel=0.01)
    assert rates.decay_per_day.mean() == pytest.approx(0.02, rel=0.01)
    assert np.log(rates.decay_per_day).std() == pytest.approx(0.25, rel=0.02)
