"""How the numbers were made: parameters, settings, versions, inputs."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.endpoints.parameters import ALL
from tilseq.errors import ReadError
from tilseq.report.results import Results
from tilseq.report.view import Cell, Head, View, count, text
from tilseq.report.words import flat, plural, seconds, size

NO_RUN = "There is no run.json beside this report."


def parameters(results: Results) -> View:
    """Return every parameter of the endpoint table: what it is, and how it and its limits were found."""
    meanings = {parameter.name: parameter.meaning for parameter in ALL}
    used = (
        results.tables["endpoints"]
        .group_by("parameter", "unit", "scope", "method", "interval_method")
        .agg(rows=pl.len())
        .sort("parameter", "unit", "scope", "method", "interval_method", nulls_last=True)
    )
    heads = [Head("Parameter"), Head("What it is"), Head("Unit"), Head("How"), Head("Limits"), Head("Depends on")]
    rows = [
        [
            text(row["parameter"], "name"),
            text(meanings.get(row["parameter"]), "prose"),
            text(row["unit"]),
            text(row["method"], "prose"),
            text(row["interval_method"]),
            text("its sample alone" if row["scope"] == "sample" else "other samples too"),
            count(row["rows"]),
        ]
        for row in used.iter_rows(named=True)
    ]
    heads.append(Head("Numbers", numeric=True))
    return View(
        "How the endpoints were found",
        heads,
        rows,
        results.nothing("endpoints", "There are no endpoints."),
        "tables/endpoints.csv",
    )


def facts(results: Results) -> list[tuple[str, str]]:
    """Return what is to be said of the run as a whole, as pairs of a name and a text."""
    run = results.run
    told = {
        "tilseq": run.get("tilseq"),
        "Command": run.get("command"),
        "Started": run.get("started"),
        "Finished": run.get("finished"),
        "Took": _duration(run.get("seconds")),
        "Seed": run.get("seed"),
        **dict(flat(run_object(results, "system"))),
    }
    return [(name, f"{value}") for name, value in told.items() if value is not None]


def settings(results: Results) -> View:
    """Return every resolved setting."""
    rows = [[Cell(name, kind="code"), Cell(value)] for name, value in flat(run_object(results, "settings"))]
    heads = [Head("Setting"), Head("Value")]
    return View(plural(len(rows), "setting"), heads, rows, "No settings were recorded.", "run.json")


def versions(results: Results) -> View:
    """Return the version of every package."""
    rows = [[Cell(name, kind="code"), Cell(value)] for name, value in flat(run_object(results, "versions"))]
    heads = [Head("Package"), Head("Version")]
    return View(plural(len(rows), "package version"), heads, rows, "No versions were recorded.", "run.json")


def inputs(results: Results) -> View:
    """Return every input file with its size and SHA-256."""
    files = results.run.get("inputs", [])
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise ReadError("inputs must be a list of objects", file=results.folder / "run.json", column="inputs")
    rows = [
        [
            text(file.get("path"), "name"),
            text(None if not isinstance(file.get("bytes"), int) else size(file["bytes"]), "number"),
            text(file.get("sha256"), "hash"),
        ]
        for file in files
    ]
    heads = [Head("File"), Head("Size", numeric=True), Head("SHA-256")]
    return View(plural(len(rows), "input file"), heads, rows, "No inputs were recorded.", "run.json")


def title(results: Results) -> tuple[str, str]:
    """Return the study's title and name; the folder's name where run.json gives neither."""
    study = run_object(results, "study")
    name = f"{study.get('name') or ''}"
    return f"{study.get('title') or name or 'Study without a name'}", name


def notes(results: Results) -> list[str]:
    """Return what was noted of the study's folder before the run; nothing where run.json does not tell it."""
    value = results.run.get("notes") or []
    if not isinstance(value, list):
        found = type(value).__name__
        raise ReadError("must be a list", file=results.folder / "run.json", column="notes", found=found)
    return [str(note) for note in value]


def run_object(results: Results, name: str) -> dict[str, Any]:
    """Return an object of run.json, empty where there is none."""
    value = results.run.get(name) or {}
    if not isinstance(value, dict):
        raise ReadError(
            "must be an object",
            file=results.folder / "run.json",
            column=name,
            found=type(value).__name__,
        )
    return value


def _duration(value: Any) -> str | None:
    return seconds(value) if isinstance(value, int | float) else None
