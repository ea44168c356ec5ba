"""Clonotype keys: what must be equal for two rows to be the same clone."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.errors import AnalysisError, TableError, did_you_mean
from tilseq.receptors import GENES, KEYS
from tilseq.repertoire.clones import check_columns, checked_counts, nucleotides, upper
from tilseq.tables import as_polars

PAIRED = "+"  # between the loci, junctions and genes of the two chains of a cell


def key_columns(key: str) -> tuple[str, ...]:
    """Return the columns of a key, beside the locus.

    Raises
    ------
    AnalysisError
        There is no such key.
    """
    if key not in KEYS:
        raise AnalysisError(
            "no such clonotype key", found=key, expected=", ".join(KEYS), mend=did_you_mean(key, list(KEYS))
        )
    return KEYS[key]


def keyed(table: Any, key: str) -> pl.DataFrame:
    """Return the rows of a clonotype table that have every part of a key, by that key.

    Genes stand without their alleles, as programs differ in whether and how well they tell them: `TRBV6-2*01` and
    `TRBV6-2` are one, and so are junctions in upper and in lower case. A call of several genes stays a call of several,
    in order and each once, and equals only itself.

    Parameters
    ----------
    table
        polars or pandas: `locus`, `duplicate_count` and the columns of the key. Each row is what its reader holds to
        be one nucleotide junction, so that its genes are those of most of its count.
    key
        A name in `tilseq.receptors.KEYS`: `junction` (nucleotides) or `junction_aa`, with `+v`, `+j` or `+v+j`.

    Returns
    -------
    polars.DataFrame
        `locus`, the columns of the key, `duplicate_count`; rows of one key are not summed. A row that lacks a part of
        the key could be told to be equal to no other and is left out; `lacking` counts those.

    Raises
    ------
    AnalysisError
        There is no such key.
    TableError
        The table is not a clonotype table, or lacks a column of the key.
    """
    frame = _with_parts(table, key)
    columns = key_columns(key)
    if any(frame[name].null_count() for name in columns):
        frame = frame.drop_nulls(columns)
    return checked_counts(frame, ("locus", *columns))


def lacking(table: Any, key: str) -> pl.DataFrame:
    """Return how many rows `keyed` leaves out.

    Parameters
    ----------
    table, key
        As for `keyed`.

    Returns
    -------
    polars.DataFrame
        `rule, rows, counts`, a row for each part of the key that is missing. A row that lacks several parts is counted
        under the first.

    Raises
    ------
    AnalysisError, TableError
        As `keyed`.
    """
    frame, columns = _with_parts(table, key), key_columns(key)
    rule = pl.coalesce(pl.when(pl.col(name).is_null()).then(pl.lit(f"no {name} for the key {key}")) for name in columns)
    return (
        frame.select(rule.alias("rule"), checked_counts(frame, ("locus",))["duplicate_count"])
        .drop_nulls("rule")
        .group_by("rule")
        .agg(rows=pl.len().cast(pl.Int64), counts=pl.col("duplicate_count").sum().cast(pl.Float64))
        .sort("rule")
    )


def _with_parts(table: Any, key: str) -> pl.DataFrame:
    """Return locus, the parts of the key and counts; genes without alleles."""
    frame, columns = as_polars(table), key_columns(key)
    check_columns(frame, ("locus", *columns, "duplicate_count"), f"the key {key}")
    genes = [genes_of(frame[name]) for name in columns if name in GENES.values()]
    junctions = [upper(frame[name]) for name in columns if name not in GENES.values()]
    return frame.select("locus", *columns, "duplicate_count").with_columns(*genes, *junctions)


def genes_of(calls: pl.Series) -> pl.Series:
    """Return gene calls without alleles; of several genes each once, sorted, parted by commas."""
    several = pl.col("call").str.replace_all(r"\*[^,]*", "").str.split(",")
    distinct = several.list.eval(pl.element().str.strip_chars().unique().sort()).list.join(",")
    calls = calls.cast(pl.String)
    known = pl.DataFrame({"call": calls.drop_nulls().unique()}).with_columns(gene=distinct)
    return calls.replace_strict(known["call"], known["gene"], default=None, return_dtype=pl.String)


def paired(chains: Any, loci: tuple[str, str] = ("TRA", "TRB")) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the clones of cells by both of their chains, and the cells that have no clear pair.

    Parameters
    ----------
    chains
        polars or pandas, one row a chain of a cell: `cell_id, locus, junction, junction_aa, v_call, j_call`. Rows that
        repeat a cell's locus and junction are one chain; other loci are let be.
    loci
        The two chains, in the order in which they stand in the result.

    Returns
    -------
    clones
        A clonotype table whose locus is both (`TRA+TRB`), whose junctions and genes are those of the two chains joined
        by `+`, and whose counts are cells; every function that takes a clonotype table takes it. A gene that one chain
        lacks is null.
    left_out
        `rule, rows, counts`, for the table `exclusions`: cells without one of the chains, and cells with more than one
        of a locus (a second chain or two cells in a drop), for which it is not known which belong together. `rows` are
        chains, `counts` cells.

    Raises
    ------
    TableError
        A column is absent, or a cell, locus or junction is null.
    """
    frame = as_polars(chains)
    parts = ("junction", "junction_aa", "v_call", "j_call")
    check_columns(frame, ("cell_id", "locus", *parts), "pairing")
    for name in ("cell_id", "locus", "junction"):
        if frame[name].null_count():
            raise TableError("pairing takes no null here", column=name)
    frame = frame.with_columns(nucleotides(frame["junction"])).filter(pl.col("locus").is_in(loci))
    frame = frame.unique(("cell_id", "locus", "junction"), maintain_order=True)
    frame = frame.select("cell_id", "locus", *(pl.col(name).cast(pl.String) for name in parts))
    first, second = ((pl.col("locus") == locus).sum() for locus in loci)
    rule = (
        pl.when((first > 1) | (second > 1))
        .then(pl.lit(f"cell with more than one {loci[0]} or {loci[1]}"))
        .when(first == 0)
        .then(pl.lit(f"cell without {loci[0]}"))
        .when(second == 0)
        .then(pl.lit(f"cell without {loci[1]}"))
    )
    cells = frame.group_by("cell_id").agg(rule=rule, chains=pl.len().cast(pl.Int64))
    unclear = cells.drop_nulls("rule").group_by("rule")
    left_out = unclear.agg(rows=pl.col("chains").sum(), counts=pl.len().cast(pl.Float64)).sort("rule")
    whole = frame.join(cells.filter(pl.col("rule").is_null()), on="cell_id", how="semi")
    a, b = (whole.filter(pl.col("locus") == locus).drop("locus") for locus in loci)
    both = a.join(b, on="cell_id", suffix="_b")
    joined = [pl.concat_str(name, f"{name}_b", separator=PAIRED).alias(name) for name in parts]
    clones = both.select(pl.lit(PAIRED.join(loci)).alias("locus"), *joined).group_by("locus", "junction")
    table = clones.agg(*(pl.col(name).first() for name in parts[1:]), duplicate_count=pl.len().cast(pl.Int64))
    return table.sort(-pl.col("duplicate_count"), "junction"), left_out
