"""Cells are kept by stated limits and typed; sums by subject, visit, type and label; foreign receptors are told."""

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from tests.expression.test_cell_types import simulated
from tilseq.io.write import write_parquet
from tilseq.steps import cell_expression, pseudobulk
from tilseq.steps.job import Job
from tilseq.study import read_study
from tilseq.tables.cell_labels import CELL_LABELS

GENES = ["CD3D", "CD3E", "TRAC", "CD4", "CD8A", "CD8B", "GZMB", "MT-CO1"]
CD4 = [9, 9, 9, 20, 0, 0, 3, 1]
CD8 = [9, 9, 9, 0, 20, 20, 3, 1]
DYING = [9, 9, 9, 0, 20, 20, 3, 70]


@pytest.fixture
def run(tmp_path, sample):
    """Return a function that runs both steps on one subject's samples: name → (specimen, cells, labels)."""

    def run(of_samples, minimum_cells=2, genes=None, sex=None):
        rows, paths = {}, []
        labels = [CELL_LABELS.frame()]
        for name, (specimen, cells, told) in of_samples.items():
            path = tmp_path / f"{name}.h5ad"
            barcodes = [f"{'ACGT' * 3}{'ACGT'[i % 4]}{'ACGT'[i // 4]}-1" for i in range(len(cells))]
            data = anndata.AnnData(
                np.array(cells, np.float32),
                obs=pd.DataFrame(index=barcodes),
                var=(genes or {}).get(name, pd.DataFrame(index=GENES)),
            )
            data.write_h5ad(path)
            row = sample(name, path=f"raw/{name}.h5ad", specimen=specimen, assay="scrna", visit=name, member=None)
            rules = {"layer": None, "least_counts": 20, "least_genes": 3, "most_percent_mitochondrial": 15.0}
            rules |= {"sex": sex}
            job = Job(
                "cell_expression", name, f"cell_expression/{name}", paths=(str(path),), sample=row, arguments=rules
            )
            cell_expression.run(job, tmp_path / "work" / job.folder)
            rows[job.folder] = row | {"level": name, "receptors": f"{name}_tcr"}
            paths.append(str(path))
            given = [
                {"sample": f"{name}_tcr", "cell_id": other or barcode, "label": label, "probability": 0.9}
                for barcode, (label, other) in zip(barcodes, told, strict=False)
            ]
            labels.append(CELL_LABELS.frame(given))
        write_parquet(pl.concat(labels), CELL_LABELS, tmp_path / "work" / "cell_labels" / "S1")
        job = Job("pseudobulk", "S1", "pseudobulk/S1", paths=tuple(paths), needs=(*rows, "cell_labels/S1"),
                  arguments={"samples": rows, "layer": None, "minimum_cells": minimum_cells})  # fmt: skip
        folder = tmp_path / "work" / job.folder
        pseudobulk.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}, tmp_path / "work"

    return run


def same(label, number):
    return [(label, None)] * number


@pytest.mark.parametrize(("cells", "verdict"), [(1, "warn"), (9, "warn"), (10, "pass")])
def test_a_sample_of_a_few_cells_warns_though_all_are_kept(cells, verdict, run):
    _, work = run({"D28": ("blood", [CD8] * cells, [])})
    check = pl.read_parquet(work / "cell_expression" / "D28" / "quality.parquet").row(0, named=True)
    assert (check["check"], check["value"], check["verdict"]) == ("cells kept", 1.0, verdict)
    assert check["limit"] == "at least 0.5 of the cells, and 10"
    assert ("fewer than 10: their scores tell little of the sample" in check["reason"]) == (verdict == "warn")


def test_cells_are_kept_typed_and_told(run):
    _, work = run({"D28": ("blood", [CD4] * 6 + [CD8] * 6 + [DYING] * 2, [])})
    folder = work / "cell_expression" / "D28"
    cells = pl.read_parquet(folder / "cell_expression.parquet")
    assert cells["kept"].sum() == 12
    assert cells.filter("kept").group_by("cell_type").len().sort("cell_type").rows() == [("CD4", 6), ("CD8", 6)]
    assert pl.read_parquet(folder / "exclusions.parquet").select("file", "rows", "counts").rows() == [
        ("raw/D28.h5ad", 2, 2 * sum(DYING))
    ]
    (check,) = pl.read_parquet(folder / "quality.parquet").iter_rows(named=True)
    assert (check["check"], check["verdict"], check["value"]) == ("cells kept", "pass", pytest.approx(12 / 14))
    assert check["reason"].startswith("12 of 14 cells kept (")


def ids(symbols):
    return pd.DataFrame({"feature_name": symbols}, index=[f"ENSG{i:011d}" for i in range(len(symbols))])


