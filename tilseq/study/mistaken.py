"""What may have been mistaken: files named after another subject or visit, specimens, cells in millions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from os.path import isfile
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.errors import first_few, shown
from tilseq.study.checks import numbered
from tilseq.study.model import INFUSIONS_FILE, Folder, parts_of
from tilseq.study.sniff import whose

MOST_NAMED = 5
RECEPTORS = ("tcr", "bcr")
# In letters: a shorter one stands in a file's name for a lot, a day or a well.
SHORTEST = {"subject": 3, "visit": 2}
FEWEST_INFUSED = 1e6  # cells; nobody infuses fewer, and 20 thousand million in millions are 20,000
BLOOD = ("blood", "plasma", "serum")  # of one drawing
FEW_DIGITS = re.compile(r"\W?[0-9]{1,2}")  # CytExpert counts its tubes 01 and on, and a date has such a day and month
# What cytometers call tubes and their files by is nobody's: FACSDiva Specimen_001_Tube_002_002.fcs and, of a plate,
# PBMC_D7_D07_023.fcs, CytExpert 01-Well-D7.fcs, SpectroFlo D7 Well_023.fcs, MACSQuant AB2024-03-14.0003.fcs.
COUNTED_FILE = re.compile(r"((?:specimen|tube)_[0-9]+[^/,]*)_[0-9]{3}\.fcs", re.IGNORECASE)
COUNTED = re.compile(
    r"_([A-P])([0-9]{1,2})_\1(0?\2)(?![^\W_])(_[0-9]{3}\.fcs)?"
    r"|well[-_ ][A-P][0-9]{1,2}(?![^\W_])|(?<![^\W_])[A-P][0-9]{1,2} well_[0-9]+"
    r"|(specimen|tube)_[0-9]+|(19|20)[0-9]{2}-(0[1-9]|1[0-2])-[0-3][0-9]|\.[0-9]{3,4}\.(fcs|mqd)",
    re.IGNORECASE,
)


def note_files_of_others(folder: Folder) -> list[str]:
    """Name samples whose files bear the name of another subject and not that of their own."""
    if folder.samples is None or folder.subjects is None:
        return []
    found = named_otherwise(_paths(folder.samples, "subject"), "subject", folder.subjects["subject"].drop_nulls())
    return [f"files named after another subject: {_listed(found)}"] if found else []


def note_files_of_other_visits(folder: Folder) -> list[str]:
    """Name samples whose files bear the name of another visit and not that of their own."""
    if folder.samples is None or folder.settings is None:
        return []
    found = named_otherwise(_paths(folder.samples, "visit"), "visit", folder.settings.visits)
    return [f"files named after another visit: {_listed(found)}"] if found else []


def note_rows_of_others(folder: Folder) -> list[str]:
    """Name samples of receptors whose first row bears the name of another subject or visit and not its own."""
    if folder.subjects is None or folder.settings is None:
        return []
    whose_rows = [
        (cells, ", ".join(f"{name} {cell}" for name, cell in whose(path).items()))
        for cells, path in present_files(folder)
        if cells["assay"] in RECEPTORS
    ]
    notes = []
    for column, names in (("subject", folder.subjects["subject"].drop_nulls()), ("visit", folder.settings.visits)):
        texts = ((cells[column], text, f"{cells['sample']} of {cells[column]} ({text})") for cells, text in whose_rows)
        found = named_otherwise(texts, column, names)
        notes += [f"receptor tables whose rows name another {column}: {_listed(found)}"] if found else []
    return notes


def present_files(folder: Folder) -> Iterator[tuple[dict[str, Any], Path]]:
    """Yield the samples that have not failed, as rows of samples.csv, each with each of its files that is there."""
    if folder.samples is None:
        return
    for _, cells in numbered(folder.samples):
        for entry in parts_of(cells["path"] or ""):
            if cells["status"] == "failed" or "\0" in entry or ".." in entry:
                continue
            if isfile(path := folder.root / entry):  # false also of a name that no file can have
                yield cells, path


def _paths(samples: pl.DataFrame, column: str) -> Iterator[tuple[str | None, str, str]]:
    """Yield what a sample is of by a column, its path, and both as a note tells them."""
    for _, cells in numbered(samples):
        if cells["path"] is not None:
            yield cells[column], cells["path"], f"{cells['sample']} of {cells[column]} ({cells['path']})"


def named_otherwise(texts: Iterable[tuple[str | None, str, str]], column: str, names: Iterable[str]) -> list[str]:
    """Return which texts bear another of the names of a column and not their own.

    Parameters
    ----------
    texts
        Own name, the text, and what is returned of it.
    column
        `subject` or `visit`, of which names that are too short, or a number of one or two digits, say nothing.
    names
        All names of the column.
    """
    telling = {name for name in names if len(name) >= SHORTEST[column] and not FEW_DIGITS.fullmatch(name)}
    any_name = _as_word(*telling)
    found = []
    for own, text, told in texts:
        written = COUNTED.sub("", COUNTED_FILE.sub(r"\1", text))
        if own in telling and any_name.search(written) and not _as_word(own).search(written):
            found.append(told)
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


def _as_word(*names: str) -> re.Pattern[str]:
    """Return what finds any of some names in a text where no letter or digit goes on."""
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, names))})(?![^\W_])", re.IGNORECASE)


def _listed(names: list[str]) -> str:
    return first_few([shown(name) for name in names], MOST_NAMED)
