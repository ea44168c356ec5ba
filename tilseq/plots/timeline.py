"""One number over time on axes: lines with their intervals, gaps where a visit has none, limits where none was seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tilseq.errors import AnalysisError
from tilseq.plots.rows import needing
from tilseq.plots.style import FAINT, MARKERS, MUTED, PALETTE, short

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

Scale = Literal["linear", "log"]
COLUMNS = ("subject", "day", "value", "lower", "upper", "status", "state")
NEEDED, LIMITS, WORDS = COLUMNS[:3], COLUMNS[3:5], COLUMNS[5:]
# How far limits may widen the axis beyond the values, as a share of what the values span.
ROOM, MARGIN = 0.5, 0.05
ARROW, LIMIT_ARROW = 11, 9  # points
MOST_NAMED = 14
ANYONE = (MUTED, "o")
TICKS = (1.0, 2.0, 5.0)
SHORT, CROWDED = 5.0, 300.0  # fold that a logarithmic axis spans
LEAST_READ = 20.0  # fold of the highest value: what is lower lies on the foot of a linear axis


def points_of(frame: Any) -> tuple[pl.DataFrame, int]:
    """Return the rows that can be drawn, by subject and day, and how many cannot.

    Parameters
    ----------
    frame
        polars or pandas: see `study.endpoint_over_time`.

    Returns
    -------
    polars.DataFrame
        `subject`, `day`, `value`, `lower`, `upper`, and the flags `below` (not detected: the value is the upper limit
        and there are no others) and `hollow`. A row without a value is a gap; it is there only if its subject has no
        value of that day.
    int
        Rows without a subject or a day, with a value that is not finite, not detected without an upper limit, or of a
        subject without any value.

    Raises
    ------
    AnalysisError
        A column is absent, or nothing can be drawn.
    """
    import polars as pl

    rows = needing(frame, NEEDED)
    rows = rows.with_columns(pl.lit(None).alias(name) for name in (*LIMITS, *WORDS) if name not in rows.columns)
    status, state = (pl.col(name).cast(pl.String) for name in WORDS)
    below = status.fill_null("quantified") == "not_detected"
    rows = rows.select(
        pl.col("subject").cast(pl.String),
        *(pl.col(name).cast(pl.Float64).fill_nan(None) for name in (*NEEDED[1:], *LIMITS)),
        below=below,
        hollow=~below & ((status.fill_null("quantified") != "quantified") | (state.fill_null("ok") == "fail")),
    ).with_columns(
        value=pl.when("below").then("upper").otherwise("value"),
        lower=pl.when(~pl.col("below"), pl.col("value").is_not_null()).then("lower"),
        upper=pl.when(~pl.col("below"), pl.col("value").is_not_null()).then("upper"),
    )
    value = pl.col("value")
    points = rows.drop_nulls(["subject", "day"]).filter(
        pl.when(value.is_null()).then(~pl.col("below")).otherwise(value.is_finite())
    )
    points = points.filter(value.is_not_null().any().over("subject"))
    if points.is_empty():
        raise AnalysisError("nothing to draw: no row has a subject, a day and a value")
    left_out = rows.height - points.height
    points = points.filter(value.is_not_null() | value.is_null().all().over("subject", "day"))
    return points.sort("subject", "day", "value"), left_out


def scale_of(points: pl.DataFrame) -> Scale:
    """Return the scale on which the lowest share can be read: linear, but logarithmic where it is far below the others.

    Parameters
    ----------
    points
        As `points_of` returns them; a limit of what was not detected counts as a value.
    """
    values = points["value"].drop_nulls()
    low, high = min(values), max(values)
    return "log" if 0 < low < high / LEAST_READ else "linear"


def ends_of(points: pl.DataFrame, scale: Scale) -> tuple[float, float]:
    """Return the ends of the vertical axis: the values, and their limits as far as these leave the values legible.

    Raises
    ------
    AnalysisError
        A logarithmic scale meets a value of 0 or below.
    """
    log = scale == "log"
    lowest = min(points["value"].drop_nulls())
    if log and lowest <= 0:
        raise AnalysisError("a logarithmic axis cannot show this", column="value", found=lowest)
    values, lower, upper = (
        [(math.log10(x) if x > 0 else -math.inf) if log else x for x in points[name].drop_nulls().to_list()]
        for name in ("value", *LIMITS)
    )
    from_zero = not log and min(values) >= 0
    low, high = 0.0 if from_zero else min(values), max(values)
    room = ROOM * ((high - low) or abs(high) or 1.0)
    high = min(max([high, *upper]), high + room)
    low = low if from_zero else max(min([low, *lower]), low - room)
    margin = MARGIN * ((high - low) or 1.0)
    # An arrow that points below a limit needs room, above 0 too.
    low = low if from_zero and not points["below"].any() else low - margin
    return (10.0**low, 10.0 ** (high + margin)) if log else (low, high + margin)


def look(place: int, lines: int) -> tuple[str, str]:
    """Return colour and marker of the line at a place among so many: all alike where there are more than 14."""
    if lines > MOST_NAMED:
        return ANYONE
    # The marker takes a step more each time the colours begin anew: no pair comes twice.
    return PALETTE[place % len(PALETTE)], MARKERS[(place + place // len(PALETTE)) % len(MARKERS)]


def draw_line(
    axes: Axes,
    line: pl.DataFrame,
    label: str,
    colour: str,
    marker: str,
    ends: tuple[float, float],
    *,
    alpha: float = 1.0,
) -> None:
    """Draw the points of one line with their intervals.

    The line ends at a visit without a number and at one where nothing was detected: there stands the upper limit, a
    hollow marker with an arrow down.
    """
    import polars as pl

    joined = line.with_columns(value=pl.when(~pl.col("below")).then("value"))
    days, values = joined["day"].to_list(), [math.nan if x is None else x for x in joined["value"].to_list()]
    axes.plot(days, values, color=colour, marker=marker, label=label, alpha=alpha)
    look: dict[str, Any] = {"marker": marker, "markerfacecolor": "white", "markeredgecolor": colour}
    for name in ("hollow", "below"):
        some = line.filter(pl.col(name), pl.col("value").is_not_null())
        if some.height:
            axes.plot(some["day"].to_list(), some["value"].to_list(), linestyle="none", label=f"_{name}", **look)
    for day, value in line.filter("below").select("day", "value").iter_rows():
        arrow = {"arrowstyle": "<|-", "color": colour, "shrinkA": 0, "shrinkB": 2, "linewidth": 1.1}
        axes.annotate("", (day, value), xytext=(0, -ARROW), textcoords="offset points", arrowprops=arrow)
    for day, value, lower, upper in joined.drop_nulls("value").select("day", "value", *LIMITS).iter_rows():
        limits = [value if limit is None else min(max(limit, ends[0]), ends[1]) for limit in (lower, upper)]
        axes.vlines(day, *limits, color=colour, linewidth=1.1, alpha=0.7 * alpha)


def draw_limit(axes: Axes, day: float, value: float, look: tuple[str, str], *, down: bool, size: float = 5) -> None:
    """Draw a limit in place of a value: an open mark with an arrow to where the value lies.

    Parameters
    ----------
    axes
        Where to draw.
    day, value
        Place of the limit.
    look
        Colour and marker.
    down
        Whether the value lies below the limit, or above it.
    size
        Of the mark.
    """
    colour, marker = look
    axes.plot(
        [day], [value], marker=marker, markerfacecolor="white", markeredgecolor=colour, label="_limit",
        markersize=size, linestyle="none", zorder=3,
    )  # fmt: skip
    arrow = {"arrowstyle": "<|-", "color": colour, "shrinkA": 0, "shrinkB": 2, "linewidth": 0.9}
    away = (0, -LIMIT_ARROW if down else LIMIT_ARROW)
    axes.annotate("", (day, value), xytext=away, textcoords="offset points", arrowprops=arrow)


def named_lines(names: Sequence[str]) -> list[Any]:
    """Return handles of a legend for the lines of so many names; none where there are too many to be told apart."""
    from matplotlib.lines import Line2D

    if len(names) > MOST_NAMED:
        return []
    looks = [look(place, len(names)) for place in range(len(names))]
    return [
        Line2D([], [], color=colour, marker=marker, label=short(name))
        for name, (colour, marker) in zip(names, looks, strict=True)
    ]


def limits_told(down: bool, up: bool) -> list[Any]:
    """Return handles of a legend for the limits that are drawn."""
    from matplotlib.lines import Line2D

    told = [(word, way) for word, way, there in (("below this", -1, down), ("above this", 1, up)) if there]
    look: dict[str, Any] = {"markersize": 10, "markerfacecolor": "white", "color": MUTED, "linestyle": "none"}
    return [Line2D([], [], label=f"open: {word}", marker=_limit_mark(way), **look) for word, way in told]


def _limit_mark(way: int) -> Any:
    """Return an open mark with an arrow up (1) or down (-1), as `draw_limit` draws it."""
    from matplotlib.path import Path

    move, line = Path.MOVETO, Path.LINETO
    arrow = [(0, 0.2 * way), (0, 1.8 * way), (-0.8, 0.9 * way), (0, 1.8 * way), (0.8, 0.9 * way)]
    ring = Path.circle((0, -0.8 * way), 1.0)
    return Path.make_compound_path(ring, Path(arrow, [move, line, move, line, line]))


def set_axes(axes: Axes, points: pl.DataFrame, scale: Scale, ends: tuple[float, float]) -> int:
    """Set scale and ends, draw an arrow for each limit beyond them, and return how many there are."""
    axes.set_yscale(scale)
    axes.set_ylim(ends)
    if scale == "log":
        plain_ticks(axes)
    axes.grid(axis="y")
    beyond = [
        (points.filter(points["lower"] < ends[0]), 0, "v"),
        (points.filter(points["upper"] > ends[1]), 1, "^"),
    ]
    for rows, end, arrow in beyond:
        if rows.height:
            axes.plot(
                rows["day"].to_list(), [end] * rows.height, linestyle="none", marker=arrow, color=MUTED,
                label="_outside", transform=axes.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
    return sum(rows.height for rows, *_ in beyond)


def mark_infusion(axes: Axes, days: Iterable[float] = (0,)) -> None:
    """Mark the days of infusion, day 0 where none is given."""
    for day in days:
        axes.axvline(day, color=FAINT, linewidth=3, zorder=0)
        axes.annotate(
            "infusion", (day, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
            ha="center", va="bottom", fontsize=8, color=MUTED,
        )  # fmt: skip


def notes_of(points: pl.DataFrame, left_out: int = 0, outside: int = 0) -> list[str]:
    """Return what must be said of the points that are drawn: gaps, limits and what is left out."""
    told = [f"{left_out} without day or value left out"] if left_out else []
    told += ["a line ends at a visit without a number"] if points["value"].null_count() else []
    told += ["hollow with an arrow down: not detected, below this"] if points["below"].any() else []
    told += [f"grey arrow: limit beyond the axis ({outside})"] if outside else []
    told += ["hollow: failed quality or not quantified"] if points["hollow"].any() else []
    return told


def plain_ticks(axes: Axes) -> None:
    """Set ticks at 1, 2 and 5 of each decade with plain numbers: only 1 where these would crowd.

    An axis too short to hold two of them has its ticks at even steps, as no value can be read beside a lone one.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    low, high = axes.get_ylim()
    if high < SHORT * low:
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(LogLocator(10, subs=TICKS if high < CROWDED * low else TICKS[:1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
