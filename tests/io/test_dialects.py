"""Each dialect from the headers its vendor documents; those with real files are read in test_clonotypes_real.py too."""

import gzip
import json

import pytest

from tilseq.errors import ReadError, TableError
from tilseq.io.clonotypes import airr_tsv, read_clonotypes
from tilseq.io.dialects import DIALECTS

CAF, CEF, CSW = "TGTGCATTC", "TGTGAATTC", "TGTTCATGG"
READ = "CTGTATCTC" + CAF + "GGAGCT"


def table(*rows):
    """A table parted by tabs, from rows of words parted by blanks; ~ is a blank within a word, - an empty cell."""
    lines = ["\t".join("" if w == "-" else w.replace("~", " ") for w in row.split()) for row in rows]
    return "\n".join(lines) + "\n"


def read(folder, text, name="table.tsv", **options):
    path = folder / name
    path.write_text(text)
    return read_clonotypes(path, **options)


def clones(read):
    return read.table.select("locus", "junction", "junction_aa", "v_call", "j_call", "duplicate_count").rows()


def excluded(read):
    return {rule: (rows, counts) for rule, rows, counts in read.exclusions.select("rule", "rows", "counts").rows()}


IMMUNOSEQ_2 = (
    "nucleotide aminoAcid {count} frequencyCount~(%) cdr3Length vMaxResolved vFamilyName vGeneName vGeneNameTies "
    "jMaxResolved jGeneName vIndex sequenceStatus"
)
IMMUNOSEQ_2_ROWS = (
    f"{READ} CAF {{0}} 75 9 TCRBV06-01*01 TCRBV06 TCRBV06-01 - TCRBJ02-07*01 TCRBJ02-07 9 In",
    f"{READ} C*F {{1}} 25 9 TCRBV12 TCRBV12 unresolved TCRBV12-03,TCRBV12-04 TCRBJ01-01*01 TCRBJ01-01 9 Stop",
)


@pytest.mark.parametrize(
    ("header", "count_of"),
    [
        ("count", "unknown"),
        ("count~(reads)", "reads"),
        ("count~(templates)", "templates"),
        ("count~(templates/reads)", "unknown"),
        ("count~(template/reads)", "unknown"),
        ("count..templates.reads.", "unknown"),
        ("templates", "templates"),
        ("seq_reads", "reads"),
        ("reads", "reads"),
        ("copy", "reads"),
        ("estimatedNumberGenomes", "templates"),
    ],
)
def test_every_header_of_immunoseqs_counts(tmp_path, header, count_of):
    rows = [row.format(3, 1) for row in IMMUNOSEQ_2_ROWS]
    got = read(tmp_path, table(IMMUNOSEQ_2.format(count=header), *rows))
    assert (got.dialect, got.count_of) == ("immunoseq", count_of)
    assert clones(got) == [("TRB", CAF, "CAF", "TRBV6-1*01", "TRBJ2-7*01", 3)]
    assert excluded(got) == {"not productive": (1, 1.0)}


def test_immunoseq_1_of_2011(tmp_path):
    header = (
        "sequenceID nucleotide aminoAcid normalizedFrequency normalizedCopy rawFrequency copy cdr3Length VFamilyName "
    )
    header += "VGeneName VTies JGeneName JTies sequenceStatus VIndex"
    got = read(
        tmp_path,
        table(
            header,
            f"1 {READ} CAF 0.5 2.5 0.5 3 9 6 TCRBV6-1 - TCRBJ2-7 - In 9",
            f"2 {READ} CAF 0.5 2.5 0.5 4 9 6 (undefined) TCRBV6-2,TCRBV6-3 TCRBJ2-7 - In 9",
        ),
    )
    assert clones(got) == [("TRB", CAF, "CAF", "TRBV6-2,TRBV6-3", "TRBJ2-7", 7)]
    assert got.count_of == "reads"


