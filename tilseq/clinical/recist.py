"""Tumour response at each visit by RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import polars as pl

from tilseq.clinical.assessments import (
    MICROMETRES,
    Assessment,
    gather,
    is_seen,
    listed,
    numbered,
    of_reader,
    problem,
)
from tilseq.clinical.baseline import (
    check_against_baseline,
    choose_baseline,
    doubts,
    gone_by_baseline,
)
from tilseq.clinical.centimetres import centimetre_visits, told_leaps, undersized_targets
from tilseq.clinical.data_cut import data_cuts
from tilseq.clinical.new_lesions import is_normal_node, new_lesions, since_baseline
from tilseq.clinical.reconcile import reconcile, unsure_readers
from tilseq.clinical.summed_targets import SUMMED, named_sums, summed_targets
from tilseq.clinical.treatment_days import resection_days, treatment_days
from tilseq.errors import StudyError, TableError, refuse_unknown
from tilseq.identifiers import same_identifier
from tilseq.tables import Row, Table
from tilseq.tables.inputs import LESIONS, RESPONSE_READS
from tilseq.tables.outputs import RESPONSE

LEAST_GROWTH = 5 * MICROMETRES
TARGET_WORDS, NONTARGET_WORDS = ("CR", "PR", "SD", "PD", "NE", None), ("CR", "NON-CR/NON-PD", "PD", "NE", None)
Regrowth = Literal["sum_rule", "pd"]
Undersized = Literal["refuse", "accept"]


def response(
    lesions: Any,
    responses: Any = None,
    *,
    subjects: Any = None,
    infusions: Any = None,
    followup: Any = None,
    regrowth: Regrowth = "sum_rule",
    undersized: Undersized = "refuse",
    lesion_rows: Sequence[int] | None = None,
    response_rows: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Derive the response at each visit from the lesions, and hold what the reader recorded beside it.

    The recorded response remains the endpoint: it is never overwritten, a discrepancy is only shown.
    Each reader stands alone. Scans of one named visit, up to 14 days after its first, form one assessment, dated by
    the last of them; rows without a visit form one by their day.

    Baseline is the last assessment after `harvest_day` and not after treatment starts, which is the earliest of
    `lymphodepletion_day`, `first_dose_day` and day 0. A visit that began by then may end up to 7 days later, before the
    infusion. Of who was never treated it is the first after the harvest that holds every target and non-target of later
    ones. The baseline and what precedes it get no response. What it shows to be gone, or a node below 10 mm, is no
    lesion of it: seen later, it is new.
    A subject without a baseline gets NE at every visit after treatment.

    Parameters
    ----------
    lesions
        Table `lesions`, polars or pandas, or an empty frame. A target counts as measured where it has a diameter or is
        `absent` (0 mm).
        One called a sum, beside others, is an error; one that is always their sum is told in the baseline's reason.
        A target marked `resected` in any row up to the harvest or the start of treatment is no target; the reason says
        so. One resected later stays a target, counted by its diameter; the reason of that visit says so.
    responses
        Table `responses`; matched by subject, reader and visit, up to 14 days from its scans, else by subject, reader
        and day, else in a row of its own. One by the baseline's name after treatment has started is none of it.
    subjects
        Columns `subject`, `harvest_day`, `lymphodepletion_day`, `first_dose_day`; must then hold every subject of the
        lesions and responses.
    infusions
        Table `infusions`: who is not in it and has no day of treatment in `subjects` was never treated. Without it
        everybody was.
    followup
        Columns `subject` and `data_cut_day`: what a scan after the cut confirms was not known by then, so that an
        equivocal new lesion stays equivocal on the scans up to it.
    regrowth
        What follows a complete response of the targets: `sum_rule` asks 5 mm above the nadir as always,
        `pd` makes any target that is back (a node of 10 mm or more) progression, and any non-target that is back
        after a complete response of all. The reason tells where they differ.
    undersized
        What becomes of a baseline whose targets are all below 10 mm, which RECIST 1.1 does not allow and centimetres
        look like, and of a later visit that looks so: all targets below 5 mm that were 30 mm or more, or below 10 mm
        for one visit, an eighth or less of what they were before and are after it. `refuse` is an error that asks;
        `accept` keeps them, and the reason says so.
    lesion_rows, response_rows
        Row of a file that each row of `lesions` and of `responses` stands in, for the errors to name.

    Returns
    -------
    polars.DataFrame
        Table `response`, one row a subject, reader and assessment (or recorded response without one).

    Raises
    ------
    StudyError
        Rows contradict one another, it is not known whose rows are (`unsure_readers`), all targets are too small, or
        one is called a sum; everything is listed.
    TableError
        A table breaks its registry.
    AnalysisError
        There is no such setting.
    """
    refuse_unknown("regrowth", regrowth, get_args(Regrowth))
    refuse_unknown("undersized", undersized, get_args(Undersized))
    problems: list[TableError] = []
    seen = numbered(lesions, LESIONS, lesion_rows)
    recorded = [] if responses is None else numbered(responses, RESPONSE_READS, response_rows)
    days, cuts = treatment_days(subjects, infusions), data_cuts(followup)
    if subjects is not None:
        _list_unknown("a subject with lesions is not in subjects", seen, LESIONS, days, problems)
        what = "a subject with recorded responses is not in subjects"
        _list_unknown(what, recorded, RESPONSE_READS, days, problems)
    series = gather(seen, problems, resection_days(days))
    unsure_readers({LESIONS.name: seen, RESPONSE_READS.name: recorded}, problems)
    rows = []
    for (subject, reader), assessments in series.items():
        harvest, last_day = days.get(subject, (None, 0))
        baseline, why = choose_baseline(assessments, harvest, last_day)
        place = of_reader(subject, reader)
        if baseline is not None:
            check_against_baseline(assessments, baseline, place, problems)
            named_sums(assessments[baseline], place, problems)
            if undersized == "refuse":
                undersized_targets(assessments[baseline], place, problems)
                centimetre_visits(assessments[baseline:], place, problems)
        if not problems:
            derived = _derive(assessments, baseline, why, last_day, regrowth, cuts.get(subject))
            rows += [{"subject": subject, "reader": reader} | row for row in derived]
    starts = {subject: last for subject, (_, last) in days.items() if last is not None}
    rows = reconcile(rows, series, recorded, problems, starts)
    if problems:
        raise StudyError(problems, "the lesions and responses")
    return RESPONSE.frame([{name: row.get(name) for name in RESPONSE.names} for row in rows])


