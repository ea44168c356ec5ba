"""Identifiers that mean the same, and subjects that a table of subjects does not have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from numbers import Real
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError, TableError

# What R, pandas and people write where a value is missing; no design of expression takes it for a name.
MISSING = ("", "NA", "N/A", "<NA>", "NaN", "nan")
WHOLE_NUMBER = re.compile(r"^([0-9]+)\.0+$")
LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")


def twin_key(identifier: str) -> str:
    """Return what identifiers share that differ only in case or in how Unicode writes them."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", identifier).casefold())


def without_zeros(identifier: str) -> str:
    """Return what identifiers share that differ only in leading zeros, blanks, case or Unicode form."""
    return LEADING_ZEROS.sub("", without_blanks(identifier))


def without_marks(identifier: str) -> str:
    """Return what identifiers share that differ only in a spreadsheet's marks, as `'007`, `="007"` and `7.0`."""
    return WHOLE_NUMBER.sub(r"\1", without_zeros(identifier).strip("='\""))


def same_identifier(word: str, known: Collection[str]) -> str | None:
    """Return a mend that names the identifier which `word` is but for case, Unicode form, blanks, zeros or marks.

    None where there is none or where two could be meant: one that is merely spelt alike may be another's.

    >>> same_identifier("7", ["007", "008"]), same_identifier("009", ["007", "008"])
    ("did you mean '007'? A spreadsheet may have taken the leading zeros", None)
    """
    for key, why in (
        (twin_key, "They differ only in case or Unicode form"),
        (without_blanks, "They differ only in blanks"),
        (without_zeros, "A spreadsheet may have taken the leading zeros"),
        (without_marks, "A spreadsheet may have put marks or decimals about it"),
    ):
        alike = [name for name in known if key(name) == key(word)]
        if alike:
            return f"did you mean {alike[0]!r}? {why}" if len(alike) == 1 else None
    return None


def unknown_subjects(frame: pl.DataFrame, known: Collection[str]) -> list[tuple[str, TableError]]:
    """Return each subject of a table that is not among the known ones, with what is wrong in its first row.

    Parameters
    ----------
    frame
        Column `subject`; a null is passed over. The first row is row 2, as a spreadsheet counts them.
    known
        Every subject of the study.
    """
    subjects = frame.select("subject").with_row_index("row", offset=2).drop_nulls()
    wanted, faults = set(known), []
    for row, name in subjects.unique("subject", keep="first", maintain_order=True).iter_rows():
        if name not in wanted:
            mend = same_identifier(name, known) or "add the subject to the table of subjects"
            faults.append((name, TableError("no such subject", row=row, column="subject", found=name, mend=mend)))
    return faults


def without_blanks(identifier: str) -> str:
    """Return what identifiers share that differ only in blanks, case or Unicode form."""
    return "".join(twin_key(identifier).split())


def refuse_misspelt(subjects: Collection[str], known: Collection[str]) -> None:
    """Refuse a subject that a table has under a name which differs in case, blanks, zeros or Unicode form alone.

    Others may be of the study and have no row in the table.

    Raises
    ------
    AnalysisError
        There is one; what is told of it would be told of nobody.
    """
    for name in sorted(set(subjects) - set(known)):
        if mend := same_identifier(name, known):
            raise AnalysisError("the table has no such subject", found=name, mend=mend)


def days_by_subject(days: Mapping[Any, Any] | None, known: Collection[str]) -> dict[str, int]:
    """Return subject → day, subjects as text, as tables hold them: 101 of pandas is subject 101 of a table.

    A subject whose day is not known (None, NaN) is left out.

    Parameters
    ----------
    days
        Subject → day.
    known
        Subjects of the table that the days are for.

    Raises
    ------
    AnalysisError
        Days are not by subject, or one is no whole number; a subject is misspelt, see `refuse_misspelt`.
    """
    if days is not None and not isinstance(days, Mapping):
        found_as, mend = type(days).__name__, "write {'S01': 4}, or `.to_dict()` of a series whose index is subjects"
        raise AnalysisError("days are given by subject", found=found_as, expected="subject → day", mend=mend)
    found = {}
    for subject, day in (days or {}).items():
        if day is None or day != day:
            continue
        if not isinstance(day, Real) or not float(day).is_integer():
            raise AnalysisError(
                f"the day of subject {subject} is no whole number", found=day, expected="a whole number"
            )
        found[str(subject)] = int(float(day))
    refuse_misspelt(found, known)
    return found
