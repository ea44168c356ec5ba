"""Cells like each other, and a map of them, by scanpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.blocks import check_raw, of_blocks, summed
from tilseq.expression.mean_scores import log_normalise
from tilseq.expression.vdj_genes import vdj_genes

FEWEST_CELLS = 10


@dataclass(frozen=True)
class Embedding:
    """Cells in the space of their principal components.

    Attributes
    ----------
    components
        Cells × components.
    connectivities
        Cells × cells, sparse: how near neighbours are, 0 to 1.
    genes
        The variable genes that the components are of.
    cells
        The AnnData that scanpy works on.
    """

    components: NDArray[np.float32]
    connectivities: Any
    genes: tuple[str, ...]
    cells: Any


def log_normalised(counts: Any) -> Any:
    """Return counts scaled to 10,000 a cell, log(1 + x) taken.

    Parameters
    ----------
    counts
        Raw counts, cells × genes, sparse or dense.

    Returns
    -------
    scipy.sparse.csr_matrix
        In float32; a cell without a count stays 0.

    Raises
    ------
    AnalysisError
        The counts are not raw.
    """
    from scipy.sparse import csr_matrix, vstack

    def look(_rows: slice, block: Any) -> Any:
        log_normalise(block, block.sum(axis=1, dtype=np.float64))
        return block

    check_raw(counts)
    blocks = of_blocks(summed(counts), look)
    return csr_matrix(vstack(blocks)) if blocks else csr_matrix(counts.shape, dtype=np.float32)


def embed(
    counts: Any,
    genes: Sequence[str],
    *,
    seed: int = 0,
    variable_genes: int = 2_000,
    components: int = 30,
    neighbours: int = 15,
) -> Embedding:
    """Find each cell's neighbours: log-normalised variable genes, their principal components, scanpy's graph.

    V, D and J genes are left out, for cells of one clone would be neighbours by their receptor.

    Parameters
    ----------
    counts
        Raw counts, cells × genes; at least 10 cells, each with a count.
    genes
        Symbol of each column, unique.
    seed
        Of components and neighbours.
    variable_genes, components, neighbours
        How many of each, or as many as there are.

    Raises
    ------
    AnalysisError
        There are fewer cells, cells without a count, or counts that are not raw.
    """
    cells_there = counts.shape[0]
    if cells_there < FEWEST_CELLS:
        expected = f"at least {FEWEST_CELLS}"
        raise AnalysisError("too few cells for neighbours", found=cells_there, expected=expected)
    values = log_normalised(counts)
    if (np.diff(values.indptr) == 0).any():
        raise AnalysisError("cells without a count have no neighbours", mend="leave them out first")
    import scanpy
    from anndata import AnnData

    cells = AnnData(values)
    cells.var_names = list(genes)
    counted = np.bincount(values.indices, minlength=cells.n_vars) > 0  # others have no dispersion to be chosen by
    cells = cells[:, ~vdj_genes(list(genes)) & counted].copy()
    scanpy.pp.highly_variable_genes(cells, n_top_genes=min(variable_genes, cells.n_vars))
    kept = cells[:, cells.var["highly_variable"]].copy()
    most = min(components, kept.n_vars - 1, kept.n_obs - 1)
    scanpy.pp.pca(kept, n_comps=most, random_state=seed, svd_solver="arpack")
    scanpy.pp.neighbors(kept, n_neighbors=min(neighbours, kept.n_obs - 1), random_state=seed)
    names = tuple(map(str, kept.var_names))
    return Embedding(np.asarray(kept.obsm["X_pca"], np.float32), kept.obsp["connectivities"], names, kept)


def umap(embedding: Embedding, *, seed: int = 0) -> NDArray[np.float64]:
    """Return the place of each cell on scanpy's UMAP, cells × 2.

    Distances between groups of cells on it mean little; it is a picture, not a measure.

    Parameters
    ----------
    embedding
        From `embed`.
    seed
        Of the map.
    """
    import scanpy

    return np.asarray(scanpy.tl.umap(embedding.cells, random_state=seed, copy=True).obsm["X_umap"], np.float64)
