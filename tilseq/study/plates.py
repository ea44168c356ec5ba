"""What must hold between the sheets of plates/ and samples.csv."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tilseq.errors import TableError, TilseqError, first_few, shown
from tilseq.study.checks import Check, numbered, unknown
from tilseq.study.model import SAMPLES_FILE, Folder
from tilseq.study.names import nearest

ASSAY = "cytokine"
# What a well holds is one thing, whichever analyte a row speaks of.
NEEDED = ("path", "role")
OF_THE_WELL = (*NEEDED, "sample", "kit", "level", "dilution", "acid_activated", "replicate", "scale")
# By which lots of one kit do not differ, and within which samples of one kind are diluted; a lost zero is ten.
MOST_TIMES, MOST_NAMED = 3.0, 5


def wells(folder: Folder) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield file, row and cells of every row of every sheet."""
    for file, frame in folder.plates.items():
        for row, cells in numbered(frame):
            yield file, row, cells


def check_sheets(folder: Folder) -> list[TilseqError]:
    """Check that a plate has one sheet."""
    problems: list[TilseqError] = []
    sheets: dict[str, str] = {}
    told: set[tuple[str, str]] = set()
    for file, row, cells in wells(folder):
        plate = cells["plate"]
        if plate is None or sheets.setdefault(plate, file) == file or (file, plate) in told:
            continue
        told.add((file, plate))
        what, mend = f"this plate stands in {sheets[plate]} already", "write one sheet a plate, or name one otherwise"
        problems.append(TableError(what, file=file, row=row, column="plate", found=plate, mend=mend))
    return problems


def check_wells(folder: Folder) -> list[TilseqError]:
    """Check that rows of one well differ in analyte and nominal concentration only."""
    problems: list[TilseqError] = []
    first: dict[tuple[str, str, str], tuple[int, dict[str, Any]]] = {}
    for file, row, cells in wells(folder):
        if cells["plate"] is None or cells["well"] is None:
            continue
        other_row, other = first.setdefault((file, cells["plate"], cells["well"]), (row, cells))
        if other_row == row:
            continue
        for name in OF_THE_WELL:
            found, expected = cells[name], other[name]
            if found == expected or (name in NEEDED and None in (found, expected)):
                continue  # what is needed and missing is told already
            what = f"the same well as row {other_row}, and not the same content"
            wanted = "an empty cell" if expected is None else shown(expected)
            problems.append(TableError(what, file=file, row=row, column=name, found=found, expected=wanted))
        if (cells["analyte"] is None) != (other["analyte"] is None):
            what, mend = f"row {other_row} speaks of this well too", "name the analyte of each row, or keep one row"
            problems.append(TableError(what, file=file, row=row, column="analyte", found=cells["analyte"], mend=mend))
    return problems


def check_contents(folder: Folder) -> list[TilseqError]:
    """Check that a standard tells its concentration, a blank has none, and a well of a sample says of which.

    A standard that names its level may leave the concentration to its kit, which `tilseq.io.plates.check_kits` checks.
    """
    problems: list[TilseqError] = []
    for file, row, cells in wells(folder):
        role, nominal = cells["role"], cells["nominal_pg_per_ml"]
        by_kit = nominal is None and None not in (cells["level"], cells["kit"])
        if role == "standard" and not nominal and not by_kit:
            what, expected, column = "a standard needs its concentration", "above 0", "nominal_pg_per_ml"
        elif role == "blank" and nominal:
            what, expected, column = "a blank holds nothing", "0, or an empty cell", "nominal_pg_per_ml"
        elif role == "standard" and cells["sample"] is not None:
            what, expected, column = "a standard is no sample", "an empty cell", "sample"
        elif role == "sample" and cells["sample"] is None:
            what, expected, column = "a well of a sample must name it", f"one of {SAMPLES_FILE}", "sample"
        else:
            continue
        problems.append(TableError(what, file=file, row=row, column=column, found=cells[column], expected=expected))
    return problems


def check_levels(folder: Folder) -> list[TilseqError]:
    """Check that wells of one standard level of a plate and kit hold the same."""
    problems: list[TilseqError] = []
    first: dict[tuple[Any, ...], tuple[int, float | None]] = {}
    for file, row, cells in wells(folder):
        if cells["role"] != "standard" or cells["level"] is None:
            continue
        found = cells["nominal_pg_per_ml"]
        key = (file, *(cells[name] for name in ("plate", "kit", "level", "analyte")))
        other, expected = first.setdefault(key, (row, found))
        if found != expected:
            what, column = f"the same level as row {other}, and another concentration", "nominal_pg_per_ml"
            wanted = "an empty cell" if expected is None else shown(expected)
            problems.append(TableError(what, file=file, row=row, column=column, found=found, expected=wanted))
    return problems


