"""Literal values: vegan (tests/oracles/repertoire.R), Chao and Jost's coverage by alakazam, the rest by hand."""

import math
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit, stdtrit

from tilseq.errors import AnalysisError, TableError
from tilseq.io.clonotypes import read_clonotypes
from tilseq.repertoire import depth, diversity, effective_number, effective_spectra, hill_profile, isotypes, qc
from tilseq.repertoire.dominance import error_of_largest
from tilseq.repertoire.sampling import Sampling
from tilseq.repertoire.spectrum import spectrum

X = [10, 5, 3, 1, 1, 1, 2]
Y = [45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1]
Z = [7, 4, 1, 1, 1, 1]
W = [900, 50, 30, 20]
near = partial(pytest.approx, rel=1e-9, abs=1e-12)


def clones(counts, locus="TRB"):
    junctions = [f"{locus}{i}" for i in range(len(counts))]
    return pl.DataFrame(
        {"locus": locus, "junction": junctions, "duplicate_count": counts},
        schema_overrides={"duplicate_count": pl.Int64},
    )


def measured(counts, count_of="cells"):
    frame = diversity(clones(counts), sample="s", count_of=count_of)
    return {row["parameter"]: (row["value"], row["lower"], row["upper"]) for row in frame.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            X,
            {
                "cells_or_counts": 23,
                "richness": 7,
                "chao1_bias_corrected": 8.5,
                "chao1_inext": 11.304347826086957,
                "ace": 11.0765909090909,
                "shannon_entropy_nats": 1.58092153248414,
                "gini_simpson": 0.733459357277883,
                "hill_q0_5": 5.79469653164401,
                "hill_q1": 4.85943187282788,
                "simpson_inverse": 3.75177304964539,
                "hill_q3": 3.23446083410516,
                "gini": 74 / 161,
                "clonality": 0.187567045040,
                "d50_clones": 2,
                "top_1_share": 10 / 23,
                "top_10_share": None,
                "top_100_share": None,
                "coverage": 1 - 3 / 23 * 66 / 68,
            },
        ),
        (
            Y,
            {
                "chao1_bias_corrected": 12.5,
                "chao1_inext": 15.455,
                "shannon_entropy_nats": 1.71366679590911,
                "simpson_inverse": 3.77928949357521,
                "hill_q2_asymptotic": 1 / (2546 / 9900),
                "d50_clones": 2,
                "top_1_share": 0.45,
                "top_10_share": 0.99,
                "coverage": 0.970200668896321,
            },
        ),
        (
            Z,
            {
                "chao1_bias_corrected": 12,
                "shannon_entropy_nats": 1.43028030191109,
                "simpson_inverse": 3.26086956521739,
                "hill_q1_asymptotic": 6.171580738515816,
                "coverage": 1 - 4 / 15 * (14 * 3) / (14 * 3 + 2),
            },
        ),
        (
            W,
            {
                "chao1_bias_corrected": 4,
                "shannon_entropy_nats": 0.428048274797906,
                "hill_q1": math.exp(0.428048274797906),
                "simpson_inverse": 1.22880314573605,
                "d50_clones": 1,
                "coverage": 1,
            },
        ),
    ],
    ids="xyzw",
)
def test_indices_match_their_sources(counts, expected):
    found = measured(counts)
    for parameter, value in expected.items():
        assert found[parameter][0] == (value if value is None else near(value)), parameter


def test_limits_of_clones_counted_often_are_the_multinomial_ones():
    # of the counts W: tests/oracles/repertoire.R
    for parameter, lower, upper in [
        ("shannon_entropy_nats", 0.367624045763841, 0.488472503831970),
        ("simpson_inverse", 1.18222938367934, 1.27919693081878),
    ]:
        assert measured(W)[parameter][1:] == (pytest.approx(lower, rel=0.02), pytest.approx(upper, rel=0.02))


def test_too_few_pairs_of_one_clone_give_no_limits():
    # of x 59 pairs, of y 1,283
    assert {limits for _, *limits in map(tuple, measured(X).values()) for limits in [tuple(limits)]} == {(None, None)}
    without = {name for name, (_, lower, _) in measured(Y).items() if lower is None}
    assert without == {"cells_or_counts", "top_100_share"}


