import numpy as np
import polars as pl
import pytest

from tilseq.steps import diversity, repertoire
from tilseq.steps.job import Job

HEADER = "sequence_id\tv_call\tj_call\tc_call\tjunction\tproductive\tumi_count\tsequence_alignment\tgermline_alignment"
GERMLINE = "ATGAAACCC"


@pytest.fixture
def run(tmp_path, sample, monkeypatch):
    """Return a function that runs a sample of rows: V gene, constant gene, junction, count, aligned sequence.

    The job of its subject follows, with endpoints beside its own.
    """
    monkeypatch.setattr(diversity, "draw_diversity", lambda *parts: None)

    def run(*rows, threshold=0.1, header=HEADER, germline=GERMLINE, **cells):
        path = tmp_path / "b.tsv"
        lines = [
            f"s{i}\t{v}\t{v[:3] or 'IGH'}J4*02\t{c}\t{junction}\tT\t{n}\t{seen}\t{germline}"
            for i, (v, c, junction, n, seen) in enumerate(rows)
        ]
        path.write_text("\n".join([header, *lines]) + "\n")
        arguments = {"dialect": None, "locus": None, "least_yield": 0.05, "family_threshold": threshold}
        folder = tmp_path / "work" / "repertoire" / "b"
        row = sample("b", path="raw/b.tsv", assay="bcr", **cells)
        job = Job("repertoire", "b", "repertoire/b", paths=(str(path),), arguments=arguments, sample=row)
        repertoire.run(job, folder)
        tables = {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}
        whole = tmp_path / "work" / "diversity" / "S1"
        needs = {job.folder: row}
        diversity.run(Job("diversity", "S1", "diversity/S1", needs=tuple(needs), arguments={"samples": needs}), whole)
        tables["isotypes"] = pl.read_parquet(whole / "isotypes.parquet")
        tables["endpoints"] = pl.concat([tables["endpoints"], pl.read_parquet(whole / "endpoints.parquet")])
        return tables, sorted(path.name for path in folder.glob("figures/*.svg"))

    return run


ROWS = [
    ("IGHV1-2*01", "IGHM", "TGTGCGAAATGG", 4, GERMLINE),
    ("IGHV1-2*02", "IGHG1", "TGTGCGAACTGG", 3, "ATGAGACCC"),
    ("IGHV1-2*01", "IGHM", "TGTCCCCCCTGG", 3, GERMLINE),
    ("IGKV1-5*01", "IGKC", "TGTCAACAATTT", 9, "ATGAGACCC"),
]


def test_tables_of_a_sample(run):
    tables, figures = run(*ROWS)
    families = tables["families"].select("family_id", "sequences", "duplicate_count", "isotypes", "threshold_source")
    assert families.rows() == [
        ("IGHV1-2.IGHJ4.12.1", 1, 3, "IGHM 1", "set"),
        ("IGHV1-2.IGHJ4.12.2", 2, 7, "IGHM 1; IGHG 1", "set"),
    ]
    assert dict(tables["mutation"].select("sequence_id", "mutations").rows()) == {"s0": 0, "s1": 1, "s2": 0, "s3": 1}
    loads = tables["mutation_load"].select("locus", "isotype", "sequences", "mean_frequency").rows()
    assert ("IGH", "all", 3, pytest.approx(1 / 36)) in loads  # families of 0 and of (0 + 1/9) / 2
    assert ("IGK", "all", 1, pytest.approx(1 / 9)) in loads
    assert figures == ["distances.svg", "isotypes.svg", "mutations.svg"]
    check = tables["quality"].filter(check="families").select("value", "verdict", "reason").rows()
    assert check == [(0.1, "pass", "the threshold is set")]


def test_endpoints_name_families_isotypes_and_mutations(run):
    tables, _ = run(*ROWS)
    endpoints = tables["endpoints"]
    families = endpoints.filter(parameter="simpson_inverse", qualifier="locus=IGH families").row(0, named=True)
    assert families["value"] == pytest.approx(1 / (0.3**2 + 0.7**2))
    assert families["method"] == "families: threshold 0.1 (set); counts: umis"
    shares = endpoints.filter(parameter="isotype_share").select("qualifier", "value", "n").rows()
    # Of as many IGHM as IGHG the family began with IGHM; it is the one of two sequences, and it is mixed.
    assert shares == [("isotype=IGHM", 1, 2), ("isotype=mixed", 1, 1), ("isotype=switched", 0, 2)]
    load = endpoints.filter(parameter="mutation_frequency_mean", qualifier="isotype=all;locus=IGH")
    assert load.select("value", "n").rows() == [(pytest.approx(1 / 36), 2)]


def test_cells_that_are_told_are_the_depth_of_families(run):
    tables, _ = run(*ROWS, cells=10)
    rare = pl.col("parameter") == "chao1_bias_corrected", pl.col("qualifier") == "locus=IGH families"
    assert tables["endpoints"].filter(rare)["value"].to_list() == [None]  # UMIs show no family of one cell
    assert run(*ROWS)[0]["endpoints"].filter(rare)["value"].to_list() == [None]  # nor do those of unknown cells
    switched = tables["isotypes"].filter(unit="counts", level="switched").select("number", "total", "lower", "upper")
    # R: qbeta(0.025, x, n - x + 1), qbeta(0.975, x + 1, n - x), x = 0.3 n, n = 1 / (1.7 / 10 + 1 / 10)
    assert switched.row(0) == (3, 10, pytest.approx(0.0105169666317), pytest.approx(0.8517915006662))


