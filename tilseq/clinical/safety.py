"""Safety: how many subjects had which adverse events, how badly, and when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tilseq.clinical.adverse_events import FATAL, Emergence, event_rows
from tilseq.clinical.event_times import DAYS_PER_MONTH, event_times, times_at_risk
from tilseq.clinical.periods import PERIODS, Periods, periods_of
from tilseq.clinical.treated import Subject, subjects_of
from tilseq.intervals import clopper_pearson, poisson
from tilseq.tables import as_polars
from tilseq.tables.qualifiers import qualifier_text
from tilseq.tables.safety import ADVERSE_EVENT_RATES
from tilseq.tables.summaries import SUMMARIES

POPULATION, EVERYBODY = "treated", "all"
GRADES = {**{str(grade): (grade, grade) for grade in range(1, 6)}, "any": (1, 5), "3-4": (3, 4)}
FEW_GRADES = ("any", "3-4", "5")
RATED = {"any": 1, "3-5": 3}  # grade → the least that is an event of the rate
SHARE = "subjects by worst grade; exact interval (Clopper-Pearson)"
RATE = "first events as a Poisson count; exact interval (Garwood)"
NO_PERIOD = "unknown"

Row = dict[str, Any]


@dataclass(frozen=True)
class Safety:
    """What `safety` finds.

    Attributes
    ----------
    rows
        Table `adverse_event_rows`: every recorded event, by subject and day.
    summaries
        Table `summaries`. Parameters `ae_any`, `ae_serious`, `ae_immune_related` and `ae_related` are shares of
        subjects by worst grade, with qualifiers `grade` (`1` to `5`, `any`, `3-4`: a subject stands in one of 1 to 5,
        that of its worst event), and where they apply `period`, `soc`, `term`, `attribution`.
    rates
        Table `adverse_event_rates`: events, and subjects with a first event per 100 person-months at risk (qualifier
        `grade`: `any` or `3-5`). Without follow-up there is no time at risk, and no rate.
    times
        Table `adverse_event_times`: see `event_times`.
    """

    rows: pl.DataFrame
    summaries: pl.DataFrame
    rates: pl.DataFrame
    times: pl.DataFrame


def safety(
    adverse_events: Any,
    *,
    subjects: Any,
    infusions: Any = None,
    followup: Any = None,
    emergence: Emergence = "from_first_dose",
    il2_end: Mapping[str, int] | None = None,
    refused: Collection[str] = (),
) -> Safety:
    """Count subjects by adverse event and worst grade, and give rates and times.

    Subjects are counted, not events: each once a term, system or class, with its worst grade. The denominator is every
    subject treated (infused, or with a first dose), with or without an event; of a period, those of them who were
    infused (from the infusion on) and still followed on its first day, as far as that is known. Serious and
    immune-related events are those flagged so; a missing flag is no flag, and the reason of its row says so. An event
    belongs to the period it begins in.

    Parameters
    ----------
    adverse_events
        Table `adverse_events`; further columns pass through.
    subjects
        Table `subjects`. More than one `arm` gives each arm its rows beside `all`.
    infusions
        Table `infusions`; without it a first dose or a day of lymphodepletion tells who was treated.
    followup
        Table `followup`: ends the time at risk; a death must stand behind every grade 5, else its row says so.
    emergence
        Whether events that began before the first dose are counted: `from_first_dose` (they are not) or `all`.
    il2_end
        Subject → day of the last dose of IL-2; see `periods_of`.
    refused
        Subjects whose records cannot be used, unknown ones too: they are in no count and no denominator, which says how
        many they are.

    Returns
    -------
    Safety
        Four frames.

    Raises
    ------
    StudyError
        Events of unknown subjects, or that end before they begin.
    TableError
        A table breaks its registry, or nobody was treated.
    """
    known = as_polars(subjects)
    sound = ~pl.col("subject").is_in(list(refused))
    adverse_events, subjects = as_polars(adverse_events).filter(sound), known.filter(sound)
    people, words = subjects_of(subjects, infusions, followup)
    words += _refused_in_words(set(refused), set(known["subject"].to_list()))
    periods = periods_of(subjects, infusions, il2_end=il2_end)
    rows = event_rows(adverse_events, people, periods, emergence=emergence, followup_known=followup is not None)
    counted = rows.filter("counted")
    treated = {name: subject for name, subject in people.items() if subject.treated}
    arms = sorted({subject.arm for subject in treated.values() if subject.arm is not None})
    shares: list[Row] = []
    rates: list[Row] = []
    for group in [EVERYBODY, *(arms if len(arms) > 1 else [])]:
        members = {name: one for name, one in treated.items() if group in (EVERYBODY, one.arm)}
        own = counted.filter(pl.col("subject").is_in(list(members)))
        start = {"population": POPULATION, "group": group if group == EVERYBODY else f"arm={group}"}
        shares += [start | row for row in _shares(own, members, words, periods)]
        rates += [start | row for row in _rates(own, members, known=followup is not None)]
    times = event_times(rows if followup is not None else rows.clear(), people)
    return Safety(rows, SUMMARIES.frame(shares), ADVERSE_EVENT_RATES.frame(rates), times)


def _refused_in_words(refused: set[str], known: set[str]) -> str:
    left_out, strangers = len(refused & known), len(refused - known)
    told = f"; left out for faulty records: {left_out}" if left_out else ""
    return told + (f"; events of {strangers} unknown subjects left out" if strangers else "")


def classes_of(rows: pl.DataFrame) -> Iterator[tuple[str, Row, pl.DataFrame]]:
    """Yield each class of events: the name of its parameter, its further qualifiers, and its rows."""
    causes = pl.col("attribution").str.split(";")
    yield "ae_any", {}, rows
    yield "ae_serious", {}, rows.filter(pl.col("serious").fill_null(False))
    yield "ae_immune_related", {}, rows.filter(pl.col("immune_related").fill_null(False))
    related = rows.filter(pl.col("attribution") != "none")
    yield "ae_related", {}, related
    for cause in sorted(set(related["attribution"].str.split(";").explode().to_list())):
        yield "ae_related", {"attribution": cause}, related.filter(causes.list.contains(cause))


def _shares(
    rows: pl.DataFrame, members: Mapping[str, Subject], words: str, periods: Mapping[str, Periods]
) -> list[Row]:
    """Return the shares of subjects by class and grade, by system and term, and by period."""
    counts: list[Row] = []
    for name, further, part in classes_of(rows):
        counts += _by_grade(name, further, part, tuple(GRADES), len(members), words)
        counts += _by_words(name, further, part, tuple(GRADES) if name == "ae_any" else FEW_GRADES, len(members), words)
    for period in (*PERIODS, NO_PERIOD):
        within = rows.filter(pl.col("period").fill_null(NO_PERIOD) == period)
        total, text = _reached(period, within, members, periods, words)
        for name, further, part in classes_of(within):
            if period != NO_PERIOD or part.height:
                counts += _by_grade(name, further | {"period": period}, part, FEW_GRADES, total, text)
        counts += _by_words("ae_any", {"period": period}, within, FEW_GRADES, total, text)
    return _with_intervals(counts)


def _by_words(name: str, at: Row, rows: pl.DataFrame, grades: Sequence[str], total: int, text: str) -> Iterator[Row]:
    """Yield the shares of each system and of each of its terms."""
    for named, part in _parts(rows):
        yield from _by_grade(name, at | named, part, grades, total, text)


def _parts(rows: pl.DataFrame) -> Iterator[tuple[Row, pl.DataFrame]]:
    """Yield the rows of each system that has a name, and of each of its terms, with what names them."""
    for by in (["soc"], ["soc", "term"]):
        for words, part in rows.partition_by(by, as_dict=True, maintain_order=True).items():
            named = {key: word for key, word in zip(by, words, strict=True) if word is not None}
            if named:
                yield named, part


def _by_grade(name: str, at: Row, rows: pl.DataFrame, grades: Sequence[str], total: int, text: str) -> Iterator[Row]:
    worst = rows.group_by("subject").agg(pl.col("grade").max())["grade"]
    for grade in grades:
        low, high = GRADES[grade]
        yield {
            "parameter": name,
            "qualifier": qualifier_text(at | {"grade": grade}),
            "numerator": worst.is_between(low, high).sum(),
            "denominator": total,
            "denominator_text": text,
            "method": SHARE,
        }


def _reached(
    period: str, rows: pl.DataFrame, members: Mapping[str, Subject], periods: Mapping[str, Periods], words: str
) -> tuple[int, str]:
    """Return how many subjects reached a period, and that in words.

    From the infusion on, one who was not infused is out. One whose follow-up is not known stays in, since leaving it
    out would raise every share; so does one with an event in the period.
    """
    starts: dict[str, Callable[[Periods], int]] = {
        "lymphodepletion": lambda one: one.start_day,
        "infusion": lambda _: 0,
        "follow_up_30": lambda one: one.infusion_end_day + 1,
        "later": lambda one: one.follow_up_end_day + 1,
    }
    if period not in starts or all(one.last_day is None and one.infused is None for one in members.values()):
        return len(members), words
    here = set(rows["subject"].to_list())
    reached = 0
    for name, one in members.items():
        begun = period == "lymphodepletion" or one.infused is not False
        followed = one.last_day is None or one.last_day >= starts[period](periods[name])
        reached += name in here or (begun and followed)
    what = "" if period == "lymphodepletion" else "infused and "
    return reached, f"{words}; of these, {what}followed on the first day of the period"


def _with_intervals(counts: list[Row]) -> list[Row]:
    """Return the rows with the share and its exact interval; none where nobody is in the denominator."""
    lower, upper = clopper_pearson([row["numerator"] for row in counts], [row["denominator"] for row in counts])
    for row, low, high in zip(counts, lower.tolist(), upper.tolist(), strict=True):
        if row["denominator"]:
            row |= {"estimate": row["numerator"] / row["denominator"], "lower": low, "upper": high}
    return counts


def _rates(rows: pl.DataFrame, members: Mapping[str, Subject], *, known: bool) -> Iterator[Row]:
    """Yield events and rates: of each class from a least grade on, and of each system and term."""
    selections = [
        (name, further | {"grade": grade}, part.filter(pl.col("grade") >= least))
        for name, further, part in classes_of(rows)
        for grade, least in RATED.items()
    ]
    selections += [("ae_any", named | {"grade": "any"}, part) for named, part in _parts(rows)]
    for name, at, part in selections:
        row = {
            "parameter": name,
            "qualifier": qualifier_text(at),
            "events": part.height,
            "subjects": part["subject"].n_unique(),
        }
        yield row | (_rate(part, members) if known else {})


def _rate(rows: pl.DataFrame, members: Mapping[str, Subject]) -> Row:
    risk = times_at_risk(rows, members)
    months = sum(days for days, _ in risk.values()) / DAYS_PER_MONTH
    if not months:
        return {"subjects_at_risk": 0, "person_months": 0.0}
    first = sum(event for _, event in risk.values())
    lower, upper = (100 * float(limit) / months for limit in poisson(first))
    return {
        "subjects_at_risk": len(risk),
        "person_months": months,
        "rate_per_100_person_months": 100 * first / months,
        "lower": lower,
        "upper": upper,
        "method": RATE,
    }


def fatal_without_death(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of grade 5 that the follow-up does not bear out, from table `adverse_event_rows`."""
    return rows.filter(pl.col("grade") == FATAL, pl.col("reason").str.contains("grade 5").fill_null(False))
