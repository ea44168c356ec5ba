"""Figures of numbers over time, whatever laboratory they come from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from tilseq.errors import AnalysisError
from tilseq.plots.style import FAINT, MARKERS, MUTED, PALETTE, figure, short

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

MOST_NAMED = 14
ANYONE = (MUTED, "o")
COLUMNS = ("subject", "day", "value", "lower", "upper", "status", "state")
NEEDED, LIMITS, WORDS = COLUMNS[:3], COLUMNS[3:5], COLUMNS[5:]
# How far limits may widen the axis beyond the values, as a share of what the values span.
ROOM, MARGIN = 0.5, 0.05


def endpoint_over_time(
    frame: Any,
    *,
    label: str,
    scale: Literal["linear", "log"] = "linear",
    ends: tuple[float, float] | None = None,
) -> Axes:
    """Draw one number over time: a line a subject, its interval at each point, the infusion at day 0 marked.

    Each subject has a colour and a marker of its own; beyond 14 subjects all are drawn in one grey, as no eye tells so
    many lines apart by a legend. Two values of one subject and day are both drawn. The values set the axis: a limit
    far beyond them runs out of it, with an arrow there, and the title says how many do.

    Parameters
    ----------
    frame
        polars or pandas; columns ``subject``, ``day``, ``value``, ``lower``, ``upper`` (limits may be null, or the
        columns absent). A row without day or value is not drawn; the title says how many. Where there are columns
        ``status`` (of the endpoint) or ``state`` (of the sample), the marker of a value that is not ``quantified``, or
        of a sample that is ``fail``, is hollow.
    label
        What the number is, with its unit: the label of the vertical axis.
    scale
        ``log`` for a number that spans orders of magnitude, such as a ratio.
    ends
        Ends of the vertical axis; by default the values set them.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        A column is absent, no row has both a day and a value, or a logarithmic scale meets a value of 0 or below.
    """
    points, left_out = _points(frame)
    lowest = min(points["value"].to_list())
    if scale == "log" and lowest <= 0:
        raise AnalysisError("a logarithmic axis cannot show this", column="value", found=lowest)
    ends = ends or _ends(points, scale)
    subjects = points["subject"].unique().sort().to_list()
    named = len(subjects) <= MOST_NAMED
    with figure(6.4, 3.9) as axes:
        _mark_infusion(axes)
        for i, subject in enumerate(subjects):
            # The marker takes a step more each time the colours begin anew: no pair comes twice.
            look = (PALETTE[i % len(PALETTE)], MARKERS[(i + i // len(PALETTE)) % len(MARKERS)]) if named else ANYONE
            line = points.filter(points["subject"] == subject)
            _line(axes, line, short(subject), *look, ends, alpha=1 if named else 0.5)
        axes.set_yscale(scale)
        axes.set_ylim(ends)
        outside = _mark_outside(axes, points, ends)
        axes.set_xlabel("Day (0 = first infusion)")
        axes.set_ylabel(label)
        axes.grid(axis="y")
        if named:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="Subject", alignment="left")
        told = [] if named else [f"{len(subjects)} subjects"]
        told += [f"{left_out} without day or value left out"] if left_out else []
        told += [f"arrow: limit beyond the axis ({outside})"] if outside else []
        told += ["hollow: failed quality or not quantified"] if points["hollow"].any() else []
        if told:
            axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED, pad=16)  # above "infusion"
    return axes


def _points(frame: Any) -> tuple[pl.DataFrame, int]:
    """Return the rows that can be drawn, by subject and day, and how many cannot."""
    import polars as pl

    from tilseq.tables import as_polars

    rows = as_polars(frame)
    absent = [name for name in NEEDED if name not in rows.columns]
    if absent:
        raise AnalysisError("the figure needs this column", column=absent[0], expected=", ".join(COLUMNS[:5]))
    rows = rows.with_columns(pl.lit(None).alias(name) for name in (*LIMITS, *WORDS) if name not in rows.columns)
    status, state = (pl.col(name).cast(pl.String) for name in WORDS)
    rows = rows.select(
        pl.col("subject").cast(pl.String),
        *(pl.col(name).cast(pl.Float64).fill_nan(None) for name in (*NEEDED[1:], *LIMITS)),
        hollow=(status.fill_null("quantified") != "quantified") | (state.fill_null("ok") == "fail"),
    )
    points = rows.drop_nulls(NEEDED).filter(pl.col("value").is_finite())
    if points.is_empty():
        raise AnalysisError("nothing to draw: no row has a subject, a day and a value")
    return points.sort("subject", "day", "value"), rows.height - points.height


def _line(
    axes: Axes, line: pl.DataFrame, label: str, colour: str, marker: str, ends: tuple[float, float], *, alpha: float
) -> None:
    axes.plot(line["day"].to_list(), line["value"].to_list(), color=colour, marker=marker, label=label, alpha=alpha)
    hollow = line.filter(line["hollow"])
    if hollow.height:
        look: dict[str, Any] = {"marker": marker, "markerfacecolor": "white", "markeredgecolor": colour}
        axes.plot(hollow["day"].to_list(), hollow["value"].to_list(), linestyle="none", label="_hollow", **look)
    for day, value, lower, upper in line.select("day", "value", *LIMITS).iter_rows():
        limits = [value if limit is None else min(max(limit, ends[0]), ends[1]) for limit in (lower, upper)]
        axes.vlines(day, *limits, color=colour, linewidth=1.1, alpha=0.7 * alpha)


def _ends(points: pl.DataFrame, scale: str) -> tuple[float, float]:
    """Return the ends of the vertical axis: the values, and their limits as far as these leave the values legible."""
    log = scale == "log"
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
    low, high = low if from_zero else low - margin, high + margin
    return (10.0**low, 10.0**high) if log else (low, high)


def _mark_outside(axes: Axes, points: pl.DataFrame, ends: tuple[float, float]) -> int:
    """Draw an arrow at the end of the axis for each limit beyond it, and return how many there are."""
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


def _mark_infusion(axes: Axes) -> None:
    axes.axvline(0, color=FAINT, linewidth=3, zorder=0)
    axes.annotate(
        "infusion", (0, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
        ha="center", va="bottom", fontsize=8, color=MUTED,
    )  # fmt: skip
