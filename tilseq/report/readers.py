"""Whose reading of the scans is the endpoint, and what is said of the others."""

from __future__ import annotations

import polars as pl

from tilseq.readers import endpoint_reader
from tilseq.report.methods import run_object
from tilseq.report.results import Results
from tilseq.report.view import Cell, text
from tilseq.report.words import flat

SETTING = "analysis.clinical.endpoint_reader"
TABLES = ("response", "best_response", "time_to_event")


def readers(results: Results) -> list[str]:
    """Return the names of all who have read."""
    return sorted({name for table in TABLES for name in results.tables[table]["reader"].drop_nulls()})


def headline_reader(results: Results) -> str | None:
    """Return the reader whose reading is the endpoint, as run.json has the setting; None where nobody's is."""
    named = readers(results)
    wanted = dict(flat(run_object(results, "settings"))).get(SETTING)
    return endpoint_reader(named, wanted if wanted in named else None)


def of_headline(results: Results, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the endpoint's reader and those of none; all rows where nobody's reading is the endpoint."""
    reader = headline_reader(results)
    return frame if reader is None else frame.filter(pl.col("reader").is_null() | (pl.col("reader") == reader))


def is_sensitivity(results: Results, reader: str | None) -> bool:
    """Return whether a reader's numbers only tell how far the endpoint hangs on who reads."""
    headline = headline_reader(results)
    return bool(reader) and headline is not None and reader != headline


def reader_cell(results: Results, reader: str | None) -> Cell:
    """Return the name of a reader, and below it what its numbers are for where they are not the endpoint."""
    return Cell(reader, note="sensitivity") if reader and is_sensitivity(results, reader) else text(reader or None)


def readers_in_words(results: Results) -> str:
    """Return whose reading is the endpoint where several have read; else nothing."""
    named, headline = readers(results), headline_reader(results)
    if len(named) < 2:
        return ""
    if headline is None:
        return f"Nobody’s reading is the endpoint, as {SETTING} is not set: no reader’s numbers stand above another’s."
    return f"The reading of {headline} is the endpoint; numbers of other readers are for sensitivity."
