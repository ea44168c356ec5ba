"""Subjects by class, period, system, term and worst grade of adverse events: the counts behind shares and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from tilseq.clinical.adverse_events import Emergence
from tilseq.clinical.attribution import NONE
from tilseq.clinical.periods import PERIODS, Periods
from tilseq.clinical.treated import Subject
from tilseq.errors import plural

# Grade of a row → least and most worst grade.
GRADES = {**{str(grade): (grade, grade) for grade in range(1, 6)}, "any": (1, 5), "3-4": (3, 4), "3-5": (3, 5)}
# Class → the column that makes an event one of it, None for every event.
FLAGS = {"ae_any": None, "ae_serious": "serious", "ae_immune_related": "immune_related", "ae_related": "attribution"}
NO_PERIOD = "unknown"
BEFORE = ("screening", "lymphodepletion")  # periods that need the day of lymphodepletion
CLASS, WORDS = ["parameter", "cause"], {"soc": "counted_soc", "term": "counted_term"}

Row = dict[str, Any]
Key = tuple[str | None, ...]


@dataclass(frozen=True)
class Count:
    """Subjects with an event of one class, by worst grade.

    Attributes
    ----------
    parameter
        Class of events, a key of `FLAGS`.
    at
        What else tells it apart: `attribution`, `period`, `soc`, `term`.
    subjects
        Grade, a key of `GRADES` → subjects; None where nobody recorded whether the events are of the class.
    total, words
        Subjects in the denominator, and who they are.
    """

    parameter: str
    at: Mapping[str, str]
    subjects: Mapping[str, int] | None
    total: int
    words: str


@dataclass(frozen=True)
class Population:
    """Whose events are counted.

    Attributes
    ----------
    members
        The subjects of the denominator.
    periods
        Boundaries of each.
    emergence
        Which events are counted.
    words
        Who they are.
    """

    members: Mapping[str, Subject]
    periods: Mapping[str, Periods] = field(repr=False)
    emergence: Emergence
    words: str


def of_classes(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each event and class that it is of: `parameter`, and `cause` where it is one of its causes."""
    related = rows.filter(pl.col("attribution") != NONE)
    parts = [
        rows.with_columns(parameter=pl.lit("ae_any"), cause=None),
        rows.filter("serious").with_columns(parameter=pl.lit("ae_serious"), cause=None),
        rows.filter("immune_related").with_columns(parameter=pl.lit("ae_immune_related"), cause=None),
        related.with_columns(parameter=pl.lit("ae_related"), cause=None),
        related.with_columns(parameter=pl.lit("ae_related"), cause=pl.col("attribution").str.split(";")).explode(
            "cause"
        ),
    ]
    return pl.concat([part.with_columns(pl.col("cause").cast(pl.String)) for part in parts])


def classes(events: pl.DataFrame) -> list[tuple[str, str | None]]:
    """Return every class, those without an event too, and every cause that an event has, from `of_classes`."""
    causes = sorted(events["cause"].drop_nulls().unique())
    return [*((name, None) for name in FLAGS), *(("ae_related", cause) for cause in causes)]


def not_recorded(rows: pl.DataFrame, parameter: str) -> tuple[bool, str]:
    """Return whether no event says if it is of a class, and in words how many do not."""
    flag = FLAGS[parameter]
    without = rows.clear() if flag is None else rows.filter(pl.col(flag).is_null())
    if without.is_empty():
        return False, ""
    events, subjects = without.height, without["subject"].n_unique()
    told = f"; not recorded of {plural(events, 'event')} of {plural(subjects, 'subject')}"
    return events == rows.height, told


def event_counts(rows: pl.DataFrame, population: Population) -> Iterator[Count]:
    """Yield the counts of each class, over all days and by period, and within it of systems and terms.

    By period, systems and terms are counted of any event alone. A period that nobody can have a counted event in, such
    as that before the first dose, has no count.

    Parameters
    ----------
    rows
        Events of the population that count, of table `adverse_event_rows`.
    population
        Whom they are counted over.
    """
    events = of_classes(rows)
    every = classes(events)
    yield from _of_span(rows, events, every, {}, len(population.members), population.words)
    spans = pl.col("period").fill_null(NO_PERIOD)
    for period in (*PERIODS, NO_PERIOD):
        within = rows.filter(spans == period)
        total, words = _reached(period, within, population)
        if within.is_empty() and (period == NO_PERIOD or (period in BEFORE and not total)):
            continue
        own = events.filter(spans == period)
        for count in _of_span(within, own, every, {"period": period}, total, words):
            if count.parameter == "ae_any" or not {"soc", "term"} & set(count.at):
                yield count


