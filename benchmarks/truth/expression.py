"""Single cells: scores of gene sets beside the programmes that were planted; a score has a scale of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.special import stdtrit
from scipy.stats import spearmanr

from benchmarks.programmes import AXIS_OF
from benchmarks.truth import Run, words

OF_LEVEL = ["population", "subject", "visit", "set"]


def scored(run: Run) -> pl.DataFrame:
    """Return each set's score of a sample of single cells beside the mean true level of its programme in all cells."""
    found = run.of("signature_score").select("subject", "sample", "set", "value", "status")
    frames = []
    for sample in found["sample"].unique(maintain_order=True):
        levels = run.truth(f"cells/{sample}.csv.gz").select(pl.col(list(AXIS_OF)).mean())
        frames.append(levels.unpivot(variable_name="programme", value_name="truth").with_columns(sample=pl.lit(sample)))
    truth = pl.concat(frames).with_columns(set=pl.col("programme").replace_strict(AXIS_OF))
    return found.join(truth, on=["sample", "set"]).with_columns(trial=pl.lit(run.study.name))


def compare_words(run: Run) -> Iterator[pl.DataFrame]:
    """Yield which way gene sets go between visits, where their limits leave 0 out, beside the planted programmes.

    The truth is the mean over subjects of the difference of the programme's mean level: in the cells of each bulk
    library, and in the CD4 and CD8 T cells of each library of single cells, by their true lineage.
    """
    told = run.table("enrichment").filter(
        pl.col("set").is_in(list(AXIS_OF.values())), (pl.col("lower") > 0) | (pl.col("upper") < 0), method="sign_flip"
    )
    told = told.with_columns(
        told=pl.when(pl.col("log2_fold_change") > 0).then(pl.lit("up")).otherwise(pl.lit("down")),
        level=pl.col("contrast").str.extract("^visit:([^/]*)/"),
        reference=pl.col("contrast").str.extract("/([^/]*)$"),
    )
    levels = pl.concat([_of_bulk(run), *_of_cells(run)])
    before = levels.rename({"visit": "reference", "mean": "before"})
    pairs = levels.rename({"visit": "level"}).join(before, on=["population", "subject", "set"])
    change = pairs.group_by("population", "level", "reference", "set").agg(
        change=(pl.col("mean") - pl.col("before")).mean()
    )
    true = change.with_columns(truth=pl.when(pl.col("change") > 0).then(pl.lit("up")).otherwise(pl.lit("down")))
    rows = told.join(true, on=["population", "level", "reference", "set"]).with_columns(subject=pl.lit("all"))
    for (population,), part in rows.sort("population", "contrast", "set").group_by("population", maintain_order=True):
        yield words(run, f"gene sets of {population}: up or down between visits", part, "contrast")


def _of_bulk(run: Run) -> pl.DataFrame:
    """Return `population, subject, visit, set, mean`: mean levels of programmes, lots of a product alike."""
    levels = run.truth("programmes.csv").join(run.samples().select("sample", "subject", "visit"), on="sample")
    levels = levels.with_columns(set=pl.col("programme").replace_strict(AXIS_OF), population=pl.lit("bulk RNA"))
    return levels.group_by(OF_LEVEL).agg(mean=pl.col("mean_level").mean()).sort(OF_LEVEL)


def _of_cells(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the same of the T cells of each library of single cells, the cells of several lots together."""
    samples = run.samples().filter(assay="scrna")
    cells = pl.concat(
        run.truth(f"cells/{sample}.csv.gz").select("lineage", *AXIS_OF, subject=pl.lit(subject), visit=pl.lit(visit))
        for sample, subject, visit in samples.select("sample", "subject", "visit").rows()
    )
    for lineage in ("CD4", "CD8"):
        levels = cells.filter(lineage=lineage).group_by("subject", "visit").agg(pl.col(list(AXIS_OF)).mean())
        long = levels.unpivot(index=["subject", "visit"], variable_name="programme", value_name="mean")
        long = long.with_columns(
            set=pl.col("programme").replace_strict(AXIS_OF), population=pl.lit(f"{lineage} T cells")
        )
        yield long.select(*OF_LEVEL, "mean").sort(OF_LEVEL)


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
        freedom = len(each) - 1
        half = stdtrit(freedom, 0.975) * np.std(each, ddof=1) / np.sqrt(len(each)) if freedom > 0 else np.nan
        mean = f"{np.mean(each):+.2f} ({np.mean(each) - half:+.2f} to {np.mean(each) + half:+.2f})" if each else ""
        lines.append(f"| {programme} (`{name}`) | {len(each)} | {part.height} | {part.height - told.height} | {mean} |")
    return lines
