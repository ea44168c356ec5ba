"""Expression: one job a sample, which may be a part of a shared h5ad."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job, sample_jobs

if TYPE_CHECKING:
    from anndata import AnnData

    from tilseq.study import Study

STEP = "expression"


def plan(study: Study) -> list[Job]:
    """Return one job for each single-cell sample with an h5ad."""
    gene_sets = study.settings.analysis.expression.gene_sets
    jobs = sample_jobs(study, STEP, study.available("scrna"), lambda sample: {"gene_sets": gene_sets is not None})
    if gene_sets is None:
        return jobs
    return [replace(job, paths=(*job.paths, str(study.root / gene_sets))) for job in jobs]


def run(job: Job, folder: Path) -> None:
    """Score the gene sets on one sample's cells and write scores, endpoints, quality and exclusions."""
    from tilseq.endpoints.rows import endpoint
    from tilseq.expression.scores import score, summarise
    from tilseq.expression.signatures import load_signatures, read_gmt
    from tilseq.io.h5ad import read_h5ad
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, QUALITY, SCORES

    sample = job.sample or {}
    cells = _member(read_h5ad(job.paths[0]), sample["member"])
    sets = read_gmt(job.paths[-1]) if job.arguments["gene_sets"] else load_signatures()
    scored = score(cells.X, list(cells.var_names), sets)
    scores = summarise(scored, [job.unit] * cells.n_obs)
    rows = [
        endpoint(
            sample,
            "signature_score",
            row["value"],
            qualifiers={"set": row["set"]},
            n=row["n"],
            method=f"{row['genes_found']} of {row['genes_listed']} genes",
        )
        for row in scores.iter_rows(named=True)
    ]
    quality: list[dict[str, Any]] = [
        {"sample": job.unit, "check": f"coverage of {row['set']}", "verdict": "warn", "reason": row["reason"]}
        | {"value": row["genes_found"] / max(row["genes_listed"], 1), "limit": "at least half of the genes"}
        for row in scored.coverage.iter_rows(named=True)
        if row["reason"] is not None
    ]
    unread = job.paths[1 : len(job.paths) - job.arguments["gene_sets"]]
    if unread:
        names = ", ".join(Path(path).name for path in unread)
        quality.append({"sample": job.unit, "check": "files", "verdict": "warn", "reason": f"not read: {names}"})
    empty = int((~scored.scored).sum())
    excluded = [{"sample": job.unit, "file": sample["path"], "rule": "cell without counts", "rows": empty}]
    write_parquet(scores, SCORES, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)
    write_parquet(QUALITY.frame(quality), QUALITY, folder)
    write_parquet(EXCLUSIONS.frame(excluded if empty else []), EXCLUSIONS, folder)


def _member(cells: AnnData, member: str | None) -> Any:
    """Return the cells of one `column=value` of obs, or all.

    Raises
    ------
    AnalysisError
        The column does not exist, or no cell has the value.
    """
    from tilseq.errors import AnalysisError, did_you_mean

    if member is None:
        return cells
    column, equals, value = member.partition("=")
    if not equals or column not in cells.obs:
        columns = [str(name) for name in cells.obs.columns]
        mend = did_you_mean(column, columns) or f"obs has {', '.join(columns)}"
        raise AnalysisError("no such column in obs", column="member", found=member, expected="column=value", mend=mend)
    values = cells.obs[column].astype(str)
    if not (values == value).any():
        known = sorted(set(values))
        mend = did_you_mean(value, known) or f"there are {', '.join(known[:10])}"
        raise AnalysisError("no cell of this member", column="member", found=member, mend=mend)
    return cells[(values == value).to_numpy()]
