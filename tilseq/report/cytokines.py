"""Cytokines: levels over time by subject, and the plates that they were read from."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import polars as pl

from tilseq.errors import first_few
from tilseq.report.results import STATE_WORDS, STATUS_WORDS, Results
from tilseq.report.view import Cell, Head, View, count, days_words, filled, missing, on_two_lines, text
from tilseq.report.words import interval, number
from tilseq.tables import Row
from tilseq.tables.cytokines import APART, NO_BASELINE, OTHER_PLATE

ASSAY = "cytokine"
STEP_PLATES = "cytokine_plates"
FOLDS = {"at_least": "≥ ", "at_most": "≤ "}
MOST_NAMED = 5


def levels(results: Results) -> View:
    """Return concentrations with limits and fold changes, a row a subject and analyte, a column a visit."""
    table = results.tables["cytokine_levels"].filter("used")
    visits = table.group_by("visit").agg(pl.col("day").min().alias("first"), "day")
    visits = visits.sort("first", "visit", nulls_last=True)
    several = table["specimen"].n_unique() > 1
    heads = [Head("Subject"), Head("Analyte", "pg/mL")]
    heads += [Head(f"{visit or 'no visit'}", days_words(days), True) for visit, _, days in visits.iter_rows()]
    rows = []
    key = ("subject", "specimen", "analyte", "form")
    for (subject, specimen, analyte, form), own in table.sort(*key).group_by(*key, maintain_order=True):
        note = ", ".join(filter(None, (form, specimen if several else None)))
        cells = [_stacked(own.filter(pl.col("visit").eq_missing(visit))) for visit in visits["visit"]]
        rows.append([Cell(f"{subject}", kind="name"), Cell(f"{analyte}", note=note, kind="name"), *cells])
    empty = results.nothing("cytokine_levels", "No cytokine of a subject was measured.", ASSAY)
    return View("Cytokines by subject and visit", heads, rows, empty, "tables/cytokine_levels.csv")


def _stacked(rows: pl.DataFrame) -> Cell:
    """Return the cell of a visit; several specimens of it one below the other."""
    cells = tuple(_level(row) for row in rows.sort("day", nulls_last=True).iter_rows(named=True))
    return (cells[0] if len(cells) == 1 else Cell(kind="limits", stack=cells)) if cells else missing()


def _level(row: Row) -> Cell:
    """Return a concentration with its limits, or the limit that it lies below or above; below it the fold change."""
    fold = "baseline" if row["baseline"] else _fold(row)
    if row["status"] == "quantified":
        told = on_two_lines(Cell(interval(row["conc_pg_per_ml"], row["lower"], row["upper"]), kind="number"))
        return replace(told, text="", note="", stack=(told, *([Cell(note=fold)] if fold else [])))
    words = STATUS_WORDS[row["status"]]
    if row["limit_pg_per_ml"] is None:
        return missing(words)
    sign = ">" if row["status"] == "above_range" else "<"
    return Cell(f"{sign} {number(row['limit_pg_per_ml'])}", note=", ".join(filter(None, (words, fold))), kind="number")


def _fold(row: Row) -> str:
    if row["fold_status"] == "quantified":
        return f"× {interval(row['fold'], row['fold_lower'], row['fold_upper'])}"
    return f"× {FOLDS[row['fold_status']]}{number(row['fold'], 2)}" if row["fold_status"] in FOLDS else ""


def doubts(results: Results) -> list[str]:
    """Return what is to be said of the levels: samples without any, baselines that lack or are of another plate."""
    table = results.tables["cytokine_levels"]
    samples = results.tables["samples"].filter(assay=ASSAY)
    lacking = samples.join(table, on="sample", how="anti", maintain_order="left")
    told = []
    if table.height and lacking.height:
        named = [f"{row['sample']} ({STATE_WORDS[row['state']]})" for row in lacking.iter_rows(named=True)]
        told.append(f"Without a number: {first_few(named, MOST_NAMED)}.")
    reasons = table.filter("used").select("subject", pl.col("reason").str.split("; ")).explode("reason").drop_nulls()
    for words, start in (
        ("no specimen from before treatment gave a number or a limit, so there is no fold change", NO_BASELINE),
        ("the baseline is of another plate than some later samples", OTHER_PLATE),
        ("measurements of one specimen differ by more than their limits", APART),
    ):
        subjects = reasons.filter(pl.col("reason").str.starts_with(start))["subject"].unique().sort().to_list()
        told += [f"{first_few(subjects, MOST_NAMED)}: {words}."] if subjects else []
    return told


def plates(results: Results) -> View:
    """Return each plate with its beads, curves, standards within limits, shared dilution errors and samples."""
    tables = results.tables
    beads, curves = tables["bead_wells"], tables["standard_curves"]
    heads = [Head("Plate"), Head("Wells", numeric=True), Head("Beads", "median (fewest)", True)]
    heads += [Head("In doubt or failed", "analytes in wells", True), Head("Curves", "analytes", True)]
    heads += [Head("Pass", "within 20 %", True, "Standards")]
    heads += [
        Head("Largest shared error", "% (limits)", True, "Standards"),
        Head("In range", "analytes in samples", True),
    ]
    rows = []
    for plate in beads["plate"].unique().sort():
        own, fitted = beads.filter(plate=plate), curves.filter(plate=plate)
        counts = own["beads"].drop_nulls()
        verdicts = Counter(own["verdict"].to_list())
        doubted = [f"{verdicts[word]} {word}" for word in ("warn", "fail") if verdicts[word]]
        good = fitted.filter(pl.col("model").is_not_null(), pl.col("verdict") != "fail").height
        rows.append(
            [
                Cell(f"{plate}", kind="name"),
                count(own["well"].n_unique()),
                Cell(f"{number(counts.median())} ({number(counts.min())})" if counts.len() else "–", kind="number"),  # type: ignore[arg-type]
                Cell(", ".join(doubted) or "none", note=f"of {own.height:,}", kind="number"),
                Cell(f"{good} of {fitted.height}", kind="number"),
                _within(tables["standard_recovery"].filter(plate=plate)),
                _largest(tables["dilution_errors"].filter(plate=plate)),
                _in_range(tables["sample_concentrations"].filter(plate=plate, role="sample")),
            ]
        )
    for unit in tables["failures"].filter(step=STEP_PLATES)["unit"]:
        lost = [missing("failed, see under failures"), *(missing() for _ in heads[2:])]
        rows.append([Cell(unit, kind="name"), *lost])
    empty = results.nothing("bead_wells", "No plate of beads was read.", ASSAY)
    return View("Plates", heads, rows, empty, "tables/bead_wells.csv")


def _within(recovery: pl.DataFrame) -> Cell:
    """Return how many standards pass, and how many are given back within 20 %, by either concentration."""
    if recovery.is_empty():
        return missing()
    columns = ("recovery_pct", "recovery_nominal_pct")
    true, nominal = (int(recovery[column].is_between(80, 120).sum()) for column in columns)
    told = f"{true}, by nominal {nominal}"
    return Cell(f"{int(recovery['within'].sum())} of {recovery.height}", note=told, kind="number")


def _largest(errors: pl.DataFrame) -> Cell:
    known = errors.drop_nulls("factor").sort(pl.col("factor").log().abs())
    if known.is_empty():
        return missing()
    row = known.row(-1, named=True)
    percent = [None if row[name] is None else 100 * (row[name] - 1) for name in ("factor", "lower", "upper")]
    return on_two_lines(Cell(interval(*percent), note=row["level"], kind="number"))


def _in_range(samples: pl.DataFrame) -> Cell:
    quantified = samples.filter(status="quantified").height
    others = Counter(samples["status"].to_list())
    names = ("above_range", "not_evaluable")
    note = ", ".join(f"{others[name]} {STATUS_WORDS[name]}" for name in names if others[name])
    return Cell(f"{quantified} of {samples.height}", note=note, kind="number")


def curves(results: Results) -> View:
    """Return the standard curve of each analyte of each plate with its range."""
    heads = [Head("Plate"), Head("Analyte"), Head("Model"), Head("Standards", numeric=True)]
    heads += [Head("Detection", "pg/mL in the well", True), Head("Range", "pg/mL in the well", True)]
    heads += [Head("Verdict"), Head("Reason")]
    rows = [
        [
            Cell(row["plate"], kind="name"),
            Cell(row["analyte"]),
            text(row["model"]),
            count(row["standards"]),
            count(row["llod_pg_per_ml"]),
            Cell(f"{number(row['lloq_pg_per_ml'])} to {number(row['uloq_pg_per_ml'])}", kind="number")
            if row["lloq_pg_per_ml"] is not None
            else missing(),
            Cell(row["verdict"]),
            text(row["reason"], "prose"),
        ]
        for row in results.tables["standard_curves"].iter_rows(named=True)
    ]
    empty = results.nothing("standard_curves", "No standard curve was fitted.")
    return filled(View("Standard curves", heads, rows, empty, "tables/standard_curves.csv"))


def dilution_errors(results: Results) -> View:
    """Return by how much the standards of each level were off, as all analytes of a plate tell."""
    heads = [Head("Plate"), Head("Level"), Head("True over nominal", "(limits)", True), Head("Analytes", numeric=True)]
    heads += [Head("Reason")]
    rows = [
        [
            Cell(row["plate"], kind="name"),
            Cell(row["level"]),
            Cell(interval(row["factor"], row["lower"], row["upper"]), kind="number"),
            count(row["analytes"]),
            text(row["reason"], "prose"),
        ]
        for row in results.tables["dilution_errors"].iter_rows(named=True)
    ]
    empty = results.nothing("dilution_errors", "No dilution error was fitted.")
    title = "Dilution errors of standards, shared by all analytes"
    return filled(View(title, heads, rows, empty, "tables/dilution_errors.csv"))


def doubted_beads(results: Results) -> View:
    """Return analytes in wells whose beads failed or are in doubt, those that failed first."""
    heads = [Head("Plate"), Head("Well"), Head("Content"), Head("Analyte"), Head("Beads", numeric=True)]
    heads += [Head("Verdict"), Head("Reason")]
    table = results.tables["bead_wells"].filter(pl.col("verdict") != "pass")
    table = table.sort("verdict", "plate", "well", maintain_order=True)  # fail before warn
    rows = [
        [
            Cell(row["plate"], kind="name"),
            Cell(row["well"]),
            text(row["sample"] or row["level"] or row["role"]),
            Cell(row["analyte"]),
            count(row["beads"]),
            Cell(row["verdict"]),
            text(row["reason"], "prose"),
        ]
        for row in table.iter_rows(named=True)
    ]
    empty = results.nothing("bead_wells", "No well has too few beads of an analyte.")
    return View("Beads that failed or are in doubt", heads, rows, empty, "tables/bead_wells.csv")
