"""Clinical tables as a study folder holds them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Literal

import polars as pl

from tilseq.errors import StudyError, TableError, TilseqError
from tilseq.io.text import read_cells
from tilseq.tables import Table, parse
from tilseq.tables.inputs import (
    FOLLOWUP,
    INFUSIONS,
    LABS,
    LESIONS,
    RESPONSE_READS,
    SCHEDULE,
    SUBJECTS,
    THERAPIES,
)

IDENTIFIERS = ("subject", "reader", "visit", "lesion", "arm")


def read_lesions(path: str | Path) -> pl.DataFrame:
    """Read a table of lesions.

    Returns
    -------
    polars.DataFrame
        Table `lesions`, in the order of the file.

    Raises
    ------
    ReadError
        The file is not delimited text.
    StudyError
        A column, cell or key is wrong; every fault is listed with its row.
    """
    return _read(path, LESIONS)


def read_responses(path: str | Path) -> pl.DataFrame:
    """Read a table of recorded responses; see `read_lesions` for what is raised."""
    return _read(path, RESPONSE_READS)


def read_subjects(path: str | Path) -> pl.DataFrame:
    """Read a table of subjects; see `read_lesions` for what is raised."""
    return _read(path, SUBJECTS)


def read_infusions(path: str | Path) -> pl.DataFrame:
    """Read a table of infusions; see `read_lesions` for what is raised."""
    return _read(path, INFUSIONS)


def read_followup(path: str | Path) -> pl.DataFrame:
    """Read a table of follow-up; see `read_lesions` for what is raised."""
    return _read(path, FOLLOWUP)


def read_therapies(path: str | Path) -> pl.DataFrame:
    """Read a table of further therapies; see `read_lesions` for what is raised."""
    return _read(path, THERAPIES)


def read_schedule(path: str | Path) -> pl.DataFrame:
    """Read the planned assessments of the tumour; see `read_lesions` for what is raised."""
    return _read(path, SCHEDULE)


def parse_by_subject(
    path: str | Path, table: Table, *, extra: Literal["refuse", "keep"] = "refuse"
) -> tuple[pl.DataFrame, dict[str, list[TilseqError]]]:
    """Read a table so that a faulty row costs its subject alone.

    Parameters
    ----------
    path
        Delimited text.
    table
        What it must hold, with a column `subject`.
    extra
        What becomes of a column that the table does not know.

    Returns
    -------
    frame
        In the order of the file; a cell that cannot be read is null, and an identifier is without spaces at its ends.
    faults
        Subject → what is wrong with its rows.

    Raises
    ------
    ReadError
        The file is not delimited text.
    StudyError
        The header is wrong, or a faulty row names no subject.
    """
    frame, problems = _parse(path, table, extra)
    faults: dict[str, list[TilseqError]] = defaultdict(list)
    for problem in problems:
        subject = frame["subject"][problem.row - 2] if problem.row is not None and problem.row > 1 else None
        if subject is None:
            raise StudyError(problems)
        faults[subject].append(problem)
    return frame, dict(faults)


def parse_by_row(
    path: str | Path, table: Table, *, extra: Literal["refuse", "keep"] = "refuse"
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Read a table so that a faulty cell costs itself alone.

    Returns
    -------
    frame
        Every row, in the order of the file; a cell that cannot be read is null, and an identifier is without spaces at
        its ends.
    faults
        What is wrong, with row and column.

    Raises
    ------
    ReadError
        The file is not delimited text.
    StudyError
        The header is wrong.
    """
    frame, problems = _parse(path, table, extra)
    if any(problem.row is None or problem.row < 2 for problem in problems):
        raise StudyError(problems)
    return frame, problems


def read_lab_results(path: str | Path) -> tuple[pl.DataFrame, list[int], list[TilseqError]]:
    """Read results of laboratory or other tests, so that a faulty row costs itself alone.

    Returns
    -------
    frame
        Table `labs`: the rows without a fault, in the order of the file.
    numbers
        The row of the file that each of them is (the header is row 1).
    faults
        What is wrong with the other rows.

    Raises
    ------
    ReadError
        The file is not delimited text.
    StudyError
        The header is wrong.
    """
    frame, problems = _parse(path, LABS)
    if any(problem.row is None or problem.row < 2 for problem in problems):
        raise StudyError(problems)
    faulty = {problem.row for problem in problems}
    numbers = [row for row in range(2, frame.height + 2) if row not in faulty]
    return frame[[row - 2 for row in numbers]], numbers, problems


def _parse(
    path: str | Path, table: Table, extra: Literal["refuse", "keep"] = "refuse"
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Read a table, and list beside what `parse` finds each identifier with a space at an end.

    In a table it looks like the one without, and would be another subject or reader. The frame holds it without.
    """
    frame, problems = parse(read_cells(path), table, file=path, extra=extra)
    for name in (name for name in IDENTIFIERS if name in table.names):
        spaced = frame[name] != frame[name].str.strip_chars()
        problems += [
            TableError(
                "a space at one end", file=path, row=row + 2, column=name, found=frame[name][row], mend="remove it"
            )
            for row in spaced.fill_null(False).arg_true()
        ]
        frame = frame.with_columns(pl.col(name).str.strip_chars())
    return frame, sorted(problems, key=lambda problem: problem.row or 0)


def _read(path: str | Path, table: Table) -> pl.DataFrame:
    frame, problems = _parse(path, table)
    if problems:
        raise StudyError(problems)
    return frame
