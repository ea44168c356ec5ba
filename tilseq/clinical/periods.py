"""Periods of the treatment, by day: shared by safety and the laboratory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from tilseq.clinical.treated import columns_of
from tilseq.errors import StudyError, TableError
from tilseq.identifiers import days_by_subject, refuse_misspelt
from tilseq.tables import as_polars
from tilseq.tables.infusions import given_infusions
from tilseq.tables.inputs import INFUSIONS, SUBJECTS

PERIODS = ("screening", "lymphodepletion", "infusion", "follow_up_30", "later")
FOLLOW_UP_DAYS = 30
DAYS = ("lymphodepletion_day", "first_dose_day", "il2_end_day")


@dataclass(frozen=True)
class Periods:
    """Boundaries of one subject's treatment, in days after the first infusion.

    Attributes
    ----------
    lymphodepletion_day
        First day of lymphodepletion, before day 0; None where it is not known: then a day before the infusion belongs
        to no period that can be told.
    infusion_end_day
        Last day of the period `infusion`: that of the last infusion, or of the last dose of IL-2 where it is known.
    follow_up_end_day
        Last day of `follow_up_30`: 30 days after the last infusion, or the end of IL-2 if that is later.
    infused
        False of a subject known not to be infused: lymphodepletion then has no end, and without it screening has none.
    """

    lymphodepletion_day: int | None = None
    infusion_end_day: int = 0
    follow_up_end_day: int = FOLLOW_UP_DAYS
    infused: bool = True

    @property
    def start_day(self) -> int:
        """The first day of treatment: lymphodepletion, else the infusion. What comes before may be a baseline."""
        return 0 if self.lymphodepletion_day is None else self.lymphodepletion_day

    @property
    def treated(self) -> bool:
        """Whether there was a treatment: lymphodepletion (or a first dose) or an infusion, as far as it is known."""
        return self.infused or self.lymphodepletion_day is not None


def period_of(day: int | None, periods: Periods) -> str | None:
    """Return the period that a day belongs to, one of `PERIODS`.

    `screening` ends the day before lymphodepletion, `lymphodepletion` the day before the first infusion, `infusion`
    and `follow_up_30` on the days that `periods` names (inclusive); what follows is `later`. None for no day, and for
    one before the infusion where the day of lymphodepletion is not known. Of who was not infused a day is of
    `lymphodepletion` from its day on, else of `screening`.

    >>> period_of(-7, Periods(lymphodepletion_day=-7)), period_of(5, Periods(infusion_end_day=4))
    ('lymphodepletion', 'follow_up_30')
    """
    start = periods.lymphodepletion_day
    if day is None or (periods.infused and day < 0 and start is None):
        return None
    if day < 0 or not periods.infused:
        return "screening" if start is None or day < start else "lymphodepletion"
    if day <= periods.infusion_end_day:
        return "infusion"
    return "follow_up_30" if day <= periods.follow_up_end_day else "later"


def periods_of(subjects: Any, infusions: Any = None, *, il2_end: Mapping[str, int] | None = None) -> dict[str, Periods]:
    """Return the boundaries of each subject.

    Parameters
    ----------
    subjects
        Columns `subject`, `lymphodepletion_day`, `first_dose_day`, `il2_end_day`. Where the first is not known, a first
        dose before day 0 is that of lymphodepletion.
    infusions
        Columns `subject`, `day`; without it every subject is infused once, on day 0.
    il2_end
        Subject → day of the last dose of IL-2, where `subjects` does not have it.

    Raises
    ------
    TableError
        The subjects or infusions break their registry.
    StudyError
        A subject's lymphodepletion does not begin before day 0, or its first dose is after it; each is listed.
    AnalysisError
        A day of `il2_end` is no whole number, or a subject of it or of the infusions is misspelt, who would pass for
        one never treated.
    """
    last = _last_infusions(infusions)
    found: dict[str, Periods] = {}
    people = columns_of(subjects, SUBJECTS, ("subject", *DAYS))
    known = people["subject"].to_list()
    refuse_misspelt(last, known)
    ends = days_by_subject(il2_end, known)
    problems = start_faults(people)
    if problems:
        raise StudyError(problems, "the subjects")
    for row in people.iter_rows(named=True):
        subject, start = row["subject"], row["lymphodepletion_day"]
        first_dose = row["first_dose_day"]
        given = infusions is None or subject in last
        if start is None and first_dose is not None and (first_dose < 0 or not given):
            start = first_dose
        infused = last.get(subject, 0)
        il2_end_day = row["il2_end_day"] if row["il2_end_day"] is not None else ends.get(subject, infused)
        end = max(infused, il2_end_day)
        found[subject] = Periods(start, end, max(end, infused + FOLLOW_UP_DAYS), given)
    return found


def start_faults(subjects: pl.DataFrame) -> list[TableError]:
    """Return each day of lymphodepletion that is not before day 0, and each first dose after it.

    Parameters
    ----------
    subjects
        Columns `subject`, `lymphodepletion_day`, `first_dose_day`, in the order of their file.
    """
    days = subjects.select("subject", "lymphodepletion_day", "first_dose_day").iter_rows()
    faults: list[TableError] = []
    for row, (subject, start, dose) in enumerate(days, start=2):
        if start is not None and start >= 0:
            what = f"lymphodepletion of subject {subject} does not begin before the infusion"
            faults.append(_start_fault(what, row, "lymphodepletion_day", start, "a day before 0"))
        if dose is not None and dose > 0:
            what = f"the first dose of subject {subject} is after the infusion"
            faults.append(_start_fault(what, row, "first_dose_day", dose, "day 0 or before"))
    return faults


def _start_fault(what: str, row: int, column: str, found: int, expected: str) -> TableError:
    mend = "days count from the first infusion, which is day 0"
    return TableError(what, row=row, column=column, found=found, expected=expected, mend=mend)


def periods_of_results(
    results: Any, subjects: Any = None, infusions: Any = None, *, il2_end: Mapping[str, int] | None = None
) -> dict[str, Periods] | None:
    """Return the boundaries of each subject, see `periods_of`, without subjects those of the results.

    None where neither subjects nor infusions nor the end of IL-2 are known: every subject then has those of `Periods`.
    """
    if subjects is None and infusions is None and il2_end is None:
        return None
    known = as_polars(results).select(pl.col("subject").unique(maintain_order=True)) if subjects is None else subjects
    return periods_of(known, infusions, il2_end=il2_end)


def with_periods(frame: pl.DataFrame, periods: Mapping[str, Periods], *, day: str = "day") -> pl.DataFrame:
    """Return the frame with a column `period`, see `period_of`; a subject without boundaries has those of `Periods()`.

    Parameters
    ----------
    frame
        Columns `subject` and that of the day; a column `period` is replaced.
    periods
        Subject → its boundaries, see `periods_of`.
    day
        Name of the column of the day.
    """
    names = frame["subject"].unique(maintain_order=True)
    bounds = [periods.get(name, Periods()) for name in names]
    known = pl.DataFrame(
        {
            "subject": names,
            "_start": pl.Series([one.lymphodepletion_day for one in bounds], dtype=pl.Int64),
            "_end": pl.Series([one.infusion_end_day for one in bounds], dtype=pl.Int64),
            "_last": pl.Series([one.follow_up_end_day for one in bounds], dtype=pl.Int64),
            "_infused": pl.Series([one.infused for one in bounds], dtype=pl.Boolean),
        }
    )
    when, start = pl.col(day), pl.col("_start")
    before = ~pl.col("_infused") | (when < 0)
    period = (
        pl.when(when.is_null() | (before & pl.col("_infused") & start.is_null()))
        .then(None)
        .when(before & (start.is_null() | (when < start)))
        .then(pl.lit("screening"))
        .when(before)
        .then(pl.lit("lymphodepletion"))
        .when(when <= pl.col("_end"))
        .then(pl.lit("infusion"))
        .when(when <= pl.col("_last"))
        .then(pl.lit("follow_up_30"))
        .otherwise(pl.lit("later"))
    )
    joined = frame.join(known, on="subject", how="left", maintain_order="left")
    return joined.with_columns(period.alias("period")).drop("_start", "_end", "_last", "_infused")


def _last_infusions(infusions: Any) -> dict[str, int]:
    """Return the day of each subject's last infusion."""
    if infusions is None:
        return {}
    given = columns_of(given_infusions(infusions), INFUSIONS, ("subject", "day"))
    last = given.group_by("subject").agg(pl.col("day").max())
    return dict(zip(last["subject"].to_list(), last["day"].to_list(), strict=True))
