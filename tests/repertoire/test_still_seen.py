import numpy as np
import polars as pl
import pytest

from tilseq.repertoire.effective import effective_clones
from tilseq.repertoire.still_seen import Depth, common_cells, distinct_cells, still_seen, without_depth

SIZE = 800
OF_PRODUCT = np.random.default_rng(3).lognormal(0, 1.5, SIZE)
OF_PRODUCT /= OF_PRODUCT.sum()
LATER = OF_PRODUCT * np.random.default_rng(4).lognormal(0, 1.5, SIZE)
LATER /= LATER.sum()


def table(counts):
    seen = np.flatnonzero(counts)
    return pl.DataFrame({"locus": "TRB", "junction": [f"c{i}" for i in seen], "duplicate_count": counts[seen]})


def test_cells_that_counts_show():
    everywhere = Depth.of(500, 500)
    assert everywhere.distinct(500) == 500
    assert everywhere.thinned(125) == 0.25
    few = Depth.of(2000, 400)  # 1 / 400 - 1 / 2000 = 1 / 500
    assert few.cells == pytest.approx(500)
    assert few.distinct(2000) == pytest.approx(500 * (1 - np.exp(-4)))
    assert few.thinned(250) == pytest.approx(500 * np.log(2) / 2000)
    # 1,300 templates, each counted 0, 1 or 2 times with the chances 0.15, 0.7, 0.15; half of the counts see 46.25 %
    twice = Depth.of(1300, 1000, "twice")
    assert twice.distinct(1300) == pytest.approx(1300 * 0.85)
    assert twice.distinct(650) == pytest.approx(1300 * 0.4625)
    assert twice.thinned(1300 * 0.4625) == pytest.approx(0.5)
    assert twice.thinned(1300 * 0.85) == twice.thinned(1200) == 1
    assert Depth.of(1300, 1000, "unsure") == twice
    # 107 alpha chains of 99 cells, 8 of which show two
    dual = Depth.of(107, 99, "once")
    assert dual.distinct(107) == 99
    assert dual.thinned(33) == pytest.approx(1 / 3)
    assert dual.thinned(99) == 1


def test_cells_in_common_are_no_more_than_a_sample_has():
    two_chains = effective_clones(table(np.array([60, 47])), 99, {"TRB": "once"})
    assert common_cells({"a": two_chains}) == {"TRB": 99}
    deeper = effective_clones(table(np.array([0, 150, 64])), 198, {"TRB": "once"})
    # Half of its cells, and so of its counts: a clone of the product that it lacks is not seen, the other surely is.
    kept = still_seen(deeper, two_chains, 99)["product_mass_kept"]
    assert kept["value"] == pytest.approx(47 / 107 * (1 - 0.5**150))


def test_the_least_of_all_samples_is_in_common():
    samples = {"a": effective_clones(table(np.array([60, 40])), 100), "b": effective_clones(table(np.array([70])), 70)}
    assert common_cells(samples) == {"TRB": 70}
    samples["c"] = effective_clones(table(np.array([9])), None)
    assert common_cells(samples) == {"TRB": 70}  # a sample of unknown depth takes the comparison from no other
    assert without_depth(samples["a"]) is None
    assert without_depth(samples["c"]).startswith("the cells behind TRB are not known: no limits, and nothing at")


@pytest.mark.parametrize(("cells", "reads"), [(1000, None), (1000, 4000), (8000, 8000)])
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_without_bias_and_within_limits_over_samples(cells, reads, share):
    random, runs = np.random.default_rng(11), 120
    values, hits = {}, {}
    for _ in range(runs):
        product = effective_clones(table(random.multinomial(3000, OF_PRODUCT)), 3000.0)
        counts = random.multinomial(cells, LATER)
        if reads:
            counts = random.multinomial(reads, counts / cells)
        later = effective_clones(table(counts), 1 / (1 / cells + 1 / reads) if reads else float(cells))
        size = share * common_cells({"later": later})["TRB"]
        chance = 1 - np.exp(-LATER * size)
        truth = {
            "clones": chance[[int(name[1:]) for name in product["junction"]]].mean(),
            "product_mass_kept": OF_PRODUCT @ chance,
        }
        for name, found in still_seen(later, product, size).items():
            values.setdefault(name, []).append(found["value"] - truth[name])
            hits.setdefault(name, []).append(found["lower"] <= truth[name] <= found["upper"])
    for name, differences in values.items():
        assert abs(np.mean(differences)) < 4 * np.std(differences) / np.sqrt(runs)
        assert np.mean(hits[name]) > 0.88  # 95 % less 3.5 standard errors


