from statistics import fmean, stdev

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.simulate.clinic.lesions import FIRST_DAY, Lesion, draw_lesions, follow
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.design import Design
from tilseq.simulate.states import STATES
from tilseq.simulate.stimulation import answering, background, in_tube, together, visibility_of
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import draw_subject

CLONES = pl.DataFrame({"lineage": ["CD8", "CD8", "CD4"], "reactive": [True, False, True]})
NONE = {"CD4": 0.0, "CD8": 0.0}


def specimen(naive=NONE, **states):
    """100 cells of each clone in each state that is named."""
    cells = np.zeros((3, len(STATES)))
    for state in states:
        cells[:, STATES.index(state)] = 100.0
    return Specimen(0.25 * cells, 0.75 * cells, naive, {})


def tumor(kill, resistant):
    return Lesion("R1", "target", "lung", False, 20.0, 0.0, 0.01, kill, resistant, resected=True)


# (1 - resistant) · k / (k + 0.095)
@pytest.mark.parametrize(
    ("kill", "resistant", "expected"), [(0.095, 0.0, 0.5), (0.285, 0.2, 0.6), (0.0, 0.0, 0.0), (0.19, 1.0, 0.0)]
)
def test_a_tumour_shows_itself_as_far_as_it_is_killed(kill, resistant, expected):
    assert visibility_of(tumor(kill, resistant)) == pytest.approx(expected)


def test_cells_that_know_the_tumour_answer_by_state():
    # CD8: 100 reactive effectors of 200 cells, 70 % of them, of a tumour that half shows itself; CD4: 100 of 100, 0.4.
    assert answering(specimen(effector=1), CLONES, "autologous tumour", 0.5) == pytest.approx(
        {"CD8+ T": 0.5 * 0.7 / 2, "CD4+ T": 0.5 * 0.7 * 0.4}
    )
    mixed = answering(specimen(effector=1, exhausted_terminal=1), CLONES, "autologous tumour", 1.0)
    assert mixed["CD8+ T"] == pytest.approx((0.7 + 0.15) / 4)


def test_naive_cells_thin_out_the_answer_to_the_tumour():
    naive = {"CD4": 0.0, "CD8": 200.0}
    found = answering(specimen(naive, effector=1), CLONES, "autologous tumour", 1.0)
    assert found["CD8+ T"] == pytest.approx(70 / 400)
    # Of these 3 % answer to PMA, of 200 effectors 70 %.
    found = answering(specimen(naive, effector=1), CLONES, "PMA/ionomycin", 1.0)
    assert found["CD8+ T"] == pytest.approx((6 + 140) / 400)


def test_pma_does_not_ask_what_a_cell_knows():
    found = answering(specimen(effector=1), CLONES, "PMA/ionomycin", 0.0)
    assert found == pytest.approx({"CD8+ T": 0.7, "CD4+ T": 0.35, "DN T": 0.35, "DP T": 0.35, "NK": 0.3})


def test_without_a_stimulus_or_cells_nothing_answers():
    assert answering(specimen(effector=1), CLONES, None, 1.0) == {}
    assert answering(specimen(), CLONES, "autologous tumour", 1.0) == {"CD4+ T": 0.0, "CD8+ T": 0.0}


def test_background_is_of_the_range_and_even_on_the_log_scale():
    drawn = [background(stream(1, str(number))) for number in range(2_000)]
    assert set(drawn[0]) == {"CD4+ T", "CD8+ T", "DN T", "DP T", "NK"}
    shares = np.array([list(one.values()) for one in drawn])
    assert 0.0002 <= shares.min() <= shares.max() <= 0.003
    # The middle of 0.0002 and 0.003 on the log scale is 0.000775.
    assert np.median(shares) == pytest.approx(0.000775, rel=0.05)
    assert abs(np.corrcoef(shares.T)[0, 1]) < 0.1


def test_tubes_differ_by_a_factor_on_the_odds():
    shares = {"CD8+ T": 0.5, "CD4+ T": 0.01}
    drawn = [in_tube(stream(2, str(number)), shares) for number in range(2_000)]
    logit = {kind: [np.log(one[kind] / (1 - one[kind])) for one in drawn] for kind in shares}
    assert stdev(logit["CD8+ T"]) == pytest.approx(0.15, rel=0.06)
    assert fmean(logit["CD8+ T"]) == pytest.approx(0, abs=0.02)
    # Both kinds of a tube by the same factor.
    assert np.subtract(logit["CD8+ T"], logit["CD4+ T"]) == pytest.approx(np.log(99))


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_shares_stay_shares(without, answer, seed):
    both = together({"NK": without}, {"NK": answer})
    assert max(without, answer) - 1e-12 <= both["NK"] <= 1
    assert 0 <= in_tube(stream(seed), both)["NK"] <= 1
    assert together({"NK": without}, {}) == {"NK": without}


def test_the_answer_rises_with_the_infusion():
    for number in (1, 2):
        subject = draw_subject(number, Design(memory_clones=2_000))
        before, after = (answering(subject.blood(day), subject.clones, "autologous tumour", 1.0) for day in (-10, 28))
        assert 3 * before["CD8+ T"] < after["CD8+ T"]
        assert after["CD4+ T"] < after["CD8+ T"]


def test_tumours_that_shrink_under_the_same_cells_showed_themselves():
    reactive_per_ul = np.full(85, 100.0)
    seen: dict[bool, list[float]] = {True: [], False: []}
    for number in range(60):
        lesions = draw_lesions(stream(3, str(number)), "melanoma")
        burden = follow(lesions, reactive_per_ul).burden_mm
        (resected,) = (lesion for lesion in lesions if lesion.resected)
        seen[bool(burden[-1] < 0.7 * burden[-10 - FIRST_DAY])].append(visibility_of(resected))
    assert min(map(len, seen.values())) > 10
    assert np.median(seen[True]) > 2 * np.median(seen[False])
