"""A study in a few lines, for the terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tilseq.study.model import Folder


def summary(folder: Folder) -> list[str]:
    """Return one line a table that could be read."""
    lines = []
    if folder.subjects is not None:
        lines.append(f"{_count(folder.subjects.height, 'subject')}{_by(folder.subjects['tumor_type'])}")
    if folder.infusions is not None:
        infused = folder.infusions["subject"].n_unique()
        lines.append(f"{_count(folder.infusions.height, 'infusion')} of {_count(infused, 'subject')}")
    if folder.samples is not None:
        failed = folder.samples.filter(folder.samples["status"] == "failed").height
        more = f"; {failed} failed" if failed else ""
        lines.append(f"{_count(folder.samples.height, 'sample')}{_by(folder.samples['assay'])}{more}")
    if folder.lesions is not None:
        scans = folder.lesions.select("subject", "reader", "day").n_unique() if folder.lesions.height else 0
        lines.append(f"{_count(folder.lesions.height, 'row')} of lesions, {_count(scans, 'assessment')}")
    if folder.responses is not None:
        lines.append(f"{_count(folder.responses.height, 'recorded response')}{_by(folder.responses['response'])}")
    return lines


def as_json(folder: Folder) -> dict[str, Any]:
    """Return problems, notes and numbers of rows, as JSON holds them."""
    tables = {name: getattr(folder, name) for name in ("subjects", "infusions", "samples", "lesions", "responses")}
    return {
        "study": None if folder.settings is None else folder.settings.study,
        "sound": not folder.problems,
        "rows": {name: None if frame is None else frame.height for name, frame in tables.items()},
        "problems": [{**problem.as_dict(), "message": str(problem)} for problem in folder.problems],
        "notes": folder.notes,
    }


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _by(values: Iterable[str | None]) -> str:
    counted: dict[str, int] = {}
    for value in values:
        if value is not None:
            counted[value] = counted.get(value, 0) + 1
    return ": " + ", ".join(f"{number} {name}" for name, number in counted.items()) if counted else ""
