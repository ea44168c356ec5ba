"""Depth of samples, and which genes are expressed enough to be tested: bulk RNA and pseudobulk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError
from tilseq.masked import refuse_masked
from tilseq.scaled_counts import sign_of_scaling

Floats = NDArray[np.float64]

PER_MILLION = 1e6
RATIO_TRIM, MEAN_TRIM = 0.3, 0.05
UPPER_QUARTILE = 0.75
SAME = 1e-6  # log ratios that are all smaller are none
LEAST_COUNT, LEAST_TOTAL = 10.0, 15.0
LARGE_GROUP, LEAST_SHARE = 10.0, 0.7
TOLERANCE = 1e-14


def checked_counts(counts: Any, samples: Sequence[str] | None = None, genes: Sequence[str] | None = None) -> Floats:
    """Return counts as a dense array of doubles, held to be counts.

    Parameters
    ----------
    counts
        Samples × genes, dense or scipy sparse: whole numbers, 0 or more.
    samples, genes
        Names for errors.

    Raises
    ------
    AnalysisError
        There is no sample or no gene, a value is infinite, NaN, negative or not whole (normalised or logged values are
        not counts), a sample has no counts at all, or whole numbers show that they were scaled and rounded
        (`sign_of_scaling`). The error names the sample and the gene. Rows or columns of a data frame bear the names in
        another order.
    """
    refuse_masked(counts=counts)
    refuse_moved(counts, samples, genes)
    values = np.asarray(counts.toarray() if hasattr(counts, "toarray") else counts, float)
    if values.ndim != 2:
        raise AnalysisError("counts are not samples × genes", found=f"{values.ndim} dimensions", expected="2")
    for shape, names, what in ((values.shape[0], samples, "samples"), (values.shape[1], genes, "genes")):
        if names is not None and len(names) != shape:
            raise AnalysisError(f"counts do not fit the {what}", found=shape, expected=f"{len(names)} {what}")
    if not values.size:
        found = f"{values.shape[0]} samples × {values.shape[1]} genes"
        raise AnalysisError("the counts are of no sample or no gene", found=found, expected="one or more of both")
    # inf - inf and NaN differ from 0, so one comparison finds what is not finite too.
    with np.errstate(invalid="ignore"):
        strange = (values - np.floor(values) != 0) | (values < 0)
    if strange.any():
        row, column = (int(place[0]) for place in np.nonzero(strange))
        where = f"sample {row + 1 if samples is None else samples[row]}"
        gene = f"gene {column + 1 if genes is None else genes[column]}"
        raise AnalysisError(
            f"not a raw count in {where}, {gene}",
            found=float(values[row, column]),
            expected="whole numbers, 0 or more",
            mend="give raw counts, not normalised, scaled or logged values",
        )
    empty = np.flatnonzero(values.sum(axis=1) == 0)
    if empty.size:
        name = empty[0] + 1 if samples is None else samples[empty[0]]
        raise AnalysisError(f"sample {name} has no counts", mend="leave it out")
    sign = sign_of_scaling(values, samples)
    if sign is not None:
        raise AnalysisError(sign.what, found=sign.found, mend=sign.mend)
    return values


def refuse_moved(values: Any, samples: Sequence[str] | None, genes: Sequence[str] | None) -> None:
    """Refuse a data frame in which the name of one sample or gene stands at the place of another.

    Parameters
    ----------
    values
        Samples × genes; what is no data frame names neither.
    samples, genes
        Names of rows and columns; None is not looked at.

    Raises
    ------
    AnalysisError
        Taken by place, its values would be those of others.
    """
    if not hasattr(values, "columns"):
        return
    for what, labels, names in (("row", getattr(values, "index", None), samples), ("column", values.columns, genes)):
        if labels is None or names is None:
            continue
        told, known = list(map(str, labels)), set(names)
        if told == list(map(str, range(len(told)))):  # pandas numbers what bears no names
            continue
        moved = next((pair for pair in zip(told, names, strict=False) if pair[0] != pair[1] and pair[0] in known), None)
        if moved is not None:
            mend = "put rows and columns in the order of the samples and genes that are given"
            raise AnalysisError(
                f"a {what} of the data frame is another's", found=moved[0], expected=moved[1], mend=mend
            )


def library_sizes(counts: ArrayLike) -> Floats:
    """Return the counts of each sample, samples × genes given."""
    return np.asarray(counts, float).sum(axis=1)


def log2_cpm(counts: Any, sizes: ArrayLike | None = None) -> Floats:
    """Return log2 counts per million as voom has them: ``log2((count + 0.5) / (size + 1) * 10^6)``.

    Law et al., Genome Biol 2014;15:R29.

    Parameters
    ----------
    counts
        Samples × genes, raw counts, dense or scipy sparse.
    sizes
        Effective library size of each sample, else `library_sizes` times `tmm_factors`.

    Raises
    ------
    AnalysisError
        As `checked_counts`.
    """
    values = checked_counts(counts)
    refuse_masked(sizes=sizes)
    sizes = library_sizes(values) * tmm_factors(values) if sizes is None else sizes
    return log_counts(values, np.asarray(sizes, float))


def log_counts(counts: Floats, sizes: Floats) -> Floats:
    """Return `log2_cpm` of counts that are checked already.

    Parameters
    ----------
    counts
        Samples × genes, from `checked_counts`.
    sizes
        Effective library size of each sample.
    """
    return np.log2((counts + 0.5) * (PER_MILLION / (sizes + 1))[:, None])


def tmm_factors(counts: ArrayLike, sizes: ArrayLike | None = None) -> Floats:
    """Return the factor of each library by the trimmed mean of M values, as edgeR's ``calcNormFactors`` does.

    Robinson and Oshlack, Genome Biol 2010;11:R25. The reference is the sample whose upper quartile is nearest to the
    mean upper quartile. The factors' geometric mean is 1.

    Parameters
    ----------
    counts
        Samples × genes.
    sizes
        Library sizes, else the sums.
    """
    values = np.asarray(counts, float)
    sizes = values.sum(axis=1) if sizes is None else np.asarray(sizes, float)
    values = values[:, (values > 0).any(axis=0)]
    if len(values) < 2 or values.shape[1] == 0:
        return np.ones(len(values))
    quartiles = np.quantile(values, UPPER_QUARTILE, axis=1) / sizes
    flat = np.median(quartiles) < 1e-20
    reference = int(np.sqrt(values).sum(axis=1).argmax() if flat else np.abs(quartiles - quartiles.mean()).argmin())
    shares = values / sizes[:, None]
    with np.errstate(divide="ignore"):
        logs = np.log2(shares)
        variances = (1 - shares) / values  # of a log count, by the delta method
    factors = np.array([_trimmed_mean(shares, logs, variances, i, reference) for i in range(len(values))])
    return np.exp2(factors - factors.mean())


def _trimmed_mean(shares: Floats, logs: Floats, variances: Floats, sample: int, reference: int) -> float:
    """Return the weighted mean log2 ratio of a sample to the reference, over genes that are extreme in neither way."""
    both = (shares[sample] > 0) & (shares[reference] > 0)
    # The ratio first: equal ratios of small counts must be ties to the last digit.
    ratio = np.log2(shares[sample, both] / shares[reference, both])
    if not ratio.size or np.abs(ratio).max() < SAME:
        return 0.0
    mean = (logs[sample, both] + logs[reference, both]) / 2
    kept = _within(ratio, RATIO_TRIM) & _within(mean, MEAN_TRIM)
    weight = 1 / (variances[sample, both] + variances[reference, both])[kept]
    return float(ratio[kept] @ weight / weight.sum()) if weight.sum() > 0 else 0.0


def _within(values: Floats, trim: float) -> NDArray[np.bool_]:
    """Tell which values are left when a share of each tail is cut, ties having their mean rank."""
    n = len(values)
    low = int(n * trim) + 1
    parted = np.partition(values, (low - 1, n - low))
    lower, upper = parted[low - 1], parted[n - low]
    # Ranks of values beyond an edge are beyond its limit; those of the edge itself may be, by its ties.
    least = values >= lower if _mean_rank(values, lower) >= low else values > lower
    most = values <= upper if _mean_rank(values, upper) <= n + 1 - low else values < upper
    kept: NDArray[np.bool_] = least & most
    return kept


def _mean_rank(values: Floats, value: float) -> float:
    return float(np.count_nonzero(values < value) + np.count_nonzero(values <= value) + 1) / 2


def expressed_genes(counts: ArrayLike, sizes: ArrayLike, *, smallest_group: float) -> NDArray[np.bool_]:
    """Tell which genes are counted enough to be tested, as edgeR's ``filterByExpr`` does.

    A gene is kept if as many samples as the smallest group has (above 10, 10 and 70 % of the rest) have the counts
    per million that 10 counts are in a sample of median size, and if it has 15 counts in all. Chen, Lun and Smyth,
    F1000Research 2016;5:1438.

    Parameters
    ----------
    counts
        Samples × genes.
    sizes
        Library size of each sample.
    smallest_group
        Samples of the smallest group, or for a design matrix 1 over its greatest leverage.
    """
    values, sizes = np.asarray(counts, float), np.asarray(sizes, float)
    if smallest_group > LARGE_GROUP:
        smallest_group = LARGE_GROUP + (smallest_group - LARGE_GROUP) * LEAST_SHARE
    cutoff = LEAST_COUNT / np.median(sizes) * PER_MILLION
    seen = (values / sizes[:, None] * PER_MILLION >= cutoff).sum(axis=0)
    kept: NDArray[np.bool_] = (seen >= smallest_group - TOLERANCE) & (values.sum(axis=0) >= LEAST_TOTAL - TOLERANCE)
    return kept
