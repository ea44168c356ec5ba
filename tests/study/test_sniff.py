import gzip

import pytest

from tilseq.study.sniff import assay_of, day_of_visit, meant, product_lot, stem

AIRR = "v_call\tj_call\tjunction\tjunction_aa\tduplicate_count\n"


@pytest.mark.parametrize(
    ("visit", "day"),
    [
        ("D7", 7),
        ("d07", 7),
        ("day14", 14),
        ("Day_28", 28),
        ("D-7", -7),
        ("D+7", 7),
        ("W4", 28),
        ("week 12", 84),
        ("wk2", 14),
        ("M3", 91),
        ("month6", 183),
        ("baseline", -7),
        ("Pre-LD", -7),
        ("product", 0),
        ("Infusion", 0),
        ("TIL", 0),
        ("productA", 0),
        ("product_2", 0),
        ("C1D8", None),
        ("tumor", None),
        ("followup", None),
        ("7", None),
    ],
)
def test_days(visit, day):
    assert day_of_visit(visit) == day


@pytest.mark.parametrize(
    ("field", "word", "expected"),
    [
        ("assay", "FACS", "flow"),
        ("assay", "TCRb", "tcr"),
        ("assay", "scRNA-seq", "scrna"),
        ("assay", "sc", "scrna"),
        ("assay", "RNA", None),
        ("specimen", "PBMC", "blood"),
        ("specimen", "Tumour", "tumor"),
        ("specimen", "infusion_product", "infusion_product"),
        ("specimen", "x", None),
        ("timing", "PRE", "pre"),
        ("locus", "trb", "TRB"),
    ],
)
def test_words(field, word, expected):
    assert meant(field, word) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S01_D7_flow.fcs", "S01_D7_flow"),
        ("S01.tsv.gz", "S01"),
        ("a.TRB.txt", "a.TRB"),
        ("a.b.weird", "a.b"),
        ("a", "a"),
        ("a.FCS", "a"),
    ],
)
def test_stem(name, expected):
    assert stem(name) == expected


@pytest.mark.parametrize(
    ("content", "assay"),
    [
        (b"FCS3.1    ", "flow"),
        (b"\x89HDF\r\n\x1a\n", "scrna"),
        (AIRR.encode() + b"TRBV6-1*01\tTRBJ1-1\tTGT\tCASSF\t3\n", "tcr"),
        (gzip.compress(AIRR.encode() + b"TRBV6-1*01\tTRBJ1-1\tTGT\tCASSF\t3\n", mtime=0), "tcr"),
        (AIRR.encode() + b"IGHV1\tIGHJ1\tTGT\tCARW\t3\nTRBV1\t\t\t\t1\nIGHV2\t\t\t\t1\nIGHV2\t\t\t\t1\n", "bcr"),
        (AIRR.encode(), None),
        (b'[{"contig_name": "a", "annotations": [{"feature": {"gene_name": "TRBV9"}}]}]', "tcr"),
        (b'[{"contig_name": "a", "annotations": [{"feature": {"gene_name": "IGHV1-2"}}]}]', "bcr"),
        (b'[{"travel": "TRBV9"}]', None),
        (b"count,freq,cdr3nt,cdr3aa,v,d,j\n1,1,TGT,CF,TRAV1,,TRAJ1\n", "tcr"),
        (b"subject,day\nTRBV1,1\n", None),
        (b"", None),
        (b"\x1f\x8bbroken", None),
        (gzip.compress(b"\0" * 50_000_000, mtime=0), None),
    ],
)
def test_what_a_file_holds(tmp_path, content, assay):
    (tmp_path / "x").write_bytes(content)
    assert assay_of(tmp_path / "x") == assay


def test_a_file_that_cannot_be_opened(tmp_path):
    assert assay_of(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("name", "assay"),
    [
        ("flow/itn/itn_01.fcs", "flow"),
        ("flow/odd/coulter.lmd", "flow"),
        ("sc/wu2020_til_200cells.h5ad", "scrna"),
        ("tcr/airr_standards/good_rearrangement.tsv.gz", "bcr"),
        ("tcr/immunoseq_example_999rows.tsv", "tcr"),
        ("tcr/immunarch_io/Sample1.tsv.gz", "tcr"),
        ("clinical/tu_onco_recist.csv", None),
        ("genesets/h.all.v2025.1.Hs.symbols.gmt", None),
    ],
)
def test_real_files(shared_data, name, assay):
    assert assay_of(shared_data / name) == assay


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("product", (True, None)), ("TILs", (True, None)), ("productA", (True, "A")), ("productB", (True, "B")),
        ("Product-2", (True, "2")), ("product_b", (True, "b")), ("TIL_lot_A", (True, "A")), ("infusion 1", (True, "1")),
        ("IP2", (True, "2")), ("D7", (False, None)), ("bloodA", (False, None)), ("until", (False, None)),
        ("tile", (False, None)), ("A", (False, None)),
    ],
)  # fmt: skip
def test_products_and_their_lots(word, expected):
    assert product_lot(word) == expected
