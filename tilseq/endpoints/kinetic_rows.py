"""Rows of the endpoint table from the kinetics of one subject's series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilseq.endpoints.kinetics import SERIES, kinetics
from tilseq.endpoints.parameters import BY_NAME
from tilseq.endpoints.rows import endpoint

METHODS = {
    "peak": "highest value measured",
    "day_of_peak": "day of the highest value measured",
    "auc_0_28": "area from day 0 to day 28, straight up and exponential down",
    "auc_0_last": "area from day 0 to the last day quantified, straight up and exponential down",
    "half_life": "log-linear fall through the quantified days after the peak",
    "last_day_quantified": "last day quantified",
    "time_to_loss": "first day after the last detection that would have shown as much, and a tenth of the highest",
}
INTERVALS = {
    "peak": "of its own measurement",
    "half_life": "the wider of regression and 10,000 draws",
    "time_to_loss": "days between which it was lost",
}
DRAWN = "10,000 draws"
AT_LIMITS = "every day at its limit"


def kinetic_rows(
    of: Mapping[str, Any],
    name: str,
    series: Sequence[Mapping[str, Any]],
    *,
    qualifiers: Mapping[str, str | None],
    seed: int,
    label: str | None = None,
    carried: bool = False,
    common_error: bool = False,
    untold: Sequence[float] = (),
    seen: Sequence[float] = (),
) -> list[dict[str, Any]]:
    """Return the endpoints of one series: a row for each parameter of `tilseq.endpoints.kinetics`.

    Parameters
    ----------
    of
        What the rows are of: at least `subject`; `specimen` and `assay`.
    name
        Parameter that the series is of; that of its peak is ``{name}_peak``, and so on.
    series
        Rows of `kinetics.SERIES`, in the unit of the peak.
    qualifiers
        Name → value, as of the parameter itself.
    seed
        Seed of the draws.
    label
        What the reader of any of the numbers must know of the series.
    carried
        The value of day 0 is one of before the infusion, see `kinetics`.
    common_error
        The days may err together, see `kinetics`.
    untold, seen
        Days of which no amount is told, and days on which none was measured, see `kinetics`.

    Raises
    ------
    KeyError
        The registry of parameters does not hold the kinetics of this parameter.
    AnalysisError, TableError
        The series cannot be, see `tilseq.endpoints.kinetics.kinetics`.
    """
    unit = BY_NAME[f"{name}_peak"].unit
    found = kinetics(
        SERIES.frame(series),
        unit=unit,
        seed=seed,
        carried=carried,
        common_error=common_error,
        untold=untold,
        seen=seen,
    )
    rows = []
    for row in found.iter_rows(named=True):
        parameter, value, reason = row["parameter"], row["value"], row["reason"]
        told = [METHODS[parameter], reason, label] if value is not None else [reason]
        still_there = (parameter, row["status"]) == ("time_to_loss", "above_range")
        rows.append(
            endpoint(
                of,
                f"{name}_{parameter}",
                value,
                qualifiers=qualifiers,
                lower=row["lower"],
                upper=row["upper"],
                interval_method=AT_LIMITS
                if common_error and parameter.startswith("auc")
                else INTERVALS.get(parameter, DRAWN),
                n=row["n"],
                status=row["status"],
                value_text=f"> {value:g} d" if still_there else None,
                method="; ".join(text for text in told if text is not None),
            )
        )
    return rows
