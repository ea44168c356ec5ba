import csv
import gzip
from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import ReadError, TableError
from tilseq.io.clonotype_counts import LARGEST_COUNT
from tilseq.io.clonotypes import airr_tsv, read_clonotypes

AIRR = "sequence_id\tv_call\tj_call\tjunction\tjunction_aa\tduplicate_count\n"
TENX = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,productive,cdr3,cdr3_nt,reads,umis\n"
VDJTOOLS = "count\tfreq\tcdr3nt\tcdr3aa\tv\td\tj\n"


def written(folder, content, name="table.tsv"):
    path = folder / name
    path.write_text(content)
    return path


def read_airr(folder, *rows, header=AIRR, **options):
    return read_clonotypes(written(folder, header + "".join(row + "\n" for row in rows)), **options)


def excluded(clonotypes):
    return {
        rule: (rows, counts) for rule, rows, counts in clonotypes.exclusions.select("rule", "rows", "counts").rows()
    }


def test_airr_rows_of_one_junction_are_summed_and_the_number_is_said(tmp_path):
    read = read_airr(
        tmp_path,
        "1\tTRBV1*01\tTRBJ1-1*01\tTGTGCATTC\tCAF\t3",
        "2\tTRBV2*01\tTRBJ1-1*01\ttgtgcattc\tcaf\t4",
        "3\tTRBV1*01\tTRBJ1-1*01\tTGTGCATTC\tCAF\t2",
        "4\tTRAV1*01\tTRAJ1*01\tTGTGCATTC\tCAF\t10",
        "5\tTRBV3*01\t\tTGTGAATTC\tCEF\t9",
    )
    assert read.table.rows() == [
        ("TRA", "TGTGCATTC", "CAF", "TRAV1*01", "TRAJ1*01", 10),
        ("TRB", "TGTGCATTC", "CAF", "TRBV1*01", "TRBJ1-1*01", 9),
        ("TRB", "TGTGAATTC", "CEF", "TRBV3*01", None, 9),
    ]
    assert read.table.columns == ["locus", "junction", "junction_aa", "v_call", "j_call", "duplicate_count"]
    assert read.table.schema["duplicate_count"] == pl.Int64
    assert (read.count_of, read.dialect) == ("unknown", "airr")
    assert read.warnings == ()
    assert read.notes == (
        "2 rows repeat the locus and junction of another and are summed with it",
        "several loci: 1 clonotypes of TRA, 2 clonotypes of TRB",
    )
    assert (read.rows, read.exclusions.height) == (5, 0)


def test_a_blank_column_of_amino_acids_is_translated(tmp_path):
    """AIRR requires the column, which may be blank; its rows would be left out, one and all."""
    read = read_airr(tmp_path, "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\t\t3", "2\tTRBV1\tTRBJ1-1\tTGTTAATTC\t\t5")
    assert read.table.select("junction_aa", "duplicate_count").rows() == [("CAF", 3)]
    assert read.notes[0] == "the file has no amino acids: they are translated from the nucleotides"
    assert read.exclusions.select("rule", "counts").rows() == [("stop or frame shift in the junction", 5)]


