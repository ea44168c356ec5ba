"""CD4 and CD8 T cells, beside the simulator's truth and Wu's annotation."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array, csr_matrix

from tilseq.errors import AnalysisError
from tilseq.expression.cell_types import call_cell_types
from tilseq.io import read_h5ad
from tilseq.simulate.cells.expression import draw_counts
from tilseq.simulate.streams import stream

STATES = ("naive", "effector", "stem_like_memory", "exhausted_terminal")


def simulated(lineages, specimen):
    states = [STATES[number % 4] if one in ("CD4", "CD8") else None for number, one in enumerate(lineages)]
    cells = pl.DataFrame({"barcode": [f"C{n}-1" for n in range(len(lineages))], "state": states, "lineage": lineages})
    cells = cells.with_columns(clone=None, trav=None, trbv=None, doublet_of=None)
    counted = draw_counts(stream(3), cells, specimen, 7, sample_rng=stream(4))
    return counted.counts, counted.genes, np.array(lineages)


def test_genes_of_a_cell_tell_what_it_is_and_none_tells_nothing():
    genes = ["CD4", "CD8A", "CD8B", "OTHER"]
    cd4, cd8, neither = [4, 0, 0, 996], [0, 5, 3, 992], [0, 0, 0, 40]
    found = call_cell_types(np.array([cd4] * 20 + [cd8] * 20 + [neither] * 5), genes)
    assert found.types.tolist() == ["CD4"] * 20 + ["CD8"] * 20 + ["unclear"] * 5
    assert found.probabilities[:40].max(axis=1).min() > 0.95
    assert found.genes == ("CD4", "CD8A", "CD8B")


def test_neighbours_decide_where_a_cell_shows_none():
    genes, silent = ["CD4", "CD8A", "OTHER"], [0, 0, 50]
    counts = np.array([[4, 0, 996]] * 20 + [[0, 5, 995]] * 20 + [silent, silent])
    near = np.zeros((42, 42))
    near[40, :20] = near[41, 20:40] = 1
    assert call_cell_types(counts, genes).types[40:].tolist() == ["unclear", "unclear"]
    found = call_cell_types(counts, genes, neighbours=csr_matrix(near))
    assert found.types[40:].tolist() == ["CD4", "CD8"]


def test_a_cell_without_a_count_is_unclear_and_genes_that_lack_are_told():
    counts = csr_array(np.array([[4, 0, 9], [0, 0, 0], [0, 6, 9]]))
    found = call_cell_types(counts, ["CD4", "CD8B", "X"])
    assert found.types[1] == "unclear"
    assert np.isnan(found.probabilities[1]).all()
    with pytest.raises(AnalysisError, match="CD4 and CD8 cells need their genes; found 'CD4'"):
        call_cell_types(counts, ["CD4", "Y", "X"])


@pytest.mark.parametrize(
    ("cd4", "cd8", "specimen", "least_cd4"), [(400, 400, "blood", 0.7), (20, 400, "infusion_product", 0.6)]
)
def test_simulated_cells_are_called_right_or_not_at_all(cd4, cd8, specimen, least_cd4):
    others = ["NK"] * 40 + ["B"] * 120 + ["monocyte"] * 40 if specimen == "blood" else []
    counts, genes, truth = simulated(["CD4"] * cd4 + ["CD8"] * cd8 + others, specimen)
    types = call_cell_types(counts, genes).types
    assert (types[truth == "CD8"] == "CD8").mean() > 0.8
    assert (types[truth == "CD4"] == "CD4").mean() > least_cd4
    assert (types[truth == "CD8"] == "CD4").mean() < 0.02
    assert (types[truth == "CD4"] == "CD8").mean() < 0.02
    assert not others or (types[~np.isin(truth, ["CD4", "CD8"])] == "unclear").mean() > 0.9


def test_cells_of_wu_are_called_as_annotated_or_not_at_all(shared_data):
    data = read_h5ad(shared_data / "sc/wu2020_til_200cells.h5ad")
    cluster = np.array([str(one).split(".")[0] for one in data.obs["cluster_orig"]])  # 4: CD4, 8: CD8
    types = call_cell_types(data.X, list(data.var_names)).types
    assert (types[cluster == "8"] == "CD8").mean() > 0.65
    assert (types[cluster == "8"] == "CD4").mean() < 0.05
    assert (types[cluster == "4"] == "CD4").mean() > (types[cluster == "4"] == "CD8").mean()


@pytest.mark.slow
def test_neighbours_by_scanpy_call_more_of_wus_cells(shared_data):
    from tilseq.expression.embedding import embed

    data = read_h5ad(shared_data / "sc/wu2020_til_200cells.h5ad")
    cluster = np.array([str(one).split(".")[0] for one in data.obs["cluster_orig"]])
    genes = list(data.var_names)
    types = call_cell_types(data.X, genes, neighbours=embed(data.X, genes).connectivities).types
    assert (types[cluster == "4"] == "CD4").mean() > 0.5
    assert (types[cluster == "8"] == "CD4").mean() < 0.07
