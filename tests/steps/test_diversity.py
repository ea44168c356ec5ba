from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tilseq.errors import TilseqError
from tilseq.repertoire.observed import Observed
from tilseq.repertoire.spectrum import spectrum
from tilseq.steps import diversity, diversity_over_study, repertoire
from tilseq.steps.cells_behind import cells_behind
from tilseq.steps.job import Job

# The worked example of vegan's rarefy and iNEXT: 100 cells of 11 clones.
Y = [45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1]


def named(counts):
    """Return junctions of like length, one a count."""
    return {"".join("ACGT"[int(d)] for d in np.base_repr(i, 4).zfill(6)): n for i, n in enumerate(counts) if n}


@pytest.fixture
def run(tmp_path, sample, write_clones, monkeypatch):
    """Return a function that runs the jobs of samples up to the diversity of their subjects and of the study."""

    def run(draw=False, **of_samples):
        if not draw:
            monkeypatch.setattr(diversity, "draw_diversity", lambda *parts: None)
        rows = {}
        for name, (counts, cells) in of_samples.items():
            path = tmp_path / f"{name}.tsv"
            told = {} if "count" in cells else {"count_of": "templates"}
            write_clones(path, named(counts), count=cells.pop("count", "duplicate_count"))
            row = sample(name, path=f"raw/{name}.tsv", **{"assay": "tcr", **told, **cells})
            arguments = {"dialect": None, "locus": None, "least_yield": 0.05}
            job = Job("repertoire", name, f"repertoire/{name}", paths=(str(path),), sample=row, arguments=arguments)
            try:
                repertoire.run(job, tmp_path / "work" / job.folder)
            except TilseqError:
                assert not counts
            rows[job.folder] = row
        subjects = {row["subject"] for row in rows.values()}
        jobs = []
        for subject in sorted(subjects):
            own = {folder: row for folder, row in rows.items() if row["subject"] == subject}
            jobs.append(Job("diversity", subject, f"diversity/{subject}", needs=tuple(own), arguments={"samples": own}))
            diversity.run(jobs[-1], tmp_path / "work" / "diversity" / subject)
        folders = [tmp_path / "work" / job.folder for job in jobs]
        if len(jobs) > 1:
            arguments = {"samples": {row["sample"]: row for row in rows.values()}}
            needs = tuple(job.folder for job in jobs)
            whole = Job(
                "diversity_over_study", "all subjects", "diversity_over_study/all", needs=needs, arguments=arguments
            )
            folders.append(tmp_path / "work" / whole.folder)
            diversity_over_study.run(whole, folders[-1])
        return [{path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")} for folder in folders], folders

    return run


def test_each_sample_has_its_depth_and_its_indices(run):
    (tables,), _ = run(a=({0: 90, 1: 10}.values(), {}), b=([3], {"day": 1}))
    assert tables["depth"].select("sample", "counts", "cells_from", "n_effective", "counting").rows() == [
        ("a", 100, "templates", 100, "once"),
        ("b", 3, "templates", 3, "once"),
    ]
    richness = tables["endpoints"].filter(parameter="richness", sample="a").row(0, named=True)
    assert [richness[name] for name in ("value", "n", "status", "qualifier", "method")] == [
        *(2, 100, "quantified", "locus=TRB"),
        "key: nucleotide junction; counts: templates",
    ]
    # an index that is not there has no method of limits
    row = tables["endpoints"].filter(parameter="clonality", sample="b").row(0, named=True)
    assert (row["value"], row["status"], row["interval_method"]) == (None, "not_evaluable", None)


def test_how_templates_are_counted_the_libraries_of_a_subject_tell_together(run):
    # 5,000 cells, most of a clone of their own: of each 20 templates 3 are missed and 3 counted twice
    rng = np.random.default_rng(9)
    cells = np.concatenate([np.ones(3_400, int), np.full(60, 10), np.full(10, 100)])
    dna = {"count": "duplicate_count", "count_of": "templates"}
    visits = {}
    for day, name in enumerate("abc"):
        missed = rng.binomial(cells, 0.15)
        counts = cells - missed + rng.binomial(cells - missed, 0.15 / 0.85)
        visits[name] = rng.permutation(counts), {"day": day, "cells": 20_000.0}
    (tables,), _ = run(**{name: (counts, dna | told) for name, (counts, told) in visits.items()})
    depth = tables["depth"]
    assert depth["counting"].to_list() == ["twice"] * 3 and depth["cells"].to_list() == [20_000] * 3
    assert (depth["counts"] / depth["n_effective"]).to_list() == pytest.approx([1.3] * 3, abs=0.03)
    # each by itself tells something else
    alone = {run(**{name: (one, dna | told)})[0][0]["depth"]["n_effective"][0] for name, (one, told) in visits.items()}
    assert len(alone | set(depth["n_effective"])) > 3


def test_counts_of_unknown_meaning_are_not_laid_at_a_common_depth(run):
    told = {"count": "duplicate_count", "cells": 5_000.0}
    many = [9 * n for n in Y]
    of_reads = told | {"day": 2, "count_of": "reads"}
    (tables,), _ = run(a=(many, dict(told)), b=(many, told | {"day": 1}), c=(many, of_reads))
    assert tables["depth"]["counting"].to_list() == [None, None, "drawn"]
    assert set(tables["rarefaction"]["sample"]) == {"c"}
    coverage = tables["diversity"].filter(parameter="coverage")
    assert [value is None for value in coverage["value"]] == [True, True, False]
    assert not tables["diversity"]["parameter"].str.contains("_at_").any()
    why = "have counts of unknown meaning, so that how often a cell was counted is not known; say what they count"
    reasons = tables["quality"].filter(pl.col("check") == "values at a common depth, TRB").select("sample", "reason")
    assert reasons.rows() == [(name, f"clones of TRB {why}; none are given") for name in "ab"]


def test_samples_stand_at_the_cells_of_the_least(run):
    (tables,), (folder,) = run(True, a=([2 * n for n in Y], {}), b=(Y, {"day": 84, "visit": "D84"}))
    at = tables["diversity"].filter(parameter="richness_at_n")
    assert at.select("sample", "depth", "over").rows() == [("a", 100, "subject"), ("b", 100, "subject")]
    assert at["value"].to_list()[1] == 11
    rows = tables["endpoints"].filter(parameter="richness_at_n", sample="b").row(0, named=True)
    assert (rows["qualifier"], rows["scope"], rows["value"], rows["n"]) == ("locus=TRB;over=subject", "cohort", 11, 100)
    assert "at 100 cells, in reach of all the subject's libraries; cells: templates" in rows["method"]
    assert {path.name.split("-")[0] for path in (folder / "figures").glob("*.png")} == {
        "Hill_profile_TRB",
        "ranks_TRB",
        "rarefaction_TRB",
    }
    assert set(tables["rarefaction"]["sample"]) == set(tables["hill_profile"]["sample"]) == {"a", "b"}


def test_a_sample_of_few_or_unknown_cells_does_not_set_the_depth(run):
    (tables,), _ = run(
        a=(Y, {}), b=(Y, {"day": 1}), few=([60, 39], {"day": 2}), reads=(Y, {"count": "duplicate_count", "day": 3})
    )
    assert set(tables["diversity"].filter(over="subject")["sample"]) == {"a", "b"}
    assert tables["quality"].select("sample", "verdict", "reason").rows() == [
        ("few", "pass", "TRB has 99 effective cells, too few, so that none are given"),
        ("reads", "pass", "the cells behind the counts of TRB are not known, so that none are given"),
    ]


def test_a_sample_of_a_coverage_that_is_hardly_known_has_no_values_at_one(run):
    counts = {"a": Y, "b": Y, "sparse": [1] * 116 + [2] * 2}
    cells = {"count": "duplicate_count", "count_of": "cells"}
    (tables,), _ = run(**{name: (each, cells | {"day": day}) for day, (name, each) in enumerate(counts.items())})
    at = tables["diversity"].filter(pl.col("at_coverage").is_not_null())
    assert set(at["sample"]) == {"a", "b"} and set(tables["diversity"]["sample"]) == {"a", "b", "sparse"}
    assert tables["quality"].select("sample", "check", "verdict").rows() == [
        ("sparse", "values at a common coverage, TRB", "pass")
    ]
    assert tables["quality"]["reason"][0].startswith("its coverage of TRB is not known to half of it")


def test_counted_cells_and_libraries_have_each_their_own_depth():
    sizes = {"bulk": 4000, "more": 3000, "cells": 200, "few": 120}
    spectra = {name: {"TRB": Observed(spectrum(np.array([n // 2, n // 2])), n)} for name, n in sizes.items()}
    kinds = ("templates", "declared", "counted", "counted")
    cells = pl.DataFrame({"sample": list(sizes), "locus": ["TRB"] * 4, "cells_from": kinds})
    common = diversity.at_common_depth(spectra, cells, "subject").filter(parameter="richness_at_n")
    assert dict(common.select("sample", "depth").iter_rows()) == {"bulk": 3000, "more": 3000, "cells": 120, "few": 120}
    assert diversity.at_common_depth({}, cells, "subject").is_empty()


def test_one_sample_has_no_depth_in_common(run):
    (tables,), _ = run(a=(Y, {}))
    assert tables["diversity"]["over"].null_count() == tables["diversity"].height > 0
    assert tables["rarefaction"].height


def test_samples_without_a_clonotype_take_no_part(run):
    (tables,), (folder,) = run(True, a=([], {}))
    assert all(table.is_empty() for table in tables.values())
    assert not (folder / "figures").exists()


def test_over_the_study(run):
    (*_, tables), _ = run(
        a=([2 * n for n in Y], {}), b=([3 * n for n in Y], {"subject": "S2"}), c=(Y, {"subject": "S3"})
    )
    at = tables["diversity"].filter(parameter="hill_q2_at_n")
    assert at.select("sample", "depth", "over").rows() == [(name, 100, "study") for name in "abc"]
    assert tables["endpoints"].filter(parameter="hill_q2_at_n")["qualifier"].unique().to_list() == [
        "locus=TRB;over=study"
    ]


def library(rng, share, cells, reads):
    """Return reads of so many cells."""
    return rng.multinomial(reads, rng.multinomial(cells, share) / cells)


SHARE = 1 / np.arange(1, 301)
SHARE /= SHARE.sum()


def test_replicates_tell_the_cells_of_reads(run):
    rng = np.random.default_rng(5)
    one, two, other = (library(rng, SHARE, 2_000, 60_000) for _ in range(3))
    reads = {"count": "duplicate_count", "count_of": "reads"}
    (tables,), _ = run(
        a1=(one, {"replicate": "1", **reads}),
        a2=(two, {"replicate": "2", **reads}),
        b=(other, {"specimen": "tumor", **reads}),
    )
    rows = tables["depth"].rows_by_key("sample", named=True, unique=True)
    sources = {name: row["cells_from"] for name, row in rows.items()}
    assert sources == {"a1": "replicates", "a2": "replicates", "b": "not_known"}
    assert rows["a1"]["cells_lower"] < 2_000 < rows["a1"]["cells_upper"]
    assert set(tables["diversity"].filter(over="subject")["sample"]) == {"a1", "a2"}


def test_a_pair_tells_cells_only_where_nothing_else_does(run):
    rng = np.random.default_rng(6)
    one, two, three = (library(rng, SHARE, 2_000, 60_000) for _ in range(3))
    reads = {"count": "duplicate_count", "count_of": "reads"}
    found, _ = run(
        a=(one, reads | {"day": 0}),
        b=(two, reads | {"day": 7}),
        known=(three, reads | {"day": 28, "cells": 2_000.0}),
        other=(Y, {"subject": "S2"}),
        more=(Y, {"subject": "S2", "day": 1}),
    )
    depth = found[0]["depth"]
    assert depth.select("sample", "cells_from").rows() == [("a", "pair"), ("b", "pair"), ("known", "declared")]
    assert depth["cells_lower"][0] < 2_000 and depth["cells_upper"].to_list() == [None] * 3
    assert set(found[0]["diversity"].filter(over="subject")["sample"]) == {"a", "b", "known"}
    assert set(found[2]["diversity"]["sample"]) == {"known", "other", "more"}  # a pair does not set a study's depth


def test_of_two_pairs_the_lower(sample):
    rng = np.random.default_rng(7)
    clones = {}
    for name, cells in (("a", 4_000), ("b", 4_000), ("c", 1_500)):
        counts = named(library(rng, SHARE, cells, 60_000))
        clones[name] = pl.DataFrame({"junction": list(counts), "duplicate_count": list(counts.values())}).with_columns(
            locus=pl.lit("TRB"), count_of=pl.lit("reads"), cells_of_locus=pl.lit(None, pl.Int64)
        )
    rows = [sample(name, assay="tcr", day=day) for day, name in enumerate("abc")]
    cells = dict(cells_behind(rows, clones).select("sample", "cells").iter_rows())
    assert cells["b"] == cells["c"] < cells["a"]


def test_jobs(monkeypatch, sample):
    jobs = [Job("repertoire", name, f"repertoire/{name}", sample=sample(name, subject=subject))
            for name, subject in (("x", "s2"), ("y", "s1"), ("z", "s2"))]  # fmt: skip
    monkeypatch.setattr(repertoire, "plan", lambda study: jobs)
    planned = diversity.plan(SimpleNamespace())
    assert [(job.step, job.folder, job.needs) for job in planned] == [
        ("diversity", "diversity/s1", ("repertoire/y", "template_counting/all")),
        ("diversity", "diversity/s2", ("repertoire/x", "repertoire/z", "template_counting/all")),
    ]
    (whole,) = diversity_over_study.plan(SimpleNamespace())
    assert (whole.folder, whole.needs) == ("diversity_over_study/all", ("diversity/s1", "diversity/s2"))
    assert set(whole.arguments["samples"]) == {"x", "y", "z"}
    monkeypatch.setattr(repertoire, "plan", lambda study: jobs[:1])
    assert diversity_over_study.plan(SimpleNamespace()) == []
