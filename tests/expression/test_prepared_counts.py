"""Which genes a contrast is tested in, and that rare genes of a shallow level are not called for their depth."""

import numpy as np
import polars as pl
import pytest

from benchmarks.unequal_depth import genes_called, sets_called
from tilseq.errors import AnalysisError
from tilseq.expression.contrasts import parse_contrast
from tilseq.expression.differential import differential_expression
from tilseq.expression.gsea import count_differences
from tilseq.expression.prepared_counts import prepared_counts

GENES = ["TRBV5-1", "A", "B", "C", "D", "E"]
# Two samples of a level of 1,000 counts, two of 10,000, beside V genes; 22,001 in all, of which B is 242 and C 198:
# 11 and 8.9996 expected in 1,000.
COUNTS = np.array(
    [
        [500, 980, 11, 9, 0, 0],
        [9000, 980, 11, 9, 0, 0],
        [7, 9800, 110, 90, 0, 1],
        [0, 9800, 110, 90, 0, 0],
    ],
    float,
)
ROWS, LEVELS = [0, 1, 2, 3], np.array([1, 1, 0, 0])


def test_a_gene_is_to_be_expected_ten_times_in_the_shallower_level():
    found = prepared_counts(COUNTS, GENES, ROWS, LEVELS)
    assert found.genes == ("A", "B")
    assert found.left_out == {
        "TRBV5-1": "V, D or J gene",
        "C": "too few counts in the shallower level",
        "D": "no counts",
        "E": "too few counts",
    }
    assert found.counts.tolist() == [[980, 11], [980, 11], [9800, 110], [9800, 110]]
    assert found.sizes == pytest.approx([991, 991, 9910, 9910], rel=1e-12)
    assert found.log_cpm[0] == pytest.approx(np.log2([980.5 / 992 * 1e6, 11.5 / 992 * 1e6]), rel=1e-12)


def test_of_levels_alike_edgers_rule_is_what_decides():
    alike = prepared_counts(COUNTS[[2, 3, 2, 3]], GENES, ROWS, LEVELS)
    assert alike.genes == ("A", "B", "C")
    assert alike.left_out["E"] == "too few counts"


def test_only_the_samples_asked_for_count():
    some = prepared_counts(np.vstack([COUNTS[2:], COUNTS]), GENES, [2, 3, 4, 5], LEVELS)
    assert some.log_cpm.tolist() == prepared_counts(COUNTS, GENES, ROWS, LEVELS).log_cpm.tolist()


def test_what_cannot_be_prepared_is_refused():
    with pytest.raises(AnalysisError, match="a gene stands twice; found 'A'"):
        prepared_counts(COUNTS, ["A", "B", "A", "C", "D", "E"], ROWS, LEVELS)
    with pytest.raises(AnalysisError, match="row 5: a sample has no counts of genes that are tested"):
        prepared_counts(COUNTS * np.array([[1], [1], [1], [0]]), GENES, ROWS, LEVELS)
    with pytest.raises(AnalysisError, match="row 3: a sample has no counts of genes that are tested"):
        prepared_counts(COUNTS * [[1] * 6, [1, 0, 0, 0, 0, 0], [1] * 6, [1] * 6], GENES, ROWS, LEVELS)
    with pytest.raises(AnalysisError, match="no gene is counted enough to be tested; found '6 genes'"):
        prepared_counts(np.eye(4, 6, 1), GENES, ROWS, LEVELS)


def test_genes_and_sets_are_tested_in_the_same_counts_and_v_genes_are_in_no_library():
    random = np.random.default_rng(1)
    counts = random.poisson(random.gamma(2, 40, 50), (8, 50))
    counts[::2] //= 8
    counts[:, 40:] *= random.integers(1, 60, (8, 10))  # V genes, as clones grow
    genes = [f"G{i}" for i in range(40)] + [f"TRAV{i + 1}" for i in range(10)]
    names = [f"P{i // 2}" for i in range(8)]
    design = pl.DataFrame({"sample": list("abcdefgh"), "subject": names, "visit": ["product", "D28"] * 4})
    contrast = parse_contrast("visit:D28/product")
    of_sets = count_differences(counts.astype(float), genes, design, contrast)
    of_genes = differential_expression(counts, genes, design, contrast)
    assert sorted(of_sets.genes) == of_genes.table["gene"].to_list()
    assert len(of_sets.genes) < 40
    assert of_sets.told[-1] == "genes left out, V, D or J gene: 10 of 50"
    without = count_differences(counts[:, :40].astype(float), genes[:40], design, contrast)
    assert of_sets.values.tolist() == without.values.tolist()


@pytest.mark.parametrize("called", [sets_called, genes_called])
def test_where_one_level_is_100_times_deeper_rare_genes_are_called_no_more_than_others(called):
    # Without the rule 77 % of the sets of the rarest quarter, and 20 % of its genes.
    found = np.array([called(np.random.default_rng([run, 9]), 100) for run in range(8)])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert np.all(found.mean(axis=0) <= 0.05 + 3 * error)
    assert found[:, 0].mean() < 0.1
