from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.simulate.clinic.lesions import FIRST_DAY, SITES, SIZES_DAY, Lesion, draw_lesions, follow
from tilseq.simulate.streams import stream

NONE = np.zeros(401)
PLENTY = np.full(401, 1e12)


def lesion(**other):
    usual = {"role": "target", "site": "lung", "node": False, "tumor_mm": 20.0, "normal_mm": 0.0}
    rates = {"growth_per_day": 0.0, "kill_per_day": 0.0, "resistant_share": 0.0}
    return Lesion("T1", **usual | rates | other)


def course(cells, **other):
    return follow([lesion(**other)], cells)


def on(day):
    return day - FIRST_DAY


def subjects(number):
    return [draw_lesions(stream(7, str(i)), list(SITES)[i % len(SITES)]) for i in range(number)]


def test_nothing_happens_without_growth_and_cells():
    assert course(NONE).diameters_mm[0] == pytest.approx(20.0)
    assert course(NONE).burden_mm == pytest.approx(20.0)
    assert course(NONE).viable_ml == pytest.approx(4.18879, abs=1e-5)  # 4/3 π cm³
    assert course(NONE).last_day == 400


def test_growth_is_logistic_in_the_diameter():
    # d' = g/3 d (1 - d/300) has the solution 300 / (1 + (300/d0 - 1) exp(-g t/3)).
    grown = course(NONE, growth_per_day=0.03).diameters_mm[0]
    days = np.arange(len(grown))
    assert grown == pytest.approx(300 / (1 + (300 / grown[0] - 1) * np.exp(-0.01 * days)), rel=0.02)
    assert grown[on(SIZES_DAY)] == pytest.approx(20.0, rel=0.05)


def test_many_cells_kill_at_the_full_rate_and_half_of_it_at_300_per_ul():
    for cells, rate in ((1e12, 0.1), (300.0, 0.05)):
        viable = course(np.full(401, cells), kill_per_day=0.1).viable_ml
        assert viable[on(61)] / viable[on(60)] == pytest.approx(np.exp(-rate), rel=1e-5)
    brain = course(PLENTY, kill_per_day=0.1, site="brain").viable_ml
    assert brain[on(61)] / brain[on(60)] == pytest.approx(np.exp(-0.04), rel=1e-5)


def test_cells_that_reached_the_tumour_stay_on():
    # 300 per µL up to day 99, none after it: ninety days on, 300 (1 - 1/90)^90 = 109.74 are left.
    cells = np.where(np.arange(401) < 100, 300.0, 0.0)
    viable = course(cells, kill_per_day=0.1).viable_ml
    assert viable[on(190)] / viable[on(189)] == pytest.approx(np.exp(-0.1 * 109.74 / 409.74), rel=1e-5)


def test_dead_tissue_is_seen_until_it_is_cleared():
    gone = course(PLENTY, kill_per_day=3.0)
    assert gone.viable_ml[on(20)] == 0
    volume = gone.diameters_mm[0] ** 3
    assert volume[on(21)] / volume[on(20)] == pytest.approx(np.exp(-0.07), rel=1e-6)
    assert gone.diameters_mm[0, -1] == 0


def test_what_resists_comes_back():
    back = course(PLENTY, kill_per_day=0.3, growth_per_day=0.03, resistant_share=1e-4).diameters_mm[0]
    assert back[on(150)] < 6 < 10 < back[on(400)]


def test_a_node_without_tumour_is_a_normal_node():
    node = course(PLENTY, kill_per_day=3.0, node=True, site="lymph_node", normal_mm=6.0)
    assert node.diameters_mm[0, on(SIZES_DAY)] == pytest.approx((8000 + 216) ** (1 / 3))
    assert node.diameters_mm[0, -1] == pytest.approx(6.0)
    assert node.burden_mm[-1] == 0


def test_the_resected_lesion_leaves_at_the_harvest():
    cut = follow([lesion(resected=True), lesion()], NONE, harvest_day=-40)
    assert cut.burden_mm[[on(-41), on(-40)]] == pytest.approx([40, 20])
    assert cut.diameters_mm[0, on(-40) :].max() == 0
    # A node leaves with its normal tissue.
    nodes = [lesion(site="lymph_node", node=True, normal_mm=6.0, resected=resected) for resected in (True, False)]
    gone, left = follow(nodes, NONE, harvest_day=-40).diameters_mm
    assert gone[: on(-40)].tolist() == left[: on(-40)].tolist()
    assert gone[on(-40) :].max() == 0 < left[on(-40) :].min()


def test_a_longer_trial_has_the_same_beginning():
    cells = np.linspace(300, 10, 700)
    drawn = draw_lesions(stream(3), "nsclc")
    short, long = follow(drawn, cells[:401]), follow(drawn, cells)
    assert np.array_equal(short.diameters_mm, long.diameters_mm[:, : on(401)])
    assert np.array_equal(short.diameters_mm, follow(drawn, cells[:401]).diameters_mm)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1e4), st.floats(0, 1e4))
def test_more_cells_leave_no_more_living_tumour(seed, cells, more):
    drawn = draw_lesions(stream(seed), "melanoma")
    few, many = (follow(drawn, np.full(120, number)) for number in (cells, cells + more))
    assert (many.viable_ml <= few.viable_ml * (1 + 1e-9)).all()
    assert np.isfinite(few.diameters_mm).all()
    assert few.diameters_mm.max() < 600


def test_lesions_fit_recist_at_baseline():
    for drawn in subjects(300):
        targets = [one for one in drawn if one.role == "target" and not one.resected]
        assert 2 <= len(targets) <= 4
        assert max(Counter(one.site for one in targets).values()) <= 2
        assert not {"bone", "brain"} & {one.site for one in targets}
        assert sum(one.role == "nontarget" for one in drawn) <= 2
        assert [one.lesion for one in drawn if one.resected] == ["R1"]
        assert all(one.node == (one.site == "lymph_node") for one in drawn)
        assert len({one.lesion for one in drawn}) == len(drawn)
        mm = follow(drawn, NONE[:2]).diameters_mm[:, on(-14) : on(-5)]
        for one, diameters in zip(drawn, mm, strict=True):
            if one in targets:
                assert diameters.min() >= (15 if one.node else 10)
            if one.role == "new":
                assert diameters.max() < (10 if one.node else 8)


def test_the_lesions_of_a_subject_resemble_one_another():
    # 0.5² / (0.5² + 0.3²) = 0.735 of the variance of log growth lies between subjects.
    growth = np.log([[one.growth_per_day for one in drawn[:2]] for drawn in subjects(1000)])
    assert np.corrcoef(growth.T)[0, 1] == pytest.approx(0.735, abs=0.06)


def test_the_number_of_unseen_lesions_is_overdispersed():
    numbers = [sum(one.role == "new" for one in drawn) for drawn in subjects(1000)]
    assert np.var(numbers) > 1.5 * np.mean(numbers)


def test_each_subject_differs():
    assert all(one != other for one, other in pairwise(subjects(20)))
