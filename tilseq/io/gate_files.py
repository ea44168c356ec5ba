"""A person's gates, from GatingML 2.0 or a FlowJo 10 workspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tilseq.errors import ReadError
from tilseq.io.flowjo import read_flowjo
from tilseq.io.gate_columns import Mask, Tube
from tilseq.io.gate_masks import masks
from tilseq.io.gate_tree import Place, Tree, places
from tilseq.io.gatingml import name_of, tag
from tilseq.io.gatingml_read import read_gatingml
from tilseq.io.xml_text import read_xml


class GatedPopulation(NamedTuple):
    """Which events of a tube a gate and all its parents let through; the parent's name is None for all events."""

    parent: str | None
    mask: Mask


@dataclass(frozen=True)
class GateFile:
    """The gates of one sample as a file gives them.

    Attributes
    ----------
    path, sample
        The file, and the sample that the gates are of.
    parents
        Name of each population → that of its parent, None for all events, in the order of the file. A name that
        several gates bear is the whole path instead, such as ``CD3+/CD4 T``.
    """

    path: Path
    sample: str
    parents: Mapping[str, str | None]
    _tree: Tree
    _names: Mapping[Place, str]

    def populations(self, tube: Tube) -> dict[str, GatedPopulation]:
        """Apply the gates to a tube.

        Channels are bound by $PnN alone, and compensated as the file says: not at all, with the tube's own
        spillover, or with a matrix of the file. A channel that the tube names as compensated (`Comp-`, `FJComp-`,
        `<X>`) is taken as it is. Transformations and matrices are worked out in float64.

        Parameters
        ----------
        tube
            Events × channels on the linear scale as measured, such as `read_fcs` gives.

        Returns
        -------
        dict
            Name → population, keys as in `parents`; each mask has one boolean an event. An event that is not finite
            in a channel that any gate uses lies in none.

        Raises
        ------
        AnalysisError
            The tube's values are transformed; a gate is on a channel that the tube does not have exactly once; the
            tube's own spillover is needed and cannot be taken out.
        """
        found = masks(self._tree, tube)
        return {name: GatedPopulation(self.parents[name], found[place]) for place, name in self._names.items()}


def read_gates(path: str | Path, *, sample: str) -> GateFile:
    """Read the gates that a person made for one sample.

    Parameters
    ----------
    path
        A GatingML 2.0 file, whose gates are for any sample, or a FlowJo 10 workspace (.wsp). Which it is, is told by
        its content.
    sample
        Name of the sample. In a workspace it is that of the sample or of its file, with or without ``.fcs``.

    Raises
    ------
    ReadError
        The file is absent, too large, declares a document type or entities, is neither of the two or damaged; the
        workspace has no such sample or no gates for it; gates are more than 1,000, nested more than 100 deep, in a
        circle, without their parent, of a kind that is not read, or two of one name in one parent.
    """
    path = Path(path)
    root = read_xml(path)
    if root.tag == tag("gating", "Gating-ML"):
        tree = read_gatingml(root, path, sample)
    elif root.tag == "Workspace":
        tree = read_flowjo(root, path, sample)
    else:
        raise ReadError(
            "not a file of gates", file=path, found=root.tag, expected="GatingML 2.0 or a FlowJo 10 workspace"
        )
    parents = places(tree)
    names = _unique_names(tree, list(parents))
    return GateFile(path, sample, {names[place]: names.get(parent) for place, parent in parents.items()}, tree, names)


def _unique_names(tree: Tree, known: list[Place]) -> dict[Place, str]:
    """Return place → the gate's name, or its path where several gates bear the name."""
    spelled = {place: tuple(map(name_of, place)) for place in known}
    often = Counter(place[-1] for place in spelled.values())
    names = {place: own[-1] if often[own[-1]] == 1 else "/".join(own) for place, own in spelled.items()}
    twins = [name for name, count in Counter(names.values()).items() if count > 1]
    if twins:
        raise ReadError("two gates cannot be told apart by name", file=tree.file, found=twins[0], mend="rename one")
    return names
