"""Time to event: what is estimated over all subjects, by tumour type, and the times of each subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from tilseq.plots.clinic_words import MONTH, group_in_words, in_words, limits_words
from tilseq.plots.style import short
from tilseq.report.methods import run_object
from tilseq.report.readers import is_sensitivity, reader_cell, readers
from tilseq.report.results import Results
from tilseq.report.view import Cell, Head, View, count, filled, text
from tilseq.report.words import flat, interval, number
from tilseq.tables import Row
from tilseq.tables.survival import (
    FEW_AT_RISK,
    FEW_SUBJECTS,
    MAY_HOLD_LESS,
    NEVER_SCANNED,
    NOT_IN_STUDY,
    NOT_LOOKED_FOR,
    OF_UNKNOWN_CAUSE,
)

Place = tuple[int, str, bool, str, str]  # of the parameter, which, for sensitivity, reader, group

# Parameter → what it is, in the order of the page.
MEANINGS = {
    "OS": "overall survival",
    "PFS": "progression-free survival",
    "TTP": "time to progression",
    "DOR": "duration of response",
    "TTR": "time to response",
    "follow_up": "follow-up",
}
ORIGINS = {
    "infusion": "first infusion",
    "lymphodepletion": "lymphodepletion",
    "first_dose": "first dose",
    "enrollment": "enrolment",
    "randomization": "randomisation",
    "response": "first CR or PR",
}
# Rule of an event → one of it and several, where an endpoint has events of several kinds.
KINDS = {
    "progression": ("progression", "progressions"),
    "clinical_progression": ("clinical progression", "clinical progressions"),
    "death": ("death", "deaths"),
    "tumor_death": ("death from the tumour", "deaths from the tumour"),
}
OF_SEVERAL_KINDS = ("PFS", "TTP", "DOR")
LONGEST_REASON = 60
DESCRIPTIVE = ("TTR", "follow_up")  # endpoints of which a share without an event tells nothing
SETTINGS = "analysis.clinical.time_to_event."
STYLES = {"fda": "FDA-type", "ema": "EMA-type"}


def times(results: Results) -> View:
    """Return medians and shares without an event of all subjects, a row an endpoint and reader."""
    return _estimates(results, "Time to event", lambda group: group == "all")


def times_by_arm(results: Results) -> View:
    """Return the same of each arm; no row where there are not several."""
    return _estimates(results, "Time to event by arm", lambda group: group.startswith("arm="))


def times_by_group(results: Results) -> View:
    """Return the same of each tumour type."""
    return _estimates(results, "Time to event by tumour type", lambda group: group.startswith("tumor_type="))


def further_estimates(results: Results) -> View:
    """Return restricted means, the shortest and longest time and the median follow-up of every group."""
    means = sorted(results.tables["survival_estimates"].filter(quantity="rmst")["at_day"].unique().to_list())
    heads = [Head("Endpoint"), Head("Reader"), Head("Group"), Head("Subjects", numeric=True)]
    heads += [Head(f"Mean up to day {day}", "months (limits)", True) for day in means]
    heads += [Head("Shortest, longest", "days, + censored", True), Head("Median follow-up", "months (limits)", True)]
    rows = [
        [
            Cell(_name(parameter), kind="name"),
            reader_cell(results, reader),
            Cell(group_in_words(group)),
            count(own[0]["subjects"]),
            *(_worded(_of(own, "rmst", day)) for day in means),
            text((_of(own, "time_range") or {}).get("estimate_text"), "number"),
            _worded(_of(own, "follow_up_median")),
        ]
        for (_, parameter, _, reader, group), own in _found(results, lambda _: True)
    ]
    empty = results.nothing("survival_estimates", "No time to an event was estimated.")
    return filled(View("Means, ranges and follow-up", heads, rows, empty, "tables/survival_estimates.csv"))


def rules_in_words(results: Results) -> str:
    """Return how times were counted, as run.json has the settings; nothing where it has none."""
    told = {name.removeprefix(SETTINGS): value for name, value in flat(run_object(results, "settings"))}
    if "preset" not in told or results.tables["time_to_event"].is_empty():
        return ""
    doses = {"not set": "", "recorded": ", the first dose as recorded"}
    dose = doses.get(told["first_dose"], f", the first dose being that of {told['first_dose']}")
    style = STYLES.get(told["censoring"], told["censoring"])
    return f"Endpoints by preset {told['preset']}{dose}; {style} censoring where scans decide."


def limits_in_words(results: Results) -> str:
    """Return how the limits of medians and shares were found, and which setting has others; nothing of no estimate."""
    by = limits_words(results.tables["survival_estimates"]["method"].unique(maintain_order=True))
    others = "beta_product holds in small trials, log-log is SAS’s, log R’s"
    return by and f"Limits of medians and shares: {by}; analysis.clinical.survival.interval sets others ({others})."


def follow_up_in_words(results: Results) -> str:
    """Return how long subjects were followed, which every time rests on; nothing where it was not estimated."""
    table = results.tables["survival_estimates"].filter(quantity="follow_up_median", group="all")
    rows = {row["parameter"]: row for row in table.iter_rows(named=True)}
    row = rows.get("follow_up") or rows.get("OS")
    if row is None or row["estimate"] is None:
        return ""
    limits = f"{in_words(row, 'lower')} to {in_words(row, 'upper')}"
    since = origins(results).get(row["parameter"], "start")
    return f"Median follow-up {in_words(row, 'estimate')} months ({limits}) from the {since}, by reverse Kaplan-Meier."


def reasons(results: Results) -> list[str]:
    """Return what else bears on many times, each once: rules that could not be looked for."""
    told = results.tables["time_to_event"].filter(pl.col("rule") != "not_evaluable")["reason"].drop_nulls()
    words = told.str.split("; ").explode().value_counts().filter(pl.col("count") > 1).sort("count", descending=True)
    return [
        f"{word[0].upper()}{word[1:]}." for word in words["reason"] if NOT_LOOKED_FOR in word or NOT_IN_STUDY in word
    ]


def doubts(results: Results) -> list[str]:
    """Return what the estimates of all subjects and of arms say against themselves, a sentence each."""
    table = results.tables["survival_estimates"]
    told = table.filter(pl.col("group") == "all")["reason"].drop_nulls().str.split("; ").explode()
    unknown = told.filter(told.str.ends_with(OF_UNKNOWN_CAUSE)).unique(maintain_order=True)
    counted = dict(flat(run_object(results, "settings"))).get(f"{SETTINGS}unknown_death_cause")
    settled = {"tumor": ", counted as from the tumour", "other": ", counted as from something else"}
    words = [f"{one}{settled.get(counted or '', '')}." for one in unknown]
    words += [
        f"{one}." for one in told.filter(told.str.contains(NEVER_SCANNED, literal=True)).unique(maintain_order=True)
    ]
    if table["reason"].str.contains(MAY_HOLD_LESS, literal=True).any():
        words.append(
            f"Where a group has fewer than {FEW_SUBJECTS} subjects, or fewer than {FEW_AT_RISK} are at risk, limits by "
            f"{limits_words(table['method'])} may hold less than 95 %; those of beta_product hold, and are wider."
        )
    return words


def subject_times(results: Results) -> View:
    """Return the time of each subject to each endpoint, what ended it, and the rule that did."""
    heads = [Head("Subject"), Head("Endpoint", "reader"), Head("Counts from"), Head("To day", numeric=True)]
    heads += [Head("Days", numeric=True), Head("Event"), Head("What ended it", "rule; told by"), Head("Reason")]
    table = results.tables["time_to_event"].with_columns(place=_place(pl.col("parameter")))
    rows = [
        [
            Cell(row["subject"], kind="name"),
            Cell(_name(row["parameter"]), note=row["reader"] or ""),
            Cell(ORIGINS.get(row["origin"], row["origin"] or "–"), note=_day(row["start_day"])),
            count(row["end_day"]),
            count(row["days"]),
            text({True: "event", False: "alive" if row["parameter"] == "OS" else "censored", None: None}[row["event"]]),
            Cell(row["description"] or "–", note="; ".join(_ending(row)), kind="prose"),
            text(row["reason"], "prose"),
        ]
        for row in table.sort("subject", "place", "reader", nulls_last=True).iter_rows(named=True)
    ]
    empty = results.nothing("time_to_event", "No time to an event was found.")
    return filled(View("Times of each subject", heads, rows, empty, "tables/time_to_event.csv"))


def _estimates(results: Results, title: str, wanted: Callable[[str], bool]) -> View:
    landmarks = results.tables["survival_estimates"].filter(quantity="survival_at")["at_day"].unique().sort().to_list()
    counted_from = origins(results)
    one_reader = results.tables["survival_estimates"]["reader"].drop_nulls().n_unique() < 2
    heads = [Head("Endpoint", "counts from"), Head("Reader", aside=one_reader), Head("Group")]
    heads.append(Head("Subjects", numeric=True))
    heads += [Head("Events", numeric=True), Head("Median", "months (limits)", True)]
    heads += [Head(f"Day {day}", _months(day), True, group="without an event, % (limits)") for day in landmarks]
    heads += [Head("Left out", numeric=True)]
    rows = []
    for (_, parameter, _, reader, group), own in _found(results, wanted):
        median = _of(own, "median") or _of(own, "follow_up_median")
        shares = landmarks if parameter not in DESCRIPTIVE else []
        rows.append(
            [
                Cell(_name(parameter), note=counted_from.get(parameter, ""), kind="name"),
                reader_cell(results, reader),
                text(None if group == "all" else group_in_words(group)),
                count(own[0]["subjects"]),
                replace(
                    count(None if median is None or parameter == "follow_up" else median["events"]),
                    note=_kinds(results, parameter, reader) if group == "all" else "",
                ),
                _with_range(_worded(median), own) if parameter == "TTR" else _worded(median),
                *(_worded(_of(shares and own, "survival_at", day)) for day in landmarks),
                replace(
                    count(own[0]["left_out"]), note=_why_left_out(results, parameter, reader) if group == "all" else ""
                ),
            ]
        )
    failed = "survival" in results.tables["failures"]["step"]
    why = "see under failures why." if failed else "it needs clinical/followup.csv."
    empty = results.nothing("survival_estimates", f"No time to an event was estimated: {why}")
    return filled(View(title, heads, rows, empty, "tables/survival_estimates.csv"))


def _with_range(cell: Cell, rows: Sequence[Row]) -> Cell:
    """Return a median with the shortest and longest time below it."""
    spread = _of(rows, "time_range")
    told = "" if spread is None else f"range {spread['estimate_text']} days"
    return replace(cell, note=", ".join(filter(None, (cell.note, told))))


def _times_of(results: Results, parameter: str, reader: str) -> pl.DataFrame:
    table = results.tables["time_to_event"].filter(parameter=parameter)
    return table.filter(pl.col("reader").fill_null("") == reader)


def _kinds(results: Results, parameter: str, reader: str) -> str:
    """Return how many events are of which kind, of an endpoint that has several."""
    if parameter not in OF_SEVERAL_KINDS:
        return ""
    rules = _times_of(results, parameter, reader).filter("event")["rule"].to_list()
    counted = [(rules.count(rule), words) for rule, words in KINDS.items()]
    return ", ".join(f"{number} {words[number > 1]}" for number, words in counted if number)


def _why_left_out(results: Results, parameter: str, reader: str) -> str:
    """Return why subjects could not be evaluated, the commonest first."""
    told = _times_of(results, parameter, reader).filter(rule="not_evaluable")["reason"].drop_nulls().str.split("; ")
    counted = Counter(short(words[-1], LONGEST_REASON) for words in told.to_list())
    return ", ".join(f"{number} {words}" for words, number in counted.most_common(3))


def _found(results: Results, wanted: Callable[[str], bool]) -> list[tuple[Place, list[Row]]]:
    """Return the estimates of each endpoint, reader and group, in the order of the page."""
    found: dict[Place, list[Row]] = {}
    sensitivity = {name: is_sensitivity(results, name) for name in readers(results)}
    for row in results.tables["survival_estimates"].iter_rows(named=True):
        if wanted(row["group"]):
            place = list(MEANINGS).index(row["parameter"])
            who = (sensitivity.get(row["reader"], False), row["reader"] or "")
            found.setdefault((place, row["parameter"], *who, row["group"]), []).append(row)
    return sorted(found.items())


def _of(rows: Sequence[Row], quantity: str, day: int | None = None) -> Row | None:
    return next((row for row in rows if (row["quantity"], row["at_day"]) == (quantity, day)), None)


def _worded(row: Mapping[str, Any] | None) -> Cell:
    """Return an estimate with its limits, each a number or the word in its place, and how many are still at risk."""
    if row is None:
        return Cell("–", kind="missing")
    numbers = [row[name] for name in ("estimate", "lower", "upper")]
    risk = f"{row['at_risk']:,} at risk" if row["at_risk"] is not None and row["estimate"] is not None else ""
    if numbers == [None, None, None]:
        word = in_words(row, "estimate")
        beyond = row["quantity"] == "survival_at" and row["subjects"]
        word = "nobody followed so long" if beyond else word
        return Cell("–", note=word, kind="missing") if row["at_day"] else Cell(word, kind="number")
    if None not in numbers:
        scale = 100 if row["unit"] == "fraction" else 1 / MONTH
        return Cell(interval(*(scale * value for value in numbers)), note=risk, kind="number")
    limits = [in_words(row, name) for name in ("lower", "upper")]
    told = "no limits" if numbers[1:] == [None, None] else f"({limits[0]} to {limits[1]})"
    return Cell(in_words(row, "estimate"), note=", ".join(filter(None, (told, risk))), kind="number")


def origins(results: Results) -> dict[str, str]:
    """Return what each parameter counts from, in words."""
    rows = results.tables["time_to_event"].drop_nulls("origin").group_by("parameter").agg(pl.col("origin").unique())
    return {name: ", ".join(ORIGINS.get(word, word) for word in sorted(words)) for name, words in rows.iter_rows()}


def _place(parameter: pl.Expr) -> pl.Expr:
    return parameter.replace_strict({name: i for i, name in enumerate(MEANINGS)}, default=len(MEANINGS))


def _name(parameter: str) -> str:
    return "follow-up" if parameter == "follow_up" else parameter


def _months(day: int) -> str:
    months = day / MONTH
    return f"{months:.0f} months" if abs(day - round(months) * MONTH) < 1 else ""


def _ending(row: Row) -> Iterator[str]:
    """Yield the rule that fired, and the table and day that tell of the end."""
    yield row["rule"].replace("_", " ")
    if row["source_table"] is not None:
        yield " ".join(filter(None, (row["source_table"].replace("_", " "), _day(row["source_row_day"]))))


def _day(day: int | None) -> str:
    return "" if day is None else f"day {number(day)}"