def test_effective_cells_bear_the_limits_of_indices_of_shares():
    reads = diversity(clones([40 * y for y in Y]), sample="s", count_of="reads", n_effective={"TRB": 100.0})
    found = {row["parameter"]: row for row in reads.iter_rows(named=True)}
    for parameter in ("shannon_entropy_nats", "gini_simpson", "hill_q1", "simpson_inverse", "hill_q3", "top_1_share"):
        row = found[parameter]
        assert row["value"] == near(measured(Y)[parameter][0])
        assert row["lower"] < row["value"] < row["upper"]
    # counts do not show which clones are of one cell or two; of more counts than cells the coverage hangs on how
    # unequally they are counted
    for parameter in ("chao1_bias_corrected", "chao1_inext", "ace", "hill_q1_asymptotic", "coverage"):
        assert (found[parameter]["value"], found[parameter]["lower"], found[parameter]["upper"]) == (None, None, None)
    assert found["hill_q2_asymptotic"]["value"] == near(1 / ((sum((y / 100) ** 2 for y in Y) - 1 / 100) * 100 / 99))
    # so many counts hold half in another number of clones than so few cells
    assert (found["d50_clones"]["lower"], found["d50_clones"]["upper"]) == (None, None)
    assert {row["depth"] for row in found.values()} == {100}
    assert {row["n"] for row in found.values()} == {4000}


def test_an_effective_number_that_rounds_to_the_counts_is_of_cells():
    of_cells = diversity(clones(Y), sample="s", count_of="cells")
    near_all = diversity(clones(Y), sample="s", count_of="reads", n_effective=99.7)
    assert near_all.drop("depth").equals(of_cells.drop("depth"))


def test_limits_of_the_largest_clones():
    # 60 of 100 cells, of a clone far above the others: those of a binomial share, tests/oracles/largest_clone.R
    assert measured([60, 30, 10])["top_1_share"][1:] == pytest.approx((0.501792741271, 0.692523370289), rel=1e-4)
    # of more of them in logits, and half a cell, as they are counted in whole cells
    counts = [60] * 10 + [6] * 67 + [1]
    whole = spectrum(np.array(counts))
    error, freedom = error_of_largest(whole, Sampling(whole), 10)
    share = 600 / whole.n
    away = stdtrit(freedom, 0.975) * error / (share * (1 - share))
    expected = (expit(logit(share) - away) - 0.5 / whole.n, expit(logit(share) + away) + 0.5 / whole.n)
    assert measured(counts)["top_10_share"][1:] == near(expected)


def test_coverage_of_no_more_counts_than_cells():
    counts = [30, 12, 9, 6, 5, 4, 3, 3, 2, 2, *[1] * 12]  # 88
    found = diversity(clones(counts), sample="s", count_of="reads", n_effective=46)
    row = found.filter(parameter="coverage").row(0, named=True)
    # so many counts are of 1 / (1 / 46 - 1 / 88) = 96.38 cells: the next is of one not yet counted with the chance
    # 0.3993, and of a new clone with 12 / 88
    assert row["value"] == pytest.approx(1 - 12 / 88 / (1 - 42 / 4048) ** 88, rel=1e-9)
    assert row["value"] == pytest.approx(0.65857, abs=1e-5)
    assert 0 < row["lower"] < row["value"] < row["upper"] < 1
    # of 163.85 cells told that yield with a squared CV of 0.7 the next is so in (1 + 0.7 * 88 / 163.85) ** -(1.7 / 0.7)
    told = diversity(clones(counts), sample="s", count_of="umis", n_effective=46, cells=1.7 * 4048 / 42)
    value = told.filter(parameter="coverage")["value"].item()
    assert value == pytest.approx(1 - 12 / 88 * (1 + 0.7 / 1.7 * 88 * 42 / 4048) ** (17 / 7), rel=1e-9)
    alike = diversity(clones(counts), sample="s", count_of="umis", n_effective=46, cells=4048 / 42)
    assert alike.filter(parameter="coverage")["value"].item() == pytest.approx(row["value"], rel=1e-12)
    deep = diversity(clones(counts), sample="s", count_of="reads", n_effective=40)  # of 73.3 cells
    assert deep.filter(parameter="coverage")["value"].to_list() == [None]


@pytest.mark.parametrize("times", [2, 40])
def test_cells_counted_several_times_bear_the_limits_of_as_many_cells(times):
    # of the cells W, multinomial: tests/oracles/repertoire.R
    counted = diversity(clones([times * w for w in W]), sample="s", count_of="reads", n_effective=1000)
    found = {row["parameter"]: (row["value"], row["lower"], row["upper"]) for row in counted.iter_rows(named=True)}
    for parameter, lower, upper in [
        ("shannon_entropy_nats", 0.367624045763841, 0.488472503831970),
        ("simpson_inverse", 1.18222938367934, 1.27919693081878),
    ]:
        assert found[parameter][1:] == (pytest.approx(lower, rel=0.02), pytest.approx(upper, rel=0.02))
    once = measured(W)
    for parameter in ("shannon_entropy_nats", "gini_simpson", "hill_q1", "simpson_inverse", "hill_q3", "top_1_share"):
        value, lower, upper = once[parameter]
        expected = [near(value), *(pytest.approx(end, abs=0.04 * (upper - lower)) for end in (lower, upper))]
        assert list(found[parameter]) == expected, parameter


