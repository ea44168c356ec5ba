"""The automatic gates of one tube as gates that other programs can apply."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.gated import Gating
from tilseq.flow.gating import ALIKE, BEADS
from tilseq.flow.lymphocytes import CHANNELS, Region
from tilseq.flow.scatter import singlet_line
from tilseq.flow.tube import Floats, Tube, time_channel
from tilseq.gates import (
    LOG10,
    BooleanGate,
    Channel,
    EllipsoidGate,
    Gate,
    Operand,
    PolygonGate,
    Range,
    RectangleGate,
    Spectra,
)
from tilseq.populations import Rule, Sign

LN10 = math.log(10)
# The band of single cells reaches over every number that float32 holds, as decimal logarithms.
LEAST_LOG, LARGEST_LOG = -46.0, 39.0
LARGEST = float(np.finfo(np.float32).max)
# Beads are apart from all else: a bound this much below the dimmest of them is out of the way of rounding.
BELOW_DIMMEST = 1e-4
MOST_STRETCHES = 50


class Exported(NamedTuple):
    """Gates of one tube.

    Attributes
    ----------
    gates
        One a population, parents before children, with its name and parent; and helpers that it is put together from.
    misplaced
        Events that the gates on Time put on the other side than the automatic gating did.
    """

    gates: list[Gate]
    misplaced: int


def export_gates(gating: Gating, tube: Tube) -> Exported:
    """Return every automatic gate of a tube, on the linear scale of its channels.

    A cut is a range, the region of the lymphocytes an ellipsoid and single cells a band on decimal logarithms, beads a
    rectangle, cells its complement. Channels are told to be compensated where the gating took a spillover out of them.
    Stretches of the run that were left out are parted by ranges of Time within the gate `all events`; without such
    stretches there is no such gate. Ticks that hold events of both kinds go with most of them, and a run with too many
    stretches, as one whose clock began anew, has no gate on Time: what that misplaces is counted. Events that are not
    finite have no gate: a program leaves them out only where it looks at the channel at fault.

    Parameters
    ----------
    gating
        A gated tube.
    tube
        The tube that was gated.
    """
    export = _Export(gating, {marker: _channel(gating, tube, marker) for marker in gating.values})
    gates, misplaced = _steady(gating, tube)
    for name in gating.populations:
        if name in gating.rules:
            gates += _by_rule(export, name, gating.rules[name])
        elif name != "all events":
            gates += BUILT_IN[name](export)
    if not any(gate.name == "all events" for gate in gates):
        gates = [replace(gate, parent=None) if gate.parent == "all events" else gate for gate in gates]
    return Exported(gates, misplaced)


@dataclass(frozen=True)
class _Export:
    """A gated tube, and marker → channel as gates name it."""

    gating: Gating
    channels: Mapping[str, Channel]

    def over(self, marker: str, parent: str) -> Range:
        """Return what lies above a cut: `>` on float32, which is `≥` of the next number."""
        return Range(self.channels[marker], minimum=self._next(marker, parent))

    def under(self, marker: str, parent: str) -> Range:
        """Return what does not lie above a cut."""
        return Range(self.channels[marker], maximum=self._next(marker, parent))

    def sign(self, sign: Sign, parent: str) -> Range:
        """Return what bears a marker or lacks it."""
        return self.over(sign.marker, parent) if sign.positive else self.under(sign.marker, parent)

    def _next(self, marker: str, parent: str) -> float:
        threshold = np.float32(self.gating.cuts[marker, parent].threshold)
        return float(np.nextafter(threshold, np.float32(np.inf)))


def _channel(gating: Gating, tube: Tube, marker: str) -> Channel:
    name = gating.markers[marker]
    if tube.spill is None or name not in tube.spill.channels:
        return Channel(name)
    raw = tube.events[:, list(tube.channels).index(name)]
    if np.array_equal(gating.values[marker], raw, equal_nan=True):
        return Channel(name)
    return Channel(name, Spectra.of(tube.spill.channels, tube.spill.channels, tube.spill.matrix))


def _beads(export: _Export) -> list[Gate]:
    beads = export.gating.populations["beads"]
    ranges = []
    for marker in BEADS:
        if marker in export.gating.values:
            dimmest = float(export.gating.values[marker][beads.mask].min())
            ranges.append(Range(export.channels[marker], minimum=dimmest * (1 - BELOW_DIMMEST)))
    return [RectangleGate("beads", beads.parent, tuple(ranges))]


def _single_beads(export: _Export) -> list[Gate]:
    """Return the box that holds the single beads, its sides half-way to the next beads outside of it."""
    gating = export.gating
    beads, single = gating.populations["beads"].mask, gating.populations["single beads"].mask
    ranges = []
    for marker in ALIKE:
        if marker in gating.values and single.any():
            inside, every = gating.values[marker][single], gating.values[marker][beads]
            least, most = float(inside.min()), float(inside.max())
            below, above = every[every < least], every[every > most]
            minimum = (least + float(below.max())) / 2 if below.size else None
            maximum = (most + float(above.min())) / 2 if above.size else None
            if below.size or above.size:
                ranges.append(Range(export.channels[marker], minimum, maximum))
    if not ranges:  # all of them, or none
        ranges = [Range(export.channels["FSC-A"], minimum=-LARGEST if single.any() else LARGEST)]
    return [RectangleGate("single beads", "beads", tuple(ranges))]


def _cells(export: _Export) -> list[Gate]:
    return [BooleanGate("cells", export.gating.populations["cells"].parent, "not", (Operand("beads"),))]


def _singlets(export: _Export) -> list[Gate]:
    gating = export.gating
    parent = gating.populations["singlets"].parent
    events = gating.populations[parent or ""].mask
    line = singlet_line(gating.values["FSC-A"][events], gating.values["FSC-H"][events])
    if line is None:  # too few events to tell: all are taken for single cells
        return [RectangleGate("singlets", parent, (Range(export.channels["FSC-A"], minimum=-LARGEST),))]
    x, y = (replace(export.channels[name], scale=LOG10) for name in ("FSC-A", "FSC-H"))
    vertices = tuple(
        (place, line.slope * place + (line.offset + side * line.reach) / LN10)
        for place, side in ((LEAST_LOG, -1), (LARGEST_LOG, -1), (LARGEST_LOG, 1), (LEAST_LOG, 1))
    )
    return [PolygonGate("singlets", parent, x, y, vertices)]


def _live(export: _Export) -> list[Gate]:
    parent = export.gating.populations["live"].parent
    return [RectangleGate("live", parent, (export.under("viability", parent or ""),))]


def _lymphocytes(export: _Export) -> list[Gate]:
    gating = export.gating
    parent = gating.populations["lymphocytes"].parent
    cuts = {name: gating.cuts.get((name, parent or "")) for name in CHANNELS}
    set_by_hand = [name for name, cut in cuts.items() if cut is not None and cut.source == "settings"]
    ranges = [(export.under if name == "SSC-A" else export.over)(name, parent or "") for name in set_by_hand]
    region = gating.region
    if region is None:
        return [RectangleGate("lymphocytes", parent, tuple(ranges))]
    if len(region.centre) == 1:  # an ellipsoid has two channels at least
        ((name, middle),) = region.middle.items()
        reach = math.exp(region.radius * region.spread[name])
        ranges.append(Range(export.channels[name], middle / reach, middle * reach))
        return [RectangleGate("lymphocytes", parent, tuple(ranges))]
    if not ranges:
        return [_ellipsoid(export, region, "lymphocytes", parent)]
    parts: list[Gate] = [
        RectangleGate("lymphocytes: thresholds", parent, tuple(ranges), helper=True),
        replace(_ellipsoid(export, region, "lymphocytes: region", parent), helper=True),
    ]
    return [*parts, BooleanGate("lymphocytes", parent, "and", _operands(parts))]


def _ellipsoid(export: _Export, region: Region, name: str, parent: str | None) -> EllipsoidGate:
    variances = [(region.spread[name] / LN10) ** 2 for name in region.centre]
    return EllipsoidGate(
        name,
        parent,
        tuple(replace(export.channels[name], scale=LOG10) for name in region.centre),
        tuple(math.log10(middle) for middle in region.middle.values()),
        tuple(map(tuple, np.diag(variances).tolist())),
        region.radius**2,
    )


def _operands(gates: Sequence[Gate]) -> tuple[Operand, ...]:
    return tuple(Operand(gate.name) for gate in gates)


BUILT_IN = {
    "beads": _beads,
    "single beads": _single_beads,
    "cells": _cells,
    "singlets": _singlets,
    "live": _live,
    "lymphocytes": _lymphocytes,
}


def _by_rule(export: _Export, name: str, rule: Rule) -> list[Gate]:
    """Return the gate of a population; where either of several signs will do, it is put together from helpers."""
    parts: list[Gate] = []
    together: list[BooleanGate] = []
    ranges: list[Range] = []
    for condition in rule.conditions:
        signs = [sign for sign in condition if (sign.marker, rule.parent) in export.gating.cuts]
        if len(signs) == 1:
            ranges.append(export.sign(signs[0], rule.parent))
            continue
        texts = [f"{sign.marker}{'+' if sign.positive else '-'}" for sign in signs]
        parts += [
            RectangleGate(f"{name}: {text}", rule.parent, (export.sign(sign, rule.parent),), helper=True)
            for text, sign in zip(texts, signs, strict=True)
        ]
        operands = _operands(parts[-len(signs) :])
        together.append(BooleanGate(f"{name}: {' or '.join(texts)}", rule.parent, "or", operands, helper=True))
    if not together:
        return [RectangleGate(name, rule.parent, tuple(ranges))]
    if not ranges and len(together) == 1:
        return [*parts, replace(together[0], name=name, helper=False)]
    rest = [RectangleGate(f"{name}: the rest", rule.parent, tuple(ranges), helper=True)] if ranges else []
    return [*parts, *together, *rest, BooleanGate(name, rule.parent, "and", _operands([*together, *rest]))]


def _steady(gating: Gating, tube: Tube) -> tuple[list[Gate], int]:
    """Return the gates that part the steady run from what was left out, and how many events they misplace."""
    kept = gating.populations["all events"].mask
    finite = np.logical_and.reduce([np.isfinite(column) for column in gating.values.values()])
    column = time_channel(tube)
    if column is None or not (finite & ~kept).any():
        return [], 0
    name, step = tube.channels[column], _seconds_per_tick(tube)
    ticks, place = np.unique(tube.events[finite, column], return_inverse=True)
    here = np.bincount(place, weights=kept[finite], minlength=len(ticks))
    gone = np.bincount(place, weights=~kept[finite], minlength=len(ticks))
    stay = here >= gone
    stretches = _stretches(ticks, stay)
    if not 0 < len(stretches) <= MOST_STRETCHES:
        return [], int(gone.sum())
    misplaced = int(np.where(stay, gone, here).sum())
    ranges = [Range(Channel(name), None if a is None else a * step, None if b is None else b * step)
              for a, b in stretches]  # fmt: skip
    if len(ranges) == 1:
        return [RectangleGate("all events", None, (ranges[0],))], misplaced
    parts = [
        RectangleGate(f"steady run {number}", None, (one,), helper=True) for number, one in enumerate(ranges, start=1)
    ]
    return [*parts, BooleanGate("all events", None, "or", _operands(parts))], misplaced


def _stretches(ticks: Floats, stay: NDArray[np.bool_]) -> list[tuple[float | None, float | None]]:
    """Return the ranges of ticks that stay; the first and the last are open at the ends of the run."""
    changes = np.flatnonzero(np.diff(stay)) + 1
    starts, ends = [0, *changes.tolist()], [*changes.tolist(), len(ticks)]
    return [
        (float(ticks[start]) if start else None, float(ticks[end]) if end < len(ticks) else None)
        for start, end in zip(starts, ends, strict=True)
        if stay[start]
    ]


def _seconds_per_tick(tube: Tube) -> float:
    """Return what programs that apply gates multiply ticks by."""
    try:
        step = float(tube.keywords.get("$TIMESTEP", ""))
    except ValueError:
        return 1.0
    return step if 0 < step < math.inf else 1.0
