"""Kinetics of a series: what its parameters would be if each of its days were known without error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.truth import Run, numbers, words
from benchmarks.truth.flow import infused_truth, specimens

END = 28
COMPARED = ("peak", "day_of_peak", "auc_0_28", "auc_0_last", "half_life")


def series_truths(run: Run, masses: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield a series' name and its true value on each day that was measured: `subject, day, value, status, truth`.

    `masses` has `sample, mass, mass_new`, the true shares of the clones that product and baseline show.
    """
    per_ul = specimens(run).filter(population="CD3+")
    columns = ["subject", "day", "value", "status", "truth"]
    infused = infused_truth(run)
    zero = pl.DataFrame({"day": [0], "value": [0.0], "status": ["not_detected"], "truth": [0.0]})
    for name, of in (("infused_share_of_cd3", "infused_share"), ("infused_cells_per_ul", "infused_per_ul")):
        known = run.of(name).join(infused, on="sample").with_columns(truth=of).select(columns)
        yield name, pl.concat([known, known.select("subject").unique().join(zero, how="cross").select(columns)])
    of_cd3 = per_ul.select("sample", truth="per_ul")
    counted = run.of("cells_per_ul").filter(pl.col("sample").str.ends_with("_flow"), population="CD3+")
    yield "cells_per_ul", counted.join(of_cd3, on="sample").filter(pl.col("day") >= 0).select(columns)
    for name in ("mass", "mass_new"):
        found = run.of(f"persistence_{name}").filter(
            pl.col("sample").str.ends_with("_tcr"), locus="TRB", specimen="blood"
        )
        found = found.join(masses, on="sample")
        found = found.filter(pl.col("day") >= 0).with_columns(truth=name)
        yield f"persistence_{name}", found.select(columns)
        if name == "mass_new":
            tubes = of_cd3.select(pl.col("sample").str.replace("_flow", "_tcr"), per_ul="truth")
            both = found.join(tubes, on="sample").with_columns(truth=pl.col("truth") * pl.col("per_ul"))
            yield "persistence_cells_per_ul", both.select(columns)


def compare(run: Run, masses: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the numbers of kinetics: those of the true values on the days measured, by the rules of the docs."""
    for name, series in series_truths(run, masses):
        truths = []
        for (subject,), course in series.sort("day").group_by("subject", maintain_order=True):
            told = _parameters(course["day"].to_numpy(), course["truth"].to_numpy(), course["status"].to_numpy())
            truths += [(subject, f"{name}_{part}", value) for part, value in told.items()]
        truth = pl.DataFrame(
            truths, schema={"subject": pl.String, "parameter": pl.String, "truth": pl.Float64}, orient="row"
        )
        # a half-life that is told of a course that does not truly fall has no truth, and counts as such
        own = pl.col("population") == "CD3+" if name == "cells_per_ul" else pl.col("locus").fill_null("TRB") == "TRB"
        rows = run.endpoints().filter(own).join(truth, on=["subject", "parameter"], how="left")
        rows = rows.filter(pl.col("parameter").is_in([f"{name}_{part}" for part in COMPARED]))
        rows = rows.filter(pl.col("truth").is_not_null() | pl.col("value").is_not_null())
        for (parameter,), part in rows.group_by("parameter", maintain_order=True):
            scale = "points" if "day_of_peak" in str(parameter) else "ratio"
            yield numbers(run, f"kinetics: {parameter}", part, scale=scale, place="subject")
    yield from _whole_courses(run)


def _whole_courses(run: Run) -> Iterator[pl.DataFrame]:
    """Yield areas of infused cells beside those of the true course on all days of blood.

    The tubes that tell of infused cells begin with day 14, and their areas with 0 on day 0.
    """
    course = run.truth("infused_mass.csv").filter(pl.col("day") >= 0, measure="infused_share")
    course = course.with_columns(sample=pl.format("{}_{}_flow", "subject", "visit"))
    course = course.join(specimens(run).filter(population="CD3+").select("sample", "per_ul"), on="sample").sort("day")
    per_ul = pl.col("value") * pl.col("per_ul")
    for name, of in (("infused_share_of_cd3", pl.col("value")), ("infused_cells_per_ul", per_ul)):
        days = course.with_columns(truth=of).group_by("subject", maintain_order=True)
        areas = {
            subject: _area(own["day"].to_numpy().astype(float), own["truth"].to_numpy(), END)
            for (subject,), own in days
            if own["day"][-1] >= END
        }
        truth = pl.DataFrame(list(areas.items()), schema={"subject": pl.String, "truth": pl.Float64}, orient="row")
        rows = run.of(f"{name}_auc_0_28").join(truth, on="subject")
        yield numbers(run, f"kinetics: {name}_auc_0_28, beside all days of blood", rows, place="subject")


def compare_losses(run: Run, masses: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the words of loss: lost within the days measured or not, beside whether any is truly left on the last."""
    for name, series in series_truths(run, masses):
        last = series.sort("day").group_by("subject").agg(pl.col("truth").last())
        found = run.of(f"{name}_time_to_loss").filter(pl.col("status") != "not_evaluable").join(last, on="subject")
        told = pl.when(pl.col("status") == "above_range").then(pl.lit("still there")).otherwise(pl.lit("lost"))
        true = pl.when(pl.col("truth") > 0).then(pl.lit("still there")).otherwise(pl.lit("lost"))
        yield words(run, f"kinetics: {name}_time_to_loss", found.with_columns(told=told, truth=true))


def _parameters(days: np.ndarray, truth: np.ndarray, statuses: np.ndarray) -> dict[str, float]:
    """Return the parameters of a course, by plain loops."""
    inside = days >= 0
    days, truth, statuses = days[inside].astype(float), truth[inside], statuses[inside]
    if not len(days):
        return {}
    top = int(np.argmax(truth))
    told = {"peak": truth[top], "day_of_peak": days[top]}
    quantified = statuses == "quantified"
    if len(days) > 2 and days[0] == 0 and days[-1] >= END:
        told["auc_0_28"] = _area(days, truth, END)
    if quantified.any() and days[0] == 0:
        told["auc_0_last"] = _area(days, truth, days[quantified][-1])
    later = quantified & (days > days[top]) & (truth > 0)
    if later.sum() > 2:
        slope = np.polyfit(days[later], np.log(truth[later]), 1)[0]
        if slope < 0:
            told["half_life"] = np.log(2) / -slope
    return told


def _area(days: np.ndarray, values: np.ndarray, end: float) -> float:
    """Return the area from day 0, straight where the course rises and exponential where it falls."""
    total = 0.0
    for place in range(1, len(days)):
        start, stop, a, b = days[place - 1], days[place], values[place - 1], values[place]
        if start >= end:
            break
        if stop > end:
            way = (end - start) / (stop - start)
            b = a * (b / a) ** way if b < a else a + way * (b - a)
            stop = end
        height = (a + b) / 2 if b >= a else (a - b) / np.log(a / b) if b > 0 else 0.0
        total += height * (stop - start)
    return float(total)
