"""Control genes: as highly expressed as those of a set, so that a score is not that of its genes' mean level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BINS = 25
DIGITS = 5  # of a mean, which is added up in single precision


@dataclass(frozen=True)
class ControlGenes:
    """Genes by mean expression.

    Attributes
    ----------
    bins
        Bin of each gene.
    chosen
        Whether a gene is one of its bin's that may be controls.
    """

    bins: NDArray[np.intp]
    chosen: NDArray[np.bool_]

    def of(self, columns: NDArray[np.intp], without: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the control genes of a set: those chosen in the bins of its genes.

        Parameters
        ----------
        columns
            The set's genes.
        without
            Genes that may be no controls.
        """
        own = np.isin(self.bins, self.bins[columns]) & self.chosen
        own[without] = False
        return np.flatnonzero(own)


def choose_controls(means: NDArray[np.float64], genes: Sequence[str], *, size: int, seed: int = 0) -> ControlGenes:
    """Part genes into 25 bins by mean expression, and choose those of each bin that may be controls.

    The bins are scanpy's (`tl.score_genes`, after Tirosh et al., Science 2016;352:189): the lowest rank of the mean,
    divided by a 24th of the number of genes. Chosen are the `size` genes of a bin that come first by a hash of their
    symbol and the seed. So the choice does not depend on the order of the genes or on other sets, and samples whose
    genes fall into the same bins have the same controls.

    Parameters
    ----------
    means
        Mean log-normalised expression of each gene over all cells.
    genes
        Symbol of each gene.
    size
        Most controls a bin.
    seed
        Of the choice.
    """
    # Means that are equal but for rounding share a rank.
    scale = 10.0 ** np.floor(np.log10(np.where(means > 0, means, 1)))
    rounded = np.round(np.round(means / scale, DIGITS) * scale, 12)
    _, inverse, counts = np.unique(rounded, return_inverse=True, return_counts=True)
    lowest = (np.cumsum(counts) - counts + 1)[inverse]
    bins = lowest // max(1, round(len(means) / (BINS - 1)))
    order = np.array([crc32(f"{gene}:{seed}".encode()) for gene in genes], dtype=np.uint32)
    chosen = np.zeros(len(means), bool)
    for one in np.unique(bins):
        members = np.flatnonzero(bins == one)
        chosen[members[np.argsort(order[members], kind="stable")[:size]]] = True
    return ControlGenes(bins.astype(np.intp), chosen)
