"""Which matrices are walked at all."""

import numpy as np
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
