"""Receptors put beside expression: barcodes, statuses, overlap; real cells counted by hand."""

import polars as pl
import pytest

from tilseq.errors import AnalysisError, TableError
from tilseq.expression.cell_status import cell_status
from tilseq.io import read_contigs, read_h5ad
from tilseq.repertoire import chain_pairing

BARCODES = ["AAACCTGCAACACGCC", "AAACGGGTCTCCAGGG", "AACTTTCCATGGTAGG", "AACTTTCTCAGCGACC"]


def cells(names, sample="S1"):
    return pl.DataFrame({"sample": [sample] * len(names), "cell_id": names})


def labels(names, sample="S1"):
    kinds = ["infused", "not_seen_in_product", "undecided", "no_receptor"]
    chances = [0.99, 0.02, 0.5, None]
    return cells(names, sample).with_columns(
        label=pl.Series(kinds[: len(names)]),
        probability=pl.Series(chances[: len(names)], dtype=pl.Float64),
        product_n_effective=pl.lit(900.0),
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "spelling"),
    [
        ("{}-1", "{}-1", "as written"),
        ("{}", "{}-1", "without lane and sample"),
        ("S1_{}-1", "{}-1", "without lane and sample"),
        ("S1_{}-1", "{}", "without lane and sample"),
        ("{}-1", "S1:{}", "without lane and sample"),
        ("{}-1-S1", "{}-1", "without lane and sample"),
        ("S1_{}-1-22", "{}-1", "bases and lane"),
        ("{}-1_2", "{}", "bases and lane"),
        ("{}-1_2", "other_{}-3", "bases"),
    ],
)
def test_barcodes_are_joined_however_they_are_written(ours, theirs, spelling):
    status, overlap = cell_status(
        cells([ours.format(one) for one in BARCODES]), labels(list(map(theirs.format, BARCODES)))
    )
    by_cell = dict(status.select("cell_id", "status").rows())
    assert [by_cell[ours.format(one)] for one in BARCODES] == [
        "infused",
        "not_seen_in_product",
        "undecided",
        "no_receptor",
    ]
    assert overlap.rows() == [("S1", "labels", 4, 4, 4, 1.0, spelling)]


def test_a_cell_without_a_label_has_no_receptor_and_a_chance_stays_null():
    names = [f"{one}-1" for one in BARCODES]
    status, overlap = cell_status(cells(names), labels(names[:2]))
    assert status.sort("cell_id").select("status", "probability", "product_n_effective").rows() == [
        ("infused", 0.99, 900.0), ("not_seen_in_product", 0.02, 900.0),
        ("no_receptor", None, None), ("no_receptor", None, None),
    ]  # fmt: skip
    assert overlap.select("cells", "receptors", "matched").rows() == [(4, 2, 2)]


def test_row_31_the_same_barcode_in_two_lanes_is_two_cells_and_in_two_samples_too():
    one, two = f"{BARCODES[0]}-1", f"{BARCODES[0]}-2"
    both = pl.concat([cells([one, two]), cells([one], "S2")])
    told = pl.concat([labels([one, two]), labels([one], "S2").with_columns(label=pl.lit("undecided"))])
    status, _ = cell_status(both, told)
    assert status.select("sample", "cell_id", "status").rows() == [
        ("S1", one, "infused"), ("S1", two, "not_seen_in_product"), ("S2", one, "undecided"),
    ]  # fmt: skip
    # Without their lanes they are not to be told apart, and neither is joined.
    bare = labels([BARCODES[0], *BARCODES[1:]])
    joined, overlap = cell_status(pl.concat([both.filter(sample="S1"), cells([f"{x}-1" for x in BARCODES[1:]])]), bare)
    assert joined.filter(pl.col("cell_id").is_in([one, two]))["status"].to_list() == ["infused", "no_receptor"]
    assert overlap["matched"].to_list() == [4]


