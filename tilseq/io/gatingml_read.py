"""Reading GatingML 2.0 through FlowKit, once what FlowKit would take in silence is checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tilseq.errors import ReadError, did_you_mean
from tilseq.gates import QuadrantGate, Spectra
from tilseq.io.gate_checks import refuse_circle
from tilseq.io.gate_flowkit import Place, Source, convert
from tilseq.io.gate_tree import Tree
from tilseq.io.gatingml import HELPER, tag

MOST_GATES, DEEPEST = 1000, 100
TRUE = ("true", "1")


def read_gatingml(root: Any, path: Path, sample: str) -> Tree:
    """Return the gates of a GatingML 2.0 document.

    Parameters
    ----------
    root
        Root element of the document.
    path, sample
        The file and the sample, which errors name.

    Raises
    ------
    ReadError
        The document breaks GatingML 2.0, uses what is not read right (matrices inverted already, bounds of a
        transformation), or its gates are too many, nested too deep, in a circle or without their parent.
    """
    _check_count(root, path)
    _check_schema(root, path)
    within = _check_hierarchy(root, path)
    _check_transformations(root, path)
    helpers = _helpers(root)
    gates = _take_booleans(root, within)
    for element in _gates(root):
        element.attrib.pop(tag("gating", "parent_id"), None)
    with flowkit_errors(path):
        import flowkit
        from lxml import etree

        strategy = flowkit.parse_gating_xml(BytesIO(etree.tostring(root)))
        spectra = {
            name: Spectra.of(matrix.fluorochromes, matrix.detectors, matrix.matrix)
            for name, matrix in strategy.comp_matrices.items()
        }
        gates |= {place[-1]: gate for place, gate in gates_of(strategy).items()}
        placed = {_place(name, within): gates[name] for name in _in_order(within) if name in gates}
        converted = convert(Source(path, sample, placed, spectra, strategy.transformations))
    own = [
        replace(gate, helper=True) if place[-1] in helpers and not isinstance(gate, QuadrantGate) else gate
        for place, gate in zip(placed, converted, strict=True)
    ]
    return Tree(path, sample, own)


def _helpers(root: Any) -> set[str]:
    """Return the identifiers of the gates that tilseq wrote only to put others together."""
    told = root.iterfind(f"*/{tag('data-type', 'custom_info')}")
    return {one.getparent().get(tag("gating", "id"), "") for one in told if (one.text or "").strip() == HELPER}


def _take_booleans(root: Any, within: Mapping[str, list[str]]) -> dict[str, Any]:
    """Take the Boolean gates out of a document and return them by name, in the form of FlowKit's.

    FlowKit takes the square of their number to read them, knows one of the two spellings of true, and loses a gate
    that refers to its own parent. So it is given neither them nor who lies within whom.
    """
    gates: dict[str, Any] = {}
    for element in root.findall(tag("gating", "BooleanGate")):
        references = list(element.iter(tag("gating", "gateReference")))
        operands = [
            {
                "ref": reference.get(tag("gating", "ref")),
                "complement": reference.get(tag("gating", "use-as-complement"), "").strip() in TRUE,
                "path": ("root", *_place(reference.get(tag("gating", "ref")), within)[:-1]),
            }
            for reference in references
        ]
        operation = references[0].getparent().tag.rpartition("}")[2]
        gates[element.get(tag("gating", "id"))] = SimpleNamespace(
            gate_type="BooleanGate", type=operation, gate_refs=operands
        )
        root.remove(element)
    return gates


def _in_order(within: Mapping[str, list[str]]) -> list[str]:
    """Return the names of gates and quadrants, each before what lies within it, else as in the file."""
    below: dict[str | None, list[str]] = {}
    for name, parents in within.items():
        below.setdefault(parents[0] if parents else None, []).append(name)
    found, waiting = [], below.get(None, [])[::-1]
    while waiting:
        found.append(waiting.pop())
        waiting += below.get(found[-1], [])[::-1]
    return found


def gates_of(strategy: Any) -> dict[Place, Any]:
    """Return place → gate of a strategy of FlowKit, without the quadrants, which their gates hold."""
    from flowkit.exceptions import QuadrantReferenceError

    gates = {}
    for name, above in strategy.get_gate_ids():
        try:
            gates[(*above[1:], name)] = strategy.get_gate(name, above)
        except QuadrantReferenceError:
            continue
    return gates


@contextmanager
def flowkit_errors(path: Path) -> Iterator[None]:
    """Turn what FlowKit and the libraries below it raise at a faulty file into a `ReadError` that names the file."""
    from flowkit.exceptions import FlowKitException
    from lxml.etree import LxmlError
    from networkx import NetworkXException

    # FlowKit does not check what it reads: a missing attribute is a TypeError, a missing element an AttributeError.
    foreign = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, SyntaxError)
    try:
        with np.errstate(all="ignore"):
            yield
    except (*foreign, FlowKitException, LxmlError, NetworkXException) as error:
        found = f"{type(error).__name__}: {error}"
        raise ReadError("the gates cannot be read", file=path, found=found, mend="export them again") from error


def _gates(root: Any) -> list[Any]:
    return [
        element for element in root if str(element.tag).startswith(tag("gating", "")) and element.tag[-4:] == "Gate"
    ]


def _check_count(root: Any, path: Path) -> None:
    gates = _gates(root)
    if not gates:
        raise ReadError("the file holds no gate", file=path)
    if len(gates) > MOST_GATES:
        raise ReadError("the file holds too many gates", file=path, found=len(gates), expected=f"at most {MOST_GATES}")


def _check_schema(root: Any, path: Path) -> None:
    """Refuse what breaks ISAC's schema and name the element; FlowKit refuses it too, but says only that it does."""
    from lxml import etree

    ids = set()
    for element in root.iter(etree.Element):
        identifier = element.get(tag("gating", "id"), element.get(tag("transforms", "id")))
        if identifier in ids:
            told = "two gates, dividers, matrices or transformations of one id"
            raise ReadError(told, file=path, found=identifier, mend="give each an id of its own")
        ids |= {identifier} - {None}
    schema = _schema()
    if schema.validate(root):
        return
    fault = schema.error_log[0]
    spaces = {prefix: space for one in root.iter(etree.Element) for prefix, space in one.nsmap.items() if prefix}
    element = root.getroottree().xpath(fault.path, namespaces=spaces) if fault.path else [root]
    around = [*element[0].iterancestors(), element[0]] if element else []
    named = [one.get(tag("gating", "id"), one.get(tag("transforms", "id"))) for one in around]
    name = next((f"{identifier}: " for identifier in named if identifier is not None), "")
    message = re.sub(r"\{[^}]*\}", "", fault.message).rstrip(".")
    raise ReadError(
        f"line {fault.line} is not valid GatingML 2.0: {name}{message}", file=path, mend="export the gates again"
    )


