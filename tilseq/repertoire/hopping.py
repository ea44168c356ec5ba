"""What leaks between the libraries of a run, as by index hopping: its rate, and what it explains of single clones.

Each count of a clone in the libraries of one subject appears in a library of another subject of the run with the same
small probability, so that a clone of count c leaves a Poisson number of mean ``rate * c`` there. What two people share
by chance does not know of c. So the *large* clones of the donor (10 counts or more in the run) tell the rate: of those
not known to be public (held by another subject in another run), the counts of them in the recipient, over their counts
in the donor. A clone that the recipient holds at more than a tenth of the donor's count is no leak and is let be.

By chance ``r n`` of the donor's clones would be seen, with r of `chance_sharing` and n the clones of the recipient; a
leak is found where far more are (negative binomial, 1 % shared out among all donors and recipients), and in a run as a
whole where far more of all donors' clones are seen, each counted once, as a clone that many people carry is seen in
many of them. Where more than one in twenty of the donor's clones would be seen, as in light chains, the locus tells
nothing of leaks. The rate's limits are exact Poisson limits of the counts that arrived; the counts of those by chance
are taken off the rate and its lower limit, and not off the upper, as public clones are left out already as far as they
are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError
from tilseq.intervals import poisson
from tilseq.masked import refuse_masked
from tilseq.repertoire.chance_sharing import Chance, upper_tail
from tilseq.repertoire.libraries import LARGE, LEAST_RATIO, Libraries
from tilseq.tables.contamination import LEAK_RATES

ALPHA = 0.01  # that any leak is found in a trial without one
MOST_BY_CHANCE = 0.05  # of a donor's clones, a round figure
LEVEL = 0.99  # of a single clone's count
TOLD = ("large_clones", "seen", "by_chance", "arrived", "donor_counts", "arrived_by_chance")


def leak_limit(donor_count: ArrayLike, rate: ArrayLike) -> NDArray[np.int64]:
    """Return the most counts of a clone that a leak brings with a probability of 99 %.

    The smallest k with ``P(X <= k) >= 0.99``, X Poisson of mean ``rate * donor_count``. A clone of a greater count
    is in the sample in its own right; of another nothing can be said.

    Parameters
    ----------
    donor_count
        Counts of the clone in the libraries that it may have leaked from.
    rate
        Counts that arrive for each of them, 0 or more; the upper limit of the rate is the safe choice.

    Raises
    ------
    AnalysisError
        A count or rate is below 0, masked or not known.
    """
    from scipy.special import pdtr, pdtrik

    refuse_masked(donor_count=donor_count, rate=rate)
    mean = np.asarray(donor_count, float) * np.asarray(rate, float)
    if not ((np.asarray(donor_count) >= 0).all() and (np.asarray(rate) >= 0).all()):
        raise AnalysisError("a count and a rate are 0 or more")
    near = np.ceil(np.nan_to_num(np.where(mean > 0, pdtrik(LEVEL, np.maximum(mean, 1e-12)), 0)))
    near = np.maximum(near, 0)
    less = np.where((near > 0) & (pdtr(np.maximum(near - 1, 0), mean) >= LEVEL), near - 1, near)
    return np.asarray(np.where(pdtr(less, mean) >= LEVEL, less, less + 1)).astype(np.int64)


def leak_rates(
    libraries: Libraries, beside: pl.DataFrame, subjects: Sequence[str], chance: Mapping[str, Chance]
) -> pl.DataFrame:
    """Return how much leaks in each run, of each subject's libraries into each of the others'.

    Parameters
    ----------
    libraries
        All libraries.
    beside
        As `Libraries.beside` returns it for these subjects.
    subjects
        Subject of each library, as it may have been corrected.
    chance
        Locus → what people share.

    Returns
    -------
    polars.DataFrame
        The table `leak_rates`. A run of one subject, or of no large clone, is `cannot_tell`; libraries whose run is not
        known have no row.
    """
    donors = _donors(libraries, beside, subjects)
    rows = _expected(libraries, donors, subjects, chance)
    pair = ("run", "donor_subject", "sample")
    seen = _seen(beside, donors).join(rows, on=(*pair, "locus"), how="semi")
    arrived = seen.group_by(*pair, "locus").agg(seen=pl.len().cast(pl.Int64), arrived=pl.col("duplicate_count").sum())
    rows = rows.join(arrived, on=(*pair, "locus"), how="left").group_by(pair).agg(pl.col(TOLD).sum()).sort(pair)
    dispersion = max((one.dispersion for one in chance.values()), default=0.25)
    names = pl.Series(list(libraries.names), dtype=pl.String)
    pairs = _judged(rows, dispersion, ALPHA / max(rows.height, 1))
    pairs = pairs.with_columns(recipient=names.gather(pairs["sample"]))
    once = seen.unique(["run", "donor_subject", "clone"]).group_by("run").agg(once=pl.len().cast(pl.Int64))
    whole = rows.group_by("run").agg(pl.col(TOLD).sum()).join(once, on="run", how="left").sort("run")
    whole = whole.with_columns(seen=pl.col("once").fill_null(0))
    found = pairs.filter(verdict="leak")["run"].unique().to_list()
    runs = _judged(whole, dispersion, ALPHA / max(whole.height, 1)).with_columns(
        verdict=pl.when(pl.col("run").is_in(found)).then(pl.lit("leak")).otherwise("verdict")
    )
    alone = sorted({run for run in libraries.runs if run is not None} - set(runs["run"]))
    silent = LEAK_RATES.frame([{"run": run, "large_clones": 0, "verdict": "cannot_tell"} for run in alone])
    parts = [part.select(name for name in LEAK_RATES.names if name in part.columns) for part in (pairs, runs)]
    return pl.concat([silent, *parts], how="diagonal").sort(LEAK_RATES.key, nulls_last=True)


def _donors(libraries: Libraries, beside: pl.DataFrame, subjects: Sequence[str]) -> pl.DataFrame:
    """Return what each subject could give to a run: large clones shared and not, without public ones.

    One row a run, subject, locus and large clone: `clone` is null where no other library has it.
    """
    here = pl.DataFrame(
        {
            "sample": np.arange(len(subjects)),
            "run": pl.Series(list(libraries.runs), dtype=pl.String),
            "donor_subject": pl.Series(list(subjects), dtype=pl.String),
        }
    )
    lone = libraries.large_alone.join(here, on="sample").drop_nulls("run")
    lone = lone.select("run", "donor_subject", "locus", pl.lit(None, pl.Int64).alias("clone"), "duplicate_count")
    own = beside.drop_nulls("run").group_by("run", pl.col("subject").alias("donor_subject"), "locus", "clone")
    large = own.agg(pl.col("duplicate_count").sum()).filter(pl.col("duplicate_count") >= LARGE)
    held = beside.filter(~pl.col("may_leak")).select("clone", "subject", "run").unique()
    public = large.join(held, on="clone", suffix="_held").filter(
        pl.col("subject") != pl.col("donor_subject"), (pl.col("run") != pl.col("run_held")).fill_null(False)
    )
    large = large.join(public, on=("run", "donor_subject", "clone"), how="anti")
    return pl.concat([lone, large.select(lone.columns)])


def _expected(
    libraries: Libraries, donors: pl.DataFrame, subjects: Sequence[str], chance: Mapping[str, Chance]
) -> pl.DataFrame:
    """Return a row for each subject, library of another and locus: clones given, and how many are there by chance."""
    given = donors.group_by("run", "donor_subject", "locus").agg(
        large_clones=pl.len().cast(pl.Int64), donor_counts=pl.col("duplicate_count").sum()
    )
    rates = {"locus": list(chance), "rate": [one.rate for one in chance.values()]}
    given = given.join(pl.DataFrame(rates, schema={"locus": pl.String, "rate": pl.Float64}), on="locus")
    taken = libraries.sizes.with_columns(
        run=pl.Series(list(libraries.runs), dtype=pl.String).gather(libraries.sizes["sample"]),
        subject=pl.Series(list(subjects), dtype=pl.String).gather(libraries.sizes["sample"]),
    ).drop_nulls("run")
    both = given.join(taken, on=("run", "locus")).filter(pl.col("subject") != pl.col("donor_subject"))
    both = both.filter(pl.col("rate") * pl.col("clones") <= MOST_BY_CHANCE)
    seen = pl.col("large_clones") * pl.col("rate") * pl.col("clones")
    return both.with_columns(by_chance=seen, arrived_by_chance=seen * pl.col("counts") / pl.col("clones"))


def _seen(beside: pl.DataFrame, donors: pl.DataFrame) -> pl.DataFrame:
    """Return the large clones of each subject that libraries of others in the run hold at a tenth or less."""
    large = donors.drop_nulls("clone").rename({"duplicate_count": "given"}).drop("locus")
    seen = beside.drop("donor_subject").drop_nulls("run").join(large, on=("run", "clone"))
    return seen.filter(
        pl.col("subject") != pl.col("donor_subject"), pl.col("given") >= LEAST_RATIO * pl.col("duplicate_count")
    )


def _judged(rows: pl.DataFrame, dispersion: float, threshold: float) -> pl.DataFrame:
    """Return rows with their rate, its limits, the probability of so many by chance, and the verdict."""
    seen, arrived, given, chance = (
        rows[name].to_numpy().astype(float) for name in ("seen", "arrived", "donor_counts", "arrived_by_chance")
    )
    p = upper_tail(seen, rows["by_chance"].to_numpy(), dispersion)
    lower, upper = poisson(arrived)
    return rows.with_columns(
        pl.Series("p", p),
        pl.Series("rate", np.maximum(arrived - chance, 0) / given),
        pl.Series("lower", np.maximum(lower - chance, 0) / given),
        pl.Series("upper", upper / given),
        pl.Series("verdict", np.where(p < threshold, "leak", "none_found")),
    )
