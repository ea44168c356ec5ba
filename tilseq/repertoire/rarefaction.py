"""Diversity at a depth that samples have in common: so many cells, or so large a coverage.

Chao et al., Ecol Monogr 2014;84:45; Hsieh, Ma and Chao, Methods Ecol Evol 2016;7:1451 (iNEXT).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import Any

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError, refuse_lone
from tilseq.intervals import Z95
from tilseq.repertoire.diversity import Cells, Counting, by_locus, error_and_quantile, influences
from tilseq.repertoire.indices import Index, limits
from tilseq.repertoire.observed import LEAST_CELLS, Observed
from tilseq.repertoire.sampling import Sampling, sampled, sampling_of
from tilseq.repertoire.spectrum import Integers, spectrum
from tilseq.tables.repertoire import DIVERSITY, RAREFACTION

ORDERS = (0, 1, 2)
NAMES = ("richness", "hill_q1", "hill_q2")
NOWHERE: Integers = np.empty(0, dtype=np.int64)
COVERAGE_WITHIN = 0.5  # of it, at 95 %: a coverage that is known less well is none to hold other samples to


def rarefaction(
    table: Any,
    *,
    sample: str,
    count_of: str = "unknown",
    n_effective: Cells = None,
    counting: Counting = None,
    cells: Sequence[int] | None = None,
    points: int = 40,
) -> pl.DataFrame:
    """Return what fewer and more cells of each locus would show: Hill numbers of order 0, 1, 2, and the coverage.

    Values are iNEXT's. Up to the cells seen they are without bias; the limits, 95 %, are analytic (see `diversity`) and
    of the mean over samples of so many cells. Beyond, to twice the cells, they are of the mean of the extrapolation,
    which of a repertoire of many rare clones finds too few. Where the effective cells are fewer than the counts, each
    cell is taken to be counted several times or not at all (`tilseq.repertoire.counted_at_size`), and the curve ends at
    the effective cells or, but where none is counted more than twice, half of the cells, whichever are fewer: beyond,
    how unequally cells are counted decides.

    Parameters
    ----------
    table, sample, count_of, n_effective, counting
        As for `diversity`. A locus whose effective number of cells is not known has no rows: reads are not cells. Nor
        has one of which it is not known how often a cell was counted (`Observed.doubt`).
    cells
        Numbers of cells, by default so many `points` from 1 to twice those seen, which are among them.
    points
        How many numbers of cells.

    Returns
    -------
    polars.DataFrame
        The table `rarefaction`: `sample, locus, q, cells, method, value, lower, upper, coverage, coverage_lower,
        coverage_upper`.

    Raises
    ------
    TableError
        The table is not a clonotype table.
    AnalysisError
        A number of cells is no whole number, below 1 or beyond the curve.
    """
    refuse_lone(cells=cells)
    rows: list[dict[str, Any]] = []
    for locus, seen in effective_spectra(table, count_of=count_of, n_effective=n_effective, counting=counting).items():
        if seen.doubt:
            continue
        sampling = sampled(seen.counts, seen.effective, seen.twice)[1]
        x = seen.points(sampling)
        for size in _sizes(seen, points) if cells is None else cells:
            if not 1 <= size <= seen.furthest or size % 1:
                raise AnalysisError(
                    "cells out of reach",
                    found=f"{size} for {sample}, {locus}",
                    expected=f"a whole number, 1 to {seen.furthest}",
                )
            found = [seen.hill(x, size, q) for q in ORDERS] + [seen.coverage(x, size)]
            (covered, low, high), *of_orders = _drawn(seen, sampling, [found[-1], *found[:-1]])
            method = "observed" if size == seen.n else "rarefied" if size < seen.n else "extrapolated"
            row = {"sample": sample, "locus": locus, "cells": int(size), "method": method}
            row |= {"coverage": covered, "coverage_lower": low, "coverage_upper": high}
            rows += [
                {**row, "q": q, "value": value, "lower": lower, "upper": upper}
                for q, (value, lower, upper) in zip(ORDERS, of_orders, strict=True)
            ]
    return RAREFACTION.frame(rows)


def effective_spectra(
    table: Any, *, count_of: str = "unknown", n_effective: Cells = None, counting: Counting = None
) -> dict[str, Observed]:
    """Return locus → counts of a sample and effective cells, which is all that `standardised` needs of it.

    Parameters
    ----------
    table, count_of, n_effective, counting
        As for `diversity`. A locus whose effective number of cells is not known, or below 2, is left out.

    Raises
    ------
    TableError
        The table is not a clonotype table.
    """
    return {
        locus: Observed(spectrum(counts), cells, how)
        for locus, counts, cells, how in by_locus(table, count_of, n_effective, counting)
        if cells is not None and cells >= LEAST_CELLS
    }


def standardised(
    spectra: Mapping[str, Mapping[str, Observed]], *, cells: int | None = None, coverage: float | None = None
) -> pl.DataFrame:
    """Return the diversity of several samples at a number of cells and at a coverage that they have in common.

    Of each locus, `richness_at_n`, `hill_q1_at_n` and `hill_q2_at_n` are of the fewest effective cells of any sample
    (of cells counted several times no more than half of them); `richness_at_coverage`, `hill_q1_at_coverage` and
    `hill_q2_at_coverage` of the least coverage of any sample at these that knows its own to half of it. Equal
    cells tell which sample shows more clones; equal coverage tells which repertoire has more (Chao and Jost, Ecology
    2012;93:2533). Limits as for `rarefaction`; at a coverage they take in that the cells it takes are estimated.

    Parameters
    ----------
    spectra
        Sample → locus → counts and effective cells, of `effective_spectra`; one of which it is not known how often a
        cell was counted (`Observed.doubt`) takes no part.
    cells, coverage
        A common depth of one's own; samples whose curve, see `rarefaction`, ends before it have no value.

    Returns
    -------
    polars.DataFrame
        The table `diversity`, the rows named above. `n` is the effective cells of the sample, `depth` those the value
        is of, `at_coverage` the coverage.

    Raises
    ------
    AnalysisError
        The common depth is not one.
    """
    if (cells is not None and (not cells >= 1 or cells % 1)) or (coverage is not None and not 0 < coverage < 1):
        raise AnalysisError(
            "cells must be a whole number, 1 or more, a coverage between 0 and 1", found=f"{cells}, {coverage}"
        )
    rows: list[dict[str, Any]] = []
    for locus in sorted({locus for known in spectra.values() for locus in known}):
        seen = {sample: known[locus] for sample, known in spectra.items() if locus in known and not known[locus].doubt}
        if not seen:
            continue
        size = cells or min(each.standing for each in seen.values())
        covered = [each.coverage(NOWHERE, each.standing).value for each in seen.values() if _knows_coverage(each)]
        share = coverage or min(covered, default=None)
        for sample, each in seen.items():
            row = {"sample": sample, "locus": locus, "n": each.n}
            rows += [{**row, **found} for found in at_common_depth(each, size, share)]
    return DIVERSITY.frame(rows)


def _knows_coverage(seen: Observed) -> bool:
    """Tell whether a sample knows its coverage, at the cells that it stands for, to half of it.

    One in which no clone was counted twice does not, however few cells the formula of its error speaks of.
    """
    if seen.counts.seen(1) == seen.counts.n:
        return False
    sampling = sampling_of(seen.counts, seen.effective, seen.twice)[1]  # rough of few pairs, but enough to tell this
    index = seen.coverage(seen.points(sampling), seen.standing)
    (error,), _ = sampling.errors(index.influence[None])
    return bool(0 < index.value and Z95 * error <= COVERAGE_WITHIN * index.value)


def at_common_depth(seen: Observed, size: int, share: float | None) -> list[dict[str, Any]]:
    """Return the rows of `standardised` of one sample, at so many cells and at a coverage, where they are in reach."""
    sampling = sampled(seen.counts, seen.effective, seen.twice)[1]
    x = seen.points(sampling)
    rows: list[dict[str, Any]] = []
    if size <= seen.furthest:
        found = _drawn(seen, sampling, [seen.hill(x, size, q) for q in ORDERS])
        rows += [
            {"parameter": f"{name}_at_n", "value": value, "lower": lower, "upper": upper, "depth": size}
            for name, (value, lower, upper) in zip(NAMES, found, strict=True)
        ]
    reached = None if share is None else _size_of_coverage(seen, share)
    if reached is not None:
        found = _drawn(seen, sampling, [_hill_at_coverage(seen, x, reached, q) for q in ORDERS])
        depth = {"depth": reached, "at_coverage": share}
        rows += [
            {"parameter": f"{name}_at_coverage", "value": value, "lower": lower, "upper": upper, **depth}
            for name, (value, lower, upper) in zip(NAMES, found, strict=True)
        ]
    return rows


def _drawn(
    seen: Observed, sampling: Sampling | None, found: Sequence[Index]
) -> list[tuple[float, float | None, float | None]]:
    """Return value, lower and upper limit of each; no limits of too few pairs of cells of one clone."""
    if sampling is None:
        return [(index.value, None, None) for index in found]
    errors, quantiles = error_and_quantile(sampling, found)
    rises = [None] * len(found) if seen.once else sampling.rises(influences(found)).tolist()
    drawn = []
    for index, error, quantile, rise in zip(found, errors, quantiles, rises, strict=True):
        lower, upper = limits(index, float(error), float(quantile), seen.counts.richness, rise) or (None, None)
        drawn.append((index.value, lower, upper))
    return drawn


def _sizes(seen: Observed, points: int) -> list[int]:
    """Return numbers of cells from 1 to those seen and as many beyond, if in reach, closer where curves bend."""
    below = np.linspace(1, np.sqrt(seen.standing), max(2, ceil(points / 2))) ** 2
    above = np.linspace(seen.standing, seen.furthest, max(2, points // 2 + 1))
    return sorted({int(size) for size in np.rint(np.concatenate([below, above]))})


def _size_of_coverage(seen: Observed, share: float) -> float | None:
    """Return the cells, not a whole number, whose mean coverage is this; None where it is out of reach."""

    def at(size: int) -> float:
        return seen.coverage(NOWHERE, size).value

    low, high = 1, seen.furthest
    if at(low) >= share:
        return float(low)
    if at(seen.n) <= share + 1e-12:
        low = seen.n
        if at(low) >= share - 1e-12:
            return float(low)
    else:
        high = seen.n
    if at(high) < share:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) < share else (low, middle)
    return low + (share - at(low)) / (at(high) - at(low))


def _hill_at_coverage(seen: Observed, x: Integers, size: float, q: int) -> Index:
    """Return a Hill number between two whole numbers of cells; its influence takes in that of their number.

    Of a small coverage, where errors are large, it follows that number: one by the chance that two cells are of one
    clone, whatever `q`. So its order is 2.
    """
    low = max(1, min(floor(size), seen.furthest - 1))
    part = size - low
    below, above = (seen.hill(x, cells, q) for cells in (low, low + 1))
    covered, more = (seen.coverage(x, cells) for cells in (low, low + 1))
    value = below.value + part * (above.value - below.value)
    gain, gained = above.value - below.value, more.value - covered.value
    steepness = gain / gained if gained > 0 else 0.0
    influence = below.influence + part * (above.influence - below.influence)
    return Index(value, influence - steepness / value * covered.influence, "log", 2)
