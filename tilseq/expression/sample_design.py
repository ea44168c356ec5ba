"""Which samples of a design are counted, and which are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError, did_you_mean, first_few
from tilseq.identifiers import MISSING, without_blanks
from tilseq.tables.schema import as_polars

SHOWN = 5
FEWEST_ALIKE = 60  # genes with counts: that so many are counted alike in two libraries does not happen


def without_missing(values: pl.Series) -> pl.Series:
    """Return a column as text, null where a word for a missing value stands, such as ``NA``; other words keep blanks.

    Parameters
    ----------
    values
        Column of any type.
    """
    text = values.cast(pl.String)
    return text.zip_with(~text.str.strip_chars().is_in(MISSING), pl.Series([None], dtype=pl.String))


def days_of(values: pl.Series) -> pl.Series:
    """Return a column of days as whole numbers, text such as ``28`` or ``28.0`` among them.

    Parameters
    ----------
    values
        Days, as numbers or text; missing ones stay null.

    Raises
    ------
    AnalysisError
        A day is no whole number, as ``D28``.
    """
    text = without_missing(values)
    numbers = text.str.strip_chars().cast(pl.Float64, strict=False)
    wrong = text.is_not_null() & (~numbers.is_finite() | (numbers != numbers.round())).fill_null(True)
    if wrong.any():
        mend = "write days as numbers, day 0 being the first infusion"
        raise AnalysisError("a day is no whole number", column=values.name, found=text.filter(wrong)[0], mend=mend)
    return numbers.cast(pl.Int64)


def check_has(design: pl.DataFrame, *names: str) -> None:
    """Raise an AnalysisError where a design lacks a column."""
    for name in names:
        if name not in design.columns:
            mend = did_you_mean(name, design.columns) or f"it has {', '.join(design.columns)}"
            raise AnalysisError("the design has no such column", column=name, mend=mend)


def match_samples(design: Any, samples: Sequence[str]) -> pl.DataFrame:
    """Return the rows of a design in the order of the samples counted.

    Parameters
    ----------
    design
        One row a sample, with `sample`.
    samples
        Name of each row of the counts.

    Raises
    ------
    AnalysisError
        There is no column `sample`, a sample stands twice, or the design and the counts do not name the same ones.
    """
    table: pl.DataFrame = as_polars(design)
    if "sample" not in table.columns:
        raise AnalysisError("the design has no column sample", found=", ".join(table.columns))
    named = table["sample"].cast(pl.String).to_list()
    if len(set(named)) < len(named):
        row = next(i for i, name in enumerate(named) if name in named[:i])
        mend = "give each sample one row"
        raise AnalysisError(
            "the design names a sample twice", row=row + 2, column="sample", found=named[row], mend=mend
        )
    place, counted = {name: row for row, name in enumerate(named)}, set(samples)
    missing = [name for name in samples if name not in place]
    unknown = [str(name) for name in named if name not in counted]
    if missing or unknown:
        parts = [(missing, "counts", "the design"), (unknown, "the design", "counts")]
        found = "; ".join(
            f"{len(names)} of {here} not in {there}: {first_few(names, SHOWN)}" for names, here, there in parts if names
        )
        near = did_you_mean(missing[0], unknown) if missing and unknown else None
        shape = "" if len(missing) < len(samples) else "; a text file of counts has a row a gene and a column a sample"
        mend = f"{missing[0]}: {near}" if near else f"give both the same samples{shape}"
        raise AnalysisError("counts and design do not name the same samples", found=found, mend=mend)
    return table[[place[name] for name in samples]]


def chosen_samples(design: pl.DataFrame, where: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the rows of a design whose columns have one of the values asked for.

    Parameters
    ----------
    design
        One row a sample.
    where
        Column → values, as text.

    Raises
    ------
    AnalysisError
        There is no such column, or no sample of a value.
    """
    kept = pl.repeat(True, design.height, eager=True)
    for name, values in where.items():
        check_has(design, name)
        held = design[name].cast(pl.String)
        known = held.drop_nulls().unique().sort().to_list()
        for value in values:
            if value not in known:
                mend = did_you_mean(value, known) or f"it has {first_few(known, SHOWN)}"
                raise AnalysisError("no sample is of this level", column=name, found=value, mend=mend)
        kept &= held.is_in(list(values)).fill_null(False)
    rows: list[int] = kept.arg_true().to_list()
    if not rows:
        raise AnalysisError("no sample is of all levels asked for", found=", ".join(where))
    return rows


def refuse_twins(values: pl.Series) -> None:
    """Refuse two words of a column that only case, blanks or Unicode form tell apart: one would be left out, unsaid.

    Parameters
    ----------
    values
        Column of text; its name is told.

    Raises
    ------
    AnalysisError
        There are two such words.
    """
    known: dict[str, str] = {}
    for word in values.drop_nulls().unique().sort():
        other = known.setdefault(without_blanks(word), word)
        if other != word:
            what = "two words differ only in case, blanks or Unicode form"
            mend = "write both alike, or name one otherwise"
            raise AnalysisError(what, column=values.name, found=f"{other!r} and {word!r}", mend=mend)


def refuse_copies(counts: NDArray[np.float64], samples: Sequence[str], used: Iterable[int]) -> None:
    """Refuse a sample that holds the counts of another, as where a column or file was copied over another's.

    Of the two one is wrong, and nothing says which, so that the other need not be used.

    Parameters
    ----------
    counts
        Samples × genes, raw.
    samples
        Name of each row.
    used
        Rows that are used.

    Raises
    ------
    AnalysisError
        A sample that is used, with 60 genes or more that have counts, and another hold the same.
    """
    first: dict[bytes, int] = {}
    chosen = set(used)
    for row, own in enumerate(counts):
        if not is_told_by(own):
            continue
        other = first.setdefault(own.tobytes(), row)
        if other != row and not chosen.isdisjoint((other, row)):
            mend = "give each sample its own counts, or leave one out"
            found = f"{samples[other]} and {samples[row]}"
            raise AnalysisError("two samples hold the same counts", found=found, mend=mend)


def is_told_by(counts: NDArray[np.float64]) -> bool:
    """Whether so many genes have counts that no other library or cell has the same; one value throughout tells none."""
    told = counts[counts > 0]
    return bool(told.size >= FEWEST_ALIKE and np.any(told != told[0]))
