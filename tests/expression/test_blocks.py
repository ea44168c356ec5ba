"""Which matrices are walked at all."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tilseq.errors import AnalysisError
from tilseq.expression import call_cell_types, cell_quality, doublet_scores, embed, log_normalised, score

GENES = ["CD4", "CD8A", "CD3D"]
LOGGED = np.log1p(np.tile([[1, 0, 3], [0, 5, 2]], (6, 1)))


@pytest.mark.parametrize("form", [np.array, csr_matrix])
@pytest.mark.parametrize(
    "look",
    [
        lambda matrix: cell_quality(matrix, GENES, ["s1"] * 12, [f"c{i}" for i in range(12)]),
        lambda matrix: call_cell_types(matrix, GENES),
        lambda matrix: score(matrix, GENES, {"one": GENES}),
        lambda matrix: embed(matrix, GENES),
        log_normalised,
        doublet_scores,
    ],
)
def test_logged_values_are_taken_for_no_counts(look, form):
    with pytest.raises(AnalysisError, match=r"does not hold raw counts; found '0\.693147'; expected whole numbers"):
        look(form(LOGGED))


@pytest.mark.parametrize("form", [anndata.AnnData, pd.DataFrame])
@pytest.mark.parametrize("look", [lambda cells: call_cell_types(cells, GENES), doublet_scores, log_normalised])
def test_what_holds_a_matrix_is_none(look, form):
    cells = form(np.tile([[1.0, 0, 3], [0, 5, 2]], (6, 1)))
    with pytest.raises(AnalysisError, match=f"counts are no matrix; found '{type(cells).__name__}'; expected a numpy"):
        look(cells)


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (lambda counts: call_cell_types(counts, GENES, certainty=90), "the certainty is a probability; found 90"),
        (lambda counts: doublet_scores(counts, rate=6), "the rate is a share of the cells; found 6"),
        (lambda counts: score(counts, GENES, {"one": GENES}, controls=-1), "fewer control genes than none; found -1"),
    ],
)
def test_shares_in_percent_and_numbers_below_none_are_refused(look, told):
    with pytest.raises(AnalysisError, match=told):
        look(np.tile([[1, 0, 3], [0, 5, 2]], (6, 1)))
