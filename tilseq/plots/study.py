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
COLUMNS = ("subject", "day", "value", "lower", "upper")


def endpoint_over_time(frame: Any, *, label: str, scale: Literal["linear", "log"] = "linear") -> Axes:
    """Draw one number over time: a line a subject, its interval at each point, the infusion at day 0 marked.

    Each subject has a colour and a marker of its own; beyond 14 subjects all are drawn in one grey, as no eye tells so
    many lines apart by a legend. Two values of one subject and day are both drawn.

    Parameters
    ----------
    frame
        polars or pandas; columns ``subject``, ``day``, ``value``, ``lower``, ``upper`` (limits may be null, or the
        columns absent). A row without day or value is not drawn; the title says how many.
    label
        What the number is, with its unit: the label of the vertical axis.
    scale
        ``log`` for a number that spans orders of magnitude, such as a ratio.

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
    subjects = points["subject"].unique().sort().to_list()
    named = len(subjects) <= MOST_NAMED
    with figure(6.4, 3.9) as axes:
        _mark_infusion(axes)
        for i, subject in enumerate(subjects):
            # The marker takes a step more each time the colours begin anew: no pair comes twice.
            look = (PALETTE[i % len(PALETTE)], MARKERS[(i + i // len(PALETTE)) % len(MARKERS)]) if named else ANYONE
            _line(axes, points.filter(points["subject"] == subject), short(subject), *look, alpha=1 if named else 0.5)
        axes.set_yscale(scale)
        if scale == "linear" and lowest >= 0:
            axes.set_ylim(bottom=0)
        axes.set_xlabel("Day (0 = first infusion)")
        axes.set_ylabel(label)
        axes.grid(axis="y")
        if named:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="Subject", alignment="left")
        told = [] if named else [f"{len(subjects)} subjects"]
        told += [f"{left_out} without day or value left out"] if left_out else []
        if told:
            axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED)
    return axes


def _points(frame: Any) -> tuple[pl.DataFrame, int]:
    """Return the rows that can be drawn, by subject and day, and how many cannot."""
    import polars as pl

    from tilseq.tables import as_polars

    rows = as_polars(frame)
    absent = [name for name in COLUMNS[:3] if name not in rows.columns]
    if absent:
        raise AnalysisError("the figure needs this column", column=absent[0], expected=", ".join(COLUMNS))
    limits = [pl.lit(None).alias(name) for name in COLUMNS[3:] if name not in rows.columns]
    rows = rows.with_columns(*limits).select(
        pl.col("subject").cast(pl.String), *(pl.col(name).cast(pl.Float64).fill_nan(None) for name in COLUMNS[1:])
    )
    points = rows.drop_nulls(["subject", "day", "value"]).filter(pl.col("value").is_finite())
    if points.is_empty():
        raise AnalysisError("nothing to draw: no row has a subject, a day and a value")
    return points.sort("subject", "day", "value"), rows.height - points.height


def _line(axes: Axes, line: pl.DataFrame, label: str, colour: str, marker: str, *, alpha: float) -> None:
    day, value = line["day"].to_list(), line["value"].to_list()
    axes.plot(day, value, color=colour, marker=marker, label=label, alpha=alpha)
    for at, middle, lower, upper in zip(day, value, line["lower"].to_list(), line["upper"].to_list(), strict=True):
        ends = [middle if end is None or not math.isfinite(end) else end for end in (lower, upper)]
        axes.vlines(at, *ends, color=colour, linewidth=1.1, alpha=0.7 * alpha)


def _mark_infusion(axes: Axes) -> None:
    axes.axvline(0, color=FAINT, linewidth=3, zorder=0)
    axes.annotate(
        "infusion", (0, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
        ha="center", va="bottom", fontsize=8, color=MUTED,
    )  # fmt: skip
