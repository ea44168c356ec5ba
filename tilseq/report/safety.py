"""Adverse events: subjects by system, term and worst grade, by period, rates, and the listing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.rates import rate_cell
from tilseq.report.results import Results
from tilseq.report.view import Cell, Head, View, count, filled, measured, text
from tilseq.report.words import DASH, interval, plural

Row = dict[str, Any]

CLASSES = {
    "ae_any": "Any adverse event",
    "ae_serious": "Serious",
    "ae_immune_related": "Immune-related",
    "ae_related": "Related to the treatment",
}
GRADES = {"any": "Any grade", "3-4": "Grade 3–4", "5": "Grade 5"}
PERIODS = {
    "screening": "before",
    "lymphodepletion": "lymphodepletion",
    "infusion": "infusion, IL-2",
    "follow_up_30": "30 days after",
    "later": "later",
    "unknown": "not known",
}
NOT_CODED = "not coded"
WORDS = ("soc", "term")


def adverse_events(results: Results) -> View:
    """Return subjects by class of events, each with its worst grade."""
    found = _counted(results, lambda at: not {"period", *WORDS} & set(at))
    heads = [Head("Adverse events"), *(Head(words, "% (limits)", True) for words in GRADES.values())]
    rows = [
        [Cell(_class(name, at), kind="name"), *(rate_cell(own.get(grade)) for grade in GRADES)]
        for (name, at), own in found.items()
    ]
    empty = results.nothing("adverse_event_rows", f"No adverse event was recorded.{_why(results)}")
    return View("Subjects with adverse events, by worst grade", heads, rows, empty, "tables/summaries.csv")


def by_term(results: Results) -> View:
    """Return the same by system, each with its terms behind it, the commonest first."""
    found = _counted(results, lambda at: "period" not in at and bool(set(WORDS) & set(at)))
    heads = [Head("System"), Head("Adverse event"), *(Head(words, "% (limits)", True) for words in GRADES.values())]
    rows = [
        [
            Cell(at.get("soc", NOT_CODED), kind="name"),
            Cell(at.get("term", "any")),
            *(rate_cell(own.get(grade)) for grade in GRADES),
        ]
        for at, own in _in_order(found)
    ]
    empty = results.nothing("adverse_event_rows", "No adverse event was recorded.")
    return View("Subjects by system, term and worst grade", heads, rows, empty, "tables/summaries.csv")


def by_period(results: Results) -> View:
    """Return the same by period of the treatment, of classes of events."""
    found: dict[tuple[str, str], dict[str, dict[str, Row]]] = {}
    for (name, at), own in _counted(results, lambda at: "period" in at and not set(WORDS) & set(at)).items():
        pairs = dict(at)
        period = pairs.pop("period")
        found.setdefault((name, _class(name, tuple(pairs.items()))), {})[period] = own
    known = {period for periods in found.values() for period in periods}
    shown = [period for period in PERIODS if period in known]
    heads = [Head("Adverse event")]
    heads += [Head(GRADES[grade], "% (limits)", True, PERIODS[one]) for one in shown for grade in ("any", "3-4")]
    rows = [
        [
            Cell(words, kind="name"),
            *(rate_cell(own.get(one, {}).get(grade)) for one in shown for grade in ("any", "3-4")),
        ]
        for (_, words), own in sorted(found.items(), key=lambda item: (list(CLASSES).index(item[0][0]), item[0][1]))
    ]
    empty = results.nothing("adverse_event_rows", "No adverse event was recorded.")
    return filled(View("Adverse events by the period they began in", heads, rows, empty, "tables/summaries.csv"))


def event_rates(results: Results) -> View:
    """Return events and subjects per 100 person-months at risk, of classes of events."""
    heads = [Head("Adverse event"), Head("Events", numeric=True), Head("Subjects", "with one", True)]
    heads += [Head("Person-months", "at risk", True), Head("Rate", "subjects per 100 person-months (limits)", True)]
    rows = []
    for row in results.tables["adverse_event_rates"].filter(group="all").iter_rows(named=True):
        pairs = qualifier_pairs(row["qualifier"])
        grade = pairs.pop("grade", "any")
        if set(WORDS) & set(pairs):
            continue
        words = _class(row["parameter"], tuple(pairs.items()))
        rate = interval(row["rate_per_100_person_months"], row["lower"], row["upper"])
        rows.append(
            [
                Cell(words, note="" if grade == "any" else f"grade {grade}", kind="name"),
                count(row["events"]),
                count(row["subjects"]),
                measured(row["person_months"]),
                Cell(rate, kind="number"),
            ]
        )
    empty = results.nothing("adverse_event_rates", "No adverse event was recorded.")
    return View("Rates of first adverse events", heads, rows, empty, "tables/adverse_event_rates.csv")


def onset(results: Results) -> View:
    """Return how long first events took to come and how long they lasted: medians of those whose time is known."""
    table = results.tables["adverse_event_times"].with_columns(
        class_=pl.col("parameter").str.replace("^ae_(onset|duration)", ""),
        what=pl.col("parameter").str.extract("^ae_(onset|duration)"),
    )
    names = {"": "Any adverse event", "_grade_3_5": "Grade 3–5"}
    names |= {"_serious": "Serious", "_immune_related": "Immune-related"}
    heads = [Head("Adverse event"), Head("Subjects", "with one", True), Head("Begins", "day from first dose", True)]
    heads += [Head("Lasts", "days", True), Head("Goes on", "subjects", True)]
    rows = []
    for suffix, words in names.items():
        own = table.filter(class_=suffix)
        begun = own.filter("event", what="onset")["days"]
        lasting = own.filter(what="duration")
        ended = lasting.filter("event")["days"]
        if begun.len():
            cells = [count(begun.len()), Cell(span(begun), kind="number"), Cell(span(ended), kind="number")]
            rows.append([Cell(words, kind="name"), *cells, count(lasting.filter(~pl.col("event")).height)])
    empty = results.nothing("adverse_event_times", "No time of an adverse event is known.")
    return View("When first adverse events begin and end", heads, rows, empty, "tables/adverse_event_times.csv")


def listing(results: Results) -> View:
    """Return every recorded event, the worst first."""
    heads = [Head("Subject"), Head("Adverse event", "system"), Head("Grade", numeric=True), Head("Serious")]
    heads += [Head("Immune-related"), Head("Related to"), Head("First day", numeric=True), Head("Last day", "", True)]
    heads += [Head("Days", numeric=True), Head("Period"), Head("Counted"), Head("Reason")]
    table = results.tables["adverse_event_rows"].sort(
        "grade", "subject", "start_day", descending=[True, False, False], nulls_last=True, maintain_order=True
    )
    rows = [
        [
            Cell(row["subject"], kind="name"),
            Cell(row["term"], note=row["soc"] or ""),
            count(row["grade"]),
            *(text(_yes(row[name])) for name in ("serious", "immune_related")),
            text(row["related"]),
            count(row["start_day"]),
            Cell("goes on", kind="number") if row["ongoing"] else count(row["end_day"]),
            count(row["duration_days"]),
            text(PERIODS.get(row["period"], row["period"])),
            text(_yes(row["counted"])),
            text(row["reason"], "prose"),
        ]
        for row in table.iter_rows(named=True)
    ]
    empty = results.nothing("adverse_event_rows", "No adverse event was recorded.")
    title = f"Every adverse event: {plural(len(rows), 'event')}"
    return filled(View(title, heads, rows, empty, "tables/adverse_event_rows.csv"))


def denominator(results: Results) -> str:
    """Return who is in the denominator of all treated subjects, a sentence."""
    rows = results.tables["summaries"].filter(group="all", parameter="ae_any", qualifier="grade=any")
    return f"{rows['denominator'][0]} {rows['denominator_text'][0]}." if rows.height else ""


Found = dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Row]]


def _counted(results: Results, wanted: Callable[[Mapping[str, str]], bool]) -> Found:
    """Return the shares of all subjects by class and further qualifiers: grade → its row."""
    found: Found = {}
    rows = results.tables["summaries"].filter(pl.col("parameter").is_in(list(CLASSES)), group="all")
    for row in rows.iter_rows(named=True):
        pairs = qualifier_pairs(row["qualifier"])
        grade = pairs.pop("grade")
        if wanted(pairs):
            found.setdefault((row["parameter"], tuple(pairs.items())), {})[grade] = row
    places = list(CLASSES)
    return dict(sorted(found.items(), key=lambda item: (places.index(item[0][0]), item[0][1])))


def _in_order(found: Found) -> list[tuple[Mapping[str, str], dict[str, Row]]]:
    """Return systems, each with its terms behind it: the commonest first, of equally common ones the more severe."""
    named = [(dict(at), own) for (name, at), own in found.items() if name == "ae_any"]
    systems = {at["soc"]: own for at, own in named if "term" not in at}

    def place(one: tuple[Mapping[str, str], dict[str, Row]]) -> tuple[Any, ...]:
        at, own = one
        soc = at.get("soc", "")
        of_system = _frequency(systems[soc]) if soc in systems else (1, 1)
        return (*of_system, soc, "term" in at, *_frequency(own), at.get("term", ""))

    return sorted(named, key=place)


def _frequency(own: dict[str, Row]) -> tuple[int, int]:
    return -own["any"]["numerator"], -own["3-4"]["numerator"]


def _class(name: str, at: tuple[tuple[str, str], ...]) -> str:
    cause = dict(at).get("attribution")
    return CLASSES[name] if cause is None else f"Related to {cause}"


def span(days: pl.Series) -> str:
    """Return the median of days with the least and the most, a dash for none."""
    known = days.sort().to_list()
    return f"{median(known):g} ({known[0]} to {known[-1]})" if known else DASH


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _why(results: Results) -> str:
    return " See under failures why." if "safety" in results.tables["failures"]["step"] else ""
