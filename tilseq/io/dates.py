"""Days from dates: any `day` column may be written as a date beside the infusion's date."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from tilseq.errors import TableError, TilseqError
from tilseq.identifiers import same_identifier
from tilseq.io.advice import advise, lasting, serial_date
from tilseq.tables import Table, parse

# A time of day behind a date is cut off, in whatever zone it is.
ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9:.,+Z-]*)?")
YEARS = range(1900, 2200)  # others are slips, as 0024, or stand for no date, as 9999-12-31
PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-(?:UN|UNK|UK|NK))*")
ISO_EXPECTED = "year-month-day such as 2024-03-04"
PartialDates = Literal["refuse", "last_day"]
PARTIAL_MEND = (
    "leave the cell empty: an event without a first day counts unless it ended before the first dose; "
    "or say `partial_dates: last_day`, which takes the last day that it can be"
)


class DayZero(NamedTuple):
    """What dates count from.

    Attributes
    ----------
    dates
        Subject → date of the first infusion.
    infused
        Subjects with an infusion, dated or not.
    """

    dates: Mapping[str, date]
    infused: frozenset[str]


def day_zero(infusions: pl.DataFrame) -> DayZero:
    """Return what dates count from, by infusions.csv as text cells."""
    named = infusions["subject"].drop_nulls().to_list() if "subject" in infusions.columns else []
    return DayZero(first_infusions(infusions), frozenset(named))


def parse_dated(
    text: pl.DataFrame,
    table: Table,
    day0: DayZero | None,
    *,
    file: str | Path,
    extra: Literal["refuse", "keep"] = "refuse",
    partial_dates: PartialDates | None = None,
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Turn text cells into a typed frame, dates into days, and list everything that is wrong.

    Parameters
    ----------
    text, table, file, extra
        As of `tilseq.tables.parse`.
    day0
        What dates count from; None where no infusions are given, so that there may be no date.
    partial_dates
        As of `days_from_dates`.

    Returns
    -------
    frame, problems
        As of `tilseq.tables.parse`, common slips with their mend.
    """
    unread: set[str] = set()  # days of which there are dates alone, which cannot be read: told once, not a row each
    if day0 is None:
        unread = {day for day, twin in table.dates.items() if twin in text.columns and day not in text.columns}
        text, problems = _without_dates(text, table, file)
    else:
        text, problems = days_from_dates(text, table, day0, file=file, partial_dates=partial_dates)
    frame, faults = parse(text, table, file=file, extra=extra)
    told = {(problem.row, (problem.column or "").replace("date", "day")) for problem in problems}
    faults = [fault for fault in faults if fault.column not in unread and (fault.row, fault.column) not in told]
    every = [*problems, *faults]
    for fault in every:
        advise(fault)
    return frame, every


def _without_dates(text: pl.DataFrame, table: Table, file: str | Path) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Return the cells without their columns of dates, and a problem for each of these."""
    dated = {twin: day for day, twin in table.dates.items() if twin in text.columns}
    problems: list[TilseqError] = [
        TableError(
            "dates, and no infusions that they count from",
            file=file,
            row=1,
            column=twin,
            mend="give the infusions (--infusions) with the `date` of each first one, or write days",
        )
        for twin in dated
    ]
    empty = [pl.lit(None, pl.String).alias(day) for day in dated.values() if day not in text.columns]
    return text.with_columns(empty).drop(dated), problems


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
        day0, number = whole_date(row["date"]), _whole(row.get("infusion"))
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
    text: pl.DataFrame,
    table: Table,
    day0: DayZero,
    *,
    file: str | Path,
    partial_dates: PartialDates | None = None,
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
        What the dates count from.
    file
        The name that errors give.
    partial_dates
        What becomes of a start or end whose day of the month is not known: an error, or the last day that it can be,
        for a start none after the end. None for a table that knows no such dates.

    Returns
    -------
    text
        The cells without date columns, day columns filled.
    problems
        Dates that are not ISO, that no infusion's date can turn into a day, or that disagree with the day.
    """
    problems: list[TilseqError] = []
    if partial_dates == "last_day":
        text = _completed(text)
    for name, twin in table.dates.items():
        if twin not in text.columns:
            continue
        empty: list[str | None] = [None] * text.height
        subjects = text["subject"].to_list() if "subject" in text.columns else empty
        days = text[name].to_list() if name in text.columns else list(empty)
        for i, cell in enumerate(text[twin].to_list()):
            if cell is None:
                continue
            day, fault = _day(cell, days[i], subjects[i] or "", day0)
            if fault is None:
                days[i] = day
            elif "subject" in text.columns:  # else that the column is missing is told, and once
                what, expected, mend = fault
                if partial_dates is not None and PARTIAL.fullmatch(cell):
                    what, mend = "a date without its day", PARTIAL_MEND
                problems.append(
                    TableError(what, file=file, row=i + 2, column=twin, found=cell, expected=expected, mend=mend)
                )
        text = text.drop(twin).with_columns(pl.Series(name, days, dtype=pl.String))
    return text, problems


