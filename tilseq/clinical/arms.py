"""Shares of subjects over everybody and over each arm where there are several, with exact limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tilseq.intervals import clopper_pearson
from tilseq.tables import as_polars
from tilseq.tables.summaries import SUMMARIES

EVERYBODY = "all"
EXACT = "Clopper-Pearson, exact"


def members_by_arm(names: pl.Series, subjects: Any = None) -> Iterator[tuple[str, list[str]]]:
    """Yield `all` with every name, and, where these are of two arms or more, ``arm=name`` with those of each.

    Parameters
    ----------
    names
        Subjects.
    subjects
        Columns `subject` and `arm`; None, or a table without arms, is no arm at all.
    """
    own = names.unique().sort()
    yield EVERYBODY, own.to_list()
    frame = None if subjects is None else as_polars(subjects)
    if frame is None or "arm" not in frame.columns:
        return
    arms = frame.filter(pl.col("arm").is_not_null()).select("subject", "arm")
    if arms["arm"].n_unique() < 2:
        return
    for (arm,), part in sorted(arms.partition_by("arm", as_dict=True).items()):
        yield f"arm={arm}", own.filter(own.is_in(part["subject"].to_list())).to_list()


def with_exact_limits(rows: list[dict[str, Any]], level: float = 0.95) -> pl.DataFrame:
    """Return rows of table `summaries` with their share and its limits; none where nobody is in the denominator."""
    lower, upper = clopper_pearson([row["numerator"] for row in rows], [row["denominator"] for row in rows], level)
    for row, low, high in zip(rows, lower.tolist(), upper.tolist(), strict=True):
        if row["denominator"]:
            row |= {"estimate": row["numerator"] / row["denominator"], "lower": low, "upper": high}
    return SUMMARIES.frame(rows)
