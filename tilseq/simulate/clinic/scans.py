"""What the investigator reads in the scans, and the response that is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tilseq.errors import RunError
from tilseq.simulate.calendar import HARVEST_DAY, LYMPHODEPLETION_DAY
from tilseq.simulate.clinic.lesions import FIRST_DAY, SIZES_DAY, Disease, Lesion

if TYPE_CHECKING:
    from tilseq.tables import Row

VisitRng = Callable[[str], np.random.Generator]
Planned = Mapping[str, tuple[int, int]]
Sizes = Sequence[int | None]

READER = "investigator"

# Two readings of one lesion differ by some per cent and by a pixel or two: round figures.
READING_SD_MM, READING_CV = 0.7, 0.04
GONE_MM = 2.0  # what is smaller cannot be seen on slices of 5 mm
SMALLEST_READ_MM = 5  # stands for a lesion that is seen but too small to measure (Eisenhauer 2009)
NORMAL_NODE_MM = 10  # below it a node is normal (Eisenhauer 2009)
NEW_MM = 8.0  # a lesion is called new from this diameter on, a node from 10 mm
UNEQUIVOCAL_FACTOR, UNEQUIVOCAL_MM = 1.5, 8.0  # growth over the smallest that makes a non-target `progressed`

# Round figures.
EQUIVOCAL_SHARE = 0.1  # of new lesions where they are first seen
NOT_EVALUABLE_SHARE = 0.012  # lesions outside the field, or blurred
MISSED_SHARE = 0.04  # scans that are not done
AFTER_PD_SHARE = 0.3  # scans that are done although progression is recorded
DEVIATING_SHARE = 0.02  # responses that the investigator writes against the rule
DEVIATIONS = {"CR": ("PR",), "PR": ("SD",), "SD": ("PR", "PD"), "PD": ("SD",), "NE": ("SD",)}


@dataclass(frozen=True)
class Scan:
    """One scan that was done: its visit, its day, its rows of table `lesions`, whether it precedes treatment."""

    visit: str
    day: int
    rows: list[Row]
    before: bool

    def named(self, role: str) -> dict[str, Row]:
        """Return the rows of one role by lesion; the lesion resected for the product has none."""
        return {row["lesion"]: row for row in self.rows if row["role"] == role and not row["resected"]}


@dataclass(frozen=True)
class Reading:
    """What is written of a subject's scans, and what is true of them.

    Attributes
    ----------
    lesions, responses
        Rows of those tables.
    true_lesions
        `subject, day, visit, lesion, role, diameter_mm`: the exact diameter of every lesion on the day of every scan
        that was done, those that nobody can see yet included; 0 where there is nothing.
    true_responses
        `subject, day, visit, by_rule, recorded, deviates`: what RECIST 1.1 makes of the rows written, what the
        investigator wrote, and whether they differ.
    """

    lesions: list[Row] = field(default_factory=list)
    responses: list[Row] = field(default_factory=list)
    true_lesions: list[Row] = field(default_factory=list)
    true_responses: list[Row] = field(default_factory=list)

    @property
    def progression_day(self) -> int | None:
        """Day of the first recorded progression."""
        return next((row["day"] for row in self.responses if row["response"] == "PD"), None)


def read_scans(
    subject: str,
    disease: Disease,
    planned: Planned,
    visit_rng: VisitRng,
    *,
    last_day: int,
) -> Reading:
    """Return what is written of a subject's scans, and the truth of it.

    A scan is done on a day of its window, one of the baseline before lymphodepletion. Some scans are missed, some
    lesions not evaluable, and most scans are no longer done once progression is recorded. Before treatment nothing is
    missing, and targets are written no smaller than RECIST 1.1 asks of them.

    Parameters
    ----------
    subject
        Identifier.
    disease
        The true lesions; a scan planned for the harvest or before shows the one that is resected.
    planned
        Visit → nominal day and days either side, in the order of the days; windows must not overlap.
    visit_rng
        Stream of a visit. It is asked once for each, so a further visit moves no day and no diameter of another.
    last_day
        No scan comes after it: the last day on which the subject is seen alive.

    Raises
    ------
    RunError
        Windows overlap, one reaches beyond the days that are simulated, or no scan lies between harvest and
        lymphodepletion.
    """
    _check(planned, disease)
    scans: list[Scan] = []
    chances: dict[str, float] = {}
    written: list[str] = []
    for visit, (nominal, window) in planned.items():
        rng = visit_rng(visit)
        day = _day(rng, nominal, window)
        missed, stopped, chances[visit] = rng.random(3).tolist()
        before = nominal < LYMPHODEPLETION_DAY
        left_out = missed < MISSED_SHARE or ("PD" in written and stopped >= AFTER_PD_SHARE)
        if day > last_day or (left_out and not before):
            continue
        known = {row["lesion"] for scan in scans for row in scan.rows}
        rows = _read(rng, disease, day, known, before)
        scans.append(Scan(visit, day, [row for row in rows if day <= HARVEST_DAY or not row["resected"]], before))
        written = [_written(rule, chances[scan.visit]) for scan, rule in _judged(scans)]
    return _reading(subject, disease, scans, chances)


def respond(scans: Sequence[Scan]) -> list[str]:
    """Return the overall response at each scan after the first, the baseline, by RECIST 1.1.

    Eisenhauer and others, Eur J Cancer 2009;45:228. A new lesion that is equivocal counts once a later scan has
    confirmed it.

    Parameters
    ----------
    scans
        In the order of their days, with whole millimetres.
    """
    targets, nontargets = scans[0].named("target"), scans[0].named("nontarget")
    nodes = [bool(row["node"]) for row in targets.values()]
    sums = [_sum(_sizes(scan, targets)) for scan in scans]
    responses = []
    for number, scan in enumerate(scans[1:], start=1):
        nadir = min(total for total in sums[:number] if total is not None)
        target = _target(_sizes(scan, targets), nodes, sums[0] or 0, nadir)
        seen = scan.named("nontarget")
        nontarget = _nontarget([seen[name]["state"] for name in nontargets])
        new = any(_counts(name, row, scans[number + 1 :]) for name, row in scan.named("new").items())
        if new or "PD" in (target, nontarget):
            responses.append("PD")
        else:
            responses.append("PR" if target == "CR" and nontarget != "CR" else target)
    return responses


def _check(planned: Planned, disease: Disease) -> None:
    for (one, (day, window)), (other, (later, before)) in pairwise(planned.items()):
        if day + window >= later - before:
            raise RunError("the windows of two scans overlap", found=f"{one} and {other}")
    for visit, (day, window) in planned.items():
        if not FIRST_DAY <= day - window <= day + window <= disease.last_day:
            raise RunError("a scan is planned for days that are not simulated", found=f"{visit}, day {day}")
    if not any(HARVEST_DAY < day < LYMPHODEPLETION_DAY for day, _ in planned.values()):
        raise RunError("no scan is planned between the harvest and lymphodepletion")


def _day(rng: np.random.Generator, nominal: int, window: int) -> int:
    """Return the day of a scan, which does not cross the harvest or the start of lymphodepletion."""
    day = nominal + int(rng.integers(-window, window + 1))
    if nominal <= HARVEST_DAY:
        return min(day, HARVEST_DAY)
    return max(min(day, LYMPHODEPLETION_DAY - 1), HARVEST_DAY + 1) if nominal < LYMPHODEPLETION_DAY else day


def _read(rng: np.random.Generator, disease: Disease, day: int, known: Iterable[str], before: bool) -> list[Row]:
    """Return the rows of one scan; every lesion takes its chances, so that none changes another's."""
    index = day - FIRST_DAY
    rows: list[Row] = []
    for lesion, course in zip(disease.lesions, disease.diameters_mm, strict=True):
        error, impression = rng.standard_normal(2).tolist()
        lost, doubt = rng.random(2).tolist()
        true = float(course[index])
        row: Row = {"lesion": lesion.lesion, "role": lesion.role, "node": lesion.node, "site": lesion.site}
        row |= {"diameter_mm": None, "state": None, "method": "CT", "resected": lesion.resected}
        unseen = lost < NOT_EVALUABLE_SHARE and not before
        if lesion.role == "new":
            if before or (not _is_new(lesion, true) and lesion.lesion not in known):
                continue
            row["state"] = _new_state(lesion, true, doubt, lesion.lesion in known)
        elif unseen:
            row["state"] = "not_evaluable"
        elif lesion.role == "nontarget":
            smallest = float(course[SIZES_DAY - FIRST_DAY : index + 1].min()) if not before else true
            row["state"] = "present" if before else _nontarget_state(lesion, true, smallest, impression)
        else:
            row |= _measured(lesion, true, error, before)
        rows.append(row)
    return rows