def _day(
    cell: str, written: str | None, subject: str, day0: DayZero
) -> tuple[str | None, tuple[str, str | None, str | None] | None]:
    """Return the day as text and None, or None and what is wrong, what was expected and the mend."""
    when, start = whole_date(cell), day0.dates.get(subject)
    if when is None:
        otherwise = "write it so, in a spreadsheet by the format of the cells"
        mend = lasting(cell) or serial_date(cell) or _other_year(cell) or otherwise
        return None, ("no date that reads in one way only", ISO_EXPECTED, mend)
    if start is None and subject not in day0.infused:
        expected = "an infusion of this subject, whose day is day 0"
        meant = same_identifier(subject, day0.infused)
        mend = meant or "write days; of who was never infused day 0 may be the day that was planned for it"
        return None, ("this date cannot be turned into a day", expected, mend)
    if start is None:
        mend = "give infusions.csv a `date` for this subject's first infusion, or write days instead"
        return None, ("this date cannot be turned into a day", "the date of the subject's first infusion", mend)
    day = (when - start).days
    if written is not None and _whole(written) != day:
        return None, ("date and day disagree", f"day {day} by the infusion's date", "keep one of the two")
    return str(day), None


def whole_date(cell: str | None) -> date | None:
    """Return a date written as ISO 8601 has it, without its time of day; None for what is none, or of no such year.

    >>> whole_date("2024-03-04T06:50"), whole_date("2024-03"), whole_date("04/03/2024")
    (datetime.date(2024, 3, 4), None, None)
    """
    found = ISO.fullmatch(cell or "")
    if found is None:
        return None
    try:
        when = date.fromisoformat(found[1])
    except ValueError:
        return None
    return when if when.year in YEARS else None


def _other_year(cell: str) -> str | None:
    """Return the mend of a date of no year that a study is of, None for another cell."""
    if ISO.fullmatch(cell) is None or int(cell[:4]) in YEARS:
        return None
    return f"mend the year, which is {YEARS.start} to {YEARS.stop - 1}, or leave the cell empty where there is no date"


def _completed(text: pl.DataFrame) -> pl.DataFrame:
    """Return the cells with each partial date of a start or end as the last day that it can be."""
    known = {name: text[name].to_list() for name in ("end_date", "start_date") if name in text.columns}
    for name, cells in known.items():
        for i, cell in enumerate(cells):
            span = _span(cell)
            if span is None:
                continue
            end = whole_date(known["end_date"][i]) if name == "start_date" and "end_date" in known else None
            cells[i] = str(end if end is not None and span[0] <= end < span[1] else span[1])
    return text.with_columns(pl.Series(name, cells, dtype=pl.String) for name, cells in known.items())


def _span(cell: str | None) -> tuple[date, date] | None:
    """Return the first and last day that a partial date can be."""
    found = PARTIAL.fullmatch(cell or "")
    try:
        if found is None:
            return None
        year, month = int(found[1]), found[2]
        first, last = (1, 12) if month is None else (int(month), int(month))
        return date(year, first, 1), date(year, last, monthrange(year, last)[1])
    except ValueError:  # no year or month of the calendar
        return None


def _whole(cell: str | None) -> int | None:
    found = re.fullmatch(r"([-+]?[0-9]{1,6})(?:\.0+)?", cell or "")
    return None if found is None else int(found[1])
