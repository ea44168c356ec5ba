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


def test_few_clones_may_be_alike_by_chance():
    one = table(JUNCTIONS[:9], [1] * 9)
    assert copies({"one": one, "two": one}) == copies({}) == {}


def test_what_is_no_clonotype_table_is_refused():
    with pytest.raises(TableError, match="a clonotype table needs this column"):
        copies({"one": pl.DataFrame({"locus": ["TRB"]})})
