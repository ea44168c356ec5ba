"""Writing gates as GatingML 2.0 (Spidlen et al., Cytometry A 2015;87:683), the exchange format of ISAC."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import category

from tilseq.errors import AnalysisError
from tilseq.gates import (
    SCALES,
    BooleanGate,
    Channel,
    EllipsoidGate,
    Gate,
    Operand,
    PolygonGate,
    QuadrantGate,
    Ratio,
    RectangleGate,
    Scale,
    Spectra,
    channels_of,
    needs_of,
    spectra_fault,
)
from tilseq.io.files import write_with
from tilseq.io.gate_checks import check_gates
from tilseq.io.gate_scales import scale_fault

SPACE = "http://www.isac-net.org/std/Gating-ML/v2.0/"
NAMESPACES = {"gating": SPACE + "gating", "transforms": SPACE + "transformations", "data-type": SPACE + "datatypes"}
# Letters with which an identifier may begin by every edition of XML: those of names such as γδ T stay readable.
LETTERS = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9"
# What gates refer to has identifiers that no gate can have, as `id_of` never begins with an underscore of its own.
PREFIXES = {Spectra: "_spillover", Scale: "_scale", Ratio: "_ratio"}
ESCAPED = re.compile(r"_x([0-9A-F]{4,6})_")
# What marks a gate that only puts others together, where GatingML lets a program say what is its own.
HELPER = "tilseq: helper, no population"
NO_LETTERS = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of pairs, ends of lines and paragraphs

Reference = Spectra | Scale | Ratio


def write_gatingml(path: str | Path, gates: Sequence[Gate]) -> None:
    """Write gates as a GatingML 2.0 file that appears under its name only when it is whole.

    The file is valid by ISAC's schema, and `read_gates` reads the same gates from it. As identifiers of XML hold
    neither blanks nor ``+``, such characters of a name are written as ``_xHHHH_`` with their code in hexadecimal
    digits, as SQL/XML does (ISO/IEC 9075-14); `read_gates` turns them back. GatingML knows no gate of what lies
    outside of a shape: it is written as the complement of a helper, named ``inside of`` it. Helpers bear a custom_info
    that says so, which other programs pass over: for these they are gates like others.

    Parameters
    ----------
    path
        The file to write.
    gates
        Gates in any order, each with what it refers to.

    Raises
    ------
    AnalysisError
        See `tilseq.io.gate_checks.check_gates`; or a gate is on a scale of FlowJo's own or out of the standard's range,
        a matrix is of one channel or cannot be taken out, or a name is `root` or holds a control character.
    RunError
        The file cannot be written.
    """
    from lxml import etree

    gates = [part for gate in gates for part in _parts(gate)]
    check_gates(gates)
    for name in needs_of(gates):
        if name == "root":
            raise AnalysisError("no gate can be named root, which programs take for all events", mend="rename it")
        if any(category(letter) in NO_LETTERS for letter in name):
            raise AnalysisError("the name of a gate holds a control character", found=name, mend="rename it")
    ids = _ids(gates)
    root = etree.Element(tag("gating", "Gating-ML"), nsmap=NAMESPACES)
    try:
        for reference, identifier in ids.items():
            _add_reference(root, reference, identifier)
        dividers = 0
        for gate in gates:
            _add_gate(root, gate, ids, dividers)
            dividers += len(gate.dividers) if isinstance(gate, QuadrantGate) else 0
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
    """Return the name that an identifier stands for; the reverse of `id_of`.

    What stands for a character that no name can hold, such as a line end or half of a pair of UTF-16, is left as it is.
    """
    return ESCAPED.sub(_unescape, identifier)


def _unescape(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= 0x10FFFF and category(chr(code)) not in NO_LETTERS else match[0]


def _escape(match: re.Match[str]) -> str:
    return f"_x{ord(match[0]):04X}_"


def _parts(gate: Gate) -> list[Gate]:
    """Return gates of forms that GatingML has and that hold the same events, the last with the gate's name."""
    if not isinstance(gate, RectangleGate | PolygonGate) or not gate.outside:
        return [gate]
    inside = replace(gate, name=f"inside of {gate.name}", outside=False, helper=True)
    return [inside, BooleanGate(gate.name, gate.parent, "not", (Operand(inside.name),), gate.helper)]


def _ids(gates: Sequence[Gate]) -> dict[Reference, str]:
    """Return what gates refer to → its identifier, once each."""
    found: dict[Reference, str] = {}
    for gate in gates:
        for channel in channels_of(gate):
            for reference in _references(channel):
                if reference in found:
                    continue
                fault = _fault(reference)
                if fault:
                    told = f"gate {gate.name} cannot be written as GatingML"
                    raise AnalysisError(told, found=fault, mend="leave it out, or draw it anew")
                found[reference] = f"{PREFIXES[type(reference)]}{len(found) + 1}"
    return found


def _references(channel: Channel | Ratio) -> list[Reference]:
    found: list[Reference] = [channel.compensation] if isinstance(channel.compensation, Spectra) else []
    found += [channel.scale] if channel.scale else []
    return [*found, _plain(channel)] if isinstance(channel, Ratio) else found


def _plain(ratio: Ratio) -> Ratio:
    """Return the ratio alone, as a transformation of GatingML has it."""
    return replace(ratio, compensation=None, scale=None)


