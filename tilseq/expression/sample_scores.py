"""Scores of gene sets in single samples: ssGSEA and GSVA."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from tilseq.errors import AnalysisError
from tilseq.expression.gene_order import Floats, by_symbol
from tilseq.expression.normalise import refuse_moved
from tilseq.expression.set_members import LARGEST, SMALLEST, SetMembers, match_sets
from tilseq.masked import refuse_masked
from tilseq.tables.enrichment import SAMPLE_SCORES

Method = Literal["ssgsea", "gsva"]
SSGSEA_WEIGHT, GSVA_WEIGHT = 0.25, 1.0
PROFILE_DIGITS = 9  # of values less their mean, over their spread; what differs beyond is rounding


class SampleScores(NamedTuple):
    """Scores of gene sets in samples.

    Attributes
    ----------
    table
        Table `sample_scores`: a row a sample and set, sets that were not scored with their reason.
    told
        Which genes were left out, and how many are ties, in sentences.
    """

    table: pl.DataFrame
    told: tuple[str, ...]


def sample_scores(
    expression: ArrayLike,
    genes: Sequence[str],
    samples: Sequence[str],
    sets: Mapping[str, Sequence[str]],
    *,
    method: Method = "ssgsea",
    smallest: int = SMALLEST,
    largest: int = LARGEST,
) -> SampleScores:
    """Score gene sets in each sample: ssGSEA by our own sums, GSVA by gseapy.

    The raw scores are given: ssGSEA's usual scaling divides by the range over all samples and sets, so that the score
    of one visit would move when another is added. GSVA compares each sample with all given, by its nature.

    In ssGSEA genes that are tied in a sample, as those without a count, share their mean rank: the score is the mean of
    those that all orders of them would give; R's GSVA takes them in the order of its rows. In GSVA genes tie whose
    values go up and down alike, as those counted in one sample alone; a running sum has no mean order, so that they
    stand in the order of their symbols, as R would take them of a matrix sorted so, and `told` says how many.

    Parameters
    ----------
    expression
        Samples × genes, such as log2 counts per million; no NaN.
    genes
        Symbol of each column, unique. V(D)J genes are left out, and for GSVA genes that are the same in all samples.
    samples
        Name of each row.
    sets
        Name of each set to its genes.
    method
        ``ssgsea``: Barbie et al., Nature 2009;462:108, weight 0.25. ``gsva``: Hänzelmann et al., BMC Bioinformatics
        2013;14:7, Gaussian kernel, the difference of the greatest deviations.
    smallest, largest
        Fewest and most genes of a set among those of the matrix.

    Raises
    ------
    AnalysisError
        A value is missing or infinite, a gene stands twice, samples do not fit, or GSVA has fewer than two samples.
    """
    refuse_masked(expression=expression)
    values = np.asarray(expression, float)
    if values.ndim != 2 or len(values) != len(samples):
        raise AnalysisError("each row needs its sample", found=values.shape, expected=f"{len(samples)} rows")
    refuse_moved(expression, samples, genes)
    ready = by_symbol(values, genes, "value")
    names, told, matrix = ready.genes, ready.told, ready.values
    if method == "gsva":
        if len(matrix) < 2:
            raise AnalysisError("GSVA compares samples", found=len(matrix), expected="2 or more")
        varies = np.ptp(matrix, axis=0) > 0
        if varies.sum() < 2:
            raise AnalysisError("fewer than two genes differ between samples", found=int(varies.sum()))
        told += (f"genes that are the same in all samples, left out: {(~varies).sum()}",) if not varies.all() else ()
        names, matrix = tuple(np.array(names, object)[varies].tolist()), matrix[:, varies]
        told += _told_of_ties(matrix)
    matched = match_sets(names, sets, smallest, largest)
    score = _ssgsea if method == "ssgsea" else _gsva
    scores = score(matrix, matched) if matched.names else np.zeros((len(matrix), 0))
    rows = [
        {"sample": str(sample), "set": name, "method": method, "value": float(scores[i, j]), "size": int(size)}
        for i, sample in enumerate(samples)
        for j, (name, size) in enumerate(zip(matched.names, matched.sizes, strict=True))
    ]
    rows += [
        {"sample": str(sample), "set": name, "method": method, "size": size, "reason": reason}
        for sample in samples
        for name, size, reason in matched.left_out
    ]
    return SampleScores(SAMPLE_SCORES.frame(rows), told)


def _told_of_ties(matrix: Floats) -> tuple[str, ...]:
    """Return a sentence on genes that GSVA cannot rank: its kernels are as wide as a gene varies, so scale is lost."""
    centred = matrix - matrix.mean(axis=0)
    profiles = np.unique((centred / centred.std(axis=0)).round(PROFILE_DIGITS), axis=1)
    tied = matrix.shape[1] - profiles.shape[1]
    order = "ordered by symbol: scores depend on that order, so leave rarely counted genes out"
    return (f"genes with the profile of another, {order}: {tied} of {matrix.shape[1]}",) if tied else ()


def _ssgsea(matrix: Floats, sets: SetMembers) -> Floats:
    """Return samples × sets.

    The sum over all genes of the running sum is the mean rank of the set's genes, each weighed by its rank to the power
    of 0.25, less that of the other genes.
    """
    from scipy.stats import rankdata

    ranks = rankdata(matrix, axis=1)
    weights = ranks**SSGSEA_WEIGHT
    inside = (sets.sums @ (weights * ranks).T) / (sets.sums @ weights.T)
    others = ranks.sum(axis=1) - sets.sums @ ranks.T
    outside = others / (matrix.shape[1] - sets.sizes)[:, None]
    return np.asarray((inside - outside).T)


def _gsva(matrix: Floats, sets: SetMembers) -> Floats:
    """Return samples × sets."""
    import gseapy
    import pandas as pd

    names = [f"G{row}" for row in range(matrix.shape[1])]  # gseapy brings some names to upper case
    by_set = sets.members.tocsc()
    members = {
        str(i): [names[row] for row in rows] for i, rows in enumerate(np.split(by_set.indices, by_set.indptr[1:-1]))
    }
    # Last row first: gseapy takes tied genes from the last to the first, R from the first to the last.
    data = pd.DataFrame(matrix.T[::-1], index=names[::-1], columns=[str(i) for i in range(len(matrix))])
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        result = gseapy.gsva(
            data,
            members,
            outdir=None,
            min_size=1,
            max_size=len(names),
            threads=1,
            kcdf="Gaussian",
            weight=GSVA_WEIGHT,
            mx_diff=True,
        )
    finally:
        logging.disable(before)
    table = result.res2d.pivot(index="Name", columns="Term", values="ES")
    order = [str(i) for i in range(len(sets.names))]
    return np.asarray(table.loc[[str(i) for i in range(len(matrix))], order].to_numpy(float))
