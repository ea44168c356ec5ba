"""Rows of the endpoint table from a laboratory's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tilseq.endpoints.parameters import BY_NAME

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
) -> dict[str, Any]:
    """Return one row of the endpoint table; unit and scope come from the parameter's registry.

    Parameters
    ----------
    sample
        Row of `samples.csv`, or any mapping with at least `subject`.
    name
        Parameter; its registry says which qualifiers it takes.
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
    value = None if value is None or math.isnan(value) else value
    return {
        **{column: sample.get(column) for column in OF_SAMPLE},
        "parameter": name,
        "qualifier": ";".join(f"{key}={told[key]}" for key in sorted(told)) or None,
        "value": value,
        "unit": known.unit,
        "lower": None if value is None else lower,
        "upper": None if value is None else upper,
        "interval_method": interval_method if lower is not None or upper is not None else None,
        "n": n,
        "status": status or ("not_evaluable" if value is None and value_text is None else "quantified"),
        "value_text": value_text,
        "method": method,
        "scope": known.scope,
    }