def overall_response(target: str | None, nontarget: str | None, new_lesion: bool) -> str:
    """Return the overall response at one visit: the time-point tables of Eisenhauer 2009 (tables 2 and 3).

    Parameters
    ----------
    target, nontarget
        `CR`, `PR`, `SD`, `PD` or `NE` and `CR`, `NON-CR/NON-PD`, `PD` or `NE`; None where there was none at baseline.
    new_lesion
        An unequivocal new lesion is seen.

    Raises
    ------
    AnalysisError
        A response is none of these words.
    """
    refuse_unknown("target", target, TARGET_WORDS)
    refuse_unknown("nontarget", nontarget, NONTARGET_WORDS)
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


def _list_unknown(
    what: str, rows: Iterable[Row], table: Table, known: Collection[str], problems: list[TableError]
) -> None:
    """List the subjects that are not known, each with its first row."""
    first: dict[str, Row] = {}
    for row in rows:
        if row["subject"] not in known:
            first.setdefault(row["subject"], row)
    problems += [
        problem(what, "subject", subject, same_identifier(subject, known), row["row"], table=table.name)
        for subject, row in first.items()
    ]


def _derive(
    assessments: Sequence[Assessment],
    baseline: int | None,
    why: str,
    last_day: int | None,
    regrowth: Regrowth,
    cut: int | None,
) -> Iterable[Row]:
    """Yield one row an assessment, in order, remembering the nadir and whether the targets were gone."""
    if baseline is None:
        for one in assessments:
            treated = last_day is not None and one.day > last_day
            yield _row(one) | {"response": "NE" if treated else None, "reason": why}
        return
    assessments, absent = since_baseline(assessments, baseline)
    base = assessments[baseline]
    targets, nontargets = base.named("target"), base.named("nontarget")
    nodes = [row["node"] for row in targets.values()]
    base_sum = _sum([row["size"] for row in targets.values()])
    nadir, gone, complete = base_sum, False, False
    new = new_lesions(assessments, cut)
    for position, one in enumerate(assessments):
        sizes = [one.lesions[name]["size"] if name in one.lesions else None for name in targets]
        row = _row(one) | _sums(sizes, base_sum, nadir if position > baseline else None)
        if position <= baseline:
            words = ["before the baseline"]
            if position == baseline:
                words = [*_at_baseline(assessments, position, last_day), listed("not there: no lesion of it", absent)]
                words.append(listed(SUMMED, summed_targets(assessments[position:])))
            yield row | {"baseline": position == baseline, "reason": _sentence(words)}
            continue
        target, words = _target(targets, sizes, nodes, base_sum, nadir, gone, regrowth)
        nontarget, told = _nontarget(one, nontargets, complete, regrowth)
        words += told
        words += told_leaps(assessments[position - 1], one, targets)
        later = (name for name in {**targets, **nontargets} if one.lesions.get(name, {}).get("resected_later"))
        words.append(listed("resected after treatment had started, counted by the diameter given", later))
        seen, told = new[position]
        words += told
        if not targets and not nontargets:
            words.append("no lesion at baseline")
        found = overall_response(target, nontarget, bool(seen))
        yield row | {
            "target_response": target,
            "nontarget_response": nontarget,
            "new_lesion": bool(seen),
            "response": found,
            "reason": _sentence(words + _scan_days(one)),
        }
        total = _sum(sizes)
        nadir = total if nadir is None or (total is not None and total < nadir) else nadir
        gone = gone or target == "CR"
        complete = complete or found == "CR"


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
        words.append(listed("not measured", (name for name, size in zip(targets, sizes, strict=True) if size is None)))
        if found == "PD":
            words.append("the measured targets alone are PD")
    returned = [name for name, size, node in zip(targets, sizes, nodes, strict=True) if is_seen(size or 0, node)]
    if gone and returned and found != "PD":
        if regrowth == "pd":
            return "PD", [*words, listed("back after a complete response", returned)]
        words.append(listed("back after a complete response, below the 5 mm or 20 % of the sum rule", returned))
    return found, words


