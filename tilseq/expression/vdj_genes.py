"""Rearranged genes, which tell clones apart, not states."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# TRAC, TRBC, TRGC, TRDC, IGHM and their like stay, and so do TRAT1, TRAF*, TRAPPC*.
T_CELL = r"TR[ABGD][VDJ]\d|TRDV|TRG[VJ]"
# Orphons and pseudogenes of immunoglobulins, as IGHV1OR15-1 and IGHVII-30-1, too.
B_CELL = r"IGH[VDJ](?:\d|\(?[IVX])|IG[KL][VJ](?:\d|\(?[IVX])"
PATTERN = re.compile(rf"(?:{T_CELL}|{B_CELL})", re.IGNORECASE)


def vdj_genes(genes: Iterable[str]) -> NDArray[np.bool_]:
    """Tell which genes are V, D or J genes of T-cell receptors or immunoglobulins.

    A clone that grows carries its V and J genes with it, so that between infused and other cells they would be
    differential expression of clonotypes. Constant genes are not among them, nor TRAT1, TRAF and TRAPPC genes.

    Parameters
    ----------
    genes
        Symbols; case is not looked at.
    """
    return np.array([PATTERN.match(gene) is not None for gene in genes], bool)
