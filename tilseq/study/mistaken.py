"""What may have been mistaken: files named after another subject or visit, specimens, cells in millions."""

from __future__ import annotations

import re

import polars as pl

from tilseq.errors import first_few, shown
from tilseq.study.checks import numbered
from tilseq.study.model import INFUSIONS_FILE, Folder

MOST_NAMED = 5
SHORTEST_NAME = 3  # of a subject, in letters: a shorter one stands in a file's name for a lot, a day or a well
SHORTEST_VISIT = 2  # D7
FEWEST_INFUSED = 1e6  # cells; nobody infuses fewer, and 20 thousand million in millions are 20,000
BLOOD = ("blood", "plasma", "serum")  # of one drawing


def note_files_of_others(folder: Folder) -> list[str]:
    """Name samples whose files bear the name of another subject and not that of their own."""
    if folder.samples is None or folder.subjects is None:
        return []
    subjects = folder.subjects["subject"].drop_nulls().unique(maintain_order=True).to_list()
    found = _named_otherwise(folder.samples, "subject", [name for name in subjects if len(name) >= SHORTEST_NAME])
    return [f"files named after another subject: {_listed(found)}"] if found else []


def note_files_of_other_visits(folder: Folder) -> list[str]:
    """Name samples whose files bear the name of another visit and not that of their own."""
    if folder.samples is None or folder.settings is None:
        return []
    visits = [name for name in folder.settings.visits if len(name) >= SHORTEST_VISIT]
    found = _named_otherwise(folder.samples, "visit", visits)
    return [f"files named after another visit: {_listed(found)}"] if found else []


def _named_otherwise(samples: pl.DataFrame, column: str, names: list[str]) -> list[str]:
    """Return samples whose files bear another of some names of a column and not their own."""
    patterns = {name: _as_word(name) for name in names}
    found = []
    for _, cells in numbered(samples):
        own, path = patterns.get(cells[column] or ""), cells["path"]
        if own is None or path is None or own.search(path):
            continue
        others = [name for name, pattern in patterns.items() if pattern.search(path)]
        found += [f"{cells['sample']} of {cells[column]} ({path})"] if others else []
    return found


def note_specimens(folder: Folder) -> list[str]:
    """Name specimens that are of several kinds, as blood and product, and lots beside samples of no product."""
    if folder.samples is None:
        return []
    kinds: dict[tuple[str, str], set[str]] = {}
    lots = []
    for _, cells in numbered(folder.samples):
        subject, name, kind = cells["subject"], cells["specimen_id"], cells["specimen"]
        if None not in (subject, name, kind):
            kinds.setdefault((subject, name), set()).add(BLOOD[0] if kind in BLOOD else kind)
        if cells["lot"] is not None and kind not in (None, "infusion_product"):
            lots.append(f"{cells['sample']} ({kind})")
    several = [f"{name} ({' and '.join(sorted(of))})" for (_, name), of in kinds.items() if len(of) > 1]
    notes = [f"one specimen_id of several specimens: {_listed(several)}"] if several else []
    return notes + ([f"a lot is of a product, and these samples are none: {_listed(lots)}"] if lots else [])


def note_few_infused(folder: Folder) -> list[str]:
    """Name infusions of so few cells that their number may be in millions or thousands of millions."""
    if folder.infusions is None:
        return []
    few = [
        f"{cells['cells']:g} ({cells['subject']})"
        for _, cells in numbered(folder.infusions)
        if cells["cells"] is not None and 0 < cells["cells"] < FEWEST_INFUSED
    ]
    return [f"cells of {INFUSIONS_FILE} so few that they may be in millions: {_listed(few)}"] if few else []


def _as_word(name: str) -> re.Pattern[str]:
    """Return what finds a name in a path where no letter or digit goes on."""
    return re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE)


def _listed(names: list[str]) -> str:
    return first_few([shown(name) for name in names], MOST_NAMED)
