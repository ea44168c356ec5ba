"""What gates must be for any program to apply them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np

from tilseq.errors import AnalysisError, ReadError
from tilseq.gates import (
    EllipsoidGate,
    Gate,
    PolygonGate,
    QuadrantGate,
    Ratio,
    RectangleGate,
    channels_of,
    needs_of,
    parents_of,
)


def check_gates(gates: Sequence[Gate]) -> None:
    """Refuse gates that cannot be applied.

    Raises
    ------
    AnalysisError
        A name is empty or stands twice; a parent or operand is not among the gates and quadrants; gates depend on each
        other in a circle; a gate has no bound, too few vertices, dividers or operands, an ellipsoid that is none, or a
        number that is not finite.
    """
    often = Counter(name for gate in gates for name in _names(gate))
    populations, needs = parents_of(gates), needs_of(gates)
    for gate in gates:
        for name in _names(gate):
            if not name or often[name] > 1:
                raise AnalysisError("each gate needs a name of its own", found=name)
        for needed in needs[gate.name]:
            if needed not in populations:
                raise AnalysisError(f"gate {gate.name} refers to a gate that is not there", found=needed)
        _check_shape(gate)
    refuse_circle(needs)


def refuse_circle(needs: Mapping[str, Sequence[str]], file: Path | None = None) -> None:
    """Refuse gates that need each other in a circle.

    Parameters
    ----------
    needs
        Name → the names that must come before it.
    file
        The file that they were read from.

    Raises
    ------
    ReadError, AnalysisError
        There is a circle: the former where a file is named.
    """
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        kind = AnalysisError if file is None else ReadError
        found = " → ".join(error.args[1])
        raise kind("gates depend on each other in a circle", file=file, found=found) from error


def is_ellipsoid(gate: EllipsoidGate) -> bool:
    """Tell whether the covariance of an ellipsoid is that of its channels, and can be inverted."""
    size = len(gate.channels)
    if size < 2 or len(gate.centre) != size or [len(row) for row in gate.covariance] != [size] * size:
        return False
    covariance = np.array(gate.covariance, dtype=np.float64)
    if not np.isfinite(covariance).all() or not np.diag(covariance).all():
        return False
    # Variances of one, whatever the units of the channels: 1e12 beside 1e-6 is no sign of a missing rank.
    with np.errstate(all="ignore"):
        lengths = np.sqrt(np.abs(np.diag(covariance)))
        unit = covariance / lengths / lengths[:, np.newaxis]
    if not np.isfinite(unit).all() or np.linalg.matrix_rank(unit) < size:
        return False
    return gate.distance_square >= 0


def _names(gate: Gate) -> list[str]:
    return [gate.name, *(one.name for one in gate.quadrants)] if isinstance(gate, QuadrantGate) else [gate.name]


def _check_shape(gate: Gate) -> None:
    fits, expected, numbers = _shape(gate)
    for channel in channels_of(gate):
        if not all((channel.x, channel.y) if isinstance(channel, Ratio) else (channel.name,)):
            raise AnalysisError(f"gate {gate.name} is on a channel without a name")
        numbers += channel.scale.parameters if channel.scale else ()
        numbers += (channel.a, channel.b, channel.c) if isinstance(channel, Ratio) else ()
    if not all(math.isfinite(number) for number in numbers):
        raise AnalysisError(f"gate {gate.name} has a bound that is no finite number", expected="finite numbers")
    if not fits:
        raise AnalysisError(f"gate {gate.name} is not complete", expected=expected)


def _shape(gate: Gate) -> tuple[bool, str, list[float]]:
    """Return whether a gate is complete, what is expected of it, and its numbers that must be finite."""
    if isinstance(gate, RectangleGate):
        bounds = [(side.minimum, side.maximum) for side in gate.ranges]
        fits = bool(bounds) and all(pair != (None, None) for pair in bounds)
        # An infinite bound is as good as none, unlike one that is no number.
        numbers = [bound for pair in bounds for bound in pair if bound is not None and not math.isinf(bound)]
        return fits, "at least one range, each with a minimum or a maximum", numbers
    if isinstance(gate, PolygonGate):
        return len(gate.vertices) >= 3, "at least three vertices", [place for pair in gate.vertices for place in pair]
    if isinstance(gate, EllipsoidGate):
        numbers = [*gate.centre, *(value for row in gate.covariance for value in row), gate.distance_square]
        return is_ellipsoid(gate), (
            "two channels or more, a centre and an invertible covariance of these, a distance from 0 on"
        ), numbers  # fmt: skip
    if isinstance(gate, QuadrantGate):
        places = [[place for place, _ in one.locations] for one in gate.quadrants]
        fits = bool(places) and all(one and len(set(one)) == len(one) for one in places)
        fits = fits and {place for one in places for place in one} <= set(range(len(gate.dividers)))
        fits = fits and all(one.values and list(one.values) == sorted(one.values) for one in gate.dividers)
        numbers = [value for one in gate.dividers for value in one.values]
        numbers += [location for one in gate.quadrants for _, location in one.locations]
        return fits, "quadrants located by dividers of the gate, each once, dividers with ascending values", numbers
    fits = len(gate.operands) == 1 if gate.operation == "not" else len(gate.operands) >= 2
    return fits, "one operand for not, at least two for and and or", []
