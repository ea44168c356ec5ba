"""A person's gates, from GatingML 2.0 or a FlowJo 10 workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

from tilseq.errors import AnalysisError, ReadError
from tilseq.gates import BooleanGate, Channel, QuadrantGate, Ratio, channels_of, needs_of, populations_of
from tilseq.io.flowjo import read_flowjo
from tilseq.io.gate_columns import Mask, Tube
from tilseq.io.gate_masks import masks
from tilseq.io.gate_tree import Tree
from tilseq.io.gatingml import tag, write_gatingml
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
        several gates bear is the whole path instead, such as ``CD3+/CD4 T``. Gates that tilseq wrote only to put others
        together are none.
    """

    path: Path
    sample: str
    parents: Mapping[str, str | None]
    _tree: Tree

    @property
    def channels(self) -> list[Channel]:
        """What the gates look at, channels of a ratio one by one, in the order of the gates, each once."""
        found: list[Channel] = []
        for one in (one for gate in self._tree.gates for one in channels_of(gate)):
            names = (one.x, one.y) if isinstance(one, Ratio) else (one.name,)
            found += [Channel(name, one.compensation) for name in names]
        return list(dict.fromkeys(found))

    @property
    def on_time(self) -> list[str]:
        """Populations whose gate is on Time, or combines gates that are."""
        gates = {gate.name: gate for gate in self._tree.gates}
        found: list[str] = []
        for name in TopologicalSorter(needs_of(self._tree.gates)).static_order():
            gate = gates.get(name)
            if gate is None:
                continue  # a quadrant, found with its gate
            named = any(isinstance(one, Channel) and one.name.casefold() == "time" for one in channels_of(gate))
            if isinstance(gate, BooleanGate):
                named = any(operand.gate in found for operand in gate.operands)
            if named:
                found += [one.name for one in gate.quadrants] if isinstance(gate, QuadrantGate) else [gate.name]
        return [name for name in self.parents if name in found]

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
            tube's own spillover is needed and cannot be taken out; the workspace's sample holds other events.
        """
        found = masks(self._tree, tube)
        return {name: GatedPopulation(self.parents[name], mask) for name, mask in found.items()}

    def write_gatingml(self, path: str | Path) -> None:
        """Write the gates as GatingML 2.0, so that they let the same events through.

        Channels keep the names that the file gives them; a workspace of FlowJo writes ``_`` for ``/``.

        Parameters
        ----------
        path
            The file to write; see `write_gatingml`.

        Raises
        ------
        AnalysisError
            GatingML has no form for a gate: it is on a scale of FlowJo's own, or on Time as FlowJo scales it.
        RunError
            The file cannot be written.
        """
        if self._tree.time_step is not None:
            for gate in self._tree.gates:
                if any(isinstance(one, Channel) and one.name.casefold() == "time" for one in channels_of(gate)):
                    raise AnalysisError(
                        f"gate {gate.name} is on Time as FlowJo scales it, for which GatingML has no form",
                        file=self.path,
                        mend="leave it out, or gate Time in seconds by $TIMESTEP",
                    )
        try:
            write_gatingml(path, self._tree.gates)
        except AnalysisError as error:
            error.file = str(self.path)
            raise


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
    return GateFile(path, sample, populations_of(tree.gates), tree)
