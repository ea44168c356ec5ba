"""Adverse events: subjects by system, term and worst grade, by period, rates, and the listing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.plots.clinic_words import whole_percent
from tilseq.report.results import Results
from tilseq.report.view import Cell, Head, View, count, filled, measured, missing, text
from tilseq.report.words import DASH, interval, plural, share
from tilseq.tables import Row

CLASSES = {
    "ae_any": "Any adverse event",
    "ae_serious": "Serious",
    "ae_immune_related": "Immune-related",
    "ae_related": "Related to the treatment",
}
GRADES = {"any": "Any grade", "3-5": "Grade ≥ 3", "3-4": "Worst grade 3–4", "5": "Grade 5"}
BY_PERIOD = ("any", "3-5")
PERIODS = {
    "screening": "before",
    "lymphodepletion": "lymphodepletion",
    "infusion": "infusion, IL-2",
    "follow_up_30": "30 days after",
    "later": "later",
    "unknown": "not known",
}
TIMED = {"": "Any adverse event", "_grade_3_5": "Grade ≥ 3", "_serious": "Serious", "_immune_related": "Immune-related"}
NOT_CODED = "not coded"
WORDS = ("soc", "term")
NOT_RECORDED = "; not recorded "
UNKNOWN_WORD = r"related to '(.*?)', which is no known word"
SEVERE = 3
FILES = ("clinical/adverse_events.csv", "clinical/ae.csv")


def adverse_events(results: Results) -> View:
    """Return subjects by class of events, each with its worst grade."""
    found = _counted(results, lambda at: not {"period", *WORDS} & set(at))
    heads = [Head("Adverse events"), *(Head(words, "subjects, % (limits)", True) for words in GRADES.values())]
    rows = [
        [Cell(_class(name, at), note=_unrecorded(own["any"]), kind="name"), *(_share_cell(own[one]) for one in GRADES)]
        for (name, at), own in found.items()
    ]
    empty = results.nothing("adverse_event_rows", f"No adverse event was recorded.{_why(results)}", needs=FILES)
    return View("Subjects with adverse events, by worst grade", heads, rows, empty, "tables/summaries.csv")


def by_term(results: Results) -> View:
    """Return subjects by system, each with its terms behind it, the commonest first, a column a worst grade."""
    found = _counted(results, lambda at: "period" not in at and bool(set(WORDS) & set(at)))
    heads = [Head("System"), Head("Adverse event"), Head("Any grade", "subjects, % (limits)", True)]
    heads += [Head(f"{grade}", numeric=True, group="worst grade, subjects (%)") for grade in range(1, 6)]
    heads.append(Head(GRADES["3-5"], "subjects, % (limits)", True))
    rows = [
        [
            Cell(at.get("soc", NOT_CODED), kind="name"),
            Cell(at.get("term", "any")),
            _share_cell(own["any"]),
            *(_plain_share(own[f"{grade}"]) for grade in range(1, 6)),
            _share_cell(own["3-5"]),
        ]
        for at, own in _in_order(found)
    ]
    empty = results.nothing("adverse_event_table", "No adverse event was recorded.")
    return View("Subjects by system, term and worst grade", heads, rows, empty, "tables/adverse_event_table.csv")


def by_period(results: Results) -> View:
    """Return the same by period of the treatment, of classes of events."""
    found: dict[tuple[str, str], dict[str, dict[str, Row]]] = {}
    for (name, at), own in _counted(results, lambda at: "period" in at and not set(WORDS) & set(at)).items():
        pairs = dict(at)
        period = pairs.pop("period")
        found.setdefault((name, pairs.get("attribution", "")), {})[period] = own
    known = {period for periods in found.values() for period in periods}
    shown = [period for period in PERIODS if period in known]
    heads = [Head("Adverse event")]
    heads += [Head(GRADES[grade], "subjects, % (limits)", True, PERIODS[one]) for one in shown for grade in BY_PERIOD]
    rows = [
        [
            Cell(_class(name, (("attribution", cause),) if cause else ()), kind="name"),
            *(_share_cell(own.get(one, {}).get(grade)) for one in shown for grade in BY_PERIOD),
        ]
        for (name, cause), own in sorted(found.items(), key=lambda item: (list(CLASSES).index(item[0][0]), item[0][1]))
    ]
    empty = results.nothing("adverse_event_rows", "No adverse event was recorded.")
    return filled(View("Adverse events by the period they began in", heads, rows, empty, "tables/summaries.csv"))


def event_rates(results: Results) -> View:
    """Return events and subjects per 100 person-months at risk, of classes of events.

    Where everybody at risk had the event there is no rate: it would tell how fast, which the day of onset tells.
    """
    heads = [Head("Adverse event"), Head("Events", "each counts", True), Head("Subjects", "with one", True)]
    heads += [Head("At risk", "with one, of followed", True), Head("Person-months", "to the first event", True)]
    heads.append(Head("Rate", "subjects per 100 person-months (limits)", True))
    table = results.tables["adverse_event_rates"].filter(group="all")
    found = []
    for row in table.iter_rows(named=True):
        pairs = qualifier_pairs(row["qualifier"])
        grade = pairs.pop("grade", "any")
        if not set(WORDS) & set(pairs):
            found.append((row["parameter"], pairs.get("attribution", ""), grade != "any", row))
    found.sort(key=lambda one: (list(CLASSES).index(one[0]), *one[1:3]))
    rows = [
        [
            Cell(
                _class(name, (("attribution", cause),) if cause else ()),
                note="grade ≥ 3" if severe else "",
                kind="name",
            ),
            count(row["events"]),
            count(row["subjects"]),
            *_rate_cells(row),
        ]
        for name, cause, severe, row in found
    ]
    empty = results.nothing("adverse_event_rates", "No adverse event was recorded.")
    return View("Rates of first adverse events", heads, rows, empty, "tables/adverse_event_rates.csv")


def _rate_cells(row: Row) -> list[Cell]:
    if row["subjects_at_risk"] is None or not row["subjects_at_risk"]:
        return [missing("no follow-up"), missing(), missing()]
    at_risk = Cell(f"{row['first_events']} of {row['subjects_at_risk']}", kind="number")
    if row["first_events"] == row["subjects_at_risk"]:
        return [at_risk, measured(row["person_months"]), missing("all had it")]
    rate = interval(row["rate_per_100_person_months"], row["lower"], row["upper"])
    return [at_risk, measured(row["person_months"]), Cell(rate, kind="number")]


def onset(results: Results) -> View:
    """Return how long first events took to come and how long they lasted: Kaplan-Meier medians with limits, in days."""
    table = results.tables["adverse_event_estimates"].filter(group="all", quantity="median")
    medians = {row["parameter"]: row for row in table.iter_rows(named=True)}
    heads = [Head("Adverse event"), Head("Subjects", "with one, of followed", True)]
    heads += [Head("Begins", "median day from first dose (limits)", True), Head("Not known", "first day", True)]
    heads += [Head("Lasts", "median days (limits)", True), Head("Goes on", "or led to death", True)]
    rows = []
    for suffix, words in TIMED.items():
        begins, lasts = medians.get(f"ae_onset{suffix}"), medians.get(f"ae_duration{suffix}")
        if begins is None or lasts is None:
            continue
        rows.append(
            [
                Cell(words, kind="name"),
                Cell(
                    f"{begins['events'] + begins['left_out']} of {begins['subjects'] + begins['left_out']}",
                    kind="number",
                ),
                Cell(_days(begins), kind="number"),
                count(begins["left_out"]),
                Cell(_days(lasts), kind="number"),
                count(lasts["subjects"] - lasts["events"]),
            ]
        )
    empty = results.nothing("adverse_event_estimates", "No time of an adverse event is known.")
    title = "When first adverse events begin and how long they last"
    return View(title, heads, rows, empty, "tables/adverse_event_estimates.csv")


def _days(row: Row) -> str:
    """Return a median with its limits, NE where a number cannot be estimated or is not reached."""
    one, low, high = ("NE" if row[name] is None else f"{row[name]:g}" for name in ("estimate", "lower", "upper"))
    return f"{one} ({low}-{high})" if row["subjects"] else DASH


def listing(results: Results) -> View:
    """Return every recorded event by subject and day."""
    table = results.tables["adverse_event_rows"]
    return _listed(results, table, f"Every adverse event: {plural(table.height, 'event')}, by subject and day")


def severe(results: Results) -> View:
    """Return the events of grade 3 to 5 and the serious ones, the worst first."""
    table = results.tables["adverse_event_rows"]
    table = table.filter((pl.col("grade") >= SEVERE) | pl.col("serious")).sort(
        "grade", "subject", "start_day", descending=[True, False, False], nulls_last=True, maintain_order=True
    )
    return _listed(results, table, f"Grade 3 to 5 or serious: {plural(table.height, 'event')}, the worst first")


def _listed(results: Results, table: pl.DataFrame, title: str) -> View:
    heads = [Head("Subject"), Head("Adverse event", "system"), Head("Counts under"), Head("Grade", numeric=True)]
    heads += [Head("Serious"), Head("Immune-related"), Head("Related to"), Head("First day", numeric=True)]
    heads += [Head("Last day", "", True), Head("Days", numeric=True), Head("Period"), Head("Counted"), Head("Reason")]
    every = table["counted"].all()
    rows = [
        [
            Cell(row["subject"] or DASH, kind="name"),
            Cell(row["term"] or DASH, note=row["soc"] or ""),
            text(None if row["counted_term"] == row["term"] else row["counted_term"]),
            count(row["grade"]),
            *(text(_yes(row[name])) for name in ("serious", "immune_related")),
            text(row["related"]),
            count(row["start_day"]),
            Cell("goes on", kind="number") if row["ongoing"] else count(row["end_day"]),
            count(row["duration_days"]),
            text(PERIODS.get(row["period"], row["period"])),
            text(None if every else _yes(row["counted"])),
            text(row["reason"], "prose"),
        ]
        for row in table.iter_rows(named=True)
    ]
    empty = results.nothing("adverse_event_rows", "No such adverse event was recorded.")
    return filled(View(title, heads, rows, empty, "tables/adverse_event_rows.csv"))


def notes(results: Results) -> list[str]:
    """Return what a reader of the counts must know: who is in them, and how words and days were taken."""
    rows = results.tables["adverse_event_rows"].filter("counted")
    words = (
        rows["reason"].str.extract_all(UNKNOWN_WORD).explode().str.extract(UNKNOWN_WORD).drop_nulls().unique().sort()
    )
    told = [denominator(results)] if denominator(results) else []
    if words.len():
        told.append(f"Words of the relation that are not known count as unspecified: {', '.join(words)}.")
    return told


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
    return -own["any"]["numerator"], -own["3-5"]["numerator"]


def _share_cell(row: Row | None) -> Cell:
    """Return subjects of how many, and below it the percentage with its limits; why there is none."""
    if row is None or row["numerator"] is None:
        return missing("" if row is None else "not recorded")
    told = Cell(f"{row['numerator']:,} of {row['denominator']:,}", kind="number")
    if row["estimate"] is None:
        return told
    limits = share(row["estimate"], row["lower"], row["upper"])
    return replace(told, note=limits.replace(" (", " % (", 1))


def _plain_share(row: Row) -> Cell:
    return Cell(f"{row['numerator']:,} ({whole_percent(row['estimate'])})", kind="number")


def _unrecorded(row: Row) -> str:
    """Return of how many events nobody recorded whether they are of the class, in words."""
    told = row["denominator_text"].partition(NOT_RECORDED)[2]
    return f"not recorded {told}" if told else ""


def _class(name: str, at: tuple[tuple[str, str], ...]) -> str:
    cause = dict(at).get("attribution")
    return CLASSES[name] if cause is None else f"Related to {cause}"


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _why(results: Results) -> str:
    return " See under failures why." if "safety" in results.tables["failures"]["step"] else ""
