"""Tumour response at each visit by RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from tilseq.clinical.assessments import (
    MICROMETRES,
    NORMAL_NODE,
    Assessment,
    Row,
    Series,
    gather,
    is_seen,
    problem,
)
from tilseq.errors import StudyError, TableError
from tilseq.tables import Table, as_polars, conform
from tilseq.tables.inputs import LESIONS, RESPONSE_READS, SUBJECTS
from tilseq.tables.outputs import RESPONSE

LEAST_GROWTH = 5 * MICROMETRES
LEAST_TARGET = {False: 10 * MICROMETRES, True: 15 * MICROMETRES}
MOST_TARGETS = 5
STARTS = ("lymphodepletion_day", "first_dose_day")
TREATMENT_DAYS = Table(
    "subjects",
    "Days that set the baseline.",
    tuple(c for c in SUBJECTS.columns if c.name in ("subject", "harvest_day", *STARTS)),
    key=("subject",),
)

Regrowth = Literal["sum_rule", "pd"]


def response(
    lesions: Any, responses: Any = None, *, subjects: Any = None, regrowth: Regrowth = "sum_rule"
) -> pl.DataFrame:
    """Derive the response at each visit from the lesions, and hold what the reader recorded beside it.

    The recorded response remains the endpoint: it is never overwritten, a discrepancy is only shown.
    Each reader stands alone. Scans of one named visit, up to 14 days after its first, form one assessment, dated by
    the last of them; rows without a visit form one by their day.

    Baseline is the last assessment after `harvest_day` and not after treatment starts, which is the earliest of
    `lymphodepletion_day`, `first_dose_day` and day 0. The baseline and what precedes it get no response.
    A subject without a baseline gets NE at every visit after treatment.

    Parameters
    ----------
    lesions
        Table `lesions`, polars or pandas, or an empty frame. A target counts as measured where it has a diameter or is
        `absent` (0 mm).
        A target marked `resected` in any row up to the harvest or the start of treatment is no target; the reason says
        so. One resected later stays a target, counted by its diameter; the reason of that visit says so.
    responses
        Table `responses`; matched by subject, reader and visit, else by subject, reader and day.
    subjects
        Columns `subject`, `harvest_day`, `lymphodepletion_day`, `first_dose_day`; must then hold every subject of the
        lesions.
    regrowth
        What follows a complete response of the targets: `sum_rule` asks 5 mm above the nadir as always,
        `pd` makes any target that is back (a node of 10 mm or more) progression. The reason tells where they differ.

    Returns
    -------
    polars.DataFrame
        Table `response`, one row a subject, reader and assessment (or recorded response without one).

    Raises
    ------
    StudyError
        Rows contradict one another; every contradiction is listed.
    TableError
        A table breaks its registry.
    """
    problems: list[TableError] = []
    seen = conform(as_polars(lesions), LESIONS).rows(named=True)
    days = _treatment_days(subjects, {row["subject"] for row in seen}, problems)
    resection = {subject: max(last, last if harvest is None else harvest) for subject, (harvest, last) in days.items()}
    series = gather(seen, problems, resection)
    recorded = [] if responses is None else conform(as_polars(responses), RESPONSE_READS).rows(named=True)
    rows: list[Row] = []
    for (subject, reader), assessments in series.items():
        harvest, last_day = days.get(subject, (None, 0))
        baseline, why = _baseline(assessments, harvest, last_day)
        place = f"subject {subject}, reader {reader}"
        if baseline is not None:
            _check_against_baseline(assessments, baseline, place, problems)
        if not problems:
            derived = _derive(assessments, baseline, why, last_day, regrowth)
            rows += [{"subject": subject, "reader": reader} | row for row in derived]
    rows = _reconcile(rows, series, recorded, problems)
    if problems:
        raise StudyError(problems)
    return RESPONSE.frame([{name: row.get(name) for name in RESPONSE.names} for row in rows])


def overall_response(target: str | None, nontarget: str | None, new_lesion: bool) -> str:
    """Return the overall response at one visit: the time-point tables of Eisenhauer 2009 (tables 2 and 3).

    Parameters
    ----------
    target, nontarget
        `CR`, `PR`, `SD`, `PD` or `NE` and `CR`, `NON-CR/NON-PD`, `PD` or `NE`; None where there was none at baseline.
    new_lesion
        An unequivocal new lesion is seen.
    """
    if new_lesion or "PD" in (target, nontarget):
        return "PD"
    if target is None:
        return nontarget or "NE"
    if target == "CR" and nontarget not in (None, "CR"):
        return "PR"
    return target


def target_response(sizes: Sequence[int | None], nodes: Sequence[bool], baseline: int, nadir: int) -> str:
    """Return the response of the target lesions, checked in the order NE, CR, PD, PR, SD.

    Parameters
    ----------
    sizes
        Size of each baseline target in micrometres, None where it was not measured.
    nodes
        Whether each is a lymph node; below 10 mm it is normal, so a complete response may have a sum above 0.
    baseline, nadir
        Sum at baseline and the lowest complete sum before this visit, in micrometres.
    """
    total = sum(size for size in sizes if size is not None)
    progressed = 10 * total >= 12 * nadir and total - nadir >= LEAST_GROWTH
    if None in sizes:
        return "PD" if progressed else "NE"
    if not any(is_seen(size or 0, node) for size, node in zip(sizes, nodes, strict=True)):
        return "CR"
    if progressed:
        return "PD"
    return "PR" if 10 * total <= 7 * baseline else "SD"


def nontarget_response(states: Sequence[str | None]) -> str:
    """Return the response of the non-target lesions from the state of each at this visit, None where not seen to."""
    if "progressed" in states:
        return "PD"
    if None in states or "not_evaluable" in states:
        return "NE"
    return "CR" if set(states) == {"absent"} else "NON-CR/NON-PD"


def _treatment_days(
    subjects: Any, seen: Collection[str], problems: list[TableError]
) -> dict[str, tuple[int | None, int]]:
    """Return the day of harvest and the last day before treatment of each subject."""
    if subjects is None:
        return {}
    frame = as_polars(subjects).select(pl.selectors.by_name(*TREATMENT_DAYS.names, require_all=False))
    days = {}
    for row in conform(frame, TREATMENT_DAYS).rows(named=True):
        starts = [row[name] for name in STARTS if row[name] is not None]
        days[row["subject"]] = (row["harvest_day"], min([0, *starts]))
    for subject in sorted(set(seen) - set(days)):
        problems.append(problem("a subject with lesions is not in subjects", "subject", subject))
    return days


def _baseline(assessments: Sequence[Assessment], harvest: int | None, last_day: int) -> tuple[int | None, str]:
    """Return the position of the baseline, or None and why there is none."""
    before = [i for i, assessment in enumerate(assessments) if assessment.day <= last_day]
    after_harvest = [i for i in before if harvest is None or assessments[i].first_day > harvest]
    if after_harvest:
        return after_harvest[-1], ""
    if before:
        day = assessments[before[-1]].first_day
        return None, f"no baseline: the last assessment before treatment (day {day}) precedes the harvest ({harvest})"
    return None, f"no baseline: no assessment up to day {last_day}"


def _check_against_baseline(
    assessments: Sequence[Assessment], baseline: int, place: str, problems: list[TableError]
) -> None:
    """List new lesions that are not new, and targets and non-targets that come after the baseline."""
    known = set(assessments[baseline].lesions)
    for position, assessment in enumerate(assessments):
        for name, row in assessment.lesions.items():
            where = f"{place}, lesion {name}, day {row['day']}"
            if position <= baseline and row["role"] == "new":
                problems.append(problem("a lesion seen by the baseline is not new", "role", where))
            if position > baseline and row["role"] != "new" and name not in known and not row["resected"]:
                mend = f"list it at baseline (day {assessments[baseline].day}) too, or give it the role new"
                problems.append(problem("this lesion is not in the baseline", "lesion", where, mend))


def _derive(
    assessments: Sequence[Assessment], baseline: int | None, why: str, last_day: int, regrowth: Regrowth
) -> Iterable[Row]:
    """Yield one row an assessment, in order, remembering the nadir and whether the targets were gone."""
    if baseline is None:
        for one in assessments:
            treated = one.day > last_day
            yield _row(one) | {"response": "NE" if treated else None, "reason": why}
        return
    base = assessments[baseline]
    targets, nontargets = base.named("target"), base.named("nontarget")
    nodes = [row["node"] for row in targets.values()]
    base_sum = _sum([row["size"] for row in targets.values()])
    nadir, gone = base_sum, False
    new = _new_lesions(assessments)
    for position, one in enumerate(assessments):
        sizes = [one.lesions[name]["size"] if name in one.lesions else None for name in targets]
        row = _row(one) | _sums(sizes, base_sum, nadir if position > baseline else None)
        if position <= baseline:
            words = [*_doubts(base), _gone(assessments[:position], base)] if position == baseline else []
            words = words or ["before the baseline"]
            yield row | {"baseline": position == baseline, "reason": _sentence(words)}
            continue
        target, words = _target(targets, sizes, nodes, base_sum, nadir, gone, regrowth)
        states = {name: one.lesions[name]["state"] if name in one.lesions else None for name in nontargets}
        nontarget = nontarget_response(list(states.values())) if nontargets else None
        if nontarget == "NE":
            words.append(_listed("not evaluated", (n for n, s in states.items() if s in (None, "not_evaluable"))))
        words.append(_normal_nodes(one, nontargets))
        later = (name for name in {**targets, **nontargets} if one.lesions.get(name, {}).get("resected_later"))
        words.append(_listed("resected after treatment had started, counted by the diameter given", later))
        seen, told = new[position]
        words += told
        if not targets and not nontargets:
            words.append("no lesion at baseline")
        yield row | {
            "target_response": target,
            "nontarget_response": nontarget,
            "new_lesion": seen,
            "response": overall_response(target, nontarget, seen),
            "reason": _sentence(words + _scan_days(one)),
        }
        total = _sum(sizes)
        nadir = total if nadir is None or (total is not None and total < nadir) else nadir
        gone = gone or target == "CR"


def _target(
    targets: Mapping[str, Row],
    sizes: Sequence[int | None],
    nodes: Sequence[bool],
    base_sum: int | None,
    nadir: int | None,
    gone: bool,
    regrowth: Regrowth,
) -> tuple[str | None, list[str]]:
    """Return the response of the targets and what it needs to have said."""
    if not targets:
        return None, []
    if base_sum is None or nadir is None:
        return "NE", ["the baseline sum is incomplete"]
    found = target_response(sizes, nodes, base_sum, nadir)
    words = []
    if None in sizes:
        words.append(_listed("not measured", (name for name, size in zip(targets, sizes, strict=True) if size is None)))
        if found == "PD":
            words.append("the measured targets alone are PD")
    returned = [name for name, size, node in zip(targets, sizes, nodes, strict=True) if is_seen(size or 0, node)]
    if gone and returned and found != "PD":
        if regrowth == "pd":
            return "PD", [*words, _listed("back after a complete response", returned)]
        words.append(_listed("back after a complete response, below the 5 mm or 20 % of the sum rule", returned))
    return found, words


def _sum(sizes: Sequence[int | None]) -> int | None:
    """Return the sum of a complete set of targets; None without targets or where one is not measured."""
    return sum(size or 0 for size in sizes) if sizes and None not in sizes else None


def _sums(sizes: Sequence[int | None], base_sum: int | None, nadir: int | None) -> Row:
    total = _sum(sizes)
    return {
        "targets": len(sizes),
        "targets_measured": sum(size is not None for size in sizes),
        "sum_mm": None if total is None else total / MICROMETRES,
        "change_from_baseline_pct": _change(total, base_sum) if nadir is not None else None,
        "change_from_nadir_pct": _change(total, nadir),
    }


def _change(total: int | None, reference: int | None) -> float | None:
    return None if total is None or not reference else 100 * (total - reference) / reference


def _row(assessment: Assessment) -> Row:
    targets = assessment.named("target").values()
    return {
        "day": assessment.day,
        "visit": assessment.visit,
        "baseline": False,
        "targets": len(targets),
        "targets_measured": sum(row["size"] is not None for row in targets),
    }


def _new_lesions(assessments: Sequence[Assessment]) -> list[tuple[bool, list[str]]]:
    """Return whether a new lesion is seen at each assessment, and what to say of those named.

    An equivocal one counts once a later scan confirms it.
    """
    found: list[tuple[bool, list[str]]] = []
    confirmed: dict[str, int] = {}
    for one in reversed(assessments):
        seen, words = False, []
        for name, row in one.named("new").items():
            if row["state"] in ("present", "progressed"):
                seen, confirmed[name] = True, one.day
                words.append(f"new lesion {name}{_small(row)}")
            elif row["state"] == "equivocal" and name in confirmed:
                seen = True
                words.append(f"new lesion {name}, equivocal here, confirmed on day {confirmed[name]}")
            elif _is_normal_node(row):
                words.append(f"{name} a node below 10 mm: normal, no new lesion")
        found.append((seen, words))
    found.reverse()
    _tell_unreported(assessments, found)
    return found


def _tell_unreported(assessments: Sequence[Assessment], found: Sequence[tuple[bool, list[str]]]) -> None:
    """Add a word at each assessment that does not list a new lesion which counted before; no response is changed."""
    counted: dict[str, None] = {}
    for one, (_, words) in zip(assessments, found, strict=True):
        words += [f"new lesion {name} not reported" for name in counted if name not in one.lesions]
        there = (name for name, row in one.named("new").items() if row["state"] in ("present", "progressed"))
        counted |= dict.fromkeys(there)


def _small(row: Row) -> str:
    """Return what to add of a new lesion that the reader calls present and whose diameter says otherwise."""
    if row["size"] is None or is_seen(row["size"], row["node"]):
        return ""
    return ", present though a node below 10 mm" if row["size"] else ", present though of 0 mm"


def _is_normal_node(row: Row) -> bool:
    return bool(row["node"] and row["size"] and row["size"] < NORMAL_NODE)


def _normal_nodes(assessment: Assessment, nontargets: Iterable[str]) -> str:
    """Return what to say of non-target nodes that the reader calls present and that are of normal size."""
    rows = {name: assessment.lesions[name] for name in nontargets if name in assessment.lesions}
    names = (name for name, row in rows.items() if row["word"] == "present" and _is_normal_node(row))
    return _listed("present by the reader's word, but a node below 10 mm: normal", names)


def _doubts(base: Assessment) -> list[str]:
    """Return what RECIST would not have in a baseline; nothing is changed for it but the resected lesions."""
    targets = base.named("target")
    small = [n for n, row in targets.items() if row["size"] is not None and row["size"] < LEAST_TARGET[row["node"]]]
    words = [
        _listed("resected for the product, no target", (n for n, row in base.lesions.items() if row["resected"])),
        _listed("not measured", (n for n, row in targets.items() if row["size"] is None)),
        _listed("smaller than a target may be (10 mm, node 15 mm; is it in mm?)", small),
        f"{len(targets)} targets, more than {MOST_TARGETS}" if len(targets) > MOST_TARGETS else "",
    ]
    return words + _scan_days(base)


def _gone(earlier: Sequence[Assessment], base: Assessment) -> str:
    """Return what to say of targets that earlier scans list and the baseline does not."""
    names = dict.fromkeys(name for one in earlier for name in one.named("target") if name not in base.lesions)
    return f"not at baseline: {', '.join(names)}" if names else ""


def _scan_days(assessment: Assessment) -> list[str]:
    one_day = assessment.first_day == assessment.day
    return [] if one_day else [f"scans on days {assessment.first_day} to {assessment.day}"]


def _listed(what: str, names: Iterable[str]) -> str:
    together = ", ".join(names)
    return f"{together} {what}" if together else ""


def _sentence(words: Iterable[str]) -> str | None:
    return "; ".join(word for word in words if word) or None


def _reconcile(
    rows: list[Row],
    series: Series,
    recorded: Iterable[Row],
    problems: list[TableError],
) -> list[Row]:
    """Lay each recorded response beside the derived one of its assessment, or in a row of its own."""
    place = {(row["subject"], row["reader"], row["day"]): row for row in rows}
    for read in recorded:
        who = (read["subject"], read["reader"])
        matches = [one for one in series.get(who, ()) if one.visit is not None and one.visit == read["visit"]]
        # Two visits of one name: the nearer, by the days from its first to its last scan.
        matches.sort(key=lambda one: max(one.first_day - read["day"], read["day"] - one.day, 0))
        matches = matches or [one for one in series.get(who, ()) if one.first_day <= read["day"] <= one.day]
        row = place.get((*who, matches[0].day)) if matches else None
        if row is None:
            row = {name: read[name] for name in ("subject", "reader", "day", "visit")}
            row |= {"baseline": False, "targets": 0, "targets_measured": 0, "reason": "no lesion was assessed"}
            rows.append(row)
            place.setdefault((*who, read["day"]), row)
        if "recorded" in row:
            where = f"subject {who[0]}, reader {who[1]}, day {row['day']}"
            problems.append(problem("two recorded responses belong to one assessment", "response", where))
        row["recorded"] = read["response"]
        row["agrees"] = None if row.get("response") is None else row["response"] == read["response"]
    return rows
