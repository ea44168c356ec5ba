"""Rates of response over the population, and the best response of each subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.plots.clinic_words import RESPONSE_WORDS, group_in_words, whole_percent
from tilseq.report.clinic import FILES, RESPONSE_STATES, signed
from tilseq.report.readers import is_sensitivity, reader_cell
from tilseq.report.results import Results
from tilseq.report.view import Cell, Chip, Head, View, count, filled, text
from tilseq.report.words import share
from tilseq.tables import Row
from tilseq.tables.best_response import BEST_WORDS, SOURCES

Place = tuple[str, str, str, str]  # population, group, confirmation, reader

ENROLLED = "enrolled"
RATES = {"ORR": "CR or PR", "DCR": "disease control"}
CONFIRMED = {"required": "confirmed", "not_required": "confirmed or not"}


def rates(results: Results) -> View:
    """Return ORR, DCR and how many had each best response, over all, by arm and tumour type; unconfirmed over all.

    Each reader has rows of its own. Of all enrolled, where some of them were never infused, those over all and by arm.
    """
    told = _populations(results)

    def wanted(population: str, group: str, confirmed: bool) -> bool:
        if population == told[0]:
            return confirmed or group == "all"
        return population in told and confirmed and (group == "all" or group.startswith("arm="))

    return _rates(results, "Response rates", wanted)


def headline_rates(results: Results) -> list[Row]:
    """Return the rows of `summaries` of the confirmed ORR over all, of each reader whose numbers are no sensitivity."""
    rows = results.tables["summaries"].filter(
        pl.col("parameter") == "ORR", pl.col("group") == "all", pl.col("population") == _populations(results)[0]
    )
    pairs = [(row, qualifier_pairs(row["qualifier"])) for row in rows.iter_rows(named=True)]
    return [
        row
        for row, of in pairs
        if of.get("confirmation") == "required"
        and row["estimate"] is not None
        and not is_sensitivity(results, of.get("reader"))
    ]


def unconfirmed_rates(results: Results) -> View:
    """Return the same by arm and tumour type where no confirmation is asked for."""
    arms = results.tables["summaries"]["group"].str.starts_with("arm=").any()
    title = f"Response rates by {'arm and ' if arms else ''}tumour type, confirmed or not"
    first = _populations(results)[0]
    return _rates(results, title, lambda name, group, confirmed: name == first and not confirmed and group != "all")


def _populations(results: Results) -> list[str]:
    """Return the populations of the rates, that of the headline first; of two that hold as many subjects the first."""
    rows = results.tables["summaries"].filter(group="all", parameter="ORR")
    sizes = dict(rows.select("population", "denominator").iter_rows())
    names = sorted(sizes, key=lambda name: name == ENROLLED)
    return [name for i, name in enumerate(names) if sizes[name] not in [sizes[one] for one in names[:i]]] or [""]


def _rates(results: Results, title: str, wanted: Callable[[str, str, bool], bool]) -> View:
    table = results.tables["summaries"].filter(pl.col("parameter").is_in([*RATES, "BOR"]))
    found: dict[Place, dict[str, Row]] = {}
    several = len(_populations(results)) > 1
    for row in table.iter_rows(named=True):
        pairs = qualifier_pairs(row["qualifier"])
        where = (row["population"], row["group"], pairs.get("confirmation", ""), pairs.get("reader", ""))
        if not wanted(*where[:2], where[2] == "required"):
            continue
        found.setdefault(where, {})[pairs.get("response", row["parameter"])] = row
    words = [word for word in BEST_WORDS if any(own[word]["numerator"] for own in found.values() if word in own)]
    one_reader = len({reader for *_, reader in found}) < 2
    heads = [Head("Group"), Head("Reader", aside=one_reader), Head("Responses")]
    heads.append(Head("Subjects", numeric=True, aside=True))
    heads += [Head(name, f"{meaning}, %", True) for name, meaning in RATES.items()]
    heads += [Head(RESPONSE_WORDS.get(word, word), numeric=True, group="best response, subjects (%)") for word in words]
    rows = [
        [
            Cell(group_in_words(group), note=population if several else "", kind="name"),
            reader_cell(results, reader),
            Cell(CONFIRMED.get(confirmation, confirmation)),
            count(own["ORR"]["denominator"]),
            *(rate_cell(own.get(name)) for name in RATES),
            *(_counted(own.get(word)) for word in words),
        ]
        for (population, group, confirmation, reader), own in sorted(
            found.items(), key=lambda item: _place(item[0], sensitivity=is_sensitivity(results, item[0][3]))
        )
    ]
    failed = "response_rates" in results.tables["failures"]["step"]
    told = "No rate of response was found." + (" See under failures why." if failed else "")
    empty = results.nothing("summaries", told, needs=FILES)
    return filled(View(title, heads, rows, empty, "tables/summaries.csv"))


def denominators(results: Results) -> list[str]:
    """Return who is in the denominators of all subjects together, a sentence each; whose reading, where it matters."""
    rows = results.tables["summaries"].filter(pl.col("population").is_in(_populations(results)), group="all")
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows.iter_rows(named=True):
        reader = qualifier_pairs(row["qualifier"]).get("reader", "")
        found.setdefault((row["population"], row["denominator_text"]), {})[reader] = None
    return [
        f"By {', '.join(own)}: {words}."
        if all(own) and any(own != other for (name, _), other in found.items() if name == population)
        else f"{words}."
        for (population, words), own in found.items()
    ]


def best_responses(results: Results) -> View:
    """Return the best response of each subject and reader, confirmed and not, with its reason."""
    found: dict[tuple[str, str | None], dict[str, Row]] = {}
    table = results.tables["best_response"].sort("subject", "reader", nulls_last=True, maintain_order=True)
    for row in table.iter_rows(named=True):
        found.setdefault((row["subject"], row["reader"]), {})[row["confirmation"]] = row
    heads = [Head("Subject"), Head("Reader"), Head("Confirmed"), Head("Confirmed or not"), Head("Day", numeric=True)]
    heads += [Head("Response from", "day", True), Head("Confirmed on", "day", True)]
    heads += [Head("Deepest change", "%", True), Head("Responses"), Head("Why")]
    rows = []
    for (subject, reader), both in found.items():
        first = both.get("required") or next(iter(both.values()))
        rows.append(
            [
                Cell(subject, kind="name"),
                text(reader),
                *(_word(both.get(confirmation)) for confirmation in CONFIRMED),
                *(count(first[name]) for name in ("day", "response_day", "confirmation_day")),
                Cell("–" if first["depth_pct"] is None else signed(first["depth_pct"]), kind="number"),
                text(first["source"]),
                text(first["reason"], "prose"),
            ]
        )
    empty = results.nothing("best_response", "No best response was found.")
    return filled(View("Best response of each subject", heads, rows, empty, "tables/best_response.csv"))


def best_cells(rows: Sequence[Row]) -> tuple[Cell, ...]:
    """Return the best response of one subject, a cell for all readers who have the same one."""
    alike: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        alike.setdefault((row["best_response"], row["source"]), []).append(row["reader"] or "no reader")
    return tuple(
        replace(_chip(*key), note=", ".join(readers) if len(alike) > 1 else "") for key, readers in alike.items()
    )


def differences(results: Results) -> View:
    """Return every assessment where what was recorded and what is derived are not the same, with the derivation."""
    table = results.tables["response_differences"]
    heads = [Head("Subject"), Head("Reader"), Head("Visit"), Head("Day", numeric=True)]
    heads += [Head("Recorded", "the endpoint"), Head("Derived", "from the lesions"), Head("How it is derived")]
    rows = [
        [
            Cell(row["subject"], kind="name"),
            text(row["reader"]),
            text(row["visit"]),
            count(row["day"]),
            *(Cell("–", kind="missing") if row[source] is None else _chip(row[source], source) for source in SOURCES),
            text(row["derivation"], "prose"),
        ]
        for row in table.sort("subject", "day", "reader", nulls_last=True).iter_rows(named=True)
    ]
    compared = results.tables["response"]["agrees"].drop_nulls().len()
    same = f"Recorded and derived responses agree in all {compared:,} assessments that have both."
    told = same if compared else "No assessment has a recorded and a derived response."
    empty = results.nothing("response_differences", told)
    title = "Where recorded and derived responses differ"
    return filled(View(title, heads, rows, empty, "tables/response_differences.csv"))


def immune_responses(results: Results) -> View:
    """Return the best response and the progression of each subject and reader by iRECIST."""
    heads = [Head("Subject"), Head("Reader"), Head("Best response", "iRECIST"), Head("Day", numeric=True)]
    heads += [Head("Progression", "day", True), Head("Of which")]
    confirmed = {True: "confirmed", False: "not confirmed", None: None}
    rows = [
        [
            Cell(row["subject"], kind="name"),
            text(row["reader"]),
            Cell(RESPONSE_WORDS.get(row["best_response"], row["best_response"])),
            *(count(row[name]) for name in ("day", "progression_day")),
            text(confirmed[row["confirmed"]]),
        ]
        for row in results.tables["irecist_best"].sort("subject", "reader", nulls_last=True).iter_rows(named=True)
    ]
    empty = results.nothing("irecist_best", "No response by iRECIST was derived.")
    return filled(View("By iRECIST, derived from the lesions", heads, rows, empty, "tables/irecist_best.csv"))


def _place(place: Place, *, sensitivity: bool) -> tuple[bool | str, ...]:
    population, group, confirmation, reader = place
    return sensitivity, group != "all", confirmation != "required", group, population == ENROLLED, reader


def rate_cell(row: Row | None) -> Cell:
    """Return the cell of a row of `summaries`: percent with its limits, below it subjects of how many."""
    if row is None or row["estimate"] is None:
        return Cell("–", kind="missing")
    limits = share(row["estimate"], row["lower"], row["upper"])
    return Cell(limits, note=f"{row['numerator']:,} of {row['denominator']:,}", kind="number")


def _counted(row: Row | None) -> Cell:
    """Return how many had a best response, and their share in percent."""
    if row is None or row["estimate"] is None:
        return Cell("–", kind="missing")
    return Cell(f"{row['numerator']:,} ({whole_percent(row['estimate'])})", kind="number")


def _word(row: Row | None) -> Cell:
    if row is None:
        return Cell("–", kind="missing")
    return _chip(row["best_response"], row["source"])


def _chip(word: str, source: str) -> Cell:
    state = RESPONSE_STATES.get(word, "neutral")
    label = RESPONSE_WORDS.get(word, word)
    return Cell(chips=(Chip(label, f"{state} derived" if source == "derived" else state, f"{label}, {source}"),))
