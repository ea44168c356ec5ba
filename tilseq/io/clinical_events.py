"""Clinical tables of events and markers: adverse events, tumour markers, infusions, follow-up."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from tilseq.errors import StudyError, TableError, TilseqError, did_you_mean
from tilseq.io.text import read_cells
from tilseq.tables import Table, parse
from tilseq.tables.inputs import ADVERSE_EVENTS, FOLLOWUP, INFUSIONS, TUMOR_MARKERS

# What a coding dictionary adds: a code, its version, the names of its levels.
CODED = re.compile(r".+_(code|version)|(llt|pt|hlt|hlgt|meddra)(_.+)?", re.IGNORECASE)


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
    cells = read_cells(path)
    frame, problems = parse(cells, ADVERSE_EVENTS, file=path, extra="keep")
    unknown: list[TilseqError] = [
        TableError(
            f"{ADVERSE_EVENTS.name} has no such column",
            file=path,
            row=1,
            column=name,
            mend=did_you_mean(name, ADVERSE_EVENTS.names) or f"its columns are {', '.join(ADVERSE_EVENTS.names)}",
        )
        for name in frame.columns
        if name not in ADVERSE_EVENTS.names and not CODED.fullmatch(name)
    ]
    if unknown or problems:
        raise StudyError([*unknown, *problems])
    return frame


def read_tumor_markers(path: str | Path) -> pl.DataFrame:
    """Read a table of tumour markers; see `read_adverse_events` for what is raised."""
    return _read(path, TUMOR_MARKERS)


def read_infusions(path: str | Path) -> pl.DataFrame:
    """Read a table of infusions; see `read_adverse_events` for what is raised."""
    return _read(path, INFUSIONS)


def read_followup(path: str | Path) -> pl.DataFrame:
    """Read a table of follow-up; see `read_adverse_events` for what is raised."""
    return _read(path, FOLLOWUP)


def _read(path: str | Path, table: Table) -> pl.DataFrame:
    frame, problems = parse(read_cells(path), table, file=path)
    if problems:
        raise StudyError(problems)
    return frame
