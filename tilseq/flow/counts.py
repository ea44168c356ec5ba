"""From a gated tube to numbers: shares with their limits, and the ratio of CD4 to CD8."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tilseq.flow.gated import Gating, refuse_ungated
from tilseq.flow.quality import worst_of
from tilseq.flow.rare import (
    NO_BLANK,
    Blank,
    limit_of_blank,
    limit_of_detection,
    limit_of_quantification,
    status_of,
    status_of_counts,
)
from tilseq.flow.share_limits import ratio_limits, share_limits
from tilseq.flow.tree import Population
from tilseq.intervals import clopper_pearson, ratio_of_counts, scalar

if TYPE_CHECKING:
    import polars as pl

MOST_IN_BLANK = 0.01  # of its lymphocytes
WITH_GATES = ("singlets", "live", "lymphocytes")  # beside those told by signs; beads are limited by counting alone


class Ratio(NamedTuple):
    """CD4 to CD8; a value or limit that has no number is None.

    `lower` and `upper` are of counting and gating together, the `counting` ones of counting alone; `n` is both counts
    together.
    """

    value: float | None
    lower: float | None
    upper: float | None
    counting_lower: float | None
    counting_upper: float | None
    n: int
    status: str


def count(gating: Gating, blanks: Mapping[str, Blank] | None = None) -> pl.DataFrame:
    """Count the populations of one tube.

    Parameters
    ----------
    gating
        A gated tube.
    blanks
        Population → what blank tubes show of it among lymphocytes, see `rare.blank_of`; by default nothing.

    Returns
    -------
    polars.DataFrame
        Table `counts`: events, share of the parent in percent with 95 % limits of counting and gating together, of
        counting alone (Clopper and Pearson, 1934) and of gating alone, see `share_limits`; the tube's ratio of CD4 to
        CD8, see `cd4_cd8_ratio`; and its worst verdict with its reasons. A share of a parent without events is null.
        `cells_per_ul` is null: see `absolute`.

    Raises
    ------
    AnalysisError
        It is no gated tube.
    """
    from tilseq.tables.outputs import COUNTS

    refuse_ungated(gating)
    verdict, reason = _verdict(gating.quality)
    of_tube = {"verdict": verdict, "reason": reason, **ratio_columns(cd4_cd8_ratio(gating))}
    rows: list[dict[str, Any]] = []
    for population in gating.populations.values():
        row: dict[str, Any] = {"sample": gating.sample, "population": population.name, "parent": population.parent}
        row |= {"events": population.events, **of_tube}
        if population.parent is not None:
            parent_events = gating.populations[population.parent].events
            row["parent_events"] = parent_events
            blank = (blanks or {}).get(population.name)
            depth = gating.populations["lymphocytes"].events if blank and parent_events else parent_events
            row |= certainty(population.events, depth, blank or NO_BLANK)
            if parent_events:
                row["percent_of_parent"] = 100 * population.events / parent_events
                row |= {name: 100 * value for name, value in _share_limits(gating, population).items()}
        rows.append(row)
    return COUNTS.frame(rows)


def blank_for(gating: Gating) -> tuple[dict[str, int], list[str]]:
    """Return what a blank tube is blank for, and what it is not.

    Returns
    -------
    events
        Population of lymphocytes that bears a marker → its events, where these are at most 1 % of the lymphocytes, and
        a marker by which it is told, itself or above it, is none that more of them bear.
    others
        The others: the tube holds such cells, or bears all their stains, as one that lacks another stain (FMO) does,
        so that its few cells of that kind are no background.
    """
    most = MOST_IN_BLANK * gating.populations["lymphocytes"].events
    told = {
        name: gating.populations[name].events
        for name, rule in gating.rules.items()
        if rule.borne and _within_lymphocytes(gating, name)
    }
    stained = {marker for name, events in told.items() if events > most for marker in gating.rules[name].borne}
    blank = [name for name, events in told.items() if events <= most and _asks_for_other(gating, name, stained)]
    return {name: told[name] for name in blank}, [name for name in told if name not in blank]


def _asks_for_other(gating: Gating, name: str | None, stained: Collection[str]) -> bool:
    """Tell whether a population, or one above it, is told by a marker that is none of those stained."""
    while name is not None and name in gating.rules:
        for condition in gating.rules[name].conditions:
            borne = {sign.marker for sign in condition if sign.positive}
            if borne and borne.isdisjoint(stained):
                return True
        name = gating.populations[name].parent
    return False


def _within_lymphocytes(gating: Gating, name: str) -> bool:
    parent = gating.populations[name].parent
    return parent is not None and (parent == "lymphocytes" or _within_lymphocytes(gating, parent))


def certainty(events: int, depth: int, blank: Blank = NO_BLANK) -> dict[str, Any]:
    """Return status and limits of blank, detection and quantification of a population, by their columns."""
    return {
        "status": status_of(events, depth, blank),
        "limit_of_blank": limit_of_blank(depth, blank),
        "limit_of_detection": limit_of_detection(depth, blank),
        "limit_of_quantification": limit_of_quantification(depth, blank),
    }


def ratio_columns(ratio: Ratio | None) -> dict[str, float | None]:
    """Return the ratio of a tube and its limits by the columns of `counts`; without one they are null."""
    if ratio is None:
        return {}
    return {
        "cd4_cd8_ratio": ratio.value,
        "cd4_cd8_ratio_lower": ratio.lower,
        "cd4_cd8_ratio_upper": ratio.upper,
    }


def _share_limits(gating: Gating, population: Population) -> dict[str, float]:
    """Return the limits of a share of the parent, as fractions, by their columns."""
    events, parent = population.events, population.parent or ""
    total = gating.populations[parent].events
    counting = scalar(clopper_pearson(events, total))
    if population.name not in gating.rules and population.name not in WITH_GATES:
        return dict(zip(("lower", "upper", "counting_lower", "counting_upper"), counting * 2, strict=True))
    both, gates = share_limits(gating, population)
    names = ("lower", "upper", "counting_lower", "counting_upper", "gate_lower", "gate_upper")
    return dict(zip(names, (*both, *counting, *gates), strict=True))


def cd4_cd8_ratio(gating: Gating) -> Ratio:
    """Return the ratio of CD4+ T to CD8+ T of one tube with its 95 % limits.

    Those of counting are exact for two Poisson counts (Przyborowski and Wilenski, 1940); those of gating are joined
    with them on the logarithmic scale, see `uncertainty`.

    Parameters
    ----------
    gating
        A gated tube.

    Returns
    -------
    Ratio
        Without CD4+ T or without CD8+ T cells there is no ratio: the value is None, the status `not_evaluable`, and of
        the limits the one that can be told stays. Otherwise the status is that of the smaller count, see
        `rare.status_of_counts`. A tube whose tree has no such populations has no limits either.

    Raises
    ------
    AnalysisError
        It is no gated tube.
    """
    refuse_ungated(gating)
    names = ("CD4+ T", "CD8+ T")
    if not set(names) <= gating.populations.keys():
        return Ratio(None, None, None, None, None, 0, "not_evaluable")
    helpers, killers = (gating.populations[name].events for name in names)
    counting = scalar(ratio_of_counts(helpers, killers))
    (lower, upper), _ = ratio_limits(gating, names, counting)
    both = helpers > 0 and killers > 0
    value, status = (helpers / killers, status_of_counts(helpers, killers)) if both else (None, "not_evaluable")
    limits = [_number(limit) for limit in (lower, upper, *counting)]
    return Ratio(value, limits[0], limits[1], limits[2], limits[3], helpers + killers, status)


def _number(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None


def _verdict(quality: pl.DataFrame) -> tuple[str, str | None]:
    """Return the worst verdict of a tube and why: each check that is not passed, with its reason."""
    told = [f"{row['check']}: {row['reason']}" for row in quality.iter_rows(named=True) if row["verdict"] != "pass"]
    return worst_of(quality["verdict"]), "; ".join(told) or None
