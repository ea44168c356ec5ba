"""The compensated values of the channels that gates use, and which events can take part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.compensation import (
    ENOUGH_EVENTS,
    are_compensated,
    compensate,
    compensate_some,
    condition_number,
    is_transformed,
    look_transformed,
    too_much,
)
from tilseq.flow.given_spill import Respilled, check_given, compensated_already
from tilseq.flow.quality import check
from tilseq.flow.tube import Floats, Mask, Spill, Tube

NEEDED = ("FSC-A", "SSC-A", "CD3", "CD4", "CD8")
SCATTER = ("FSC-A", "FSC-H", "SSC-A")
# No cytometer writes more; a damaged value may be so large that 32-bit floats cannot calculate with it.
LARGEST = 1e18
UNTOLD = (
    "the file holds no spillover and nothing tells that it was taken out; if the cytometer did, give an identity "
    "matrix as spillover"
)
FIRST = 1_000  # events that show at once that a channel has a spread
HELD_BYTES = 31 << 20  # glibc's largest threshold is 32 MB


def compensated_values(
    tube: Tube, sample: str, markers: Mapping[str, str], stains: Sequence[str]
) -> tuple[dict[str, Floats], Mask, list[dict[str, Any]]]:
    """Return the values of scatter and stains, compensated once.

    Parameters
    ----------
    tube
        Linear events; a spillover that `with_spill` gave it takes the place of its own.
    sample
        Name that the checks bear.
    markers
        Marker → channel.
    stains
        Markers that gates use; one without a channel is passed over.

    Returns
    -------
    values
        Marker → float32, one value an event of the tube; beyond ±1e18 it is NaN. A channel that holds one value only
        is left out.
    finite
        Which events are finite in all of them, and not beyond ±1e18 in Time.
    quality
        Rows of the table `quality`.

    Raises
    ------
    AnalysisError
        A needed channel holds one value only, no event is finite, or the spillover cannot be used; one is given for a
        tube that is compensated already.
    """
    stains = [marker for marker in stains if marker in markers]
    quality, spill = _compensation(tube, sample, [markers[marker] for marker in stains])
    channels = list(tube.channels)
    named = [marker for marker in (*SCATTER, *stains) if marker in markers]
    wanted = [markers[marker] for marker in named]
    unique = list(dict.fromkeys(wanted))  # one channel can stain two markers
    if spill is None:
        columns = [np.ascontiguousarray(tube.events[:, channels.index(name)], dtype=np.float32) for name in unique]
    else:
        columns = list(compensate_some(tube.events, channels, spill.channels, spill.matrix, unique).T)
    by_channel = dict(zip(unique, columns, strict=True))
    odd = [name for name, column in by_channel.items() if not _is_plausible(column)]
    for name in odd:
        by_channel[name] = np.where(np.abs(by_channel[name]) <= LARGEST, by_channel[name], np.float32(np.nan))
    values = {marker: by_channel[name] for marker, name in zip(named, wanted, strict=True)}
    for marker in values:
        measured = tube.events[:, channels.index(markers[marker])]
        if measured[0] == measured[-1] and (measured == measured[0]).all():
            values[marker] = measured  # compensation would lend a detector that saw nothing a spread
    quality += _drop_constant(values, np.ones(len(tube.events), dtype=bool), sample, markers)
    finite = np.ones(len(tube.events), dtype=bool)
    for marker in values:
        if markers[marker] in odd:
            finite &= np.isfinite(values[marker])
    if "Time" in markers:
        time = np.ascontiguousarray(tube.events[:, channels.index(markers["Time"])])
        if not _is_plausible(time):
            finite &= ~(np.abs(time) > LARGEST)
    if not finite.any():
        raise AnalysisError("no event is finite in every channel of the panel")
    quality += _drop_constant(values, finite, sample, markers)
    return values, finite, quality


def hold_freed_memory() -> None:
    """Let glibc serve later arrays of millions of bytes from memory it holds, as freeing a large one makes it do.

    Otherwise each comes from the system anew, and its first touch costs more than what gating does with it.
    """
    np.empty(HELD_BYTES, np.uint8)


def _is_plausible(column: Floats) -> bool:
    """Tell whether all values are finite and within ±1e18; NaN makes the extremes NaN."""
    return bool(column.min() >= -LARGEST and column.max() <= LARGEST)


def _drop_constant(
    values: dict[str, Floats], among: Mask, sample: str, markers: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Take channels out whose finite values among some events are all the same, and tell of each.

    Raises
    ------
    AnalysisError
        Such a channel is needed.
    """
    quality = []
    for marker, column in list(values.items()):
        if _spreads(column[:FIRST], among[:FIRST]) or _spreads(column, among):
            continue
        seen = column[among & np.isfinite(column)]
        if marker in NEEDED:
            raise AnalysisError(
                f"the channel of {marker} holds one value only",
                column=markers[marker],
                found=float(seen[0]) if seen.size else None,
                expected="a spread of values",
            )
        del values[marker]
        quality.append(check(sample, f"channel of {marker}", None, "a spread of values", False, "not available"))
    return quality


