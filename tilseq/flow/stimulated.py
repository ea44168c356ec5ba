"""Which unstimulated tube a stimulated one is held against, by the rows of samples.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

STIMULATED, UNSTIMULATED = "stimulated", "unstimulated"
# Tubes alike in all of these are of one specimen, stained and measured together.
ALIKE = (
    *("subject", "visit", "day", "timing", "specimen", "specimen_id", "lot", "lesion"),
    *("panel", "batch", "run", "instrument"),
)
MOST_NAMED = 3
PARTS = ";"  # names of replicates, in the table


class Pair(NamedTuple):
    """The tubes of one stimulus and of none, of one specimen.

    Attributes
    ----------
    stimulated, unstimulated
        Names of the tubes; several of one content are replicates.
    fault
        Why the two cannot be held against each other; None where they can.
    """

    stimulated: tuple[str, ...]
    unstimulated: tuple[str, ...]
    fault: str | None


def pair_tubes(rows: Sequence[Mapping[str, Any]]) -> list[Pair]:
    """Pair stimulated tubes with the unstimulated ones of their specimen, panel, batch and run.

    Stimulated tubes alike but for `replicate` and `sample` are one pair; an unstimulated tube serves all stimuli.

    Parameters
    ----------
    rows
        Rows of samples.csv, those of other roles than `stimulated` and `unstimulated` are passed over.

    Returns
    -------
    list of Pair
        In the order of the stimulated tubes. Where there is no unstimulated tube `fault` names those of the subject's
        visit that come nearest, and in what they differ.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    stimuli: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        key = tuple(row.get(name) for name in ALIKE)
        if row.get("role") == UNSTIMULATED:
            groups.setdefault(key, []).append(row)
        elif row.get("role") == STIMULATED:
            stimuli.setdefault((*key, row.get("stimulus")), []).append(row)
    every = [row for group in groups.values() for row in group]
    return [
        Pair(
            _names(tubes),
            _names(groups.get(key[:-1], ())),
            _misnamed([*tubes, *groups[key[:-1]]]) if key[:-1] in groups else _missing(tubes[0], every),
        )
        for key, tubes in stimuli.items()
    ]


def _misnamed(tubes: Sequence[Mapping[str, Any]]) -> str | None:
    """Return that a name holds what parts the names of replicates, if one does."""
    names = [str(tube["sample"]) for tube in tubes if PARTS in str(tube["sample"])]
    return (
        f"{names[0]} bears '{PARTS}' in its name, which parts replicates here: name the sample anew" if names else None
    )


def _names(tubes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(tube["sample"]) for tube in tubes)


def _missing(tube: Mapping[str, Any], unstimulated: Sequence[Mapping[str, Any]]) -> str:
    """Return that there is no unstimulated tube, and in what those of the subject's visit differ."""
    told = []
    for other in unstimulated:
        if all(other.get(name) == tube.get(name) for name in ("subject", "visit")):
            apart = [name for name in ALIKE if other.get(name) != tube.get(name)]
            cells = ", ".join(f"{name} {_shown(other.get(name))}, not {_shown(tube.get(name))}" for name in apart)
            told.append(f"{other['sample']} has {cells}")
    near = f": {'; '.join(told[:MOST_NAMED])}" if told else ""
    return f"no unstimulated tube of its subject, visit, specimen, panel, batch and run{near}"


def _shown(cell: object) -> str:
    return "none" if cell is None else str(cell)
