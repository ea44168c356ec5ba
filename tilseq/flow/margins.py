"""Events at the ends of the detectors, where light is no longer measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tilseq.flow.quality import check
from tilseq.flow.tube import Floats, Mask, Tube

LEAST_PILE = 3
NEIGHBOURS, TIMES_NEIGHBOURS = 5, 2.0
MOST_TOLD = 5
ROUNDING = 1e-6  # of a float32 that was divided by its gain
MOST_AT_TOP = 1.0  # % of lymphocytes
ENOUGH_EVENTS = 50_000  # the standard error of a share of 1 % of them is 0.04 %


class Ends(NamedTuple):
    """Events of one channel at the ends of its detector.

    Attributes
    ----------
    lower, upper
        One an event: True for those at the floor and at the top.
    """

    lower: Mask
    upper: Mask


def margins(tube: Tube, among: Mask) -> dict[str, Ends]:
    """Find events at the ends of each channel's detector.

    The top is what $PnR says that a detector can hold, unless events lie beyond it, as they do where a program wrote
    the file anew with a $PnR of its own. Besides, events are at an end where they pile up: at least three share the
    largest (smallest) value, more than twice as many as share each of the next five values in the mean. Whether such
    events are left out is for the gates to decide: their true light lies beyond.

    Parameters
    ----------
    tube
        Raw tube on the linear scale; compensation would draw a pile apart.
    among
        Events to look at; all others are at no end.

    Returns
    -------
    dict
        $PnN → its ends, for each channel but `Time` that holds a spread of values. Of channels that share a name the
        first.
    """
    found: dict[str, Ends] = {}
    for place, name in enumerate(tube.channels):
        values = np.ascontiguousarray(tube.events[:, place])
        looked_at = among & np.isfinite(values)
        seen = values[looked_at]
        if name in found or name.strip().casefold() == "time" or not seen.size or seen.min() == seen.max():
            continue
        lower, upper = np.zeros((2, len(values)), dtype=bool)
        lower[looked_at], upper[looked_at] = _ends(seen, tube.keywords, place + 1)
        found[name] = Ends(lower, upper)
    return found


def assess_margins(ends: Mapping[str, Ends], among: Mask, *, sample: str) -> list[dict[str, Any]]:
    """Return two rows of the table `quality`: the largest share of events at the top and at the floor of a channel.

    Both are told and pass: granulocytes may fill the top of side scatter and negative cells the floor of a stain
    without harm to any T cell.
    """
    whole = max(1, int(np.count_nonzero(among)))
    shares = {name: [100 * int(np.count_nonzero(mask)) / whole for mask in pair] for name, pair in ends.items()}
    return [
        _told(sample, f"events at the {end} of a detector", {name: pair[side] for name, pair in shares.items()})
        for side, end in ((1, "top"), (0, "floor"))
    ]


def check_lymphocytes(tube: Tube, lymphocytes: Mask, channels: Sequence[str], *, sample: str) -> list[dict[str, Any]]:
    """Return two rows of the table `quality`: lymphocytes at the top and at the floor of the detectors that gates use.

    More than 1 % at the top of a channel, and three events or more, warn: their light is not known, and what they spill
    is taken out of other detectors too little. Those at the floor are told and pass, as negative cells may lie there.

    Parameters
    ----------
    tube
        Raw tube on the linear scale.
    lymphocytes
        Events to look at, of more than 50,000 some, evenly spaced.
    channels
        Channels ($PnN) to look at, each of them one of the tube's.
    sample
        Name of the tube.
    """
    rows = np.flatnonzero(lymphocytes)
    rows = rows[:: 1 + len(rows) // ENOUGH_EVENTS]
    by_channel = np.ascontiguousarray(tube.events.take(rows, axis=0).T)
    tops, floors, most = {}, {}, 0
    for name in dict.fromkeys(channels):
        place = list(tube.channels).index(name)
        seen = by_channel[place]
        if not seen.size or seen.min() == seen.max():
            continue
        lower, upper = (int(np.count_nonzero(mask)) for mask in _ends(seen, tube.keywords, place + 1))
        floors[name], tops[name] = 100 * lower / len(rows), 100 * upper / len(rows)
        most = max(most, upper)
    floor = _told(sample, "lymphocytes at the floor of a detector", floors, "lymphocytes")
    top = _told(sample, "lymphocytes at the top of a detector", tops, "lymphocytes")
    top["limit"] = f"at most {MOST_AT_TOP:g} % of lymphocytes in any channel"
    if tops and max(tops.values()) > MOST_AT_TOP and most >= LEAST_PILE:
        top["verdict"] = "warn"
        top["reason"] += ": their light is not known, and too little of it is taken out of other detectors"
    return [top, floor]


def _ends(seen: Floats, keywords: Mapping[str, str], number: int) -> tuple[Mask, Mask]:
    """Return which of the finite values of channel `number` lie at its floor, and which at its top."""
    floor, pile = _pile(seen), _pile(-seen)
    upper = seen >= _top(keywords, number, float(seen.max()))
    if pile is not None:
        upper |= seen == -pile
    return seen == floor if floor is not None else np.zeros(len(seen), dtype=bool), upper


def _told(sample: str, name: str, shares: Mapping[str, float], of: str = "events") -> dict[str, Any]:
    limit = f"told, % of {of} in the channel with most"
    if not shares:
        return check(sample, name, None, limit, True, "not available: no channel holds a spread of values")
    worst = sorted((channel for channel in shares if shares[channel]), key=lambda channel: (-shares[channel], channel))
    parts = [f"{channel} {shares[channel]:.2g} %" for channel in worst[:MOST_TOLD]]
    parts += [f"{len(worst) - MOST_TOLD} more channels"] if len(worst) > MOST_TOLD else []
    return check(sample, name, max(shares.values()), limit, True, ", ".join(parts) or "none")


def _top(keywords: Mapping[str, str], number: int, largest: float) -> float:
    """Return the largest linear value that a channel can hold by its keywords; infinity where they do not tell it."""
    span = _number(keywords, f"$P{number}R")
    decades, offset = (_parsed(part) for part in (keywords.get(f"$P{number}E", "0,0") + ",").split(",")[:2])
    if not span:
        return np.inf
    if decades and keywords.get("$DATATYPE", "").strip().upper() == "I":
        top, end = ((offset or 1.0) * 10 ** (decades * stored / span) for stored in (span - 1, span))
    else:
        top, end = (stored / (_number(keywords, f"$P{number}G") or 1.0) for stored in (span - 1, span))
    return top * (1 - ROUNDING) if largest <= end * (1 + ROUNDING) else np.inf


def _number(keywords: Mapping[str, str], key: str) -> float:
    return _parsed(keywords.get(key, ""))


def _parsed(text: str) -> float:
    """Return a number above 0, or 0 for anything else."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0 < number < np.inf else 0.0


def _pile(values: Floats) -> np.float32 | None:
    """Return the smallest value where events pile up on it."""
    smallest = values.min()
    own = np.count_nonzero(values == smallest)
    if own < LEAST_PILE:
        return None
    near: list[int] = []
    rest = values[values > smallest]
    while rest.size and len(near) < NEIGHBOURS:
        following = rest.min()
        near.append(int(np.count_nonzero(rest == following)))
        rest = rest[rest > following]
    return smallest if not near or own > TIMES_NEIGHBOURS * np.mean(near) else None
