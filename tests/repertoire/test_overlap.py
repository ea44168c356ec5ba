"""Literal values: vegan (tests/oracles/overlap.R), the rest by hand; many samples against plain loops."""

from functools import partial
from importlib import import_module

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from tilseq.errors import AnalysisError, TableError
from tilseq.io.clonotypes import read_clonotypes
from tilseq.repertoire import overlap
from tilseq.repertoire import shared as shared_module
from tilseq.tables import conform
from tilseq.tables.repertoire import OVERLAP

near = partial(pytest.approx, rel=1e-9, abs=1e-12)
PAIRS = {
    "ab": ((10, 5, 3, 0, 1, 0), (2, 8, 0, 4, 1, 6)),
    "cd": ((120, 30, 7, 1, 1, 0, 0, 0), (0, 0, 0, 0, 5, 3, 2, 2)),
    "ef": ((4, 3, 0, 0), (0, 0, 5, 2)),
}
EXPECTED = {
    "ab": {
        "shared_clones": 3,
        "jaccard": 0.5,
        "morisita_horn": 0.471612928228182,
        "morisita": 0.529667149059334,
        "bray_curtis_similarity": 0.406015037593985,
        "f": 0.664155672182532,
        "f2": 0.59057324228265,
    },
    "cd": {
        "shared_clones": 1,
        "jaccard": 0.125,
        "morisita_horn": 0.00583067927413539,
        "morisita": 0.00629937470188513,
        "bray_curtis_similarity": 0.00628930817610052,
        "f": 0.0511912597361626,
        "f2": 0.0511912597361626,
    },
    "ef": dict.fromkeys(
        ("shared_clones", "jaccard", "morisita_horn", "morisita", "bray_curtis_similarity", "f", "f2"), 0
    ),
}


def clones(counts, locus="TRB"):
    rows = [(f"{locus}{i}", n) for i, n in enumerate(counts) if n]
    frame = pl.DataFrame(rows, schema=["junction", "duplicate_count"], orient="row")
    return frame.with_columns(locus=pl.lit(locus))


def values(frame, a="a", b="b", locus="TRB"):
    rows = frame.filter(sample_a=a, sample_b=b, locus=locus)
    return dict(rows.select("parameter", "value").iter_rows())


def cells(**counts):
    return {name: {"TRB": float(sum(numbers))} for name, numbers in counts.items()}


@pytest.mark.parametrize("name", PAIRS)
def test_indices_are_those_of_vegan(name):
    a, b = PAIRS[name]
    found = overlap({"a": clones(a), "b": clones(b)}, n_effective=cells(a=a, b=b))
    assert values(found) == {parameter: near(value) for parameter, value in EXPECTED[name].items()}
    assert found["key"].unique().to_list() == ["junction"]
    assert found.select("lower", "upper").null_count().row(0) == (7, 7)  # fewer than ten clones in common
    assert found.select("n_a", "n_b").unique().rows() == [(sum(a), sum(b))]
    assert conform(found, OVERLAP).equals(found)


def test_without_cells_there_is_no_morisita_and_there_are_no_limits():
    a, b = PAIRS["ab"]
    found = overlap({"a": clones(a), "b": clones(b)}, n_effective={"a": {"TRB": 19.0}})
    assert values(found) == {**{k: near(v) for k, v in EXPECTED["ab"].items()}, "morisita": None}
    row = found.filter(parameter="morisita").row(0, named=True)
    assert (row["n_a"], row["n_b"]) == (19, None)


def by_hand(x, y, n, m):
    """Morisita's index of effective counts and the formula of its variance, term by term over clones."""
    k, j = x * n, y * m
    lambda_x, lambda_y = (k * (k - 1)).sum() / (n * (n - 1)), (j * (j - 1)).sum() / (m * (m - 1))
    total = lambda_x + lambda_y
    c = 2 * (x * y).sum() / total
    a, b = 2 * ((x * y).sum() - c * lambda_x), 2 * ((x * y).sum() - c * lambda_y)
    # Of z = 2 kj/(nm) - c k(k-1)/n² - c j(j-1)/m² - a k/n - b j/m; powers of a Poisson mean by falling factorials.
    var_kj = (k * j * (k + j - 1)).sum() * 4 / (n * m) ** 2
    var_kk = (4 * k * (k - 1) * (k - 2) + 2 * k * (k - 1)).sum() * c**2 / n**4
    var_jj = (4 * j * (j - 1) * (j - 2) + 2 * j * (j - 1)).sum() * c**2 / m**4
    var_k, var_j = a**2 / n, b**2 / m
    kj_kk = -2 * 2 * c * (2 * k * (k - 1) * j).sum() / (n * m * n**2)
    kj_jj = -2 * 2 * c * (2 * j * (j - 1) * k).sum() / (n * m * m**2)
    kj_k, kj_j = -2 * 2 * a * (k * j).sum() / (n * m * n), -2 * 2 * b * (k * j).sum() / (n * m * m)
    kk_k, jj_j = 2 * c * a * (2 * k * (k - 1)).sum() / n**3, 2 * c * b * (2 * j * (j - 1)).sum() / m**3
    variance = var_kj + var_kk + var_jj + var_k + var_j + kj_kk + kj_jj + kj_k + kj_j + kk_k + jj_j
    return c, np.sqrt(variance) / total


