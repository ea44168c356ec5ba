import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gennorm

from tilseq.repertoire.missed_clones import (
    OF_TEMPLATES,
    Missed,
    _Model,
    _Sizes,
    _TailedSizes,
    count_chances,
    kept_below_one,
    law_costs,
    missed,
    on_grid,
    smoothed,
)

# tests/oracles/cell_labels.R: mean, u, law, chances of 0, 1, 2, 7 and 40
COUNTED = [
    (0.5, 0.5, "poisson", (0.674712003736, 0.204616758371, 0.0821807739535, 0.000157801039776, 1.60119588171e-28)),
    (0.5, 10, "poisson", (0.951231583791, 2.1592923546e-05, 0.000107964862809, 0.00428492293228, 3.24994155209e-07)),
    (4, 0.5, "poisson", (0.0429484498874, 0.104198206575, 0.152448365594, 0.0628372678497, 2.18656766646e-15)),
    (4, 10, "poisson", (0.670332219139, 0.000121732142666, 0.000608671766591, 0.0241808384611, 0.000147429285506)),
    (0.5, 0.5, "umis", (0.671034344306, 0.212941299101, 0.0779330107804, 0.000213567685487, 9.52637425484e-25)),
    (0.5, 10, "umis", (0.926121484511, 0.00878233534664, 0.00862208366895, 0.00468796020286, 1.03737171505e-05)),
    (4, 0.5, "umis", (0.0411109949411, 0.10436698204, 0.154113380871, 0.0621725837012, 1.33117983587e-14)),
    (4, 10, "umis", (0.541182412026, 0.0410559133384, 0.0416694188989, 0.0278488303457, 0.0002956023364)),
    (0.5, 10, "reads", (0.914305889281, 0.0169536326162, 0.012562279475, 0.00432888024401, 1.76702256193e-05)),
    (4, 10, "reads", (0.488351063057, 0.0724424909243, 0.0583797968855, 0.0274844054291, 0.000347002268643)),
    (0.5, 0.3, "twice", (0.65376978513, 0.228819424795, 0.0890761332239, 3.1457640656e-05, 1.09683761384e-39)),
    (4, 0.3, "twice", (0.0333732699603, 0.0934451558889, 0.150847180221, 0.062995225372, 6.27408771313e-19)),
]
# mean at a growth of 1, chances of 0, 1, 4 and 12 cells where the logarithm of growth has the scale 0.6
GROWN = {
    0.1: (0.872027318159, 0.106203957047, 0.00122509236262, 0.000110939327635),
    2.0: (0.194819832644, 0.224930102878, 0.0845762604039, 0.00406305127924),
}
# cells, their chance where the logarithm of the mean before growth is normal (0.8, 1.4), the scale of growth 0.8
GROWN_LARGE = {
    10: 0.0157107086718,
    60: 0.000646314911668,
    400: 1.27389406445e-05,
    3_000: 3.03794955013e-07,
    20_000: 1.52701564653e-08,
}
CUT_OFF = {
    0.05: 0.0500016729308,
    0.5: 0.5,
    1: 0.800583143353,
    1.6: 0.824963004335,
    10: 0.621436520872,
    1000: 0.501332660276,
}


@pytest.mark.parametrize(("mean", "each", "law", "expected"), COUNTED)
def test_counts_of_cells_counted_several_times_as_r(mean, each, law, expected):
    chances, none = count_chances(np.array([1, 2, 7, 40]), np.array([float(mean)]), each, law)
    assert [none[0], *chances[:, 0]] == pytest.approx(expected, rel=1e-8)


def test_counts_of_cells_counted_once_are_poisson():
    chances, none = count_chances(np.array([1, 3]), np.array([2.0]), 0, "twice")
    assert [none[0], *chances[:, 0]] == pytest.approx([np.exp(-2), 2 * np.exp(-2), 8 / 6 * np.exp(-2)])


@pytest.mark.parametrize("law", ["poisson", "umis", "reads", "twice"])
def test_large_counts_keep_mean_and_variance(law):
    counts = np.arange(1, 3000)
    chances, none = count_chances(counts, np.array([200.0]), 0.5, law)
    share = chances[:, 0]
    assert share.sum() + none[0] == pytest.approx(1, abs=1e-6)
    assert share @ counts == pytest.approx(200, rel=1e-4)
    assert share @ counts**2 - 200**2 == pytest.approx(300, rel=1e-3)


