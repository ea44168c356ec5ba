"""Faulty and hostile clonotype tables: each row of the list has its test here; more cases of a row stand in

====  ====================================  =======================================================================
row   input                                 more cases
====  ====================================  =======================================================================
19    marks, line ends, encodings           test_text.py
20    NUL, quotes, long lines               test_text.py
21    short, long, cut rows                 test_text.py (in any piece of a file, beside each other)
22    a column twice                        test_text.py, test_clonotypes.py
23    no count                              test_clonotypes.py, test_dialects.py (every dialect)
24    counts that are none                  test_clonotypes.py, test_clonotypes_fuzz.py (5,000 a dialect)
25    frequencies                           test_clonotypes.py
26    reads and UMIs                        test_clonotypes.py, test_dialects.py
27    rows of one clone                     test_clonotypes.py (any table, by hypothesis)
28    odd junctions                         test_clonotypes.py, test_dialects.py
29    names of genes                        test_genes.py
30    loci, mice                            test_clonotypes.py, test_genes.py
31    10x                                   test_clonotypes.py, test_dialects.py, tests/repertoire/test_chains.py
32    libraries of other cells              tests/repertoire/test_chains.py
33    files twice, absent, outside          tests/study/test_files.py, tests/runs/test_hostile_inputs.py (in a run)
34    names                                 tests/study/test_names.py, test_checks.py, tests/runs/test_hostile_inputs.py
====  ====================================  =======================================================================

Files that are no table (a tar archive, gzip in gzip, a Git-LFS pointer, HTML) stand last: rows 3, 41 and 42.
"""

import gzip
import os

import pytest

from tests.archives import tarred
from tilseq.errors import ReadError, TableError
from tilseq.io.clonotypes import read_clonotypes

CAF, CEF, CSW = "TGTGCATTC", "TGTGAATTC", "TGTTCATGG"
HEADER = "v_call\tj_call\tjunction\tjunction_aa\tduplicate_count\n"
ROW = f"TRBV28\tTRBJ2-7\t{CAF}\tCAF\t3\n"
OTHER = f"TRBV28\tTRBJ2-7\t{CEF}\tCEF\t4\n"
TENX = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,productive,cdr3,cdr3_nt\n"


