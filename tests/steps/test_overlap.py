from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tilseq.errors import TilseqError
from tilseq.steps import overlap, repertoire
from tilseq.steps.job import Job
from tilseq.study.names import safe_name


@pytest.fixture
def run(tmp_path, sample, write_clones, write_contigs):
    """Return a function that runs the repertoire jobs of a subject's samples, then its overlap job."""

    def run(**of_samples):
        rows = {}
        for name, (counts, cells) in of_samples.items():
            path = tmp_path / f"{name}.tsv"
            if counts is None:
                path.write_text("not a clonotype table\n")
            elif cells.pop("counted", None) == "cells":
                write_contigs(path, counts)
            else:
                write_clones(path, counts, count=cells.pop("count", "umi_count"))
            row = sample(name, path=f"raw/{name}.tsv", **{"assay": "tcr", **cells})
            rows[f"repertoire/{name}"] = row
            job = Job("repertoire", name, f"repertoire/{name}", paths=(str(path),), sample=row,
                      arguments={"dialect": None, "locus": None, "least_yield": 0.05})  # fmt: skip
            try:
                repertoire.run(job, tmp_path / "work" / "repertoire" / name)
            except TilseqError:
                assert counts is None
        folder = tmp_path / "work" / "overlap" / "S1"
        overlap.run(Job("overlap", "S1", "overlap/S1", needs=tuple(rows), arguments={"samples": rows}), folder)
        tables = {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}
        return tables

    return run


def test_pairs_stand_in_the_order_of_their_days(run):
    tables = run(
        a=({"AAA": 6, "CCC": 2}, {"day": 28}),
        b=({"AAA": 5}, {"day": 0, "timing": "pre", "specimen": "blood"}),
        c=({"AAA": 2, "GGG": 2}, {"day": 0, "timing": "post"}),
    )
    found = tables["overlap"].filter(key="junction", parameter="shared_clones")
    assert found.select("sample_a", "sample_b", "value").rows() == [("b", "a", 1), ("b", "c", 1), ("c", "a", 1)]
    assert tables["overlap"].filter(key="v_call", parameter="jensen_shannon_bits_counts")["value"].to_list() == [0] * 3
    assert set(tables["usage"]["sample"]) == {"a", "b", "c"}


def test_depth_is_cells(run):
    tables = run(
        dna=({"AAA": 30, "CCC": 10}, {"count": "duplicate_count", "count_of": "templates"}),
        umis=({"AAA": 30, "CCC": 10}, {}),
        library=({"AAA": 30, "CCC": 30}, {"cells": 40.0, "count": "duplicate_count"}),
        reads=({"AAA": 30, "CCC": 30}, {"count": "duplicate_count"}),
        contigs=({"AAA": 3, "CCC": 2}, {"counted": "cells"}),
    )
    rows = tables["overlap"].filter(parameter="morisita")
    depth = dict(rows.select("sample_a", "n_a").rows()) | dict(rows.select("sample_b", "n_b").rows())
    # 1 / (2.4 / 40 + 1 / 60) of what may be reads
    assert depth == {"dna": 40, "umis": None, "library": pytest.approx(13.0434783), "reads": None, "contigs": 5}


def test_replicates_tell_the_cells_of_reads_and_a_pair_does_not(run):
    rng, share = np.random.default_rng(5), 1 / np.arange(1, 301)
    share /= share.sum()
    names = ["".join("ACGT"[int(d)] for d in np.base_repr(i, 4).zfill(6)) for i in range(300)]

    def library(day, **more):
        reads = rng.multinomial(60_000, rng.multinomial(2_000, share) / 2_000)
        counts = {name: int(n) for name, n in zip(names, reads, strict=True) if n}
        return counts, {"count": "duplicate_count", "day": day, **more}

    tables = run(a1=library(0, replicate="1"), a2=library(0, replicate="2"), b=library(7), c=library(28))
    rows = tables["overlap"].filter(parameter="morisita")
    depth = dict(rows.select("sample_a", "n_a").rows()) | dict(rows.select("sample_b", "n_b").rows())
    assert 1_000 < depth["a1"] < 4_000 and depth["a2"] == pytest.approx(depth["a1"])
    assert depth["b"] is None and depth["c"] is None
    used = tables["usage"].filter(sample="a1", weight="counts", feature="v_call")
    assert used["n"].to_list() == [depth["a1"]] and used["lower"].null_count() == 0


def test_a_sample_that_failed_takes_no_part(run):
    tables = run(a=({"AAA": 6}, {}), b=(None, {}), c=({}, {}))
    assert tables["overlap"].height == 0
    assert set(tables["usage"]["sample"]) == {"a"}


def test_one_job_a_subject(monkeypatch, sample):
    jobs = [Job("repertoire", name, f"repertoire/{name}", sample=sample(name, subject=subject))
            for name, subject in (("x", "S2"), ("y", "S1"), ("z", "S2"))]  # fmt: skip
    monkeypatch.setattr(repertoire, "plan", lambda study: jobs)
    planned = overlap.plan(SimpleNamespace())
    assert [(job.unit, job.folder, job.needs) for job in planned] == [
        ("S1", f"overlap/{safe_name('S1')}", ("repertoire/y", "template_counting/all")),
        ("S2", f"overlap/{safe_name('S2')}", ("repertoire/x", "repertoire/z", "template_counting/all")),
    ]
