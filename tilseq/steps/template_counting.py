"""How often templates of DNA are counted: one job a study, over the libraries of all subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.steps import repertoire
from tilseq.steps.job import Job, needed
from tilseq.steps.receptor_subjects import by_subject

if TYPE_CHECKING:
    from tilseq.repertoire.miscounting import Miscounting
    from tilseq.study import Study

STEP = "template_counting"


def plan(study: Study) -> list[Job]:
    """Return one job over all receptor samples, none where samples.csv says that none counts templates."""
    return _job_over(by_subject(study))


def after_counting(subjects: Mapping[str, Sequence[Job]], jobs: Sequence[Job]) -> list[Job]:
    """Return jobs that wait for the one of this step, if there is one.

    Parameters
    ----------
    subjects
        Subject → jobs of the step `repertoire`, as `by_subject` gives them.
    jobs
        Of another step.
    """
    first = tuple(job.folder for job in _job_over(subjects))
    return [replace(job, needs=job.needs + first) for job in jobs]


def _job_over(subjects: Mapping[str, Sequence[Job]]) -> list[Job]:
    jobs = [job for of_subject in subjects.values() for job in of_subject]
    needs = tuple(job.folder for job in jobs if (job.sample or {})["count_of"] in (None, "templates"))
    return [Job(step=STEP, unit="all subjects", folder=f"{STEP}/all", needs=needs)] if needs else []


def run(job: Job, folder: Path) -> None:
    """Write how often templates of each locus are counted. A sample whose own job failed takes no part."""
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.receptors import CLONE
    from tilseq.repertoire.depth import miscounted_templates
    from tilseq.tables.repertoire import TEMPLATE_COUNTING

    told = partial(pl.read_parquet, columns=["count_of"], n_rows=1)
    paths = [
        path for path in needed(job, folder, "clonotypes").values() if repertoire.count_of(told(path)) == "templates"
    ]
    found = miscounted_templates(pl.read_parquet(path, columns=[*CLONE, "duplicate_count"]) for path in paths)
    rows = [
        {"locus": locus, "variance": how.variance, "counting": _law(how), "sure": how.sure, "libraries": how.libraries}
        for locus, how in sorted(found.items())
    ]
    write_parquet(rows, TEMPLATE_COUNTING, folder)


def _law(how: Miscounting) -> str:
    if not how.variance:
        return "once"
    return "twice" if how.twice else "drawn"


def miscounted(job: Job, folder: Path) -> dict[str, Miscounting] | None:
    """Return locus → how often templates are counted, None where the job of this step left nothing."""
    import polars as pl

    from tilseq.repertoire.miscounting import Miscounting
    from tilseq.tables.repertoire import TEMPLATE_COUNTING

    for path in needed(job, folder, TEMPLATE_COUNTING.name).values():
        rows = pl.read_parquet(path).iter_rows(named=True)
        return {
            row["locus"]: Miscounting(row["variance"], row["counting"] == "twice", row["sure"], row["libraries"])
            for row in rows
        }
    return None
