"""A state that begins under way, as a response does, and time to event: by landmarks and by Cox's model in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from tilseq.clinical.cox import Ties, cox_time_dependent
from tilseq.clinical.landmark import landmark
from tilseq.clinical.survival_contrasts import (
    Families,
    counts,
    cox_row,
    finished,
    fitted,
    log_rank_row,
)
from tilseq.clinical.survival_times import CANNOT, by_endpoint, read_times, sentence, times
from tilseq.errors import AnalysisError, TableError, refuse_lone
from tilseq.tables import Column, Row, Table, as_polars, conform
from tilseq.tables.outputs import SUBJECT

STATES = Table(
    "states",
    "The day on which a state of a subject began.",
    (
        SUBJECT,
        Column("day", "integer", "Day of the study on which the state was first seen; null is never.", unit="d"),
    ),
    key=("subject",),
)
LANDMARKS = (42, 84)


def state_contrasts(
    time_to_event: Any,
    states: Any,
    *,
    state: str = "response",
    landmarks: Sequence[int] = LANDMARKS,
    ties: Ties = "efron",
    permutations: int | None = None,
    seed: int = 0,
    families: Families | None = None,
    endpoint_reader: str | None = None,
) -> pl.DataFrame:
    """Hold those in a state against those not (yet) in it, without counting the time that it took to get there.

    Survival split by whether subjects ever responded is not offered: it credits responders with the time before their
    response, and finds a difference in 20 to 37 of 100 trials without any (benchmarks/RESULTS.md). Instead, for each
    endpoint:

    - `landmark_log_rank` and `landmark_cox` at each landmark: those still at risk, in the state by then or not;
    - `cox_time_dependent`: all subjects, in the state from the day after it was seen. An event on the very day counts
      as one without it.

    Association only: neither tells that the state is the cause. q as of `survival_contrasts`, over the log-rank tests
    of landmarks and `cox_time_dependent`.

    Parameters
    ----------
    time_to_event
        Table `time_to_event`; of its columns `parameter, reader, subject, start_day, days, event` are read.
    states
        Columns `subject, day`, such as the day of the first response, null for never. Of who is not in it nothing is
        known: left out and told.
    state
        Its name, in `contrast`.
    landmarks
        Days of the study (0 is the first infusion).
    ties
        As of `cox`.
    permutations, seed
        As of `log_rank`, for its rows; no permutations (0) are chi-square always.
    families, endpoint_reader
        As of `survival_contrasts`.

    Returns
    -------
    polars.DataFrame
        Table `survival_contrasts`; `at_day` is the landmark.

    Raises
    ------
    StudyError, TableError, AnalysisError
        As `survival_contrasts`; or a time has no `start_day`, or the states have no `day` or none of the subjects.
    """
    frame = read_times(time_to_event)
    if frame.filter(pl.col("days").is_not_null())["start_day"].null_count():
        raise TableError("a state that begins under way needs the day of each origin", column="start_day")
    given = as_polars(states)
    if "day" not in given.columns:  # else nobody would ever be in the state
        found = ", ".join(given.columns)
        raise TableError("the states lack a column", column="day", found=found, mend="null stands for never")
    began = conform(given.select(name for name in given.columns if name in STATES.names), STATES)
    known = frame.join(began, on="subject", how="semi")
    if frame.height and began.height and known.is_empty():
        found, expected = began["subject"][0], f"subjects such as {frame['subject'][0]}"
        raise AnalysisError("the states are of no subject that has a time", found=found, expected=expected)
    rows: list[Row] = []
    refuse_lone(landmarks=landmarks)
    for day in landmarks:
        rows += _at_landmark(landmark(known, day), began, state, day, ties, permutations, seed)
    rows += _in_time(known, began, state, ties)
    without = {
        key: f"left out: {part.height} of whom the state is not known"
        for key, part in by_endpoint(frame.join(began, on="subject", how="anti"))
    }
    for row in rows:
        row["reason"] = sentence(without.get((row["parameter"], row["reader"])), row.get("reason"))
    return finished(rows, families or {}, frame, endpoint_reader)


def _at_landmark(
    frame: pl.DataFrame, began: pl.DataFrame, state: str, day: int, ties: Ties, permutations: int | None, seed: int
) -> list[Row]:
    begun = dict(began.iter_rows())
    rows: list[Row] = []
    for (parameter, reader), part in by_endpoint(frame):
        here = times(part, parameter, reader, state)
        in_state = np.array([begun[one] is not None and begun[one] <= day for one in here.subjects], bool)
        value = np.where(in_state, "yes", "no").astype(object)
        told = f"left out: {here.left_out} not at risk on the landmark" if here.left_out else None
        for row in (
            log_rank_row(here, value, state, "landmark_log_rank", permutations=permutations, seed=seed),
            cox_row(here, in_state, f"{state}:yes/no", "landmark_cox", ties),
        ):
            common = {"parameter": parameter, "reader": reader, "at_day": day}
            rows.append(common | row | {"reason": sentence(told, row.get("reason"))})
    return rows


def _in_time(frame: pl.DataFrame, began: pl.DataFrame, state: str, ties: Ties) -> list[Row]:
    rows: list[Row] = []
    for (parameter, reader), part in by_endpoint(frame):
        here = times(part, parameter, reader, state)
        row = {"parameter": parameter, "reader": reader, "contrast": f"{state}:yes/no", "method": "cox_time_dependent"}
        spans = state_spans(part.filter(pl.col("days").is_not_null()), began)
        told = f"left out: {here.left_out} not evaluable" if here.left_out else None
        if spans["in_state"].n_unique() < 2:
            found: Row = {"reason": f"{CANNOT}: nobody changes between in the state and not in it while at risk"}
        else:
            columns = (spans[name].to_numpy() for name in ("subject", "start", "stop", "event", "in_state"))
            events = spans.filter(pl.col("event") & (pl.col("in_state") == 1)).height
            found = fitted(cox_time_dependent(*columns, ties=ties), events)
        rows.append(row | counts(here) | found | {"reason": sentence(told, found.get("reason"))})
    return rows


def state_spans(times_of: pl.DataFrame, began: pl.DataFrame) -> pl.DataFrame:
    """Part each time where the state begins, as `cox_time_dependent` takes it.

    Parameters
    ----------
    times_of
        Columns `subject, start_day, days, event` of one endpoint and reader, none null.
    began
        Columns `subject, day`.

    Returns
    -------
    polars.DataFrame
        `subject, start, stop, event, in_state`: days since the origin, at risk after `start` up to and with `stop`.
    """
    joined = times_of.join(began, on="subject", how="left")
    switch = (pl.col("day") - pl.col("start_day") + 1).clip(lower_bound=0).fill_null(np.inf)
    joined = joined.with_columns(pl.min_horizontal(switch, "days").cast(pl.Float64).alias("switch"))
    before = joined.filter(pl.col("switch") > 0).select(
        "subject",
        pl.lit(0.0).alias("start"),
        pl.col("switch").alias("stop"),
        (pl.col("event") & (pl.col("switch") == pl.col("days"))).alias("event"),
        pl.lit(0.0).alias("in_state"),
    )
    after = joined.filter(pl.col("switch") < pl.col("days")).select(
        "subject",
        pl.col("switch").alias("start"),
        pl.col("days").cast(pl.Float64).alias("stop"),
        "event",
        pl.lit(1.0).alias("in_state"),
    )
    return pl.concat([before, after]).sort("subject", "start")
