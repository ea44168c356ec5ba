import polars as pl
import pytest

from tilseq.errors import AnalysisError, TilseqError
from tilseq.io.count_matrix import read_count_matrix
from tilseq.steps import bulk_rna
from tilseq.steps.job import Job
from tilseq.study import read_study


@pytest.fixture
def run(tmp_path, sample):
    """Return a function that runs the job of one file and returns its tables."""

    def run(text, member=None, transcripts=None, sex=None):
        path = tmp_path / "rna.tsv"
        path.write_text(text)
        paths = [str(path)]
        if transcripts is not None:
            (tmp_path / "map.tsv").write_text(transcripts)
            paths.append(str(tmp_path / "map.tsv"))
        arguments = {"transcripts": len(paths) > 1, "sex": sex}
        job = Job("bulk_rna", "s1", "bulk_rna/s1", paths=tuple(paths), arguments=arguments,
                  sample=sample("s1", path="raw/rna.tsv", assay="bulk_rna", member=member))  # fmt: skip
        folder = tmp_path / "work" / job.folder
        bulk_rna.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}

    return run


def test_every_gene_of_the_file_keeps_its_count_be_it_0(run):
    tables = run("gene\tcount\nCD4\t1000000\nCD8A\t0\n")
    assert tables["gene_counts"].rows() == [("s1", "CD4", 1_000_000), ("s1", "CD8A", 0)]
    assert tables["quality"].select("check", "value", "verdict").rows() == [("counts of genes", 1e6, "pass")]


def test_a_shallow_library_is_told(run):
    assert run("gene\tcount\nCD4\t999\n")["quality"]["verdict"].to_list() == ["warn"]


def test_a_library_of_no_counts_fails(run):
    quality = run("gene\tcount\nCD4\t0\nCD8A\t0\n")["quality"]
    assert quality.select("value", "verdict", "reason").rows() == [
        (0.0, "fail", "no counts: the library holds nothing")
    ]


@pytest.mark.parametrize(
    ("genes", "warned"),
    [
        (
            ["ENSG00000010610.12", "ENSG00000153563", "CD4"],
            ["2 of 3 genes have no symbol: no gene set finds them"],
        ),
        (["ENSG00000010610.12", "CD8A"], []),
    ],
)
def test_a_file_of_mostly_ids_without_symbols_is_a_warning(run, genes, warned):
    text = "gene\tcount\n" + "".join(f"{gene}\t1000000\n" for gene in genes)
    assert run(text)["quality"].filter(verdict="warn")["reason"].to_list() == warned


def test_genes_that_bear_each_others_names_warn(run):
    genes = ["ACTB", "B2M", "EEF1A1", "GAPDH", "RPLP0", *(f"G{n}" for n in range(15))]
    counts = [*[1] * 15, *[500_000] * 5]
    for order, warned in ((1, ["genes of all tissues"]), (-1, [])):
        text = "gene\tcount\n" + "".join(f"{gene}\t{n}\n" for gene, n in zip(genes, counts[::order], strict=True))
        assert run(text)["quality"].filter(verdict="warn")["check"].to_list() == warned


def test_a_library_of_the_other_sex_than_its_subject_warns(run):
    text = "gene\tcount\nCD4\t1000000\nRPS4Y1\t0\nXIST\t99\n"
    for sex, warned in (("male", ["sex by genes"]), ("female", []), (None, [])):
        assert run(text, sex=sex)["quality"].filter(verdict="warn")["check"].to_list() == warned


def test_member_names_the_column_of_a_file_of_several(run):
    text = "gene\tA\tB\nCD4\t1\t2\nCD8A\t3\t4\n"
    assert run(text, "B")["gene_counts"]["count"].to_list() == [2, 4]
    with pytest.raises(AnalysisError, match="several samples.*A, B.*under `member`"):
        run(text)
    with pytest.raises(AnalysisError, match="no such sample"):
        run(text, "C")


