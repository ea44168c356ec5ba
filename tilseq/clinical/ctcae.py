"""Criteria of the CTCAE for laboratory results, as `ctcae_v5.tsv` and `ctcae_v6.tsv` hold them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from tilseq.errors import AnalysisError

VERSIONS = ("5", "6")
Direction = Literal["low", "high"]
Symptoms = Literal["assumed", "not_assumed"]
SYMPTOMS: tuple[Symptoms, ...] = ("assumed", "not_assumed")
ANTICOAGULATED = "anticoagulated"  # of criteria that hold of subjects on anticoagulation


@dataclass(frozen=True)
class Criterion:
    """One row of a table of criteria; what the columns mean stands at the head of the file.

    Attributes
    ----------
    term, test, direction
        Term of the CTCAE, plain name of the test (`tilseq.lab_tests`), and the side on which it is abnormal.
    unit
        Unit of the threshold; empty where only multiples of limits count.
    grade
        1 to 4, or None where the result is left ungraded.
    comparison, threshold, of
        Such as ``<``, 0.5, `value` or ``>``, 3, `ULN`.
    condition
        Such as `baseline high`; empty where there is none.
    clinical
        Policy on what no laboratory knows under which the row holds; empty for both.
    note
        What a reader of the grade should know.
    """

    term: str
    test: str
    direction: Direction
    unit: str
    grade: int | None
    comparison: str
    threshold: float
    of: str
    condition: str
    clinical: str
    note: str


def ctcae_version(version: str | int | None) -> str:
    """Return a version of the CTCAE as its text.

    Raises
    ------
    AnalysisError
        There is none or it is not known; none is taken by default, as grades differ between versions.
    """
    text = str(version).removeprefix("v").removesuffix(".0")
    if version is None or text not in VERSIONS:
        raise AnalysisError(
            "grades need a version of the CTCAE",
            found=version,
            expected=" or ".join(VERSIONS),
            mend="name the protocol's version: neutrophils of 0.3 are grade 4 in version 5 and grade 3 in 6",
        )
    return text


@cache
def criteria(version: str) -> tuple[Criterion, ...]:
    """Return the criteria of a version, `5` or `6`, in the order of its file."""
    text = files("tilseq.clinical").joinpath(f"ctcae_v{version}.tsv").read_text(encoding="utf-8")
    return _read_criteria(text)


def _read_criteria(text: str) -> tuple[Criterion, ...]:
    """Return the criteria of a table's text: lines of notes begin with #, the next is the header."""
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return tuple(_criterion(dict(zip(rows[0], row, strict=True))) for row in rows[1:])


def _criterion(row: dict[str, str]) -> Criterion:
    return Criterion(
        term=row["term"],
        test=row["test"],
        direction=cast(Direction, row["direction"]),
        unit=row["unit"],
        grade=int(row["grade"]) if row["grade"] else None,
        comparison=row["comparison"],
        threshold=float(row["threshold"]),
        of=row["of"],
        condition=row["condition"],
        clinical=row["clinical"],
        note=row["note"],
    )