def test_how_templates_are_counted_the_libraries_of_a_subject_tell_together(tmp_path, sample, monkeypatch):
    # 1,800 cells, most of a family of their own: of each 20 templates 3 are missed and 3 counted twice
    monkeypatch.setattr(diversity, "draw_diversity", lambda *parts: None)
    rng = np.random.default_rng(9)
    cells = np.concatenate([np.ones(1_500, int), np.full(30, 10)])
    junctions = ["TGT" + "".join("ACG"[int(d)] for d in np.base_repr(i, 3).zfill(9)) + "TGG" for i in range(1_530)]
    needs = {}
    for day, name in enumerate("abcdef"):
        missed = rng.binomial(cells, 0.15)
        counts = rng.permutation(cells - missed + rng.binomial(cells - missed, 0.15 / 0.85))
        rows = zip(junctions, counts, strict=True)
        lines = [f"{j}\tIGHV1-2*01\tIGHJ4*02\tIGHG1\t{j}\tT\t{n}" for j, n in rows if n]
        header = "sequence_id\tv_call\tj_call\tc_call\tjunction\tproductive\tduplicate_count"
        (tmp_path / f"{name}.tsv").write_text("\n".join([header, *lines]) + "\n")
        arguments = {"dialect": None, "locus": None, "least_yield": 0.05, "family_threshold": 0.0}
        row = sample(name, path=f"raw/{name}.tsv", assay="bcr", day=day, count_of="templates")
        job = Job("repertoire", name, f"repertoire/{name}", paths=(str(tmp_path / f"{name}.tsv"),), sample=row,
                  arguments=arguments)  # fmt: skip
        repertoire.run(job, tmp_path / "work" / job.folder)
        needs[job.folder] = row
    folder = tmp_path / "work" / "diversity" / "S1"
    diversity.run(Job("diversity", "S1", "diversity/S1", needs=tuple(needs), arguments={"samples": needs}), folder)
    depth = pl.read_parquet(folder / "depth.parquet")
    assert depth["counting"].to_list() == ["twice"] * 6
    families = pl.read_parquet(folder / "endpoints.parquet").filter(qualifier="locus=IGH families")
    assert families.filter(parameter="coverage")["value"].null_count() == 0
    assert families["scope"].unique().to_list() == ["cohort"]  # it changes with the other libraries
    # R's binom.test has the same limits: of all counts, worth n_effective cells, each is an IGHG
    isotypes = pl.read_parquet(folder / "isotypes.parquet").filter(unit="counts", level="switched")
    assert isotypes["lower"].to_list() == pytest.approx((0.025 ** (1 / depth["n_effective"])).to_list())


def test_a_threshold_that_the_data_do_not_tell_is_a_warning(run):
    tables, _ = run(*ROWS, threshold=None)
    check = tables["quality"].filter(check="families").row(0, named=True)
    assert (check["value"], check["verdict"]) == (0.15, "warn")
    assert tables["families"]["threshold_source"].unique().to_list() == ["usual"]


def test_heavy_chains_without_a_gene_are_told(run):
    tables, _ = run(*ROWS, ("", "IGHM", "TGTGCGAAATGG", 1, GERMLINE))
    check = tables["quality"].filter(check="families")["reason"].to_list()
    assert check == ["the threshold is set; 1 heavy chains without V or J gene are of no family"]


def test_sequences_too_far_from_their_germline_are_told(run):
    tables, _ = run(*ROWS, ("IGHV1-2*01", "IGHM", "TGTGCGAAATGG", 1, "ATGACCAAA"))  # four bases of nine are alike
    check = tables["quality"].filter(check="mutations").row(0, named=True)
    assert check["verdict"] == "warn"
    assert check["reason"].startswith(f"1 of {len(ROWS) + 1} sequences have less than half of V's bases")


def test_light_chains_alone_have_no_families(run):
    tables, figures = run(*(("IGKV1-5*01", "IGKC", "TGTCAACAATTT", 9, GERMLINE) for _ in range(2)))
    assert tables["families"].height == tables["isotypes"].height == 0
    assert tables["mutation_load"].select("locus", "isotype").rows() == [("IGK", "all")]
    assert tables["quality"].filter(check="families").height == 0
    assert figures == []


def test_without_isotypes_and_alignments_there_are_families(run):
    bare = HEADER.replace("c_call", "x").replace("sequence_alignment", "y").replace("germline_alignment", "z")
    tables, figures = run(*ROWS, header=bare)
    assert tables["families"].select("isotypes", "mutation_frequency").unique().rows() == [(None, None)]
    assert tables["mutation_load"].height == 0
    assert tables["endpoints"].filter(parameter="isotype_share").height == 0
    assert figures == ["distances.svg"]


def test_receptors_of_t_cells_are_excluded_and_identities_in_percent_told_once(run):
    percent = HEADER.replace("germline_alignment", "v_identity").replace("sequence_alignment", "y")
    rows = [(*ROWS[0][:4], ""), ("TRBV6-1*01", "TRBC1", "TGTGCCTTT", 5, "")]
    tables, _ = run(*rows, header=percent, germline="97.5")
    excluded = tables["exclusions"].select("sample", "file", "rule", "rows", "counts").rows()
    assert excluded == [("b", "raw/b.tsv", "no immunoglobulin", 1, 5)]
    checks = tables["quality"].filter(pl.col("reason").str.contains("percent")).select("check", "verdict").rows()
    assert checks == [("reading of B cells 1", "pass")]
    assert tables["mutation"]["v_identity"].to_list() == [0.975]
