"""Gene-set enrichment of a ranked list, for exploration."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tilseq.expression.enrichment import Enrichment, directions, joined, set_rows
from tilseq.expression.enrichment_score import enrichment_scores, leading_edges
from tilseq.expression.gene_order import Floats, checked_ranks, falling
from tilseq.expression.gene_permutation import PERMUTATIONS, gene_permutation
from tilseq.expression.set_members import LARGEST, SMALLEST, SetMembers, match_sets

Engine = Literal["multilevel", "permutation"]
LABEL = "gene permutation: ignores correlation of genes"
PANIC = "PanicException"  # of Rust, a BaseException that no module gives by name
# Ranks this much smaller than the mean are 0 to gseapy's whole numbers; many of them make its sort panic.
NEAR_ZERO, MOST_NEAR_ZERO = 1e-4, 0.05
SAMPLE_SIZE, LEAST_P = 101, 1e-50
NES_PERMUTATIONS = 1_000


MOST_TIED = 0.05  # of the ranks, above which every row says so


class _Tested(NamedTuple):
    nes: Floats
    p: Floats
    floor: Floats
    why: str


def preranked(
    ranks: ArrayLike,
    genes: Sequence[str],
    sets: Mapping[str, Sequence[str]],
    *,
    seed: int,
    contrast: str | None = None,
    engine: Engine = "multilevel",
    smallest: int = SMALLEST,
    largest: int = LARGEST,
    permutations: int = PERMUTATIONS,
) -> Enrichment:
    """Test gene sets in a ranked list against random sets of genes: for exploration, never for a claim.

    Genes of a set are correlated and random genes are not, so that far more than 5 % of sets have p < 0.05 where
    nothing changes. Every row says so.

    Parameters
    ----------
    ranks
        One a gene, such as moderated t: high is up.
    genes
        Symbols, unique. V(D)J genes are left out; genes of one rank stand in the order of their symbols.
    sets
        Name of each set to its genes.
    seed
        Of what is drawn.
    contrast
        What the ranks are of, for the table.
    engine
        ``multilevel``: gseapy's port of fgsea's adaptive splitting (Korotkevich et al., bioRxiv 060012), which reaches
        small p. ``permutation``: our own random sets, ``(1 + b) / (1 + m)``. The latter stands in, and the reason says
        so, where many ranks are at or near 0, as gseapy 1.3.1 cannot go on there.
    smallest, largest
        Fewest and most genes of a set among those ranked.
    permutations
        Random sets of each size, where permutations are made.

    Returns
    -------
    Enrichment
        Table `enrichment`, `exploratory` throughout.

    Raises
    ------
    AnalysisError
        A rank is NaN or infinite, a gene stands twice, or all ranks are equal.
    """
    values = checked_ranks(ranks, genes)
    matched = match_sets(values.genes, sets, smallest, largest)
    es = enrichment_scores(values.values, matched)
    tested = _multilevel(values.values, matched, seed) if engine == "multilevel" else None
    if tested is None:
        found = gene_permutation(values.values, es, matched, seed=seed, permutations=permutations)
        why = f"{LABEL}; many ranks are at or near 0, so {permutations:,} permutations stand in for multilevel"
        tested = _Tested(*found, why if engine == "multilevel" else LABEL)
    none = "; no random set has a score of this sign"
    weighty = values.values[values.values != 0]  # a rank of 0 adds nothing to a score
    tied = len(weighty) - len(np.unique(weighty))
    if tied > MOST_TIED * len(values.values):
        order = "ties stand in the order of symbols, so that sets of genes of like names are called falsely"
        tested = tested._replace(why=f"{tested.why}; {tied} of {len(values.values)} ranks are ties: {order}")
    columns = {
        "es": es,
        "nes": tested.nes,
        "direction": directions(es),
        "p": tested.p,
        "p_floor": tested.floor,
        "leading_edge": joined(leading_edges(values.values, matched, values.genes)),
        "reason": [tested.why + (none if np.isnan(p) else "") for p in tested.p],
    }
    table = set_rows(matched, columns, contrast=contrast, method="preranked", exploratory=True)
    return Enrichment(table, values.told)


def _multilevel(ranks: Floats, sets: SetMembers, seed: int) -> _Tested | None:
    """Return what gseapy finds, or None where it cannot."""
    sizes = np.abs(ranks)
    if not sets.names or np.mean(sizes < NEAR_ZERO * sizes.mean()) > MOST_NEAR_ZERO:
        return None
    import gseapy
    import pandas as pd

    # Names of our own, since gseapy brings some to upper case; sorted already, so that ties stay as they are.
    order = falling(ranks)
    names = np.array([f"G{row}" for row in range(len(ranks))])
    by_set = sets.members.tocsc()
    members = {str(i): names[rows].tolist() for i, rows in enumerate(np.split(by_set.indices, by_set.indptr[1:-1]))}
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # of ties, which are told already
    try:
        result = gseapy.prerank(
            pd.Series(ranks[order], index=names[order]),
            members,
            outdir=None,
            min_size=1,
            max_size=len(ranks),
            permutation_num=NES_PERMUTATIONS,
            ascending=None,
            threads=1,
            no_plot=True,
            seed=seed,
            method="multilevel",
            sample_size=SAMPLE_SIZE,
            eps=LEAST_P,
        ).res2d
    except BaseException as error:  # a panic of Rust is no Exception
        if type(error).__name__ != PANIC:
            raise
        return None
    finally:
        logging.disable(before)
    rows = result.set_index("Term").loc[[str(i) for i in range(len(sets.names))]]
    nes, p = (rows[column].to_numpy(float) for column in ("NES", "NOM p-val"))
    return _Tested(nes, p, np.full(len(p), LEAST_P), LABEL)
