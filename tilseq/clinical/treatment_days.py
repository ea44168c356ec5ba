"""When treatment began, which sets the baseline, and which lesions were taken away for the product before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tilseq.clinical.treated import STARTS, infused_subjects
from tilseq.tables import Table, as_polars, conform, known_columns
from tilseq.tables.inputs import LESIONS, SUBJECTS

TREATMENT_DAYS = Table(
    "subjects",
    "Days that set the baseline.",
    tuple(c for c in SUBJECTS.columns if c.name in ("subject", "harvest_day", *STARTS)),
    key=("subject",),
)


def treatment_days(subjects: Any, infusions: Any = None) -> dict[str, tuple[int | None, int | None]]:
    """Return the day of harvest and the last day before treatment of each subject; None for who was never treated."""
    if subjects is None:
        return {}
    infused = infused_subjects(infusions)
    days: dict[str, tuple[int | None, int | None]] = {}
    for row in conform(known_columns(subjects, TREATMENT_DAYS), TREATMENT_DAYS).rows(named=True):
        starts = [row[name] for name in STARTS if row[name] is not None]
        treated = starts or infused is None or row["subject"] in infused
        days[row["subject"]] = (row["harvest_day"], min([0, *starts]) if treated else None)
    return days


def resection_days(days: Mapping[str, tuple[int | None, int | None]]) -> dict[str, int]:
    """Return the last day on which a lesion of each subject can have been resected for the product."""
    return {
        subject: max(day for day in (harvest, 0 if last is None else last) if day is not None)
        for subject, (harvest, last) in days.items()
    }


def resected_targets(lesions: Any, subjects: Any = None) -> pl.DataFrame:
    """Return the targets that were resected for the product, which no sum holds.

    Parameters
    ----------
    lesions, subjects
        As of `response`.

    Returns
    -------
    polars.DataFrame
        Columns `subject, reader, lesion`, one row a lesion.
    """
    table = conform(as_polars(lesions), LESIONS)
    last = resection_days(treatment_days(subjects))
    until = pl.col("subject").replace_strict(last, default=0, return_dtype=pl.Int64)
    taken = table.filter(pl.col("resected") & (pl.col("day") <= until), pl.col("role") == "target")
    return taken.select("subject", "reader", "lesion").unique(maintain_order=True)
