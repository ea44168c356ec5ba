"""Cells that bear a cytokine, in a stimulated tube and in its unstimulated one: one threshold for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.gated import Gating
from tilseq.flow.quality import worst_of
from tilseq.flow.transform import arcsinh, cofactor, negatives
from tilseq.flow.tube import Floats
from tilseq.markers import cytokine_of

PARENT = "CD3+"
LEFT_OUT = ("DN T", "DP T")  # what is left of CD3+ by its built-in rules is no subset of its own
SPREADS = 3.5  # above the median on the arcsinh scale: 4.2 standard deviations of normal negatives on the linear one
TAIL, TAIL_SPREADS = 0.1, 1.2815515655446004  # quantile of a normal distribution, and its distance from the median
BEARING = 10.0  # standard deviations above the densest place, linear
MOST_SKEWED = 2.0
LOWEST, QUARTER_SPREADS = 0.05, 0.970363876755391  # standard deviations from there to the 25 % quantile, if normal
LEAST_NEGATIVES = 200
# Negatives that lie so many standard deviations elsewhere, or are so much wider, are told; beyond that they are unlike.
MOST_SHIFT, MOST_WIDTH, UNLIKE_SHIFT = 0.5, 1.25, 2.0


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
    channels
        Cytokine → channel ($PnN).
    """

    sample: str
    values: Mapping[str, Mapping[str, Floats]]
    cd8: Floats
    verdict: str
    reason: str | None
    channels: Mapping[str, str] = MappingProxyType({})


class Moved(NamedTuple):
    """Where the negatives of stimulated tubes lie, held against those of the unstimulated.

    Attributes
    ----------
    shift
        How far they lie above, in standard deviations of the unstimulated ones.
    width
        Their standard deviation over that of the unstimulated.
    threshold
        What lies as far above them as the unstimulated threshold above its own, on the compensated linear scale.
    """

    shift: float
    width: float
    threshold: float


class Counted(NamedTuple):
    """Cells of one population in one tube: how many bear a cytokine, of how many."""

    positive: int
    cells: int


def cut_alike(gatings: Sequence[Gating]) -> dict[str, tuple[float, float]]:
    """Return within which values cells of tubes that are held against each other must lie: marker → least and most.

    These are the highest cut of CD3 and the lowest of the viability dye. What slips past a lax cut are monocytes and
    dead cells, which shine in every channel: one tube's alone would look like a response. A marker that is in several
    channels, or in a channel of one tube that holds one value only, is left out.
    """
    within = {}
    for marker in (PARENT.rstrip("+"), "viability"):
        cuts = [cut.threshold for gating in gatings for (name, _), cut in gating.cuts.items() if name == marker]
        borne = all(marker in gating.values for gating in gatings)
        if cuts and borne and len({gating.markers.get(marker) for gating in gatings}) == 1:
            within[marker] = (-np.inf, min(cuts)) if marker == "viability" else (max(cuts), np.inf)
    return within


