"""Which cells make interferon-gamma: with a stimulus, and without."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from tilseq.simulate.clinic.lesions import KILL_PER_DAY, Lesion
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.states import LINEAGES, STATES

# All round figures. Shares without a stimulus, between which a specimen's own lies, evenly on the log scale.
BACKGROUND = (0.0002, 0.003)
# Share of the cells that answer, by state in the order of STATES: of CD8+ cells that know the tumour, given a tumour
# that shows itself; and of all CD8+ cells, given PMA and ionomycin. Terminal exhaustion takes interferon last of all
# cytokines (Wherry and others, J Virol 2003;77:4911).
TO_TUMOR = np.array([0.0, 0.35, 0.50, 0.70, 0.45, 0.15])
TO_PMA = np.array([0.03, 0.30, 0.40, 0.70, 0.55, 0.35])
# Share of that in CD4+ cells: few tumours show them peptides on class II.
CD4_OF_CD8 = {"autologous tumour": 0.4, "PMA/ionomycin": 0.5}
OTHERS_TO_PMA = {"DN T": 0.35, "DP T": 0.35, "NK": 0.30}
HALF_SEEN_PER_DAY = KILL_PER_DAY / 2  # kill rate of a tumour that sets off half of the cells that know it
TUBE_SPREAD = 0.15  # of the natural logarithm of the odds of making interferon, between tubes of one specimen


def visibility_of(tumor: Lesion) -> float:
    """Return how well a tumour shows itself to the cells that know it, from 0 to 1.

    That is by the same traits for which it is killed in the body, so that who responds has cells that answer::

        (1 - resistant share) · k / (k + half the median rate of killing)

    Parameters
    ----------
    tumor
        The lesion whose cells are the stimulus.
    """
    seen = tumor.kill_per_day / (tumor.kill_per_day + HALF_SEEN_PER_DAY)
    return (1 - tumor.resistant_share) * seen


def background(rng: np.random.Generator) -> dict[str, float]:
    """Draw the share of each kind of cell of one specimen that makes interferon without a stimulus."""
    kinds = (*(f"{lineage}+ T" for lineage in LINEAGES), *OTHERS_TO_PMA)
    low, high = np.log(BACKGROUND)
    return dict(zip(kinds, np.exp(rng.uniform(low, high, len(kinds))).tolist(), strict=True))


def answering(specimen: Specimen, clones: pl.DataFrame, stimulus: str | None, visibility: float) -> dict[str, float]:
    """Return the share of each kind of cell of a specimen that a stimulus sets off.

    Parameters
    ----------
    specimen
        What it holds; clones × states as `clones` has them.
    clones
        `lineage` and `reactive` of each clone.
    stimulus
        One of `CD4_OF_CD8`, or None for no stimulus.
    visibility
        How well the tumour shows itself, as `visibility_of` returns it.

    Returns
    -------
    dict
        Kind of cell → share from 0 to 1; a kind that is left out does not answer.
    """
    if stimulus is None:
        return {}
    every = specimen.infused + specimen.endogenous
    lineage, reactive = clones["lineage"].to_numpy(), clones["reactive"].to_numpy()
    by_tumor = stimulus == "autologous tumour"
    shares = {} if by_tumor else dict(OTHERS_TO_PMA)
    rates = visibility * TO_TUMOR if by_tumor else TO_PMA
    for name in LINEAGES:
        of_lineage = lineage == name
        whole = float(every[of_lineage].sum()) + specimen.naive[name]
        able = every[of_lineage & reactive if by_tumor else of_lineage].sum(axis=0)
        if not by_tumor:
            able[STATES.index("naive")] += specimen.naive[name]
        factor = CD4_OF_CD8[stimulus] if name == "CD4" else 1.0
        shares[f"{name}+ T"] = factor * float((able * rates).sum()) / whole if whole else 0.0
    return shares


def together(without: Mapping[str, float], answer: Mapping[str, float]) -> dict[str, float]:
    """Return the share of each kind that makes interferon: of its own accord, or because a stimulus sets it off."""
    return {kind: share + answer.get(kind, 0.0) * (1 - share) for kind, share in without.items()}


def in_tube(rng: np.random.Generator, shares: Mapping[str, float]) -> dict[str, float]:
    """Draw what the shares are in one tube: its cells were rested and stimulated a little better or worse.

    One factor of all kinds acts on the odds, so that a share stays below 1.
    """
    factor = float(np.exp(rng.normal(0, TUBE_SPREAD)))
    return {kind: factor * share / (1 - share + factor * share) for kind, share in shares.items()}
