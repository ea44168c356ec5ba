"""Variances of genes drawn towards a common one: empirical Bayes of Smyth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError

Floats = NDArray[np.float64]

LEAST_OF_MEDIAN = (
    1e-5  # a variance counts as at least this share of the median, whose logarithm would else rule the fit
)
FEWEST_GENES = 2
# Beyond these the inverse of the trigamma function is its limit to double precision.
LARGE, SMALL = 1e7, 1e-6
PRECISION = 1e-8
STEPS = 50


class Squeezed(NamedTuple):
    """Variances after they were drawn towards the prior.

    Attributes
    ----------
    prior_variance, prior_df
        Of the prior, one a set of genes: shape of the variances without the last axis. The degrees of freedom are
        infinite where variances differ no more than chance makes them.
    posterior
        Shape of the variances given: what each gene's variance becomes.
    """

    prior_variance: Floats
    prior_df: Floats
    posterior: Floats


def squeeze_variances(variances: ArrayLike, df: ArrayLike) -> Squeezed:
    """Draw the residual variances of genes towards their common value, as limma's ``squeezeVar`` does.

    The variances are taken for a scaled F distribution, whose scale and second degrees of freedom are found by the
    moments of their logarithms. Smyth, Stat Appl Genet Mol Biol 2004;3:3, section 6.2, equations for ``d0`` and
    ``s0²``; where ``d0`` is infinite ``s0²`` is the mean variance, as in limma since 2017.

    Parameters
    ----------
    variances
        Last axis genes; axes before it are sets of genes of their own (permutations, say), all done at once. NaN is
        a gene without a variance: it does not count and stays NaN.
    df
        Residual degrees of freedom, a number for all or one a gene; above 0.

    Raises
    ------
    AnalysisError
        Fewer than two genes have a variance, or degrees of freedom are not above 0.
    """
    variances = np.asarray(variances, float)
    df = np.asarray(df, float)
    if not np.all(df > 0):
        raise AnalysisError("no residual degrees of freedom", found=float(df.min()), expected="above 0")
    known = np.isfinite(variances)
    n = known.sum(axis=-1)
    if not np.all(n >= FEWEST_GENES):
        raise AnalysisError("too few genes with a variance", found=int(n.min()), expected=f"{FEWEST_GENES} or more")
    prior_variance, prior_df = _prior(variances, known, n, df)
    drawn = np.isfinite(prior_df)
    weight = np.where(drawn, prior_df, 1.0)[..., None]
    scale = prior_variance[..., None]
    posterior = np.where(drawn[..., None], (df * variances + weight * scale) / (df + weight), scale)
    return Squeezed(prior_variance, prior_df, np.where(known, posterior, np.nan))


def _prior(variances: Floats, known: NDArray[np.bool_], n: NDArray[np.int_], df: Floats) -> tuple[Floats, Floats]:
    """Return the prior's variance and degrees of freedom, by the moments of the logarithms of the variances."""
    from scipy.special import digamma, polygamma

    held = _held(np.where(known, variances, 0.0), known, n)
    # E(log s²) = log s0² + digamma(d/2) - log(d/2) - digamma(d0/2) + log(d0/2)
    logs = np.log(held) - (digamma(df / 2) - np.log(df / 2))
    logs[~known] = 0
    mean = logs.sum(axis=-1) / n
    logs -= mean[..., None]
    logs[~known] = 0
    spread = np.einsum("...g,...g->...", logs, logs) / (n - 1)
    chance = np.broadcast_to(polygamma(1, df / 2), variances.shape)
    beyond = spread - np.sum(chance, axis=-1, where=known) / n
    more = beyond > 0
    half = np.where(more, inverse_trigamma(np.where(more, beyond, 1.0)), 1.0)
    pooled = np.sum(held, axis=-1, where=known) / n
    prior_variance = np.where(more, np.exp(mean + digamma(half) - np.log(half)), pooled)
    return prior_variance, np.where(more, 2 * half, np.inf)


def _held(variances: Floats, known: NDArray[np.bool_], n: NDArray[np.int_]) -> Floats:
    """Return variances of at least a share of their median, 1 where there is none."""
    least = variances.min(axis=-1, where=known, initial=np.inf)
    # No median is above twice the mean, so that most often none is needed.
    if np.all(least > 2 * LEAST_OF_MEDIAN * variances.sum(axis=-1) / n):
        return np.where(known, variances, 1.0)
    median = np.nanmedian(np.where(known, np.maximum(variances, 0), np.nan), axis=-1, keepdims=True)
    return np.where(known, np.maximum(variances, LEAST_OF_MEDIAN * np.where(median > 0, median, 1.0)), 1.0)


def inverse_trigamma(x: ArrayLike) -> Floats:
    """Return y with trigamma(y) = x, by Newton's steps on 1/trigamma, which is convex (Smyth 2004, appendix).

    Parameters
    ----------
    x
        Above 0, any shape.
    """
    from scipy.special import polygamma

    x = np.asarray(x, float)
    within = np.clip(x, SMALL, LARGE)
    y = 0.5 + 1 / within
    for _ in range(STEPS):
        value = polygamma(1, y)
        step = value * (1 - value / within) / polygamma(2, y)
        y = y + step
        if np.all(-step / y < PRECISION):
            break
    return np.where(x > LARGE, 1 / np.sqrt(x), np.where(x < SMALL, 1 / x, y))
