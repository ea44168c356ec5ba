"""Which panels show the tree of one tube: what is drawn against what, and whose shares stand where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from tilseq.flow.gated import Gating
from tilseq.populations import Rule, by_parent

SIDE = "SSC-A"


@dataclass(frozen=True)
class Panel:
    """One density panel.

    Attributes
    ----------
    population
        Whose events are drawn.
    across, up
        Markers of the two axes.
    parts
        Population whose share is written → its corner: right (else left), top (else bottom).
    kept
        Population whose events are drawn in colour and the others in grey, where no line parts them; None for all.
    """

    population: str
    across: str
    up: str
    parts: Mapping[str, tuple[bool, bool]]
    kept: str | None = None


def panels(gating: Gating) -> list[Panel]:
    """Return the panels of a tube in the order of its tree.

    First, where they are gated: beads, single and living cells; lymphocytes on scatter, and on CD45 where it has a part
    in them. Then the populations of the rules, parent by parent: those of one marker against side scatter, those of
    several on each two markers that follow each other. Markers of one channel count as one.
    """
    of_rules = [
        panel
        for parent, names in by_parent(gating.rules).items()
        if parent in gating.populations
        for panel in _of_parent(gating, parent, names)
    ]
    return [*_before_rules(gating), *of_rules]


def _before_rules(gating: Gating) -> list[Panel]:
    parents = {name: population.parent or "" for name, population in gating.populations.items()}
    found = []
    if "beads" in parents:
        found.append(Panel(parents["beads"], "CD4", "CD8", {"beads": (True, True)}, kept="cells"))
    if "singlets" in parents:
        found.append(Panel(parents["singlets"], "FSC-A", "FSC-H", {"singlets": (False, True)}, kept="singlets"))
    if "live" in parents:
        found.append(Panel(parents["live"], "viability", SIDE, {"live": (False, True)}))
    parent = parents["lymphocytes"]
    by_cd45 = ("CD45", parent) in gating.cuts or (gating.region is not None and "CD45" in gating.region.centre)
    for across in ("FSC-A", "CD45") if by_cd45 else ("FSC-A",):
        found.append(Panel(parent, across, SIDE, {"lymphocytes": (True, False)}))
    return found


def _of_parent(gating: Gating, parent: str, names: Sequence[str]) -> list[Panel]:
    """Return the panels of the populations of one parent."""
    conditions = {name: _conditions(gating, gating.rules[name]) for name in names}
    signs = {name: {marker: sign for one in own for marker, sign in one.items()} for name, own in conditions.items()}
    order = list(dict.fromkeys(marker for own in signs.values() for marker in own))
    pairs = {name: [tuple(sorted(pair, key=order.index)) for pair in _pairs(conditions[name])] for name in names}
    all_pairs = list(dict.fromkeys(pair for own in pairs.values() for pair in own))
    paired = {marker for pair in all_pairs for marker in pair}
    alone = [(marker, SIDE) for marker in order if marker not in paired]
    found = []
    for across, up in (*alone, *all_pairs):
        # A population of more markers than a panel has stands in its last one.
        shown = [n for n in names if signs[n].keys() <= {across, up} or (across, up) in pairs[n][-1:]]
        corners = {name: (signs[name].get(across, False), signs[name].get(up, up == SIDE)) for name in shown}
        found.append(Panel(parent, across, up, corners))
    return found


def _conditions(gating: Gating, rule: Rule) -> list[dict[str, bool]]:
    """Return marker → positive of each condition of a rule, as far as there are cuts; of one channel one marker."""
    firsts: dict[str, str] = {}
    for marker, parent in gating.cuts:
        if parent == rule.parent:
            firsts.setdefault(gating.markers[marker], marker)
    return [
        {firsts[gating.markers[s.marker]]: s.positive for s in condition if (s.marker, rule.parent) in gating.cuts}
        for condition in rule.conditions
    ]


def _pairs(conditions: Sequence[Mapping[str, bool]]) -> list[tuple[str, str]]:
    """Return which two markers are drawn against each other: those of conditions, or of the only one, in a row."""
    if len(conditions) == 1:
        return list(pairwise(conditions[0]))
    return [pair for one, other in pairwise(conditions) for pair in product(one, other) if pair[0] != pair[1]]