def _fault(reference: Reference) -> str | None:
    """Return why GatingML has no form for something, or None."""
    if isinstance(reference, Scale):
        if reference.kind.startswith("FlowJo"):
            return f"the scale {reference.kind}, which GatingML does not have"
        return scale_fault(reference)
    if isinstance(reference, Spectra):
        if min(len(reference.dyes), len(reference.detectors)) < 2:
            return "a spillover of one channel, which GatingML does not have"
        return spectra_fault(reference)
    return None


def _add_reference(root: Any, reference: Reference, identifier: str) -> None:
    if isinstance(reference, Spectra):
        _add_matrix(root, reference, identifier)
        return
    transform = _add(root, "transforms", "transformation", id=identifier)
    if isinstance(reference, Scale):
        names = SCALES[reference.kind]
        parameters = {name: _text(value) for name, value in zip(names, reference.parameters, strict=True)}
        _add(transform, "transforms", reference.kind, **parameters)
        return
    parameters = {"A": _text(reference.a), "B": _text(reference.b), "C": _text(reference.c)}
    ratio = _add(transform, "transforms", "fratio", **parameters)
    for name in (reference.x, reference.y):
        _add(ratio, "data-type", "fcs-dimension", name=name)


def _add_matrix(root: Any, spectra: Spectra, identifier: str) -> None:
    matrix = _add(root, "transforms", "spectrumMatrix", id=identifier)
    for kind, channels in (("fluorochromes", spectra.dyes), ("detectors", spectra.detectors)):
        names = _add(matrix, "transforms", kind)
        for channel in channels:
            _add(names, "data-type", "fcs-dimension", name=channel)
    for row in spectra.matrix:
        spectrum = _add(matrix, "transforms", "spectrum")
        for value in row:
            _add(spectrum, "transforms", "coefficient", value=_text(value))


def _add_gate(root: Any, gate: Gate, ids: Mapping[Reference, str], dividers: int) -> None:
    element = _add(root, "gating", type(gate).__name__, id=id_of(gate.name))
    if gate.parent is not None:
        element.set(tag("gating", "parent_id"), id_of(gate.parent))
    if not isinstance(gate, QuadrantGate) and gate.helper:
        _add(element, "data-type", "custom_info").text = HELPER
    if isinstance(gate, RectangleGate):
        for side in gate.ranges:
            bounds = {"min": side.minimum, "max": side.maximum}
            given = {key: _text(bound) for key, bound in bounds.items() if bound is not None}
            _add_dimension(element, "dimension", side.channel, ids, given)
    elif isinstance(gate, BooleanGate):
        _add_operands(element, gate)
    elif isinstance(gate, QuadrantGate):
        _add_quadrants(element, gate, ids, dividers)
    else:
        for channel in channels_of(gate):
            _add_dimension(element, "dimension", channel, ids, {})
        if isinstance(gate, PolygonGate):
            for vertex in gate.vertices:
                _add_values(element, "vertex", "coordinate", vertex)
        else:
            _add_ellipsoid(element, gate)


def _add_dimension(
    element: Any, kind: str, channel: Channel | Ratio, ids: Mapping[Reference, str], further: Mapping[str, str]
) -> Any:
    compensation = channel.compensation
    reference = ids[compensation] if isinstance(compensation, Spectra) else compensation or "uncompensated"
    scale = {"transformation-ref": ids[channel.scale]} if channel.scale else {}
    dimension = _add(element, "gating", kind, **{"compensation-ref": reference}, **scale, **further)
    if isinstance(channel, Ratio):
        _add(dimension, "data-type", "new-dimension", **{"transformation-ref": ids[_plain(channel)]})
    else:
        _add(dimension, "data-type", "fcs-dimension", name=channel.name)
    return dimension


def _add_quadrants(element: Any, gate: QuadrantGate, ids: Mapping[Reference, str], dividers: int) -> None:
    """Add dividers, whose identifiers count on from those of other gates, and quadrants."""
    names = [f"_divider{dividers + number}" for number in range(1, len(gate.dividers) + 1)]
    for name, divider in zip(names, gate.dividers, strict=True):
        dimension = _add_dimension(element, "divider", divider.channel, ids, {"id": name})
        for value in divider.values:
            _add(dimension, "gating", "value").text = _text(value)
    for quadrant in gate.quadrants:
        inside = _add(element, "gating", "Quadrant", id=id_of(quadrant.name))
        for place, location in quadrant.locations:
            _add(inside, "gating", "position", divider_ref=names[place], location=_text(location))


def _add_ellipsoid(element: Any, gate: EllipsoidGate) -> None:
    _add_values(element, "mean", "coordinate", gate.centre)
    covariance = _add(element, "gating", "covarianceMatrix")
    for row in gate.covariance:
        _add_values(covariance, "row", "entry", row)
    _set_value(_add(element, "gating", "distanceSquare"), gate.distance_square)


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
    element.set(tag("data-type", "value"), _text(value))


def _text(value: float) -> str:
    """Return a number so that the same one is read from it; XML writes infinity in capitals."""
    return repr(float(value)).upper() if math.isinf(value) else repr(float(value))


def _add(parent: Any, space: str, kind: str, /, **attributes: str) -> Any:
    """Add an element whose attributes are in its own namespace, as GatingML has them."""
    from lxml import etree

    element = etree.SubElement(parent, tag(space, kind))
    for key, value in attributes.items():
        element.set(tag(space, key), value)
    return element
