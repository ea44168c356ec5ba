"""Scores held against those of random sets."""

from itertools import permutations

import numpy as np
import pytest

from tests.expression.gene_set_data import score_by_hand
from tilseq.errors import AnalysisError
from tilseq.expression.enrichment_score import enrichment_scores
from tilseq.expression.gene_permutation import gene_permutation
from tilseq.expression.set_members import match_sets

GENES = tuple("ABCDEF")
RANKS = np.array([5.0, 3.0, 2.0, -1.0, -2.0, -7.0])


def enriched(ranks, genes, sets, **given):
    matched = match_sets(genes, sets, 1, 500)
    es = enrichment_scores(ranks, matched)
    return matched.names, es, gene_permutation(ranks, es, matched, **({"seed": 1, "permutations": 2000} | given))


def test_p_and_nes_near_those_of_all_permutations_there_are():
    sets = {"top": ["A", "B"], "end": ["E", "F"], "three": ["A", "C", "D"]}
    names, es, found = enriched(RANKS, GENES, sets)
    for i, name in enumerate(names):
        scores = [score_by_hand(dict(zip(order, RANKS, strict=True)), set(sets[name])) for order in permutations(GENES)]
        own = [score for score in scores if score * es[i] >= 0]
        far = np.mean([abs(score) >= abs(es[i]) - 1e-9 for score in own])
        assert found.nes[i] == pytest.approx(es[i] / abs(np.mean(own)), rel=0.02)
        assert found.p[i] == pytest.approx(far, abs=0.03)


def test_p_is_never_0():
    ranks = np.linspace(5, -5, 300)
    genes = tuple(f"G{i:03d}" for i in range(300))
    _, _, found = enriched(ranks, genes, {"top": genes[:20], "end": genes[-20:]}, permutations=99)
    assert found.p.min() >= 1 / 100
    # Of 99 random sets about half have a score of the sign, none as far from 0.
    assert found.p.max() < 1 / 30
    assert found.p.tolist() == found.floor.tolist()
    # One set is up, one of its size is down: each random set has the sign of one of them.
    assert (1 / found.floor - 1).sum() == pytest.approx(99)


def test_the_share_below_p_is_p_where_sets_are_random():
    rng = np.random.default_rng(1)
    genes = tuple(f"G{i:03d}" for i in range(500))
    sets = {f"s{i}": rng.choice(genes, 20 + i % 3, replace=False).tolist() for i in range(600)}
    _, _, found = enriched(rng.normal(size=500), genes, sets, permutations=999)
    for alpha in (0.05, 0.2, 0.5):
        error = np.sqrt(alpha * (1 - alpha) / 600)
        assert abs(np.mean(found.p <= alpha) - alpha) < 3 * error


def test_by_seed():
    sets = {"top": ["A", "B"]}
    first, again, other = (enriched(RANKS, GENES, sets, seed=seed)[2] for seed in (1, 1, 2))
    assert first.p == again.p
    assert first.nes == again.nes
    assert first.nes != other.nes


def test_no_permutation_is_no_test():
    with pytest.raises(AnalysisError, match="too few permutations"):
        enriched(RANKS, GENES, {"top": ["A"]}, permutations=0)