@pytest.mark.parametrize("offset", [0, 0.07, 0.15])
def test_large_counts_sum_to_their_integral_wherever_the_grid_lies(offset):
    grid = np.arange(0, 14, 0.3) + offset
    for repeats in (0, 1):  # the integral of a Poisson chance over the logarithm of its mean is 1 / count
        assert on_grid(np.array([120, 5_000, 300_000]), grid, repeats).sum(axis=1) * 0.3 == pytest.approx(
            [1 / 120, 1 / 5_000, 1 / 300_000]
        )
    fine = np.linspace(np.log(100), np.log(160), 4_001)
    poisson, _ = count_chances(np.array([127]), np.exp(fine), 0, "twice")
    normal = on_grid(np.array([127]), fine, 0)
    assert normal[0] @ fine / normal.sum() == pytest.approx(poisson[0] @ fine / poisson.sum(), abs=0.005)
    assert normal.max() == pytest.approx(poisson.max(), rel=0.02)


def test_cells_of_grown_clones_as_r():
    model = _Model(np.ones(30, int), np.arange(1, 31), 0.0, "umis")
    model.log_expected = np.log(list(GROWN))
    chances = model.of_cells(np.array([0, 0, 0, np.log(0.6), np.log(3)]), np.array([0, 1, 4, 12]))
    for found, expected in zip(chances.T, GROWN.values(), strict=True):
        assert found == pytest.approx(expected, rel=0.01, abs=5e-4)


def test_large_clones_after_growth_as_r():
    model = _Model(np.ones(30, int), np.arange(1, 31) * 1_000, 0.0, "umis")
    parameters = np.array([0.3, np.log(1.4), 0.5, np.log(0.8), np.log(3)])
    chances = model.of_cells(parameters, np.array(list(GROWN_LARGE))) @ model.weight(parameters)
    assert chances == pytest.approx(list(GROWN_LARGE.values()), rel=0.08)


def test_a_share_near_one_as_r():
    assert kept_below_one(np.array(list(CUT_OFF))) == pytest.approx(list(CUT_OFF.values()), rel=1e-8)
    beyond = kept_below_one(np.array([1e6, 1e9, 1e15, 1e300]))  # nothing is known: all shares are as likely
    assert beyond == pytest.approx([0.5] * 4, abs=0.002)


def test_smoothing_keeps_the_number_of_clones():
    cells, clones = np.array([1, 2, 3, 10]), np.array([900, 80, 12, 1])
    found = smoothed(cells, clones)
    assert found[0] == pytest.approx(900, rel=0.02)
    assert found[0] > found[1] > found[2] > found[3] > 0


@pytest.mark.parametrize("size", [60, 100, 180, 500, 1_300, 5_000, 20_000, 100_000])
def test_a_lone_large_clone_is_about_one_in_its_neighbourhood(size):
    found = smoothed(np.array([1, 2, 3, 10, size]), np.array([900, 80, 12, 1, 1]))
    assert 0.7 < found[-1] * size < 1.5  # clones by unit of the logarithm
    assert found[0] == pytest.approx(900, rel=0.02)


def test_clones_that_grew_far_beyond_the_others_are_told_too():
    stated, true = np.zeros(3), np.zeros(3)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        product = rng.lognormal(0, 1.7, 3_000)
        grown = product * np.exp(0.8 * rng.standard_t(3, 3_000).clip(-10, 10))
        others = np.arange(3, 12_003) ** -1.1
        cells = rng.multinomial(20_000, np.append(0.2 * grown / grown.sum(), 0.8 * others / others.sum()))
        counts = np.append(rng.multinomial(4_000, product / product.sum()), np.zeros(12_000, int))
        here = (cells > 0) | (counts > 0)
        found = missed(cells[here], counts[here], 4_000)
        lost = np.flatnonzero(here & (counts == 0))
        chance = found.chance[np.searchsorted(found.cells, cells[lost])]
        place = np.digitize(cells[lost], [5, 50])
        stated += np.bincount(place, chance, 3)
        true += np.bincount(place, lost < 3_000, 3)
    assert stated[:2] == pytest.approx(true[:2], rel=0.2)
    # of 50 cells and more 19 were missed; 80 would be told with growth cut off at six scales
    assert stated[2] == pytest.approx(true[2], rel=0.5)


def sample(rng, counted, *, depth, infused):
    """Return cells, counts and truth of clones: sizes of a power law with scatter, growth by a gamma of shape 1.5."""
    product = np.arange(1, 2_501) ** -0.9 * rng.lognormal(0, 1.2, 2_500)
    product /= product.sum()
    others = np.arange(10, 12_010) ** -0.9
    grown = product * rng.gamma(1.5, size=2_500)
    shares = np.concatenate([infused * grown / grown.sum(), (1 - infused) * others / others.sum()])
    cells = rng.multinomial(1_500, shares)
    counts = counted(rng, rng.multinomial(depth, np.concatenate([product, np.zeros(12_000)])))
    here = (cells > 0) | (counts > 0)
    return cells[here], counts[here], (np.arange(14_500) < 2_500)[here]


