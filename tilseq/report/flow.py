"""What flow cytometry found: the key numbers, and every population and threshold behind them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.results import Results
from tilseq.report.rows import BRIEFLY, WHO, endpoint_cell, number_cell, sample_rows, which, who
from tilseq.report.view import Cell, Head, View, count, filled, measured, missing, on_two_lines, text
from tilseq.report.words import fixed, interval
from tilseq.tables import Row

# Columns of the table of T cells: endpoint parameter, its population, name, unit.
T_CELLS = (
    ("percent_of_parent", "CD3+", "CD3+", "%"),
    ("percent_of_parent", "CD4+ T", "CD4+", "%"),
    ("percent_of_parent", "CD8+ T", "CD8+", "%"),
    ("cd4_cd8_ratio", None, "CD4/CD8", "ratio"),
    ("cells_per_ul", "CD3+", "CD3+", "cells/µL"),
    ("cells_per_ul", "CD4+ T", "CD4+", "cells/µL"),
    ("cells_per_ul", "CD8+ T", "CD8+", "cells/µL"),
)
MOST_ON_ONE_LINE = 5  # columns that find room beside each other with their limits
# Populations as the tree is read, parents first; any other stands after them.
TREE = (
    "all events",
    "beads",
    "cells",
    "singlets",
    "live",
    "lymphocytes",
    "CD3+",
    "CD4+ T",
    "CD8+ T",
    "DN T",
    "DP T",
    "CD3-",
    "B",
    "NK",
)


def t_cells(results: Results) -> View:
    """Return the key numbers of flow cytometry: a row a tube, CD3+, CD4+, CD8+, their ratio and absolute counts.

    Stimulated tubes, and those that they are held against, have none: they stand under cytokines.
    """
    endpoints = results.tables["endpoints"].filter(pl.col("assay") == "flow")
    shown = {name for name, *_ in T_CELLS}
    found: dict[tuple[str, str, str | None], Row] = {}
    for row in endpoints.filter(pl.col("sample").is_not_null(), pl.col("parameter").is_in(shown)).iter_rows(named=True):
        found[(row["sample"], row["parameter"], qualifier_pairs(row["qualifier"]).get("population"))] = row
    columns = [column for column in T_CELLS if column[0] != "cells_per_ul" or _any(found, column)]
    parents = [
        {qualifier_pairs(row["qualifier"]).get("parent", "") for key, row in found.items() if key[1:] == c[:2]}
        for c in columns
    ]
    heads = [Head(name, _unit(unit, parent), True) for (*_, name, unit), parent in zip(columns, parents, strict=True)]
    rows = []
    elsewhere = _of_cytokines(results) - {key[0] for key in found}
    for sample in sample_rows(results, endpoints, "flow"):
        if sample["sample"] in elsewhere:
            continue
        cells = []
        for (parameter, population, *_), parent in zip(columns, parents, strict=True):
            endpoint = found.get((sample["sample"], parameter, population))
            of = qualifier_pairs(endpoint["qualifier"]).get("parent") if endpoint and len(parent) > 1 else None
            cell = endpoint_cell(endpoint, sample["state"], f"of {of}" if of else "")
            cells.append(on_two_lines(cell) if len(columns) > MOST_ON_ONE_LINE else cell)
        rows.append([*who(sample), *cells])
    return View(
        "T cells by subject and visit",
        [*WHO, *heads],
        rows,
        results.nothing("endpoints", "No tube was measured.", "flow"),
        "tables/endpoints.csv",
    )


def _of_cytokines(results: Results) -> set[str]:
    """Return the stimulated tubes and those that they are held against."""
    pairs = results.tables["intracellular"].select("stimulated", "unstimulated").unique().drop_nulls("stimulated")
    return {tube for names in pairs.iter_rows() for name in names if name for tube in name.split(";")}


def populations(results: Results) -> View:
    """Return every population of every tube, its share with the limits of counting and of gating apart."""
    statuses = _statuses(results, "percent_of_parent")
    heads = [*BRIEFLY, Head("Population"), Head("Parent"), Head("Events", numeric=True)]
    heads += [Head("Share", "% of parent", True), Head("By counting", "limits, %", True)]
    heads += [Head("By gates", "limits, %", True)]
    rows = []
    for row in as_tree(results.with_sample("counts"), "population").iter_rows(named=True):
        value, status = row["percent_of_parent"], statuses.get((row["sample"], row["population"]), "quantified")
        rows.append(
            [
                *which(row),
                text(row["population"]),
                text(row["parent"]),
                count(row["events"]),
                number_cell(value, row["lower"], row["upper"], status),
                _limits(value, row["counting_lower"], row["counting_upper"]),
                _limits(value, row["gate_lower"], row["gate_upper"]),
            ]
        )
    empty = results.nothing("counts", "No tube was counted.")
    return filled(View("Every population of every tube", heads, rows, empty, "tables/counts.csv"))


def absolute_counts(results: Results) -> View:
    """Return cells per microlitre of every population that was counted so, with what adds to their error."""
    statuses = _statuses(results, "cells_per_ul")
    heads = [*BRIEFLY, Head("Population"), Head("Cells per µL", numeric=True)]
    heads += [Head("Counted by"), Head("What adds to the error", "coefficients of variation")]
    counted = results.with_sample("counts").filter(pl.col("cells_per_ul_method").is_not_null())
    rows = []
    for row in as_tree(counted, "population").iter_rows(named=True):
        limits = row["cells_per_ul_lower"], row["cells_per_ul_upper"]
        status = statuses.get((row["sample"], row["population"]), "quantified")
        rows.append(
            [
                *which(row),
                text(row["population"]),
                number_cell(row["cells_per_ul"], *limits, status),
                text(row["cells_per_ul_method"], "prose"),
                text(row["error_budget"], "prose"),
            ]
        )
    empty = results.nothing("counts", "No tube was counted.")
    return filled(View("Cells per microlitre and their error", heads, rows, empty, "tables/counts.csv"))


def thresholds(results: Results) -> View:
    """Return the thresholds that the gates used, with where they could as well lie."""
    heads = [*BRIEFLY, Head("Gate"), Head("Channel"), Head("Within")]
    heads += [Head("Threshold", "linear scale", True), Head("Separation", numeric=True), Head("Source")]
    rows = [
        [
            *which(row),
            text(row["gate"]),
            text(row["channel"]),
            text(row["parent"]),
            measured(row["threshold"], row["lower"], row["upper"]),
            missing() if row["separation"] is None else Cell(fixed(row["separation"]), kind="number"),
            text(row["source"]),
        ]
        for row in as_tree(results.with_sample("cuts"), "parent").iter_rows(named=True)
    ]
    empty = results.nothing("cuts", "No threshold was recorded.")
    return filled(View("Thresholds of the gates", heads, rows, empty, "tables/cuts.csv"))


def usual_thresholds(results: Results) -> View:
    """Return the usual thresholds of the cohort, which a tube without a clear one of its own borrows."""
    heads = [Head("Panel"), Head("Instrument"), Head("Batch"), Head("Gate"), Head("Channel"), Head("Within")]
    heads += [Head("Threshold", "median, linear scale", True), Head("MAD", numeric=True), Head("Tubes", numeric=True)]
    order = ["panel", "instrument", "batch", _place("parent"), "parent", "gate", "channel"]
    rows = [
        [
            text(row["panel"], "name"),
            text(row["instrument"]),
            text(row["batch"]),
            text(row["gate"]),
            text(row["channel"]),
            text(row["parent"]),
            measured(row["threshold"], row["lower"], row["upper"]),
            measured(row["mad"]),
            count(row["tubes"]),
        ]
        for row in results.tables["cohort_cuts"].sort(order, nulls_last=True).iter_rows(named=True)
    ]
    empty = results.nothing("cohort_cuts", "No group of tubes has usual thresholds.")
    return filled(View("Usual thresholds of the cohort", heads, rows, empty, "tables/cohort_cuts.csv"))


def panel_differences(results: Results) -> View:
    """Return where tubes of one panel are not stained alike."""
    heads = [Head("Tubes of"), Head("Sample"), Head("Stain"), Head("Channel"), Head("Mostly in"), Head("Borne by")]
    rows = [
        [
            text(row["compared"]),
            text(row["sample"], "name"),
            text(row["marker"]),
            text(row["channel"] or "missing"),
            text(row["usual_channel"]),
            text(f"{row['bearing']} of {row['tubes']}"),
        ]
        for row in results.tables["panel_differences"].iter_rows(named=True)
    ]
    empty = results.nothing("panel_differences", "No tubes of one panel are stained otherwise than the others.")
    return filled(View("Stains that differ within a panel", heads, rows, empty, "tables/panel_differences.csv"))


def _statuses(results: Results, parameter: str) -> dict[tuple[str, str | None], str]:
    """Return sample and population → status of its number."""
    told = results.endpoints.filter(parameter=parameter).select("sample", "qualifier", "status")
    return {(sample, qualifier_pairs(of).get("population")): status for sample, of, status in told.iter_rows()}


def _limits(value: float | None, lower: float | None, upper: float | None) -> Cell:
    """Return the cell of limits alone, as their value would round them."""
    if value is None or lower is None or upper is None:
        return missing()
    return Cell(interval(value, lower, upper).partition(" (")[2].rstrip(")"), kind="number")


def _any(found: dict[tuple[str, str, str | None], Row], column: Sequence[str | None]) -> bool:
    return any(key[1:] == tuple(column[:2]) for key in found)


def _unit(unit: str, parents: set[str]) -> str:
    if unit != "%":
        return unit
    return f"% of {next(iter(parents))}" if len(parents) == 1 and "" not in parents else "% of parent"


def as_tree(table: pl.DataFrame, population: str) -> pl.DataFrame:
    """Return rows of samples in their order, those of one sample by the tree of populations."""
    names = [name for name in ("population", "gate") if name in table.columns]
    by = ["subject", "day", "visit", "sample", "place", *names]
    return table.with_columns(place=_place(population)).sort(by, nulls_last=True, maintain_order=True)


def _place(population: str) -> pl.Expr:
    return pl.col(population).replace_strict(dict(zip(TREE, range(len(TREE)), strict=True)), default=len(TREE))
