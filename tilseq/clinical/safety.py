"""Safety: how many subjects had which adverse events, how badly, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import polars as pl

from tilseq.clinical.adverse_events import FATAL, NOT_COUNTED, OF_FATAL, Emergence, event_rows
from tilseq.clinical.arms import EVERYBODY, with_exact_limits
from tilseq.clinical.data_cut import up_to_data_cut
from tilseq.clinical.event_counts import GRADES, Count, Population, event_counts
from tilseq.clinical.event_rates import event_rates
from tilseq.clinical.event_table import event_table
from tilseq.clinical.event_times import event_estimates, event_times
from tilseq.clinical.periods import periods_of
from tilseq.clinical.treated import subjects_of
from tilseq.errors import TilseqError, plural, refuse_unknown
from tilseq.tables import Row
from tilseq.tables.qualifiers import qualifier_text
from tilseq.tables.safety import ADVERSE_EVENT_RATES, ADVERSE_EVENT_TABLE

POPULATION = "treated"
FEW_GRADES = ("any", "3-4", "3-5", "5")
SHARE = "subjects by worst grade; exact interval (Clopper-Pearson)"


@dataclass(frozen=True)
class Safety:
    """What `safety` finds.

    Attributes
    ----------
    rows
        Table `adverse_event_rows`: every recorded event, by subject and day.
    summaries
        Table `summaries`. Parameters `ae_any`, `ae_serious`, `ae_immune_related` and `ae_related` are shares of
        subjects by worst grade, with qualifiers `grade` (`1` to `5`, `any`, `3-4`, `3-5`: a subject stands in one of 1
        to 5, that of its worst event), and where they apply `period`, `soc`, `term`, `attribution`.
    table
        Table `adverse_event_table`: the same of any event, a row a system or term and a column a grade.
    rates
        Table `adverse_event_rates`: events, and subjects with a first event per 100 person-months at risk (qualifier
        `grade`: `any` or `3-5`). Without follow-up there is no time at risk, and no rate.
    times
        Table `adverse_event_times`: see `event_times`.
    estimates
        Table `adverse_event_estimates`: see `event_estimates`.
    """

    rows: pl.DataFrame
    summaries: pl.DataFrame
    table: pl.DataFrame
    rates: pl.DataFrame
    times: pl.DataFrame
    estimates: pl.DataFrame


def safety(
    adverse_events: Any,
    *,
    subjects: Any,
    infusions: Any = None,
    followup: Any = None,
    emergence: Emergence = "from_first_dose",
    il2_end: Mapping[str, int] | None = None,
    unread: Sequence[TilseqError] = (),
) -> Safety:
    """Count subjects by adverse event and worst grade, and give rates and times.

    Subjects are counted, not events: each once a term, system or class, with its worst grade. The denominator is every
    subject treated (infused, or with a first dose), with or without an event; of a period, those of them who were
    infused (from the infusion on) and still followed on its first day, as far as that is known. Serious and
    immune-related events are those flagged so. Where no event says whether it is of a class the class has no number;
    where some do not, the words of the denominator say how many. An event belongs to the period it begins in.

    A row that cannot be used (no known subject, no term, no grade) is listed and not counted, the words of every
    denominator say how many there are, and its subject stays in; see `event_rows`.

    Parameters
    ----------
    adverse_events
        Table `adverse_events`; further columns pass through.
    subjects
        Table `subjects`. More than one `arm` gives each arm its rows beside `all`.
    infusions
        Table `infusions`; without it a first dose or a day of lymphodepletion tells who was treated.
    followup
        Table `followup`: ends the time at risk; a death must stand behind every grade 5, else its row says so. What
        begins after the subject's `data_cut_day` is not counted, and who was treated after it only was not treated.
    emergence
        Whether events that began before the first dose are counted: `from_first_dose` (they are not) or `all`.
    il2_end
        Subject → day of the last dose of IL-2; see `periods_of`.
    unread
        What a reader could not read of the table, with row and column.

    Returns
    -------
    Safety
        Six frames.

    Raises
    ------
    TableError
        A table breaks its registry, or nobody was treated.
    StudyError
        A subject's lymphodepletion does not begin before day 0, or its first dose is after it.
    AnalysisError
        There is no such setting.
    """
    refuse_unknown("emergence", emergence, get_args(Emergence))
    people, words = subjects_of(subjects, infusions, followup)
    given = None if infusions is None else up_to_data_cut(infusions, followup)
    periods = periods_of(subjects, given, il2_end=il2_end)
    followed = followup is not None
    rows = event_rows(adverse_events, people, periods, emergence=emergence, followup_known=followed, unread=unread)
    treated = {name: subject for name, subject in people.items() if subject.treated}
    whole = Population(treated, periods, emergence, words + _unusable_in_words(rows))
    times = event_times(rows, people)
    return Safety(rows, *_of_groups(rows.filter("counted"), whole), times, event_estimates(times, people))


def _of_groups(counted: pl.DataFrame, whole: Population) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return shares, the wide table and rates of everybody, and of each arm where there is more than one."""
    arms = sorted({subject.arm for subject in whole.members.values() if subject.arm is not None})
    shares: list[Row] = []
    table: list[Row] = []
    rates: list[Row] = []
    for group in [EVERYBODY, *(arms if len(arms) > 1 else [])]:
        members = {name: one for name, one in whole.members.items() if group in (EVERYBODY, one.arm)}
        own = counted.filter(pl.col("subject").is_in(list(members)))
        start = {"population": POPULATION, "group": group if group == EVERYBODY else f"arm={group}"}
        counts = list(event_counts(own, replace(whole, members=members)))
        shares += [start | row for row in _shares(counts)]
        table += [start | row for row in event_table(counts)]
        rates += [start | row for row in event_rates(own, members, whole.words)]
    return with_exact_limits(shares), ADVERSE_EVENT_TABLE.frame(table), ADVERSE_EVENT_RATES.frame(rates)


def fatal_without_death(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of grade 5 that the follow-up does not bear out, from table `adverse_event_rows`."""
    return rows.filter(pl.col("grade") == FATAL, pl.col("reason").str.contains(OF_FATAL))


def _unusable_in_words(rows: pl.DataFrame) -> str:
    """Return how many rows are not counted for a fault, in words."""
    faulty = rows.filter(pl.col("reason").str.contains(f"{NOT_COUNTED}no ", literal=True)).height
    return f"; {plural(faulty, 'event')} not counted for faulty records" if faulty else ""


def _shares(counts: Sequence[Count]) -> list[Row]:
    """Return a row a count and grade; no number where none was recorded."""
    rows: list[Row] = []
    for count in counts:
        whole = count.parameter == "ae_any" or not ({"soc", "term", "period"} & set(count.at))
        for grade in GRADES if whole and "period" not in count.at else FEW_GRADES:
            rows.append(
                {
                    "parameter": count.parameter,
                    "qualifier": qualifier_text({**count.at, "grade": grade}),
                    "numerator": None if count.subjects is None else count.subjects[grade],
                    "denominator": count.total,
                    "denominator_text": count.words,
                    "method": SHARE,
                }
            )
    return rows
