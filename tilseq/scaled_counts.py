"""Whole numbers that are no counts: values that were scaled to a common depth and rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_CHANCE = 1e-4  # that libraries of one depth scatter so little, were their reads counted
FEWEST_LIBRARIES = 3
LEAST_DEPTH = 1_000.0  # nobody scales to less
LARGEST_VALUE = 100  # up to which the values of a library are looked through for gaps
REACH = 2  # values on either side of one that tell how many genes have it
LEAST_EXPECTED = 40.0  # genes of a value that none has: e^-40, were they counted
FEWEST_MULTIPLES = 60  # genes with counts: that so many are all even has a chance of 2^-60
MOST_LOG = 32  # a logarithm to base 2 of any count, of any RNA, is less
LEAST_MIDDLE = 3  # of the values above 0: of counts none above 32, half are 1 or 2
FEWEST_LOGS = 1_000  # genes above 0: as many as hardly any panel has
WHAT = "these are no raw counts, but values that were normalised and rounded"
MEND = "give the counts before normalisation; of counts subsampled to one depth, those of all genes"
WHAT_LOGS = "these are no raw counts, but logarithms that were rounded"
MEND_LOGS = "give the counts themselves"
FEWEST_OF_CELLS = 1_000  # values above 0
LEAST_SEVERAL = 0.01  # of them above 1: in real cells a third, of 0 and 1 only those of genes whose columns were summed
WHAT_SEEN = "these are no raw counts, but which genes were seen"
WHAT_MULTIPLES = "these are no raw counts: those of a sample are all multiples of one number"
MEND_MULTIPLES = (
    "count each molecule once: pairs of reads as one (featureCounts --countReadPairs), no file twice; or divide the "
    "sample's counts by that number"
)


class Sign(NamedTuple):
    """By what whole numbers betray that they are no counts: what is wrong, what was found, what can be done."""

    what: str
    found: str
    mend: str


def sign_of_scaling(counts: Any, samples: Sequence[str] | None = None) -> Sign | None:
    """Return by what whole numbers of samples betray that they were scaled, None where nothing does.

    Four things do. Libraries that were scaled to one depth, as counts per million or TPM, differ by rounding alone: by
    less than counting makes libraries of one expected depth differ. Libraries that are all exactly equal are none of
    these, but raw counts subsampled to one depth. And counts that were scaled up, as DESeq2 scales about half of all
    samples, leave gaps: times 1.3, 3 is 4 and 4 is 5, but 5 is 6 and 6 is 8, so that no gene has 7. A value that no
    gene has is one where 40 or more would have it, going by the values beside it; those below the least value of the
    sample, which a filter takes away, are not looked at. And where all counts of a sample, 60 or more, are multiples of
    one number, each molecule was counted so often, as where both reads of a pair count. And where no value is above 32
    and the middle one of those above 0, 1,000 or more, is 3 or more, they are rounded logarithms: a few genes of a
    library have many times what the others have. None happens to raw counts.
    Counts that were scaled down by factors that differ between samples, as TMM's counts per million, show none, and
    pass.

    Parameters
    ----------
    counts
        Samples × genes, dense or scipy sparse: whole numbers, 0 or more.
    samples
        Name of each row.
    """
    rows = counts.tocsr() if hasattr(counts, "tocsr") else np.asarray(counts)
    if of_one_depth(np.asarray(rows.sum(axis=1), float).ravel()):
        return Sign(WHAT, "library sizes that differ by rounding alone", MEND)
    for place in range(rows.shape[0]):
        own = rows[[place]]
        values = np.asarray(own.data if hasattr(own, "tocsr") else own).ravel()
        name = place + 1 if samples is None else samples[place]
        factor = int(np.gcd.reduce(values.astype(np.int64)))
        # A sample of one value throughout is no evidence: it is its own divisor.
        if 1 < factor < values.max(initial=0) and np.count_nonzero(values) >= FEWEST_MULTIPLES:
            return Sign(WHAT_MULTIPLES, f"multiples of {factor} in sample {name}", MEND_MULTIPLES)
        value = _gap(values)
        if value is not None:
            return Sign(WHAT, f"no gene with a count of {value} in sample {name}, though many have one near it", MEND)
        held = values[values > 0]
        if held.size >= FEWEST_LOGS and held.max() <= MOST_LOG and np.median(held) >= LEAST_MIDDLE:
            found = (
                f"no value above {held.max():g} in sample {name}, and in half of its genes {np.median(held):g} or more"
            )
            return Sign(WHAT_LOGS, found, MEND_LOGS)
    return None


def sign_in_cells(counts: Any) -> Sign | None:
    """Return by what whole numbers of single cells betray that they are no counts, None where nothing does.

    Cells differ in depth by more than counting makes them (`of_one_depth`), many genes of a cell are counted more than
    once, and not every count is a multiple of one number, as where a file was added to itself.

    Parameters
    ----------
    counts
        Cells × genes, dense or scipy sparse with one value an entry: whole numbers, 0 or more.
    """
    if of_one_depth(np.asarray(counts.sum(axis=1), float).ravel()):
        return Sign(WHAT, "cells whose sums differ by rounding alone", MEND)
    values = np.asarray(counts.data if hasattr(counts, "tocsr") else counts).ravel()
    held = values if values.all() else values[values > 0]  # no copy of a large sparse matrix
    if held.size < FEWEST_OF_CELLS:
        return None
    several = int(np.count_nonzero(held > 1))
    if several < LEAST_SEVERAL * held.size:
        return Sign(WHAT_SEEN, f"{several} of {held.size:,} values above 1", MEND_LOGS)
    # A sample of one value throughout is no evidence: it is its own divisor.
    factor = int(np.gcd.reduce(held.astype(np.int64))) if held.min() > 1 else 1
    if 1 < factor < held.max():
        return Sign(WHAT_MULTIPLES, f"multiples of {factor} in all cells", MEND_MULTIPLES)
    return None


def of_one_depth(totals: NDArray[np.float64]) -> bool:
    """Return whether libraries, or cells, differ less than counting would make them.

    The variance of counts of one expected depth is that depth, so that their index of dispersion times the degrees of
    freedom follows the chi-squared distribution; real libraries differ more.

    Parameters
    ----------
    totals
        Counts of each; those of 0 are not looked at. Of fewer than 1,000 on average nothing is said.
    """
    from scipy.special import chdtr

    held = totals[totals > 0]
    if held.size < FEWEST_LIBRARIES or np.all(held == held[0]):
        return False
    mean = held.mean()
    if mean < LEAST_DEPTH:
        return False
    return bool(chdtr(held.size - 1, ((held - mean) ** 2).sum() / mean) < LEAST_CHANCE)


def _gap(values: NDArray[Any]) -> int | None:
    """Return the first value up to 100 that no gene has, where many have those beside it."""
    small = values[(values > 0) & (values <= LARGEST_VALUE + REACH)].astype(np.int64)
    genes = np.bincount(small, minlength=LARGEST_VALUE + REACH + 1).astype(float)
    beside = [genes[REACH + step : LARGEST_VALUE + step + 1] for step in range(-REACH, REACH + 1) if step]
    empty = (genes[REACH : LARGEST_VALUE + 1] == 0) & (np.mean(beside, axis=0) >= LEAST_EXPECTED)
    at = np.flatnonzero(empty) + REACH
    at = at[at > small.min()] if small.size else at
    return int(at[0]) if at.size else None
