"""Gates as data: what is gated on what, without a word on files or on how events are held."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal

import numpy as np

from tilseq.errors import AnalysisError

# How FlowJo and others name a channel that is compensated already.
# FACSDiva's APPLY COMPENSATION is no such sign: it says how Diva drew its plots, while its events are as measured.
COMPENSATED_PREFIXES = ("comp-", "fjcomp-", "<")


@dataclass(frozen=True)
class Channel:
    """A channel by its name ($PnN), and whether its spillover is taken out before the gate is applied."""

    name: str
    compensated: bool


@dataclass(frozen=True)
class Range:
    """Values of one channel on the linear scale, from `minimum` on and below `maximum`; None leaves a side open."""

    channel: Channel
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
        One a channel, at least one.
    """

    name: str
    parent: str | None
    ranges: tuple[Range, ...]


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
        At least three pairs (x, y), on `scale`.
    scale
        `linear`, or `log10`: the decimal logarithm of the linear value, outside of which lies what is not above 0.
    """

    name: str
    parent: str | None
    x: Channel
    y: Channel
    vertices: tuple[tuple[float, float], ...]
    scale: Literal["linear", "log10"] = "linear"


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
        n numbers, on `scale`.
    covariance
        n × n, positive definite, on `scale`.
    distance_square
        Square of the Mahalanobis distance of the edge.
    scale
        As of a `PolygonGate`.
    """

    name: str
    parent: str | None
    channels: tuple[Channel, ...]
    centre: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    distance_square: float
    scale: Literal["linear", "log10"] = "linear"


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
    """

    name: str
    parent: str | None
    operation: Literal["and", "or", "not"]
    operands: tuple[Operand, ...]


Gate = RectangleGate | PolygonGate | EllipsoidGate | BooleanGate


def check_gates(gates: Sequence[Gate]) -> None:
    """Refuse gates that cannot be applied.

    Raises
    ------
    AnalysisError
        A name is empty or stands twice; a parent or operand is not among the gates; gates depend on each other in a
        circle; a gate has no bound, too few vertices or operands, an ellipsoid that is none, or a number that is not
        finite.
    """
    names = [gate.name for gate in gates]
    for gate in gates:
        if not gate.name or names.count(gate.name) > 1:
            raise AnalysisError("each gate needs a name of its own", found=gate.name)
        for needed in _needs(gate):
            if needed not in names:
                raise AnalysisError(f"gate {gate.name} refers to a gate that is not there", found=needed)
        _check_shape(gate)
    circle = find_circle({gate.name: _needs(gate) for gate in gates})
    if circle:
        raise AnalysisError("gates depend on each other in a circle", found=" → ".join(circle))


def find_circle[Name: Hashable](needs: Mapping[Name, Sequence[Name]]) -> list[Name] | None:
    """Return names that need each other in a circle, the first again at the end, or None where there is none.

    Parameters
    ----------
    needs
        Name → the names that must come before it.
    """
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def _needs(gate: Gate) -> list[str]:
    operands = [operand.gate for operand in gate.operands] if isinstance(gate, BooleanGate) else []
    return [*operands, *([gate.parent] if gate.parent else [])]


def _check_shape(gate: Gate) -> None:
    numbers: list[float] = []
    if isinstance(gate, RectangleGate):
        bounds = [(side.minimum, side.maximum) for side in gate.ranges]
        fits = bool(bounds) and all(pair != (None, None) for pair in bounds)
        numbers = [bound for pair in bounds for bound in pair if bound is not None]
        expected = "at least one range, each with a minimum or a maximum"
    elif isinstance(gate, PolygonGate):
        fits = len(gate.vertices) >= 3
        numbers = [place for vertex in gate.vertices for place in vertex]
        expected = "at least three vertices"
    elif isinstance(gate, EllipsoidGate):
        numbers = [*gate.centre, *(value for row in gate.covariance for value in row), gate.distance_square]
        fits = _is_ellipsoid(gate)
        expected = "two channels or more, a centre and a positive definite covariance of these, a distance from 0 on"
    else:
        fits = len(gate.operands) == 1 if gate.operation == "not" else len(gate.operands) >= 2
        expected = "one operand for not, at least two for and and or"
    if not all(math.isfinite(number) for number in numbers):
        raise AnalysisError(f"gate {gate.name} has a bound that is no finite number", expected="finite numbers")
    if not fits:
        raise AnalysisError(f"gate {gate.name} is not complete", expected=expected)


def _is_ellipsoid(gate: EllipsoidGate) -> bool:
    size = len(gate.channels)
    if size < 2 or len(gate.centre) != size or [len(row) for row in gate.covariance] != [size] * size:
        return False
    covariance = np.array(gate.covariance)
    if not (np.isfinite(covariance).all() and np.array_equal(covariance, covariance.T)):
        return False
    return bool((np.linalg.eigvalsh(covariance) > 0).all()) and gate.distance_square >= 0
