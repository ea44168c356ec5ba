"""Scales of gates, worked out by FlowKit in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilseq.gates import SCALES, Kind, Scale

CLASSES: dict[Kind, str] = {
    "flin": "LinearTransform",
    "flog": "LogTransform",
    "fasinh": "AsinhTransform",
    "logicle": "LogicleTransform",
    "hyperlog": "HyperlogTransform",
    "FlowJo biex": "WSPBiexTransform",
    "FlowJo log": "WSPLogTransform",
}
KINDS = {name: kind for kind, name in CLASSES.items()}
# Beyond these no scale is drawn, and FlowKit's double precision no longer tells values apart.
TOPS, DECADES = (1e-9, 1e15), (0.01, 30.0)
SLACK = 1e-9  # of M: M - 2W is rounded


def scale_of(transform: Any) -> Scale:
    """Return what a transform of FlowKit stands for."""
    kind = KINDS[type(transform).__name__]
    return Scale(kind, tuple(getattr(transform, name) for name in _names(kind)))


def scale_fault(scale: Scale) -> str | None:
    """Return which parameter of a scale is out of the range of GatingML 2.0, section 6, or None.

    Out of it the formulas have no inverse or none that is unique, and FlowKit gives numbers all the same. Scales of
    FlowJo's own are not looked at.
    """
    names = SCALES[scale.kind]
    if scale.kind.startswith("FlowJo"):
        return None
    if len(scale.parameters) != len(names):
        return f"the scale {scale.kind} with {len(scale.parameters)} parameters in place of {', '.join(names)}"
    given = dict(zip(names, scale.parameters, strict=True))
    for name, (least, most) in _ranges(scale.kind, given).items():
        if not least <= given[name] <= most:
            return f"the scale {scale.kind} with {name} of {given[name]:g}, not {least:g} to {most:g}"
    return None


def _ranges(kind: Kind, given: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Return parameter → the least and the most that the standard allows beside the other parameters."""
    top, width, decades = given["T"], given.get("W", 0.0), given.get("M", 1.0)
    ranges = {"T": TOPS, "M": DECADES} if "M" in given else {"T": TOPS}
    if kind == "flin":
        return ranges | {"A": (0.0, top)}
    if kind == "fasinh":
        return ranges | {"A": (0.0, decades)}
    if kind in ("logicle", "hyperlog"):
        least = SLACK if kind == "hyperlog" else 0.0  # a hyperlog without its linear part is none
        return ranges | {"W": (least, decades / 2), "A": (-width, decades - 2 * width + SLACK * decades)}
    return ranges


def apply_scale(scale: Scale, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear values on a scale; NaN where it has none, such as the logarithm of what is not above 0."""
    import flowkit

    with np.errstate(all="ignore"):
        parameters = dict(zip(_names(scale.kind), scale.parameters, strict=True))
        transform = getattr(flowkit.transforms, CLASSES[scale.kind])(**parameters)
        return np.asarray(transform.apply(np.ascontiguousarray(values).reshape(-1, 1)).ravel())


def _names(kind: Kind) -> list[str]:
    """Return the parameters of a scale as FlowKit names them."""
    return [f"param_{name.lower()}" if len(name) == 1 else name for name in SCALES[kind]]
