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
    from tilseq.endpoints.rows import endpoint
    from tilseq.flow.quality import LEAST_QUANTIFIED
    from tilseq.steps.flow_absolute import method_of

    notes = notes or {}
    method = f"{{}} of {LEAST_QUANTIFIED} events or more quantified, fewer detected only (ICCS)"
    rows = [
        endpoint(
            sample,
            "percent_of_parent",
            row["percent_of_parent"],
            qualifiers={"population": row["population"], "parent": row["parent"]},
            lower=row["lower"],
            upper=row["upper"],
            interval_method=intervals.share,
            n=row["parent_events"],
            **_certainty(row),
            method=_noted(method.format("population"), notes.get(row["population"])),
            scope=scope,
        )
        for row in counts.iter_rows(named=True)
        if row["parent"] is not None
    ]
    counted = {row["population"]: row for row in counts.iter_rows(named=True)}
    shares = {name: row["status"] for name, row in counted.items()}
    certain = {name: _certain(found.status, shares[name]) for name, found in absolute.items()}
    rows += [
        endpoint(
            sample,
            "cells_per_ul",
            found.value,
            qualifiers={"population": name},
            lower=found.lower,
            upper=found.upper,
            interval_method="exact for counts, log-normal for the other errors (MOVER)",
            n=counted[name]["events"],
            status=certain[name],
            value_text=_undetected(found, certain[name]),
            method=_noted(method_of(found), notes.get(name)),
            scope=scope,
        )
        for name, found in absolute.items()
    ]
    if ratio is not None:
        rows.append(
            endpoint(
                sample,
                "cd4_cd8_ratio",
                ratio.value,
                lower=ratio.lower,
                upper=ratio.upper,
                interval_method=intervals.ratio,
                n=ratio.n,
                status=_certain(ratio.status, shares.get("CD4+ T"), shares.get("CD8+ T")),
                method=method.format("both"),
                scope=scope,
            )
        )
    return rows


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
