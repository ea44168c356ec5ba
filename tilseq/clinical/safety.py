"""Safety: how many subjects had which adverse events, how badly, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tilseq.clinical.adverse_events import FATAL, Emergence, event_rows
from tilseq.clinical.event_times import DAYS_PER_MONTH, event_times, times_at_risk
from tilseq.clinical.periods import PERIODS, Periods, periods_of
from tilseq.clinical.treated import Subject, subjects_of
from tilseq.intervals import clopper_pearson, poisson
from tilseq.tables.qualifiers import qualifier_text

SUMMARIES = {
    **dict.fromkeys(("population", "group", "parameter", "qualifier"), pl.String()),
    **dict.fromkeys(("numerator", "denominator"), pl.Float64()),
    "denominator_text": pl.String(),
    **dict.fromkeys(("estimate", "lower", "upper"), pl.Float64()),
    "method": pl.String(),
}
POPULATION, EVERYBODY = "treated", "all"
GRADES = {**{str(grade): (grade, grade) for grade in range(1, 6)}, "any": (1, 5), "3-4": (3, 4)}
FEW_GRADES = ("any", "3-4", "5")
RATED = {"any": 1, "3-5": 3}  # grade → the least that is an event of the rate
SHARE = "subjects by worst grade; exact interval (Clopper-Pearson)"
RATE = "subjects with a first event per 100 person-months at risk; exact interval (Poisson)"
EVENTS = "events a subject"
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
        Rows of `summaries`. Parameters `ae_any`, `ae_serious`, `ae_immune_related` and `ae_related` are shares of
        subjects by worst grade, with qualifiers `grade` (`1` to `5`, `any`, `3-4`: a subject stands in one of 1 to 5,
        that of its worst event), and where they apply `period`, `soc`, `term`, `attribution`. Those that end in
        `_rate` are subjects with a first event per 100 person-months at risk (qualifier `grade`: `any` or `3-5`);
        there are none without follow-up. `ae_events` counts events.
    times
        Rows of `time_to_event`: see `event_times`.
    """

    rows: pl.DataFrame
    summaries: pl.DataFrame
    times: pl.DataFrame


def safety(
    adverse_events: Any,
    *,
    subjects: Any,
    infusions: Any = None,
    followup: Any = None,
    emergence: Emergence = "from_first_dose",
    il2_end: Mapping[str, int] | None = None,
) -> Safety:
    """Count subjects by adverse event and worst grade, and give rates and times.

    Subjects are counted, not events: each once a term, system or class, with its worst grade. The denominator is every
    subject treated (infused, or with a first dose), with or without an event; of a period, those of them who were
    still followed on its first day, where there is a follow-up. Serious and immune-related events are those flagged so;
    a missing flag is no flag, and the row's reason says so. An event belongs to the period it begins in.

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

    Returns
    -------
    Safety
        Three frames.

    Raises
    ------
    StudyError
        Events of unknown subjects, or that end before they begin.
    TableError
        A table breaks its registry, or nobody was treated.
    """
    people, words = subjects_of(subjects, infusions, followup)
    periods = periods_of(subjects, infusions, il2_end=il2_end)
    rows = event_rows(
        adverse_events, people, periods, emergence=emergence, followup_known=followup is not None
    )
    counted = rows.filter("counted")
    treated = {name: subject for name, subject in people.items() if subject.treated}
    arms = sorted({subject.arm for subject in treated.values() if subject.arm is not None})
    found: list[Row] = []
    for group in [EVERYBODY, *(arms if len(arms) > 1 else [])]:
        members = {name: one for name, one in treated.items() if group in (EVERYBODY, one.arm)}
        own = counted.filter(pl.col("subject").is_in(list(members)))
        start = {"population": POPULATION, "group": group}
        found += [start | row for row in _shares(own, members, words, periods, followup is not None)]
        found += [start | row for row in _events(own, len(members), words)]
        if followup is not None:
            found += [start | row for row in _rates(own, members, words)]
    summaries = pl.DataFrame(found, schema=SUMMARIES, infer_schema_length=None)
    times = event_times(rows if followup is not None else rows.clear(), people)
    return Safety(rows, summaries.sort("group", "parameter", "qualifier", nulls_last=True, maintain_order=True), times)


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
    rows: pl.DataFrame, members: Mapping[str, Subject], words: str, periods: Mapping[str, Periods], followed: bool
) -> list[Row]:
    """Return the shares of subjects: by class and grade, by system and term, and each of these by period."""
    counts: list[Row] = []
    scopes = [(None, rows), *((period, rows.filter(pl.col("period") == period)) for period in PERIODS)]
    scopes += [(NO_PERIOD, rows.filter(pl.col("period").is_null()))]
    for period, within in scopes:
        if period == NO_PERIOD and within.is_empty():
            continue
        if period in (None, NO_PERIOD):
            total, text = len(members), words
        else:
            total, text = _reached(str(period), members, periods, followed, words)
        at = {} if period is None else {"period": period}
        for name, further, part in classes_of(within):
            grades = tuple(GRADES) if period is None or name == "ae_any" else FEW_GRADES
            counts += _by_grade(name, at | further, part, grades, total, text)
            for by in (["soc"], ["soc", "term"]):
                counts += _by_words(name, at | further, part, by, total, text, whole=period is None)
    return _with_intervals(counts)


