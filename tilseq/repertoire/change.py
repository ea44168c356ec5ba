"""Which clones changed between two samples of one subject: exact tests on effective cells, limits of the ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.intervals import clopper_pearson
from tilseq.multiplicity import benjamini_hochberg
from tilseq.receptors import CLONE
from tilseq.repertoire.cells import checked_effective, refuse_no_loci
from tilseq.repertoire.clones import clone_counts
from tilseq.repertoire.counting_tests import FEWEST, alike, mid_p
from tilseq.tables.schema import conform
from tilseq.tables.tracking import CHANGE

Floats = NDArray[np.float64]
Effective = float | Mapping[str, float | None] | None

ALPHA = 0.05
LEVEL = 1.0  # a log2 ratio wholly nearer to 0 than this is no change
LEAST = 1e-300  # share: a limit below it, as of far less than a cell, is 0 or the smallest number that there is


def change(
    before: Any,
    after: Any,
    *,
    samples: tuple[str, str],
    n_effective: tuple[Effective, Effective],
    subject: str | None = None,
    overdispersion: float = 0.0,
    fewest: float = FEWEST,
    alpha: float = ALPHA,
) -> pl.DataFrame:
    """Return for each clone of two samples whether its share of the repertoire changed, locus by locus.

    A share of f in a sample worth n cells counts as f n cells. Given a clone's cells in both samples together, those of
    the later one are binomial with the share ``n_after / (n_before + n_after)`` if nothing changed: p is the two-sided
    mid-p value of that (Przyborowski and Wilenski, Biometrika 1940;31:313; Lancaster, J Am Stat Assoc 1961;56:223).
    Reads would not do for cells: with many reads of few cells the test of reads calls most clones that did not change.
    q is by Benjamini and Hochberg within a family: a subject, a pair of samples, a locus.

    Limits of the log2 ratio are Clopper and Pearson's of the later share of the clone's cells, as odds. With an
    over-dispersion ρ the test is beta-binomial, on whole cells, and the limits are of m / (1 + (m - 1) ρ) cells for m.

    - `expanded`, `contracted`: q at most `alpha`.
    - `unchanged`: not so, and the limits lie within half and twice.
    - `cannot_tell`: neither, or fewer than `fewest` effective cells in both samples together: such clones are not
      tested. So are those of a locus that one of the samples lacks, which has no shares there.

    Shares are parts of a whole: where many cells of the others are lost, as by lymphodepletion, a clone that kept its
    cells has expanded.

    Parameters
    ----------
    before, after
        polars or pandas: `locus, junction, duplicate_count`, the whole repertoires, of which shares are taken. Clones
        match by locus and nucleotide junction; rows of one clone are summed.
    samples
        Identifiers of the earlier and the later sample.
    n_effective
        Effective number of cells of either (see `share_cells`), for all loci or by locus.
    subject
        Identifier of the subject, which both samples are of.
    overdispersion
        Intra-class correlation of a clone's cells in replicate libraries, from 0 to below 1; see
        `counting_tests.overdispersion_of`. 0 is the exact binomial.
    fewest
        Effective cells in both samples together with which a clone is tested.
    alpha
        False discovery rate of the calls.

    Returns
    -------
    polars.DataFrame
        The table `change`: `subject, sample_before, sample_after, locus, junction, share_before, share_after,
        cells_before, cells_after, log2_ratio, lower, upper, p, q, family, call`; one row a clone seen in either sample.
        An infinite ratio or limit is null.

    Raises
    ------
    TableError
        A table is not a clonotype table.
    AnalysisError
        The samples have no locus in common, or one name; an effective number is not known, not above 0, or exceeds the
        counts; the over-dispersion is not from 0 to below 1, or `alpha` not between 0 and 1.
    """
    if samples[0] == samples[1]:
        raise AnalysisError("a change is between two samples", found=samples[0], expected="two")
    if not 0 <= overdispersion < 1:
        raise AnalysisError("an over-dispersion must be from 0 to below 1", found=overdispersion)
    if not 0 < alpha < 1:
        raise AnalysisError("a false discovery rate must be above 0 and below 1", found=alpha)
    counts = [clone_counts(table) for table in (before, after)]
    loci = [set(table["locus"].unique()) for table in counts]
    if not loci[0] & loci[1]:
        found = " against ".join(", ".join(sorted(each)) or "no clone" for each in loci)
        raise AnalysisError("the samples have no locus in common", found=found)
    pairs = zip(counts, ("before", "after"), strict=True)
    first, second = (table.rename({"duplicate_count": when}) for table, when in pairs)
    joined = first.join(second, on=CLONE, how="full", coalesce=True).fill_null(0)
    frames = []
    for (locus,), clones in joined.partition_by("locus", as_dict=True).items():
        named = _named(clones, subject, samples, str(locus))
        if locus in loci[0] & loci[1]:
            worth = [
                worth_in_cells(n, str(locus), sample, int(clones[when].sum()))
                for n, sample, when in zip(n_effective, samples, ("before", "after"), strict=True)
            ]
            named = named.with_columns(_of_locus(clones, worth, overdispersion, fewest, alpha))
        frames.append(named)
    return conform(pl.concat(frames, how="diagonal").drop("before", "after"), CHANGE)


def _named(clones: pl.DataFrame, subject: str | None, samples: tuple[str, str], locus: str) -> pl.DataFrame:
    """Return clones with what says whose they are, called `cannot_tell`."""
    pair = f"{samples[0]} to {samples[1]}, {locus}"
    return clones.with_columns(
        subject=pl.lit(subject, pl.String),
        sample_before=pl.lit(samples[0]),
        sample_after=pl.lit(samples[1]),
        family=pl.lit(pair if subject is None else f"{subject}, {pair}"),
        call=pl.lit("cannot_tell"),
    )


def worth_in_cells(n_effective: Effective, locus: str, sample: str, counts: int) -> float:
    """Return the effective number of cells of a locus of a sample, given for all loci or by locus.

    Raises
    ------
    AnalysisError
        It is not known, not above 0, or exceeds the counts of the locus.
    """
    refuse_no_loci(n_effective=n_effective)
    n = n_effective.get(locus) if isinstance(n_effective, Mapping) else n_effective
    if n is None:
        raise AnalysisError(
            f"no change can be told without the effective number of cells of {sample}, {locus}",
            expected="cells or templates, as UMIs or reads of one cell are not independent",
            mend="say how many T cells went into the library",
        )
    checked_effective(n, counts, f"{sample}, {locus},")
    return float(n)


def _of_locus(
    clones: pl.DataFrame, worth: list[float], overdispersion: float, fewest: float, alpha: float
) -> list[pl.Series]:
    """Return the columns of the clones of one locus."""
    shares = [clones[when].to_numpy() / clones[when].sum() for when in ("before", "after")]
    cells = [share * n for share, n in zip(shares, worth, strict=True)]
    p = tested(cells[0], cells[1], worth[0], worth[1], overdispersion=overdispersion, fewest=fewest)
    q = benjamini_hochberg(p)
    log2, lower, upper = log2_ratios(cells[0], cells[1], worth[0], worth[1], overdispersion=overdispersion)
    significant = q <= alpha  # never of NaN
    level = ~np.isnan(p) & (lower > -LEVEL) & (upper < LEVEL)
    call = np.select(
        [significant & (log2 > 0), significant & (log2 < 0), level],
        ["expanded", "contracted", "unchanged"],
        "cannot_tell",
    )
    columns = {
        "share_before": shares[0],
        "share_after": shares[1],
        "cells_before": cells[0],
        "cells_after": cells[1],
        **{
            name: np.where(np.isfinite(numbers), numbers, np.nan)
            for name, numbers in (("log2_ratio", log2), ("lower", lower), ("upper", upper))
        },
        "p": p,
        "q": q,
        "call": call,
    }
    return [pl.Series(name, numbers) for name, numbers in columns.items()]


def tested(
    before: Floats,
    after: Floats,
    n_before: float,
    n_after: float,
    *,
    overdispersion: float = 0.0,
    fewest: float = FEWEST,
) -> Floats:
    """Return the two-sided mid-p value of each clone, NaN of those with fewer than `fewest` cells in both samples.

    Parameters
    ----------
    before, after
        Effective cells of each clone, one dimension.
    n_before, n_after
        Effective numbers of cells of the samples.
    overdispersion, fewest
        As for `change`.
    """
    p = np.full(len(before), np.nan)
    enough = before + after >= fewest
    earlier, later = before[enough], after[enough]
    if overdispersion:
        earlier, later = np.rint(earlier), np.rint(later)
    p[enough] = mid_p(later, earlier + later, n_after / (n_before + n_after), overdispersion)
    return p


def log2_ratios(
    before: Floats, after: Floats, n_before: float, n_after: float, *, overdispersion: float = 0.0
) -> tuple[Floats, Floats, Floats]:
    """Return the log2 ratio of shares of each clone, later to earlier, with 95 % limits; infinite ones are as they are.

    Parameters
    ----------
    before, after, n_before, n_after, overdispersion
        As for `tested`.
    """
    before, after, back = alike(before, after)
    total = before + after
    shrunk = np.maximum(1.0, 1 + (total - 1) * overdispersion)
    limits = [clopper_pearson(cells / shrunk, total / shrunk)[0] for cells in (after, before)]
    # What the later share leaves at most is what the earlier one has at least, told without loss of digits.
    least, rest = (np.where(limit > LEAST, limit, 0.0) for limit in limits)
    with np.errstate(divide="ignore", over="ignore"):
        odds = (after / before, least / (1 - least), (1 - rest) / rest)
        log2, lower, upper = (np.log2(each * n_before / n_after)[back] for each in odds)
    return log2, lower, upper
