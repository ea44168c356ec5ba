"""How a subject's response to a stimulus changes from before treatment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

# Rows alike in these are of one course.
COURSE = ("subject", "specimen", "lot", "lesion", "panel", "stimulus", "marker", "population")


def cytokine_changes(table: pl.DataFrame, starts: Mapping[str, int | None] | None = None) -> pl.DataFrame:
    """Return the table with the change of each difference from the subject's baseline.

    The baseline is the last visit before treatment with the same specimen (and lot or lesion), panel, stimulus,
    cytokine and population; it and the later visit must both be evaluable. The change is the difference of two
    differences, its limits joined by MOVER (Zou and Donner, Stat Med 2008;27:1693): other tubes, so independent. A day
    before treatment with several such pairs is no baseline.

    Parameters
    ----------
    table
        Table `intracellular`.
    starts
        Subject → day up to which a visit is before treatment; where it is not known, visits before day 0 are.

    Returns
    -------
    polars.DataFrame
        The table, with `baseline_visit`, `change_pct`, `change_lower` and `change_upper` where there is a baseline.
    """
    from tilseq.identifiers import days_by_subject
    from tilseq.tables.intracellular import INTRACELLULAR
    from tilseq.tables.schema import as_polars, conform

    rows = conform(as_polars(table), INTRACELLULAR).to_dicts()
    courses: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row["response"] != "not_evaluable" and row["day"] is not None:
            courses.setdefault(tuple(row[name] for name in COURSE), []).append(row)
    days = days_by_subject(starts, {row["subject"] for row in rows})
    for (subject, *_), course in courses.items():
        start = days.get(subject)
        baseline = _baseline(course, -1 if start is None else start)
        for row in course:
            if baseline is not None and row["day"] > baseline["day"]:
                row.update(_change(row, baseline))
    return INTRACELLULAR.frame(rows)


def _baseline(course: Sequence[dict[str, Any]], latest: int) -> dict[str, Any] | None:
    """Return the last row up to a day; None where there is none, or that day has several."""
    early = [row for row in course if row["day"] <= latest]
    last = [row for row in early if row["day"] == max(one["day"] for one in early)]
    return last[0] if len(last) == 1 else None


def _change(row: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
    change = row["difference_pct"] - baseline["difference_pct"]
    below = math.hypot(row["difference_pct"] - row["lower"], baseline["upper"] - baseline["difference_pct"])
    above = math.hypot(row["upper"] - row["difference_pct"], baseline["difference_pct"] - baseline["lower"])
    told = {"change_pct": change, "change_lower": change - below, "change_upper": change + above}
    return {"baseline_visit": baseline["visit"], **told}
