"""Tables of counts: the forms that are read, and what is refused."""

import gzip

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tilseq.errors import ReadError
from tilseq.io import read_count_matrix

COUNTS = "gene,s1,s2\nA,1,0\nB,20,3.0\n"
FEATURE_COUNTS = """# Program:featureCounts v2.0.3; Command:"featureCounts" "-a" "genes.gtf"
Geneid\tChr\tStart\tEnd\tStrand\tLength\tgene_name\t/data/bam/s1.bam\ts2.sorted.bam
ENSG00000153563.15\t2;2\t1;5\t2;6\t-;-\t4\tCD8A\t7\t0
ENSG00000010610.10\t12\t1\t9\t+\t9\tCD4\t2\t5
"""


@pytest.fixture
def write(tmp_path):
    def written(text, name="counts.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return written


def refused(path, **options):
    with pytest.raises(ReadError) as caught:
        read_count_matrix(path, **options)
    assert caught.value.file == str(path)
    return str(caught.value).partition(": ")[2] if caught.value.row is None else str(caught.value).partition(", ")[2]


@pytest.mark.parametrize(
    ("name", "separator"), [("c.csv", ","), ("c.tsv", "\t"), ("c.csv.gz", ","), ("c.txt", ";"), ("c.csv", "\t")]
)
def test_genes_by_samples_are_read_as_samples_by_genes(write, name, separator):
    found = read_count_matrix(write(COUNTS.replace(",", separator), name))
    assert found.counts.tolist() == [[1, 20], [0, 3]]
    assert found.counts.dtype == np.int64
    assert (found.genes, found.samples, found.told) == (("A", "B"), ("s1", "s2"), ())


def test_featurecounts_names_samples_by_files_and_genes_by_its_own_column(write):
    found = read_count_matrix(write(FEATURE_COUNTS, "counts.txt"))
    assert (found.genes, found.samples) == (("CD8A", "CD4"), ("s1", "s2.sorted"))
    assert found.counts.tolist() == [[7, 2], [0, 5]]
    assert found.told == ("columns that are of no sample: Chr, Start, End, Strand, Length, gene_name",)


def test_retired_symbols_are_brought_up_to_date_and_rows_of_a_gene_summed(write):
    found = read_count_matrix(write("gene,s1\nKIAA0101,3\nB,1\nPCLAF,4\n__no_feature,99\n"))
    assert (found.genes, found.counts.tolist()) == (("PCLAF", "B"), [[7, 1]])
    assert found.told == (
        "left out, of no gene: __no_feature",
        "1 retired symbols are read as the present ones: KIAA0101 → PCLAF",
        "1 gene stands in several rows, which are summed: PCLAF",
    )


def test_samples_counted_on_the_wrong_strand_are_told(write):
    text = "gene,a,b,c,d\nCD4,9000,2000,9001,3\nCD8A,1000,1333,1000,0\n{},30001,10000,30003,9999\n{},0,0,0,0\n"
    for rows in (("__no_feature", "__ambiguous"), ("N_noFeature", "N_unmapped"), ("no_feature", "ambiguous")):
        found = read_count_matrix(write(text.format(*rows)))
        assert found.told == (f"left out, of no gene: {', '.join(rows)}",)
        assert found.doubts == {
            "a": "30,001 reads of no feature and 10,000 of genes: was another strand counted than sequenced?",
            "b": "10,000 reads of no feature and 3,333 of genes: was another strand counted than sequenced?",
        }
    assert read_count_matrix(write(text.format("N_unmapped", "__ambiguous"))).doubts == {}


NO_GENES = ["Total", "TOTALS", "total counts", "__no_feature", "no_feature", "N_unmapped", "__alignment_not_unique"]


@pytest.mark.parametrize("name", NO_GENES)
def test_a_row_of_no_gene_is_left_out_and_named(write, name):
    found = read_count_matrix(write(f"gene,s1\nA,1\n{name},99\nTOTAL1,2\n"))
    assert (found.genes, found.counts.tolist()) == (("A", "TOTAL1"), [[1, 2]])
    assert (found.no_genes, found.told) == ((name,), (f"left out, of no gene: {name}",))


def test_a_column_of_no_gene_of_an_h5ad_is_left_out_too(tmp_path):
    data = anndata.AnnData(np.array([[1, 3, 2]], np.float32), var=pd.DataFrame(index=["A", "Total", "B"]))
    data.obs_names = ["s1"]
    data.write_h5ad(tmp_path / "c.h5ad")
    found = read_count_matrix(tmp_path / "c.h5ad")
    assert (found.genes, found.counts.tolist(), found.no_genes) == (("A", "B"), [[1, 2]], ("Total",))


def test_ensembl_ids_without_a_symbol_stay_and_are_told(write):
    found = read_count_matrix(write("gene,s1\nENSG00000153563.15,3\nCD4,1\n"))
    assert found.genes == ("ENSG00000153563", "CD4")
    assert found.told == ("1 of 2 genes are Ensembl ids without a symbol, which no gene set finds",)


def test_names_in_quotes_as_r_writes_them_are_read_without(write):
    text = '""\t"gene_name"\t"S1"\t"S2"\n"1"\t"CD4"\t1\t2\n"2"\t"TRBV9"\t3\t4\n'
    found = read_count_matrix(write(text, "c.tsv"))
    assert (found.genes, found.samples, found.counts.tolist()) == (("CD4", "TRBV9"), ("S1", "S2"), [[1, 3], [2, 4]])


@pytest.mark.parametrize(
    ("text", "genes", "counts", "told"),
    [
        # R's write.csv numbers the rows; the symbols stand beside.
        (",gene_name,s1\n1,CD4,3\n2,CD8A,4\n", ("CD4", "CD8A"), [3, 4], ["columns that are of no sample: gene_name"]),
        ("entrez,s1\n920,3\nCD8A,4\n", ("920", "CD8A"), [3, 4],
         ["1 of 2 genes have a number for a name, which no gene set finds"]),
        ("gene,s1\n1-Mar,3\n2-Sep,4\nMARCO,5\n", ("1-Mar", "2-Sep", "MARCO"), [3, 4, 5],
         ["2 of 3 genes are dates, of a spreadsheet, which no gene set finds: 1-Mar, 2-Sep"]),
        ("gene,s1\nCD4,3\n CD4 ,4\n", ("CD4",), [7], ["1 gene stands in several rows, which are summed: CD4"]),
    ],
)  # fmt: skip
def test_names_that_are_no_symbols_are_named_or_told_and_blanks_do_not_count(write, text, genes, counts, told):
    found = read_count_matrix(write(text))
    assert (found.genes, found.counts.tolist(), list(found.told)) == (genes, [counts], told)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gene,s1,s2\nA,1,2\nB,1,0.5\n", "row 3, column s2: these are not raw counts; found '0.5'; expected whole"),
        ("gene,s1\nA,-1\n", "row 2, column s1: a count is negative; found '-1'"),
        ("gene,s1\nA,1\nB,NaN\n", "row 3, column s1: a count is missing or no number; found 'NaN'"),
        ("gene,s1\nA,1\nB,\n", "row 3, column s1: a count is missing or no number; found 'an empty cell'"),
        ("gene,s1\nA,many\n", "row 2, column s1: a count is missing or no number; found 'many'"),
        ("gene,s1\nA,inf\n", "row 2, column s1: a count is too large; found 'inf'"),
        ("gene,s1\nA,1e17\n", "row 2, column s1: a count is too large; found '1e17'"),
        ("gene,s1,s1\nA,1,1\n", "row 1, column s1: this column stands twice in the header"),
        ("gene,x/s1.bam,y/s1.bam\nA,1,1\n", "a sample stands twice; found 's1'"),
        ("gene,\nA,1\n", "a sample has no name; found 'column 2 of the header'"),
        ("gene,s1\n,1\n", "row 2, column gene: a gene has no name"),
        ("gene,s1\n ,1\n", "row 2, column gene: a gene has no name"),
        ("gene\nA\n", "the file has no column of a sample; found 'gene'; is the separator right?"),
        ("gene,s1\n__no_feature,1\n", "the file has no row of a gene"),
        ("gene,s1\nA,1,2\n", "row 2: this row has more cells than the header"),
    ],
)
def test_what_is_no_table_of_counts_is_refused_with_its_place(write, text, words):
    assert words in refused(write(text))


