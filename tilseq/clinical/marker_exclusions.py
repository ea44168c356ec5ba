"""Records of tumour markers that take no part, or whose unit is in doubt, counted by marker and reason."""

from __future__ import annotations

from collections import Counter

import polars as pl

from tilseq.clinical.lab_exclusions import in_plain_words
from tilseq.tables.tumor_marker_course import CHECK_UNIT, NOT_USED


def marker_exclusions(courses: pl.DataFrame) -> dict[str, int]:
    """Return rule → how many records of table `marker_courses` it is of, in the order of the table.

    First those that take no part, then those that do and whose unit is in doubt.
    """
    out = courses.filter(~pl.col("used"))
    why = in_plain_words(pl.col("reason").str.extract(f"{NOT_USED}([^;]*)"))
    told = out.select(pl.format(f"{NOT_USED}{{}}: {{}}", "test", why.fill_null("no reason"))).to_series()
    doubts = [f"{test}: {doubt}" for _, _, test, doubt in unit_doubts(courses)]
    return dict(Counter([*told.to_list(), *doubts]))


def unit_doubts(courses: pl.DataFrame) -> list[tuple[str, int, str, str]]:
    """Return subject, day, marker and what makes the unit of a used record of table `marker_courses` doubtful."""
    rows = courses.filter("used", pl.col("reason").str.contains(CHECK_UNIT, literal=True))
    return [
        (subject, day, test, part)
        for subject, day, test, reason in rows.select("subject", "day", "test", "reason").iter_rows()
        for part in reason.split("; ")
        if part.endswith(CHECK_UNIT)
    ]