def test_immunoseq_3_and_its_order_of_counts(tmp_path):
    header = (
        "rearrangement amino_acid frame_type templates seq_reads frequency cdr3_length v_index v_resolved v_gene_ties "
    )
    header += "v_gene j_resolved"
    rows = (
        f"{READ} CAF In 3 900 0.75 9 9 TCRBV20 TCRBV20-01,TCRBV20-or09_02 unresolved TCRBJ02-07*01",
        f"{READ} na Out 1 100 0.25 10 9 TCRBV28-01*01 no~data TCRBV28-01 TCRBJ01-01*01",
    )
    got = read(tmp_path, table(header, *rows))
    assert clones(got) == [("TRB", CAF, "CAF", "TRBV20-1,TRBV20/OR9-2", "TRBJ2-7*01", 3)]
    assert (got.count_of, got.notes) == ("templates", ("templates and seq_reads are both given: templates is used",))
    # a column that is null throughout gives way, as in exports of assays that count one of the two
    null = [row.replace(" 900 ", " null ").replace(" 100 ", " null ") for row in rows]
    assert read(tmp_path, table(header, *null)).warnings == ()


def test_immunoseqs_minimal_export_has_its_junctions_found(tmp_path):
    header = "nucleotide aminoAcid count vGeneName jGeneName estimatedNumberGenomes"
    row = f"{READ} CAF 30 TCRBV06-01 TCRBJ02-07 3"
    got = read(tmp_path, table(header, row, f"{READ} CWWF 5 TCRBV06-01 TCRBJ02-07 1"))
    assert clones(got) == [("TRB", CAF, "CAF", "TRBV6-1", "TRBJ2-7", 3)]
    assert (got.count_of, excluded(got)) == ("templates", {"the junction is not whole within the read": (1, 1.0)})


def test_a_junction_that_the_read_cuts_off_is_counted_as_lost(tmp_path):
    rows = [row.format(3, 1) for row in IMMUNOSEQ_2_ROWS]
    for place, length in ((-1, 9), (18, 9), (9, 18)):
        cut = rows[0].replace(" 9 In", f" {place} In").replace(" 75 9 ", f" 75 {length} ")
        got = read(tmp_path, table(IMMUNOSEQ_2.format(count="templates"), cut))
        assert excluded(got) == {"the junction is not whole within the read": (1, 3.0)}


def test_mixcr_2_and_3_count_reads(tmp_path):
    header = "cloneId cloneCount cloneFraction targetSequences allVHitsWithScore allDHitsWithScore allJHitsWithScore "
    header += "nSeqCDR3 minQualCDR3 aaSeqCDR3 refPoints"
    got = read(
        tmp_path,
        table(
            header,
            f"0 6.0 0.6 A TRBV12-3*00(1234.5),TRBV12-4*00(1234.5),TRBV5-1*00(9) - TRBJ2-7*00(88) {CAF} 40 CAF :",
            f"1 3.0 0.3 A TRBV28*00(331) TRBD1*00(20) TRBJ1-1*00(88) {CAF}A 40 CA_F :",
            f"2 1.0 0.1 A TRBV28*00(331) TRBD1*00(20) TRBJ1-1*00(88) {CEF} 40 C*F :",
        ),
    )
    assert clones(got) == [("TRB", CAF, "CAF", "TRBV12-3,TRBV12-4", "TRBJ2-7", 6)]
    assert (got.dialect, got.count_of, got.warnings) == ("mixcr", "reads", ())
    assert excluded(got) == {"stop or frame shift in the junction": (2, 4.0)}