@pytest.fixture
def read(tmp_path):
    def read(content, name="a.tsv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_clonotypes(path, **options)

    return read


def contig(barcode, chain="TRB", junction=CAF, amino="CAF", is_cell="True", number=1):
    genes = {"TRB": "TRBV28,TRBJ2-7", "TRA": "TRAV1-2,TRAJ33"}.get(chain, "None,None")
    return f"{barcode},{is_cell},{barcode}_contig_{number},True,{chain},{genes},True,{amino},{junction}\n"


def counts(read):
    return dict(read.table.select("junction", "duplicate_count").iter_rows())


def excluded(read):
    return dict(read.exclusions.select("rule", "rows").iter_rows())


@pytest.mark.parametrize(
    "encoded",
    [
        ("\ufeff" + HEADER + ROW + OTHER).encode(),
        (HEADER + ROW + OTHER).replace("\n", "\r\n").encode(),
        (HEADER + ROW + OTHER).replace("\n", "\r").encode(),
        (HEADER + ROW + OTHER).encode("utf-16"),
        ("\ufeff" + HEADER + ROW + OTHER).encode("utf-16-be"),
        gzip.compress(("\ufeff" + HEADER + ROW + OTHER).encode()),
    ],
    ids=["mark", "CRLF", "CR", "UTF-16 LE", "UTF-16 BE", "gzip"],
)
def test_row_19_encodings_are_read_with_the_first_column(read, encoded):
    assert read(encoded).table.row(1)[1:5] == (CAF, "CAF", "TRBV28", "TRBJ2-7")
    with pytest.raises(ReadError, match="not UTF-8.*Latin-1") as caught:
        read((HEADER + ROW + OTHER.replace("TRBV28", "é")).encode("latin-1"))
    assert caught.value.row == 3


def test_row_20_what_breaks_lines(read):
    with pytest.raises(ReadError, match="NUL") as caught:
        read(HEADER + ROW + OTHER.replace("CEF", "C\0F"))
    assert caught.value.row == 3
    with pytest.raises(ReadError, match="quote is out of place") as caught:
        read((HEADER + ROW + OTHER.replace("CEF", '"CEF')).replace("\t", ","), "a.csv")
    assert caught.value.row == 3
    assert counts(read(HEADER + ROW + OTHER.replace("TRBV28", '"TRBV28'))) == {CAF: 3, CEF: 4}  # in TSV a character
    with pytest.raises(ReadError, match="this line is too long") as caught:
        read(HEADER + ROW + OTHER.replace("TRBV28", "T" * 200_000_000) + ROW)
    assert caught.value.row == 3


@pytest.mark.parametrize(
    ("rows", "row"),
    [
        (ROW + OTHER.replace("\t4", ""), 3),
        (ROW + OTHER.replace("\t4", "\t4\t"), 3),
        (ROW + OTHER[:-8], 3),
        (ROW.replace("\t3", "\t3\t3") + OTHER.replace("\t4", ""), 2),  # together as many cells as there should be
    ],
    ids=["short", "long", "cut", "long and short"],
)
def test_row_21_rows_that_are_not_as_wide_as_the_header(read, rows, row):
    with pytest.raises(ReadError, match="cells than the header") as caught:
        read(HEADER + rows)
    assert caught.value.row == row


def test_row_22_a_column_twice_under_one_or_two_names(read):
    with pytest.raises(ReadError, match="column junction: this column stands twice"):
        read(HEADER.replace("junction_aa", "junction") + ROW)
    with pytest.raises(TableError, match="one column stands under two names; found 'v, V'"):
        read(f"count\tcdr3nt\tcdr3aa\tv\tV\tj\n1\t{CAF}\tCAF\tTRBV28\tTRBV9\tTRBJ2-7\n")


def test_row_23_no_column_of_counts_is_an_error_and_never_1(read):
    for name in ("consensus_count", "count", "reads"):
        with pytest.raises(TableError, match="duplicate_count: this column") as caught:
            read(HEADER.replace("duplicate_count", name) + ROW)
        assert (caught.value.row, caught.value.column) == (1, "duplicate_count")


@pytest.mark.parametrize("count", ["-1", "2.5", "1e3", "1,247", "", "NaN", str(2**53 + 1), "99999999999999999999"])
def test_row_24_counts_that_are_none_are_an_error_with_their_row(read, count):
    with pytest.raises(TableError, match="counts cannot be read") as caught:
        read(HEADER + ROW + OTHER.replace("\t4", f"\t{count}"))
    assert (caught.value.row, caught.value.column) == (3, "duplicate_count")
    assert counts(read(HEADER + ROW.replace("\t3", f"\t{2**53 - 4}") + OTHER)) == {CAF: 2**53 - 4, CEF: 4}


@pytest.mark.parametrize("count", ["1.2E+05", "1e3", "+5", " 5", "5 "])
def test_counts_that_a_spreadsheet_wrote_are_told_as_such(read, count):
    with pytest.raises(TableError, match="did a spreadsheet write it so\\? take the program's own file"):
        read(HEADER + ROW + OTHER.replace("\t4", f"\t{count}"))


@pytest.mark.parametrize(
    ("shares", "total"),
    [(("75", "25"), "100"), (("0.2", "0.1"), "0.3"), (("0.75", "0.2500000000002"), None), (("0.75", "x"), "read")],
)
def test_row_25_frequencies_are_recomputed_and_a_difference_told(read, shares, total):
    rows = [f"{n}\t{share}\t{nt}\t{aa}\tTRBV28\t.\tTRBJ2-7\n" for n, share, (nt, aa) in
            zip((3, 1), shares, ((CAF, "CAF"), (CEF, "CEF")), strict=True)]  # fmt: skip
    got = read("count\tfreq\tcdr3nt\tcdr3aa\tv\td\tj\n" + "".join(rows))
    assert counts(got) == {CAF: 3, CEF: 1}
    assert [total in warning for warning in got.warnings] == ([] if total is None else [True])


def test_row_26_umis_are_taken_before_reads_and_it_is_told(read):
    got = read(HEADER.replace("\n", "\tumi_count\n") + ROW.replace("\n", "\t2\n"))
    assert (counts(got), got.count_of) == ({CAF: 2}, "umis")
    assert got.notes == ("umi_count and duplicate_count are both given: umi_count is used",)


def test_row_27_rows_of_one_clone_are_summed_and_their_number_told(read):
    got = read(HEADER + ROW + OTHER + ROW.replace("TRBV28", "TRBV9"))
    assert counts(got) == {CAF: 6, CEF: 4}
    assert got.notes == ("1 row repeats the locus and junction of another and is summed with it",)


def test_row_28_odd_junctions_are_left_out_or_kept_by_a_rule_that_counts_them(read):
    odd = [("TGTTAATTC", "C*F"), ("TGTTATT", "C_F"), ("TGTATTC", "C~F"), (CAF, ""), ("", "CAF")]
    kept = [("TGTNNNTTC", "CXF"), ("tgttcatgg", "csw"), ("GCATTC", "AF")]
    rows = [f"TRBV28\tTRBJ2-7\t{nt}\t{aa}\t1\n" for nt, aa in odd + kept]
    got = read(HEADER + "".join(rows))
    assert counts(got) == {"TGTNNNTTC": 1, CSW: 1, "GCATTC": 1}
    assert excluded(got) == {
        "stop or frame shift in the junction": 3,
        "no amino-acid junction": 1,
        "no nucleotide junction": 1,
    }
    assert got.warnings == (
        "1 of 3 clonotypes have a junction without its C or F/W anchor; they are kept",
        "1 of 3 clonotypes have a junction with a letter that is no amino acid; they are kept",
        "1 of 3 clonotypes have a junction with a letter other than A, C, G, T; they are kept",
    )


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("TCRBV06-01", "TRBV6-1"),
        ("TRBV6-1*01", "TRBV6-1*01"),
        ("TRBV6-2,TRBV6-3", "TRBV6-2,TRBV6-3"),
        ("TRBV99", "TRBV99"),
    ],
)
def test_row_29_genes_are_mapped_and_ambiguity_is_kept(read, call, name):
    got = read(HEADER + ROW.replace("TRBV28", call) + OTHER)
    assert got.table.filter(junction=CAF)["v_call"].item() == name
    told = ("1 gene calls are no human genes of IMGT and are kept: TRBV99",)
    assert got.warnings == (told if call == "TRBV99" else ())


