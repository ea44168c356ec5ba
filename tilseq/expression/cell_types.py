"""CD4 and CD8 T cells told apart by their transcripts, and by those of cells like them where their own say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.blocks import check_raw, summed

CLASSES = ("CD4", "CD8", "other")
CORECEPTORS = ("CD4", "CD8A", "CD8B")
T_GENES = ("CD3D", "CD3E", "CD3G", "TRAC")
FEWEST_T_GENES = 2
# Most that a class may have of a gene, as a share of the class that the gene is of: ambient RNA, and mistakes.
OF_ANOTHER = 0.1
LEAST_RATE = 1e-6  # of a cell's counts
DISPERSION = 1.0  # squared coefficient of variation of a gene between cells of one class: bursts
OWN_WEIGHT = 1.0  # what the share of a class in all cells counts beside a cell's neighbours
ROUNDS = 30


@dataclass(frozen=True)
class CellTypes:
    """What T cells are.

    Attributes
    ----------
    types
        `CD4`, `CD8` or `unclear` for each cell.
    probabilities
        Cells × (CD4, CD8, other); NaN for a cell without a count.
    genes
        The genes that were looked at.
    """

    types: NDArray[np.str_]
    probabilities: NDArray[np.float64]
    genes: tuple[str, ...]


def call_cell_types(counts: Any, genes: Sequence[str], *, neighbours: Any = None, certainty: float = 0.9) -> CellTypes:
    """Call each cell a CD4 or CD8 T cell.

    Cells are a mixture of CD4 T cells, CD8 T cells and, where two of CD3D, CD3E, CD3G and TRAC are there, other cells.
    In a class a gene's count is negative binomial (size 1) about its rate times the cell's counts. Rates, the counts of
    a gene by all counts of the class, and shares are found by turns with the chances of cells, as by expectation and
    maximisation; CD4 may be in CD8 cells, CD8A and CD8B in CD4 cells, and T cells' genes in others at most a tenth of
    what they are in their own. CD4 is a rare transcript, so that many CD4 cells show none: with
    `neighbours` the chance of a cell before its own counts are seen is the mean of its neighbours', beside the share in
    all cells.

    Parameters
    ----------
    counts
        Raw counts, cells × genes, sparse or dense.
    genes
        Symbol of each column.
    neighbours
        Cells × cells, sparse: the weight of each neighbour, as `connectivities` of `tilseq.expression.embedding`.
    certainty
        Least probability that is called.

    Returns
    -------
    CellTypes
        Other cells, and those of which no class is certain, are `unclear`.

    Raises
    ------
    AnalysisError
        CD4 or both of CD8A and CD8B are not among the genes, the counts are not raw, or the certainty is no share.
    """
    names = list(genes)
    if "CD4" not in names or not {"CD8A", "CD8B"} & set(names):
        found = ", ".join(gene for gene in CORECEPTORS if gene in names) or "none of them"
        raise AnalysisError("CD4 and CD8 cells need their genes", found=found, expected="CD4, and CD8A or CD8B")
    of_t_cells = [gene for gene in T_GENES if gene in names]
    used = [gene for gene in CORECEPTORS if gene in names]
    used += of_t_cells if len(of_t_cells) >= FEWEST_T_GENES else []
    if not 0 < certainty <= 1:
        raise AnalysisError("the certainty is a probability", found=certainty, expected="above 0, at most 1")
    matrix = summed(counts)
    check_raw(matrix)
    totals = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    columns = [names.index(gene) for gene in used]
    seen = matrix[:, columns]
    seen = np.asarray(seen.toarray() if hasattr(seen, "toarray") else seen, dtype=np.float64)
    known = totals > 0
    probabilities = np.full((len(totals), len(CLASSES)), np.nan)
    if known.any():
        near = None if neighbours is None else neighbours.tocsr()[known][:, known]
        probabilities[known] = _mixture(seen[known], totals[known], used, near)
    types = np.full(len(totals), "unclear", dtype="U7")
    for place, name in enumerate(CLASSES[:2]):
        types[np.nan_to_num(probabilities[:, place]) >= certainty] = name
    return CellTypes(types, probabilities, tuple(used))


def _mixture(seen: NDArray[np.float64], totals: NDArray[np.float64], used: list[str], near: Any) -> NDArray[np.float64]:
    """Return the probability of each class for each cell."""
    with_others = any(gene in T_GENES for gene in used)
    chance = _first_guess(seen, used, with_others)
    for _ in range(ROUNDS):
        rates = _rates(seen, totals, chance, used)
        share = (chance.sum(axis=0) + 1e-3) / (len(chance) + 3e-3)
        before = np.broadcast_to(share, chance.shape)
        if near is not None:
            weight = np.asarray(near.sum(axis=1)).reshape(-1, 1)
            before = (OWN_WEIGHT * share + near @ chance) / (OWN_WEIGHT + weight)
        expected = totals[:, None, None] * rates
        size = 1 / DISPERSION
        each = seen[:, None, :] * np.log(expected) - (seen[:, None, :] + size) * np.log(expected + size)
        likely = each.sum(axis=2) + np.log(before + 1e-12)
        if not with_others:
            likely[:, 2] = -np.inf
        chance = np.exp(likely - likely.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
    return chance


def _first_guess(seen: NDArray[np.float64], used: list[str], with_others: bool) -> NDArray[np.float64]:
    """Return probabilities by which genes a cell shows at all."""
    cd4 = seen[:, used.index("CD4")]
    cd8 = seen[:, [place for place, gene in enumerate(used) if gene in ("CD8A", "CD8B")]].sum(axis=1)
    guess = np.column_stack([cd4 + 0.5, cd8 + 0.5, np.zeros(len(seen))])
    guess /= guess.sum(axis=1, keepdims=True)
    if with_others:
        none = seen[:, [place for place, gene in enumerate(used) if gene in T_GENES]].sum(axis=1) == 0
        guess[none] = np.column_stack([0.3 * guess[none, :2], np.full(int(none.sum()), 0.7)])
    return guess


def _rates(
    seen: NDArray[np.float64], totals: NDArray[np.float64], chance: NDArray[np.float64], used: list[str]
) -> NDArray[np.float64]:
    """Return classes × genes: counts of a gene by all counts, in the bounds of what the classes are."""
    rates = (chance.T @ seen) / np.maximum(chance.T @ totals, 1)[:, None]
    cd4, cd8, other = range(3)
    for place, gene in enumerate(used):
        if gene == "CD4":
            rates[cd8, place] = min(rates[cd8, place], OF_ANOTHER * rates[cd4, place])
        elif gene in ("CD8A", "CD8B"):
            rates[cd4, place] = min(rates[cd4, place], OF_ANOTHER * rates[cd8, place])
        else:
            rates[other, place] = min(rates[other, place], OF_ANOTHER * rates[:other, place].max())
    return np.maximum(rates, LEAST_RATE)
