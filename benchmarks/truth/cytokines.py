"""Bead arrays: concentrations in plasma and how they change from before treatment."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from benchmarks.truth import Run, numbers


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the numbers of bead arrays, analyte by analyte."""
    plasma = (
        run.truth("wells.csv")
        .filter(pl.col("sample").is_not_null())
        .group_by("sample", "analyte")
        .agg(truth=pl.col("plasma_pg_per_ml").cast(pl.Float64).mean())
    )
    limits = run.table("cytokine_levels").select("sample", "analyte", limit="limit_pg_per_ml")
    rows = run.of("cytokine_pg_per_ml").join(plasma, on=["sample", "analyte"])
    rows = rows.join(limits, on=["sample", "analyte"], how="left")
    for (analyte,), part in rows.group_by("analyte", maintain_order=True):
        yield numbers(run, f"bead array: {analyte}, pg/mL", part)
    based = run.table("cytokine_levels").select("sample", "analyte", "baseline_sample")
    folds = run.of("cytokine_fold_from_baseline").join(based, on=["sample", "analyte"])
    before = plasma.rename({"sample": "baseline_sample", "truth": "before"})
    folds = folds.join(plasma, on=["sample", "analyte"]).join(before, on=["baseline_sample", "analyte"])
    folds = folds.with_columns(truth=pl.col("truth") / pl.col("before"))
    yield numbers(run, "bead array: fold from baseline", folds)
