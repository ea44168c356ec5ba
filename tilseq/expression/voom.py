"""Precision of log counts: how variance falls with the mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tilseq.expression.linear_fit import LinearFit
from tilseq.expression.lowess import lowess
from tilseq.expression.normalise import PER_MILLION

Floats = NDArray[np.float64]

SPAN = 0.5


def voom_weights(log_cpm: Floats, fit: LinearFit, sizes: Floats, span: float = SPAN) -> Floats:
    """Return the precision of each log count, as limma's ``voom`` does.

    The square root of the residual standard deviation of genes is smoothed over their mean log2 count; a log count's
    weight is the inverse fourth power of the line at its fitted value. Law et al., Genome Biol 2014;15:R29.

    Parameters
    ----------
    log_cpm
        Genes × samples, from `log2_cpm`; no gene is all zero.
    fit
        Of these values, without weights.
    sizes
        Effective library size of each sample.
    span
        Share of the genes that the smooth line looks at.
    """
    depth = np.log2(sizes + 1)
    means = log_cpm.mean(axis=1) + depth.mean() - np.log2(PER_MILLION)
    x, line = lowess(means, np.sqrt(np.sqrt(fit.variance)), span)
    deviation = np.interp(fit.fitted + (depth - np.log2(PER_MILLION)), x, line)
    square = deviation * deviation
    return 1 / (square * square)
