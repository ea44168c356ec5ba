import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.io.contigs import read_contigs
from tilseq.repertoire import cell_quality, chain_pairing, diversity, overlap, paired_clones


def cells(*rows, sample="s"):
    """Cells of rows of cell, locus, junction, UMIs."""
    schema = {"cell_id": pl.String, "locus": pl.String, "junction": pl.String, "umi_count": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    genes = {"v_call": pl.format("{}V1", "locus"), "j_call": pl.when(pl.col("locus") != "TRA").then(pl.lit("J"))}
    return chain_pairing(frame.with_columns(junction_aa=pl.lit("CAF"), **genes), sample=sample, cells=["none"])


PAIRED = cells(
    *((cell, locus, "AAA", 1) for cell in "abc" for locus in ("TRA", "TRB")),
    ("d", "TRA", "AAA", 1),
    ("d", "TRB", "CCC", 1),
    ("dual", "TRA", "AAA", 9),
    ("dual", "TRA", "GGG", 8),
    ("dual", "TRB", "CCC", 1),
    ("alone", "TRB", "AAA", 1),
    *(("many", "TRB", junction, 1) for junction in ("AAA", "CCC", "GGG")),
    ("many", "TRA", "AAA", 1),
    *((cell, "IGH", "TTT", 1) for cell in "xyz"),
    ("x", "IGK", "AAA", 1),
    ("y", "IGL", "AAA", 1),
    ("z", "TRB", "AAA", 1),
)


def test_clones_are_of_the_first_chain_of_each_arm():
    clones, _ = paired_clones(PAIRED)
    assert clones.rows() == [
        ("s", "IGH+IGK", "TTT+AAA", "CAF+CAF", "IGHV1+IGKV1", "J+J", 1),
        ("s", "IGH+IGL", "TTT+AAA", "CAF+CAF", "IGHV1+IGLV1", "J+J", 1),
        ("s", "TRA+TRB", "AAA+AAA", "CAF+CAF", "TRAV1+TRBV1", None, 3),
        ("s", "TRA+TRB", "AAA+CCC", "CAF+CAF", "TRAV1+TRBV1", None, 2),
    ]


def test_cells_without_a_pair_are_counted():
    _, left_out = paired_clones(PAIRED)
    rule = "cell without a pair of chains: "
    assert left_out.rows() == [
        ("s", f"{rule}ambiguous", 2, 1),
        ("s", f"{rule}multichain", 4, 1),
        ("s", f"{rule}no IR", 0, 1),
        ("s", f"{rule}orphan VDJ", 1, 1),
    ]
    clones, left_out = paired_clones(cells())
    assert clones.height == 0 and left_out["counts"].to_list() == [1]


def test_pairs_are_clonotypes_for_diversity_and_overlap():
    clones, _ = paired_clones(pl.concat([PAIRED, cells(("q", "TRA", "AAA", 1), ("q", "TRB", "CCC", 1), sample="t")]))
    of_s, of_t = clones.filter(sample="s"), clones.filter(sample="t")
    indices = diversity(of_s, sample="s", count_of="cells").filter(parameter="richness")
    assert dict(indices.select("locus", "value").rows()) == {"IGH+IGK": 1, "IGH+IGL": 1, "TRA+TRB": 2}
    shared = overlap({"s": of_s, "t": of_t}, key="junction_aa+v").filter(parameter="shared_clones")
    assert shared.select("locus", "value").rows() == [("TRA+TRB", 1)]


# scirpy 0.25.1, define_clonotypes(receptor_arms="all", dual_ir="primary_only"): tests/oracles/chain_pairing.py
SCIRPY = {
    "P17B": (639, 2471, [957, 131, 109, 104, 85]),
    "P17L": (1481, 2145, [55, 46, 39, 25, 20]),
    "P18B": (1144, 1220, [18, 12, 5, 4, 2]),
    "P18L": (935, 1007, [7, 3, 3, 3, 3]),
    "P19B": (4744, 6141, [110, 34, 31, 27, 22]),
    "P19L": (1016, 1856, [140, 51, 47, 31, 28]),
    "P20B": (4954, 7553, [155, 123, 110, 109, 93]),
    "P20L": (125, 133, [3, 2, 2, 2, 2]),
    "10x_pbmc3": (1276, 1316, [11, 4, 4, 3, 3]),
}


@pytest.mark.parametrize("name", SCIRPY)
def test_real_pairs_are_scirpys(shared_data, name):
    found = [*shared_data.glob(f"screpertoire/contigs/{name}_*"), *shared_data.glob(f"tcr/{name}_*")]
    read = read_contigs(found[0])
    clones, _ = paired_clones(chain_pairing(read.table, sample="s", cells=read.cells))
    sizes = clones["duplicate_count"].sort(descending=True)
    assert (clones.height, sizes.sum(), sizes.head(5).to_list()) == SCIRPY[name]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.sampled_from(["TRA", "TRB", "TRD", "IGH", "IGK"]),
            st.sampled_from(["AAA", "CCC"]),
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=14,
    )
)
def test_every_cell_is_in_one_clone_or_left_out(rows):
    found = cells(*rows)
    clones, left_out = paired_clones(found)
    assert clones["duplicate_count"].sum() + left_out["counts"].sum() == found.height
    assert cell_quality(found).filter(call="chain_pairing")["cells"].sum() == found.height
