"""Days from dates: any `day` column may be written as a date beside the infusion's date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from tilseq.errors import TableError, TilseqError
from tilseq.io.advice import advise, serial_date
from tilseq.tables import Table, parse

ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ISO_EXPECTED = "year-month-day such as 2024-03-04"


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
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Turn text cells into a typed frame, dates into days, and list everything that is wrong.

    Parameters
    ----------
    text, table, file, extra
        As of `tilseq.tables.parse`.
    day0
        What dates count from; None where no infusions are given, so that there may be no date.

    Returns
    -------
    frame, problems
        As of `tilseq.tables.parse`, common slips with their mend.
    """
    if day0 is None:
        text, problems = _without_dates(text, table, file)
    else:
        text, problems = days_from_dates(text, table, day0, file=file)
    frame, faults = parse(text, table, file=file, extra=extra)
    told = {(problem.row, (problem.column or "").replace("date", "day")) for problem in problems}
    every = [*problems, *(fault for fault in faults if (fault.row, fault.column) not in told)]
    for fault in every:
        advise(fault)
    return frame, every


def _without_dates(text: pl.DataFrame, table: Table, file: str | Path) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Return the cells without their columns of dates, and a problem for each of these."""
    twins = {name: date_twin(name) for name in table.names if "subject" in table.names}
    dated = {twin: day for day, twin in twins.items() if twin in text.columns and twin not in table.names}
    problems: list[TilseqError] = [
        TableError(
            "dates, and no infusions that they count from",
            file=file,
            row=1,
            column=twin,
            mend="give the infusions with the `date` of each first one, or write days",
        )
        for twin in dated
    ]
    empty = [pl.lit(None, pl.String).alias(day) for day in dated.values() if day not in text.columns]
    return text.with_columns(empty).drop(twin for twin in dated if twin is not None), problems


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
    text: pl.DataFrame, table: Table, day0: DayZero, *, file: str | Path
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
            day, fault = _day(cell, days[i], subjects[i] or "", day0)
            if fault is None:
                days[i] = day
            else:
                what, expected, mend = fault
                problems.append(
                    TableError(what, file=file, row=i + 2, column=twin, found=cell, expected=expected, mend=mend)
                )
        text = text.drop(twin).with_columns(pl.Series(name, days, dtype=pl.String))
    return text, problems


def _day(
    cell: str, written: str | None, subject: str, day0: DayZero
) -> tuple[str | None, tuple[str, str | None, str | None] | None]:
    """Return the day as text and None, or None and what is wrong, what was expected and the mend."""
    when, start = _iso(cell), day0.dates.get(subject)
    if when is None:
        return None, ("no date that reads in one way only", ISO_EXPECTED, serial_date(cell) or "write it so")
    if start is None and subject not in day0.infused:
        expected = "an infusion of this subject, whose day is day 0"
        mend = "write days; of who was never infused day 0 may be the day that was planned for it"
        return None, ("this date cannot be turned into a day", expected, mend)
    if start is None:
        mend = "give infusions.csv a `date` for this subject's first infusion, or write days instead"
        return None, ("this date cannot be turned into a day", "the date of the subject's first infusion", mend)
    day = (when - start).days
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
