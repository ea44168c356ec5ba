"""Clinical tables as a study folder holds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal

import polars as pl

from tilseq.errors import StudyError, TableError, TilseqError
from tilseq.identifiers import twin_key
from tilseq.io.advice import shortened_number
from tilseq.io.dates import PartialDates, day_zero
from tilseq.io.sdtm_events import parse_events
from tilseq.io.text import read_cells
from tilseq.tables import Table
from tilseq.tables.infusions import given_infusions
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
APART = ("subject", "reader", "arm")  # what parts rows that belong together, unseen, where it is written in two ways
# Cells that a result does not rest on, as ours and SDTM's files call them: a fault costs the cell alone.
BESIDE_RESULT = ("lower_limit", "upper_limit", "clinically_significant", "LBCLSIG")
NO_INFUSION = "one of 0 cells is no infusion: leave its row out, and count days from the first that was given"


def read_lesions(path: str | Path, *, infusions: str | Path | None = None) -> pl.DataFrame:
    """Read a table of lesions.

    Parameters
    ----------
    path
        Delimited text.
    infusions
        File of the infusions, with the `date` of each first one: then a `date` may stand in place of a `day` (and
        `harvest_date` of `harvest_day`), as year-month-day. Without it dates are refused.

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
    return _read(path, LESIONS, infusions)


def read_responses(path: str | Path, *, infusions: str | Path | None = None) -> pl.DataFrame:
    """Read a table of recorded responses.

    Parameters
    ----------
    path, infusions
        As for `read_lesions`.

    Returns
    -------
    polars.DataFrame
        Table `responses`, in the order of the file.

    Raises
    ------
    ReadError, StudyError
        As for `read_lesions`.
    """
    return _read(path, RESPONSE_READS, infusions)


def read_subjects(path: str | Path, *, infusions: str | Path | None = None) -> pl.DataFrame:
    """Read a table of subjects.

    Parameters
    ----------
    path, infusions
        As for `read_lesions`.

    Returns
    -------
    polars.DataFrame
        Table `subjects`, in the order of the file.

    Raises
    ------
    ReadError, StudyError
        As for `read_lesions`.
    """
    return _read(path, SUBJECTS, infusions)


def read_infusions(path: str | Path) -> pl.DataFrame:
    """Read a table of infusions, by days or dates.

    Parameters
    ----------
    path
        Delimited text. A `date` may stand in place of a `day`: day 0 is that of the subject's first infusion.

    Returns
    -------
    polars.DataFrame
        Table `infusions`, in the order of the file.

    Raises
    ------
    ReadError, StudyError
        As for `read_lesions`.
    """
    return _read(path, INFUSIONS, path)


def read_followup(path: str | Path, *, infusions: str | Path | None = None) -> pl.DataFrame:
    """Read a table of follow-up.

    Parameters
    ----------
    path, infusions
        As for `read_lesions`.

    Returns
    -------
    polars.DataFrame
        Table `followup`, in the order of the file.

    Raises
    ------
    ReadError, StudyError
        As for `read_lesions`.
    """
    return _read(path, FOLLOWUP, infusions)


def read_therapies(path: str | Path, *, infusions: str | Path | None = None) -> pl.DataFrame:
    """Read a table of further therapies.

    Parameters
    ----------
    path, infusions
        As for `read_lesions`.

    Returns
    -------
    polars.DataFrame
        Table `therapies`, in the order of the file.

    Raises
    ------
    ReadError, StudyError
        As for `read_lesions`.
    """
    return _read(path, THERAPIES, infusions)


def read_schedule(path: str | Path) -> pl.DataFrame:
    """Read the planned assessments of the tumour.

    Parameters
    ----------
    path
        Delimited text, by days; dates are refused.

    Returns
    -------
    polars.DataFrame
        Table `schedule`, in the order of the file.

    Raises
    ------
    ReadError, StudyError
        As for `read_lesions`.
    """
    return _read(path, SCHEDULE, None)