@pytest.mark.parametrize("molecules", ["uniqueMoleculeCount", "uniqueUMICount", "uniqueTagCountUMI"])
def test_mixcr_4_tells_molecules_from_reads(tmp_path, molecules):
    header = f"cloneId readCount readFraction {molecules} {molecules.replace('Count', 'Fraction')} allVHitsWithScore "
    header += "allJHitsWithScore nSeqCDR3 aaSeqCDR3"
    rows = (
        f"0 600 0.75 3 0.5 TRBV28*00(3) TRBJ2-7*00(8) {CAF} CAF",
        f"1 200 0.25 3 0.5 TRBV9*00(3) TRBJ2-7*00(8) {CEF} CEF",
    )
    got = read(tmp_path, table(header, *rows))
    assert got.table["duplicate_count"].to_list() == [3, 3]
    assert (got.count_of, got.notes) == ("umis", (f"{molecules} and readCount are both given: {molecules} is used",))
    reads = read(tmp_path, table(header.replace(molecules, "other"), *rows))
    assert (reads.count_of, reads.table["duplicate_count"].to_list()) == ("reads", [600, 200])
    cells = read(tmp_path, table(header + " uniqueCellCount", *(f"{row} 2" for row in rows)))
    assert (cells.count_of, cells.table["duplicate_count"].to_list(), cells.cells) == ("cells", [2, 2], {})


def test_a_row_a_cell_of_mixcr_is_told(tmp_path):
    header = "tagValueCELL readCount uniqueTagCountUMI allVHitsWithScore allJHitsWithScore nSeqCDR3 aaSeqCDR3"
    rows = (f"{cell} 600 3 TRBV28*00(3) TRBJ2-7*00(8) {CAF} CAF" for cell in ("AAAC", "AAAG"))
    told = "rows name cells (tagValueCELL), yet they are summed by their own counts, not counted as cells"
    assert read(tmp_path, table(header, *rows)).warnings == (told,)


def test_mixcr_1_in_words(tmp_path):
    header = "Clone~count Clone~fraction All~V~hits All~J~hits N.~Seq.~CDR3 AA.~seq.~CDR3"
    got = read(tmp_path, table(header, f"4 1.0 TRBV28*00 TRBJ2-7*00 {CAF} CAF"))
    assert (clones(got), got.count_of) == ([("TRB", CAF, "CAF", "TRBV28", "TRBJ2-7", 4)], "reads")


def test_trust4s_report(tmp_path):
    header = "#count frequency CDR3nt CDR3aa V D J C cid cid_full_length"
    got = read(
        tmp_path,
        table(
            header,
            f"6 0.75 {CAF} CAF TRBV28*01 . TRBJ2-7*01 TRBC2 assemble1 1",
            f"2 0.25 {CEF}A out_of_frame TRBV28*01 . TRBJ2-7*01 TRBC2 assemble2 0",
            f"1 0.20 {CEF} partial TRBV28*01 . * TRBC2 assemble3 0",
            f"4.00 0.80 {CSW} CSW IGHV3-23*01 . IGHJ4*02 IGHM assemble4 1",
            "1 0.20 TGTTAGTTC C_F IGHV3-23*01 . IGHJ4*02 IGHM assemble5 1",
        ),
    )
    assert clones(got) == [
        ("IGH", CSW, "CSW", "IGHV3-23*01", "IGHJ4*02", 4),
        ("TRB", CAF, "CAF", "TRBV28*01", "TRBJ2-7*01", 6),
    ]
    # frequencies are shares of TR and of IG apart, and are not compared
    assert (got.dialect, got.count_of) == ("trust4", "unknown")
    assert got.notes == ("several loci: 1 clonotypes of IGH, 1 clonotypes of TRB",)
    assert excluded(got) == {"not productive": (2, 3.0), "stop or frame shift in the junction": (1, 1.0)}


TRUST4_AIRR = (
    "sequence_id sequence rev_comp productive v_call d_call j_call c_call sequence_alignment germline_alignment cdr1 "
    "cdr2 junction junction_aa v_cigar d_cigar j_cigar v_identity j_identity cell_id complete_vdj consensus_count"
)


