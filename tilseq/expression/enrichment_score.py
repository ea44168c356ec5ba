"""The enrichment score of all gene sets at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.expression.gene_order import Floats, falling
from tilseq.expression.set_members import SetMembers

EVEN = 1e-10  # a sum that goes as far up as down, but for rounding


class _Walk(NamedTuple):
    """The running sums of all sets, at the members of each, set after set.

    Attributes
    ----------
    places
        Place of each member among the ranked genes, from 0, rising within a set.
    starts
        Where each set begins.
    after, before
        The sum just after a member and just before it.
    """

    places: NDArray[Any]
    starts: NDArray[Any]
    after: Floats
    before: Floats


class RunningSum(NamedTuple):
    """The running sum of one set along the ranks.

    Attributes
    ----------
    ranks
        From the highest to the lowest.
    places
        Place of each member among them, from 0, rising.
    before, after
        The sum just before and just after each member; between members it falls evenly, from 0 and back to 0.
    score
        Its greatest deviation from 0.
    leading_edge
        Genes from the set's end of the ranks to that deviation, the strongest first.
    """

    ranks: Floats
    places: NDArray[Any]
    before: Floats
    after: Floats
    score: float
    leading_edge: tuple[str, ...]


def enrichment_scores(ranks: Floats, sets: SetMembers) -> Floats:
    """Return the enrichment score of each set: weighted Kolmogorov-Smirnov of Subramanian et al., weight 1.

    From the highest rank to the lowest a sum rises at a member of the set by the member's share of the set's absolute
    ranks and falls at any other gene by 1 / (genes - size); the score is the sum's greatest deviation from 0 (PNAS
    2005;102:15545, appendix), 0 where it goes as far up as down. As in fgsea, members all of whose ranks are 0 weigh
    the same.

    Parameters
    ----------
    ranks
        One a gene, in the order of the rows of `sets.members`; genes of one rank are taken in that order.
    sets
        From `match_sets`, on the same genes.
    """
    order = falling(ranks)
    return scores_in_order(np.abs(ranks[order]), order, sets)


def scores_in_order(weights: Floats, order: NDArray[np.intp], sets: SetMembers) -> Floats:
    """Return the enrichment scores of genes that are ordered already.

    Parameters
    ----------
    weights
        Absolute ranks from the highest rank to the lowest.
    order
        Which gene, by its row in `sets.members`, has each of them.
    sets
        From `match_sets`.
    """
    if not sets.names:
        return np.zeros(0)
    walk = _walk(weights, order, sets)
    most = np.maximum.reduceat(walk.after, walk.starts)
    least = np.minimum.reduceat(walk.before, walk.starts)
    further = np.where(np.abs(most + least) <= EVEN, 0.0, np.where(most > -least, most, least))
    return np.clip(further, -1.0, 1.0)  # beyond 1 by rounding


def leading_edges(ranks: Floats, sets: SetMembers, genes: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the genes of each set from its end of the ranks to the peak of the sum, the strongest first.

    Parameters
    ----------
    ranks, sets
        As of `enrichment_scores`.
    genes
        Symbols, in the order of the ranks.
    """
    if not sets.names:
        return []
    order = falling(ranks)
    walk = _walk(np.abs(ranks[order]), order, sets)
    ends = np.append(walk.starts[1:], len(walk.places))
    edges = []
    for start, end in zip(walk.starts, ends, strict=True):
        after, before = walk.after[start:end], walk.before[start:end]
        places = walk.places[start:end]
        further = after.max() + before.min()
        if abs(further) <= EVEN:
            edge = places[:0]
        else:
            # Of peaks that are equal but for rounding the nearest to the end.
            at = after >= after.max() - EVEN if further > 0 else before <= before.min() + EVEN
            peak = np.flatnonzero(at)
            edge = places[: peak[0] + 1] if further > 0 else places[peak[-1] :][::-1]
        edges.append(tuple(genes[order[place]] for place in edge))
    return edges


def running_sum(ranks: Floats, sets: SetMembers, genes: tuple[str, ...]) -> RunningSum:
    """Return the running sum of the first set, for a figure.

    Parameters
    ----------
    ranks, sets, genes
        As of `leading_edges`.
    """
    order = falling(ranks)
    walk = _walk(np.abs(ranks[order]), order, sets)
    own = slice(0, int(sets.sizes[0]))
    score, edge = enrichment_scores(ranks, sets)[0], leading_edges(ranks, sets, genes)[0]
    return RunningSum(ranks[order], walk.places[own], walk.before[own], walk.after[own], float(score), edge)


def _walk(ordered: Floats, order: NDArray[np.intp], sets: SetMembers) -> _Walk:
    by_set = sets.members[order].tocsc()  # a counting sort of all members, in one pass of C
    places, starts, owner = by_set.indices, by_set.indptr[:-1], sets.owner
    weights = ordered[places]
    sums = np.add.reduceat(weights, starts)
    if not sums.all():
        weights[(sums == 0)[owner]] = 1.0
        sums = np.where(sums == 0, sets.sizes, sums)
    weights *= (1 / sums)[owner]  # before they are summed over all sets, so that no set is lost beside another
    after = np.cumsum(weights)
    after -= np.concatenate([[0.0], after[starts[1:] - 1]])[owner]
    after += sets.members_passed  # all genes passed fall by a step, members not
    after -= places * sets.step
    return _Walk(places, starts, after, after - weights)