def test_what_is_not_functional_is_left_out_and_counted(tmp_path):
    header = AIRR.replace("\n", "\tproductive\n")
    read = read_airr(
        tmp_path,
        "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1\tT",
        "2\tTRBV1\tTRBJ1-1\tTGTGAATTC\tCEF\t2\tF",
        "3\tTRBV1\tTRBJ1-1\tTGTTAATTC\tC*F\t4\tT",
        "4\tTRBV1\tTRBJ1-1\tTGTTATTC\tC_F\t8\t",
        "4b\tTRBV1\tTRBJ1-1\tTGTTATT\tC~F\t512\t",
        "4c\tTRBV1\tTRBJ1-1\tTGTTATTTC\tC#F\t1024\t",
        "5\tTRBV1\tTRBJ1-1\t\tCAF\t16\tT",
        "6\tTRBV1\tTRBJ1-1\tTGTGCCTTC\t\t32\tT",
        "7\t\t\tTGTGCCTTC\tCAF\t64\tT",
        "8\tTRBV1\tTRAJ1\tTGTGCCTTC\tCAF\t128\tT",
        "9\tTRBV1\tTRBJ1-1\tTGTGCGTTC\tCAF\t0\tT",
        "10\tTRBV1\tTRBJ1-1\tTGTGCGTTC\tCAF\t256\t",
        header=header,
    )
    assert read.table["duplicate_count"].to_list() == [256, 1]
    assert excluded(read) == {
        "not productive": (1, 2.0),
        "stop or frame shift in the junction": (4, 1548.0),
        "no nucleotide junction": (1, 16.0),
        "no amino-acid junction": (1, 32.0),
        "no locus or several": (2, 192.0),
        "count of 0": (1, 0.0),
    }
    assert read.exclusions.columns == ["file", "row", "rule", "rows", "counts"]


def test_a_junction_of_broken_codons_is_functional_only_where_the_file_says_so(tmp_path):
    # IgBLAST leaves the last bases of a junction out of frame untranslated: TGT GCA GC is CA there.
    rows = ["1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1", "2\tTRBV1\tTRBJ1-1\tTGTGCAGC\tCA\t2"]
    read = read_airr(tmp_path, *rows)
    assert read.table["duplicate_count"].to_list() == [1]
    assert excluded(read) == {"stop or frame shift in the junction": (1, 2.0)}
    read = read_airr(tmp_path, *(f"{row}\tT" for row in rows), header=AIRR.replace("\n", "\tproductive\n"))
    assert read.table["duplicate_count"].to_list() == [2, 1]
    assert "1 junctions do not code for their amino acids, the first in row 3" in read.warnings


def test_amino_acids_of_another_length_than_the_junction_are_told(tmp_path):
    read = read_airr(tmp_path, "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1", "2\tTRBV1\tTRBJ1-1\tTGTGCATTT\tCASSF\t1")
    assert read.table.height == 2
    assert read.warnings == ("1 junctions do not code for their amino acids, the first in row 3",)


def test_odd_junctions_are_kept_and_flagged(tmp_path):
    read = read_airr(
        tmp_path,
        "1\tTRBV1\tTRBJ1-1\tGCATTC\tAF\t1",
        "2\tTRBV1\tTRBJ1-1\tTGTGCATGG\tCAW\t1",
        "3\tTRBV1\tTRBJ1-1\tTGTNNNTTC\tCXF\t1",
    )
    assert read.table.height == 3
    assert read.warnings == (
        "1 of 3 clonotypes have a junction without its C or F/W anchor; they are kept",
        "1 of 3 clonotypes have a junction with a letter that is no amino acid; they are kept",
        "1 of 3 clonotypes have a junction with a letter other than A, C, G, T; they are kept",
    )


