"""What compensation left or took too much: the light of a dye in a detector of another marker."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.quality import check
from tilseq.flow.robust import ERROR_OF_MEDIAN, centre_and_spread, median, thinned
from tilseq.flow.tree import Population, Tree
from tilseq.flow.tube import Floats, Mask
from tilseq.populations import Rule

# Population → markers that it bears, markers that it lacks.
KNOWN: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CD4+ T": (("CD3", "CD4"), ("CD8", "CD19", "CD16")),
    "CD8+ T": (("CD3", "CD8"), ("CD4", "CD19")),
    "B": (("CD19",), ("CD3", "CD4", "CD8")),
}
LEAST_EVENTS, MOST_LOOKED_AT = 200, 32_768
FEWEST_OF_COMMON, STANDARD_ERRORS = 100, 3.0
LARGEST_RESIDUAL = 5.0


class Residual(NamedTuple):
    """How much of a dye's light a detector sees after compensation: a slope with its standard error, in percent."""

    population: str
    dye: str
    detector: str
    percent: float
    error: float

    @property
    def sure(self) -> bool:
        """Whether it is more than three standard errors, which few cells in a noisy detector reach by chance."""
        return abs(self.percent) > STANDARD_ERRORS * self.error


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
        places = thinned(places, MOST_LOOKED_AT)
        own = {marker: values[marker][places] for marker in (*borne, *lacked) if marker in values}
        for dye in (marker for marker in borne if marker in own):
            dim, bright = _thirds(own[dye])
            rise = float(median(own[dye][bright]) - median(own[dye][dim]))
            for detector in (marker for marker in lacked if marker in own and rise > 0):
                seen, error = _step(own[detector][dim], own[detector][bright])
                found.append(Residual(name, dye, detector, 100 * seen / rise, 100 * error / rise))
    return found


def taken_from_common(tree: Tree, rules: Mapping[str, Rule], common: str = "CD45") -> list[Residual]:
    """Find the dyes of which too much was taken out of the detector of a marker that all lymphocytes bear.

    Larger cells bear more of every marker: among cells of one kind it can rise with a dye, but does not fall. As cells
    that lost its light are no lymphocytes, cells are taken wherever they lie about the lymphocytes.

    Parameters
    ----------
    tree
        The gated tube.
    rules
        Population → rule.
    common
        The marker.

    Returns
    -------
    list of Residual
        One for each marker borne by CD4+ T, CD8+ T and B cells, of at least 100 events, with which it falls by more
        than three standard errors, between the medians of its brighter and its dimmer third as in `residuals`.
    """
    found = []
    for name, (borne, _) in KNOWN.items() if common in tree.values else ():
        mask = _wherever(tree, rules, name)
        places = np.flatnonzero(mask)
        if len(places) < FEWEST_OF_COMMON:
            continue
        places = thinned(places, MOST_LOOKED_AT)
        detected = tree.values[common][places]
        for dye in (marker for marker in borne if marker in tree.values):
            own = tree.values[dye][places]
            dim, bright = _thirds(own)
            seen, error = _step(detected[dim], detected[bright])
            rise = float(median(own[bright]) - median(own[dim]))
            if rise > 0 and seen < -STANDARD_ERRORS * error:
                found.append(Residual(name, dye, common, 100 * seen / rise, 100 * error / rise))
    return found


def _step(dim: Floats, bright: Floats) -> tuple[float, float]:
    """Return how far the median of the second lies above that of the first, and the standard error."""
    (low, below), (high, above) = (centre_and_spread(values) for values in (dim, bright))
    return high - low, ERROR_OF_MEDIAN * math.hypot(below / math.sqrt(len(dim)), above / math.sqrt(len(bright)))


def _wherever(tree: Tree, rules: Mapping[str, Rule], name: str) -> Mask:
    """Return the events that bear the signs of a population and of those above it, lymphocytes or not."""
    if name == "lymphocytes":
        return tree.mask(tree.populations[name].parent or "all events")
    if name not in tree.populations or name not in rules:
        return np.zeros(len(tree.values["CD3"]), dtype=bool)
    mask = tree.by_rule(rules[name], _wherever(tree, rules, rules[name].parent))
    return np.zeros(len(tree.values["CD3"]), dtype=bool) if mask is None else mask


def _thirds(values: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of the dimmer and of the brighter third."""
    low, high = np.quantile(np.sort(values), (1 / 3, 2 / 3))  # sorting first takes a third of the time
    return np.flatnonzero(values <= low), np.flatnonzero(values >= high)


def check_residuals(
    sample: str,
    populations: Mapping[str, Population],
    values: Mapping[str, Floats],
    more: Sequence[Residual] = (),
) -> list[dict[str, Any]]:
    """Return the check of what compensation left, by the pair that it left most between; none without such cells.

    More pairs, such as of `taken_from_common`, are looked at beside those of `residuals`. One within three standard
    errors of none is told only where there is no other, and passes.
    """
    found = [*residuals(populations, values), *more]
    if not found:
        return []
    worst = max(found, key=lambda one: (one.sure, abs(one.percent)))
    reason = f"of the light of {worst.dye} on {worst.population} shows in the detector of {worst.detector}"
    reason += "" if worst.sure else ", no more than chance"
    limit = f"within {LARGEST_RESIDUAL:g} %, or three standard errors"
    fine = not worst.sure or abs(worst.percent) <= LARGEST_RESIDUAL
    return [check(sample, "residual spillover", worst.percent, limit, fine, reason)]
