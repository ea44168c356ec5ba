"""A study in a few lines, for the terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from tilseq.study.model import CLINICAL, Folder
from tilseq.tables.infusions import given_infusions


def summary(folder: Folder) -> list[str]:
    """Return one line a table that could be read."""
    lines = []
    if folder.subjects is not None:
        lines.append(f"{_count(folder.subjects.height, 'subject')}{_by(folder.subjects['tumor_type'])}")
    if folder.infusions is not None:
        given = given_infusions(folder.infusions)
        lines.append(f"{_count(given.height, 'infusion')} of {_count(given['subject'].n_unique(), 'subject')}")
    if folder.samples is not None:
        failed = folder.samples.filter(folder.samples["status"] == "failed").height
        more = f"; {failed} failed" if failed else ""
        lines.append(f"{_count(folder.samples.height, 'sample')}{_by(folder.samples['assay'])}{more}")
    if folder.lesions is not None:
        scans = folder.lesions.select("subject", "reader", "day").n_unique() if folder.lesions.height else 0
        lines.append(f"{_count(folder.lesions.height, 'row')} of lesions, {_count(scans, 'assessment')}")
    if folder.responses is not None:
        lines.append(f"{_count(folder.responses.height, 'recorded response')}{_by(folder.responses['response'])}")
    return lines + [_clinical(name, frame) for name, frame in folder.clinical.items()] + _plates(folder)


def is_empty(folder: Folder) -> bool:
    """Tell whether no sample, plate or clinical table holds a row."""
    tables = (folder.samples, folder.lesions, folder.responses, *folder.clinical.values(), *folder.plates.values())
    return not any(frame is not None and frame.height for frame in tables)


def _clinical(name: str, frame: pl.DataFrame) -> str:
    """Return the line of one of the further tables of clinical/."""
    subjects = _count(frame["subject"].n_unique(), "subject") if "subject" in frame.columns else ""
    if name == "followup":
        return f"{subjects} followed up, {frame['death_day'].count()} died"
    if name == "schedule":
        return _count(frame.height, "scheduled assessment")
    if name == "adverse_events":
        return f"{_count(frame.height, 'adverse event')} of {subjects}"
    if name == "therapies":
        return f"{_count(frame.height, 'further therapy', 'further therapies')} of {subjects}"
    result, test = ("laboratory result", "test") if name == "labs" else ("result", "tumour marker")
    return f"{_count(frame.height, result)} of {subjects}, {_count(frame['test'].n_unique(), test)}"


def _plates(folder: Folder) -> list[str]:
    if not folder.plates:
        return []
    wells = pl.concat(folder.plates.values()).unique(["plate", "well"], maintain_order=True)
    plates = wells["plate"].n_unique()
    return [f"{_count(plates, 'plate')}, {_count(wells.height, 'well')}{_by(wells['role'])}"]


def as_json(folder: Folder) -> dict[str, Any]:
    """Return problems, notes and numbers of rows, as JSON holds them."""
    tables = {name: getattr(folder, name) for name in ("subjects", "infusions", "samples", "lesions", "responses")}
    tables |= {name: folder.clinical.get(name) for name in CLINICAL}
    tables["plates"] = pl.concat(folder.plates.values()) if folder.plates else None
    return {
        "study": None if folder.settings is None else folder.settings.study,
        "sound": not folder.problems,
        "rows": {name: None if frame is None else frame.height for name, frame in tables.items()},
        "problems": [{**problem.as_dict(), "message": str(problem)} for problem in folder.problems],
        "notes": folder.notes,
    }


def _count(number: int, thing: str, things: str | None = None) -> str:
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def _by(values: Iterable[str | None]) -> str:
    counted: dict[str, int] = {}
    for value in values:
        if value is not None:
            counted[value] = counted.get(value, 0) + 1
    return ": " + ", ".join(f"{number} {name}" for name, number in counted.items()) if counted else ""
