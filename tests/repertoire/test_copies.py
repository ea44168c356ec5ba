import polars as pl
import pytest

from tilseq.errors import TableError
from tilseq.repertoire.copies import copies

JUNCTIONS = ["AAA", "AAC", "AAG", "AAT", "ACA", "ACC", "ACG", "ACT", "AGA", "AGC"]


def table(junctions, counts):
    return pl.DataFrame({"locus": "TRB", "junction": junctions, "duplicate_count": counts})


def test_the_same_clones_in_another_order_and_case_are_a_copy():
    counts = [9, 8, 7, 6, 5, 4, 3, 2, 1, 1]
    one = table(JUNCTIONS, counts)
    turned = table([junction.lower() for junction in reversed(JUNCTIONS)], counts[::-1])
    assert copies({"one": one, "turned": turned, "again": one.to_pandas()}) == {"turned": "one", "again": "one"}


def test_other_counts_or_clones_are_no_copy():
    one = table(JUNCTIONS, [9, 8, 7, 6, 5, 4, 3, 2, 1, 1])
    swapped = table(JUNCTIONS, [8, 9, 7, 6, 5, 4, 3, 2, 1, 1])  # as many clones, and the same sum
    other = table([*JUNCTIONS[:-1], "TTT"], [9, 8, 7, 6, 5, 4, 3, 2, 1, 1])
    assert copies({"one": one, "swapped": swapped, "other": other}) == {}


MANY = [first + rest for first in JUNCTIONS for rest in JUNCTIONS]
COUNTS = [max(1, 300 // (i + 1)) for i in range(100)]


@pytest.mark.parametrize("factor", [3, 1e6 / sum(COUNTS), 0.7])
def test_counts_that_were_scaled_and_rounded_are_a_copy(factor):
    one = table(MANY, [count * 10 for count in COUNTS])
    scaled = table(MANY[::-1], [round(count * 10 * factor) for count in COUNTS][::-1])
    assert copies({"one": one, "scaled": scaled}) == {"scaled": "one"}
    assert copies({"scaled": scaled, "one": one}) == {"one": "scaled"}


def test_shares_that_differ_by_more_than_rounding_are_no_copy():
    one = table(MANY, [count * 10 for count in COUNTS])
    # A whole count of the largest clone: 9003 / 3000 is 3.001, yet 3 x 10 is not 30.01 rounded up to 31.
    moved = table(MANY, [9003, *(count * 30 for count in COUNTS[1:-1]), 31])
    assert copies({"one": one, "moved": moved}) == {}
    few = table(MANY[:99], [count * 10 for count in COUNTS[:99]])
    assert copies({"few": few, "scaled": table(MANY[:99], [count * 30 for count in COUNTS[:99]])}) == {}


def test_few_clones_may_be_alike_by_chance():
    one = table(JUNCTIONS[:9], [1] * 9)
    assert copies({"one": one, "two": one}) == copies({}) == {}


def test_what_is_no_clonotype_table_is_refused():
    with pytest.raises(TableError, match="a clonotype table needs this column"):
        copies({"one": pl.DataFrame({"locus": ["TRB"]})})
