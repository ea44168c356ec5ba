"""Times to event as survival takes them: checked arrays, and the subjects of each endpoint, reader and group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError, StudyError, TableError
from tilseq.masked import refuse_masked
from tilseq.tables import Column, Table, as_polars, conform
from tilseq.tables.outputs import SUBJECT
from tilseq.tables.survival import NEVER_SCANNED

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ALL = "all"
NOT_GIVEN = "not given"
CANNOT = "cannot be estimated"
NOT_REACHED = "not reached"
TUMOR_DEATH, UNKNOWN_CAUSE = "tumor_death", "cause of death unknown"  # rule and reason in `time_to_event`
UNSCANNED_DEATH = f"a death {NEVER_SCANNED} before it"  # in the reason of `time_to_event`
UNSCANNED = "no_post_baseline"  # rule of who lives without one
# What is known of a subject only after the clock has started: groups by it hold those who lived to get there. A
# courtesy: it knows these names of columns, and values of which two or more make a column one of responses.
KNOWN_LATER = (
    *("response", "best_response", "best_overall_response", "bor", "recorded", "confirmed_response"),
    *("objective_response", "responder", "confirmed_responder", "responded"),
)
RESPONSE_WORDS = frozenset(
    (
        *("cr", "pr", "sd", "pd", "ne", "non-cr/non-pd", "icr", "ipr", "isd", "iupd", "icpd", "cr/pr", "pr/cr"),
        *("sd/pd", "complete response", "partial response", "stable disease", "progressive disease", "response"),
        *("no response", "responder", "responders", "no responder", "non-responder", "non-responders"),
        *("nonresponder", "nonresponders"),
    )
)
EARLIER = ("prior", "previous", "earlier")  # in the name of a column: the response to a treatment before
TIMES = Table(
    "time_to_event",
    "What survival is estimated from.",
    (
        Column("parameter", "text", "Endpoint.", needed=True),
        Column("reader", "text", "Who read the scans."),
        SUBJECT,
        Column("start_day", "integer", "Day of the origin.", unit="d"),
        Column("days", "number", "Time to event or censoring; null where it cannot be evaluated.", unit="d"),
        Column("event", "boolean", "The event happened; false is censored."),
        Column("rule", "text", "Event or censoring rule that fired."),
        Column("reason", "text", "What else bears on the time."),
    ),
    key=("parameter", "reader", "subject"),
)


@dataclass(frozen=True)
class Times:
    """Times of the subjects of one endpoint, reader and group.

    Attributes
    ----------
    parameter, reader, group
        What they are of.
    subjects
        Identifiers of those with a time, in their order.
    days, event
        Their times in days, and whether the event happened.
    left_out
        How many subjects have no time.
    unknown_causes
        How many events are deaths taken for the tumour's of which nobody knows the cause.
    unscanned_deaths, unscanned_alive
        How many events are deaths without an assessment before them, and how many are censored on the origin, alive
        without one.
    """

    parameter: str
    reader: str | None
    group: str
    subjects: tuple[str, ...]
    days: Floats
    event: Flags
    left_out: int
    unknown_causes: int = 0
    unscanned_deaths: int = 0
    unscanned_alive: int = 0

    @property
    def key(self) -> dict[str, str | None]:
        """What names it in a table of results."""
        return {"parameter": self.parameter, "reader": self.reader, "group": self.group}


def checked(days: ArrayLike, event: ArrayLike) -> tuple[Floats, Flags]:
    """Return times and events as arrays, or refuse the first that cannot be.

    Parameters
    ----------
    days
        One dimension, at least one, each above 0 and finite.
    event
        As many: true or 1 for the event, false or 0 for censored.

    Raises
    ------
    AnalysisError
        There is none, the two differ in number, or a value cannot be, or is masked.
    """
    refuse_masked(days=days, event=event)
    given = np.asarray(days)
    if given.dtype.kind in "mM":  # numpy would count them in their own unit, such as nanoseconds
        what, mend = "times to event are numbers of days", "of differences of dates write `.dt.days`, and add 1"
        raise AnalysisError(what, column="days", found=str(given.dtype), mend=mend)
    try:
        times = given.astype(float)
    except (TypeError, ValueError) as error:
        raise AnalysisError("times to event are numbers", column="days", found=days) from error
    flags = np.asarray(event)
    if times.ndim != 1 or flags.shape != times.shape:
        raise AnalysisError(
            "times and events must be of one length", found=f"{times.shape} and {flags.shape}", expected="one each"
        )
    if not len(times):
        raise AnalysisError("there is no subject", mend="leave an empty group out")
    wrong = ~(np.isfinite(times) & (times > 0))
    if wrong.any():
        at = int(np.argmax(wrong))
        mend = "the day of the origin counts: end - start + 1; leave out who cannot be evaluated"
        what = f"the time of subject {at + 1} cannot be"
        raise AnalysisError(what, column="days", found=float(times[at]), expected="above 0", mend=mend)
    return times, _flags(flags)


def _flags(values: NDArray[Any]) -> Flags:
    """Return events as booleans; words, counts and missing values are none."""
    whether = [isinstance(value, bool | int | float) and value in (0, 1) for value in values.tolist()]
    if not all(whether):
        at = whether.index(False)
        what, expected = f"the event of subject {at + 1} cannot be", "true or 1, false or 0"
        raise AnalysisError(what, column="event", found=values.tolist()[at], expected=expected)
    return values.astype(bool)


def read_times(time_to_event: Any) -> pl.DataFrame:
    """Return table `time_to_event` in the columns that survival needs, or tell everything that is wrong with it.

    Raises
    ------
    StudyError
        Rows cannot be: every one is listed, with its number (the header is row 1), parameter and subject.
    TableError
        A column is missing, or a subject stands twice in an endpoint of one reader.
    """
    frame = as_polars(time_to_event)
    for name in ("parameter", "subject", "days", "event"):
        if name not in frame.columns:
            raise TableError("table time_to_event lacks a column", column=name)
    frame = frame.select(name for name in TIMES.names if name in frame.columns)
    numbered = frame.with_row_index("row", offset=2)
    if frame["event"].dtype == pl.Boolean and frame["days"].dtype.is_integer():  # at once what is nearly always right
        sound = (pl.col("event").is_null() & pl.col("days").is_null()) | (
            pl.col("event").is_not_null() & (pl.col("days") > 0).fill_null(False)
        )
        numbered = numbered.filter(~sound)
    problems = [problem for cells in numbered.iter_rows(named=True) if (problem := _problem(cells)) is not None]
    if problems:
        raise StudyError(problems, "the times to event")
    return conform(frame, TIMES)


def _problem(cells: dict[str, Any]) -> TableError | None:
    days, event, row = cells["days"], cells["event"], cells["row"]
    where = f"{cells['parameter']} of subject {cells['subject']}"
    if days is None and event is None:
        return None
    if not isinstance(event, bool) and not (isinstance(event, int | float) and event in (0, 1)):
        what, mend = f"the event of {where} cannot be", "both are null where a subject cannot be evaluated"
        return TableError(what, row=row, column="event", found=event, expected="true or false", mend=mend)
    if not isinstance(days, int | float) or not 0 < days < np.inf or days != int(days):
        what, mend = (
            f"the time of {where} cannot be",
            "it is end_day - start_day + 1; null where it cannot be evaluated",
        )
        return TableError(what, row=row, column="days", found=days, expected="a whole number above 0", mend=mend)
    return None


def read_groups(groups: Any, known_times: pl.DataFrame) -> pl.DataFrame:
    """Return what subjects are grouped by, one row for each subject that has a time to event, null where not given.

    Parameters
    ----------
    groups
        Columns `subject` and at least one of text, such as `tumor_type`; a subject stands once.
    known_times
        As of `read_times`; its subjects are those wanted. From a landmark on a response is what was known by then.

    Raises
    ------
    TableError
        `subject` or any other column is missing, or a subject stands twice.
    AnalysisError
        A column is named as what is known only after the clock has started, such as `response`, or two of its values
        (or all) are words for a response. One whose name says `prior`, `previous` or `earlier` is of an earlier
        treatment. A courtesy: such a column of other names is taken.
    """
    frame = as_polars(groups)
    columns = [name for name in frame.columns if name != "subject"]
    if "subject" not in frame.columns or not columns:
        raise TableError("groups need `subject` and a column to group by", found=", ".join(frame.columns))
    later = [name for name in columns if _known_later(frame[name])]
    if later and not _from_landmark(known_times):
        raise AnalysisError(
            "groups by what is known only later favour those who lived to get there",
            column=later[0],
            mend="use state_contrasts, or landmark and then groups of what was known on that day; the response to an "
            "earlier treatment has `prior` in its name",
        )
    frame = frame.with_columns(pl.all().cast(pl.String))
    twice = frame.filter(pl.col("subject").is_duplicated())
    if twice.height:
        raise TableError("a subject is in two groups", column="subject", found=twice["subject"][0])
    subjects = known_times.select(pl.col("subject").unique().sort())
    return subjects.join(frame, on="subject", how="left").sort("subject")


def _known_later(values: pl.Series) -> bool:
    """Tell whether a column holds how subjects responded, by its name or its values."""
    name = values.name.casefold()
    if any(word in name for word in EARLIER):
        return False
    words = {str(value).strip().casefold() for value in values.drop_nulls()}
    return name in KNOWN_LATER or len(words & RESPONSE_WORDS) >= min(2, max(len(words), 1))


def _from_landmark(known_times: pl.DataFrame) -> bool:
    """Tell whether the times are those that `landmark` returns."""
    rules = set(known_times["rule"])
    return "landmark" in rules and rules <= {"landmark", "not_evaluable"}


def by_endpoint(frame: pl.DataFrame) -> Iterator[tuple[tuple[str, str | None], pl.DataFrame]]:
    """Return the rows of each parameter and reader, in their order."""
    for (parameter, reader), rows in frame.group_by(["parameter", "reader"], maintain_order=True):
        yield (str(parameter), None if reader is None else str(reader)), rows


def by_group(time_to_event: Any, groups: Any = None) -> list[Times]:
    """Return the times of each endpoint, reader and group: of `all`, and of each value of each column of the groups.

    Parameters
    ----------
    time_to_event
        Table `time_to_event`; subjects with null days are counted as left out.
    groups
        See `read_groups`. Subjects without a value are a group of their own, `column=not given`.

    Raises
    ------
    AnalysisError
        A group is called `not given` and there are subjects without a value.
    """
    frame = read_times(time_to_event)
    known = None if groups is None else read_groups(groups, frame)
    parts: list[Times] = []
    for (parameter, reader), rows in by_endpoint(frame):
        parts.append(times(rows, parameter, reader, ALL))
        if known is None:
            continue
        named = rows.join(known, on="subject", how="left")
        for column in known.columns[1:]:
            values = sorted(named[column].drop_nulls().unique())
            parts += [
                times(named.filter(pl.col(column) == value), parameter, reader, f"{column}={value}") for value in values
            ]
            missing = named.filter(pl.col(column).is_null())
            if missing.height and NOT_GIVEN in values:
                what, mend = "a group is named as those without a value are", "name it otherwise, or leave it empty"
                raise AnalysisError(what, column=column, found=NOT_GIVEN, mend=mend)
            if missing.height:
                parts.append(times(missing, parameter, reader, f"{column}={NOT_GIVEN}"))
    return parts


def times(rows: pl.DataFrame, parameter: str, reader: str | None, group: str) -> Times:
    """Return the times of rows of `read_times`."""
    given = rows.filter(pl.col("days").is_not_null()).sort("subject")  # sums in floating point have an order
    days, event = given["days"].to_numpy().astype(float), given["event"].to_numpy().astype(bool)
    left_out = rows.height - given.height
    unknown = given.filter(
        pl.col("event"), pl.col("reason").str.contains(UNKNOWN_CAUSE, literal=True), rule=TUMOR_DEATH
    )
    dead = given.filter(pl.col("event"), pl.col("reason").str.contains(UNSCANNED_DEATH, literal=True)).height
    alive = given.filter(~pl.col("event").cast(pl.Boolean), rule=UNSCANNED).height
    return Times(parameter, reader, group, tuple(given["subject"]), days, event, left_out, unknown.height, dead, alive)


def sentence(*words: str | None) -> str | None:
    """Return what there is to say, parted by semicolons."""
    return "; ".join(word for word in words if word) or None
