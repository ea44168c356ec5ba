import polars as pl
import pytest

from tilseq.repertoire import ProductLot, cell_labels, chain_pairing, presence
from tilseq.repertoire.clones import clone_counts, listed, nucleotides, upper
from tilseq.repertoire.effective import effective_clones

MIXED = ["TGTgccagc", "tgtgccagc", "TGTGCCAGC", "TGTGCC"]
TABLE = pl.DataFrame({"locus": "TRB", "junction": MIXED, "duplicate_count": [5, 3, 2, 1]})


def test_a_junction_is_one_clone_in_upper_and_lower_case():
    expected = [("TRB", "TGTGCCAGC", 10), ("TRB", "TGTGCC", 1)]
    assert clone_counts(TABLE).rows() == expected
    assert clone_counts(TABLE.to_pandas()).rows() == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (MIXED, ["TGTGCCAGC", "TGTGCCAGC", "TGTGCCAGC", "TGTGCC"]),
        (["CASs*_F", None, "CASSF+CAVW", ""], ["CASS*_F", None, "CASSF+CAVW", ""]),
        ([None], [None]),
        ([], []),
    ],
)
def test_upper_case(given, expected):
    assert upper(pl.Series("junction", given, pl.String)).to_list() == expected


def test_names_that_are_no_nucleotides_are_let_be():
    given = ["tgtgcc", "TGTgcc+tgtgct", "rest", "a", "", None, "NNN"]
    expected = ["TGTGCC", "TGTGCC+TGTGCT", "rest", "a", "", None, "NNN"]
    assert nucleotides(pl.Series("junction", given)).to_list() == expected


def test_one_small_letter_among_many_junctions_is_found(monkeypatch):
    monkeypatch.setattr("tilseq.repertoire.clones.AT_ONCE", 3)
    junctions = pl.Series("junction", ["TGTGCA"] * 10 + ["TGTGCa"])
    assert upper(junctions).to_list() == ["TGTGCA"] * 11


def test_clones_asked_for_are_those_of_the_sample_in_either_case():
    asked = pl.DataFrame({"locus": "TRB", "junction": ["tgtgcc", "TGTGCC", "TGTAAA"]})
    assert listed(asked).rows() == [("TRB", "TGTAAA"), ("TRB", "TGTGCC")]
    found = presence({"blood": effective_clones(TABLE, 11)}, asked, threshold=0.5)
    assert found.select("junction", "duplicate_count").rows() == [("TGTAAA", 0), ("TGTGCC", 1)]


def test_a_cell_is_of_a_clone_of_the_product_in_either_case():
    contigs = pl.DataFrame(
        {"cell_id": ["a", "b"], "locus": "TRB", "junction": ["tgtgccagc", "TGTAAA"], "junction_aa": ["CAS", "CK"]}
    )
    cells = chain_pairing(contigs, sample="blood")
    assert cells["vdj_1_junction"].to_list() == ["TGTGCCAGC", "TGTAAA"]
    small = cells.with_columns(pl.col("vdj_1_junction").str.to_lowercase())
    for given in (cells, small):
        labels = cell_labels(given, [ProductLot("product", TABLE)])
        assert labels["label"].to_list() == ["infused", "not_seen_in_product"]
