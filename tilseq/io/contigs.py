"""Chains of single cells: contigs with the cell they are of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tilseq.errors import TableError
from tilseq.io.clonotype_counts import all_zero, whole
from tilseq.io.clonotype_repeats import contigs_once
from tilseq.io.clonotype_rows import NO_VALUE, Rows, read_rows
from tilseq.io.clonotype_rules import cells_alike, exclusions, loci_denied, rule, with_locus
from tilseq.io.moved_columns import moved_columns
from tilseq.io.specimens import refuse_several_specimens, several_samples, several_wells

FURTHER = {
    "10x": {"c_call": ("c_gene",), "umis": ("umis",), "reads": ("reads",)},
    "airr": {
        "c_call": ("c_call",),
        "umis": ("umi_count",),
        "reads": ("consensus_count",),
        "copies": ("duplicate_count",),
    },
}
COUNTS = {"umi_count": ("umis", "copies"), "consensus_count": ("reads",)}
CHAIN = ("cell_id", "sequence_id", "locus", "v_call", "j_call", "c_call", "junction", "junction_aa")
OF_NO_CELL = ("barcode not called a cell", "contig of low confidence")
ONE_OF_A_KIND = (
    "TRUST4's report tells one chain of a kind as the cell's, and no UMIs: second chains and doublets do not show; its "
    "_barcode_airr.tsv has all chains"
)


@dataclass(frozen=True)
class Contigs:
    """The functional chains of the cells of one file.

    Attributes
    ----------
    table
        One row a contig, in the file's order: `cell_id, sequence_id, locus, v_call, j_call, c_call, junction,
        junction_aa` (text), `umi_count`, `consensus_count` (reads; Int64); what the file does not have is null.
    cells
        All cells with a contig that the program trusts, functional or not, sorted.
    exclusions
        Rows left out, for the table `exclusions`: `file, row, rule, rows, counts` (cells).
    warnings, notes
        Sentences for the reader of the result: what may be wrong, and what is ordinary.
    """

    table: pl.DataFrame
    cells: tuple[str, ...]
    exclusions: pl.DataFrame
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def read_contigs(path: str | Path, *, dialect: str | None = None) -> Contigs:
    """Read the chains of single cells: 10x contig annotations (CSV, JSON), or AIRR rearrangements with `cell_id`.

    Left out are the rows that `tilseq.io.clonotypes.read_clonotypes` leaves out, but for further contigs of one cell
    and clonotype: each contig is a chain of its cell.

    Parameters
    ----------
    path, dialect
        As for `read_clonotypes`.

    Returns
    -------
    Contigs
        Chains, and all cells that the program trusts.

    Raises
    ------
    ReadError, TableError
        As for `read_clonotypes`; the file does not name cells; a count of UMIs or reads is no whole number.
    """
    rows = read_rows(path, dialect, FURTHER)
    rows = replace(rows, table=_with_cells(rows))
    contigs_once(rows)
    refuse_several_specimens(rows)
    table = with_locus(rows, rows.table, None).with_columns(duplicate_count=pl.lit(1, pl.Int64))
    table = table.with_columns(rule=rule(table, None))
    trusted = table.filter(~pl.col("rule").is_in(OF_NO_CELL).fill_null(False))
    kept = table.filter(pl.col("rule").is_null()).rename({"barcode": "cell_id"})
    for name in CHAIN:
        if name not in kept.columns:
            kept = kept.with_columns(pl.lit(None, pl.String).alias(name))
    kept = kept.with_columns(c_call=pl.when(~pl.col("c_call").is_in(NO_VALUE)).then("c_call"))
    counts = [_count(rows, kept, ours, names) for ours, names in COUNTS.items()]
    return Contigs(
        kept.select(*CHAIN, *counts),
        tuple(sorted(trusted["barcode"].unique())),
        exclusions(table, rows.file),
        (
            *rows.warnings,
            *several_samples(rows),
            *([ONE_OF_A_KIND] if "secondary" in table.columns else []),
            *cells_alike(kept["cell_id"]),
            *several_wells(rows, kept["cell_id"]),
            *loci_denied(rows, kept),
            *moved_columns(rows, kept),
        ),
        rows.notes,
    )


def _with_cells(rows: Rows) -> pl.DataFrame:
    """Return the table with the cell of each row as `barcode`."""
    table = rows.table
    if "barcode" in table.columns:
        return table
    if "cell_id" not in table.columns:
        raise TableError(
            "the file does not name cells",
            file=rows.file,
            row=rows.header_row,
            found=rows.dialect,
            expected="10x contig annotations, or AIRR rearrangements with cell_id",
        )
    table = table.rename({"cell_id": "barcode"})
    empty = table.filter(pl.col("barcode").is_null() | pl.col("barcode").is_in(NO_VALUE))
    if empty.height:
        raise TableError("a row names no cell", file=rows.file, row=empty["row"][0], column=rows.headers["cell_id"])
    return table


def _count(rows: Rows, table: pl.DataFrame, ours: str, names: tuple[str, ...]) -> pl.Series:
    """Return the first of some columns that is there and not empty as whole numbers, null where a cell is empty.

    One that is 0 throughout gives way to another, as in `tilseq.io.clonotype_counts.with_counts`.
    """
    texts = {name: table[name].set(table[name].is_in(NO_VALUE), None) for name in names if name in table.columns}
    filled = {name: text for name, text in texts.items() if text.null_count() < len(text)}
    for name, text in sorted(filled.items(), key=lambda one: all_zero(one[1])):
        numbers = whole(text)
        faults = numbers.is_null() & text.is_not_null()
        if faults.any():
            first = int(faults.arg_max() or 0)
            raise TableError(
                "this count cannot be read",
                file=rows.file,
                row=table["row"][first],
                column=rows.headers.get(name, ours),
                found=text[first],
                expected="a whole number",
            )
        return numbers.alias(ours)
    return pl.Series(ours, [None] * table.height, pl.Int64)