def _by_words(
    name: str, at: Row, rows: pl.DataFrame, by: list[str], total: int, text: str, *, whole: bool
) -> Iterator[Row]:
    """Yield the shares of each system, or of each of its terms; all grades only for any event of the whole time."""
    grades = tuple(GRADES) if whole and name == "ae_any" else FEW_GRADES
    for words, part in rows.partition_by(by, as_dict=True, maintain_order=True).items():
        named = {key: word for key, word in zip(by, words, strict=True) if word is not None}
        if len(by) > 1 or named:
            yield from _by_grade(name, at | named, part, grades, total, text)


def _by_grade(
    name: str, at: Row, rows: pl.DataFrame, grades: Sequence[str], total: int, text: str
) -> Iterator[Row]:
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
    period: str, members: Mapping[str, Subject], periods: Mapping[str, Periods], followed: bool, words: str
) -> tuple[int, str]:
    """Return how many subjects reached a period, and that in words."""
    if not followed or period == "screening":
        return len(members), words
    starts = {
        "lymphodepletion": lambda one: one.start_day,
        "infusion": lambda _: 0,
        "follow_up_30": lambda one: one.infusion_end_day + 1,
        "later": lambda one: one.follow_up_end_day + 1,
    }
    # One whose follow-up is not known stays in: leaving it out would raise every share.
    reached = sum(
        one.last_day is None or one.last_day >= starts[period](periods[name]) for name, one in members.items()
    )
    return reached, f"{words}; of these, followed on the first day of the period"


def _with_intervals(counts: list[Row]) -> list[Row]:
    """Return the rows with the share and its exact interval; none where nobody is in the denominator.

    An event of a period that follow-up says was not reached widens the denominator by its subject.
    """
    for row in counts:
        row["denominator"] = max(row["denominator"], row["numerator"])
    lower, upper = clopper_pearson([row["numerator"] for row in counts], [row["denominator"] for row in counts])
    for row, low, high in zip(counts, lower.tolist(), upper.tolist(), strict=True):
        if row["denominator"]:
            row |= {"estimate": row["numerator"] / row["denominator"], "lower": low, "upper": high}
    return counts


def _events(rows: pl.DataFrame, total: int, words: str) -> Iterator[Row]:
    for by in ([], ["soc"], ["soc", "term"]):
        parts = rows.partition_by(by, as_dict=True, maintain_order=True) if by else {(): rows}
        for names, part in parts.items():
            named = {key: word for key, word in zip(by, names, strict=True) if word is not None}
            if named or len(by) != 1:
                yield {
                    "parameter": "ae_events",
                    "qualifier": qualifier_text(named),
                    "numerator": part.height,
                    "denominator": total,
                    "denominator_text": words,
                    "estimate": part.height / total,
                    "method": EVENTS,
                }


def _rates(rows: pl.DataFrame, members: Mapping[str, Subject], words: str) -> list[Row]:
    """Return the rates: of each class from a least grade on, and of each term."""
    selections = [
        (name, further | {"grade": grade}, part.filter(pl.col("grade") >= least))
        for name, further, part in classes_of(rows)
        for grade, least in RATED.items()
    ]
    for (soc, term), part in rows.partition_by("soc", "term", as_dict=True, maintain_order=True).items():
        named = {"term": term} | ({} if soc is None else {"soc": soc})
        selections.append(("ae_any", named | {"grade": "any"}, part))
    found: list[Row] = []
    for name, at, part in selections:
        risk = times_at_risk(part, members)
        events, months = sum(event for _, event in risk.values()), sum(d for d, _ in risk.values()) / DAYS_PER_MONTH
        if not months:
            continue
        lower, upper = (100 * float(limit) / months for limit in poisson(events))
        found.append(
            {
                "parameter": f"{name}_rate",
                "qualifier": qualifier_text(at),
                "numerator": events,
                "denominator": months,
                "denominator_text": f"person-months at risk of {len(risk)} of {len(members)} {words}",
                "estimate": 100 * events / months,
                "lower": lower,
                "upper": upper,
                "method": RATE,
            }
        )
    return found


def fatal_without_death(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of grade 5 that the follow-up does not bear out, from table `adverse_event_rows`."""
    return rows.filter(pl.col("grade") == FATAL, pl.col("reason").str.contains("grade 5").fill_null(False))
