"""The expression step: what its jobs hold and what they write; and the scoring of one file."""

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.steps import cell_expression
from tilseq.steps.expression import plan, run, score_file
from tilseq.steps.job import Job
from tilseq.study import read_study
from tilseq.tables.single_cells import CELL_EXPRESSION
from tilseq.workflow.plan import make_plan

GMT = "found\tx\tA\tB\nlost\tx\tA\tY\tZ\n"
SAMPLE = {"sample": "s2", "subject": "S1", "visit": "D7", "day": 7, "specimen": "blood", "assay": "scrna"}


@pytest.fixture
def h5ad(tmp_path):
    """Three cells of two samples, the last without a count; logged in X, raw in a layer."""
    counts = np.array([[1, 9], [5, 5], [0, 0]], np.float32)
    obs = pd.DataFrame({"sample": ["s1", "s2", "s2"], "lane": [1, 2, 2]}, index=["c1", "c2", "c3"])
    data = anndata.AnnData(np.log1p(counts), obs=obs, var=pd.DataFrame(index=["A", "B"]), layers={"counts": counts})
    data.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text(GMT)
    return tmp_path / "cells.h5ad"


def job(h5ad, member="sample=s2", layer="counts", more=()):
    paths = (str(h5ad), *more, str(h5ad.parent / "s.gmt"))
    sample = SAMPLE | {"path": "raw/cells.h5ad", "member": member}
    arguments = {"gene_sets": True, "layer": layer, "method": "mean", "controls": 0}
    needs = ("cell_expression/s2",)
    return Job("expression", "s2", "expression/s2", paths=paths, needs=needs, arguments=arguments, sample=sample)


def tables(job, work, kept=("c2", "c3"), left=()):
    """Run a job after what the step `cell_expression` would have written of its cells."""
    cells = [{"sample": job.unit, "cell_id": cell, "kept": cell in kept} for cell in (*kept, *left)]
    (work / "cell_expression" / job.unit).mkdir(parents=True)
    CELL_EXPRESSION.frame(cells).write_parquet(work / job.needs[0] / "cell_expression.parquet")
    folder = work / job.folder
    folder.mkdir(parents=True)
    run(job, folder)
    return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


def test_a_sample_of_a_shared_file(h5ad, tmp_path):
    written = tables(job(h5ad), tmp_path / "out")
    assert sorted(written) == ["endpoints", "exclusions", "quality", "scores", "signature_coverage"]
    # 5 of 10 counts are 5,000 in 10,000, for each of the two genes.
    value = np.log(5001)
    endpoints = written["endpoints"].select("sample", "day", "parameter", "qualifier", "n", "status", "method")
    assert endpoints.rows() == [
        ("s2", 7, "signature_score", "set=found", 1.0, "quantified", "mean, counts of layers['counts']; 2 of 2 genes"),
        (
            "s2",
            7,
            "signature_score",
            "set=lost",
            1.0,
            "not_evaluable",
            "mean, counts of layers['counts']; 1 of 3 genes",
        ),
    ]
    assert written["endpoints"]["value"].to_list() == [pytest.approx(value, rel=1e-6), None]
    assert written["scores"]["value"].to_list() == [pytest.approx(value, rel=1e-6), None]
    assert written["exclusions"].select("sample", "file", "rule", "rows").rows() == [
        ("s2", "raw/cells.h5ad", "cell without counts", 1)
    ]
    reason = "1 of 2 gene sets are not scored: lost (1 of 3 genes)"
    assert written["quality"].select("sample", "check", "value", "verdict", "reason").rows() == [
        ("s2", "coverage of gene sets", 0.5, "warn", reason)
    ]
    assert written["signature_coverage"].select("sample", "set", "genes_found", "scored", "reason").rows() == [
        ("s2", "found", 2, True, None),
        ("s2", "lost", 1, False, "1 of 3 genes found, fewer than 50%"),
    ]


