from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.expression.linear_fit import fit_within_blocks
from tilseq.expression.normalise import expressed_genes, library_sizes, log2_cpm, tmm_factors
from tilseq.expression.voom import voom_weights

TABLE = pl.read_csv(Path(__file__).parents[1] / "oracles" / "differential_counts.tsv", separator="\t")
COUNTS = TABLE.drop("gene", "P3_D7").to_numpy().T
SUBJECTS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3])
VISITS = np.array([[0, 0], [0, 1], [1, 0], [0, 0], [0, 1], [1, 0], [0, 0], [1, 0], [0, 0], [0, 1], [1, 0]], float)
# tests/oracles/differential.R, by limma's voom: two genes, P1's three samples and P2's product
WEIGHTS = [
    [7.92611126692939, 3.64982062200547, 5.16797061139939, 4.91754437421229],
    [13.38156830452943, 6.79679499323344, 7.61291375280945, 8.36373658111048],
]


def test_weights_are_those_of_limma():
    counts = COUNTS[:, expressed_genes(COUNTS, library_sizes(COUNTS), smallest_group=3)]
    sizes = library_sizes(counts) * tmm_factors(counts)
    values = log2_cpm(counts, sizes).T
    found = voom_weights(values, fit_within_blocks(values, VISITS, SUBJECTS), sizes)
    np.testing.assert_allclose(found[:2, :4], WEIGHTS, rtol=1e-10)


def test_genes_that_do_not_vary_have_no_weights():
    values = np.tile(np.arange(5.0)[:, None], 11)
    with pytest.raises(AnalysisError, match="genes do not vary beside what the model tells"):
        voom_weights(values, fit_within_blocks(values, VISITS, SUBJECTS), np.full(11, 1e6))
