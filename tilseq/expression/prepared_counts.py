"""Counts made ready for a contrast: which genes are tested, and log2 counts per million of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.normalise import expressed_genes, log_counts, tmm_factors
from tilseq.expression.vdj_genes import vdj_genes

Floats = NDArray[np.float64]

LEAST_EXPECTED = 10.0
RARE_WHERE_SHALLOW = "too few counts in the shallower level"


class PreparedCounts(NamedTuple):
    """The samples of a contrast and the genes that are tested.

    Attributes
    ----------
    counts
        Samples × genes tested, raw.
    genes
        Symbols of these.
    sizes
        Effective library size of each sample: counts of the genes tested, times the TMM factor.
    log_cpm
        Samples × genes tested, log2 counts per million.
    left_out
        Symbol of each other gene → why it is left out, in the order given.
    """

    counts: Floats
    genes: tuple[str, ...]
    sizes: Floats
    log_cpm: Floats
    left_out: dict[str, str]


def prepared_counts(
    counts: Floats, genes: Sequence[str], rows: Sequence[int] | NDArray[np.int_], levels: NDArray[np.int_]
) -> PreparedCounts:
    """Return the counts that a contrast is tested in.

    V(D)J genes are left out first, so that they are in no library. A gene is tested if edgeR's rule keeps it
    (`expressed_genes`, by the smallest level) and if it is expected to be counted 10 times or more in the shallowest
    level: its share of all counts of these samples, times the median library of that level. The half count that logs
    need moves a rarer gene towards the mean in the shallow samples of every subject alike, which tests within subjects
    take for a change: with levels 100 times apart sign flips called 77 % of sets of the rarest quarter of genes, none
    of which changed (`benchmarks/RESULTS.md`). The share is of both levels together, so that the rule does not choose
    genes by their difference.

    Parameters
    ----------
    counts
        Samples × genes, raw.
    genes
        Symbol of each column, unique.
    rows
        Samples that the contrast is fitted to.
    levels
        Code of each such sample's level, or combination of levels.

    Raises
    ------
    AnalysisError
        A gene stands twice; a sample has no counts of genes that are not V(D)J genes, or of those tested; no gene is
        left.
    """
    chosen, names = counts[rows], np.array([str(gene) for gene in genes], object)
    _refuse_twins(names)
    reasons = _reasons(chosen, names, rows, levels)
    kept = reasons == ""
    if not kept.any():
        raise AnalysisError("no gene is counted enough to be tested", found=f"{len(names)} genes")
    chosen = chosen[:, kept]
    sizes = _sizes(chosen, rows)
    sizes = sizes * tmm_factors(chosen, sizes)
    left_out = dict(zip(names[~kept].tolist(), reasons[~kept].tolist(), strict=True))
    return PreparedCounts(chosen, tuple(names[kept].tolist()), sizes, log_counts(chosen, sizes), left_out)


def _reasons(counts: Floats, genes: NDArray[Any], rows: Sequence[int] | NDArray[np.int_], levels: Any) -> NDArray[Any]:
    """Return why each gene is left out, "" where it is kept."""
    rearranged = vdj_genes(genes)
    sizes = _sizes(counts[:, ~rearranged], rows)
    of_level = [sizes[levels == level] for level in np.unique(levels)]
    enough = expressed_genes(counts, sizes, smallest_group=min(map(len, of_level)))
    expected = counts.sum(axis=0) / sizes.sum() * min(map(np.median, of_level))
    reasons = [
        (rearranged, "V, D or J gene"),
        (~counts.any(axis=0), "no counts"),
        (~enough, "too few counts"),
        (expected < LEAST_EXPECTED, RARE_WHERE_SHALLOW),
    ]
    return np.select([where for where, _ in reasons], [reason for _, reason in reasons], "")


def _refuse_twins(genes: NDArray[Any]) -> None:
    twin = next((gene for gene, count in Counter(genes.tolist()).items() if count > 1), None)
    if twin is not None:
        raise AnalysisError("a gene stands twice", found=twin, mend="sum the columns of one gene")


def _sizes(counts: Floats, rows: Sequence[int] | NDArray[np.int_]) -> Floats:
    sizes: Floats = counts.sum(axis=1)
    empty = np.flatnonzero(sizes == 0)
    if empty.size:
        row = int(rows[empty[0]]) + 2
        raise AnalysisError("a sample has no counts of genes that are tested", row=row, mend="leave it out")
    return sizes
