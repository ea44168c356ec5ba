"""Clonotype tables of several programs, read into one table of AIRR names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tilseq.errors import ReadError, TableError, did_you_mean
from tilseq.io.dialects import DIALECTS, CountOf, Dialect
from tilseq.io.text import Delimited, open_delimited
from tilseq.io.write import harmless
from tilseq.receptors import CLONE, LOCI

LARGEST_COUNT = 2**53
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
TRUE_OR_FALSE = {"t": True, "true": True, "f": False, "false": False}
SEVERAL_CHAINS = "Multi"
NO_VALUE = ("", "None", "none", "NA", "na", "NaN", "nan", "NULL", "null", ".")
FREQUENCY_TOLERANCE = 1e-6
SECOND_CONTIG = "another contig of the same cell and clonotype"
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
        duplicate_count` (Int64), sorted by locus, then falling count. Genes are those of the clonotype's largest row.
    count_of
        What `duplicate_count` counts; `unknown` where the file does not say.
    dialect
        Key of `tilseq.io.dialects.DIALECTS`.
    exclusions
        Rows left out, for the table `exclusions`: `file, row, rule, rows, counts`.
    warnings
        Sentences for the reader of the result.
    cells
        Locus → distinct cells with a clonotype of it, where the file counts cells; else empty. Fewer than the counts
        where cells carry two chains of a locus, as one T cell in ten does.
    notes
        What is ordinary and still worth knowing, a sentence each.
    """

    table: pl.DataFrame
    count_of: CountOf
    dialect: str
    exclusions: pl.DataFrame
    warnings: tuple[str, ...]
    cells: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_clonotypes(path: str | Path, *, dialect: str | None = None, locus: str | None = None) -> Clonotypes:
    """Read the functional clonotypes of an AIRR, 10x or VDJtools file, plain or gzip.

    A clonotype is functional when its file does not call it unproductive and its `junction_aa` is not empty and holds
    no `*` or `_`. Left out and counted in `exclusions`, the first rule that holds: no cell or low confidence (10x),
    not productive, no or an unknown locus, another locus, no junction, a stop or frame shift, a count of 0.
    Kept, with a warning: a junction without its C or F/W anchor, or with a letter that is no amino acid.
    Rows of one locus and nucleotide junction are summed. Letters of junctions are made upper case.

    What counts: AIRR `umi_count` where filled and not 0 throughout, else `duplicate_count` (whose meaning AIRR leaves
    open), never `consensus_count`; VDJtools `count`, its frequencies recomputed; 10x distinct barcodes, a cell counting
    once for each clonotype it has a contig of.

    Parameters
    ----------
    path
        The file.
    dialect
        `airr`, `10x` or `vdjtools`; by default what the header says.
    locus
        Keep this locus alone; rows that do not name a locus are taken for it.

    Raises
    ------
    ReadError
        The file cannot be read, see `tilseq.io.text.read_cells`; its header is of no dialect known.
    TableError
        A column is missing or stands there twice; a count is blank or no whole number from 0 to 2**53; a word cannot
        be read.
    """
    if locus is not None and locus not in LOCI:
        raise TableError("no such locus", found=locus, expected=", ".join(LOCI), mend=did_you_mean(locus, LOCI))
    if dialect is not None and dialect not in DIALECTS:
        raise TableError("no such dialect", found=dialect, expected=", ".join(DIALECTS))
    source = open_delimited(path, comment="# ")
    name = dialect or _dialect_of(source)
    spec = DIALECTS[name]
    rows, warnings = _rows(source, spec)
    rows, count_of, told = _with_counts(rows, source, spec)
    warnings += told
    rows = _with_locus(rows, source, spec, locus)
    rows = rows.with_columns(rule=_rule(rows, locus))
    cells: dict[str, int] = {}
    notes: list[str] = []
    if count_of == "cells":
        rows, cells, notes = _cells(rows)
    kept = rows.filter(pl.col("rule").is_null())
    table = _summed(kept)
    if count_of != "cells":
        warnings += _repeats(kept, table)
    return Clonotypes(
        table, count_of, name, _exclusions(rows, source), tuple(warnings + _flags(table)), cells, tuple(notes)
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


def _dialect_of(source: Delimited) -> str:
    """Return the dialect whose needed columns all stand in the header; the nearest decides what is missing."""
    header = {name.lower() for name in source.names}
    missing = {
        key: [names[0] for names in spec.needed.values() if not header & set(names)] for key, spec in DIALECTS.items()
    }
    near = min(DIALECTS, key=lambda key: len(missing[key]) / len(DIALECTS[key].needed))
    if len(missing[near]) * 2 <= len(DIALECTS[near].needed):
        return near
    raise ReadError(
        "the header is of no clonotype dialect known",
        file=source.path,
        row=source.header_row,
        found=", ".join(source.names[:8]),
        expected="one of "
        + "; ".join(f"{key} ({', '.join(n[0] for n in d.needed.values())})" for key, d in DIALECTS.items()),
    )


def _column(source: Delimited, headers: Sequence[str]) -> str | None:
    """Return the file's column that goes by one of these headers."""
    found = [name for name in source.names if name.lower() in headers]
    if len(found) > 1:
        raise TableError(
            "one column stands under two names", file=source.path, row=source.header_row, found=", ".join(found)
        )
    return found[0] if found else None


def _missing(source: Delimited, spec: Dialect, header: str) -> TableError:
    mistaken, why = spec.mistaken.get(header, ("", ""))
    known = {name for names in spec.columns.values() for name in names}
    others = [name for name in source.names if name.lower() not in known]
    mend = why if mistaken in source.names else did_you_mean(header, others)
    return TableError(
        f"this column of the {spec.name} dialect is missing",
        file=source.path,
        row=source.header_row,
        column=header,
        mend=mend,
    )


def _rows(source: Delimited, spec: Dialect) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns a clonotype needs, by our names, as clean text, and the row each stands in."""
    columns = {ours: _column(source, headers) for ours, headers in spec.columns.items()}
    for ours, headers in spec.needed.items():
        if columns[ours] is None:
            raise _missing(source, spec, headers[0])
    taken = {ours: name for ours, name in columns.items() if name is not None}
    rows = source.cells(list(taken.values())).select(
        (pl.int_range(pl.len(), dtype=pl.Int64) + source.header_row + 1).alias("row"),
        *(pl.col(name).alias(ours) for ours, name in taken.items()),
    )
    if "barcode" in rows.columns and rows["barcode"].null_count():
        empty = rows.filter(pl.col("barcode").is_null())["row"][0]
        raise TableError("a cell has no barcode", file=source.path, row=empty, column=taken["barcode"])
    for name in ("productive", "is_cell", "high_confidence"):
        if name in rows.columns:
            rows = rows.with_columns(_true_or_false(rows, name, taken[name], source))
    for name in ("v_call", "j_call", "junction", "junction_aa", "locus"):
        if name in rows.columns:
            text = pl.col(name).str.strip_chars()
            rows = rows.with_columns(pl.when(~text.is_in(NO_VALUE)).then(text).alias(name))
    rows = rows.with_columns(pl.col("junction", "junction_aa").str.to_uppercase())
    if "cell_id" in rows.columns and not _empty(rows["cell_id"]):
        return rows, ["rows name cells (cell_id), yet they are summed by their own counts, not counted as cells"]
    return rows, []


def _true_or_false(rows: pl.DataFrame, name: str, header: str, source: Delimited) -> pl.Series:
    words = rows[name].set(rows[name].is_in(NO_VALUE), None).str.to_lowercase()
    strange = ~words.is_in(list(TRUE_OR_FALSE))
    if strange.any():
        first = int(strange.fill_null(False).arg_max() or 0)
        raise TableError(
            "this word cannot be read",
            file=source.path,
            row=rows["row"][first],
            column=header,
            found=rows[name][first],
            expected="true or false",
        )
    return words.replace_strict(TRUE_OR_FALSE, return_dtype=pl.Boolean)


def _with_counts(rows: pl.DataFrame, source: Delimited, spec: Dialect) -> tuple[pl.DataFrame, CountOf, list[str]]:
    """Add `duplicate_count`: of the preferred count column that is filled, or one a contig."""
    if not spec.counts:
        return rows.with_columns(duplicate_count=pl.lit(1, pl.Int64)), "cells", []
    present = {header: name for header in spec.counts if (name := _column(source, (header,)))}
    if not present:
        raise _missing(source, spec, list(spec.counts)[-1])
    cells = source.cells(list(present.values()))
    # An AIRR writer may leave a whole column of the schema empty, or fill it with zeros.
    filled = {header: name for header, name in present.items() if not _empty(cells[name])} or present
    zeros = {header: name for header, name in filled.items() if cells[name].str.contains("^0+$").all()}
    if 0 < len(zeros) < len(filled):
        filled = {header: name for header, name in filled.items() if header not in zeros}
    header, name = next(iter(filled.items()))
    rows = rows.with_columns(_counts(cells[name], source).alias("duplicate_count"))
    notes = [f"{' and '.join(filled.values())} are both given: {name} is used"] if len(filled) > 1 else []
    if name not in zeros.values():
        notes += [f"{', '.join(zeros.values())} is 0 throughout: {name} is used"] if zeros else []
    if "frequency" in rows.columns:
        notes += _frequencies(rows)
    return rows, spec.counts[header], notes


def _empty(cells: pl.Series) -> bool:
    return bool((cells.is_null() | cells.is_in(NO_VALUE)).all())


def _counts(cells: pl.Series, source: Delimited) -> pl.Series:
    """Return whole numbers from 0 to 2**53; raise at the first cell that is not one."""
    numbers = cells.str.extract(r"^([0-9]{1,16})$").cast(pl.Int64)
    faults = numbers.is_null() | (numbers > LARGEST_COUNT)
    if faults.any():
        first = int(faults.arg_max() or 0)
        raise TableError(
            f"{faults.sum()} of {len(cells)} counts cannot be read",
            file=source.path,
            row=first + source.header_row + 1,
            column=cells.name,
            found=cells[first] or "",
            expected="a whole number in digits alone, at most 2**53",
        )
    if float(numbers.cast(pl.Float64).sum()) > LARGEST_COUNT:
        raise TableError("the counts add up to more than 2**53", file=source.path, column=cells.name)
    return numbers


def _frequencies(rows: pl.DataFrame) -> list[str]:
    """Compare the file's frequencies with those of its counts; the file's are never used."""
    given = rows["frequency"].cast(pl.Float64, strict=False)
    total = rows["duplicate_count"].sum()
    if not total:
        return []
    unread = int((~given.is_finite()).fill_null(True).sum())
    if unread:
        return [f"{unread} of the file's frequencies cannot be read: all are recomputed from the counts"]
    apart = float((given - rows["duplicate_count"] / total).abs().to_numpy().max())
    if apart <= FREQUENCY_TOLERANCE:
        return []
    return [
        f"the file's frequencies add up to {given.sum():.6g} and differ from count / sum of counts by up to "
        f"{apart:.3g}: they are recomputed from the counts"
    ]


def _with_locus(rows: pl.DataFrame, source: Delimited, spec: Dialect, wanted: str | None) -> pl.DataFrame:
    """Give each row its locus: the file's own word, else that of its genes, else the one wanted."""
    gene = r"\b(TR[ABGD]|IG[HKL])[VJ]"
    of_v, of_j = (pl.col(name).str.to_uppercase().str.extract(gene) for name in ("v_call", "j_call"))
    # V genes such as TRAV29/DV5 serve alpha and delta: their J tells which. Other pairs of two loci are no receptor.
    of_genes = (
        pl.when(of_j.is_null() | (of_v == of_j))
        .then(of_v)
        .when(of_v.is_null() | ((of_v == "TRA") & (of_j == "TRD")))
        .then(of_j)
    )
    if "locus" not in rows.columns:
        rows = rows.with_columns(locus=of_genes)
    elif "locus" in spec.optional:
        rows = rows.with_columns(locus=pl.coalesce(pl.col("locus").str.to_uppercase(), of_genes))
    else:
        rows = rows.with_columns(locus=pl.when(pl.col("locus") != SEVERAL_CHAINS).then("locus"))
    strange = rows.filter(~pl.col("locus").is_in(LOCI))
    if strange.height:
        raise TableError(
            "no such locus",
            file=source.path,
            row=strange["row"][0],
            column=_column(source, spec.columns["locus"]),
            found=strange["locus"][0],
            expected=", ".join(LOCI),
        )
    if wanted is None or "locus" in spec.needed:
        return rows
    nameless = pl.col("v_call").is_null() & pl.col("j_call").is_null() & pl.col("locus").is_null()
    return rows.with_columns(locus=pl.when(nameless).then(pl.lit(wanted)).otherwise("locus"))


def _rule(rows: pl.DataFrame, wanted: str | None) -> pl.Expr:
    """Return the first rule that leaves a row out, or null for a row that is kept."""
    tenx = "barcode" in rows.columns
    rules: dict[str, pl.Expr] = {}
    if tenx:
        rules["barcode not called a cell"] = ~pl.col("is_cell").fill_null(False)
        rules["contig of low confidence"] = ~pl.col("high_confidence").fill_null(False)
    if "productive" in rows.columns:  # 10x knows it of every contig; AIRR may leave it open
        rules["not productive"] = ~pl.col("productive").fill_null(not tenx)
    rules["no locus or several"] = pl.col("locus").is_null()
    if wanted:
        rules[f"another locus than {wanted}"] = pl.col("locus") != wanted
    rules["no nucleotide junction"] = pl.col("junction").is_null()
    rules["no amino-acid junction"] = pl.col("junction_aa").is_null()
    rules["stop or frame shift in the junction"] = pl.col("junction_aa").str.contains("[*_]")
    rules["count of 0"] = pl.col("duplicate_count") == 0
    return pl.coalesce(pl.when(holds).then(pl.lit(rule)) for rule, holds in rules.items())


def _cells(rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int], list[str]]:
    """Leave out further contigs of one cell and clonotype, so that each row kept is one cell of one clonotype.

    Also return the distinct cells of each locus, and what is to be said of cells with several chains.
    """
    again = pl.col("rule").is_null() & ~pl.struct("rule", "barcode", *CLONE).is_first_distinct()
    rows = rows.with_columns(rule=pl.when(again).then(pl.lit(SECOND_CONTIG)).otherwise("rule"))
    chains = rows.filter(pl.col("rule").is_null()).group_by("locus", "barcode").len()
    several = chains.group_by("locus").agg(cells=pl.len(), several=(pl.col("len") > 1).sum()).sort("locus")
    distinct = dict(several.select("locus", "cells").iter_rows())
    return (
        rows,
        distinct,
        [
            f"{more} of {cells} cells have more than one {locus} and count once for each"
            for locus, cells, more in several.iter_rows()
            if more
        ],
    )


