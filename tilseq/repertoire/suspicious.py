"""Clones that another subject's library of the same run holds in a greater number: which of them a leak explains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from tilseq.repertoire.chance_sharing import Chance
from tilseq.repertoire.hopping import leak_limit
from tilseq.repertoire.libraries import Libraries
from tilseq.tables import conform
from tilseq.tables.contamination import SUSPICIOUS_CLONES


def suspicious_clones(
    libraries: Libraries, beside: pl.DataFrame, rates: pl.DataFrame, chance: Mapping[str, Chance]
) -> pl.DataFrame:
    """Return the table `suspicious_clones`: all such clones, each with a verdict; none is removed from anything.

    The leak expected of a clone is ``rate * c``, c its counts in all of the donor's libraries of the run; the rate is
    that between donor and recipient where a leak was found there, that of the run where one was found in it at all,
    else 0. `most_leaked` takes the upper limit of the same rate, of the run's where no leak was found; where no rate
    can be told it is null, and what is not held elsewhere is `possible`. A clone is
    called a leak where it is no more than that, and where that one leaks is likelier than that one of the recipient's
    clones is the same by chance.

    Parameters
    ----------
    libraries, beside, chance
        As for `leak_rates`.
    rates
        The table `leak_rates`.
    """
    rows = beside.filter((pl.col("donor_count") > pl.col("duplicate_count")).fill_null(False))
    rows = _with_rates(rows.with_columns(_given(beside, rows)), libraries, rates)
    expected = (rows["rate"] * rows["given"]).to_numpy()
    most = leak_limit(rows["given"].to_numpy(), rows["upper"].to_numpy())
    by_chance = _by_chance(rows, libraries, chance)
    likelier = (expected > 0) & (-np.expm1(-expected) >= by_chance)
    rows = rows.with_columns(
        pl.Series("expected_leak", expected),
        pl.when("known").then(pl.Series("most_leaked", most)).alias("most_leaked"),
        pl.Series("likelier", likelier),
        held=_held(beside, rows, third=False),
        public=_held(beside, rows, third=True),
    )
    verdict = (
        pl.when("held")
        .then(pl.lit("own"))
        .when("public")
        .then(pl.lit("public"))
        .when(pl.col("known") & (pl.col("duplicate_count") > pl.col("most_leaked")))
        .then(pl.lit("above_leak"))
        .when("likelier")
        .then(pl.lit("leak"))
        .otherwise(pl.lit("possible"))
    )
    names = pl.Series(list(libraries.names), dtype=pl.String)
    rows = rows.with_columns(
        verdict.alias("verdict"), sample=names.gather(rows["sample"]), donor=names.gather(rows["donor"])
    )
    return conform(rows.select(SUSPICIOUS_CLONES.names), SUSPICIOUS_CLONES)


def _given(beside: pl.DataFrame, rows: pl.DataFrame) -> pl.Series:
    """Return the counts of each row's clone in all libraries of its donor in the run."""
    key = ["run", "donor_subject", "clone"]
    sums = beside.group_by("run", pl.col("subject").alias("donor_subject"), "clone").agg(
        given=pl.col("duplicate_count").sum()
    )
    return rows.select(key).join(sums, on=key, how="left", maintain_order="left")["given"]


def _with_rates(rows: pl.DataFrame, libraries: Libraries, rates: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the rate of a leak and its upper limit, by which each is judged."""
    whole = rates.filter(pl.col("recipient").is_null()).select("run", "rate", "upper", "verdict")
    pairs = rates.filter(verdict="leak").rename({"recipient": "name"}).join(libraries.places, on="name")
    pairs = pairs.select("run", "donor_subject", "sample", rate_of_pair="rate", upper_of_pair="upper")
    rows = rows.join(whole, on="run", how="left", maintain_order="left")
    rows = rows.join(pairs, on=("run", "donor_subject", "sample"), how="left", maintain_order="left")
    of_run = pl.when(pl.col("verdict") == "leak").then("rate").otherwise(0.0)
    return rows.with_columns(
        rate=pl.coalesce("rate_of_pair", of_run).fill_null(0.0),
        upper=pl.coalesce("upper_of_pair", "upper").fill_null(0.0),
        known=pl.coalesce("upper_of_pair", "upper").is_not_null(),
    ).drop("verdict")


def _by_chance(rows: pl.DataFrame, libraries: Libraries, chance: Mapping[str, Chance]) -> np.ndarray:
    """Return the probability that one of the recipient's clones is the same as the donor's by chance."""
    found = np.zeros(rows.height)
    for locus, one in chance.items():
        here = (rows["locus"] == locus).to_numpy()
        found[here] = one.rate * libraries.clones(locus)[rows["sample"].to_numpy()[here]]
    return found


def _held(beside: pl.DataFrame, rows: pl.DataFrame, *, third: bool) -> pl.Series:
    """Return whether the row's subject, or a third one, holds the clone in another run, where no leak brought it."""
    holders = beside.filter(~pl.col("may_leak")).select("clone", "subject", "run").unique()
    numbered = rows.select("clone", "subject", "donor_subject", "run").with_row_index("row")
    pairs = numbered.join(holders, on="clone", suffix="_held").filter(
        (pl.col("run") != pl.col("run_held")).fill_null(False),
        (pl.col("subject") == pl.col("subject_held"))
        if not third
        else (pl.col("subject") != pl.col("subject_held")) & (pl.col("donor_subject") != pl.col("subject_held")),
    )
    return numbered["row"].is_in(pairs["row"].unique().implode())