SALMON = "Name\tLength\tEffectiveLength\tTPM\tNumReads\nT1.2\t9\t9\t1\t10.25\nT2\t9\t9\t1\t4.5\nT3\t9\t9\t1\t1\n"
KALLISTO = "target_id\tlength\teff_length\test_counts\ttpm\nT1\t9\t9\t10.25\t1\nT2\t9\t9\t4.5\t1\nT3\t9\t9\t1\t1\n"
MAP = "transcript\tgene\nT1\tCD8A\nT2\tCD8A\nT4\tCD4\n"


@pytest.mark.parametrize("text", [SALMON, KALLISTO])
def test_estimated_counts_of_transcripts_are_summed_by_the_studys_table(run, text):
    tables = run(text, transcripts=MAP)
    assert tables["gene_counts"].rows() == [("s1", "CD8A", 15)]  # 14.75
    told = tables["quality"].filter(check="reading of counts")
    assert told["reason"].to_list() == ["1 transcripts, 6.3% of the counts, have no gene and are left out"]
    with pytest.raises(AnalysisError, match="whose genes are not known.*analysis.expression.transcripts"):
        run(text)


def test_a_table_of_genes_is_read_as_such_beside_a_table_of_transcripts(run):
    assert run("gene\tcount\nCD4\t7\n", transcripts=MAP)["gene_counts"].rows() == [("s1", "CD4", 7)]


def test_a_study_names_its_table_of_transcripts_once(tmp_path):
    root = tmp_path / "study"
    (root / "raw").mkdir(parents=True)
    (root / "raw" / "s1.sf").write_text(SALMON)
    (root / "raw" / "s2.csv").write_text("gene,count\nCD4,7\n")
    (root / "map.tsv").write_text(MAP)
    (root / "study.yaml").write_text(
        "study: demo\nvisits: {D7: {day: 7}}\nanalysis: {expression: {transcripts: map.tsv}}\n"
    )
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\n")
    (root / "samples.csv").write_text(
        "sample,subject,visit,specimen,assay,path\n"
        "s1,S1,D7,tumor,bulk_rna,raw/s1.sf\ns2,S1,D7,blood,bulk_rna,raw/s2.csv\n"
    )
    jobs = bulk_rna.plan(read_study(root))
    assert [job.paths for job in jobs] == [
        (f"{root}/raw/s1.sf", f"{root}/map.tsv"), (f"{root}/raw/s2.csv", f"{root}/map.tsv"),
    ]  # fmt: skip
    counts = []
    for job in jobs:
        bulk_rna.run(job, tmp_path / job.unit)
        counts += pl.read_parquet(tmp_path / job.unit / "gene_counts.parquet").rows()
    assert counts == [("s1", "CD8A", 15), ("s2", "CD4", 7)]


def test_logged_values_are_refused(run):
    with pytest.raises(TilseqError, match="not raw counts"):
        run("gene\tcount\nCD4\t1.58\n")


def test_counts_of_one_sample_need_no_name(tmp_path, sample):
    path = tmp_path / "one.tsv"
    path.write_text("gene\tanything\nCD4\t7\n")
    row = sample("s1", path="raw/one.tsv", assay="bulk_rna", member=None)
    assert bulk_rna.sample_counts(read_count_matrix(path), row).rows() == [("s1", "CD4", 7)]


def test_rows_of_no_gene_are_counted_among_the_exclusions(run):
    tables = run("gene\tcount\nCD4\t1000000\nTotal\t1000009\n__no_feature\t9\n")
    assert tables["gene_counts"].rows() == [("s1", "CD4", 1_000_000)]
    rows = tables["exclusions"].select("sample", "file", "rule", "rows").rows()
    assert rows == [("s1", "raw/rna.tsv", "row of no gene", 2)]


def test_a_sample_counted_on_the_wrong_strand_warns(run):
    tables = run("gene\tcount\nCD4\t1000000\n__no_feature\t3000001\n")
    assert tables["quality"].filter(check="reads of genes").select("verdict", "reason").rows() == [
        ("warn", "3,000,001 reads of no feature and 1,000,000 of genes: was another strand counted than sequenced?")
    ]
    assert tables["quality"].filter(check="reading of counts")["verdict"].to_list() == ["pass"]