def unequally(rng, drawn):
    """Count half a UMI of each cell, cells yielding as a gamma of CV² 0.7."""
    return rng.poisson(rng.gamma(drawn / 0.7, 0.7 * 0.5))


def some_twice(rng, drawn):
    """Miss 15 % of templates and count as many twice."""
    twice = rng.binomial(drawn, 0.15)
    return drawn - rng.binomial(drawn - twice, 0.15 / 0.85) + twice


# how a drawn cell or template is counted, of what that is a count, how many are drawn, counts beside effective cells
DRAWN = [
    (lambda _, drawn: drawn, "cells", 500, 1),
    (lambda _, drawn: drawn, "cells", 3_000, 1),
    (lambda _, drawn: drawn, "cells", 20_000, 1),
    (unequally, "umis", 4_000, 1 + 0.5 * 1.7),
    (lambda _, drawn: drawn, "templates", 2_000, 1.3),
    (some_twice, "templates", 2_000, 1.3),
    (lambda rng, drawn: rng.poisson(drawn), "templates", 2_000, 1.3),
]


@pytest.mark.parametrize(("counted", "count_of", "depth", "times"), DRAWN)
def test_chances_are_those_that_come_true(counted, count_of, depth, times):
    stated, true = [], []
    for seed in range(6):
        rng = np.random.default_rng([depth, seed])
        cells, counts, infused = sample(rng, counted, depth=depth, infused=(0.15, 0.4, 0.7)[seed % 3])
        found = missed(cells, counts, counts.sum() / times, count_of=count_of)
        chance = dict(zip(found.cells.tolist(), found.chance.tolist(), strict=True))
        for x, was_infused in zip(cells[counts == 0].tolist(), infused[counts == 0], strict=True):
            stated += [chance[x]] * x
            true += [was_infused] * x
    place = np.minimum((np.array(stated) * 10).astype(int), 9)
    of_bin = [place == one for one in np.unique(place)]
    off = [abs(np.array(stated)[here].mean() - np.array(true)[here].mean()) for here in of_bin]
    cells_of_bin = [here.sum() for here in of_bin]
    assert np.average(off, weights=cells_of_bin) < 0.05


def test_counts_of_a_library_are_as_likely_as_r():
    counts = np.array([1] * 40 + [2] * 15 + [3] * 8 + [4, 4, 5, 6, 9, 14, 30])
    once, often = (_Sizes(counts, u, law).cost(np.array([0.3, np.log(1.4)])) for law, u in list(OF_TEMPLATES)[::9])
    assert once == pytest.approx(116.141669846, abs=0.05)  # the grid's ends are half steps of it wider
    assert often - once == pytest.approx(127.702336044 - 116.141669846, abs=0.01)


COUNTED = [
    (lambda _, drawn: drawn, ("twice", 0.0)),
    (some_twice, ("twice", 0.3)),
    (lambda rng, drawn: rng.poisson(drawn), ("poisson", 1.0)),
]


@pytest.mark.parametrize(("counted", "law"), COUNTED)
def test_libraries_of_several_products_tell_together_how_templates_are_counted(counted, law):
    libraries = []
    for seed in range(16):
        rng = np.random.default_rng([16, seed])
        sizes = rng.lognormal(0, 1.7, 2_500)
        counts = counted(rng, rng.multinomial(2_000, sizes / sizes.sum()))
        libraries.append(counts[counts > 0])
    together = law_costs(libraries)
    assert min(together, key=together.get) == law
    apart = [law_costs([one]) for one in libraries]
    assert together == pytest.approx({law: sum(costs[law] for costs in apart) for law in OF_TEMPLATES}, abs=0.05)
    assert law_costs([libraries[0][:19]]) == OF_TEMPLATES
    assert law_costs([[2] * 60 + [4] * 40]) == OF_TEMPLATES  # cut off below a count of 2


def test_tails_of_sizes_are_those_of_a_generalised_normal():
    sizes = _TailedSizes(np.arange(1, 31), 0.0, "twice")
    found = sizes.weight(np.array([0.3, np.log(1.4), np.log(0.7)]))
    expected = gennorm.pdf(sizes.log_expected, 1.4, 0.3, 1.4 * 2 ** (1 / 1.4))
    assert found == pytest.approx(expected / expected.sum(), rel=1e-9)


def test_sizes_with_heavy_tails_do_not_tell_a_wrong_law():
    """By log-normal sizes e^4 are against the law by which these were counted, and the more the more libraries."""
    rng = np.random.default_rng(3)
    libraries = []
    for _ in range(6):
        templates = rng.poisson(np.exp(-0.5 + 1.8 * gennorm.rvs(1.3, size=2_500, random_state=rng)))
        once = rng.binomial(templates, 0.7)
        counts = once + 2 * rng.binomial(templates - once, 0.5)
        libraries.append(counts[counts > 0])
    costs = law_costs(libraries)
    assert costs["twice", 0.3] - min(costs.values()) < 1.5


