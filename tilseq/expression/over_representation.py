"""Whether a list of genes holds more of a set than chance would bring: hypergeometric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tilseq.errors import AnalysisError, first_few
from tilseq.exact import upper_tail
from tilseq.expression.enrichment import Enrichment, joined, set_rows
from tilseq.expression.set_members import LARGEST, SMALLEST, match_sets
from tilseq.expression.vdj_genes import vdj_genes

SHOWN = 5
LABEL = "genes taken as drawn one by one: ignores correlation of genes"


def over_representation(
    hits: Sequence[str],
    universe: Sequence[str],
    sets: Mapping[str, Sequence[str]],
    *,
    contrast: str | None = None,
    smallest: int = SMALLEST,
    largest: int = LARGEST,
) -> Enrichment:
    """Test whether a list of genes holds more genes of a set than as many drawn from the universe would.

    p is the upper tail of the hypergeometric distribution, the one-sided test of Fisher. Genes of a set are
    correlated, so it is for exploration.

    Parameters
    ----------
    hits
        Symbols, such as of genes that changed.
    universe
        Symbols of all genes that could have been hits, such as all that were tested: never all of the genome.
    sets
        Name of each set to its genes.
    contrast
        What the hits are of, for the table.
    smallest, largest
        Fewest and most genes of a set in the universe.

    Returns
    -------
    Enrichment
        Table `enrichment`: `fold` is hits in the set over those expected, `leading_edge` the hits. V(D)J genes are
        neither hits nor of the universe.

    Raises
    ------
    AnalysisError
        A hit is not in the universe, a gene stands twice in it, or either is empty.
    """
    genes = _without_vdj(universe)
    if len(set(genes)) < len(genes):
        twice = next(gene for gene in genes if genes.count(gene) > 1)
        raise AnalysisError("a gene stands twice in the universe", found=twice)
    drawn = set(_without_vdj(hits))
    strange = sorted(drawn - set(genes))
    if strange:
        raise AnalysisError("hits that are not in the universe", found=first_few(strange, SHOWN))
    if not drawn:
        raise AnalysisError("there is no hit to test")
    genes = sorted(genes)
    matched = match_sets(genes, sets, smallest, largest)
    is_hit = np.array([gene in drawn for gene in genes])
    found = matched.members.T @ is_hit.astype(np.int64)
    by_set = matched.members.tocsc()
    members = np.split(by_set.indices, by_set.indptr[1:-1]) if matched.names else []
    columns = {
        "fold": found / (matched.sizes * len(drawn) / len(genes)),
        "p": upper_tail(found, len(genes), matched.sizes, len(drawn)),
        "leading_edge": joined([[genes[row] for row in rows if is_hit[row]] for rows in members]),
    }
    table = set_rows(matched, columns, contrast=contrast, method="ora", exploratory=True, reason=LABEL)
    left = len(universe) - len(genes)
    return Enrichment(table, (f"V(D)J genes left out of the universe: {left}",) if left else ())


def _without_vdj(genes: Sequence[str]) -> list[str]:
    return [gene for gene, rearranged in zip(genes, vdj_genes(genes), strict=True) if not rearranged]
