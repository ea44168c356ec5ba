"""TIL survival in blood by a population that marks infused cells: from product to each visit, and its kinetics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from tilseq.endpoints.parameters import INFUSED_UPPER_BOUND, NO_MASS_KINETICS
from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.results import Results
from tilseq.report.rows import WHO, endpoint_cell, number_cell, unfinished, who
from tilseq.report.series import PER_CENT
from tilseq.report.view import Cell, Head, View, missing, on_two_lines, text
from tilseq.report.words import number
from tilseq.tables import Row

SHARE, CELLS, ABOVE = "infused_share_of_cd3", "infused_cells_per_ul", "infused_probability_above_blank"
# Series with kinetics: parameter, what it is, and by how much its numbers are multiplied to have the unit that is told.
SERIES = (
    (SHARE, "infused share of CD3+", "%", PER_CENT),
    (CELLS, "infused cells", "cells/µL", 1.0),
    ("cells_per_ul", "CD3+ cells", "cells/µL", 1.0),
)
MASS_SERIES = (
    ("persistence_mass", "mass", "%", PER_CENT),
    ("persistence_mass_new", "mass, of which new", "%", PER_CENT),
    ("persistence_cells_per_ul", "new mass × CD3+ cells", "cells/µL", 1.0),
)
KINETICS = (
    ("peak", "Peak", "unit of the series"),
    ("day_of_peak", "Day of peak", "d"),
    ("auc_0_28", "Area to day 28", "unit · d"),
    ("auc_0_last", "Area to last day", "unit · d"),
    ("half_life", "Half-life", "d"),
    ("last_day_quantified", "Last day quantified", "d"),
    ("time_to_loss", "Lost by day", "d"),
)
IN_UNIT = ("peak", "auc_0_28", "auc_0_last")


def infused(results: Results) -> View:
    """Return what the marked population came to: in product and blood as measured, at each visit the infused cells.

    A tube of the mark's panel that gave no number keeps a row, which says why.
    """
    found = _by_sample(results, (SHARE, CELLS, ABOVE))
    measured = _by_sample(results, ("percent_of_parent",))
    heads = [
        *WHO,
        Head("Mark"),
        Head("Marked cells", "% of CD3+, as measured", True),
        Head("Infused share", "% of CD3+", True),
        Head("Infused cells", "per µL", True),
        Head("Above baseline", "probability", True),
        Head("Read it as"),
    ]
    rows = []
    for mark, sample in _tubes(results, found, measured):
        share, cells, above = (found.get((sample["sample"], name, mark)) for name in (SHARE, CELLS, ABOVE))
        raw = measured.get((sample["sample"], "percent_of_parent", mark))
        rows.append(
            [
                *who(sample),
                text(mark),
                on_two_lines(_raw_cell(raw, sample["state"])),
                on_two_lines(_scaled_cell(share, PER_CENT)),
                on_two_lines(_scaled_cell(cells, 1.0)),
                _scaled_cell(above, 1.0),
                _reading(share, cells),
            ]
        )
    empty = results.nothing("endpoints", "No tube marks infused cells.", "flow")
    return View("Cells compatible with infused ones, by a mark", heads, rows, empty, "tables/endpoints.csv")


def kinetics(results: Results) -> View:
    """Return the kinetics of infused and of CD3+ cells, a row a subject and series; what is not there says why."""
    return _kinetics(results, SERIES, ("population",), "Mark", "Kinetics in blood")


def mass_kinetics(results: Results) -> View:
    """Return the kinetics of what clones of the reference hold of blood, as `kinetics` does, a row a locus more."""
    return _kinetics(results, MASS_SERIES, ("locus", "population"), "Locus", "Kinetics of the mass in blood")


def without_mass_kinetics(results: Results) -> str:
    """Return which subjects have no kinetics of the mass, as a sample is another's; empty where there are none."""
    rows = results.with_sample("quality").filter(pl.col("reason").str.starts_with(NO_MASS_KINETICS))
    told = rows.select("subject", "reason").unique().sort("subject", "reason")
    return "; ".join(f"{subject}: {reason}" for subject, reason in told.iter_rows()) + "." if told.height else ""