def test_cells_of_ensembl_ids_are_typed_and_summed_by_symbols_with_those_of_retired_ones(run):
    symbols = [*GENES[:6], "PCLAF", "MT-CO1"]
    retired = pd.DataFrame(index=[*GENES[:6], "KIAA0101", "MT-CO1"])
    tables, work = run(
        {name: ("blood", [CD4] * 6 + [CD8] * 6 + [DYING], []) for name in ("D7", "D28")},
        genes={"D7": ids(symbols), "D28": retired},
    )
    counts = {row[:2]: row[2] for row in tables["gene_counts"].iter_rows()}
    (person,) = {name.split("|")[0] for name, _ in counts}
    for visit in ("D7", "D28"):
        assert counts[f"{person}|{visit}|blood|CD4", "CD4"] == 6 * 20
        assert counts[f"{person}|{visit}|blood|CD8", "PCLAF"] == 6 * 3
        cells = pl.read_parquet(work / "cell_expression" / visit / "cell_expression.parquet")
        # MT-CO1 is mitochondrial by its symbol, and the last cell is dying.
        assert cells.filter(~pl.col("kept"))["cell_id"].to_list() == ["ACGTACGTACGTAT-1"]
    quality = pl.read_parquet(work / "cell_expression" / "D28" / "quality.parquet")
    assert quality.filter(check="reading of cells").select("verdict", "reason").rows() == [
        ("pass", "1 retired symbols are read as the present ones: KIAA0101 → PCLAF")
    ]


def test_cells_without_the_genes_of_cd4_and_cd8_are_unclear_and_told_and_summed(run):
    other = pd.DataFrame(index=["CD3D", "CD3E", "TRAC", "IL2", "IL7R", "GNLY", "GZMB", "MT-CO1"])
    tables, work = run({"D28": ("blood", [CD4] * 12, [])}, genes={"D28": other})
    cells = pl.read_parquet(work / "cell_expression" / "D28" / "cell_expression.parquet")
    assert cells["cell_type"].to_list() == ["unclear"] * 12
    told = pl.read_parquet(work / "cell_expression" / "D28" / "quality.parquet").filter(check="cell types")
    assert told["verdict"].to_list() == ["warn"]
    assert told["reason"][0].startswith("all cells are unclear: CD4 and CD8 cells need their genes; found 'none of")
    assert tables["pseudobulk_groups"].select("cell_type", "cells").rows() == [("unclear", 12)]


def test_sums_are_by_type_and_once_more_by_label_and_cells_of_the_product_are_infused(run):
    tables, _ = run({
        "product": ("infusion_product", [CD4] * 5 + [CD8] * 5, []),
        "D28": ("blood", [CD4] * 6 + [CD8] * 6, same("infused", 5) + same("not_seen_in_product", 7)),
    })  # fmt: skip
    groups = tables["pseudobulk_groups"].filter("kept").select("group", "cells").rows()
    person = groups[0][0].split("|")[0]
    assert sorted((name.removeprefix(f"{person}|"), cells) for name, cells in groups) == [
        ("D28|blood|CD4", 6),
        ("D28|blood|CD4|infused", 5),
        ("D28|blood|CD8", 6),
        ("D28|blood|CD8|not_seen_in_product", 6),
        ("product|infusion_product|CD4", 5),
        ("product|infusion_product|CD4|infused", 5),
        ("product|infusion_product|CD8", 5),
        ("product|infusion_product|CD8|infused", 5),
    ]
    left = tables["pseudobulk_groups"].filter(~pl.col("kept"))
    assert left.select("status", "cells", "reason").rows() == [("not_seen_in_product", 1, "1 cell, fewer than 2")]
    counts = {row[:2]: row[2] for row in tables["gene_counts"].iter_rows()}
    assert counts[f"{person}|D28|blood|CD4|infused", "CD4"] == 5 * 20
    assert counts[f"{person}|D28|blood|CD4|infused", "CD8A"] == 0
    assert tables["cell_status"].height == 12
    assert tables["receptor_overlap"].select("cells", "matched", "overlap").rows() == [(12, 12, 1.0)]


def test_cells_of_the_other_sex_than_their_subject_warn(run):
    genes = pd.DataFrame(index=[*GENES[:6], "XIST", "RPS4Y1"])
    both, xist = [CD4] * 6 + [CD8] * 6, [[*CD4[:7], 0]] * 12
    for sex, cells, warned in (("male", both, []), ("male", xist, ["warn"]), ("female", xist, [])):
        _, work = run({"D28": ("blood", cells, [])}, genes={"D28": genes}, sex=sex)
        checks = pl.read_parquet(work / "cell_expression" / "D28" / "quality.parquet")
        assert checks.filter(check="sex by genes")["verdict"].to_list() == warned


