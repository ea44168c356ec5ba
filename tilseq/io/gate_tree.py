"""A tree of gates as FlowKit read it from a file, with what the gates refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Names of gates from the outermost inwards, its own last.
Place = tuple[str, ...]
LARGEST_CONDITION = 1e4


class Spectra(NamedTuple):
    """What each dye (row) puts into each detector (column); with more detectors than dyes, least squares."""

    dyes: Sequence[str]
    detectors: Sequence[str]
    matrix: NDArray[np.float64]


@dataclass(frozen=True)
class Tree:
    """Gates as FlowKit read them, with what they refer to.

    Attributes
    ----------
    file, sample
        Where they stand, and of what sample they are.
    gates
        Place → FlowKit's gate; quadrants stand within their quadrant gate, one place below it. A gate's dimensions
        name a channel, a key of `spectra`, `FCS` or `uncompensated`, and a key of `transforms` or None.
    spectra, transforms
        Name → matrix, and name → FlowKit's transform.
    time_step
        What ticks of the channel Time are multiplied by; None is the tube's own $TIMESTEP.
    underscores
        A `/` in a channel's name is written `_`, as FlowJo does.
    """

    file: Path
    sample: str
    gates: Mapping[Place, Any]
    spectra: Mapping[str, Spectra]
    transforms: Mapping[str, Any]
    time_step: float | None = None
    underscores: bool = False


def places(tree: Tree) -> dict[Place, Place]:
    """Return the place of each population → that of its parent, () for none, in the order of the file.

    A quadrant gate is no population; its quadrants are, in the parent of the gate.
    """
    found: dict[Place, Place] = {}
    for place, gate in tree.gates.items():
        if is_quadrants(gate):
            found |= {(*place, name): place[:-1] for name in gate.quadrants}
        else:
            found[place] = place[:-1]
    return found


def needs(tree: Tree) -> dict[Place, list[Place]]:
    """Return place → the places that must be known before it."""
    wanted: dict[Place, list[Place]] = {}
    for place, gate in tree.gates.items():
        wanted[place] = [place[:-1]] if place[:-1] else []
        if is_boolean(gate):
            wanted[place] += [operand_place(operand) for operand in gate.gate_refs]
        if is_quadrants(gate):
            wanted |= {(*place, name): [place] for name in gate.quadrants}
    return wanted


def operand_place(operand: Mapping[str, Any]) -> Place:
    """Return the place that an operand of FlowKit's Boolean gate refers to; its paths begin with `root`."""
    return (*operand["path"][1:], operand["ref"])


def is_boolean(gate: Any) -> bool:
    """Tell whether a gate of FlowKit combines others."""
    return bool(gate.gate_type == "BooleanGate")


def is_quadrants(gate: Any) -> bool:
    """Tell whether a gate of FlowKit is a set of quadrants."""
    return bool(gate.gate_type == "QuadrantGate")


def spectra_fault(spectra: Spectra) -> str | None:
    """Return why a matrix cannot be taken out, or None."""
    if spectra.matrix.shape != (len(spectra.dyes), len(spectra.detectors)):
        return f"{' × '.join(str(size) for size in spectra.matrix.shape)} values for " + (
            f"{len(spectra.dyes)} dyes and {len(spectra.detectors)} detectors"
        )
    if len(set(spectra.dyes)) < len(spectra.dyes) or len(set(spectra.detectors)) < len(spectra.detectors):
        return "a channel that stands twice"
    if not np.isfinite(spectra.matrix).all():
        return "a value that is no finite number"
    condition = float(np.linalg.cond(spectra.matrix))
    if len(spectra.dyes) > len(spectra.detectors) or condition > LARGEST_CONDITION:
        return f"a matrix that is singular or nearly so, condition number {condition:.3g}"
    return None