def test_row_30_loci_are_parted_and_mice_refused(read):
    alpha = ROW.replace("TRBV28\tTRBJ2-7", "TRAV1-2\tTRAJ33")
    heavy = ROW.replace("TRBV28\tTRBJ2-7", "IGHV3-23\tIGHJ4")
    got = read(HEADER + ROW + alpha + heavy)
    assert got.table.select("locus", "duplicate_count").rows() == [("IGH", 3), ("TRA", 3), ("TRB", 3)]
    assert got.notes == ("several loci: 1 clonotypes of IGH, 1 clonotypes of TRA, 1 clonotypes of TRB",)
    assert excluded(read(HEADER + ROW + alpha + heavy, locus="TRB")) == {"another locus than TRB": 2}
    with pytest.raises(TableError, match="the genes are of a mouse, not of a human"):
        read(HEADER + ROW.replace("TRBV28", "TRBV31"))


def test_columns_of_v_and_j_that_are_exchanged_are_refused_and_one_such_row_is_told(read):
    exchanged = ROW.replace("TRBV28\tTRBJ2-7", "TRBJ2-7\tTRBV28")
    with pytest.raises(TableError, match="1 calls of this column are J genes.*exchanged") as caught:
        read(HEADER + exchanged)
    assert (caught.value.column, caught.value.found, caught.value.expected) == ("v_call", "'TRBJ2-7'", "V genes")
    got = read(HEADER + ROW + OTHER + exchanged)
    assert got.warnings == (
        "1 calls of v_call are J genes, such as TRBJ2-7, and are kept",
        "1 calls of j_call are V genes, such as TRBV28, and are kept",
    )


