from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tilseq.repertoire.miscounting import Miscounting
from tilseq.steps import template_counting
from tilseq.steps.job import Job


@pytest.fixture
def planned(monkeypatch):
    """Return a function that plans a study: sample → what samples.csv says its counts are of."""

    def plan(**count_of):
        jobs = [
            Job("repertoire", name, f"repertoire/{name}", sample={"subject": name, "count_of": told})
            for name, told in count_of.items()
        ]
        monkeypatch.setattr(template_counting, "by_subject", lambda study: {job.unit: [job] for job in jobs})
        return template_counting.plan(SimpleNamespace())

    return plan


@pytest.fixture
def told(tmp_path):
    """Return a function that runs the job over libraries, name → (what is counted, counts), and gives what it left."""

    def run(**libraries):
        work = tmp_path / "work"
        for name, (count_of, counts) in libraries.items():
            counts = counts[counts > 0]
            (work / "repertoire" / name).mkdir(parents=True)
            junctions = [
                f"{np.base_repr(i, 4):0>9}".translate(str.maketrans("0123", "ACGT")) for i in range(len(counts))
            ]
            columns = {"locus": "TRB", "junction": junctions, "duplicate_count": counts, "count_of": count_of}
            pl.DataFrame(columns).write_parquet(work / "repertoire" / name / "clonotypes.parquet")
        needs = (*(f"repertoire/{name}" for name in libraries), "repertoire/failed")
        job = Job("template_counting", "all subjects", "template_counting/all", needs=needs)
        template_counting.run(job, work / job.folder)
        after = Job("diversity", "one", "diversity/one", needs=(*needs, job.folder))
        return template_counting.miscounted(after, work / after.folder)

    return run


def test_all_libraries_that_may_count_templates_are_read_by_one_job(planned):
    (job,) = planned(one="templates", two=None, three="umis")
    assert (job.folder, job.needs) == ("template_counting/all", ("repertoire/one", "repertoire/two"))
    assert planned(one="umis", two="reads") == []


@pytest.mark.parametrize(("count_of", "first"), [("templates", ("template_counting/all",)), ("umis", ())])
def test_other_jobs_wait_for_it(count_of, first):
    library = Job("repertoire", "one", "repertoire/one", sample={"subject": "S", "count_of": count_of})
    waiting = Job("overlap", "S", "overlap/S", needs=("repertoire/one",))
    (job,) = template_counting.after_counting({"S": [library]}, [waiting])
    assert job.needs == ("repertoire/one", *first)


def test_libraries_tell_together_what_none_tells_alone(told):
    """Half of a variance of 0.3 is missed, as many are counted twice; reads are not looked at."""
    rng = np.random.default_rng(9)
    cells = np.concatenate([np.ones(3_400, int), np.full(60, 10), np.full(10, 100)])
    libraries = {}
    for name in "abcdef":
        missed = rng.binomial(cells, 0.15)
        libraries[name] = "templates", cells - missed + rng.binomial(cells - missed, 0.15 / 0.85)
    how = told(**libraries, reads=("reads", 3 * cells))["TRB"]
    assert how.variance == pytest.approx(0.3, abs=0.03)
    assert how.twice and how.sure


def test_cells_counted_one_by_one_are_counted_once(told):
    """A third of the cells are of clones of their own, as naive cells are."""
    rng = np.random.default_rng(4)
    cells = [np.concatenate([np.ones(3_000, int), rng.poisson(rng.lognormal(0, 2, 1_000))]) for _ in range(6)]
    how = told(**{name: ("templates", one) for name, one in zip("abcdef", cells, strict=True)})
    assert how == {"TRB": Miscounting(0.0, False, True, 6)}


def test_libraries_of_few_clones_tell_nothing(told):
    assert told(one=("templates", np.ones(99, int)))["TRB"] == Miscounting(0.0, False, True, 0)


def test_without_templates_nothing_is_said_and_without_the_job_none(told, tmp_path):
    assert told(a=("reads", np.ones(200, int))) == {}
    alone = Job("diversity", "one", "diversity/one", needs=("template_counting/all",))
    assert template_counting.miscounted(alone, tmp_path / "elsewhere" / alone.folder) is None
