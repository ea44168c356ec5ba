"""Rows of the endpoint table for one tube."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from tilseq.endpoints.parameters import Scope
    from tilseq.flow.absolute import AbsoluteCount
    from tilseq.flow.counts import Ratio


class Intervals(NamedTuple):
    """How the limits of shares and of the ratio were found, in words."""

    share: str
    ratio: str


WITH_GATES = Intervals(
    "Clopper-Pearson, joined with the placing of gates", "binomial, joined with the placing of gates"
)
COUNTING_ONLY = Intervals("Clopper-Pearson, counting only", "binomial, counting only")


def endpoints(
    sample: Mapping[str, Any],
    counts: pl.DataFrame,
    ratio: Ratio | None,
    absolute: Mapping[str, AbsoluteCount],
    *,
    intervals: Intervals,
    scope: Scope | None = None,
    notes: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return the share of every population in its parent, cells per µL, and the ratio of CD4 to CD8 where there is one.

    Parameters
    ----------
    sample
        Row of samples.csv.
    counts
        Table `counts` of the tube.
    ratio, absolute
        Ratio of CD4 to CD8, and population → cells per µL.
    intervals
        How limits were found.
    scope
        `cohort` where a cut was lent by other tubes.
    notes
        Population → what the reader of its numbers must know.
    """
    notes = notes or {}
    counted = {row["population"]: row for row in counts.iter_rows(named=True)}
    rows = [
        _share(sample, row, intervals, notes.get(name), scope)
        for name, row in counted.items()
        if row["parent"] is not None
    ]
    rows += [_per_ul(sample, found, counted[name], notes.get(name), scope) for name, found in absolute.items()]
    if ratio is not None:
        rows.append(_ratio(sample, ratio, counted, intervals, scope))
    return rows


def _share(
    sample: Mapping[str, Any], row: Mapping[str, Any], intervals: Intervals, note: str | None, scope: Scope | None
) -> dict[str, Any]:
    """Return the share of a population in its parent, by its row of the table `counts`."""
    from tilseq.endpoints.rows import endpoint

    return endpoint(
        sample,
        "percent_of_parent",
        row["percent_of_parent"],
        qualifiers={"population": row["population"], "parent": row["parent"]},
        lower=row["lower"],
        upper=row["upper"],
        interval_method=intervals.share,
        n=row["parent_events"],
        **_certainty(row),
        method=_noted(_rule("population"), note),
        scope=scope,
    )


def _per_ul(
    sample: Mapping[str, Any], found: AbsoluteCount, row: Mapping[str, Any], note: str | None, scope: Scope | None
) -> dict[str, Any]:
    """Return the cells per µL of a population; `row` is that of the table `counts`."""
    from tilseq.endpoints.rows import endpoint
    from tilseq.steps.flow_absolute import method_of

    status = _certain(found.status, row["status"])
    return endpoint(
        sample,
        "cells_per_ul",
        found.value,
        qualifiers={"population": row["population"]},
        lower=found.lower,
        upper=found.upper,
        interval_method="exact for counts, log-normal for the other errors (MOVER)",
        n=row["events"],
        status=status,
        value_text=_undetected(found, status),
        method=_noted(method_of(found), note),
        scope=scope,
    )


def _ratio(
    sample: Mapping[str, Any],
    ratio: Ratio,
    counted: Mapping[str, Mapping[str, Any]],
    intervals: Intervals,
    scope: Scope | None,
) -> dict[str, Any]:
    """Return the ratio of CD4 to CD8; `counted` is population → row of the table `counts`."""
    from tilseq.endpoints.rows import endpoint

    of_shares = (counted[name]["status"] for name in ("CD4+ T", "CD8+ T") if name in counted)
    return endpoint(
        sample,
        "cd4_cd8_ratio",
        ratio.value,
        lower=ratio.lower,
        upper=ratio.upper,
        interval_method=intervals.ratio,
        n=ratio.n,
        status=_certain(ratio.status, *of_shares),
        method=_rule("both"),
        scope=scope,
    )


def _rule(what: str) -> str:
    """Say from how many events on a number is quantified."""
    from tilseq.flow.quality import LEAST_QUANTIFIED

    return f"{what} of {LEAST_QUANTIFIED} events or more quantified, fewer detected only (ICCS)"


def _noted(method: str, note: str | None) -> str:
    return method if note is None else f"{method}; {note}"


def _certain(status: str, *of_shares: str | None) -> str:
    """Return the status of a number: no more certain than those of the shares, which know what blanks show."""
    from tilseq.flow.rare import least_certain

    return least_certain(status, *(one for one in of_shares if one not in (None, "not_evaluable")))


def _undetected(found: AbsoluteCount, status: str) -> str | None:
    if status != "not_detected" or found.upper is None:
        return None
    return f"< {found.upper:.3g} cells/\N{MICRO SIGN}L"


def _certainty(row: Mapping[str, Any]) -> dict[str, str | None]:
    """Return status and value_text of a share: what is not more than a blank shows is below its upper limit, not 0."""
    if row["percent_of_parent"] is None:
        return {"status": "not_evaluable", "value_text": None}
    undetected = row["status"] == "not_detected"
    return {"status": row["status"], "value_text": f"< {row['upper']:.3g} %" if undetected else None}
