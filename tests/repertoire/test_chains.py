import hashlib
import importlib.util
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import AnalysisError, TableError
from tilseq.io.contigs import read_contigs
from tilseq.receptors import LOCI
from tilseq.repertoire import cell_quality, chain_pairing, check_overlap, joined_lanes

ORACLE = Path(__file__).parents[1] / "oracles" / "chain_pairing.py"
CALLS = ("receptor_type", "receptor_subtype", "chain_pairing")
# tests/oracles/chain_pairing.py, scirpy 0.25.1
SCIRPY = {
    "P17B": (2805, "c20e2f47fbc20b2cdc53f5e80ee4bc5ba38d0b4b1b6c36cbf64308d0dbf67ed0"),
    "P17L": (2893, "9c42ed0a8f985a90e8cb81a588df4d0c032abd9a7eb0d9bd8f45973b2e327994"),
    "P18B": (1328, "aa91b0bc93d5781f3be1a1459732f2f7df3e45acb5877209a042cfe30f0dc4ba"),
    "P18L": (1278, "c4186bb4f52e99eb27acc03494c0cae06db1d7682b9f26bba4489513a505ef4f"),
    "P19B": (6943, "3c55bc88638891d10765b48366eee11fd8faa56fd493c68b4f05c509810a3f57"),
    "P19L": (2747, "b5a1d5fa746cd2eda83c54cf48c677a3fa4c2d58108fc493dfdd399d3d6a3763"),
    "P20B": (8991, "527304af30ca6da5144e33a58808720c2cbf97ebb1340f0ad6bd69ba5d235653"),
    "P20L": (201, "a31a18ae5a7f9a85f21367599cf93ab1414bac1533f116afeb80a6d038bf14b4"),
    "10x_pbmc3": (1556, "c3178422f7305212f5fd4e8078e53a4e347c75c8ca56680165da59ef97a0a817"),
}
ODD_DIGEST = "b5531b7bae3be0c7d8a4e1deb456bd8691326bb0983df970b7c4d644b0c92737"
ODD = {
    "ambiguous": 43,
    "extra VDJ": 22,
    "extra VJ": 36,
    "multichain": 176,
    "no IR": 25,
    "orphan VDJ": 90,
    "orphan VJ": 117,
    "single pair": 62,
    "two full chains": 19,
}


def contigs(*rows):
    """Rows of cell, locus, junction, UMIs."""
    frame = pl.DataFrame(rows, schema=["cell_id", "locus", "junction", "umi_count"], orient="row")
    return frame.with_columns(junction_aa=pl.lit("CAF"))


def digest(cells):
    lines = sorted("\t".join(row) for row in cells.select("cell_id", *CALLS).iter_rows())
    return len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("name", SCIRPY)
def test_real_cells_are_called_as_scirpy_calls_them(shared_data, name):
    found = [*shared_data.glob(f"screpertoire/contigs/{name}_*"), *shared_data.glob(f"tcr/{name}_*")]
    read = read_contigs(found[0])
    assert digest(chain_pairing(read.table, sample="s", cells=read.cells)) == SCIRPY[name]


def test_odd_cells_are_called_as_scirpy_calls_them(tmp_path):
    spec = importlib.util.spec_from_file_location("chain_pairing_oracle", ORACLE)
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    oracle.write_odd_cells(tmp_path / "odd.csv")
    read = read_contigs(tmp_path / "odd.csv")
    called = chain_pairing(read.table, sample="s", cells=read.cells)
    assert Counter(called["chain_pairing"]) == ODD
    assert digest(called) == (sum(ODD.values()), ODD_DIGEST)


def test_chains_are_ranked_and_flags_raised():
    called = chain_pairing(
        contigs(
            ("dual", "TRA", "AAA", 5),
            ("dual", "TRA", "CCC", 9),
            ("dual", "TRB", "GGG", 4),
            ("both", "TRB", "GGG", 4),
            ("both", "IGH", "TTT", 4),
            ("twice", "TRB", "GGG", 4),
            ("twice", "TRB", "TTT", 6),
            ("twice", "TRA", "AAA", 1),
            ("four", "TRB", "AAA", 1),
            ("four", "TRB", "CCC", 1),
            ("four", "TRB", "GGG", 1),
            ("betas", "TRB", "AAA", 1),
            ("betas", "TRB", "CCC", 1),
        ),
        sample="s",
        cells=["empty", "dual"],
    )
    told = called.select("cell_id", "chain_pairing", "dual_alpha", "doublet", "vj_1_junction", "vdj_1_junction")
    assert told.rows() == [
        ("betas", "orphan VDJ", False, "possible", None, "CCC"),
        ("both", "ambiguous", False, "likely", None, "TTT"),
        ("dual", "extra VJ", True, None, "CCC", "GGG"),
        ("empty", "no IR", False, None, None, None),
        ("four", "multichain", False, "likely", None, "GGG"),
        ("twice", "extra VDJ", False, "possible", "AAA", "TTT"),
    ]


