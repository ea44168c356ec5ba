"""Clones that a leak may explain, by hand: the rate is given, so that what is expected is a product of two numbers."""

import polars as pl
import pytest

from tilseq.repertoire.chance_sharing import Chance
from tilseq.repertoire.libraries import libraries_of
from tilseq.repertoire.suspicious import suspicious_clones
from tilseq.tables.contamination import LEAK_RATES

# P(X <= most) >= 0.99 of Poisson's at 0.02 times 100 and 1000 counts; qpois(.99, c(2, 20)) of R
MOST_OF_100, MOST_OF_1000 = 6, 31


def table(**counts):
    return pl.DataFrame({"locus": "TRB", "junction": list(counts), "duplicate_count": list(counts.values())})


def listed(samples, *, rate=0.01, verdict="leak", upper=0.02, chance=1e-9):
    """What is said of clones; a sample's name is its subject, and behind it its run."""
    names = list(samples)
    libraries = libraries_of(
        samples, {name: name[0].upper() for name in names}, {name: f"run{name[1]}" for name in names}
    )
    beside = libraries.beside(libraries.subjects)
    runs = sorted({f"run{name[1]}" for name in names})
    of_run = {"large_clones": 9, "seen": 9, "rate": rate, "lower": 0.0, "upper": upper, "verdict": verdict}
    rates = LEAK_RATES.frame([{"run": run, **of_run} for run in runs])
    return suspicious_clones(libraries, beside, rates, {"TRB": Chance(chance, 0.25, 9)})


def test_a_clone_that_the_rate_explains_is_a_leak_and_one_beyond_it_is_not():
    found = listed({"a1": table(LEAKED=100, MORE=1000), "b1": table(LEAKED=2, MORE=32, OWN=50)})
    assert found.select("sample", "junction", "donor", "expected_leak", "most_leaked", "verdict").rows() == [
        ("b1", "LEAKED", "a1", 1.0, MOST_OF_100, "leak"),
        ("b1", "MORE", "a1", 10.0, MOST_OF_1000, "above_leak"),
    ]


def test_what_its_subject_or_a_third_one_holds_in_another_run_is_its_own_or_public():
    own = listed({"a1": table(X=100), "b1": table(X=2), "b2": table(X=5)})
    assert own.select("sample", "verdict").rows() == [("b1", "own")]
    public = listed({"a1": table(X=100), "b1": table(X=2), "c2": table(X=5)})
    assert public.select("sample", "verdict").rows() == [("b1", "public")]


def test_without_a_leak_or_where_chance_is_likelier_it_is_possible():
    samples = {"a1": table(X=100), "b1": table(X=2)}
    nothing = listed(samples, verdict="none_found").row(0, named=True)
    assert (nothing["expected_leak"], nothing["most_leaked"], nothing["verdict"]) == (0, MOST_OF_100, "possible")
    # of one clone of b the same as one of a by chance with 0.9; that one leaks, 1 - exp(-1) = 0.63
    assert listed(samples, chance=0.9)["verdict"].to_list() == ["possible"]


def test_where_no_rate_can_be_told_there_is_no_limit():
    row = listed({"a1": table(X=100), "b1": table(X=2)}, rate=None, upper=None, verdict="cannot_tell").row(
        0, named=True
    )
    assert (row["most_leaked"], row["expected_leak"], row["verdict"]) == (None, 0, "possible")


@pytest.mark.parametrize("count", [100, 101])
def test_the_greater_number_is_never_suspicious(count):
    assert listed({"a1": table(X=100), "b1": table(X=count)})["sample"].to_list() == ([] if count == 100 else ["a1"])
