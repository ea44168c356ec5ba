from dataclasses import replace
from types import SimpleNamespace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tilseq.steps import cell_labels, repertoire, tracking
from tilseq.steps.job import Job
from tilseq.steps.receptor_subjects import subject_job
from tilseq.tables.contamination import SAMPLE_IDENTITY
from tilseq.tables.repertoire import TEMPLATE_COUNTING
from tilseq.tables.tracking import ORIGINS

PRODUCT = {"AAA": 30} | {f"CCC{'ACGT'[i % 4]}{'ACGT'[i // 4 % 4]}{'ACGT'[i // 16]}": i % 3 + 1 for i in range(40)}


@pytest.fixture
def run(tmp_path, sample, write_clones, write_contigs):
    """Return a function that runs the repertoire jobs of some samples, then the labels; gives tables."""

    def run(
        samples,
        *,
        failed=(),
        infusions=({"day": 0, "lot": None},),
        strange=None,
        origins=None,
        others=(),
        templates=(),
        counting=None,
    ):
        needs = []
        for name, (counts, row) in samples.items():
            path, row = tmp_path / f"{name}.tsv", dict(row)
            if counts is None:
                path.write_text("nothing\n")
            elif row.pop("single", False):
                write_contigs(path, counts)
            else:
                write_clones(path, counts, count=row.pop("count", "umi_count"))
            cells = sample(name, path=f"raw/{name}.tsv", **{"assay": "tcr", **row})
            job = Job("repertoire", name, f"repertoire/{name}", paths=(str(path),), sample=cells,
                      arguments={"dialect": None, "locus": None, "least_yield": 0.05})  # fmt: skip
            needs.append(job)
            if counts is not None:
                repertoire.run(job, tmp_path / "work" / "repertoire" / name)
            if name in templates:
                path = tmp_path / "work" / "repertoire" / name / "clonotypes.parquet"
                pl.read_parquet(path).with_columns(count_of=pl.lit("templates")).write_parquet(path)
        own = [need for need in needs if need.sample["sample"] not in others]
        of_others = [need.folder for need in needs if need.sample["sample"] in others]
        job = subject_job("cell_labels", "S1", own, reference="infusion_product", failed=list(failed),
                          infusions=list(infusions), others=of_others)  # fmt: skip
        job = replace(job, needs=(*job.needs, *of_others))
        if strange is not None:
            job = replace(job, needs=(*job.needs, "contamination/all"))
            (tmp_path / "work" / "contamination" / "all").mkdir(parents=True)
            row = {"sample": strange, "subject": "S1", "content_of": "S2", "verdict": "swapped", "reason": "of S2"}
            counted = dict.fromkeys(
                ("clones", "counts", "own_compared", "own_agree", "other_compared", "other_agree", "arrived"), 1
            )
            path = tmp_path / "work" / "contamination" / "all" / "sample_identity.parquet"
            SAMPLE_IDENTITY.frame([row | counted]).write_parquet(path)
        if origins is not None:
            job = replace(job, needs=(*job.needs, "tracking/S1"))
            (tmp_path / "work" / "tracking" / "S1").mkdir(parents=True)
            for table, rows in origins.items():
                table.frame(rows).write_parquet(tmp_path / "work" / "tracking" / "S1" / f"{table.name}.parquet")
        if counting is not None:
            job = replace(job, needs=(*job.needs, "template_counting/all"))
            path = tmp_path / "work" / "template_counting" / "all" / "template_counting.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            TEMPLATE_COUNTING.frame([counting]).write_parquet(path)
        folder = tmp_path / "work" / job.folder
        cell_labels.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}

    return run


IN_PRODUCT = {"specimen": "infusion_product", "day": -1}
BLOOD = ({"AAA": 3, "GGG": 2}, {"single": True})


