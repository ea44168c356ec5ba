"""T cells, their subsets and infused cells over time: of one subject, and of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.rows import needing
from tilseq.plots.style import INK, MUTED, PALETTE, house_style, short
from tilseq.plots.timeline import (
    MOST_NAMED,
    Scale,
    draw_line,
    ends_of,
    look,
    mark_infusion,
    notes_of,
    points_of,
    scale_of,
    set_axes,
)

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDED = ("subject", "visit", "day", "parameter", "population", "parent", "value", "lower", "upper", "status", "state")
SUBSETS = {"CD3+": (PALETTE[0], "o"), "CD4+ T": (PALETTE[1], "s"), "CD8+ T": (PALETTE[2], "^")}
Measure = tuple[str, str, Scale]  # a parameter, its words for an axis, and its scale
# The ratio has no populations.
MEASURES: tuple[Measure, ...] = (
    ("percent_of_parent", "% of {parent}", "linear"),
    ("cells_per_ul", "cells/µL", "log"),
    ("cd4_cd8_ratio", "CD4/CD8 ratio", "log"),
)
INFUSED: tuple[Measure, ...] = (
    ("infused_share_of_cd3", "infused share of CD3+, %", "linear"),  # or logarithmic, see `scale_of`
    ("infused_cells_per_ul", "infused cells/µL", "log"),
)
WIDTH, WIDE, HEIGHT, LEGEND = 3.0, 5.2, 2.6, 1.6  # inches
LEAST_SUBJECTS = 3


def subsets_of_subject(frame: Any) -> Figure:
    """Draw the T cells of one subject over time: shares, cells per microlitre and CD4/CD8, a panel each.

    Each point has its 95 % interval; the infusion is marked; a line ends at a visit without a number; what was not
    detected stands at its upper limit, hollow with an arrow down. Cells per microlitre and the ratio are on logarithmic
    scales.

    Parameters
    ----------
    frame
        polars or pandas, one number a row: ``subject, visit, day, parameter`` (``percent_of_parent``, ``cells_per_ul``
        or ``cd4_cd8_ratio``), ``population`` (``CD3+``, ``CD4+ T``, ``CD8+ T``; null of the ratio), ``parent``,
        ``value, lower, upper, status, state``. A row without a value is a visit without a number.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each parameter that has a number.

    Raises
    ------
    AnalysisError
        A column is absent, the rows are of several subjects, or there is no number to draw.
    """
    rows = _rows(frame)
    subjects = rows["subject"].unique().to_list()
    if len(subjects) != 1:
        raise AnalysisError("a figure of one subject needs the rows of one", column="subject", found=len(subjects))
    with house_style():
        figure, panels = _panel_each(rows, MEASURES)
        told: list[str] = []
        for axes, own, (parameter, words, scale) in panels:
            points, left_out = points_of(own)
            ends = ends_of(points, scale)
            mark_infusion(axes)
            for population in own["population"].unique().sort():
                line = own.filter(own["population"].eq_missing(population))
                if not _has_numbers(line):
                    continue
                colour = SUBSETS.get(population or "", (INK, "D"))
                draw_line(axes, points_of(line)[0], population or "CD4/CD8", *colour, ends)
                told += [f"{population} of {_parent(line)}"] if parameter == "percent_of_parent" else []
            told += notes_of(points, left_out, set_axes(axes, points, scale, ends))
            axes.set_ylabel(words.format(parent="parent"))
        figure.suptitle(short(subjects[0], 60), x=0.005, ha="left", fontweight="bold", fontsize=11)
        _finish(figure, figure.axes, told)
    return figure


def subsets_of_cohort(frame: Any) -> Figure:
    """Draw the T cells of all subjects over time, a panel a subset and measure, a line a subject.

    Points, gaps and limits are as in `subsets_of_subject`. Beyond 14 subjects all lines are grey. The thick line is the
    median of the visits at which three subjects or more have a number. What was not detected counts in it as anything
    between 0 and its upper limit: where the median would depend on it there is none.

    Parameters
    ----------
    frame
        As of `subsets_of_subject`, of any number of subjects.

    Returns
    -------
    matplotlib.figure.Figure
        Shares and the ratio above, cells per microlitre below.

    Raises
    ------
    AnalysisError
        A column is absent, or there is no number to draw.
    """
    import polars as pl

    rows = _rows(frame)
    subjects = _subjects(rows)
    above: list[tuple[str, str | None]] = [("percent_of_parent", population) for population in SUBSETS]
    above.append(("cd4_cd8_ratio", None))
    below: list[tuple[str, str | None]] = [("cells_per_ul", population) for population in SUBSETS]
    kinds = {name: (words, scale) for name, words, scale in MEASURES}
    with house_style():
        counted = _has_numbers(rows.filter(parameter="cells_per_ul"))
        figure, places = _figure(2 if counted else 1, len(above))
        told = _unnamed(subjects, "subjects")
        for axes, (parameter, population) in zip(places, above + below if counted else above, strict=False):
            own = rows.filter(parameter=parameter).filter(pl.col("population").eq_missing(population))
            if not _has_numbers(own):
                axes.set_axis_off()
                continue
            words, scale = kinds[parameter]
            told += _draw_subjects(axes, own, scale, subjects)
            _draw_median(axes, medians(own))
            axes.set_ylabel(", ".join(filter(None, (population, words.format(parent=_parent(own))))))
        for axes in places[len(above + below) :]:
            axes.set_axis_off()
        _finish(figure, places, told, named=len(subjects) <= MOST_NAMED)
    return figure


def infused_of_cohort(frame: Any) -> Figure:
    """Draw the infused cells of all subjects over time: their share of CD3+ and their number, a line a subject.

    Points, gaps and limits are as in `subsets_of_subject`.

    Parameters
    ----------
    frame
        polars or pandas, one number a row: ``subject, day, parameter`` (``infused_share_of_cd3``, in per cent, or
        ``infused_cells_per_ul``), ``value, lower, upper, status, state``. A row without a value is a visit without a
        number.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each parameter that has a number.

    Raises
    ------
    AnalysisError
        A column is absent, or there is no number to draw.
    """
    rows = _rows(frame, [name for name in NEEDED if name not in ("visit", "population", "parent")])
    subjects = _subjects(rows)
    with house_style():
        figure, panels = _panel_each(rows, INFUSED, WIDE)
        told = _unnamed(subjects, "lines")
        for axes, own, (_, words, scale) in panels:
            by_values = scale if scale == "log" else scale_of(points_of(own)[0])
            told += _draw_subjects(axes, own, by_values, subjects)
            axes.set_ylabel(words)
        _finish(figure, figure.axes, told, named=len(subjects) <= MOST_NAMED)
    return figure


def medians(rows: pl.DataFrame) -> list[tuple[float, float | None]]:
    """Return day and median of each visit that has three subjects or more, None where what is not detected decides.

    Several numbers of a subject at one visit count as their median; the day is the median of the days. A visit of fewer
    subjects has None too, so that no line crosses it.
    """
    import polars as pl

    below = pl.col("status").fill_null("quantified") == "not_detected"
    known = rows.filter(pl.col("day").is_not_null(), pl.when(below).then("upper").otherwise("value").is_not_null())
    by_subject = known.group_by(pl.col("visit").fill_null(pl.format("day {}", "day")), "subject").agg(
        pl.col("day").median(),
        least=pl.when(below).then(0.0).otherwise("value").median(),
        most=pl.when(below).then("upper").otherwise("value").median(),
    )
    by_visit = by_subject.group_by("visit").agg(
        pl.col("day", "least", "most").median(), subjects=pl.col("subject").n_unique()
    )
    certain = (pl.col("subjects") >= LEAST_SUBJECTS) & (pl.col("least") == pl.col("most"))
    found = by_visit.sort("day", "visit").select("day", value=pl.when(certain).then("least"))
    return list(found.iter_rows())


def _draw_subjects(axes: Axes, rows: pl.DataFrame, scale: Scale, subjects: list[str]) -> list[str]:
    """Draw a line a subject, in the looks of their places among all; return what must be said of the points."""
    points, left_out = points_of(rows)
    ends = ends_of(points, scale)
    mark_infusion(axes)
    alpha = 0.8 if len(subjects) <= MOST_NAMED else 0.4
    for (subject,), line in points.group_by("subject", maintain_order=True):
        mine = look(subjects.index(f"{subject}"), len(subjects))
        draw_line(axes, line, short(f"{subject}"), *mine, ends, alpha=alpha)
    return notes_of(points, left_out, set_axes(axes, points, scale, ends))


def _subjects(rows: pl.DataFrame) -> list[str]:
    """Return the subjects of whom anything can be drawn: a value, or a limit of what was not detected."""
    import polars as pl

    below = pl.col("status").fill_null("quantified") == "not_detected"
    shown = rows.filter(pl.when(below).then("upper").otherwise("value").is_not_null())
    return shown["subject"].drop_nulls().unique().sort().to_list()


def _unnamed(lines: list[str], noun: str) -> list[str]:
    """Return how many lines there are where these are too many to bear names."""
    return [f"{len(lines)} {noun}"] if len(lines) > MOST_NAMED else []


def _rows(frame: Any, needed: Sequence[str] = NEEDED) -> pl.DataFrame:
    import polars as pl

    rows = needing(frame, needed)
    numbers = [pl.col(name).cast(pl.Float64).fill_nan(None) for name in ("day", "value", "lower", "upper")]
    rows = rows.select(needed).with_columns(numbers)
    if not _has_numbers(rows):
        raise AnalysisError("nothing to draw: no row has a day and a value")
    return rows


def _has_numbers(rows: pl.DataFrame) -> bool:
    return not rows.select("day", "value").drop_nulls().is_empty()


def _parent(rows: pl.DataFrame) -> str:
    parents = rows["parent"].drop_nulls().unique().to_list()
    return parents[0] if len(parents) == 1 else "parent"


def _panel_each(
    rows: pl.DataFrame, measures: Sequence[Measure], width: float = WIDTH
) -> tuple[Figure, list[tuple[Axes, pl.DataFrame, Measure]]]:
    """Return a figure, and for each measure that has a number its panel and its rows."""
    of_kind = [(rows.filter(parameter=kind[0]), kind) for kind in measures]
    shown = [(own, kind) for own, kind in of_kind if _has_numbers(own)]
    figure, places = _figure(1, len(shown), width)
    return figure, [(axes, own, kind) for axes, (own, kind) in zip(places, shown, strict=True)]


def _figure(rows: int, columns: int, width: float = WIDTH) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns + LEGEND, HEIGHT * rows))
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _draw_median(axes: Axes, points: list[tuple[float, float | None]]) -> None:
    if any(value is not None for _, value in points):
        days, values = zip(*((day, float("nan") if value is None else value) for day, value in points), strict=True)
        words = f"median (visits of\n{LEAST_SUBJECTS} subjects or more)"
        axes.plot(days, values, color=INK, linewidth=3.2, alpha=0.75, marker="o", markersize=4, label=words, zorder=3)


def _finish(figure: Figure, places: list[Axes], told: list[str], *, named: bool = True) -> None:
    """Set the legend, the labels of days and, once each, the notes of all panels."""
    handles = {
        label: handle for axes in places for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    shown = [label for label in handles if named or label.startswith("median")]
    if shown:
        figure.legend([handles[label] for label in shown], shown, loc="outside right upper", alignment="left")
    for axes in places:
        axes.set_xlabel("Day (0 = first infusion)", fontsize=8)
        axes.tick_params(labelsize=8)
    figure.supxlabel("; ".join(dict.fromkeys(told)), x=0.005, ha="left", fontsize=8, color=MUTED)