def test_cells_that_quality_drops_are_not_scored(tmp_path):
    counts = np.array([[1, 9], [9, 1], [5, 5]], np.float32)
    obs = pd.DataFrame({"sample": ["s2"] * 3}, index=["c1", "c2", "c3"])
    data = anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=["A", "B"]))
    data.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text("a\tx\tA\n")
    written = tables(job(tmp_path / "cells.h5ad", layer=None), tmp_path / "work", kept=["c3", "c1"], left=["c2"])
    value = (np.log(1001) + np.log(5001)) / 2
    assert written["scores"].select("value", "n").row(0) == (pytest.approx(value, rel=1e-6), 2)
    assert written["endpoints"]["n"].to_list() == [2]
    none = tables(job(tmp_path / "cells.h5ad", layer=None), tmp_path / "none", kept=[], left=["c1", "c2", "c3"])
    assert none["scores"]["value"].null_count() == none["scores"].height
    assert none["quality"].filter(check="cells")["verdict"].to_list() == ["fail"]


def test_without_knowing_the_kept_cells_nothing_is_scored(h5ad, tmp_path):
    (tmp_path / "work" / "expression" / "s2").mkdir(parents=True)
    with pytest.raises(AnalysisError, match="which cells are kept is not known"):
        run(job(h5ad), tmp_path / "work" / "expression" / "s2")


def test_a_file_that_is_not_read_is_told(h5ad, tmp_path):
    quality = tables(job(h5ad, more=("raw/contigs.csv", "raw/more.csv")), tmp_path / "out")["quality"]
    told = quality.filter(check="files").select("sample", "verdict", "reason").rows()
    assert told == [("s2", "warn", "not read: contigs.csv, more.csv")]


def test_without_a_layer_logged_values_are_refused_by_file(h5ad, tmp_path):
    with pytest.raises(AnalysisError) as caught:
        tables(job(h5ad, layer=None), tmp_path / "out")
    assert str(caught.value).startswith(f"{h5ad}: X does not hold raw counts")
    assert "; counts holds raw counts" in str(caught.value)


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("sample=s9", "no cell of this member; found 'sample=s9'; the column has 2 other values"),
        ("sampel=s1", "no such column in obs; found 'sampel'; did you mean 'sample'?"),
        ("s1", "not a column and a value; found 's1'; expected column=value"),
    ],
)
def test_a_member_that_is_not_there_is_refused(h5ad, member, words):
    with pytest.raises(AnalysisError) as caught:
        score_file(h5ad, sample="s1", member=member, layer="counts")
    assert str(caught.value).startswith(f"{h5ad}, column member: {words}")


def test_values_of_obs_are_never_told(tmp_path):
    obs = pd.DataFrame({"sample": ["JaneCanary", "JohnFinch"]}, index=["c1", "c2"])
    path = tmp_path / "cells.h5ad"
    anndata.AnnData(np.ones((2, 1), np.float32), obs=obs, var=pd.DataFrame(index=["A"])).write_h5ad(path)
    with pytest.raises(AnalysisError) as caught:
        score_file(path, sample="x", member="sample=007")
    assert str(caught.value).endswith("no cell of this member; found 'sample=007'; the column has 2 other values")


def test_several_samples_or_people_in_obs_taken_for_one_are_a_warning(tmp_path):
    names = {"orig.ident": ["a", "b", "b"], "Donor_ID": ["1", "2", "3"], "patient": ["x"] * 3, "lane": [1, 2, 3]}
    path = tmp_path / "cells.h5ad"
    obs = pd.DataFrame(names, index=["c1", "c2", "c3"])
    anndata.AnnData(np.ones((3, 1), np.float32), obs=obs, var=pd.DataFrame(index=["A"])).write_h5ad(path)
    told = score_file(path, sample="x").quality.filter(check="one sample").select("sample", "verdict", "reason").rows()
    assert told == [
        (
            "x",
            "warn",
            "all cells are taken for one sample, but obs tells them apart by orig.ident (2 values), Donor_ID "
            "(3 values): write orig.ident=VALUE under `member` in samples.csv to take those of one, "
            "or score each by --by orig.ident",
        )
    ]
    assert score_file(path, sample="x", member="orig.ident=b").quality.filter(check="one sample").height == 0


@pytest.mark.parametrize(("cells", "reason"), [(0, "no cell, or none that is kept"), (2, "no cell has a count")])
def test_a_file_without_a_cell_to_score_fails_quality(tmp_path, cells, reason):
    path = tmp_path / "cells.h5ad"
    obs = pd.DataFrame(index=[f"c{number}" for number in range(cells)])
    anndata.AnnData(np.zeros((cells, 1), np.float32), obs=obs, var=pd.DataFrame(index=["A"])).write_h5ad(path)
    quality = score_file(path, sample="x").quality.filter(check="cells")
    assert quality.select("sample", "verdict", "reason").rows() == [("x", "fail", reason)]


