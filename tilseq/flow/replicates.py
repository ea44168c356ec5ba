"""Whether replicate tubes of one specimen agree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tilseq.flow.quality import check
from tilseq.intervals import Z95

if TYPE_CHECKING:
    import polars as pl

POPULATIONS = ("CD3+", "CD4+ T", "CD8+ T")
# Replicates that lie this near are alike for any use of the numbers, however many cells tell them apart.
MOST_POINTS, MOST_PERCENT = 3.0, 10.0
MOST_OF_SMALLER = 0.2  # points of a small share can be many times of it
ALPHA = 0.01  # that replicates of one specimen are called different by chance, over all numbers compared
MOST_TOLD = 5
# Upper 95 % limit of no cells counted (Poisson) over half a cell, from which the error of none is taken.
UPPER_OF_NONE = 3.688879 / 0.5


class Number(NamedTuple):
    """One number of one replicate.

    Attributes
    ----------
    value
        As the table `counts` gives it: percent, or cells per microlitre.
    place, error
        The same on the scale on which its error is even, a logit or a logarithm, with its standard deviation.
    """

    value: float
    place: float
    error: float


def compare_replicates(counts: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return rows of the table `quality` that say whether replicate tubes of one specimen agree.

    Compared are the shares of CD3+, CD4+ T and CD8+ T in their parents and cells per microlitre, among the tubes that
    have them, two at least, and shares among those of one parent; a tube left out is told. Replicates agree where the
    largest difference is at most 3 points of percent and a fifth of the smaller share (10 % of the smaller of two cells
    per microlitre), or is within what their limits allow: Cochran's Q of logits (logarithms), weighted by the 95 %
    limits, is no rarer than 1 % over the numbers compared (Bonferroni). Of two tubes this is a z test. No cells per
    microlitre have their error from the upper limit alone. Errors that tubes share, as that of a bead lot, are in the
    limits too, so that p is rather too large. Which of the tubes is at fault is not told by this: all bear the same
    rows.

    Parameters
    ----------
    counts
        Sample → table `counts` of its tube.

    Returns
    -------
    list of dict
        One row a tube and number; of a tube whose number is not compared, or where none is, one that says so. The
        value is null where the smaller of two cells per microlitre is 0.
    """
    found: dict[str, tuple[str, dict[str, Number]]] = {}
    told: list[dict[str, Any]] = []
    for population in POPULATIONS:
        rows = {sample: _row(table, population) for sample, table in counts.items()}
        name = f"replicates: {population}"
        shares = _grouped({sample: (f"{name} of {row['parent']}", _share(row)) for sample, row in rows.items() if row})
        cells = _grouped({sample: (f"{name} per µL", _cells(row)) for sample, row in rows.items() if row})
        found |= {of: ("points", numbers) for of, numbers in shares.items() if len(numbers) > 1}
        found |= {of: ("percent", numbers) for of, numbers in cells.items() if len(numbers) > 1}
        told += _left_out(name, counts, shares)
        if any(row and row["cells_per_ul"] is not None for row in rows.values()):
            told += _left_out(f"{name} per µL", counts, cells)
    if not found:
        reason = "not available: fewer than two replicates have a number in common"
        return [_not_compared(sample, "replicates", reason) for sample in counts]
    return [row for name, (unit, numbers) in found.items() for row in _rows(name, unit, numbers, len(found))] + told


def _grouped(numbers: Mapping[str, tuple[str, Number | None]]) -> dict[str, dict[str, Number]]:
    """Return name → sample → number, of sample → name and number, without those that have none."""
    groups: dict[str, dict[str, Number]] = {}
    for sample, (name, number) in numbers.items():
        if number is not None:
            groups.setdefault(name, {})[sample] = number
    return groups


