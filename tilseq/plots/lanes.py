"""What became of each subject over time, a lane a subject."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.clinic_words import (
    RESPONSE_COLOURS,
    first_new_therapy,
    named_few,
    one_a_subject,
    response_that_counts,
)
from tilseq.plots.rows import needing
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
    "first CR, not confirmed": ("*", "white", 9),
    "first PR, not confirmed": ("^", "white", 6),
    "PD": ("s", RESPONSE_COLOURS["PD"], 6),
    "new therapy": ("D", "#CC79A7", 6),
    "death": ("X", INK, 7),
    "alive when last seen": (">", INK, 8),
}
BAR, TAIL = "{}, up to its end or the last scan", "after the last scan, no end seen"
ARROW = 6  # points behind the end of a lane, so that it covers no mark there


def swimmer(time_to_event: Any, response: Any, *, therapies: Any = None) -> Axes:
    """Draw a lane a subject: how long it was followed, its response and how long that lasted, and what happened.

    A lane goes from the start of OS to death, or to the last day known alive, where an arrow stands. In it lies the
    response as DOR counts it, from its first CR or PR to its progression, death or last assessment, as PR and from the
    first CR on as CR. Of a subject alive, without PD or new therapy, whose DOR is censored, a hatched tail goes on to
    the arrow: no scan tells of it, and nobody saw the response end. Marks stand at the first CR and PR and the first PD
    after the baseline (recorded responses of a subject who has any, else derived), at the first new therapy and at
    death. A CR or PR is hollow where DOR does not count it, as it was not confirmed, and has no mark after the first PD
    or new therapy. The longest lane is on top. Above 60 lanes names are left out, above 120 the marks too.

    Parameters
    ----------
    time_to_event
        Table `time_to_event`, polars or pandas, of its parameters `OS` and `DOR`, one row a subject of each: `subject,
        parameter, start_day, end_day, event`. A subject of whom OS has no days has no lane; the title names it. One
        without a row of DOR has no response that counts.
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
    counted = one_a_subject(times.filter(parameter="DOR"), MEND)
    marks = _marks(lanes, counted, needing(response, READ_COLUMNS), therapies)
    height = min(HIGHEST, max(LEAST_HEIGHT, 1.2 + LANE * lanes.height))
    with figure(7.4, height) as axes:
        _draw_lanes(axes, lanes, counted.drop_nulls(["start_day", "end_day"]), marks)
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


def _marks(lanes: pl.DataFrame, counted: pl.DataFrame, reads: pl.DataFrame, therapies: Any) -> pl.DataFrame:
    """Return `subject, what, day` of all that is marked, for subjects that have a lane."""
    import polars as pl

    given = _events(first_new_therapy(therapies), pl.lit("new therapy"))
    told = reads.with_columns(word=response_that_counts("subject")).filter(~pl.col("baseline").fill_null(False))
    progressed = _events(told.filter(word="PD"), pl.lit("PD"))
    ends = pl.concat([given, progressed]).group_by("subject").agg(ended=pl.col("day").min())
    since = counted.select("subject", since=pl.col("start_day").cast(pl.Int64), counts=pl.lit(True))
    said = told.filter(pl.col("word").is_in(["CR", "PR"])).join(ends, on="subject", how="left")
    said = said.filter((pl.col("day") <= pl.col("ended")).fill_null(True)).join(since, on="subject", how="left")
    counts = pl.col("counts").fill_null(False) & (pl.col("day") >= pl.col("since")).fill_null(True)
    unconfirmed = pl.when(counts).then(pl.lit("")).otherwise(pl.lit(", not confirmed"))
    responded = _events(said, pl.lit("first ") + pl.col("word") + unconfirmed)
    parts = pl.concat([given, progressed, responded]).drop_nulls("day")
    first = parts.group_by("subject", "what").agg(pl.col("day").min())
    last = pl.when("event").then(pl.lit("death")).otherwise(pl.lit("alive when last seen"))
    return pl.concat([first.join(lanes, on="subject", how="semi"), _events(lanes.with_columns(day="end_day"), last)])


def _events(rows: pl.DataFrame, what: pl.Expr) -> pl.DataFrame:
    import polars as pl

    return rows.select("subject", what.cast(pl.String).alias("what"), pl.col("day").cast(pl.Int64))


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
            axes.barh(at, length, left=left, height=thick, color=RESPONSE_COLOURS[word], label=BAR.format(word))
    _draw_tails(axes, lanes, lasting, marks, thick)


def _draw_tails(axes: Axes, lanes: pl.DataFrame, lasting: pl.DataFrame, marks: pl.DataFrame, thick: float) -> None:
    """Hatch what lies between the last scan of a response that nobody saw end and the day last known alive."""
    import polars as pl

    ended = marks.filter(pl.col("what").is_in(["PD", "new therapy", "death"]))
    open_ones = lasting.filter(~pl.col("event").fill_null(False)).join(ended, on="subject", how="anti")
    tails = lanes.join(open_ones.select("subject", scanned="end_day"), on="subject").filter(
        pl.col("scanned") < pl.col("end_day")
    )
    complete = dict(marks.filter(what="first CR").select("subject", "day").iter_rows())
    if tails.height:
        colours = [RESPONSE_COLOURS[_word(complete, subject)] for subject in tails["subject"]]
        axes.barh(
            tails["place"].to_list(), (tails["end_day"] - tails["scanned"]).to_list(), left=tails["scanned"].to_list(),
            height=thick, color="white", edgecolor=colours, hatch="/////", linewidth=0, label=TAIL,
        )  # fmt: skip


def _word(complete: dict[str, int], subject: str) -> str:
    return "CR" if subject in complete else "PR"


def _draw_marks(axes: Axes, lanes: pl.DataFrame, marks: pl.DataFrame) -> None:
    from matplotlib.transforms import ScaledTranslation

    place = dict(lanes.select("subject", "place").iter_rows())
    scale = 1.0 if lanes.height <= MOST_NAMED // 2 else 0.85
    behind = axes.transData + ScaledTranslation(ARROW / 72, 0, axes.figure.dpi_scale_trans)
    for what, (marker, colour, size) in MARKS.items():
        some = marks.filter(what=what).sort("subject")
        if some.height:
            axes.plot(
                some["day"].to_list(), [place[subject] for subject in some["subject"]], linestyle="none", label=what,
                marker=marker, color=colour, markersize=size * scale, clip_on=False,
                markeredgecolor=INK if colour == "white" else "white", markeredgewidth=1 if colour == "white" else 0.5,
                transform=behind if what == "alive when last seen" else axes.transData,
            )  # fmt: skip