def _measured(lesion: Lesion, true_mm: float, error: float, before: bool) -> Row:
    """Return diameter and state of a target: whole millimetres."""
    if true_mm < GONE_MM:
        return {"diameter_mm": 0, "state": "absent"}
    noise = error * float(np.hypot(READING_SD_MM, READING_CV * true_mm))
    read = max(round(true_mm * lesion.reader_bias + noise), SMALLEST_READ_MM)
    return {"diameter_mm": max(read, 15 if lesion.node else 10) if before else read}


def _is_normal(lesion: Lesion, true_mm: float) -> bool:
    return true_mm < (NORMAL_NODE_MM if lesion.node else GONE_MM)


def _nontarget_state(lesion: Lesion, true_mm: float, smallest_mm: float, impression: float) -> str:
    """Return how the reader calls a non-target lesion, whose growth is judged by eye."""
    if _is_normal(lesion, true_mm):
        return "absent"
    seen = true_mm * float(np.exp(0.1 * impression))
    grown = seen >= UNEQUIVOCAL_FACTOR * smallest_mm and seen - smallest_mm >= UNEQUIVOCAL_MM
    return "progressed" if grown else "present"


def _is_new(lesion: Lesion, true_mm: float) -> bool:
    return true_mm >= (NORMAL_NODE_MM if lesion.node else NEW_MM)


