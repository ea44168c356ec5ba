"""Ranked genes in .rnk files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from tilseq.errors import ReadError
from tilseq.io.text import read_text, unquoted

EXPECTED = "a gene and its rank, parted by a tab"
FEWEST_PLACES = 10  # genes: fewer may have the numbers from 1 on by chance
MISSING = ("", "na", "nan", "n/a", "null", "none")


@dataclass(frozen=True)
class Ranks:
    """Genes and their ranks, in the order of the file."""

    genes: tuple[str, ...]
    values: tuple[float, ...]


def read_ranks(path: str | Path) -> Ranks:
    """Read a ranked list: one gene a line and its rank, parted by a tab; high is up.

    Parameters
    ----------
    path
        A text file, plain or gzip. Lines that start with ``#`` and empty ones are skipped, and so is a first line
        whose second cell is a word, which is a header.

    Raises
    ------
    ReadError
        The file cannot be read, a line is of another form, a gene stands twice, or a rank is missing, infinite or no
        number. The error names the row. Or the numbers are places in a list, of which none says what is up.
    """
    rows: dict[str, int] = {}
    values: list[float] = []
    lines = read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = True
    for row, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [unquoted(cell.strip()) for cell in line.split("\t")]
        if len(cells) != 2 or not cells[0]:
            raise ReadError("this line is no ranked gene", file=path, row=row, found=line, expected=EXPECTED)
        header, first = first and _is_word(cells[1]), False
        if header:
            continue
        gene, cell = cells
        if gene in rows:
            raise ReadError(f"this gene stands in row {rows[gene]} already", file=path, row=row, found=gene)
        rows[gene] = row
        values.append(_rank(cell, path, row))
    if not rows:
        raise ReadError("the file holds no ranked gene", file=path)
    places = range(int(min(values)), int(min(values)) + len(values))
    if len(values) >= FEWEST_PLACES and places[0] in (0, 1) and sorted(values) == list(places):
        raise ReadError(
            "these are places in a list, of which the last would count as the most up",
            file=path,
            found=f"the whole numbers {places[0]} to {places[-1]}",
            expected="a number with a sign, such as t or a log fold change",
        )
    return Ranks(tuple(rows), tuple(values))


def _is_word(cell: str) -> bool:
    return cell.casefold() not in MISSING and _number(cell) is None


def _number(cell: str) -> float | None:
    try:
        return float(cell) if "_" not in cell else None
    except ValueError:
        return None


def _rank(cell: str, path: str | Path, row: int) -> float:
    value = _number(cell)
    if cell.casefold() in MISSING or value is None:
        what = "a rank is missing" if cell.casefold() in MISSING else "this rank is no number"
        raise ReadError(what, file=path, row=row, found=cell, expected="a number", mend="leave out a gene without one")
    if not math.isfinite(value):
        mend = "rank by a statistic that stays finite, such as t, instead of the logarithm of a p of 0"
        raise ReadError("this rank is infinite", file=path, row=row, found=cell, expected="a number", mend=mend)
    return value
