"""Gene-set enrichment tested by flips of subjects."""

import statistics
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.expression.gene_set_data import GENES, SETS, differences, score_by_hand
from tilseq.errors import AnalysisError
from tilseq.expression.moderated import squeeze_variances
from tilseq.expression.sign_flip_gsea import sign_flip_gsea, standardised_means


def enriched(data, sets=SETS, genes=GENES, **given):
    return sign_flip_gsea(data, genes, sets, contrast="visit:D28/product", **({"seed": 1, "smallest": 2} | given))


def by_hand(data, sets, genes):
    """Return of each set: score, NES, p by the mean, p by the score; all flips, each walked alone."""
    n = len(data)
    scores, means = {name: [] for name in sets}, {name: [] for name in sets}
    for signs in product([1, -1], repeat=n):
        flipped = data * np.array(signs)[:, None]
        variances = flipped.var(axis=0, ddof=1)
        t = flipped.mean(axis=0) / np.sqrt(squeeze_variances(variances, n - 1).posterior / n)
        middle = np.median(t)
        spread = np.median(np.abs(t - middle))
        for name, members in sets.items():
            scores[name].append(score_by_hand(dict(zip(genes, t, strict=True)), set(members)))
            inside = [value for gene, value in zip(genes, t, strict=True) if gene in members]
            means[name].append((np.mean(inside) - middle) / spread)
    found = {}
    for name in sets:
        score, mean = np.array(scores[name]), np.abs(means[name])
        same = score[score > 0] if score[0] > 0 else score[score < 0]
        by_mean = np.mean(mean >= mean[0] - 1e-9)
        by_score = np.mean(np.abs(score) >= abs(score[0]) - 1e-9)
        found[name] = (score[0], score[0] / abs(same.mean()), means[name][0], by_mean, by_score)
    return found


def test_all_flips_by_hand():
    data, genes = differences()[:, :60], GENES[:60]
    sets = {"a": GENES[:20], "b": GENES[20:32], "c": GENES[:5] + GENES[50:58]}
    expected = by_hand(data, sets, genes)
    found = enriched(data, sets, genes).table
    by_score = enriched(data, sets, genes, statistic="es").table["p"]
    for row, p in zip(found.iter_rows(named=True), by_score, strict=True):
        told = (row["es"], row["nes"], row["statistic"], row["p"], p)
        assert told == pytest.approx(expected[row["set"]], rel=1e-9)


def test_a_change_however_strong_and_common_is_found_as_the_score_alone_would_not():
    data = 0.1 * np.random.default_rng(1).normal(size=(8, 200))
    data[:, :20] += 2
    sets = {"up": GENES[:20]}
    assert enriched(data, sets, GENES[:200]).table["p"].to_list() == [1 / 128]
    assert enriched(data, sets, GENES[:200], statistic="es").table["p"][0] > 3 / 128


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30),
    st.lists(st.floats(-5, 5), min_size=1, max_size=4),
)
def test_means_are_held_against_the_median_and_the_median_absolute_deviation(t, means):
    ordered = np.array(sorted(t, reverse=True))
    centre = statistics.median(t)
    scale = statistics.median(abs(value - centre) for value in t) or np.std(ordered) or 1.0
    found = standardised_means(ordered[None, :], np.array(means)[None, :])[0]
    assert found == pytest.approx([(mean - centre) / scale for mean in means], rel=1e-12)


def test_a_set_that_moves_is_found_and_5_subjects_cannot_reach_005():
    found = enriched(differences()).table
    assert found["set"].to_list() == ["a", "b", "c"]
    row = found.row(0, named=True)
    assert (row["p"], row["p_floor"], row["direction"], row["subjects"]) == (1 / 16, 1 / 16, "up", 5)
    assert row["reason"] == "with 5 subjects the smallest p is 0.0625, so that 0.05 cannot be reached; camera can"
    assert (row["method"], row["exploratory"], row["family"]) == ("sign_flip", False, "all")
    assert row["leading_edge"].count(";") + 1 <= row["size"] == 20
    assert found["q"].min() >= found["p"].min()