def test_row_32_barcodes_of_another_library_are_refused_with_their_overlap():
    names = [f"{base}{BARCODES[0][1:]}-{lane}" for base in "ACGT" for lane in range(1, 6)]
    other = [f"{base}{BARCODES[1][1:]}-{lane}" for base in "ACGT" for lane in range(1, 6)]
    told = cells([*other[:18], *names[18:]]).with_columns(
        label=pl.lit("infused"), probability=0.9, product_n_effective=1.0
    )
    with pytest.raises(AnalysisError) as caught:
        cell_status(cells(names), told)
    message = str(caught.value)
    assert "the cells of labels and of expression are not the same: sample S1, overlap 10.0%" in message
    assert "found '2 of 20 receptors among 20 cells'; expected an overlap of at least 50% of the smaller" in message


def test_of_few_cells_a_small_overlap_proves_nothing_and_is_told():
    ours = cells([f"{one}-1" for one in BARCODES[:3]])
    status, overlap = cell_status(ours, labels([f"{BARCODES[0]}-1", "GGGGGGGGGGGGGGGG-1", "CCCCCCCCCCCCCCCC-1"]))
    assert overlap["overlap"].to_list() == [pytest.approx(1 / 3)]
    assert status["status"].to_list() == ["infused", "no_receptor", "no_receptor"]


def test_a_table_without_a_column_and_a_cell_twice_are_refused():
    with pytest.raises(TableError, match="table of labels lacks a column"):
        cell_status(cells(["a"]), cells(["a"]))
    with pytest.raises(TableError, match="a cell stands twice in the cells with expression"):
        cell_status(cells(["a", "a"]), None)


def test_the_origin_of_the_clone_is_taken_over_where_labels_tell_it():
    names = [f"{one}-1" for one in BARCODES]
    origin = ["infused_only", "emergent", None, None]
    told = labels(names).with_columns(origin=pl.Series(origin))
    status, _ = cell_status(cells(names), told)
    assert status["origin"].to_list() == origin
    status, _ = cell_status(cells(names), labels(names))
    assert status["origin"].null_count() == 4


# By zcat, awk and comm of the barcodes, not by this package: cells with a confident productive contig.
HAND = {
    "P17B": (52, 2805, 42), "P17L": (61, 2893, 38), "P18B": (27, 1328, 16), "P18L": (33, 1278, 27),
    "P19B": (105, 6943, 82), "P19L": (49, 2747, 40), "P20B": (162, 8991, 115), "P20L": (11, 201, 5),
}  # fmt: skip


def test_500_real_cells_have_the_receptors_that_were_counted_by_hand(shared_data):
    folder = shared_data / "screpertoire"
    data = read_h5ad(folder / "gex_500cells_raw_counts.h5ad")
    ours = pl.DataFrame({"sample": data.obs["sample"].astype(str).tolist(), "cell_id": data.obs_names.tolist()})
    chains = []
    for sample in HAND:
        contigs = read_contigs(folder / f"contigs/{sample}_filtered_contig_annotations.csv.gz")
        chains.append(chain_pairing(contigs.table, sample=sample, cells=contigs.cells))
    status, overlap = cell_status(ours, chains=pl.concat(chains))
    found = {row[0]: row[1:] for row in overlap.select("sample", "cells", "receptors", "matched").iter_rows()}
    assert found == HAND
    by_cell = {row[0]: row[1:] for row in status.select("cell_id", "status", "chain_pairing").iter_rows()}
    # Its contigs in the file: TRA CAYRSAQAGGTSYGKLTF and TRB CAISEQGKGELFF; the third barcode has none.
    assert by_cell["P17B_AAACCTGCAACACGCC-1"] == ("undecided", "single pair")
    assert by_cell["P17B_AACTTTCCATGGTAGG-1"] == ("no_receptor", None)
    assert (status["status"] == "no_receptor").sum() == 500 - 365


# By h5py of the file, not by this package: cells of each sample; all of them have a junction of TRA or TRB.
WU = {
    "CN1": 3, "CT2": 2, "EN1": 8, "EN2": 2, "EN3": 1, "ET1": 11, "ET2": 15, "ET3": 9, "LB6": 7, "LN1": 7, "LN2": 14,
    "LN3": 16, "LN4": 8, "LN5": 4, "LN6": 11, "LT1": 10, "LT2": 18, "LT3": 2, "LT4": 9, "LT5": 2, "LT6": 4, "RB1": 3,
    "RB2": 3, "RB3": 7, "RN1": 2, "RN2": 6, "RN3": 3, "RT1": 5, "RT2": 6, "RT3": 2,
}  # fmt: skip


