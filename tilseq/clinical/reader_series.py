"""Which assessments of a subject and reader count towards time to event, and what is left out of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tilseq.clinical.assessments import LONGEST_VISIT
from tilseq.clinical.clinical_records import RESPONDERS, Records
from tilseq.clinical.data_cut import AFTER_CUT, is_by_cut
from tilseq.clinical.endpoint_rules import TimeToEventRules
from tilseq.tables import Row
from tilseq.tables.best_response import IGNORED_READS

UNSEEN = ("absent", "not_evaluable")
WITHOUT_BASELINE = "of PD without a baseline before it"


@dataclass(frozen=True)
class Found:
    """A day, and the row of the table that tells of it."""

    day: int
    table: str
    row_day: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Read:
    """One assessment; `day` is the day it counts from, `row_day` that of its row."""

    day: int
    row_day: int
    visit: str | None
    response: str

    @property
    def evaluable(self) -> bool:
        """Whether it tells anything."""
        return self.response != "NE"

    @property
    def adequate(self) -> bool:
        """Whether it tells that there was no progression."""
        return self.response not in ("NE", "PD")


@dataclass(frozen=True)
class Series:
    """The assessments of one reader up to the data cut.

    Attributes
    ----------
    reads
        In the order of their days; without PD that has no baseline before it.
    table
        `responses` where recorded ones count, `response` where derived ones do.
    baseline
        Whether there was one; None where no lesions tell.
    response
        First CR or PR of a responder's response; None for others.
    left_out
        Day and visit of each assessment that takes no part, and why.
    words
        What the rows must say.
    """

    reads: tuple[Read, ...] = ()
    table: str = "responses"
    baseline: bool | None = None
    response: Found | None = None
    left_out: tuple[tuple[int, str | None, str], ...] = ()
    words: tuple[str, ...] = ()


def treatment_day(subject: Row, infusion: int | None) -> int | None:
    """Return the first day of lymphodepletion, first dose or infusion; None for who had none of them."""
    starts = (infusion, subject["lymphodepletion_day"], subject["first_dose_day"])
    return min((day for day in starts if day is not None), default=None)


def progression_after(start: int, infusion: int | None, treated: int | None) -> int:
    """Return the day after which PD counts: the origin, or where that is the infusion the start of treatment."""
    return start if treated is None or start != infusion else min(start, treated)


def first_infusions(records: Records) -> dict[str, int | None]:
    """Return the day of the first infusion of each subject; day 0 of all where no table tells who was infused."""
    if records.infusions is None:
        return dict.fromkeys((row["subject"] for row in records.subjects), 0)
    days: dict[str, int | None] = dict.fromkeys(row["subject"] for row in records.subjects)
    for row in records.infusions:
        known = days.get(row["subject"])
        days[row["subject"]] = row["day"] if known is None else min(known, row["day"])
    return days


def series_by_subject(records: Records, rules: TimeToEventRules) -> dict[str, dict[str | None, Series]]:
    """Return the assessments that count, by subject and reader."""
    infusions = first_infusions(records)
    cuts = {row["subject"]: row["data_cut_day"] for row in records.followup}
    new_lesions: dict[str, list[Row]] = defaultdict(list)
    for row in records.lesions or ():
        if row["role"] == "new":
            new_lesions[row["subject"]].append(row)
    answers = {
        (row["subject"], row["reader"], row["source"]): row
        for row in records.responders or ()
        if row["best_response"] in RESPONDERS and row["response_day"] is not None
    }
    reads: dict[str, dict[str | None, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in records.reads:
        reads[row["subject"]][row["reader"]].append(row)
    found = {}
    for subject in records.subjects:
        name = subject["subject"]
        enrolled = [subject[f"{word}_day"] for word in ("enrollment", "randomization")]
        on_study = min((day for day in enrolled if day is not None), default=None)
        treated = treatment_day(subject, infusions[name])
        found[name] = {
            reader: _series(rows, cuts.get(name), on_study, treated, new_lesions[name], answers, rules)
            for reader, rows in reads[name].items()
        }
    return found


def uncounted_reads(records: Records, rules: TimeToEventRules) -> pl.DataFrame:
    """List the reads that no time to an event rests on: after the data cut, and PD without a baseline before it.

    Parameters
    ----------
    records, rules
        As of `time_to_event`.

    Returns
    -------
    polars.DataFrame
        Table `ignored_reads`.
    """
    return IGNORED_READS.frame(
        [
            {"subject": subject, "reader": reader, "day": day, "visit": visit, "rule": why}
            | {"source": "recorded" if series.table == "responses" else "derived"}
            for subject, by_reader in series_by_subject(records, rules).items()
            for reader, series in by_reader.items()
            for day, visit, why in series.left_out
        ]
    )


def _series(
    rows: Sequence[Row],
    cut: int | None,
    on_study: int | None,
    treated: int | None,
    new_lesions: Sequence[Row],
    answers: Mapping[tuple[Any, ...], Row],
    rules: TimeToEventRules,
) -> Series:
    """Return the assessments of one subject and reader that count."""
    recorded = rules.source == "recorded" and any(
        row["recorded"] is not None for row in rows if is_by_cut(row["day"], cut)
    )
    column, table = ("recorded", "responses") if recorded else ("response", "response")
    words = ["derived responses: none is recorded"] if rules.source == "recorded" and not recorded else []
    # The baseline of the treatment may be where progression since the enrolment was seen.
    told = sorted((row for row in rows if not row["baseline"] or row["recorded"] == "PD"), key=lambda row: row["day"])
    within = [row for row in told if is_by_cut(row["day"], cut)]
    given = [row for row in within if row[column] is not None]
    late = [row for row in told if row not in within and row[column] is not None]
    if late:
        words.append(f"{len(late)} assessment{'s' if len(late) > 1 else ''} after the data cut (day {cut}) left out")
    progressed = [row["day"] for row in given if row[column] == "PD"]
    early = _without_baseline(rows, progressed, on_study, treated, rules)
    words += early.values()
    words += _not_recorded(within) if recorded else ()
    answer = answers.get((rows[0]["subject"], rows[0]["reader"], column if recorded else "derived"))
    derived = any(row["response"] is not None for row in rows)
    reads = [_read(row, row[column], new_lesions, rules) for row in given if row["day"] not in early]
    return Series(
        tuple(sorted(reads, key=lambda read: read.day)),
        table,
        any(row["baseline"] for row in rows) if derived else None,
        None if answer is None else Found(answer["response_day"], "best_response", answer["response_day"]),
        tuple(
            (row["day"], row["visit"], AFTER_CUT if row in late else WITHOUT_BASELINE)
            for row in told
            if row in late or row["day"] in early
        ),
        tuple(words),
    )


def _without_baseline(
    rows: Sequence[Row],
    progressed: Sequence[int],
    on_study: int | None,
    treated: int | None,
    rules: TimeToEventRules,
) -> dict[int, str]:
    """Return the days of PD that no baseline came before to progress from, and why each is none.

    The baseline of who is treated is the last assessment before it, whether lesions tell of it or not; of who is not,
    or where early progression counts, the first assessment on the study.
    """
    baseline = max((row["day"] for row in rows if row["baseline"]), default=None)
    early: dict[int, str] = {}
    for day in progressed:
        told = f"PD of day {day} is not counted"
        before = treated is not None and day <= treated
        first = not any(row["day"] < day and (on_study is None or row["day"] > on_study) for row in rows)
        if before and rules.early_progression == "event":
            if first and (on_study is None or day > on_study):
                early[day] = f"{told}: it is the first assessment, before treatment, without a baseline"
        elif baseline is not None and day <= baseline:
            early[day] = f"{told}: the baseline is of day {baseline}"
        elif before:
            early[day] = f"{told}: the treatment that followed began on day {treated}, and its baseline is later"
        elif treated is None and baseline is None and first and (on_study is None or day > on_study):
            early[day] = f"{told}: it is the first assessment of a subject not treated, without a baseline"
    return early


def _not_recorded(rows: Sequence[Row]) -> Iterator[str]:
    """Yield on which days the lesions tell a response that nobody recorded, and which of them is progression."""
    missing = [row for row in rows if row["recorded"] is None and row["response"] is not None]
    if missing:
        yield f"nothing recorded on {days_in_words(row['day'] for row in missing)}"
    progressed = [row["day"] for row in missing if row["response"] == "PD"]
    if progressed:
        yield f"by the lesions PD on {days_in_words(progressed)}, not counted"


def days_in_words(days: Iterable[int]) -> str:
    """Return days after the word for them."""
    told = [str(day) for day in days]
    return f"day{'s' if len(told) > 1 else ''} {', '.join(told)}"


def _read(row: Row, response: str, new_lesions: Sequence[Row], rules: TimeToEventRules) -> Read:
    """Return an assessment; a PD with a new lesion counts from the earliest scan of its set that shows one."""
    day = row["day"]
    if response == "PD" and rules.progression_day == "new_lesion" and row["new_lesion"] is not False:
        scans = [
            (lesion["state"] == "equivocal", lesion["day"])
            for lesion in new_lesions
            if lesion["reader"] == row["reader"]
            and lesion["visit"] == row["visit"]
            and lesion["state"] not in UNSEEN
            and day - LONGEST_VISIT <= lesion["day"] <= day
        ]
        # An equivocal lesion dates a progression only where the set holds no other new one.
        day = min(scans, default=(False, day))[1] if row["visit"] is not None else day
    return Read(day, row["day"], row["visit"], response)
