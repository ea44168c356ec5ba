"""Cytokines within stimulated cells: differences from unstimulated tubes and who responds."""

from __future__ import annotations

from tilseq.report.results import Results
from tilseq.report.view import Cell, Head, View, count, filled, measured, missing, on_two_lines, text
from tilseq.report.words import DASH, interval, number
from tilseq.tables import Row

FIRST = ("CD3+", "CD4+ T", "CD8+ T")  # of the populations
RESPONSES = {"yes": "responds", "no": "no response", "not_evaluable": "not evaluable"}
OF_PAIR = ("subject", "day", "visit", "timing", "specimen", "marker", "stimulus", "stimulated")


def responses(results: Results) -> View:
    """Return the difference of each population, a row a subject, visit, cytokine and stimulus."""
    table = results.tables["intracellular"]
    found = table["population"].drop_nulls().unique().to_list()
    populations = sorted(found, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    heads = [Head("Subject"), Head("Visit"), Head("Day", numeric=True), Head("Cytokine"), Head("Stimulus")]
    heads += [Head(name, "%, less unstimulated", True) for name in populations]
    rows = []
    for _, pair in table.sort(OF_PAIR, nulls_last=True).group_by(OF_PAIR, maintain_order=True):
        first = pair.row(0, named=True)
        own = {row["population"]: row for row in pair.iter_rows(named=True)}
        cells = [_difference(own.get(name)) for name in populations]
        if None in own and cells:
            cells[0] = missing(own[None]["reason"] or RESPONSES["not_evaluable"])
        specimen = "" if first["specimen"] in (None, "blood") else first["specimen"].replace("_", " ")
        start = [Cell(first["subject"], kind="name"), Cell(first["visit"] or "–", note=specimen), count(first["day"])]
        rows.append([*start, text(first["marker"]), text(first["stimulus"]), *cells])
    empty = results.nothing("intracellular", "No stimulated tube was held against an unstimulated one.")
    title = "Cytokines within cells, stimulated less unstimulated"
    return View(title, heads, rows, empty, "tables/intracellular.csv")


def _difference(row: Row | None) -> Cell:
    """Return a difference with its limits, below it whether the cells respond and the change since before treatment."""
    if row is None:
        return missing()
    words = RESPONSES[row["response"]]
    if row["difference_pct"] is None:
        return missing(words)
    told = on_two_lines(Cell(interval(row["difference_pct"], row["lower"], row["upper"]), kind="number"))
    below = [Cell(note=words)]
    if row["change_pct"] is not None:
        change = interval(row["change_pct"], row["change_lower"], row["change_upper"])
        below.append(Cell(note=f"change {change}"))
    return Cell(kind=told.kind, stack=(told, *below))


def every_response(results: Results) -> View:
    """Return each cytokine in each population of each pair of tubes with its counts and test."""
    heads = [Head("Subject"), Head("Visit"), Head("Cytokine", "stimulus"), Head("Population")]
    heads += [Head("Stimulated", "% of cells", True), Head("Unstimulated", "% of cells", True)]
    heads += [Head("Difference", "(limits)", True), Head("p", "adjusted", True), Head("Response")]
    heads += [Head("Change", "(limits)", True), Head("Verdict", "why")]
    rows = [
        [
            Cell(row["subject"], kind="name"),
            text(row["visit"]),
            Cell(row["marker"] or DASH, note=row["stimulus"] or ""),
            text(row["population"], "name"),
            *(_share(row, name) for name in ("stimulated", "unstimulated")),
            on_two_lines(measured(row["difference_pct"], row["lower"], row["upper"])),
            count(row["p_adjusted"]),
            Cell(RESPONSES[row["response"]]),
            on_two_lines(measured(row["change_pct"], row["change_lower"], row["change_upper"])),
            Cell(row["verdict"], note=row["reason"] or ""),
        ]
        for row in results.tables["intracellular"].sort(OF_PAIR, nulls_last=True).iter_rows(named=True)
    ]
    empty = results.nothing("intracellular", "No stimulated tube was held against an unstimulated one.")
    return filled(View("Every population of stimulated tubes", heads, rows, empty, "tables/intracellular.csv"))


def _share(row: Row, tube: str) -> Cell:
    cells = row[f"cells_{tube}"]
    return Cell(number(row[f"{tube}_pct"]), note="" if cells is None else f"of {cells:,}", kind="number")
