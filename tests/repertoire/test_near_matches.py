import polars as pl
import pytest

from tilseq.errors import TableError
from tilseq.repertoire import effective_clones, near_matches
from tilseq.repertoire.near_matches import whole_product

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


def test_lots_that_count_different_things_have_one_share():
    reads = table([("AAA", "CASF", 9000), ("CCC", "CQWF", 1000)])
    cells = table([("AAA", "CASF", 2), ("AAG", "CASF", 8)])
    product = whole_product([effective_clones(lot, None) for lot in (reads, cells)], [reads, cells])
    assert sorted(product.select("junction", "junction_aa", "frequency").rows()) == [
        ("AAA", "CASF", pytest.approx((0.9 + 0.2) / 2)),
        ("AAG", "CASF", pytest.approx(0.8 / 2)),
        ("CCC", "CQWF", pytest.approx(0.1 / 2)),
    ]
    # Of lots whose cells are known each weighs by them: 30 of 40 cells are of the second
    lots = [effective_clones(reads, 10), effective_clones(cells.with_columns(pl.col("duplicate_count") * 3), 30)]
    found = near_matches(table(BLOOD), whole_product(lots, [reads, cells]), sample="s").filter(junction="AAC")
    shown = found.select("product_clones", "product_junction", "product_frequency").row(0)
    assert shown == (2, "AAG", pytest.approx((0 * 10 + 0.8 * 30) / 40))


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