def test_laws_that_others_put_out_of_question_have_no_part():
    rng = np.random.default_rng(4)
    sizes = rng.lognormal(0, 1.7, 1_000)
    counts, cells = rng.multinomial(1_000, sizes / sizes.sum()), rng.multinomial(800, sizes / sizes.sum())
    here = (counts > 0) | (cells > 0)

    def chances(against):
        laws = {law: 0.0 if law == ("twice", 0.15) else against for law in OF_TEMPLATES}
        return missed(cells[here], counts[here], 1_000, count_of="templates", of_templates=laws).chance

    assert chances(29.0) == pytest.approx(chances(31.0), rel=1e-3)


def test_what_other_libraries_tell_decides_between_laws():
    rng = np.random.default_rng(4)
    cells, counts, _ = sample(rng, some_twice, depth=2_000, infused=0.4)
    alone = missed(cells, counts, counts.sum() / 1.3, count_of="templates").chance
    low, high, known = (
        missed(cells, counts, counts.sum() / 1.3, count_of="templates", of_templates=laws).chance
        for laws in (
            {law: 1e6 * (law != ("twice", 0.0)) for law in OF_TEMPLATES},
            {law: 1e6 * (law != ("poisson", 1.0)) for law in OF_TEMPLATES},
            {("poisson", 1.0): 0.0},
        )
    )
    assert known.tolist() == high.tolist()
    assert (low < alone)[:4].all() and (alone < high)[:4].all()  # of one cell to four: most of those missed
    cells_counted = missed(cells, counts, counts.sum(), count_of="cells")
    assert low == pytest.approx(cells_counted.chance, rel=0.01)  # each template counted once is a cell
    told = missed(cells, counts, counts.sum(), count_of="cells", of_templates={("poisson", 1.0): 0.0})
    assert told.chance.tolist() == cells_counted.chance.tolist()


def test_barcodes_of_two_cells_make_no_count_less_sure():
    rng = np.random.default_rng(1)
    cells, counts, _ = sample(rng, lambda _, drawn: drawn, depth=2_000, infused=0.4)
    alone, doubled = (missed(cells, counts, counts.sum() / by, count_of="cells") for by in (1, 1.1))
    assert doubled.chance.tolist() == alone.chance.tolist()


def test_the_other_chain_of_a_missed_clone_by_hand():
    found = Missed(np.array([1]), np.array([0.5]), np.array([0.5, 2.0]), np.array([[0.25, 0.75]]))
    # 1 - exp(-1) / 4 - exp(-4) 3 / 4: half a count or two are expected of it, here in a library of twice as many
    assert found.shown(2) == pytest.approx([0.8942934], abs=1e-7)


def test_another_library_shows_as_many_of_the_missed_clones_as_told():
    told = shown = 0.0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        product = rng.lognormal(0, 1.7, 2_500)
        product /= product.sum()
        grown = product * rng.gamma(1.5, size=2_500)
        cells = rng.multinomial(1_500, grown / grown.sum())
        counts, further = (rng.multinomial(number, product) for number in (2_000, 4_000))
        here = (cells > 0) | (counts > 0)
        found = missed(cells[here], counts[here], 2_000)
        lost = (cells > 0) & (counts == 0)
        told += found.shown(2)[np.searchsorted(found.cells, cells[lost])].sum()
        shown += (further[lost] > 0).sum()
    assert shown == pytest.approx(told, rel=0.06)


def test_little_is_not_enough():
    few = np.arange(1, 20)
    assert missed(np.zeros(19), few, few.sum()) is None
    counts = np.arange(1, 40)
    nothing_missed = missed(np.ones(39), counts, counts.sum())
    assert len(nothing_missed.cells) == len(nothing_missed.chance) == 0


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from([("cells", 1.0), ("umis", 1.5), ("reads", 8.0), ("templates", 1.3)]))
def test_a_chance_is_neither_nothing_nor_certain(seed, counted):
    count_of, times = counted
    rng = np.random.default_rng(seed)
    cells = rng.poisson(rng.gamma(0.5, 2, 400))
    counts = rng.poisson(rng.gamma(0.3, 10, 400))
    here = (cells > 0) | (counts > 0)
    found = missed(cells[here], counts[here], counts.sum() / times, count_of=count_of)
    assert ((found.chance > 0) & (found.chance < 1)).all()
    assert found.cells.tolist() == sorted(set(cells[here & (counts == 0)]))
