"""SDTM's domains AE and LB, read into our tables of adverse events and laboratory results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from tilseq.errors import ReadError, TilseqError
from tilseq.io.dates import DayZero, PartialDates, parse_dated, whole_date
from tilseq.lab_tests import lab_test
from tilseq.tables import Table
from tilseq.tables.inputs import ADVERSE_EVENTS, LABS

DayOne = Literal["infusion", "first_dose", "lymphodepletion"]
BLOOD = ("BLOOD", "SERUM", "PLASMA")
# In the name of a test: it is not of blood, whatever its code, which SDTM has in common for all specimens.
ELSEWHERE = re.compile(r"urin|\bcsf\b|cerebrospinal|fluid|ascit|pleura|stool|fa?ec[ae]|saliva|sweat", re.IGNORECASE)
DAY_ONE_MEND = "say what day 1 is (sdtm_day_1), or give dates, and infusions with the `date` of each first one"


@dataclass(frozen=True)
class Domain:
    """How a domain is put into one of our tables.

    Attributes
    ----------
    name
        AE or LB.
    table
        Our table.
    told_by
        Columns of which one at least is in the header of such a file.
    needed
        Columns of which one at least must be there, a group each.
    sources
        Our column → theirs, of which the first that is filled counts.
    days
        Our column of a day → theirs of date and study day.
    """

    name: str
    table: Table
    told_by: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...]
    sources: Mapping[str, tuple[str, ...]]
    days: Mapping[str, tuple[str, str]]


AE = Domain(
    "AE",
    ADVERSE_EVENTS,
    ("AETERM", "AEDECOD", "AETOXGR"),
    (("USUBJID",), ("AETERM", "AEDECOD"), ("AETOXGR",)),
    {
        "subject": ("USUBJID",), "term": ("AETERM", "AEDECOD"), "soc": ("AEBODSYS", "AESOC"), "grade": ("AETOXGR",),
        "serious": ("AESER",), "related": ("AEREL",), "period": ("EPOCH",),
        "llt": ("AELLT",), "llt_code": ("AELLTCD",), "pt": ("AEDECOD",), "pt_code": ("AEPTCD",), "hlt": ("AEHLT",),
        "hlgt": ("AEHLGT",), "soc_code": ("AEBDSYCD", "AESOCCD"),
    },
    {"start_day": ("AESTDTC", "AESTDY"), "end_day": ("AEENDTC", "AEENDY")},
)  # fmt: skip
LB = Domain(
    "LB",
    LABS,
    ("LBTESTCD", "LBTEST", "LBORRES", "LBSTRESC"),
    (("USUBJID",), ("LBTEST", "LBTESTCD"), ("LBORRES", "LBSTRESC"), ("LBDTC", "LBDY")),
    {"subject": ("USUBJID",), "clinically_significant": ("LBCLSIG",)},
    {"day": ("LBDTC", "LBDY")},
)
# A result with its unit and limits, as it was written, or where the file has only that as the sponsor converted it.
WRITTEN = {"value_text": "LBORRES", "unit": "LBORRESU", "lower_limit": "LBORNRLO", "upper_limit": "LBORNRHI"}
STANDARD = {"value_text": "LBSTRESC", "unit": "LBSTRESU", "lower_limit": "LBSTNRLO", "upper_limit": "LBSTNRHI"}


def domain_of(names: list[str], table: Table) -> Domain | None:
    """Return the domain of SDTM that a file is of, by its header; None where it holds one of our tables."""
    domain = {one.table.name: one for one in (AE, LB)}.get(table.name)
    if domain is None or "subject" in names or not any(name in names for name in domain.told_by):
        return None
    return domain


def parse_events(
    cells: pl.DataFrame,
    table: Table,
    day0: DayZero | None,
    *,
    file: str | Path,
    extra: Literal["refuse", "keep"] = "refuse",
    day_one: Mapping[str, int] | None = None,
    partial_dates: PartialDates = "refuse",
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Turn the text cells of a table into a typed frame, be it ours or, by its header, a domain of SDTM.

    See `tilseq.io.dates.parse_dated` and `parse_sdtm`.
    """
    domain = domain_of(cells.columns, table)
    if domain is not None:
        return parse_sdtm(cells, domain, day0, file=file, day_one=day_one, partial_dates=partial_dates)
    partial = partial_dates if table is ADVERSE_EVENTS else None
    return parse_dated(cells, table, day0, file=file, extra=extra, partial_dates=partial)


