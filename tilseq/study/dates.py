"""Days from dates: any `day` column may be written as a date beside the infusion's date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import polars as pl

from tilseq.errors import TableError, TilseqError
from tilseq.tables import Table

ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ISO_EXPECTED = "year-month-day such as 2024-03-04"


def date_twin(column: str) -> str | None:
    """Return the date column that may stand for a day column: `day` → `date`, `harvest_day` → `harvest_date`."""
    return column[:-3] + "date" if column == "day" or column.endswith("_day") else None


def first_infusions(infusions: pl.DataFrame) -> dict[str, date]:
    """Return the date of day 0 of each subject whose infusions give a date.

    Parameters
    ----------
    infusions
        infusions.csv as text cells: `subject, infusion, day, date`, any of them absent.

    Returns
    -------
    dict
        Subject → date of the lowest-numbered infusion that has one, less its day where that is given.
    """
    if "date" not in infusions.columns or "subject" not in infusions.columns:
        return {}
    best: dict[str, tuple[int, date]] = {}
    for row in infusions.iter_rows(named=True):
        day0, number = _iso(row["date"]), _whole(row.get("infusion"))
        # A later infusion tells day 0 only when it also tells its own day.
        offset = _whole(row.get("day"))
        offset = 0 if offset is None and number == 1 else offset
        if row["subject"] is None or day0 is None or number is None or offset is None:
            continue
        ordinal = day0.toordinal() - offset
        if ordinal >= 1 and (row["subject"] not in best or number < best[row["subject"]][0]):
            best[row["subject"]] = number, date.fromordinal(ordinal)
    return {subject: day0 for subject, (_, day0) in best.items()}


def days_from_dates(
    text: pl.DataFrame, table: Table, day0: Mapping[str, date], *, file: str
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Replace the date columns of a table of text cells by its day columns.

    A column `date` or `…_date` fills the `day` or `…_day` that the table knows, where that is empty; both may be given
    when they agree. No date is left in the frame.

    Parameters
    ----------
    text
        Text cells; of a table without a column `subject` they are returned as they are.
    table
        The table that the cells are meant for.
    day0
        Subject → date of the first infusion.
    file
        The name that errors give.

    Returns
    -------
    text
        The cells without date columns, day columns filled.
    problems
        Dates that are not ISO, that no infusion's date can turn into a day, or that disagree with the day.
    """
    problems: list[TilseqError] = []
    if "subject" not in table.names:
        return text, problems  # a date counts from the infusion of a subject
    for name in table.names:
        twin = date_twin(name)
        if twin is None or twin in table.names or twin not in text.columns:
            continue
        empty: list[str | None] = [None] * text.height
        subjects = text["subject"].to_list() if "subject" in text.columns else empty
        days = text[name].to_list() if name in text.columns else list(empty)
        for i, cell in enumerate(text[twin].to_list()):
            if cell is None:
                continue
            day, fault = _day(cell, days[i], day0.get(subjects[i] or ""))
            if fault is None:
                days[i] = day
            else:
                what, expected, mend = fault
                problems.append(
                    TableError(what, file=file, row=i + 2, column=twin, found=cell, expected=expected, mend=mend)
                )
        text = text.drop(twin).with_columns(pl.Series(name, days, dtype=pl.String))
    return text, problems


def _day(cell: str, written: str | None, day0: date | None) -> tuple[str | None, tuple[str, str | None, str] | None]:
    """Return the day as text and None, or None and what is wrong, what was expected and the mend."""
    when = _iso(cell)
    if when is None:
        return None, ("no date that reads in one way only", ISO_EXPECTED, "write it so")
    if day0 is None:
        mend = "give infusions.csv a `date` for this subject's first infusion, or write days instead"
        return None, ("this date cannot be turned into a day", "the date of the subject's first infusion", mend)
    day = (when - day0).days
    if written is not None and _whole(written) != day:
        return None, ("date and day disagree", f"day {day} by the infusion's date", "keep one of the two")
    return str(day), None


def _iso(cell: str | None) -> date | None:
    if cell is None or not ISO.fullmatch(cell):
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return None


def _whole(cell: str | None) -> int | None:
    return int(cell) if cell is not None and re.fullmatch(r"[-+]?[0-9]{1,6}", cell) else None