def stained(gating: Gating, within: Mapping[str, tuple[float, float]] | None = None) -> Stained:
    """Return the values of each cytokine stain in CD3+ and in the populations within it, of a tube gated with them.

    Left out are `DN T`, `DP T`, populations that are told by a cytokine themselves, and cells that lie outside of
    `within`, see `cut_alike`.

    Parameters
    ----------
    gating
        A tube gated by `gate` with `cytokines`.
    within
        Marker → above which value and up to which cells count, on the compensated linear scale; None for all cells.

    Returns
    -------
    Stained
        Without a cytokine where no channel of one was found.
    """
    names = _populations(gating)
    cytokines = [name for name in gating.values if name in gating.markers and cytokine_of(name) == name]
    kept = np.ones(len(gating.values["CD3"]), dtype=bool)
    for marker, (least, most) in (within or {}).items():
        kept &= (gating.values[marker] > least) & (gating.values[marker] <= most)
    masks = {name: gating.populations[name].mask & kept for name in names}
    values = {cytokine: {name: gating.values[cytokine][mask] for name, mask in masks.items()} for cytokine in cytokines}
    bad = gating.quality.filter(gating.quality["verdict"] != "pass")
    told = [f"{row['check']}: {row['reason']}" for row in bad.iter_rows(named=True)]
    cd8 = gating.values["CD8"][masks[PARENT]]
    verdict, channels = worst_of(gating.quality["verdict"]), {name: gating.markers[name] for name in cytokines}
    return Stained(gating.sample, values, cd8, verdict, "; ".join(told) or None, channels)


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
    quantile, whichever is further, the upper one twice as far at most, so that negatives may be skewed. Cells ten
    standard deviations brighter
    than the densest place count for bearing the cytokine and take no part. Above it lie 1 in 50,000 normal negatives,
    1 in 1,200 log-normal ones and 1 in 500 of Student's t with 5 degrees of freedom.

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
        The tubes hold fewer than 200 CD3+ cells that do not bear it, or most of these have one value.
    """
    every = _linear(unstimulated, cytokine)
    if len(every) < LEAST_NEGATIVES:
        raise _too_few(cytokine, len(every))
    middle, spread = negatives(every)
    values = every[every <= middle + BEARING * spread]
    if len(values) < LEAST_NEGATIVES:
        raise _too_few(cytokine, len(values))
    scale = cofactor(every)
    scaled = arcsinh(values, scale)
    low, median, high = (float(place) for place in np.quantile(scaled, (TAIL, 0.5, 1 - TAIL)))
    below, above = median - low, high - median
    spread = (max(below, min(above, MOST_SKEWED * below)) if below > 0 else above) / TAIL_SPREADS
    if spread <= 0:
        raise AnalysisError(
            f"most unstimulated {PARENT} cells have one value of {cytokine}: there is no threshold to find",
            found=float(scale * np.sinh(median)),
            expected="a spread of values",
            mend="set a threshold",
        )
    return float(scale * np.sinh(median + SPREADS * spread))


def _linear(tubes: Sequence[Stained], cytokine: str) -> Floats:
    return np.concatenate([tube.values[cytokine][PARENT] for tube in tubes])


def _too_few(cytokine: str, found: int) -> AnalysisError:
    return AnalysisError(
        f"too few unstimulated {PARENT} cells to find a threshold of {cytokine} by",
        found=found,
        expected=f"at least {LEAST_NEGATIVES}",
    )


def negatives_moved(
    unstimulated: Sequence[Stained], stimulated: Sequence[Stained], cytokine: str, threshold: float
) -> Moved | None:
    """Return how the negatives of stimulated tubes lie to those of unstimulated ones, and the threshold that fits them.

    Negatives are the CD3+ cells up to the threshold. They are told by their 5 and 25 % quantiles, as dim cells that
    bear the cytokine hide among the upper ones; linear, so that an offset and a gain are both seen as what they are.

    Parameters
    ----------
    unstimulated, stimulated
        Tubes of one pair.
    cytokine
        One that all of them bear.
    threshold
        That of the unstimulated, on the compensated linear scale.

    Returns
    -------
    Moved or None
        None where fewer than 200 negatives of either tell it, or they have one value.
    """
    found = []
    for tubes in (unstimulated, stimulated):
        values = _linear(tubes, cytokine)
        below = values[values <= threshold]
        if len(below) < LEAST_NEGATIVES:
            return None
        low, quarter = (float(place) for place in np.quantile(below, (LOWEST, 0.25)))
        found.append((quarter, (quarter - low) / QUARTER_SPREADS))
    (place, spread), (moved, width) = found
    if min(spread, width) <= 0:
        return None
    return Moved((moved - place) / spread, width / spread, moved + (threshold - place) * width / spread)


def told_of_moved(moved: Moved | None, source: str) -> tuple[str, str | None]:
    """Return the verdict on a pair whose negatives moved so, and why; `source` is that of its threshold."""
    if moved is None:
        return "warn", f"too few {PARENT} cells below the threshold to tell whether negatives moved between the tubes"
    if abs(moved.shift) <= MOST_SHIFT and 1 / MOST_WIDTH <= moved.width <= MOST_WIDTH:
        return "pass", None
    told = (
        f"negatives moved by {moved.shift:+.1f} of their standard deviations and spread {moved.width:.2g} times as wide"
    )
    if source == "settings":
        return "warn", f"{told}: the threshold that was set is used all the same"
    if abs(moved.shift) > UNLIKE_SHIFT:
        return "fail", f"{told}: the tubes are not alike; set a threshold for both if they are"
    return "warn", f"{told}: {'the threshold is raised' if source == 'stimulated' else 'dim cells may be missed'}"


def count_positive(tubes: Sequence[Stained], cytokine: str, population: str, threshold: float) -> list[Counted]:
    """Count the cells of a population above a threshold, in each of some tubes.

    Parameters
    ----------
    tubes
        What `stained` returns.
    cytokine, population
        Names in `Stained.values` of each tube.
    threshold
        On the compensated linear scale.

    Returns
    -------
    list of Counted
        One a tube, in their order.
    """
    found = (tube.values[cytokine][population] for tube in tubes)
    return [Counted(int(np.count_nonzero(values > threshold)), len(values)) for values in found]