def test_the_mean_fold_change_of_a_set_has_the_limits_of_a_t_test_over_subjects():
    found = enriched(differences()).table.select("log2_fold_change", "lower", "upper").rows()
    assert found[0] == pytest.approx((0.4756772381896, 0.0364405804243, 0.9149138959550), rel=1e-9)
    assert found[2] == pytest.approx((0.0715483723412, -0.0945922786734, 0.2376890233559), rel=1e-9)


def test_the_floor_of_6_subjects_needs_no_word():
    data = np.vstack([differences(), differences()[:1] + 0.01])
    found = enriched(data).table
    assert found["p_floor"].unique().to_list() == [1 / 32]
    assert found["reason"].null_count() == 3


def test_more_than_12_subjects_take_random_flips():
    rng = np.random.default_rng(1)
    data = rng.normal(size=(13, 300))
    data[:, :20] += 2
    first = enriched(data, random_flips=199).table
    assert first["p_floor"].unique().to_list() == [1 / 200]
    assert first["p"][0] == 1 / 200
    assert np.allclose(first["p"].to_numpy() * 200, np.round(first["p"].to_numpy() * 200))
    assert first.equals(enriched(data, random_flips=199).table)
    assert not first.equals(enriched(data, random_flips=199, seed=2).table)


def test_a_set_without_a_gene_here_and_rearranged_genes():
    genes = ["TRBV9", "ALLZERO", *GENES[2:]]
    data = differences()
    data[:, 1] = 0
    found = enriched(data, SETS | {"lost": ["X", "Y"], "receptor": ["TRBV9"]}, genes)
    rows = {row["set"]: row for row in found.table.iter_rows(named=True)}
    assert rows["a"]["size"] == 18
    assert (rows["lost"]["size"], rows["lost"]["p"]) == (0, None)
    assert rows["lost"]["reason"] == "none of its 2 genes is there"
    assert rows["receptor"]["reason"] == "none of its 1 genes is there"
    assert found.told == ("V(D)J genes left out: 1 (TRBV9)", "genes that change in no subject, left out: 1")


def test_sets_of_the_wrong_size_only_give_rows_with_reasons():
    found = enriched(differences(), {"s": ["X"]}).table
    assert found.select("set", "p", "q").rows() == [("s", None, None)]


def test_one_subject_is_no_test_and_a_statistic_that_is_none():
    with pytest.raises(AnalysisError, match="no such statistic; found 'median'; expected mean, es"):
        enriched(differences(), statistic="median")
    with pytest.raises(AnalysisError, match="too few subjects with a pair; found 1"):
        enriched(differences()[:1])


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.randoms())
def test_the_order_of_genes_subjects_and_sets_does_not_matter_and_turned_differences_turn_the_score(seed, random):
    data = np.random.default_rng(seed).normal(size=(6, 60))
    genes = GENES[:60]
    sets = {"a": GENES[:20], "b": GENES[15:40]}
    found = enriched(data, sets, genes).table
    columns, rows = list(range(60)), list(range(6))
    random.shuffle(columns)
    random.shuffle(rows)
    again = enriched(data[rows][:, columns], dict(reversed(sets.items())), [genes[i] for i in columns]).table
    turned = enriched(-data, sets, genes).table
    for name in ("es", "nes", "p", "lower"):
        assert again[name].to_numpy() == pytest.approx(found[name].to_numpy(), rel=1e-9)
    assert again["leading_edge"].to_list() == found["leading_edge"].to_list()
    assert turned["es"].to_numpy() == pytest.approx(-found["es"].to_numpy(), rel=1e-9)
    assert turned["p"].to_list() == found["p"].to_list()


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0, 0.05, 0.1, 0.39])
def test_4_to_6_of_100_sets_where_nothing_changes(correlation):
    from benchmarks.enrichment_calibration import SLOW_RUNS, false_positives

    found = false_positives(correlation, SLOW_RUNS)["sign_flip"]
    assert 0.04 <= found.share <= 0.06
