"""A competitive test of gene sets that allows for the correlation of genes: CAMERA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from tilseq.errors import AnalysisError
from tilseq.expression.enrichment import Enrichment, directions, fold_changes, joined, set_rows
from tilseq.expression.enrichment_score import enrichment_scores, leading_edges
from tilseq.expression.gene_order import Floats, checked_differences
from tilseq.expression.moderated import squeeze_variances
from tilseq.expression.set_members import LARGEST, SMALLEST, SetMembers, match_sets
from tilseq.expression.sign_flips import moderated_t

LEAST_VARIANCE = 1e-8  # as limma: residuals of a gene with less are not blown up
FEWEST_GENES = 3


def camera(
    differences: ArrayLike,
    genes: Sequence[str],
    sets: Mapping[str, Sequence[str]],
    *,
    contrast: str,
    correlation: float | None = None,
    smallest: int = SMALLEST,
    largest: int = LARGEST,
) -> Enrichment:
    """Test whether a set's genes change more than the other genes, where subjects are too few for flips.

    Wu and Smyth, Nucleic Acids Res 2012;40:e133. Moderated t become normal deviates (Hill, Commun ACM 1970;13:619), and
    the mean of a set is held against that of the rest by a t test whose variance is inflated by
    ``1 + (size - 1) * correlation``; degrees of freedom are those of the residuals, or with a given correlation
    genes - 2. It equals limma's ``camera`` on the design with each subject as a block.

    Parameters
    ----------
    differences
        Subjects × genes, 2 subjects or more, as of `sign_flip_gsea`.
    genes
        Symbol of each column.
    sets
        Name of each set to its genes.
    contrast
        What the differences are of, for the table.
    correlation
        Mean correlation of the genes of a set; None estimates it for each set from the residuals (negative ones count
        as 0). A given one, such as 0.01, has power with few subjects and is anti-conservative where genes are more
        correlated than that.
    smallest, largest
        Fewest and most genes of a set among those ranked.

    Returns
    -------
    Enrichment
        Table `enrichment`; `es` is the score of the moderated t, told beside the test, `direction` the test's own.
        With a given correlation `exploratory` is true.

    Raises
    ------
    AnalysisError
        As `sign_flip_gsea`; or a correlation is not from 0 to below 1.
    """
    if correlation is not None and not 0 <= correlation < 1:
        raise AnalysisError("no correlation of genes", found=correlation, expected="0 or more, below 1")
    values = checked_differences(differences, genes)
    if len(values.genes) < FEWEST_GENES:
        raise AnalysisError("too few genes", found=len(values.genes), expected=f"{FEWEST_GENES} or more")
    matched = match_sets(values.genes, sets, smallest, largest)
    n = len(values.values)
    residuals = values.values - values.values.mean(axis=0)
    variances = np.einsum("sg,sg->g", residuals, residuals) / (n - 1)
    t = next(moderated_t(values.values, np.ones((1, n))))[0]
    df = min(n - 1 + float(squeeze_variances(variances, n - 1).prior_df), len(values.genes) * (n - 1.0))
    inflation = _inflation(residuals, variances, matched) if correlation is None else _given(matched, correlation)
    statistic, p = _two_sample(normal_deviates(t, df), inflation, n - 1 if correlation is None else np.inf, matched)
    columns = {
        "es": enrichment_scores(t, matched),
        "direction": directions(statistic),
        "statistic": statistic,
        "p": p,
        "leading_edge": joined(leading_edges(t, matched, values.genes)),
        **fold_changes(values.values, matched),
    }
    same = {"contrast": contrast, "method": "camera", "exploratory": correlation is not None, "subjects": n}
    reason = None if correlation is None else f"correlation of genes taken to be {correlation:g}, not estimated"
    return Enrichment(set_rows(matched, columns, **same, reason=reason), values.told)


def normal_deviates(t: Floats, df: float) -> Floats:
    """Return the normal deviates that have the tail areas of values of t.

    Hill's expansion (Algorithm 395, Commun ACM 1970;13:617; good to about 1e-5 for 5 degrees of freedom), as limma's
    camera takes.

    Parameters
    ----------
    t
        Any shape.
    df
        Degrees of freedom, above 0.5; beyond 1e6 they count as infinite.
    """
    if df > 1e6:
        return t
    a = df - 0.5
    b = 48 * a**2
    z = a * np.log1p(t / df * t)
    series = (((-0.4 * z - 3.3) * z - 24) * z - 85.5) / (0.8 * z**2 + 100 + b) + z + 3
    return np.sign(t) * (series / b + 1) * np.sqrt(z)


def _inflation(residuals: Floats, variances: Floats, sets: SetMembers) -> Floats:
    """Return the factor by which correlation inflates the variance of each set's mean (Wu and Smyth, equation 4)."""
    scaled = residuals / np.sqrt(np.maximum(variances, LEAST_VARIANCE))
    sums = sets.members.T.astype(float) @ scaled.T
    squares = np.einsum("fs,fs->f", sums, sums) / sets.sizes / (len(residuals) - 1)
    return np.asarray(np.maximum(squares, 1.0), float)


def _given(sets: SetMembers, correlation: float) -> Floats:
    return np.asarray(1 + (sets.sizes - 1) * correlation, float)


def _two_sample(z: Floats, inflation: Floats, df: float, sets: SetMembers) -> tuple[Floats, Floats]:
    """Return t and two-sided p of each set's mean against that of the other genes, with the pooled variance."""
    from scipy.special import stdtr

    genes, inside = len(z), sets.sizes
    outside = genes - inside
    delta = genes / outside * (sets.members.T.astype(float) @ z / inside - z.mean())
    pooled = ((genes - 1) * z.var(ddof=1) - delta**2 * inside * outside / genes) / (genes - 2)
    statistic = delta / np.sqrt(pooled * (inflation / inside + 1 / outside))
    return statistic, 2 * stdtr(min(df, genes - 2), -np.abs(statistic))
