"""Adverse events and tumour markers as a file holds them."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from tilseq.errors import StudyError, TableError, TilseqError, did_you_mean
from tilseq.io.clinical import parse_by_row, parse_by_subject
from tilseq.tables.inputs import ADVERSE_EVENTS, TUMOR_MARKERS

# What a coding dictionary adds: a code, its version, the names of its levels.
CODED = re.compile(r".+_(code|version)|(llt|pt|hlt|hlgt|meddra)(_.+)?", re.IGNORECASE)

Faults = dict[str, list[TilseqError]]


def read_adverse_events(path: str | Path) -> pl.DataFrame:
    """Read a table of adverse events.

    Returns
    -------
    polars.DataFrame
        Table `adverse_events`, in the order of the file. Coded columns (`*_code`, `*_version`, `llt`, `pt`, `hlt`,
        `hlgt`, `meddra*`) pass through as text, whatever dictionary they are of.

    Raises
    ------
    ReadError
        The file is not delimited text.
    StudyError
        A column or cell is wrong; every fault is listed with its row.
    """
    frame, faults = adverse_events_by_row(path)
    if faults:
        raise StudyError(faults)
    return frame


def read_tumor_markers(path: str | Path) -> pl.DataFrame:
    """Read a table of tumour markers; see `read_adverse_events` for what is raised."""
    return _whole(*parse_by_subject(path, TUMOR_MARKERS))


def adverse_events_by_row(path: str | Path) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Read adverse events so that a faulty cell costs itself alone; see `parse_by_row`."""
    frame, faults = parse_by_row(path, ADVERSE_EVENTS, extra="keep")
    unknown = unknown_columns(frame, path)
    if unknown:
        raise StudyError([*unknown, *faults])
    for fault in faults:
        fault.mend = fault.mend or _mend(fault.column, (fault.found or "").strip("'"))
    return frame, faults


def _mend(column: str | None, found: str) -> str | None:
    """Return how to mend two slips of exports: a grade with its letter, words for an event that has not ended."""
    grade = re.fullmatch(r"(?:g|gr|grade|ctcae)?[\s.]*([1-5])(?:\.0)?", found, re.IGNORECASE)
    if column == "grade":
        return f"write {grade[1]}" if grade else "write 1 to 5"
    return "leave it empty while the event lasts" if column == "end_day" else None


def unknown_columns(frame: pl.DataFrame, file: str | Path) -> list[TilseqError]:
    """List the columns of adverse events that are neither the table's nor those of a coding dictionary."""
    return [
        TableError(
            f"{ADVERSE_EVENTS.name} has no such column",
            file=file,
            row=1,
            column=name,
            mend=did_you_mean(name, ADVERSE_EVENTS.names) or f"its columns are {', '.join(ADVERSE_EVENTS.names)}",
        )
        for name in frame.columns
        if name not in ADVERSE_EVENTS.names and not CODED.fullmatch(name)
    ]


def _whole(frame: pl.DataFrame, faults: Faults) -> pl.DataFrame:
    if faults:
        problems = [problem for problems in faults.values() for problem in problems]
        raise StudyError(sorted(problems, key=lambda problem: problem.row or 0))
    return frame
