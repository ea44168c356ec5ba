"""Who the subjects are and how far they came, set for reading."""

from __future__ import annotations

from tilseq.plots.clinic_words import group_in_words, whole_percent
from tilseq.report.results import Results
from tilseq.report.view import Cell, Head, View, filled
from tilseq.report.words import number
from tilseq.tables import Row
from tilseq.tables.characteristics import CHARACTERISTICS

NAMES = {
    "enrolled": "Enrolled",
    "randomised": "Randomised",
    "resected": "Tumour resected for the product",
    "lymphodepleted": "Lymphodepleted",
    "infused": "Infused",
    "assessed": "Assessed for response after treatment",
    "age": "Age, years, median (range)",
    "sex": "Sex",
    "tumor_type": "Tumour",
}


def characteristics(results: Results) -> View:
    """Return the flow of subjects, and their age, sex and tumours: a column for all and one for each arm."""
    table = results.tables["characteristics"]
    groups = sorted(table["group"].unique(), key=lambda group: (group != "all", group))
    found: dict[tuple[int, str], dict[str, Row]] = {}
    for row in table.iter_rows(named=True):
        place = CHARACTERISTICS.index(row["characteristic"]), row["level"] or ""
        found.setdefault(place, {})[row["group"]] = row
    rows = [[_name(place), *(_cell(own.get(group)) for group in groups)] for place, own in sorted(found.items())]
    heads = [Head("Subjects"), *(Head(group_in_words(group), "n (%)", True) for group in groups)]
    empty = results.nothing("characteristics", "No subject was counted.")
    return filled(
        View("Subjects: how far they came, and who they are", heads, rows, empty, "tables/characteristics.csv")
    )


def _name(place: tuple[int, str]) -> Cell:
    name, level = NAMES[CHARACTERISTICS[place[0]]], place[1]
    return Cell(f"{name}: {group_in_words(level)}" if level else name, kind="name")


def _cell(row: Row | None) -> Cell:
    if row is None:
        return Cell("–", kind="missing")
    if row["characteristic"] == "age":
        known = row["subjects"]
        told = "–" if not known else f"{number(row['median'])} ({number(row['lowest'])}-{number(row['highest'])})"
        return Cell(told, note="" if known == row["enrolled"] else f"of {known:,}", kind="number")
    share = "" if row["characteristic"] == "enrolled" else f" ({whole_percent(row['subjects'] / row['enrolled'])})"
    return Cell(f"{row['subjects']:,}{share}", kind="number")
