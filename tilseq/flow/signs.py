"""Populations told by the signs of their markers: their cuts, found or borrowed, and what could not be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tilseq.flow.quality import check
from tilseq.flow.tree import Tree
from tilseq.flow.tube import Mask
from tilseq.populations import T_CELLS, Rule, by_parent

# T cells bear one of the two: those that bear the other lack this one.
OTHER_LINEAGE = {"CD4": "CD8", "CD8": "CD4"}
# Cells on the other side of CD3 are known to lack these: CD3- lymphocytes CD4 and bright CD8, T cells CD19, CD16, CD56.
LACKED_BEYOND_CD3 = {"CD4": "CD3-", "CD8": "CD3-", "CD19": "CD3+", "CD16": "CD3+", "CD56": "CD3+"}
NEEDED = ("CD3", "CD4", "CD8")


def add_by_rules(tree: Tree, rules: Mapping[str, Rule]) -> list[dict[str, Any]]:
    """Add the populations of the rules, as far as channels and cuts allow, and tell of those that they do not.

    Raises
    ------
    AnalysisError
        CD3, CD4 or CD8 cannot be cut for a built-in population.
    """
    told = []
    for parent, names in by_parent(rules).items():
        if parent in tree.populations:
            built_in = [name for name in names if rules[name] == T_CELLS.get(name)]
            needed = {marker for name in built_in for marker in rules[name].markers} & set(NEEDED)
            markers = list(dict.fromkeys(marker for name in names for marker in rules[name].markers))
            _find_cuts(tree, parent, markers, needed)
        for name in names:
            added = parent in tree.populations and tree.add_by_rule(name, rules[name])
            missing = _missing(tree, rules[name]) if parent in tree.populations else f"there is no {parent}"
            # B and NK cells are optional, and NK cells are told by either of two markers.
            if missing and rules[name] != T_CELLS.get(name):
                reason = missing if added else f"not available: {missing}"
                told.append(check(tree.sample, f"population {name}", None, "a cut for each marker", False, reason))
    return told


def _missing(tree: Tree, rule: Rule) -> str:
    """Return which markers of a rule have no cut, and why, in words."""
    without = [marker for marker in rule.markers if (marker, rule.parent) not in tree.cuts]
    no_channel = [marker for marker in without if marker not in tree.values]
    no_valley = [marker for marker in without if marker in tree.values]
    parts = [f"no channel for {', '.join(no_channel)}"] if no_channel else []
    return "; ".join(parts + ([f"no valley of {', '.join(no_valley)} among {rule.parent}"] if no_valley else []))


def _find_cuts(tree: Tree, parent: str, markers: Sequence[str], needed: Collection[str]) -> None:
    """Find the cuts that part one population: by valleys first, then above cells that are known to lack the marker."""
    there = [marker for marker in markers if marker in tree.values]
    found = {marker: tree.find(marker, parent) for marker in there}
    for marker in there:
        if found[marker]:
            continue
        negatives = _negatives(tree, parent, marker, found)
        if not (negatives is not None and tree.beyond(marker, parent, negatives)) and marker in needed:
            raise tree.not_parted(marker, parent)


def _negatives(tree: Tree, parent: str, marker: str, found: Mapping[str, bool]) -> Mask | None:
    """Return cells that are known to lack a marker, None where none are known to."""
    other = OTHER_LINEAGE.get(marker, "")
    if found.get(other, False):
        return np.asarray(tree.mask(parent) & tree.over(other, parent))
    beyond = LACKED_BEYOND_CD3.get(marker)
    return tree.mask(beyond) if beyond in tree.populations else None
