"""Many tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Return the false discovery rate at which each of a family's tests would be called (Benjamini and Hochberg).

    J R Stat Soc B 1995;57:289, as R's ``p.adjust(p, "BH")``.

    Parameters
    ----------
    p
        One dimension, p values of one family. NaN is no test: it stays NaN and does not count.
    """
    p = np.asarray(p, float)
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    falling = tested[np.argsort(-p[tested], kind="stable")]
    ranks = np.arange(len(falling), 0, -1)
    q[falling] = np.minimum(1, np.minimum.accumulate(p[falling] * len(falling) / ranks))
    return q


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return p adjusted so that a family has a false call with the stated chance at most (Holm).

    Scand J Stat 1979;6:65, as R's ``p.adjust(p, "holm")``. It holds however the tests depend on each other.

    Parameters
    ----------
    p
        One dimension, p values of one family. NaN is no test: it stays NaN and does not count.
    """
    p = np.asarray(p, float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    rising = tested[np.argsort(p[tested], kind="stable")]
    left = np.arange(len(rising), 0, -1)
    adjusted[rising] = np.minimum(1, np.maximum.accumulate(p[rising] * left))
    return adjusted
