"""Reading GatingML 2.0 through FlowKit, once what FlowKit would take in silence is checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from tilseq.errors import ReadError, did_you_mean
from tilseq.gates import find_circle
from tilseq.io.gate_tree import Place, Spectra, Tree, is_boolean, needs, operand_place, places, spectra_fault
from tilseq.io.gatingml import tag

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
    _check_hierarchy(root, path)
    _check_transformations(root, path)
    for reference in root.iter(tag("gating", "gateReference")):
        # FlowKit knows one of the two spellings of true.
        if reference.get(tag("gating", "use-as-complement")) in TRUE:
            reference.set(tag("gating", "use-as-complement"), "true")
    with flowkit_errors(path):
        import flowkit
        from lxml import etree

        strategy = flowkit.parse_gating_xml(BytesIO(etree.tostring(root)))
        gates = gates_of(strategy)
        spectra = {
            name: Spectra(matrix.fluorochromes, matrix.detectors, np.asarray(matrix.matrix, dtype=np.float64))
            for name, matrix in strategy.comp_matrices.items()
        }
    tree = Tree(path, sample, gates, spectra, dict(strategy.transformations))
    check_references(tree)
    return tree


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


def check_references(tree: Tree) -> None:
    """Refuse gates that refer to a gate, matrix or transformation that the file does not hold, and unsound matrices.

    Raises
    ------
    ReadError
        As said.
    """
    for name, spectra in tree.spectra.items():
        fault = spectra_fault(spectra)
        if fault:
            raise ReadError(f"the spillover matrix {name} cannot be taken out", file=tree.file, found=fault)
    for name, transform in tree.transforms.items():
        if not all(math.isfinite(value) for value in vars(transform).values() if isinstance(value, float)):
            raise ReadError(f"a parameter of the transformation {name} is no finite number", file=tree.file)
    known = places(tree).keys()
    for place, gate in tree.gates.items():
        fault = None if is_boolean(gate) else _shape_fault(gate)
        if fault:
            raise ReadError(f"gate {'/'.join(place)} of sample {tree.sample} {fault}", file=tree.file)
        if is_boolean(gate):
            wanted = [("gate", "/".join(operand_place(o)), operand_place(o) in known) for o in gate.gate_refs]
        else:
            wanted = [reference for dimension in gate.dimensions for reference in _references(tree, dimension)]
        for kind, name, there in wanted:
            if not there:
                what = f"gate {'/'.join(place)} of sample {tree.sample} refers to a {kind} that is not in the file"
                raise ReadError(what, file=tree.file, found=name)
    circle = find_circle(needs(tree))
    if circle:
        found = " → ".join(map("/".join, circle))
        raise ReadError("gates depend on each other in a circle", file=tree.file, found=found)


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


def _shape_fault(gate: Any) -> str | None:
    """Return what forbids to apply a gate, or None."""
    bounds = [getattr(dimension, side, None) for dimension in gate.dimensions for side in ("min", "max")]
    lists = [getattr(dimension, "values", []) for dimension in gate.dimensions]
    lists += [getattr(gate, name, []) for name in ("vertices", "coordinates", "covariance_matrix")]
    numbers = [bound for bound in bounds if bound is not None] + [x for part in lists for x in np.ravel(part)]
    if np.isnan(numbers).any():
        return "has a bound that is NaN"
    if not gate.dimensions:
        return "is on no channel"
    if gate.gate_type == "PolygonGate" and (len(gate.dimensions) != 2 or len(gate.vertices) < 3):
        return "is no polygon of two channels and at least three vertices"
    if gate.gate_type == "EllipsoidGate":
        size, covariance = len(gate.dimensions), np.asarray(gate.covariance_matrix, dtype=np.float64)
        if len(gate.coordinates) != size or covariance.shape != (size, size) or not np.isfinite(covariance).all():
            return "is no ellipsoid of its channels"
        if np.linalg.matrix_rank(covariance) < size:
            return "is an ellipsoid without a width"
    return None


def _references(tree: Tree, dimension: Any) -> Iterator[tuple[str, str, bool]]:
    """Yield kind and name of what a dimension refers to, and whether it is there."""
    compensation, transform = dimension.compensation_ref, dimension.transformation_ref
    if compensation not in (None, "uncompensated", "FCS"):
        yield "spillover matrix", compensation, compensation in tree.spectra
    if transform is not None:
        yield "transformation", transform, transform in tree.transforms and not _is_ratio(tree.transforms[transform])
    ratio = getattr(dimension, "ratio_ref", None)
    if ratio is not None:
        yield "ratio", ratio, ratio in tree.transforms and _is_ratio(tree.transforms[ratio])


def _is_ratio(transform: Any) -> bool:
    return hasattr(transform, "param_b")


def _check_hierarchy(root: Any, path: Path) -> None:
    """Refuse gates that are too many, nested too deep, in a circle or without the gates that they refer to."""
    gates = [element for element in root if element.tag.startswith(tag("gating", "")) and element.tag.endswith("Gate")]
    if not gates:
        raise ReadError("the file holds no gate", file=path)
    if len(gates) > MOST_GATES:
        raise ReadError("the file holds too many gates", file=path, found=len(gates), expected=f"at most {MOST_GATES}")
    within: dict[str, list[str]] = {}  # name → parent, or of a quadrant its gate
    wanted: dict[str, list[str]] = {}
    for gate in gates:
        name = gate.get(tag("gating", "id"), "")
        parent = gate.get(tag("gating", "parent_id"))
        within[name] = [parent] if parent is not None else []
        operands = [element.get(tag("gating", "ref"), "") for element in gate.iter(tag("gating", "gateReference"))]
        wanted[name] = [*within[name], *operands]
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
    circle = find_circle(wanted)
    if circle:
        raise ReadError("gates depend on each other in a circle", file=path, found=" → ".join(circle))
    for name in within:
        check_depth(_depth(name, within), name, path)


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
