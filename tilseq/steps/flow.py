"""Flow: one job a tube."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job, only_path, sample_jobs

if TYPE_CHECKING:
    from tilseq.study import Study

STEP = "flow"


def plan(study: Study) -> list[Job]:
    """Return one job for each tube that holds cells of a subject."""
    settings = study.settings

    def arguments(sample: dict[str, Any]) -> dict[str, Any]:
        panel = settings.panels.get(sample["panel"]) if sample["panel"] else None
        return {
            "aliases": dict(panel.markers) if panel else {},
            "thresholds": {
                **settings.analysis.flow.thresholds,
                **(panel.thresholds if panel else {}),
                **settings.analysis.flow.sample_thresholds.get(sample["sample"], {}),
            },
        }

    tubes = [sample for sample in study.available("flow") if sample["role"] in (None, "sample")]
    return sample_jobs(study, STEP, tubes, arguments)


def run(job: Job, folder: Path) -> None:
    """Gate one tube and write its counts, cuts, endpoints, quality, exclusions and gate figure."""
    import polars as pl

    from tilseq.endpoints.rows import endpoint
    from tilseq.flow.counts import cd4_cd8_ratio, count
    from tilseq.flow.gating import gate
    from tilseq.io.fcs import read_fcs
    from tilseq.io.write import write_parquet
    from tilseq.plots.flow import gates
    from tilseq.plots.style import save
    from tilseq.tables.outputs import COUNTS, CUTS, ENDPOINTS, EXCLUSIONS, QUALITY

    sample = job.sample or {}
    tube = read_fcs(only_path(job), data_set=int(sample["member"] or 0))
    gating = gate(
        tube, sample=job.unit, aliases=job.arguments["aliases"], thresholds=job.arguments["thresholds"] or None
    )
    counts = count(gating)
    rows = [
        endpoint(
            sample,
            "percent_of_parent",
            row["percent_of_parent"],
            qualifiers={"population": row["population"], "parent": row["parent"]},
            lower=row["lower"],
            upper=row["upper"],
            interval_method="Clopper-Pearson, counting only",
            n=row["parent_events"],
        )
        for row in counts.iter_rows(named=True)
        if row["parent"] is not None
    ]
    ratio, lower, upper, n = cd4_cd8_ratio(counts)
    rows.append(
        endpoint(
            sample,
            "cd4_cd8_ratio",
            ratio,
            lower=lower,
            upper=upper,
            interval_method="binomial, counting only",
            n=n,
        )
    )
    write_parquet(counts, COUNTS, folder)
    write_parquet(gating.cuts, CUTS, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)
    write_parquet(gating.quality, QUALITY, folder)
    write_parquet(gating.exclusions.with_columns(file=pl.lit(sample["path"])), EXCLUSIONS, folder)
    save(gates(gating), folder / "figures", "gates")
