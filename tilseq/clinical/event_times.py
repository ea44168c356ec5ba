"""When adverse events begin and how long they last, as rows that a Kaplan-Meier curve takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from tilseq.clinical.adverse_events import FATAL
from tilseq.clinical.survival_estimates import survival_estimates
from tilseq.clinical.treated import Subject
from tilseq.tables import Row
from tilseq.tables.safety import ADVERSE_EVENT_ESTIMATES, ADVERSE_EVENT_TIMES

SOURCE, FOLLOWUP = "adverse_events", "followup"
NO_FIRST_DAY = "no first day recorded"
NO_LAST_DAY = "the last day cannot be read"
NOT_EVALUABLE = "not_evaluable"


def event_times(rows: pl.DataFrame, subjects: Mapping[str, Subject]) -> pl.DataFrame:
    """Return time to onset and duration of the first event of each class.

    Onset counts from the first dose, whose day is 1, to the first day of the subject's first such event, and is
    censored at the end of follow-up where there is none. Duration counts from the first day of that event to its last
    day; one that has not ended is censored at the end of follow-up (a death ends no event), so that a mean of the
    durations would be too short: take a Kaplan-Meier estimate, see `event_estimates`.

    Subjects whose follow-up is not known have no row, whether they had an event or not: to keep those with one would
    select by the outcome. Where the first event has no first day, or a last day that cannot be read, the time is null.

    Parameters
    ----------
    rows
        Table `adverse_event_rows`; only rows that are counted take part.
    subjects
        Every subject, see `subjects_of`.

    Returns
    -------
    polars.DataFrame
        Table `adverse_event_times`, one row a subject and parameter: `ae_onset`, `ae_duration` of any event, and with
        `_grade_3_5`, `_serious` and `_immune_related` of those. A class whose flag no event has recorded has no row.
    """
    counted = rows.filter("counted")
    members = {name: subject for name, subject in sorted(subjects.items()) if subject.treated}
    classes = {"": counted, "_grade_3_5": counted.filter(pl.col("grade") >= 3)}
    for flag in ("serious", "immune_related"):
        if counted.is_empty() or counted[flag].count():
            classes[f"_{flag}"] = counted.filter(pl.col(flag).fill_null(False))
    return ADVERSE_EVENT_TIMES.frame([row for name, part in classes.items() for row in _times(name, part, members)])


def event_estimates(times: pl.DataFrame, subjects: Mapping[str, Subject]) -> pl.DataFrame:
    """Return the Kaplan-Meier median of each onset and duration, with limits, and the range of the times.

    Over all and, where there is more than one, by arm. A death without the event censors: where many die, the share
    with an event by a day is less than the curve says.

    Parameters
    ----------
    times
        Table `adverse_event_times`.
    subjects
        Every subject, see `subjects_of`.

    Returns
    -------
    polars.DataFrame
        Table `adverse_event_estimates`, quantities `median` and `time_range`; see `survival_estimates`.
    """
    if times.is_empty():
        return ADVERSE_EVENT_ESTIMATES.frame()
    arms = {name: one.arm for name, one in subjects.items() if one.arm is not None}
    several = len({arm for name, arm in arms.items() if subjects[name].treated}) > 1
    groups = pl.DataFrame({"subject": list(arms), "arm": list(arms.values())}) if several else None
    return survival_estimates(times, groups=groups, at_days=(), rmst_days=())


def times_at_risk(rows: pl.DataFrame, members: Mapping[str, Subject]) -> dict[str, tuple[int, bool]]:
    """Return the days at risk of each subject whose follow-up is known, and whether they end with a first event.

    From the first dose to the first day of the first event, or to the end of follow-up: both ends count. An event
    without a first day is taken to begin with the first dose, one recorded after the death on the day of death.

    Parameters
    ----------
    rows
        Events that count, of table `adverse_event_rows`.
    members
        The subjects at risk.
    """
    first = _first_events(rows)
    risk: dict[str, tuple[int, bool]] = {}
    for name, subject in members.items():
        if subject.last_day is None:
            continue
        event = first.get(name)
        end = subject.last_day if event is None else _begin(event, subject)
        risk[name] = (max(end - subject.first_dose + 1, 1), event is not None)
    return risk


def _times(name: str, rows: pl.DataFrame, members: Mapping[str, Subject]) -> Iterator[Row]:
    first = _first_events(rows)
    for subject, (days, event) in times_at_risk(rows, members).items():
        source, start = first.get(subject), members[subject].first_dose
        what = "end of follow-up" if source is None else source["counted_term"]
        key = {"subject": subject, "parameter": f"ae_onset{name}", "origin": "first_dose", "start_day": start}
        if source is not None and source["start_day"] is None:
            yield key | _not_known(what, NO_FIRST_DAY)
        else:
            yield key | _time(start, start + days - 1, event, what, source)
    for subject, source in first.items():
        last_day, death_day = members[subject].last_day, members[subject].death_day
        if last_day is not None:
            key = {"subject": subject, "parameter": f"ae_duration{name}", "origin": "onset"}
            dies_later = death_day is not None and death_day > last_day  # after the data cut
            yield key | {"start_day": source["start_day"]} | _duration(source, last_day, dies_later)


def _duration(source: Row, last_day: int, dies_later: bool) -> Row:
    term, start, end = source["counted_term"], source["start_day"], source["end_day"]
    if start is None:
        return _not_known(term, NO_FIRST_DAY)
    if source["ongoing"] is None:
        return _not_known(term, NO_LAST_DAY)
    ended = end is not None and source["grade"] < FATAL
    until = end if end is not None else max(last_day, start)
    fatal = source["grade"] == FATAL and not dies_later
    told = "ended" if ended else "led to death" if fatal else "goes on at end of follow-up"
    return _time(start, until, ended, f"{term} {told}", source)


def _time(start: int, end: int, event: bool, what: str, source: Row | None) -> Row:
    return {
        "end_day": end,
        "days": end - start + 1,
        "event": event,
        "description": what,
        "rule": "event" if event else "censored_at_end_of_follow_up",
        "source_table": FOLLOWUP if source is None else SOURCE,
        "source_row_day": None if source is None else source["start_day"],
    }


def _not_known(what: str, reason: str) -> Row:
    return {"description": what, "rule": NOT_EVALUABLE, "source_table": SOURCE, "reason": reason}


def _first_events(rows: pl.DataFrame) -> dict[str, Row]:
    """Return the first event of each subject: one without a first day goes first, the worst of a day before others."""
    ordered = rows.sort("start_day", "grade", descending=[False, True], nulls_last=[False, True], maintain_order=True)
    return {row["subject"]: row for row in ordered.unique("subject", keep="first", maintain_order=True).to_dicts()}


def _begin(event: Row, subject: Subject) -> int:
    start = event["start_day"]
    if start is None:
        return subject.first_dose
    return int(start) if subject.death_day is None else min(int(start), subject.death_day)
