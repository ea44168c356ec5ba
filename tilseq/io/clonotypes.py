"""Clonotype tables of several programs, read into one table of AIRR names."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tilseq.errors import TableError, did_you_mean
from tilseq.io.clonotype_counts import with_counts
from tilseq.io.clonotype_repeats import contigs_once, copies_told, names_once, refuse_doubled
from tilseq.io.clonotype_rows import NO_VALUE, Rows, read_rows
from tilseq.io.clonotype_rules import (
    cells_alike,
    cells_of,
    exclusions,
    flags,
    in_order,
    kinds_told,
    loci_denied,
    refuse_exchanged,
    summed,
    sums_told,
    with_locus,
    with_rules,
)
from tilseq.io.dialects import DIALECTS, CountOf
from tilseq.io.junctions import mismatch
from tilseq.io.moved_columns import moved_columns
from tilseq.io.specimens import refuse_several_specimens, several_samples, several_wells
from tilseq.io.write import harmless
from tilseq.receptors import LOCI

AIRR_REQUIRED = (
    "sequence_id sequence rev_comp productive v_call d_call j_call sequence_alignment germline_alignment "
    "junction junction_aa v_cigar d_cigar j_cigar"
).split()


@dataclass(frozen=True)
class Clonotypes:
    """The functional clonotypes of one file.

    Attributes
    ----------
    table
        One row a clonotype, that is a locus and a nucleotide junction: `locus, junction, junction_aa, v_call, j_call,
        duplicate_count` (Int64), sorted by locus, falling count, then as in the file. Genes are those of the
        clonotype's largest row, by IMGT's names; alleles stand where the file gives them.
    count_of
        What `duplicate_count` counts; `unknown` where the file does not say.
    dialect
        Key of `tilseq.io.dialects.DIALECTS`.
    exclusions
        Rows left out, for the table `exclusions`: `file, row, rule, rows, counts`.
    warnings
        Sentences for the reader of the result: what may be wrong.
    cells
        Locus → distinct cells with a clonotype of it, where rows are contigs of cells; else empty. Fewer than the
        counts where cells carry two chains of a locus, as one T cell in ten does.
    notes
        What is ordinary and still worth knowing, a sentence each.
    rows
        Rows of the file that are behind the clonotypes.
    """

    table: pl.DataFrame
    count_of: CountOf
    dialect: str
    exclusions: pl.DataFrame
    warnings: tuple[str, ...]
    cells: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: int = 0


def read_clonotypes(path: str | Path, *, dialect: str | None = None, locus: str | None = None) -> Clonotypes:
    """Read the functional clonotypes of one file, plain or gzip.

    Read are AIRR rearrangements, 10x contig annotations (CSV, JSON), and tables of immunoSEQ, MiXCR, TRUST4, VDJtools,
    immunarch and IMGT/HighV-QUEST.

    A clonotype is functional when its file does not call it unproductive and its `junction_aa` is not empty and holds
    no `*`, `_`, `~` or `#`; where the file does not say whether it is productive, its junction is of whole codons too.
    Left out and counted in `exclusions`, the first rule that holds: no cell or low confidence (10x), not productive, a
    chain that is not its cell's main one of its kind (TRUST4's report of barcodes), no or an unknown locus, another
    locus, no junction, one cut off by the end of its read (immunoSEQ), several in one row, a stop or frame shift, a
    count of 0.
    Kept, with a warning: a junction that does not code for its amino acids; a gene that IMGT does not name; a locus
    that is not that of its genes; and, with a warning where they are more than 1 % of the clonotypes and a note else,
    junctions without their C or F/W anchor or with a letter that is no amino acid or base. Rows of one locus and
    nucleotide junction are summed.
    Letters of junctions are made upper case; genes get IMGT's names, see `tilseq.io.genes.imgt_calls`.

    What counts is the first column that is filled and not 0 throughout, of: AIRR `umi_count`, `duplicate_count` (whose
    meaning AIRR leaves open), never `consensus_count`; immunoSEQ templates, then counts of either, then reads; MiXCR
    cells, molecules, reads; TRUST4, VDJtools and immunarch `count` or `Clones` (the file does not say of what). In 10x
    and in TRUST4's report of barcodes distinct barcodes, a cell counting once for each clonotype it has a contig of; in
    IMGT, which has no counts, rows, or what pRESTO or USEARCH wrote into the name. The file's frequencies are compared
    and never used.

    Parameters
    ----------
    path
        The file.
    dialect
        Key of `tilseq.io.dialects.DIALECTS`; by default what the header says. `trust4-airr` must be named: TRUST4's
        AIRR files hold their counts in `consensus_count`.
    locus
        Keep this locus alone; rows that do not name a locus are taken for it.

    Raises
    ------
    ReadError
        The file cannot be read, see `tilseq.io.text.read_cells`; its header is of no dialect known.
    TableError
        A column is missing or stands there twice; a count is blank or no whole number from 0 to 2**53; a word cannot
        be read; one contig stands there twice; the genes are of a mouse, most are none that IMGT knows, or V genes
        stand in the column of J genes, or amino acids in that of nucleotides and the reverse; a file says that it is
        of several donors or origins (10x), subjects (AIRR `subject_id`) or samples (immunoSEQ `sample_name`); each
        of ten rows or more is there again, word for word.
    """
    if locus is not None and locus not in LOCI:
        raise TableError("no such locus", found=locus, expected=", ".join(LOCI), mend=did_you_mean(locus, LOCI))
    if dialect is not None and dialect not in DIALECTS:
        raise TableError("no such dialect", found=dialect, expected=", ".join(DIALECTS))
    rows = read_rows(path, dialect)
    refuse_several_specimens(rows)
    rows, count_of = with_counts(rows)
    table = with_locus(rows, rows.table, locus)
    table = with_rules(table, locus)
    warnings, notes = [*rows.warnings, *several_samples(rows)], [*rows.notes]
    cells: dict[str, int] = {}
    if "barcode" in table.columns:
        contigs_once(rows)
        table, cells, several = cells_of(table)
        notes += several
    kept = table.filter(pl.col("rule").is_null()) if table["rule"].null_count() < table.height else table
    with ThreadPoolExecutor() as pool:  # each is mostly work for one processor
        names, wrong = pool.submit(names_once, rows), pool.submit(_coded, kept)
        loci, moved = pool.submit(loci_denied, rows, kept), pool.submit(moved_columns, rows, kept)
        clonotypes = summed(kept)
        ordered = in_order(clonotypes.drop("plain"))
    if "barcode" in table.columns:
        warnings += [
            *cells_alike(kept["barcode"]),
            *several_wells(rows, kept["barcode"]),
            *kinds_told(clonotypes),
        ]
    else:
        if kept.height >= 2 * clonotypes.height:
            refuse_doubled(rows)
        if kept.height > clonotypes.height:
            warnings += copies_told(rows, kept)
        notes += sums_told(kept, clonotypes)
        warnings += [*names.result(), *_cells_named(rows)]
    refuse_exchanged(clonotypes, rows)
    many, few = flags(clonotypes)
    warnings += [*loci.result(), *many, *wrong.result(), *moved.result()]
    notes += few
    return Clonotypes(
        ordered,
        count_of,
        rows.dialect,
        exclusions(table, rows.file),
        tuple(warnings),
        cells,
        tuple(notes),
        kept.height,
    )


def airr_tsv(clonotypes: Clonotypes) -> str:
    """Return clonotypes as an AIRR rearrangement TSV (schema 1.5), one row a clonotype.

    The count stands in `umi_count` where it counts UMIs and in `duplicate_count` otherwise. Columns that AIRR requires
    and a clonotype does not have are empty. Line breaks and tabs within a cell become blanks.
    """
    count = "umi_count" if clonotypes.count_of == "umis" else "duplicate_count"
    frame = clonotypes.table.with_columns(
        sequence_id=pl.format("clonotype{}", pl.int_range(1, pl.len() + 1)),
        productive=pl.lit("T"),
        rev_comp=pl.lit("F"),
    )
    frame = frame.with_columns(
        pl.lit(None, pl.String).alias(name) for name in AIRR_REQUIRED if name not in frame.columns
    )
    frame = frame.rename({"duplicate_count": count}).select(*AIRR_REQUIRED, "locus", count)
    frame = harmless(frame.with_columns(pl.col(pl.String).str.replace_all(r"[\t\n]", " ")))
    return frame.write_csv(separator="\t", quote_style="never")


def _cells_named(rows: Rows) -> list[str]:
    if "cell_id" not in rows.table.columns or rows.table["cell_id"].is_in(NO_VALUE).fill_null(True).all():
        return []
    named = rows.headers["cell_id"]
    return [f"rows name cells ({named}), yet they are summed by their own counts, not counted as cells"]


def _coded(kept: pl.DataFrame) -> list[str]:
    wrong, row = mismatch(kept)
    return [f"{wrong} junctions do not code for their amino acids, the first in row {row}"] * (wrong > 0)
