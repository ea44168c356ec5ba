"""Targets that are the sum of the others, as a row of sums exported beside the lesions: it doubles every sum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tilseq.clinical.assessments import MICROMETRES, Assessment, problem
from tilseq.errors import TableError

SUM = "sums?|totals?|sld|sod|sumdiam|summe"
BESIDE = f"{SUM}|of|the|all|targets?|tls?|lesions?|tumou?rs?|burden|size|longest|diameters?|ld|mm"
CALLED_SUM = re.compile(rf"(?:(?:{BESIDE}) )*(?:{SUM})(?: (?:{BESIDE}))*", re.IGNORECASE)
FEWEST = 2  # other targets, and different sums: that one lesion is as large as another, or nothing changed, is chance
ROUNDED = MICROMETRES // 20  # half of the last decimal of a sum in tenths of mm
SUMMED = "always the sum of the other targets: a row of sums?"


def named_sums(base: Assessment, place: str, problems: list[TableError]) -> None:
    """List targets of the baseline that are called a sum and stand beside others; one alone is counted once."""
    targets = base.named("target")
    for name, row in targets.items() if len(targets) > 1 else ():
        if CALLED_SUM.fullmatch(re.sub(r"[\W_]+", " ", name).strip()):
            what, where = "a target that is called a sum, beside those that it sums up", f"{place}, lesion {name}"
            mend = "leave its rows out, as sums are made here; give a lesion another name"
            problems.append(problem(what, "lesion", where, mend, row=row["row"]))


def summed_targets(assessments: Sequence[Assessment]) -> list[str]:
    """Return the targets of the baseline, the first given, whose diameters are always the sum of all others'.

    Of each assessment at which all are measured; two or more of them differ in a sum of two others or more.
    """
    names = list(assessments[0].named("target"))
    sizes: list[list[Any]] = [
        [one.lesions[name]["size"] if name in one.lesions else None for name in names] for one in assessments
    ]
    complete = [row for row in sizes if None not in row]
    return [name for at, name in enumerate(names) if _is_sum(at, complete)]


def _is_sum(at: int, sizes: Sequence[Sequence[int]]) -> bool:
    """Whether one of the targets is the sum of the others at all of some assessments."""
    pairs = [(row[at], [*row[:at], *row[at + 1 :]]) for row in sizes]
    if any(abs(own - sum(others)) > ROUNDED for own, others in pairs):
        return False
    return len({own for own, others in pairs if sum(size > 0 for size in others) >= FEWEST}) >= FEWEST
