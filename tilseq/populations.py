"""The population tree as data: what each population is of, and which markers it bears and lacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from tilseq.errors import AnalysisError, did_you_mean

# Populations that are found by scatter, beads and dead cells, not by signs; a rule may name them as its parent.
BUILT_IN = ("all events", "beads", "single beads", "cells", "singlets", "live", "lymphocytes")
# Cells are counted by the first that is there: where they passed alone, as the beads.
COUNTED_BEADS = ("single beads", "beads")
# How the region of the lymphocytes stands in tables of cuts: one row a channel, its gate this and the channel's marker.
REGION = "lymphocytes "
# Stains that gates use beside those of the population tree.
FURTHER_STAINS = ("CD3", "CD4", "CD8", "CD19", "CD16", "CD56", "CD45", "viability")
# What the counts, the ratio and the checks take to bear these markers, and to lie within CD3+.
KNOWN_BY: Mapping[str, str] = {"CD3+": "CD3", "CD4+ T": "CD4", "CD8+ T": "CD8"}
MOST = 100  # populations beside the built-in ones; more are a slip, and no figure shows them
MEND = "write it as {parent: CD3+, markers: [CD4+, CD8-]}"


class Sign(NamedTuple):
    """A marker that a cell bears (`positive`) or lacks."""

    marker: str
    positive: bool


class Rule(NamedTuple):
    """What a population is: events of its parent that meet every condition.

    Attributes
    ----------
    parent
        Name of the population its share is of.
    conditions
        All must hold; of the signs of one condition any one.
    """

    parent: str
    conditions: tuple[tuple[Sign, ...], ...]

    @property
    def markers(self) -> list[str]:
        """Markers that the rule asks for, in order."""
        return list(dict.fromkeys(sign.marker for condition in self.conditions for sign in condition))

    @property
    def borne(self) -> list[str]:
        """Markers that the rule asks to be there, of any condition, in order."""
        return [sign.marker for condition in self.conditions for sign in condition if sign.positive]


def rule(parent: str, *conditions: str) -> Rule:
    """Return a rule from conditions as text: ``CD4+``, ``CD8-``, or ``CD16+|CD56+`` where either will do.

    Parameters
    ----------
    parent
        Name of the population that the share is of.
    *conditions
        All must hold: a marker with ``+`` (borne) or ``-`` (lacked), several of which any will do parted by ``|``.

    Raises
    ------
    AnalysisError
        There is no condition, one does not end in ``+`` or ``-`` behind a marker, or two ask for both signs of a
        marker, which no cell bears.
    """
    if not conditions:
        raise AnalysisError("a population has no markers", found=parent, mend=MEND)
    signs = tuple(tuple(_sign(part) for part in text.split("|")) for text in conditions)
    needed = {one for one, *others in signs if not others}
    both = [sign.marker for sign in needed if Sign(sign.marker, not sign.positive) in needed]
    if both:
        mend = "keep one of them, or join them by | where either will do"
        raise AnalysisError("no cell bears a marker and lacks it", found=f"{both[0]}+ and {both[0]}-", mend=mend)
    return Rule(parent, signs)


def _sign(text: str) -> Sign:
    marker, sign = text.strip()[:-1].strip(), text.strip()[-1:]
    if not marker or sign not in "+-":
        raise AnalysisError("a marker needs its sign, + or -", found=text, mend=MEND)
    return Sign(marker, sign == "+")


T_CELLS: Mapping[str, Rule] = {
    "CD3+": rule("lymphocytes", "CD3+"),
    "CD3-": rule("lymphocytes", "CD3-"),
    "CD4+ T": rule("CD3+", "CD4+", "CD8-"),
    "CD8+ T": rule("CD3+", "CD8+", "CD4-"),
    "DN T": rule("CD3+", "CD4-", "CD8-"),
    "DP T": rule("CD3+", "CD4+", "CD8+"),
    "B": rule("CD3-", "CD19+"),
    "NK": rule("CD3-", "CD16+|CD56+", "CD19-"),
}


def with_further(further: Mapping[str, Rule]) -> dict[str, Rule]:
    """Return the tree of T cells with further populations, or with others in place of its own, parents first.

    Raises
    ------
    AnalysisError
        A name is that of a population found otherwise, is empty, begins or ends with a blank, or is more than one line;
        a parent does not exist, or parents form a ring; there are more than 100; CD3+, CD4+ T or CD8+ T does not bear
        its marker or lies outside of CD3+.
    """
    rules = {**T_CELLS, **further}
    if len(further) > MOST:
        raise AnalysisError("too many populations", found=len(further), expected=f"at most {MOST}")
    for name, one in rules.items():
        if not name.isprintable() or name != name.strip() or not name:
            raise AnalysisError("a population needs a name of one line without blanks at its ends", found=name)
        if name in BUILT_IN:
            raise AnalysisError("a population bears the name of one that is found by itself", found=name)
        if one.parent not in rules and one.parent not in BUILT_IN:
            known = [*BUILT_IN, *rules]
            mend = did_you_mean(one.parent, known) or f"there are {', '.join(known)}"
            raise AnalysisError(f"the parent of {name} does not exist", found=one.parent, mend=mend)
    ordered: dict[str, Rule] = {}
    left = dict(rules)
    while left:
        ready = [name for name, one in left.items() if one.parent not in left]
        if not ready:
            raise AnalysisError("populations are each other's parents", found=", ".join(left))
        ordered |= {name: left.pop(name) for name in ready}
    _refuse_others(ordered)
    return ordered


def without_stains(rules: Mapping[str, Rule], missing: Collection[str]) -> dict[str, Rule]:
    """Return a tree for a tube that lacks stains: CD4+ T or CD8+ T are then told by their own marker alone.

    Other rules stay as they are; a population that cannot be told without the stain is not found.
    """
    own = {name: rule("CD3+", f"{KNOWN_BY[name]}+") for name in ("CD4+ T", "CD8+ T") if KNOWN_BY[name] not in missing}
    lacking = [name for name in own if not set(missing).isdisjoint(T_CELLS[name].markers)]
    return {name: own[name] if name in lacking and one == T_CELLS[name] else one for name, one in rules.items()}


def _refuse_others(rules: Mapping[str, Rule]) -> None:
    """Refuse other cells under the names by which T cells are counted."""
    for name, marker in KNOWN_BY.items():
        above, bears = name, (Sign(marker, True),) in rules[name].conditions
        while above in rules and above != "CD3+":
            bears |= (Sign(marker, True),) in rules[above].conditions
            above = rules[above].parent
        if not bears:
            what, mend = f"{name} is counted as cells that bear {marker}, and does not ask for it", f"add {marker}+"
            raise AnalysisError(what, found=name, mend=f"{mend} to its markers, or give it another name")
        if above != "CD3+":
            what, mend = f"{name} lies outside of CD3+", "put it within CD3+, or give it another name"
            raise AnalysisError(what, found=name, mend=mend)


def by_parent(rules: Mapping[str, Rule]) -> dict[str, list[str]]:
    """Return parent → names of its parts, parents first."""
    parts: dict[str, list[str]] = {}
    for name, one in rules.items():
        parts.setdefault(one.parent, []).append(name)
    return parts


def markers_of(rules: Mapping[str, Rule]) -> Sequence[str]:
    """Return the markers of all rules, each once."""
    return list(dict.fromkeys(marker for one in rules.values() for marker in one.markers))


def gate_names(populations: Mapping[str, Rule]) -> list[str]:
    """Return what a threshold can be set for: `FSC-A`, `SSC-A` and each stain of the tree with these populations."""
    return ["FSC-A", "SSC-A", *stains_of({**T_CELLS, **populations})]


def stains_of(rules: Mapping[str, Rule]) -> list[str]:
    """Return the stains that gates of a tree can use, those of the built-in gates first."""
    return list(dict.fromkeys([*FURTHER_STAINS, *markers_of(rules)]))
