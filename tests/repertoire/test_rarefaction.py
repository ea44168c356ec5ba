"""Literal values: vegan's rarefy (tests/oracles/diversity.R), iNEXT's by hillrep 0.4.0, at twice n by vdjtools."""

from functools import partial
from math import comb, exp, fsum, log1p

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.repertoire import effective_spectra, rarefaction, standardised
from tilseq.repertoire.at_size import coverage_at_size, hill_at_size, missed
from tilseq.repertoire.sampling import sampled
from tilseq.repertoire.spectrum import spectrum

X = [10, 5, 3, 1, 1, 1, 2]
Y = [45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1]
Z = [7, 4, 1, 1, 1, 1]
V = (3000 // np.arange(1, 401)).tolist()
NOWHERE = np.empty(0, dtype=np.int64)
near = partial(pytest.approx, rel=1e-9)


def clones(counts, locus="TRB"):
    junctions = [f"{locus}{i}" for i in range(len(counts))]
    return pl.DataFrame({"locus": locus, "junction": junctions, "duplicate_count": counts})


def at(counts, size, q):
    return hill_at_size(spectrum(np.array(counts)), NOWHERE, size, q).value


def covered(counts, size):
    return coverage_at_size(spectrum(np.array(counts)), NOWHERE, size).value


def test_richness_of_fewer_cells_is_vegans():
    assert [at(X, m, 0) for m in (2, 10, 11, 20)] == [
        near(1.76679841897232),
        near(4.796058968626),
        near(5.02609464838566),
        near(6.59627329192547),
    ]
    assert [at(Y, m, 0) for m in (10, 50, 90)] == [
        near(4.68516013963343),
        near(9.04096064912545),
        near(10.6901100737784),
    ]
    assert [at(V, m, 0) for m in (1951, 9759, 17566)] == [
        near(313.696654877614),
        near(399.530383800854),
        near(399.99999707193),
    ]


@pytest.mark.parametrize(
    ("counts", "size", "orders", "coverage"),
    [
        (Y, 50, (9.040960649125623, 5.215104661718625, 3.6760883449433353), 0.9447351943297697),
        (Y, 99, (10.97, 5.54545283795642, 3.7782180965891556), 0.97),
        (Y, 100, (11, 5.54927226595238, 3.77928949357521), 0.970200668896321),
        (Y, 200, (13.177943495, 5.804505724, 3.833093926), 0.9847688528123557),
        (Z, 30, (8.812998286780598, 5.143878809846649, 3.547297297297297), 0.8733181039445767),
        (V, 1951, (313.696654877614, 87.90058805182201, 25.498532899349375), 0.9454848016260358),
        (V, 9759, (399.530383800854, 96.56361783621577, 25.75743920997419), 0.9996154745265226),
        (V, 39036, (400.0, 98.24237980800106, 25.80654537761143), 1.0),
    ],
)
def test_values_at_a_size_are_those_of_inext(counts, size, orders, coverage):
    # hillrep's sums of many logarithms of factorials are exact to 1e-8; far beyond n their differences to 1e-6
    rel = 2e-8 if size < 10_000 else 2e-6
    assert [at(counts, size, q) for q in (0, 1, 2)] == pytest.approx(orders, rel=rel)
    assert covered(counts, size) == pytest.approx(coverage, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=12), st.data())
def test_fewer_cells_are_the_mean_over_all_draws(counts, data):
    n = sum(counts)
    m = data.draw(st.integers(1, n - 1))
    chances = [[comb(x, y) * comb(n - x, m - y) / comb(n, m) for y in range(min(x, m) + 1)] for x in counts]
    entropy = -sum(p * y / m * np.log(y / m) for chance in chances for y, p in enumerate(chance) if y)
    assert at(counts, m, 0) == near(sum(1 - chance[0] for chance in chances))
    assert at(counts, m, 1) == near(np.exp(entropy))
    missed = sum(x / n * comb(n - x, m) / comb(n - 1, m) for x in counts)
    assert covered(counts, m) == pytest.approx(1 - missed, abs=1e-12)


