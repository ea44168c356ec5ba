import json

import polars as pl
import pytest

from tilseq.errors import TableError
from tilseq.io import read_contigs

HEADER = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,c_gene,productive,cdr3,cdr3_nt,reads,umis"
AIRR = "cell_id\tsequence_id\tv_call\tj_call\tjunction\tproductive\t{counts}"


def contig(cell="a-1", number=1, chain="TRB", junction="TGTGCT", umis="3", cell_called="true", productive="true"):
    genes = f"{chain},TRBV2,TRBJ1-1,TRBC1"
    return f"{cell},{cell_called},{cell}_{number},true,{genes},{productive},CA,{junction},9,{umis}"


@pytest.fixture
def read(tmp_path):
    def read(*rows, header=HEADER):
        (tmp_path / "c.csv").write_text("\n".join([header, *rows]) + "\n")
        return read_contigs(tmp_path / "c.csv")

    return read


def test_each_contig_is_a_chain_of_its_cell(read):
    found = read(contig(), contig(number=2), contig("b-1", junction="TGTAAA", umis=""))
    assert found.table.select("cell_id", "sequence_id", "locus", "junction", "c_call", "umi_count").rows() == [
        ("a-1", "a-1_1", "TRB", "TGTGCT", "TRBC1", 3),
        ("a-1", "a-1_2", "TRB", "TGTGCT", "TRBC1", 3),
        ("b-1", "b-1_1", "TRB", "TGTAAA", "TRBC1", None),
    ]
    assert found.table["consensus_count"].to_list() == [9, 9, 9]


def test_cells_are_told_whether_or_not_their_chains_are_functional(read):
    found = read(
        contig(),
        contig("b-1", productive="false"),
        contig("c-1", cell_called="false"),
        contig("d-1", chain="Multi"),
    )
    assert found.cells == ("a-1", "b-1", "d-1")
    assert found.table["cell_id"].to_list() == ["a-1"]
    assert found.exclusions.select("rule", "rows").rows() == [
        ("barcode not called a cell", 1),
        ("no locus or several", 1),
        ("not productive", 1),
    ]


def test_barcodes_of_airr_that_are_no_cells_are_left_out(read):
    row = "{}\ts{}\tTRBV2\tTRBJ1-1\tTGTGCT\tT\t3\t{}"
    rows = [row.format("a-1", 1, "T"), row.format("b-1", 2, "F"), row.format("c-1", 3, "")]
    found = read(*rows, header=AIRR.format(counts="umi_count\tis_cell"))
    assert found.cells == ("a-1", "c-1")
    assert found.exclusions.select("rule", "rows").rows() == [("barcode not called a cell", 1)]


def test_what_is_no_table_of_cells_is_refused(read):
    with pytest.raises(TableError, match="does not name cells"):
        read("s1\tTRBV2\tTRBJ1-1\tTGTGCT\tT\t3", header=AIRR.format(counts="umi_count").removeprefix("cell_id\t"))
    with pytest.raises(TableError, match="names no cell") as told:
        read("\ts1\tTRBV2\tTRBJ1-1\tTGTGCT\tT\t3", header=AIRR.format(counts="umi_count"))
    assert told.value.row == 2
    with pytest.raises(TableError, match="stand there twice"):
        read(contig(), contig())
    with pytest.raises(TableError, match="count cannot be read") as told:
        read(contig(), contig("b-1", umis="2.5"))
    assert (told.value.row, told.value.column) == (3, "umis")


@pytest.mark.parametrize(
    ("counts", "cells", "expected"),
    [
        ("umi_count", "4", (4, None)),
        ("duplicate_count", "4", (4, None)),
        ("consensus_count", "4", (None, 4)),
        ("umi_count\tduplicate_count", "\t7", (7, None)),
        ("umi_count\tduplicate_count", "0\t7", (7, None)),
        ("umi_count\tduplicate_count", "0\t0", (0, None)),
        ("umi_count\tduplicate_count", "4\t0", (4, None)),
        ("umi_count\tconsensus_count", "4\t90", (4, 90)),
    ],
)
def test_airr_with_cells(read, counts, cells, expected):
    found = read(f"a\ts1\tTRBV2*01\tTRBJ1-1*01\tTGTGCT\tT\t{cells}", header=AIRR.format(counts=counts))
    assert found.table.select("umi_count", "consensus_count").row(0) == expected
    assert found.table.select("cell_id", "junction_aa").row(0) == ("a", "CA")


def test_that_trust4s_report_of_barcodes_lacks_second_chains_is_told(tmp_path):
    chain = "{v}V2*01,*,{v}J1*01,{v}C,TGTGCTTTC,CAF,3.00,a-1_{i},99,1"
    beta, alpha, second = (chain.format(v=v, i=i) for i, v in enumerate(["TRB", "TRA", "TRA"]))
    path = tmp_path / "barcode_report.tsv"
    path.write_text(
        "#barcode\tcell_type\tchain1\tchain2\tsecondary_chain1\tsecondary_chain2\n"
        f"a-1\tabT\t{beta}\t{alpha}\t*\t{second}\n"
    )
    found = read_contigs(path)
    assert found.table["locus"].to_list() == ["TRB", "TRA"]
    assert "second chains and doublets do not show" in found.warnings[0]


def test_json_is_read_as_the_table_is(read, tmp_path):
    of_table = read(contig(), contig("b-1", junction="TGTAAA", umis="7"))
    annotations = [
        {"feature": {"region_type": region, "gene_name": gene}}
        for region, gene in (("L-REGION+V-REGION", "TRBV2"), ("J-REGION", "TRBJ1-1"), ("C-REGION", "TRBC1"))
    ]
    contigs = [
        {"barcode": row["cell_id"], "contig_name": row["sequence_id"], "cdr3_seq": row["junction"], "cdr3": "CA",
         "umi_count": row["umi_count"], "read_count": 9, "is_cell": True, "high_confidence": True, "productive": True,
         "annotations": annotations}
        for row in of_table.table.iter_rows(named=True)
    ]  # fmt: skip
    (tmp_path / "all_contig_annotations.json").write_text(json.dumps(contigs))
    of_json = read_contigs(tmp_path / "all_contig_annotations.json")
    assert of_json.table.equals(of_table.table) and of_json.cells == of_table.cells


def test_real_contigs_against_a_plain_parse(shared_data):
    path = next(shared_data.glob("tcr/10x_pbmc3*"))
    raw = pl.read_csv(path, infer_schema=False)
    kept = raw.filter(productive="True")
    found = read_contigs(path)
    assert found.table.height == kept.height
    assert found.table["umi_count"].sum() == kept["umis"].cast(pl.Int64).sum()
    assert len(found.cells) == raw["barcode"].n_unique()
