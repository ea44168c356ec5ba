"""Records of tumour markers that take no part, counted by marker and reason."""

from __future__ import annotations

from collections import Counter

import polars as pl

from tilseq.clinical.lab_exclusions import in_plain_words


def marker_exclusions(courses: pl.DataFrame) -> dict[str, int]:
    """Return rule → how many records of table `marker_courses` take no part by it, in the order of the table."""
    out = courses.filter(~pl.col("used"))
    why = in_plain_words(pl.col("reason").str.extract("not used: ([^;]*)"))
    told = out.select(pl.format("not used: {}: {}", "test", why.fill_null("no reason"))).to_series()
    return dict(Counter(told.to_list()))
