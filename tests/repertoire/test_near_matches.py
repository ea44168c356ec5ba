import polars as pl
import pytest

from tilseq.errors import TableError
from tilseq.repertoire import near_matches

# junction, junction_aa, counts
PRODUCT = [("AAA", "CASF", 60), ("AAG", "CASF", 10), ("CCC", "CQWF", 30)]
BLOOD = [
    ("AAA", "CASF", 50),  # of the product
    ("AAC", "CASF", 20),  # other nucleotides, near two clones
    ("GGG", "CATF", 10),  # one amino acid replaced
    ("GGC", "CQWWF", 5),  # one put in
    ("TTT", "CPPPPF", 15),
]


def table(rows, locus="TRB"):
    return pl.DataFrame(rows, schema=["junction", "junction_aa", "duplicate_count"], orient="row").with_columns(
        locus=pl.lit(locus)
    )


def test_each_kind_by_hand():
    found = near_matches(table(BLOOD), table(PRODUCT), sample="D28")
    shown = ["junction", "kind", "frequency", "product_clones", "product_junction", "product_frequency"]
    assert found.select(shown).rows() == [
        ("AAC", "other_nucleotides", 0.2, 2, "AAA", 0.6),
        ("GGC", "one_edit", 0.05, 1, "CCC", 0.3),
        ("GGG", "one_edit", 0.1, 2, "AAA", 0.6),
    ]
    assert set(found["sample"]) == {"D28"}


def test_shares_are_of_all_counts_of_the_locus():
    more = [("ACG", None, 100)]
    found = near_matches(table(BLOOD + more), table(PRODUCT + more), sample="s").row(0, named=True)
    assert (found["frequency"], found["product_frequency"]) == (0.1, 0.3)


def test_another_locus_is_never_near():
    assert near_matches(table(BLOOD, "TRA"), table(PRODUCT), sample="s").height == 0


def test_a_clone_of_the_product_is_never_near():
    assert near_matches(table(PRODUCT), table(PRODUCT), sample="s").height == 0


def test_junctions_in_lower_case_are_as_those_in_upper_case():
    lower = table(BLOOD).with_columns(pl.col("junction", "junction_aa").str.to_lowercase())
    wanted = near_matches(table(BLOOD), table(PRODUCT), sample="s")
    assert wanted.height == 3
    for sample, product in ((lower, table(PRODUCT)), (table(BLOOD), table(PRODUCT).with_columns(
        pl.col("junction", "junction_aa").str.to_lowercase()))):  # fmt: skip
        assert near_matches(sample, product, sample="s").equals(wanted)


def test_a_table_without_amino_acids_is_refused():
    with pytest.raises(TableError, match="junction_aa"):
        near_matches(table(BLOOD).drop("junction_aa"), table(PRODUCT), sample="s")
