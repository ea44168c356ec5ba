"""Applying gates that FlowKit read to the events of a tube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.io.gate_columns import Column, Columns, Mask, Tube
from tilseq.io.gate_tree import Place, Tree, is_boolean, is_quadrants, needs, operand_place, places


def masks(tree: Tree, tube: Tube) -> dict[Place, Mask]:
    """Return place → which events of a tube lie in it and in all its parents.

    An event that is not finite in a channel that any gate uses lies in none.

    Raises
    ------
    AnalysisError
        The tube's values are transformed; a gate is on a channel that the tube does not have exactly once; a
        spillover cannot be taken out.
    """
    if tube.keywords.get("TRANSFORMATION", "").strip().casefold() == "custom":
        raise AnalysisError(
            "the tube's values are transformed, while gates are made on linear ones",
            file=tree.file,
            column="transformation",
            found="custom",
            mend="export linear values",
        )
    columns = Columns(tree, tube)
    found: dict[Place, Mask] = {(): np.ones(len(tube.events), dtype=bool)}
    for place in TopologicalSorter(needs(tree)).static_order():
        gate = tree.gates.get(place)
        if gate is None:
            continue  # a quadrant, found with its gate
        parent = found[place[:-1]]
        if is_boolean(gate):
            found[place] = parent & _combine(gate, found)
            continue
        values = [columns.of(dimension, place) for dimension in gate.dimensions]
        if is_quadrants(gate):
            found |= {(*place, name): parent & inside for name, inside in _quadrants(gate, values).items()}
        else:
            found[place] = parent & _inside(gate, values)
    finite = columns.finite()
    return {place: found[place] & finite for place in places(tree)}


def _combine(gate: Any, found: Mapping[Place, Mask]) -> Mask:
    operands = [found[operand_place(operand)] ^ bool(operand["complement"]) for operand in gate.gate_refs]
    if gate.type == "not":
        return ~operands[0]
    combine = np.logical_and if gate.type == "and" else np.logical_or
    return np.asarray(combine.reduce(operands))


def _inside(gate: Any, values: Sequence[Column]) -> Mask:
    import flowutils

    inside: Mask
    if gate.gate_type == "RectangleGate":
        inside = np.ones(len(values[0]), dtype=bool)
        for dimension, column in zip(gate.dimensions, values, strict=True):
            inside &= _between(column, getattr(dimension, "min", None), getattr(dimension, "max", None))
    elif gate.gate_type == "PolygonGate":
        vertices = np.array(gate.vertices, dtype=np.float64)
        inside = flowutils.gating.points_in_polygon(vertices, np.column_stack(values))
    else:
        points = np.column_stack(values)
        covariance, centre = np.array(gate.covariance_matrix), np.array(gate.coordinates)
        inside = flowutils.gating.points_in_ellipsoid(covariance, centre, gate.distance_square, points)
    return ~inside if getattr(gate, "use_complement", False) else inside


def _quadrants(gate: Any, values: Sequence[Column]) -> dict[str, Mask]:
    by_divider = {divider.id: column for divider, column in zip(gate.dimensions, values, strict=True)}
    found = {}
    for name, quadrant in gate.quadrants.items():
        sides = [_between(by_divider[key], *quadrant.get_divider_range(key)) for key in quadrant.divider_refs]
        found[name] = np.logical_and.reduce(sides)
    return found


def _between(values: Column, minimum: float | None, maximum: float | None) -> Mask:
    """Tell which values lie from the minimum on and below the maximum, as GatingML 2.0 has it."""
    inside = np.ones(len(values), dtype=bool)
    if minimum is not None:
        inside &= values >= minimum
    if maximum is not None:
        inside &= values < maximum
    return inside
