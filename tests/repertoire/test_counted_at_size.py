"""Cells counted several times, beside vegan's and iNEXT's values and the cells of known repertoires."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom

from tilseq.repertoire.counted_at_size import coverage_of_counted, hill_of_counted
from tilseq.repertoire.diversity import measured
from tilseq.repertoire.observed import ROUGH, SELDOM, TOO_MANY, UNTOLD, Observed
from tilseq.repertoire.spectrum import Spectrum, spectrum

X = [10, 5, 3, 1, 1, 1, 2]
Y = [45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1]
V = (3000 // np.arange(1, 401)).tolist()
NOWHERE = np.empty(0, dtype=np.int64)


def at(counts, effective, size, q):
    return hill_of_counted(spectrum(np.array(counts)), effective, NOWHERE, size, q).value


def covered(counts, effective, size):
    return coverage_of_counted(spectrum(np.array(counts)), effective, NOWHERE, size).value


@pytest.mark.parametrize(
    ("counts", "reads", "size", "richness"),
    [  # vegan's rarefy, tests/oracles/diversity.R
        (X, 10, 7, 4.796058968626),
        (X, 11, 8, 5.02609464838566),
        (Y, 10, 9, 4.68516013963343),
        (Y, 50, 39, 9.04096064912545),
    ],
)
def test_counts_stand_for_the_cells_that_they_are_of(counts, reads, size, richness):
    # of so many cells as that so many counts are of `size` of them: an urn of C cells, `reads` draws
    cells = brentq(lambda c: c * (1 - (1 - 1 / c) ** reads) - size, size + 1e-6, 1e4)
    effective = 1 / (1 / cells + 1 / sum(counts))
    assert at(counts, effective, size, 0) == pytest.approx(richness, rel=1e-9)
    # the next count is of a new clone as often as among all counts but one more; of a new cell with 1 - size / cells
    of_all = [np.prod([1 - x / (sum(counts) - j) for j in range(reads)]) for x in counts]
    new_clone = sum(none * x / (sum(counts) - reads) for none, x in zip(of_all, counts, strict=True))
    assert covered(counts, effective, size) == pytest.approx(1 - new_clone / (1 - size / cells), rel=1e-9)


@pytest.mark.parametrize("size", [1, 1951, 9759])
def test_cells_hardly_counted_twice_are_cells(size):
    # iNEXT's, as in test_rarefaction: 1 cell, 1,951 and 9,759 of them
    expected = {1: (1, 1, 1, 1 / 25.82295573557835), 1951: (313.696655, 87.900588, 25.498533, 0.9454849)}
    expected[9759] = (399.5303834, 96.5636178, 25.7574092, 0.9996155)
    n = sum(V)
    found = [at(V, n - 1.0, size, q) for q in (0, 1, 2)] + [covered(V, n - 1.0, size)]
    assert found == pytest.approx(expected[size], rel=2e-5)


def entropy(share, cells):
    """The mean entropy of so many cells: a binomial sum for each clone."""
    y = np.arange(1, cells + 1)
    return -float(sum(binom.pmf(y, cells, p) @ (y / cells * np.log(y / cells)) for p in share))


@pytest.mark.parametrize(("cells", "counts"), [(800, 400), (800, 1_600), (400, 20_000)])
@pytest.mark.parametrize("law", ["power", "geometric"])
def test_cells_counted_several_times_show_what_cells_do(law, cells, counts):
    share = np.arange(1, 3_001) ** -0.8 if law == "power" else 0.9 ** np.arange(60)
    share = share / share.sum()
    random, effective = np.random.default_rng(12), 1 / (1 / cells + 1 / counts)
    sizes = (20, int(effective) // 2, int(effective))
    found = []
    for _ in range(400):
        drawn = random.multinomial(counts, random.multinomial(cells, share) / cells)
        seen = spectrum(drawn[drawn > 0])
        of_sizes = []
        for size in sizes:
            hill = [hill_of_counted(seen, effective, NOWHERE, size, q).value for q in (0, 1, 2)]
            reached = coverage_of_counted(seen, effective, NOWHERE, size).value
            of_sizes += [hill[0], np.log(hill[1]), 1 / hill[2], reached]
        found.append(of_sizes)
    expected = []
    for size in sizes:
        missed = (1 - share) ** size
        pairs = share @ share
        expected += [(1 - missed).sum(), entropy(share, size), 1 / size + (1 - 1 / size) * pairs, 1 - share @ missed]
    error = np.std(found, axis=0) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - expected) < 4 * error + 2e-3 * np.abs(expected)).all()


@pytest.mark.parametrize("true", [0.35, 0.7, 1.4])
def test_limits_of_the_coverage_hold_where_cells_yield_half_or_twice_as_unequally_as_is_assumed(true):
    share = 1 / np.arange(1, 20_001)
    share, cells, held = share / share.sum(), 5_000, []
    for run in range(60):
        random = np.random.default_rng([15, run])
        clone = random.choice(len(share), cells, p=share)
        drawn = np.bincount(clone, random.poisson(random.gamma(1 / true, 0.4 * true, cells)), len(share)).astype(int)
        effective = 1 / (1.7 / cells + 1 / drawn.sum())
        lower, upper = measured(spectrum(drawn[drawn > 0]), effective, "drawn", 0.7)["coverage"][1]
        held.append(lower <= share[drawn > 0].sum() <= upper)
    assert np.mean(held) >= 0.9  # of 120 other samples 94, 100 and 96 %


@pytest.mark.parametrize("yields", [0, 0.7, 1.4])
@pytest.mark.parametrize("law", ["power", "geometric"])
def test_clones_seen_cover_what_they_hold_of_the_repertoire(law, yields):
    share = np.arange(1, 3_001) ** -0.8 if law == "power" else 0.9 ** np.arange(60)
    share = share / share.sum()
    random, cells, counts = np.random.default_rng(14), 4_000, 1_500
    off = []
    for _ in range(200):
        clone = random.choice(len(share), cells, p=share)
        of_cell = random.gamma(1 / yields, yields, cells) if yields else np.ones(cells)
        drawn = np.bincount(clone, random.multinomial(counts, of_cell / of_cell.sum()), len(share)).astype(int)
        effective = 1 / ((1 + yields) / cells + 1 / counts)
        seen = Observed(spectrum(drawn[drawn > 0]), effective, "drawn", yields)
        off.append(seen.coverage_of_seen(NOWHERE)[0].value - share[drawn > 0].sum())
    assert abs(np.mean(off)) < 4 * np.std(off) / np.sqrt(len(off)) + 1e-3


@pytest.mark.parametrize(("doubled", "reads"), [(0, 7), (4, 7), (8, 20), (8, 24)])
def test_templates_counted_twice_stand_for_the_templates_that_they_are_of(doubled, reads):
    # an urn of 24 counts: `doubled` templates are there twice, so that of a draw of counts as many are of one already
    # drawn as hold pairs of them; vegan's rarefy counts the clones of so many counts, written out
    counts = [10, 5, 3, 1, 1, 1, 2, 1]
    templates = reads - doubled * (reads / 24) * ((reads - 1) / 23)
    effective = 1 / (1 / 24 + doubled / (24 * 23 / 2))
    seen = sum(1 - np.prod([max(0, 1 - x / (24 - j)) for j in range(reads)]) for x in counts)
    found = hill_of_counted(spectrum(np.array(counts)), effective, NOWHERE, templates, 0, True).value
    assert found == pytest.approx(min(seen, templates), rel=1e-9)


@pytest.mark.parametrize("variance", [0.1, 0.3, 0.8])
@pytest.mark.parametrize("law", ["power", "geometric"])
def test_templates_counted_twice_show_what_cells_do(law, variance):
    share = np.arange(1, 3_001) ** -0.8 if law == "power" else 0.9 ** np.arange(60)
    share = share / share.sum()
    random, cells = np.random.default_rng(13), 800
    sizes = (20, 300, int(0.9 * cells / (1 + variance)))
    found, covered_by_seen = [], []
    for _ in range(400):
        clone = random.choice(len(share), cells, p=share)
        times = random.choice(3, cells, p=[variance / 2, 1 - variance, variance / 2])
        counts = np.bincount(clone, times, len(share)).astype(int)
        seen = Observed(spectrum(counts[counts > 0]), counts.sum() / (1 + variance), "twice")
        of_sizes = []
        for size in sizes:
            hill = [seen.hill(NOWHERE, size, q).value for q in (0, 1, 2)]
            of_sizes += [hill[0], np.log(hill[1]), 1 / hill[2], seen.coverage(NOWHERE, size).value]
        found.append([*of_sizes, seen.coverage_of_seen(NOWHERE)[0].value])
        covered_by_seen.append(share[counts > 0].sum())
    expected = []
    for size in sizes:
        missed, pairs = (1 - share) ** size, share @ share
        expected += [(1 - missed).sum(), entropy(share, size), 1 / size + (1 - 1 / size) * pairs, 1 - share @ missed]
    expected.append(np.mean(covered_by_seen))
    error = np.std(found, axis=0) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - expected) < 4 * error + 4e-3 * np.abs(expected)).all()


def test_one_clone_is_one_clone_and_no_more_clones_than_cells():
    for q in (0, 1, 2):
        assert at([4_000], 900.0, 500, q) == pytest.approx(1, abs=1e-5)
        # no two counts of one clone: there are more cells than were told
        assert at([1] * 60, 30.0, 20, q) == pytest.approx(20, rel=1e-12)
    assert covered([4_000], 900.0, 500) == pytest.approx(1, abs=1e-9)
    assert covered([1] * 60, 30.0, 20) == 0


@pytest.mark.parametrize(("cells", "n"), [(2.5, 3), (100.0, 10**12), (2.0, 10**6), (1e6, 10**6 + 1), (5e5, 10**6)])
def test_all_that_is_in_reach_has_values(cells, n):
    seen = Observed(spectrum(np.array([n - 2, 1, 1])), cells)
    assert 1 <= seen.furthest <= cells
    for size in {1, seen.furthest}:
        for q in (0, 1, 2):
            assert 1 - 1e-9 <= seen.hill(NOWHERE, size, q).value <= min(size, 3) + 1e-9
        assert 0 <= seen.coverage(NOWHERE, size).value <= 1


def test_the_cells_that_a_sample_stands_for():
    counts = spectrum(np.array([60, 30, 10]))
    assert [
        (o.once, o.n, o.furthest, o.standing) for o in (Observed(counts, n) for n in (100.0, 99.6, 99.4, 20.0))
    ] == [
        (True, 100, 200, 100),
        (True, 100, 200, 100),
        (False, 99, 99, 99),
        (False, 20, 12, 12),  # 1 / (1 / 20 - 1 / 100) = 25 cells
    ]
    assert Observed(counts, 50.0).furthest == 50  # 100 cells counted 100 times


def test_counts_that_repeat_less_often_than_those_of_so_few_cells():
    # 60 counts of 60 cells, worth 30: 60 * 59 / 2 / 60 = 29.5 pairs of one cell, less 3 * 29.5 ** 0.5 are 13.2.
    def doubt(twice, effective=30.0, counting="drawn"):
        return Observed(spectrum(np.array([2] * twice + [1] * (60 - 2 * twice))), effective, counting).doubt

    assert [doubt(twice) for twice in (0, 13, 14, 30)] == [SELDOM, SELDOM, None, None]
    assert doubt(0, 60.0) is None is doubt(0, 60.0, None)  # each count is a cell
    assert doubt(30, counting=None) == UNTOLD
    assert doubt(30, counting="unsure") == ROUGH
    assert doubt(30, counting="too_many") == TOO_MANY


@pytest.mark.parametrize("q", [0, 1, 2, "coverage"])
def test_influence_is_the_derivative_by_the_number_of_clones(q):
    whole = spectrum(np.array([50, 20, 12, 9, 5, 5, 3, 3, 3, 2, 2, 2, 2, 2, 2, *[1] * 10]))
    effective, size = 70.0, 40

    def index(s, x):
        if q == "coverage":
            return coverage_of_counted(s, effective, x, size)
        return hill_of_counted(s, effective, x, size, q)

    found = index(whole, np.append(0, whole.sizes))
    assert found.influence[0] == 0
    assert found.order == (1 if q == "coverage" else q)
    for place in range(len(whole.sizes)):
        values = []
        for step in (1e-5, -1e-5):
            clones = whole.clones.copy()
            clones[place] += step
            value = index(Spectrum(whole.sizes, clones, whole.n), NOWHERE).value
            values.append(value if q == "coverage" else np.log(value))
        assert found.influence[place + 1] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-8)
