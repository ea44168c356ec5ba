import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.io import read_bcr

COLUMNS = (
    "sequence_id v_call j_call c_call junction productive umi_count sequence_alignment germline_alignment "
    "germline_alignment_d_mask v_identity"
).split()
ROW = {
    "sequence_id": "s1", "v_call": "Homsap IGHV1-2*01 F", "j_call": "IGHJ4*02", "c_call": "IGHM",
    "junction": "TGTGCGAAATGG", "productive": "T", "umi_count": "3", "sequence_alignment": "ATGAAACCC",
    "germline_alignment": "ATGAGACCC", "germline_alignment_d_mask": "ATGNNNCCC", "v_identity": "0.97",
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def read(*rows, without=()):
        names = [name for name in COLUMNS if name not in without]
        lines = ["\t".join((ROW | row)[name] for name in names) for row in rows]
        (tmp_path / "b.tsv").write_text("\n".join(["\t".join(names), *lines]) + "\n")
        return read_bcr(tmp_path / "b.tsv")

    return read


def test_a_row_is_a_sequence(read):
    found = read({}, {"sequence_id": "s2", "umi_count": "4"})
    assert (found.dialect, found.count_of) == ("airr", "umis")
    assert found.table.row(1, named=True) == {
        "sequence_id": "s2", "locus": "IGH", "v_call": "IGHV1-2*01", "j_call": "IGHJ4*02", "c_call": "IGHM",
        "junction": "TGTGCGAAATGG", "junction_aa": "CAKW", "duplicate_count": 4, "sequence_alignment": "ATGAAACCC",
        "germline_alignment": "ATGNNNCCC", "v_identity": 0.97,
    }  # fmt: skip
    assert found.table.height == 2  # of one clone, not summed
    unmasked = read({}, without=["germline_alignment_d_mask"])
    assert unmasked.table["germline_alignment"].to_list() == ["ATGAGACCC"]
    unfilled = read({"germline_alignment_d_mask": ""}, {"sequence_id": "s2", "germline_alignment_d_mask": "NA"})
    assert unfilled.table["germline_alignment"].to_list() == ["ATGAGACCC", "ATGAGACCC"]


def test_what_the_file_does_not_have_is_null(read):
    further = ("c_call", "sequence_alignment", "germline_alignment", "germline_alignment_d_mask", "v_identity")
    found = read({}, without=(*further, "sequence_id")).table.row(0, named=True)
    assert found["sequence_id"] == "row 2"
    assert [found[name] for name in ("c_call", "sequence_alignment", "germline_alignment", "v_identity")] == [None] * 4
    empty = read({"sequence_id": "", "c_call": "None", "v_identity": ""}).table.row(0, named=True)
    assert (empty["sequence_id"], empty["c_call"], empty["v_identity"]) == ("row 2", None, None)


def test_rows_left_out_are_counted(read):
    found = read(
        {},
        {"sequence_id": "t", "v_call": "TRBV2*01", "j_call": "TRBJ1-1*01", "umi_count": "5"},
        {"sequence_id": "u", "productive": "F"},
    )
    assert found.table["sequence_id"].to_list() == ["s1"]
    assert found.exclusions.select("rule", "rows", "counts").rows() == [
        ("no immunoglobulin", 1, 5),
        ("not productive", 1, 3),
    ]


def test_percentages_become_shares_and_are_told(read):
    found = read({"v_identity": "97.5"}, {"sequence_id": "s2", "v_identity": "100"})
    assert found.table["v_identity"].to_list() == [0.975, 1]
    assert any("in percent" in warning for warning in found.notes)
    for wrong in ("x", "-1", "101", "1e3"):
        with pytest.raises(TableError, match="identity cannot be read") as told:
            read({}, {"sequence_id": "s2", "v_identity": wrong})
        assert (told.value.row, told.value.column) == (3, "v_identity")


@pytest.mark.parametrize("share", ["0.95", "0.004"])
def test_percentages_and_shares_in_one_file_are_refused(read, share):
    with pytest.raises(TableError, match="expected percentages or shares throughout") as told:
        read({"v_identity": "97.5"}, {"sequence_id": "s2", "v_identity": share})
    assert (told.value.row, told.value.column, told.value.found) == (3, "v_identity", f"'{share}'")


@pytest.mark.parametrize("word", ["NaN", "nan"])
def test_an_identity_that_is_not_a_number_makes_no_percentages_of_the_others(read, word):
    found = read({"v_identity": word}, {"sequence_id": "s2", "v_identity": "1"})
    assert found.table["v_identity"].to_list() == [None, 1.0]
    assert read({"v_identity": word}, {"sequence_id": "s2", "v_identity": "0.9"}).table["v_identity"][1] == 0.9


def test_blanks_about_an_alignment_do_not_shift_it(read):
    found = read({"sequence_alignment": " ATGAAACCC", "germline_alignment_d_mask": "ATGNNNCCC ", "c_call": " IGHM "})
    texts = found.table.select("sequence_alignment", "germline_alignment", "c_call").row(0)
    assert texts == ("ATGAAACCC", "ATGNNNCCC", "IGHM")


def test_a_name_that_stands_twice_is_refused(read):
    with pytest.raises(TableError, match="1 sequences bear the name") as told:
        read({}, {"umi_count": "9"})
    assert (told.value.row, told.value.column, told.value.found) == (3, "sequence_id", "'s1'")


def test_contigs_of_cells_count_cells(tmp_path):
    path = tmp_path / "contigs.csv"
    header = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,c_gene,productive,cdr3,cdr3_nt"
    rows = [
        f"{cell},true,{cell}_{i},true,IGH,IGHV1-2,IGHJ4,IGHG1,true,CAKW,TGTGCGAAATGG" for i, cell in enumerate("aab")
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    found = read_bcr(path)
    assert found.count_of == "cells"
    assert found.table.select("sequence_id", "c_call", "duplicate_count").rows() == [
        ("a_0", "IGHG1", 1),
        ("b_2", "IGHG1", 1),
    ]
    assert found.exclusions["rule"].to_list() == ["another contig of the same cell and clonotype"]


def test_the_example_of_alakazam(shared_data):
    path = shared_data / "bcr" / "alakazam_ExampleDb.tsv.gz"
    found = read_bcr(path)
    raw = pl.read_csv(path, separator="\t", infer_schema=False).filter(productive="TRUE")
    assert found.table["sequence_id"].to_list() == raw["sequence_id"].to_list()
    assert found.table["c_call"].to_list() == raw["c_call"].to_list()
    assert found.table["germline_alignment"].to_list() == raw["germline_alignment_d_mask"].to_list()
    assert found.exclusions.select("rule", "rows").rows() == [("not productive", 219)]


def test_trust4_tells_isotypes_and_marks_none_by_a_star(tmp_path):
    lines = [f"3\t0.5\tTGTGCATGG\tCAW\tIGHV3-23*01\t.\tIGHJ4*02\t{c}\ta\t1" for c in ("IGHM", "*", ".")]
    (tmp_path / "b.tsv").write_text(
        "\n".join(["#count\tfrequency\tCDR3nt\tCDR3aa\tV\tD\tJ\tC\tcid\tcid_full_length", *lines, ""])
    )
    assert read_bcr(tmp_path / "b.tsv").table["c_call"].to_list() == ["IGHM", None, None]


@given(st.lists(st.text("ACGTNacgtn.-", min_size=3, max_size=30), min_size=1, max_size=6))
def test_whatever_the_letters_no_row_is_lost(tmp_path_factory, junctions):
    path = tmp_path_factory.mktemp("bcr") / "b.tsv"
    lines = [f"s{i}\tIGHV1-2*01\tIGHJ4*02\t{junction}\tCAKW\t1" for i, junction in enumerate(junctions)]
    path.write_text("sequence_id\tv_call\tj_call\tjunction\tjunction_aa\tumi_count\n" + "\n".join(lines) + "\n")
    found = read_bcr(path)
    assert found.table.height + found.exclusions["rows"].sum() == len(junctions)