def test_limits_are_those_of_the_formula_and_of_the_effective_cells():
    random = np.random.default_rng(4)
    share = random.pareto(1.2, 200) + 1
    a, b = (random.multinomial(n, share / share.sum()) for n in (900, 400))
    b[:40] = 0
    n, m = 300.0, float(b.sum())
    found = overlap({"a": clones(a), "b": clones(b)}, n_effective={"a": {"TRB": n}, "b": {"TRB": m}})
    row = found.filter(parameter="morisita").row(0, named=True)
    c, error = by_hand(a / a.sum(), b / b.sum(), n, m)
    spread = stdtrit(2 * (c / error) ** 2, 0.975) * error / (c * (1 - c))
    logit = np.log(c / (1 - c))
    limits = [1 / (1 + np.exp(-(logit - spread))), 1 / (1 + np.exp(-(logit + spread)))]
    assert [row["value"], row["lower"], row["upper"]] == [near(c), *map(near, limits)]
    assert (row["n_a"], row["n_b"]) == (n, m)


def test_all_pairs_are_those_of_plain_loops(monkeypatch):
    random = np.random.default_rng(5)
    counts = random.integers(0, 4, (7, 40)) * (random.random((7, 40)) < 0.6)
    names = [f"s{i}" for i in range(7)]
    tables = {name: clones(row.tolist()) for name, row in zip(names, counts, strict=True)}
    found = overlap(tables)
    monkeypatch.setattr(shared_module, "PAIRS_AT_ONCE", 3)
    assert overlap(tables)["value"].to_list() == [v if v is None else near(v) for v in found["value"]]
    assert found.height == 21 * 7
    for i, a in enumerate(names):
        for k, b in enumerate(names[i + 1 :], start=i + 1):
            x, y = counts[i] / counts[i].sum(), counts[k] / counts[k].sum()
            both = (x > 0) & (y > 0)
            assert values(found, a, b) == {
                "shared_clones": both.sum(),
                "jaccard": near(both.sum() / ((x > 0) | (y > 0)).sum()),
                "f": near(np.sqrt(x[both].sum() * y[both].sum())),
                "f2": near(np.sqrt(x * y).sum()),
                "morisita_horn": near(2 * (x * y).sum() / ((x**2).sum() + (y**2).sum())),
                "morisita": None,
                "bray_curtis_similarity": near(np.minimum(x, y).sum()),
            }


def test_limits_among_many_samples_are_those_of_two_alone():
    random = np.random.default_rng(6)
    counts = random.integers(0, 9, (5, 60)) * (random.random((5, 60)) < 0.7)
    tables = {f"s{i}": clones(row.tolist()) for i, row in enumerate(counts)}
    known = cells(**{f"s{i}": row.tolist() for i, row in enumerate(counts) if i != 3})
    found = overlap(tables, n_effective=known)
    assert found.filter(parameter="morisita")["lower"].null_count() == 4  # the pairs of the one without cells
    for a, b in found.select("sample_a", "sample_b").unique().rows():
        alone = overlap({a: tables[a], b: tables[b]}, n_effective=known)
        for name in ("value", "lower", "upper"):
            of_pair = found.filter(sample_a=a, sample_b=b)[name]
            assert of_pair.to_list() == [v if v is None else near(v) for v in alone[name]]


def test_clones_that_share_half_of_their_code_are_told_apart(monkeypatch):
    a, b = PAIRS["ab"]
    tables = {"a": clones(a), "b": clones(b), "c": clones((1, 0, 1, 0, 1, 1))}
    whole = overlap(tables)
    one_half = shared_module.coded

    def coded(frame):
        code = one_half(frame)
        first, second = np.zeros_like(code.first), code.second
        bounds = np.concatenate([[0], np.full(shared_module.BUCKETS, len(first))])
        return shared_module.Coded(first, second, code.frequency, bounds, code.counts)

    monkeypatch.setattr(import_module("tilseq.repertoire.overlap"), "coded", coded)
    again = overlap(tables)
    assert again.drop("value").equals(whole.drop("value"))
    assert again["value"].to_list() == [value if value is None else near(value) for value in whole["value"]]


def test_loci_stand_alone_and_pairs_in_the_order_given():
    a, b = PAIRS["ab"]
    both = {"b": pl.concat([clones(b), clones(a, "TRA")]), "a": clones(a), "z": clones((1, 1), "TRA")}
    found = overlap(both)
    assert found.select("sample_a", "sample_b", "locus").unique(maintain_order=True).rows() == [
        ("b", "a", "TRB"),
        ("b", "z", "TRA"),
    ]
    assert values(found, "b", "a") == {**{k: near(v) for k, v in EXPECTED["ab"].items()}, "morisita": None}
    assert (
        overlap({}).height
        == overlap({"a": clones(a)}).height
        == overlap({"a": clones(()), "b": clones(())}).height
        == 0
    )


