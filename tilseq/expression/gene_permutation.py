"""The enrichment score of random sets: what permutations of genes give."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.expression.enrichment_score import RANKINGS, TIE, scores_in_order
from tilseq.expression.gene_order import Floats, falling
from tilseq.expression.set_members import SetMembers, match_sets

PERMUTATIONS = 9_999
BLOCK = 1_000  # permutations whose scores are held at a time


class PermutationTest(NamedTuple):
    """Scores held against those of random sets, one value a set.

    Attributes
    ----------
    nes
        The score over the mean of the random scores of its sign; NaN where there is none.
    p
        ``(1 + b) / (1 + m)``: of the m random sets whose score has the sign of the set's, b are as far from 0.
    floor
        ``1 / (1 + m)``, the least that p can be.
    """

    nes: Floats
    p: Floats
    floor: Floats


def gene_permutation(ranks: Floats, es: Floats, sets: SetMembers, *, seed: int, permutations: int) -> PermutationTest:
    """Hold scores against those of random sets of the same size.

    In each permutation the genes stand in random order, and the random set of each size is its first genes, so that
    sets of one size share their random sets. p is that of Subramanian et al. (PNAS 2005;102:15545) with the data
    counted among the permutations, as fgsea's ``fgseaSimple``.

    Parameters
    ----------
    ranks
        One a gene.
    es
        Scores of the sets, from `enrichment_scores`.
    sets
        The sets, matched to the genes.
    seed
        Of the permutations.
    permutations
        How many.
    """
    if permutations < 1:
        raise AnalysisError("too few permutations", found=permutations, expected="1 or more")
    if not len(es):
        return PermutationTest(np.zeros(0), np.zeros(0), np.zeros(0))
    sizes, size_of = np.unique(sets.sizes, return_inverse=True)
    nested = _first_genes(len(ranks), sizes.tolist())
    weights = np.abs(ranks[falling(ranks)])
    rng = np.random.default_rng(seed)
    beyond, same, total = np.zeros(len(es)), np.zeros(len(es)), np.zeros(len(es))
    up = es >= 0
    for start in range(0, permutations, BLOCK):
        count = min(BLOCK, permutations - start)
        ordered = np.sort(_random_scores(weights, nested, rng, count), axis=0)
        for one, size in enumerate(size_of):
            column = ordered[:, size]
            zero = np.searchsorted(column, 0.0, "left" if up[one] else "right")
            at = np.searchsorted(column, es[one] * (1 - TIE), "left" if up[one] else "right")
            own = column[zero:] if up[one] else column[:zero]
            beyond[one] += count - at if up[one] else at
            same[one] += len(own)
            total[one] += own.sum()
    mean = np.divide(np.abs(total), same, out=np.full(len(es), np.nan), where=same > 0)
    nes = np.divide(es, mean, out=np.full(len(es), np.nan), where=mean > 0)
    return PermutationTest(nes, (1 + beyond) / (1 + same), 1 / (1 + same))


def _random_scores(weights: Floats, nested: SetMembers, rng: np.random.Generator, count: int) -> Floats:
    scores = []
    for start in range(0, count, RANKINGS):
        orders = [rng.permutation(len(weights)) for _ in range(min(RANKINGS, count - start))]
        scores.append(scores_in_order(weights, np.array(orders), nested))
    return np.concatenate(scores)


def _first_genes(genes: int, sizes: list[int]) -> SetMembers:
    names = [str(gene) for gene in range(genes)]
    return match_sets(names, {str(size): names[:size] for size in sizes}, 1, genes)