def check_plate_samples(folder: Folder) -> list[TilseqError]:
    """Check that a well's sample is a cytokine sample of that plate, and that such a sample stands on its plate."""
    if folder.samples is None:
        return []
    known = {cells["sample"]: cells for _, cells in numbered(folder.samples) if cells["sample"] is not None}
    problems: list[TilseqError] = []
    for file, frame in folder.plates.items():
        problems += unknown(frame, "sample", known, file, f"this sample is not in {SAMPLES_FILE}")
    for file, row, cells in wells(folder):
        name, plate, sample = cells["sample"], cells["plate"], known.get(cells["sample"])
        if sample is None:
            continue  # told already
        mend = None
        if sample["assay"] not in (ASSAY, None):
            what = f"{SAMPLES_FILE} calls this a sample of {sample['assay']}, not of {ASSAY}"
        elif plate is not None and sample["plate"] != plate:
            elsewhere = "on no plate" if sample["plate"] is None else f"on plate {sample['plate']!r}"
            what, mend = f"{SAMPLES_FILE} has this sample {elsewhere}", "write the same plate in both"
        else:
            continue
        problems.append(TableError(what, file=file, row=row, column="sample", found=name, mend=mend))
    return problems + _check_placed(folder)


def _check_placed(folder: Folder) -> list[TilseqError]:
    """Check that a cytokine sample that names a plate, and did not fail, has a well there."""
    unread = [problem.file for problem in folder.problems if (problem.file or "").startswith("plates/")]
    if folder.samples is None or not folder.plates.keys() >= set(unread):
        return []
    placed = {(cells["plate"], cells["sample"]) for _, _, cells in wells(folder)}
    plates = {cells["plate"]: file for file, _, cells in wells(folder) if cells["plate"] is not None}
    problems: list[TilseqError] = []
    for row, cells in numbered(folder.samples):
        plate = cells["plate"]
        if cells["assay"] != ASSAY or plate is None or cells["status"] == "failed" or cells["sample"] is None:
            continue
        if plate not in plates:
            what, mend = "no sheet of plates/ holds this plate", nearest(plate, plates)
        elif (plate, cells["sample"]) not in placed:
            what, mend = f"{plates[plate]} has no well of this sample", "add its wells, or write `failed` under status"
        else:
            continue
        problems.append(TableError(what, file=SAMPLES_FILE, row=row, column="plate", found=plate, mend=mend))
    return problems


def note_plates_apart(folder: Folder) -> list[str]:
    """Name plates of one kit whose standards, or whose samples' dilutions, are over three times those of another."""
    levels: dict[tuple[str, str | None], dict[str, float]] = {}
    dilutions: dict[str, dict[str, list[float]]] = {}
    for _, _, cells in wells(folder):
        plate, kit, nominal, dilution = (cells[name] for name in ("plate", "kit", "nominal_pg_per_ml", "dilution"))
        if plate is None or kit is None:
            continue
        if cells["role"] == "standard" and nominal:
            tops = levels.setdefault((kit, cells["analyte"]), {})
            tops[plate] = max(nominal, tops.get(plate, 0.0))
        if cells["role"] == "sample" and dilution:
            dilutions.setdefault(kit, {}).setdefault(plate, []).append(dilution)
    notes = [
        f"{kit}: {told}"
        for (kit, _), tops in levels.items()
        if (told := _apart(tops, tops, "highest standards, pg/mL"))
    ]
    for kit, of_plates in dilutions.items():
        least, most = ({plate: of(some) for plate, some in of_plates.items()} for of in (min, max))
        told = _apart(least, most, "dilutions of samples")
        notes += [f"{kit}: {told}"] if told else []
    return list(dict.fromkeys(notes))


def note_undiluted(folder: Folder) -> list[str]:
    """Name samples whose wells tell no dilution, of which no concentration can be told."""
    rows = [cells for _, _, cells in wells(folder) if cells["role"] == "sample" and cells["dilution"] is None]
    found = list(dict.fromkeys(f"{cells['sample']} ({cells['plate']})" for cells in rows))
    if not found:
        return []
    return [f"samples of plates without a dilution, of which nothing can be told: {first_few(found, MOST_NAMED)}"]


def _apart(least: dict[str, float], most: dict[str, float], what: str) -> str:
    """Say which plates hold least and most of something where all on one is over three times all on another."""
    if max(least.values()) <= MOST_TIMES * min(most.values()):
        return ""
    named = [f"{plate} ({least[plate]:g})" for plate in sorted(least, key=lambda plate: (least[plate], plate))]
    return f"{what} differ between plates: {first_few(named, MOST_NAMED)}"


PLATE_NOTES: tuple[Callable[[Folder], list[str]], ...] = (note_plates_apart, note_undiluted)
PLATE_CHECKS: tuple[Check, ...] = (check_sheets, check_wells, check_contents, check_levels, check_plate_samples)
