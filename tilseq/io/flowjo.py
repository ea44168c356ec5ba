"""Reading the gates of one sample from a FlowJo 10 workspace (.wsp) through FlowKit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tilseq.errors import ReadError, did_you_mean, first_few
from tilseq.gates import Spectra, needs_of
from tilseq.io.gate_checks import refuse_circle
from tilseq.io.gate_flowkit import Place, Source, convert, is_boolean
from tilseq.io.gate_tree import Tree
from tilseq.io.gatingml import tag
from tilseq.io.gatingml_read import MOST_GATES, check_depth, flowkit_errors, gates_of

POPULATIONS = ("Population", "AndNode", "OrNode", "NotNode")
READ = ("RectangleGate", "PolygonGate", "EllipsoidGate")
MATRIX = "spillover"
MOST_LISTED = 20
DIMENSIONS = f"Gate/*/{tag('gating', 'dimension')}/{tag('data-type', 'fcs-dimension')}"


def read_flowjo(root: Any, path: Path, sample: str) -> Tree:
    """Return the gates that a workspace holds for one sample.

    A gate on `Comp-X` (the prefix is the matrix's) is compensated with the sample's matrix in the workspace, a gate
    on X is not. Time is taken as the workspace scales it. FlowJo sorts events into bins before it applies a polygon
    or an ellipse, so its counts of these can differ by some tenths of a percent.

    Parameters
    ----------
    root
        Root element of the workspace.
    path
        The file.
    sample
        Name of the sample in the workspace or of its file there, with or without ``.fcs``.

    Raises
    ------
    ReadError
        The workspace is older than FlowJo 10, holds not exactly one sample of this name, no gates for it, two gates
        of one name in one parent, gates of a kind that is not read, or is damaged.
    """
    _check_version(root, path)
    element = _only_sample(root, path, sample)
    dimensions = list(_check_populations(element, path, sample))
    matrix = element.find(tag("transforms", "spilloverMatrix"))
    prefix, suffix = "", ""
    if matrix is not None:
        _bind_matrix(matrix, path, sample)
        # FlowKit strips these and then takes X for Comp-X, and the scale of the one for that of the other.
        prefix, suffix = matrix.get("prefix", ""), matrix.get("suffix", "")
        matrix.attrib.update({"prefix": "", "suffix": "", "name": MATRIX})
    with flowkit_errors(path):
        strategy = _parse(root, element)
        spectra = {name: _spectra(read) for name, read in strategy.comp_matrices.items()}
        gates = gates_of(strategy)
        _compensate_by_name(gates, spectra, prefix, suffix)
        step = _time_step(element) if "time" in dimensions else None
        converted = convert(Source(path, sample, gates, spectra, strategy.transformations, standard=False))
    refuse_circle(needs_of(converted), path)
    return Tree(path, sample, converted, step, underscores=True, events=_events(element))


def _check_version(root: Any, path: Path) -> None:
    version = root.get("flowJoVersion", "")
    if not re.match(r"[1-9]\d+(\.|$)", version):
        raise ReadError("not a workspace of FlowJo 10", file=path, found=version, mend="save it with FlowJo 10")


def _only_sample(root: Any, path: Path, sample: str) -> Any:
    """Return the element of a sample."""
    known: list[str] = []
    found = []
    for element in root.iterfind("SampleList/Sample[SampleNode]"):
        names = _names(element)
        known += names[:1]
        if _stem(sample) in map(_stem, names):
            found.append(element)
    if len(found) == 1:
        return found[0]
    raise ReadError(
        "the workspace holds several samples of this name" if found else "the workspace holds no such sample",
        file=path,
        found=sample,
        expected=None if found else f"one of {first_few(known, MOST_LISTED)}",
        mend="give each sample a name of its own" if found else did_you_mean(sample, known),
    )


def _events(element: Any) -> int | None:
    """Return how many events the file of a sample holds, as its keywords in the workspace say."""
    told = [one.get("value", "").strip() for one in element.iterfind("Keywords/Keyword") if one.get("name") == "$TOT"]
    return int(told[0]) if len(told) == 1 and told[0].isdecimal() else None


def _names(element: Any) -> list[str]:
    """Return the names of a sample: that of its node, and that of its file."""
    names, data = [element.find("SampleNode").get("name", "")], element.find("DataSet")
    if data is not None and data.get("uri"):
        names.append(unquote(data.get("uri")).rpartition("/")[2])
    return [name for name in names if name]


def _stem(name: str) -> str:
    return name[:-4] if name.casefold().endswith(".fcs") else name


def _check_populations(element: Any, path: Path, sample: str) -> Iterator[str]:
    """Refuse populations that FlowKit would lose or fail on; yield the names of all channels, in lower case."""
    waiting: list[tuple[Place, Any]] = [((), element.find("SampleNode"))]
    count = 0
    while waiting:
        above, node = waiting.pop()
        names = []
        for child in node.iterfind("Subpopulations/*"):
            if child.tag not in POPULATIONS:
                continue
            names.append(child.get("name", ""))
            place = (*above, names[-1])
            told = f"gate {'/'.join(place)} of sample {sample}"
            check_depth(len(place) - 1, told.removeprefix("gate "), path)
            if child.tag == "Population":
                _check_kind(child, told, path)
            if names.count(names[-1]) > 1:
                raise ReadError(f"{told} stands twice", file=path, mend="rename one of the two")
            yield from (dim.get(tag("data-type", "name"), "").casefold() for dim in child.iterfind(DIMENSIONS))
            waiting.append((place, child))
        count += len(names)
        if count > MOST_GATES:
            raise ReadError(f"sample {sample} has too many gates", file=path, expected=f"at most {MOST_GATES}")
    if not count:
        raise ReadError("the workspace holds no gate for this sample", file=path, found=sample)


def _check_kind(population: Any, told: str, path: Path) -> None:
    kinds = [gate.tag.rpartition("}")[2] for gate in population.iterfind("Gate/*")]
    if len(kinds) != 1 or kinds[0] not in READ:
        raise ReadError(
            f"{told} is of a kind that is not read",
            file=path,
            found=", ".join(kinds) or "no gate",
            expected="a rectangle, range, polygon or ellipse",
        )


def _bind_matrix(matrix: Any, path: Path, sample: str) -> None:
    """Put rows and coefficients of a matrix in the order of its channels, by their names; FlowKit goes by place."""
    named = tag("data-type", "parameter")
    rows = matrix.findall(tag("transforms", "spillover"))
    dyes = [element.get(tag("data-type", "name")) for element in matrix.iter(named)]
    _sort(rows, [row.get(named) for row in rows], dyes, path, sample)
    detectors = [value.get(named) for value in rows[0]] if matrix.get("spectral") == "1" and rows else dyes
    for row in rows:
        _sort(list(row), [value.get(named) for value in row], detectors, path, sample)


def _sort(
    elements: list[Any], names: Sequence[str | None], order: Sequence[str | None], path: Path, sample: str
) -> None:
    if sorted(map(str, names)) != sorted(map(str, order)) or len(set(names)) < len(names):
        raise ReadError(
            f"the spillover matrix of sample {sample} is not of one row and column a channel",
            file=path,
            found=", ".join(map(str, names)),
            expected=", ".join(map(str, order)),
        )
    for _, element in sorted(zip(map(order.index, names), elements, strict=True), key=lambda pair: pair[0]):
        element.getparent().append(element)


def _parse(root: Any, element: Any) -> Any:
    """Return FlowKit's strategy of one sample; what is wrong with others is no concern of it."""
    import flowkit
    from lxml import etree

    alone = etree.Element(root.tag, root.attrib, nsmap=root.nsmap)
    etree.SubElement(alone, "Groups")
    etree.SubElement(alone, "SampleList").append(element)
    workspace = flowkit.Workspace(BytesIO(etree.tostring(alone)), load_missing_file_data=True)
    return workspace.get_gating_strategy(workspace.get_sample_ids(loaded_only=False)[0])


def _spectra(matrix: Any) -> Spectra:
    dyes = getattr(matrix, "true_detectors", matrix.detectors)
    return Spectra.of(dyes, matrix.detectors, matrix.matrix)


def _compensate_by_name(gates: dict[Place, Any], spectra: dict[str, Spectra], prefix: str, suffix: str) -> None:
    """Say of each dimension by its name whether it is compensated."""
    dyes = {f"{prefix}{dye}{suffix}": dye for matrix in spectra.values() for dye in matrix.dyes}
    for gate in gates.values():
        for dimension in [] if is_boolean(gate) else gate.dimensions:
            dimension.compensation_ref = MATRIX if dimension.id in dyes else "uncompensated"
            dimension.id = dyes.get(dimension.id, dimension.id)


def _time_step(element: Any) -> float | None:
    """Return what the workspace multiplies ticks of Time by, where it says so; FlowJo measures it itself."""
    for parameter in element.iterfind(f"Transformations/*/{tag('data-type', 'parameter')}"):
        if parameter.get(tag("data-type", "name"), "").casefold() == "time":
            gain = parameter.getparent().get("gain")
            if gain and not 0 < float(gain) < math.inf:
                raise ValueError(f"the gain of Time is {gain}")
            return float(gain) if gain else None
    return None
