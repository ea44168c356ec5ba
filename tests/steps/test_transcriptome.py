"""A set that truly doubles in every subject is found; what cannot be compared says why."""

import json

import numpy as np
import polars as pl
import pytest

from tilseq.io.write import write_frame
from tilseq.steps import transcriptome
from tilseq.steps.bulk_rna import gene_counts
from tilseq.steps.job import Job
from tilseq.steps.transcriptome_figures import draw_transcriptome
from tilseq.tables.differential import DIFFERENTIAL, PSEUDOBULK_GROUPS
from tilseq.tables.enrichment import ENRICHMENT, SAMPLE_SCORES

SUBJECTS = [f"S{i}" for i in range(1, 9)]
GENES = [f"GENE{i}" for i in range(300)]
UP, STILL = GENES[:20], GENES[20:40]


@pytest.fixture
def run(tmp_path, sample):
    """Return a function that runs the job of bulk RNA over samples whose first 20 genes double from product to D28."""

    def run(subjects, visits=("product", "D28"), contrasts=(), only=None, empty=(), handled=None):
        random = np.random.default_rng(3)
        level = random.gamma(2, 100, len(GENES))
        gmt = tmp_path / "sets.gmt"
        gmt.write_text(
            "".join(
                f"{name}\tx\t" + "\t".join(genes) + "\n"
                for name, genes in (("up", UP), ("still", STILL), ("few", UP[:3]))
            )
        )
        rows = {}
        for subject in subjects:
            for visit in visits:
                if only is not None and not only(subject, visit):
                    continue
                name = f"{subject}_{visit}"
                change = np.where(np.arange(len(GENES)) < 20, 2.0 if visit == "D28" else 1.0, 1.0)
                counts = random.poisson(level * change * random.uniform(0.8, 1.25, len(GENES))) * (name not in empty)
                frame = pl.DataFrame(
                    {"group": [name] * len(GENES), "gene": GENES, "count": counts}, schema=gene_counts()
                )
                folder = tmp_path / "work" / "bulk_rna" / name
                folder.mkdir(parents=True, exist_ok=True)
                write_frame(frame, folder / "gene_counts.parquet")
                specimen, day = ("infusion_product", -1) if visit == "product" else ("blood", 28)
                rows[f"bulk_rna/{name}"] = sample(name, subject=subject, visit=visit, day=day, specimen=specimen) | {
                    "level": visit
                }
        arguments = {"samples": rows, "contrasts": list(contrasts), "gene_sets": True, "smallest_set": 15,
                     "handled": handled or {}, "lymphodepletion": dict.fromkeys(subjects, -7)}  # fmt: skip
        job = Job(
            "transcriptome", "bulk RNA", "transcriptome/bulk", paths=(str(gmt),), needs=tuple(rows), arguments=arguments
        )
        folder = tmp_path / "work" / job.folder
        transcriptome.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}, folder

    return run


def test_a_set_that_doubles_in_each_of_eight_subjects_is_up_and_no_other(run):
    tables, folder = run(SUBJECTS)
    (row,) = tables["transcriptome"].iter_rows(named=True)
    told = ("population", "contrast", "subjects", "sets", "sets_up", "sets_down", "p_floor")
    assert {name: row[name] for name in told} == {
        "population": "bulk RNA", "contrast": "visit:D28/product", "subjects": 8, "sets": 2, "sets_up": 1,
        "sets_down": 0, "p_floor": 2 / 2**8,
    }  # fmt: skip
    enrichment = {r["set"]: r for r in tables["enrichment"].iter_rows(named=True)}
    assert 2 / 2**8 <= enrichment["up"]["p"] < 0.02 < 0.05 < enrichment["still"]["p"]
    assert enrichment["up"]["lower"] < 1 < enrichment["up"]["upper"] + 0.05
    assert enrichment["few"]["reason"].startswith("3 of its 3 genes")
    called = set(tables["differential"].filter(pl.col("q") < 0.05)["gene"])
    assert set(UP) <= called
    assert len(called - set(UP)) <= 2
    assert {path.name for path in (folder / "figures").glob("*.svg")} == {"1-sets.svg", "2-genes.svg", "3-scores.svg"}
    captions = json.loads((folder / "figures" / "captions.json").read_text())
    assert "normalised enrichment score (NES)" in captions["1-sets.svg"]
    assert "orange is up, blue down" in captions["1-sets.svg"]


