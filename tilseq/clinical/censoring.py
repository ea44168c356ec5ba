"""What sets off each censoring rule, and the day on which the time then ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tilseq.clinical.endpoint_rules import CensorRule, TimeToEventRules
from tilseq.clinical.event_sources import Event
from tilseq.clinical.histories import History
from tilseq.clinical.missed_visits import Planned, longest_gap
from tilseq.clinical.reader_series import Found, Read, Series
from tilseq.clinical.survival_times import UNSCANNED, UNSCANNED_DEATH


@dataclass(frozen=True)
class Question:
    """One endpoint of one subject and reader, its start and the event met first, if any."""

    history: History
    series: Series
    start: int
    origin_table: str
    includes_start: bool
    event: Event | None
    planned: Sequence[Planned]
    rules: TimeToEventRules

    def adequate(self, up_to: int | None = None) -> Read | None:
        """Return the last adequate assessment after the start, or on a response that is the start, up to a day."""
        treated = self.history.treatment_day
        first = self.start if self.includes_start else 1 + (self.start if treated is None else max(self.start, treated))
        reads = [read for read in self.series.reads if read.adequate and read.day >= first]
        return next((read for read in reversed(reads) if up_to is None or read.day <= up_to), None)

    def stop(self, *reasons: str) -> Found | None:
        """Return the stop for one of some reasons; one before the start, as before a response, is none of this time."""
        stop, reason = self.history.stop, self.history.stop_reason
        return stop if stop is not None and reason in reasons and stop.day >= self.start else None

    def before_event(self, found: Found | None) -> Found | None:
        """Return what was found, if it comes before the event or there is none."""
        before = found is not None and (self.event is None or found.day < self.event.found.day)
        return found if before else None


Trigger = Callable[[Question], Found | None]


def no_baseline(question: Question) -> Found | None:
    """Set off where lesions were read and none of the assessments is a baseline."""
    origin = Found(question.start, question.origin_table, question.start)
    return origin if question.series.baseline is False else None


def new_therapy(question: Question) -> Found | None:
    """Set off by a further therapy before the event, or on the day of progression where the rules say so."""
    therapy, event = question.history.therapy_after(question.start), question.event
    if therapy is not None and event is not None and event.rule == "progression" and therapy.day == event.found.day:
        return therapy if question.rules.same_day == "censored" else None
    return question.before_event(therapy)


def missed_visits(question: Question) -> Found | None:
    """Set off by an event after two or more planned assessments were missed or not adequate."""
    if question.event is None or not question.planned:
        return None
    last, longest = _last_and_longest(question, question.event.found.day)
    found = question.event.found
    gap = found.day - last
    if gap <= longest:
        return None
    words = (f"{question.event.rule} on day {found.day}, {gap} days after day {last}; at most {longest} would do",)
    return Found(found.day, found.table, found.row_day, words)


def _last_and_longest(question: Question, day: int) -> tuple[int, int]:
    """Return the last adequate assessment up to a day, or where there is none the start, and how long it holds."""
    # Days of who was never infused count from the day that was planned for it, as the schedule's do.
    infusion = question.history.origins["infusion"] or 0
    read = question.adequate(day)
    last = max(question.start, infusion) if read is None else read.day
    return last, longest_gap(question.planned, read, infusion)


def clinical_progression(question: Question) -> Found | None:
    """Set off by progression that no scan shows, before the event."""
    return question.before_event(question.stop("clinical_progression"))


def stopped(question: Question) -> Found | None:
    """Set off by a stop for toxicity or another reason, before the event and with no assessment after it.

    It does not set off before the death of a subject closely followed, which is an event.
    """
    stop = question.stop("toxicity", "other")
    if stop is None:
        return None
    # Who stops the treatment, as interleukin-2 after two days, and is scanned on has not stopped being followed.
    followed = any(read.evaluable and read.row_day > stop.day for read in question.series.reads)
    return None if followed or _died_closely_followed(question) else question.before_event(stop)


def _died_closely_followed(question: Question) -> bool:
    """Return whether the event is a death before two planned assessments were missed.

    Without a schedule only a death before the first assessment is known to be one.
    """
    event = question.event
    if event is None or event.rule not in ("death", "tumor_death"):
        return False
    if not question.planned:
        return question.adequate(event.found.day) is None
    last, longest = _last_and_longest(question, event.found.day)
    return event.found.day - last <= longest


def unscanned_death(question: Question) -> str:
    """Return what to say of a death that is the event although no adequate assessment came before it; else nothing."""
    event = question.event
    if event is None or event.rule not in ("death", "tumor_death") or question.adequate(event.found.day) is not None:
        return ""
    told = f"{UNSCANNED_DEATH} is an event"
    looked_for = any(rule.trigger == "missed_visits" for rule in question.rules.censoring.rules)
    if not looked_for or not question.planned:
        return told
    last, longest = _last_and_longest(question, event.found.day)
    return f"{told} up to day {last + longest}, before two planned ones were missed"


def death(question: Question) -> Found | None:
    """Set off by a death before the event."""
    return question.before_event(question.history.death)


def other_death(question: Question) -> Found | None:
    """Set off by a death that does not count as one from the tumour, before the event."""
    return None if question.history.tumor_death else question.before_event(question.history.death)


TRIGGERS: Mapping[str, Trigger] = {
    "no_baseline": no_baseline,
    "new_therapy": new_therapy,
    "missed_visits": missed_visits,
    "clinical_progression": clinical_progression,
    "stopped": stopped,
    "death": death,
    "other_death": other_death,
}


@dataclass(frozen=True)
class Censored:
    """The rule that censors, the day on which the time ends, and the row that tells of it."""

    rule: str
    description: str
    end: Found


def earliest_censoring(rules: Iterable[CensorRule], question: Question) -> Censored | None:
    """Return the censoring that comes first of all rules that fire; of two on one day that which was set off first."""
    fired = [(rule, TRIGGERS[rule.trigger](question)) for rule in rules]
    ends = [(_censored(rule, found, question), found.day) for rule, found in fired if found is not None]
    return min(ends, key=lambda one: (one[0].end.day, one[1]), default=(None, 0))[0]


def end_of_observation(end: str, question: Question) -> Censored:
    """Return where the time of a subject ends whom no event and no rule has met."""
    if end == "last_alive":
        alive = question.history.alive
        if alive is None or alive.day <= question.start:
            return Censored("no_contact", "nothing known after the origin", _origin(question))
        words = "last known alive" if alive.day == alive.row_day else "alive at the data cut"
        return Censored("last_alive", words, alive)
    read = question.adequate()
    if read is None:
        return Censored(UNSCANNED, "no adequate assessment after the origin", _origin(question))
    return Censored("last_adequate", "last adequate assessment", _of(read, question))


def _censored(rule: CensorRule, trigger: Found, question: Question) -> Censored:
    fired = () if rule.trigger == "no_baseline" else (f"{rule.description} on day {trigger.day} ({trigger.table})",)
    told = trigger.words or fired
    if rule.at == "trigger":
        return Censored(rule.trigger, rule.description, trigger)
    read = question.adequate(trigger.day) if rule.at == "last_adequate" else None
    end = _origin(question) if read is None else _of(read, question)
    return Censored(rule.trigger, rule.description, Found(end.day, end.table, end.row_day, told))


def _origin(question: Question) -> Found:
    return Found(question.start, question.origin_table, question.start)


def _of(read: Read, question: Question) -> Found:
    return Found(read.day, question.series.table, read.row_day)
