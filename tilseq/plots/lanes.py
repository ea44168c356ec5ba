"""What became of each subject over time, a lane a subject."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.clinic_words import RESPONSE_COLOURS, named_few, needing, one_a_subject
from tilseq.plots.style import FAINT, INK, MUTED, figure, short

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

TIME_COLUMNS = ("subject", "parameter", "start_day", "end_day", "event")
READ_COLUMNS = ("subject", "day", "response", "recorded", "baseline")
MOST_NAMED = 60
MOST_MARKED = 120  # lanes; with more of them marks would cover their neighbours
LEAST_PLACES = 4
LANE, LEAST_HEIGHT, HIGHEST = 0.24, 2.6, 11.0  # inches
WRAP = 100
MEND = "keep the rows of one reader and one set of rules"
# Event → its marker, colour, and size in points.
MARKS: dict[str, tuple[str, str, float]] = {
    "first CR": ("*", INK, 9),
    "first PR": ("^", INK, 6),
    "PD": ("s", RESPONSE_COLOURS["PD"], 6),
    "new therapy": ("D", "#CC79A7", 6),
    "death": ("X", INK, 7),
    "alive when last seen": (">", INK, 8),
}


def swimmer(time_to_event: Any, response: Any, *, therapies: Any = None) -> Axes:
    """Draw a lane a subject: how long it was followed, its response and how long that lasted, and what happened.

    A lane goes from the start of OS to death, or to the last day known alive, where an arrow stands. In it lies the
    response as DOR counts it, from its first CR or PR to its progression, death or last assessment, as PR and from the
    first CR on as CR. Marks stand at the first CR and PR and the first PD after the baseline (the recorded response
    where there is one, else the derived), at the first new therapy and at death. A CR or PR without a bar is one that
    DOR does not count, as it was not confirmed. The longest lane is on top. Above 60 lanes names are left out, above
    120 the marks too.

    Parameters
    ----------
    time_to_event
        Table `time_to_event`, polars or pandas, of its parameters `OS` and `DOR` (which may be absent), one row a
        subject of each: `subject, parameter, start_day, end_day, event`. A subject of whom OS has no days has no lane;
        the title names it.
    response
        Table `response`, or its columns `subject, day, response, recorded, baseline`.
    therapies
        Further anti-tumour therapies: `subject, start_day`; None for none.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        A column is absent, a subject has several rows of OS or DOR, or no subject has a lane.
    """
    import polars as pl

    times = needing(time_to_event, TIME_COLUMNS)
    if times["event"].dtype not in (pl.Boolean, pl.Null):
        raise AnalysisError(
            "an event was seen or was not", column="event", found=times["event"][0], expected="booleans"
        )
    alive = one_a_subject(times.filter(parameter="OS"), MEND)
    lanes = alive.drop_nulls(["start_day", "end_day"]).with_columns(days=pl.col("end_day") - pl.col("start_day"))
    if lanes.is_empty():
        raise AnalysisError("nothing to draw: no subject has an overall survival", column="parameter", expected="OS")
    lanes = lanes.sort(["days", "subject"], descending=[False, True]).with_row_index("place")
    without = alive.join(lanes, on="subject", how="anti")["subject"].sort().to_list()
    lasting = one_a_subject(times.filter(parameter="DOR").drop_nulls(["start_day", "end_day"]), MEND)
    marks = _marks(lanes, needing(response, READ_COLUMNS), therapies)
    height = min(HIGHEST, max(LEAST_HEIGHT, 1.2 + LANE * lanes.height))
    with figure(7.4, height) as axes:
        _draw_lanes(axes, lanes, lasting, marks)
        if lanes.height <= MOST_MARKED:
            _draw_marks(axes, lanes, marks)
        axes.axvline(0, color=MUTED, linewidth=0.8, linestyle=":", zorder=0)
        axes.set_xlabel("Day (0 = first infusion)")
        middle, half = (lanes.height - 1) / 2, max(lanes.height, LEAST_PLACES) / 2 + 0.3
        axes.set_ylim(middle - half, middle + half)
        named = lanes.height <= MOST_NAMED
        labels = [short(name) for name in lanes["subject"]] if named else []
        axes.set_yticks(lanes["place"].to_list() if named else [], labels)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        told = [] if named else [f"{lanes.height} subjects"]
        told += [f"no lane for want of follow-up: {named_few(without)}"] if without else []
        axes.set_title(fill("; ".join(told), WRAP), fontweight="normal", fontsize=9, color=MUTED)
        handles, words = axes.get_legend_handles_labels()
        bars_first = sorted(zip(handles, words, strict=True), key=lambda entry: entry[1] in MARKS)
        axes.legend(*zip(*bars_first, strict=True), loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def _marks(lanes: pl.DataFrame, reads: pl.DataFrame, therapies: Any) -> pl.DataFrame:
    """Return `subject, what, day` of all that is marked, for subjects that have a lane."""
    import polars as pl

    from tilseq.tables import as_polars

    word = pl.coalesce(pl.col("recorded").cast(pl.String), pl.col("response").cast(pl.String))
    told = reads.filter(~pl.col("baseline").fill_null(False)).select("subject", "day", word=word)
    told = told.filter(pl.col("word").is_in(["CR", "PR", "PD"]))
    what = pl.when(pl.col("word") == "PD").then(pl.lit("PD")).otherwise(pl.lit("first ") + pl.col("word"))
    parts = [told.select("subject", "day", what=what)]
    if therapies is not None:
        given = as_polars(therapies).select("subject", day="start_day")
        parts.append(given.with_columns(what=pl.lit("new therapy")))
    parts = [part.select("subject", pl.col("what").cast(pl.String), pl.col("day").cast(pl.Int64)) for part in parts]
    first = pl.concat(parts).drop_nulls("day").group_by("subject", "what").agg(pl.col("day").min())
    died = pl.when("event").then(pl.lit("death")).otherwise(pl.lit("alive when last seen"))
    ends = lanes.select("subject", what=died, day=pl.col("end_day").cast(pl.Int64))
    return pl.concat([first.join(lanes, on="subject", how="semi"), ends])


def _draw_lanes(axes: Axes, lanes: pl.DataFrame, lasting: pl.DataFrame, marks: pl.DataFrame) -> None:
    """Draw the lanes, and in them the responses that DOR counts."""
    thick = 0.72 if lanes.height <= MOST_MARKED else 1.0
    places = lanes["place"].to_list()
    axes.barh(places, lanes["days"].to_list(), left=lanes["start_day"].to_list(), height=thick, color=FAINT,
              label="followed")  # fmt: skip
    complete = dict(marks.filter(what="first CR").select("subject", "day").iter_rows())
    place = dict(lanes.select("subject", "place").iter_rows())
    for word in ("PR", "CR"):
        bars = []
        for subject, start, end in lasting.select("subject", "start_day", "end_day").iter_rows():
            turned = min(max(complete.get(subject, end), start), end)
            bounds = (start, turned) if word == "PR" else (turned, end)
            # One that has lasted for a day is of no length, as is one whose first assessment is its last.
            if subject in place and (bounds[0] < bounds[1] or (start == end and word == _word(complete, subject))):
                bars.append((place[subject], bounds[0], max(bounds[1] - bounds[0], 1)))
        if bars:
            at, left, length = (list(part) for part in zip(*bars, strict=True))
            axes.barh(at, length, left=left, height=thick, color=RESPONSE_COLOURS[word], label=f"{word}, lasting")


def _word(complete: dict[str, int], subject: str) -> str:
    return "CR" if subject in complete else "PR"


def _draw_marks(axes: Axes, lanes: pl.DataFrame, marks: pl.DataFrame) -> None:
    place = dict(lanes.select("subject", "place").iter_rows())
    scale = 1.0 if lanes.height <= MOST_NAMED // 2 else 0.85
    for what, (marker, colour, size) in MARKS.items():
        some = marks.filter(what=what).sort("subject")
        if some.height:
            axes.plot(
                some["day"].to_list(), [place[subject] for subject in some["subject"]], linestyle="none", label=what,
                marker=marker, color=colour, markersize=size * scale, markeredgecolor="white", markeredgewidth=0.5,
                clip_on=False,
            )  # fmt: skip
