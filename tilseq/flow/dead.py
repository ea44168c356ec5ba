"""Dead cells in a tube without a viability dye: what still tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tilseq.flow.quality import check
from tilseq.flow.robust import MAD_TO_SD, centre_and_spread, median
from tilseq.flow.tree import Population
from tilseq.flow.tube import Floats, Mask
from tilseq.populations import T_CELLS, Rule

# T cells → markers that they lack. Dead cells take up antibody of every kind; CD16 and CD56 can be of one channel.
LACKED: Mapping[str, tuple[str, ...]] = {"CD4+ T": ("CD8", "CD19", "CD16", "CD56"), "CD8+ T": ("CD4", "CD19")}
# T cells of several markers, and those left over, are few, so that dead cells can be many of them.
LACKED_BY_FEW: Mapping[str, tuple[str, ...]] = dict.fromkeys(("DN T", "DP T"), ("CD19", "CD16", "CD56"))
LEAST_EVENTS, LEAST_CHANNELS = 200, 2
RAISED_SPREADS, LIVING_SPREADS = 4.0, 1.0  # above the living, in every channel
SMALLEST_SPREAD = 1e-6
SMALLER_SPREADS = 1.0  # of forward scatter: monocytes, to which antibody sticks too, are larger
MOST_ABERRANT = 5.0  # % of T cells; simulated blood with 3 % of dead cells has 0.5 to 3 %, with 25 % 7 to 12 %
NAME, LIMIT = (
    "dead cells without a dye",
    f"at most {MOST_ABERRANT:g} % of T cells, smaller and with antibody of every kind",
)
LEAST_T_CELLS = 20  # that tell how bright one without the marker is
MOST_OF_FEW, FEWEST_OF_FEW = 50.0, 20  # %, and events from which on they warn
OF_FEW = "{} without a dye"
LIMIT_OF_FEW = f"at most {MOST_OF_FEW:g} % of them, of {FEWEST_OF_FEW} events or more, with antibody of every kind"
COUNTED = "there is no viability dye, and dead cells that still stain are counted as living"


def check_undyed(
    sample: str, populations: Mapping[str, Population], values: Mapping[str, Floats], channels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the check of dead cells in a tube without a viability dye; none where there is one.

    A dead cell that still bears its stains shrinks and takes up antibody of every kind. Told are the T cells that lie
    four spreads above the others in each of two or more channels of markers that they lack. They are but a part of the
    dead ones, a third to a half of simulated ones: their share is a sign, no measure, and nothing is left out.

    Parameters
    ----------
    sample
        Name of the tube.
    populations
        Populations of the tube, by name.
    values
        Marker → compensated linear values of all events, FSC-A among them.
    channels
        Marker → channel.
    """
    if "viability" in values:
        return []
    aberrant, living, total = _aberrant(populations, values, channels)
    number = int(np.count_nonzero(aberrant))
    if total < LEAST_EVENTS:
        reason = f"not available: too few T cells with two markers that they lack; {COUNTED}"
        return [check(sample, NAME, None, LIMIT, True, reason)]
    share = 100 * number / total
    if share <= MOST_ABERRANT:
        return [check(sample, NAME, share, LIMIT, True, f"few to be seen, but {COUNTED}")]
    size = np.log(np.maximum(values["FSC-A"], np.finfo(np.float32).tiny))
    middle, spread = centre_and_spread(size[living if living.any() else aberrant])
    smaller = middle - float(median(size[aberrant])) >= SMALLER_SPREADS * spread
    seen = "smaller than the others" if smaller else "not smaller than the others, as dead ones would be"
    reason = f"{share:.2g} % of T cells take up antibody of every kind and are {seen}"
    reason += f": many are dead, and {COUNTED}" if smaller else f"; {COUNTED}"
    return [check(sample, NAME, share, LIMIT, not smaller, reason)]