def _summed(kept: pl.DataFrame) -> pl.DataFrame:
    """Sum rows of one clonotype; its genes are those of most of its count, of equals the first by name."""
    genes, count = pl.col("junction_aa", "v_call", "j_call"), pl.col("duplicate_count").sum()
    groups = kept.group_by(CLONE).agg(genes.first(), count, rows=pl.len())
    once = groups.filter(pl.col("rows") == 1).drop("rows")
    variants = kept.join(groups.filter(pl.col("rows") > 1), on=CLONE, how="semi").group_by(*CLONE, genes).agg(count)
    variants = variants.sort(-pl.col("duplicate_count"), genes, nulls_last=True)
    repeated = variants.group_by(CLONE, maintain_order=True).agg(genes.first(), count)
    return pl.concat([once, repeated]).sort("locus", -pl.col("duplicate_count"), "junction")


def _repeats(kept: pl.DataFrame, table: pl.DataFrame) -> list[str]:
    notes = []
    if kept.height > table.height:
        notes.append(
            f"{kept.height - table.height} rows repeat the locus and junction of another and are summed with it"
        )
    loci = table["locus"].value_counts().sort("locus")
    if loci.height > 1:
        notes.append(f"several loci: {', '.join(f'{clones} clonotypes of {locus}' for locus, clones in loci.rows())}")
    return notes


