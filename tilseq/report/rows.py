"""What tables of samples have in common: whose a row is, and why a number is missing."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from tilseq.report.results import STATE_WORDS, STATUS_WORDS, Results
from tilseq.report.view import Cell, Head, count, doubt, measured, missing, text
from tilseq.report.words import number
from tilseq.tables import Row

WHEN = [Head("Subject"), Head("Visit"), Head("Day", numeric=True)]
BRIEFLY = [*WHEN, Head("Sample", aside=True)]
WHO = [*WHEN, Head("Specimen", aside=True), Head("Sample", aside=True)]


def sample_rows(results: Results, endpoints: pl.DataFrame, assay: str) -> list[Row]:
    """Return the samples of an assay, whether or not they gave a number, by subject, day, visit and name."""
    columns = ("sample", "subject", "visit", "day", "specimen")
    known = results.tables["samples"].filter(pl.col("assay") == assay).select(*columns, "state")
    others = (
        endpoints.filter(pl.col("sample").is_not_null())
        .select(*columns, state=pl.lit("ok"))
        .unique("sample", keep="first", maintain_order=True)
        .join(known, on="sample", how="anti", maintain_order="left")
    )
    return pl.concat([known, others]).sort("subject", "day", "visit", "sample", nulls_last=True).to_dicts()


def endpoint_cell(row: Row | None, state: str, note: str = "") -> Cell:
    """Return the cell of one endpoint; where there is no number it says why, as far as that is known."""
    if row is None:
        return missing(unfinished(state))
    told = STATUS_WORDS[row["status"]]
    if row["value"] is None:
        return missing(told) if row["value_text"] is None else Cell(row["value_text"], note=told or note)
    return number_cell(row["value"], row["lower"], row["upper"], row["status"], note, row["value_text"])


def number_cell(
    value: float | None,
    lower: float | None,
    upper: float | None,
    status: str,
    note: str = "",
    instead: str | None = None,
) -> Cell:
    """Return the cell of a number with its limits and status; what was not detected is below its upper limit, not 0.

    Parameters
    ----------
    instead
        Words for what was not detected, in place of that limit.
    """
    told = STATUS_WORDS[status]
    if status == "not_detected" and (instead is not None or upper is not None):
        return Cell(instead or f"< {number(upper)}", note=told)
    return measured(value, lower, upper, note=", ".join(filter(None, (told, note))))


def who(row: Row) -> list[Cell]:
    """Return the cells of `WHO` of one sample."""
    subject, visit, day = when(row)
    specimen = None if row["specimen"] is None else row["specimen"].replace("_", " ")
    sample = Cell(row["sample"], note=doubt(row["state"]), kind="name")
    narrow = _joined(specimen, own_part(row), sample.note)
    return [subject, replace(visit, narrow=narrow), day, text(specimen), sample]


def who_briefly(row: Row) -> list[Cell]:
    """Return the cells of `WHEN` and of the sample, for a table of many columns: below the visit what is not blood."""
    subject, visit, day, specimen, sample = who(row)
    note = "" if row["specimen"] == "blood" else specimen.text
    return [subject, replace(visit, note=note, narrow=_joined(own_part(row), sample.note)), day, sample]


def which(row: Row) -> list[Cell]:
    """Return the cells of `BRIEFLY` of one sample, for a table of many rows a sample: its name alone."""
    subject, visit, day = when(row)
    return [subject, replace(visit, narrow=own_part(row)), day, Cell(row["sample"], kind="name")]


def when(row: Row) -> list[Cell]:
    """Return the cells of `WHEN` of one sample."""
    return [text(row["subject"], "name"), text(row["visit"]), count(row["day"])]


def own_part(row: Row) -> str:
    """Return what a sample's name has beyond the subject and visit beside it: a narrow screen has no room for more."""
    name: str = row["sample"]
    for known in filter(None, (row["subject"], row["visit"])):
        name = re.sub(rf"^{re.escape(known)}[-_. ]+(?=.)", "", name)
    return name


def _joined(*words: str | None) -> str:
    return ", ".join(filter(None, words))


def unfinished(state: str) -> str:
    """Return why a sample gave no number, as far as its state tells."""
    return STATE_WORDS[state] if state in ("failed", "not_analysed", "not_available") else ""