def test_receptors_of_other_cells_give_no_labels_and_a_warning(run):
    strange = [("infused", f"{'TTGCA' * 2}{'ACGT'[i % 4]}{'ACGT'[i // 4]}GGGG-1") for i in range(12)]
    tables, _ = run({"D28": ("blood", [CD4] * 6 + [CD8] * 6, strange)})
    assert tables["cell_status"].is_empty()
    (warned,) = [row for row in tables["quality"].iter_rows(named=True) if "overlap" in row["reason"]]
    assert warned["check"] == "summed cells by label"
    assert set(tables["pseudobulk_groups"]["status"]) == {None}


def test_genes_that_one_file_of_the_subject_lacks_are_in_no_sum_and_told(run):
    other = pd.DataFrame(index=[*GENES[:6], "PCLAF", "MT-CO1"])
    cells = [CD4] * 6 + [CD8] * 6
    tables, _ = run({name: ("blood", cells, []) for name in ("D7", "D28")}, genes={"D7": other})
    assert sorted(set(tables["gene_counts"]["gene"])) == sorted({*GENES} - {"GZMB"})
    told = tables["quality"].filter(check="genes of summed cells")
    assert told.select("sample", "value", "verdict", "reason").rows() == [
        ("D28", 7, "warn", "2 of 9 genes are not in every file of the subject, so in no sum: GZMB, PCLAF"),
        ("D7", 7, "warn", "2 of 9 genes are not in every file of the subject, so in no sum: GZMB, PCLAF"),
    ]


def test_a_subject_of_too_few_cells_is_told_and_is_no_failure(run):
    tables, _ = run({"D28": ("blood", [CD4] * 6 + [CD8] * 6, [])}, minimum_cells=50)
    assert tables["pseudobulk_groups"].select("cell_type", "cells", "reason").rows() == [
        ("CD4", 6, "6 cells, fewer than 50"),
        ("CD8", 6, "6 cells, fewer than 50"),
    ]
    assert tables["gene_counts"].is_empty()


def test_empty_drops_of_an_unfiltered_matrix_do_not_change_what_cells_are(tmp_path, sample):
    counts, genes, _ = simulated(["CD4"] * 120 + ["CD8"] * 120, "blood")
    cells = counts.toarray()
    cells = cells[cells.sum(axis=1) >= 500]
    soup = cells.sum(axis=0) / cells.sum()
    empty = np.random.default_rng(1).poisson(100 * soup, (2_000, len(soup)))
    types = []
    for name, matrix in (("filtered", cells), ("unfiltered", np.concatenate([cells, empty]))):
        names = [f"cell {i:05d}" for i in range(len(matrix))]
        obs, var = pd.DataFrame(index=names), pd.DataFrame(index=genes)
        anndata.AnnData(csr_matrix(matrix.astype(np.float32)), obs, var).write_h5ad(tmp_path / f"{name}.h5ad")
        rules = {"layer": None, "least_counts": 500, "least_genes": 250, "most_percent_mitochondrial": 15.0}
        row = sample(name, path=f"raw/{name}.h5ad", specimen="blood", assay="scrna", visit=name, member=None)
        job = Job("cell_expression", name, name, (str(tmp_path / f"{name}.h5ad"),), sample=row, arguments=rules)
        cell_expression.run(job, tmp_path / name)
        types.append(pl.read_parquet(tmp_path / name / "cell_expression.parquet"))
    assert types[0].filter("kept")["cell_type"].is_in(["CD4", "CD8"]).mean() > 0.7
    assert types[1].filter("kept")["cell_type"].to_list() == types[0].filter("kept")["cell_type"].to_list()
    assert set(types[1].filter(~pl.col("kept"))["cell_type"]) == {"unclear"}


def test_libraries_that_two_subjects_number_alike_are_each_subjects_own(tmp_path):
    (tmp_path / "study.yaml").write_text("study: cells\nvisits:\n  D7: {day: 7}\n")
    (tmp_path / "subjects.csv").write_text("subject,tumor_type\nS1,other\nS2,other\n")
    (tmp_path / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\nS2,1,0\n")
    rows = ["sample,subject,visit,specimen,assay,path,library"]
    for subject in ("S1", "S2"):
        for assay in ("tcr", "scrna"):
            (tmp_path / f"{subject}_{assay}").write_text(f"{subject} {assay}")
            rows.append(f"{subject}_{assay},{subject},D7,blood,{assay},{subject}_{assay},1")
    (tmp_path / "samples.csv").write_text("\n".join(rows) + "\n")
    planned = [row for job in pseudobulk.plan(read_study(tmp_path)) for row in job.arguments["samples"].values()]
    assert {row["sample"]: row["receptors"] for row in planned} == {"S1_scrna": "S1_tcr", "S2_scrna": "S2_tcr"}
