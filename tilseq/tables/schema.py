"""What a column and a table are, and how a frame is held against them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from tilseq.errors import TableError, TilseqError, did_you_mean, first_few

Row = dict[str, Any]  # column → value
Kind = Literal["text", "integer", "number", "boolean"]
DTYPES: Mapping[Kind, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
}
EXPECTED = {
    "integer": "a whole number",
    "number": "a number with a decimal point and without a unit",
    "boolean": "true or false",
}
TRUE_WORDS = ("true", "yes", "y", "1")
FALSE_WORDS = ("false", "no", "n", "0")
MOST_NAMED = 12  # columns of a file, in a message
SUBJECT_COLUMN = "subject"
NO_THOUSANDS = "digits alone, as a point or comma may part thousands"
COUNTED = ("cells", "beads")  # units of what nobody counts to a thousandth
THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}([.,][0-9]{3})+", re.ASCII)
POINT_ZERO = re.compile(r"(?<=[0-9])\.0+$", re.ASCII)


@dataclass(frozen=True)
class Column:
    """One column of a public table.

    Attributes
    ----------
    name
        The column's name; a unit that can vary stands in it.
    kind
        `text`, `integer`, `number` or `boolean`.
    meaning
        One sentence for the person who reads the table.
    unit
        The unit of a number, empty where there is none.
    needed
        The column must be there and hold no null.
    allowed
        The only values it may take; empty means any.
    minimum, maximum
        Inclusive limits of a number.
    above
        Exclusive lower limit of a number.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    needed: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None


@dataclass(frozen=True)
class Table:
    """A public table: its columns in order and the key that names a row."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of all columns, in order."""
        return [column.name for column in self.columns]

    @property
    def dates(self) -> dict[str, str]:
        """Column of a day → that of the date which may stand for it in a file; dates count from a subject's day 0."""
        twins = {name: _date_twin(name) for name in self.names if "subject" in self.names}
        return {day: twin for day, twin in twins.items() if twin is not None and twin not in twins}

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Polars type of each column, in order."""
        return {column.name: DTYPES[column.kind] for column in self.columns}

    def frame(self, rows: Sequence[Mapping[str, Any]] = ()) -> pl.DataFrame:
        """Return rows given as mappings as a frame of this table; a column not given is null."""
        # Polars told of a whole number would make 30 of 30.7, which `conform` refuses.
        told = {name: kind for name, kind in self.schema.items() if kind != DTYPES["integer"]}
        frame = pl.DataFrame([dict(row) for row in rows], schema_overrides=told, infer_schema_length=None)
        return conform(frame, self)


def _date_twin(column: str) -> str | None:
    """Return the date column that may stand for a day column: `day` → `date`, `harvest_day` → `harvest_date`."""
    return column[:-3] + "date" if column == "day" or column.endswith("_day") else None


def no_such_column(table: Table, name: str, file: str | Path, *, further: str = "") -> TableError:
    """Return the error of a column that a table does not have.

    Parameters
    ----------
    table
        The table.
    name
        The column, which stands in the header of the file.
    file
        Where.
    further
        Words on other columns that may stand there, put behind the list of those known.
    """
    near = did_you_mean(name, [*table.names, *table.dates.values()])
    mend = near or f"delete it or rename it; the columns are {_columns_in_words(table)}{further}"
    return TableError(f"{table.name} has no such column", file=file, row=1, column=name, mend=mend)


def _another_header(table: Table, names: Sequence[str], file: str | Path) -> TableError:
    """Return the one error of a header that names no column of the table, with those that may be meant."""
    known = [*table.names, *table.dates.values()]
    meant = [f"{name}: {near}" for name in names if (near := did_you_mean(name, known)) is not None]
    mend = "delete a title above the header, or rename its columns"
    mend += f" ({'; '.join(meant[:MOST_NAMED])})" if meant else ""
    if "DOMAIN" in names:
        mend = "SDTM's tables are read in clinical/ of a study, as tu.csv, tr.csv, rs.csv, ae.csv and lb.csv"
    return TableError(
        f"no column of this header is one of {table.name}",
        file=file,
        row=1,
        found=first_few(names, MOST_NAMED),
        expected=_columns_in_words(table),
        mend=mend,
    )


def _columns_in_words(table: Table) -> str:
    dates = table.dates
    return ", ".join(f"{one} (or {dates[one]})" if one in dates else one for one in table.names)


def conform(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Hold an output frame against its table and return it with the table's column order, types and row order.

    Columns that are absent and not needed are added as nulls; NaN becomes null; rows are sorted by the key.

    Parameters
    ----------
    frame
        Rows of the table.
    table
        Its registry.

    Raises
    ------
    TableError
        A column is unknown, a needed one is absent or null, a value is of another kind or not allowed, or the key is
        not unique.
    """
    unknown = [name for name in frame.columns if name not in table.names]
    if unknown:
        raise TableError(f"table {table.name} has no such column", column=unknown[0], expected=", ".join(table.names))
    for column in table.columns:
        if column.name not in frame.columns:
            if column.needed and frame.height:
                raise TableError(f"table {table.name} lacks a column", column=column.name)
            frame = frame.with_columns(pl.lit(None, dtype=DTYPES[column.kind]).alias(column.name))
    frame = frame.select(_typed(frame[column.name], table, column) for column in table.columns)
    numbers = [column.name for column in table.columns if column.kind == "number" and frame[column.name].is_nan().any()]
    frame = frame.with_columns(pl.col(numbers).fill_nan(None))
    for column in table.columns:
        _check_output_column(frame, table, column)
    if table.key and not _rises(frame.select(table.key)):
        twins = frame.filter(frame.select(table.key).is_duplicated())
        if twins.height:
            first = twins.select(table.key).row(0, named=True).items()
            found = ", ".join(f"{name} {value}" for name, value in first if value is not None)
            mend = "give one row a key"
            raise TableError(f"table {table.name} holds a key twice", found=found, mend=mend)
        frame = frame.sort(table.key, nulls_last=True)
    return frame


