"""Columns of a table in a frame of a person's own, which may hold others, and call those of the table otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tilseq.errors import TableError
from tilseq.tables.schema import Table, as_polars

ALIKE = 0.85  # of two names, by `difflib`: enrolment_day is enrollment_day, lower_limit is not upper_limit


def known_columns(frame: Any, table: Table) -> pl.DataFrame:
    """Return the columns of a frame, polars or pandas, that a table has; others are left out.

    Raises
    ------
    TableError
        As `refuse_stand_ins`, or a needed column is absent.
    """
    given = as_polars(frame)
    refuse_stand_ins(given, table)
    absent = next((one.name for one in table.columns if one.needed and one.name not in given.columns), None)
    if absent is not None and given.height:  # `conform` would see no row where no column is known
        found = ", ".join(given.columns)
        raise TableError(f"table {table.name} lacks a column", column=absent, found=found)
    return given.select(pl.selectors.by_name(*table.names, require_all=False))


def refuse_stand_ins(frame: pl.DataFrame, table: Table) -> None:
    """Refuse a column that stands for one of a table's, which would else count as absent.

    Raises
    ------
    TableError
        A column is one of the table's but for capitals, blanks or some letters (`enrolment_day`), or for the end of its
        name (`last_alive`); or it holds dates in place of days, which only a reader can count from the infusion.
    """
    absent = [name for name in table.names if name not in frame.columns]
    for given in frame.columns:
        if given in table.names:
            continue
        day = next((name for name in absent if table.dates.get(name) == given.strip().casefold()), None)
        if day is not None and frame[given].count():
            what, mend = "dates where days are wanted", "read the file by `ts.io`, with the infusions they count from"
            raise TableError(what, column=given, expected=day, mend=mend)
        if day is None and (meant := _stands_for(given, absent)):
            what = f"table {table.name} calls this column otherwise"
            mend = "rename it if it holds just that, in that unit; else leave it out"
            raise TableError(what, column=given, expected=meant, mend=mend)


def _stands_for(given: str, absent: Sequence[str]) -> str | None:
    """Return the absent column that a name is taken to mean, None where it is unlike all."""
    from difflib import get_close_matches

    plain = given.strip().casefold()
    if f"{plain}_day" in absent:
        return f"{plain}_day"
    return next(iter(get_close_matches(plain, absent, n=1, cutoff=ALIKE)), None)
