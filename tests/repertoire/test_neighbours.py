"""Literal pairs by hand; random junctions against a plain edit distance."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.io.clonotypes import read_clonotypes
from tilseq.repertoire import neighbours
from tilseq.tables import conform
from tilseq.tables.repertoire import NEIGHBOURS

pytest.importorskip("symscan")


def clones(*junctions, locus="TRB", counts=None):
    return pl.DataFrame(
        {"locus": locus, "junction_aa": list(junctions), "duplicate_count": list(counts or [1] * len(junctions))},
        schema_overrides={"junction_aa": pl.String, "duplicate_count": pl.Int64},
    )


def one_edit(a, b):
    """Whether b is a with one letter replaced, put in or left out."""
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True)) == 1
    short, long = sorted((a, b), key=len)
    return len(long) - len(short) == 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def test_pairs_within_and_between_samples_and_never_the_same_junction():
    z = clones("CASSF", "CATSF", "CASSF", counts=(3, 2, 4))
    a = clones("CASSF", "CASSLF", "CSSLF")
    found = neighbours({"z": z, "a": a})
    assert found.rows() == [
        ("a", "a", "TRB", "CASSF", "CASSLF", 1, 1),
        ("a", "a", "TRB", "CASSLF", "CSSLF", 1, 1),
        ("z", "a", "TRB", "CASSF", "CASSLF", 7, 1),
        ("z", "a", "TRB", "CATSF", "CASSF", 2, 1),
        ("z", "z", "TRB", "CASSF", "CATSF", 7, 2),
    ]
    assert conform(found, NEIGHBOURS).equals(found)


def test_loci_are_kept_apart_and_nothing_gives_nothing():
    assert neighbours({"a": clones("CAF"), "b": clones("CSF", locus="TRA")}).height == 0
    assert neighbours({}).height == neighbours({"a": clones()}).height == 0


words = st.lists(st.text("ACF", min_size=1, max_size=5), max_size=12)


@settings(max_examples=60)
@given(words, words)
def test_pairs_are_those_of_a_plain_search(a, b):
    found = set(neighbours({"a": clones(*a), "b": clones(*b)}).select(pl.col("^sample.*$|^junction.*$")).rows())
    expected = {("a", "b", x, y) for x in set(a) for y in set(b) if one_edit(x, y)}
    for name, own in (("a", set(a)), ("b", set(b))):
        expected |= {(name, name, x, y) for x in own for y in own if x < y and one_edit(x, y)}
    assert found == expected


def test_a_real_repertoire(shared_data):
    table = read_clonotypes(shared_data / "tcr/10x_pbmc3_t_filtered_contig_annotations.csv.gz", locus="TRB").table
    junctions = sorted(table["junction_aa"].unique())
    expected = [(x, y) for i, x in enumerate(junctions) for y in junctions[i + 1 :]
                if abs(len(x) - len(y)) < 2 and one_edit(x, y)]  # fmt: skip
    assert neighbours({"s": table}).select("junction_aa_a", "junction_aa_b").rows() == expected


def test_a_letter_beyond_ascii_is_refused():
    with pytest.raises(TableError, match="letters of ASCII only.*CÄF"):
        neighbours({"s": clones("CAF", "CÄF")})