def test_a_generator_and_pandas_do_as_well():
    a, b = PAIRS["ab"]
    whole = overlap({"a": clones(a), "b": clones(b)})
    assert overlap((name, clones(n).to_pandas()) for name, n in (("a", a), ("b", b))).equals(whole)


def test_rows_of_one_key_are_summed_before_they_are_compared():
    table = pl.DataFrame(
        {
            "locus": "TRB",
            "junction": ["TGT", "TGC", "AAA"],
            "junction_aa": ["C", "C", "K"],
            "v_call": ["TRBV2*01", "TRBV2*02", "TRBV3-1"],
            "j_call": "TRBJ1-1",
            "duplicate_count": [2, 2, 4],
        }
    )
    other = table.filter(junction="TGT").with_columns(v_call=pl.lit("TRBV2"))
    assert values(overlap({"a": table, "b": other}, key="junction"))["f"] == near(np.sqrt(0.25))
    assert values(overlap({"a": table, "b": other}, key="junction_aa"))["f"] == near(np.sqrt(0.5))
    found = overlap({"a": table, "b": other}, key="junction_aa+v+j")
    assert values(found)["shared_clones"] == 1
    assert found["key"].unique().to_list() == ["junction_aa+v+j"]


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda: overlap({"a": clones((1,))}, key="junction_ab"), AnalysisError, "did you mean"),
        (lambda: overlap([("a", clones((1,))), ("a", clones((2,)))]), AnalysisError, "twice"),
        (lambda: overlap({"a": clones((1, 2))}, n_effective={"a": {"TRB": 4.0}}), AnalysisError, "exceed"),
        (lambda: overlap({"a": clones((1, 2))}, n_effective={"a": {"TRB": 0.0}}), AnalysisError, "exceed"),
        (lambda: overlap({"a": clones((1, 2)).drop("junction")}), TableError, "needs this column"),
        (lambda: overlap({"a": clones((1, 2))}, key="junction_aa"), TableError, "needs this column"),
        (lambda: overlap({"a": clones((1, -2))}), TableError, "above 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, error, word):
    with pytest.raises(error, match=word):
        call()


counts = st.lists(st.integers(0, 60), min_size=4, max_size=30).filter(lambda numbers: sum(numbers) > 1)


@settings(max_examples=40)
@given(counts, counts)
def test_indices_keep_their_bounds_and_do_not_depend_on_order(a, b):
    tables = {"a": clones(a), "b": clones(b)}
    found = overlap(tables, n_effective=cells(a=a, b=b))
    turned = overlap({"b": clones(b), "a": clones(a)[::-1]}, n_effective=cells(a=a, b=b))
    value = values(found)
    other = values(turned, "b", "a")
    assert other == {name: number if number is None else near(number) for name, number in value.items()}
    for name in ("jaccard", "f", "f2", "morisita_horn", "bray_curtis_similarity"):
        assert 0 <= value[name] <= 1 + 1e-9
    # f2 <= f (Cauchy and Schwarz), min <= root of the product
    assert value["bray_curtis_similarity"] <= value["f2"] + 1e-12 <= value["f"] + 2e-12
    for row in found.drop_nulls("lower").iter_rows(named=True):
        assert 0 <= row["lower"] <= row["value"] <= row["upper"]


@settings(max_examples=40)
@given(counts)
def test_a_sample_is_like_itself(a):
    value = values(overlap({"a": clones(a), "b": clones(a)}))
    names = ("jaccard", "f", "f2", "morisita_horn", "bray_curtis_similarity")
    assert [value[name] for name in names] == [near(1)] * 5


def test_two_real_repertoires(shared_data):
    paths = ("10x_pbmc3_t_filtered_contig_annotations.csv.gz", "vdjtools_M_day15_CD8_TRB_top5000.tsv.gz")
    a, b = (read_clonotypes(shared_data / "tcr" / path, locus="TRB").table for path in paths)
    for key in ("junction", "junction_aa"):
        value = values(overlap({"a": a, "b": b}, key=key))
        both = set(a[key]) & set(b[key])
        assert both
        assert value["shared_clones"] == len(both)
        assert value["jaccard"] == near(len(both) / len(set(a[key]) | set(b[key])))
        shares = [table.filter(pl.col(key).is_in(both))["duplicate_count"].sum() / table["duplicate_count"].sum()
                  for table in (a, b)]  # fmt: skip
        assert value["f"] == near(np.sqrt(shares[0] * shares[1]))


@pytest.mark.parametrize(
    ("column", "told"), [(pl.lit("3"), "counts must be numbers"), (pl.lit(1.5), "must be a whole number above 0")]
)
def test_counts_are_looked_at_before_they_are_summed(column, told):
    table = pl.DataFrame({"locus": "TRB", "junction": ["AAA", "CCC"], "duplicate_count": [3, 1]})
    cells = {"a": {"TRB": 4.0}, "b": {"TRB": 4.0}}
    with pytest.raises(TableError, match=told):
        overlap({"a": table.with_columns(duplicate_count=column), "b": table}, n_effective=cells)
    with pytest.raises(TableError, match="needs this column"):
        overlap({"a": table.drop("duplicate_count"), "b": table}, n_effective=cells)
