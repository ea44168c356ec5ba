"""Files of 10x in which several libraries are joined."""

import pytest

from tilseq.errors import TableError
from tilseq.io import read_clonotypes, read_contigs
from tilseq.io.bcr import read_bcr

HEADER = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,c_gene,productive,cdr3,cdr3_nt,reads,umis"
CELL = "AAACCTGAGAAACCTA"
TOLD = "barcodes of 2 GEM wells, as aggr joins libraries: are all of one sample? Cells of -2: 2, of -10: 1"


@pytest.fixture
def write(tmp_path):
    def write(*cells, more=(), columns=()):
        rows = [",".join([HEADER, *columns])]
        for number, cell in enumerate(cells):
            junction = "TGT" + "AC"[number % 2] * 3 + "TTT"
            own = [
                cell,
                "true",
                f"{cell}_contig_1",
                "true",
                "TRB",
                "TRBV2",
                "TRBJ1-1",
                "TRBC1",
                "true",
                "CKF",
                junction,
            ]
            rows.append(",".join([*own, "9", "3", *(more[number] if more else ())]))
        (tmp_path / "c.csv").write_text("\n".join(rows) + "\n")
        return tmp_path / "c.csv"

    return write


@pytest.mark.parametrize("read", [read_clonotypes, read_contigs, read_bcr])
def test_barcodes_of_several_wells_are_told(write, read):
    cells = [f"{CELL}-10", f"{CELL}-2", f"{CELL[:-1]}C-2"]
    assert [told for told in read(write(*cells)).warnings if "GEM" in told] == [TOLD]
    for alike in (cells[1:], [cell[:-2] for cell in cells[1:]], ["cell-1", "cell-2"]):
        assert not [told for told in read(write(*alike)).warnings if "GEM" in told]


@pytest.mark.parametrize("read", [read_clonotypes, read_contigs, read_bcr])
def test_a_file_of_several_donors_or_origins_is_no_sample(write, read):
    cells, columns = [f"{CELL}-1", f"{CELL}-2"], ("donor", "origin")
    read(write(*cells, columns=columns, more=[("D1", "blood"), ("D1", "blood")]))
    with pytest.raises(TableError) as told:
        read(write(*cells, columns=columns, more=[("D1", "blood"), ("D2", "blood")]))
    assert (told.value.what, told.value.row, told.value.column, told.value.found) == (
        "the file is of 2 donors, and a sample is of one", 3, "donor", "'D1, D2'",
    )  # fmt: skip
    with pytest.raises(TableError, match="the file is of 2 origins"):
        read(write(*cells, columns=columns, more=[("D1", "D7"), ("D1", "D28")]))


def test_libraries_of_one_donor_and_origin_are_one_sample(write):
    cells, columns = [f"{CELL}-1", f"{CELL}-2"], ("donor", "origin")
    told = read_clonotypes(write(*cells, columns=columns, more=[("D1", "None"), ("D1", "blood")])).warnings
    assert not [one for one in told if "GEM" in one]


AIRR = "v_call\tj_call\tjunction\tduplicate_count\tcell_id\t{name}\nTRBV2\tTRBJ1-1\tTGTAAATTT\t2\tc1\t{first}\n"
AIRR += "TRBV2\tTRBJ1-1\tTGTAAATTT\t3\tc2\t{second}\n"


@pytest.mark.parametrize("read", [read_clonotypes, read_contigs, read_bcr])
def test_rows_of_several_subjects_are_no_sample(tmp_path, read):
    file = tmp_path / "all.tsv"
    file.write_text(AIRR.format(name="subject_id", first="P1", second="NA"))
    read(file)
    file.write_text(AIRR.format(name="subject_id", first="P1", second="P2"))
    with pytest.raises(TableError, match="the file is of 2 subjects, and a sample is of one") as told:
        read(file)
    assert (told.value.row, told.value.column) == (3, "subject_id")


@pytest.mark.parametrize("name", ["repertoire_id", "sample_id"])
def test_rows_of_several_repertoires_are_told(tmp_path, name):
    file = tmp_path / "all.tsv"
    file.write_text(AIRR.format(name=name, first="D7", second="D28"))
    told = f"rows of 2 {name} are read as one sample: D7, D28"
    for read in (read_clonotypes, read_contigs):
        assert told in read(file).warnings
    file.write_text(AIRR.format(name=name, first="D7", second="D7"))
    assert told not in read_clonotypes(file).warnings


def test_a_combined_export_of_immunoseq_is_no_sample(tmp_path):
    file = tmp_path / "all.tsv"
    row = "TGTAAATTT\tCKF\tTRBV2\tTRBJ1-1\t{}\tIn\t{}\n"
    head = "rearrangement\tamino_acid\tv_gene\tj_gene\ttemplates\tframe_type\tsample_name\n"
    file.write_text(head + row.format(2, "P1_D7") + row.format(3, "P1_D28"))
    with pytest.raises(TableError, match="the file is of 2 samples, and a sample is of one"):
        read_clonotypes(file)


TABLES = {
    "vdjtools": ("count\tcdr3nt\tcdr3aa\tv\tj", "Sample"),
    "immunarch": ("Clones\tCDR3.nt\tCDR3.aa\tV.name\tJ.name", "Patient"),
    "mixcr": ("readCount\tnSeqCDR3\taaSeqCDR3\tallVHitsWithScore\tallJHitsWithScore", "tagValueSAMPLE"),
}


@pytest.mark.parametrize("dialect", TABLES)
def test_tables_of_several_samples_bound_together_are_told(tmp_path, dialect):
    header, name = TABLES[dialect]
    file, row = tmp_path / "all.tsv", "2\tTGTAAATTT\tCKF\tTRBV2\tTRBJ1-1\t{}\n"
    for second, told in (("P2", [f"rows of 2 {name} are read as one sample: P1, P2"]), ("P1", []), ("NA", [])):
        file.write_text(f"{header}\t{name}\n" + row.format("P1") + row.format(second))
        read = read_clonotypes(file)
        assert (read.dialect, read.table["duplicate_count"].to_list(), list(read.warnings)) == (dialect, [4], told)
