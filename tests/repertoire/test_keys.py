import polars as pl
import pytest

from tilseq.errors import AnalysisError, TableError
from tilseq.receptors import KEYS
from tilseq.repertoire import overlap
from tilseq.repertoire.keys import genes_of, key_columns, keyed, lacking, paired

TABLE = pl.DataFrame(
    {
        "locus": "TRB",
        "junction": ["TGTAAA", "TGTAAG", "TGTCCC"],
        "junction_aa": ["CK", "CK", None],
        "v_call": ["TRBV2*01", None, "TRBV6-3*01,TRBV6-2*01"],
        "j_call": ["TRBJ1-1", None, "TRBJ2-7"],
        "duplicate_count": [5, 3, 2],
    }
)


def test_a_key_names_its_columns():
    assert list(KEYS) == [
        "junction", "junction+v", "junction+j", "junction+v+j",
        "junction_aa", "junction_aa+v", "junction_aa+j", "junction_aa+v+j",
    ]  # fmt: skip
    assert key_columns("junction_aa+v+j") == ("junction_aa", "v_call", "j_call")
    with pytest.raises(AnalysisError, match="no such clonotype key"):
        key_columns("cdr3")


def test_genes_stand_without_alleles_each_once_and_in_order():
    calls = ["TRBV6-3*01,TRBV6-2*01", "TRBV6-2*01,TRBV6-2*02", "TRBV2", None, "TRAV29/DV5*01", "IGHV(III)-44*01"]
    assert genes_of(pl.Series("v_call", calls)).to_list() == [
        "TRBV6-2,TRBV6-3", "TRBV6-2", "TRBV2", None, "TRAV29/DV5", "IGHV(III)-44",
    ]  # fmt: skip
    assert genes_of(pl.Series("v_call", [None], pl.String)).to_list() == [None]


@pytest.mark.parametrize(
    ("key", "rows", "left_out"),
    [
        ("junction", [("TGTAAA", 5), ("TGTAAG", 3), ("TGTCCC", 2)], []),
        ("junction_aa", [("CK", 5), ("CK", 3)], [("no junction_aa for the key junction_aa", 1, 2)]),
        (
            "junction+v+j",
            [("TGTAAA", "TRBV2", "TRBJ1-1", 5), ("TGTCCC", "TRBV6-2,TRBV6-3", "TRBJ2-7", 2)],
            [("no v_call for the key junction+v+j", 1, 3)],
        ),
        (
            "junction_aa+j",
            [("CK", "TRBJ1-1", 5)],
            [("no j_call for the key junction_aa+j", 1, 3), ("no junction_aa for the key junction_aa+j", 1, 2)],
        ),
    ],
)
def test_rows_that_lack_a_part_are_left_out_and_counted(key, rows, left_out):
    assert keyed(TABLE, key).drop("locus").rows() == rows
    assert lacking(TABLE, key).rows() == left_out
    assert keyed(TABLE.to_pandas(), key).equals(keyed(TABLE, key))


def test_a_column_that_is_missing_is_named():
    with pytest.raises(TableError, match="needs this column") as caught:
        keyed(TABLE.drop("v_call"), "junction+v")
    assert caught.value.column == "v_call"


def chain(cell, locus, junction, gene="1"):
    names = ("cell_id", "locus", "junction", "junction_aa", "v_call", "j_call")
    return dict(zip(names, (cell, locus, junction, junction.lower(), f"{locus}V{gene}", f"{locus}J1"), strict=True))


def test_cells_are_paired_by_both_chains_and_others_counted():
    chains = pl.DataFrame(
        [
            *(chain(cell, locus, junction) for cell in "ab" for locus, junction in (("TRB", "GG"), ("TRA", "CC"))),
            *(chain("c", locus, junction) for locus, junction in (("TRB", "GG"), ("TRA", "TT"), ("TRG", "AA"))),
            chain("c", "TRA", "TT"),  # the same chain again
            chain("alpha alone", "TRA", "CC"),
            chain("beta alone", "TRB", "GG"),
            *(chain("doublet", "TRB", junction) for junction in ("GG", "AG")),
            *(chain("two alphas", locus, junction) for locus, junction in (("TRA", "A"), ("TRA", "C"), ("TRB", "GG"))),
        ]
    )
    clones, left_out = paired(chains)
    assert clones.rows() == [
        ("TRA+TRB", "CC+GG", "cc+gg", "TRAV1+TRBV1", "TRAJ1+TRBJ1", 2),
        ("TRA+TRB", "TT+GG", "tt+gg", "TRAV1+TRBV1", "TRAJ1+TRBJ1", 1),
    ]
    assert left_out.rows() == [
        ("cell with more than one TRA or TRB", 5, 2),
        ("cell without TRA", 1, 1),
        ("cell without TRB", 1, 1),
    ]
    assert keyed(clones, "junction_aa+v").height == 2
    with pytest.raises(TableError, match="no null"):
        paired(chains.with_columns(cell_id=pl.lit(None, pl.String)))
    with pytest.raises(TableError, match="needs this column"):
        paired(chains.drop("cell_id"))


def test_junctions_in_lower_case_are_those_in_upper_case():
    table = pl.DataFrame({"locus": "TRB", "junction": ["tgtgca", "TGTGCC"], "duplicate_count": [2, 1]})
    assert keyed(table, "junction")["junction"].to_list() == ["TGTGCA", "TGTGCC"]
    other = table.with_columns(pl.col("junction").str.to_uppercase())
    shared = overlap({"a": table, "b": other}).filter(parameter="shared_clones")
    assert shared["value"].to_list() == [2]


def test_counts_of_what_is_left_out_must_be_counts():
    with pytest.raises(TableError, match="counts must be numbers"):
        lacking(TABLE.cast({"duplicate_count": pl.String}), "junction_aa")
