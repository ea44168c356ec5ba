"""Diameters that look like centimetres, or tenfold: refused where hardly anything else is likely, else told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from tilseq.clinical.assessments import MICROMETRES, Assessment, listed, problem
from tilseq.clinical.summed_targets import SUMMED
from tilseq.errors import TableError
from tilseq.tables import Row

LEAST_TARGET = {False: 10 * MICROMETRES, True: 15 * MICROMETRES}
TOO_SMALL = 5 * MICROMETRES  # what RECIST 1.1 writes down for a lesion too small to measure
LARGE = 30 * MICROMETRES
FALL = 8  # a change of unit is tenfold, and the lesion may have changed too
LEAST_FALL = 5  # of several targets, from one side: they shrink or grow from visit to visit, and did not all come back
TENTH, TENFOLD = "a tenth of what it was: in cm?", "ten times what it was: is a comma lost?"
MEND = "multiply centimetres by 10; if these are mm, accept them (`undersized: accept`, `--undersized accept`)"


def undersized_targets(base: Assessment, place: str, problems: list[TableError]) -> None:
    """List a baseline whose measured targets are all below 10 mm: none can be a target, so that they may be in cm."""
    rows = [row for row in base.named("target").values() if row["size"] is not None]
    if rows and all(row["size"] < LEAST_TARGET[False] for row in rows):
        sizes = ", ".join(f"{row['size'] / MICROMETRES:g}" for row in rows)
        what = "every target of the baseline is below 10 mm, which no target may be"
        problems.append(_refusal(what, f"{place}, day {base.day}: {sizes}", rows[0]))


def centimetre_visits(assessments: Sequence[Assessment], place: str, problems: list[TableError]) -> None:
    """List visits after the baseline, which is the first given, whose targets are too small to be in mm.

    All measured are below 5 mm and were 30 mm or more at the last measurement; or all are below 10 mm, and at the last
    and at the next measurement 8 times as large or more: of a single target at both, of several in the geometric mean
    of both and 5 times at either. A target that is gone speaks for a response: nothing is asked.
    """
    measured = [_measured(one) for one in assessments]
    for position, (one, sizes) in enumerate(zip(assessments, measured, strict=True)):
        if position == 0 or not sizes or any(not 0 < size < LEAST_TARGET[False] for size in sizes.values()):
            continue
        before = {name: size for earlier in measured[:position] for name, size in earlier.items()}
        after = {name: size for later in reversed(measured[position + 1 :]) for name, size in later.items()}
        fell = all(size < TOO_SMALL and before.get(name, 0) >= LARGE for name, size in sizes.items())
        least = FALL if len(sizes) == 1 else LEAST_FALL
        dipped = all(_dipped(before.get(name, 0), size, after.get(name, 0), least) for name, size in sizes.items())
        if fell or dipped:
            first = one.lesions[next(iter(sizes))]
            told = ", ".join(f"{name} {_mm(before[name])} to {_mm(size)}" for name, size in sizes.items())
            what = "every target of this visit is as small as in cm"
            problems.append(_refusal(what, f"{place}, day {one.day}: {told}", first))


def _dipped(before: int, now: int, after: int, least: int) -> bool:
    return min(before, after) >= least * now and before * after >= (FALL * now) ** 2


def _refusal(what: str, found: str, row: Row) -> TableError:
    error = problem(what, "diameter_mm", found, MEND, row=row["row"])
    error.expected = "diameters in mm, not cm"
    return error


def told_leaps(before: Assessment, now: Assessment, targets: Iterable[str]) -> list[str]:
    """Return what to say of targets that may be in centimetres, or grew tenfold; no response is changed for it."""
    old, new = _measured(before), _measured(now)
    seen = {name: new[name] for name in targets if new.get(name)}
    tenth = [name for name, size in seen.items() if 9 * size <= old.get(name, 0) <= 11 * size]
    grown = [name for name, size in seen.items() if 0 < 9 * old.get(name, 0) <= size <= 11 * old[name]]
    small = [name for name, size in seen.items() if size < TOO_SMALL and name not in tenth]
    return [listed(TENTH, tenth), listed(TENFOLD, grown), listed("below 5 mm: is it in mm?", small)]


def odd_targets(response: pl.DataFrame) -> list[tuple[str, int, str]]:
    """Return subject, day and what is told of each tenfold change of a target, or sum of the others, of `response`."""
    rows = response.drop_nulls("reason").select("subject", "day", "reason").rows()
    return [
        (subject, day, part)
        for subject, day, reason in rows
        for part in reason.split("; ")
        if part.endswith((TENTH, TENFOLD, SUMMED))
    ]


def _measured(assessment: Assessment) -> Mapping[str, int]:
    return {name: row["size"] for name, row in assessment.named("target").items() if row["size"] is not None}


def _mm(size: int) -> str:
    return f"{size / MICROMETRES:g}"
