"""Literal values: R's binom.test and Jensen-Shannon by R (tests/oracles/overlap.R), the rest counted by hand."""

from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import AnalysisError, TableError
from tilseq.repertoire import usage, usage_divergence
from tilseq.tables import conform
from tilseq.tables.repertoire import OVERLAP, USAGE

near = partial(pytest.approx, rel=1e-9, abs=1e-12)


def clones(counts, genes=None, locus="TRB"):
    genes = genes or [f"{locus}V{i}" for i in range(len(counts))]
    return pl.DataFrame(
        {
            "locus": locus,
            "junction": ["TGT" + "A" * (3 * i) for i in range(len(counts))],
            "junction_aa": ["C" + "K" * i for i in range(len(counts))],
            "v_call": genes,
            "j_call": f"{locus}J1-1*01",
            "duplicate_count": counts,
        },
        schema_overrides={"v_call": pl.String, "j_call": pl.String},
    )


def shares(frame, feature, weight):
    return {
        row["level"]: (row["number"], row["share"]) for row in frame.filter(feature=feature, weight=weight).to_dicts()
    }


def test_shares_are_of_clones_and_of_counts():
    table = clones([6, 4, 2, 1, 1, 3, 2, 1], ["TRBV2*01", "TRBV2*02", "TRBV2", None, "TRBV4-2,TRBV4-3", *["TRBV9"] * 3])
    found = usage(table, sample="s", n_effective={"TRB": 20.0})
    assert shares(found, "v_call", "clones") == {
        "TRBV2": (3, 0.375), "TRBV4-2,TRBV4-3": (1, 0.125), "TRBV9": (3, 0.375), "unresolved": (1, 0.125),
    }  # fmt: skip
    assert shares(found, "v_call", "counts")["TRBV2"] == (12, 0.6)
    assert shares(found, "j_call", "counts") == {"TRBJ1-1": (20, 1)}
    assert shares(found, "v_call+j_call", "clones")["unresolved TRBJ1-1"] == (1, 0.125)
    assert shares(found, "junction_length", "counts")["6"] == (4, 0.2)
    assert shares(found, "junction_aa_length", "counts")["2"] == (4, 0.2)
    limits = found.filter(feature="v_call", level="TRBV2").select("weight", "lower", "upper", "n").rows()
    assert limits == [
        ("clones", near(0.0852334141372536), near(0.7551367836334484), 8),
        ("counts", near(0.36054258730749), near(0.808809939274693), 20),
    ]
    assert conform(found, USAGE).equals(found)


def test_without_cells_counts_have_no_limits_and_clones_do():
    found = usage(clones([3, 1]), sample="s", n_effective={"TRB": None})
    assert found.filter(weight="counts").select("lower", "upper", "n").null_count().row(0) == (9, 9, 9)
    assert found.filter(weight="clones").select("lower", "upper", "n").null_count().row(0) == (0, 0, 0)
    assert usage(clones([]), sample="s").height == 0


def test_what_is_no_table_for_it_is_refused():
    with pytest.raises(AnalysisError, match="exceed"):
        usage(clones([3, 1]), sample="s", n_effective={"TRB": 5.0})
    with pytest.raises(TableError, match="needs this column"):
        usage(clones([3, 1]).drop("j_call"), sample="s")
    with pytest.raises(TableError, match="a clone stands in several rows.*sum its rows first"):
        usage(pl.concat([clones([3, 1]), clones([2])]), sample="s")


def test_limits_of_counts_cover_the_repertoires_share_at_the_effective_number():
    # 150 genes of 400 samples of few cells read twice each; Clopper and Pearson's cover 95 % or more.
    random = np.random.default_rng(8)
    share = np.array([0.3, 0.1, 0.02, 0.58])
    held = []
    for _ in range(200):
        cells = random.multinomial(200, share)
        reads = random.multinomial(400, cells / 200)
        seen = reads > 0
        table = clones(reads[seen].tolist(), [f"TRBV{i}" for i in np.flatnonzero(seen)])
        found = usage(table, sample="s", n_effective={"TRB": 1 / (1 / 200 + 1 / 400)})
        rows = found.filter(feature="v_call", weight="counts").to_dicts()
        held += [row["lower"] <= share[int(row["level"][4:])] <= row["upper"] for row in rows]
    assert np.mean(held) > 0.94


@pytest.mark.parametrize(
    ("a", "b", "bits"),
    [
        ((10, 5, 3, 0, 1, 0), (2, 8, 0, 4, 1, 6), 0.443708692153666),
        ((120, 30, 7, 1, 1, 0, 0, 0), (0, 0, 0, 0, 5, 3, 2, 2), 0.976404473330713),
        ((4, 3, 0, 0), (0, 0, 5, 2), 1),
        ((1, 2), (2, 4), 0),
    ],
)
def test_divergence_is_in_bits(a, b, bits):
    used = [
        usage(clones([n for n in numbers if n], [f"TRBV{i}" for i, n in enumerate(numbers) if n]), sample=name)
        for name, numbers in (("a", a), ("b", b))
    ]
    found = usage_divergence(pl.concat(used))
    row = found.filter(key="v_call", parameter="jensen_shannon_bits_counts").row(0, named=True)
    assert (row["sample_a"], row["sample_b"], row["locus"]) == ("a", "b", "TRB")
    assert (row["value"], row["lower"], row["n_a"], row["n_b"]) == (near(bits), None, sum(a), sum(b))
    assert conform(found, OVERLAP).equals(found)
    assert usage_divergence(used[0]).height == 0


numbers = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@settings(max_examples=40)
@given(numbers, numbers, numbers)
def test_shares_add_up_and_divergence_keeps_its_bounds(a, b, c):
    used = pl.concat([usage(clones(one), sample=f"s{i}") for i, one in enumerate((a, b, c))])
    sums = used.group_by("sample", "locus", "feature", "weight").agg(pl.col("share").sum())
    assert sums["share"].to_list() == [near(1)] * sums.height
    found = usage_divergence(used)
    assert found.height == 3 * 10
    assert found["value"].is_between(0, 1).all()
    again = usage_divergence(used.filter(pl.col("sample") != "s2"))
    mine = found.filter(pl.col("sample_b") == "s1")["value"].to_list()
    assert again["value"].to_list() == [near(value) for value in mine]
