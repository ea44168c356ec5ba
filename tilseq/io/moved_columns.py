"""Rows whose cells deny one another, as where a column of a table was sorted or moved without the others."""

from __future__ import annotations

import polars as pl

from tilseq.io.clonotype_rows import Rows

# The last letters of a junction are those of its J gene, whose end is hardly ever trimmed (IMGT's reference sequences).
ENDS = {
    "TRBJ1-1": "AFF", "TRBJ1-2": "YTF", "TRBJ1-3": "IYF", "TRBJ1-4": "LFF", "TRBJ1-5": "QHF", "TRBJ1-6": "LHF",
    "TRBJ2-1": "QFF", "TRBJ2-2": "LFF", "TRBJ2-3": "QYF", "TRBJ2-4": "QYF", "TRBJ2-5": "QYF", "TRBJ2-6": "LTF",
    "TRBJ2-7": "QYF",
}  # fmt: skip
FEWEST = 50  # rows that tell
MOST_DENIED = 0.2  # of 15 real tables 0 to 0.04; with genes of the next row 0.6 to 0.85
MOST_LOOKED_AT = 10_000  # rows, evenly spread: as sure as all, where columns were moved
CELL = "([ACGT]{14,})"  # the bases of a barcode, which 10x writes into the name of its contigs


def moved_columns(rows: Rows, kept: pl.DataFrame) -> list[str]:
    """Say where many rows name a J gene that their junction denies, or a cell that the name of their contig denies.

    Parameters
    ----------
    rows
        The file.
    kept
        Its rows that are kept: `row, j_call, junction_aa`, and where it names cells and contigs `barcode` (or
        `cell_id`) and `sequence_id`.
    """
    ends = pl.col("j_call").str.replace(r"\*.*$", "").replace_strict(ENDS, default=None)
    doubts = [
        (ends, pl.col("junction_aa").str.tail(3), "name a J gene of TRB that their junction does not end as"),
    ]
    cell = next((name for name in ("barcode", "cell_id") if name in kept.columns), None)
    if cell and "sequence_id" in kept.columns and rows.dialect == "10x":
        named = pl.col("sequence_id").cast(pl.String).str.extract(CELL)
        doubts.append((pl.col(cell).str.extract(CELL), named, "name another cell than their contig does"))
    every = -(-kept.height // MOST_LOOKED_AT)
    seen = kept.gather_every(every) if every > 1 else kept
    return [told for one, other, what in doubts for told in _told(seen, one, other, what)]


def _told(seen: pl.DataFrame, one: pl.Expr, other: pl.Expr, what: str) -> list[str]:
    """Say how many rows differ in what should be alike, of those that have both, where they are many."""
    differ = seen.select("row", differ=one != other).drop_nulls()
    wrong = differ.filter("differ")
    if differ.height < FEWEST or wrong.height <= MOST_DENIED * differ.height:
        return []
    return [
        f"{wrong.height} of {differ.height} rows {what}, the first is row {wrong['row'][0]}: was a column sorted or "
        "moved without the others?"
    ]
