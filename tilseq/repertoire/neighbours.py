"""Junctions that differ by a single amino acid, within and between samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tilseq.errors import TableError
from tilseq.repertoire.keys import keyed
from tilseq.tables.repertoire import NEIGHBOURS


def neighbours(samples: Mapping[str, Any]) -> pl.DataFrame:
    """Return pairs of amino-acid junctions one edit apart (Levenshtein distance 1), locus by locus.

    They may know the same antigen, yet they are other clones: two junctions that are the same are never among them, and
    no index of `overlap` counts them. Genes are not looked at. How many there are by chance grows with the product of
    the numbers of clones and differs with length: a count says little without a control of the same size.

    Parameters
    ----------
    samples
        Sample → clonotype table, polars or pandas: `locus, junction_aa, duplicate_count`. Rows of one locus and
        junction are summed; rows without a junction take no part (see `lacking`).

    Returns
    -------
    polars.DataFrame
        The table `neighbours`: `sample_a, sample_b, locus, junction_aa_a, junction_aa_b, count_a, count_b`. Within a
        sample each pair stands once, the first in the alphabet first; of two samples the one given first is `a`.

    Raises
    ------
    TableError
        A table is not a clonotype table, or a junction holds more than ASCII.

    Notes
    -----
    Pairs are found by symscan, which joins sorted deletion variants, among the distinct junctions of all samples.
    """
    order = pl.Enum(list(samples))
    tables = [
        keyed(table, "junction_aa")
        .group_by("locus", "junction_aa")
        .agg(pl.col("duplicate_count").sum())
        .with_columns(sample=pl.lit(name, order))
        for name, table in samples.items()
    ]
    frames = [NEIGHBOURS.frame()]
    clones = pl.concat(tables) if tables else pl.DataFrame({"locus": []})
    for (locus,), of_locus in clones.partition_by("locus", as_dict=True).items():
        frames.append(_pairs(of_locus.drop("locus")).with_columns(locus=pl.lit(locus)).select(NEIGHBOURS.names))
    return pl.concat(frames).sort(NEIGHBOURS.key)


def _pairs(clones: pl.DataFrame) -> pl.DataFrame:
    """Return the neighbours among the clones of one locus: `sample, junction_aa, duplicate_count`."""
    from symscan import get_neighbors_within

    junctions = clones["junction_aa"].unique().sort()
    odd = junctions.filter(junctions.str.len_bytes() != junctions.str.len_chars())
    if odd.len():
        raise TableError("a junction may hold letters of ASCII only", column="junction_aa", found=odd[0])
    first, second, _ = get_neighbors_within(junctions.to_list(), max_distance=1)
    edges = pl.DataFrame({"junction_aa_a": junctions.gather(first), "junction_aa_b": junctions.gather(second)})
    ordered = edges.select(junction_aa_a=pl.min_horizontal(pl.all()), junction_aa_b=pl.max_horizontal(pl.all()))
    a, b = (
        clones.rename({"junction_aa": f"junction_aa_{x}", "sample": f"sample_{x}", "duplicate_count": f"count_{x}"})
        for x in "ab"
    )
    found = ordered.join(a, on="junction_aa_a").join(b, on="junction_aa_b")
    swapped = pl.col("sample_a").to_physical() > pl.col("sample_b").to_physical()
    names = ("sample", "junction_aa", "count")
    found = found.with_columns(
        pl.when(swapped).then(f"{name}_{y}").otherwise(f"{name}_{x}").alias(f"{name}_{x}")
        for name in names
        for x, y in ("ab", "ba")
    )
    return found.with_columns(pl.col("sample_a", "sample_b").cast(pl.String))