def test_a_hill_profile_falls_and_meets_the_indices():
    found = hill_profile(clones(Y), sample="s", count_of="cells")
    assert found["q"].to_list()[:5] == [0, 0.25, 0.5, 0.75, 1]
    assert found["value"].is_sorted(descending=True)
    by_order = {row["q"]: (row["value"], row["lower"], row["upper"]) for row in found.iter_rows(named=True)}
    known = measured(Y)
    for q, parameter in [(0, "richness"), (0.5, "hill_q0_5"), (1, "hill_q1"), (2, "simpson_inverse"), (3, "hill_q3")]:
        assert by_order[q] == known[parameter]
    reads = hill_profile(clones([40 * y for y in Y]), sample="s", count_of="reads", n_effective=100, orders=[0, 1])
    assert reads["lower"].is_null().to_list() == [True, False]


def test_reads_and_umis_give_values_without_limits_and_tell_nothing_of_what_they_do_not_show():
    # 1,000 reads may be of 4 cells or of 1,000: those of 4 would have a coverage of 1 here
    of_unseen = ("chao1_bias_corrected", "chao1_inext", "ace", "hill_q1_asymptotic", "hill_q2_asymptotic", "coverage")
    of_seen = pl.col("value").filter(~pl.col("parameter").is_in(of_unseen))
    known = diversity(clones(W), sample="s", count_of="cells")
    for options in ({"count_of": "reads"}, {"count_of": "umis"}, {"count_of": "unknown"}, {}):
        found = diversity(clones(W), sample="s", **options)
        assert found.select("lower", "upper").null_count().row(0) == (20, 20)
        assert found.select(of_seen).equals(known.select(of_seen))
        assert found.filter(pl.col("parameter").is_in(of_unseen))["value"].to_list() == [None] * 6
    assert measured(W, count_of="templates") == measured(W)


def test_a_single_clone_and_a_single_cell_have_no_clonality():
    assert measured([5])["clonality"] == (None, None, None)
    assert measured([5])["hill_q1"] == (1, None, None)
    assert measured([5])["gini"] == (0, None, None)
    assert measured([5])["coverage"] == (1, None, None)
    assert measured([1])["coverage"] == (None, None, None)


def test_each_locus_stands_alone_and_n_is_its_own():
    both = diversity(pl.concat([clones(X), clones(Y, "TRA")]), sample="s")
    alone = pl.concat([diversity(clones(Y, "TRA"), sample="s"), diversity(clones(X), sample="s")])
    assert both.equals(alone)
    assert both.group_by("locus").agg(pl.col("n").unique().first()).sort("locus").rows() == [("TRA", 100), ("TRB", 23)]
    assert diversity(clones([]), sample="s").height == 0


def test_rows_of_one_clone_are_summed():
    halves = pl.concat([clones([4, 2, 1]), clones([6, 3, 2, 1, 1, 1, 2])])
    assert diversity(halves, sample="s").equals(diversity(clones(X), sample="s"))


def test_pandas_is_taken_too():
    assert diversity(clones(X).to_pandas(), sample="s").equals(diversity(clones(X), sample="s"))


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (clones(X).drop("junction"), "needs this column"),
        (clones([3, 0]), "above 0"),
        (clones([3, -1]), "above 0"),
        (clones(X).with_columns(duplicate_count=pl.lit(1.5)), "above 0"),
        (clones(X).with_columns(duplicate_count=pl.lit(float("nan"))), "above 0"),
        (clones(X).with_columns(duplicate_count=pl.lit(float("inf"))), "above 0"),
        (clones(X).with_columns(duplicate_count=pl.lit("3")), "must be numbers"),
        (clones(X).with_columns(duplicate_count=pl.lit(None, pl.Int64)), "null"),
        (clones([2**53, 2]), "2\\*\\*53"),
    ],
)
def test_what_is_no_clonotype_table_is_refused(frame, word):
    with pytest.raises(TableError, match=word):
        diversity(frame, sample="s")


@given(st.lists(st.integers(1, 500), min_size=1, max_size=60))
def test_indices_keep_their_bounds_and_do_not_depend_on_order(counts):
    found = measured(counts)
    assert found == measured(sorted(counts))
    value = {parameter: triple[0] for parameter, triple in found.items()}
    seen = len(counts)
    assert 1 - 1e-9 <= value["simpson_inverse"] <= value["hill_q1"] + 1e-9 <= seen + 2e-9
    assert value["chao1_bias_corrected"] >= seen
    assert 0 <= value["gini"] < 1
    assert value["clonality"] is None or 0 <= value["clonality"] <= 1
    assert value["coverage"] is None or 0 <= value["coverage"] <= 1
    largest = sorted(counts, reverse=True)
    k = int(value["d50_clones"])
    assert 2 * sum(largest[:k]) >= sum(counts) > 2 * sum(largest[: k - 1])
    for middle, lower, upper in found.values():
        assert lower is None or lower <= middle <= upper


