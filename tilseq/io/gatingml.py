"""Writing gates as GatingML 2.0 (Spidlen et al., Cytometry A 2015;87:683), the exchange format of ISAC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.gates import BooleanGate, Channel, EllipsoidGate, Gate, PolygonGate, RectangleGate, check_gates
from tilseq.io.files import write_with

SPACE = "http://www.isac-net.org/std/Gating-ML/v2.0/"
NAMESPACES = {"gating": SPACE + "gating", "transforms": SPACE + "transformations", "data-type": SPACE + "datatypes"}
# Identifiers that no gate can have, as `id_of` never begins with an underscore of its own.
MATRIX, LOG10 = "_spillover", "_log10"
# Letters with which an identifier may begin by every edition of XML: those of names such as γδ T stay readable.
LETTERS = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9"
ESCAPED = re.compile(r"_x([0-9A-F]{4,6})_")


class Spillover(Protocol):
    """A spillover matrix: its channels, and n × n, row i being what the dye of channel i puts into each detector."""

    @property
    def channels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def matrix(self) -> NDArray[np.float64]: ...  # noqa: D102


def write_gatingml(path: str | Path, gates: Sequence[Gate], spill: Spillover | None) -> None:
    """Write gates as a GatingML 2.0 file that appears under its name only when it is whole.

    The file is valid by ISAC's schema. Thresholds stay on the linear scale; logarithmic gates use ``flog`` with
    T = 10 and M = 1, which is the decimal logarithm. As identifiers of XML hold neither blanks nor ``+``, such
    characters of a name are written as ``_xHHHH_`` with their code in hexadecimal digits, as SQL/XML does (ISO/IEC
    9075-14); `read_gates` turns them back.

    Parameters
    ----------
    path
        The file to write.
    gates
        Gates in any order; the names of channels are those of the tube ($PnN).
    spill
        What was taken out of compensated channels, written as a spectrum matrix; None where no gate is on one.
        A compensated channel that is not in it needs no compensation.

    Raises
    ------
    AnalysisError
        See `tilseq.gates.check_gates`; or a gate is on a compensated channel without a spillover, the spillover is
        of one channel, or a name holds a character that XML forbids.
    RunError
        The file cannot be written.
    """
    from lxml import etree

    check_gates(gates)
    if any(gate.name == "root" for gate in gates):
        raise AnalysisError("no gate can be named root, which programs take for all events", mend="rename it")
    root = etree.Element(tag("gating", "Gating-ML"), nsmap=NAMESPACES)
    compensated = {channel.name for gate in gates for channel in _channels(gate) if channel.compensated}
    if compensated and spill is None:
        raise AnalysisError("gates are on compensated channels, yet no spillover is given", found=sorted(compensated))
    try:
        if any(isinstance(gate, PolygonGate | EllipsoidGate) and gate.scale == "log10" for gate in gates):
            _add_log10(root)
        matrix_of = frozenset(spill.channels) & compensated if spill is not None else frozenset()
        if spill is not None and matrix_of:
            _add_matrix(root, spill)
        for gate in gates:
            _add_gate(root, gate, matrix_of)
    except ValueError as error:  # a control character; lxml does not say which
        raise AnalysisError("a name of a gate or channel holds a character that XML forbids") from error
    content = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    write_with(path, lambda stream: stream.write(content))


def tag(space: str, name: str) -> str:
    """Return a name in one of GatingML's namespaces (`gating`, `transforms`, `data-type`), as lxml takes it."""
    return f"{{{NAMESPACES[space]}}}{name}"


def id_of(name: str) -> str:
    """Return a gate's name as an identifier of XML."""
    return re.sub(rf"[^{LETTERS}0-9_.-]|_(?=x)|^[^{LETTERS}]", _escape, name)