def of_wu(shared_data):
    """Return the cells, and `sample, cell_id, locus, junction, junction_aa` of their chains by bare barcodes."""
    data = read_h5ad(shared_data / "sc/wu2020_til_200cells.h5ad")
    obs = data.obs
    rows = [
        {"sample": str(sample), "cell_id": name.split("_")[1].rsplit("-", 1)[0], "locus": locus, "junction": junction}
        for name, sample, *receptors in zip(
            data.obs_names, obs["sample"], obs["IR_VJ_1_cdr3_nt"], obs["IR_VDJ_1_cdr3_nt"], strict=True
        )
        for locus, junction in zip(("TRA", "TRB"), receptors, strict=True)
        if isinstance(junction, str) and junction not in ("None", "nan")
    ]
    ours = pl.DataFrame({"sample": obs["sample"].astype(str).tolist(), "cell_id": data.obs_names.tolist()})
    return ours, pl.DataFrame(rows).with_columns(junction_aa=pl.lit("CASSF"))


def paired(table):
    return pl.concat([chain_pairing(one, sample=name) for (name,), one in table.group_by("sample")])


def test_200_real_cells_of_wu_have_the_receptors_that_were_counted_by_hand(shared_data):
    ours, table = of_wu(shared_data)
    status, overlap = cell_status(ours, chains=paired(table))
    found = {row[0]: row[1:] for row in overlap.select("sample", "cells", "receptors", "matched").iter_rows()}
    assert found == {name: (cells, cells, cells) for name, cells in WU.items()}
    # By h5py too: both junctions 108 times, that of TRB alone 74 times, that of TRA alone 18 times.
    assert dict(status["chain_pairing"].value_counts().iter_rows()) == {
        "single pair": 108, "orphan VDJ": 74, "orphan VJ": 18,
    }  # fmt: skip
    # LN2_CACACTCCAGGCGATA-1-2 has TRB CASTPEGLAGGSAEQFF alone; ET2_GGGTTGCTCTTGCAAG-1-22 a pair.
    by_cell = dict(status.select("cell_id", "chain_pairing").rows())
    assert by_cell["LN2_CACACTCCAGGCGATA-1-2"] == "orphan VDJ"
    assert by_cell["ET2_GGGTTGCTCTTGCAAG-1-22"] == "single pair"


def test_tables_that_name_no_sample_alike_are_refused():
    with pytest.raises(AnalysisError, match="no sample alike; found 'P17B against P17B_contigs'"):
        cell_status(cells(BARCODES, "P17B"), labels(BARCODES, "P17B_contigs"))


def test_of_a_sample_that_no_table_names_nothing_is_known():
    both = pl.concat([cells(BARCODES), cells(BARCODES, "S2")])
    status, _ = cell_status(both, labels(BARCODES))
    assert set(status.filter(sample="S2")["status"]) == {"undecided"}


def test_real_receptors_of_one_cell_are_joined_with_that_cell_and_those_of_another_sample_are_refused(shared_data):
    ours, table = of_wu(shared_data)
    one = table.filter(sample="LT2", cell_id="TGTATTCAGGCGATAC-2")
    status, overlap = cell_status(ours.filter(sample="LT2"), chains=paired(one))
    assert overlap.select("cells", "receptors", "matched").rows() == [(18, 1, 1)]
    assert status.filter(pl.col("status") != "no_receptor")["cell_id"].to_list() == ["LT2_TGTATTCAGGCGATAC-2-30"]
    other = table.filter(sample="LT1").with_columns(sample=pl.lit("LN3"))
    with pytest.raises(AnalysisError, match="'0 of 10 receptors among 16 cells'"):
        cell_status(ours.filter(sample="LN3"), chains=paired(other))