def parse_sdtm(
    cells: pl.DataFrame,
    domain: Domain,
    day0: DayZero | None,
    *,
    file: str | Path,
    day_one: Mapping[str, int] | None = None,
    partial_dates: PartialDates = "refuse",
) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Turn the text cells of a domain into one of our tables, row for row, and list everything that is wrong.

    A day is that of the date where the subject's infusion has one. Else it is made of the study day (``--DY``), which
    has no day 0: day 1 is the day that `day_one` gives, day -1 the one before it. Neither is guessed. An empty cell,
    ``NA`` and R's are missing, and so is ``U`` of yes and no.

    Of AE the term is AETERM, the preferred term (`pt`) AEDECOD; the grade is AETOXGR, as AESEV is another scale; other
    coded columns pass through. Of LB the result, unit and limits are those written (LBORRES), else
    the converted ones (LBSTRESC); limits that are no number are missing. What is not of blood, serum or plasma
    (LBSPEC, or LBCAT for urine) has its specimen in the name of the test, and so is not graded as if it were.

    Parameters
    ----------
    cells
        Text cells of the file.
    domain
        What they are of, see `domain_of`.
    day0, file
        As of `parse_dated`.
    day_one
        Subject → day (0 is the first infusion) that is SDTM's study day 1.
    partial_dates
        What becomes of an event's date without a day.

    Returns
    -------
    frame, problems
        As of `tilseq.tables.parse`; a problem names the column of the file.
    """
    problems: list[TilseqError] = _columns_missing(cells, domain, file)
    cells = cells.with_columns(pl.when(pl.all() != "NA").then(pl.all()))
    text = pl.DataFrame(
        [_first_of(cells, theirs).alias(ours) for ours, theirs in domain.sources.items() if _there(cells, theirs)]
    )
    text = text if text.width else pl.DataFrame({"subject": [None] * cells.height}, schema={"subject": pl.String})
    for flag in (name for name in ("serious", "clinically_significant") if name in text.columns):
        text = text.with_columns(pl.when(pl.col(flag).str.to_uppercase() != "U").then(pl.col(flag)))
    text = text.with_columns(_results(cells)) if domain is LB else text
    for ours, theirs in domain.days.items():
        columns, faults = _days(cells, text, ours, theirs, day0, day_one, file)
        text, problems = text.with_columns(columns), problems + faults
    if domain is AE and "AEOCCUR" in cells.columns:
        problems += _not_occurred(cells, file)
    if domain is LB and "LBSTAT" in cells.columns:
        problems += _not_done(cells, file)
    partial = partial_dates if domain is AE else None
    frame, faults = parse_dated(text, domain.table, day0, file=file, extra="keep", partial_dates=partial)
    told = {problem.column for problem in problems if problem.row == 1}
    told |= {name for pair in domain.days.values() if told & set(pair) for name in pair}
    for fault in faults:
        fault.column = _their_name(fault.column, domain, cells)
    return frame, problems + [fault for fault in faults if fault.column not in told]


def day_ones(subjects: pl.DataFrame, day_one: DayOne) -> dict[str, int]:
    """Return subject → day that is SDTM's study day 1, of table `subjects`; without those of whom it is not known."""
    if day_one == "infusion":
        return dict.fromkeys(subjects["subject"].drop_nulls().to_list(), 0)
    return dict(subjects.select("subject", f"{day_one}_day").drop_nulls().rows())


def _columns_missing(cells: pl.DataFrame, domain: Domain, file: str | Path) -> list[TilseqError]:
    problems: list[TilseqError] = []
    for group in domain.needed:
        if not _there(cells, group):
            mend = None
            if group == ("AETOXGR",):
                mend = "export the grade by CTCAE; mild, moderate and severe of AESEV are another scale"
            what = f"{domain.name} needs {' or '.join(group)}"
            problems.append(ReadError(what, file=file, row=1, column=group[0], mend=mend))
    return problems


def _there(cells: pl.DataFrame, names: tuple[str, ...]) -> bool:
    return any(name in cells.columns for name in names)