def test_contigs_of_one_junction_are_no_second_chain():
    called = chain_pairing(
        contigs(
            ("alpha", "TRA", "AAA", 5),
            ("alpha", "TRA", "AAA", 9),
            ("alpha", "TRB", "GGG", 4),
            ("beta", "TRB", "GGG", 4),
            ("beta", "TRB", "GGG", 2),
            ("betas", "TRB", "GGG", 4),
            ("betas", "TRB", "GGG", 2),
            ("betas", "TRB", "TTT", 1),
            ("thrice", "TRA", "AAA", 3),
            ("thrice", "TRA", "AAA", 2),
            ("thrice", "TRA", "AAA", 1),
            # As P18L_TAGACCAGTTAGGGTG-1 of BorchLab/scRepertoire: two contigs of one beta chain.
            ("two", "TRA", "AAA", 15),
            ("two", "TRA", "CCC", 5),
            ("two", "TRB", "GGG", 15),
            ("two", "TRB", "GGG", 13),
            ("two more", "TRA", "AAA", 15),
            ("two more", "TRA", "AAA", 7),
            ("two more", "TRA", "CCC", 5),
            ("two more", "TRB", "GGG", 15),
            ("gamma", "TRA", "AAA", 15),
            ("gamma", "TRA", "AAA", 7),
            ("gamma", "TRG", "CCC", 5),
            ("gamma", "TRB", "GGG", 15),
        ),
        sample="s",
    )
    # scirpy counts contigs: "extra VJ" and so on
    assert called.select("cell_id", "chain_pairing", "dual_alpha", "doublet").rows() == [
        ("alpha", "extra VJ", False, None),
        ("beta", "orphan VDJ", False, None),
        ("betas", "multichain", False, "possible"),
        ("gamma", "multichain", False, None),
        ("thrice", "multichain", False, None),
        ("two", "two full chains", True, None),
        ("two more", "multichain", True, None),
    ]


def test_one_barcode_in_two_lanes_is_two_cells():
    lane = contigs(("AAAC-1", "TRA", "AAA", 1), ("AAAC-1", "TRB", "AAA", 1))
    joined = joined_lanes({"lane1": lane, "lane2": lane})
    called = chain_pairing(joined, sample="s")
    assert called.select("cell_id", "chain_pairing").rows() == [
        ("lane1:AAAC-1", "single pair"),
        ("lane2:AAAC-1", "single pair"),
    ]


def test_libraries_of_other_cells_are_refused_with_their_overlap():
    expression = [f"{letter}ACGT-1" for letter in "ACGT"]
    assert check_overlap(expression[:2], expression) == 1
    assert check_overlap([*expression[:2], "x", "y"], expression) == 0.5
    with pytest.raises(AnalysisError, match=r"1 of 4 barcodes .* \(overlap 25.0 %\)") as told:
        check_overlap([expression[0], "x", "y", "z"], expression)
    assert told.value.mend == "are both of one library?"
    with pytest.raises(AnalysisError, match="overlap 0.0 %") as told:
        check_overlap(["AACGT", "CACGT"], expression)
    assert "write them alike" in told.value.mend
    with pytest.raises(AnalysisError):
        check_overlap([], expression)


def test_what_is_no_table_of_contigs_is_refused():
    with pytest.raises(TableError, match="column cell_id"):
        chain_pairing(pl.DataFrame({"locus": ["TRA"]}), sample="s")
    with pytest.raises(TableError, match="a chain has no cell"):
        chain_pairing(contigs((None, "TRA", "AAA", 1), ("a", "TRA", "AAA", 1)), sample="s")
    with pytest.raises(TableError, match="no such locus"):
        chain_pairing(contigs(("a", "TRX", "AAA", 1)), sample="s")


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(LOCI), st.sampled_from(["AAA", "CCC"]), st.integers(1, 3)),
        max_size=12,
    )
)
def test_the_order_of_contigs_does_not_matter_and_every_cell_is_called(rows):
    table = contigs(*rows) if rows else contigs(("a", "TRA", "AAA", 1)).clear()
    called = chain_pairing(table, sample="s", cells=["z"])
    assert called.equals(chain_pairing(table.reverse(), sample="s", cells=["z"]))
    assert set(called["cell_id"]) == {"z", *(row[0] for row in rows)}
    assert called["chain_pairing"].null_count() == 0
    for _, of_call in cell_quality(called).group_by("call"):
        assert of_call["cells"].sum() == called.height
