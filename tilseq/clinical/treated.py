"""Who was treated and how long each subject was seen: the denominators of safety."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tilseq.errors import TableError
from tilseq.tables import as_polars

ALL = "all subjects: neither infusions nor days of the first dose are given"
TREATED = "subjects treated: infused, or with a day of the first dose or of lymphodepletion"


@dataclass(frozen=True)
class Subject:
    """One subject as safety sees it.

    Attributes
    ----------
    arm
        Treatment arm.
    treated
        It was infused or has a first dose.
    first_dose
        Day of the first dose: `first_dose_day`, else `lymphodepletion_day`, else day 0.
    death_day, last_day
        Day of death, and the last day of follow-up (death, else last known alive); None where it is not known.
    """

    arm: str | None
    treated: bool
    first_dose: int
    death_day: int | None = None
    last_day: int | None = None


def subjects_of(subjects: Any, infusions: Any = None, followup: Any = None) -> tuple[dict[str, Subject], str]:
    """Return every subject, and in words which of them are treated.

    Parameters
    ----------
    subjects
        Table `subjects`: columns `subject`, and where known `arm`, `first_dose_day`, `lymphodepletion_day`.
    infusions
        Columns `subject`, `day`.
    followup
        Table `followup`.

    Raises
    ------
    TableError
        Nobody was treated.
    """
    rows = as_polars(subjects).to_dicts()
    infused = set() if infusions is None else set(as_polars(infusions)["subject"].to_list())
    seen: Mapping[str, Mapping[str, Any]] = (
        {} if followup is None else {row["subject"]: row for row in as_polars(followup).to_dicts()}
    )
    doses = {row["subject"]: _first(row.get("first_dose_day"), row.get("lymphodepletion_day")) for row in rows}
    known = infusions is not None or any(day is not None for day in doses.values())
    found = {
        name: Subject(
            row.get("arm"),
            not known or name in infused or doses[name] is not None,
            _first(doses[name], 0) or 0,
            seen.get(name, {}).get("death_day"),
            _first(seen.get(name, {}).get("death_day"), seen.get(name, {}).get("last_alive_day")),
        )
        for row in rows
        for name in (row["subject"],)
    }
    if not any(subject.treated for subject in found.values()):
        raise TableError("no subject was treated", expected="infusions, or days of the first dose")
    return found, TREATED if known else ALL


def _first(*days: int | None) -> int | None:
    return next((day for day in days if day is not None), None)
