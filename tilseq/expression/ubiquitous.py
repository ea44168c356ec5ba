"""Genes that every human tissue counts many times: where they are not, names and counts have slipped apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tilseq.errors import first_few

# Of the genes that 16 human tissues express evenly (Eisenberg and Levanon, Trends Genet 2013;29:569), and of those of
# cytoskeleton and ribosome, the most counted. In real T cells each is among the tenth of the genes counted most, also
# where 2,000 variable genes are all there is.
UBIQUITOUS = (
    *("ACTB", "ACTG1", "B2M", "CFL1", "EEF1A1", "FTH1", "GAPDH", "MYL6", "PFN1", "PPIA", "RPL13", "RPLP0", "TMSB10"),
    *("TMSB4X", "TPT1", "UBC"),
)
FEWEST = 5  # of them; a panel may hold fewer
LEAST_COUNTS = 10_000  # of a sample; of fewer they may be missed
TOP = 0.75  # of the genes, by count; each of 16 lies above with a chance of 1 / 4 where names are those of others
LEAST_SHARE = 2 / 3
NAME = "genes of all tissues"


def check_names(counts: Any, genes: Sequence[str], samples: Sequence[str]) -> list[dict[str, Any]]:
    """Return a warning for each sample in which genes that all tissues express are not among those counted most.

    So it is where a column was sorted or moved without the other, where names are of another reference, and where a
    part of the genes was cut off and filled with 0. A kit that takes such genes away gives the same.

    Parameters
    ----------
    counts
        Samples × genes, dense or scipy sparse.
    genes
        Symbol of each column.
    samples
        Name of each row.

    Returns
    -------
    list of dict
        Rows of the table `quality`; none of a sample of fewer than 10,000 counts or five of the genes.
    """
    places = np.array([place for place, gene in enumerate(genes) if gene in UBIQUITOUS], int)
    if len(places) < FEWEST:
        return []
    checks = []
    for row, sample in enumerate(samples):
        own = counts[[row]]
        values = np.asarray(own.toarray() if hasattr(own, "toarray") else own, float).ravel()
        high = (values[places] > 0) & (values[places] >= np.quantile(values, TOP))
        if values.sum() < LEAST_COUNTS or high.mean() >= LEAST_SHARE:
            continue
        low = [genes[place] for place in places[~high]]
        reason = (
            f"{len(low)} of {len(places)} genes that all tissues express much are not among the quarter of its genes "
            f"counted most ({first_few(low, FEWEST)}): were names and counts moved apart, or a part lost?"
        )
        limit = f"at least {LEAST_SHARE:.2g}"
        row_of = {"sample": sample, "check": NAME, "value": float(high.mean()), "limit": limit, "verdict": "warn"}
        checks.append(row_of | {"reason": reason})
    return checks