@pytest.mark.parametrize("n", [10**9, 10**12, 2**53])
def test_few_of_very_many_cells(n):
    counts = np.array([1, n // 10**6, n // 1_000, n // 10, n - 700])
    expected = [exp(fsum(log1p(-int(x) / (n - j)) for j in range(700))) for x in counts]
    assert missed(counts, n, 700) == pytest.approx(expected, rel=1e-7, abs=1e-300)
    assert missed(np.array([n - 699, n]), n, 700).tolist() == [0, 0]


def test_a_wide_distribution_is_summed_at_every_few_counts():
    # 16,000 of 40,000 cells of one clone among 20,000: spread 49, so that every 24th count is summed
    from scipy.stats import hypergeom

    y = np.arange(1, 20_001)
    terms = -y / 20_000 * np.log(y / 20_000)
    entropy = sum(float(terms @ hypergeom(40_000, x, 20_000).pmf(y)) for x in (16_000, 24_000))
    assert at([16_000, 24_000], 20_000, 1) == near(np.exp(entropy))


def test_the_coverage_of_clones_of_one_cell_each_is_nothing_and_no_less():
    found = rarefaction(clones([1] * 300), sample="s", count_of="cells")
    reached = found.filter(pl.col("cells") < 300)["coverage"].to_numpy()
    assert reached == pytest.approx(np.zeros(len(reached)), abs=1e-12)
    assert (reached >= 0).all()


def test_a_lone_cell_of_a_clone_among_very_many_leaves_all_covered():
    with np.errstate(over="raise", invalid="raise"):
        found = coverage_at_size(spectrum(np.array([10**9, 10**6, 5, 1])), np.array([1, 5]), 2 * 10**9)
    assert found.value == 1
    assert np.isfinite(found.influence).all()


def test_curves_pass_through_the_sample_and_end_at_twice_it():
    found = rarefaction(clones(Y), sample="s", count_of="cells", points=10)
    assert found["cells"].unique().sort().to_list() == [1, 11, 30, 60, 100, 120, 140, 160, 180, 200]
    assert found.filter(cells=100).select("q", "method", "value").rows() == [
        (0, "observed", 11),
        (1, "observed", near(5.54927226595238)),
        (2, "observed", near(3.77928949357521)),
    ]
    assert found.group_by("method").len().sort("method").rows() == [
        ("extrapolated", 15),
        ("observed", 3),
        ("rarefied", 12),
    ]
    for q in (0, 1, 2):
        curve = found.filter(q=q).sort("cells")
        assert curve["value"].is_sorted() and curve["coverage"].is_sorted()
        assert curve["value"][0] == near(1)
    known = found.filter(pl.col("lower").is_not_null())
    assert known.height >= 27
    assert (known["lower"] <= known["value"]).all() and (known["value"] <= known["upper"]).all()


def test_reads_have_no_curve_and_cells_are_not_sought_too_far():
    assert rarefaction(clones(Y), sample="s", count_of="reads").is_empty()
    assert rarefaction(clones([1]), sample="s", count_of="cells").is_empty()
    for wrong in (0, 201):
        with pytest.raises(AnalysisError, match="cells out of reach"):
            rarefaction(clones(Y), sample="s", count_of="cells", cells=[wrong])


def test_a_curve_of_cells_counted_several_times_ends_at_half_of_the_cells():
    # 50 counts are of 39 of 94.668 cells: C (1 - (1 - 1 / C)^50) = 39; what 50 of Y show is vegan's
    cells = 1 / (1 / 94.66779298250505 + 1 / 100)
    found = rarefaction(clones(Y), sample="s", count_of="reads", n_effective=cells, cells=[39])
    assert found.filter(q=0)["value"].to_list() == [pytest.approx(9.04096064912545, rel=1e-7)]
    known = {"sample": "s", "count_of": "reads", "n_effective": 1 / (1 / 100 + 1 / 4000)}
    reads = clones([40 * y for y in Y])
    curve = rarefaction(reads, **known, points=10)
    assert curve["cells"].unique().sort().to_list() == [1, 6, 16, 31, 50]  # squares, as far apart
    assert set(curve["method"]) == {"rarefied"}
    for q in (0, 1, 2):
        assert curve.filter(q=q)["value"].is_sorted() and curve.filter(q=q)["value"][0] == pytest.approx(1, abs=1e-6)
    with pytest.raises(AnalysisError, match="found '51 for s, TRB'; expected a whole number, 1 to 50"):
        rarefaction(reads, **known, cells=[51])


def spectra(**samples):
    return {name: effective_spectra(clones(counts), count_of="cells") for name, counts in samples.items()}


def test_samples_meet_at_the_cells_and_the_coverage_of_the_least():
    found = standardised(spectra(x=X, y=Y))
    value = {(row["sample"], row["parameter"]): row for row in found.iter_rows(named=True)}
    assert len(value) == 12
    assert value["x", "richness_at_n"]["value"] == 7
    assert value["y", "richness_at_n"]["value"] == near(at(Y, 23, 0))
    assert {row["depth"] for row in value.values() if row["at_coverage"] is None} == {23}
    assert value["x", "hill_q1_at_coverage"]["value"] == near(4.85943187282788)
    assert value["y", "hill_q1_at_coverage"]["at_coverage"] == near(0.873401534526854)
    reached = value["y", "richness_at_coverage"]["depth"]
    assert covered(Y, 21) < 0.873401534526854 < covered(Y, 22) and 21 < reached < 22
    assert at(Y, 21, 0) < value["y", "richness_at_coverage"]["value"] < at(Y, 22, 0)


def test_a_coverage_that_is_hardly_known_is_not_set_for_others():
    # 116 of 120 cells are of a clone of their own: a coverage of 0.03, from two pairs
    sparse = [1] * 116 + [2] * 2
    rows = standardised(spectra(y=Y, sparse=sparse))
    assert rows.filter(sample="sparse", parameter="richness_at_n")["value"].item() == near(at(sparse, 100, 0))
    at_coverage = rows.filter(pl.col("at_coverage").is_not_null())
    assert at_coverage["sample"].unique().to_list() == ["y"]
    assert at_coverage["at_coverage"].unique().item() == near(covered(Y, 100))
    own = standardised(spectra(y=Y, sparse=sparse), coverage=0.03).filter(sample="sparse")  # asked for, it has one
    assert own["parameter"].str.ends_with("at_coverage").sum() == 3


@pytest.mark.parametrize("cells", [2, 3, 4, 50])
def test_cells_that_are_all_of_clones_of_their_own_set_no_coverage_for_others(cells):
    """Of two such cells Chao and Jost's formula makes a coverage of 2/3, whatever the repertoire."""
    at_coverage = standardised(spectra(y=Y, lone=[1] * cells)).filter(pl.col("at_coverage").is_not_null())
    assert at_coverage["sample"].unique().to_list() == ["y"]
    assert at_coverage["at_coverage"].unique().item() == near(covered(Y, 100))


def test_a_depth_of_ones_own_beyond_reach_has_no_value():
    found = standardised(spectra(x=X, y=Y), cells=60, coverage=0.95)
    # twice x: 46 cells, a coverage of 0.936 (hillrep)
    assert found["sample"].unique().to_list() == ["y"]
    assert standardised({}).is_empty()
    assert standardised({"s": effective_spectra(clones(Y), count_of="reads")}).is_empty()
    for wrong in ({"cells": 0}, {"coverage": 1.0}, {"coverage": 0.0}):
        with pytest.raises(AnalysisError, match="cells must be"):
            standardised(spectra(y=Y), **wrong)


def test_limits_at_a_common_depth_cover_what_the_repertoire_holds():
    # 200 samples, as in test_diversity: three standard errors below 95 % minus two are 0.884
    random, share = np.random.default_rng(6), 1 / np.arange(1, 5_001)
    share /= share.sum()
    truth = float(-np.sum(np.expm1(1_000 * np.log1p(-share))))
    goal = float(1 - share @ (1 - share) ** 1_000)
    hits = {"richness_at_n": 0, "richness_at_coverage": 0}
    for _ in range(200):
        counts = random.multinomial(2_000, share)
        found = standardised(spectra(s=counts[counts > 0].tolist()), cells=1_000, coverage=goal)
        for row in found.iter_rows(named=True):
            if row["parameter"] in hits:
                hits[row["parameter"]] += row["lower"] <= truth <= row["upper"]
    assert min(hits.values()) > 0.884 * 200, hits


def test_a_part_of_a_cell_is_refused():
    table = pl.DataFrame({"locus": "TRB", "junction": ["a", "b"], "duplicate_count": [3, 1]})
    with pytest.raises(AnalysisError, match="out of reach"):
        rarefaction(table, sample="s", count_of="cells", cells=[1.5])
    with pytest.raises(AnalysisError, match="a whole number"):
        standardised({"s": effective_spectra(table, count_of="cells")}, cells=float("nan"))


def test_limits_lean_as_the_error_rises_with_the_value():
    # Few large clones: the more of the repertoire they hold, the less sure it is how much. Far up, little is ruled out.
    share = np.arange(1, 1_001) ** -1.2
    random = np.random.default_rng(5)
    reads = random.multinomial(3_000, random.multinomial(1_000, share / share.sum()) / 1_000)
    known = {"count_of": "reads", "n_effective": 750.0}
    seen = effective_spectra(clones(reads[reads > 0]), **known)
    row = standardised({"s": seen}, cells=400).filter(parameter="hill_q2_at_n").row(0, named=True)
    lean = np.log(row["lower"] * row["upper"] / row["value"] ** 2) / 2
    index = seen["TRB"].hill((sampling := sampled(seen["TRB"].counts, 750.0)[1]).points, 400, 2)
    (error,), (rise,) = sampling.errors(index.influence[None])[0], sampling.rises(index.influence[None])
    assert lean == pytest.approx(1.96**2 * (rise + 2 * error**2) / 4, rel=0.1)
    # the coverage has a scale of its own, where they do not lean
    curve = rarefaction(clones(reads[reads > 0]), sample="s", **known, cells=[400]).row(0, named=True)
    found = seen["TRB"].coverage(sampling.points, 400)
    error = float(sampling.errors(found.influence[None])[0][0]) / (found.value * (1 - found.value))
    away = [np.log(end / (1 - end)) for end in (curve["coverage_lower"], curve["coverage_upper"])]
    assert away[1] - away[0] == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_what_is_out_of_reach_has_no_values():
    known = {"count_of": "reads", "n_effective": 1 / (1 / 100 + 1 / 4000)}
    seen = {"s": effective_spectra(clones([40 * y for y in Y]), **known)}
    assert standardised(seen)["n"].unique().to_list() == [97]
    assert standardised(seen).filter(parameter="richness_at_n")["depth"].to_list() == [50]
    assert set(standardised(seen, cells=51)["parameter"].str.tail(8)) == {"coverage"}
    assert standardised(seen, cells=51, coverage=0.9999).is_empty()
    least = {"s": effective_spectra(clones([5, 3]), count_of="reads", n_effective=2.0)}  # half of 2.7 cells
    assert standardised(least)["value"].to_list() == pytest.approx([1.0] * 3)  # its coverage is hardly known
    assert standardised(least, coverage=0.01)["value"].to_list() == pytest.approx([1.0] * 6)
    # no two counts of one clone: of no coverage that is known, so that it sets none
    alone = {"alone": effective_spectra(clones([1] * 300), count_of="reads", n_effective=150.0)}
    found = standardised(seen | alone).filter(pl.col("at_coverage").is_not_null())
    assert found["sample"].unique().to_list() == ["s"]
    assert found["at_coverage"].unique().to_list() == standardised(seen)["at_coverage"].drop_nulls().unique().to_list()
    assert standardised(alone)["at_coverage"].drop_nulls().is_empty()


@pytest.mark.parametrize("reads", [4_000, 60_000])  # 60,000: 30 of a cell, in units of which it has 8
def test_limits_of_cells_counted_several_times_cover_what_cells_would_show(reads):
    # 200 samples, as above
    random, share = np.random.default_rng(6), 1 / np.arange(1, 5_001)
    share /= share.sum()
    truth = float(-np.sum(np.expm1(600 * np.log1p(-share))))
    goal = float(1 - share @ (1 - share) ** 600)
    hits = {"richness_at_n": 0, "richness_at_coverage": 0}
    for _ in range(200):
        counts = random.multinomial(reads, random.multinomial(2_000, share) / 2_000)
        known = {"count_of": "reads", "n_effective": 1 / (1 / 2_000 + 1 / reads)}
        seen = effective_spectra(clones(counts[counts > 0]), **known)
        for row in standardised({"s": seen}, cells=600, coverage=goal).iter_rows(named=True):
            if row["parameter"] in hits:
                hits[row["parameter"]] += row["lower"] <= truth <= row["upper"]
    assert min(hits.values()) > 0.884 * 200, hits
    assert max(hits.values()) < 200


def test_limits_at_a_small_coverage_miss_on_either_side_alike():
    # 200 samples of which about 95 pairs of cells are of one clone; the cells it takes go by the inverse of their share
    random, share = np.random.default_rng(8), np.arange(1, 200_001) ** -0.6
    share /= share.sum()
    truth = float(-np.sum(np.expm1(750 * np.log1p(-share))))
    goal = float(1 - share @ (1 - share) ** 750)
    below = above = 0
    for _ in range(200):
        reads = random.multinomial(6_000, random.multinomial(3_000, share) / 3_000)
        seen = effective_spectra(clones(reads[reads > 0]), count_of="reads", n_effective=2_000.0)
        row = standardised({"s": seen}, coverage=goal).filter(parameter="richness_at_coverage").row(0, named=True)
        below, above = below + (truth < row["lower"]), above + (row["upper"] < truth)
    # of 2.5 % two standard errors are 2.2; leaning the other way the upper limits missed it in 8 %
    assert max(below, above) <= 0.047 * 200, (below, above)
