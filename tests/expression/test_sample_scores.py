"""ssGSEA and GSVA, against R's GSVA."""

import numpy as np
import pandas as pd
import pytest

from tests.expression.gene_set_data import GENES, SETS, numbers
from tilseq.errors import AnalysisError
from tilseq.expression.sample_scores import sample_scores

SAMPLES = [f"s{i}" for i in range(1, 7)]
SSGSEA = [
    [-2.59946015965, -0.686148072970, 3.75025109266, 8.59514280942, 12.90636428082, 13.863741969192],
    [26.42870162906, 20.260251312403, 19.37942813730, 33.24280727976, 7.83232765248, -0.964681774821],
    [13.18069289982, 0.381955093251, 9.45198202440, -9.62208068280, 25.41526206035, -0.882774762899],
]
GSVA = [
    [-0.0575095849308, -0.1952716297787, 0.267304519960, 0.2020987602962, 0.0262478485370, 0.10801393728223],
    [0.1345582104486, 0.0836816071068, -0.180631777223, 0.0523241126689, -0.0548991581211, -0.00729789917094],
    [0.0570648002121, 0.1031226307105, -0.110682262201, -0.2723268524951, 0.1055557656670, -0.05203436224174],
]


def expression():
    """Return six samples × 300 genes."""
    s = np.arange(1, 7)
    return (4 * numbers(s) ** 2 + 0.3 * (np.arange(1, 301)[:, None] % 13) * (s**2 % 5)).T


def values(found):
    wide = found.table.drop_nulls("value").pivot(on="sample", index="set", values="value").sort("set")
    return wide.select(SAMPLES).to_numpy()


@pytest.mark.parametrize(("method", "expected", "off"), [("ssgsea", SSGSEA, 0.05), ("gsva", GSVA, 1e-9)])
def test_equal_to_r_s_gsva(method, expected, off):
    found = values(sample_scores(expression(), GENES, SAMPLES, SETS, method=method))
    # R takes tied values as they stand: two of the 18 scores of ssgsea are off.
    assert found == pytest.approx(np.array(expected), abs=off)
    assert np.corrcoef(found.ravel(), np.ravel(expected))[0, 1] > 0.99999


def test_tied_genes_score_as_the_mean_over_all_their_orders():
    found = sample_scores([[0, 0, 0, 3, 5]], "ABCDE", ["s1"], {"one": "AD", "two": "BC"}, smallest=1).table
    # GSVA 1.46, ssgsea.norm=FALSE, with A, B and C in each of their six orders: 0.8765469502, 0.0864272337 and
    # -0.7036924827 of one, -2.5, -1.6666666667 and -0.8333333333 of two, twice each.
    assert found["value"].to_list() == pytest.approx([0.0864272337259, -1.6666666666667], abs=1e-9)


def test_genes_of_one_profile_stand_in_the_order_of_symbols_in_gsva_as_in_r():
    # tests/oracles/enrichment.R: B to E are counted in s1 alone, so that GSVA's kernels tell none from another.
    counts = [[5, 1, 2, 1, 3, 4, 0, 6, 2, 7], [3, 0, 0, 0, 0, 9, 2, 6, 8, 1]]
    counts += [[8, 0, 0, 0, 0, 2, 7, 1, 4, 3], [1, 0, 0, 0, 0, 6, 5, 3, 9, 2]]
    sets = {"one": "BDF", "two": "CEA"}
    found = sample_scores(counts, "ABCDEFGHIJ", SAMPLES[:4], sets, method="gsva", smallest=1)
    wide = found.table.pivot(on="sample", index="set", values="value").select(SAMPLES[:4]).to_numpy()
    one = [0.657142857143, 0.714285714286, -0.314285714286, 0.142857142857]
    two = [0.428571428571, -0.142857142857, 0.714285714286, -0.857142857143]
    assert wide == pytest.approx(np.array([one, two]), abs=1e-9)
    assert found.told == (
        "genes with the profile of another, ordered by symbol: scores depend on that order, so leave rarely counted "
        "genes out: 3 of 10",
    )


def test_names_of_genes_without_a_count_change_no_score():
    rng = np.random.default_rng(3)
    counts = rng.poisson(rng.lognormal(0.2, 1.5, 300) * np.ones((6, 1)))
    other = dict(zip(GENES, rng.permutation(GENES).tolist(), strict=True))
    renamed = {name: [other[gene] for gene in genes] for name, genes in SETS.items()}
    found = values(sample_scores(counts, GENES, SAMPLES, SETS))
    assert values(sample_scores(counts, list(other.values()), SAMPLES, renamed)) == pytest.approx(found)


def test_raw_ssgsea_of_a_sample_is_the_same_whatever_others_there_are():
    alone = sample_scores(expression()[:1], GENES, SAMPLES[:1], SETS).table
    beside = sample_scores(expression(), GENES, SAMPLES, SETS).table.filter(sample="s1")
    assert alone.equals(beside)


@pytest.mark.parametrize("method", ["ssgsea", "gsva"])
def test_names_in_any_order_and_case_and_sets_that_are_not_scored(method):
    order = np.random.default_rng(1).permutation(300)
    names = [GENES[i].lower() for i in order]
    sets = {name: [gene.lower() for gene in genes] for name, genes in SETS.items()} | {"lost": ["x"]}
    found = sample_scores(expression()[:, order], names, SAMPLES, sets, method=method)
    assert values(found) == pytest.approx(values(sample_scores(expression(), GENES, SAMPLES, SETS, method=method)))
    lost = found.table.filter(set="lost", sample="s1").row(0, named=True)
    assert (lost["value"], lost["size"], lost["reason"]) == (None, 0, "none of its 1 genes is there")


def test_genes_that_are_the_same_everywhere_are_left_out_of_gsva_as_in_r():
    flat = np.concatenate([expression(), np.full((6, 2), 7.0)], axis=1)
    found = sample_scores(flat, [*GENES, "X1", "X2"], SAMPLES, SETS, method="gsva")
    assert values(found) == pytest.approx(np.array(GSVA), abs=1e-9)
    assert found.told == ("genes that are the same in all samples, left out: 2",)


@pytest.mark.parametrize(
    ("data", "genes", "samples", "words"),
    [
        (expression(), GENES, SAMPLES[:5], "each row needs its sample"),
        (expression()[:1], GENES, SAMPLES[:1], "GSVA compares samples; found 1; expected 2 or more"),
        (np.ones((2, 300)), GENES, ["s1", "s2"], "fewer than two genes differ between samples; found 0"),
        (np.full((2, 300), np.nan), GENES, ["s1", "s2"], "a value is missing or infinite; found 'G001'"),
        (expression(), ["G001"] * 300, SAMPLES, "a gene stands twice; found 'G001'"),
    ],
)
def test_what_cannot_be_scored_is_refused(data, genes, samples, words):
    with pytest.raises(AnalysisError, match=words):
        sample_scores(data, genes, samples, SETS, method="gsva")


def test_a_data_frame_in_another_order_is_refused():
    frame = pd.DataFrame(expression(), index=SAMPLES, columns=GENES)
    with pytest.raises(AnalysisError, match="a row of the data frame is another's; found 's6'; expected s1"):
        sample_scores(frame[::-1], GENES, SAMPLES, SETS)
