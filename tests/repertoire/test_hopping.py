"""Poisson quantiles and limits by R (tests/oracles/contamination.R), the rest counted by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson as oracle

from tilseq.errors import AnalysisError
from tilseq.repertoire import contamination, leak_limit


@pytest.mark.parametrize(
    ("mean", "most"),
    [(0, 0), (0.001, 0), (0.01, 0), (0.0101, 1), (0.1, 1), (0.6, 3), (2, 6), (10, 18), (4000, 4148)],
)
def test_most_that_leaks_is_the_quantile_of_r(mean, most):
    assert leak_limit(1000, mean / 1000) == most


@given(st.integers(0, 10**7), st.floats(0, 0.2))
def test_most_that_leaks_holds_99_percent_and_no_more_than_needed(count, rate):
    most = int(leak_limit(count, rate))
    assert oracle.cdf(most, count * rate) >= 0.99
    assert most == 0 or oracle.cdf(most - 1, count * rate) < 0.99


def test_a_rate_is_not_below_0():
    with pytest.raises(AnalysisError, match="0 or more"):
        leak_limit(10, -0.1)
    with pytest.raises(AnalysisError, match="0 or more"):
        leak_limit([10, 10], [0.1, np.nan])


def clones(prefix, counts):
    return {f"{prefix}{i:04}": n for i, n in enumerate(counts)}


def table(counts, locus="TRB"):
    rows = {"locus": [locus] * len(counts), "junction": list(counts), "duplicate_count": list(counts.values())}
    return pl.DataFrame(rows, schema={"locus": pl.String, "junction": pl.String, "duplicate_count": pl.Int64})


@pytest.fixture
def run():
    """Return a function that tells the contamination of three subjects' samples with some clones put in.

    Each has 10 clones of 100 counts and 200 of 1 in run1, and one of these more often in run2.
    """
    first = {f"{subject.lower()}1": clones(subject, [100] * 10 + [1] * 200) for subject in "ABC"}
    later = {f"{name[0]}2": counts | {f"{name[0].upper()}0100": 2} for name, counts in first.items()}
    samples = first | later
    words = {name: name[0].upper() for name in samples}, {name: f"run{name[1]}" for name in samples}

    def told(**further):
        mixed = {name: counts | further.get(name, {}) for name, counts in samples.items()}
        return contamination({name: table(counts) for name, counts in mixed.items()}, subjects=words[0], runs=words[1])

    return told


def rate(found, recipient, donor="A", of="run1"):
    return found.rates.filter(run=of, donor_subject=donor, recipient=recipient).row(0, named=True)


def test_the_rate_is_counts_arrived_over_those_of_the_donor(run):
    arrived = dict(zip([f"A{i:04}" for i in range(8)], [1, 2, 1, 1, 3, 1, 2, 1], strict=True))
    found = run(b1=arrived)
    row = rate(found, "b1")
    assert (row["large_clones"], row["seen"], row["arrived"], row["donor_counts"]) == (10, 8, 12, 1000)
    assert row["verdict"] == "leak"
    # half a clone of 12 pairs of 210 by 210 is shared by chance; b1 has 218 clones of 1,212 counts
    chance = 0.5 / (12 * 210 * 210)
    assert row["by_chance"] == pytest.approx(10 * 218 * chance)
    by_chance = 10 * 1212 * chance
    leaked = (12 - by_chance) / 1000
    assert row["rate"] == pytest.approx(leaked)
    assert row["lower"] == pytest.approx((6.20057510872 - by_chance) / 1000)
    assert row["upper"] == pytest.approx(20.9615850482 / 1000)
    assert rate(found, "c1")["upper"] == pytest.approx(3.68887945411 / 1000)
    assert rate(found, "c1")["verdict"] == rate(found, "b2", of="run2")["verdict"] == "none_found"
    runs = found.rates.filter(pl.col("recipient").is_null())
    assert runs.select("run", "verdict", "donor_counts", "arrived").rows() == [
        ("run1", "leak", 6000, 12),
        ("run2", "none_found", 6000, 0),
    ]
    rows = found.clones.filter(sample="b1")
    assert rows["verdict"].to_list() == ["leak"] * 8
    assert rows["donor"].unique().to_list() == ["a1"]
    assert rows["expected_leak"].to_list() == pytest.approx([leaked * 100] * 8)
    assert rows["most_leaked"].to_list() == [6] * 8  # of a mean of 2.096
    assert found.pairs.filter(sample_a="a1", sample_b="b1")["verdict"].to_list() == ["leak"]
    assert set(found.samples["verdict"]) == {"as_labelled"}
    assert dict(found.samples.select("sample", "arrived").iter_rows())["b1"] == pytest.approx(leaked * 1200)


def test_a_greater_count_than_leaks_is_no_leak(run):
    arrived = {f"A{i:04}": 1 for i in range(8)} | {"A0009": 40}
    row = run(b1=arrived).clones.filter(sample="b1", junction="A0009").row(0, named=True)
    assert (row["duplicate_count"], row["donor_count"], row["verdict"]) == (40, 100, "above_leak")


def test_a_clone_of_the_subject_in_another_run_is_its_own(run):
    arrived = {f"A{i:04}": 1 for i in range(8)}
    found = run(b1=arrived, b2={"A0000": 20})
    assert found.clones.filter(sample="b1", junction="A0000")["verdict"].to_list() == ["own"]


def test_a_clone_of_a_third_subject_in_another_run_is_public_and_tells_of_no_leak(run):
    arrived = {f"A{i:04}": 1 for i in range(8)}
    found = run(b1=arrived, c2={"A0000": 20})
    assert found.clones.filter(sample="b1", junction="A0000")["verdict"].to_list() == ["public"]
    assert (rate(found, "b1")["large_clones"], rate(found, "b1")["arrived"]) == (9, 7)


def test_without_a_leak_small_counts_beside_large_ones_are_possible(run):
    found = run(b1={"A0000": 1})
    assert found.rates.filter(verdict="leak").height == 0
    assert found.clones.select("sample", "junction", "donor_count", "verdict").rows() == [
        ("b1", "A0000", 100, "possible")
    ]
    assert set(found.pairs.filter(same_subject=False)["verdict"]) == {"chance"}


def test_a_leak_too_small_for_any_pair_is_found_in_the_run(run):
    given = {"a1": ("B0001", "C0002"), "b1": ("A0003", "C0004"), "c1": ("A0005", "B0006")}
    found = run(**{name: dict.fromkeys(strange, 1) for name, strange in given.items()})
    assert found.rates.filter(verdict="leak").select("run", "recipient", "seen").rows() == [("run1", None, 6)]
    assert found.clones["verdict"].to_list() == ["leak"] * 6
    # one clone that many people carry is no leak
    assert run(a1={"B0001": 1}, c1={"B0001": 1}).rates.filter(verdict="leak").height == 0


def test_a_run_of_one_subject_tells_nothing():
    own = clones("A", [100] * 10)
    found = contamination({"a": table(own), "b": table(clones("B", [100] * 10))}, subjects={"a": "A", "b": "B"},
                          runs={"a": "r1", "b": None})  # fmt: skip
    assert found.rates.select("run", "recipient", "verdict").rows() == [("r1", None, "cannot_tell")]


def test_limits_of_the_rate_hold_it():
    random = np.random.default_rng(5)
    truth, held = 0.003, 0
    sizes = np.maximum(1, (2000 / np.arange(1, 1500) ** 0.9).astype(int))
    for _ in range(100):
        arrived = random.poisson(truth * sizes)
        leaked = {f"A{i:04}": int(n) for i, n in enumerate(arrived) if n}
        samples = {"a": clones("A", sizes), "b": clones("B", sizes) | leaked}
        found = contamination({name: table(counts) for name, counts in samples.items()},
                              subjects={"a": "A", "b": "B"}, runs=dict.fromkeys(samples, "r"))  # fmt: skip
        row = rate(found, "b", of="r")
        held += row["lower"] <= truth <= row["upper"]
    assert held >= 0.95 * 100 - 2 * np.sqrt(100 * 0.05 * 0.95)
