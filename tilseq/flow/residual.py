"""What compensation left: the light of a dye in a detector whose marker the cells lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tilseq.flow.quality import check
from tilseq.flow.tree import Population
from tilseq.flow.tube import Floats

# Population → markers that it bears, markers that it lacks.
KNOWN: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CD4+ T": (("CD3", "CD4"), ("CD8", "CD19", "CD16")),
    "CD8+ T": (("CD3", "CD8"), ("CD4", "CD19")),
    "B": (("CD19",), ("CD3", "CD4", "CD8")),
}
LEAST_EVENTS, MOST_LOOKED_AT = 200, 32_768
LARGEST_RESIDUAL = 5.0


class Residual(NamedTuple):
    """How much of a dye's light a detector sees after compensation: a slope, in percent."""

    population: str
    dye: str
    detector: str
    percent: float


def residuals(populations: Mapping[str, Population], values: Mapping[str, Floats]) -> list[Residual]:
    """Measure the spillover that is left between markers that cells bear and markers that they lack.

    Among cells of one kind the light of a marker that they lack does not depend on how bright they are in one that
    they bear. Its slope is told by the medians of the brighter and of the dimmer third, so that a few odd cells do not
    count. Of more than 32,768 cells every second is looked at, or every third, and so on.

    Parameters
    ----------
    populations
        Populations of one tube, by name.
    values
        Marker → compensated linear values of all events.

    Returns
    -------
    list of Residual
        One for each pair of markers in CD4+ T, CD8+ T and B cells of at least 200 events.
    """
    found = []
    for name, (borne, lacked) in KNOWN.items():
        if name not in populations or populations[name].events < LEAST_EVENTS:
            continue
        places = np.flatnonzero(populations[name].mask)
        places = places[:: -(-len(places) // MOST_LOOKED_AT)]
        own = {marker: values[marker][places] for marker in (*borne, *lacked) if marker in values}
        for dye in (marker for marker in borne if marker in own):
            low, high = np.quantile(own[dye], (1 / 3, 2 / 3))
            dim, bright = own[dye] <= low, own[dye] >= high
            rise = float(np.median(own[dye][bright]) - np.median(own[dye][dim]))
            for detector in (marker for marker in lacked if marker in own and rise > 0):
                seen = float(np.median(own[detector][bright]) - np.median(own[detector][dim]))
                found.append(Residual(name, dye, detector, 100 * seen / rise))
    return found


def check_residuals(
    sample: str, populations: Mapping[str, Population], values: Mapping[str, Floats]
) -> list[dict[str, Any]]:
    """Return the check of what compensation left, by the pair that it left most between; none without such cells."""
    found = residuals(populations, values)
    if not found:
        return []
    worst = max(found, key=lambda one: abs(one.percent))
    reason = f"of the light of {worst.dye} on {worst.population} shows in the detector of {worst.detector}"
    limit = f"within {LARGEST_RESIDUAL:g} %"
    return [check(sample, "residual spillover", worst.percent, limit, abs(worst.percent) <= LARGEST_RESIDUAL, reason)]