def test_cells_of_blood_against_a_bulk_product(run):
    tables = run({"p": (PRODUCT, {**IN_PRODUCT, "cells": 5_000}), "b": BLOOD, "bulk": ({"AAA": 1}, {})})
    labels = tables["cell_labels"]
    assert set(labels["sample"]) == {"b"}
    assert labels["label"].value_counts().sort("label").rows() == [("infused", 3), ("not_seen_in_product", 2)]
    counts = sum(PRODUCT.values())
    assert labels["product_n_effective"].to_list() == pytest.approx([1 / (1.7 / 5_000 + 1 / counts)] * 5)
    assert labels["probability"].null_count() == 0
    checks = tables["quality"]
    assert checks["check"].to_list() == ["cells in the product", "cells the product missed", "cells undecided"]
    assert set(checks["sample"]) == {"b"}


def test_the_origin_of_a_cell_s_clone_stands_beside_its_label(run):
    seen = {"locus": "TRB", "in_product": True, "in_baseline": False, "in_tumor": False}
    told = {
        ORIGINS: [{"subject": "S1", "junction": "AAA", "origin": "infused_only", **seen}],
    }
    labels = run({"p": (PRODUCT, {**IN_PRODUCT, "cells": 5_000}), "b": BLOOD}, origins=told)["cell_labels"]
    found = labels.select("label", "origin").unique().sort("label").rows()
    assert found == [("infused", "infused_only"), ("not_seen_in_product", None)]


def test_reads_of_unknown_cells_have_labels_without_a_chance(run):
    tables = run({"p": (PRODUCT, {**IN_PRODUCT, "count": "duplicate_count"}), "b": BLOOD})
    assert tables["cell_labels"]["probability"].null_count() == 5
    told = tables["quality"].filter(check="cells the product missed").row(0, named=True)
    assert (told["verdict"], told["value"]) == ("warn", None)
    assert "the cells behind TRB of p are not known" in told["reason"]


def test_a_product_that_left_nothing_gives_no_label(run):
    tables = run({"p": (PRODUCT, {**IN_PRODUCT}), "q": (None, {**IN_PRODUCT}), "b": BLOOD})
    assert tables["cell_labels"].height == 0
    told = tables["quality"].row(0, named=True)
    assert (told["sample"], told["verdict"]) == ("b", "fail")
    assert told["reason"].startswith("q of the reference left no clonotypes")


def test_lots_that_had_been_infused_count(run):
    infusions = [{"day": 0, "lot": "A"}, {"day": 50, "lot": "B"}]
    samples = {
        "p": (PRODUCT, {**IN_PRODUCT, "lot": "A"}),
        "q": ({"GGG": 3, "TTT": 1}, {**IN_PRODUCT, "lot": "B"}),
        "early": ({"GGG": 1}, {"single": True, "day": 28}),
        "late": ({"GGG": 1}, {"single": True, "day": 60}),
    }
    labels = run(samples, infusions=infusions)["cell_labels"]
    assert labels.select("sample", "label", "product_lots").rows() == [
        ("early", "not_seen_in_product", None),
        ("late", "infused", "q"),
    ]
    tables = run(
        samples, infusions=infusions, failed=[{"sample": "r", "assay": "tcr", "lot": "A", "marked_population": None}]
    )
    warned = tables["quality"].filter(verdict="warn", check="lots of the product")
    assert warned["sample"].to_list() == ["early", "late"]
    assert warned["reason"][0] == "r of the product failed and is left out: too few cells are in the product"


def test_a_sample_from_before_any_lot_was_infused_is_told(run):
    infusions = [{"day": 50, "lot": "A"}]
    tables = run({"p": (PRODUCT, {**IN_PRODUCT, "lot": "A"}), "b": BLOOD}, infusions=infusions)
    assert tables["cell_labels"].height == 0
    assert tables["quality"]["reason"].to_list() == ["no reference: no lot that was sampled had been infused by day 28"]


def test_how_templates_are_counted_is_learnt_from_other_products_too(run):
    own, of_dna = {"p": (PRODUCT, IN_PRODUCT), "b": BLOOD}, {"templates": ("p", "q")}
    alone = run(own, **of_dna)["cell_labels"]
    # Of nine clones in ten two counts, or four: each template of these was counted twice.
    twice = {f"TT{clone}": (2, 4, 2, 2, 6, 2, 4, 2, 2, 1)[i % 10] for i, clone in enumerate(PRODUCT)}
    other = {"q": (twice, IN_PRODUCT), "umis": (twice, IN_PRODUCT)}
    together = run(own | other, others=("q", "umis"), **of_dna)["cell_labels"]
    assert together.drop("probability").equals(alone.drop("probability"))
    told, before = (found.filter(label="not_seen_in_product")["probability"][0] for found in (together, alone))
    assert abs(told - before) > 0.1
    of_umis = own | {"umis": other["umis"]}
    assert_frame_equal(run(of_umis, others=("umis",), **of_dna)["cell_labels"], alone)


