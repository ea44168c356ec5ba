"""Rows of the endpoint table from rows of the table `diversity`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from tilseq.endpoints.parameters import Scope

METHOD_OF_LIMITS = "analytic, sampling only"


def diversity_rows(
    sample: Mapping[str, Any], indices: pl.DataFrame, method: str, scope: Scope | None = None
) -> list[dict[str, Any]]:
    """Return the endpoints of a sample's indices.

    Parameters
    ----------
    sample
        Row of `samples.csv`.
    indices
        The table `diversity`.
    method
        What is a clone, and what its counts count.
    scope
        As for `endpoint`.
    """
    from tilseq.endpoints.rows import endpoint

    return [
        endpoint(
            sample,
            row["parameter"],
            row["value"],
            qualifiers={"locus": row["locus"]},
            lower=row["lower"],
            upper=row["upper"],
            interval_method=METHOD_OF_LIMITS,
            n=row["n"],
            method=method,
            scope=scope,
        )
        for row in indices.iter_rows(named=True)
    ]
