"""Which assessment is the baseline, and what RECIST 1.1 would not have in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tilseq.clinical.assessments import Assessment, listed, problem
from tilseq.clinical.centimetres import LEAST_TARGET
from tilseq.errors import TableError
from tilseq.tables import Row

MOST_TARGETS = 5
MOST_IN_ORGAN = 2  # all lymph nodes are one organ (RECIST 1.1 questions and clarifications, EORTC)
LONGEST_BEFORE = 28  # days from the baseline to the start of treatment
LATEST_SCAN = 7  # days from the start of treatment to the last scan of a visit that began before it
NODES = "lymph nodes"
NODAL = re.compile(r"(?<!non-)(?<!extra)(?:lymph[\s_-]*(?:node|gland)|\b(?:ln|lns|nodes?|nodal)\b)", re.IGNORECASE)
# Organs, without blanks and the like, in which no lymph node lies.
ORGANS = {"liver", "bone", "brain", "skin", "adrenal", "adrenalgland", "kidney", "spleen", "pancreas", "softtissue"}


def choose_baseline(
    assessments: Sequence[Assessment], harvest: int | None, last_day: int | None
) -> tuple[int | None, str]:
    """Return the position of the baseline, or None and why there is none.

    It is the last assessment after the harvest, which takes a lesion away, and up to the last day before treatment.
    A visit that began by then may end a few days later, before the infusion. Of who was never treated, so that there
    is no last day, it is the first after the harvest that knows what later ones list.
    """
    before = [i for i, one in enumerate(assessments) if last_day is None or _precedes(one, last_day)]
    after_harvest = [i for i in before if harvest is None or assessments[i].first_day > harvest]
    if after_harvest and last_day is None:
        return next(i for i in after_harvest if not list(_not_known(assessments, i))), ""
    if after_harvest:
        return after_harvest[-1], ""
    if before:
        day = assessments[before[-1]].first_day
        return (
            None,
            f"no baseline: the last assessment before treatment (day {day}) is not after the harvest ({harvest})",
        )
    return None, f"no baseline: no assessment up to day {last_day}"


def _precedes(assessment: Assessment, last_day: int) -> bool:
    """Whether an assessment lies before treatment, or began before it and ended shortly after, before the infusion."""
    late = assessment.day - last_day
    return late <= 0 or (assessment.first_day <= last_day and late <= LATEST_SCAN and assessment.day < 0)


def _not_known(assessments: Sequence[Assessment], baseline: int) -> Iterator[tuple[str, Row]]:
    """Yield targets and non-targets that come after the baseline and are not in it, with their rows."""
    known = assessments[baseline].lesions
    for later in assessments[baseline + 1 :]:
        for name, row in later.lesions.items():
            if row["role"] != "new" and name not in known and not row["resected"]:
                yield name, row


def check_against_baseline(
    assessments: Sequence[Assessment], baseline: int, place: str, problems: list[TableError]
) -> None:
    """List new lesions that are not new, and targets and non-targets that come after the baseline."""
    for assessment in assessments[: baseline + 1]:
        for name, row in assessment.lesions.items():
            if row["role"] != "new":
                continue
            where = f"{place}, lesion {name}, day {row['day']}"
            problems.append(problem("a lesion seen by the baseline is not new", "role", where, row=row["row"]))
    for name, row in _not_known(assessments, baseline):
        where = f"{place}, lesion {name}, day {row['day']}"
        mend = f"list it at baseline (day {assessments[baseline].day}) too, or give it the role new"
        problems.append(problem("this lesion is not in the baseline", "lesion", where, mend, row=row["row"]))


def doubts(base: Assessment, last_day: int | None) -> Iterator[str]:
    """Yield what RECIST would not have in a baseline; nothing is changed for it but the resected lesions."""
    targets = base.named("target")
    small = [n for n, row in targets.items() if row["size"] is not None and row["size"] < LEAST_TARGET[row["node"]]]
    yield listed("resected for the product, no target", (n for n, row in base.lesions.items() if row["resected"]))
    yield listed("not measured", (n for n, row in targets.items() if row["size"] is None))
    yield listed("by its site a lymph node, by `node` none", (n for n, row in base.lesions.items() if _nodal(row)))
    yield listed("by its site no lymph node, by `node` one", (n for n, row in base.lesions.items() if _organ(row)))
    yield listed("smaller than a target may be (10 mm, node 15 mm; is it in mm?)", small)
    if len(targets) > MOST_TARGETS:
        yield f"{len(targets)} targets, more than {MOST_TARGETS}"
    organs = Counter(NODES if row["node"] else row["site"] for row in targets.values())
    for organ, number in organs.items():
        if organ is not None and number > MOST_IN_ORGAN:
            yield f"{number} targets in {organ}, more than {MOST_IN_ORGAN}"
    if last_day is None:
        return
    days = last_day - base.first_day
    if days > LONGEST_BEFORE:
        yield f"scanned {days} days before treatment starts, more than {LONGEST_BEFORE}"
    if base.day > last_day:
        yield f"the last scan is {base.day - last_day} days after treatment started (day {last_day})"


def _nodal(row: Row) -> bool:
    """Whether a lesion's site names lymph nodes and `node` does not say so: its short axis counts as its longest."""
    return not row["node"] and NODAL.search(row["site"] or "") is not None


def _organ(row: Row) -> bool:
    return bool(row["node"]) and re.sub(r"[\W_]", "", row["site"] or "").casefold() in ORGANS


def gone_by_baseline(earlier: Sequence[Assessment], base: Assessment) -> str:
    """Return what to say of targets that earlier scans list and the baseline does not."""
    names = dict.fromkeys(name for one in earlier for name in one.named("target") if name not in base.lesions)
    return f"not at baseline: {', '.join(names)}" if names else ""