@pytest.mark.parametrize(("odd", "warns"), [(1, False), (2, True)])
def test_one_odd_junction_of_a_hundred_is_noted_and_two_are_warned_of(tmp_path, odd, warns):
    codons = ["GCA", "TGT", "GAT", "GAA", "TTT", "GGA", "CAT", "ATA", "AAA", "TTA"]
    amino = "ACDEFGHIKL"
    middles = [(codons[i // 10] + codons[i % 10], amino[i // 10] + amino[i % 10]) for i in range(100)]
    ends = [("GCA", "A") if i < odd else ("TTC", "F") for i in range(100)]
    rows = [
        f"{i}\tTRBV1\tTRBJ1\tTGT{b}{e}\tC{a}{f}\t1"  # a family, which tells no end
        for i, ((b, a), (e, f)) in enumerate(zip(middles, ends, strict=True))
    ]
    read = read_airr(tmp_path, *rows)
    told = (f"{odd} of 100 clonotypes have a junction without its C or F/W anchor; they are kept",)
    assert (read.warnings, read.notes) == ((told, ()) if warns else ((), told))


@pytest.mark.parametrize(
    ("v", "j", "locus"),
    [
        ("TRAV29/DV5*01", "TRDJ1*01", "TRD"),
        ("TRAV29/DV5*01", "TRAJ1*01", "TRA"),
        ("Homsap IGHV3-11*05 F", "", "IGH"),
        ("", "IGKJ1", "IGK"),
        ("trgv9", "trgjp", "TRG"),
        ("TRBV6-2,TRBV6-3", "TRBJ1-1", "TRB"),
    ],
)
def test_a_locus_that_is_not_given_comes_from_the_genes(tmp_path, v, j, locus):
    assert read_airr(tmp_path, f"1\t{v}\t{j}\tTGTGCATTC\tCAF\t1").table["locus"].to_list() == [locus]


def test_the_locus_column_is_believed_and_its_blanks_come_from_the_genes(tmp_path):
    header = AIRR.replace("\n", "\tlocus\n")
    rows = ["1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1\ttrb", "2\tIGHV1\t\tTGTGCATGG\tCAW\t1\t"]
    assert read_airr(tmp_path, *rows, header=header).table["locus"].to_list() == ["IGH", "TRB"]
    with pytest.raises(TableError, match="no such locus") as caught:
        read_airr(tmp_path, *rows, "3\tTRBV1\t\tTGTGCATTC\tCAF\t1\tbeta", header=header)
    assert (caught.value.row, caught.value.column, caught.value.found) == (4, "locus", "'BETA'")


def test_one_locus_can_be_chosen(tmp_path):
    rows = ["1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1", "2\tTRAV1\tTRAJ1\tTGTGCATTC\tCAF\t2", "3\t\t\tTGTGCGTTC\tCAF\t4"]
    read = read_airr(tmp_path, *rows, locus="TRB")
    assert read.table.select("locus", "duplicate_count").rows() == [("TRB", 4), ("TRB", 1)]
    assert excluded(read) == {"another locus than TRB": (1, 2.0)}
    with pytest.raises(TableError, match="did you mean 'TRB'"):
        read_airr(tmp_path, *rows, locus="TRBB")


def test_umis_are_preferred_and_said_unless_their_column_is_empty(tmp_path):
    header = AIRR.replace("\n", "\tumi_count\tconsensus_count\n")
    read = read_airr(tmp_path, "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t30\t3\t99", header=header)
    assert read.table["duplicate_count"].to_list() == [3]
    assert read.count_of == "umis"
    assert read.notes == ("umi_count and duplicate_count are both given: umi_count is used",)
    for empty in ("", "NA"):
        read = read_airr(tmp_path, f"1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t30\t{empty}\t99", header=header)
        assert read.table["duplicate_count"].to_list() == [30]
        assert (read.count_of, read.warnings) == ("unknown", ())


@pytest.mark.parametrize(
    "count",
    ["-5", "1.5", "1e3", "1,247", "", "NaN", "NA", "inf", " 3", "+3", "0x3", "1_000", "٣", str(2**53 + 1), "9" * 400],
)
def test_a_count_that_is_no_plain_whole_number_is_an_error_with_its_row(tmp_path, count):
    with pytest.raises(TableError, match="1 of 3 counts cannot be read") as caught:
        read_airr(
            tmp_path,
            "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1",
            f"2\tTRBV1\tTRBJ1-1\tTGTGCATTC\tC*F\t{count}",
            "3\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1",
        )
    assert (caught.value.row, caught.value.column) == (3, "duplicate_count")


def test_a_count_with_a_point_and_three_zeros_may_be_a_thousand(tmp_path):
    rows = ["1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t2.0", "2\tTRBV1\tTRBJ1-1\tTGTGAATTC\tCEF\t12.000"]
    with pytest.raises(TableError, match="found '12.000'.*is it a thousand") as caught:
        read_airr(tmp_path, *rows)
    assert (caught.value.row, caught.value.column) == (3, "duplicate_count")
    for plain in ("12.00", "12.0000", "0012.000", "1200.000"):
        read = read_airr(tmp_path, rows[0], rows[1].replace("12.000", plain))
        assert read.table["duplicate_count"].to_list() == [int(float(plain)), 2]


def test_the_largest_count_is_exact_and_a_larger_sum_is_refused(tmp_path):
    row = f"1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t{LARGEST_COUNT}"
    assert read_airr(tmp_path, row).table["duplicate_count"].to_list() == [9007199254740992]
    with pytest.raises(TableError, match="add up to more"):
        read_airr(tmp_path, row, row)


def test_a_missing_count_is_an_error_and_never_1(tmp_path):
    header = AIRR.replace("duplicate_count", "consensus_count")
    with pytest.raises(TableError, match="consensus_count is the reads behind") as caught:
        read_airr(tmp_path, "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1", header=header)
    assert (caught.value.row, caught.value.column) == (1, "duplicate_count")


@pytest.mark.parametrize(
    ("header", "kind", "word"),
    [
        ("v_call\tj_call\tcdr3\tjunction_aa\tduplicate_count", TableError, "column junction: .*lacks the conserved"),
        (
            "v_call\tj_call\tjuncton\tjunction_aa\tduplicate_count",
            TableError,
            "column junction: .*did you mean 'juncton'",
        ),
        ("freq\tcdr3nt\tcdr3aa\tv\td\tj", TableError, "column count: .*VDJtools"),
        ("count\tfreq\tcdr3nt\tcdr3aa\tv\td", TableError, "column j: .*VDJtools"),
        ("count\tfreq\tcdr3nt\tcdr3aa\tv\td\tj\tCDR3nt", TableError, "two names"),
        (
            "Clones\tProportion\tCDR3.nt\tCDR3.aa",
            ReadError,
            "no clonotype dialect known.*airr, 10x.*vdjtools.*; of immunarch it lacks V.name, J.name",
        ),
        ('"v_call"\t"j_call"\t"junction"\t"duplicate_count"', ReadError, "write the table without quotes"),
        ("barcode,chain,v_gene,j_gene,cdr3,cdr3_nt,productive,is_cell", TableError, "column high_confidence"),
    ],
)
def test_a_header_that_is_not_known_says_what_is_missing(tmp_path, header, kind, word):
    with pytest.raises(kind, match=word):
        read_clonotypes(written(tmp_path, header + "\n"))


def test_a_word_for_true_that_is_not_known_is_an_error(tmp_path):
    header = AIRR.replace("\n", "\tproductive\n")
    with pytest.raises(TableError, match="true or false") as caught:
        read_airr(tmp_path, "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t1\tyes", header=header)
    assert (caught.value.row, caught.value.column, caught.value.found) == (2, "productive", "'yes'")


def test_rows_that_name_cells_are_told_about(tmp_path):
    header = AIRR.replace("\n", "\tcell_id\n")
    read = read_airr(tmp_path, "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t30\tAAAC-1", header=header)
    assert read.warnings == (
        "rows name cells (cell_id), yet they are summed by their own counts, not counted as cells",
    )
    assert read_airr(tmp_path, "1\tTRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t30\t", header=header).warnings == ()


def test_a_dialect_that_is_named_is_taken_or_refused(tmp_path):
    path = written(tmp_path, VDJTOOLS)
    assert read_clonotypes(path, dialect="vdjtools").table.height == 0
    with pytest.raises(TableError, match="column v_call"):
        read_clonotypes(path, dialect="airr")
    with pytest.raises(TableError, match="no such dialect"):
        read_clonotypes(path, dialect="igblast")


def test_tenx_counts_distinct_cells_by_stated_rules(tmp_path):
    rows = [
        "a-1,True,a1,True,TRB,TRBV1,TRBJ1-1,True,CAF,TGTGCATTC,10,2",
        "a-1,True,a2,True,TRB,TRBV1,TRBJ1-1,True,CAF,TGTGCATTC,10,2",  # the same cell and clonotype again
        "a-1,True,a3,True,TRB,TRBV1,TRBJ1-1,True,CEF,TGTGAATTC,10,2",  # a second beta of the cell
        "b-1,true,b1,true,TRB,TRBV2,TRBJ1-1,true,CAF,TGTGCATTC,10,2",
        "c-1,True,c1,True,TRB,TRBV1,TRBJ1-1,True,CAF,TGTGCATTC,10,2",
        "d-1,False,d1,True,TRB,TRBV1,TRBJ1-1,True,CAF,TGTGCATTC,10,2",
        "e-1,True,e1,False,TRB,TRBV1,TRBJ1-1,True,CAF,TGTGCATTC,10,2",
        "f-1,True,f1,True,TRB,TRBV1,TRBJ1-1,None,CAF,TGTGCATTC,10,2",
        "f-1,True,f2,True,TRB,TRBV1,TRBJ1-1,False,CAF,TGTGCATTC,10,2",
        "g-1,True,g1,True,Multi,TRBV1,TRAJ1,True,CAF,TGTGCATTC,10,2",
        "h-1,True,h1,True,TRB,TRBV1,TRBJ1-1,True,None,None,10,2",
        "i-1,True,i1,True,TRB,TRBV1,TRBJ1-1,True,,,10,2",
        "i-1,True,i2,True,TRA,None,TRAJ1,True,CAF,TGTGCATTC,10,2",
    ]
    read = read_clonotypes(written(tmp_path, TENX + "\n".join(rows), "contigs.csv"))
    assert read.table.rows() == [
        ("TRA", "TGTGCATTC", "CAF", None, "TRAJ1", 1),
        ("TRB", "TGTGCATTC", "CAF", "TRBV1", "TRBJ1-1", 3),
        ("TRB", "TGTGAATTC", "CEF", "TRBV1", "TRBJ1-1", 1),
    ]
    assert (read.count_of, read.dialect) == ("cells", "10x")
    assert excluded(read) == {
        "another contig of the same cell and clonotype": (1, 0.0),
        "barcode not called a cell": (1, 1.0),
        "contig of low confidence": (1, 1.0),
        "not productive": (2, 1.0),
        "no locus or several": (1, 1.0),
        "no nucleotide junction": (2, 2.0),
    }
    assert read.warnings == ()
    assert read.notes == ("1 of 3 cells have more than one TRB and count once for each",)
    assert read.cells["TRB"] == 3


def test_tenx_cells_whose_names_are_alike_but_for_blanks_or_case_are_told(tmp_path):
    names = ("AC-1", " AC-1", "GT-1", "gt-1", "TT-1")
    rows = [f"{name},True,{i},True,TRB,TRBV2,TRBJ1-1,True,CAF,TGTGCATTC,9,3\n" for i, name in enumerate(names)]
    read = read_clonotypes(written(tmp_path, TENX + "".join(rows), "contigs.csv"))
    assert read.table["duplicate_count"].to_list() == [5]
    assert read.warnings == (
        "4 cells have names that differ in blanks, case or Unicode form alone, such as ' AC-1' and 'AC-1': each counts "
        "as a cell of its own",
    )


def test_a_locus_that_the_genes_deny_is_told(tmp_path):
    header = AIRR.replace("sequence_id", "locus")
    read = read_airr(
        tmp_path,
        "TRB\tTRAV1-1*01\tTRAJ1*01\tTGTGCATTC\tCAF\t3",
        "TRB\tTRBV2*01\tTRBJ1-1*01\tTGTGAATTC\tCEF\t4",
        "trd\tTRAV29/DV5*01\t\tTGTGACTTC\tCDF\t2",
        "IGH\t\tIGKJ1*01\tTGTAAATTC\tCKF\t1",
        header=header,
    )
    assert read.warnings == (
        "2 rows name a locus that is not that of the genes, the first in row 2, TRB with TRAV1-1*01 and TRAJ1*01: the "
        "locus named is taken",
    )
    assert read.table["locus"].to_list() == ["IGH", "TRB", "TRB", "TRD"]


def test_a_gene_of_another_locus_than_the_one_named_is_told(tmp_path):
    header = AIRR.replace("sequence_id", "locus")
    read = read_airr(
        tmp_path,
        "TRB\tTRBV2*01\tTRBJ1-1*01\tTGTGAATTC\tCEF\t4",
        "TRB\tTRAV1-2*01\tTRBJ2-2*01\tTGTGCATTC\tCAF\t3",
        header=header,
    )
    assert read.warnings == (
        "1 row names a locus that is not that of the genes, the first in row 3, TRB with TRAV1-2*01 and TRBJ2-2*01: "
        "the locus named is taken",
    )


def test_tenx_needs_a_barcode_and_a_locus_it_knows(tmp_path):
    with pytest.raises(TableError, match="no barcode") as caught:
        read_clonotypes(written(tmp_path, TENX + ",True,a1,True,TRB,TRBV1,TRBJ1-1,True,CAF,TGTGCATTC,10,2\n"))
    assert (caught.value.row, caught.value.column) == (2, "barcode")
    nameless = written(tmp_path, TENX + "a-1,True,a1,True,None,None,None,True,CAF,TGTGCATTC,10,2\n")
    assert read_clonotypes(nameless, locus="TRB").table.height == 0


def test_vdjtools_frequencies_are_recomputed_and_a_difference_is_said(tmp_path):
    rows = "3\t{}\tTGTGCATTC\tCAF\tTRBV1\t.\tTRBJ1-1\n1\t{}\tTGTGAATTC\tCEF\tTRBV1\t.\tTRBJ1-1\n"
    exact = read_clonotypes(written(tmp_path, VDJTOOLS + rows.format(0.75, 0.25)))
    assert exact.table["duplicate_count"].to_list() == [3, 1]
    assert (exact.count_of, exact.dialect, exact.warnings) == ("unknown", "vdjtools", ())
    percent = read_clonotypes(written(tmp_path, VDJTOOLS + rows.format(75, 25)))
    assert percent.warnings[0].startswith("the file's frequencies add up to 100 and differ")
    words = read_clonotypes(written(tmp_path, VDJTOOLS + rows.format("x", 0.25)))
    assert "cannot be read" in words.warnings[0]
    hashed = read_clonotypes(written(tmp_path, "#" + VDJTOOLS + rows.format(0.75, 0.25)))
    assert hashed.table.equals(exact.table)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["TRAV1", "TRBV1", "TRBV2", ""]),
            st.sampled_from(["TGTGCATTC", "TGTGAATTC", "GCA", ""]),
            st.sampled_from(["CAF", "C*F", "A", ""]),
            st.integers(0, 9),
        )
    )
)
def test_rows_and_counts_in_are_rows_and_counts_used_or_excluded(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("airr")
    read = read_airr(folder, *[f"1\t{v}\t\t{nt}\t{aa}\t{count}" for v, nt, aa, count in rows])
    assert read.table["duplicate_count"].sum() + read.exclusions["counts"].sum() == sum(row[3] for row in rows)
    repeats = sum(int(w.split()[0]) for w in read.notes if "repeat" in w)
    assert read.table.height + repeats + read.exclusions["rows"].sum() == len(rows)
    again = read_clonotypes(written(folder, airr_tsv(read)))
    assert again.table.equals(read.table)


def test_airr_out_holds_every_column_that_airr_requires_and_no_formula(tmp_path):
    header = AIRR.replace("duplicate_count", "umi_count")
    read = read_airr(tmp_path, "1\t=TRBV1\tTRBJ1-1\tTGTGCATTC\tCAF\t3", header=header)
    names, values = (line.split("\t") for line in airr_tsv(read).splitlines())
    required = "sequence_id sequence rev_comp productive v_call d_call j_call sequence_alignment germline_alignment "
    assert names == [*required.split(), *"junction junction_aa v_cigar d_cigar j_cigar locus umi_count".split()]
    assert dict(zip(names, values, strict=True))["v_call"] == "'=TRBV1"
    assert read_clonotypes(written(tmp_path, airr_tsv(read))).count_of == "umis"


def lines_of(path, separator):
    with gzip.open(path, "rt", newline="") as stream:
        yield from csv.DictReader(stream, delimiter=separator)


def test_real_vdjtools_totals(shared_data):
    path = shared_data / "tcr/vdjtools_M_day15_CD8_TRB_top5000.tsv.gz"
    expected, left_out = Counter(), 0
    for line in lines_of(path, "\t"):
        if "*" in line["cdr3aa"] or "_" in line["cdr3aa"]:
            left_out += int(line["count"])
        else:
            expected[line["cdr3nt"]] += int(line["count"])
    read = read_clonotypes(path)
    assert dict(read.table.select("junction", "duplicate_count").iter_rows()) == expected
    assert (read.table.height, read.table["duplicate_count"].sum(), left_out) == (4788, 241617, 2015)
    assert excluded(read) == {"stop or frame shift in the junction": (212, 2015.0)}


@pytest.mark.parametrize(
    "name",
    [
        "tcr/10x_pbmc3_t_filtered_contig_annotations.csv.gz",
        *[f"screpertoire/contigs/P{p}{s}_filtered_contig_annotations.csv.gz" for p in (17, 18, 19, 20) for s in "BL"],
    ],
)
def test_real_tenx_totals(shared_data, name):
    cells, rows = defaultdict(set), 0
    for line in lines_of(shared_data / name, ","):
        rows += 1
        sound = all(line[flag].lower() == "true" for flag in ("is_cell", "high_confidence", "productive"))
        if sound and line["chain"] in ("TRA", "TRB") and line["cdr3_nt"] not in ("", "None"):
            cells[line["chain"], line["cdr3_nt"]].add(line["barcode"])
    read = read_clonotypes(shared_data / name)
    found = {(locus, junction): count for locus, junction, _, _, _, count in read.table.iter_rows()}
    assert found == {key: len(barcodes) for key, barcodes in cells.items()}
    assert read.table["duplicate_count"].sum() + read.exclusions["rows"].sum() == rows


def test_the_standards_own_files(shared_data):
    folder = shared_data / "tcr/airr_standards"
    good = read_clonotypes(folder / "good_rearrangement.tsv")
    assert good.table.rows() == [
        ("IGH", "TGTGCGAGCGGGGTGGCTGGAACTTTTGACTACTGG", "CASGVAGTFDYW", "IGHV4-31*03", "IGHJ4*02", 4177)
    ]
    assert excluded(good) == {"not productive": (4, 127.0)}
    assert read_clonotypes(folder / "good_rearrangement.tsv.gz").table.equals(good.table)
    with pytest.raises(TableError, match="row 2, column productive"):
        read_clonotypes(folder / "bad_rearrangement.tsv")
    with pytest.raises(ReadError, match="column junction: this column stands twice"):
        read_clonotypes(folder / "extra_rearrangement.tsv")


def test_umi_counts_of_0_throughout_give_way_to_filled_duplicate_counts(tmp_path):
    header = AIRR.replace("\n", "\tumi_count\n")
    row = "1\tTRBV1*01\tTRBJ1-1*01\tTGTGCATTC\tCAF"
    read = read_airr(tmp_path, f"{row}\t3\t0", f"{row}\t4\t0", header=header)
    assert (read.table["duplicate_count"].to_list(), read.count_of) == ([7], "unknown")
    assert "umi_count is 0 throughout: duplicate_count is used" in read.notes
    read = read_airr(tmp_path, f"{row}\t0\t0", header=header)
    assert (read.table.height, read.count_of) == (0, "umis")
