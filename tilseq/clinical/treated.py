"""Who was treated and how long each subject was seen: the denominators of safety."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tilseq.clinical.data_cut import is_after_cut, is_by_cut
from tilseq.errors import TableError
from tilseq.tables import Table, conform, known_columns
from tilseq.tables.infusions import given_infusions
from tilseq.tables.inputs import FOLLOWUP, INFUSIONS, SUBJECTS

STARTS = ("first_dose_day", "lymphodepletion_day")
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
        Day of the first dose: the earlier of `first_dose_day` and `lymphodepletion_day`, else day 0.
    infused
        It was infused; None where infusions are not known.
    death_day, last_day
        Day of death, and the last day of follow-up (death, else last known alive, at most the data cut); None where it
        is not known.
    cut_day
        Day of the data cut; None where there is none.
    """

    arm: str | None
    treated: bool
    first_dose: int
    infused: bool | None = None
    death_day: int | None = None
    last_day: int | None = None
    cut_day: int | None = None


def subjects_of(subjects: Any, infusions: Any = None, followup: Any = None) -> tuple[dict[str, Subject], str]:
    """Return every subject, and in words which of them are treated: by the data cut, where there is one.

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
        A table breaks its registry, or nobody was treated.
    """
    rows = columns_of(subjects, SUBJECTS, ("subject", "arm", *STARTS)).to_dicts()
    seen: Mapping[str, Mapping[str, Any]] = {}
    if followup is not None:
        names = ("subject", "last_alive_day", "death_day", "data_cut_day")
        seen = {row["subject"]: row for row in columns_of(followup, FOLLOWUP, names).to_dicts()}
    cuts = {name: row["data_cut_day"] for name, row in seen.items() if row["data_cut_day"] is not None}
    infused = set()
    if infusions is not None:
        given = columns_of(given_infusions(infusions), INFUSIONS, ("subject", "infusion", "day"))
        infused = set(given.filter(~is_after_cut(given, cuts))["subject"].to_list())
    # One who calls the infusion the first dose was treated from lymphodepletion on all the same.
    doses = {row["subject"]: min((row[name] for name in STARTS if row[name] is not None), default=None) for row in rows}
    known = infusions is not None or any(day is not None for day in doses.values())
    found = {
        name: Subject(
            row["arm"],
            (not known or name in infused or doses[name] is not None) and is_by_cut(doses[name] or 0, cuts.get(name)),
            doses[name] or 0,
            None if infusions is None else name in infused,
            seen.get(name, {}).get("death_day"),
            _last_day(seen.get(name, {})),
            cuts.get(name),
        )
        for row in rows
        for name in (row["subject"],)
    }
    if not any(subject.treated for subject in found.values()):
        raise TableError("no subject was treated", expected="infusions, or days of the first dose")
    return found, TREATED if known else ALL


def infused_subjects(infusions: Any) -> frozenset[str] | None:
    """Return who was infused; None where no infusions are given."""
    if infusions is None:
        return None
    return frozenset(columns_of(given_infusions(infusions), INFUSIONS, ("subject",))["subject"])


def columns_of(frame: Any, table: Table, names: Sequence[str]) -> pl.DataFrame:
    """Return some columns of a table, polars or pandas, held against its registry; what is absent is null.

    Raises
    ------
    TableError
        A needed column is absent or holds a null, a value cannot stand there, or a key stands twice.
    """
    part = Table(
        table.name,
        table.meaning,
        tuple(column for column in table.columns if column.name in names),
        key=table.key if set(table.key) <= set(names) else (),  # a part of a key may stand twice
    )
    return conform(known_columns(frame, part), part)


def _last_day(follow: Mapping[str, int | None]) -> int | None:
    """Return the last day of a row of follow-up on which the subject was seen, at most the data cut."""
    cut, last = follow.get("data_cut_day"), _first(follow.get("death_day"), follow.get("last_alive_day"))
    return last if cut is None or last is None else min(cut, last)


def _first(*days: int | None) -> int | None:
    return next((day for day in days if day is not None), None)
