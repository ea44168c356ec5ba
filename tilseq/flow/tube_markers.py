"""The channels of one tube that its population tree needs, as its names alone tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilseq.errors import AnalysisError
from tilseq.flow.panel import describe, find_cytokines, find_markers, own_channels
from tilseq.flow.values import NEEDED
from tilseq.populations import Rule, stains_of


@dataclass(frozen=True)
class TubeMarkers:
    """Which channel carries what the tree needs.

    Attributes
    ----------
    channels
        Marker → channel ($PnN), of those that the tube has.
    stains
        Markers that the tree parts cells by.
    lacking
        Which of CD4 and CD8 the tube has no channel for; the tree does without them.
    """

    channels: dict[str, str]
    stains: list[str]
    lacking: list[str]


def markers_of_tube(
    channels: Sequence[str],
    texts: Sequence[str],
    rules: Mapping[str, Rule],
    aliases: Mapping[str, Sequence[str]] | None = None,
    *,
    cytokines: bool = False,
) -> TubeMarkers:
    """Find the channels of a tube's tree.

    Parameters
    ----------
    channels, texts
        $PnN and $PnS of every channel.
    rules
        Of the whole tree.
    aliases
        Names that a panel gives: marker → names; see `find_markers`.
    cytokines
        Whether the tube is one of stimulated or unstimulated cells, whose cytokines are stains, and which needs both
        CD4 and CD8.

    Raises
    ------
    AnalysisError
        As `find_markers`, `own_channels` and `find_cytokines`; or there is no channel for FSC-A, SSC-A or CD3.
    """
    stains = stains_of(rules)
    found = find_markers(channels, texts, aliases)
    found |= own_channels([name for name in stains if name not in found], channels, texts, aliases)
    if cytokines:
        made = find_cytokines(channels, texts, aliases)
        found |= made
        stains = list(dict.fromkeys([*stains, *made]))
    lacking = [marker for marker in NEEDED if marker not in found]
    if cytokines and lacking or not {*lacking} <= {"CD4", "CD8"}:
        raise AnalysisError(f"no channel for {', '.join(lacking)}", mend=name_it(channels, texts))
    return TubeMarkers(found, stains, lacking)


def name_it(channels: Sequence[str], texts: Sequence[str]) -> str:
    """Return how to mend a tube's lack of a channel."""
    return f"name it among the panel's markers; the channels are {describe(channels, texts)}"
