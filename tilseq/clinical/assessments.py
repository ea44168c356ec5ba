"""Rows of lesions gathered into assessments, each lesion with a whole size and a state; contradictions are listed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from tilseq.errors import TableError
from tilseq.tables import Table, as_polars, conform
from tilseq.tables.inputs import LESIONS

# Whole micrometres: a threshold in floating point misses about one exact -30 % or +20 % case in three.
MICROMETRES = 1000
NORMAL_NODE = 10 * MICROMETRES
LONGEST_VISIT = 14  # days from the first to the last scan of one visit

Row = dict[str, Any]
Series = dict[tuple[str, str | None], list["Assessment"]]


@dataclass(frozen=True)
class Assessment:
    """All lesions that one reader saw at one visit of one subject; the day is that of its last scan."""

    first_day: int
    day: int
    visit: str | None
    lesions: Mapping[str, Row]

    def named(self, role: str) -> dict[str, Row]:
        """Return the lesions of one role; a target resected for the product is none."""
        return {name: row for name, row in self.lesions.items() if row["role"] == role and not row["resected"]}


def numbered(frame: Any, table: Table, rows: Sequence[int] | None) -> list[Row]:
    """Return the rows of a table in its order, each with the `row` of the file it stands in, or None."""
    frame = as_polars(frame)
    found = conform(frame, table).rows(named=True)
    if rows is None:
        return [row | {"row": None} for row in found]
    nothing = pl.Series([None] * frame.height)
    columns = ((frame[name] if name in frame.columns else nothing).cast(table.schema[name]) for name in table.key)
    numbers = dict(zip(zip(*columns, strict=True), rows, strict=True))
    return [row | {"row": numbers[tuple(row[name] for name in table.key)]} for row in found]


def gather(rows: Iterable[Row], problems: list[TableError], last_days: Mapping[str, int] | None = None) -> Series:
    """Return the assessments of each subject and reader in the order of their days.

    Rows of one named visit are one assessment, but for scans more than 14 days after its first, which are another
    (two visits may be called unscheduled); rows without a visit are one by their day.

    Parameters
    ----------
    rows
        Rows of table `lesions`, each with `row`, its row of a file or None.
    problems
        Every contradiction met is added here.
    last_days
        Subject → last day on which a lesion can have been resected for the product; 0 where it is not given.
    """
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in _facts(rows, problems, last_days or {}):
        groups[row["subject"], row["reader"], row["visit"]].append(row)
    series: Series = defaultdict(list)
    for (subject, reader, visit), seen in (
        (key, part) for key, all_of_visit in groups.items() for part in _parted(all_of_visit)
    ):
        lesions = {row["lesion"]: row for row in seen}
        days = sorted({row["day"] for row in seen})
        if len(lesions) < len(seen):
            place = f"{of_reader(subject, reader)}, visit {visit}, days {', '.join(map(str, days))}"
            mend = "give each assessment a visit name of its own"
            what = "a visit holds the same lesion on several days"
            problems.append(problem(what, "visit", place, mend, row=seen[-1]["row"]))
        series[subject, reader].append(Assessment(days[0], days[-1], visit, lesions))
    for (subject, reader), assessments in series.items():
        assessments.sort(key=lambda assessment: (assessment.day, assessment.visit or ""))
        for one, other in pairwise(assessments):
            if one.day == other.day:
                place = f"{of_reader(subject, reader)}, day {one.day}, visits {one.visit} and {other.visit}"
                problems.append(problem("two visits end on the same day", "day", place))
    return series


def _parted(rows: list[Row]) -> list[list[Row]]:
    """Part the rows of one visit name by their days, at most 14 from the first; those without a name by each day."""
    longest = 0 if rows[0]["visit"] is None else LONGEST_VISIT
    parts: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: row["day"]):  # stable: rows of one day stay in their order
        if parts and row["day"] - parts[-1][0]["day"] <= longest:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def _facts(rows: Iterable[Row], problems: list[TableError], last_days: Mapping[str, int]) -> list[Row]:
    """Give each row its whole size and its state, settle role, node and resection of each lesion over its rows.

    The state is what counts; `word` keeps what the reader said of it. A resection after the treatment has started
    was not for the product: it stands in `resected_later` of its row.
    """
    lesions: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        lesions[row["subject"], row["reader"], row["lesion"]].append(row)
    facts: list[Row] = []
    for (subject, reader, lesion), history in lesions.items():
        place = f"{of_reader(subject, reader)}, lesion {lesion}"
        last = last_days.get(subject, 0)
        settled: Row = {"resected": any(row["resected"] and row["day"] <= last for row in history)}
        for name in ("role", "node"):
            values = {row[name] for row in history if row[name] is not None}
            if len(values) > 1:
                other = next(row for row in history if row[name] not in (None, history[0][name]))
                changes = f"the {name} of a lesion changes between visits"
                problems.append(problem(changes, name, place, row=other["row"]))
            settled[name] = next((row[name] for row in history if row[name] is not None), False)
        for row in history:
            fact = row | settled
            what = _contradiction(fact)
            if what:
                problems.append(problem(what, "diameter_mm", f"{place}, day {row['day']}", row=row["row"]))
            else:
                fact["resected_later"] = bool(row["resected"] and row["day"] > last and not fact["resected"])
                facts.append(fact | {"size": _size(fact), "state": _state(fact), "word": fact["state"]})
    return facts


def _contradiction(row: Row) -> str | None:
    diameter, state = row["diameter_mm"], row["state"]
    if row["role"] == "target" and state in ("progressed", "equivocal"):
        return f"a target lesion is judged by its diameter, not as {state}"
    if diameter is not None and state == "not_evaluable":
        return "a lesion that is not evaluable has no diameter"
    if diameter is not None and state == "absent" and is_seen(_micrometres(diameter), row["node"]):
        return "an absent lesion has no diameter"
    if diameter == 0 and state in ("present", "progressed") and row["role"] != "new":
        return f"a lesion that is {state} has a diameter above 0 mm"
    return None


def _micrometres(diameter: float) -> int:
    return round(diameter * MICROMETRES)


def _size(row: Row) -> int | None:
    if row["diameter_mm"] is not None:
        return _micrometres(row["diameter_mm"])
    return 0 if row["state"] == "absent" else None


def _state(row: Row) -> str:
    """Return the state of a lesion: the reader's word for a new one, else what the diameter says of its presence."""
    size = _size(row)
    if row["state"] in ("progressed", "equivocal", "not_evaluable") or (row["state"] and row["role"] == "new"):
        return str(row["state"])
    if size is not None:
        return "present" if is_seen(size, row["node"]) else "absent"
    # A new lesion is listed because it is seen; a non-target without a word was not looked at.
    return str(row["state"] or ("present" if row["role"] == "new" else "not_evaluable"))


def is_seen(size: int, node: bool) -> bool:
    """Whether a target is there: any size, but 10 mm for a node."""
    return size >= NORMAL_NODE if node else size > 0


def problem(
    what: str, column: str, found: str, mend: str | None = None, row: int | None = None, *, table: str = LESIONS.name
) -> TableError:
    """Return one contradiction between rows of a table, with the row of the file where it is known."""
    error = TableError(what, row=row, column=column, found=found, mend=mend)
    error.table = table
    return error


def of_reader(subject: str, reader: str | None) -> str:
    """Return whose readings an error is of; the reader where one is named."""
    return f"subject {subject}" if reader is None else f"subject {subject}, reader {reader}"


def listed(what: str, names: Iterable[str]) -> str:
    """Return names and what is said of them, or nothing without names."""
    together = ", ".join(names)
    return f"{together} {what}" if together else ""
