"""Which samples of expression are of one level of the factor `visit`, and which levels are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tilseq.tables.cell_labels import INFUSED, NOT_SEEN

PRODUCT, BLOOD = "infusion_product", "blood"
MARKS = str.maketrans({":": "_", "/": "_", "*": "_"})  # that a contrast is written with
APART = ("specimen", "timing", "lesion")  # columns of samples.csv that part the samples of a visit
OF_SUBJECT = "lesion"  # each subject has lesions of its own, whose names part those of one subject alone
FEWEST_SUBJECTS = 2

Row = Mapping[str, Any]


def with_levels(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows with `level`: the visit, and behind it what tells several samples of a visit apart.

    That is the specimen and timing, as far as one visit has several, and the lesion, as far as a subject has several at
    one visit; lots and replicates are of one level.
    Two visits whose names differ only in marks that contrasts are written with are told apart by a number.

    Parameters
    ----------
    rows
        Rows of samples.csv, or any with `subject`, `visit`, `specimen`, `timing` and `lesion`.
    """
    held: dict[tuple[str | None, str, str | None], set[str | None]] = {}
    for row in rows:
        for name in APART:
            whose = row["subject"] if name == OF_SUBJECT else None
            held.setdefault((row["visit"], name, whose), set()).add(row.get(name))
    several = {(visit, name) for (visit, name, _), values in held.items() if len(values) > 1}
    raw = [_raw(row, several) for row in rows]
    levels: dict[str, str] = {}
    for name in dict.fromkeys(raw):
        plain, number = name.translate(MARKS), 1
        while (level := plain if number == 1 else f"{plain} ({number})") in levels.values():
            number += 1
        levels[name] = level
    return [{**row, "level": levels[name]} for row, name in zip(rows, raw, strict=True)]


def _raw(row: Row, several: Collection[tuple[str | None, str]]) -> str:
    parts = [row["visit"]]
    parts += [row.get(name) for name in APART if (row["visit"], name) in several]
    return " ".join(filter(None, parts)) or str(row["specimen"])


def over_visits(rows: Sequence[Row], lymphodepletion: Mapping[str, int | None]) -> list[str]:
    """Return the contrasts of each level against the infusion product, and of product and blood against the baseline.

    The baseline is blood: of each subject the last before lymphodepletion, or before day 0 where that day is not known;
    the level that this is in most subjects. A contrast that fewer than two subjects have both levels of is none.

    Parameters
    ----------
    rows
        Of `with_levels`.
    lymphodepletion
        Subject → first day of lymphodepletion.
    """
    levels = _in_time(rows)
    of_product = Counter(row["level"] for row in rows if row["specimen"] == PRODUCT)
    of_baseline = Counter(filter(None, _baselines(rows, lymphodepletion).values()))
    later = {row["level"] for row in rows if row["specimen"] in (PRODUCT, BLOOD)}
    found = []
    for counted, among in ((of_product, set(levels)), (of_baseline, later)):
        if counted:
            reference = max(sorted(counted), key=lambda level: counted[level])
            found += [(level, reference) for level in levels if level in among and level != reference]
    told = {frozenset(pair): pair for pair in reversed(found)}  # product against baseline, not the other way about too
    return [f"visit:{a}/{b}" for a, b in found if told[frozenset((a, b))] == (a, b) and _in_common(rows, a, b)]


def _baselines(rows: Sequence[Row], lymphodepletion: Mapping[str, int | None]) -> dict[str, str | None]:
    last: dict[str, tuple[int, str]] = {}
    for row in rows:
        start = lymphodepletion.get(row["subject"])
        before = row["day"] is not None and row["day"] < (0 if start is None else start)
        if row["specimen"] == BLOOD and before:
            last[row["subject"]] = max(last.get(row["subject"], (row["day"], "")), (row["day"], row["level"]))
    return {subject: level for subject, (_, level) in last.items()}


def _in_time(rows: Sequence[Row]) -> list[str]:
    """Return the levels in the order of their first day, those without one last."""
    first: dict[str, float] = {}
    for row in rows:
        day = float("inf") if row["day"] is None else float(row["day"])
        first[row["level"]] = min(first.get(row["level"], float("inf")), day)
    return sorted(first, key=lambda level: (first[level], level))


def _in_common(rows: Sequence[Row], one: str, other: str) -> bool:
    subjects = [{row["subject"] for row in rows if row["level"] == level} for level in (one, other)]
    return len(subjects[0] & subjects[1]) >= FEWEST_SUBJECTS


def levels_with_both(rows: Sequence[Row]) -> list[str]:
    """Return the levels, in time, at which two subjects or more have infused cells and others that were not seen.

    Parameters
    ----------
    rows
        Of `with_levels`, with `status`.
    """
    found = []
    for level in _in_time(rows):
        own = [row for row in rows if row["level"] == level]
        subjects = [{row["subject"] for row in own if row["status"] == status} for status in (INFUSED, NOT_SEEN)]
        if len(subjects[0] & subjects[1]) >= FEWEST_SUBJECTS:
            found.append(level)
    return found
