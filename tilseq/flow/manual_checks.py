"""Checks of a tube that a person gated: those of compensation, of the run in time and of the detectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.compensation import is_compensated, is_transformed
from tilseq.flow.given_spill import NO_DYE, SAME, Difference, Respilled, check_given, difference
from tilseq.flow.margins import assess_margins, check_lymphocytes, margins
from tilseq.flow.quality import check, non_finite
from tilseq.flow.repeats import check_repeats
from tilseq.flow.time_quality import check_time
from tilseq.flow.tree import Population
from tilseq.flow.tube import Floats, Mask, Spill, Tube
from tilseq.flow.values import judged
from tilseq.gates import COMPENSATED_PREFIXES, Channel, Spectra
from tilseq.markers import plain_name

# What a person did not leave out is not left out.
TOLD_OF_TIME = ("flow rate", "signal over time", "drift over time")
# Lymphocytes whose light is looked at, the first of them that was gated.
LYMPHOCYTES = ("lymphocytes", "CD3+", "CD4+ T", "CD8+ T")
# Of spillover, as a fraction of the dye's own signal: at the top of a detector's scale it is 26 of 262,144.
MATTERS = 1e-4
LIMIT = "once, on the linear scale"


def check_tube(
    sample: str, tube: Tube, channels: Sequence[Channel], populations: Mapping[str, Population]
) -> list[dict[str, Any]]:
    """Return rows of `quality` that speak of the tube and its run, as those of an automatic gating do.

    Parameters
    ----------
    sample
        Name of the tube.
    tube
        Linear events as they were measured.
    channels
        What the gates look at, and what each takes out before.
    populations
        What the person gated, `all events` among it.

    Returns
    -------
    list of dict
        Checks `compensation`, `spillover given` where one was, `non-finite events`, `flow rate`, `signal over time`,
        `drift over time`, and lymphocytes, or T cells, at the top and the floor of a detector; where neither were
        gated all events there, which pass, as granulocytes may lie there without harm. Nothing is left out for them.
    """
    values, finite = _values(tube, channels), finite_events(tube, channels)
    spread = {name: column for name, column in values.items() if finite.any() and np.ptp(column[finite]) > 0}
    rows = [*check_repeats(sample, tube), *_compensation(sample, tube, channels)]
    rows.append(non_finite(sample, int(np.count_nonzero(~finite)), max(1, len(finite))))
    if finite.any():
        steady = check_time(tube, spread, finite, sample=sample).quality
        rows += [row for row in steady if row["check"] in TOLD_OF_TIME]
    first = next((name for name in LYMPHOCYTES if name in populations), None)
    if first is None:
        return rows + assess_margins(margins(tube, finite), finite, sample=sample)
    return rows + check_lymphocytes(tube, populations[first].mask & finite, list(spread), sample=sample)


def finite_events(tube: Tube, channels: Sequence[Channel]) -> Mask:
    """Return which events are finite in all that gates look at, and in all they take out before; one boolean an event.

    All others lie in none of the gates, see `tilseq.io.gate_files.GateFile.populations`.
    """
    names = list(tube.channels)
    wanted = dict.fromkeys(one for channel in channels for one in _measured(channel, tube.spill, names))
    finite = np.ones(len(tube.events), dtype=bool)
    for name in wanted:
        if name in names:
            finite &= np.isfinite(tube.events[:, names.index(name)])
    return finite


def _measured(channel: Channel, spill: Spill | None, names: Sequence[str]) -> list[str]:
    """Return the tube's channels of which the value of a gate's channel is worked out."""
    own = _own_name(channel.name, names)
    if own.casefold().startswith(COMPENSATED_PREFIXES) or not _takes_out(channel, spill):
        return [own]
    if isinstance(channel.compensation, Spectra):
        return [_own_name(one, names) for one in channel.compensation.detectors]
    return list(spill.channels) if spill is not None else [own]


def _values(tube: Tube, channels: Sequence[Channel]) -> dict[str, Floats]:
    """Return the values as measured of the channels of the gates that the tube has, without time."""
    names = list(tube.channels)
    own = dict.fromkeys(_own_name(channel.name, names) for channel in channels)
    return {
        name: np.ascontiguousarray(tube.events[:, names.index(name)])
        for name in own
        if name in names and name.strip().casefold() != "time"
    }


def _own_name(name: str, names: Sequence[str]) -> str:
    """Return what the tube calls a channel: FlowJo writes ``_`` for ``/``, and may have compensated it already."""
    alike = [one for one in names if one.replace("/", "_") == name or _raw(one) == name]
    return name if name in names or not alike else alike[0]


def _raw(name: str) -> str | None:
    prefix = next((one for one in COMPENSATED_PREFIXES if name.casefold().startswith(one)), None)
    return None if prefix is None else name[len(prefix) :].removesuffix(">")


def _compensation(sample: str, tube: Tube, channels: Sequence[Channel]) -> list[dict[str, Any]]:
    """Return the check of compensation, and that of a given spillover: what each gate takes out of what it looks at."""
    beside = [check_given(sample, tube)] if isinstance(tube, Respilled) else []

    def told(value: float | None, fine: bool, reason: str, worst: str = "warn") -> list[dict[str, Any]]:
        return [check(sample, "compensation", value, LIMIT, fine, reason, worst=worst), *beside]

    names = list(tube.channels)
    dyes = [one for one in channels if not NO_DYE.match(plain_name(one.name))]
    if not dyes:
        return told(None, True, "no gate is on a dye")
    done = [one.name for one in dyes if _own_name(one.name, names).casefold().startswith(COMPENSATED_PREFIXES)]
    if is_compensated(tube) or len(done) == len(dyes):
        return told(None, True, "the file's channels are compensated already")
    if is_transformed(tube):
        return told(None, False, "the file's values are transformed")
    dyes = [one for one in dyes if one.name not in done]
    spill = tube.spill
    nothing_spills = spill.channels if spill is not None and _spills_nothing(spill) else ()
    bare = [one.name for one in dyes if not _takes_out(one, spill) and _own_name(one.name, names) not in nothing_spills]
    if bare:
        lacks = "the file holds no spillover, and " if spill is None else ""
        listed = ", ".join(dict.fromkeys(bare))
        return told(
            None, False, f"{lacks}gates look at {listed} as measured: nothing is taken out, and dyes spill over"
        )
    own = [one for one in dyes if isinstance(one.compensation, Spectra)]
    if own:
        return told(*_by_their_own_matrix(own, spill, names, isinstance(tube, Respilled)))
    if spill is None or _spills_nothing(spill):
        return told(None, True, "the file says that nothing spills over")
    whose = f"the spillover of {tube.spill.source}" if isinstance(tube, Respilled) else "the file's spillover"
    value, reason, verdict = judged(tube, [_own_name(one.name, names) for one in dyes], spill, whose)
    return told(value, verdict == "pass", reason, verdict)


def _takes_out(channel: Channel, spill: Spill | None) -> bool:
    """Tell whether a gate takes spillover out of a channel before it looks at it."""
    if isinstance(channel.compensation, Spectra):
        return channel.name in (*channel.compensation.dyes, *channel.compensation.detectors)
    return channel.compensation == "FCS" and spill is not None and channel.name in spill.channels


def _by_their_own_matrix(
    channels: Sequence[Channel], spill: Spill | None, names: Sequence[str], given: bool
) -> tuple[float | None, bool, str]:
    """Return how far the matrix of gates is from the file's, or the one given in its place, and what to think of it."""
    told, whose = "the matrix in the file of the gates is taken out", "the one given" if given else "the file's own"
    apart = _apart(channels, spill, names)
    largest = None if apart is None else apart.largest
    lacking = _left_in(channels, spill, names)
    unlike = apart is not None and apart.largest > MATTERS
    if given and (unlike or lacking or apart is None):
        told += "; the spillover given is not used by them"
    if apart is not None and apart.largest > SAME:
        told += f"; it differs from {whose} by {apart}"
    if lacking:
        told += f"; it lacks {', '.join(lacking)}, whose light stays in the others: is it of another panel?"
    return largest, not (unlike or lacking or (given and apart is None)), told