def test_a_member_of_numbers_is_named_as_it_is_written(h5ad):
    scored = score_file(h5ad, h5ad.parent / "s.gmt", sample="x", member="lane=1", layer="counts", controls=0)
    assert scored.scores.select("sample", "set", "n").rows() == [("x", "found", 1), ("x", "lost", 1)]


def test_by_a_column_each_sample_has_its_rows_and_its_empty_cells(h5ad):
    scored = score_file(h5ad, h5ad.parent / "s.gmt", sample="x", by="sample", layer="counts", controls=0)
    expected = [(np.log(1001) + np.log(9001)) / 2, None, np.log(5001), None]
    assert scored.scores["sample"].to_list() == ["s1", "s1", "s2", "s2"]
    assert scored.scores["value"].to_list() == [None if v is None else pytest.approx(v, rel=1e-6) for v in expected]
    assert scored.exclusions.select("sample", "rows").rows() == [("s2", 1)]
    assert scored.quality["sample"].to_list() == ["s1", "s2"]


def test_a_cell_without_a_sample_is_refused_and_is_no_member_called_nan(tmp_path):
    obs = pd.DataFrame({"sample": ["s1", None]}, index=["c1", "c2"])
    path = tmp_path / "cells.h5ad"
    anndata.AnnData(np.ones((2, 1), np.float32), obs=obs, var=pd.DataFrame(index=["A"])).write_h5ad(path)
    with pytest.raises(AnalysisError, match="column sample: cells without a sample; found '1 of 2'; name it"):
        score_file(path, sample="x", by="sample")
    with pytest.raises(AnalysisError, match="no cell of this member"):
        score_file(path, sample="x", member="sample=nan")


def test_samples_that_blanks_or_case_tell_apart_are_refused(tmp_path):
    obs = pd.DataFrame({"sample": ["s1", "S1 "]}, index=["c1", "c2"])
    path = tmp_path / "cells.h5ad"
    anndata.AnnData(np.ones((2, 1), np.float32), obs=obs, var=pd.DataFrame(index=["A"])).write_h5ad(path)
    with pytest.raises(AnalysisError, match=r"column sample: two words differ only in case, blanks or Unicode form"):
        score_file(path, sample="x", by="sample")


def test_the_jobs_of_a_study_carry_layer_and_gene_sets(h5ad, tmp_path):
    root = tmp_path / "study"
    (root / "raw").mkdir(parents=True)
    for name in ("cells.h5ad", "s.gmt"):
        (root / "raw" / name).write_bytes((tmp_path / name).read_bytes())
    (root / "study.yaml").write_text(
        "study: demo\nvisits: {D7: {day: 7}}\n"
        "analysis: {expression: {gene_sets: raw/s.gmt, layer: counts, controls: 0}}\n"
    )
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\n")
    (root / "samples.csv").write_text(
        "sample,subject,visit,specimen,assay,path,member,status\n"
        "s1,S1,D7,tumor,scrna,raw/cells.h5ad,sample=s1,\n"
        "s2,S1,D7,blood,scrna,raw/cells.h5ad,sample=s2,\n"
        "s3,S1,D7,plasma,scrna,,,failed\n"
    )
    jobs = plan(read_study(root))
    assert [(one.unit, one.folder, dict(one.arguments)) for one in jobs] == [
        ("s1", "expression/s1", {"gene_sets": True, "layer": "counts", "method": "mean", "controls": 0}),
        ("s2", "expression/s2", {"gene_sets": True, "layer": "counts", "method": "mean", "controls": 0}),
    ]
    assert jobs[0].paths == (f"{root}/raw/cells.h5ad", f"{root}/raw/s.gmt")
    found = [tables(one, tmp_path / one.unit, kept) for one, kept in zip(jobs, (["c1"], ["c2", "c3"]), strict=True)]
    scores = [one["scores"].filter(set="found")["value"].item() for one in found]
    assert scores == pytest.approx([(np.log(1001) + np.log(9001)) / 2, np.log(5001)], rel=1e-6)


