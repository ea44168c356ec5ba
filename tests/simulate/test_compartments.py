from dataclasses import replace

import numpy as np
import pytest

from tilseq.simulate.clones import Sizes, draw_clones, public_chains
from tilseq.simulate.compartments import (
    Course,
    Specimen,
    Traits,
    blood,
    cells_per_ul,
    draw_course,
    draw_traits,
    lymphocytes_per_ul,
    product,
    reactive_per_ul,
    tumor,
)
from tilseq.simulate.states import STATES
from tilseq.simulate.streams import stream

SIZES = Sizes(tumor=600, memory=800, emergent=60)
LOTS = {"A": 0.65, "B": 0.35}
DAYS = (-10, -5, 0, 1, 7, 14, 28, 84, 180)
KINDS = ("naive", "memory", "B", "NK", "monocyte")
STEM, TERMINAL = STATES.index("stem_like_memory"), STATES.index("exhausted_terminal")


def draw(number, lots=LOTS):
    clones = draw_clones(stream(number, "clones"), SIZES, public_chains(stream(1, "public")))
    traits = draw_traits(stream(number, "traits"))
    return clones, traits, draw_course(stream(number, "course"), clones, SIZES, traits, lots)


@pytest.fixture(scope="module")
def subjects():
    return [draw(number) for number in range(1, 7)]


@pytest.fixture(scope="module")
def plain():
    """One clone infused, all stem-like; one of the memory, all effectors; one emergent. Nothing scatters."""
    whole = np.zeros((3, len(STATES)))
    infused, memory = whole.copy(), whole.copy()
    infused[0, STEM] = memory[1, STATES.index("effector")] = 1.0
    course = Course(
        tumor=infused,
        lots={"A": infused},
        infused=infused,
        memory=memory,
        after=np.ones(3),
        pace=np.ones((2, 3)),
        waves=np.zeros((2, 3, 3)),
        emergent_day=np.array([0.0, 0.0, 20.0]),
        emergent_per_ul=np.array([0.0, 0.0, 5.0]),
    )
    cells = {"naive": 380.0, "memory": 700.0, "B": 200.0, "NK": 250.0, "monocyte": 450.0}
    return course, Traits(engrafted_per_ul=50.0, stemness=1.0, growth=1.0, decay=1.0, recovery=1.0, cells=cells)


def test_blood_before_treatment_by_hand(plain):
    before = blood(*plain, -10)
    assert before.clones.tolist() == [0, 700, 0]
    assert before.naive == pytest.approx({"CD4": 0.68 * 380, "CD8": 0.32 * 380})
    assert before.other == {"B": 200, "NK": 250, "monocyte": 450}
    assert before.t_cells == pytest.approx(1080 / 0.96)


def test_day_28_by_hand(plain):
    later = blood(*plain, 28)
    # 50 exp(0.30 * 7 (1 - e^-4) - 0.004 * 28); 700 (0.03 + 0.97 (1 - exp(-(28/35)^2)));
    # 5 (1/(1 + e^-2) - 1/(1 + e^5)).
    assert later.infused.sum(axis=1) == pytest.approx([351.2720, 0, 0], rel=1e-5)
    assert later.endogenous.sum(axis=1) == pytest.approx([0, 341.9684, 4.370521], rel=1e-5)
    # 380 (0.02 + 0.98 (1 - exp(-(28/260)^2))), 200 (0.02 + 0.98 (1 - exp(-(28/90)^2))),
    # 250 (0.03 + 0.97 (1 - exp(-(28/6)^2))), 450 (0.05 + 0.95 (1 - exp(-(28/10)^2)))
    assert sum(later.naive.values()) == pytest.approx(11.89401, rel=1e-5)
    assert later.other == pytest.approx({"B": 22.08169, "NK": 250.0, "monocyte": 449.8317}, rel=1e-5)


def test_lymphodepletion_by_hand(plain):
    _, traits = plain
    # It begins on day -7; e^(-0.8 * 4) on day -3 still is above the nadir of 3 %.
    assert cells_per_ul(traits, "memory", -7) == 700
    assert cells_per_ul(traits, "memory", -3) == pytest.approx(28.53354, rel=1e-5)
    assert cells_per_ul(traits, "memory", 0) == pytest.approx(21)


def test_nothing_is_infused_before_the_infusion(subjects):
    for _, traits, course in subjects:
        for day in range(-45, 0):
            assert not blood(course, traits, day).infused.any()
        assert not blood(course, traits, 0, infused=False).infused.any()
        given = blood(course, traits, 0).infused
        assert given.sum() == pytest.approx(traits.engrafted_per_ul)
        assert given / given.sum() == pytest.approx(course.infused)


