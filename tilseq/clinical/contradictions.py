"""Records from which no time to event can be had, each with its table and row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tilseq.clinical.clinical_records import RESPONDERS, Records
from tilseq.clinical.data_cut import is_by_cut
from tilseq.clinical.endpoint_rules import TimeToEventRules
from tilseq.clinical.reader_series import first_infusions, progression_after, series_by_subject, treatment_day
from tilseq.errors import TableError, did_you_mean
from tilseq.tables import Row

ORIGIN_DAYS = {
    "infusion": "the first infusion",
    "lymphodepletion": "the first day of lymphodepletion",
    "first_dose": "the first dose",
    "enrollment": "the enrolment",
    "randomization": "the randomisation",
}


@dataclass(frozen=True)
class Contradiction:
    """What is wrong with one subject.

    Attributes
    ----------
    subject
        Identifier.
    table
        Table that holds the row.
    error
        What is wrong, with row (the header is row 1) and column, but without a file.
    of_scans
        It is of how scans were read alone: what no scan decides, such as overall survival, stands all the same.
    """

    subject: str
    table: str
    error: TableError
    of_scans: bool = False


def contradictions(records: Records, rules: TimeToEventRules | None = None) -> list[Contradiction]:
    """Return what is wrong with single subjects, so that the others can be derived.

    A subject without follow-up or unknown to `subjects`; a death before the infusion or another origin that the rules
    count from, so that a time would not be positive; a last day alive before an origin or after the death; an
    assessment or therapy after the death; an enrolment or start of treatment after the infusion; a cause of death or a
    reason to stop without its day; a responder without the day of the response, with one before the treatment, after
    progression that counts or after the data cut, without assessments or by responses that do not count; assessments
    with and without a reader in one table.

    Parameters
    ----------
    records
        As `clinical_records` gathers them.
    rules
        As of `time_to_event`.

    Raises
    ------
    TableError
        There are best responses, and none by the confirmation that the rules ask for.
    """
    rules = rules or TimeToEventRules()
    records = records.confirmed(rules.confirmation)
    origins = _origins(records, rules)
    infused = {row["subject"]: row["day"] for row in sorted(records.infusions or (), key=lambda row: row["day"])}
    died = {row["subject"]: row["death_day"] for row in records.followup if row["death_day"] is not None}
    of_scans = [*_of_readers(records), *_of_responders(records, origins, rules)]
    return [
        *_strangers(records),
        *_of_subjects(records),
        *(one for row in records.followup for one in _of_followup(row, origins.get(row["subject"], {}), infused)),
        *_after_death(records, died),
        *(replace(one, of_scans=True) for one in of_scans),
    ]


def _found(
    row: Row, table: str, column: str, what: str, expected: str | None = None, mend: str | None = None
) -> Contradiction:
    told = f"subject {row['subject']}: {what}"
    error = TableError(told, row=row["row"], column=column, found=row.get(column), expected=expected, mend=mend)
    return Contradiction(row["subject"], table, error)


def _origins(records: Records, rules: TimeToEventRules) -> dict[str, dict[str, int]]:
    """Return the known days that the rules count from of each subject, by the origin's name."""
    asked = {name for endpoint in rules.endpoints for name in endpoint.origins if name != "response"}
    asked = {rules.origin(name) for name in asked} | {"infusion"}
    infused = first_infusions(records)
    days: dict[str, dict[str, int]] = {}
    for row in records.subjects:
        known = {name: row[f"{name}_day"] for name in asked if name != "infusion"}
        known["infusion"] = infused[row["subject"]]
        days[row["subject"]] = {name: day for name, day in known.items() if day is not None}
    return days


def _strangers(records: Records) -> Iterator[Contradiction]:
    known = {row["subject"] for row in records.subjects}
    followed = {row["subject"] for row in records.followup}
    for row in records.subjects:
        if row["subject"] not in followed:
            yield _found(row, "subjects", "subject", "no row in followup", mend="add it, or nothing tells if it lives")
    tables = {
        "followup": records.followup,
        "therapies": records.therapies or (),
        "infusions": records.infusions or (),
        "best_response": records.responders or (),
    }
    for name, rows in tables.items():
        for row in rows:
            if row["subject"] not in known:
                yield _stranger(row, name, known)
    for row in records.reads:
        if row["subject"] not in known:
            yield _stranger(row, row["table"], known)


def _stranger(row: Row, table: str, known: set[str]) -> Contradiction:
    mend = did_you_mean(row["subject"], sorted(known)) or "give the subject a row there, or leave this one out"
    return _found(row, table, "subject", "not in subjects", mend=mend)


def _of_subjects(records: Records) -> Iterator[Contradiction]:
    infused = {row["subject"] for row in records.infusions or ()}
    for row in records.subjects:
        if records.infusions is not None and row["subject"] not in infused:
            continue
        for name in ("enrollment_day", "randomization_day", "lymphodepletion_day", "first_dose_day"):
            if row[name] is not None and row[name] > 0:
                yield _found(row, "subjects", name, "this is after the first infusion", "day 0 or before")