def test_trust4s_airr_holds_its_counts_where_no_other_does(tmp_path):
    text = table(TRUST4_AIRR, f"a_0 A F T TRBV28*01 - TRBJ2-7*01 TRBC2 - - - - {CAF} CAF - - - - - - T 6")
    with pytest.raises(TableError, match="name the dialect trust4-airr") as caught:
        read(tmp_path, text)
    assert (caught.value.row, caught.value.column) == (1, "duplicate_count")
    got = read(tmp_path, text, dialect="trust4-airr")
    assert (clones(got), got.count_of) == ([("TRB", CAF, "CAF", "TRBV28*01", "TRBJ2-7*01", 6)], "unknown")
    assert got.warnings == ()
    text = table(TRUST4_AIRR, f"a_0 A F T TRBV28*01 - TRBJ2-7*01 TRBC2 - - - - {CAF} CAF - - - - - AAAC-1 T 6")
    told = "rows name cells (cell_id), yet they are summed by their own counts, not counted as cells"
    assert read(tmp_path, text, dialect="trust4-airr").warnings == (told,)


BARCODES = "#barcode cell_type chain1 chain2 secondary_chain1 secondary_chain2"
BETA = f"TRBV28*01,*,TRBJ2-7*01,TRBC2,{CAF},CAF,12.50,{{}}_0,100.00,1"
ALPHA = f"TRAV1-2*01,*,TRAJ33*01,TRAC,{CEF},CEF,3.00,{{}}_1,98.50,0"


def test_trust4s_report_of_barcodes_counts_cells_by_their_main_chains(tmp_path):
    got = read(
        tmp_path,
        table(
            BARCODES,
            f"a-1 abT {BETA.format('a-1')} {ALPHA.format('a-1')} * {ALPHA.format('x').replace(CEF, CSW)}",
            f"b-1 abT {BETA.format('b-1')} * {BETA.format('y').replace('CAF', 'out_of_frame')};{BETA.format('z')} *",
            # of fewer fields, as older versions write it; a stop, a contig without V, a cell of B
            f"c-1 abT * TRAV1-2,*,TRAJ33,TRAC,{CEF},C_F,1.00,c-1_0,98.50 * *",
            f"d-1 abT *,*,TRBJ2-7*01,*,{CAF},CAF,1.00,d-1_0 * * *",
            f"e-1 B IGHV3-23*01,*,IGHJ4*02,IGHM,{CSW},CSW,9.00,e-1_4,97.00,1 * * *",
        ),
    )
    assert clones(got) == [
        ("IGH", CSW, "CSW", "IGHV3-23*01", "IGHJ4*02", 1),
        ("TRA", CEF, "CEF", "TRAV1-2*01", "TRAJ33*01", 1),
        ("TRB", CAF, "CAF", "TRBV28*01", "TRBJ2-7*01", 3),
    ]
    assert (got.dialect, got.count_of, got.cells) == ("trust4-barcodes", "cells", {"IGH": 1, "TRA": 1, "TRB": 3})
    assert excluded(got) == {
        "TRUST4 took another chain of this kind for the cell's": (2, 2.0),
        "not productive": (1, 1.0),
        "stop or frame shift in the junction": (1, 1.0),
    }


@pytest.mark.parametrize(
    ("row", "column", "word"),
    [
        (f"b-1 abT TRBV28,*,TRBJ2-7,TRBC2,{CAF},CAF,12 * * *", "chain1", "this chain cannot be read.*8 to 10 fields"),
        (f"b-1 abT * * * {ALPHA.format('b')},1", "secondary_chain2", "this chain cannot be read"),
        (f"- abT {BETA.format('b')} * * *", "#barcode", "a cell has no barcode"),
        (
            f"b-1 abT * {ALPHA.format('a-1').replace('a-1_1', 'a-1_0')} * *",
            "chain1, chain2",
            "contigs stand there twice",
        ),
    ],
)
def test_a_row_of_trust4s_report_of_barcodes_that_is_not_sound_is_named(tmp_path, row, column, word):
    text = table(BARCODES, f"a-1 abT {BETA.format('a-1')} * * *", row)
    with pytest.raises(TableError, match=word) as caught:
        read(tmp_path, text)
    assert (caught.value.row, caught.value.column) == (3, column)


