"""Single cells by their expression: one job a sample, which cells are kept and what T cells they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.counted_cells import with_files_beside
from tilseq.steps.job import Job, sample_jobs
from tilseq.steps.sex import sex_checks, sex_recorded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tilseq.expression.cell_quality import CellQuality
    from tilseq.study import Study

STEP = "cell_expression"
LEAST_KEPT = 0.5  # of a sample's cells, below which it warns: limits may not suit a file of few genes
FEWEST_KEPT = 10  # cells, below which it warns: as of few cells no sum is taken, the mean of their scores tells little


def plan(study: Study) -> list[Job]:
    """Return one job for each single-cell sample with counts."""
    settings = study.settings.analysis.expression
    names = ("layer", "least_counts", "least_genes", "most_percent_mitochondrial")
    arguments = {name: getattr(settings, name) for name in names}
    jobs = sample_jobs(study, STEP, study.available("scrna"), lambda sample: arguments | sex_recorded(study, sample))
    return list(map(with_files_beside, jobs))


def run(job: Job, folder: Path) -> None:
    """Write each cell of the sample with its quality and type, the limits it was held to, and who was left out."""
    import polars as pl

    from tilseq.expression.cell_quality import QualityRules, cell_quality
    from tilseq.io.write import write_parquet
    from tilseq.steps.counted_cells import counted_cells
    from tilseq.tables.outputs import EXCLUSIONS, QUALITY
    from tilseq.tables.single_cells import CELL_EXPRESSION, QUALITY_LIMITS

    sample = job.sample or {}
    given = {name: value for name, value in job.arguments.items() if name != "sex"}
    cells, told = counted_cells(job.paths[0], member=sample["member"], layer=given.pop("layer"))
    genes = list(map(str, cells.var_names))
    names = list(map(str, cells.obs_names))
    judged = cell_quality(cells.X, genes, [job.unit] * cells.n_obs, names, rules=QualityRules(**given))
    types, untyped = _types(job.unit, cells.X, genes, judged.kept)
    typed = pl.DataFrame({"cell_id": names, "cell_type": types}, schema_overrides={"cell_id": pl.String})
    table = judged.table.drop("cell_type").join(typed, on="cell_id", how="left", maintain_order="left")
    left_out = judged.dropped.with_columns(file=pl.lit(sample["path"]))
    write_parquet(table.select(judged.table.columns), CELL_EXPRESSION, folder)
    write_parquet(judged.limits, QUALITY_LIMITS, folder)
    write_parquet(left_out.to_dicts(), EXCLUSIONS, folder)
    of_file = [{"sample": job.unit, "check": "reading of cells", "verdict": "pass", "reason": "; ".join(told)}]
    checks = [_kept(job.unit, judged), *untyped, *(of_file if told else [])]
    checks += sex_checks(job, genes, cells.X)
    write_parquet(checks, QUALITY, folder)


def _types(
    sample: str, counts: Any, genes: list[str], kept: NDArray[np.bool_]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the type of each cell; of data without the genes of CD4 and CD8 all are unclear, with a warning.

    The kept cells alone tell what a class has of a gene: empty drops, of an unfiltered matrix, would drown them.
    """
    import numpy as np

    from tilseq.errors import AnalysisError
    from tilseq.expression.cell_types import call_cell_types

    types = np.full(len(kept), "unclear", dtype="U7")
    try:
        types[kept] = call_cell_types(counts[kept], genes).types
        return types.tolist(), []
    except AnalysisError as error:
        reason = f"all cells are unclear: {error}"
        warning = {"sample": sample, "check": "cell types", "verdict": "warn", "reason": reason}
        return types.tolist(), [warning]


def _kept(sample: str, judged: CellQuality) -> dict[str, Any]:
    """Return the check of how many cells are kept."""
    kept, every = int(judged.kept.sum()), len(judged.kept)
    share = kept / every if every else 0.0
    rules = "; ".join(f"{rule}: {rows}" for rule, rows in judged.dropped.select("rule", "rows").iter_rows())
    few = [f"fewer than {FEWEST_KEPT}: their scores tell little of the sample"] if kept < FEWEST_KEPT else []
    told = [f"{kept} of {every} cells kept" + (f" ({rules})" if rules else ""), *few, *judged.told]
    verdict = "warn" if share < LEAST_KEPT or few or judged.told else "pass"
    return {
        "sample": sample,
        "check": "cells kept",
        "value": share,
        "limit": f"at least {LEAST_KEPT:g} of the cells, and {FEWEST_KEPT}",
        "verdict": verdict,
        "reason": "; ".join(told),
    }
