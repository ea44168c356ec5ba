"""How fast each clone of a subject rises or falls over many visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.multiplicity import benjamini_hochberg
from tilseq.receptors import CLONE
from tilseq.repertoire.change import Effective, worth_in_cells
from tilseq.repertoire.clones import clone_counts, listed
from tilseq.repertoire.counting_tests import FEWEST
from tilseq.repertoire.log_linear import Courses, counts_of, courses, dispersion_of
from tilseq.tables.schema import conform
from tilseq.tables.tracking import TREND

Floats = NDArray[np.float64]

FEWEST_VISITS = 3
TAIL = 0.975


def trend(
    samples: Mapping[str, Any],
    *,
    days: Mapping[str, float],
    n_effective: Mapping[str, Effective],
    subject: str | None = None,
    clones: Any = None,
    dispersion: float | None = None,
    fewest: float = FEWEST,
) -> pl.DataFrame:
    """Return the slope of the logarithm of each clone's share over the visits of one subject, locus by locus.

    A share of f in a sample worth n cells counts as f n cells, whose mean is ``n exp(a + b day)`` and whose variance is
    ``μ + α μ²``: a negative binomial regression with the logarithm of n as offset, or Poisson's for α = 0. A visit
    without the clone takes part with 0 cells of n, so that clones that are lost are no exception.

    α is one for all clones of a locus, by Pearson's statistic (see `log_linear.dispersion_of`): what single clones show
    over a few visits tells too little. It holds how far courses are from straight lines, beside what libraries add.
    Limits are those of the profile likelihood and p is of the likelihood ratio to a level course, by Student's t with
    the degrees of freedom that α rests on; with a given α, by the normal distribution. Where no clone tells α, as each
    falls below one expected cell, there are neither limits nor p. q is by Benjamini and Hochberg within a family: a
    subject, a locus, and the clones asked for.

    A course that rises and then falls has no one slope: give the visits from the peak on.

    Parameters
    ----------
    samples
        Sample → clonotype table, polars or pandas: `locus, junction, duplicate_count`, the whole repertoire. Clones
        match by locus and nucleotide junction.
    days
        Sample → day.
    n_effective
        Sample → effective number of cells (see `share_cells`), for all loci or by locus.
    subject
        Identifier of the subject.
    clones
        Clones that make up the family, as those infused: `locus, junction`; None is all that are seen.
    dispersion
        α, 0 for Poisson; None learns it.
    fewest
        Effective cells in all visits together with which a clone is tested.

    Returns
    -------
    polars.DataFrame
        The table `trend`: `subject, locus, junction, visits, cells, slope_per_day, lower, upper, half_life,
        half_life_lower, half_life_upper, doubling_time, doubling_time_lower, doubling_time_upper, dispersion, p, q,
        family`; one row a clone seen at any visit. A clone seen on the first day only falls without a finite slope, and
        its half-life has an upper limit alone. A sample without a locus takes no part in it; a locus of fewer than
        three samples, or of one day, has no slopes.

    Raises
    ------
    TableError
        A table is not a clonotype table.
    AnalysisError
        There are fewer than three samples; the day or the effective number of cells of one is not known; an effective
        number is not above 0 or exceeds the counts; the dispersion is below 0.
    """
    if len(samples) < FEWEST_VISITS:
        raise AnalysisError(
            "a trend needs more visits; two samples are a change",
            found=len(samples),
            expected=f"{FEWEST_VISITS} or more",
        )
    if unknown := [name for name in samples if days.get(name) is None or not isfinite(days[name])]:
        raise AnalysisError("a trend needs the day of each sample", found=f"none of {', '.join(unknown)}")
    if dispersion is not None and not 0 <= dispersion < np.inf:
        raise AnalysisError("a dispersion must be 0 or more", found=dispersion)
    counted = {name: clone_counts(table) for name, table in samples.items()}
    frames = [TREND.frame()]
    for locus in sorted(set().union(*(table["locus"].unique() for table in counted.values()))):
        here = {name: part for name, table in counted.items() if (part := table.filter(locus=locus)).height}
        sums = [int(table["duplicate_count"].sum()) for table in here.values()]
        worth = [worth_in_cells(n_effective.get(name), locus, name, n) for name, n in zip(here, sums, strict=True)]
        joined = _joined(list(here.values()), clones)
        cells = joined.drop(CLONE).to_numpy() / np.array(sums, float) * np.array(worth)
        on = np.array([days[name] for name in here], float)
        found = _of_locus(cells, on, np.array(worth), dispersion, fewest)
        family = locus if subject is None else f"{subject}, {locus}"
        frames.append(
            joined.select(CLONE).with_columns(
                *found,
                subject=pl.lit(subject, pl.String),
                visits=len(here),
                first_day=pl.lit(on.min()),
                last_day=pl.lit(on.max()),
                family=pl.lit(family),
            )
        )
    return conform(pl.concat(frames, how="diagonal_relaxed"), TREND)


def _joined(tables: Sequence[pl.DataFrame], clones: Any) -> pl.DataFrame:
    """Return the clones of one locus, then a column of counts for each sample, 0 where it does not hold them."""
    every = pl.concat([table.select(CLONE) for table in tables]).unique(maintain_order=True)
    if clones is not None:
        every = every.join(listed(clones), on=CLONE, how="semi")
    for place, table in enumerate(tables):
        counts = table.rename({"duplicate_count": f"n{place}"})
        every = every.join(counts, on=CLONE, how="left", maintain_order="left")
    return every.fill_null(0)


def _of_locus(cells: Floats, days: Floats, worth: Floats, dispersion: float | None, fewest: float) -> list[pl.Series]:
    """Return the columns of the clones of one locus."""
    tested = cells.sum(axis=1) >= fewest
    if len(days) < FEWEST_VISITS or np.ptp(days) == 0:
        tested[:] = False
    columns = {"cells": cells.sum(axis=1)}
    if tested.any():
        used, p = _fitted(cells[tested], days, worth, dispersion)
        for name, numbers in {**used, "p": p, "q": benjamini_hochberg(p)}.items():
            columns[name] = np.full(len(cells), np.nan)
            columns[name][tested] = np.where(np.isfinite(numbers), numbers, np.nan)
    return [pl.Series(name, numbers, pl.Float64) for name, numbers in columns.items()]


def _fitted(cells: Floats, days: Floats, worth: Floats, dispersion: float | None) -> tuple[dict[str, Floats], Floats]:
    """Return slopes and times with their limits, and p."""
    from scipy.special import stdtr, stdtrit

    counts = counts_of(cells, days, worth)
    alpha, degrees = (dispersion, np.inf) if dispersion is not None else dispersion_of(counts)
    # Nothing learnt: the slopes are Poisson's, but its limits would be too narrow by what clones stray from lines.
    unknown = degrees == 0
    found = courses(counts, float(np.ptp(days)), alpha, float(stdtrit(degrees or np.inf, TAIL)))
    p = 2 * stdtr(degrees or np.inf, -np.abs(found.root))
    if unknown:
        nothing = np.full(len(cells), np.nan)
        found, p, alpha = found._replace(lower=nothing, upper=nothing), nothing, np.nan
    slopes = {"slope_per_day": found.slope, "lower": found.lower, "upper": found.upper}
    return {**slopes, **_times(found), "dispersion": np.full(len(cells), alpha)}, p


def _times(found: Courses) -> dict[str, Floats]:
    """Return half-lives of clones that fall and doubling times of those that rise; infinite limits are as they are.

    The steepest slope gives the lower limit, 0 where it is infinite; the flattest gives none where it may be level.
    """
    columns: dict[str, Floats] = {}
    fall = Courses(-found.slope, -found.upper, -found.lower, -found.root)
    for name, rate in (("half_life", fall), ("doubling_time", found)):
        of = rate.slope > 0
        with np.errstate(divide="ignore"):
            value, lower, upper = (np.log(2) / speed for speed in (rate.slope, rate.upper, rate.lower))
        columns[name] = np.where(of & np.isfinite(rate.slope), value, np.nan)
        columns[f"{name}_lower"] = np.where(of, lower, np.nan)
        columns[f"{name}_upper"] = np.where(of & (rate.lower > 0), upper, np.nan)
    return columns
