"""The enrichment score of all gene sets at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.expression.gene_order import Floats, falling
from tilseq.expression.set_members import SetMembers, Shelf

RANKINGS = 4  # best scored at once: their genes stay near the processor
TIE = 1e-9  # statistics nearer than this, as a share of the data's, are equal: only rounding tells them apart
EVEN = 1e-10  # a sum that goes as far up as down, but for rounding


class _Walk(NamedTuple):
    """The running sums of the sets on one shelf, at the members of each; what fills a row up brings the sum back to 0.

    Attributes
    ----------
    places
        (Rankings ×) sets × members: place of each member among the ranked genes, from 0, rising.
    after, before
        The sum just after a member and just before it, times `whole`.
    whole
        Of each set, the sum of its members' weights.
    """

    places: NDArray[np.int32]
    after: Floats
    before: Floats
    whole: Floats

    def scores(self) -> Floats:
        """Return the greatest deviation from 0 of each set."""
        most, least = self.after.max(axis=-1) / self.whole, self.before.min(axis=-1) / self.whole
        further = np.where(np.abs(most + least) <= EVEN, 0.0, np.where(most > -least, most, least))
        return np.clip(further, -1.0, 1.0)  # beyond 1 by rounding

    def of(self, row: int, size: int) -> tuple[NDArray[np.int32], Floats, Floats]:
        """Return places of the members of one set, and the sum after and before each, of a walk along one ranking."""
        own = row, slice(0, size)
        return self.places[own], self.after[own] / self.whole[row], self.before[own] / self.whole[row]


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
    places: NDArray[np.int32]
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
        One a gene, in the order of the rows of `sets.members`; genes of one rank are taken in that order. Several
        rankings × genes give scores of rankings × sets.
    sets
        From `match_sets`, on the same genes.
    """
    order = falling(ranks)
    return scores_in_order(np.abs(np.take_along_axis(ranks, order, axis=-1)), order, sets)


def scores_in_order(weights: Floats, order: NDArray[np.intp], sets: SetMembers) -> Floats:
    """Return the enrichment scores of genes that are ordered already.

    Parameters
    ----------
    weights
        Absolute ranks from the highest rank to the lowest: one a gene, or rankings × genes.
    order
        Which gene, by its row in `sets.members`, has each of them.
    sets
        From `match_sets`.
    """
    scores = np.zeros((*order.shape[:-1], len(sets.names)))
    walks = _Walks(weights, order)
    for shelf in sets.shelves:
        scores[..., shelf.sets] = walks.along(shelf).scores()
    return scores


def leading_edges(ranks: Floats, sets: SetMembers, genes: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the genes of each set from its end of the ranks to the peak of the sum, the strongest first.

    Parameters
    ----------
    ranks, sets
        As of `enrichment_scores`.
    genes
        Symbols, in the order of the ranks.
    """
    order = falling(ranks)
    walks, edges = _Walks(np.abs(ranks[order]), order), {}
    for shelf in sets.shelves:
        walk = walks.along(shelf)
        for row, one in enumerate(shelf.sets):
            edge = _edge(*walk.of(row, int(sets.sizes[one])))
            edges[one] = tuple(genes[order[place]] for place in edge)
    return [edges[one] for one in range(len(sets.names))]


def running_sum(ranks: Floats, sets: SetMembers, genes: tuple[str, ...]) -> RunningSum:
    """Return the running sum of the first set, for a figure.

    Parameters
    ----------
    ranks, sets, genes
        As of `leading_edges`.
    """
    order = falling(ranks)
    shelf = next(shelf for shelf in sets.shelves if 0 in shelf.sets)
    row = int(np.flatnonzero(shelf.sets == 0)[0])
    walk = _Walks(np.abs(ranks[order]), order).along(shelf)
    places, after, before = walk.of(row, int(sets.sizes[0]))
    edge = tuple(genes[order[place]] for place in _edge(places, after, before))
    return RunningSum(ranks[order], places, before, after, float(walk.scores()[row]), edge)


class _Walks:
    """Walks along one ranking, or several at once."""

    def __init__(self, weights: Floats, order: NDArray[np.intp]) -> None:
        genes = order.shape[-1]
        rows = order.reshape(-1, genes)
        self.ahead = order.shape[:-1]
        self.places = np.full((len(rows), genes + 1), genes, np.int32)  # the last is of what only fills up
        np.put_along_axis(self.places, rows, np.arange(genes, dtype=np.int32), axis=1)
        self.weights = np.zeros((len(rows), genes + 1))
        self.weights[:, :genes] = weights
        self.starts = (np.arange(len(rows)) * (genes + 1))[:, None, None]

    def along(self, shelf: Shelf) -> _Walk:
        """Return the running sums of the sets on a shelf."""
        places = self.places.take(shelf.genes, axis=1)
        places.sort(axis=-1)
        rises = self.weights.take(places + self.starts)
        after = np.cumsum(rises, axis=-1)
        if not after[..., -1].all():  # members all of whose ranks are 0 weigh the same
            rises[(after[..., -1] == 0)[..., None] & (places < self.places.shape[1] - 1)] = 1.0
            after = np.cumsum(rises, axis=-1)
        whole = after[..., -1].copy()
        falls = places.astype(float)
        falls -= shelf.passed
        falls *= (whole / shelf.others)[..., None]
        after -= falls
        before = np.subtract(after, rises, out=rises)
        shape = (*self.ahead, *shelf.genes.shape)
        return _Walk(places.reshape(shape), after.reshape(shape), before.reshape(shape), whole.reshape(shape[:-1]))


def _edge(places: NDArray[np.int32], after: Floats, before: Floats) -> NDArray[np.int32]:
    """Return the places from a set's end of the ranks to the peak of its sum, the strongest first."""
    further = after.max() + before.min()
    if abs(further) <= EVEN:
        return places[:0]
    # Of peaks that are equal but for rounding the nearest to the end.
    peaks = np.flatnonzero(after >= after.max() - EVEN if further > 0 else before <= before.min() + EVEN)
    return places[: peaks[0] + 1] if further > 0 else places[peaks[-1] :][::-1]
