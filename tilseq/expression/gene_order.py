"""Genes in the order of their ranks, and what is left out before they are ranked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError, first_few
from tilseq.expression.normalise import refuse_moved
from tilseq.expression.vdj_genes import vdj_genes
from tilseq.masked import refuse_masked

Floats = NDArray[np.float64]
SHOWN = 5
LEVELS = 65_535.0
FEWEST_OF_A_SIGN = 100  # genes, of which some rise and some fall
ONE_SIGN = "all ranks are of one sign, as p values or changes without theirs: none then says what is up and what down"


class Values(NamedTuple):
    """Values of genes, ready to be ranked.

    Attributes
    ----------
    genes
        Symbols, sorted, without V(D)J genes.
    values
        Last axis genes.
    told
        What was left out and how ties are ordered, in sentences.
    """

    genes: tuple[str, ...]
    values: Floats
    told: tuple[str, ...]


def checked_ranks(ranks: ArrayLike, genes: Sequence[str]) -> Values:
    """Return one rank a gene, sorted by symbol, V(D)J genes left out.

    Raises
    ------
    AnalysisError
        A rank is NaN or infinite, a gene stands twice or, in a series of pandas, at the place of another, there are
        fewer than two genes, or all ranks are equal.
    """
    refuse_masked(ranks=ranks)
    if hasattr(ranks, "index") and hasattr(ranks, "to_frame"):  # a series of pandas, whose index names genes
        refuse_moved(ranks.to_frame().T, None, genes)
    found = by_symbol(np.asarray(ranks, float)[None, :], genes, "rank")
    values = found.values[0]
    if np.all(values == values[0]):
        raise AnalysisError("all ranks are equal, so there is no order", found=float(values[0]))
    _, alike = np.unique(values, return_counts=True)
    tied = alike[alike > 1].sum()
    told = [f"genes with the rank of another, ordered by symbol: {tied} of {len(values)}"] if tied else []
    if len(values) >= FEWEST_OF_A_SIGN and (values.min() >= 0 or values.max() <= 0):
        told.append(ONE_SIGN)
    return Values(found.genes, values, (*found.told, *told))


def checked_differences(differences: ArrayLike, genes: Sequence[str]) -> Values:
    """Return differences, subjects × genes sorted by symbol, without V(D)J genes and genes that change in no subject.

    Raises
    ------
    AnalysisError
        A difference is NaN or infinite, a gene stands twice or, in a data frame, at the place of another, fewer than
        two genes change, there are fewer than two subjects, or all are the same.
    """
    refuse_masked(differences=differences)
    refuse_moved(differences, None, genes)
    values = np.asarray(differences, float)
    if values.ndim != 2 or values.shape[0] < 2:
        subjects = values.shape[0] if values.ndim == 2 else 0
        mend = "with one subject genes can only be ranked: preranked"
        raise AnalysisError("too few subjects with a pair", found=subjects, expected="2 or more", mend=mend)
    found = by_symbol(values, genes, "difference")
    changed = (found.values != 0).any(axis=0)
    if changed.sum() < 2:
        raise AnalysisError("fewer than two genes change in any subject", found=int(changed.sum()))
    if np.all(found.values == found.values[0]):
        mend = "is one subject given several times?"
        raise AnalysisError("no gene varies between subjects, so there is no t", mend=mend)
    told = (f"genes that change in no subject, left out: {(~changed).sum()}",) if not changed.all() else ()
    kept = tuple(gene for gene, one in zip(found.genes, changed, strict=True) if one)
    return Values(kept, np.ascontiguousarray(found.values[:, changed]), found.told + told)


def by_symbol(values: Floats, genes: Sequence[str], what: str) -> Values:
    """Return values, rows × genes, sorted by symbol and without V(D)J genes.

    Parameters
    ----------
    values
        Rows × genes.
    genes
        Symbol of each column.
    what
        What a value is called in errors.

    Raises
    ------
    AnalysisError
        A value is NaN or infinite, a gene stands twice, or there are fewer than two genes.
    """
    names = np.array([str(gene) for gene in genes], object)
    if values.shape[1] != len(names):
        raise AnalysisError(f"each gene needs its {what}", found=values.shape[1], expected=f"{len(names)} genes")
    order = np.argsort(names, kind="stable")
    names, values = names[order], values[:, order]
    twice = np.flatnonzero(names[1:] == names[:-1])
    if twice.size:
        raise AnalysisError("a gene stands twice", found=names[twice[0]], mend="keep or sum one row a gene")
    strange = ~np.isfinite(values).all(axis=0)
    if strange.any():
        mend = "leave the gene out, or give what is infinite a finite value"
        raise AnalysisError(f"a {what} is missing or infinite", found=names[strange][0], mend=mend)
    rearranged = vdj_genes(names)
    if len(names) - rearranged.sum() < 2:
        raise AnalysisError("fewer than two genes to rank", found=len(names) - int(rearranged.sum()))
    left = first_few(names[rearranged].tolist(), SHOWN)
    told = (f"V(D)J genes left out: {rearranged.sum()} ({left})",) if rearranged.any() else ()
    return Values(tuple(names[~rearranged].tolist()), np.ascontiguousarray(values[:, ~rearranged]), told)


def falling(values: Floats) -> NDArray[np.intp]:
    """Return the places of values from the greatest to the least, along the last axis; ties keep their order."""
    if values.ndim > 1:
        return np.stack([falling(row) for row in values])
    turned = -values
    low, high = (turned.min(), turned.max()) if turned.size else (0.0, 0.0)
    if not 0 < high - low < np.inf:
        return np.argsort(turned, kind="stable")
    # Numbers of 16 bits are sorted without comparisons; what is then nearly in order is put right at once.
    coarse = np.argsort(((turned - low) * (LEVELS / (high - low))).astype(np.uint16), kind="stable")
    return coarse[np.argsort(turned[coarse], kind="stable")]