@pytest.mark.parametrize(
    "text",
    [
        "ENSG00000000003.15\t679\nENSG00000000005.6\t3\n",  # HTSeq
        "A1BG\t679\nA2M\t3\n",
        "N_unmapped\t10\t20\t30\nENSG00000000003\t679\t1\t678\n",  # STAR
    ],
)
def test_a_file_without_a_header_would_lose_its_first_gene(write, text):
    first = text.partition("\n")[0]
    assert refused(write(text, "c.txt")) == (
        f"row 1: the file has no header; found {first!r}; expected gene and the names of samples; put a row above that "
        "names the columns; if this one does, call the first gene"
    )


@pytest.mark.parametrize(
    ("header", "cells", "about"),
    [
        ("Gene ID,Gene Name,s1", "ENSG00000010610,CD4,7", "Gene Name"),  # Expression Atlas
        ("gene_id,gene_name,entrezgene,s1", "ENSG00000010610,CD4,920,7", "gene_name, entrezgene"),
        ("symbol,chromosome,start,end,strand,s1", "CD4,12,100,200,1,7", "chromosome, start, end, strand"),
        ("symbol,GC_content,s1", "CD4,41,7", "GC_content"),
    ],
)
def test_columns_about_genes_are_no_samples(write, header, cells, about):
    found = read_count_matrix(write(f"{header}\n{cells}\n"))
    assert (found.genes, found.samples, found.counts.tolist()) == (("CD4",), ("s1",), [[7]])
    assert found.told == (f"columns that are of no sample: {about}",)


