"""Rows of the endpoint table from a laboratory's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tilseq.endpoints.parameters import BY_NAME, Scope
from tilseq.tables.qualifiers import qualifier_pairs as qualifier_pairs
from tilseq.tables.qualifiers import qualifier_text as qualifier_text

OF_SAMPLE = ("subject", "visit", "specimen_id", "sample", "day", "timing", "specimen", "assay")


def endpoint(
    sample: Mapping[str, Any],
    name: str,
    value: float | None,
    *,
    qualifiers: Mapping[str, str | None] | None = None,
    lower: float | None = None,
    upper: float | None = None,
    interval_method: str | None = None,
    n: float | None = None,
    status: str | None = None,
    value_text: str | None = None,
    method: str | None = None,
    scope: Scope | None = None,
) -> dict[str, Any]:
    """Return one row of the endpoint table; unit and scope come from the parameter's registry.

    Parameters
    ----------
    sample
        Row of `samples.csv`, or any mapping with at least `subject`.
    name
        Parameter; its registry says which qualifiers it takes.
    value
        The number; None or NaN where there is none, and then neither limits nor their method are kept.
    qualifiers
        Name → value, None for one that does not apply; see `qualifier_text`.
    scope
        By default that of the registry.
    status
        By default `quantified` for a number or a word and `not_evaluable` for neither.

    Raises
    ------
    KeyError
        The parameter, or one of the qualifiers, is not in the registry.
    """
    known = BY_NAME[name]
    told = {key: text for key, text in (qualifiers or {}).items() if text is not None}
    if set(told) - set(known.qualifiers):
        raise KeyError(f"{name} takes no qualifier {sorted(set(told) - set(known.qualifiers))}")
    if value is None or math.isnan(value):
        value = lower = upper = None
    return {
        **{column: sample.get(column) for column in OF_SAMPLE},
        "parameter": name,
        "qualifier": qualifier_text(told),
        "value": value,
        "unit": known.unit,
        "lower": lower,
        "upper": upper,
        "interval_method": interval_method if lower is not None or upper is not None else None,
        "n": n,
        "status": status or ("not_evaluable" if value is None and value_text is None else "quantified"),
        "value_text": value_text,
        "method": method,
        "scope": scope or known.scope,
    }
