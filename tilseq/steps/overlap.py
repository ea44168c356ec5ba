"""Overlap and use of genes: one job a subject, over all of its receptor samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.steps.job import Job, needed
from tilseq.steps.receptor_subjects import by_subject, in_time, subject_job
from tilseq.steps.template_counting import after_counting, miscounted

if TYPE_CHECKING:
    from tilseq.study import Study

STEP = "overlap"
KEY = "junction"


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a receptor sample."""
    subjects = by_subject(study)
    return after_counting(subjects, [subject_job(STEP, subject, needs) for subject, needs in subjects.items()])


def run(job: Job, folder: Path) -> None:
    """Write the overlap of each pair of the subject's samples, and their use of genes and lengths.

    Samples stand in the order of their days, on the cells that they or their replicates tell. One whose own job failed,
    or left no clonotype, takes no part: its own `failures` or `quality` tells why.
    """
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.repertoire.overlap import overlap
    from tilseq.repertoire.usage import usage, usage_divergence
    from tilseq.steps.cells_behind import known_cells
    from tilseq.tables.repertoire import OVERLAP, USAGE

    read = needed(job, folder, "clonotypes")
    samples = sorted((row for need, row in job.arguments["samples"].items() if need in read), key=in_time)
    paths = {job.arguments["samples"][need]["sample"]: path for need, path in read.items()}
    tables = {row["sample"]: pl.read_parquet(paths[row["sample"]]) for row in samples}
    cells = known_cells(samples, tables, miscounted(job, folder))
    effective = {name: dict(cells.filter(sample=name).select("locus", "n_effective").iter_rows()) for name in tables}
    used = pl.concat(
        [USAGE.frame(), *(usage(table, sample=name, n_effective=effective[name]) for name, table in tables.items())]
    )
    shared = overlap(tables, key=KEY, n_effective=effective)
    write_parquet(pl.concat([shared, usage_divergence(used)]), OVERLAP, folder)
    write_parquet(used, USAGE, folder)
