"""Blood against tumour of four lung cancer patients (BorchLab/scRepertoire, MIT): clones in both, counted by hand."""

import polars as pl
import pytest

from tilseq.io.clonotypes import read_clonotypes
from tilseq.io.contigs import read_contigs
from tilseq.repertoire import ProductLot, cell_labels, chain_pairing, depth, share_cells

# tests/oracles/shared_clones.py, with the csv module alone: cells of blood with one TRB and at most two TRA that have
# their TRB in the tumour; those with a TRA of such a cell too; those whose TRB has no TRA there, while theirs stands in
# a cell without TRB; the largest such clone, its cells in blood and in the tumour.
COUNTED = {
    "P17": (1966, 1399, 105, "TGTGCCAGCAGCGTAAGGAGGGAAAGGGCGAACACCGGGGAGCTGTTTTTT", 1040, 35),
    "P18": (41, 35, 0, "TGTGCCAGCAGCTTCGCACGGACAGTCGGCTCTGGAAACACCATATATTTT", 2, 2),
    "P19": (827, 600, 0, "TGTGCCAGCAGTGAGGAGGGTCGGAATACGCAGTATTTT", 30, 1),
    "P20": (602, 187, 0, "TGCAGTATGGGCGTGCAGTCCTACGAGCAGTACTTC", 198, 1),
}
# Read off the files: a cell of blood, its TRB, cells of the tumour with it.
ROWS = [
    ("P18", "ACGGGCTTCTACGAGT-1", COUNTED["P18"][3], 2),
    ("P18", "TTAGGCATCCCAAGTA-1", COUNTED["P18"][3], 2),
    ("P19", "AAACGGGGTAGCAAAT-1", COUNTED["P19"][3], 1),
    ("P19", "AACTCAGTCTCTTATG-1", COUNTED["P19"][3], 1),
]


@pytest.fixture(scope="module")
def labels(shared_data):
    folder = shared_data / "screpertoire" / "contigs"
    found = {}
    for patient in COUNTED:
        blood, tumor = (folder / f"{patient}{place}_filtered_contig_annotations.csv.gz" for place in "BL")
        clones, contigs = read_clonotypes(tumor), read_contigs(tumor)
        pairs = chain_pairing(contigs.table, sample="tumor", cells=contigs.cells)
        cells = depth(clones.table, sample="tumor", count_of="cells", counted=clones.cells)
        lot = ProductLot("tumor", clones.table, share_cells(cells), pairs)
        contigs = read_contigs(blood)
        cells = chain_pairing(contigs.table, sample=patient, cells=contigs.cells)
        one_beta = cells.filter(
            pl.col("vdj_2_locus").is_null(), pl.col("chain_pairing") != "multichain", vdj_1_locus="TRB"
        )
        found[patient] = cell_labels(cells, [lot]).join(one_beta.select("cell_id"), on="cell_id", how="semi")
    return found


@pytest.mark.parametrize("patient", COUNTED)
def test_clones_of_the_tumour_in_blood(labels, patient):
    shared, both, apart, junction, in_blood, in_tumor = COUNTED[patient]
    seen = labels[patient].filter(pl.col("product_count").is_not_null(), locus="TRB")
    assert seen.height == shared
    assert seen.filter(pl.col("matched_by").is_in(["both", "alpha_of_dual"])).height == both + apart
    largest = seen.filter(junction=junction)
    assert largest.height == in_blood
    assert set(largest.select("product_count").to_series()) == {in_tumor}
    assert seen.filter(label="infused")["probability"].is_between(0.8, 1, closed="left").all()


@pytest.mark.parametrize(("patient", "cell", "junction", "in_tumor"), ROWS)
def test_rows_read_off_the_files(labels, patient, cell, junction, in_tumor):
    row = labels[patient].filter(cell_id=cell).row(0, named=True)
    assert (row["label"], row["junction"], row["product_count"]) == ("infused", junction, in_tumor)