def test_immunarch(tmp_path):
    header = "Clones Proportion CDR3.nt CDR3.aa V.name D.name J.name V.end D.start D.end J.start VJ.ins Sequence"
    text = "# Exported from immunarch 0.5.6 https://immunarch.com\n" + table(
        header,
        f"3 0.75 {CAF} CAF TRBV28 TRBD1 TRBJ2-7 1 2 3 4 -1 NA",
        f"1 0.25 {CAF};{CEF} CAF;CEF TRAV1-1;TRBV28 NA TRAJ1;TRBJ2-7 1 2 3 4 -1 NA",  # its pairs of single cells
    )
    got = read(tmp_path, text)
    assert clones(got) == [("TRB", CAF, "CAF", "TRBV28", "TRBJ2-7", 3)]
    assert (got.dialect, got.count_of, got.warnings) == ("immunarch", "unknown", ())
    assert excluded(got) == {"several junctions in one row": (1, 1.0)}


IMGT = "Sequence~number Sequence~ID V-DOMAIN~Functionality V-GENE~and~allele J-GENE~and~allele D-GENE~and~allele "
IMGT += "JUNCTION~frame JUNCTION JUNCTION~(with~frameshift) JUNCTION~(AA) JUNCTION~(AA)~(with~frameshift)"
IMGT_ROWS = (
    "1 a{} productive Homsap~TRBV6-5*01~F,~or~Homsap~TRBV6-6*01~F Homsap~TRBJ2-7*01~F - in-frame tgtgcattc - CAF -",
    "2 b{} productive~(see~comment) Homsap~TRBV28*01~F~(see~comment) Homsap~TRBJ1-1*01~F - in-frame tgtgaattc - CEF -",
    "3 c{} unproductive Homsap~TRBV28*01~F Homsap~TRBJ1-1*01~F - out-of-frame - tgtgaattca - CE#F",
    "4 d{} No~results - - - - - - - -",
    f"5 e{{}} productive Homsap~TRBV28*01~F Homsap~TRBJ1-1*01~F - in-frame {CEF.lower()} - CEF -",
)


def test_imgt_counts_rows_and_says_so(tmp_path):
    got = read(tmp_path, table(IMGT, *(row.format("") for row in IMGT_ROWS)))
    assert clones(got) == [
        ("TRB", CEF, "CEF", "TRBV28*01", "TRBJ1-1*01", 2),
        ("TRB", CAF, "CAF", "TRBV6-5*01,TRBV6-6*01", "TRBJ2-7*01", 1),
    ]
    assert (got.dialect, got.count_of) == ("imgt", "unknown")
    assert got.warnings[0].startswith("the file has no counts: each row is counted as one sequence")
    assert excluded(got) == {"not productive": (2, 2.0)}


@pytest.mark.parametrize("more", ["", "~(see~comment)"])
def test_a_sequence_without_a_junction_does_not_stop_imgts_others(tmp_path, more):
    bare = f"6 f rearranged~sequence~(but~no~junction~found){more} Homsap~TRBV28*01~F - - - - - - -"
    got = read(tmp_path, table(IMGT, *(row.format("") for row in IMGT_ROWS), bare))
    assert got.table["duplicate_count"].to_list() == [2, 1]
    assert excluded(got) == {"not productive": (2, 2.0), "no nucleotide junction": (1, 1.0)}


@pytest.mark.parametrize(("mark", "warning"), [("|CONSCOUNT=9|DUPCOUNT=4", "Sequence ID"), (";size=4;", "Sequence ID")])
def test_imgt_counts_what_the_names_say(tmp_path, mark, warning):
    got = read(tmp_path, table(IMGT, *(row.format(mark) for row in IMGT_ROWS)))
    assert got.table["duplicate_count"].to_list() == [8, 4]
    assert got.notes[0] == f"counts are those in {warning}"
    with pytest.raises(TableError, match="counts cannot be read") as caught:
        read(tmp_path, table(IMGT, IMGT_ROWS[0].format(mark), IMGT_ROWS[1].format("")))
    assert (caught.value.row, caught.value.column) == (3, "Sequence ID")