def _apart(channels: Sequence[Channel], spill: Spill | None, names: Sequence[str]) -> Difference | None:
    """Return how far the matrices of gates lie from the tube's own on the channels that they know; None without one.

    That of more detectors than dyes is no spillover, and is not held against one.
    """
    if spill is None:
        return None
    found = []
    for spectra in dict.fromkeys(one.compensation for one in channels if isinstance(one.compensation, Spectra)):
        matrix = np.array(spectra.matrix)
        if len(spectra.dyes) == len(spectra.detectors) and np.diag(matrix).all():
            own = _Matrix([_own_name(one, names) for one in spectra.detectors], matrix / np.diag(matrix)[:, np.newaxis])
            known = [place for place, name in enumerate(spill.channels) if name in own.channels]
            theirs = np.asarray(spill.matrix)[np.ix_(known, known)]
            found.append(difference(_Matrix([spill.channels[place] for place in known], theirs), own))
    return max(found, key=lambda one: one.largest, default=None)


class _Matrix(NamedTuple):
    """A spillover matrix as `Spill` has it."""

    channels: Sequence[str]
    matrix: NDArray[np.float64]


def _left_in(channels: Sequence[Channel], spill: Spill | None, names: Sequence[str]) -> list[str]:
    """Return the channels that spill over by the tube's own matrix, and of which those of the gates know nothing."""
    if spill is None:
        return []
    known = {
        _own_name(detector, names)
        for channel in channels
        if isinstance(channel.compensation, Spectra)
        for detector in channel.compensation.detectors
    }
    shared = np.asarray(spill.matrix) - np.eye(len(spill.channels))
    return [name for name, row in zip(spill.channels, shared, strict=True) if name not in known and row.any()]


def _spills_nothing(spill: Spill | None) -> bool:
    return spill is not None and np.array_equal(spill.matrix, np.eye(len(spill.channels)))
