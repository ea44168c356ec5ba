"""Cells behind the counts of libraries, where nobody counted them: from how far libraries of one specimen differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.receptors import CLONE
from tilseq.repertoire.clones import clone_counts
from tilseq.repertoire.spectrum import Floats

LEAST_CELLS = 10  # of a clone in all libraries together: with fewer, squares of its counts are not those of a normal
LEAST_CLONES = 20  # with fewer those left are the ones that chance made vary least, and the cells are told too many
ROUNDS = 5
COPIES = 1e-6  # chance below which libraries are more alike than counts of one specimen can be
MEDIAN_OF_SQUARE = 0.4549364231195728  # of a standard normal
EFFICIENCY_OF_MEDIAN = 0.37  # of the squares, beside that of their mean


class Estimate(NamedTuple):
    """Cells of each of some libraries, with 95 % limits; an upper limit, or all, of None is beyond what they tell."""

    cells: float | None
    lower: float | None
    upper: float | None


def cells_from_replicates(tables: Mapping[str, Any]) -> dict[str, Estimate]:
    """Return locus → cells of each of several libraries made of like parts of one specimen.

    Counts of a clone in library r, of N_r counts from C cells, have the variance N_r p (1 + N_r / C). Pearson's sum of
    squares over K clones and R libraries is then in the mean K (R - 1 + Σ N_r (1 - N_r / N) / C), which is solved for
    C; limits are those of a chi-square. Clones of few cells are left out. What amplification adds is told as fewer
    cells, as it should be: the number is that of cells drawn alike whose counts would vary as much.

    Parameters
    ----------
    tables
        Library → clonotype table: `locus, junction, duplicate_count`, counts of one kind.

    Returns
    -------
    dict
        Loci with too few clones of more than ten cells or so are left out, and those whose counts are more alike than
        independent ones could be (a chance below 1e-6), as in copies of one table.

    Raises
    ------
    AnalysisError
        There are fewer than two libraries.
    TableError
        A table is not a clonotype table.
    """
    return _cells(tables, changed=False)


def cells_from_pair(first: Any, second: Any) -> dict[str, Estimate]:
    """Return locus → cells of each of two samples of one subject, of which most clones are taken not to have changed.

    As for replicates, with the median of squares for their mean, and the median ratio of counts for that of the
    libraries. A clone that changed looks like fewer cells, so that the estimate is at most that of replicates and may
    be far below. In 100 simulated pairs each (20,000 Zipf clones, 5,000 cells, 200,000 reads) its median beside the
    cells was 0.97 (0.64 to 1.36, nine in ten) where no clone had changed, 0.95 where each had by a factor of log-normal
    s. d. 0.1, 0.47 by one of 0.3, 0.46 where half the clones were lost, 0.41 where a tenth had grown eightfold and 0.28
    where a fifth had, of which most pairs gave none. There is therefore a lower limit alone, which held in each
    setting; lymphocytes that were depleted, or an infusion, make it of little use. Below 2,000 cells it mostly fails.

    Parameters
    ----------
    first, second
        Clonotype tables, counts of one kind.

    Returns
    -------
    dict
        As for `cells_from_replicates`.
    """
    return _cells({"first": first, "second": second}, changed=True)


def _cells(tables: Mapping[str, Any], *, changed: bool) -> dict[str, Estimate]:
    if len(tables) < 2:
        raise AnalysisError("cells cannot be told from one library", found=", ".join(tables), expected="two or more")
    names = [f"n{number}" for number in range(len(tables))]
    counted = [
        clone_counts(table).rename({"duplicate_count": name})
        for name, table in zip(names, tables.values(), strict=True)
    ]
    joined = counted[0]
    for frame in counted[1:]:
        joined = joined.join(frame, on=CLONE, how="full", coalesce=True)
    found = {}
    for (locus,), group in joined.group_by("locus", maintain_order=True):
        counts = group.select(names).fill_null(0).to_numpy().astype(float)
        estimate = _estimate(counts, changed=changed) if (counts.sum(axis=0) > 0).all() else None
        if estimate:
            found[str(locus)] = estimate
    return dict(sorted(found.items()))


def _estimate(counts: Floats, *, changed: bool) -> Estimate | None:
    """Return the cells of each library, from counts of shape (clones, libraries)."""
    from scipy.special import gammaincinv

    depths = counts.sum(axis=0)
    per_cell = float(np.sum(depths * (1 - depths / depths.sum())))
    free, inflation, degrees = counts.shape[1] - 1, 1.0, 0.0
    for _ in range(ROUNDS):
        used = counts[counts.sum(axis=1) >= LEAST_CELLS * max(1.0, inflation)]
        if len(used) < LEAST_CLONES:
            return None
        part = _parts_robustly(used) if changed else depths / depths.sum()
        expected = used.sum(axis=1, keepdims=True) * part
        squares = np.sum((used - expected) ** 2 / expected, axis=1)
        inflation = (
            float(np.median(squares)) / MEDIAN_OF_SQUARE if changed else float(np.sum(squares)) / len(used) / free
        )
        degrees = (len(used) - 1) * (EFFICIENCY_OF_MEDIAN if changed else free)
    least, low, high = (2 * float(gammaincinv(degrees / 2, tail)) / degrees for tail in (COPIES, 0.975, 0.025))
    if inflation < least:
        return None
    each = [(inflation / by - 1) * free / per_cell for by in (1.0, low, high)]
    cells, lower, upper = (1 / added if added > 0 else None for added in (each[0], each[2], each[1]))
    return Estimate(cells, lower, None if changed else upper)  # clones that changed look like fewer cells


def _parts_robustly(counts: Floats) -> Floats:
    """Return the parts that two libraries have in clones that did not change."""
    both = counts[(counts > 0).all(axis=1)]
    if not len(both):
        return np.asarray(counts.sum(axis=0) / counts.sum())
    share = float(np.median(both[:, 0] / both.sum(axis=1)))
    return np.array([share, 1 - share])
