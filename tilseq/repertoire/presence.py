"""Whether clones are present in samples: the share of each in each, its limits, and a call of three states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tilseq.intervals import clopper_pearson
from tilseq.receptors import CLONE
from tilseq.repertoire.clones import check_columns
from tilseq.repertoire.effective import depths_of, limit_of_detection
from tilseq.tables import as_polars
from tilseq.tables.schema import conform
from tilseq.tables.tracking import CLONES


def presence(samples: Mapping[str, pl.DataFrame], clones: Any, *, threshold: float = 1e-3) -> pl.DataFrame:
    """Return the share of each clone in each sample, and whether it is present, absent or neither can be told.

    A clone that was counted is present. One that was not is `absent` where the sample's limit of detection,
    ``1 - 0.05 ** (1 / n_effective)``, is at most `threshold`, so that a clone of that share would have been missed with
    a chance of 5 % at most; else, and where the effective number of cells is not known, it is `indeterminate`. Limits
    are Clopper and Pearson's on effective cells; the upper limit of a clone that is not seen stands always, where the
    effective number is known.

    Parameters
    ----------
    samples
        Sample → its clones, as `effective_clones` gives them.
    clones
        polars or pandas: `locus, junction` of the clones to look for.
    threshold
        Share of T cells.

    Returns
    -------
    polars.DataFrame
        The table `clones`: `sample, locus, junction, duplicate_count, frequency, lower, upper, n_effective,
        limit_of_detection, call`, sample by sample; a clone whose locus a sample lacks has no row for it.

    Raises
    ------
    TableError
        `clones` lacks a column.
    """
    wanted = as_polars(clones)
    check_columns(wanted, CLONE, "a list of clones")
    wanted = wanted.select(pl.col(CLONE).cast(pl.String)).unique().sort(CLONE)
    found = [_in_sample(sample, own, wanted, threshold) for sample, own in samples.items()]
    return conform(pl.concat(found), CLONES) if found else CLONES.frame()


def _in_sample(sample: str, own: pl.DataFrame, wanted: pl.DataFrame, threshold: float) -> pl.DataFrame:
    depths = depths_of(own)
    limits = {locus: None if n is None else limit_of_detection(n) for locus, n in depths.items()}
    of_locus = pl.DataFrame(
        {"locus": list(depths), "n_effective": list(depths.values()), "limit_of_detection": list(limits.values())},
        schema={"locus": pl.String, "n_effective": pl.Float64, "limit_of_detection": pl.Float64},
    )
    found = wanted.join(of_locus, on="locus", maintain_order="left").join(
        own.select(*CLONE, "duplicate_count", "frequency"), on=CLONE, how="left", maintain_order="left"
    )
    found = found.with_columns(
        pl.col("duplicate_count").fill_null(0), pl.coalesce("frequency", pl.when(pl.col("n_effective") > 0).then(0.0))
    )
    call = (
        pl.when(pl.col("duplicate_count") > 0)
        .then(pl.lit("present"))
        .when(pl.col("limit_of_detection") <= threshold)
        .then(pl.lit("absent"))
        .otherwise(pl.lit("indeterminate"))
    )
    return _with_limits(found).with_columns(sample=pl.lit(sample), call=call).select(CLONES.names)


def _with_limits(found: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the limits of their shares; each pair of share and cells is worked out once."""
    pairs = found.select("frequency", "n_effective").unique().drop_nulls()
    n = pairs["n_effective"].to_numpy()
    lower, upper = clopper_pearson(np.minimum(pairs["frequency"].to_numpy() * n, n), n)
    pairs = pairs.with_columns(lower=pl.Series(lower), upper=pl.Series(upper))
    return found.join(pairs, on=["frequency", "n_effective"], how="left", maintain_order="left")
