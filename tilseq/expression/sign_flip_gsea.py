"""Gene-set enrichment within subjects, tested by flipping the signs of subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tilseq.errors import AnalysisError
from tilseq.expression.enrichment import Enrichment, directions, fold_changes, joined, set_rows
from tilseq.expression.enrichment_score import TIE, enrichment_scores, leading_edges, scores_in_order
from tilseq.expression.gene_order import Floats, checked_differences, falling
from tilseq.expression.set_members import LARGEST, SMALLEST, SetMembers, match_sets
from tilseq.expression.sign_flips import RANDOM_FLIPS, Flips, moderated_t, sign_flips

Statistic = Literal["mean", "es"]
STATISTICS: tuple[Statistic, ...] = ("mean", "es")
ALPHA = 0.05


class _Flipped(NamedTuple):
    """What the flips give: t of the data as they are, statistic, how many flips are as far from 0, mean absolute score.

    All but the first are one value a set.
    """

    t: Floats
    statistic: Floats
    extreme: Floats
    mean_score: Floats


def sign_flip_gsea(
    differences: ArrayLike,
    genes: Sequence[str],
    sets: Mapping[str, Sequence[str]],
    *,
    contrast: str,
    seed: int,
    statistic: Statistic = "mean",
    smallest: int = SMALLEST,
    largest: int = LARGEST,
    random_flips: int = RANDOM_FLIPS,
) -> Enrichment:
    """Test gene sets within subjects: the confirmatory test.

    Genes are ranked by the moderated t of the subjects' differences (Smyth 2004), and sets scored by the weighted
    Kolmogorov-Smirnov sum (Subramanian et al. 2005). If nothing changes, the sign of a subject's differences, of all
    its genes at once, is a matter of chance, however genes are correlated; so a set's statistic is held against those
    under all flips of subjects' signs (Fisher's randomisation of paired differences), each t worked out anew. The p
    value is the share of flips, the data as they are among them, whose statistic is as far from 0; the opposite flip
    gives the negative, so that half of all flips are enough. Of more than 12 subjects random flips are taken:
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
    statistic
        What p is of. ``mean``: the mean t of the set less the median of all genes, over their median absolute deviation
        (sums of t: Tian et al., PNAS 2005;102:13544; scaled within each permutation: Efron and Tibshirani, Ann Appl
        Stat 2007;1:107). ``es``: the enrichment score itself, which cannot pass 1: of a set that all subjects change
        strongly it is near 1 under many flips too, so that its p stays several times the smallest.
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
    if statistic not in STATISTICS:
        raise AnalysisError("no such statistic", found=statistic, expected=", ".join(STATISTICS))
    values = checked_differences(differences, genes)
    matched = match_sets(values.genes, sets, smallest, largest)
    flips = sign_flips(len(values.values), seed, random_flips)
    found = _flipped(values.values, flips, matched, statistic)
    es, mean = enrichment_scores(found.t, matched), found.mean_score
    columns = {
        "es": es,
        "nes": np.divide(es, mean, out=np.full(len(es), np.nan), where=mean > 0),
        "direction": directions(found.statistic),
        "statistic": found.statistic,
        "p": found.extreme / len(flips.signs),
        "leading_edge": joined(leading_edges(found.t, matched, values.genes)),
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


def standardised_means(ordered: Floats, means: Floats) -> Floats:
    """Return the mean t of each set less the median of all genes, over their median absolute deviation.

    Medians, so that one programme of many genes does not move all other sets.

    Where more than half of all t are the same their standard deviation stands in.

    Parameters
    ----------
    ordered
        Flips × genes: t from the greatest to the least.
    means
        Flips × sets: mean t of each set.
    """
    genes = ordered.shape[1]
    middle = (genes - 1) // 2, genes // 2
    centre = (ordered[:, middle[0]] + ordered[:, middle[1]]) / 2
    scale = sum(_nearest(ordered, centre, one + 1) for one in middle) / 2
    spread = ordered.std(axis=1)
    scale = np.where(scale > 0, scale, np.where(spread > 0, spread, 1.0))
    return np.asarray((means - centre[:, None]) / scale[:, None], float)


def _nearest(ordered: Floats, centre: Floats, count: int) -> Floats:
    """Return how far from its centre each row goes to have so many values: the shortest reach of as many neighbours."""
    above, below = ordered[:, : ordered.shape[1] - count + 1], ordered[:, count - 1 :]
    reach = np.maximum(above - centre[:, None], centre[:, None] - below)
    return np.asarray(reach.min(axis=1), float)


def _flipped(differences: Floats, flips: Flips, sets: SetMembers, statistic: Statistic) -> _Flipped:
    first, own = np.zeros(0), np.zeros(0)
    extreme, total = np.zeros(len(sets.names)), np.zeros(len(sets.names))
    for t in moderated_t(differences, flips.signs):
        order = falling(t)
        ordered = np.take_along_axis(t, order, axis=1)
        scores = scores_in_order(np.abs(ordered), order, sets)
        values = scores if statistic == "es" else standardised_means(ordered, (sets.sums @ t.T).T / sets.sizes)
        if not first.size:
            first, own = t[0], values[0]
        extreme += (np.abs(values) >= np.abs(own) * (1 - TIE)).sum(axis=0)
        total += np.abs(scores).sum(axis=0)
    return _Flipped(first, own, extreme, total / len(flips.signs))


def _floor_reason(subjects: int, floor: float) -> str | None:
    if floor <= ALPHA:
        return None
    return f"with {subjects} subjects the smallest p is {floor:g}, so that {ALPHA:g} cannot be reached; camera can"
