"""Populations that a person gated: counted, with limits of counting alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.flow.counts import VERDICTS, Ratio, certainty, ratio_columns, status_of
from tilseq.flow.quality import LEAST_QUANTIFIED, check
from tilseq.flow.tree import Population
from tilseq.flow.tube import Mask
from tilseq.intervals import clopper_pearson, ratio_of_counts, scalar

if TYPE_CHECKING:
    import polars as pl

ALL_EVENTS = "all events"


def name_populations(
    gated: Mapping[str, tuple[str | None, Mask]], names: Mapping[str, str] | None = None
) -> dict[str, Population]:
    """Return a person's gates as populations, those without a parent below `all events`.

    Parameters
    ----------
    gated
        Name of each gate → name of its parent, None for all events, and its events, at least one gate.
    names
        Name of a gate → name of the population; a gate that is not there keeps its own.

    Returns
    -------
    dict
        Name → population.

    Raises
    ------
    AnalysisError
        A name is given to a gate that is not there, or two gates get one name.
    """
    names = names or {}
    for name in names:
        if name not in gated:
            mend = did_you_mean(name, list(gated)) or f"gates are {', '.join(gated)}"
            raise AnalysisError("a name is given to a gate that the file does not have", found=name, mend=mend)
    named = {gate: names.get(gate, gate) for gate in gated}
    twice = [name for name in named.values() if list(named.values()).count(name) > 1]
    if twice:
        raise AnalysisError("two gates would be one population", found=twice[0], mend="give each a name of its own")
    populations: dict[str, Population] = {}
    if ALL_EVENTS not in named.values():
        some = next(iter(gated.values()))[1]
        populations[ALL_EVENTS] = Population(ALL_EVENTS, None, np.ones_like(some))
    whole = next((mask for gate, (_, mask) in gated.items() if named[gate] == ALL_EVENTS), None)
    for gate, (parent, mask) in gated.items():
        if parent is None and whole is not None and np.any(mask & ~whole):
            raise AnalysisError(
                f"a gate holds events that {ALL_EVENTS} does not", found=gate, mend="put it within that gate"
            )
        above = ALL_EVENTS if parent is None else named[parent]
        populations[named[gate]] = Population(named[gate], None if named[gate] == ALL_EVENTS else above, mask)
    return populations


def check_t_cells(sample: str, populations: Mapping[str, Population]) -> list[dict[str, Any]]:
    """Return the check of events in CD3+, where a person gated them: below 50 a share of them is not quantified."""
    if "CD3+" not in populations:
        return []
    events = populations["CD3+"].events
    fine = events >= LEAST_QUANTIFIED
    reason = "enough to quantify" if fine else "below the limit of quantification"
    return [check(sample, "events in CD3+", events, f"at least {LEAST_QUANTIFIED}", fine, reason, worst="fail")]


def count_manual(
    sample: str, populations: Mapping[str, Population], quality: Sequence[Mapping[str, Any]]
) -> pl.DataFrame:
    """Count the populations that a person gated.

    Parameters
    ----------
    sample
        Name that the table bears.
    populations
        See `name_populations`.
    quality
        Rows of the table `quality` for this tube, at least one.

    Returns
    -------
    polars.DataFrame
        Table `counts`. The limits of a share are those of counting alone (Clopper and Pearson, 1934): how far a
        person would place a gate elsewhere is not known; so are those of the ratio. A share of a parent without events
        is null.
    """
    from tilseq.tables.outputs import COUNTS

    verdict = max((row["verdict"] for row in quality), key=VERDICTS.index)
    reason = "; ".join(f"{row['check']}: {row['reason']}" for row in quality if row["verdict"] != "pass") or None
    of_tube = {"verdict": verdict, "reason": reason, **ratio_columns(manual_ratio(populations))}
    rows = []
    for name, population in populations.items():
        row: dict[str, Any] = {"sample": sample, "population": name, "parent": population.parent}
        row |= {"events": population.events, **of_tube}
        if population.parent is not None:
            total = populations[population.parent].events
            row["parent_events"] = total
            row |= certainty(population.events, total)
            if total:
                lower, upper = (100 * limit for limit in scalar(clopper_pearson(population.events, total)))
                row |= {"percent_of_parent": 100 * population.events / total}
                row |= {"lower": lower, "upper": upper, "counting_lower": lower, "counting_upper": upper}
        rows.append(row)
    return COUNTS.frame(rows)


def manual_ratio(populations: Mapping[str, Population]) -> Ratio | None:
    """Return the ratio of CD4+ T to CD8+ T with limits of counting alone, or None where one of them was not gated.

    The limits are exact for two Poisson counts (Przyborowski and Wilenski, 1940).
    """
    if not {"CD4+ T", "CD8+ T"} <= populations.keys():
        return None
    helpers, killers = (populations[name].events for name in ("CD4+ T", "CD8+ T"))
    if not helpers or not killers:
        return Ratio(None, None, None, None, None, helpers + killers, "not_evaluable")
    lower, upper = scalar(ratio_of_counts(helpers, killers))
    return Ratio(helpers / killers, lower, upper, lower, upper, helpers + killers, status_of(helpers, killers))
