from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array

from tilseq.errors import AnalysisError
from tilseq.expression.normalise import checked_counts, expressed_genes, library_sizes, log2_cpm, tmm_factors

TABLE = pl.read_csv(Path(__file__).parents[1] / "oracles" / "differential_counts.tsv", separator="\t")
COUNTS = TABLE.drop("gene", "P3_D7").to_numpy().T
# tests/oracles/differential.R, by edgeR's calcNormFactors
FACTORS = [
    1.083015588209987, 0.974325001650949, 0.979534476185616, 1.080439509987297, 1.013395938238398, 0.935222810714645,
    1.077223096406635, 0.995552578235037, 1.081017751452458, 0.917452680090162, 0.888302029973357,
]  # fmt: skip
FACTORS_OF_KEPT = [
    1.053096510727063, 0.911127770845254, 0.978950451639337, 1.067588329021422, 0.990916612548067, 0.972460922417359,
    1.100978305135448, 0.959376836845109, 1.057534991045137, 0.972888288550830, 0.952254501870660,
]  # fmt: skip


def test_factors_are_those_of_edger():
    np.testing.assert_allclose(tmm_factors(COUNTS), FACTORS, rtol=1e-12)
    kept = expressed_genes(COUNTS, library_sizes(COUNTS), smallest_group=3)
    np.testing.assert_allclose(tmm_factors(COUNTS[:, kept]), FACTORS_OF_KEPT, rtol=1e-12)


def test_genes_are_kept_as_by_edger():
    sizes = library_sizes(COUNTS)
    assert expressed_genes(COUNTS, sizes, smallest_group=3).sum() == 101
    assert expressed_genes(COUNTS, sizes, smallest_group=1.6).sum() == 102  # 1 over the greatest leverage


def test_a_large_group_asks_for_seventy_percent_of_what_is_above_ten():
    counts = np.full((40, 2), 1000)
    counts[:17, 0] = 0  # 23 of 40 samples; 10 + 0.7 * 20 = 24 are asked of a group of 30
    assert expressed_genes(counts, counts.sum(axis=1), smallest_group=30).tolist() == [False, True]
    assert expressed_genes(counts, counts.sum(axis=1), smallest_group=28).tolist() == [True, True]


def test_one_sample_and_samples_alike_have_a_factor_of_one():
    assert tmm_factors([[1, 2, 3]]).tolist() == [1]
    np.testing.assert_allclose(tmm_factors([[10, 20, 30], [20, 40, 60]]), [1, 1], rtol=1e-15)


def test_log_counts_are_those_of_voom():
    # (3 + 0.5) / (9 + 1) * 10^6 and (0 + 0.5) / 10 * 10^6
    np.testing.assert_allclose(log2_cpm([[3, 0]], [9]), [[np.log2(350_000), np.log2(50_000)]], rtol=1e-15)


def test_log_counts_are_scaled_by_trimmed_means_where_no_size_is_given():
    counts = np.array([[10, 20, 30], [20, 40, 61]])
    expected = log2_cpm(counts, counts.sum(axis=1) * tmm_factors(counts))
    for given in (counts, csr_array(counts)):
        np.testing.assert_array_equal(log2_cpm(given), expected)
    with pytest.raises(AnalysisError, match="not a raw count"):
        log2_cpm([[0.5, 1]])


def test_counts_are_made_dense():
    assert checked_counts(csr_array([[1, 0], [0, 2]])).tolist() == [[1, 0], [0, 2]]


@pytest.mark.parametrize("strange", [0.5, -1, np.nan, np.inf])
def test_what_is_no_count_is_refused_by_sample_and_gene(strange):
    with pytest.raises(
        AnalysisError, match=r"not a raw count in sample b, gene Y; found .*; give raw counts, not norm"
    ):
        checked_counts([[1, 2], [3, strange]], ["a", "b"], ["X", "Y"])


def test_a_sample_without_counts_and_a_wrong_shape_are_refused():
    with pytest.raises(AnalysisError, match="sample b has no counts"):
        checked_counts([[1, 2], [0, 0]], ["a", "b"])
    with pytest.raises(AnalysisError, match="do not fit the genes; found 2; expected 3 genes"):
        checked_counts([[1, 2]], genes=["X", "Y", "Z"])
    with pytest.raises(AnalysisError, match="not samples × genes; found '1 dimensions'"):
        checked_counts([1, 2])


def test_counts_per_million_that_were_rounded_are_refused():
    # Libraries of 1,000,001, 999,998, 1,000,000 and 1,000,002.
    with pytest.raises(AnalysisError, match="normalised and rounded; found 'library sizes that differ by rounding"):
        checked_counts([[400_001, 600_000], [399_998, 600_000], [10, 999_990], [2, 1_000_000]])


def test_a_data_frame_in_another_order_is_refused():
    samples, genes = ["a", "b"], ["CD4", "CD8A", "GZMB"]
    frame = pd.DataFrame([[1, 2, 3], [9, 8, 7]], index=samples, columns=genes)
    assert checked_counts(frame, samples, genes).tolist() == [[1, 2, 3], [9, 8, 7]]
    with pytest.raises(AnalysisError, match="a row of the data frame is another's; found 'b'; expected a;"):
        checked_counts(frame.loc[["b", "a"]], samples, genes)
    with pytest.raises(AnalysisError, match="a column of the data frame is another's; found 'GZMB'; expected CD8A;"):
        checked_counts(frame[["CD4", "GZMB", "CD8A"]], samples, genes)
    # Names of its own, or numbers by which pandas calls rows without names, are no others' names.
    plain = pd.DataFrame([[1, 2, 3], [9, 8, 7]])
    assert checked_counts(plain, ["1", "2"], ["2", "1", "0"]).tolist() == [[1, 2, 3], [9, 8, 7]]
    assert checked_counts(frame, ["S1", "S2"], ["X", "Y", "Z"]).tolist() == [[1, 2, 3], [9, 8, 7]]
    with pytest.raises(AnalysisError, match="a column of the data frame is another's"):
        checked_counts(pl.DataFrame(frame[["CD8A", "CD4", "GZMB"]]), samples, genes)
