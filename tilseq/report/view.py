"""A table as the page shows it: cells of text, not of data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tilseq.report.results import STATE_WORDS
from tilseq.report.words import DASH, interval, number, plural

LONGEST_TABLE = 2000
STATE_SIGNS = {"ok": "✓", "warn": "!", "fail": "✗", "failed": "⊘", "not_analysed": "·", "not_available": "–"}


@dataclass(frozen=True)
class Chip:
    """A state with its sign and colour: `label` is what is seen, `words` what is read aloud and shown on hovering.

    `note` stands below the label, to tell chips alike apart.
    """

    label: str
    state: str
    words: str
    note: str = ""

    @property
    def sign(self) -> str:
        """The sign that tells the state without its colour; none where the label itself does."""
        return STATE_SIGNS.get(self.state, "")


@dataclass(frozen=True)
class Cell:
    """One cell: text, a smaller note below it, chips, and how it is set.

    `narrow` is a note for narrow screens, which hide the columns that say the same; `stack` holds cells set one below
    the other in the place of this one.
    """

    text: str = ""
    note: str = ""
    chips: tuple[Chip, ...] = ()
    kind: str = ""
    narrow: str = ""
    stack: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Head:
    """The head of a column: its name, a smaller note such as the unit, and whether numbers stand below it.

    Neighbours of one `group` get a head in common; a narrow screen hides a column that stands `aside`.
    """

    text: str
    note: str = ""
    numeric: bool = False
    group: str = ""
    aside: bool = False


@dataclass(frozen=True)
class View:
    """A table of the page; its first column names the rows and stays in sight when the table is scrolled.

    Attributes
    ----------
    title
        What the table shows, one line.
    heads, rows
        Heads of the columns; one cell a column and row. Rows beyond `LONGEST_TABLE` are left to the file.
    empty
        The sentence that stands in its place when there are no rows.
    file
        Where the whole table is, relative to the run's folder.
    """

    title: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    empty: str
    file: str

    @property
    def shown(self) -> Sequence[Sequence[Cell]]:
        """The rows that the page holds."""
        return self.rows[:LONGEST_TABLE]

    @property
    def groups(self) -> list[tuple[str, list[Head]]]:
        """Heads in common with the columns below each, in order; nothing where no column has one."""
        runs = [(group, list(heads)) for group, heads in groupby(self.heads, key=lambda head: head.group)]
        return runs if any(group for group, _ in runs) else []

    @property
    def rest(self) -> str:
        """A sentence about the rows that the page does not hold, or nothing."""
        left = len(self.rows) - len(self.shown)
        return f"{plural(left, 'more row')} in {self.file}." if left else ""


def filled(view: View) -> View:
    """Return a table without the columns in which no row holds anything."""
    if not view.rows:
        return view
    kept = [i for i in range(len(view.heads)) if not all(_is_empty(row[i]) for row in view.rows)]
    rows = [[row[i] for i in kept] for row in view.rows]
    return replace(view, heads=[view.heads[i] for i in kept], rows=rows)


def days_words(days: Sequence[int | None]) -> str:
    """Return a span of days in words, nothing where none is known.

    >>> days_words([28]), days_words([30, None, 27]), days_words([])
    ('day 28', 'day 27 to 30', '')
    """
    known = sorted({day for day in days if day is not None})
    return " to ".join(["day " + number(known[0]), *map(number, known[1:][-1:])]) if known else ""


def doubt(state: str | None) -> str:
    """Return a word for a sample whose numbers need care, and nothing for any other."""
    return STATE_WORDS[state] if state in ("warn", "fail") else ""


def text(value: str | int | None, kind: str = "") -> Cell:
    """Return a cell of text; null is a dash."""
    return Cell(DASH if value is None else f"{value}", kind=kind)


def measured(value: float | None, lower: float | None = None, upper: float | None = None, note: str = "") -> Cell:
    """Return a cell of a number, with its limits where there are any; null is a dash with the note beside it."""
    return Cell(interval(value, lower, upper), note=note, kind="number" if value is not None else "missing")


def count(value: float | None) -> Cell:
    """Return a cell of a count."""
    return Cell(number(value), kind="number" if value is not None else "missing")


def missing(why: str = "") -> Cell:
    """Return the cell of a number that is not there, with a word why where that is known."""
    return Cell(DASH, note=why, kind="missing")


def on_two_lines(cell: Cell) -> Cell:
    """Return the cell of a number with its limits below it, for a table of many columns.

    Limits that stand there alone are kept on one line.
    """
    value, _, limits = cell.text.partition(" (")
    kind = "limits" if limits and not cell.note else cell.kind
    return replace(
        cell, text=value, note=", ".join(filter(None, (f"({limits}" if limits else "", cell.note))), kind=kind
    )


def _is_empty(cell: Cell) -> bool:
    return cell.text in ("", DASH) and not (cell.note or cell.chips or cell.stack)
