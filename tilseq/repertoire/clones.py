"""What every function of this laboratory takes: clones and their counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError, TableError, did_you_mean
from tilseq.receptors import CLONE
from tilseq.tables import as_polars

# Counts of these are taken for independent observations; several UMIs or reads of one cell are not.
INDEPENDENT = ("cells", "templates")
COUNTED = ("cells", "umis", "templates", "reads", "unknown")

LARGEST_SUM = 2**53  # beyond it a float no longer holds every whole number
NUCLEOTIDES = "^[ACGTNacgtn+]{3,}$"  # a codon or more; `+` between the chains of a pair
AT_ONCE = 1_000_000  # junctions looked through together


def check_count_of(count_of: str) -> None:
    """Raise an AnalysisError unless this is a word for what counts count.

    A word that nobody knows would otherwise pass for `unknown`, and take the limits away.
    """
    if count_of not in COUNTED:
        raise AnalysisError(
            "counts are not of that",
            found=count_of,
            expected=", ".join(COUNTED),
            mend=did_you_mean(str(count_of), COUNTED),
        )


def counts_are[Word: str](of_file: Word, said: Word | None, sample: str, mend: str) -> Word:
    """Return what a file's counts count: what it says itself, else what was said of it.

    Raises
    ------
    AnalysisError
        Both say something, and not the same; with its `mend`.
    """
    if said is None or said == of_file:
        return of_file
    if of_file == "unknown":
        return said
    raise AnalysisError(f"the counts of {sample} are {of_file}", found=said, mend=mend)


def clone_counts(table: Any) -> pl.DataFrame:
    """Return `locus, junction, duplicate_count` of a clonotype table, one row a clone, in the order of first rows.

    Parameters
    ----------
    table
        polars or pandas; rows of one locus and junction are summed, be its nucleotides in upper or in lower case;
        further columns are let be.

    Raises
    ------
    TableError
        A column is absent, a cell is empty, or a count is not a whole number above 0.
    """
    counts = checked_counts(table, CLONE)
    counts = counts.with_columns(nucleotides(counts["junction"]))
    if counts["junction"].n_unique() == counts.height:  # as most tables have it, at a third of the time
        return counts
    return counts.group_by(CLONE, maintain_order=True).sum()


def check_once(table: Any) -> None:
    """Raise a TableError where a clone stands in several rows, of which each would be taken for a clone.

    Errors are those of `clone_counts`, too.
    """
    frame = as_polars(table)
    if clone_counts(frame).height == frame.height:
        return
    rows = frame.select(pl.col("locus").cast(pl.String), nucleotides(frame["junction"]))
    found = rows["junction"].filter(rows.is_duplicated())[0]
    what = "a clone stands in several rows, where each row is taken for a clone"
    raise TableError(what, column="junction", found=found, mend="sum its rows first")


def listed(clones: Any) -> pl.DataFrame:
    """Return the distinct `locus, junction` of a list of clones, polars or pandas, as `clone_counts` has them.

    Raises
    ------
    TableError
        A column is absent.
    """
    frame = as_polars(clones)
    check_columns(frame, CLONE, "a list of clones")
    return frame.select(pl.col(CLONE).cast(pl.String)).with_columns(nucleotides(frame["junction"])).unique().sort(CLONE)


def nucleotides(junctions: pl.Series) -> pl.Series:
    """Return junctions with nucleotides in upper case, as the readers give them; names that are none are let be."""
    junctions = junctions.cast(pl.String)
    if not _has_small(junctions):
        return junctions
    name = junctions.name
    upper_case = pl.when(pl.col(name).str.contains(NUCLEOTIDES)).then(pl.col(name).str.to_uppercase()).otherwise(name)
    return junctions.to_frame().select(upper_case.alias(name)).to_series()


def upper(junctions: pl.Series) -> pl.Series:
    """Return junctions, of nucleotides or amino acids, in upper case."""
    junctions = junctions.cast(pl.String)
    return junctions.str.to_uppercase() if _has_small(junctions) else junctions


def _has_small(junctions: pl.Series) -> bool:
    return any(_small_among(junctions[start : start + AT_ONCE]) for start in range(0, junctions.len(), AT_ONCE))


def _small_among(junctions: pl.Series) -> bool:
    """Return whether a letter is in lower case; their largest byte tells it five times faster than to change them."""
    import numpy as np

    letters = junctions.str.join("").cast(pl.Binary).item()
    return bool(len(letters) and np.frombuffer(letters, np.uint8).max() >= ord("a"))


def check_columns(frame: pl.DataFrame, columns: Sequence[str], what: str) -> None:
    """Raise a TableError that says what needs it unless each of some columns is there."""
    for name in columns:
        if name not in frame.columns:
            raise TableError(f"{what} needs this column", column=name, found=", ".join(frame.columns))


def checked_counts(table: Any, columns: Sequence[str]) -> pl.DataFrame:
    """Return some columns of a clonotype table as text and its counts as whole numbers, row for row.

    Raises
    ------
    TableError
        As `clone_counts`, for these columns.
    """
    frame = as_polars(table)
    check_columns(frame, (*columns, "duplicate_count"), "a clonotype table")
    for name in (*columns, "duplicate_count"):
        if frame[name].null_count():
            raise TableError("a clonotype table may not hold a null here", column=name)
    counts = frame["duplicate_count"]
    if frame.height and not counts.dtype.is_numeric():
        raise TableError("counts must be numbers", column="duplicate_count", found=str(counts.dtype))
    numbers = counts.cast(pl.Float64)
    if not counts.dtype.is_integer() or (numbers < 1).any():
        wrong = numbers.filter(~numbers.is_finite() | (numbers < 1) | (numbers % 1 != 0))
        if wrong.len():
            raise TableError("a count must be a whole number above 0", column="duplicate_count", found=wrong[0])
    if numbers.sum() > LARGEST_SUM:
        raise TableError("the counts add up to more than 2**53", column="duplicate_count")
    return pl.DataFrame([*(frame[name].cast(pl.String) for name in columns), counts.cast(pl.Int64)])