def _of_span(
    rows: pl.DataFrame,
    events: pl.DataFrame,
    every: list[tuple[str, str | None]],
    span: Mapping[str, str],
    total: int,
    words: str,
) -> Iterator[Count]:
    """Yield the counts of each class of one span of time, each with its systems and terms behind it."""
    nobody = dict.fromkeys(GRADES, 0)
    whole = _worst(events, [])
    parts: dict[Key, list[tuple[Row, Mapping[str, int]]]] = {}
    for names in (["soc"], ["soc", "term"]):
        for (name, cause, *texts), counts in _worst(events, names).items():
            at = {key: text for key, text in zip(names, texts, strict=True) if text is not None}
            if at:
                parts.setdefault((name, cause), []).append((at, counts))
    for name, cause in every:
        none, told = not_recorded(rows, name)
        at = {**span, **({} if cause is None else {"attribution": cause})}
        one = Count(name, at, None if none else whole.get((name, cause), nobody), total, words + told)
        yield one
        for further, counts in parts.get((name, cause), ()):
            yield replace(one, at=at | further, subjects=counts)


def _worst(events: pl.DataFrame, names: list[str]) -> dict[Key, Mapping[str, int]]:
    """Return the subjects of each class, and system or term, by worst grade."""
    by = [*CLASS, *(WORDS[name] for name in names)]
    worst = events.group_by(*by, "subject").agg(pl.col("grade").max())
    counts = worst.group_by(by).agg(
        pl.col("grade").is_between(low, high).sum().alias(grade) for grade, (low, high) in GRADES.items()
    )
    ordered = counts.sort(by, nulls_last=True)
    return {tuple(row[: len(by)]): dict(zip(GRADES, row[len(by) :], strict=True)) for row in ordered.iter_rows()}


def _reached(period: str, rows: pl.DataFrame, population: Population) -> tuple[int, str]:
    """Return how many subjects reached a period, and that in words.

    Before the infusion only those whose day of lymphodepletion is known have a period, and only those whose first dose
    does not lie behind it can have an emergent event. From the infusion on, one who was not infused is out. One whose
    follow-up is not known stays in, since leaving it out would raise every share; so does one with an event in the
    period.
    """
    members, words = population.members, population.words
    if period == NO_PERIOD:
        return len(members), words
    here = set(rows["subject"].to_list())
    reached = [name in here or _at_risk(period, one, population.periods[name], population.emergence)
               for name, one in members.items()]  # fmt: skip
    known = any(one.last_day is not None or one.infused is not None for one in members.values())
    of_these = []
    if period in BEFORE and any(population.periods[name].lymphodepletion_day is None for name in members):
        of_these.append("with a day of lymphodepletion")
    if period != "screening" and known:
        of_these.append(f"{'' if period in BEFORE else 'infused and '}followed on the first day of the period")
    return sum(reached), f"{words}; of these, {' and '.join(of_these)}" if of_these else words


def _at_risk(period: str, one: Subject, bounds: Periods, emergence: Emergence) -> bool:
    """Tell whether an event of the subject could be counted in the period, as far as that is known."""
    starts = {
        "screening": bounds.start_day - 1,
        "lymphodepletion": bounds.start_day,
        "infusion": 0,
        "follow_up_30": bounds.infusion_end_day + 1,
        "later": bounds.follow_up_end_day + 1,
    }
    followed = one.last_day is None or one.last_day >= starts[period]
    if period in BEFORE:
        last = bounds.start_day - 1 if period == "screening" else -1
        emergent = emergence == "all" or one.first_dose <= last
        return bounds.lymphodepletion_day is not None and emergent and followed
    return one.infused is not False and followed