@pytest.mark.parametrize(("q", "told"), [
    (0.01, "genes of visit:D28/product, the comparison in which most changed;"),
    (0.5, "genes of visit:D28/product, in which, as in all other comparisons, none changed;"),
])  # fmt: skip
def test_the_caption_of_the_genes_says_whether_any_changed(q, told, tmp_path):
    gene = {"contrast": "visit:D28/product", "gene": "A", "log2_fold_change": 1.0, "p": 0.001, "q": q}
    genes = DIFFERENTIAL.frame([gene | {"population": "p", "engine": "voom", "family": "f", "subjects": 4}])
    design = pl.DataFrame({name: ["s"] for name in ("sample", "subject", "visit", "status")})
    draw_transcriptome([], genes, ENRICHMENT.frame(), SAMPLE_SCORES.frame(), design, tmp_path)
    assert told in (tmp_path / "captions.json").read_text()


@pytest.mark.parametrize(("sets", "statuses", "told"), [
    (3, ("infused", "not_seen_in_product"), "It is drawn for its p, the least of 3 sets."),
    (41, (None,), "Drawn are the 40 of 41 sets with the least p."),
    (40, (None,), "Hatched: no sample, or too few cells of it."),
])  # fmt: skip
def test_a_caption_tells_how_what_is_drawn_was_chosen(sets, statuses, told, tmp_path):
    names, contrast = [f"set{i:02}" for i in range(sets)], "status:infused/not_seen_in_product at D28"
    row = {"contrast": contrast, "population": "p", "method": "sign_flip", "family": "axes × p", "exploratory": False}
    tested = ENRICHMENT.frame([
        row | {"set": name, "size": 20, "nes": 1.0, "p": (i + 1) / 64, "q": 0.5} for i, name in enumerate(names)
    ])  # fmt: skip
    design = pl.DataFrame([
        {"sample": f"{subject}|{status}", "subject": subject, "visit": "D28", "day": 28, "status": status,
         "specimen": "blood"}
        for subject in SUBJECTS[:3] for status in statuses
    ], schema_overrides={"status": pl.String})  # fmt: skip
    scores = SAMPLE_SCORES.frame([
        {"population": "p", "sample": sample, "set": name, "method": "ssgsea", "value": float(i), "size": 20}
        for i, sample in enumerate(design["sample"]) for name in names
    ])  # fmt: skip
    draw_transcriptome([contrast], DIFFERENTIAL.frame(), tested, scores, design, tmp_path)
    assert json.loads((tmp_path / "captions.json").read_text())["3-scores.svg"].endswith(told)


def test_a_library_without_counts_stops_no_other_and_is_told(run):
    tables, _ = run(SUBJECTS, empty=["S3_D28"])
    (row,) = tables["transcriptome"].iter_rows(named=True)
    assert (row["subjects"], row["left_out"], row["sets_up"]) == (7, "S3: no sample of D28", 1)
    assert "without counts, left out: S3|D28" in row["told"]
    assert set(tables["sample_scores"]["sample"]) == {f"{s}|{v}" for s in SUBJECTS for v in ("product", "D28")} - {
        "S3|D28"
    }


def test_runs_that_differ_as_the_contrast_does_are_told(run):
    runs = {f"{subject}_{visit}": {"run": visit[:2]} for subject in SUBJECTS for visit in ("product", "D28")}
    (row,) = run(SUBJECTS, handled=runs)[0]["transcriptome"].iter_rows(named=True)
    assert row["told"] == (
        "the samples of visit:D28/product differ in run in all 8 subjects in whom it is known: what is due to run "
        "cannot be told from it"
    )
    runs["S1_product"] = {"run": "D2"}
    assert run(SUBJECTS, handled=runs)[0]["transcriptome"]["told"].to_list() == [None]


def test_of_four_subjects_camera_is_told_beside_flips_that_cannot_reach_it(run):
    tables, _ = run(SUBJECTS[:4])
    assert tables["transcriptome"]["p_floor"].to_list() == [0.125]
    p = {(r["set"], r["method"]): r["p"] for r in tables["enrichment"].iter_rows(named=True)}
    assert p["up", "sign_flip"] == 0.125
    assert p["up", "camera"] < 0.05 < p["still", "camera"]


