"""Literal values: vegan (tests/oracles/repertoire.R), Chao and Jost's coverage by alakazam, the rest by hand."""

import math
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.io.clonotypes import read_clonotypes
from tilseq.repertoire import diversity

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
                "cells_or_counts": (23, None, None),
                "richness": (7, None, None),
                "chao1_bias_corrected": (8.5, 7.15301280267879, 21.704651902386),
                "shannon_entropy_nats": (1.58092153248414, None, None),
                "hill_q1": (4.85943187282788, None, None),
                "simpson_inverse": (3.75177304964539, None, None),
                "gini": (74 / 161, None, None),
                "clonality": (0.187567045040, None, None),
                "d50_clones": (2, None, None),
                "coverage": (1 - 3 / 23 * 66 / 68, None, None),
            },
        ),
        (
            Y,
            {
                "chao1_bias_corrected": (12.5, 11.151777552662, 25.8243265261389),
                "shannon_entropy_nats": (1.71366679590911, None, None),
                "hill_q1": (5.54927226595238, None, None),
                "simpson_inverse": (3.77928949357521, 2.99893947593266, 5.10858843708532),
                "d50_clones": (2, None, None),
                "coverage": (0.970200668896321, None, None),
            },
        ),
        (
            Z,
            {
                "chao1_bias_corrected": (12, 6.96738326174196, 43.2137925305583),
                "shannon_entropy_nats": (1.43028030191109, None, None),
                "simpson_inverse": (3.26086956521739, None, None),
                "coverage": (1 - 4 / 15 * (14 * 3) / (14 * 3 + 2), None, None),
            },
        ),
        (
            W,
            {
                "chao1_bias_corrected": (4, None, None),
                "shannon_entropy_nats": (0.428048274797906, 0.367624045763841, 0.488472503831970),
                "hill_q1": (math.exp(0.428048274797906), math.exp(0.367624045763841), math.exp(0.488472503831970)),
                "simpson_inverse": (1.22880314573605, 1.18222938367934, 1.27919693081878),
                "d50_clones": (1, None, None),
                "coverage": (1, None, None),
            },
        ),
    ],
    ids="xyzw",
)
def test_indices_and_limits_match_their_sources(counts, expected):
    found = measured(counts)
    for parameter, triple in expected.items():
        assert list(found[parameter]) == [value if value is None else near(value) for value in triple], parameter


def test_chao1_has_vegans_standard_error_within_its_limits():
    for counts, error in [(X, 2.54662406288), (Y, 2.56320112360), (Z, 7.04745817062199)]:
        value, lower, _ = measured(counts)["chao1_bias_corrected"]
        unseen = value - len(counts)
        spread = unseen / (lower - len(counts))
        assert unseen * math.sqrt(math.expm1((math.log(spread) / 1.959963984540054) ** 2)) == near(error)


def test_reads_give_values_without_limits():
    known = diversity(clones(W), sample="s", count_of="cells")
    for options in ({"count_of": "reads"}, {"count_of": "unknown"}, {}):
        found = diversity(clones(W), sample="s", **options)
        assert found.select("lower", "upper").null_count().row(0) == (10, 10)
        assert found["value"].equals(known["value"])
    assert measured(X, count_of="umis") == measured(X, count_of="templates") == measured(X)


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
