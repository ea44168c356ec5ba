"""What the tables tell of each subject up to the data cut, gathered for the derivation of time to event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tilseq.clinical.clinical_records import Records
from tilseq.clinical.data_cut import is_by_cut
from tilseq.clinical.endpoint_rules import TimeToEventRules
from tilseq.clinical.reader_series import (
    Found,
    Series,
    first_infusions,
    progression_after,
    series_by_subject,
    treatment_day,
)
from tilseq.tables import Row

AFTER_DEATH = "which is after the death"  # in the reason of `time_to_event`, of a day that another table tells of


@dataclass(frozen=True)
class History:
    """What is known of one subject up to the data cut.

    Attributes
    ----------
    subject
        Identifier.
    origins
        Day of `infusion, lymphodepletion, first_dose, enrollment, randomization`; None where not known.
    treatment_day
        First day of lymphodepletion, first dose or infusion; None for who had none of them.
    death
        If it is known and not after the cut.
    tumor_death
        The death counts as one from the tumour; None for none.
    unknown_cause
        Nobody knows the cause, so that the rules say which it counts as.
    alive
        Last day known to be alive, by any table.
    therapies
        Further therapies in the order of their first days.
    stop
        Stop without a scan of progression.
    stop_reason
        Why.
    cut_day
        Day of the data cut; None where not given.
    series
        Reader → assessments.
    words
        What each row must say.
    infusions
        How many there were up to the cut; None where no table tells.
    """

    subject: str
    origins: Mapping[str, int | None]
    treatment_day: int | None
    death: Found | None
    tumor_death: bool | None
    unknown_cause: bool
    alive: Found | None
    therapies: tuple[Found, ...]
    stop: Found | None
    stop_reason: str | None
    cut_day: int | None
    series: Mapping[str | None, Series] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    infusions: int | None = None

    def progression_after(self, start: int) -> int:
        """Return the day after which PD counts for a time that begins on a start."""
        return progression_after(start, self.origins["infusion"], self.treatment_day)

    def therapy_after(self, start: int) -> Found | None:
        """Return the first therapy after the infusion; of who had none after lymphodepletion, else after a start."""
        known = (self.origins["infusion"], self.origins["lymphodepletion"])
        after = next((day for day in known if day is not None), start)
        return next((therapy for therapy in self.therapies if therapy.day > after), None)


def histories(records: Records, rules: TimeToEventRules) -> list[History]:
    """Return one history a subject, in the order of the subjects."""
    followup = {row["subject"]: row for row in records.followup}
    infusions, series = first_infusions(records), series_by_subject(records, rules)
    therapies, contacts = _by_subject(records.therapies or ()), _by_subject(records.contacts)
    reads = _by_subject(records.reads)
    found = []
    for subject in records.subjects:
        name = subject["subject"]
        follow, given = followup[name], therapies.get(name, ())
        dated = [*_dated(follow, subject, infusions[name]), *contacts.get(name, ())]
        dated += [_contact(row["day"], row["table"]) for row in reads.get(name, ())]
        # The end of a therapy may be one that is planned: only its start tells that the subject lived.
        starts = [row["start_day"] for row in given if is_by_cut(row["start_day"], follow["data_cut_day"])]
        dated += [_contact(day, "therapies") for day in starts]
        history = _history(subject, infusions[name], follow, dated, given, series[name], rules)
        found.append(replace(history, infusions=_infusions(records, name, follow["data_cut_day"])))
    return found


def _infusions(records: Records, subject: str, cut: int | None) -> int | None:
    """Return how many infusions a subject had up to the data cut; None where no table tells."""
    if records.infusions is None:
        return None
    return len([row for row in records.infusions if row["subject"] == subject and is_by_cut(row["day"], cut)])


def _history(
    subject: Row,
    infusion: int | None,
    follow: Row,
    dated: Sequence[Row],
    therapies: Sequence[Row],
    series: Mapping[str | None, Series],
    rules: TimeToEventRules,
) -> History:
    cut, death_day, words = follow["data_cut_day"], follow["death_day"], []
    death = None
    if death_day is not None and is_by_cut(death_day, cut):
        death = Found(death_day, "followup", death_day)
    elif death_day is not None:
        words.append(f"the death on day {death_day} is after the data cut (day {cut})")
    last = _last_alive(dated, None)
    if death_day is not None and last is not None and last.day > death_day:
        words.append(f"{last.table} tells of day {last.day}, {AFTER_DEATH} on day {death_day}")
    starts = sorted(row["start_day"] for row in therapies if is_by_cut(row["start_day"], cut))
    stop_day = follow["stop_day"]
    if stop_day is not None and not is_by_cut(stop_day, cut):
        stop_day = None
    cause = follow["death_cause"] or "unknown"
    named = ("lymphodepletion", "first_dose", "enrollment", "randomization")
    return History(
        subject["subject"],
        {"infusion": infusion} | {word: subject[f"{word}_day"] for word in named},
        treatment_day(subject, infusion),
        death,
        (cause if cause != "unknown" else rules.unknown_death_cause) == "tumor" if death else None,
        cause == "unknown",
        _last_alive(dated, cut),
        tuple(Found(day, "therapies", day) for day in starts),
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


def _by_subject(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["subject"]].append(row)
    return groups
