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
