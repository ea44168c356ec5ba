"""Figures of numbers over time, whatever laboratory they come from."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any, get_args

from tilseq.errors import refuse_unknown
from tilseq.plots.rows import of_one
from tilseq.plots.style import MUTED, figure, short
from tilseq.plots.timeline import (
    MOST_NAMED,
    Scale,
    draw_line,
    ends_of,
    look,
    mark_infusion,
    notes_of,
    points_of,
    set_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_NOTE = 90


def endpoint_over_time(
    frame: Any,
    *,
    label: str,
    scale: Scale = "linear",
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
        columns absent). A row with a day but no value is a visit without a number, which the line does not cross; one
        without a day is not drawn, and the title says how many. Where there are columns ``status`` (of the endpoint) or
        ``state`` (of the sample), the marker of a value that is not ``quantified``, or of a sample that is ``fail``, is
        hollow; one ``not_detected`` stands at its upper limit, hollow with an arrow down, and no line joins it.
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
        A column is absent, rows are of several values of a column `parameter`, no row has both a day and a value, there
        is no such scale, or a logarithmic one meets a value of 0 or below.
    """
    of_one(frame, "parameter")
    refuse_unknown("scale", scale, get_args(Scale))
    points, left_out = points_of(frame)
    by_values = ends_of(points, scale)
    ends = ends or by_values
    subjects = points["subject"].unique().sort().to_list()
    named = len(subjects) <= MOST_NAMED
    with figure(6.4, 3.9) as axes:
        mark_infusion(axes)
        for place, subject in enumerate(subjects):
            line, own = points.filter(points["subject"] == subject), look(place, len(subjects))
            draw_line(axes, line, short(subject), *own, ends, alpha=1 if named else 0.5)
        outside = set_axes(axes, points, scale, ends)
        axes.set_xlabel("Day (0 = first infusion)")
        axes.set_ylabel(label)
        if named:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="Subject", alignment="left")
        told = [] if named else [f"{len(subjects)} subjects"]
        if told := told + notes_of(points, left_out, outside):
            words = fill("; ".join(told), LONGEST_NOTE)
            axes.set_title(words, fontweight="normal", fontsize=9, color=MUTED, pad=16)  # above "infusion"
    return axes
