from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tilseq.simulate import compartments
from tilseq.simulate.clones import BETA
from tilseq.simulate.compartments import Course
from tilseq.simulate.design import CloneInBaseline, Confounders, ConvergentClones, Design, PublicClone
from tilseq.simulate.subjects import Subject, draw_subject, name_of, number_of

DESIGN = Design(memory_clones=400, subjects=3)
TRB = [f"trb_{name}" for name in BETA]


@pytest.fixture(scope="module")
def plain():
    return {number: draw_subject(number, DESIGN) for number in (1, 2, 3)}


def confounded(number, design=DESIGN, **switched):
    return draw_subject(number, design.model_copy(update={"confounders": Confounders(**switched)}))


def same(one: Subject, other: Subject, *, besides=()):
    """Tell what of two subjects is the same; `memory` is told beside the rest of the course."""
    for name in ("name", "number", "tumor_type", "age", "sex", "lots", "traits", "seed"):
        assert getattr(one, name) == getattr(other, name)
    if "clones" not in besides:
        assert one.clones.equals(other.clones)
    for name in Course.__dataclass_fields__:
        if name not in besides and name != "lots":
            assert np.array_equal(getattr(one.course, name), getattr(other.course, name)), name
    assert all(np.array_equal(one.course.lots[lot], other.course.lots[lot]) for lot in one.lots)


def rescaled(one: Subject, other: Subject, places):
    """Return by what one factor the memory of all clones but some has changed."""
    rest = np.ones(one.clones.height, dtype=bool)
    rest[places] = False
    rest &= other.course.memory_share > 0
    ratio = one.course.memory[rest].sum(axis=1) / other.course.memory[rest].sum(axis=1)
    assert ratio == pytest.approx(ratio[0])
    return ratio[0]


def largest_infused(subject, rank):
    """Return the place of the infused clone of a rank from 0."""
    return int(np.argsort(-subject.course.infused.sum(axis=1), kind="stable")[rank])


def test_a_subject_depends_on_its_number_and_the_seed_alone(plain):
    other = Design(memory_clones=400, subjects=9, depth=7, cells=9, visits=["D7"], assays=["tcr"])
    same(draw_subject(2, other), plain[2])
    assert not draw_subject(2, Design(memory_clones=400, seed=2)).clones.equals(plain[2].clones)
    assert not plain[1].clones.equals(plain[2].clones)


def test_more_memory_makes_nobody_another_person(plain):
    more = draw_subject(2, Design(memory_clones=500))
    for name in ("name", "tumor_type", "age", "sex", "lots", "traits"):
        assert getattr(more, name) == getattr(plain[2], name)
    assert more.clones.height == plain[2].clones.height + 100


def test_people_are_such_as_trials_treat():
    people = [draw_subject(number, Design(memory_clones=200)) for number in range(1, 13)]
    assert [one.name for one in people[:2]] == ["SIM-01", "SIM-02"]
    types = ["melanoma", "cervical", "nsclc", "melanoma", "head_and_neck", "ovarian"]
    assert [one.tumor_type for one in people] == types * 2
    assert {one.sex for one in people if one.tumor_type in ("cervical", "ovarian")} == {"female"}
    assert {one.sex for one in people} == {"female", "male"}
    assert all(28 <= one.age < 72 for one in people)
    assert [len(one.lots) for one in people] == [1, 2, 1] * 4
    assert list(people[0].lots) == ["LOT-01"]
    assert list(people[4].lots) == ["LOT-05A", "LOT-05B"]
    assert people[4].lots["LOT-05A"] / sum(people[4].lots.values()) == pytest.approx(0.65)
    assert all(5e9 < sum(one.lots.values()) < 2e11 for one in people)
    # They enter 15 days after one another, ten of them before the pattern comes again.
    cuts = [one.fate.data_cut_day for one in people]
    assert [one - other for one, other in pairwise(cuts[:10])] == [15] * 9
    assert cuts[10] == cuts[0] == 400


def test_names_are_numbers():
    assert [name_of(number) for number in (1, 42, 123)] == ["SIM-01", "SIM-42", "SIM-123"]
    assert all(number_of(name_of(number)) == number for number in (1, 42, 123))