def test_what_is_wrong_with_the_gene_sets_stands_in_quality(tmp_path):
    cells = anndata.AnnData(np.array([[1.0, 3, 6]]), obs=pd.DataFrame(index=["c1"]))
    cells.var_names = ["TOX", "CD4", "Gzmb"]
    cells.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text("set\tTOX\tCD4\tGZMB\n")
    scored = score_file(tmp_path / "cells.h5ad", tmp_path / "s.gmt", sample="x")
    assert scored.quality.filter(check="reading of gene sets").select("sample", "verdict", "reason").rows() == [
        (
            "x",
            "warn",
            "s.gmt: a gene stands where the description should, and is not in the set: set (TOX); part name and genes "
            "by a description, be it empty; 1 genes of the sets are not found, as capitals differ: GZMB (in the data "
            "Gzmb): write both alike; human symbols are in capitals, those of a mouse are other genes",
        )
    ]


def test_retired_symbols_of_gene_sets_are_told_without_a_warning(tmp_path):
    cells = anndata.AnnData(np.array([[1.0, 3, 6]]), obs=pd.DataFrame(index=["c1"]))
    cells.var_names = ["TENT5C", "CD4", "GZMB"]
    cells.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "s.gmt").write_text("set\t\tFAM46C\tGZMB\n")
    scored = score_file(tmp_path / "cells.h5ad", tmp_path / "s.gmt", sample="x")
    told = "1 retired symbols of the sets are read as the present ones: FAM46C → TENT5C"
    assert scored.quality.select("check", "verdict", "reason").rows() == [("reading of gene sets", "pass", told)]
    assert scored.told == (told,)
    assert scored.coverage["genes_found"].to_list() == [2]


def test_method_and_controls_are_told_with_each_number(tmp_path):
    rng, genes = np.random.default_rng(0), [f"G{number}" for number in range(120)]
    path, names = tmp_path / "cells.h5ad", [f"c{number}" for number in range(9)]
    cells = anndata.AnnData(rng.poisson(2, (9, 120)).astype(np.float32), obs=pd.DataFrame(index=names))
    cells.var_names = genes
    cells.write_h5ad(path)
    (tmp_path / "s.gmt").write_text("set\tx\t" + "\t".join(genes[:6]) + "\n")
    words = {}
    for method, controls in (("mean", 50), ("mean", 0), ("ucell", 50)):
        scored = score_file(path, tmp_path / "s.gmt", sample="x", method=method, controls=controls)
        words[method, controls] = scored.method
        assert scored.scores.select("method", "n").rows() == [(method, 9)]
    assert words == {
        ("mean", 50): "mean less that of control genes, counts of X",
        ("mean", 0): "mean, counts of X",
        ("ucell", 50): "UCell on counts of X",
    }


def test_barcodes_and_genes_beside_a_matrix_are_inputs_and_were_read(tmp_path):
    root = tmp_path / "study"
    (root / "a").mkdir(parents=True)
    (root / "study.yaml").write_text("study: cells\nvisits:\n  D7: {day: 7}\n")
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,other\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\n")
    rows = "sample,subject,visit,specimen,assay,path\ns2,S1,D7,blood,scrna,a/matrix.mtx;a/barcodes.tsv\n"
    (root / "samples.csv").write_text(rows)
    matrix = "%%MatrixMarket matrix coordinate integer general\n2 1 2\n1 1 1\n2 1 9\n"
    files = {"matrix.mtx": matrix, "barcodes.tsv": "c1\n", "features.tsv": "ENSG1\tA\nENSG2\tB\n"}
    for name, text in files.items():
        (root / "a" / name).write_text(text)
    study = read_study(root)
    (one,), (kept,) = plan(study), cell_expression.plan(study)
    assert one.paths == kept.paths == tuple(f"{root}/a/{name}" for name in files)
    before = make_plan(study).fingerprints
    (root / "a" / "features.tsv").write_text("ENSG2\tB\nENSG1\tA\n")
    assert before.keys() and not before.items() & make_plan(study).fingerprints.items()
    assert tables(one, tmp_path / "work", kept=["c1"])["quality"].filter(check="files").is_empty()