def test_limits_of_entropy_and_simpson_cover_the_truth_where_they_are_given():
    # 200 samples: 95 % ± 2 % of cover, and three standard errors of a share of 200 (4.6 %), go down to 0.884.
    random, share = np.random.default_rng(20), 0.7 ** np.arange(40)
    share /= share.sum()
    truth = {"shannon_entropy_nats": -float(np.sum(share * np.log(share))), "simpson_inverse": 1 / np.sum(share**2)}
    hits = {parameter: [] for parameter in truth}
    for _ in range(200):
        counts = random.multinomial(5000, share)
        found = measured(counts[counts > 0].tolist())
        for parameter, value in truth.items():
            _, lower, upper = found[parameter]
            if lower is not None:
                hits[parameter].append(lower <= value <= upper)
    for parameter, covered in hits.items():
        assert len(covered) > 150, parameter
        assert np.mean(covered) > 0.884, parameter


def test_a_real_repertoire(shared_data):
    read = read_clonotypes(shared_data / "tcr/10x_pbmc3_t_filtered_contig_annotations.csv.gz", locus="TRB")
    value = dict(diversity(read.table, sample="s").select("parameter", "value").iter_rows())
    counts = read.table["duplicate_count"].to_numpy()
    assert value["cells_or_counts"] == counts.sum()
    assert value["richness"] == len(counts)
    assert value["simpson_inverse"] == near(counts.sum() ** 2 / (counts**2).sum())


@pytest.mark.parametrize("cells", [0, -5, float("nan"), 5])
def test_an_effective_number_that_is_none_is_refused(cells):
    table = pl.DataFrame({"locus": "TRB", "junction": ["a", "b"], "duplicate_count": [3, 1]})
    with pytest.raises(AnalysisError, match=r"of TRB cannot exceed its counts; .* expected above 0, at most 4"):
        diversity(table, sample="s", count_of="reads", n_effective=cells)


def test_order_two_of_reads_is_that_of_the_cells_behind_them():
    # 1,000 cells of 200 even clones, read 20 times each: 1 / Σ p² of the repertoire is 200.
    random, found = np.random.default_rng(2), []
    for _ in range(200):
        reads = random.multinomial(20_000, random.multinomial(1_000, np.full(200, 1 / 200)) / 1_000)
        table = pl.DataFrame({"locus": "TRB", "junction": [f"{i}" for i in range(200)], "duplicate_count": reads})
        effective = 1 / (1 / 1_000 + 1 / 20_000)
        rows = diversity(
            table.filter(pl.col("duplicate_count") > 0), sample="s", count_of="reads", n_effective=effective
        )
        found.append(rows.filter(parameter="hill_q2_asymptotic")["value"][0])
    assert 1 / np.mean(1 / np.array(found)) == pytest.approx(200, rel=0.01)


@pytest.mark.parametrize("order", [float("nan"), float("inf"), -1])
def test_an_order_that_is_none_is_refused(order):
    with pytest.raises(AnalysisError, match="no such order; found .* expected a number, 0 or above"):
        hill_profile(clones([3, 1]), sample="s", orders=(0, order))


def test_a_word_that_counts_cannot_be_of_is_refused():
    isotyped = clones([3, 1]).with_columns(c_call=pl.lit("IGHM"))
    for call in (
        lambda **known: diversity(clones([3, 1]), sample="s", **known),
        lambda **known: hill_profile(clones([3, 1]), sample="s", n_effective=2, **known),
        lambda **known: depth(clones([3, 1]), sample="s", **known),
        lambda **known: effective_number(4, **known),
        lambda **known: qc(clones([3, 1]).with_columns(junction_aa=pl.lit("CF")), sample="s", **known),
        lambda **known: isotypes(isotyped, sample="s", **known),
    ):
        with pytest.raises(AnalysisError, match="found 'umi'; expected cells, umis, .*; did you mean 'umis'"):
            call(count_of="umi")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (
            "twise",
            "cells of TRB are not counted so; found 'twise'; expected once, twice, drawn, unsure, too_many; did you "
            "mean 'twice'",
        ),
        (
            "twice",
            "cells of TRB are counted more than twice in the mean; found '4 counts worth 2 cells, .* 2 cells",
        ),
    ],
)
def test_a_way_of_counting_that_cannot_be_is_refused(how, told):
    for measure in (partial(diversity, sample="s"), partial(hill_profile, sample="s"), effective_spectra):
        with pytest.raises(AnalysisError, match=told):
            measure(clones([3, 1]), count_of="templates", n_effective=2, counting={"TRB": how})