@pytest.mark.parametrize("variance", [0.3, 0.6])
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_templates_that_are_counted_up_to_twice_have_no_bias(variance, share):
    """Taken for drawn from the cells, `clones` of all of them came out 0.9 (0.3) and 2 % (0.6) too low."""
    random, runs = np.random.default_rng(12), 120
    product = effective_clones(table(random.multinomial(3000, OF_PRODUCT)), 3000.0)
    names = [int(name[1:]) for name in product["junction"]]
    differences, hits = [], []
    for _ in range(runs):
        templates = random.multinomial(4000, LATER)
        missed = random.binomial(templates, variance / 2)
        counts = templates - missed + random.binomial(templates - missed, variance / (2 - variance))
        later = effective_clones(table(counts), counts.sum() / (1 + variance), {"TRB": "twice"})
        size = share * common_cells({"later": later})["TRB"]
        truth = (1 - np.exp(-LATER[names] * size)).mean()
        found = still_seen(later, product, size)["clones"]
        differences.append(found["value"] - truth)
        hits.append(found["lower"] <= truth <= found["upper"])
    assert abs(np.mean(differences)) < 4 * np.std(differences) / np.sqrt(runs)
    assert np.mean(hits) > 0.88  # 95 % less 3.5 standard errors


def test_a_sample_of_which_nobody_knows_how_its_cells_were_counted_is_not_compared():
    counts = table(np.array([60, 40]))
    twice = effective_clones(counts, 80, {"TRB": "twice"})
    reasons = {"unsure": "are of templates, and their libraries", None: "have counts of unknown meaning"}
    for counting, why in reasons.items():
        unsure = effective_clones(counts, 80, {"TRB": counting})
        assert common_cells({"a": unsure}) == {}
        assert common_cells({"a": unsure, "b": twice}) == {"TRB": pytest.approx(100 - 0.25 * 50)}
        assert without_depth(unsure).startswith(f"clones of TRB {why}")
        assert without_depth(unsure).endswith("nothing at the depth that other samples have in common")
    assert without_depth(twice) is None
    # 99 counts of 50 clones of two, one of one: ten cells would give far more pairs
    even = effective_clones(table(np.append(np.full(49, 2), 1)), 9.0)
    assert "repeat less often than counts drawn at random" in without_depth(even)
    # both chains of a cell with two are its clones', and no count repeats a cell
    assert without_depth(effective_clones(table(np.full(50, 2)), 90, {"TRB": "once"})) is None


def test_all_or_none_seen_has_limits_on_one_side():
    product = effective_clones(table(np.array([5, 5, 5, 5])), None)
    all_seen = still_seen(effective_clones(table(np.array([900, 900, 900, 900])), 3600.0), product)["clones"]
    assert (all_seen["value"], all_seen["upper"]) == (1, 1)
    assert all_seen["lower"] == pytest.approx(0.025 ** (1 / 4))
    other = pl.DataFrame({"locus": "TRB", "junction": ["x"], "duplicate_count": [50]})
    none = still_seen(effective_clones(other, 50.0), product)["clones"]
    assert (none["value"], none["lower"]) == (0, 0)
    assert none["upper"] == pytest.approx(1 - 0.025 ** (1 / 4))


def test_distinct_cells_of_clones_where_one_locus_is_of_cells_and_one_of_counts():
    both = pl.DataFrame({"locus": ["TRA", "TRB"], "junction": ["a", "b"], "duplicate_count": [10, 2000]})
    found = distinct_cells(effective_clones(both, {"TRA": 10, "TRB": 400.0}))
    assert sorted(found.to_list()) == pytest.approx([10, 500 * (1 - np.exp(-4))])
    assert distinct_cells(effective_clones(both, None)).to_list() == [None, None]


def test_where_every_clone_is_seen_the_limits_are_those_of_all():
    for size in (5, 6, 7, 10, 11):
        product = effective_clones(table(np.full(size, 7)), 7.0 * size)
        found = still_seen(effective_clones(table(np.full(size, 900)), 900.0 * size), product)
        assert found["clones"]["value"] == found["clones"]["upper"] == 1
        assert found["clones"]["lower"] == pytest.approx(0.025 ** (1 / size))


def test_rounding_of_the_cells_in_common_leaves_all_counts():
    assert Depth(2_000_000, 49_999.999999).thinned(50_000) == 1


def test_limits_of_clones_nearly_all_seen_are_no_wider_than_of_all_seen_but_one():
    product = effective_clones(table(np.full(100, 50)), 5000)
    later = effective_clones(table(np.append(np.full(99, 40), 12)), 3972)
    kept = still_seen(later, product, 1986)["clones"]  # 1 - 0.5 ** 12 of the last
    assert 0.9999 < kept["value"] < 1
    assert kept["lower"] > 0.9455  # of 99 of 100 seen (Clopper and Pearson)