@cache
def _schema() -> Any:
    """Return ISAC's schema of GatingML 2.0, which FlowKit brings along."""
    import flowkit
    from lxml import etree

    folder = Path(flowkit.__file__).parent / "_resources"
    return etree.XMLSchema(etree.parse(folder / "Gating-ML.v2.0.xsd"))


def _check_hierarchy(root: Any, path: Path) -> dict[str, list[str]]:
    """Refuse gates that are nested too deep, in a circle or without the gates that they refer to.

    Return the identifier of each gate → that of its parent, or none, and of each quadrant → that of its gate.
    """
    within: dict[str, list[str]] = {}
    wanted: dict[str, list[str]] = {}
    for gate in _gates(root):
        name = gate.get(tag("gating", "id"), "")
        _refuse_other_parent(gate, name, path)
        parent = gate.get(tag("gating", "parent_id"))
        within[name] = [parent] if parent is not None else []
        wanted[name] = [*within[name], *_operands(gate)]
        for quadrant in gate.iter(tag("gating", "Quadrant")):
            within[quadrant.get(tag("gating", "id"), "")] = wanted[quadrant.get(tag("gating", "id"), "")] = [name]
    if "root" in within:
        raise ReadError("a gate is named root, which stands for all events", file=path, mend="rename it")
    for name, others in wanted.items():
        for other in others:
            if other not in within:
                kind = "parent" if other in within[name] else "gate"
                mend = did_you_mean(other, list(within))
                raise ReadError(f"the {kind} that gate {name} refers to is missing", file=path, found=other, mend=mend)
    refuse_circle(wanted, path)
    for name in within:
        check_depth(_depth(name, within), name, path)
    return within


def _refuse_other_parent(gate: Any, name: str, path: Path) -> None:
    """Refuse a parent_id that is not GatingML's: the schema lets it pass, and programs take the gate for all events."""
    for key in gate.attrib:
        if key != tag("gating", "parent_id") and key.rpartition("}")[2].casefold() == "parent_id":
            raise ReadError(
                f"gate {name} names its parent by an attribute that GatingML does not know",
                file=path,
                found=f"{key}={gate.get(key)}",
                expected="gating:parent_id",
                mend="write the prefix gating: before it, or delete it if the gate lies within no other",
            )


def _operands(gate: Any) -> list[str]:
    return [element.get(tag("gating", "ref"), "") for element in gate.iter(tag("gating", "gateReference"))]


def _place(name: str, within: Mapping[str, list[str]]) -> Place:
    return (*(_place(within[name][0], within) if within[name] else ()), name)


def check_depth(depth: int, name: str, path: Path) -> None:
    """Refuse a gate that is nested too deep."""
    if depth > DEEPEST:
        raise ReadError(f"gate {name} is nested too deep", file=path, expected=f"at most {DEEPEST} gates within others")


def _depth(name: str, within: dict[str, list[str]]) -> int:
    depth = 0
    while within[name] and depth <= DEEPEST:
        name, depth = within[name][0], depth + 1
    return depth


def _check_transformations(root: Any, path: Path) -> None:
    """Refuse what FlowKit passes over in silence."""
    for element in root.iter(tag("transforms", "spectrumMatrix")):
        if element.get(tag("transforms", "matrix-inverted-already"), element.get("matrix-inverted-already")) in TRUE:
            raise ReadError(
                "a spectrum matrix is inverted already, which is not supported",
                file=path,
                found=element.get(tag("transforms", "id")),
                expected="the spillover itself",
            )
    for element in root.iter(tag("transforms", "transformation")):
        for bound in ("boundMin", "boundMax"):
            if element.get(tag("transforms", bound), element.get(bound)) is not None:
                raise ReadError(
                    f"a transformation has a {bound}, which is not supported",
                    file=path,
                    found=element.get(tag("transforms", "id")),
                )
