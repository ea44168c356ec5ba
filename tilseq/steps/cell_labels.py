"""Labels of single cells by the infusion product: one job a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.cells_behind import cells_behind
from tilseq.steps.job import Job, needed
from tilseq.steps.persistence import PRODUCT
from tilseq.steps.receptor_subjects import by_subject, in_time, subject_job
from tilseq.steps.reference import counts_for, failed_references, infusions_of

if TYPE_CHECKING:
    import polars as pl

    from tilseq.repertoire import ProductLot
    from tilseq.study import Study

STEP = "cell_labels"


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a T-cell receptor sample of the product and another one."""
    jobs = []
    for subject, needs in by_subject(study).items():
        of_t_cells = [job for job in needs if (job.sample or {})["assay"] == "tcr"]
        is_product = [(job.sample or {})["specimen"] == PRODUCT for job in of_t_cells]
        if any(is_product) and not all(is_product):
            failed = [row for row in failed_references(study, subject, PRODUCT) if row["assay"] == "tcr"]
            further = {"failed": failed, "infusions": infusions_of(study, subject)}
            jobs.append(subject_job(STEP, subject, of_t_cells, **further))
    return jobs


def run(job: Job, folder: Path) -> None:
    """Write the labels of the cells of each sample that is of single cells and not of the product, and their checks.

    A sample is held against the lots that had been infused when it was taken. Where a library of them left no
    clonotypes there are no labels: cells of its clones would be told not to be in the product.
    """
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.repertoire import cell_labels, label_checks
    from tilseq.tables.cell_labels import CELL_LABELS
    from tilseq.tables.outputs import QUALITY

    samples = job.arguments["samples"]
    read = {need: pl.read_parquet(path) for need, path in needed(job, folder, "clonotypes").items()}
    cells = {need: pl.read_parquet(path) for need, path in needed(job, folder, "cells").items()}
    depth = _depth(samples, read)
    labels, quality = [CELL_LABELS.frame()], [QUALITY.frame()]
    for need in sorted(cells, key=lambda need: in_time(samples[need])):
        sample = samples[need]
        if sample["specimen"] == PRODUCT or not cells[need].height:
            continue
        parts = _parts(job, sample)
        lost = _why_none(job, sample, parts, read)
        if lost:
            quality.append(QUALITY.frame([_told(sample, "fail", lost)]))
            continue
        lots = [_lot(samples[part]["sample"], read[part], depth, cells.get(part)) for part in parts]
        found = cell_labels(cells[need], lots)
        labels.append(found)
        quality.append(label_checks(found))
        missing = [row["sample"] for row in job.arguments["failed"] if _counts(job, sample, row["lot"])]
        if missing:
            reason = f"{', '.join(missing)} of the product failed and is left out: too few cells are in the product"
            quality.append(QUALITY.frame([_told(sample, "warn", reason)]))
    write_parquet(pl.concat(labels), CELL_LABELS, folder)
    write_parquet(pl.concat(quality), QUALITY, folder)


def _depth(samples: Mapping[str, Mapping[str, Any]], read: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, Any]]:
    """Return product sample → locus → effective cells; one estimated from a pair of samples is too low to serve."""
    of_product = [row for row in samples.values() if row["specimen"] == PRODUCT]
    found: dict[str, dict[str, Any]] = {}
    tables = {samples[need]["sample"]: table for need, table in read.items()}
    for row in cells_behind(of_product, tables).iter_rows(named=True):
        known = None if row["cells_from"] == "pair" else row["n_effective"]
        found.setdefault(row["sample"], {})[row["locus"]] = known
    return found


def _counts(job: Job, sample: Mapping[str, Any], lot: str | None) -> bool:
    return counts_for(sample, lot, job.arguments["infusions"])


def _parts(job: Job, sample: Mapping[str, Any]) -> list[str]:
    """Return the jobs of the product's libraries that a sample is held against."""
    return [
        need
        for need, row in job.arguments["samples"].items()
        if row["specimen"] == PRODUCT and _counts(job, sample, row["lot"])
    ]


def _why_none(job: Job, sample: Mapping[str, Any], parts: Sequence[str], read: Mapping[str, pl.DataFrame]) -> str:
    """Return why a sample's cells cannot be labelled, or nothing where they can."""
    lost = [job.arguments["samples"][part]["sample"] for part in parts if part not in read or not read[part].height]
    if lost:
        return (
            f"{', '.join(lost)} of the product left no clonotypes, so cells of its clones would not be told: mend its "
            "file, or write `failed` under its status to go on without it"
        )
    return "" if parts else f"no lot that was sampled had been infused by day {sample['day']}"


def _lot(
    name: str, table: pl.DataFrame, depth: Mapping[str, Mapping[str, Any]], cells: pl.DataFrame | None
) -> ProductLot:
    from tilseq.repertoire import ProductLot

    return ProductLot(name, table, depth.get(name, {}), cells)


def _told(sample: Mapping[str, Any], verdict: str, reason: str) -> dict[str, Any]:
    return {"sample": sample["sample"], "check": "lots of the product", "verdict": verdict, "reason": reason}