def name_of(identifier: str) -> str:
    """Return the name that an identifier stands for; the reverse of `id_of`."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)) if int(match[1], 16) <= 0x10FFFF else match[0], identifier)


def _escape(match: re.Match[str]) -> str:
    return f"_x{ord(match[0]):04X}_"


def _channels(gate: Gate) -> list[Channel]:
    if isinstance(gate, RectangleGate):
        return [side.channel for side in gate.ranges]
    if isinstance(gate, EllipsoidGate):
        return list(gate.channels)
    return [gate.x, gate.y] if isinstance(gate, PolygonGate) else []


def _add_log10(root: Any) -> None:
    transform = _add(root, "transforms", "transformation", id=LOG10)
    _add(transform, "transforms", "flog", T="10", M="1")


def _add_matrix(root: Any, spill: Spillover) -> None:
    if len(spill.channels) < 2:
        raise AnalysisError("GatingML has no spillover of one channel", found=", ".join(spill.channels))
    matrix = _add(root, "transforms", "spectrumMatrix", id=MATRIX)
    for kind in ("fluorochromes", "detectors"):
        names = _add(matrix, "transforms", kind)
        for channel in spill.channels:
            _add(names, "data-type", "fcs-dimension", name=channel)
    for row in np.asarray(spill.matrix, dtype=np.float64):
        spectrum = _add(matrix, "transforms", "spectrum")
        for value in row:
            _add(spectrum, "transforms", "coefficient", value=repr(float(value)))


def _add_gate(root: Any, gate: Gate, matrix_of: frozenset[str]) -> None:
    element = _add(root, "gating", type(gate).__name__, id=id_of(gate.name))
    if gate.parent is not None:
        element.set(tag("gating", "parent_id"), id_of(gate.parent))
    if isinstance(gate, RectangleGate):
        for side in gate.ranges:
            bounds = {"min": side.minimum, "max": side.maximum}
            given = {key: repr(float(bound)) for key, bound in bounds.items() if bound is not None}
            _add_dimension(element, side.channel, matrix_of, given)
    elif isinstance(gate, BooleanGate):
        _add_operands(element, gate)
    else:
        for channel in _channels(gate):
            _add_dimension(element, channel, matrix_of, {"transformation-ref": LOG10} if gate.scale == "log10" else {})
        if isinstance(gate, PolygonGate):
            for vertex in gate.vertices:
                _add_values(element, "vertex", "coordinate", vertex)
        else:
            _add_values(element, "mean", "coordinate", gate.centre)
            covariance = _add(element, "gating", "covarianceMatrix")
            for row in gate.covariance:
                _add_values(covariance, "row", "entry", row)
            _set_value(_add(element, "gating", "distanceSquare"), gate.distance_square)


def _add_dimension(element: Any, channel: Channel, matrix_of: frozenset[str], further: dict[str, str]) -> None:
    reference = MATRIX if channel.compensated and channel.name in matrix_of else "uncompensated"
    dimension = _add(element, "gating", "dimension", **{"compensation-ref": reference}, **further)
    _add(dimension, "data-type", "fcs-dimension", name=channel.name)


def _add_operands(element: Any, gate: BooleanGate) -> None:
    operation = _add(element, "gating", gate.operation)
    for operand in gate.operands:
        reference = _add(operation, "gating", "gateReference", ref=id_of(operand.gate))
        if operand.complement:
            reference.set(tag("gating", "use-as-complement"), "true")


def _add_values(parent: Any, kind: str, each: str, values: Sequence[float]) -> None:
    element = _add(parent, "gating", kind)
    for value in values:
        _set_value(_add(element, "gating", each), value)


def _set_value(element: Any, value: float) -> None:
    element.set(tag("data-type", "value"), repr(float(value)))


def _add(parent: Any, space: str, kind: str, /, **attributes: str) -> Any:
    """Add an element whose attributes are in its own namespace, as GatingML has them."""
    from lxml import etree

    element = etree.SubElement(parent, tag(space, kind))
    for key, value in attributes.items():
        element.set(tag(space, key), value)
    return element
