"""Numbers of blood over time, chosen so that like stands beside like."""

from __future__ import annotations

from collections import Counter

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.results import Results


def in_blood(results: Results, parameter: str, qualifier: str = "") -> pl.DataFrame:
    """Return the numbers of one endpoint parameter in blood that can stand over time, with the sample's `state`.

    `way` tells apart how one assay was done: by which panel of stains, or on single cells of a library.

    Parameters
    ----------
    qualifier
        A ``name=value`` pair that the endpoint's qualifier must hold; empty for any.
    """
    rows = results.tables["endpoints"].filter(
        pl.col("parameter") == parameter,
        pl.col("specimen") == "blood",
        pl.col("value").is_finite(),
        pl.col("day").is_not_null(),
    )
    if qualifier:
        rows = rows.filter(pl.col("qualifier").str.split(";").list.contains(qualifier))
    way = pl.coalesce("panel", pl.when(pl.col("library").is_not_null()).then(pl.lit("cells")))
    samples = results.tables["samples"].select("sample", "state", way=way)
    return rows.join(samples, on="sample", how="left", maintain_order="left")


def repertoires(results: Results) -> pl.DataFrame:
    """Return the shares that a reference's clones hold of blood, of the locus measured most; of two alike, TRB."""
    rows = in_blood(results, "persistence_mass")
    loci = [qualifier_pairs(text).get("locus", "") for text in rows["qualifier"]]
    counts = Counter(loci)
    main = max(sorted(counts), key=lambda locus: (counts[locus], locus == "TRB"), default="")
    return rows.filter(pl.Series([locus == main for locus in loci], dtype=pl.Boolean))


def commonest(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return the rows that hold the commonest values of these columns, so that a line joins only what is alike."""
    if rows.is_empty():
        return rows
    order = rows.group_by(names).len().sort("len", *names, descending=[True, *(False for _ in names)], nulls_last=True)
    return rows.join(order.head(1).select(names), on=names, how="semi", nulls_equal=True, maintain_order="left")


def reference_name(results: Results) -> str:
    """Return what the persistence of this run is held against, such as ``infusion product``."""
    qualifiers = results.tables["endpoints"].filter(parameter="persistence_mass")["qualifier"]
    return " or ".join(sorted(references(qualifiers))).replace("_", " ") or "reference"


def references(qualifiers: pl.Series) -> set[str]:
    """Return the specimens named as reference by these qualifiers."""
    return {name for text in qualifiers if (name := qualifier_pairs(text).get("reference")) is not None}
