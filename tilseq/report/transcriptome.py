"""What was compared in the expression of the samples, and which gene sets changed."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tilseq.errors import first_few
from tilseq.plots.contrast_rows import compared
from tilseq.report.results import Results
from tilseq.report.view import Cell, Head, View, count, filled, measured, missing, text
from tilseq.report.words import number, plural
from tilseq.tables import Row

ALPHA = 0.05
FEWEST_SHOWN = 5  # sets of a comparison that are shown though none changed: those of least p
MOST_GENES = 4
TESTS = {"sign_flip": "signs flipped", "camera": "CAMERA"}


def comparisons(results: Results) -> View:
    """Return the comparisons: a row a population of samples and contrast, with how many genes and sets changed."""
    rows = []
    for row in _by_day(results, results.tables["transcriptome"]).iter_rows(named=True):
        sets = _changed(row, "sets")
        if row["p_floor"] is not None and row["p_floor"] > ALPHA:
            sets = missing(f"p cannot fall below {number(row['p_floor'])}")
        rows.append(
            [
                text(row["population"], "name"),
                text(compared(row["contrast"])),
                count(row["subjects"]),
                count(row["genes"]),
                _changed(row, "genes"),
                sets,
                text("; ".join(_of_note(row)), "reason"),
            ]
        )
    heads = [Head("Samples of"), Head("Compared"), Head("Subjects", numeric=True), Head("Genes tested", numeric=True)]
    heads += [Head("Genes", "up, down", True), Head("Gene sets", "up, down", True), Head("Of note")]
    empty = results.nothing("transcriptome", "No two visits were compared.", "scrna", "bulk_rna")
    return filled(View("Expression within subjects", heads, rows, empty, "tables/transcriptome.csv"))


def _of_note(row: Row) -> Iterator[str]:
    """Yield what a reader must know of a comparison, and which subjects it leaves out."""
    if row["told"] is not None:
        contrast = row["contrast"].partition(" at ")[0]
        yield row["told"].replace(contrast, compared(contrast))
    if row["left_out"] is not None:
        yield f"without {row['left_out']}"


def _by_day(results: Results, table: pl.DataFrame) -> pl.DataFrame:
    """Return comparisons by population, then by the days of what is compared, the reference before the level."""
    visits = results.tables["samples"].group_by("visit").agg(pl.col("day").median())
    days = dict(visits.drop_nulls().iter_rows())

    def place(contrast: str) -> tuple[float, ...]:
        of, _, at = contrast.partition(" at ")
        level, _, reference = of.partition(":")[2].partition("/")
        return tuple(days.get(name, float("inf")) for name in (at, reference, level))

    order = sorted(table["contrast"].drop_nulls().unique(), key=lambda contrast: (place(contrast), contrast))
    known = {contrast: i for i, contrast in enumerate(order)}
    places = table.with_columns(place=pl.col("contrast").replace_strict(known, default=None, return_dtype=pl.Int64))
    return places.sort("population", "place", nulls_last=True, maintain_order=True).drop("place")


def _changed(row: dict[str, object], what: str) -> Cell:
    if row[what] is None:
        return missing()
    return Cell(f"{number(row[f'{what}_up'])}, {number(row[f'{what}_down'])}", kind="number")  # type: ignore[arg-type]


def gene_sets(results: Results) -> View:
    """Return the gene sets of each comparison that changed, or where none did those of least p."""
    table = results.tables["enrichment"].filter(pl.col("p").is_not_null() & ~pl.col("exploratory"))
    rows = []
    for (population, contrast), group in _by_day(results, table).group_by(
        "population", "contrast", maintain_order=True
    ):
        ordered = group.sort("p", pl.col("log2_fold_change").abs(), descending=[False, True], nulls_last=True)
        changed = ordered.filter(pl.col("q") < ALPHA)
        for row in (changed if changed.height else ordered.head(FEWEST_SHOWN)).iter_rows(named=True):
            genes = row["leading_edge"].split(";") if row["leading_edge"] else []
            rows.append(
                [
                    text(None if population is None else str(population), "name"),
                    text(compared(str(contrast))),
                    text(row["set"]),
                    text(TESTS[row["method"]]),
                    measured(row["log2_fold_change"], row["lower"], row["upper"]),
                    count(row["p"]),
                    count(row["q"]),
                    text(first_few(genes, MOST_GENES)),
                ]
            )
    heads = [Head("Samples of"), Head("Compared"), Head("Gene set"), Head("Test")]
    heads += [Head("Change", "log2, mean of its genes", True), Head("p", numeric=True), Head("q", numeric=True)]
    heads.append(Head("Leading genes"))
    title = f"Gene sets that changed, or the {plural(FEWEST_SHOWN, 'set')} of least p where none did"
    return View(title, heads, rows, "No gene set was tested within subjects.", "tables/enrichment.csv")
