"""Gates that FlowKit read from a file, as tilseq's own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tilseq.errors import ReadError
from tilseq.gates import (
    BooleanGate,
    Channel,
    Compensation,
    Divider,
    EllipsoidGate,
    Gate,
    Operand,
    PolygonGate,
    Quadrant,
    QuadrantGate,
    Range,
    Ratio,
    RectangleGate,
    Scale,
    Spectra,
    spectra_fault,
)
from tilseq.io.gate_checks import is_ellipsoid
from tilseq.io.gate_scales import scale_fault, scale_of
from tilseq.io.gatingml import name_of

# Names of gates from the outermost inwards, its own last.
Place = tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """What FlowKit read of one sample.

    Attributes
    ----------
    file, sample
        Where the gates stand, and of what sample they are.
    gates
        Place → FlowKit's gate. Its dimensions name a channel, a key of `spectra`, `FCS` or `uncompensated`, and a key
        of `transforms` or None.
    spectra, transforms
        Name → matrix, and name → FlowKit's transform.
    standard
        The file is GatingML. FlowJo leaves both sides of a rectangle open where it reaches past the plot, and of the
        scales that bear the same names only its logicle has the same parameters.
    """

    file: Path
    sample: str
    gates: Mapping[Place, Any]
    spectra: Mapping[str, Spectra]
    transforms: Mapping[str, Any]
    standard: bool = True

    def error(self, place: Place, what: str, found: str | None = None, mend: str | None = None) -> ReadError:
        """Return an error that names a gate."""
        told = f"gate {'/'.join(place)} of sample {self.sample} {what}"
        return ReadError(told, file=self.file, found=found, mend=mend)


def convert(source: Source) -> list[Gate]:
    """Return gates in the order in which FlowKit has them.

    Each has a name of its own: that which it bears, or its path, such as ``CD3+/CD4 T``, where several bear it.

    Raises
    ------
    ReadError
        A matrix cannot be taken out; a scale's parameter is no finite number or out of range; a gate cannot be
        applied, or refers to a gate, matrix or transformation that the file does not hold; names cannot be told apart.
    """
    for name, spectra in source.spectra.items():
        fault = spectra_fault(spectra)
        if fault:
            raise ReadError(f"the spillover matrix {name} cannot be taken out", file=source.file, found=fault)
    for name, transform in source.transforms.items():
        if not all(math.isfinite(value) for value in vars(transform).values() if isinstance(value, float)):
            raise ReadError(f"a parameter of the transformation {name} is no finite number", file=source.file)
    names = _unique_names(source)
    return [_gate(source, place, names) for place in source.gates]


def is_boolean(gate: Any) -> bool:
    """Tell whether a gate of FlowKit combines others."""
    return bool(gate.gate_type == "BooleanGate")


def _unique_names(source: Source) -> dict[Place, str]:
    """Return place → the gate's or quadrant's name, or its path where several gates bear the name."""
    known = [
        place
        for own, gate in source.gates.items()
        for place in (own, *((*own, name) for name in getattr(gate, "quadrants", ())))
    ]
    spelled = {place: tuple(map(name_of, place)) for place in known}
    often = Counter(place[-1] for place in spelled.values())
    names = {place: own[-1] if often[own[-1]] == 1 else "/".join(own) for place, own in spelled.items()}
    twins = [name for name, count in Counter(names.values()).items() if count > 1]
    if twins:
        raise ReadError("two gates cannot be told apart by name", file=source.file, found=twins[0], mend="rename one")
    return names


def _gate(source: Source, place: Place, names: Mapping[Place, str]) -> Gate:
    gate, name, parent = source.gates[place], names[place], names[place[:-1]] if place[:-1] else None
    if is_boolean(gate):
        return BooleanGate(name, parent, gate.type, _operands(source, place, names))
    fault = _fault(gate, source.standard)
    if fault:
        raise source.error(place, fault)
    channels = tuple(_channel(source, place, dimension) for dimension in gate.dimensions)
    if gate.gate_type == "RectangleGate":
        bounds = [(getattr(side, "min", None), getattr(side, "max", None)) for side in gate.dimensions]
        ranges = tuple(Range(channel, *pair) for channel, pair in zip(channels, bounds, strict=True))
        return RectangleGate(name, parent, ranges, bool(gate.use_complement))
    if gate.gate_type == "PolygonGate":
        vertices = tuple((float(x), float(y)) for x, y in gate.vertices)
        return PolygonGate(name, parent, channels[0], channels[1], vertices, bool(gate.use_complement))
    if gate.gate_type == "QuadrantGate":
        return _quadrants(source, place, names, channels)
    covariance = tuple(map(tuple, gate.covariance_matrix))
    ellipsoid = EllipsoidGate(name, parent, channels, tuple(gate.coordinates), covariance, gate.distance_square)
    if not is_ellipsoid(ellipsoid):
        raise source.error(place, "is no ellipsoid of its channels")
    return ellipsoid


def _operands(source: Source, place: Place, names: Mapping[Place, str]) -> tuple[Operand, ...]:
    gate = source.gates[place]
    if not gate.gate_refs or (gate.type == "not" and len(gate.gate_refs) > 1):
        raise source.error(place, f"has not the number of operands that `{gate.type}` takes", str(len(gate.gate_refs)))
    operands = []
    for operand in gate.gate_refs:
        at = (*operand["path"][1:], operand["ref"])  # FlowKit's paths begin with `root`
        if at not in names or hasattr(source.gates.get(at), "quadrants"):
            raise source.error(place, "refers to a gate that is not in the file", "/".join(at))
        operands.append(Operand(names[at], bool(operand["complement"])))
    return tuple(operands)


def _quadrants(
    source: Source, place: Place, names: Mapping[Place, str], channels: tuple[Channel | Ratio, ...]
) -> QuadrantGate:
    gate, parent = source.gates[place], names[place[:-1]] if place[:-1] else None
    numbers = {divider.id: number for number, divider in enumerate(gate.dimensions)}
    dividers = []
    for channel, divider in zip(channels, gate.dimensions, strict=True):
        assert isinstance(channel, Channel)  # FlowKit reads no divider of a ratio
        dividers.append(Divider(channel, tuple(sorted(divider.values))))
    quadrants = []
    for key, quadrant in gate.quadrants.items():
        locations = tuple((numbers[one], _location(*quadrant.get_divider_range(one))) for one in quadrant.divider_refs)
        quadrants.append(Quadrant(names[*place, key], locations))
    return QuadrantGate(names[place], parent, tuple(dividers), tuple(quadrants))


def _location(minimum: float | None, maximum: float) -> float:
    """Return a location in a quadrant, of which FlowKit keeps only the values of the divider about it."""
    return float(np.nextafter(maximum, -math.inf)) if minimum is None else minimum


def _channel(source: Source, place: Place, dimension: Any) -> Channel | Ratio:
    """Return what a dimension looks at, once what it refers to is found."""
    reference = dimension.compensation_ref or "uncompensated"
    compensation: Compensation = None
    if reference == "FCS":
        compensation = "FCS"
    elif reference != "uncompensated":
        if reference not in source.spectra:
            raise source.error(place, "refers to a spillover matrix that is not in the file", reference)
        compensation = source.spectra[reference]
    scale: Scale | None = None
    if dimension.transformation_ref is not None:
        transform = source.transforms.get(dimension.transformation_ref)
        if transform is None or _is_ratio(transform):
            raise source.error(
                place, "refers to a transformation that is not in the file", dimension.transformation_ref
            )
        scale = scale_of(transform)
        fault = scale_fault(scale) if source.standard or scale.kind == "logicle" else None
        if fault:
            raise source.error(place, "is on a scale that cannot be worked out", fault, "draw it on another scale")
    ratio = getattr(dimension, "ratio_ref", None)
    if ratio is None:
        return Channel(getattr(dimension, "dimension_ref", dimension.id), compensation, scale)
    transform = source.transforms.get(ratio)
    if transform is None or not _is_ratio(transform):
        raise source.error(place, "refers to a ratio that is not in the file", ratio)
    x, y = transform.dimensions
    return Ratio(x, y, transform.param_a, transform.param_b, transform.param_c, compensation, scale)


def _is_ratio(transform: Any) -> bool:
    return hasattr(transform, "param_b")


def _fault(gate: Any, standard: bool) -> str | None:
    """Return what forbids to apply a gate of FlowKit, or None; whether an ellipsoid is one is told later."""
    if not gate.dimensions:
        return "is on no channel"
    sides = [(getattr(dimension, "min", None), getattr(dimension, "max", None)) for dimension in gate.dimensions]
    lists = [getattr(dimension, "values", []) for dimension in gate.dimensions]
    lists += [getattr(gate, name, []) for name in ("vertices", "coordinates", "covariance_matrix", "distance_square")]
    # An infinite minimum or maximum is as good as none; any other number must be finite.
    bounds = [bound for pair in sides for bound in pair if bound is not None and not math.isinf(bound)]
    if not all(math.isfinite(number) for number in [*bounds, *(x for part in lists for x in np.ravel(part))]):
        return "has a number that is NaN or infinite"
    if standard and gate.gate_type == "RectangleGate" and (None, None) in sides:
        return "has a dimension with neither a minimum nor a maximum"
    if gate.gate_type == "PolygonGate" and (len(gate.dimensions) != 2 or len(gate.vertices) < 3):
        return "is no polygon of two channels and at least three vertices"
    return None
