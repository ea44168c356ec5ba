"""Bands of values that a figure shades behind a laboratory course: which grade of the CTCAE each belongs to."""

from __future__ import annotations

from tilseq.clinical.ctcae import ANTICOAGULATED, Criterion, criteria, ctcae_version
from tilseq.errors import AnalysisError, did_you_mean
from tilseq.lab_tests import plain_unit

Band = tuple[int, float | None, float | None]
LIMITS = ("LLN", "ULN")
NORMAL_BASELINE = ("", "baseline not high", "baseline not low")


def grade_bands(
    term: str,
    *,
    test: str | None = None,
    version: str | int | None,
    unit: str,
    lower_limit: float | None = None,
    upper_limit: float | None = None,
) -> list[Band]:
    """Return grade, lowest and highest value of each band of a term, None for an open end; the worst grade first.

    Bands are those of a baseline within its limits. Criteria that hang on more than the value and the limits of normal
    are left out, and what symptoms decide is taken to be so.

    Parameters
    ----------
    term
        Term of the CTCAE.
    test
        Plain name of the test: calcium that is corrected and ionised have one term and other thresholds. None where the
        term has one test.
    version
        5 or 6.
    unit
        Unit of the figure; there are no bands where the term's thresholds are not in it. Empty for a figure of
        multiples of a limit, which is then 1; a term with thresholds of its own has no such bands.
    lower_limit, upper_limit
        Limits of normal that stand for those of all records; without one, bands that hang on it are left out.

    Raises
    ------
    AnalysisError
        The version or the term is not known, or the term has several tests and none is named.

    >>> grade_bands("Neutrophil count decreased", version=5, unit="10^9/L", lower_limit=1.8)
    [(4, None, 0.5), (3, 0.5, 1.0), (2, 1.0, 1.5), (1, 1.5, 1.8)]
    """
    known = criteria(ctcae_version(version))
    rows = [row for row in known if row.term == term and test in (None, row.test)]
    if not rows:
        mend = did_you_mean(term, sorted({row.term for row in known}))
        raise AnalysisError("the CTCAE has no such term for a laboratory value", found=term, mend=mend)
    tests = sorted({row.test for row in rows})
    if len(tests) > 1:
        raise AnalysisError("bands of a term of several tests need one", found=term, expected=" or ".join(tests))
    units = {plain_unit(row.unit) for row in rows if row.of in ("value", "above ULN")}
    if units and plain_unit(unit) not in units:
        return []
    limits = {"LLN": lower_limit, "ULN": upper_limit}
    edges: dict[int, float] = {}
    low = rows[0].direction == "low"
    for row in rows:
        edge = _edge(row, unit, limits)
        if edge is not None and row.grade is not None:
            # Of several criteria of a grade the one that is met first decides.
            edges[row.grade] = (max if low else min)(edge, edges.get(row.grade, edge))
    bands: list[Band] = []
    inner: float | None = None
    for grade in sorted(edges, reverse=True):
        if inner is None or (edges[grade] > inner if low else edges[grade] < inner):
            bands.append((grade, inner, edges[grade]) if low else (grade, edges[grade], inner))
            inner = edges[grade]
    return bands


def _edge(row: Criterion, unit: str, limits: dict[str, float | None]) -> float | None:
    """Return the value at which a criterion begins to hold, None where it hangs on more than value and limits."""
    if row.condition not in NORMAL_BASELINE or row.clinical in ("not_assumed", ANTICOAGULATED):
        return None
    if row.of == "above ULN":
        above = limits["ULN"]
        return None if above is None or plain_unit(row.unit) != plain_unit(unit) else above + row.threshold
    if row.of in LIMITS:
        limit = limits[row.of]
        return None if limit is None else row.threshold * limit
    return row.threshold if row.of == "value" and plain_unit(row.unit) == plain_unit(unit) else None