def _kinetics(
    results: Results, series: Sequence[tuple[str, str, str, float]], by: Sequence[str], head: str, title: str
) -> View:
    """Return the kinetics of some series; `by` are the qualifiers that tell them apart, and `head` stands above."""
    of_parameter = {f"{name}_{part}": (name, part) for name, *_ in series for part, *_ in KINETICS}
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    rows_of = results.endpoints.filter(pl.col("parameter").is_in(sorted(of_parameter)))
    for row in rows_of.iter_rows(named=True):
        name, part = of_parameter[row["parameter"]]
        pairs = qualifier_pairs(row["qualifier"])
        mark = ", ".join(filter(None, map(pairs.get, by)))
        found.setdefault((row["subject"], mark, name), {})[part] = row
    places = [name for name, *_ in series]
    heads = [Head("Subject"), Head("Series"), Head(head), *(Head(name, unit, True) for _, name, unit in KINETICS)]
    rows = []
    for subject, mark, name in sorted(found, key=lambda key: (key[0], places.index(key[2]), key[1])):
        _, words, unit, scale = series[places.index(name)]
        of = found[subject, mark, name]
        cells = [_kinetic_cell(of.get(part), scale if part in IN_UNIT else 1.0) for part, *_ in KINETICS]
        population = text(mark if name != "cells_per_ul" else "")
        rows.append([Cell(subject, kind="name"), Cell(words, note=unit), population, *_told_once(cells)])
    empty = results.nothing("endpoints", "No kinetics were found.", "flow")
    return View(title, heads, rows, empty, "tables/endpoints.csv")


def _by_sample(results: Results, parameters: tuple[str, ...]) -> dict[tuple[str, str, str], Row]:
    """Return sample, parameter and population → its endpoint."""
    rows = results.endpoints.filter(pl.col("parameter").is_in(parameters), pl.col("sample").is_not_null())
    return {
        (row["sample"], row["parameter"], qualifier_pairs(row["qualifier"]).get("population", "")): row
        for row in rows.iter_rows(named=True)
    }


def _tubes(
    results: Results, found: Mapping[tuple[str, str, str], Row], measured: Mapping[tuple[str, str, str], Row]
) -> list[tuple[str, Row]]:
    """Return each mark with its tubes, by subject, mark and day: those that measured it, and those of its panels."""
    marks = sorted({(row["subject"], mark) for (_, _, mark), row in found.items()})
    samples = results.tables["samples"].filter(assay="flow").sort("day", "visit", "sample", nulls_last=True).to_dicts()
    tubes = []
    for subject, mark in marks:
        own = [sample for sample in samples if sample["subject"] == subject]
        bearing = {sample for table in (found, measured) for sample, _, population in table if population == mark}
        panels = {sample["panel"] for sample in own if sample["sample"] in bearing} - {None}
        tubes += [
            (mark, sample)
            for sample in own
            if sample["sample"] in bearing or (sample["panel"] in panels and unfinished(sample["state"]))
        ]
    return tubes


def _raw_cell(row: Row | None, state: str) -> Cell:
    """Return the share of marked cells of one tube; of a parent other than CD3+ it says so."""
    if row is None:
        return missing(unfinished(state))
    parent = qualifier_pairs(row["qualifier"]).get("parent")
    return endpoint_cell(row, state, "" if parent in (None, "CD3+") else f"of {parent}")


def _scaled_cell(row: Row | None, scale: float) -> Cell:
    """Return the cell of an endpoint in another unit; its limit of what was not detected is in that unit, too."""
    if row is None:
        return missing()
    value, lower, upper = (None if row[name] is None else scale * row[name] for name in ("value", "lower", "upper"))
    if value is None:
        return missing()  # the row's last cell says why
    return number_cell(value, lower, upper, row["status"])


def _kinetic_cell(row: Row | None, scale: float) -> Cell:
    if row is None:
        return missing()
    if row["value"] is None:
        return missing(row["method"] or "")
    if row["value_text"] is not None and row["status"] == "above_range":
        return Cell(f"> {number(row['value'])}", note="still detected", kind="number")
    if row["lower"] == row["upper"]:  # a day beyond doubt, or a number without limits
        row = {**row, "lower": None, "upper": None}
    return on_two_lines(_scaled_cell(row, scale))


def _told_once(cells: list[Cell]) -> list[Cell]:
    """Return the cells of a row, each reason for a missing one where it stands first."""
    reasons: set[str] = set()
    told = []
    for cell in cells:
        again = cell.kind == "missing" and cell.note in reasons
        reasons.add(cell.note)
        told.append(missing() if again else cell)
    return told


def _reading(share: Row | None, cells: Row | None) -> Cell:
    """Return what a visit's number stands for, or why there is none; nothing for a product or baseline."""
    if share is None:
        return Cell()
    if share["value"] is None:
        return text(share["method"], "prose")
    told = "an upper bound" if share["method"] == INFUSED_UPPER_BOUND else share["method"]
    without = cells["method"] if cells is not None and cells["value"] is None else ""
    return Cell(told or "", note=without or "", kind="prose")
