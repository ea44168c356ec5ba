"""Neighbours, maps and doublets by scanpy."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tilseq.errors import AnalysisError
from tilseq.expression.doublets import between_modes, doublet_scores
from tilseq.expression.embedding import embed, log_normalised, umap
from tilseq.expression.vdj_genes import vdj_genes
from tilseq.io import read_h5ad


def test_counts_are_scaled_to_10000_and_logged():
    counts = csr_matrix(np.array([[1, 3, 0], [0, 0, 0], [0, 5, 5]]))
    expected = [[np.log(2501), np.log(7501), 0], [0, 0, 0], [0, np.log(5001), np.log(5001)]]
    assert log_normalised(counts).toarray() == pytest.approx(np.array(expected), rel=1e-6)
    assert log_normalised(csr_matrix((0, 3))).shape == (0, 3)


def test_few_cells_and_empty_ones_are_refused():
    with pytest.raises(AnalysisError, match="too few cells for neighbours; found 3; expected at least 10"):
        embed(np.ones((3, 4)), list("ABCD"))
    with pytest.raises(AnalysisError, match="cells without a count have no neighbours"):
        embed(np.vstack([np.ones((10, 4)), np.zeros((1, 4))]), list("ABCD"))
    with pytest.raises(AnalysisError, match="too few cells to simulate doublets"):
        doublet_scores(np.ones((3, 4)))


def test_the_threshold_lies_between_two_modes():
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(0.1, 0.03, 900), rng.normal(0.6, 0.05, 300)]
    assert 0.2 < between_modes(values) < 0.48
    assert between_modes(np.full(50, 0.1)) is None


@pytest.mark.slow
def test_200_real_cells_are_embedded_mapped_and_held_against_doublets_alike_each_time(shared_data):
    data = read_h5ad(shared_data / "sc/wu2020_til_200cells.h5ad")
    genes = list(data.var_names)
    first, again = embed(data.X, genes, seed=1), embed(data.X, genes, seed=1)
    assert (first.connectivities != again.connectivities).nnz == 0
    assert not vdj_genes(list(first.genes)).any()
    assert first.components.shape == (200, 30)
    places = umap(first, seed=2)
    assert places.shape == (200, 2)
    assert np.array_equal(places, umap(first, seed=2))
    # Cells of one cluster of Wu's lie nearer each other than cells at large do.
    cluster = np.array([str(one).split(".")[0] for one in data.obs["cluster_orig"]])
    cd8 = places[cluster == "8"]
    assert cd8.std(axis=0).sum() < places.std(axis=0).sum()
    doublets = doublet_scores(data.X, seed=3)
    assert np.array_equal(doublets.scores, doublet_scores(data.X, seed=3).scores)
    assert doublets.called.mean() < 0.2
