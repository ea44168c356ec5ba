from dataclasses import replace

import numpy as np
import pytest

from tilseq.flow.marked import InfusedShare, Lot, Marked, infused_share
from tilseq.simulate.design import Design
from tilseq.simulate.plan import samples_of
from tilseq.simulate.states import STATES
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import draw_subject
from tilseq.simulate.vbeta import KIT, KIT_CD3, Choice, carried, choose, marked_share, standing_out


@pytest.fixture(scope="module")
def subjects():
    design = Design(memory_clones=2_000)
    return {number: draw_subject(number, design) for number in (1, 2)}


def test_the_kit_knows_each_gene_once_and_most_t_cells(subjects):
    genes = [gene for known in KIT.values() for gene in known]
    assert (len(KIT), len(set(genes))) == (24, len(genes))
    used = [call.split("*")[0] for call in subjects[1].clones["trb_v_call"]]
    assert set(genes) - set(used) == {"TRBV6-3"}  # which gives the same protein as TRBV6-2
    # Kits of 22 to 24 antibodies cover 70 to 75 % of T cells, say their makers.
    assert 0.65 < np.mean([gene in genes for gene in used]) < 0.80


def test_what_is_common_in_the_product_and_rare_before_is_chosen():
    product, baseline = np.array([0.10, 0.09, 0.08, 0.02]), np.array([0.09, 0.02, 0.01, 0.02])
    # (0.17 - 0.03) / √0.20 = 0.313; with the last (0.19 - 0.05) / √0.24 = 0.286, with the first 0.15 / √0.39 = 0.240,
    # the third alone 0.07 / √0.09 = 0.233.
    assert standing_out(product, baseline) == (1, 2)
    # One by far the best: 0.5 / √0.5 = 0.707, with any other at most 0.52 / √0.54 = 0.708, if that is absent before.
    assert standing_out(np.array([0.5, 0.02]), np.array([0.0, 0.02])) == (0,)
    assert standing_out(np.array([0.5, 0.02]), np.array([0.0, 0.0])) == (0, 1)


def test_at_most_three_are_pooled_and_nothing_found_is_no_error():
    assert standing_out(np.full(6, 0.05), np.zeros(6)) == (0, 1, 2)
    assert len(standing_out(np.zeros(4), np.zeros(4))) == 1


@pytest.mark.parametrize("number", [1, 2])
def test_the_kit_counts_what_product_and_blood_hold(subjects, number):
    subject = subjects[number]
    found = choose(stream(3, "kit"), subject)
    blood, rows = subject.blood(-10), subject.clones.select("trb_v_call", "lineage").rows()
    lots = subject.course.lots
    for place, genes in enumerate(KIT.values()):
        carriers = [i for i, (call, _) in enumerate(rows) if call.split("*")[0] in genes]
        cd8 = [i for i in carriers if rows[i][1] == "CD8"]
        # Double-negative and double-positive T cells are 4 % beside the clones.
        infused = 0.96 * sum(
            cells / sum(subject.lots.values()) * sum(lots[lot][i].sum() for i in cd8)
            for lot, cells in subject.lots.items()
        )
        naive = blood.naive["CD8"] * len(carriers) / len(rows)
        before = (sum(blood.endogenous[i].sum() for i in cd8) + naive) / blood.t_cells
        for counted, truth in ((found.product[place], infused), (found.baseline[place], before)):
            assert counted == pytest.approx(truth, abs=5 * (truth / KIT_CD3) ** 0.5 + 1e-4)
    assert found.antibodies == tuple(list(KIT)[place] for place in standing_out(found.product, found.baseline))
    assert 1 <= len(found.antibodies) <= 3


def test_what_comes_after_the_infusion_takes_no_part_in_the_choice(subjects):
    subject = subjects[1]
    course = subject.course
    later = replace(
        course,
        pace=course.pace[:, ::-1],
        emergent_day=course.emergent_day + 5,
        emergent_per_ul=3 * course.emergent_per_ul,
    )
    other = replace(subject, course=later)
    assert not np.array_equal(other.blood(28).clones, subject.blood(28).clones)
    one, same = (choose(stream(3, "kit"), whose) for whose in (subject, other))
    assert one.antibodies == same.antibodies
    assert np.array_equal(one.product, same.product) and np.array_equal(one.baseline, same.baseline)


def test_genes_of_a_pool():
    assert Choice(np.zeros(24), np.zeros(24), ("Vb8", "Vb2")).genes == ("TRBV12-3", "TRBV12-4", "TRBV20-1")


def test_a_pool_marks_the_sum_of_its_v_betas(subjects):
    blood, clones = subjects[1].blood(28), subjects[1].clones
    parts = [marked_share(blood, clones, KIT[name]) for name in ("Vb2", "Vb8")]
    assert marked_share(blood, clones, [*KIT["Vb2"], *KIT["Vb8"]]) == pytest.approx(sum(parts))
    every = clones["trb_v_call"].str.split("*").list.first().unique().to_list()
    for name, (cells, marked) in carried(blood, clones, every).items():
        assert marked == pytest.approx(cells)
        of_lineage = (clones["lineage"] == name).to_numpy()
        assert cells.sum() == pytest.approx(blood.clones[of_lineage].sum() + blood.naive[name])
        assert cells[STATES.index("naive")] == pytest.approx(blood.naive[name])


def told(subject, design, seed) -> list[tuple[InfusedShare, float]]:
    """Return the infused share of each visit and its truth; 1,500 CD3+ events a tube, no errors of gates."""
    rng, genes = stream(seed, subject.name, "counts"), choose(stream(seed, subject.name, "kit"), subject).genes
    lots, blood = [], {}
    for sample in samples_of(design, subject):
        if sample.panel != "t_state":
            continue
        specimen = subject.specimen(sample.specimen, sample.day, sample.lot)
        counted = Marked(int(rng.binomial(1_500, marked_share(specimen, subject.clones, genes))), 1_500)
        if sample.specimen == "blood":
            blood[sample.visit] = counted, specimen.infused.sum() / specimen.clonal_t_cells
        else:
            lots.append(Lot(counted, subject.lots[sample.lot]))
    before, _ = blood.pop("baseline")
    return [
        (infused_share(lots, before, marked, upper_bound=True, seed=1, overdispersion=0.005), truth)
        for marked, truth in blood.values()
    ]


@pytest.mark.slow
def test_limits_by_the_chosen_v_betas_hold_the_true_infused_share():
    found = []
    for seed in range(201, 211):
        design = Design(seed=seed, memory_clones=5_000, visits=["baseline", "D28", "D84", "D180"])
        for number in range(1, 7):
            found += told(draw_subject(number, design), design, seed)
    numbers = [(share, truth) for share, truth in found if share.value is not None]
    assert len(numbers) > 0.8 * len(found) > 100
    # Visits of one subject go together: 90 % in place of 95.
    assert np.mean([share.lower <= truth <= share.upper for share, truth in numbers]) >= 0.90
    assert abs(np.median([share.value - truth for share, truth in numbers])) < 0.05
