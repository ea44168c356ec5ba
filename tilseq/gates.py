"""Gates as data: what is gated on what, without a word on files or on how events are held."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike

# How FlowJo and others name a channel that is compensated already.
# FACSDiva's APPLY COMPENSATION is no such sign: it says how Diva drew its plots, while its events are as measured.
COMPENSATED_PREFIXES = ("comp-", "fjcomp-", "<")
LARGEST_CONDITION = 1e4  # of a spillover matrix that can be inverted with sense


# The scales of GatingML 2.0, section 6, and two of FlowJo 10.
Kind = Literal["flin", "flog", "fasinh", "logicle", "hyperlog", "FlowJo biex", "FlowJo log"]


@dataclass(frozen=True)
class Scale:
    """What turns linear values into those on which a gate is drawn.

    Attributes
    ----------
    kind
        Which scale it is.
    parameters
        Those of the kind in the order of `SCALES`.
    """

    kind: Kind
    parameters: tuple[float, ...]


SCALES: Mapping[Kind, tuple[str, ...]] = {
    "flin": ("T", "A"),
    "flog": ("T", "M"),
    "fasinh": ("T", "M", "A"),
    "logicle": ("T", "W", "M", "A"),
    "hyperlog": ("T", "W", "M", "A"),
    "FlowJo biex": ("negative", "width", "positive", "max_value"),
    "FlowJo log": ("offset", "decades"),
}
# The decimal logarithm; what is not above 0 lies outside of any gate.
LOG10 = Scale("flog", (10.0, 1.0))


@dataclass(frozen=True)
class Spectra:
    """What each dye puts into each detector; with more detectors than dyes, these are told by least squares.

    Attributes
    ----------
    dyes, detectors
        Their names; detectors are channels ($PnN), dyes may have names of their own.
    matrix
        Dyes × detectors.
    """

    dyes: tuple[str, ...]
    detectors: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, dyes: Sequence[str], detectors: Sequence[str], matrix: ArrayLike) -> Self:
        """Return the same of sequences and an array; for a tube's own spillover dyes are named as their detectors."""
        rows = np.asarray(matrix, dtype=np.float64).tolist()
        return cls(tuple(dyes), tuple(detectors), tuple(map(tuple, rows)))


def spectra_fault(spectra: Spectra) -> str | None:
    """Return why a matrix cannot be taken out of measured values, or None."""
    sizes = {len(row) for row in spectra.matrix}
    if len(spectra.matrix) != len(spectra.dyes) or sizes != {len(spectra.detectors)}:
        return f"{len(spectra.matrix)} × {', '.join(map(str, sorted(sizes)))} values for " + (
            f"{len(spectra.dyes)} dyes and {len(spectra.detectors)} detectors"
        )
    if len(set(spectra.dyes)) < len(spectra.dyes) or len(set(spectra.detectors)) < len(spectra.detectors):
        return "a channel that stands twice"
    matrix = np.array(spectra.matrix)
    if not np.isfinite(matrix).all():
        return "a value that is no finite number"
    condition = float(np.linalg.cond(matrix))
    if len(spectra.dyes) > len(spectra.detectors) or condition > LARGEST_CONDITION:
        return f"a matrix that is singular or nearly so, condition number {condition:.3g}"
    return None


def in_percent(matrix: ArrayLike) -> bool:
    """Tell whether a spillover matrix is in percent of each dye's own light: its diagonal is 100 throughout."""
    return bool(np.allclose(np.diagonal(np.asarray(matrix, dtype=np.float64)), 100, rtol=1e-5))


# What is taken out before a gate is applied: a matrix, the spillover that the tube's own file holds, or nothing.
Compensation = Spectra | Literal["FCS"] | None


@dataclass(frozen=True)
class Channel:
    """A channel, or a dye of its compensation, as a gate looks at it.

    Attributes
    ----------
    name
        Its name ($PnN), or that of the dye.
    compensation
        What is taken out of it. A channel that this does not hold needs none.
    scale
        None is the linear scale.
    """

    name: str
    compensation: Compensation = None
    scale: Scale | None = None


@dataclass(frozen=True)
class Ratio:
    """``a · (x - b) / (y - c)`` of two channels, as a gate looks at it.

    Attributes
    ----------
    x, y
        The names of the two channels.
    a, b, c
        The parameters.
    compensation, scale
        As of a `Channel`; the channels are compensated first, and the ratio is scaled.
    """

    x: str
    y: str
    a: float
    b: float
    c: float
    compensation: Compensation = None
    scale: Scale | None = None


@dataclass(frozen=True)
class Range:
    """Values from `minimum` on and below `maximum`, on the scale of the channel; None leaves a side open."""

    channel: Channel | Ratio
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class RectangleGate:
    """Events that lie in every one of some ranges.

    Attributes
    ----------
    name, parent
        Its name and that of the gate within which it lies; None for all events.
    ranges
        At least one.
    outside
        The gate holds the events outside of the rectangle instead.
    helper
        It is there to put others together, and is no population of its own.
    """

    name: str
    parent: str | None
    ranges: tuple[Range, ...]
    outside: bool = False
    helper: bool = False


