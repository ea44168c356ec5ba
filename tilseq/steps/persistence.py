"""Persistence: one job a subject, what the reference's clones hold of each other sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
                    },
                )
            )
    return jobs


def run(job: Job, folder: Path) -> None:
    """Write persistence and its endpoints for every sample of the subject that is not a reference."""
    import polars as pl

    from tilseq.endpoints.rows import endpoint
    from tilseq.errors import AnalysisError
    from tilseq.io.write import write_parquet
    from tilseq.repertoire.persistence import persistence
    from tilseq.tables.outputs import ENDPOINTS, PERSISTENCE

    reference, samples = job.arguments["reference"], job.arguments["samples"]
    clones = {"/".join(path.parts[-3:-1]): pl.read_parquet(path) for path in needed(job, folder, "clonotypes")}
    references: dict[str, list[pl.DataFrame]] = {}
    for need, table in clones.items():
        if samples[need]["specimen"] == reference:
            references.setdefault(samples[need]["assay"], []).append(table)
    frames, rows = [PERSISTENCE.frame()], []
    for need, table in clones.items():
        sample = samples[need]
        if sample["specimen"] == reference:
            continue
        if sample["assay"] not in references:
            raise AnalysisError(f"no {reference} of {job.unit} could be read", column="assay", found=sample["assay"])
        held = persistence(
            table,
            pl.concat(references[sample["assay"]]),
            sample=sample["sample"],
            n_effective=_effective_numbers(table, sample["cells"]),
        )
        frames.append(held)
        rows += [
            endpoint(
                sample,
                PARAMETERS[row["measure"]],
                row["value"],
                qualifiers={"locus": row["locus"], "reference": reference},
                lower=row["lower"],
                upper=row["upper"],
                interval_method="Clopper-Pearson on effective cells",
                n=row["n_effective"],
                method="key: nucleotide junction",
            )
            for row in held.iter_rows(named=True)
        ]
    write_parquet(pl.concat(frames), PERSISTENCE, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)


def _effective_numbers(clones: pl.DataFrame, cells: float | None) -> dict[str, float | None]:
    """Return the effective number of cells of each locus of one sample."""
    import polars as pl

    from tilseq.repertoire.persistence import effective_number

    sums = clones.group_by("locus").agg(pl.col("duplicate_count").sum(), pl.col("count_of").first())
    return {locus: effective_number(counts, count_of, cells) for locus, counts, count_of in sums.iter_rows()}
