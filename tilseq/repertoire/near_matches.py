"""Clones that are near those of a product and are none of them: other nucleotides, or one amino acid apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tilseq.receptors import CLONE
from tilseq.repertoire.clones import check_columns, checked_counts, upper
from tilseq.repertoire.effective import summed
from tilseq.repertoire.neighbours import neighbours
from tilseq.tables import as_polars
from tilseq.tables.schema import conform
from tilseq.tables.tracking import NEAR_MATCHES

PARTS = (*CLONE, "junction_aa")


def near_matches(sample_table: Any, product_table: Any, *, sample: str) -> pl.DataFrame:
    """Return the clones of a sample that are near to one of a product and not of it.

    - `other_nucleotides`: the same amino-acid junction, made by another recombination (convergence). It may know the
      same antigen, yet it was not infused.
    - `one_edit`: an amino-acid junction one letter apart. It may be a relative, a public neighbour, or an error of
      sequencing beside a large clone.

    Neither is ever part of a mass or of the infused clones. How many there are by chance grows with the product of the
    numbers of clones.

    Parameters
    ----------
    sample_table, product_table
        polars or pandas: `locus, junction, junction_aa, duplicate_count`; rows without an amino-acid junction take no
        part. Junctions in lower case are taken as in upper case, as the readers give them. Where there is `frequency`
        it is the share, as of several lots (see `whole_product`); else the share of the counts of the locus.
    sample
        Identifier of the sample.

    Returns
    -------
    polars.DataFrame
        The table `near_matches`: `sample, locus, junction, junction_aa, duplicate_count, frequency, kind,
        product_clones, product_junction, product_junction_aa, product_frequency`. One row a clone: that of the nearest
        kind, beside the largest of the clones of the product that it is near to, and how many there are.

    Raises
    ------
    TableError
        A table is not a clonotype table.
    """
    own, product = _clones(sample_table), _clones(product_table)
    strange = own.join(product, on=CLONE, how="anti")
    theirs = product.select(
        "locus", product_junction="junction", product_junction_aa="junction_aa", product_frequency="frequency"
    )
    same = strange.join(
        theirs, left_on=["locus", "junction_aa"], right_on=["locus", "product_junction_aa"], coalesce=False
    )
    same = same.drop("locus_right", strict=False).with_columns(kind=pl.lit("other_nucleotides"))
    further = strange.join(same, on=CLONE, how="anti")
    pairs = neighbours({"own": further, "product": product}).filter(sample_a="own", sample_b="product")
    edges = pairs.select("locus", junction_aa="junction_aa_a", product_junction_aa="junction_aa_b")
    edited = further.join(edges, on=["locus", "junction_aa"]).join(theirs, on=["locus", "product_junction_aa"])
    found = pl.concat([same, edited.with_columns(kind=pl.lit("one_edit"))], how="diagonal")
    largest = found.sort("product_frequency", "product_junction", descending=[True, False]).group_by(CLONE)
    rows = largest.agg(pl.all().first(), product_clones=pl.col("product_junction").n_unique().cast(pl.Int64))
    return conform(rows.with_columns(sample=pl.lit(sample)), NEAR_MATCHES)


def whole_product(lots: Sequence[pl.DataFrame], tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the clones of several lots as one product, for `near_matches`.

    Counts of lots may mean different things, and lots differ in depth, so that shares are those of `summed`.

    Parameters
    ----------
    lots
        Clones of each, as `effective_clones` gives them.
    tables
        Clonotype table of each, with `junction_aa`; of a clone the first counts.

    Returns
    -------
    polars.DataFrame
        `locus, junction, junction_aa, duplicate_count, frequency`, a row a clone.
    """
    named = pl.concat([table.select(PARTS) for table in tables]).unique(CLONE, keep="first", maintain_order=True)
    clones = summed(lots).join(named, on=CLONE, how="left", maintain_order="left")
    return clones.select(*PARTS, "duplicate_count", "frequency")


def _clones(table: Any) -> pl.DataFrame:
    """Return the clones that have both junctions, with their share of all counts of the locus."""
    given = as_polars(table)
    check_columns(given, PARTS, "near matches")
    counts = checked_counts(given, CLONE)["duplicate_count"]
    junctions = (upper(given[name]) for name in PARTS[1:])
    frame = given.select(pl.col("locus").cast(pl.String), *junctions).with_columns(counts)
    share = pl.col("duplicate_count") / pl.col("duplicate_count").sum().over("locus")
    frame = frame.with_columns(frequency=given["frequency"] if "frequency" in given.columns else share)
    clones = frame.drop_nulls(PARTS).group_by(CLONE)
    return clones.agg(pl.col("junction_aa").first(), pl.col("duplicate_count", "frequency").sum())