def test_a_visit_may_be_called_start_or_end(write):
    assert read_count_matrix(write("gene,start,end\nCD4,3,4\n")).samples == ("start", "end")


def test_measures_of_one_sample_are_refused(write):
    text = (
        "gene_id,transcript_id(s),length,effective_length,expected_count,TPM,FPKM\nENSG00000010610_CD4,E,3,2,12,4,3\n"
    )
    assert refused(write(text)) == (
        "a table of one sample's measures; expected whole numbers, 0 or more; join the counts of all samples, one "
        "column each, named as the sample; estimated ones rounded"
    )


@pytest.mark.parametrize("header", ["gene,7", "X,7", ",7", "ensembl_gene_id,7", "Geneid,7", "Symbol,7"])
def test_samples_may_have_numbers_for_names(write, header):
    found = read_count_matrix(write(f"{header}\nCD4,3\n"))
    assert (found.samples, found.counts.tolist()) == (("7",), [[3]])


def test_names_of_an_id_and_a_symbol_and_rows_of_transcripts(write):
    found = read_count_matrix(write("gene_id,s1,s2\nENSG00000010610_CD4,7,0\nENSG00000153563.15_CD8A,2,5\n"))
    assert (found.genes, found.counts.tolist()) == (("CD4", "CD8A"), [[7, 2], [0, 5]])
    assert found.told == (
        "2 names with an id or genome beside the symbol are read as the symbol: ENSG00000010610_CD4 → CD4, "
        "ENSG00000153563.15_CD8A → CD8A",
    )
    assert refused(write("id,s1\nENST00000011653.9,7\nENST00000437654.1,1\nERCC-00002,3\n")) == (
        "these are counts of transcripts; found 'ENST00000011653.9'; expected of genes; sum them by gene; Salmon's and "
        "kallisto's own files are summed by a table of transcript and gene"
    )


def test_counts_that_were_normalised_and_rounded_are_refused(write):
    # Libraries of 1,000,001, 999,998, 1,000,000 and 1,000,002.
    per_million = "gene,s1,s2,s3,s4\nA,400001,399998,10,2\nB,600000,600000,999990,1000000\n"
    words = "these are no raw counts, but values that were normalised and rounded; "
    mend = "; give the counts before normalisation; of counts subsampled to one depth, those of all genes"
    assert refused(write(per_million)) == f"{words}found 'library sizes that differ by rounding alone'{mend}"
    # 60 genes each of counts 1 to 12, times 1.3.
    scaled = "".join(f"G{i},{round(1.3 * (i // 60 + 1))},{i // 60 + 1}\n" for i in range(720))
    gap = "found 'no gene with a count of 2 in sample s1, though many have one near it'"
    assert refused(write(f"gene,s1,s2\n{scaled}")) == words + gap + mend


def samples(values, **parts):
    obs, var = pd.DataFrame(index=["s1", "s2"]), pd.DataFrame(index=["ENSG00000153563", "B"])
    var["gene_symbols"] = ["CD8A", "B"]
    return anndata.AnnData(values, obs=obs, var=var, **parts)


@pytest.mark.parametrize("form", [np.array, csr_matrix])
def test_row_39_an_h5ad_of_samples_by_genes_holds_raw_counts_or_is_refused(tmp_path, form):
    counts = np.array([[1, 0], [2, 3]], np.float32)
    samples(form(counts * 0.5), layers={"counts": form(counts)}).write_h5ad(tmp_path / "c.h5ad")
    found = read_count_matrix(tmp_path / "c.h5ad", layer="counts")
    matrix = found.counts.toarray() if hasattr(found.counts, "toarray") else found.counts
    assert (matrix.tolist(), matrix.dtype) == ([[1, 0], [2, 3]], np.int64)
    assert (found.genes, found.samples) == (("CD8A", "B"), ("s1", "s2"))
    told = refused(tmp_path / "c.h5ad")
    assert told.startswith("these are not raw counts; found '0.5'")
    assert read_place(tmp_path / "c.h5ad") == "gene ENSG00000153563, sample 1"
    assert "no such layer; found 'count'; did you mean 'counts'?" in refused(tmp_path / "c.h5ad", layer="count")


def read_place(path):
    with pytest.raises(ReadError) as caught:
        read_count_matrix(path)
    return caught.value.column


def test_a_text_has_no_layers(write):
    assert "a text file has no layers" in refused(write(COUNTS), layer="counts")