def dead_among(
    populations: Mapping[str, Population],
    rules: Mapping[str, Rule],
    values: Mapping[str, Floats],
    channels: Mapping[str, str],
) -> dict[str, Mask]:
    """Tell for populations of few T cells which events bear every marker that these lack, by a built-in rule.

    Of simulated blood without a viability dye none of such DP T were living T cells, of such DN T one in four hundred,
    and they were three quarters or more of the dead cells there; monocytes to which antibody sticks are told with them.
    Bright is four spreads above T cells in general. A tube with a dye, fewer than 20 T cells or fewer than two channels
    of such markers has none told.

    Parameters
    ----------
    populations
        Populations of the tube, by name.
    rules
        Population → its rule.
    values, channels
        As for `check_undyed`.

    Returns
    -------
    dict
        Population → one boolean an event of the tube, of the population or not.
    """
    found: dict[str, Mask] = {}
    whole = populations["CD3+"].mask
    if "viability" in values or np.count_nonzero(whole) < LEAST_T_CELLS:
        return found
    for name, lacked in LACKED_BY_FEW.items():
        own = {channels[marker]: values[marker] for marker in lacked if marker in values}
        if name in populations and rules.get(name) == T_CELLS[name] and len(own) >= LEAST_CHANNELS:
            spreads = [_spreads_above(column, column[whole]) for column in own.values()]
            found[name] = (np.array(spreads) > RAISED_SPREADS).all(axis=0)
    return found


def number_dead(populations: Mapping[str, Population], dead: Mapping[str, Mask]) -> dict[str, int]:
    """Return how many events of each population are dead, of those by which `dead_among` tells."""
    return {name: int(np.count_nonzero(mask & populations[name].mask)) for name, mask in dead.items()}


def of_dead(events: int, dead: int) -> str:
    """Return in words what part of a population bears every marker that it lacks."""
    return f"{dead} of {events} events take up antibody of every kind, as dead cells do: an upper bound"


def check_few(sample: str, populations: Mapping[str, Population], dead: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the checks of dead cells among few T cells, see `dead_among`."""
    rows = []
    for name, number in dead.items():
        events = populations[name].events
        share = 100 * number / events if events else None
        passed = share is None or share <= MOST_OF_FEW or events < FEWEST_OF_FEW
        reason = of_dead(events, number) if number else "none take up antibody of every kind, as dead cells do"
        rows.append(check(sample, OF_FEW.format(name), share, LIMIT_OF_FEW, passed, reason))
    return rows


def _aberrant(
    populations: Mapping[str, Population], values: Mapping[str, Floats], channels: Mapping[str, str]
) -> tuple[Mask, Mask, int]:
    """Return the T cells that are bright in every marker that they lack, those that are so in none, and of how many."""
    aberrant = np.zeros(len(values["FSC-A"]), dtype=bool)
    living, total = aberrant.copy(), 0
    for name, lacked in LACKED.items():
        own = {channels[marker]: values[marker] for marker in lacked if marker in values}
        if name not in populations or len(own) < LEAST_CHANNELS:
            continue
        places = np.flatnonzero(populations[name].mask)
        if len(places) < LEAST_EVENTS / 2:
            continue
        total += len(places)
        spreads = np.array([_spreads_above(column[places], column[places]) for column in own.values()])
        aberrant[places] = (spreads > RAISED_SPREADS).all(axis=0)
        living[places] = (spreads <= LIVING_SPREADS).all(axis=0)
    return aberrant, living, total


def _spreads_above(values: Floats, cells: Floats) -> Floats:
    """Return how many spreads values lie above those of the living among some cells.

    Their middle is that of the shortest interval that holds half of all values (the shorth; Andrews et al., 1972),
    their spread that of what lies below it, which brighter ones cannot widen.
    """
    ordered, half = np.sort(cells), len(cells) // 2
    start = int(np.argmin(ordered[half:] - ordered[: len(ordered) - half]))
    middle = (ordered[start] + ordered[start + half]) / 2
    spread = MAD_TO_SD * median(middle - ordered[ordered <= middle])
    # Values that do not vary, as on the floor of a detector, leave no spread: all brighter ones are raised.
    return np.asarray((values - middle) / max(float(spread), SMALLEST_SPREAD), dtype=np.float32)
