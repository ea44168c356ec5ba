"""Whether the sheets of plates/ agree with their kits, and the wells with the files beside them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tilseq.errors import StudyError, TilseqError
from tilseq.study.model import Folder, parts_of
from tilseq.study.notes import named
from tilseq.study.plates import ASSAY, wells

EVENTS = (".fcs", ".csv", ".csv.gz")
MOST_FILES = 10_000


def note_kits(folder: Folder) -> list[str]:
    """Name plates that contradict their kits, each with its first fault: their jobs will fail."""
    from tilseq.io.kits import read_kits
    from tilseq.io.plates import check_kits

    if not folder.plates or folder.settings is None:
        return []
    try:
        kits = read_kits([folder.root / path for path in folder.settings.analysis.cytokines.kits])
    except TilseqError:
        return []  # told as a problem of the kit
    faults: dict[str, list[TilseqError]] = {}
    for file, sheet in folder.plates.items():
        if sheet["path"].null_count() or sheet["well"].null_count():
            continue  # told as problems
        for fault in check_kits(sheet, kits, file=file):
            faults.setdefault(sheet["plate"][(fault.row or 2) - 2] or "", []).append(fault)
    return [
        f"plate {plate!r} will fail: {told[0]}" + (f" ({len(told) - 1} more such)" if len(told) > 1 else "")
        for plate, told in faults.items()
    ]


def note_unplaced(folder: Folder) -> list[str]:
    """Name cytokine samples that stand on no plate, which nothing measures."""
    if folder.samples is None:
        return []
    loose = folder.samples.filter(folder.samples["plate"].is_null(), assay=ASSAY)
    loose = loose.filter(loose["status"].fill_null("ok") != "failed")
    names = loose["sample"].drop_nulls().to_list()
    return [f"cytokine samples on no plate, which are not analysed: {named(names)}"] if names else []


def note_unnamed_wells(folder: Folder) -> list[str]:
    """Name files of events beside those of wells that no table names."""
    entries = [cells["path"] for _, _, cells in wells(folder) if cells["path"] is not None]
    if folder.samples is not None:
        entries += [part for path in folder.samples["path"].drop_nulls() for part in parts_of(path)]
    known = {Path(entry).as_posix() for entry in entries}
    places = {Path(cells["path"]).parent for _, _, cells in wells(folder) if cells["path"] is not None}
    found = [name for place in sorted(places) for name in _events(folder.root, place) if name not in known]
    return [f"files beside the wells that no table names, which take no part: {named(found)}"] if found else []


def _events(root: Path, place: Path) -> list[str]:
    """Return the files of events of a folder of the study, relative to the study; none where it cannot be listed."""
    if place.is_absolute() or ".." in place.parts:
        return []
    try:
        with os.scandir(root / place) as listing:
            names = [item.name for item, _ in zip(listing, range(MOST_FILES), strict=False) if item.is_file()]
    except (OSError, ValueError):
        return []
    kept = (name for name in sorted(names) if name.casefold().endswith(EVENTS) and not name.startswith((".", "~$")))
    return [(place / name).as_posix() for name in kept]


def kit_faults(path: Path, entry: str, names: set[str]) -> list[TilseqError]:
    """Return what is wrong with a kit of the study's own, and add its name to those of the kits before it."""
    from tilseq.io.kits import read_kit, two_of_one_name

    try:
        name = read_kit(path).name
    except StudyError as error:
        for problem in error.problems:
            problem.file = entry
        return error.problems
    except TilseqError as error:
        error.file = entry
        return [error]
    if name in names:
        return [two_of_one_name(name, entry)]
    names.add(name)
    return []


KIT_NOTES: tuple[Callable[[Folder], list[str]], ...] = (note_kits, note_unplaced, note_unnamed_wells)
