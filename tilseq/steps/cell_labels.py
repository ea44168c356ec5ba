"""Labels of single cells by the infusion product: one job a subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import contamination, tracking
from tilseq.steps.cells_behind import known_cells
from tilseq.steps.job import Job, needed, read_needed
from tilseq.steps.receptor_subjects import by_subject, in_time, subject_job
from tilseq.steps.reference import (
    NEVER_INFUSED,
    PRODUCT,
    failed_of,
    failed_references,
    infusions_of,
    lots_without_library,
    of_another_subject,
    parts_of,
    quality_row,
    why_no_reference,
)
from tilseq.steps.repertoire import count_of
from tilseq.steps.template_counting import after_counting, miscounted

if TYPE_CHECKING:
    import polars as pl

    from tilseq.repertoire import ProductLot
    from tilseq.study import Study

STEP = "cell_labels"
LOTS = "lots of the product"  # a check


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a T-cell receptor sample of the product and another one."""
    first = tuple(job.folder for job in contamination.plan(study))
    tracked = {job.unit: job.folder for job in tracking.plan(study)}
    jobs = []
    subjects = by_subject(study)
    products = {subject: [job.folder for job in needs if _of_product(job)] for subject, needs in subjects.items()}
    for subject, needs in subjects.items():
        of_t_cells = [job for job in needs if (job.sample or {})["assay"] == "tcr"]
        is_product = [_of_product(job) for job in of_t_cells]
        if any(is_product) and not all(is_product):
            failed = [row for row in failed_references(study, subject, PRODUCT) if row["assay"] == "tcr"]
            others = [folder for other, folders in products.items() if other != subject for folder in folders]
            further = {"reference": PRODUCT, "failed": failed, "infusions": infusions_of(study, subject)}
            job = subject_job(STEP, subject, of_t_cells, others=others, **further)
            known = (*others, *first, *filter(None, [tracked.get(subject)]))
            jobs.append(replace(job, needs=(*job.needs, *known)))
    return after_counting(subjects, jobs)


def _of_product(job: Job) -> bool:
    """Tell whether a job is of T-cell receptors of a product."""
    sample = job.sample or {}
    return (sample.get("assay"), sample.get("specimen")) == ("tcr", PRODUCT)


def run(job: Job, folder: Path) -> None:
    """Write the labels of the cells of each sample that is of single cells and not of the product, and their checks.

    Beside a label stands the origin of the cell's clone where the step `tracking` tells the subject's.

    A sample is held against the lots that had been infused when it was taken. Where a library of them left no
    clonotypes, or holds another subject's (see the step `contamination`), there are no labels: cells of its clones
    would be told not to be in the product. Nor are there of a sample of another subject, or of a subject that was
    never infused.

    How often a template of DNA is counted is what the step `template_counting` tells, where that is sure; else it is
    learnt from the products of all subjects together.
    """
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.io.write import write_parquet
    from tilseq.repertoire import cell_labels, label_checks
    from tilseq.repertoire.cell_labels import unsure_templates
    from tilseq.repertoire.depth import share_cells
    from tilseq.tables.cell_labels import CELL_LABELS
    from tilseq.tables.outputs import QUALITY

    samples = job.arguments["samples"]
    every = read_needed(job, folder, "clonotypes")
    read = {need: table for need, table in every.items() if need in samples}
    others = [every[need] for need in job.arguments["others"] if need in every]
    alike = [table for table in others if count_of(table) == "templates"]
    cells = {need: pl.read_parquet(path) for need, path in needed(job, folder, "cells").items() if need in samples}
    strange = of_another_subject(job, folder)
    read = {need: table for need, table in read.items() if samples[need]["sample"] not in strange}
    tables = {samples[need]["sample"]: one for need, one in read.items()}
    counting = miscounted(job, folder)
    behind = known_cells(list(samples.values()), tables, counting)
    depth = {name: share_cells(behind.filter(sample=name)) for name in tables}
    counted = dict(behind.select("sample", "count_of").iter_rows())
    labels, quality = [CELL_LABELS.frame()], [QUALITY.frame()]
    for need in sorted(cells, key=lambda need: in_time(samples[need])):
        sample = samples[need]
        if sample["specimen"] == PRODUCT or not cells[need].height:
            continue
        parts = parts_of(job, sample)
        never = None if job.arguments["infusions"] else NEVER_INFUSED
        lost = strange.get(sample["sample"]) or never or why_no_reference(job, sample, parts, read)
        if lost:
            quality.append(QUALITY.frame([quality_row(sample, "warn" if lost == never else "fail", lost, LOTS)]))
            continue
        lots = [_lot(samples[part]["sample"], read[part], depth, counted, cells.get(part)) for part in parts]
        try:
            found = cell_labels(cells[need], lots, miscounted=counting, alike=alike)
        except AnalysisError as error:  # such as a lot of another locus: one sample does not stop the others
            quality.append(QUALITY.frame([quality_row(sample, "fail", str(error), LOTS)]))
            continue
        labels.append(found)
        quality.append(label_checks(found, unsure=unsure_templates(lots, counting or {})))
        quality.append(QUALITY.frame(list(_lots_missing(job, sample))))
    write_parquet(_with_origins(job, folder, pl.concat(labels)), CELL_LABELS, folder)
    write_parquet(pl.concat(quality), QUALITY, folder)


def _lots_missing(job: Job, sample: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the checks that warn of libraries of the product that failed, and of infused lots that have none."""
    if missing := failed_of(job, sample):
        reason = f"{', '.join(missing)} of the product failed and is left out: too few cells are in the product"
        yield quality_row(sample, "warn", reason, LOTS)
    if unread := lots_without_library(job, sample):
        reason = f"lot {', '.join(unread)} was infused and has no library: too few cells are in the product"
        yield quality_row(sample, "warn", reason, "lots sequenced, cells")


def _with_origins(job: Job, folder: Path, labels: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    from tilseq.repertoire.cell_origins import with_origins
    from tilseq.tables.tracking import ORIGINS

    paths = list(needed(job, folder, ORIGINS.name).values())
    return with_origins(labels, pl.read_parquet(paths[0])) if paths else labels


def _lot(
    name: str,
    table: pl.DataFrame,
    depth: Mapping[str, Mapping[str, Any]],
    counted: Mapping[str, str],
    cells: pl.DataFrame | None,
) -> ProductLot:
    from tilseq.repertoire import ProductLot

    return ProductLot(name, table, depth.get(name, {}), cells, counted.get(name, "unknown"))
