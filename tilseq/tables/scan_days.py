"""Assessments that follow one another more closely than anybody scans, as where their days are weeks or months."""

from __future__ import annotations

import polars as pl

from tilseq.errors import first_few, plural

CLOSE = 14  # days; trials scan every 3 weeks at the most, mostly every 6 to 12, which are fewer days than these
FEWEST, MOST_SHARE = 3, 0.75  # intervals to judge by, and their share: a CT and an MRI of one visit lie closer, too
MOST_NAMED = 6


def told_close_scans(scans: pl.DataFrame) -> str:
    """Return in words that most assessments lie less than 14 days after the one before; empty where they do not.

    No schedule is asked: one in weeks as the days are would not tell it.

    Parameters
    ----------
    scans
        `subject`, `day` and `visit`, in as many rows an assessment as there are; those of a named visit are one.

    Examples
    --------
    >>> weeks = pl.DataFrame({"subject": ["A"] * 4, "day": [0, 6, 12, 18], "visit": None})
    >>> told_close_scans(weeks)
    '3 of 3 assessments lie less than 14 days after the one before, as A, days 0, 6, 12, 18: are these weeks or months?'
    >>> told_close_scans(weeks.with_columns(pl.col("day") * 7))
    ''
    """
    dated = scans.select("subject", "day", visit=pl.coalesce("visit", pl.col("day").cast(pl.String)))
    days = dated.drop_nulls().group_by("subject", "visit").agg(pl.col("day").min())
    days = days.select("subject", "day").unique().sort("subject", "day")
    later = days.with_columns(after=pl.col("day").diff().over("subject")).drop_nulls()
    close = later.filter(pl.col("after") < CLOSE)
    if later.height < FEWEST or close.height < MOST_SHARE * later.height:
        return ""
    subject = close["subject"][0]
    own = first_few(list(map(str, days.filter(subject=subject)["day"])), MOST_NAMED)
    told = f"{close.height} of {plural(later.height, 'assessment')} lie less than {CLOSE} days after the one before"
    return f"{told}, as {subject}, days {own}: are these weeks or months?"