def test_imgts_nucleotides_are_translated_and_its_summary_refused(tmp_path):
    drop = [i for i, name in enumerate(IMGT.split()) if "AA" in name]
    rows = [" ".join(w for i, w in enumerate(row.format("").split()) if i not in drop) for row in (IMGT, *IMGT_ROWS)]
    got = read(tmp_path, table(*rows))
    assert got.table["junction_aa"].to_list() == ["CEF", "CAF"]
    assert "the file has no amino acids: they are translated from the nucleotides" in got.notes
    summary = "Sequence~ID V-DOMAIN~Functionality V-GENE~and~allele J-GENE~and~allele JUNCTION~frame AA~JUNCTION"
    with pytest.raises(TableError, match="column JUNCTION: .*give 6_Junction"):
        read(tmp_path, table(summary))


def test_vdjtools_with_what_it_appends(tmp_path):
    header = "#count freq CDR3nt CDR3aa V D J Vend Dstart Dend Jstart incidence convergence"
    got = read(tmp_path, table(header, f"3 1.0 {CAF} CAF TRBV6-2,TRBV6-3 . TRBJ2-7 1 2 3 4 1 1"))
    assert (clones(got), got.dialect) == ([("TRB", CAF, "CAF", "TRBV6-2,TRBV6-3", "TRBJ2-7", 3)], "vdjtools")


TENX_5 = (
    "barcode,is_cell,contig_id,high_confidence,length,chain,v_gene,d_gene,j_gene,c_gene,full_length,productive,fwr1,"
)
TENX_5 += "fwr1_nt,cdr1,cdr1_nt,fwr2,fwr2_nt,cdr2,cdr2_nt,fwr3,fwr3_nt,cdr3,cdr3_nt,fwr4,fwr4_nt,reads,umis,"
TENX_5 += "raw_clonotype_id,raw_consensus_id,exact_subclonotype_id\n"
TENX_5_ROW = (
    "{0},true,{0}_contig_1,true,500,TRA,TRAV29DV5,,TRAJ1,TRAC,true,true" + ",x" * 10 + f",CAF,{CAF},x,x,9,2,a,b,1\n"
)


def test_cell_ranger_5_to_9(tmp_path):
    got = read(tmp_path, TENX_5 + TENX_5_ROW.format("a-1") + TENX_5_ROW.format("b-1"), "contigs.csv")
    assert (clones(got), got.count_of) == ([("TRA", CAF, "CAF", "TRAV29/DV5", "TRAJ1", 2)], "cells")


def test_lanes_joined_under_one_set_of_barcodes_are_refused(tmp_path):
    with pytest.raises(TableError, match="1 contigs stand there twice.*suffix") as caught:
        read(tmp_path, TENX_5 + TENX_5_ROW.format("a-1") * 2, "contigs.csv")
    assert (caught.value.row, caught.value.column, caught.value.found) == (3, "contig_id", "'a-1_contig_1'")


def test_b_cells_among_t_cells_are_told(tmp_path):
    igh = TENX_5_ROW.format("b-1").replace(",TRA,TRAV29DV5,,TRAJ1,TRAC", ",IGH,IGHV3-23,,IGHJ4,IGHM")
    got = read(tmp_path, TENX_5 + TENX_5_ROW.format("a-1") + igh, "contigs.csv")
    assert got.warnings == ("receptors of T and of B cells in one file: 1 clonotypes of TR, 1 of IG",)


def contig(number, **fields):
    def feature(region, gene):
        return {"feature": {"chain": gene[:3], "gene_name": gene, "region_type": region}, "contig_match_start": 0}

    genes = fields.pop("genes", ("TRBV28", "TRBJ2-7"))
    return {
        "barcode": f"cell{number}-1",
        "contig_name": f"cell{number}-1_contig_1",
        "is_cell": True,
        "high_confidence": True,
        "productive": True,
        "cdr3": "CAF",
        "cdr3_seq": CAF,
        "read_count": 9,
        "umi_count": 2,
        "annotations": [
            feature("5'UTR", genes[0]),
            feature("L-REGION+V-REGION", genes[0]),
            feature("J-REGION", genes[1]),
            feature("C-REGION", "TRBC2"),
        ],
        **fields,
    }


