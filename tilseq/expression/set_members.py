"""Which genes of each set are there, as one sparse matrix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.vdj_genes import vdj_genes
from tilseq.gene_symbols import present_symbol

SMALLEST, LARGEST = 15, 500
SPREAD = 1.15  # of the sizes on one shelf: few shelves, and few cells that only fill up


class Shelf(NamedTuple):
    """Sets of like size as one matrix, short rows filled up.

    Attributes
    ----------
    sets
        Which sets, by place.
    genes
        Sets × members: row of each member among the genes, in no order; what fills a row up is the number of genes,
        one beyond the last.
    passed
        Sets × members: how many members stand before this one in the set's own order, its size for what fills up.
    others
        Of each set, how many genes are not its own.
    """

    sets: NDArray[np.intp]
    genes: NDArray[np.intp]
    passed: NDArray[np.float64]
    others: NDArray[np.float64]


@dataclass(frozen=True)
class SetMembers:
    """Gene sets matched to genes.

    Attributes
    ----------
    names
        Of the sets to be tested.
    members
        Genes × sets, a scipy csr_array of int8 that holds 1 where a gene is in a set.
    sizes
        Genes found of each set to be tested.
    left_out
        Set, genes found and reason of each set that is not tested, in the order given.
    """

    names: tuple[str, ...]
    members: Any
    sizes: NDArray[np.int64]
    left_out: tuple[tuple[str, int, str], ...]

    @cached_property
    def sums(self) -> Any:
        """Sets × genes, a csr_array of doubles: its product with values of genes is the sum of each set."""
        return self.members.T.tocsr().astype(float)

    @cached_property
    def shelves(self) -> tuple[Shelf, ...]:
        """The sets, those of like size together."""
        ordered = np.argsort(self.sizes, kind="stable")
        wide, shelves = self.members.tocsc(), []
        while len(ordered):
            width = self.sizes[ordered[-1]]
            first = int(np.searchsorted(self.sizes[ordered], np.ceil(width / SPREAD)))
            shelves.append(_shelf(wide, self.sizes, ordered[first:], int(width)))
            ordered = ordered[:first]
        return tuple(shelves)


def match_sets(
    genes: Sequence[str], sets: Mapping[str, Sequence[str]], smallest: int = SMALLEST, largest: int = LARGEST
) -> SetMembers:
    """Match gene sets to the genes at hand, and keep those of a size that can be tested.

    What counts is how many genes are found; a set is never left out for the share of its genes that are.

    Parameters
    ----------
    genes
        Symbols, unique. V(D)J genes are none of a set's, whatever the set lists.
    sets
        Name of each set to its genes; a gene listed twice counts once. A retired symbol, here or among `genes`, stands
        for the present one.
    smallest, largest
        Fewest and most genes found.

    Raises
    ------
    AnalysisError
        There is no set, they have no names, one is no list of genes, or the limits leave no size.
    """
    from scipy.sparse import csr_array

    if not sets:
        raise AnalysisError("there is no gene set to test")
    if not isinstance(sets, Mapping):
        raise AnalysisError("gene sets are lists of genes by their names", found=type(sets).__name__)
    for name, listed in sets.items():
        one_word = isinstance(listed, str) and not set(listed) <= set(genes)  # whose letters are no genes
        if one_word or not isinstance(listed, Iterable):
            mend = "give lists of symbols; `gene_lists` makes them of signatures"
            raise AnalysisError(f"the set {name} is no list of genes", found=type(listed).__name__, mend=mend)
    if not 1 <= smallest <= largest:
        raise AnalysisError("no size lies between the limits", found=f"{smallest} to {largest}", expected="1 or more")
    place = _places(genes)
    names, found, left_out = [], [], []
    for name, listed in sets.items():
        wanted = {gene if gene in place else present_symbol(gene) for gene in listed}
        rows = sorted({place[gene] for gene in wanted if gene in place})
        reason = _untestable(len(rows), len(wanted), len(genes), smallest, largest)
        if reason is None:
            names.append(name)
            found.append(rows)
        else:
            left_out.append((name, len(rows), reason))
    sizes = np.array([len(rows) for rows in found], np.int64)
    columns = np.repeat(np.arange(len(found)), sizes)
    places = np.array([row for rows in found for row in rows], np.int64)
    members = csr_array((np.ones(len(places), np.int8), (places, columns)), shape=(len(genes), len(found)))
    return SetMembers(tuple(names), members, sizes, tuple(left_out))


def _shelf(members: Any, sizes: NDArray[np.int64], sets: NDArray[np.intp], width: int) -> Shelf:
    own = sizes[sets]
    column = np.arange(width)
    filled = column < own[:, None]
    genes = np.full(filled.shape, members.shape[0], np.intp)
    genes[filled] = np.concatenate([members.indices[members.indptr[i] : members.indptr[i + 1]] for i in sets])
    return Shelf(sets, genes, np.minimum(column, own[:, None]).astype(float), (members.shape[0] - own).astype(float))


def _places(genes: Sequence[str]) -> dict[str, int]:
    """Return the row of each gene, under its present symbol too where no other gene bears it."""
    rearranged = vdj_genes(genes)
    places = {gene: row for row, gene in enumerate(genes) if not rearranged[row]}
    for gene, row in list(places.items()):
        places.setdefault(present_symbol(gene), row)
    return places


def _untestable(found: int, listed: int, genes: int, smallest: int, largest: int) -> str | None:
    if found == 0:
        return f"none of its {listed} genes is there"
    if found < smallest:
        return f"{found} of its {listed} genes are there, fewer than {smallest}"
    if found > largest:
        return f"{found} of its {listed} genes are there, more than {largest}"
    return "every gene is in it" if found == genes else None
