"""Adverse events and tumour markers as a file holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from tilseq.errors import StudyError, TilseqError
from tilseq.io.clinical import parse_by_row, parse_by_subject
from tilseq.io.dates import PartialDates
from tilseq.tables import no_such_column
from tilseq.tables.inputs import ADVERSE_EVENTS, TUMOR_MARKERS

# What a coding dictionary adds: a code, its version, the names of its levels.
CODED = re.compile(r".+_(code|version)|(llt|pt|hlt|hlgt|meddra)(_.+)?", re.IGNORECASE)
CODED_WORDS = "; coded columns: llt, pt, hlt, hlgt, meddra…, …_code, …_version"

Faults = dict[str, list[TilseqError]]


def read_adverse_events(
    path: str | Path,
    *,
    infusions: str | Path | None = None,
    day_one: Mapping[str, int] | None = None,
    partial_dates: PartialDates = "refuse",
) -> pl.DataFrame:
    """Read a table of adverse events, ours or SDTM's domain AE, which its header tells.

    Of AE the term is AETERM, the preferred term (`pt`) AEDECOD, the grade AETOXGR; a day is that of the date, else made
    of the study day.

    Parameters
    ----------
    path, infusions
        As of `read_lesions`.
    day_one
        Subject → day (0 is the first infusion) that is SDTM's study day 1, for rows without a date. There is no study
        day 0: the day before day 1 is day -1.
    partial_dates
        What becomes of a first or last day of which only month or year is known: an error, or the last day that it can
        be, for a first day none after the event's end.

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
    frame, faults = adverse_events_by_row(path, infusions=infusions, day_one=day_one, partial_dates=partial_dates)
    if faults:
        raise StudyError(faults, Path(path).name)
    return frame


def read_tumor_markers(path: str | Path, *, infusions: str | Path | None = None) -> pl.DataFrame:
    """Read a table of tumour markers.

    Parameters
    ----------
    path
        Delimited text.
    infusions
        File of the infusions, as for `read_lesions`: then a `date` may stand in place of a `day`.

    Returns
    -------
    polars.DataFrame
        Table `tumor_markers`, in the order of the file.

    Raises
    ------
    ReadError
        The file is not delimited text.
    StudyError
        A column or cell is wrong; every fault is listed with its row.
    """
    return _whole(*parse_by_subject(path, TUMOR_MARKERS, infusions=infusions))


def adverse_events_by_row(
    path: str | Path,
    *,
    infusions: str | Path | None = None,
    day_one: Mapping[str, int] | None = None,
    partial_dates: PartialDates = "refuse",
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Read adverse events so that a faulty cell costs itself alone.

    See `read_adverse_events` for what may stand in the file, `parse_by_row` for what is returned.
    """
    frame, faults = parse_by_row(
        path, ADVERSE_EVENTS, extra="keep", infusions=infusions, day_one=day_one, partial_dates=partial_dates
    )
    unknown = unknown_columns(frame, path)
    if unknown:
        raise StudyError([*unknown, *faults], Path(path).name)
    return frame, faults


def unknown_columns(frame: pl.DataFrame, file: str | Path) -> list[TilseqError]:
    """List the columns of adverse events that are neither the table's nor those of a coding dictionary."""
    return [
        no_such_column(ADVERSE_EVENTS, name, file, further=CODED_WORDS)
        for name in frame.columns
        if name not in ADVERSE_EVENTS.names and not CODED.fullmatch(name)
    ]


def _whole(frame: pl.DataFrame, faults: Faults) -> pl.DataFrame:
    if faults:
        problems = [problem for problems in faults.values() for problem in problems]
        raise StudyError(sorted(problems, key=lambda problem: problem.row or 0))
    return frame
