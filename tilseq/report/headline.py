"""What a trial team asks first, each in a sentence: response, persistence, clones, state, and whether labels hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.errors import first_few
from tilseq.io.junctions import translated
from tilseq.plots.contrast_rows import compared
from tilseq.report.contamination import suspects
from tilseq.report.glance import latest_masses, what_is_shared
from tilseq.report.rates import headline_rates
from tilseq.report.results import Results
from tilseq.report.series import reference_name
from tilseq.report.transcriptome import ALPHA
from tilseq.report.words import number, plural, share
from tilseq.tables import Row

PRODUCT = "infusion product"
BULK = "bulk RNA"
MOST_NAMED = 6  # subjects or gene sets in a sentence
LONGEST_JUNCTION = 24
# Origin of a clone of the product → what must be said beside it.
BEFORE = {
    "infused_and_preexisting": " (in blood before, too)",
    "indeterminate": " (cannot be told whether in blood before)",
}


@dataclass(frozen=True)
class Answer:
    """A question, its answer in a sentence, and the section that tells it whole."""

    question: str
    words: str
    section: str


def headline(results: Results) -> list[Answer]:
    """Return the answers that the run has; a question that no table of the run speaks of is left out."""
    rows, reference = latest_masses(results), reference_name(results)
    followed = "infused clones" if reference == PRODUCT else f"clones of the {reference}"
    answers = (
        Answer("Do patients respond?", _response(results), "clinical"),
        Answer(f"Do {followed} persist?", _persistence(rows, reference), "repertoire"),
        Answer("Which clones?", _clones(results, rows) if reference == PRODUCT else "", "repertoire"),
        Answer("In what state?", _state(results), "expression"),
        Answer("Before you read on", _labels(results), "repertoire"),
    )
    return [answer for answer in answers if answer.words]


def _response(results: Results) -> str:
    rows, told = headline_rates(results), []
    for row in rows:
        reader = qualifier_pairs(row["qualifier"]).get("reader")
        by = f" by {reader}" if reader and len(rows) > 1 else ""
        rate = share(row["estimate"], row["lower"], row["upper"])
        of = f"{row['numerator']:,} of {row['denominator']:,} {row['population']} subjects"
        told.append(f"CR or PR, confirmed{by}: {of}, {rate} %")
    return _sentence(told)


def _persistence(rows: Sequence[Row], reference: str) -> str:
    if not rows:
        return ""
    held = sorted(row["value"] for row in rows if row["value"])
    days = _range([number(day) for day in sorted(row["day"] for row in rows)])
    told = f"Seen in the latest blood of {len(held):,} of {plural(len(rows), 'subject')} (day {days})"
    if held:
        of = what_is_shared(rows[0]["qualifier"])
        told += f": clones of the {reference} hold {_range([share(one) for one in held])} % of {of}"
    if held and (before := [row["before"] for row in rows if row["before"]]):
        told += f", and before the infusion up to {share(max(before))} %"
    failed = [row["subject"] for row in rows if row["state"] == "fail"]
    told += f"; failed quality: {first_few(failed, MOST_NAMED)}" if failed else ""
    unknown = sum(row["before"] is None for row in rows)
    return told + (
        f"; of {plural(unknown, 'subject')} no blood tells what was there before the infusion" if unknown else ""
    )


def _clones(results: Results, rows: Sequence[Row]) -> str:
    """Return the clone of the product that holds most of the blood after the infusion, subject by subject."""
    locus = qualifier_pairs(rows[0]["qualifier"]).get("locus") if rows else None
    of_product = pl.col("in_product") & (pl.col("later_frequency") > 0) & (pl.col("locus") == locus)
    columns = ("subject", "junction", "later_frequency", "origin")
    largest = (
        results.part("origins", of_product, columns)
        .sort("later_frequency", "junction", descending=[True, False])
        .unique("subject", keep="first", maintain_order=True)
        .sort("subject")
    )
    largest = largest.with_columns(translated(largest["junction"]).alias("name"))
    notes = [BEFORE.get(origin, "") for origin in largest["origin"]]
    alike = len(notes) > 1 and set(notes) == {BEFORE["indeterminate"]}
    told = [
        f"{row['subject']} {row['name'][:LONGEST_JUNCTION]} {share(row['later_frequency'])} %{'' if alike else note}"
        for row, note in zip(largest.iter_rows(named=True), notes, strict=True)
    ]
    if not told:
        return ""
    rest = "; of none can it be told whether it was in blood before" if alike else ""
    return f"Of the product’s the largest in all blood after the infusion: {first_few(told, MOST_NAMED)}{rest}"


def _state(results: Results) -> str:
    """Return what changed from the product to the last visit of blood that was compared with it.

    Of infused cells where they are told, else of T cells, else of all cells of bulk RNA.
    """
    rows = _last_against_product(results)
    kinds = [[name for name in rows if wanted(name)] for wanted in (_is_infused, lambda name: name != BULK, bool)]
    names = next((names for names in kinds if names), [])
    told = [f"{name}, {_change(results, rows[name])}" for name in names]
    if any(_too_few(rows[name]) for name in names):
        told.append("of so few subjects no gene set can be told")
    if any(rows[name]["told"] is not None for name in names):
        told.append("read what is noted there")
    return _sentence(told)


def _is_infused(population: str) -> bool:
    return population.startswith("infused")


def _last_against_product(results: Results) -> dict[str, Row]:
    """Return population → its comparison of the last visit of blood with the product."""
    blood = results.tables["samples"].filter(pl.col("specimen") == "blood", pl.col("day") > 0)
    days = dict(blood.group_by("visit").agg(pl.col("day").median()).iter_rows())
    found: dict[str, tuple[float, Row]] = {}
    for row in results.tables["transcriptome"].sort("population", "contrast").iter_rows(named=True):
        level, _, reference = row["contrast"].removeprefix("visit:").partition("/")
        if reference == "product" and level in days and row["genes"] is not None:
            found[row["population"]] = max(
                found.get(row["population"], (days[level], row)), (days[level], row), key=lambda one: one[0]
            )
    return {population: row for population, (_, row) in found.items()}


def _too_few(row: Row) -> bool:
    return row["p_floor"] is not None and row["p_floor"] > ALPHA


def _change(results: Results, row: Row) -> str:
    told = f"{compared(row['contrast'])} ({plural(row['subjects'], 'subject')}): "
    if _too_few(row) or not row["sets"]:
        return f"{told}{number(row['genes_up'])} genes up, {number(row['genes_down'])} down"
    same = pl.col("population") == row["population"], pl.col("contrast") == row["contrast"]
    tested = results.tables["enrichment"].filter(*same, pl.col("method") == "sign_flip", pl.col("q") < ALPHA)
    parts = [
        f"{first_few(names, MOST_NAMED)} {direction}"
        for direction in ("up", "down")
        if (names := tested.filter(pl.col("direction") == direction).sort("q", "set")["set"].to_list())
    ]
    return told + (", ".join(parts) or f"no gene set with q below {ALPHA:g}")


def _labels(results: Results) -> str:
    found = Counter(chip.label for row in suspects(results).rows for cell in row for chip in cell.chips)
    told = ", ".join(f"{count:,} {label}" for label, count in found.items())
    return f"What speaks against receptor samples: {told}" if told else ""


def _sentence(parts: Sequence[str]) -> str:
    told = "; ".join(parts)
    return f"{told[:1].upper()}{told[1:]}"


def _range(texts: list[str]) -> str:
    return texts[0] if texts[0] == texts[-1] else f"{texts[0]} to {texts[-1]}"