def _of_followup(row: Row, origins: Mapping[str, int], infused: Mapping[str, int]) -> Iterator[Contradiction]:
    death, alive = row["death_day"], row["last_alive_day"]
    last = infused.get(row["subject"])
    if death is None and row["death_cause"] is not None:
        yield _found(row, "followup", "death_cause", "a cause of death without its day")
    if (row["stop_day"] is None) != (row["stop_reason"] is None):
        yield _found(row, "followup", "stop_day", "a stop needs both its day and its reason")
    if death is not None and alive is not None and alive > death:
        yield _found(row, "followup", "last_alive_day", "alive after the death", f"day {death} or before")
    for column, day, what in (("death_day", death, "the death"), ("last_alive_day", alive, "the last day alive")):
        early = {name: start for name, start in origins.items() if day is not None and day < start}
        if early:
            name, start = max(early.items(), key=lambda item: item[1])
            told = f"{what} is before {ORIGIN_DAYS[name]} (day {start}): a time of {day - start + 1} days"
            yield _found(row, "followup", column, told, f"day {start} or later")
        elif column == "death_day" and death is not None and last is not None and death < last:
            yield _found(row, "followup", column, "the death is before the last infusion", f"day {last} or later")


def _after_death(records: Records, died: Mapping[str, int]) -> Iterator[Contradiction]:
    for row in records.reads:
        if row["day"] > died.get(row["subject"], row["day"]):
            day = died[row["subject"]]
            yield _found(row, row["table"], "day", "an assessment after the death", f"day {day} or before")
    for row in records.therapies or ():
        if row["start_day"] > died.get(row["subject"], row["start_day"]):
            day = died[row["subject"]]
            yield _found(row, "therapies", "start_day", "a therapy after the death", f"day {day} or before")


def _of_readers(records: Records) -> Iterator[Contradiction]:
    """Yield each subject that has assessments without a reader in a table that names readers."""
    if all(row["reader"] is None for row in records.reads):
        return
    told: set[str] = set()
    for row in records.reads:
        if row["reader"] is None and row["subject"] not in told:
            told.add(row["subject"])
            mend = "name the reader of each, or of none"
            yield _found(row, row["table"], "reader", "no reader, where other assessments name one", mend=mend)


def _of_responders(
    records: Records, origins: Mapping[str, Mapping[str, int]], rules: TimeToEventRules
) -> Iterator[Contradiction]:
    sources = _sources(records, rules)
    given = {(row["subject"], row["reader"], row["source"]) for row in records.responders or ()}
    progressed = _first_progressions(records, origins, rules)
    cuts = {row["subject"]: row["data_cut_day"] for row in records.followup}
    for row in records.responders or ():
        key, day, word = (row["subject"], row["reader"]), row["response_day"], row["best_response"]
        starts = origins.get(row["subject"], {}).values()
        if key in sources and (*key, sources[key]) not in given:
            what = f"no best response by the {sources[key]} responses, which are those that count"
            yield _found(row, "best_response", "source", what)
        if word not in RESPONDERS or row["source"] != sources.get(key, row["source"]):
            continue
        if key not in sources:
            yield _found(row, "best_response", "reader", "a response without any assessment of that reader")
        elif day is None:
            yield _found(row, "best_response", "response_day", f"{word} without the day of the response")
        elif starts and day <= max(starts):
            yield _found(row, "best_response", "response_day", "a response that is not after the treatment began")
        elif (late := _after_cut(row, cuts.get(row["subject"]))) is not None:
            what = f"the response or its confirmation is after the data cut (day {cuts[row['subject']]})"
            yield _found(row, "best_response", late, what, mend="give best_response the followup, which cuts the reads")
        elif progressed.get(key, day) < day:
            told = f"a response after the progression of day {progressed[key]}"
            yield _found(row, "best_response", "response_day", told)


def _sources(records: Records, rules: TimeToEventRules) -> dict[tuple[str, str | None], str]:
    """Return which responses of each subject and reader count, where there are any by the data cut."""
    cuts = {row["subject"]: row["data_cut_day"] for row in records.followup}
    known = [row for row in records.reads if is_by_cut(row["day"], cuts.get(row["subject"]))]
    there: dict[str, set[tuple[str, str | None]]] = {
        source: {(row["subject"], row["reader"]) for row in known if row[column] is not None}
        for source, column in (("recorded", "recorded"), ("derived", "response"))
    }
    return dict.fromkeys(there["derived"], "derived") | (
        dict.fromkeys(there["recorded"], "recorded") if rules.source == "recorded" else {}
    )


def _after_cut(row: Row, cut: int | None) -> str | None:
    """Return the column of a response or confirmation after the data cut."""
    days = {name: row[name] for name in ("response_day", "confirmation_day") if row[name] is not None}
    return None if cut is None else next((name for name, day in days.items() if day > cut), None)


def _first_progressions(
    records: Records, origins: Mapping[str, Mapping[str, int]], rules: TimeToEventRules
) -> dict[tuple[str, str | None], int]:
    """Return the day of the first PD after the treatment began that counts for any endpoint, by subject and reader."""
    asking = [one for one in rules.endpoints if "progression" in one.events]
    names = {rules.origin(name) for one in asking for name in one.origins} - {"response"}
    days: dict[tuple[str, str | None], int] = {}
    rows, infused = {row["subject"]: row for row in records.subjects}, first_infusions(records)
    for subject, by_reader in series_by_subject(records, rules).items():
        start = min((day for name, day in origins[subject].items() if name in names), default=None)
        if start is not None:
            infusion = infused[subject]
            treated = treatment_day(rows[subject], infusion)
            # One before the treatment may be an event, and the treatment still answered.
            start = max(progression_after(start, infusion, treated), start if treated is None else treated)
        for reader, series in by_reader.items():
            counted = [
                read.row_day
                for read in series.reads
                if read.response == "PD" and start is not None and read.row_day > start
            ]
            if counted:
                days[subject, reader] = min(counted)
    return days
