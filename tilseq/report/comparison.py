"""How far the automatic gates and a person's of the same tube agree."""

from __future__ import annotations

from typing import Any

from tilseq.report.flow import as_tree
from tilseq.report.results import Results
from tilseq.report.rows import BRIEFLY, WHO, which, who
from tilseq.report.view import Cell, Head, View, count, filled, measured, missing, text
from tilseq.report.words import fixed
from tilseq.tables import Row
from tilseq.tables.outputs import RATIO

T_CELLS = (("CD3+", "CD3+"), ("CD4+ T", "CD4+"), ("CD8+ T", "CD8+"))
ABSENT = "not gated"


def agreement(results: Results) -> View:
    """Return a row a tube: F1 of the T cells, and the ratio of CD4 to CD8 in both gatings with its difference."""
    table = results.with_sample("comparison")
    f1 = "F1 of automatic and a person’s gates"
    ratio = "CD4/CD8"
    heads = [*WHO, *(Head(name, numeric=True, group=f1) for _, name in T_CELLS)]
    heads += [Head("Smallest", "of all populations", True, f1)]
    heads += [Head("Automatic", numeric=True, group=ratio), Head("A person’s", numeric=True, group=ratio)]
    heads += [Head("Difference", "%", numeric=True, group=ratio)]
    rows = []
    for _, group in table.group_by("sample", maintain_order=True):
        found = {row["population"]: row for row in group.iter_rows(named=True)}
        of: dict[str, Any] = found.get(RATIO, {})
        rows.append(
            [
                *who({**group.row(0, named=True), "state": group["state"][0] or "ok"}),
                *(_score(found.get(name), "f1") for name, _ in T_CELLS),
                _smallest(list(found.values())),
                *(measured(of.get(name)) for name in ("ratio_a", "ratio_b", "difference_pct")),
            ]
        )
    empty = results.nothing("comparison", "No tube has a person’s gates beside automatic ones.")
    return View("Automatic gates against a person’s", heads, rows, empty, "tables/comparison.csv")


def populations_of_both(results: Results) -> View:
    """Return every population of either gating: its events in each and in both, precision, recall and F1."""
    heads = [*BRIEFLY, Head("Population"), Head("Automatic", "events", True)]
    heads += [Head("A person’s", "events", True), Head("In both", "events", True), Head("Precision", numeric=True)]
    heads += [Head("Recall", numeric=True), Head("F1", numeric=True), Head("Difference", "% of a person’s", True)]
    rows = []
    for row in as_tree(results.with_sample("comparison"), "population").iter_rows(named=True):
        events = [_events(row, f"events_{gating}", f"ratio_{gating}") for gating in ("a", "b")]
        scores = [_score(row, name) for name in ("precision", "recall", "f1")]
        both = count(row["events_both"])
        told = [*events, both, *scores, measured(row["difference_pct"])]
        rows.append([*which(row), text(row["population"]), *told])
    empty = results.nothing("comparison", "No tube has a person’s gates beside automatic ones.")
    title = "Every population of automatic and a person’s gates"
    return filled(View(title, heads, rows, empty, "tables/comparison.csv"))


def _events(row: Row, events: str, ratio: str) -> Cell:
    """Return the events of a population in one gating, of the ratio's row the ratio."""
    if row["population"] == RATIO:
        return measured(row[ratio])
    return count(row[events]) if row[events] is not None else missing(ABSENT)


def _score(row: Row | None, name: str) -> Cell:
    return missing() if row is None or row[name] is None else Cell(fixed(row[name]), kind="number")


def _smallest(rows: list[Row]) -> Cell:
    scored = [row for row in rows if row["f1"] is not None]
    if not scored:
        return missing()
    least = min(scored, key=lambda row: float(row["f1"]))
    return Cell(fixed(least["f1"]), note=str(least["population"]), kind="number")
