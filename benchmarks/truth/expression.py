"""Single cells: scores of gene sets beside the programmes that were planted; a score has a scale of its own."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from benchmarks.programmes import AXIS_OF
from benchmarks.truth import Run


def scored(run: Run) -> pl.DataFrame:
    """Return each set's score of a sample of single cells beside the mean true level of its programme in all cells."""
    found = run.of("signature_score").select("subject", "sample", "set", "value", "status")
    frames = []
    for sample in found["sample"].unique(maintain_order=True):
        levels = run.truth(f"cells/{sample}.csv.gz").select(pl.col(list(AXIS_OF)).mean())
        frames.append(levels.unpivot(variable_name="programme", value_name="truth").with_columns(sample=pl.lit(sample)))
    truth = pl.concat(frames).with_columns(set=pl.col("programme").replace_strict(AXIS_OF))
    return found.join(truth, on=["sample", "set"]).with_columns(trial=pl.lit(run.study.name))


def table(rows: pl.DataFrame) -> list[str]:
    """Return the lines of a table: how far scores and true levels go together within subjects."""
    lines = [
        "| programme (gene set) | subjects | samples | no number | rank correlation within a subject, mean (95 %) |",
        "|-|-|-|-|-|",
    ]
    for (programme, name), part in rows.group_by("programme", "set", maintain_order=True):
        told = part.drop_nulls("value")
        each = [
            spearmanr(own["value"], own["truth"]).statistic
            for _, own in told.group_by("trial", "subject")
            if own.height > 2
        ]
        each = [value for value in each if np.isfinite(value)]
        half = 1.96 * np.std(each, ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan
        mean = f"{np.mean(each):+.2f} ({np.mean(each) - half:+.2f} to {np.mean(each) + half:+.2f})" if each else ""
        lines.append(f"| {programme} (`{name}`) | {len(each)} | {part.height} | {part.height - told.height} | {mean} |")
    return lines
