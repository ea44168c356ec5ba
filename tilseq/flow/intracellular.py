"""Cells that bear a cytokine, in a stimulated tube and in its unstimulated one: one threshold for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.gating import Gating
from tilseq.flow.quality import worst_of
from tilseq.flow.transform import arcsinh, cofactor
from tilseq.flow.tube import Floats
from tilseq.markers import cytokine_of

PARENT = "CD3+"
LEFT_OUT = ("DN T", "DP T")  # what is left of CD3+ by its built-in rules is no subset of its own
SPREADS = 3.5  # above the median on the arcsinh scale: 4.2 standard deviations of normal negatives on the linear one
TAIL, TAIL_SPREADS = 0.1, 1.2815515655446004  # quantile of a normal distribution, and its distance from the median
LEAST_NEGATIVES = 200


class Stained(NamedTuple):
    """What one tube shows of cytokines.

    Attributes
    ----------
    sample
        Name of the tube.
    values
        Cytokine → population → compensated linear values of its cells, CD3+ first.
    cd8
        Compensated linear values of CD8 of the CD3+ cells, which figures spread them by.
    verdict, reason
        Worst verdict on the tube's gates, and why.
    """

    sample: str
    values: Mapping[str, Mapping[str, Floats]]
    cd8: Floats
    verdict: str
    reason: str | None


class Counted(NamedTuple):
    """Cells of one population in one tube: how many bear a cytokine, of how many."""

    positive: int
    cells: int


def stained(gating: Gating) -> Stained:
    """Return the values of each cytokine stain in CD3+ and in the populations within it, of a tube gated with them.

    Left out are `DN T`, `DP T`, and populations that are told by a cytokine themselves.
    """
    names = _populations(gating)
    cytokines = [name for name in gating.values if name in gating.markers and cytokine_of(name) == name]
    values = {
        cytokine: {name: gating.values[cytokine][gating.populations[name].mask] for name in names}
        for cytokine in cytokines
    }
    bad = gating.quality.filter(gating.quality["verdict"] != "pass")
    told = [f"{row['check']}: {row['reason']}" for row in bad.iter_rows(named=True)]
    cd8 = gating.values["CD8"][gating.populations[PARENT].mask]
    return Stained(gating.sample, values, cd8, worst_of(gating.quality["verdict"]), "; ".join(told) or None)


def _populations(gating: Gating) -> list[str]:
    found: list[str] = []
    for name in gating.populations:
        rule = gating.rules.get(name)
        if rule is None or name in LEFT_OUT or not (name == PARENT or rule.parent in found):
            continue
        if not any(cytokine_of(marker) for marker in rule.markers):
            found.append(name)
    return found


def cytokine_threshold(unstimulated: Sequence[Stained], cytokine: str) -> float:
    """Return the threshold of a cytokine, from the CD3+ cells of an unstimulated tube or of its replicates together.

    It lies 3.5 standard deviations above the median on the arcsinh scale, whose cofactor is that of
    `transform.cofactor`. The standard deviation is told by the distance from the median to the 10 % or the 90 %
    quantile, whichever is further, so that negatives may be skewed, and a few per cent of cells that bear the cytokine
    unstimulated hardly count. Above it lie 1 in 50,000 normal negatives, 1 in 2,000 log-normal ones and 1 in 500 of
    Student's t with 5 degrees of freedom.

    Parameters
    ----------
    unstimulated
        Tubes without a stimulus.
    cytokine
        One that all of them bear.

    Returns
    -------
    float
        On the compensated linear scale.

    Raises
    ------
    AnalysisError
        The tubes hold fewer than 200 CD3+ cells, or all have one value.
    """
    values = np.concatenate([tube.values[cytokine][PARENT] for tube in unstimulated])
    if len(values) < LEAST_NEGATIVES:
        raise AnalysisError(
            f"too few unstimulated {PARENT} cells to find a threshold of {cytokine} by",
            found=len(values),
            expected=f"at least {LEAST_NEGATIVES}",
        )
    scale = cofactor(values)
    scaled = arcsinh(values, scale)
    low, middle, high = (float(place) for place in np.quantile(scaled, (TAIL, 0.5, 1 - TAIL)))
    spread = max(middle - low, high - middle) / TAIL_SPREADS
    return float(scale * np.sinh(middle + SPREADS * spread))


def count_positive(tubes: Sequence[Stained], cytokine: str, population: str, threshold: float) -> list[Counted]:
    """Count the cells of a population above a threshold, in each of some tubes."""
    found = (tube.values[cytokine][population] for tube in tubes)
    return [Counted(int(np.count_nonzero(values > threshold)), len(values)) for values in found]