def test_how_templates_are_counted_is_what_all_libraries_of_the_study_surely_tell(run):
    own = {"p": (PRODUCT, {**IN_PRODUCT, "cells": 5_000}), "b": BLOOD}
    told = {"locus": "TRB", "variance": 0.0, "counting": "once", "sure": True, "libraries": 12}

    def missed(**how):
        labels = run(own, templates=("p",), **how)["cell_labels"]
        return labels.filter(label="not_seen_in_product")["probability"][0]

    learnt, once = missed(), missed(counting=told)
    assert missed(counting={**told, "variance": 1.0, "counting": "drawn"}) > learnt > once
    assert missed(counting={**told, "sure": False}) == learnt
    assert missed(counting={**told, "libraries": 0}) == learnt


@pytest.mark.parametrize("strange", ["p", "b"])
def test_where_cells_or_product_are_of_another_subject_there_are_no_labels(run, strange):
    tables = run({"p": (PRODUCT, {**IN_PRODUCT, "cells": 5_000}), "b": BLOOD}, strange=strange)
    assert tables["cell_labels"].height == 0
    assert tables["quality"].select("sample", "verdict").rows() == [("b", "fail")]


def test_a_lot_that_was_infused_and_not_sequenced_is_told(run):
    infusions = [{"day": 0, "lot": "A"}, {"day": 0, "lot": "B"}]
    tables = run({"p": (PRODUCT, {**IN_PRODUCT, "lot": "A"}), "b": BLOOD}, infusions=infusions)
    told = tables["quality"].filter(check="lots sequenced, cells").select("sample", "verdict", "reason").rows()
    assert told == [("b", "warn", "lot B was infused and has no library: too few cells are in the product")]


def test_cells_of_a_subject_who_was_never_infused_have_no_label(run):
    tables = run({"p": (PRODUCT, IN_PRODUCT), "b": BLOOD}, infusions=())
    assert tables["cell_labels"].height == 0
    ((name, verdict, reason),) = tables["quality"].select("sample", "verdict", "reason").rows()
    assert (name, verdict) == ("b", "warn")  # of the subject, not of its sample
    assert reason.startswith("infusions.csv has no infusion of the subject in which cells were given")


def test_one_job_a_subject_with_a_product_and_more(monkeypatch, sample):
    rows = [
        ("a", "S1", "infusion_product", "tcr"),
        ("b", "S1", "blood", "tcr"),
        ("c", "S1", "blood", "bcr"),
        ("d", "S2", "infusion_product", "tcr"),
        ("e", "S3", "blood", "tcr"),
    ]
    jobs = []
    for name, subject, specimen, assay in rows:
        row = sample(name, subject=subject, specimen=specimen, assay=assay)
        jobs.append(Job("repertoire", name, f"repertoire/{name}", sample=row))
    monkeypatch.setattr(repertoire, "plan", lambda study: jobs)
    empty = {"subject": pl.String, "sample": pl.String, "assay": pl.String, "lot": pl.String, "day": pl.Int64}
    empty |= {"specimen": pl.String, "cells": pl.Float64}
    empty["marked_population"] = pl.String
    study = SimpleNamespace(failed=lambda: pl.DataFrame(schema=empty), infusions=pl.DataFrame(schema=empty))
    monkeypatch.setattr(tracking, "plan", lambda study: [Job("tracking", "S1", "tracking/S1")])
    planned = cell_labels.plan(study)
    first = ("contamination/all", "tracking/S1", "template_counting/all")
    assert [(job.unit, job.needs) for job in planned] == [
        ("S1", ("repertoire/a", "repertoire/b", "repertoire/d", *first))
    ]
    assert planned[0].arguments["others"] == ["repertoire/d"] and "repertoire/d" not in planned[0].arguments["samples"]