def _spreads(column: Floats, among: Mask) -> bool:
    """Tell whether finite values among some events differ."""
    seen = column[among & np.isfinite(column)]
    return bool(seen.size and seen.min() < seen.max())


def _compensation(tube: Tube, sample: str, stains: Sequence[str]) -> tuple[list[dict[str, Any]], Spill | None]:
    """Return the check of compensation, that of a given spillover, and the spillover to be taken out, if any."""
    given = tube.spill if isinstance(tube, Respilled) else None
    beside = [check_given(sample, tube)] if isinstance(tube, Respilled) else []

    def told(value: float | None, reason: str, verdict: str = "pass") -> list[dict[str, Any]]:
        limit, fine = "once, on the linear scale", verdict == "pass"
        return [check(sample, "compensation", value, limit, fine, reason, worst=verdict), *beside]

    spill = tube.spill
    transformed = is_transformed(tube)
    if are_compensated(stains):
        if given is not None:
            raise compensated_already(given, stains)
        return told(None, "the file's channels are compensated already"), None
    if spill is None or np.array_equal(spill.matrix, np.eye(len(spill.channels))):
        if transformed:
            return told(None, "the file's values are transformed", "warn"), None
        # A tube bears three stains at least, and no three dyes keep apart by themselves.
        if spill is None:
            return told(None, UNTOLD, "warn"), None
        whose = "the file" if given is None else given.source
        unsaid = [name for name in dict.fromkeys(stains) if name not in spill.channels]
        if unsaid:
            reason = f"{whose} says that nothing spills over, and lacks {', '.join(unsaid)}: gated as measured"
            return told(None, reason, "warn"), None
        return told(None, f"{whose} says that nothing spills over"), None
    if transformed:
        raise AnalysisError(
            f"the file's values are transformed, so {'its' if given is None else 'a'} spillover cannot be taken out any"
            " more",
            column="transformation",
            found="custom",
            mend="export linear values",
        )
    whose = "the file's spillover" if given is None else f"the spillover of {given.source}"
    return told(*judged(tube, stains, spill, whose)), spill


def judged(tube: Tube, stains: Sequence[str], spill: Spill, whose: str) -> tuple[float, str, str]:
    """Return the condition number of a spillover, what is to be said of it, and the verdict on it."""
    condition = condition_number(spill.matrix)
    if look_transformed(tube, stains):
        reason = "the stains' values look transformed, from which a spillover cannot be taken out: export linear values"
        return condition, reason, "fail"
    bare = [name for name in dict.fromkeys(stains) if name not in spill.channels]
    if bare:
        reason = f"{whose} lacks {', '.join(bare)}: gated as measured, with the light of other dyes"
        return condition, reason, "warn"
    some = tube.events[:: 1 + len(tube.events) // ENOUGH_EVENTS]
    some = compensate(some, tube.channels, spill.channels, spill.matrix)
    over = too_much(some, tube.channels, spill.channels)
    if over is not None:
        return condition, f"{whose} does not fit: {over}", "warn"
    return condition, f"{whose} is taken out; its condition number", "pass"
