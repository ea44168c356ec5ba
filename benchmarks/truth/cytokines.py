"""Bead arrays: concentrations in plasma and how they change from before treatment."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from benchmarks.truth import Run, numbers

BELOW = ("not_detected", "detected_below_loq")


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the numbers of bead arrays, analyte by analyte."""
    plasma = (
        run.truth("wells.csv")
        .filter(pl.col("sample").is_not_null())
        .group_by("sample", "analyte")
        .agg(truth=pl.col("plasma_pg_per_ml").cast(pl.Float64).mean())
    )
    levels = run.table("cytokine_levels").filter("used")
    limits = levels.select("sample", "analyte", "fold_lower", "fold_upper", "baseline_sample", limit="limit_pg_per_ml")
    rows = run.of("cytokine_pg_per_ml").join(plasma, on=["sample", "analyte"])
    rows = rows.join(limits, on=["sample", "analyte"], how="left")
    for (analyte,), part in rows.group_by("analyte", maintain_order=True):
        yield numbers(run, f"bead array: {analyte}, pg/mL", part)
    beyond = rows.filter(pl.col("status").is_in([*BELOW, "above_range"])).with_columns(
        lower=pl.when(status="above_range").then("limit"), upper=pl.when(pl.col("status").is_in(BELOW)).then("limit")
    )
    yield numbers(run, "bead array: out of range, beside the limit, pg/mL", beyond)
    before = plasma.rename({"sample": "baseline_sample", "truth": "before"})
    folds = run.of("cytokine_fold_from_baseline").join(limits, on=["sample", "analyte"])
    folds = folds.join(plasma, on=["sample", "analyte"]).join(before, on=["baseline_sample", "analyte"])
    folds = folds.with_columns(truth=pl.col("truth") / pl.col("before")).drop("limit")
    yield numbers(run, "bead array: fold from baseline", folds.filter(status="quantified"))
    beyond = folds.filter(pl.col("status").is_in([*BELOW, "above_range"]))
    beyond = beyond.with_columns(lower="fold_lower", upper="fold_upper")
    yield numbers(run, "bead array: fold from baseline, at least or at most", beyond)
    unknown = folds.filter(status="not_evaluable")
    yield numbers(run, "bead array: fold from baseline, not told", unknown)
