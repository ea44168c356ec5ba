"""Times counted anew from a landmark day, of those still at risk on it (Anderson et al., J Clin Oncol 1983;1:710)."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.clinical.survival_times import read_times
from tilseq.clinical.time_to_event import NOT_EVALUABLE
from tilseq.errors import TableError


def landmark(time_to_event: Any, day: int) -> pl.DataFrame:
    """Count each time from a landmark, so that groups of what was known on it can be compared without favour.

    Who has the event or is censored on the landmark day or before is no longer at risk.

    Parameters
    ----------
    time_to_event
        Table `time_to_event`; `start_day` is needed, as the landmark is a day of the study (0 is the first infusion).
    day
        The landmark.

    Returns
    -------
    polars.DataFrame
        Of table `time_to_event`: `parameter, reader, subject, origin, start_day, end_day, days, event, rule, reason`.
        `days` counts the landmark day as 1, as it counts the day of any origin. Who is not at risk has null days and
        event, the rule `not_evaluable` and a reason.

    Raises
    ------
    StudyError, TableError
        As `survival_curve`; or a time has no `start_day`.
    """
    frame = read_times(time_to_event)
    lost = frame.filter(pl.col("days").is_not_null() & pl.col("start_day").is_null())
    if lost.height:
        found = f"{lost['parameter'][0]} of subject {lost['subject'][0]}"
        raise TableError("a landmark needs the day of each origin", column="start_day", found=found)
    end = (pl.col("start_day") + pl.col("days") - 1).cast(pl.Int64)
    reason = (
        pl.when(pl.col("days").is_null())
        .then(pl.lit("could not be evaluated"))
        .when(pl.col("start_day") > day)
        .then(pl.format("its clock starts on day {}, after the landmark", pl.col("start_day")))
        .when((end <= day) & pl.col("event"))
        .then(pl.format("event on day {}, not after the landmark", end))
        .when(end <= day)
        .then(pl.format("censored on day {}, not after the landmark", end))
    )
    frame = frame.with_columns(reason.alias("reason"), end.alias("end_day"))
    at_risk = pl.col("reason").is_null()
    return frame.select(
        "parameter",
        "reader",
        "subject",
        pl.lit(f"landmark day {day}").alias("origin"),
        pl.lit(day, pl.Int64).alias("start_day"),
        pl.when(at_risk).then("end_day").alias("end_day"),
        pl.when(at_risk).then(pl.col("end_day") - day + 1).alias("days"),
        pl.when(at_risk).then("event").alias("event"),
        pl.when(at_risk).then(pl.lit("landmark")).otherwise(pl.lit(NOT_EVALUABLE)).alias("rule"),
        "reason",
    )
