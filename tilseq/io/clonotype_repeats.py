"""Rows that a file of clonotypes holds twice, as where it was pasted below itself or files were joined."""

from __future__ import annotations

import polars as pl

from tilseq.errors import TableError
from tilseq.io.clonotype_rows import NO_VALUE, Rows
from tilseq.io.clonotype_rules import all_differ
from tilseq.io.text import open_delimited

FEWEST = 10  # rows that differ; fewer may all be there twice by chance
LARGE = 10  # a count that two rows of one clonotype seldom share but where one was copied


def refuse_doubled(rows: Rows) -> None:
    """Raise where every row of a file is there again, word for word, so that all counts would be summed twice."""
    table = rows.table.drop("row")
    times = table.group_by(table.columns).len()["len"]
    if len(times) < FEWEST or (times < 2).any():
        return
    again = rows.table.filter(~pl.struct(table.columns).is_first_distinct())
    raise TableError(
        f"each of its {len(times)} rows stands there again",
        file=rows.file,
        row=again["row"][0],
        mend="was the file joined to itself? keep each row once",
    )


def copies_told(rows: Rows, kept: pl.DataFrame) -> list[str]:
    """Say how many rows with a large count are copies, word for word, of earlier ones, as where a part was pasted."""
    large = kept.filter(pl.col("duplicate_count") >= LARGE)
    copies = large.filter(~pl.struct(pl.exclude("row")).is_first_distinct())
    if copies.height < FEWEST:
        return []
    # They may differ in columns that are not read, as sequences of one junction do.
    every = open_delimited(rows.file, comment="# ").cells().with_row_index("row", rows.header_row + 1)
    large = every.filter(pl.col("row").is_in(large["row"].to_list()))
    copies = large.filter(~pl.struct(pl.exclude("row")).is_first_distinct())
    if copies.height < FEWEST:
        return []
    return [
        f"{copies.height} rows with a count of {LARGE} or more are copies of earlier rows, the first in row "
        f"{copies['row'][0]}, and are summed with them: was a part of the file pasted twice?"
    ]


def contigs_once(rows: Rows) -> None:
    """Raise where a contig stands twice: lanes whose barcodes collide were joined, and cells would be lost."""
    if "sequence_id" not in rows.table.columns:
        return
    twice = rows.table.filter(pl.col("sequence_id").is_not_null() & ~pl.col("sequence_id").is_first_distinct())
    if twice.height:
        raise TableError(
            f"{twice.height} contigs stand there twice",
            file=rows.file,
            row=twice["row"][0],
            column=rows.headers.get("sequence_id", "contig_name"),
            found=twice["sequence_id"][0],
            mend="where lanes were joined, give each lane's barcodes a suffix of their own",
        )


def names_once(rows: Rows) -> list[str]:
    """Say how many rows bear the name of an earlier one."""
    if "sequence_id" not in rows.table.columns:
        return []
    names = rows.table["sequence_id"]
    if all_differ(names):
        return []
    names = names.filter(~names.is_in(NO_VALUE) & names.is_not_null())
    twice = len(names) - names.n_unique()
    bear = "1 row bears" if twice == 1 else f"{twice} rows bear"
    return [f"{bear} the {rows.headers['sequence_id']} of an earlier row: was a file joined twice?"] * (twice > 0)
