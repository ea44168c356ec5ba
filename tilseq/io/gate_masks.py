"""Applying gates that were read from a file to the events of a tube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.gates import (
    BooleanGate,
    EllipsoidGate,
    PolygonGate,
    QuadrantGate,
    RectangleGate,
    channels_of,
    needs_of,
    populations_of,
)
from tilseq.io.gate_columns import Column, Columns, Mask, Tube
from tilseq.io.gate_tree import Tree


def masks(tree: Tree, tube: Tube) -> dict[str, Mask]:
    """Return the name of each population → which events of a tube lie in it and in all its parents.

    Helpers are no populations. An event that is not finite in a channel that any gate uses lies in none.

    Raises
    ------
    AnalysisError
        The tube's values are transformed; a gate is on a channel that the tube does not have exactly once; a
        spillover cannot be taken out; the gates were made on a tube of another number of events.
    """
    if tree.events not in (None, len(tube.events)):
        raise AnalysisError(
            f"the workspace's sample {tree.sample} is another file of this name",
            file=tree.file,
            column="$TOT",
            found=f"{tree.events} events there and {len(tube.events)} in the tube",
            mend="give the tube that the gates were made on; gates for any tube are those of GatingML",
        )
    if tube.keywords.get("TRANSFORMATION", "").strip().casefold() == "custom":
        raise AnalysisError(
            "the tube's values are transformed, while gates are made on linear ones",
            file=tree.file,
            column="transformation",
            found="custom",
            mend="export linear values",
        )
    columns = Columns(tree, tube)
    gates = {gate.name: gate for gate in tree.gates}
    found: dict[str | None, Mask] = {None: np.ones(len(tube.events), dtype=bool)}
    for name in TopologicalSorter(needs_of(tree.gates)).static_order():
        gate = gates.get(name)
        if gate is None:
            continue  # a quadrant, found with its gate
        parent = found[gate.parent]
        if isinstance(gate, BooleanGate):
            found[name] = parent & _combine(gate, found)
            continue
        values = [columns.of(channel, name) for channel in channels_of(gate)]
        if isinstance(gate, QuadrantGate):
            found |= {quadrant: parent & inside for quadrant, inside in _quadrants(gate, values).items()}
        else:
            found[name] = parent & _inside(gate, values)
    finite = columns.finite()
    return {name: found[name] & finite for name in populations_of(tree.gates)}


def _combine(gate: BooleanGate, found: Mapping[str | None, Mask]) -> Mask:
    operands = [found[operand.gate] ^ operand.complement for operand in gate.operands]
    if gate.operation == "not":
        return ~operands[0]
    combine = np.logical_and if gate.operation == "and" else np.logical_or
    return np.asarray(combine.reduce(operands))


def _inside(gate: RectangleGate | PolygonGate | EllipsoidGate, values: Sequence[Column]) -> Mask:
    import flowutils

    inside: Mask
    if isinstance(gate, RectangleGate):
        sides = zip(gate.ranges, values, strict=True)
        inside = np.logical_and.reduce([_between(column, side.minimum, side.maximum) for side, column in sides])
        return ~inside if gate.outside else inside
    points = np.column_stack(values)
    if isinstance(gate, PolygonGate):
        inside = flowutils.gating.points_in_polygon(np.array(gate.vertices, dtype=np.float64), points)
        return ~inside if gate.outside else inside
    covariance, centre = np.array(gate.covariance), np.array(gate.centre)
    with np.errstate(all="ignore"):  # values that are not finite lie outside
        inside = flowutils.gating.points_in_ellipsoid(covariance, centre, gate.distance_square, points)
    return inside


def _quadrants(gate: QuadrantGate, values: Sequence[Column]) -> dict[str, Mask]:
    found = {}
    for quadrant in gate.quadrants:
        columns = [values[place] for place, _ in quadrant.locations]
        sides = zip(gate.ranges(quadrant), columns, strict=True)
        found[quadrant.name] = np.logical_and.reduce([_between(c, s.minimum, s.maximum) for s, c in sides])
    return found


def _between(values: Column, minimum: float | None, maximum: float | None) -> Mask:
    """Tell which values lie from the minimum on and below the maximum, as GatingML 2.0 has it."""
    inside = np.ones(len(values), dtype=bool)
    if minimum is not None:
        inside &= values >= minimum
    if maximum is not None:
        inside &= values < maximum
    return inside