def _nontarget(
    one: Assessment, nontargets: Mapping[str, Row], complete: bool, regrowth: Regrowth
) -> tuple[str | None, list[str]]:
    """Return the response of the non-targets and what it needs to have said; `complete` was one of all lesions."""
    states = {name: one.lesions[name]["state"] if name in one.lesions else None for name in nontargets}
    found = nontarget_response(list(states.values())) if nontargets else None
    back = [name for name, state in states.items() if complete and state == "present"]
    if back and regrowth == "pd":
        found = "PD"
    words = [listed("back after a complete response", back)]
    if found == "NE":
        words.append(listed("not evaluated", (n for n, s in states.items() if s in (None, "not_evaluable"))))
    return found, [*words, _normal_nodes(one, nontargets)]


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


def _normal_nodes(assessment: Assessment, nontargets: Iterable[str]) -> str:
    """Return what to say of non-target nodes that the reader calls present and that are of normal size."""
    rows = {name: assessment.lesions[name] for name in nontargets if name in assessment.lesions}
    names = (name for name, row in rows.items() if row["word"] == "present" and is_normal_node(row))
    return listed("present by the reader's word, but a node below 10 mm: normal", names)


def _scan_days(assessment: Assessment) -> list[str]:
    one_day = assessment.first_day == assessment.day
    return [] if one_day else [f"scans on days {assessment.first_day} to {assessment.day}"]


def _at_baseline(assessments: Sequence[Assessment], position: int, last_day: int | None) -> list[str]:
    """Return what must be said of the baseline."""
    base = assessments[position]
    words = [*doubts(base, last_day), *_scan_days(base), gone_by_baseline(assessments[:position], base)]
    return [word for word in words if word]


def _sentence(words: Iterable[str]) -> str | None:
    return "; ".join(word for word in words if word) or None