def test_origins_by_hand(plain):
    def shares(*held):
        cells = np.zeros((8, 6))
        cells[list(held), 3] = 1 / len(held)
        return cells

    course = replace(
        plain[1].course,
        tumor=shares(0, 1, 2, 3, 4),
        infused=shares(0, 1),
        memory=shares(1, 3, 5),
        emergent_per_ul=np.array([0, 0, 0, 0, 0, 0, 0.5, 0]),
    )
    assert replace(plain[1], course=course).origin == [
        "infused_only",
        "infused_and_preexisting",
        "tumor_resident",
        "preexisting_only",
        "tumor_resident",
        "preexisting_only",
        "emergent",
        "absent",
    ]


def test_a_whole_subject_has_clones_of_every_origin(plain):
    assert set(plain[1].origin) == {
        *("infused_only", "infused_and_preexisting", "preexisting_only", "emergent", "tumor_resident"),
    }


def test_specimens_are_those_of_the_compartments(plain):
    one = plain[2]
    assert np.array_equal(one.specimen("tumor", -45).endogenous, one.course.tumor)
    first, second = (one.specimen("infusion_product", -1, lot).infused for lot in ("LOT-02A", "LOT-02B"))
    assert np.array_equal(first, one.course.lots["LOT-02A"])
    assert np.array_equal(second, one.course.lots["LOT-02B"])
    assert np.array_equal(one.specimen("infusion_product", -1).infused, first)
    blood = compartments.blood(one.course, one.traits, 14)
    for kind in ("blood", "plasma"):
        assert np.array_equal(one.specimen(kind, 14).clones, blood.clones)
    assert one.blood(0).infused.any()


def test_the_tumour_is_killed_by_the_reactive_cells_in_blood(plain):
    one = plain[1]
    reactive = one.clones["reactive"].to_numpy()
    assert len(one.reactive_per_ul) == 401
    assert one.reactive_per_ul[14] == pytest.approx(one.blood(14).infused[reactive, :-1].sum())
    assert one.disease.last_day == 400
    assert one.laboratory.at("lymphocytes", 28) == pytest.approx(one.blood(28).lymphocytes / 1000)


def test_white_cells_are_those_that_flow_counts(plain):
    one = plain[1]
    for day in (-10, 0, 28):
        blood = one.blood(day)
        others = (blood.lymphocytes + blood.other["monocyte"]) / 1000
        assert one.laboratory.at("WBC", day) == pytest.approx(one.laboratory.at("ANC", day) + others)


def test_planted_clones_are_of_the_states_of_their_lineage(plain):
    made = confounded(1, convergent_clones=ConvergentClones(subject="SIM-01", clones=50, share=1e-3))
    twins = made.clones.filter(pl.col("convergent_with").is_not_null())
    usual = {"CD4": (0, 0.12, 0.50, 0.33, 0.03, 0.02), "CD8": (0, 0.08, 0.27, 0.58, 0.04, 0.03)}
    assert set(twins["lineage"]) == set(usual)
    for clone, lineage in twins.select("clone", "lineage").iter_rows():
        assert made.course.memory[clone - 1] == pytest.approx(1e-3 * np.array(usual[lineage]))


def test_a_clone_in_baseline_is_the_largest_infused_one(plain):
    made = confounded(2, clone_in_baseline=CloneInBaseline(subject="SIM-02", share=0.05))
    same(made, plain[2], besides=("memory",))
    place = largest_infused(plain[2], 0)
    assert plain[2].course.memory_share[place] < 0.01
    assert made.course.memory_share[place] == pytest.approx(0.05)
    assert made.course.memory_share.sum() == pytest.approx(1)
    assert rescaled(made, plain[2], [place]) < 1
    assert made.origin[place] == "infused_and_preexisting"
    assert [one for i, one in enumerate(made.origin) if i != place] == [
        one for i, one in enumerate(plain[2].origin) if i != place
    ]
    same(confounded(1, clone_in_baseline=CloneInBaseline(subject="SIM-02")), plain[1])