def test_the_blood_of_a_day_depends_on_no_other_day(subjects):
    _, traits, course = subjects[0]
    alone = blood(course, traits, 28)
    for day in reversed(DAYS):
        blood(course, traits, day)
    _, again, fresh = draw(1)
    for same in (blood(course, traits, 28), blood(fresh, again, 28)):
        assert np.array_equal(same.infused, alone.infused)
        assert np.array_equal(same.endogenous, alone.endogenous)
        assert (same.naive, same.other) == (alone.naive, alone.other)


def test_a_clone_is_followed_over_time_not_drawn_anew(subjects):
    # Between neighbouring days no clone changes by more than its rates and waves allow; between weeks many do.
    for _, traits, course in subjects:
        sizes = np.log([blood(course, traits, day).infused[course.infused_places].sum(axis=1) for day in (60, 61, 120)])
        assert np.abs(sizes[1] - sizes[0]).max() < 0.7
        assert np.abs(sizes[2] - sizes[1]).max() > 1.5


def test_memory_adds_up_to_its_cells(subjects):
    for _, traits, course in subjects:
        steady = replace(course, waves=np.zeros_like(course.waves), after=np.ones_like(course.after))
        swing = np.abs(course.waves[0]).sum(axis=1)
        own = course.memory_share > 0
        for day in DAYS:
            cells = cells_per_ul(traits, "memory", day)
            exact = blood(steady, traits, day).endogenous[own].sum()
            assert exact == pytest.approx(cells)
            found = blood(course, traits, day).endogenous[own].sum(axis=1) / (cells * course.memory_share[own])
            factor = np.exp(swing[own])
            assert (found <= factor * np.maximum(course.after[own], 1) * (1 + 1e-9)).all()
            assert (found >= np.minimum(course.after[own], 1) / factor * (1 - 1e-9)).all()
            assert found.std() > 0.05


def test_lymphocytes_are_those_of_the_blood(subjects):
    for _, traits, course in subjects[:3]:
        for day in DAYS:
            assert lymphocytes_per_ul(course, traits, day) == pytest.approx(blood(course, traits, day).lymphocytes)


def test_shares_of_clones_and_of_naive_cells_are_all(subjects):
    _, traits, course = subjects[0]
    for day in DAYS:
        now = blood(course, traits, day)
        naive = sum(now.naive.values()) / now.clonal_t_cells
        assert now.frequencies.sum() + naive == pytest.approx(1)
        assert 0 < naive < 0.6
    for specimen in (tumor(course), product(course, "A")):
        assert specimen.frequencies.sum() == pytest.approx(1)


def test_t_cells_include_double_negative_and_double_positive_ones():
    infused, endogenous = np.zeros((2, 6)), np.zeros((2, 6))
    infused[0] = [0, 10, 0, 20, 0, 0]
    endogenous[1] = [0, 0, 0, 40, 0, 6]
    specimen = Specimen(infused, endogenous, {"CD4": 15.0, "CD8": 5.0}, {"B": 7.0, "NK": 11.0, "monocyte": 1000.0})
    assert specimen.clones.tolist() == [30, 46]
    assert specimen.clonal_t_cells == 96
    assert specimen.t_cells == pytest.approx(100)  # 3 and 1 % besides
    assert specimen.lymphocytes == pytest.approx(118)
    assert specimen.frequencies == pytest.approx([30 / 96, 46 / 96])


def test_stem_like_cells_last(subjects):
    for _, traits, course in subjects:
        held = [blood(course, traits, day).infused.sum(axis=0) for day in (14, 28, 84, 180)]
        stem, terminal = ([cells[state] / cells.sum() for cells in held] for state in (STEM, TERMINAL))
        assert stem == sorted(stem)
        assert stem[-1] > 1.3 * stem[0]
        assert terminal == sorted(terminal, reverse=True)


def test_infused_cells_grow_to_a_peak_and_fall(subjects):
    for _, traits, course in subjects:
        course_of_all = [blood(course, traits, day).infused.sum() for day in range(0, 181)]
        peak = int(np.argmax(course_of_all))
        assert 3 < peak < 60
        assert course_of_all[peak] > 1.3 * course_of_all[0]
        assert course_of_all[180] < 0.7 * course_of_all[peak]


def test_blood_falls_to_a_nadir_and_comes_back_kind_by_kind(subjects):
    for _, traits, _ in subjects:
        for kind, lowest in zip(KINDS, (0.02, 0.03, 0.02, 0.03, 0.05), strict=True):
            cells = [cells_per_ul(traits, kind, day) for day in range(-45, 400)]
            assert set(cells[:39]) == {traits.cells[kind]}  # up to day -7
            assert min(cells) == pytest.approx(lowest * traits.cells[kind])
            assert int(np.argmin(cells)) - 45 in range(-3, 1)
            assert all(np.diff(cells[45:]) >= 0)
            assert cells[-1] <= traits.cells[kind]
        shares = {kind: cells_per_ul(traits, kind, 28) / traits.cells[kind] for kind in KINDS}
        assert shares["naive"] < shares["B"] < shares["memory"] < shares["monocyte"] <= shares["NK"]


