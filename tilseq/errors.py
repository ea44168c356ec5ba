"""One base class for everything tilseq refuses; every refusal says where, what was found and how to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

LONGEST_VALUE_SHOWN = 80
MOST_ALIKE = 20  # lines of one problem in one column


class TilseqError(Exception):
    """Something tilseq refuses to do, told so that the reader can mend it.

    Parameters
    ----------
    what
        What is wrong, one clause without a full stop.
    file
        The file it is wrong in.
    row
        Row of a table as a spreadsheet numbers it: the header is row 1.
    byte
        Offset in a binary file, counted from 0.
    column
        Column of a table, or keyword of a file's header.
    found, expected
        What stands there and what should.
    mend
        What the reader can do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        row: int | None = None,
        byte: int | None = None,
        column: str | None = None,
        found: object = None,
        expected: str | None = None,
        mend: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.file = None if file is None else str(file)
        self.row = row
        self.byte = byte
        self.column = column
        self.found = None if found is None else shown(found)
        self.expected = expected
        self.mend = mend

    def __str__(self) -> str:
        place = [
            text
            for text in (
                self.file,
                None if self.row is None else f"row {self.row}",
                None if self.byte is None else f"byte {self.byte}",
                None if self.column is None else f"column {self.column}",
            )
            if text
        ]
        parts = [self.what]
        if self.found is not None:
            parts.append(f"found {self.found}")
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.mend:
            parts.append(self.mend)
        return (", ".join(place) + ": " if place else "") + "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return the parts of the error, for JSON and for the table of failures."""
        names = ("what", "file", "row", "byte", "column", "found", "expected", "mend")
        return {name: getattr(self, name) for name in names}

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way between processes, which keyword-only arguments do not by themselves."""
        return _rebuild, (type(self), self.as_dict())


class ReadError(TilseqError):
    """A file cannot be read, or must not be read as what it claims to be."""


class TableError(TilseqError):
    """A table breaks its registry: a column, type, value or key.

    Attributes
    ----------
    table
        Which of several tables given together it is of, for a caller that knows their files.
    """

    table: str | None = None


class AnalysisError(TilseqError):
    """The data are readable but the number asked for cannot be had from them."""


class RunError(TilseqError):
    """A run cannot start or go on: a lock, a missing output, a full disk."""


class StudyError(TilseqError):
    """A study folder, or a design of one, breaks its rules; carries every problem found, not only the first.

    Attributes
    ----------
    problems
        One `TilseqError` a problem, in the order of the files.
    where
        What they are in, such as ``the study`` or ``the design``.
    """

    def __init__(self, problems: Sequence[TilseqError], where: str = "the study") -> None:
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in {where}")
        self.problems = list(problems)
        self.where = where

    def __str__(self) -> str:
        return "\n".join([*in_lines(self.problems), self.what])

    def as_dict(self) -> dict[str, Any]:
        """Return the parts of the error; what is wrong is every problem, not only how many there are."""
        return {**super().as_dict(), "what": "\n".join([*map(str, self.problems), self.what])}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems, self.where)


def in_lines(problems: Sequence[TilseqError]) -> list[str]:
    """Return a line a problem; of one that many rows of a column share the first few, and how many more there are.

    A table exported with dates of another form would else hide all other problems behind as many lines as it has rows.
    """
    kinds = [(problem.file, problem.column, problem.what) for problem in problems]
    alike, told, lines = Counter(kinds), Counter[tuple[str | None, str | None, str]](), list[str]()
    for problem, kind in zip(problems, kinds, strict=True):
        told[kind] += 1
        if told[kind] <= MOST_ALIKE:
            lines.append(str(problem))
        elif told[kind] == MOST_ALIKE + 1:
            parts = (problem.file, problem.column and f"column {problem.column}")
            where = ", ".join(part for part in parts if part)
            lines.append(f"{where}: {problem.what}, {plural(alike[kind] - MOST_ALIKE, 'time')} more".removeprefix(": "))
    return lines


def shown(value: object) -> str:
    """Return a value as an error shows it: quoted, one line, never longer than a line can hold."""
    text = ascii(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST_VALUE_SHOWN else text[: LONGEST_VALUE_SHOWN - 1] + "…"


def first_few(names: Sequence[str], most: int) -> str:
    """Return names as a sentence lists them: the first few, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def plural(count: int, one: str) -> str:
    """Return a count with its noun.

    >>> plural(1, "sample"), plural(1200, "sample")
    ('1 sample', '1,200 samples')
    """
    return f"{count:,} {one if count == 1 else one + 's'}"


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """Return a mend such as ``did you mean 'blood'?``, or None when nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(word.casefold(), [name.casefold() for name in known], n=1, cutoff=0.6)
    match = next((name for name in known if near and name.casefold() == near[0]), None)
    begun = [name for name in known if word and name.casefold().startswith(word.casefold())]
    if match is None and len(begun) == 1:
        match = begun[0]
    return None if match is None else f"did you mean {match!r}?"


def refuse_unknown(setting: str, value: str | None, allowed: Sequence[str | None]) -> None:
    """Refuse a word that a setting does not have, which would else count as one of the others.

    Raises
    ------
    AnalysisError
        The word is none of those allowed.
    """
    if value not in allowed:
        words = [word for word in allowed if word is not None]
        expected, mend = ", ".join(words), did_you_mean(str(value), words)
        raise AnalysisError("no such setting", column=setting, found=value, expected=expected, mend=mend)


def refuse_lone(**given: object) -> None:
    """Refuse one number or word where several are wanted; letters of a word would be taken for them.

    Raises
    ------
    AnalysisError
        One is given alone, not in a list; None is not looked at.
    """
    for name, value in given.items():
        if value is not None and (isinstance(value, str) or not isinstance(value, Iterable)):
            raise AnalysisError("several are wanted", column=name, found=value, mend=f"write [{value!r}]")


def _rebuild(kind: type[TilseqError], parts: dict[str, Any]) -> TilseqError:
    what = parts["what"]
    found = parts["found"]
    error = kind(what, **{name: value for name, value in parts.items() if name not in ("what", "found")})
    error.found = found
    return error
