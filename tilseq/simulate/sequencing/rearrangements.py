"""Counted clones as a table of AIRR rearrangements (schema 1.5 of the AIRR Community)."""

from __future__ import annotations

import polars as pl

from tilseq.io.clonotypes import AIRR_REQUIRED
from tilseq.simulate.sequencing.sampling import CountOf

# The schema has a column of its own for UMIs alone: templates and reads both are `duplicate_count`.
COUNT_COLUMN: dict[CountOf, str] = {"templates": "duplicate_count", "umis": "umi_count", "reads": "duplicate_count"}


def rearrangements(clones: pl.DataFrame, sample: str, count_of: CountOf = "templates") -> pl.DataFrame:
    """Return clones as AIRR rearrangements, most abundant first, ties by junction; those not counted are left out.

    Parameters
    ----------
    clones
        One row a clone: `v_call`, `j_call`, `junction`, `junction_aa` and `counted`; if there are any `d_call`,
        `c_call`, `locus` (else the first three letters of `v_call`) and, beside UMIs, `reads`.
    sample
        Start of each `sequence_id`.
    count_of
        What `counted` counts, as in `sampling.Flavor`.

    Returns
    -------
    polars.DataFrame
        The columns that AIRR requires, with `c_call` after `j_call` where it is given; then `locus`,
        `consensus_count` (reads behind the UMIs, where they are given) and the count: `umi_count` of UMIs, else
        `duplicate_count`, which does not say whether templates or reads are meant.
    """
    count = COUNT_COLUMN[count_of]
    seen = clones.filter(pl.col("counted") > 0)
    seen = seen.sort("counted", "junction", descending=[True, False], maintain_order=True)
    given = [name for name in ("d_call", "c_call") if name in clones.columns]
    counts = [pl.col("counted").cast(pl.Int64).alias(count)]
    if count_of == "umis" and "reads" in clones.columns:
        counts.insert(0, pl.col("reads").cast(pl.Int64).alias("consensus_count"))
    filled = seen.select(
        pl.format("{}.{}", pl.lit(sample), pl.int_range(1, pl.len() + 1)).alias("sequence_id"),
        pl.lit("F").alias("rev_comp"),
        pl.lit("T").alias("productive"),
        *("v_call", "j_call", "junction", "junction_aa", *given),
        "locus" if "locus" in clones.columns else pl.col("v_call").str.head(3).alias("locus"),
        *counts,
    )
    place = AIRR_REQUIRED.index("j_call") + 1
    required = (*AIRR_REQUIRED[:place], *(["c_call"] if "c_call" in given else []), *AIRR_REQUIRED[place:])
    return filled.select(
        *(name if name in filled.columns else pl.lit(None, pl.String).alias(name) for name in required),
        "locus",
        *(column.meta.output_name() for column in counts),
    )
