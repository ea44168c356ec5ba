"""Estimated counts of transcripts summed by gene."""

import gzip

import pytest

from tilseq.errors import ReadError
from tilseq.io import read_quantifications

SALMON = "Name\tLength\tEffectiveLength\tTPM\tNumReads\n"
ROWS = (("ENST01.2|ENSG1|x|", 10.25), ("ENST02.1", 4.25), ("ENST03.7", 2.5), ("ENST04", 1.0))
MAP = """transcript_id	gene_id	gene_name
ENST01.2	ENSG00000153563.15	CD8A
ENST02	ENSG00000153563	CD8A
ENST03.1	ENSG00000166803	KIAA0101
"""


@pytest.fixture
def files(tmp_path):
    salmon = SALMON + "".join(f"{name}\t9\t9\t1.5\t{count}\n" for name, count in ROWS)
    kallisto = "target_id\tlength\teff_length\test_counts\ttpm\n"
    kallisto += "".join(f"{name}\t9\t9\t{2 * count}\t1\n" for name, count in ROWS)
    (tmp_path / "quant.sf").write_text(salmon)
    (tmp_path / "abundance.tsv.gz").write_bytes(gzip.compress(kallisto.encode()))
    (tmp_path / "map.tsv").write_text(MAP)
    return tmp_path


def test_counts_are_summed_by_gene_and_then_rounded_halves_to_even(files):
    found = read_quantifications({"s1": files / "quant.sf", "s2": files / "abundance.tsv.gz"}, files / "map.tsv")
    assert (found.genes, found.samples) == (("CD8A", "PCLAF"), ("s1", "s2"))
    # s1: 10.25 + 4.25 = 14.5 → 14, 2.5 → 2; s2: 29 and 5. R: round(c(14.5, 2.5)) is 14 2.
    assert found.counts.tolist() == [[14, 2], [29, 5]]
    assert found.told == (
        "1 transcripts, 5.6% of the counts, have no gene and are left out",
        "1 retired symbols are read as the present ones: KIAA0101 → PCLAF",
    )


def test_a_map_without_header_of_two_columns_parted_by_commas(files):
    (files / "map.csv").write_text('"ENST01",CD8A\n"ENST02",CD4\nENST03,CD3E\nENST04,CD8A\n')
    found = read_quantifications({"s1": files / "quant.sf"}, files / "map.csv")
    assert (found.genes, found.counts.tolist(), found.told) == (("CD8A", "CD4", "CD3E"), [[11, 4, 2]], ())


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("quant.sf", "gene\ts1\nA\t1\n", "neither Salmon's nor kallisto's; found 'gene, s1'"),
        ("quant.sf", SALMON + "ENST01\t9\t9\t1\t-1\n", "row 2, column NumReads: no estimated count; found '-1'"),
        ("quant.sf", SALMON + "ENST01\t9\t9\t1\tNA\n", "row 2, column NumReads: no estimated count; found 'NA'"),
        ("map.tsv", "ENST01\n", "row 1: this row maps no transcript"),
        ("map.tsv", "other\tCD8A\n", "100% of the counts are of transcripts without a gene; found 'ENST01.2'"),
    ],
)
def test_what_does_not_fit_is_refused(files, name, text, words):
    (files / name).write_text(text)
    with pytest.raises(ReadError) as caught:
        read_quantifications({"s1": files / "quant.sf"}, files / "map.tsv")
    assert words in str(caught.value)


def test_samples_of_other_transcripts_are_refused(files):
    (files / "other.sf").write_text(SALMON + "ENST01.2\t9\t9\t1\t1\n")
    with pytest.raises(ReadError, match="not those of the other samples; found 's2'; quantify all samples"):
        read_quantifications({"s1": files / "quant.sf", "s2": files / "other.sf"}, files / "map.tsv")
