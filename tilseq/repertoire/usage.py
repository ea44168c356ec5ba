"""Use of V and J genes and of junction lengths, and how far two samples differ in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.intervals import clopper_pearson
from tilseq.repertoire.cells import checked_effective, refuse_no_loci
from tilseq.repertoire.clones import check_columns, check_once, checked_counts
from tilseq.repertoire.keys import genes_of
from tilseq.tables import as_polars
from tilseq.tables.repertoire import OVERLAP, USAGE, USAGE_FEATURES

NO_GENE = "unresolved"


def usage(table: Any, *, sample: str, n_effective: Mapping[str, float | None] | None = None) -> pl.DataFrame:
    """Return what share of a sample's clones, and of its counts, has each gene and junction length, locus by locus.

    Two weights, never mixed: `clones` counts each clone once and tells of recombination and selection, `counts` counts
    cells and tells of expansion. Genes stand without alleles; a call of several genes is a level of its own, and so is
    `unresolved`, so that the shares of a feature add up to 1.

    Limits are Clopper and Pearson's, 95 %: of clones, on the clones seen; of counts, on the effective number of cells,
    and null where that is not known. Each stands for its own level: they do not hold for all levels at once.

    Parameters
    ----------
    table
        polars or pandas, one row a clone: `locus, junction, junction_aa, v_call, j_call, duplicate_count`.
    sample
        Sample identifier.
    n_effective
        Locus → effective number of cells (see `depth`).

    Returns
    -------
    polars.DataFrame
        The table `usage`: `sample, locus, feature, level, weight, number, share, lower, upper, n`. Features are
        `v_call`, `j_call`, `v_call+j_call` (levels parted by a blank), `junction_length` (bases) and
        `junction_aa_length` (amino acids).

    Raises
    ------
    TableError
        The table is not a clonotype table, lacks a column, or has a clone in several rows.
    AnalysisError
        An effective number is not above 0, exceeds the counts or is of no locus.
    """
    refuse_no_loci(n_effective=n_effective)
    clones = _features(table)
    frames = [
        clones.group_by("locus", pl.col(feature).alias("level"))
        .agg(clones=pl.len().cast(pl.Int64), counts=pl.col("duplicate_count").sum())
        .with_columns(feature=pl.lit(feature))
        for feature in USAGE_FEATURES
    ]
    index, weights = ("locus", "feature", "level"), ("clones", "counts")
    found = pl.concat(frames).unpivot(weights, index=index, variable_name="weight", value_name="number")
    found = found.with_columns(total=pl.col("number").sum().over("locus", "feature", "weight"))
    known, sums = n_effective or {}, clones.group_by("locus").agg(pl.col("duplicate_count").sum())
    given = {locus: checked_effective(known.get(locus), counts, locus) for locus, counts in sums.iter_rows()}
    effective = pl.col("locus").replace_strict(given, default=None, return_dtype=pl.Float64)
    found = found.with_columns(
        share=pl.col("number") / pl.col("total"),
        n=pl.when(pl.col("weight") == "clones").then(pl.col("total").cast(pl.Float64)).otherwise(effective),
    )
    n = found["n"].fill_null(0).to_numpy()
    lower, upper = clopper_pearson(np.minimum(found["share"].to_numpy() * n, n), n)
    found = found.with_columns(lower=pl.Series(lower), upper=pl.Series(upper), sample=pl.lit(sample))
    return (
        USAGE.frame()
        .vstack(found.with_columns(pl.col("lower", "upper").fill_nan(None)).select(USAGE.names))
        .sort(USAGE.key)
    )


def _features(table: Any) -> pl.DataFrame:
    """Return locus, each feature as text, and counts, a row a clone."""
    frame = as_polars(table)
    check_once(frame)
    counts = checked_counts(frame, ("locus", "junction", "junction_aa"))
    check_columns(frame, ("v_call", "j_call"), "usage")
    genes = [genes_of(frame[name]).fill_null(NO_GENE).alias(name) for name in ("v_call", "j_call")]
    lengths = [
        pl.col(name).str.len_chars().cast(pl.String).alias(f"{name}_length") for name in ("junction", "junction_aa")
    ]
    return counts.with_columns(*genes, *lengths).with_columns(
        pl.concat_str("v_call", "j_call", separator=" ").alias("v_call+j_call")
    )


def usage_divergence(usages: Any) -> pl.DataFrame:
    """Return how far each pair of samples differs in the use of each feature, by clones and by counts.

    The Jensen-Shannon divergence with base 2 (Lin, IEEE Trans Inf Theory 1991;37:145): H((p + q) / 2) - (H(p) + H(q))
    / 2 in bits, 0 for the same use and 1 for no level in common; not its square root. Chance alone makes it larger the
    fewer clones or cells there are, so compare pairs of like `n_a` and `n_b`. It has no limits.

    Parameters
    ----------
    usages
        The tables that `usage` returned for all samples, one below the other, polars or pandas.

    Returns
    -------
    polars.DataFrame
        The table `overlap`, its `key` the feature and its parameter `jensen_shannon_bits_clones` or `_counts`; `n_a`
        and `n_b` are the clones or counts; the first of a pair is the one given first.
        A locus that one of two samples lacks has no row.
    """
    frame = as_polars(usages)
    order = frame["sample"].unique(maintain_order=True).to_list()
    frames = [OVERLAP.frame()]
    for (locus, feature, weight), group in frame.group_by("locus", "feature", "weight"):
        shown = {
            "locus": pl.lit(locus),
            "key": pl.lit(feature),
            "parameter": pl.lit(f"jensen_shannon_bits_{weight}"),
            "lower": pl.lit(None, pl.Float64),
            "upper": pl.lit(None, pl.Float64),
        }
        wide = group.pivot(on="sample", index="level", values="number").drop("level").fill_null(0)
        names = [name for name in order if name in wide.columns]
        frames.append(_divergences(names, wide.select(names).to_numpy().astype(float)).with_columns(**shown))
    return pl.concat([frame.select(OVERLAP.names) for frame in frames]).sort(OVERLAP.key)


def _divergences(names: Sequence[str], numbers: NDArray[np.float64]) -> pl.DataFrame:
    """Return the divergence of all pairs of samples, the columns of numbers by level."""
    from scipy.special import entr

    totals = numbers.sum(axis=0)
    shares = numbers / totals
    entropy = entr(shares).sum(axis=0)
    first, second = np.triu_indices(len(names), 1)
    mixed = [entr((shares[:, [i]] + shares[:, i + 1 :]) / 2).sum(axis=0) for i in range(len(names))]
    bits = (np.concatenate(mixed) - (entropy[first] + entropy[second]) / 2) / np.log(2)
    labels = np.array(names, dtype=object)
    return pl.DataFrame(
        {
            "sample_a": labels[first],
            "sample_b": labels[second],
            "value": np.clip(bits, 0, 1),
            "n_a": totals[first],
            "n_b": totals[second],
        },
        schema_overrides={"sample_a": pl.String, "sample_b": pl.String},
    )
