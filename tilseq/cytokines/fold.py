"""Fold change from baseline that respects the limits of both measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.kits import is_latent

Relation = Literal["=", ">", "<", "unknown"]

BELOW = ("not_detected", "detected_below_loq")


@dataclass(frozen=True)
class FoldChange:
    """A concentration over that of the baseline.

    Attributes
    ----------
    relation
        `=` for a number; `>` and `<` where one of the two is out of range and `fold` is only a limit; `unknown` where
        nothing can be said.
    fold, lower, upper
        The ratio with its 95 % limits, or the limit alone.
    """

    relation: Relation
    fold: float | None = None
    lower: float | None = None
    upper: float | None = None


def fold_change(later: dict[str, Any], baseline: dict[str, Any]) -> FoldChange:
    """Return the ratio of two rows of `sample_concentrations` of one analyte.

    Both quantified: the ratio, with limits from both intervals on the logarithm (Zou and Donner, Stat Med
    2008;27:1693), as if independent: two samples of one plate share its curve, so limits are rather too wide. One out
    of range: a limit by that sample's own limit and the nearer end of the other's interval. Both out of range: a limit
    where they are so on opposite sides, else unknown.

    Parameters
    ----------
    later, baseline
        Rows with `analyte`, `status`, `conc_pg_per_ml`, `lower`, `upper` and `limit_pg_per_ml`.

    Raises
    ------
    AnalysisError
        The rows are of two analytes, or one of free and the other of total TGF-β, or of wells activated by acid.
    """
    if later.get("analyte") != baseline.get("analyte"):
        raise AnalysisError("a fold change needs two rows of one kind", column="analyte", found=later.get("analyte"))
    if activated(later) != activated(baseline):
        found = later.get("acid_activated")
        raise AnalysisError("a fold change needs two rows of one kind", column="acid_activated", found=found)
    most, least = reach(later), reach(baseline)
    if later["status"] == baseline["status"] == "quantified":
        return _ratio(later, baseline)
    low = None if most[0] is None or least[1] is None else most[0] / least[1]
    high = None if most[1] is None or not least[0] else most[1] / least[0]
    if low:
        return FoldChange(">", low, low, None)
    return FoldChange("unknown") if high is None else FoldChange("<", high, None, high)


def activated(row: dict[str, Any]) -> bool | None:
    """Tell whether a row is of acid-activated wells; where the sheet is silent, not so unless the analyte is latent."""
    told: bool | None = row.get("acid_activated")
    return told if is_latent(row["analyte"]) else bool(told)


def reach(row: dict[str, Any]) -> tuple[float | None, float | None]:
    """Return the least and the most that a row of `sample_concentrations` allows; None where there is no end."""
    if row["status"] == "quantified":
        return row["lower"], row["upper"]
    if row["status"] in BELOW:
        return None, row["limit_pg_per_ml"]
    return (row["limit_pg_per_ml"], None) if row["status"] == "above_range" else (None, None)


def shown(row: dict[str, Any]) -> str:
    """Return the number of a row of `sample_concentrations`, or its limit, in words."""
    if row["status"] == "quantified":
        return f"{row['conc_pg_per_ml']:.4g} pg/mL"
    return f"{'<' if row['status'] in BELOW else '>'} {row['limit_pg_per_ml']:.4g} pg/mL"


def _ratio(later: dict[str, Any], baseline: dict[str, Any]) -> FoldChange:
    at, base = float(np.log(later["conc_pg_per_ml"])), float(np.log(baseline["conc_pg_per_ml"]))
    ends = [_gaps(row, middle) for row, middle in ((later, at), (baseline, base))]
    below, above = np.hypot(ends[0][0], ends[1][1]), np.hypot(ends[0][1], ends[1][0])
    lower, upper = (float(np.exp(at - base + reach)) for reach in (-below, above))
    return FoldChange("=", float(np.exp(at - base)), lower, upper if np.isfinite(upper) else None)


def _gaps(row: dict[str, Any], middle: float) -> tuple[float, float]:
    """Return how far a logarithm's limits lie below and above it; infinite where there is none."""
    lower, upper = row["lower"], row["upper"]
    return middle - float(np.log(lower)) if lower else np.inf, float(np.log(upper)) - middle if upper else np.inf
