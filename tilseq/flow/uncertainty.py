"""What the placing of gates adds to counting: every cut moved to both ends of where it could as well lie."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.gating import Gating
from tilseq.flow.lymphocytes import distance
from tilseq.flow.tree import Cut
from tilseq.flow.tube import Mask

Places = NDArray[np.intp]
Limits = tuple[float, float]
# For each cut, at its lower and at its upper end, two counts: of a part and its whole, or of the two of a ratio.
Ends = Iterable[Sequence[tuple[int, int]]]

# What is left even where every valley is empty, as standard deviations, found on simulated tubes of known truth (see
# benchmarks/RESULTS.md): of the logit of a share; of the share itself by cells that seem to bear a marker, as clumps of
# antibody do; of the share of those that bear a marker and took the stain too poorly to be seen; and of the share of
# lymphocytes that are other cells.
FLOOR, MISPLACED, LOST, IMPURE = 0.022, 1.5e-4, 0.0015, 0.01
IMPURE_OF_RARE = 0.09  # where T cells are rare and lymphocytes are looked for where other tubes have them
FLOOR_OF_COUNTS = 0.01  # the same of the logarithm of a count
Z = 1.959963984540054


class Shift(NamedTuple):
    """Events of every population with one cut moved to its lower and to its upper end."""

    lower: Mapping[str, int]
    upper: Mapping[str, int]


def shifts(gating: Gating) -> dict[str, Shift]:
    """Count the populations again with each cut moved, the others in place.

    Returns
    -------
    dict
        Name of the cut, its marker and parent, or `lymphocytes` for their radius → events of each population. A cut
        that someone set has no ends and is not moved.
    """
    found = {}
    for cut in gating.cuts.values():
        if cut.lower is not None and cut.upper is not None:
            moved = [_with_cut(gating, cut, end) for end in (cut.lower, cut.upper)]
            found[f"{cut.marker} of {cut.parent}"] = Shift(*moved)
    if gating.region is not None:
        away = distance({name: gating.values[name] for name in gating.region.centre}, gating.region)
        moved = [_with_radius(gating, away, end) for end in (gating.region.lower, gating.region.upper)]
        found["lymphocytes"] = Shift(*moved)
    return found


def _with_cut(gating: Gating, cut: Cut, end: float) -> dict[str, int]:
    values = gating.values[cut.marker]
    between = (values > min(end, cut.threshold)) & (values <= max(end, cut.threshold))
    places = np.flatnonzero(between & gating.populations[cut.parent].mask)
    cuts = {**gating.cuts, (cut.marker, cut.parent): cut._replace(threshold=end)}
    lymphocytes = gating.populations["lymphocytes"].mask[places]
    return _counts(gating, places, cuts, lymphocytes)


def _with_radius(gating: Gating, away: NDArray[np.float32], end: float) -> dict[str, int]:
    assert gating.region is not None
    population, radius = gating.populations["lymphocytes"], gating.region.radius
    between = (away > min(end, radius)) & (away <= max(end, radius))
    for cut in gating.cuts.values():
        if cut.parent == population.parent and cut.marker in ("FSC-A", "SSC-A", "CD45"):
            between &= (gating.values[cut.marker] > cut.threshold) != (cut.marker == "SSC-A")
    places = np.flatnonzero(between & gating.populations[population.parent or ""].mask)
    return _counts(gating, places, gating.cuts, np.full(len(places), end > radius))


def _counts(gating: Gating, places: Places, cuts: Mapping[tuple[str, str], Cut], lymphocytes: Mask) -> dict[str, int]:
    """Return the events of every population when those at some places are sorted anew."""
    events = {name: population.events for name, population in gating.populations.items()}
    for name, mask in _sorted_anew(gating, places, cuts, lymphocytes):
        events[name] += int(np.count_nonzero(mask)) - int(np.count_nonzero(gating.populations[name].mask[places]))
    return events


def _sorted_anew(
    gating: Gating, places: Places, cuts: Mapping[tuple[str, str], Cut], lymphocytes: Mask
) -> Iterator[tuple[str, Mask]]:
    masks = {"lymphocytes": lymphocytes}
    yield "lymphocytes", lymphocytes
    for name, rule in gating.rules.items():
        mask = masks[rule.parent] if rule.parent in masks else gating.populations[rule.parent].mask[places]
        for condition in rule.conditions:
            signs = [sign for sign in condition if (sign.marker, rule.parent) in cuts]
            over = [
                (gating.values[sign.marker][places] > cuts[sign.marker, rule.parent].threshold) == sign.positive
                for sign in signs
            ]
            mask = mask & np.logical_or.reduce(over)
        masks[name] = mask
        yield name, mask


def with_gates(events: int, total: int, counting: Limits, ends: Ends, *, misplaced: float) -> tuple[Limits, Limits]:
    """Join the limits of a share from counting with what the placing of gates adds.

    On the logit scale the distance to a limit is the root of the sum of squares: of the distance to the counting
    limit, of the furthest that each moved cut takes the share on that side, and of a floor. On the scale of shares
    what is misplaced and lost whatever the cut is joined in the same way.

    Parameters
    ----------
    events, total
        Events of the part and of the whole, at least one of the whole.
    counting
        Limits of counting alone, as fractions.
    ends
        For each cut the events of part and whole at its lower and at its upper end.
    misplaced
        Standard deviation of the share by cells that are misplaced whatever the cut, see `misplaced`.

    Returns
    -------
    both, gates
        Limits as fractions: of both together, and of gating alone.
    """
    share, middle = events / total, _logit(events, total - events)
    down, up = _reach(middle, ([_logit(part, whole - part) for part, whole in pair] for pair in ends))
    lower = _share(middle - math.hypot(middle - _of_share(counting[0]), down)) if events else 0.0
    upper = _share(middle + math.hypot(_of_share(counting[1]) - middle, up)) if events < total else 1.0
    gates = _at_least(Z * misplaced, share, _share(middle - down), _share(middle + up))
    return _at_least(Z * misplaced, share, lower, upper), gates


def misplaced(share: float, *, lacking: bool, impure: float = 0.0) -> float:
    """Return the standard deviation of a share by cells that are misplaced whatever the cut.

    A part that is told by a marker that it bears loses some of its own; one that is told by markers that it lacks
    alone gains what the others lose. `impure` is the standard deviation of the part of the whole that does not belong.
    """
    return math.hypot(MISPLACED, LOST * (1 - share if lacking else share), impure * share)


def ratio_with_gates(a: int, b: int, counting: Limits, ends: Ends) -> tuple[Limits, Limits]:
    """Join the limits of the ratio a / b as `with_gates` does those of the share of a, of which it is the odds.

    Without a count nothing is known, and the limits are NaN.
    """
    if not a + b:
        return (math.nan, math.nan), (math.nan, math.nan)
    shares = (counting[0] / (1 + counting[0]), 1 - 1 / (1 + counting[1]))
    share = a / (a + b)
    # Each of the two loses some of its own.
    lost = math.hypot(MISPLACED, math.sqrt(2) * LOST * share * (1 - share))
    both, gates = with_gates(a, a + b, shares, ([(x, x + y) for x, y in pair] for pair in ends), misplaced=lost)
    return (_odds(both[0]), _odds(both[1])), (_odds(gates[0]), _odds(gates[1]))


def log_sds(gating: Gating) -> dict[str, float]:
    """Return what the placing of gates adds to the error of each population's count.

    Returns
    -------
    dict
        Population → standard deviation of the logarithm of its number of events: of the furthest that each moved cut
        takes it as half the width of a 95 % interval, and of a floor, the root of the sum of squares.
    """
    moved = shifts(gating).values()
    sds = {}
    for name, population in gating.populations.items():
        middle = math.log(population.events + 0.5)
        squares = [max(abs(math.log(end[name] + 0.5) - middle) for end in shift) ** 2 for shift in moved]
        sds[name] = math.hypot(math.sqrt(sum(squares)) / Z, FLOOR_OF_COUNTS)
    return sds


def _at_least(least: float, share: float, lower: float, upper: float) -> Limits:
    return max(0.0, share - math.hypot(share - lower, least)), min(1.0, share + math.hypot(upper - share, least))


def _reach(middle: float, ends: Iterable[Sequence[float]]) -> Limits:
    """Return how far moved cuts and the floor reach below and above a middle, each as a root of a sum of squares."""
    down = up = (Z * FLOOR) ** 2
    for pair in ends:
        down += max(0.0, middle - min(pair)) ** 2
        up += max(0.0, max(pair) - middle) ** 2
    return math.sqrt(down), math.sqrt(up)


def _logit(a: float, b: float) -> float:
    """Return the logarithm of a / b with half an event more on each side, so that none is infinite."""
    return math.log((a + 0.5) / (b + 0.5))


def _of_share(share: float) -> float:
    return math.log(share / (1 - share))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
