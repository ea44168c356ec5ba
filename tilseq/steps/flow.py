"""Flow: one job a tube."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job, only_path, sample_jobs

if TYPE_CHECKING:
    import polars as pl

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

    return sample_jobs(study, STEP, study.available("flow"), arguments)


def run(job: Job, folder: Path) -> None:
    """Gate one tube and write its counts, cuts, endpoints, quality, exclusions and gate figure."""
    import polars as pl

    from tilseq.flow.counts import count
    from tilseq.flow.gating import gate
    from tilseq.io.fcs import read_fcs
    from tilseq.io.write import write_parquet
    from tilseq.plots.flow import gates
    from tilseq.plots.style import save
    from tilseq.tables.outputs import COUNTS, CUTS, ENDPOINTS, EXCLUSIONS, QUALITY

    sample = job.sample or {}
    tube = read_fcs(only_path(job), data_set=_data_set(sample["member"]))
    gating = gate(
        tube, sample=job.unit, aliases=job.arguments["aliases"], thresholds=job.arguments["thresholds"] or None
    )
    counts = count(gating)
    write_parquet(counts, COUNTS, folder)
    write_parquet(gating.cuts, CUTS, folder)
    write_parquet(ENDPOINTS.frame(_endpoints(sample, counts)), ENDPOINTS, folder)
    write_parquet(gating.quality, QUALITY, folder)
    write_parquet(gating.exclusions.with_columns(file=pl.lit(sample["path"])), EXCLUSIONS, folder)
    save(gates(gating), folder / "figures", "gates")


def _data_set(member: str | None) -> int:
    from tilseq.errors import AnalysisError
    from tilseq.study.model import data_set_of

    number = data_set_of(member)
    if number is None:
        expected = "the number of a data set of the FCS file, from 0"
        raise AnalysisError("no data set", file="samples.csv", column="member", found=member, expected=expected)
    return number


def _endpoints(sample: Mapping[str, Any], counts: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the share of every population in its parent and the ratio of CD4 to CD8, each with what it can tell."""
    from tilseq.endpoints.rows import endpoint
    from tilseq.flow.counts import cd4_cd8_ratio
    from tilseq.flow.quality import LEAST_QUANTIFIED

    method = f"{{}} of {LEAST_QUANTIFIED} events or more quantified, fewer detected only (ICCS)"
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
            **_certainty(row),
            method=method.format("population"),
        )
        for row in counts.iter_rows(named=True)
        if row["parent"] is not None
    ]
    ratio = cd4_cd8_ratio(counts)
    rows.append(
        endpoint(
            sample,
            "cd4_cd8_ratio",
            ratio.value,
            lower=ratio.lower,
            upper=ratio.upper,
            interval_method="binomial, counting only",
            n=ratio.n,
            status=ratio.status,
            method=method.format("both"),
        )
    )
    return rows


def _certainty(row: Mapping[str, Any]) -> dict[str, str | None]:
    """Return status and value_text of a share: what was not seen is below its upper limit, not 0."""
    from tilseq.flow.counts import status_of

    if row["percent_of_parent"] is None:
        return {"status": "not_evaluable", "value_text": None}
    status = status_of(row["events"])
    return {"status": status, "value_text": f"< {row['upper']:.3g} %" if status == "not_detected" else None}