def test_twins_have_the_same_amino_acids_from_other_nucleotides(plain):
    made = confounded(1, convergent_clones=ConvergentClones(subject="SIM-01", clones=7, share=2e-3))
    same(made, plain[1], besides=("clones", "memory"))
    twins = made.clones.filter(pl.col("convergent_with").is_not_null())
    places = [clone - 1 for clone in twins["clone"]]
    assert sorted(twins["convergent_with"]) == sorted(largest_infused(plain[1], rank) + 1 for rank in range(7))
    originals = plain[1].clones[[clone - 1 for clone in twins["convergent_with"]]]
    for name in ("trb_v_call", "trb_d_call", "trb_j_call", "trb_junction_aa", "lineage"):
        assert twins[name].to_list() == originals[name].to_list()
    assert (twins["trb_junction"] != originals["trb_junction"]).all()
    assert made.clones["trb_junction"].n_unique() == made.clones.height
    assert set(twins["origin"]) == {"memory"}
    assert not twins["public"].any()
    assert made.course.memory_share[places] == pytest.approx(2e-3)
    assert made.course.memory_share.sum() == pytest.approx(1)
    rescaled(made, plain[1], places)
    assert made.clones.filter(pl.col("convergent_with").is_null()).equals(
        plain[1].clones.filter(~pl.col("clone").is_in(twins["clone"].implode()))
    )
    same(confounded(3, convergent_clones=ConvergentClones(subject="SIM-01")), plain[3])


def test_as_many_twins_as_may_be_leave_room_for_the_rest(plain):
    made = confounded(1, convergent_clones=ConvergentClones(subject="SIM-01", clones=50, share=0.01))
    assert made.course.memory.min() >= 0
    assert made.course.memory_share.sum() == pytest.approx(1)


def test_a_public_clone_is_in_blood_of_all_other_subjects(plain):
    switched = {"public_clone": PublicClone(subject="SIM-01", share=3e-3)}
    owner = confounded(1, **switched)
    place = largest_infused(plain[1], 2)
    same(owner, plain[1], besides=("clones",))
    changed = owner.clones["public"] != plain[1].clones["public"]
    assert changed.arg_true().to_list() == [place]
    assert owner.clones.drop("public").equals(plain[1].clones.drop("public"))
    for number in (2, 3):
        made = confounded(number, **switched)
        same(made, plain[number], besides=("clones", "memory"))
        carried = made.clones.join(plain[1].clones[[place]].select(TRB), on=TRB, nulls_equal=True)
        assert carried.select("origin", "public").rows() == [("memory", True)]
        at = carried["clone"].item() - 1
        assert made.course.memory_share[at] == pytest.approx(3e-3)
        assert made.course.memory_share.sum() == pytest.approx(1)
        rescaled(made, plain[number], [at])
        assert made.origin[at] == "preexisting_only"
        others = pl.col("clone") != at + 1
        assert made.clones.filter(others).equals(plain[number].clones.filter(others))


def test_the_public_clone_is_the_same_whatever_else_went_wrong(plain):
    every = {
        "public_clone": PublicClone(subject="SIM-01"),
        "convergent_clones": ConvergentClones(subject="SIM-01"),
        "clone_in_baseline": CloneInBaseline(subject="SIM-01"),
    }
    shared = plain[1].clones[[largest_infused(plain[1], 2)]]["trb_junction"].item()
    assert confounded(1, **every).clones.filter(trb_junction=shared)["origin"].to_list() == ["tumor"]
    assert confounded(2, **every).clones.filter(trb_junction=shared)["origin"].to_list() == ["memory"]
    both = confounded(2, **every | {"convergent_clones": ConvergentClones(subject="SIM-02", clones=50)})
    twins = both.clones.filter(pl.col("convergent_with").is_not_null())
    originals = both.clones[[clone - 1 for clone in twins["convergent_with"]]]
    assert twins.height == 50
    assert twins["trb_junction_aa"].to_list() == originals["trb_junction_aa"].to_list()
    assert both.clones.filter(trb_junction=shared).height == 1