CONTIGS = [
    contig(1),
    contig(2),
    contig(3, is_cell=False),
    contig(4, high_confidence=False),
    contig(5, productive=None, cdr3=None, cdr3_seq=None),
    contig(6, genes=("TRAV29DV5", "TRDJ1"), cdr3="CEF", cdr3_seq=CEF),
    contig(7, annotations=[]),
]


@pytest.mark.parametrize("packed", [False, True])
def test_tenxs_json(tmp_path, packed):
    path = tmp_path / ("all_contig_annotations.json" + ".gz" * packed)
    text = json.dumps(CONTIGS, indent=4).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    got = read_clonotypes(path)
    assert clones(got) == [
        ("TRB", CAF, "CAF", "TRBV28", "TRBJ2-7", 2),
        ("TRD", CEF, "CEF", "TRAV29/DV5", "TRDJ1", 1),
    ]
    assert (got.dialect, got.count_of, got.cells) == ("10x", "cells", {"TRB": 2, "TRD": 1})
    assert excluded(got) == {
        "barcode not called a cell": (1, 1.0),
        "contig of low confidence": (1, 1.0),
        "not productive": (1, 1.0),
        "no locus or several": (1, 1.0),
    }


@pytest.mark.parametrize(
    ("text", "kind", "word", "row"),
    [
        ("{}", ReadError, "no list of contigs", None),
        ("[", ReadError, "cut or damaged", None),
        (json.dumps(CONTIGS)[:-5], ReadError, "cut or damaged", None),
        (json.dumps(CONTIGS)[:-1] + ",]", ReadError, "cut or damaged", None),
        (json.dumps(CONTIGS) + "x", ReadError, "cut or damaged", None),
        ("[" * 100_000, ReadError, "cut or damaged", None),
        ("[1]", TableError, "no JSON object", 1),
        (json.dumps([contig(1), contig(2, barcode=None)]), TableError, "no barcode", 2),
        (json.dumps([contig(1), contig(2, barcode=" ")]), TableError, "no barcode", 2),
        (json.dumps([contig(1), contig(2, barcode="a\ud800")]), TableError, "half of a character is escaped", 2),
        (json.dumps([contig(1), contig(2, cdr3=5)]), TableError, "another type", 2),
        (json.dumps([contig(1), contig(2, is_cell="yes")]), TableError, "another type", 2),
        (json.dumps([contig(1), contig(2, annotations=[5])]), TableError, "no feature", 2),
        (json.dumps([contig(1), {"barcode": "a"}]), TableError, "is missing", 2),
        (json.dumps([contig(1), contig(1)]), TableError, "contigs stand there twice", 2),
    ],
)
def test_json_that_is_not_sound_is_refused_where_it_is_not(tmp_path, text, kind, word, row):
    with pytest.raises(kind, match=word) as caught:
        read(tmp_path, text, "contigs.json")
    assert caught.value.row == row


def test_json_is_not_read_as_another_dialect(tmp_path):
    with pytest.raises(TableError, match="JSON"):
        read(tmp_path, json.dumps(CONTIGS), "contigs.json", dialect="airr")


def test_no_dialect_lets_a_missing_count_pass(tmp_path):
    for key, spec in DIALECTS.items():
        if spec.counts:
            header = "\t".join(headers[0] for headers in spec.needed.values())
            with pytest.raises(TableError, match="is missing") as caught:
                read(tmp_path, header + "\n", dialect=key)
            assert caught.value.row == 1


def test_what_is_written_as_airr_reads_back(tmp_path):
    rows = [row.format(3, 1) for row in IMMUNOSEQ_2_ROWS]
    got = read(tmp_path, table(IMMUNOSEQ_2.format(count="templates"), *rows))
    again = read(tmp_path, airr_tsv(got), "out.tsv")
    assert again.table.equals(got.table)
