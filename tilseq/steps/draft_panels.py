"""Panels of a drafted study, from the stains that its FCS files name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

LONGEST = 30
CLEAR = re.compile(r"[^\W\d_][\w .+/-]*")
UNCLEAR = ("empty", "blank", "unused", "none", "unstained", "autofluorescence", "af")


def draft_panels(root: Path, samples: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Draft a panel for each set of stains, and name it in the rows of the tubes that bear it.

    Parameters
    ----------
    root
        The study's folder.
    samples
        Rows of samples.csv; those of tubes get `panel`. Tubes without a clear stain, or that cannot be read, get none.

    Returns
    -------
    dict
        Name of a panel → marker → channel ($PnN).
    """
    from tilseq.errors import ReadError
    from tilseq.io.fcs import staining_of

    names: dict[tuple[tuple[str, str], ...], str] = {}
    for row in samples:
        if row["assay"] != "flow" or row.get("panel"):
            continue
        try:
            found = staining_of(root / row["path"])
        except ReadError:  # the check and the run tell it
            continue
        stains = tuple(sorted(stains_of(found.channels, found.markers).items()))
        if stains:
            row["panel"] = names.setdefault(stains, f"panel_{len(names) + 1}")
    return {name: dict(stains) for stains, name in names.items()}


def stains_of(channels: Sequence[str], markers: Sequence[str]) -> dict[str, str]:
    """Return marker → channel as far as $PnS is clear: built-in markers under their names, others under their own.

    Words of a channel's own name are taken off the end of its $PnS: ``CD45RA BV421`` of ``BV421-A`` is CD45RA. Where
    one channel answers to two markers, or two to one, nothing is clear.
    """
    from tilseq.errors import AnalysisError
    from tilseq.flow.panels import stains
    from tilseq.markers import MARKERS

    texts = dict(zip(channels, markers, strict=True))
    try:
        found = stains(channels, markers)
    except AnalysisError:
        return {}
    clear: dict[str, str] = {}
    others: dict[str, list[str]] = {}
    for stain, channel in found.items():
        own = _without_dye(stain, channel)
        if stain in MARKERS and texts.get(channel, "").strip():
            clear[stain] = channel
        elif stain not in MARKERS and channel in texts and own.casefold() not in UNCLEAR and CLEAR.fullmatch(own):
            others.setdefault(own, []).append(channel)
    return clear | {name: named[0] for name, named in others.items() if len(named) == 1 and len(name) <= LONGEST}


def _without_dye(text: str, channel: str) -> str:
    """Return a $PnS without the words at its end that are the channel's name; empty where nothing else is left."""
    dyes = {word for word in re.split(r"[^\w]+|_", channel.casefold()) if word}
    words = text.split()
    while words and {part for part in re.split(r"[^\w]+|_", words[-1].casefold()) if part} <= dyes:
        words.pop()
    return " ".join(words)
