"""Gene-set enrichment within subjects, tested by flipping the signs of subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from tilseq.expression.enrichment import Enrichment, directions, fold_changes, joined, set_rows
from tilseq.expression.enrichment_score import enrichment_scores, leading_edges
from tilseq.expression.gene_order import Floats, checked_differences
from tilseq.expression.set_members import LARGEST, SMALLEST, SetMembers, match_sets
from tilseq.expression.sign_flips import RANDOM_FLIPS, Flips, moderated_t, sign_flips

ALPHA = 0.05
TIE = 1e-9  # scores nearer than this are equal: flips that only rounding tells apart


def sign_flip_gsea(
    differences: ArrayLike,
    genes: Sequence[str],
    sets: Mapping[str, Sequence[str]],
    *,
    contrast: str,
    seed: int,
    smallest: int = SMALLEST,
    largest: int = LARGEST,
    random_flips: int = RANDOM_FLIPS,
) -> Enrichment:
    """Test gene sets within subjects: the confirmatory test.

    Genes are ranked by the moderated t of the subjects' differences (Smyth 2004), sets scored by the weighted
    Kolmogorov-Smirnov sum (Subramanian et al. 2005). If nothing changes, the sign of a subject's differences, of all
    its genes at once, is a matter of chance, however genes are correlated; so the score is held against those under
    all flips of subjects' signs (Fisher's randomisation of paired differences), each ranked anew. The p value is the
    share of flips, the data as they are among them, whose score is as far from 0; the score under the opposite flip is
    the negative, so that half of all flips are enough. Of more than 12 subjects random flips are taken:
    ``(1 + b) / (1 + m)``.

    Parameters
    ----------
    differences
        Subjects × genes: within each subject, log2 counts per million of one state less those of the other
        (`subject_contrasts`).
    genes
        Symbol of each column, unique. V(D)J genes and genes that change in no subject are left out.
    sets
        Name of each set to its genes.
    contrast
        What the differences are of, for the table.
    seed
        Of random flips; not looked at with 12 subjects or fewer.
    smallest, largest
        Fewest and most genes of a set among those ranked.
    random_flips
        How many, with more than 12 subjects.

    Returns
    -------
    Enrichment
        Table `enrichment`. `nes` is the score over the mean of the flips' absolute scores (as scores of either sign
        mirror each other, the mean of those of its sign). Where `p_floor` is above 0.05 the reason says that 0.05
        cannot be reached.

    Raises
    ------
    AnalysisError
        There are fewer than two subjects, a difference is missing or infinite, a gene stands twice, or no gene varies.
    """
    values = checked_differences(differences, genes)
    matched = match_sets(values.genes, sets, smallest, largest)
    flips = sign_flips(len(values.values), seed, random_flips)
    t, extreme, mean = _flipped(values.values, flips, matched)
    es = enrichment_scores(t, matched)
    nes = np.divide(es, mean, out=np.full(len(es), np.nan), where=mean > 0)
    columns = {
        "es": es,
        "nes": nes,
        "direction": directions(es),
        "p": extreme / len(flips.signs),
        "leading_edge": joined(leading_edges(t, matched, values.genes)),
        **fold_changes(values.values, matched),
    }
    subjects = len(values.values)
    table = set_rows(
        matched,
        columns,
        contrast=contrast,
        p_floor=flips.floor,
        method="sign_flip",
        exploratory=False,
        subjects=subjects,
        reason=_floor_reason(subjects, flips.floor),
    )
    return Enrichment(table, values.told)


def _flipped(differences: Floats, flips: Flips, sets: SetMembers) -> tuple[Floats, Floats, Floats]:
    """Return the t of the data as they are, how many flips score as far from 0, and the mean absolute score."""
    first, own = np.zeros(0), np.zeros(0)
    extreme, total = np.zeros(len(sets.names)), np.zeros(len(sets.names))
    for block in moderated_t(differences, flips.signs):
        for t in block:
            score = np.abs(enrichment_scores(t, sets))
            if not first.size:
                first, own = t, score
            extreme += score >= own - TIE
            total += score
    return first, extreme, total / len(flips.signs)


def _floor_reason(subjects: int, floor: float) -> str | None:
    if floor <= ALPHA:
        return None
    return f"with {subjects} subjects the smallest p is {floor:g}, so that {ALPHA:g} cannot be reached; camera can"
