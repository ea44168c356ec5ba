"""Rates of first adverse events over the time at risk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from tilseq.clinical.event_counts import FLAGS, WORDS, classes, not_recorded, of_classes
from tilseq.clinical.event_times import times_at_risk
from tilseq.clinical.treated import Subject
from tilseq.intervals import poisson
from tilseq.tables import Row
from tilseq.tables.qualifiers import qualifier_text

DAYS_PER_MONTH = 30.4375
RATED = {"any": 1, "3-5": 3}  # grade → the least that is an event of the rate
RATE = "first events as a Poisson count; exact interval (Garwood)"


def event_rates(rows: pl.DataFrame, members: Mapping[str, Subject], words: str) -> Iterator[Row]:
    """Yield rows of `adverse_event_rates` without population and group.

    Of each class from a least grade on, and of each system and term. At risk is who has a known follow-up, with an
    event or without: to count the others' events alone would raise the rate.

    Parameters
    ----------
    rows
        Events of the members that count, of table `adverse_event_rows`.
    members
        The subjects of the denominator.
    words
        Who they are.
    """
    events = of_classes(rows)
    selections = [
        (name, {} if cause is None else {"attribution": cause}, grade, _of(events, name, cause, least))
        for name, cause in classes(events)
        for grade, least in RATED.items()
    ]
    selections += [("ae_any", named, "any", part) for named, part in _parts(rows)]
    followed = sum(one.last_day is not None for one in members.values())
    told = f"{words}; of these, {followed} of {len(members)} with a known follow-up"
    without_event = {name: days for name, (days, _) in times_at_risk(rows.clear(), members).items()}
    for name, at, grade, part in selections:
        none, without = not_recorded(rows, name)
        row = {
            "parameter": name,
            "qualifier": qualifier_text(at | {"grade": grade}),
            "denominator_text": told + without,
        }
        if FLAGS[name] is None or not none:
            counts = {"events": part.height, "subjects": part["subject"].n_unique()}
            yield row | counts | _rate(part, members, without_event)


def _of(events: pl.DataFrame, name: str, cause: str | None, least: int) -> pl.DataFrame:
    own = pl.col("cause").is_null() if cause is None else pl.col("cause") == cause
    return events.filter(own, pl.col("grade") >= least, parameter=name)


def _parts(rows: pl.DataFrame) -> Iterator[tuple[Row, pl.DataFrame]]:
    """Yield the rows of each system that has a name, and of each of its terms, with what names them."""
    for names in (["soc"], ["soc", "term"]):
        by = [WORDS[name] for name in names]
        for texts, part in rows.sort(by, nulls_last=True).partition_by(by, as_dict=True, maintain_order=True).items():
            named = {key: text for key, text in zip(names, texts, strict=True) if text is not None}
            if named:
                yield named, part


def _rate(rows: pl.DataFrame, members: Mapping[str, Subject], without_event: Mapping[str, int]) -> Row:
    """Return a rate; `without_event` holds the days at risk of each subject had it no event."""
    with_event = times_at_risk(rows, {name: members[name] for name in rows["subject"].unique()})
    shorter = sum(without_event[name] - days for name, (days, _) in with_event.items())
    months = (sum(without_event.values()) - shorter) / DAYS_PER_MONTH
    first = len(with_event)
    counts = {"subjects_at_risk": len(without_event), "first_events": first, "person_months": months}
    if not months:
        return counts
    lower, upper = (100 * float(limit) / months for limit in poisson(first))
    return counts | {"rate_per_100_person_months": 100 * first / months, "lower": lower, "upper": upper, "method": RATE}