@dataclass(frozen=True)
class PolygonGate:
    """Events within a polygon of two channels.

    Attributes
    ----------
    name, parent
        Its name and that of the gate within which it lies; None for all events.
    x, y
        The two channels.
    vertices
        At least three pairs (x, y), on the scales of the channels.
    outside
        The gate holds the events outside of the polygon instead.
    helper
        As of a `RectangleGate`.
    """

    name: str
    parent: str | None
    x: Channel | Ratio
    y: Channel | Ratio
    vertices: tuple[tuple[float, float], ...]
    outside: bool = False
    helper: bool = False


@dataclass(frozen=True)
class EllipsoidGate:
    """Events within an ellipsoid of two or more channels, its edge included.

    Attributes
    ----------
    name, parent
        Its name and that of the gate within which it lies; None for all events.
    channels
        The n channels.
    centre
        n numbers, on the scales of the channels.
    covariance
        n × n, on these scales, with an inverse. One of ISAC's suite is neither symmetric nor positive definite:
        the gate holds what the formula of the distance says.
    distance_square
        Square of the Mahalanobis distance of the edge.
    helper
        As of a `RectangleGate`.
    """

    name: str
    parent: str | None
    channels: tuple[Channel | Ratio, ...]
    centre: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    distance_square: float
    helper: bool = False


@dataclass(frozen=True)
class Divider:
    """A channel, and the values in ascending order that divide it, on its scale."""

    channel: Channel
    values: tuple[float, ...]


@dataclass(frozen=True)
class Quadrant:
    """Events that lie on the same side of dividers as some locations.

    Attributes
    ----------
    name
        Its name; gates can lie within a quadrant and refer to it.
    locations
        Pairs of a divider's place among those of the gate, from 0, and a location on its scale.
    """

    name: str
    locations: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class QuadrantGate:
    """Events parted by dividers. It is no population itself; its quadrants are, within the parent of the gate.

    Attributes
    ----------
    name, parent
        Its name and that of the gate within which it lies; None for all events.
    dividers, quadrants
        At least one of either.
    """

    name: str
    parent: str | None
    dividers: tuple[Divider, ...]
    quadrants: tuple[Quadrant, ...]

    def ranges(self, quadrant: Quadrant) -> list[Range]:
        """Return the values between which a quadrant lies; a divider belongs to what is above it."""
        found = []
        for place, location in quadrant.locations:
            divider = self.dividers[place]
            above = bisect_right(divider.values, location)
            low, high = divider.values[:above], divider.values[above:]
            found.append(Range(divider.channel, low[-1] if low else None, high[0] if high else None))
        return found


@dataclass(frozen=True)
class Operand:
    """A gate that a Boolean gate refers to, or with `complement` the events outside of it."""

    gate: str
    complement: bool = False


@dataclass(frozen=True)
class BooleanGate:
    """Events of other gates combined.

    Attributes
    ----------
    name, parent
        Its name and that of the gate within which it lies; None for all events.
    operation
        `and`, `or` of two or more operands; `not` of one.
    operands
        The gates combined, each within its own parents.
    helper
        As of a `RectangleGate`.
    """

    name: str
    parent: str | None
    operation: Literal["and", "or", "not"]
    operands: tuple[Operand, ...]
    helper: bool = False


Gate = RectangleGate | PolygonGate | EllipsoidGate | QuadrantGate | BooleanGate


def channels_of(gate: Gate) -> list[Channel | Ratio]:
    """Return what a gate looks at, in the order of the gate; a Boolean gate looks at nothing itself."""
    if isinstance(gate, RectangleGate):
        return [side.channel for side in gate.ranges]
    if isinstance(gate, PolygonGate):
        return [gate.x, gate.y]
    if isinstance(gate, EllipsoidGate):
        return list(gate.channels)
    return [divider.channel for divider in gate.dividers] if isinstance(gate, QuadrantGate) else []


def parents_of(gates: Sequence[Gate]) -> dict[str, str | None]:
    """Return the name of each population → that of its parent, None for all events, in the order of the gates."""
    found: dict[str, str | None] = {}
    for gate in gates:
        names = [one.name for one in gate.quadrants] if isinstance(gate, QuadrantGate) else [gate.name]
        found |= dict.fromkeys(names, gate.parent)
    return found


def populations_of(gates: Sequence[Gate]) -> dict[str, str | None]:
    """Return what `parents_of` does, without helpers: what lies within one is of the population that this is of."""
    parents = parents_of(gates)
    helpers = {gate.name for gate in gates if not isinstance(gate, QuadrantGate) and gate.helper}
    found: dict[str, str | None] = {}
    for name, parent in parents.items():
        while parent in helpers:
            parent = parents[parent]
        if name not in helpers:
            found[name] = parent
    return found


def needs_of(gates: Sequence[Gate]) -> dict[str, list[str]]:
    """Return the name of each gate and quadrant → the names that must be known before it."""
    wanted: dict[str, list[str]] = {}
    for gate in gates:
        operands = [operand.gate for operand in gate.operands] if isinstance(gate, BooleanGate) else []
        wanted[gate.name] = [*operands, *([gate.parent] if gate.parent else [])]
        if isinstance(gate, QuadrantGate):
            wanted |= {one.name: [gate.name] for one in gate.quadrants}
    return wanted