def test_emergent_clones_are_absent_up_to_day_0_and_grow_to_their_size(subjects):
    for clones, traits, course in subjects:
        emergent = (clones["origin"] == "emergent").to_numpy()
        assert not course.emergent_per_ul[~emergent].any()
        for day in (-45, -10, 0):
            assert not blood(course, traits, day).endogenous[emergent].any()
        still = replace(course, waves=np.zeros_like(course.waves))
        one, late = (blood(still, traits, day).endogenous[emergent].sum(axis=1) for day in (1, 180))
        assert (0 < one).all()
        assert (one < late).all()
        # Half grown between days 10 and 60; what the curve had before day 0 is taken off.
        assert late == pytest.approx(course.emergent_per_ul[emergent], rel=0.08)


def test_lots_together_are_what_was_infused(subjects):
    for _, _, course in subjects:
        one, other = (product(course, lot).infused for lot in "AB")
        assert one.sum() == pytest.approx(1)
        assert 0.65 * one + 0.35 * other == pytest.approx(course.infused)
        # Two cultures of one tumour: alike, not the same.
        shared = np.corrcoef(np.log(one.sum(axis=1) + 1e-5), np.log(other.sum(axis=1) + 1e-5))[0, 1]
        assert 0.4 < shared < 0.97


def test_a_single_lot_is_what_was_infused():
    _, _, course = draw(3, {"only": 1.0})
    assert np.array_equal(product(course, "only").infused, course.infused)


def test_specimens_hold_what_they_can(subjects):
    for clones, traits, course in subjects:
        of_tumor = (clones["origin"] == "tumor").to_numpy()
        assert tumor(course).clones[of_tumor].min() > 0
        assert not tumor(course).clones[~of_tumor].any()
        assert not course.infused[~of_tumor].any()
        assert not tumor(course).infused.any()
        assert not product(course, "A").endogenous.any()
        assert tumor(course).naive == product(course, "A").naive == {"CD4": 0, "CD8": 0}
        for cells in (course.tumor, course.infused, course.memory, blood(course, traits, 28).infused):
            assert not cells[:, STATES.index("naive")].any()


def test_the_tumours_clones_are_in_blood_now_and_then_but_never_the_largest(subjects):
    for clones, _, course in subjects:
        own = (clones["origin"] == "tumor").to_numpy()
        assert 0.03 < (course.memory_share[own] > 0).mean() < 0.2
        largest = np.argsort(-course.memory_share)[:20]
        assert not own[largest].any()
        assert course.memory_share.sum() == pytest.approx(1)


def test_exhausted_clones_stay_behind_in_culture(subjects):
    for clones, _, course in subjects:
        reactive = clones["reactive"].to_numpy()[: SIZES.tumor]
        share, grown = (cells[: SIZES.tumor].sum(axis=1) for cells in (course.tumor, course.lots["A"]))
        exhausted = course.tumor[: SIZES.tumor, TERMINAL] / share
        assert exhausted[reactive].mean() > 0.35 > 0.1 > exhausted[~reactive].mean()
        kept = grown > 0
        assert np.corrcoef(exhausted[kept], np.log(grown[kept] / share[kept]))[0, 1] < -0.15


def test_few_cells_found_a_culture_so_that_small_clones_miss_it():
    sizes = Sizes(tumor=20_000, memory=200, emergent=0)
    clones = draw_clones(stream(1), sizes, public_chains(stream(1)))
    course = draw_course(stream(2), clones, sizes, draw_traits(stream(3)), {"A": 1.0})
    absent = course.infused.sum(axis=1)[:20_000] == 0
    assert absent[:200].mean() < 0.05
    assert 0.2 < absent[-5_000:].mean() < 0.9


def test_a_subject_with_more_stemness_has_a_more_stem_like_product():
    clones, traits, _ = draw(1)
    little, much = (
        draw_course(stream(1, "c"), clones, SIZES, replace(traits, stemness=stemness), LOTS).infused[:, STEM].sum()
        for stemness in (0.3, 3.0)
    )
    assert 0 < little < 0.5 * much < 0.4


def test_reactive_cells_are_counted_without_those_that_are_spent(subjects):
    clones, traits, course = subjects[1]
    reactive = clones["reactive"].to_numpy()
    counted = reactive_per_ul(course, traits, reactive, 61)
    assert counted.shape == (61,)
    for day in (0, 5, 60):
        assert counted[day] == pytest.approx(blood(course, traits, day).infused[reactive, :TERMINAL].sum())
