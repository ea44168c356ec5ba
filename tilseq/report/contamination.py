"""What speaks against the labels of receptor samples: swapped ones, leaks, libraries too shallow to be judged."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from tilseq.report.results import REPERTOIRES, Results
from tilseq.report.rows import WHEN, when
from tilseq.report.view import Cell, Chip, Head, View, text
from tilseq.report.words import interval, number, plural
from tilseq.tables import Row

# Verdict on a sample → what is seen, and the state of its chip.
VERDICTS = {
    "swapped": ("swapped", "fail"),
    "duplicate": ("stands there twice", "fail"),
    "mixed": ("mixed", "warn"),
    "conflict": ("conflict", "warn"),
    "agrees_with_none": ("agrees with none", "warn"),
}
LEAK, SHALLOW = Chip("leak", "warn", "clones of another subject leaked in"), Chip("shallow", "warn", "far too shallow")


def suspects(results: Results) -> View:
    """Return the samples whose clones do not bear out their label, into which clones leaked, or that are too shallow.

    A row a sample; a sample with nothing against it has none.
    """
    heads = [*WHEN, Head("Sample"), Head("Finding"), Head("Holds clones of")]
    heads += [Head("Own samples", "agreed with", True), Head("Another’s", "agreed with", True), Head("Why")]
    leaks = _leaks(results)
    rows = []
    for row in results.with_sample("sample_identity").drop("subject_right", strict=False).iter_rows(named=True):
        chips = _chips(row, leaks)
        if not chips:
            continue
        other = f"{row['other_agree']} of {row['other_compared']}" if row["other_subject"] else ""
        rows.append(
            [
                *when(row),
                Cell(row["sample"], kind="name"),
                Cell(chips=chips),
                text(row["content_of"]),
                Cell(f"{row['own_agree']} of {row['own_compared']}", kind="number"),
                Cell(other, note=row["other_subject"] or "", kind="number"),
                Cell(_why(row, leaks), kind="prose"),
            ]
        )
    empty = results.nothing("sample_identity", _all_well(results), *(REPERTOIRES if _nobody(results) else ()))
    return View("Labels and leaks", heads, rows, empty, "tables/sample_identity.csv")


def _chips(row: Row, leaks: Mapping[str, list[str]]) -> tuple[Chip, ...]:
    chips = []
    if row["verdict"] in VERDICTS:
        label, state = VERDICTS[row["verdict"]]
        chips.append(Chip(label, state, label))
    if row["sample"] in leaks:
        chips.append(LEAK)
    if row["depth"] == "shallow":
        chips.append(SHALLOW)
    return tuple(chips)


def _why(row: Row, leaks: Mapping[str, list[str]]) -> str:
    told = [row["reason"]] if row["verdict"] in VERDICTS else []
    told += leaks.get(row["sample"], [])
    if row["depth"] == "shallow":
        told.append(f"{number(row['counts'])} counts where about {number(row['usual_counts'])} are usual beside it")
    return "; ".join(told)


def _leaks(results: Results) -> dict[str, list[str]]:
    """Return sample → what leaked into it, in words."""
    found: dict[str, list[str]] = {}
    rows = results.tables["leak_rates"].filter(pl.col("verdict") == "leak", pl.col("recipient").is_not_null())
    for row in rows.iter_rows(named=True):
        rate = interval(row["rate"], row["lower"], row["upper"])
        unlike = f" (counts of {row['count_of']}: no share)" if "," in (row["count_of"] or "") else ""
        told = f"{rate} of the counts of {row['donor_subject']} arrived in it within run {row['run']}{unlike}"
        found.setdefault(row["recipient"], []).append(told)
    return found


def _nobody(results: Results) -> bool:
    return results.tables["sample_identity"].is_empty()


def _all_well(results: Results) -> str:
    """Return what was compared where nothing was found."""
    samples = results.tables["sample_identity"]
    if samples.is_empty():
        return "Contamination was not looked for: it takes receptor samples of two subjects."
    runs = results.tables["leak_rates"].filter(pl.col("recipient").is_null(), pl.col("verdict") != "cannot_tell")
    held = samples.filter(pl.col("verdict") != "cannot_tell").height
    told = f"The clones of {plural(held, 'sample')} bear out their labels" if held else "No label could be checked"
    unseen = "; leaks could not be looked for: no run of samples.csv holds large clones of two subjects"
    told += ", and no leak was found" if runs.height else unseen
    largest = runs.drop_nulls("upper")["upper"].to_list()
    if largest:
        told += f"; one of {number(max(largest), 2)} of another’s counts or less could have escaped"
    return f"{told}."


def unjudged(results: Results) -> str:
    """Return how many samples could be held against no other, in a sentence; nothing where there is none."""
    silent = results.tables["sample_identity"].filter(verdict="cannot_tell")["sample"].sort().to_list()
    few = ", ".join(silent[:5]) + (" and others" if len(silent) > 5 else "")
    return f"Could be held against no other sample: {plural(len(silent), 'sample')} ({few})." if silent else ""