def _exclusions(rows: pl.DataFrame, source: Delimited) -> pl.DataFrame:
    """Return one row a rule: how many rows it left out and what they counted (cells: distinct barcodes)."""
    left_out = rows.filter(pl.col("rule").is_not_null()).group_by("rule")
    if "barcode" in rows.columns:
        held = pl.when(pl.col("rule").first() == SECOND_CONTIG).then(0).otherwise(pl.col("barcode").n_unique())
    else:
        held = pl.col("duplicate_count").sum()
    return (
        left_out.agg(rows=pl.len().cast(pl.Int64), counts=held.cast(pl.Float64))
        .sort("rule")
        .select(pl.lit(source.path).alias("file"), pl.lit(None, pl.Int64).alias("row"), "rule", "rows", "counts")
    )


def _flags(table: pl.DataFrame) -> list[str]:
    """Say how many of the clonotypes kept have a junction that a reader should look at."""
    flags = {
        "have a junction without its C or F/W anchor": ~pl.col("junction_aa").str.contains("^C.*[FW]$"),
        "have a junction with a letter that is no amino acid": pl.col("junction_aa").str.contains(f"[^{AMINO_ACIDS}]"),
        "have a junction with a letter other than A, C, G, T": pl.col("junction").str.contains("[^ACGT]"),
    }
    found = {flag: int(table.select(holds.sum()).item()) for flag, holds in flags.items()}
    return [f"{clones} of {table.height} clonotypes {flag}; they are kept" for flag, clones in found.items() if clones]