def _new_state(lesion: Lesion, true_mm: float, doubt: float, known: bool) -> str:
    if known:
        return "absent" if _is_normal(lesion, true_mm) else "present"
    return "equivocal" if doubt < EQUIVOCAL_SHARE else "present"


def _sizes(scan: Scan, targets: Iterable[str]) -> list[int | None]:
    seen = scan.named("target")
    return [seen[name]["diameter_mm"] for name in targets]


def _sum(sizes: Sizes) -> int | None:
    return None if None in sizes else sum(size or 0 for size in sizes)


def _target(sizes: Sizes, nodes: Sequence[bool], baseline: int, nadir: int) -> str:
    total = sum(size or 0 for size in sizes)
    progressed = 10 * total >= 12 * nadir and total - nadir >= 5
    if None in sizes:
        return "PD" if progressed else "NE"
    if all((size or 0) < (NORMAL_NODE_MM if node else 1) for size, node in zip(sizes, nodes, strict=True)):
        return "CR"
    if progressed:
        return "PD"
    return "PR" if 10 * total <= 7 * baseline else "SD"


def _nontarget(states: Sequence[str]) -> str:
    if "progressed" in states:
        return "PD"
    if "not_evaluable" in states:
        return "NE"
    return "CR" if all(state == "absent" for state in states) else "NON-CR/NON-PD"


def _counts(name: str, row: Row, later: Iterable[Scan]) -> bool:
    if row["state"] == "equivocal":
        return any(scan.named("new").get(name, {}).get("state") == "present" for scan in later)
    return bool(row["state"] == "present")


def _judged(scans: Sequence[Scan]) -> list[tuple[Scan, str]]:
    """Return the scans after the baseline, which is the last one before treatment, each with its response."""
    baseline = max((i for i, scan in enumerate(scans) if scan.before and scan.day > HARVEST_DAY), default=len(scans))
    return list(zip(scans[baseline + 1 :], respond(scans[baseline:]), strict=True)) if scans[baseline:] else []


def _written(rule: str, chance: float) -> str:
    """Return the response that the investigator writes: that of the rule but for a few."""
    if chance >= DEVIATING_SHARE:
        return rule
    others = DEVIATIONS[rule]
    return others[int(chance / DEVIATING_SHARE * len(others))]


def _reading(subject: str, disease: Disease, scans: Sequence[Scan], chances: Mapping[str, float]) -> Reading:
    reading = Reading()
    for scan in scans:
        key: Row = {"subject": subject, "day": scan.day, "visit": scan.visit}
        reading.lesions.extend(key | {"reader": READER} | row for row in scan.rows)
        for lesion, course in zip(disease.lesions, disease.diameters_mm, strict=True):
            true: Row = {"lesion": lesion.lesion, "role": lesion.role}
            reading.true_lesions.append(key | true | {"diameter_mm": float(course[scan.day - FIRST_DAY])})
    for scan, rule in _judged(scans):
        key = {"subject": subject, "day": scan.day, "visit": scan.visit}
        recorded = _written(rule, chances[scan.visit])
        reading.responses.append(key | {"reader": READER, "response": recorded})
        truth: Row = {"by_rule": rule, "recorded": recorded, "deviates": recorded != rule}
        reading.true_responses.append(key | truth)
    return reading
