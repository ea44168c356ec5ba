"""Laboratory results that have no grade, counted by test and reason, so that none is lost without a word."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.clinical.ctcae import criteria, ctcae_version
from tilseq.clinical.lab_values import BLANK, CORRECTED, lab_values
from tilseq.lab_tests import COUNT_UNIT, lab_test, near_test
from tilseq.tables.lab_grades import FOR_THE_TEST, NO_TERM, NOT_GRADED, NOT_READ

# What differs between results of one fault: a text as it was written.
AS_WRITTEN = (
    (r"^'.*' is (no number|below 0|no number that a result can be)$", "the result is ${1}"),
    (r"^the comma of '.*' may be", "a comma may be"),
)
COLUMNS = ("kind", "test", "reason", "rows", "first")
SCHEMA = dict.fromkeys(COLUMNS[:3], pl.String) | dict.fromkeys(COLUMNS[3:], pl.Int64)


def lab_exclusions(labs: Any, grades: pl.DataFrame | None = None, *, version: str | int | None = None) -> pl.DataFrame:
    """Count the results without a grade by test and reason.

    Parameters
    ----------
    labs
        Table `labs`.
    grades
        Table `lab_grades` of them; None where they were not graded.
    version
        Version of the CTCAE; None where they were not graded: then only what cannot be read is counted.

    Returns
    -------
    polars.DataFrame
        Columns `kind`: `unread` (text, comma, unit: no number is known), `limits` (those of normal are not used),
        `unknown` (the version has no term for the test), `no grade` (a limit or baseline is missing, or the result may
        have several grades); `test`, as it is written; `reason`; `rows`; `first`, the first such row, from 0. The worst
        kind first, then in the order of the results.
    """
    values = lab_values(labs).filter(pl.col("refused").ne_missing(BLANK))
    parts = [
        _counted(values.filter(pl.col("refused").is_not_null()), "unread", in_plain_words(pl.col("refused"))),
        _counted(values.filter(pl.col("refused").is_null()), "limits", pl.col("note")),
    ]
    if version is not None:
        known = {row.test for row in criteria(ctcae_version(version))} | set(CORRECTED)
        others = values.filter(pl.col("name").is_null() | ~pl.col("name").is_in(sorted(known)))
        why = f"{NO_TERM} {ctcae_version(version)} is known {FOR_THE_TEST}"
        parts.append(_counted(others, "unknown", pl.lit(why)))
    if grades is not None:
        parts.append(_without_grade(values, grades))
    return pl.concat(parts)


def rule_in_words(row: dict[str, Any], number: int | None = None) -> str:
    """Return a row of `lab_exclusions` as a rule of table `exclusions`, where `number` is the first row of the file."""
    first = f", first in row {number}" if number is not None and row["rows"] > 1 else ""
    told = reason_in_words(row)
    match row["kind"]:
        case "unknown":
            near = "" if lab_test(row["test"]) else near_test(row["test"])
            return f"{NOT_GRADED}{row['reason']} {row['test']}" + (f"; {near}" if near else "")
        case "limits":
            return f"{told}{first}"
        case "no grade":
            return f"no grade: {told}"
    return f"{NOT_READ}{told}{first}"


def reason_in_words(row: dict[str, Any]) -> str:
    """Return the test of a row of `lab_exclusions` and its reason, which may begin with the test."""
    return row["reason"] if row["reason"].startswith(f"{row['test']} ") else f"{row['test']}: {row['reason']}"


def _counted(rows: pl.DataFrame, kind: str, reason: pl.Expr) -> pl.DataFrame:
    """Return the counts of rows of `lab_values` that have a reason."""
    shares = pl.col("name").is_null() & pl.col("test").map_elements(_counts_cells, pl.Boolean)
    named = pl.when(shares).then(pl.format("{} in {}", "test", "unit")).otherwise("test")
    told = rows.select(pl.lit(kind).alias("kind"), named.alias("test"), reason.alias("reason"), "row")
    told = told.filter(pl.col("reason").is_not_null())
    counts = told.group_by("kind", "test", "reason", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("rows"), pl.col("row").min().alias("first")
    )
    return pl.DataFrame(counts.sort("first", maintain_order=True).rows(), schema=SCHEMA, orient="row")


def _counts_cells(name: str) -> bool:
    test = lab_test(name)
    return test is not None and test.unit == COUNT_UNIT


def _without_grade(values: pl.DataFrame, grades: pl.DataFrame) -> pl.DataFrame:
    """Return the counts of results that were read and have no grade, by term."""
    refused = values["refused"].drop_nulls().unique().to_list()
    open_ = grades.filter(
        pl.col("grade").is_null(), pl.col("grade_at_most").is_not_null(), ~pl.col("reason").is_in(refused)
    )
    counts = open_.group_by("term", "reason", maintain_order=True).agg(pl.len().cast(pl.Int64).alias("rows"))
    rows = [("no grade", term, reason, count, None) for term, reason, count in counts.rows()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def in_plain_words(reason: pl.Expr) -> pl.Expr:
    """Return reasons without the text of the one result that they are of, so that alike ones are one."""
    for pattern, words in AS_WRITTEN:
        reason = reason.str.replace(pattern, words)
    return reason
