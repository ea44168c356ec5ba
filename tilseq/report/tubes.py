"""How each tube was gated: its verdict, the gates that are not its own, and its picture in the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil

import polars as pl

from tilseq.populations import REGION
from tilseq.report.images import Picture
from tilseq.report.results import STATE_WORDS, Results
from tilseq.report.rows import WHO, sample_rows, unfinished, who
from tilseq.report.view import Cell, Chip, Head, View, days_words, filled, measured, missing
from tilseq.report.words import plural
from tilseq.tables import Row

TIME_CHECK = "events left out by time"
LENT_BY = ("gate", "parent", "channel")
MOST_ROWS = 20


@dataclass(frozen=True)
class TubeRow:
    """One row of a batch: whose tube it is, how it went, the checks it did not pass, and its gates."""

    sample: str
    about: str
    chip: Chip | None
    checks: str
    picture: Picture


@dataclass(frozen=True)
class Batch:
    """Tubes of one panel of stains, to be looked at together."""

    title: str
    rows: Sequence[TubeRow]


def tubes(results: Results) -> View:
    """Return how each tube was gated: verdict and reasons, gates not its own, and the share that time took out."""
    checks, gates, lost = _not_passed(results), _gates(results), _left_out(results)
    heads = [
        *WHO,
        Head("Verdict"),
        Head("Why"),
        Head("Gates not its own"),
        Head("Left out by time", "% of events", True),
    ]
    rows = [
        [
            *who({**row, "state": "ok"}),  # the verdict has a column of its own
            Cell(chips=(_chip(row["state"]),)),
            Cell(_reasons(checks.get(row["sample"], ())) or unfinished(row["state"]), kind="lines"),
            Cell("\n".join(gates.get(row["sample"], ())), kind="lines"),
            measured(lost[row["sample"]]) if row["sample"] in lost else missing(),
        ]
        for row in sample_rows(results, results.endpoints.filter(pl.col("assay") == "flow"), "flow")
    ]
    empty = results.nothing("samples", "There is no tube.")
    return filled(View("How each tube was gated", heads, rows, empty, "tables/quality.csv"))


def batches(results: Results, pictures: Sequence[Picture]) -> list[Batch]:
    """Return the pictures of gates by panel of stains, at most 20 tubes together, by subject and day.

    A picture belongs to the sample that its caption names before the last colon; one of no known sample comes last.
    """
    by_sample: dict[str, list[Picture]] = {}
    for picture in pictures:
        by_sample.setdefault(picture.caption.rpartition(":")[0], []).append(picture)
    samples = results.tables["samples"].sort("panel", "subject", "day", "sample", nulls_last=True).to_dicts()
    known = [row for row in samples if row["sample"] in by_sample]
    checks = _not_passed(results)
    found = []
    for panel, group in groupby(known, key=lambda row: row["panel"]):
        rows = [
            _tube_row(row, checks.get(row["sample"], ()), picture)
            for row in group
            for picture in by_sample[row["sample"]]
        ]
        found += _parted("Gates" if panel is None else f"Gates of panel {panel}", rows)
    names = {row["sample"] for row in known}
    rest = [picture for sample, own in by_sample.items() if sample not in names for picture in own]
    return found + _parted("Other gates", [TubeRow(picture.caption, "", None, "", picture) for picture in rest])


def _parted(title: str, rows: Sequence[TubeRow]) -> list[Batch]:
    """Return the rows as one batch, or as several of about the same size."""
    if len(rows) <= MOST_ROWS:
        return [Batch(f"{title}, {plural(len(rows), 'tube')}", rows)] if rows else []
    size = ceil(len(rows) / ceil(len(rows) / MOST_ROWS))
    parts = [(start, rows[start : start + size]) for start in range(0, len(rows), size)]
    return [Batch(f"{title}, tubes {start + 1} to {start + len(part)} of {len(rows)}", part) for start, part in parts]


def _tube_row(row: Row, checks: Sequence[Row], picture: Picture) -> TubeRow:
    specimen = "" if row["specimen"] == "blood" else row["specimen"].replace("_", " ")
    about = ", ".join(filter(None, (row["subject"], row["visit"], days_words([row["day"]]), specimen)))
    return TubeRow(row["sample"], about, _chip(row["state"]), ", ".join(one["check"] for one in checks), picture)


def _chip(state: str) -> Chip:
    return Chip(STATE_WORDS[state], state, STATE_WORDS[state])


def _reasons(checks: Sequence[Row]) -> str:
    return "\n".join(f"{row['check']}: {row['reason'] or row['limit'] or row['verdict']}" for row in checks)


def _not_passed(results: Results) -> dict[str, list[Row]]:
    """Return sample → its checks that failed, then those that warned."""
    told: dict[str, list[Row]] = {}
    checks = results.tables["quality"].filter(pl.col("verdict") != "pass")
    for row in checks.sort(pl.col("verdict") != "fail", maintain_order=True).iter_rows(named=True):
        told.setdefault(row["sample"], []).append(row)
    return told


def _gates(results: Results) -> dict[str, list[str]]:
    """Return sample → its gates that were borrowed, put by a rule for want of a valley, or set by hand."""
    lenders: dict[tuple[str | None, ...], list[Row]] = {}
    for row in results.tables["cohort_cuts"].iter_rows(named=True):
        lenders.setdefault((row["panel"], *(row[name] for name in LENT_BY)), []).append(row)
    panels = dict(results.tables["samples"].select("sample", "panel").iter_rows())
    told: dict[str, dict[str, None]] = {}
    for row in results.tables["cuts"].iter_rows(named=True):
        source = row["source"]
        is_region = row["gate"].startswith(REGION)
        if source == "valley" or (is_region and source == "fallback"):
            continue  # a region of the usual size is about the tube's own T cells
        name = "lymphocytes" if is_region else f"{row['gate']} among {row['parent']}"
        words = {
            "settings": "set by hand",
            "fallback": "no valley, put above cells that lack it",
            "cohort": _lent(lenders.get((panels.get(row["sample"]), *(row[name] for name in LENT_BY)), ())),
        }
        told.setdefault(row["sample"], {})[f"{name}: {words[source]}"] = None
    return {sample: list(gates) for sample, gates in told.items()}


def _lent(rows: Sequence[Row]) -> str:
    """Return whose gate was borrowed, as far as the run's table of usual thresholds tells."""
    if len(rows) != 1:
        return "borrowed from other tubes"
    of = [f"{name} {rows[0][name]}" for name in ("panel", "instrument", "batch") if rows[0][name] is not None]
    return f"borrowed from {plural(rows[0]['tubes'], 'tube')}" + (f" of {', '.join(of)}" if of else "")


def _left_out(results: Results) -> dict[str, float]:
    """Return sample → percent of its events in stretches of the run that were left out."""
    checks = results.tables["quality"].filter(pl.col("check") == TIME_CHECK).drop_nulls("value")
    return dict(checks.select("sample", "value").iter_rows())
