"""Tumour markers of each subject, and CA-125 by GCIG's criteria."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.report.clinic import signed
from tilseq.report.results import Results
from tilseq.report.view import Cell, Head, View, count, filled, text
from tilseq.report.words import number, recorded
from tilseq.tables import Row
from tilseq.tables.tumor_marker_course import CHECK_UNIT, LEWIS_NEGATIVE, NO_UPPER_LIMIT


def courses(results: Results) -> View:
    """Return the course of each marker of each subject: before treatment, lowest since, last; those of the panel."""
    table = results.tables["marker_courses"].filter("in_panel", "used")
    heads = [Head("Subject"), Head("Marker"), Head("Upper limit", numeric=True), Head("Before", "day", True)]
    heads += [Head("Lowest since", "day", True), Head("Change", "% of before", True), Head("Last", "day", True)]
    heads += [Head("Normalised", "first day", True), Head("Note")]
    rows = [
        _course(subject, test, own.sort("day").to_dicts())
        for (subject, test), own in table.group_by("subject", "test", maintain_order=True)
    ]
    told = "No tumour marker of a panel was recorded."
    empty = results.nothing("marker_courses", told, needs=("clinical/tumor_markers.csv",))
    return filled(View("Tumour markers", heads, rows, empty, "tables/marker_courses.csv"))


def others(results: Results) -> str:
    """Return which markers of no panel of the tumour were recorded, a sentence; empty without one."""
    table = results.tables["marker_courses"].filter("used", ~pl.col("in_panel"))
    told = [f"{test} ({rows:,})" for test, rows in table["test"].value_counts().sort("test").iter_rows()]
    return f"Of no panel of the tumour, in tables/marker_courses.csv alone: {', '.join(told)}." if told else ""


def ca125(results: Results) -> View:
    """Return CA-125 response and progression of subjects with ovarian cancer."""
    heads = [
        Head("Subject"),
        Head("Category"),
        Head("Response"),
        Head("Day", numeric=True),
        Head("Progression", "rule"),
    ]
    heads += [Head("Day", numeric=True), Head("Why")]
    rows = [
        [
            Cell(row["subject"], kind="name"),
            text(row["category"]),
            text(row["response"]),
            count(row["response_day"]),
            text(row["progression"]),
            count(row["progression_day"]),
            text(row["reason"], "prose"),
        ]
        for row in results.tables["gcig"].iter_rows(named=True)
    ]
    empty = results.nothing("gcig", "No subject has ovarian cancer.")
    return View("CA-125 by GCIG’s criteria, exploratory", heads, rows, empty, "tables/gcig.csv")


def _course(subject: Any, test: Any, rows: list[Row]) -> list[Cell]:
    """Return one row: of the assay of the last record, so that no two assays are held against one another."""
    last = rows[-1]
    own = [row for row in rows if row["assay"] == last["assay"]]
    before = next((row for row in own if row["day"] == last["baseline_day"]), None)
    since = [row for row in own if before is None or row["day"] > before["day"]]
    lowest = min(since, key=lambda row: (_height(row), row["day"]), default=None)
    normal = next((row["day"] for row in own if row["normalised"]), None)
    change = None if lowest is None else lowest["change_pct"]
    assays = {row["assay"] for row in rows}
    told = [f"{len(assays)} assays, of which the last stands here"] if len(assays) > 1 else []
    told += [part for part in (last["reason"] or "").split("; ") if part in (LEWIS_NEGATIVE, NO_UPPER_LIMIT)]
    parts = {part for row in own for part in (row["reason"] or "").split("; ")}
    told += sorted(part for part in parts if part.endswith(CHECK_UNIT))
    return [
        Cell(f"{subject}", kind="name"),
        Cell(f"{test}"),
        Cell(recorded(last["upper_limit"]), note=last["unit"] or "", kind="number"),
        *(_result(row) for row in (before, lowest)),
        Cell("–" if change is None else signed(change), kind="number"),
        _result(last),
        count(normal),
        text("; ".join(told) or None, "prose"),
    ]


def _height(row: Row) -> float:
    """Return where a result lies; one beyond a limit at that limit."""
    return float(row["limit_value"] if row["value"] is None else row["value"])


def _result(row: Row | None) -> Cell:
    """Return a result as it was written, with its multiple of the upper limit and its day."""
    if row is None:
        return Cell("–", kind="missing")
    times = [] if row["times_uln"] is None else [f"{number(row['times_uln'], 2)} × ULN"]
    told = (part.replace(" ", "\N{NO-BREAK SPACE}") for part in [*times, f"day {number(row['day'])}"])
    return Cell(row["value_text"].strip(), note=", ".join(told), kind="number")