def test_columns_of_junctions_that_are_exchanged_are_refused(read):
    long = ROW.replace(f"{CAF}\tCAF", "TGTGCCAGCAGTGAGTTC\tCASSEF")
    exchanged = long.replace("TGTGCCAGCAGTGAGTTC\tCASSEF", "CASSEF\tTGTGCCAGCAGTGAGTTC")
    with pytest.raises(TableError, match="1 of 1 nucleotide junctions are amino acids") as caught:
        read(HEADER + exchanged)
    assert (caught.value.column, caught.value.found) == ("junction", "'CASSEF'")
    assert read(HEADER + long + OTHER + exchanged).table.height == 3


def test_row_31_contigs_of_no_cell_words_for_none_and_lanes_that_collide(read):
    rows = contig("a-1") + contig("a-1", "TRA", number=2) + contig("a-1", "TRA", CEF, "CEF", number=3)
    rows += contig("a-1", "TRB", CSW, "CSW", number=4) + contig("b-1", is_cell="False")
    rows += contig("c-1", "Multi") + contig("d-1", "None") + contig("e-1", junction="None", amino="None")
    got = read(TENX + rows, "contigs.csv")
    assert excluded(got) == {
        "barcode not called a cell": 1,
        "no locus or several": 2,
        "no nucleotide junction": 1,
    }
    assert got.cells == {"TRA": 1, "TRB": 1}
    assert got.notes == tuple(f"1 of 1 cells have more than one {k} and count once for each" for k in ("TRA", "TRB"))
    with pytest.raises(TableError, match="contigs stand there twice.*give each lane's barcodes a suffix") as caught:
        read(TENX + contig("a-1") + contig("a-1", "TRA", CEF, "CEF"), "contigs.csv")
    assert caught.value.row == 3


def test_rows_of_airr_whose_barcode_is_no_cell_are_left_out_and_an_empty_word_denies_nothing(read):
    head = "cell_id\tv_call\tj_call\tjunction\tduplicate_count\tis_cell\n"
    row = "{}\tTRBV2\tTRBJ1-1\tTGTGC{}TTT\t{}\t{}\n"
    got = read(head + row.format("a-1", "A", 5, "T") + row.format("b-1", "C", 7, "F") + row.format("c-1", "G", 2, ""))
    assert got.table["duplicate_count"].to_list() == [5, 2]
    assert got.exclusions.select("rule", "rows", "counts").rows() == [("barcode not called a cell", 1, 7.0)]


def test_row_34_names_of_cells_stay_text(read):
    names = ("007", "7", "1E5", "100000", "NA", "TRUE", "2024-03-01", "a ", "a", "e\u0301", "\u00e9", "a\u200b", "A")
    got = read(TENX + "".join(contig(name) for name in names), "contigs.csv")
    assert counts(got) == {CAF: len(names)}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (tarred(), "a tar archive"),
        (gzip.compress(gzip.compress(HEADER.encode())), "a gzip file within a gzip file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git-LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "an HTML or XML page"),
        (b"\x80\x04\x95 pickle", "a Python pickle, which is never read"),
        (gzip.compress((HEADER + ROW * 1000).encode())[:-9], "the gzip file is cut or damaged"),
        (gzip.compress(bytes(100_000_000), 9), "unpacks to more than it may"),
        (b"", "the file is empty"),
    ],
    ids=["tar", "gzip in gzip", "LFS pointer", "HTML", "pickle", "gzip cut", "gzip bomb", "empty"],
)
def test_what_is_no_table_is_refused_by_its_real_kind(read, content, told):
    with pytest.raises(ReadError, match=told):
        read(content)


def test_a_named_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.tsv")
    with pytest.raises(ReadError, match="not a regular file"):
        read_clonotypes(tmp_path / "x.tsv")
