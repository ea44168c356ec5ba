"""Counts of a clonotype table: which column, what it counts, and whether the file's frequencies agree with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from tilseq.errors import TableError
from tilseq.io.clonotype_rows import NO_VALUE, Rows, missing_column
from tilseq.io.dialects import CountOf

LARGEST_COUNT = 2**53
FREQUENCY_TOLERANCE = 1e-6
WHOLE = r"^([0-9]{1,16})(?:\.0+)?$"
THOUSANDS = r"^[1-9][0-9]{0,2}\.000$"
IN_NAME = r"(?:DUPCOUNT=|;size=)([0-9]{1,16})(?:\||;|$)"


def with_counts(rows: Rows) -> tuple[Rows, CountOf]:
    """Return the rows with `duplicate_count` and with what a reader should know of it, and what it counts.

    Of several columns that are filled the preferred one of the dialect is used, but one that is 0 throughout gives way.
    A contig of a cell counts one, and so does a sequence whose file has no counts.

    Raises
    ------
    TableError
        No count column; a count that is no whole number from 0 to 2**53; counts that add up to more.
    """
    if "barcode" in rows.table.columns:
        return _counted(rows, pl.lit(1, pl.Int64)), "cells"
    if rows.spec.one_a_row:
        return _of_names(rows)
    present = {name: count for count in rows.spec.counts for name in _named(rows, count.headers)}
    if not present:
        header = rows.spec.counts[0].headers[0] if len(rows.spec.counts) == 1 else _usual(rows)
        raise missing_column(rows.file, rows.header_row, rows.names, rows.spec, header)
    # A writer may leave a whole column of the schema empty, or fill it with zeros.
    filled = {name: count for name, count in present.items() if not _empty(rows.numbers[name])} or present
    zeros = [name for name in filled if all_zero(rows.numbers[name])]
    if 0 < len(zeros) < len(filled):
        filled = {name: count for name, count in filled.items() if name not in zeros}
    name, count = next(iter(filled.items()))
    counts = _whole(rows, rows.numbers[name])
    notes = [f"{' and '.join(filled)} are both given: {name} is used"] if len(filled) > 1 else []
    if zeros and name not in zeros:
        notes.append(f"{', '.join(zeros)} is 0 throughout: {name} is used")
    headers = _named(rows, count.frequency)
    warnings = [line for header in headers for line in _frequencies(rows.numbers[header], counts)]
    return _counted(rows, counts, warnings, notes), count.of


def _counted(rows: Rows, counts: pl.Expr | pl.Series, warnings: Sequence[str] = (), notes: Sequence[str] = ()) -> Rows:
    """Return rows with their counts and what more is to be told of them."""
    return replace(
        rows,
        table=rows.table.with_columns(counts.alias("duplicate_count")),
        warnings=(*rows.warnings, *warnings),
        notes=(*rows.notes, *notes),
    )


def _named(rows: Rows, headers: tuple[str, ...]) -> list[str]:
    known = [header.lower() for header in headers]
    return [name for name in rows.numbers.columns if name.lower().strip() in known]


def _usual(rows: Rows) -> str:
    """Return the header by which an error asks for a count: the one that most files of the dialect have."""
    asked = {"airr": "duplicate_count", "mixcr": "readCount", "immunoseq": "templates"}
    return asked[rows.dialect]


def _empty(cells: pl.Series) -> bool:
    return _all(cells, lambda part: part.is_null() | part.is_in(NO_VALUE))


def all_zero(cells: pl.Series) -> bool:
    """Return whether all cells hold a 0, as where a writer fills a column of the schema that it has no counts for."""
    return _all(cells, lambda part: part.str.contains(r"^0+(\.0+)?$"))


def _all(cells: pl.Series, holds: Callable[[pl.Series], pl.Series]) -> bool:
    """Return whether something holds of all cells, which the first of them mostly deny."""
    return all(bool(holds(part).all()) for part in (cells.head(), cells))


def _of_names(rows: Rows) -> tuple[Rows, CountOf]:
    """Count sequences by what their names say, as pRESTO and USEARCH write it, else one a row."""
    given = rows.table["sequence_id"].str.extract(IN_NAME)
    if given.null_count() == len(given):
        told = "the file has no counts: each row is counted as one sequence; where sequences were collapsed, give AIRR"
        return _counted(rows, pl.lit(1, pl.Int64), warnings=[told]), "unknown"
    header = rows.headers["sequence_id"]
    return _counted(rows, _whole(rows, given.alias(header)), notes=[f"counts are those in {header}"]), "unknown"


def _whole(rows: Rows, cells: pl.Series) -> pl.Series:
    """Return whole numbers from 0 to 2**53; raise at the first cell that is not one."""
    numbers = cells.cast(pl.Int64, strict=False)
    # A sign comes before all digits.
    if numbers.null_count() or (cells < "0").any():
        numbers = whole(cells)
    if numbers.null_count() or (numbers > LARGEST_COUNT).any():
        faults = numbers.is_null() | (numbers > LARGEST_COUNT)
        first = int(faults.arg_max() or 0)
        raise TableError(
            f"{faults.sum()} of {len(cells)} counts cannot be read",
            file=rows.file,
            row=rows.table["row"][first],
            column=cells.name,
            found=cells[first] or "",
            expected="a whole number in digits alone, at most 2**53",
            mend=_meant(cells[first] or ""),
        )
    if float(numbers.cast(pl.Float64).sum()) > LARGEST_COUNT:
        raise TableError("the counts add up to more than 2**53", file=rows.file, column=cells.name)
    return numbers


def _meant(cell: str) -> str | None:
    """Return how a count that cannot be read may be mended, where its form tells how it came to be."""
    if cell.endswith(".000"):
        return "is it a thousand? write it without the point"
    if re.fullmatch(r"\s*\+?[0-9][0-9.,]*([eE][-+]?[0-9]+)?\s*", cell) and re.search(r"[eE+\s]", cell):
        return "did a spreadsheet write it so? take the program's own file, as digits may be lost"
    return None


def whole(cells: pl.Series) -> pl.Series:
    """Return text as whole numbers, null where it is none; 3.0 is 3, but 1.000 may be a thousand and is none."""
    numbers = cells.str.extract(WHOLE).cast(pl.Int64)
    if cells.str.ends_with(".000").any():
        numbers = numbers.set(cells.str.contains(THOUSANDS).fill_null(False), None)
    return numbers


def _frequencies(given: pl.Series, counts: pl.Series) -> list[str]:
    """Compare the file's frequencies with those of its counts; the file's are never used."""
    if _empty(given) or not counts.sum():
        return []
    numbers = given.cast(pl.Float64, strict=False)
    unread = int((~numbers.is_finite()).fill_null(True).sum())
    if unread:
        return [f"{unread} of the file's frequencies cannot be read: all are recomputed from the counts"]
    apart = float((numbers - counts / counts.sum()).abs().to_numpy().max())
    if apart <= FREQUENCY_TOLERANCE:
        return []
    return [
        f"the file's frequencies add up to {numbers.sum():.6g} and differ from count / sum of counts by up to "
        f"{apart:.3g}: they are recomputed from the counts"
    ]
