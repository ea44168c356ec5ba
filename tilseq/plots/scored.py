"""Scores of gene sets brought together with the samples they are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.expression.sample_design import check_has, days_of
from tilseq.plots.rows import needing
from tilseq.tables import as_polars

SCORE_COLUMNS = ("sample", "set", "value")


def chosen_scores(scores: Any, method: str | None = None) -> pl.DataFrame:
    """Return `sample, set, value` of one method, `value` null where it is missing.

    Parameters
    ----------
    scores
        Table `scores` or `sample_scores`, polars or pandas.
    method
        Which, where the table holds several in its column `method`.

    Raises
    ------
    AnalysisError
        A column is absent, there are several methods and none is chosen, no row of the one chosen, or a sample and set
        stand twice.
    """
    rows = needing(scores, SCORE_COLUMNS)
    methods = rows["method"].drop_nulls().unique().sort().to_list() if "method" in rows.columns else []
    if method is not None and method not in methods:
        raise AnalysisError("no score is of this method", found=method, mend=did_you_mean(method, methods))
    if method is None and len(methods) > 1:
        raise AnalysisError("the table holds several methods", found=", ".join(methods), mend="choose one with method=")
    rows = rows.filter(pl.col("method") == method) if method is not None else rows
    if rows.select("sample", "set").is_duplicated().any():
        raise AnalysisError("a sample and set stand twice", mend="give one row each sample and set")
    value = pl.col("value").cast(pl.Float64)
    return rows.select("sample", "set", pl.when(value.is_finite()).then(value))


def scored_samples(
    scores: Any,
    design: Any,
    *,
    by: Sequence[str],
    sets: Sequence[str] | None = None,
    method: str | None = None,
) -> pl.DataFrame:
    """Return each sample of a design with its score of each set, null where it has none.

    Parameters
    ----------
    scores
        As of `chosen_scores`. Samples that the design does not hold are not looked at.
    design
        One row a sample: `sample` and the columns of `by`, polars or pandas.
    by
        Columns that name a row of the figure, such as `subject, visit`: one sample each.
    sets
        Which sets; by default all, by name.
    method
        As of `chosen_scores`.

    Returns
    -------
    polars.DataFrame
        Columns of the design, `set` and `value`, in the order of the design.

    Raises
    ------
    AnalysisError
        As `chosen_scores`; the design lacks a column or a value, or has two samples where one can be drawn; there is no
        such set, or no sample of the design has a score.
    """
    values = chosen_scores(scores, method)
    samples = _checked(design, by)
    names = sorted(values["set"].unique().to_list())
    for name in sets or ():
        if name not in names:
            raise AnalysisError("no score is of this set", found=name, mend=did_you_mean(name, names))
    chosen = pl.DataFrame({"set": list(sets or names)}, schema={"set": pl.String})
    found = samples.join(chosen, how="cross").join(values, on=["sample", "set"], how="left", maintain_order="left")
    if not found["value"].count():
        raise AnalysisError("nothing to draw: no sample of the design has a score")
    return found


def _checked(design: Any, by: Sequence[str]) -> pl.DataFrame:
    samples = as_polars(design)
    check_has(samples, "sample", *by)
    samples = samples.with_columns(pl.col(name).cast(pl.String) for name in ("sample", *by)).drop(
        "set", "value", strict=False
    )
    for name in ("sample", *by):
        missing = samples[name].is_null().arg_true()
        if missing.len():
            raise AnalysisError("the design lacks a value", row=missing[0] + 2, column=name)
    twins = samples.filter(samples.select(by).is_duplicated()).sort(*by)
    if twins.height:
        pair = twins.head(2)
        differ = [name for name in samples.columns if name != "sample" and pair[name].n_unique() > 1]
        raise AnalysisError(
            f"two samples are of {' '.join(pair.select(by).row(0))}",
            found=" and ".join(pair["sample"]),
            expected="one, as one can be drawn",
            mend=f"choose one level of {' or '.join(differ)}" if differ else "choose one of them",
        )
    return samples


def in_order(samples: pl.DataFrame, visits: Sequence[str] | None) -> list[str]:
    """Return the visits to draw in their order: as given, or by their first day, else as they stand in the design."""
    known = samples["visit"].unique(maintain_order=True).to_list()
    for visit in visits or ():
        if visit not in known:
            raise AnalysisError("no sample is of this visit", found=visit, mend=did_you_mean(visit, known))
    if visits:
        return list(visits)
    if "day" not in samples.columns:
        return known
    known_days = samples.with_columns(days_of(samples["day"]))
    days = known_days.group_by("visit", maintain_order=True).agg(pl.col("day").min())
    return days.sort("day", nulls_last=False, maintain_order=True)["visit"].to_list()