def _typed(values: pl.Series, table: Table, column: Column) -> pl.Series:
    """Return a column in its type; refuse what would become another value: 42.9 as a day, 2 as yes, a date as a day."""
    wanted, given = DTYPES[column.kind], values.dtype
    if given in (wanted, pl.Null):
        return values.cast(wanted)
    if column.name == SUBJECT_COLUMN and given.is_float() and (values.drop_nulls() % 1 == 0).all():
        values = values.cast(pl.Int64)  # pandas makes 7.0 of subject 7 where the column has an empty cell
    strange = values.clear()
    if (given.is_float() or given.is_decimal()) and column.kind == "integer":
        numbers = values.cast(pl.Float64)
        strange = values.filter((numbers != numbers.floor()) | numbers.is_infinite())
    elif given.is_numeric() and column.kind == "boolean":
        strange = values.filter((values != 0) & (values != 1))
    elif given.is_temporal() and column.kind != "text":
        strange = values.drop_nulls()
    if not strange.len():
        try:
            typed = values.cast(wanted, strict=False)
        except pl.exceptions.PolarsError:  # no value of the one type can be one of the other
            typed = pl.Series(values.name, [None] * values.len(), dtype=wanted)
        strange = values.filter(typed.is_null() & values.is_not_null())
    if strange.len():
        expected = EXPECTED.get(column.kind, "text")
        what = f"table {table.name} may not hold this value"
        raise TableError(what, column=column.name, found=strange[0], expected=expected)
    return typed


def _rises(keys: pl.DataFrame) -> bool:
    """Tell whether each row is above the one before it, so that there is nothing to sort and no key stands twice."""
    before, after = keys.head(-1), keys.slice(1)
    *first, last = keys.columns
    parted = pl.repeat(False, after.height, dtype=pl.Boolean, eager=True)  # by an earlier column of the key
    for name in first:
        new = after[name].ne_missing(before[name]) & ~parted
        if not (after[name].filter(new) > before[name].filter(new)).fill_null(False).all():
            return False
        parted |= new
    return (parted | (after[last] > before[last]).fill_null(False)).all()


