"""Which assessment is the baseline, and what RECIST 1.1 would not have in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tilseq.clinical.assessments import MICROMETRES, Assessment, Row, problem
from tilseq.errors import TableError

LEAST_TARGET = {False: 10 * MICROMETRES, True: 15 * MICROMETRES}
MOST_TARGETS = 5
MOST_IN_ORGAN = 2  # all lymph nodes are one organ (RECIST 1.1 questions and clarifications, EORTC)
LONGEST_BEFORE = 28  # days from the baseline to the start of treatment
NODES = "lymph nodes"


def choose_baseline(assessments: Sequence[Assessment], harvest: int | None, last_day: int) -> tuple[int | None, str]:
    """Return the position of the baseline, or None and why there is none.

    It is the last assessment after the harvest, which takes a lesion away, and up to the last day before treatment.
    """
    before = [i for i, assessment in enumerate(assessments) if assessment.day <= last_day]
    after_harvest = [i for i in before if harvest is None or assessments[i].first_day > harvest]
    if after_harvest:
        return after_harvest[-1], ""
    if before:
        day = assessments[before[-1]].first_day
        return (
            None,
            f"no baseline: the last assessment before treatment (day {day}) is not after the harvest ({harvest})",
        )
    return None, f"no baseline: no assessment up to day {last_day}"


def check_against_baseline(
    assessments: Sequence[Assessment], baseline: int, place: str, problems: list[TableError]
) -> None:
    """List new lesions that are not new, and targets and non-targets that come after the baseline."""
    known = set(assessments[baseline].lesions)
    for position, assessment in enumerate(assessments):
        for name, row in assessment.lesions.items():
            where = f"{place}, lesion {name}, day {row['day']}"
            if position <= baseline and row["role"] == "new":
                problems.append(problem("a lesion seen by the baseline is not new", "role", where, row=row["row"]))
            if position > baseline and row["role"] != "new" and name not in known and not row["resected"]:
                mend = f"list it at baseline (day {assessments[baseline].day}) too, or give it the role new"
                what = "this lesion is not in the baseline"
                problems.append(problem(what, "lesion", where, mend, row=row["row"]))


def undersized_targets(base: Assessment, place: str, problems: list[TableError]) -> None:
    """List a baseline whose measured targets are all below 10 mm: none can be a target, so that they may be in cm."""
    rows = [row for row in base.named("target").values() if row["size"] is not None]
    if rows and all(row["size"] < LEAST_TARGET[False] for row in rows):
        sizes = ", ".join(f"{row['size'] / MICROMETRES:g}" for row in rows)
        what = "every target of the baseline is below 10 mm, which no target may be"
        mend = "multiply centimetres by 10; if these are mm, accept them (`undersized`)"
        told = problem(what, "diameter_mm", f"{place}, day {base.day}: {sizes}", mend, row=rows[0]["row"])
        told.expected = "diameters in mm, not cm"
        problems.append(told)


def doubts(base: Assessment, last_day: int) -> Iterator[str]:
    """Yield what RECIST would not have in a baseline; nothing is changed for it but the resected lesions."""
    targets = base.named("target")
    small = [n for n, row in targets.items() if row["size"] is not None and row["size"] < LEAST_TARGET[row["node"]]]
    yield listed("resected for the product, no target", (n for n, row in base.lesions.items() if row["resected"]))
    yield listed("not measured", (n for n, row in targets.items() if row["size"] is None))
    yield listed("smaller than a target may be (10 mm, node 15 mm; is it in mm?)", small)
    if len(targets) > MOST_TARGETS:
        yield f"{len(targets)} targets, more than {MOST_TARGETS}"
    organs = Counter(NODES if row["node"] else row["site"] for row in targets.values())
    for organ, number in organs.items():
        if organ is not None and number > MOST_IN_ORGAN:
            yield f"{number} targets in {organ}, more than {MOST_IN_ORGAN}"
    days = last_day - base.first_day
    if days > LONGEST_BEFORE:
        yield f"scanned {days} days before treatment starts, more than {LONGEST_BEFORE}"


def gone_by_baseline(earlier: Sequence[Assessment], base: Assessment) -> str:
    """Return what to say of targets that earlier scans list and the baseline does not."""
    names = dict.fromkeys(name for one in earlier for name in one.named("target") if name not in base.lesions)
    return f"not at baseline: {', '.join(names)}" if names else ""


def in_centimetres(before: Assessment, now: Assessment, targets: Iterable[str]) -> bool:
    """Tell whether every target that both assessments measure fell to about a tenth, as a change of unit would do."""
    pairs = [(_size(before, name), _size(now, name)) for name in targets]
    seen = [(old, new) for old, new in pairs if old and new]
    return bool(seen) and all(9 * new <= old <= 11 * new for old, new in seen)


def _size(assessment: Assessment, name: str) -> int | None:
    row: Row = assessment.lesions.get(name, {})
    return row.get("size")


def listed(what: str, names: Iterable[str]) -> str:
    """Return names and what is said of them, or nothing without names."""
    together = ", ".join(names)
    return f"{together} {what}" if together else ""