def test_a_contrast_that_cannot_be_made_says_why_and_the_other_goes_on(run):
    tables, _ = run(SUBJECTS[:3], contrasts=["visit:D28/product", "visit:D280/product"])
    rows = {row["contrast"]: row for row in tables["transcriptome"].iter_rows(named=True)}
    assert rows["visit:D28/product"]["subjects"] == 3
    assert rows["visit:D280/product"]["genes"] is None
    assert "D280" in rows["visit:D280/product"]["told"]
    assert "D28" in rows["visit:D280/product"]["told"]


def test_without_anything_to_compare_the_tables_are_empty(run):
    tables, folder = run(SUBJECTS[:2], visits=("D28",))
    assert tables["transcriptome"].is_empty()
    assert tables["differential"].is_empty()
    assert [path.name for path in (folder / "figures").glob("*.svg")] == ["3-scores.svg"]


def test_products_alone_and_visits_of_unlike_subjects_are_drawn_without_a_reference(run):
    for visits, only in (
        (("product",), None),
        (("product", "D28"), lambda subject, visit: (subject == "S1") == (visit == "D28")),
    ):
        tables, folder = run(SUBJECTS[:3], visits=visits, only=only)
        assert tables["transcriptome"].is_empty()
        assert [path.name for path in (folder / "figures").glob("*.svg")] == ["3-scores.svg"]


def test_a_subject_with_too_few_cells_of_either_label_is_named(tmp_path):
    # S1 and S2 have both labels, S3 too few cells of one, S4 of each; S5 has no cells at that visit, S6 no CD4 cells.
    cells = {"S1": (40, 30), "S2": (50, 20), "S3": (25, 4), "S4": (7, 8)}
    random, level, needs = np.random.default_rng(5), np.linspace(50, 400, len(GENES)), []
    for subject, numbers in {**cells, "S5": (60, 60), "S6": (60, 60)}.items():
        need = f"pseudobulk/{subject}"
        groups = [
            {"group": f"{subject}|{status}", "subject": subject, "visit": "D84" if subject == "S5" else "D28",
             "cell_type": "CD8" if subject == "S6" else "CD4", "status": status, "cells": n, "counts": 9,
             "kept": n >= 10}
            for status, n in zip(("infused", "not_seen_in_product"), numbers, strict=True)
        ]  # fmt: skip
        counts = [
            pl.DataFrame({"group": one["group"], "gene": GENES, "count": random.poisson(level)}, schema=gene_counts())
            for one in groups
            if one["kept"]
        ]
        folder = tmp_path / need
        folder.mkdir(parents=True)
        write_frame(PSEUDOBULK_GROUPS.frame(groups), folder / "pseudobulk_groups.parquet")
        write_frame(pl.concat([pl.DataFrame(schema=gene_counts()), *counts]), folder / "gene_counts.parquet")
        needs.append(need)
    arguments = {"contrasts": [], "gene_sets": False, "smallest_set": 15, "lymphodepletion": {}}
    job = Job("transcriptome", "CD4 T cells by label", "transcriptome/labels", needs=tuple(needs), arguments=arguments)
    transcriptome.run(job, tmp_path / job.folder)
    (row,) = pl.read_parquet(tmp_path / job.folder / "transcriptome.parquet").iter_rows(named=True)
    assert (row["contrast"], row["subjects"]) == ("status:infused/not_seen_in_product at D28", 2)
    few = [
        "S3: too few cells of not_seen_in_product",
        "S4: too few cells of any level",
        "S6: too few cells of any level",
    ]
    assert row["left_out"].split("; ") == few


def test_contrasts_of_too_few_subjects_are_a_family_of_their_own(run):
    few = lambda subject, visit: visit != "D7" or subject in SUBJECTS[:3]  # noqa: E731
    tables, _ = run(
        SUBJECTS, visits=("product", "D7", "D28"), contrasts=["visit:D28/product", "visit:D7/product"], only=few
    )
    flips = tables["enrichment"].filter(pl.col("p").is_not_null(), method="sign_flip")
    families = dict(flips.group_by("contrast").agg(pl.col("family").first()).iter_rows())
    assert families["visit:D28/product"] + ", too few subjects" == families["visit:D7/product"]
