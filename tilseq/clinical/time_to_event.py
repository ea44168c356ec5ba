"""Time to event: overall and progression-free survival, time to progression and response, duration of response."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tilseq.clinical.censoring import Censored, Question, earliest_censoring, end_of_observation, unscanned_death
from tilseq.clinical.clinical_records import Records
from tilseq.clinical.contradictions import contradictions
from tilseq.clinical.endpoint_rules import Endpoint, TimeToEventRules
from tilseq.clinical.event_sources import Event, first_event
from tilseq.clinical.histories import History, histories
from tilseq.clinical.missed_visits import Planned, planned_visits
from tilseq.clinical.reader_series import Found, Series, days_in_words
from tilseq.errors import AnalysisError, StudyError
from tilseq.tables import Row
from tilseq.tables.survival import NOT_IN_STUDY, NOT_LOOKED_FOR, TIME_TO_EVENT

NOT_EVALUABLE = "not_evaluable"
NOBODY_ASSESSED = "nobody followed up was assessed"  # PFS would be that of the dead alone
NO_SERIES = Series()


def time_to_event(records: Records, rules: TimeToEventRules | None = None) -> pl.DataFrame:
    """Derive time to event of every subject, endpoint and reader.

    Each endpoint takes the earliest of its events; a censoring rule that fires earlier ends the time before it.
    Nothing after a subject's data cut is an event. A time is ``end_day - start_day + 1`` days.

    Parameters
    ----------
    records
        As `clinical_records` gathers them. A subject that they refuse cannot be evaluated; one whose scans they leave
        out cannot be by what scans decide.
    rules
        Origins, events and censoring; by default `time_to_event_rules()`: from the infusion, FDA-type censoring.

    Returns
    -------
    polars.DataFrame
        Table `time_to_event`, one row a parameter, subject and reader (every reader of the table). A subject of the
        population that cannot be evaluated, or was not infused where the infused are it, has the rule `not_evaluable`,
        its reason and no day. Of a subject with
        assessments, one by another reader alone is not evaluable for a reader; a subject without any is censored at
        the origin. DOR and TTR have rows of responders alone.

    Raises
    ------
    StudyError
        Records of a subject contradict one another; all are listed, with table and row. `contradictions` finds them and
        `Records.refusing` leaves their subjects out, `Records.without_scans` their scans.
    TableError
        There are best responses, and none by the confirmation that the rules ask for.
    AnalysisError
        They are no records, but a table.

    References
    ----------
    FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics (2018), and EMA, Appendix 1 to the
    guideline on anticancer medicinal products (2012): their styles of censoring. Reverse Kaplan-Meier: Schemper and
    Smith, Control Clin Trials 1996;17:343.
    """
    if not isinstance(records, Records):
        what, mend = "these are no records", "`ts.clinical.clinical_records` gathers them from the tables"
        raise AnalysisError(what, found=type(records).__name__, expected="Records", mend=mend)
    rules = rules or TimeToEventRules()
    wrong = contradictions(records, rules)
    if wrong:
        raise StudyError([one.error for one in wrong], "the records")
    records = records.confirmed(rules.confirmation)
    derivation = _Derivation.of(records, rules)
    answers: dict[str, list[str | None]] = defaultdict(list)
    for row in records.refused_responders:
        answers[row["subject"]].append(row["reader"])
    rows: list[Row] = []
    for history in histories(records, rules):
        one = history.subject
        rows += derivation.rows(history, records.unscanned.get(one), answers[one])
    rows += [row for one, why in records.refused.items() for row in derivation.refused_rows(one, why, answers[one])]
    return TIME_TO_EVENT.frame(rows)


def without_scans(times: pl.DataFrame, unknown: Mapping[str, str], rules: TimeToEventRules) -> pl.DataFrame:
    """Return the times with those that scans decide taken from subjects of whom responses are not known, with why.

    Without this such a subject would count as one that was never assessed. What is told already stays.

    Parameters
    ----------
    times
        Table `time_to_event`.
    unknown
        Subject → why its responses are not known.
    rules
        Those that the times were derived by.
    """
    scanned = [endpoint.parameter for endpoint in rules.endpoints if endpoint.by_scan]
    evaluable = pl.col("rule") != NOT_EVALUABLE
    lost = pl.col("subject").is_in(list(unknown)) & pl.col("parameter").is_in(scanned) & evaluable
    why = pl.col("subject").replace_strict(unknown, default=None, return_dtype=pl.String)
    told = {"rule": pl.lit(NOT_EVALUABLE), "reason": why}
    nothing = ("origin", "start_day", "end_day", "days", "event", "description", "source_table", "source_row_day")
    return times.with_columns(
        *(pl.when(~lost).then(pl.col(name)).alias(name) for name in nothing),
        *(pl.when(lost).then(word).otherwise(pl.col(name)).alias(name) for name, word in told.items()),
    )


@dataclass(frozen=True)
class _Derivation:
    """What holds for all subjects: rules, readers, planned visits, which tables there are."""

    rules: TimeToEventRules
    readers: tuple[str | None, ...]
    planned: tuple[Planned, ...]
    origins: frozenset[str]
    not_looked_for: tuple[str, ...]

    @classmethod
    def of(cls, records: Records, rules: TimeToEventRules) -> _Derivation:
        """Return what holds for all subjects of some records."""
        planned = planned_visits(records.schedule or ())
        triggers = {rule.trigger for rule in rules.censoring.rules}
        missing = []
        if "no_baseline" in triggers and not any(row["response"] for row in records.reads):
            missing.append(f"missing baselines {NOT_LOOKED_FOR}: no lesions")
        if "new_therapy" in triggers and records.therapies is None:
            missing.append(f"new therapies {NOT_LOOKED_FOR}: no table")
        if "missed_visits" in triggers and not planned:
            missing.append(f"missed visits {NOT_LOOKED_FOR}: no schedule")
        dated = {"infusion", "response"}
        for name in ("lymphodepletion", "first_dose", "enrollment", "randomization"):
            dated |= {name} if any(row[f"{name}_day"] is not None for row in records.subjects) else set()
        return cls(
            rules,
            tuple(dict.fromkeys(row["reader"] for row in records.reads)) or (None,),
            planned,
            frozenset(dated),
            tuple(missing),
        )

    def rows(self, history: History, unscanned: str | None, answers: Sequence[str | None]) -> Iterator[Row]:
        """Yield the rows of one subject.

        Where `unscanned` says why its scans tell nothing, what they decide cannot be evaluated; a responder by some
        readers has those rows of responders too.
        """
        for endpoint in self.rules.endpoints:
            if unscanned is not None and endpoint.by_scan:
                yield from self._without(endpoint, history.subject, unscanned, answers)
                continue
            for reader in self.readers if endpoint.by_scan else (None,):
                series = history.series.get(reader, NO_SERIES)
                if endpoint.population == "responders" and series.response is None:
                    continue
                yield self._row(endpoint, history, reader, series)

    def refused_rows(self, subject: str, why: str, answers: Sequence[str | None]) -> Iterator[Row]:
        """Yield the rows of a subject that is refused; a responder by some readers has those of responders too."""
        for endpoint in self.rules.endpoints:
            yield from self._without(endpoint, subject, why, answers)

    def _without(self, endpoint: Endpoint, subject: str, why: str, answers: Sequence[str | None]) -> Iterator[Row]:
        readers = self.readers if endpoint.by_scan else (None,)
        for reader in dict.fromkeys(answers) if endpoint.population == "responders" else readers:
            yield _not_evaluable(subject, endpoint, reader, [why])

    def _row(self, endpoint: Endpoint, history: History, reader: str | None, series: Series) -> Row:
        origin, start, words = self._origin(endpoint, history, series)
        cannot = self._cannot(endpoint, history, reader, origin, start)
        if cannot is not None or start is None:
            return _not_evaluable(history.subject, endpoint, reader, [*words, cannot or ""])
        question = Question(
            history,
            series,
            start,
            "best_response" if origin == "response" else "infusions" if origin == "infusion" else "subjects",
            origin == "response",
            first_event(self._events(endpoint), history, series, start),
            self.planned,
            self.rules,
        )
        by_progression = "progression" in endpoint.events
        censors = (*endpoint.censors, *(self.rules.censoring.rules if by_progression else ()))
        end = earliest_censoring(censors, question) or question.event or end_of_observation(endpoint.end, question)
        found = end.end if isinstance(end, Censored) else end.found
        words += [*history.words, *(series.words if endpoint.by_scan else ()), *found.words]
        words += self._policies(endpoint, history)
        words += _not_counted(history, series, start) if by_progression and origin != "response" else ()
        words += [unscanned_death(question)] if by_progression and end is question.event else ()
        words += self.not_looked_for if by_progression else ()
        key = {"subject": history.subject, "parameter": endpoint.parameter, "reader": reader}
        return key | _told(end, found, origin, start, words)

    def _origin(self, endpoint: Endpoint, history: History, series: Series) -> tuple[str, int | None, list[str]]:
        """Return name and day of the origin: the first of the endpoint's that any subject has."""
        named = [self.rules.origin(one) for one in endpoint.origins]
        origin = next((one for one in named if one in self.origins), named[-1])
        words = [f"no {named[0]} {NOT_IN_STUDY} {origin}"] if origin != named[0] else []
        if origin == "response":
            return origin, None if series.response is None else series.response.day, words
        if origin == "infusion" and (history.infusions or 0) > 1:
            words.append(f"counted from the first of {history.infusions} infusions")
        start, dose = history.origins[origin], history.origins["first_dose"]
        if "first_dose" in endpoint.origins and dose is not None and start not in (None, dose):
            words.append(f"first_dose_day is {dose}, counted from {origin} (day {start})")
        return origin, start, words

    def _cannot(
        self, endpoint: Endpoint, history: History, reader: str | None, origin: str, start: int | None
    ) -> str | None:
        """Return why the subject cannot be evaluated, None if it can."""
        asks_infusion = endpoint.population == "infused" or (origin == "infusion" and start is None)
        if asks_infusion and history.origins["infusion"] is None:
            return "not infused"
        if start is None:
            return f"no {origin}_day in subjects"
        if history.cut_day is not None and start > history.cut_day:
            return f"{origin} is on day {start}, after the data cut (day {history.cut_day})"
        # Who was scanned by nobody after the origin is as much assessed for one reader as for another: not at all.
        read_by = [str(one) for one, its in history.series.items() if any(read.day > start for read in its.reads)]
        if endpoint.by_scan and read_by and reader not in history.series:
            return f"not read by {reader}, but by {', '.join(read_by)}"
        return None

    def _events(self, endpoint: Endpoint) -> tuple[str, ...]:
        undocumented = self.rules.censoring.clinical_progression and not endpoint.documented
        return (
            (*endpoint.events, "clinical_progression")
            if undocumented and "progression" in endpoint.events
            else endpoint.events
        )

    def _policies(self, endpoint: Endpoint, history: History) -> list[str]:
        """Return what to say of a death of unknown cause where the cause decides."""
        asks = "tumor_death" in endpoint.events
        if not asks or history.death is None or not history.unknown_cause:
            return []
        counted = "from the tumour" if history.tumor_death else "not from the tumour"
        return [f"cause of death unknown: counted as {counted}"]


def _not_counted(history: History, series: Series, start: int) -> Iterator[str]:
    """Yield what to say of PD on the origin or before that is no event."""
    after = history.progression_after(start)
    early = [read.row_day for read in series.reads if read.response == "PD" and read.row_day <= after]
    if early:
        yield f"PD of {days_in_words(early)} is not counted: not after day {after}"


def _told(end: Event | Censored, found: Found, origin: str, start: int, words: Sequence[str]) -> Row:
    return {
        "origin": origin,
        "start_day": start,
        "end_day": found.day,
        "days": found.day - start + 1,
        "event": isinstance(end, Event),
        "description": end.description,
        "rule": end.rule,
        "source_table": found.table,
        "source_row_day": found.row_day,
        "reason": _sentence(words),
    }


def _not_evaluable(subject: str, endpoint: Endpoint, reader: str | None, words: Sequence[str]) -> Row:
    key = {"subject": subject, "parameter": endpoint.parameter, "reader": reader}
    return key | {"rule": NOT_EVALUABLE, "description": "cannot be evaluated", "reason": _sentence(words)}


def _sentence(words: Sequence[str]) -> str | None:
    return "; ".join(word for word in words if word) or None