def parse_by_subject(
    path: str | Path,
    table: Table,
    *,
    extra: Literal["refuse", "keep"] = "refuse",
    infusions: str | Path | None = None,
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
    infusions
        As of `read_lesions`.

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
    frame, problems = _parse(path, table, infusions, extra)
    faults: dict[str, list[TilseqError]] = defaultdict(list)
    for problem in problems:
        subject = frame["subject"][problem.row - 2] if problem.row is not None and problem.row > 1 else None
        if subject is None:
            raise StudyError(problems, Path(path).name)
        faults[subject].append(problem)
    return frame, dict(faults)


def parse_by_row(
    path: str | Path,
    table: Table,
    *,
    extra: Literal["refuse", "keep"] = "refuse",
    infusions: str | Path | None = None,
    day_one: Mapping[str, int] | None = None,
    partial_dates: PartialDates = "refuse",
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Read a table so that a faulty cell costs itself alone.

    Parameters
    ----------
    path, table, extra, infusions
        As of `parse_by_subject`.
    day_one, partial_dates
        As of `read_adverse_events`.

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
    frame, problems = _parse(path, table, infusions, extra, day_one, partial_dates)
    if any(problem.row is None or problem.row < 2 for problem in problems):
        raise StudyError(problems, Path(path).name)
    return frame, problems


def read_lab_results(
    path: str | Path, *, infusions: str | Path | None = None, day_one: Mapping[str, int] | None = None
) -> tuple[pl.DataFrame, list[int], list[TilseqError]]:
    """Read results of laboratory or other tests, so that a faulty row costs itself alone.

    A fault of a limit of normal or of `clinically_significant` costs that cell alone, not the result.

    The file holds our table `labs` or SDTM's domain LB, which its header tells. The result, unit and limits of LB are
    those written (LBORRES), else the converted ones (LBSTRESC); limits that are no number are missing. What is not of
    blood has its specimen in the name of the test.

    Parameters
    ----------
    path, infusions
        As for `read_lesions`.
    day_one
        Of LB, as for `read_adverse_events`.

    Returns
    -------
    frame
        Table `labs`: the rows that can be used, in the order of the file.
    numbers
        The row of the file that each of them is (the header is row 1).
    faults
        What is wrong with the other rows, and with the cells that are not used.

    Raises
    ------
    ReadError
        The file is not delimited text.
    StudyError
        The header is wrong.
    """
    frame, problems = _parse(path, LABS, infusions, day_one=day_one)
    if any(problem.row is None or problem.row < 2 for problem in problems):
        raise StudyError(problems, Path(path).name)
    faulty = {problem.row for problem in problems if problem.column not in BESIDE_RESULT}
    numbers = [row for row in range(2, frame.height + 2) if row not in faulty]
    return frame[[row - 2 for row in numbers]], numbers, problems


def infusion_faults(infusions: pl.DataFrame, file: str | Path) -> list[TilseqError]:
    """List each subject whose first infusion is not on day 0, from which days count, or whose later one is earlier.

    Rows of 0 cells are no infusions; of a subject who has no other days count from the first that was planned.

    Parameters
    ----------
    infusions
        Table `infusions` in the order of its file; a row without subject, number or day takes no part.
    file
        The name that errors give.
    """
    problems: list[TilseqError] = []
    rows: dict[str, list[tuple[int, int, int]]] = {}
    names = ("subject", "infusion", "day")
    numbered = infusions.with_row_index("row", offset=2).drop_nulls(names)
    given = given_infusions(numbered)
    never = numbered.join(given, on="subject", how="anti", maintain_order="left")
    for subject, *infusion in pl.concat([given, never]).select(*names, "row").iter_rows():
        rows.setdefault(subject, []).append(tuple(infusion))
    rows_of = dict(numbered.group_by("subject").len().iter_rows())
    for subject, of_subject in rows.items():
        of_subject.sort()
        _, day, row = of_subject[0]
        if day != 0:
            what, expected = "days count from the first infusion", "0"
            mend = NO_INFUSION if rows_of[subject] > len(of_subject) else None
            problems.append(TableError(what, file=file, row=row, column="day", found=day, expected=expected, mend=mend))
        for (_, before, _), (_, day, row) in pairwise(of_subject):
            if day < before:
                what, expected = "a later infusion lies before an earlier one", f"day {before} or later"
                problems.append(TableError(what, file=file, row=row, column="day", found=day, expected=expected))
    return problems


def _parse(
    path: str | Path,
    table: Table,
    infusions: str | Path | None,
    extra: Literal["refuse", "keep"] = "refuse",
    day_one: Mapping[str, int] | None = None,
    partial_dates: PartialDates = "refuse",
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Read a table, ours or SDTM's, and list beside what is wrong the identifiers that are not what somebody wrote.

    With a space at an end one looks like the one without, and would be another subject or reader; the frame holds it
    without. One such as 1E+05 was a longer number before a spreadsheet shortened it. Of two that differ in case alone
    the first in the file counts as written.
    """
    day0 = None if infusions is None else day_zero(read_cells(infusions))
    frame, problems = parse_events(
        read_cells(path), table, day0, file=path, extra=extra, day_one=day_one, partial_dates=partial_dates
    )
    if table is INFUSIONS:
        problems += infusion_faults(frame, path)
    for name in (name for name in IDENTIFIERS if name in table.names):
        written: dict[str, tuple[str, int]] = {}
        for row, cell in enumerate(frame[name].to_list(), start=2):
            if cell is None:
                continue
            first, of_first = written.setdefault(twin_key(cell.strip()), (cell.strip(), row))
            if cell != cell.strip():
                what, mend = "a space at one end", "remove it"
            elif shortened_number(cell):
                what, mend = "a number as a spreadsheet shortens it", "write it whole, in a column of text"
            elif name in APART and cell != first:
                what = f"this looks like {first!r} in row {of_first} and differs only in case or Unicode form"
                mend = "write both alike, or name one otherwise"
            else:
                continue
            problems.append(TableError(what, file=path, row=row, column=name, found=cell, mend=mend))
        frame = frame.with_columns(pl.col(name).str.strip_chars())
    return frame, sorted(problems, key=lambda problem: problem.row or 0)


def _read(path: str | Path, table: Table, infusions: str | Path | None) -> pl.DataFrame:
    frame, problems = _parse(path, table, infusions)
    if problems:
        raise StudyError(problems, Path(path).name)
    return frame
