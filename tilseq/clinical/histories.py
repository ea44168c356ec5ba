"""What the tables tell of each subject up to the data cut, gathered for the derivation of time to event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tilseq.clinical.assessments import LONGEST_VISIT, Row
from tilseq.clinical.clinical_records import RESPONDERS, Records
from tilseq.clinical.endpoint_rules import TimeToEventRules

UNSEEN = ("absent", "not_evaluable")


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
    def adequate(self) -> bool:
        """Whether it tells that there was no progression."""
        return self.response not in ("NE", "PD")


@dataclass(frozen=True)
class Series:
    """The assessments of one reader up to the data cut.

    Attributes
    ----------
    reads
        In the order of their days.
    table
        `responses` where recorded ones count, `response` where derived ones do.
    baseline
        Whether there was one; None where no lesions tell.
    response
        First CR or PR of a responder's response; None for others.
    late_response
        A responder's response or its confirmation came after the data cut.
    words
        What the rows must say.
    """

    reads: tuple[Read, ...] = ()
    table: str = "responses"
    baseline: bool | None = None
    response: Found | None = None
    late_response: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """What is known of one subject up to the data cut.

    Attributes
    ----------
    subject
        Identifier.
    origins
        Day of `infusion, lymphodepletion, enrollment, randomization`; None where not known.
    treatment_day
        First day of lymphodepletion, first dose or infusion.
    death
        If it is known and not after the cut.
    tumor_death
        The death counts as one from the tumour; None for none.
    unknown_cause
        Nobody knows the cause, so that the rules say which it counts as.
    alive
        Last day known to be alive, by any table.
    therapy, stop
        First further therapy after the infusion; stop without a scan of progression.
    stop_reason
        Why.
    cut_day
        Day of the data cut; None where not given.
    series
        Reader → assessments.
    words
        What each row must say.
    """

    subject: str
    origins: Mapping[str, int | None]
    treatment_day: int
    death: Found | None
    tumor_death: bool | None
    unknown_cause: bool
    alive: Found | None
    therapy: Found | None
    stop: Found | None
    stop_reason: str | None
    cut_day: int | None
    series: Mapping[str | None, Series] = field(default_factory=dict)
    words: tuple[str, ...] = ()


def histories(records: Records, rules: TimeToEventRules) -> list[History]:
    """Return one history a subject, in the order of the subjects."""
    followup = {row["subject"]: row for row in records.followup}
    infusions = _first_days(records.infusions or (), "day")
    therapies, contacts = _by_subject(records.therapies or ()), _by_subject(records.contacts)
    reads = _by_subject(records.reads)
    new_lesions = _by_subject(row for row in records.lesions or () if row["role"] == "new")
    responders = {
        (row["subject"], row["reader"], row["source"]): row
        for row in records.responders or ()
        if row["best_response"] in RESPONDERS
    }
    found = []
    for subject in records.subjects:
        name = subject["subject"]
        follow = followup[name]
        infusion = infusions.get(name) if records.infusions is not None else 0
        origins = {
            "infusion": infusion,
            **{word: subject[f"{word}_day"] for word in ("lymphodepletion", "enrollment", "randomization")},
        }
        starts = [infusion, subject["lymphodepletion_day"], subject["first_dose_day"]]
        treatment_day = min((day for day in starts if day is not None), default=0)
        series = {
            reader: _series(
                rows,
                follow,
                new_lesions.get(name, ()),
                responders,
                rules,
            )
            for reader, rows in _by_reader(reads.get(name, ())).items()
        }
        dated = [*_dated(follow, subject, infusion), *contacts.get(name, ())]
        dated += [_contact(row["day"], row["table"]) for row in reads.get(name, ())]
        for row in therapies.get(name, ()):
            dated += [_contact(row[day], "therapies") for day in ("start_day", "end_day")]
        found.append(_history(name, origins, treatment_day, follow, dated, therapies.get(name, ()), series, rules))
    return found


def _history(
    name: str,
    origins: Mapping[str, int | None],
    treatment_day: int,
    follow: Row,
    dated: Sequence[Row],
    therapies: Sequence[Row],
    series: Mapping[str | None, Series],
    rules: TimeToEventRules,
) -> History:
    cut, death_day, words = follow["data_cut_day"], follow["death_day"], []
    death = None
    if death_day is not None and _within(death_day, cut):
        death = Found(death_day, "followup", death_day)
    elif death_day is not None:
        words.append(f"the death on day {death_day} is after the data cut (day {cut})")
    infused = origins["infusion"] or 0
    starts = sorted(
        row["start_day"] for row in therapies if row["start_day"] > infused and _within(row["start_day"], cut)
    )
    stop_day = follow["stop_day"] if _within(follow["stop_day"], cut) else None
    cause = follow["death_cause"] or "unknown"
    return History(
        name,
        origins,
        treatment_day,
        death,
        (cause if cause != "unknown" else rules.unknown_death_cause) == "tumor" if death else None,
        cause == "unknown",
        _last_alive(dated, cut),
        Found(starts[0], "therapies", starts[0]) if starts else None,
        None if stop_day is None else Found(stop_day, "followup", stop_day),
        follow["stop_reason"],
        cut,
        series,
        tuple(words),
    )


def _last_alive(dated: Sequence[Row], cut: int | None) -> Found | None:
    """Return the last day that any table knows the subject alive, at most the data cut."""
    known = [row for row in dated if row["day"] is not None]
    if not known:
        return None
    # Of tables that tell the same day the first, which is that of the follow-up.
    last = max(known, key=lambda row: row["day"])
    day = last["day"] if cut is None else min(last["day"], cut)
    return Found(day, last["table"], last["day"])


def _dated(follow: Row, subject: Row, infusion: int | None) -> list[Row]:
    """Return the days of follow-up, subject and infusion on which the subject lived; a death is a day of life."""
    days = [_contact(follow[name], "followup") for name in ("last_alive_day", "stop_day", "death_day")]
    days.append(_contact(infusion, "infusions"))
    return days + [_contact(subject[name], "subjects") for name in subject if name.endswith("_day")]


def _contact(day: int | None, table: str) -> Row:
    return {"day": day, "table": table}


def _series(
    rows: Sequence[Row],
    follow: Row,
    new_lesions: Sequence[Row],
    responders: Mapping[tuple[Any, ...], Row],
    rules: TimeToEventRules,
) -> Series:
    """Return the assessments of one subject and reader that count."""
    recorded = rules.source == "recorded" and any(row["recorded"] is not None for row in rows)
    column, table = ("recorded", "responses") if recorded else ("response", "response")
    words = ["derived responses: none is recorded"] if rules.source == "recorded" and not recorded else []
    cut = follow["data_cut_day"]
    told = [row for row in rows if row[column] is not None and not row["baseline"]]
    kept = [row for row in told if _within(row["day"], cut)]
    if len(kept) < len(told):
        late = len(told) - len(kept)
        words.append(f"{late} assessment{'s' if late > 1 else ''} after the data cut (day {cut}) left out")
    reads = sorted((_read(row, row[column], new_lesions, rules) for row in kept), key=lambda read: read.day)
    derived = any(row["response"] is not None for row in rows)
    key = (rows[0]["subject"], rows[0]["reader"], "recorded" if recorded else "derived")
    answer = responders.get(key)
    late_response = answer is not None and not all(
        _within(answer[name], cut) for name in ("response_day", "confirmation_day") if answer[name] is not None
    )
    return Series(
        tuple(reads),
        table,
        any(row["baseline"] for row in rows) if derived else None,
        None if answer is None else Found(answer["response_day"], "best_response", answer["response_day"]),
        late_response,
        tuple(words),
    )


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


def _within(day: int | None, cut: int | None) -> bool:
    return day is not None and (cut is None or day <= cut)


def _by_subject(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["subject"]].append(row)
    return groups


def _by_reader(rows: Iterable[Row]) -> dict[str | None, list[Row]]:
    groups: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["reader"]].append(row)
    return groups


def _first_days(rows: Iterable[Row], column: str) -> dict[str, int]:
    days: dict[str, int] = {}
    for row in rows:
        days[row["subject"]] = min(days.get(row["subject"], row[column]), row[column])
    return days