def _left_out(name: str, samples: Iterable[str], groups: Mapping[str, Mapping[str, Number]]) -> list[dict[str, Any]]:
    """Return a row of each tube that is compared with no other."""
    names = {sample: of for of, numbers in groups.items() for sample in numbers}
    rows = []
    for sample in samples:
        if sample not in names:
            rows.append(_not_compared(sample, name, "not compared: this tube has no number with limits"))
        elif len(groups[names[sample]]) == 1:
            whose = names[sample].removeprefix("replicates: ")
            rows.append(_not_compared(sample, name, f"not compared: no other tube has {whose}"))
    return rows


def _not_compared(sample: str, name: str, reason: str) -> dict[str, Any]:
    return check(sample, name, None, "two tubes with numbers", True, reason)


def _row(table: pl.DataFrame, population: str) -> dict[str, Any] | None:
    rows = table.filter(table["population"] == population)
    return rows.row(0, named=True) if rows.height else None


def _share(row: Mapping[str, Any]) -> Number | None:
    """Return a share with its error from the limits that are neither 0 nor 100 %; None where there is no such."""
    value, limits = row["percent_of_parent"], (row["lower"], row["upper"])
    if not _have_width(value, *limits):
        return None
    # half an event more on both sides, so that none and all have a logit
    place = math.log((row["events"] + 0.5) / (row["parent_events"] - row["events"] + 0.5))
    return _number(value, place, [math.log(end / (100 - end)) for end in limits if 0 < end < 100])


def _cells(row: Mapping[str, Any]) -> Number | None:
    """Return cells per microlitre with their error, from the limits above 0; None where there are no such."""
    value, limits = row["cells_per_ul"], (row["cells_per_ul_lower"], row["cells_per_ul_upper"])
    if not _have_width(value, *limits):
        return None
    place = math.log(value or limits[1] / UPPER_OF_NONE)
    return _number(value, place, [math.log(end) for end in limits if end > 0])


def _have_width(value: float | None, lower: float | None, upper: float | None) -> bool:
    """Tell whether there is a number from 0 on with limits apart, all of them finite."""
    if value is None or lower is None or upper is None:
        return False
    return 0 <= value < math.inf and 0 <= lower < upper < math.inf


def _number(value: float, place: float, limits: Sequence[float]) -> Number | None:
    """Return a number whose error is the mean distance of its limits, None without such."""
    away = sum(abs(limit - place) for limit in limits)
    return Number(value, place, away / len(limits) / Z95) if away else None


def _rows(name: str, unit: str, numbers: Mapping[str, Number], compared: int) -> list[dict[str, Any]]:
    """Return the rows of one number."""
    values = [number.value for number in numbers.values()]
    least, apart = min(values), max(values) - min(values)
    difference: float | None
    if unit == "points":
        difference, most = apart, min(MOST_POINTS, MOST_OF_SMALLER * least)
        words = f"{MOST_POINTS:g} points and a fifth of the smaller share apart"
    else:
        difference, most = 100 * apart / least if least else None, MOST_PERCENT / 100 * least
        words = f"{MOST_PERCENT:g} % apart"
    chance, rarest = _chance(list(numbers.values())), ALPHA / compared
    near, allowed = apart <= most, chance >= rarest
    told = [f"{sample} {number.value:.3g}" for sample, number in list(numbers.items())[:MOST_TOLD]]
    told += [f"{len(numbers) - MOST_TOLD} more"] if len(numbers) > MOST_TOLD else []
    why = f"at most {words}" if near else "within what their limits allow"
    why = why if near or allowed else "further apart than their limits allow: another specimen, stain or gate"
    limit = f"at most {words}, or p at least {rarest:.2g}"
    reason = f"{', '.join(told)}; p {chance:.2g}: {why}"
    return [check(sample, name, difference, limit, near or allowed, reason) for sample in numbers]


def _chance(numbers: Sequence[Number]) -> float:
    """Return how often replicates of one specimen lie further apart, by Cochran's Q."""
    from scipy.special import chdtrc

    weights = [1 / number.error**2 for number in numbers]
    middle = sum(w * number.place for w, number in zip(weights, numbers, strict=True)) / sum(weights)
    spread = sum(w * (number.place - middle) ** 2 for w, number in zip(weights, numbers, strict=True))
    return float(chdtrc(len(numbers) - 1, spread))