def _first_of(cells: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    """Return for each row the first of some columns that is filled."""
    known = [name for name in names if name in cells.columns]
    empty = pl.Series([None] * cells.height, dtype=pl.String)
    return cells.select(pl.coalesce(known)).to_series() if known else empty


def _results(cells: pl.DataFrame) -> list[pl.Series]:
    """Return the columns `test`, `value_text`, `unit` and the limits."""
    written = _first_of(cells, ("LBORRES",)).is_not_null()
    found = [_tests(cells)]
    for ours, name in WRITTEN.items():
        values = _first_of(cells, (name,)).zip_with(written, _first_of(cells, (STANDARD[ours],)))
        if ours.endswith("limit"):
            number = values.cast(pl.Float64, strict=False).is_finite().fill_null(False)
            values = values.zip_with(number, values.clear(1))
        found.append(values.alias(ours))
    return found


def _tests(cells: pl.DataFrame) -> pl.Series:
    """Return the name of each row's test: one that is known, if either of theirs is."""
    parts = pl.DataFrame(
        {name: _first_of(cells, (name,)) for name in ("LBTEST", "LBTESTCD", "LBSPEC", "LBCAT", "LBFAST")}
    )
    names = parts.unique()
    known = names.with_columns(pl.Series("test", [_test(*row) for row in names.iter_rows()], dtype=pl.String))
    return parts.join(known, on=parts.columns, how="left", nulls_equal=True, maintain_order="left")["test"]


def _test(
    name: str | None, code: str | None, specimen: str | None, category: str | None, fasting: str | None
) -> str | None:
    written = name or code
    if specimen is None and (category or "").upper().startswith("URIN"):
        specimen = "URINE"
    if written is not None and specimen is not None and not any(word in specimen.upper() for word in BLOOD):
        return f"{written} ({specimen.casefold()})"
    names = (name,) if name is not None and ELSEWHERE.search(name) else (name, code)
    found = next((one for one in names if one is not None and lab_test(one) is not None), written)
    if fasting == "Y" and found is not None and lab_test(f"fasting {found}") is not None:
        return f"fasting {found}"
    return found


def _days(
    cells: pl.DataFrame,
    text: pl.DataFrame,
    ours: str,
    theirs: tuple[str, str],
    day0: DayZero | None,
    day_one: Mapping[str, int] | None,
    file: str | Path,
) -> tuple[list[pl.Series], list[TilseqError]]:
    """Return a column of days and one of dates, of which a row has one; and the study days that cannot be read."""
    dates, numbers = (_first_of(cells, (name,)).to_list() for name in theirs)
    dated = {} if day0 is None else day0.dates
    days: list[str | None] = [None] * cells.height
    problems: list[TilseqError] = []
    untold: int | None = None
    for i, subject in enumerate(text["subject"].to_list()):
        number = numbers[i]
        if number is None or (subject in dated and whole_date(dates[i]) is not None):
            continue
        start, study_day = None if day_one is None else day_one.get(subject), _study_day(number)
        if study_day is None:
            what, expected = "no day of SDTM, which has no day 0", "a whole number such as 1 or -1"
            row, column = i + 2, theirs[1]
            problems.append(ReadError(what, file=file, row=row, column=column, found=number, expected=expected))
        elif start is not None:
            days[i], dates[i] = str(start + study_day - (study_day > 0)), None
        elif dates[i] is None:
            untold = untold or i + 2
    if untold is not None:
        what = f"study days without a date (the first in row {untold}), and nothing tells what day 1 is"
        problems.append(ReadError(what, file=file, row=1, column=theirs[1], mend=DAY_ONE_MEND))
    columns = [pl.Series(ours, days, dtype=pl.String)]
    if any(date is not None for date in dates):
        columns.append(pl.Series(ours.removesuffix("day") + "date", dates, dtype=pl.String))
    return columns, problems


def _study_day(number: str) -> int | None:
    """Return a study day, 0 and what is no whole number None; statistics software writes 3.0 for 3."""
    try:
        value = float(number)
    except ValueError:
        return None
    return int(value) if value.is_integer() and value != 0 else None


def _not_occurred(cells: pl.DataFrame, file: str | Path) -> list[TilseqError]:
    rows = (cells["AEOCCUR"] == "N").fill_null(False).arg_true()
    what, mend = "an event that did not occur", "remove the row, whose place is SDTM's FA"
    return [ReadError(what, file=file, row=row + 2, column="AEOCCUR", found="N", mend=mend) for row in rows]


def _not_done(cells: pl.DataFrame, file: str | Path) -> list[TilseqError]:
    found = _first_of(cells, ("LBORRES", "LBSTRESC"))
    rows = ((cells["LBSTAT"] == "NOT DONE") & found.is_not_null()).fill_null(False).arg_true()
    what, mend = "NOT DONE beside a result", "empty one of the two: a test that was not done has no result"
    return [ReadError(what, file=file, row=row + 2, column="LBSTAT", found=found[row], mend=mend) for row in rows]


def _their_name(ours: str | None, domain: Domain, cells: pl.DataFrame) -> str | None:
    """Return the file's column behind one of ours."""
    if ours is None:
        return None
    own = {**domain.sources, **{name: (name_of,) for name, name_of in WRITTEN.items()}, "test": ("LBTEST", "LBTESTCD")}
    for day, (date, number) in domain.days.items():
        own |= {day: (date, number), day.removesuffix("day") + "date": (date,)}
    names = own.get(ours, (ours,))
    return next((name for name in names if name in cells.columns), names[0])
