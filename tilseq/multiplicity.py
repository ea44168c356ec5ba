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
