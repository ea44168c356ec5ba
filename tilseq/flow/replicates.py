"""Whether replicate tubes of one specimen agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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

    Compared are the shares of CD3+, CD4+ T and CD8+ T in their parents and, where all tubes have them, cells per
    microlitre. Replicates agree where the largest difference is at most 3 points of percent and a fifth of the smaller
    share (10 % of the smaller of two cells per microlitre), or is within what their limits allow: Cochran's Q of logits
    (logarithms), weighted by the 95 % limits, is no rarer than 1 % over the numbers compared (Bonferroni). Of two tubes
    this is a z test. Errors that tubes share, as that of a bead lot, are in the limits too, so that p is rather too
    large. Which of the tubes is at fault is not told by this: all bear the same rows.

    Parameters
    ----------
    counts
        Sample → table `counts` of its tube.

    Returns
    -------
    list of dict
        One row a tube and number; where a population is not compared, or nothing is, one that says so.
    """
    found: dict[str, tuple[str, dict[str, Number]]] = {}
    not_compared: list[str] = []
    for population in POPULATIONS:
        rows = {sample: _row(table, population) for sample, table in counts.items()}
        parents = {row["parent"] for row in rows.values() if row is not None}
        shares = {sample: number for sample, row in rows.items() if row and (number := _share(row))}
        if len(parents) == 1 and len(shares) > 1:
            found[f"replicates: {population} of {parents.pop()}"] = "points", shares
        else:
            not_compared.append(population)
        cells = {sample: number for sample, row in rows.items() if row and (number := _cells(row))}
        if len(cells) == len(counts) > 1:
            found[f"replicates: {population} per µL"] = "percent", cells
    if not found:
        reason = "not available: fewer than two replicates have a number in common"
        return [_not_compared(sample, "replicates", reason) for sample in counts]
    reason = "not compared: not in two tubes, or of different parents"
    told = [_not_compared(sample, f"replicates: {name}", reason) for name in not_compared for sample in counts]
    return [row for name, (unit, numbers) in found.items() for row in _rows(name, unit, numbers, len(found))] + told


def _not_compared(sample: str, name: str, reason: str) -> dict[str, Any]:
    return check(sample, name, None, "two tubes with numbers", True, reason)


def _row(table: pl.DataFrame, population: str) -> dict[str, Any] | None:
    rows = table.filter(table["population"] == population)
    return rows.row(0, named=True) if rows.height else None


def _share(row: Mapping[str, Any]) -> Number | None:
    """Return a share with its error from the limits that are neither 0 nor 100 %."""
    if row["percent_of_parent"] is None or row["lower"] is None or row["upper"] is None:
        return None
    # half an event more on both sides, so that none and all have a logit
    place = math.log((row["events"] + 0.5) / (row["parent_events"] - row["events"] + 0.5))
    limits = [math.log(end / (100 - end)) for end in (row["lower"], row["upper"]) if 0 < end < 100]
    return Number(row["percent_of_parent"], place, _error(place, limits)) if limits else None


def _cells(row: Mapping[str, Any]) -> Number | None:
    """Return cells per microlitre with their error; None where there are no such or none was seen."""
    value, limits = row["cells_per_ul"], (row["cells_per_ul_lower"], row["cells_per_ul_upper"])
    if not value or None in limits or limits[0] <= 0:
        return None
    place = math.log(value)
    return Number(value, place, _error(place, [math.log(end) for end in limits]))


def _error(place: float, limits: Sequence[float]) -> float:
    return sum(abs(limit - place) for limit in limits) / len(limits) / Z95


def _rows(name: str, unit: str, numbers: Mapping[str, Number], compared: int) -> list[dict[str, Any]]:
    """Return the rows of one number."""
    values = [number.value for number in numbers.values()]
    apart = max(values) - min(values)
    if unit == "points":
        difference, most = apart, min(MOST_POINTS, MOST_OF_SMALLER * min(values))
        words = f"{MOST_POINTS:g} points and a fifth of the smaller share apart"
    else:
        difference, most, words = 100 * apart / min(values), MOST_PERCENT, f"{MOST_PERCENT:g} % apart"
    chance, rarest = _chance(list(numbers.values())), ALPHA / compared
    near, allowed = difference <= most, chance >= rarest
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
