"""The response of each subject, as recorded and as derived from the lesions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tilseq.report.results import Results
from tilseq.report.view import Cell, Chip, Head, View, count, days_words, filled, measured, text
from tilseq.report.words import number
from tilseq.tables import Row

RESPONSE_STATES = {"CR": "good", "PR": "good", "PD": "bad"}
TO_EXPLAIN = ("PD", "NE")
FILES = ("clinical/lesions.csv", "clinical/responses.csv", *(f"clinical/{name}.csv" for name in ("tu", "tr", "rs")))


def responses(results: Results) -> View:
    """Return the response of each subject and reader, a column a visit.

    The reader's record is the endpoint and leads; the derived response stands where there is none, or where it differs.
    """
    table = results.tables["response"].with_columns(
        place=pl.col("visit").fill_null(
            pl.format("day {}", pl.col("day").cast(pl.String).str.replace("-", "−", literal=True))
        ),
    )
    by_place = table.group_by("place").agg(first=pl.col("day").median(), days=pl.col("day").unique())
    places = {place: days for place, _, days in by_place.sort("first", "place").iter_rows()}
    found: dict[tuple[str, str | None], dict[str, list[Row]]] = {}
    for row in table.sort("subject", "reader", "day", nulls_last=True).iter_rows(named=True):
        found.setdefault((row["subject"], row["reader"]), {}).setdefault(row["place"], []).append(row)
    rows = []
    for (subject, reader), visits in found.items():
        cells = [
            Cell(stack=tuple(response_cell([row], with_day=len(days) > 1) for row in visits.get(place, ())))
            for place, days in places.items()
        ]
        rows.append([Cell(subject, kind="name"), text(reader), *cells])
    # A visit without a name is called by its day already.
    heads = [Head(place, "" if place.startswith("day ") else days_words(days)) for place, days in places.items()]
    empty = results.nothing("response", f"No response was derived{_why_none(results)}.", needs=FILES)
    return View("Response by visit", [Head("Subject"), Head("Reader"), *heads], rows, empty, "tables/response.csv")


def _why_none(results: Results) -> str:
    """Return why the files that were read gave no response, as words that end the sentence."""
    if "clinical" in results.tables["failures"]["step"]:
        return "; see under failures why"
    files = [name for name in FILES if name in results.inputs]
    if files and results.tables["exclusions"]["file"].is_in(files).any():
        return "; see under exclusions why"
    return f": no row in {' or '.join(files)}" if files else ""


def response_cell(rows: Sequence[Row], *, with_day: bool, readers: str = "") -> Cell:
    """Return one assessment: the response as a chip; below it who said so, the change of the sum, and why.

    Why is told of a derived PD or NE: the reason, or for a PD by size alone the change from the nadir.

    Parameters
    ----------
    rows
        The assessment; of several readers one row each, if they came to the same response in the same way.
    with_day
        Whether the note names the day.
    readers
        What the note calls the readers; empty for nothing.
    """
    row = rows[0]
    day = [f"day {number(row['day'])}"] if with_day else []
    if row["baseline"]:
        size = [] if row["sum_mm"] is None else [f"{number(row['sum_mm'])} mm"]
        return Cell(note=", ".join(["baseline", *day, *size]))
    word, source = _word(row)
    if word is None:
        return Cell(note=", ".join(["not assessed", *day, *_changes(rows)]))
    note = (f"{readers}: " if readers else "") + ", ".join([source, *day, *_changes(rows)]) + _beside(row)
    state = RESPONSE_STATES.get(word, "neutral")
    chip = Chip(
        word, f"{state} derived" if source == "derived" else state, f"{word}, {source}, day {number(row['day'])}"
    )
    return Cell(chips=(chip,), note=note)


def assessments(results: Results) -> View:
    """Return every assessment with the sums and the reason behind its response."""
    heads = [Head("Subject"), Head("Reader"), Head("Visit"), Head("Day", numeric=True), Head("Targets", numeric=True)]
    heads += [Head("Sum", "mm", True), Head("From baseline", "%", True), Head("From nadir", "%", True)]
    heads += [Head("Target"), Head("Non-target"), Head("New lesion"), Head("Derived"), Head("Recorded"), Head("Reason")]
    table = results.tables["response"].sort("subject", "day", "reader", nulls_last=True, maintain_order=True)
    rows = [
        [
            Cell(row["subject"], kind="name"),
            text(row["reader"]),
            text(row["visit"]),
            count(row["day"]),
            Cell(f"{row['targets_measured']} of {row['targets']}", kind="number"),
            measured(row["sum_mm"]),
            measured(row["change_from_baseline_pct"]),
            measured(row["change_from_nadir_pct"]),
            text(row["target_response"]),
            text(row["nontarget_response"]),
            text(None if row["new_lesion"] is None else "yes" if row["new_lesion"] else "no"),
            text("baseline" if row["baseline"] else row["response"]),
            text(row["recorded"]),
            text(row["reason"], "prose"),
        ]
        for row in table.iter_rows(named=True)
    ]
    empty = results.nothing("response", "No lesion was assessed.")
    return filled(View("Every assessment", heads, rows, empty, "tables/response.csv"))


def last_assessments(rows: Sequence[Row]) -> tuple[Cell, ...]:
    """Return the last assessment after the baseline that came to a word, of each reader of one subject.

    Readers who say the same of the same day share a cell, with the span of the changes they found.
    """
    last: dict[str | None, Row] = {}
    for row in rows:
        if row["baseline"] or _word(row)[0] is None:
            continue
        if row["reader"] not in last or row["day"] >= last[row["reader"]]["day"]:
            last[row["reader"]] = row
    alike: dict[Any, list[Row]] = {}
    for reader in sorted(last, key=lambda name: name or ""):
        row = last[reader]
        alike.setdefault((*_word(row), row["day"], _beside(row)), []).append(row)
    cells = []
    for group in alike.values():
        names = ", ".join(row["reader"] or "no reader" for row in group)
        together = "" if len(last) == 1 else names if len(alike) > 1 else f"{len(group)} readers"
        cells.append(response_cell(group, with_day=True, readers=together))
    return tuple(cells)


def _word(row: Row) -> tuple[str | None, str]:
    """Return the response of an assessment and whether it was recorded or derived."""
    return (row["response"], "derived") if row["recorded"] is None else (row["recorded"], "recorded")


def _changes(rows: Sequence[Row]) -> list[str]:
    known = sorted(change for row in rows if (change := row["change_from_baseline_pct"]) is not None)
    if not known:
        return []
    low, high = signed(known[0]), signed(known[-1])
    return [low if low == high else f"{low} to {high}"]


def _beside(row: Row) -> str:
    """Return what stands beside a response: a derived one that differs, and why a derived one is PD or NE."""
    if row["recorded"] is not None:
        return f"; derived {row['response']}{_why(row)}" if row["agrees"] is False else ""
    return _why(row)


def _why(row: Row) -> str:
    if row["response"] not in TO_EXPLAIN:
        return ""
    nadir = row["change_from_nadir_pct"]
    by_size = "" if nadir is None or row["response"] != "PD" else f"{signed(nadir)} from nadir"
    reason = row["reason"] or by_size
    return f": {reason}" if reason else ""


def signed(change: float) -> str:
    """Return a change in percent with its sign."""
    return f"{change:+.1f}\N{NO-BREAK SPACE}%".replace("-", "−")