def _check_output_column(frame: pl.DataFrame, table: Table, column: Column) -> None:
    values = frame[column.name]
    if column.needed and values.null_count():
        raise TableError(f"table {table.name} may not hold a null here", column=column.name)
    limits = (
        (column.minimum, values.lt, "at least"),
        (column.above, values.le, "above"),
        (column.maximum, values.gt, "at most"),
    )
    for limit, beyond, words in limits:
        if limit is None:
            continue
        strange = values.filter(beyond(limit))
        if strange.len():
            both = column.minimum is not None and column.maximum is not None
            raise TableError(
                f"table {table.name} may not hold this value",
                column=column.name,
                found=strange[0],
                expected=f"{column.minimum:g} to {column.maximum:g}" if both else f"{words} {limit:g}",
            )
    if column.allowed:
        held = values.drop_nulls()
        strange = held.filter(~held.is_in(column.allowed))
        if strange.len():
            raise TableError(
                f"table {table.name} may not hold this value",
                column=column.name,
                found=strange[0],
                expected=", ".join(column.allowed),
            )


def parse(
    text: pl.DataFrame, table: Table, *, file: str | Path, extra: Literal["refuse", "keep"] = "refuse"
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Turn a frame of text cells, as read from a file, into a typed frame, and list everything that is wrong with it.

    Parameters
    ----------
    text
        All columns text; an empty cell is null. Row ``i`` of the frame is row ``i + 2`` of the file.
    table
        What the file must hold.
    file
        The name that errors give.
    extra
        What becomes of a column that the table does not know: an error, or kept as text.

    Returns
    -------
    frame
        The table's columns in order (absent ones null), then kept extra ones. A cell that cannot be read is null.
    problems
        One error a faulty cell, missing column or repeated key. Empty when the file is sound.
    """
    text = without_empty_end(text)
    problems: list[TilseqError] = []
    unknown = [name for name in text.columns if name not in table.names]
    if extra == "refuse":
        problems += [no_such_column(table, name, file) for name in unknown]
    columns: list[pl.Series] = []
    for column in table.columns:
        if column.name not in text.columns:
            if column.needed:
                what = f"{table.name} needs this column"
                mend = f"rename the one that is meant, of {first_few(unknown, MOST_NAMED)}" if unknown else None
                problems.append(TableError(what, file=file, row=1, column=column.name, mend=mend))
            columns.append(pl.Series(column.name, [None] * text.height, dtype=DTYPES[column.kind]))
            continue
        values, faults = _parse_column(text[column.name], column, file)
        columns.append(values)
        problems += faults
    kept = [text[name] for name in unknown] if extra == "keep" else []
    frame = pl.DataFrame(columns + kept)
    if extra == "refuse" and unknown and len(unknown) == text.width:
        return frame, [_another_header(table, unknown, file)]
    problems += _repeated_keys(frame, table, file)
    return frame, sorted(problems, key=lambda problem: problem.row or 0)


def without_empty_end(text: pl.DataFrame) -> pl.DataFrame:
    """Return the frame without the empty rows that spreadsheets leave at the end of a table.

    Parameters
    ----------
    text
        Cells as text, null where empty.
    """
    filled = text.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return text.head(filled[-1] + 1 if filled.len() else 0)


def _parse_column(cells: pl.Series, column: Column, file: str | Path) -> tuple[pl.Series, list[TilseqError]]:
    # A column of many rows has few distinct cells: each is read once.
    read = {cell: _parse_cell(cell, column) for cell in cells.unique().to_list()}
    mends = {
        cell: did_you_mean(cell, column.allowed)
        for cell, (_, expected) in read.items()
        if cell and expected is not None and column.allowed
    }
    problems: list[TilseqError] = []
    for row, cell in enumerate(cells.to_list(), start=2):
        expected = read[cell][1]
        if expected is not None:
            what = "a value is missing" if cell is None else "this value cannot stand here"
            problems.append(
                TableError(
                    what,
                    file=file,
                    row=row,
                    column=column.name,
                    found=cell,
                    expected=expected,
                    mend=mends.get(cell),
                )
            )
    values = [read[cell][0] for cell in cells.to_list()]
    return pl.Series(column.name, values, dtype=DTYPES[column.kind]), problems


def _parse_cell(cell: str | None, column: Column) -> tuple[Any, str | None]:
    """Return the value and None, or None and what was expected."""
    if cell is None:
        return None, (column.meaning.rstrip(".") if column.needed else None)
    if column.kind == "text":
        return (cell, None) if not column.allowed or cell in column.allowed else (None, ", ".join(column.allowed))
    if column.kind == "boolean":
        word = cell.casefold()
        return (word in TRUE_WORDS, None) if word in TRUE_WORDS + FALSE_WORDS else (None, EXPECTED["boolean"])
    if (column.kind == "integer" or column.unit in COUNTED) and THOUSANDS.fullmatch(cell):
        return None, NO_THOUSANDS
    try:
        # Software that knows no empty integer writes 3 as 3.0.
        number = int(POINT_ZERO.sub("", cell)) if column.kind == "integer" else float(cell)
    except ValueError:
        return None, EXPECTED[column.kind]
    # int() and float() also read 1_000, nan, inf and the digits of other scripts: a reader of the table may not.
    if "_" in cell or not cell.isascii() or number != number or number in (float("inf"), float("-inf")):
        return None, EXPECTED[column.kind]
    if column.kind == "integer" and not -(2**63) <= number < 2**63:
        return None, "a whole number of at most 18 digits"
    if column.minimum is not None and number < column.minimum:
        return None, f"at least {column.minimum:g}"
    if column.above is not None and number <= column.above:
        return None, f"above {column.above:g}"
    if column.maximum is not None and number > column.maximum:
        return None, f"at most {column.maximum:g}"
    return number, None


def _repeated_keys(frame: pl.DataFrame, table: Table, file: str | Path) -> list[TilseqError]:
    if not table.key or not frame.select(table.key).is_duplicated().any():
        return []
    needed = [i for i, name in enumerate(table.key) if next(c for c in table.columns if c.name == name).needed]
    first: dict[tuple[Any, ...], int] = {}
    problems: list[TilseqError] = []
    for row, key in enumerate(frame.select(table.key).iter_rows(), start=2):
        if any(key[i] is None for i in needed):
            continue  # told already as a missing value
        if key in first:
            problems.append(
                TableError(
                    f"this {' and '.join(table.key)} stands in row {first[key]} already",
                    file=file,
                    row=row,
                    column=table.key[-1],
                    found=" · ".join(str(part) for part in key if part is not None),
                )
            )
        first.setdefault(key, row)
    return problems


def as_polars(frame: Any) -> pl.DataFrame:
    """Return a polars or pandas frame as polars; what pandas holds to be missing (NaN, NaT, NA, None) becomes null.

    Numbers of single precision, as Stata's, become those that were written: 1.2, not 1.2000000476837158. A column of
    pandas that holds text beside numbers, as a spreadsheet does of 1.5 and ``<0.5``, becomes text.

    Parameters
    ----------
    frame
        polars or pandas. Any other polars frame is returned as it is; of a pandas frame the index is left out.

    Raises
    ------
    TableError
        It is no frame, two of its columns bear one name, or one holds dates beside numbers or the like.
    """
    if isinstance(frame, pl.DataFrame):
        as_written = pl.selectors.by_dtype(pl.Float32).cast(pl.String).cast(pl.Float64)
        return frame.with_columns(as_written) if pl.Float32 in frame.dtypes else frame
    if not (hasattr(frame, "isna") and hasattr(frame, "columns")):
        has_table = isinstance(getattr(frame, "table", None), pl.DataFrame)
        mend = "give its `.table`" if has_table else "collect it first" if isinstance(frame, pl.LazyFrame) else None
        found = type(frame).__name__
        raise TableError("this is no table", found=found, expected="a DataFrame of polars or pandas", mend=mend)
    names = [str(name) for name in frame.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TableError("this column stands twice", column=twice)
    missing = frame.isna()
    columns = [_of_pandas(str(name), frame[name], missing[name]) for name in frame]
    return as_polars(pl.DataFrame(columns))


def _of_pandas(name: str, column: Any, missing: Any) -> pl.Series:
    """Return a column of pandas; of one that holds text beside numbers, as of 1.5 and ``<0.5``, all as text."""
    values = [None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)]
    if column.dtype == "object" and any(isinstance(value, str) for value in values):
        values = [value if value is None else str(value) for value in values]
    single = getattr(column.dtype, "numpy_dtype", column.dtype) == "float32"
    try:
        return pl.Series(name, values, dtype=pl.Float32() if single else None)
    except TypeError as error:
        mend = "make them numbers, or text"
        raise TableError("this column holds values of several kinds", column=name, mend=mend) from error
