"""Response by iRECIST (Seymour et al., Lancet Oncol 2017;18:e143), for trials of immunotherapy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.clinical.assessments import MICROMETRES, Assessment, gather, numbered, of_reader
from tilseq.clinical.best_response import new_therapies
from tilseq.clinical.data_cut import data_cuts, is_after_cut, up_to_data_cut
from tilseq.clinical.irecist_course import Course, IrecistPolicy, Visit
from tilseq.clinical.new_lesions import new_lesions, since_baseline
from tilseq.clinical.treatment_days import resection_days, treatment_days
from tilseq.errors import AnalysisError
from tilseq.tables import Row, as_polars, conform
from tilseq.tables.best_response import IRECIST, IRECIST_BEST
from tilseq.tables.inputs import LESIONS
from tilseq.tables.outputs import RESPONSE

RANKS = ("iCR", "iPR", "iSD", "NON-iCR/NON-iUPD", "iCPD", "iUPD", "NE")
DEFAULT = IrecistPolicy()


def irecist(
    lesions: Any,
    response_table: Any,
    subjects: Any = None,
    *,
    policy: IrecistPolicy = DEFAULT,
    followup: Any = None,
) -> pl.DataFrame:
    """Derive the response at each visit by iRECIST.

    Progression by RECIST 1.1 is unconfirmed (iUPD). A later assessment confirms it (iCPD) if targets that had
    progressed have grown by another 5 mm in sum, non-targets that had have grown at all, another new lesion is seen,
    new lesions have grown (5 mm in sum of those measured, or `progressed`), or lesions of another kind have
    progressed. Growth counts from the first iUPD, so that small steps add up, and is of the lesions that it measured;
    a target or new lesion that is gone, or not measured now, counts as 0 of its sum, as it may have shrunk. Where
    nothing confirms it and the lesions meet iCR, iPR or iSD against the baseline, the bar is reset: progression must
    occur anew, against the nadir. New lesions that are still there keep the response at iUPD, unless all targets are
    measured and smaller than at the iUPD; they allow no iCR. Where one, or a non-target that had progressed, is not
    evaluable, the response is NE instead, and the iUPD waits on. One that comes back after it was gone is new.

    Parameters
    ----------
    lesions
        Table `lesions`. A non-target or new lesion is `progressed` at a visit where it has grown since the one before.
    response_table
        Table `response` of these lesions, as `response` returns it.
    subjects
        As of `response`.
    policy
        Days between iUPD and its confirmation, by default 28 to 56.
    followup
        As of `response`.

    Returns
    -------
    polars.DataFrame
        Table `irecist`: one row a subject, reader and assessment after the baseline. After iCPD there is no response.

    Raises
    ------
    AnalysisError
        An assessment of the lesions that is not in the responses, or a policy that cannot be.

    Notes
    -----
    Tables 1 and 2 of the paper; that steps add up, and what new lesions allow, from the questions and clarifications
    of the EORTC. Every new lesion that is measured counts in their sum, not five of them and two an organ. A scan made
    for symptoms may by those clarifications confirm before four weeks: it does not here.
    """
    table, cuts = conform(as_polars(response_table), RESPONSE), data_cuts(followup)
    series = gather(numbered(lesions, LESIONS, None), [], resection_days(treatment_days(subjects)))
    by_series: dict[tuple[str, str | None], dict[int, Row]] = {}
    for row in table.iter_rows(named=True):
        by_series.setdefault((row["subject"], row["reader"]), {})[row["day"]] = row
    rows: list[Row] = []
    for (subject, reader), assessments in series.items():
        by_day = by_series.get((subject, reader), {})
        absent = next((one.day for one in assessments if one.day not in by_day), None)
        if absent is not None:
            raise AnalysisError(
                "an assessment of the lesions is not in the responses",
                found=f"{of_reader(subject, reader)}, day {absent}",
                mend="give the responses that were derived from these lesions",
            )
        found = _course(assessments, by_day, policy, cuts.get(subject))
        rows += [{"subject": subject, "reader": reader} | row for row in found]
    return IRECIST.frame(rows)


def _course(
    assessments: Sequence[Assessment], by_day: Mapping[int, Row], policy: IrecistPolicy, cut: int | None
) -> list[Row]:
    """Return the rows of one subject and reader."""
    at = next((i for i, one in enumerate(assessments) if by_day[one.day]["baseline"]), None)
    if at is None:
        return [_row(one, row) | {"response": "NE", "reason": row["reason"]} for one in assessments
                if (row := by_day[one.day])["response"] is not None]  # fmt: skip
    assessments, _ = since_baseline(assessments, at)
    base = assessments[at]
    course = Course(policy, frozenset(base.named("nontarget")))
    rows: list[Row] = []
    for one, (new, _) in list(zip(assessments, new_lesions(assessments, cut), strict=True))[at + 1 :]:
        row = by_day[one.day]
        visit = _visit(one, row, base, new)
        word, first, words = course.add(visit)
        sizes = [visit.sizes[name] for name in new if name in visit.sizes]
        rows.append(
            _row(one, row)
            | {
                "new_sum_mm": sum(sizes) / MICROMETRES if sizes else None,
                "new_lesions": len(new),
                "response": word,
                "unconfirmed_day": first,
                "reason": "; ".join([*words, *([row["reason"]] if row["reason"] else [])]) or None,
            }
        )
    return rows


def _visit(one: Assessment, row: Row, base: Assessment, new: set[str]) -> Visit:
    """Return what the course of iRECIST needs of an assessment."""
    targets = base.named("target")
    sizes = {name: one.lesions[name]["size"] for name in targets if name in one.lesions}
    measured = {name: size for name, size in sizes.items() if size is not None}
    others = {name: lesion for name, lesion in one.lesions.items() if lesion["role"] != "target"}
    unlisted = base.named("nontarget").keys() - others.keys()
    return Visit(
        one.day,
        row["target_response"],
        row["nontarget_response"],
        measured,
        len(measured) == len(targets),
        frozenset(new),
        {name: lesion["size"] for name, lesion in others.items() if lesion["size"] is not None},
        frozenset(name for name, lesion in others.items() if lesion["state"] == "progressed"),
        frozenset(unlisted | {name for name, lesion in others.items() if lesion["state"] == "not_evaluable"}),
    )


def _row(one: Assessment, row: Row) -> Row:
    same = ("sum_mm", "target_response", "nontarget_response")
    return {"day": one.day, "visit": one.visit} | {name: row[name] for name in same}


def irecist_best_response(irecist_table: Any, followup: Any = None, therapies: Any = None) -> pl.DataFrame:
    """Return the best response by iRECIST (iBOR) of each subject and reader, and the day of progression.

    The best is over all assessments up to iCPD, the day a new therapy starts and the data cut, as that by RECIST 1.1:
    what another therapy does is not this one's. It ranks iCR, iPR, iSD, NON-iCR/NON-iUPD, then iCPD, iUPD, NE; an iUPD
    that was not confirmed takes nothing from what follows it. Neither confirmation of response nor a least duration of
    iSD is asked for, as in table 3 of the paper.

    Parameters
    ----------
    irecist_table
        Table `irecist`.
    followup
        Columns `subject` and `data_cut_day`; assessments after the cut do not count.
    therapies
        Table `therapies`; assessments after the first day of one that starts after day 0 do not count.

    Returns
    -------
    polars.DataFrame
        Table `irecist_best`; who has no assessment that counts has no row. Progression is dated by the first iUPD since
        the bar was last reset; one that was never confirmed and that only iUPD and NE follow counts, with `confirmed`
        false.
    """
    table = up_to_data_cut(conform(as_polars(irecist_table), IRECIST), followup)
    table = table.filter(~is_after_cut(table, new_therapies(therapies)[0]))
    rows: list[Row] = []
    for (subject, reader), part in table.group_by("subject", "reader", maintain_order=True):
        reads = part.filter(pl.col("response").is_not_null()).sort("day").select("day", "response", "unconfirmed_day")
        words = reads.rows()
        best = min(words, key=lambda read: RANKS.index(read[1]))
        last = next((read for read in reversed(words) if read[1] != "NE"), None)
        progressed = last is not None and last[1] in ("iUPD", "iCPD")
        rows.append(
            {
                "subject": subject,
                "reader": reader,
                "best_response": best[1],
                "day": best[0],
                "progression_day": last[2] if last and progressed else None,
                "confirmed": last[1] == "iCPD" if last and progressed else None,
            }
        )
    return IRECIST_BEST.frame(rows)
