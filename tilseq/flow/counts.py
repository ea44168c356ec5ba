"""From a gated tube to numbers: shares with their exact limits, and the ratio of CD4 to CD8."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.gating import Gating
from tilseq.flow.quality import LEAST_QUANTIFIED
from tilseq.intervals import clopper_pearson, ratio_of_counts, scalar

if TYPE_CHECKING:
    import polars as pl

VERDICTS = ("pass", "warn", "fail")


class Ratio(NamedTuple):
    """CD4 to CD8; a value or limit that has no number is None. `n` is both counts together."""

    value: float | None
    lower: float | None
    upper: float | None
    n: int
    status: str


def status_of(*events: int) -> str:
    """Return what counts of events allow to say: `quantified`, `detected_below_loq` or `not_detected`.

    The fewest of them decides: 50 or more are quantified, 1 to 49 are detected below the limit of quantification, none
    is not detected (ICCS's rule for rare events).
    """
    fewest = min(events)
    if fewest >= LEAST_QUANTIFIED:
        return "quantified"
    return "detected_below_loq" if fewest else "not_detected"


def count(gating: Gating) -> pl.DataFrame:
    """Count the populations of one tube.

    Returns
    -------
    polars.DataFrame
        Table `counts`: events, share of the parent in percent with 95 % limits (Clopper and Pearson, 1934), and the
        tube's worst verdict with its reasons. A share of a parent without events is null. `cells_per_ul` is null:
        it takes beads or a volume.
    """
    from tilseq.tables.outputs import COUNTS

    populations = list(gating.populations.values())
    events = np.array([population.events for population in populations])
    parents = np.array([gating.populations[p.parent].events if p.parent else 0 for p in populations])
    has_parent = np.array([p.parent is not None for p in populations])
    lower, upper = clopper_pearson(np.where(has_parent, events, 0), parents)
    verdict, reason = _verdict(gating.quality)
    rows: list[dict[str, Any]] = []
    for i, population in enumerate(populations):
        share = 100 * events[i] / parents[i] if parents[i] else None
        rows.append(
            {
                "sample": gating.sample,
                "population": population.name,
                "parent": population.parent,
                "events": int(events[i]),
                "parent_events": int(parents[i]) if population.parent else None,
                "percent_of_parent": share,
                "lower": 100 * float(lower[i]) if share is not None else None,
                "upper": 100 * float(upper[i]) if share is not None else None,
                "verdict": verdict,
                "reason": reason,
            }
        )
    return COUNTS.frame(rows)


def cd4_cd8_ratio(counts: pl.DataFrame) -> Ratio:
    """Return the ratio of CD4+ T to CD8+ T of one tube with its 95 % limits.

    The limits are exact for two Poisson counts (Przyborowski and Wilenski, 1940) and cover counting alone, not the
    placing of gates.

    Parameters
    ----------
    counts
        Table `counts` of one sample.

    Returns
    -------
    Ratio
        Without CD4+ T or without CD8+ T there is no ratio: the value is None, the status `not_evaluable`, and of the
        limits the one that can be told stays. Otherwise the status is that of the smaller count, see `status_of`.

    Raises
    ------
    AnalysisError
        The table holds not exactly one row of CD4+ T and one of CD8+ T.
    """
    found = dict(counts.select("population", "events").filter(counts["population"].is_in(["CD4+ T", "CD8+ T"])).rows())
    if counts["sample"].n_unique() != 1 or found.keys() != {"CD4+ T", "CD8+ T"}:
        raise AnalysisError("a ratio of CD4 to CD8 needs the counts of one sample with CD4+ T and CD8+ T")
    helpers, killers = found["CD4+ T"], found["CD8+ T"]
    lower, upper = scalar(ratio_of_counts(helpers, killers))
    both = helpers > 0 and killers > 0
    value, status = (helpers / killers, status_of(helpers, killers)) if both else (None, "not_evaluable")
    return Ratio(value, _number(lower), _number(upper), helpers + killers, status)


def _number(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None


def _verdict(quality: pl.DataFrame) -> tuple[str, str | None]:
    """Return the worst verdict of a tube and why: each check that is not passed, with its reason."""
    verdicts = quality["verdict"].to_list()
    worst = max(verdicts, key=VERDICTS.index, default="pass")
    told = [f"{row['check']}: {row['reason']}" for row in quality.iter_rows(named=True) if row["verdict"] != "pass"]
    return worst, "; ".join(told) or None
