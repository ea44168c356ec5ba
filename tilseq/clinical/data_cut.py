"""The data cut: what the tables of the clinic tell of a day after it takes no part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.clinical.left_out import left_out
from tilseq.tables import Row, Table, as_polars, conform, known_columns
from tilseq.tables.inputs import FOLLOWUP

AFTER_CUT = "after the data cut"
CUTS = Table(
    "followup",
    "Days after which nothing counts.",
    tuple(c for c in FOLLOWUP.columns if c.name in ("subject", "data_cut_day")),
    key=("subject",),
)


def data_cuts(followup: Any) -> dict[str, int]:
    """Return the day of the data cut of each subject that has one.

    Parameters
    ----------
    followup
        Columns `subject` and `data_cut_day`, polars or pandas; others are ignored. None is no cut.

    Raises
    ------
    TableError
        The table breaks its registry.
    """
    if followup is None:
        return {}
    frame = conform(known_columns(followup, CUTS), CUTS)
    return dict(frame.drop_nulls("data_cut_day").iter_rows())


def up_to_data_cut(records: Any, followup: Any, *, day: str = "day") -> pl.DataFrame:
    """Return the rows of a table that are of the data cut of their subject or before, in their order.

    A row of the very day stays, and so does one without a day, or of a subject without a cut.

    Parameters
    ----------
    records
        Columns `subject` and that of the day, such as table `labs`, `tumor_markers` or `infusions`.
    followup
        Columns `subject` and `data_cut_day`; None is no cut.
    day
        Name of the column of the day.

    Raises
    ------
    TableError
        The follow-up breaks its registry.
    """
    frame = as_polars(records)
    return frame.filter(~is_after_cut(frame, data_cuts(followup), day=day))


def is_by_cut(day: int, cut: int | None) -> bool:
    """Whether a day is that of the data cut or before; without a cut every day is."""
    return cut is None or day <= cut


def is_after_cut(records: pl.DataFrame, cuts: Mapping[str, int], *, day: str = "day") -> pl.Series:
    """Return for each row whether it is of a day after the data cut of its subject.

    Parameters
    ----------
    records
        Columns `subject` and that of the day.
    cuts
        Subject → day of the data cut, see `data_cuts`.
    day
        Name of the column of the day.
    """
    cut = pl.col("subject").replace_strict(dict(cuts), default=None, return_dtype=pl.Int64)
    return records.select((pl.col(day) > cut).fill_null(False)).to_series()


def cut_exclusions(
    records: pl.DataFrame, cuts: Mapping[str, int], what: str, rows: Sequence[int] | None = None
) -> Iterator[Row]:
    """Yield `row`, `rule` and `rows` of `exclusions` for what lies after the data cut, one for each subject.

    Parameters
    ----------
    records
        Columns `subject` and `day`.
    cuts
        Subject → day of the data cut.
    what
        What a row is, such as `a result`.
    rows
        Row of the file that each record stands in; by default from 2 on.
    """
    late = records.with_columns(place=pl.Series(rows) if rows is not None else pl.int_range(2, pl.len() + 2))
    late = late.filter(is_after_cut(records, cuts))
    for (name,), own in late.group_by("subject", maintain_order=True):
        rule = f"{what} after the data cut of {name} (day {cuts[f'{name}']})"
        yield left_out(rule, own["place"].to_list())
