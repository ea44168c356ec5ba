"""What a gated tube is: its populations and cuts, where these could as well lie, and what it may borrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tilseq.errors import AnalysisError
from tilseq.flow.beside import NONE_TOLD, Told
from tilseq.flow.lymphocytes import Region
from tilseq.flow.scatter import NONE_BESIDE, Beside
from tilseq.flow.tree import Cut, Population
from tilseq.flow.tube import Floats, Mask
from tilseq.populations import Rule

if TYPE_CHECKING:
    import polars as pl


class Shift(NamedTuple):
    """Events of every population with one cut moved to its lower and to its upper end."""

    lower: Mapping[str, int]
    upper: Mapping[str, int]


@dataclass(frozen=True)
class Borrowed:
    """Cuts of other tubes of the same panel and instrument, for a tube whose own are not clear.

    Attributes
    ----------
    cuts
        Marker and parent → cut.
    region
        Where lymphocytes lie, or None.
    channels
        Marker → channel that the cuts are of; a tube that bears the marker in another channel borrows none of them.
        Without any all are lent.
    """

    cuts: Mapping[tuple[str, str], Cut] = field(default_factory=dict)
    region: Region | None = None
    channels: Mapping[str, str] = field(default_factory=dict)

    def of(self, markers: Mapping[str, str]) -> Borrowed:
        """Return what a tube with these channels can borrow: of a panel with CD3 in another channel nothing."""
        if not self.channels:
            return self
        if "CD3" in markers and self.channels.get("CD3", markers["CD3"]) != markers["CD3"]:
            return Borrowed(channels=self.channels)
        same = {marker for marker, channel in self.channels.items() if markers.get(marker) == channel}
        cuts = {key: cut for key, cut in self.cuts.items() if key[0] in same}
        region = self.region if self.region is not None and set(self.region.centre) <= same else None
        return Borrowed(cuts, region, self.channels)


@dataclass(frozen=True)
class Gating:
    """One gated tube.

    Attributes
    ----------
    sample
        Name of the tube.
    populations
        Name → population, parents before children: `all events` (the finite ones of the steady run), where counting
        beads are among them `beads`, of these `single beads`, and `cells`, then where channels allow `singlets`,
        `live`, `lymphocytes`, and those of the rules.
    rules
        Population → rule, of those that are found by their signs.
    cuts
        Marker and parent → cut.
    region
        Where lymphocytes lie on scatter and CD45; None where thresholds that were set say so alone.
    quality
        Table `quality`: the checks of this tube.
    exclusions
        Events that take no part: `sample, rule, rows` (a caller who knows it adds `file`).
    markers
        Marker → channel ($PnN).
    values
        Marker → compensated linear values of all events, float32.
    cofactors
        Marker → cofactor of its arcsinh scale; scatter has none.
    moved
        Events of every population with each cut moved to both ends of where it could as well lie.
    monocytes
        Monocytes among the lymphocytes, see `monocytes.monocytes_within`; none are told where CD45 holds them off.
    dead
        Population → events that bear every marker it lacks, one boolean an event, see `dead.dead_among`.
    beside_singlets
        Events beside the band of single cells.
    """

    sample: str
    populations: Mapping[str, Population]
    rules: Mapping[str, Rule]
    cuts: Mapping[tuple[str, str], Cut]
    region: Region | None
    quality: pl.DataFrame
    exclusions: pl.DataFrame
    markers: Mapping[str, str]
    values: Mapping[str, Floats]
    cofactors: Mapping[str, float]
    moved: Mapping[str, Shift] = field(default_factory=dict)
    monocytes: Told = NONE_TOLD
    dead: Mapping[str, Mask] = field(default_factory=dict)
    beside_singlets: Beside = NONE_BESIDE

    def __repr__(self) -> str:
        held = ", ".join(f"{name} {population.events:,}" for name, population in self.populations.items())
        return f"Gating({self.sample}: {held})"


def refuse_ungated(gating: object) -> None:
    """Refuse what is no gated tube, as the tube or several.

    Raises
    ------
    AnalysisError
        It is none.
    """
    if not isinstance(gating, Gating):
        found, mend = type(gating).__name__, "gate it first, `ts.flow.gate(tube, sample='day28')`; give one at a time"
        raise AnalysisError("this is no gated tube", found=found, expected="a Gating", mend=mend)
