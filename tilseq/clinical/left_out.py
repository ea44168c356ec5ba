"""Rows of a file that one rule leaves out, as a row of `exclusions`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from tilseq.tables import Row


def left_out(rule: str, rows: Sequence[int]) -> Row:
    """Return `row`, `rule` and `rows` of `exclusions`.

    Parameters
    ----------
    rule
        Why the rows take no part; of several it also tells the first.
    rows
        The rows as the file has them, at least one.
    """
    first, many = rows[0], len(rows)
    where = f", first in row {first}" if many > 1 else ""
    return {"row": first if many == 1 else None, "rule": rule + where, "rows": many}


def subjects_left_out(
    records: pl.DataFrame, subjects: Iterable[str], why: str, rows: Sequence[int] | None = None
) -> Iterator[Row]:
    """Yield `row`, `rule` and `rows` of `exclusions` for each subject none of whose records takes part.

    Parameters
    ----------
    records
        Column `subject`.
    subjects
        Subjects of these records.
    why
        Why, such as `no such subject`.
    rows
        Row of the file that each record stands in; by default from 2 on.
    """
    numbered = records.with_columns(place=pl.Series(rows) if rows is not None else pl.int_range(2, pl.len() + 2))
    for name in subjects:
        yield left_out(f"{why}: {name}", numbered.filter(subject=name)["place"].to_list())
