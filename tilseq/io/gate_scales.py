"""Scales of gates, worked out by FlowKit in float64."""

from __future__ import annotations

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


def scale_of(transform: Any) -> Scale:
    """Return what a transform of FlowKit stands for."""
    kind = KINDS[type(transform).__name__]
    return Scale(kind, tuple(getattr(transform, name) for name in _names(kind)))


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
