"""Persistence: one job a subject, what the reference's clones hold of each other sample."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import repertoire
from tilseq.steps.job import Job, needed

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "persistence"
PARAMETERS = {"mass": "persistence_mass", "product_mass_kept": "product_mass_kept"}


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a reference sample and another one of the same assay."""
    from tilseq.study.names import safe_name

    reference = study.settings.analysis.repertoire.reference
    jobs = []
    of_subject: dict[str, list[Job]] = {}
    for job in repertoire.plan(study):
        of_subject.setdefault((job.sample or {})["subject"], []).append(job)
    for subject, needs in sorted(of_subject.items()):
        is_reference = [(job.sample or {})["specimen"] == reference for job in needs]
        if any(is_reference) and not all(is_reference):
            jobs.append(
                Job(
                    step=STEP,
                    unit=subject,
                    folder=f"{STEP}/{safe_name(subject)}",
                    needs=tuple(job.folder for job in needs),
                    arguments={
                        "reference": reference,
                        "samples": {job.folder: dict(job.sample or {}) for job in needs},
                        "failed": _failed_references(study, subject, reference),
                    },
                )
            )
    return jobs


def run(job: Job, folder: Path) -> None:
    """Write persistence and its endpoints for every sample of the subject that is not a reference.

    Raises
    ------
    AnalysisError
        A sample of the reference left no clonotypes, so that what the others hold of it would be told too low.
    """
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.io.write import write_parquet
    from tilseq.repertoire.cells import effective_numbers
    from tilseq.repertoire.persistence import persistence
    from tilseq.tables.outputs import ENDPOINTS, PERSISTENCE, QUALITY

    samples: dict[str, dict[str, Any]] = job.arguments["samples"]
    clones = {need: pl.read_parquet(path) for need, path in needed(job, folder, "clonotypes").items()}
    later = {need: sample for need, sample in samples.items() if sample["specimen"] != job.arguments["reference"]}
    assays = sorted({sample["assay"] for need, sample in later.items() if need in clones})
    references = {assay: _reference(job, clones, assay) for assay in assays}
    frames, rows, quality = [PERSISTENCE.frame()], [], []
    for need, sample in later.items():
        reference = references.get(sample["assay"])
        if need not in clones or reference is None:
            continue
        table = clones[need]
        try:
            effective = effective_numbers(table, _count_of(table), _cells(table, sample))
            held = persistence(table, reference, sample=sample["sample"], n_effective=effective)
        except AnalysisError as error:  # one sample that cannot be compared does not stop the others
            quality.append(_warning(sample, f"cannot be compared: {error}"))
            continue
        frames.append(held)
        rows += _endpoints(sample, held, job.arguments["reference"])
        failed = job.arguments["failed"].get(sample["assay"])
        if failed:
            reason = f"{', '.join(failed)} of the reference failed and is left out: the numbers are too low"
            quality.append(_warning(sample, reason))
    write_parquet(pl.concat(frames), PERSISTENCE, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)
    write_parquet(QUALITY.frame(quality), QUALITY, folder)


def _failed_references(study: Study, subject: str, reference: str) -> dict[str, list[str]]:
    """Return assay → samples of the reference that samples.csv itself calls failed."""
    import polars as pl

    rows = study.samples.filter(
        pl.col("role").fill_null("sample") == "sample", subject=subject, specimen=reference, status="failed"
    )
    return {assay: rows.filter(assay=assay)["sample"].to_list() for assay in repertoire.ASSAYS}


def _reference(job: Job, clones: Mapping[str, pl.DataFrame], assay: str) -> pl.DataFrame | None:
    """Return the clones of all samples of the reference together; None where none was measured by this assay."""
    from tilseq.errors import AnalysisError
    from tilseq.repertoire.persistence import pooled

    tables = []
    for need, sample in job.arguments["samples"].items():
        if sample["specimen"] != job.arguments["reference"] or sample["assay"] != assay:
            continue
        if need not in clones or clones[need].is_empty():
            raise AnalysisError(
                f"{sample['sample']} left no clonotypes; without this part of the reference "
                f"persistence in {job.unit} would be told too low",
                file=sample["path"],
                mend="mend its file; or write `failed` under its status to go on without it, with a warning",
            )
        tables.append((clones[need], _count_of(clones[need])))
    return pooled(tables) if tables else None


def _count_of(clones: pl.DataFrame) -> str:
    """Return what a table's counts count; of a table without rows nothing is known."""
    return str(clones["count_of"][0]) if clones.height else "unknown"


def _cells(clones: pl.DataFrame, sample: Mapping[str, Any]) -> dict[str, int] | float | None:
    """Return the distinct cells of each locus where cells were counted, else those that went into the library."""
    if _count_of(clones) == "cells":
        return dict(clones.select("locus", "cells_of_locus").unique().iter_rows())
    return repertoire.library_cells(sample)


def _warning(sample: Mapping[str, Any], reason: str) -> dict[str, Any]:
    return {"sample": sample["sample"], "check": "persistence", "verdict": "warn", "reason": reason}


def _endpoints(sample: Mapping[str, Any], held: pl.DataFrame, reference: str) -> list[dict[str, Any]]:
    """Return the endpoints of one sample; what is not seen is below the limit of detection, not 0."""
    from tilseq.endpoints.rows import endpoint

    return [
        endpoint(
            sample,
            PARAMETERS[row["measure"]],
            row["value"],
            qualifiers={"locus": row["locus"], "reference": reference},
            lower=row["lower"],
            upper=row["upper"],
            interval_method="Clopper-Pearson on effective cells",
            n=row["n_effective"],
            status="not_detected" if row["value"] == 0 else None,
            value_text="< limit of detection" if row["value"] == 0 else None,
            method="key: nucleotide junction",
        )
        for row in held.iter_rows(named=True)
    ]
