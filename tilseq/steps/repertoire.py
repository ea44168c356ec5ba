"""Repertoire: one job a clonotype table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job, only_path, sample_jobs

if TYPE_CHECKING:
    from tilseq.study import Study

STEP = "repertoire"


def plan(study: Study) -> list[Job]:
    """Return one job for each T- or B-cell receptor sample."""

    def arguments(sample: dict[str, Any]) -> dict[str, Any]:
        return {"dialect": sample["format"], "locus": sample["locus"] or study.settings.analysis.repertoire.locus}

    return sample_jobs(study, STEP, study.available("tcr") + study.available("bcr"), arguments)


def run(job: Job, folder: Path) -> None:
    """Read one clonotype table and write its clones, diversity, endpoints, quality and exclusions."""
    import polars as pl

    from tilseq.endpoints.rows import endpoint
    from tilseq.io.clonotypes import read_clonotypes
    from tilseq.io.write import write_parquet, write_with
    from tilseq.repertoire.diversity import diversity
    from tilseq.tables.outputs import DIVERSITY, ENDPOINTS, EXCLUSIONS, QUALITY

    sample = job.sample or {}
    clonotypes = read_clonotypes(only_path(job), dialect=job.arguments["dialect"], locus=job.arguments["locus"])
    indices = diversity(clonotypes.table, sample=job.unit, count_of=clonotypes.count_of)
    rows = [
        endpoint(
            sample,
            row["parameter"],
            row["value"],
            qualifiers={"locus": row["locus"]},
            lower=row["lower"],
            upper=row["upper"],
            interval_method="analytic, sampling only",
            n=row["n"],
            method=f"key: nucleotide junction; counts: {clonotypes.count_of}",
        )
        for row in indices.iter_rows(named=True)
    ]
    quality = [
        {"sample": job.unit, "check": f"input {number}", "verdict": "warn", "reason": warning}
        for number, warning in enumerate(clonotypes.warnings, start=1)
    ]
    clones = clonotypes.table.with_columns(pl.lit(clonotypes.count_of).alias("count_of"))
    write_with(folder / "clonotypes.parquet", lambda stream: clones.write_parquet(stream))
    write_parquet(indices, DIVERSITY, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)
    write_parquet(QUALITY.frame(quality), QUALITY, folder)
    excluded = clonotypes.exclusions.with_columns(sample=pl.lit(job.unit), file=pl.lit(sample["path"]))
    write_parquet(excluded, EXCLUSIONS, folder)
