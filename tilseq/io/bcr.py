"""Sequences of B-cell receptors, one by one, with what tells of their class and their mutations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tilseq.errors import TableError
from tilseq.io.clonotype_counts import with_counts
from tilseq.io.clonotype_repeats import contigs_once, copies_told, refuse_doubled
from tilseq.io.clonotype_rows import NO_VALUE, Rows, read_rows
from tilseq.io.clonotype_rules import cells_of, exclusions, loci_denied, rule, with_locus
from tilseq.io.dialects import CountOf
from tilseq.io.specimens import refuse_several_specimens, several_samples, several_wells

MASKED, UNMASKED = "germline_alignment_d_mask", "germline_alignment"
FURTHER = {
    "airr": {name: (name,) for name in ("c_call", "sequence_alignment", MASKED, UNMASKED, "v_identity")},
    "10x": {"c_call": ("c_gene",)},
}
TEXT = ("c_call", "sequence_alignment", "germline_alignment")
COLUMNS = ("sequence_id", "locus", "v_call", "j_call", "c_call", "junction", "junction_aa", "duplicate_count")
COLUMNS_OF_V = ("sequence_alignment", "germline_alignment", "v_identity")
NOT_OF_B_CELLS = "no immunoglobulin"
PERCENT = 100
NO_GENE_OF_TRUST4 = "*"


@dataclass(frozen=True)
class BcrSequences:
    """The functional immunoglobulin sequences of one file.

    Attributes
    ----------
    table
        One row a row of the file, in its order: `sequence_id` (`row 7` where the file has none), `locus, v_call,
        j_call, c_call, junction, junction_aa, duplicate_count, sequence_alignment, germline_alignment` (the one with D
        and N bases masked, where the file has it), `v_identity` (a share); what the file does not have is null.
    count_of, dialect, exclusions, warnings, notes
        As of `tilseq.io.clonotypes.Clonotypes`.
    """

    table: pl.DataFrame
    count_of: CountOf
    dialect: str
    exclusions: pl.DataFrame
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def read_bcr(path: str | Path, *, dialect: str | None = None, locus: str | None = None) -> BcrSequences:
    """Read the functional immunoglobulin sequences of a file of any clonotype dialect.

    Rules and counts are those of `tilseq.io.clonotypes.read_clonotypes`, but rows are not summed; receptors of T cells
    are left out. Isotypes (`c_call`) stand in files of AIRR, 10x and TRUST4, alignments and `v_identity` in AIRR alone.

    Parameters
    ----------
    path, dialect, locus
        As for `read_clonotypes`.

    Raises
    ------
    ReadError, TableError
        As for `read_clonotypes`; a sequence is named twice; a `v_identity` is no number from 0 to 1, or to 100
        where the file has percentages; some are shares and some are percentages.
    """
    rows = read_rows(path, dialect, FURTHER)
    refuse_several_specimens(rows)
    rows, count_of = with_counts(rows)
    table = with_locus(rows, rows.table, locus)
    of_t_cells = pl.col("rule").is_null() & ~pl.col("locus").str.starts_with("IG")
    table = table.with_columns(rule=rule(table, locus))
    table = table.with_columns(rule=pl.when(of_t_cells).then(pl.lit(NOT_OF_B_CELLS)).otherwise("rule"))
    notes, copies = [*rows.notes], []
    if "barcode" in table.columns:
        contigs_once(rows)
        table, _, several = cells_of(table)
        notes += several
    else:
        refuse_doubled(rows)
        copies = copies_told(rows, table.filter(pl.col("rule").is_null()))
    table, identities = _with_identity(rows, table)
    sequences = _named(rows, _filled(table).filter(pl.col("rule").is_null()))
    wells = several_wells(rows, table["barcode"]) if "barcode" in table.columns else []
    warnings = (*rows.warnings, *several_samples(rows), *copies, *wells, *loci_denied(rows, sequences))
    left_out = exclusions(table, rows.file)
    sequences = sequences.select(*COLUMNS, *COLUMNS_OF_V)
    return BcrSequences(sequences, count_of, rows.dialect, left_out, warnings, (*notes, *identities))


def _filled(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the columns a file may not have, null where it says that there is no value."""
    germline = [name for name in (MASKED, UNMASKED) if name in table.columns and _holds_values(table[name])]
    if germline:
        table = table.with_columns(germline_alignment=pl.col(germline[0]))
    table = table.with_columns(pl.lit(None, pl.String).alias(name) for name in TEXT if name not in table.columns)
    bare = pl.col(TEXT).str.strip_chars()  # a blank before an alignment would shift it
    return table.with_columns(pl.when(~bare.is_in((*NO_VALUE, NO_GENE_OF_TRUST4))).then(bare).name.keep())


def _holds_values(cells: pl.Series) -> bool:
    return not cells.str.strip_chars().is_in(NO_VALUE).fill_null(True).all()


def _with_identity(rows: Rows, table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Return `v_identity` as a share; IgBLAST writes percentages where AIRR has a share."""
    if "v_identity" not in table.columns:
        return table.with_columns(v_identity=pl.lit(None, pl.Float64)), []
    text = table["v_identity"].str.strip_chars()
    given = ~text.is_in(NO_VALUE) & text.is_not_null()
    numbers = text.cast(pl.Float64, strict=False).set(~given, None)
    faults = given & ~numbers.is_between(0, PERCENT).fill_null(False)
    percent = bool((numbers > 1).any())
    if percent and not faults.any():  # no sequence has so little of its germline that 0.95 could be percent
        faults = ((numbers > 0) & (numbers < 1)).fill_null(False)
    if faults.any():
        first = int(faults.arg_max() or 0)
        raise TableError(
            "this identity cannot be read",
            file=rows.file,
            row=table["row"][first],
            column=rows.headers["v_identity"],
            found=text[first],
            expected="percentages or shares throughout, a number from 0 to 100 or to 1",
        )
    if percent:
        told = [f"{rows.headers['v_identity']} is in percent, where AIRR has a share: it is divided by 100"]
        return table.with_columns((numbers / PERCENT).alias("v_identity")), told
    return table.with_columns(numbers.alias("v_identity")), []


def _named(rows: Rows, table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with a `sequence_id` for each row, none of them twice."""
    of_row = pl.format("row {}", "row")
    if "sequence_id" not in table.columns:
        return table.with_columns(of_row.alias("sequence_id"))
    table = table.with_columns(
        sequence_id=pl.when(~pl.col("sequence_id").is_in(NO_VALUE)).then("sequence_id").otherwise(of_row)
    )
    twice = table.filter(~pl.col("sequence_id").is_first_distinct())
    if twice.height:
        raise TableError(
            f"{twice.height} sequences bear the name of an earlier one",
            file=rows.file,
            row=twice["row"][0],
            column=rows.headers.get("sequence_id"),
            found=twice["sequence_id"][0],
            mend="was a file joined twice? give each sequence a name of its own",
        )
    return table
