"""Two cells in one drop, told by expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.blocks import check_raw, summed

FEWEST_CELLS = 10
BINS = 256
BREADTH = 3  # bins that smoothing takes the mean of
MOST_ROUNDS = 1_000


@dataclass(frozen=True)
class Doublets:
    """How like doublets cells are.

    Attributes
    ----------
    scores
        Of each cell, 0 to 1.
    called
        Which cells are called doublets.
    threshold
        Score above which they are; None where simulated doublets have no two kinds, and none is called.
    """

    scores: NDArray[np.float64]
    called: NDArray[np.bool_]
    threshold: float | None


def doublet_scores(counts: Any, *, seed: int = 0, rate: float = 0.06) -> Doublets:
    """Return how like simulated doublets each cell is (Scrublet, through scanpy).

    The threshold lies between the two modes of the scores of simulated doublets: those of like cells, which cannot be
    told, and of unlike ones. Doublets of two T cells are better seen by their receptors.

    Parameters
    ----------
    counts
        Raw counts of the cells of one lane, cells × genes.
    seed
        Of the simulated doublets.
    rate
        Expected share of doublets.

    Raises
    ------
    AnalysisError
        There are fewer than 10 cells, the counts are not raw, or the rate is no share.

    References
    ----------
    Wolock et al., Cell Syst 2019;8:281. Prewitt and Mendelsohn, Ann N Y Acad Sci 1966;128:1035 (threshold).
    """
    cells_there = counts.shape[0]
    if cells_there < FEWEST_CELLS:
        what, expected = "too few cells to simulate doublets", f"at least {FEWEST_CELLS}"
        raise AnalysisError(what, found=cells_there, expected=expected)
    if not 0 < rate < 1:
        raise AnalysisError("the rate is a share of the cells", found=rate, expected="above 0, below 1")
    check_raw(counts)
    import scanpy
    from anndata import AnnData
    from scipy.sparse import csr_matrix

    cells = AnnData(csr_matrix(summed(counts), dtype=np.float32))
    components = min(30, cells_there - 1, counts.shape[1] - 1)
    # Its own threshold needs a further library.
    options = {"expected_doublet_rate": rate, "n_prin_comps": components, "threshold": 1.0, "verbose": False}
    scanpy.pp.scrublet(cells, random_state=seed, **options)
    scores = cells.obs["doublet_score"].to_numpy(np.float64)
    cut = between_modes(np.asarray(cells.uns["scrublet"]["doublet_scores_sim"], np.float64))
    called = np.zeros(cells_there, bool) if cut is None else scores > cut
    return Doublets(scores, called, cut)


def between_modes(values: NDArray[np.float64]) -> float | None:
    """Return the lowest point between the two modes of a histogram smoothed until it has two, or None."""
    number, edges = np.histogram(values, BINS)
    heights = number.astype(np.float64)
    for _ in range(MOST_ROUNDS):
        modes = np.flatnonzero((heights[1:-1] > heights[:-2]) & (heights[1:-1] >= heights[2:])) + 1
        if len(modes) < 3:
            break
        heights = np.convolve(heights, np.full(BREADTH, 1 / BREADTH), mode="same")
    if len(modes) != 2:
        return None
    lowest = modes[0] + int(np.argmin(heights[modes[0] : modes[1] + 1]))
    return float((edges[lowest] + edges[lowest + 1]) / 2)
