"""Figure of cytokines over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.rows import needing, of_names
from tilseq.plots.style import FAINT, MUTED, house_style, short
from tilseq.plots.timeline import MOST_NAMED, draw_limit, limits_told, look, named_lines, plain_ticks
from tilseq.plots.treatment import draw_treatment, set_days

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = (
    *("subject", "day", "specimen", "analyte", "form", "used"),
    *("conc_pg_per_ml", "lower", "upper", "status", "limit_pg_per_ml"),
)
BELOW, ABOVE = ("detected_below_loq", "not_detected"), ("above_range",)
PANEL_WIDTH, PANEL_HEIGHT, LEGEND = 3.6, 2.0, 1.9
MOST_ALONE, MOST_PAIRED = 3, 4  # panels that stand one below the other, and two in a row; of more three
LEAST_SPAN = 10.0  # fold from end to end of an axis
WIDE = 3.0  # fold beyond the marks that an interval may widen the axis


def cytokine_trajectories(
    frame: Any,
    *,
    analytes: Sequence[str] | None = None,
    lymphodepletion_day: int | None = None,
    infusion_days: Sequence[int] = (0,),
    il2_end_day: int | None = None,
) -> Figure:
    """Draw concentrations over time on logarithmic axes, a panel an analyte and a line a subject, with 95 % limits.

    What is out of range is an open mark at its limit with an arrow to where the concentration lies, and no line goes
    through it. A measurement that could not be evaluated breaks the line. Of several specimens (plasma, serum) of a
    subject each has a line of its own.

    Parameters
    ----------
    frame
        Table `cytokine_levels`, polars or pandas; of several measurements of one specimen the one that is used.
    analytes
        Which, in this order; by default all, by name.
    lymphodepletion_day, infusion_days, il2_end_day
        For the strip above, see `treatment.draw_treatment`; those of subjects may differ by some days.

    Returns
    -------
    Figure
        A panel an analyte, of TGF-β one for free and one for total.

    Raises
    ------
    AnalysisError
        A column is absent, no row is of an analyte that is asked for, or nothing can be drawn.
    """
    points = _points(frame, analytes)
    order = analytes or sorted(set(points["analyte"].to_list()))
    kinds = points.select("analyte", "form").unique().rows()
    shown = sorted(kinds, key=lambda one: (order.index(one[0]), one[1] or ""))
    names = sorted(set(points["line"].to_list()))
    columns = 1 if len(shown) <= MOST_ALONE else 2 if len(shown) <= MOST_PAIRED else 3
    rows = -(-len(shown) // columns)
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        width = PANEL_WIDTH * max(columns, 1.6) + LEGEND
        drawn = Figure(figsize=(width, 0.9 + PANEL_HEIGHT * rows))
        FigureCanvasAgg(drawn)
        panels = drawn.subplots(rows, columns, sharex=True, squeeze=False)
        for place, (axes, (analyte, form)) in enumerate(zip(panels.ravel(), shown, strict=False)):
            of_form = points["form"].is_null() if form is None else points["form"] == form
            _draw_panel(axes, points.filter(of_form, analyte=analyte), names)
            title = ", ".join(filter(None, (short(analyte), form)))
            axes.set_title(title, fontsize=9, pad=15 if place < columns else 5)
        for axes in panels.ravel()[len(shown) :]:
            axes.set_axis_off()
        strip = _set_days(panels, len(shown), points["day"].to_list(), lymphodepletion_day, infusion_days, il2_end_day)
        drawn.supylabel("pg/mL", fontsize=10)
        handles = [*strip, *named_lines(names), *limits_told(*_out_of_range(points))]
        many = f"{len(names)} lines" if len(names) > MOST_NAMED else None
        drawn.legend(handles=handles, loc="outside right upper", title=many)
    return drawn


def _points(frame: Any, analytes: Sequence[str] | None) -> pl.DataFrame:
    """Return what can be drawn, with the line that it is of; null where a line breaks."""
    import polars as pl

    rows = needing(frame, COLUMNS)
    rows = rows.filter(pl.col("used"), pl.col("day").is_not_null())
    rows = of_names(rows, "analyte", analytes)
    several = rows["specimen"].n_unique() > 1
    points = rows.with_columns(
        line=pl.format("{}, {}", "subject", "specimen") if several else pl.col("subject").cast(pl.String),
        at=pl.coalesce("conc_pg_per_ml", "limit_pg_per_ml"),
    )
    if points.filter(pl.col("at") > 0).is_empty():
        raise AnalysisError("nothing to draw: no analyte of a sample has a concentration or a limit")
    return points.sort("line", "day")


def _out_of_range(points: pl.DataFrame) -> tuple[bool, bool]:
    """Return whether limits are drawn below which a concentration lies, and whether such above which."""
    drawn = set(points.filter(points["conc_pg_per_ml"].is_null() & (points["at"] > 0))["status"].to_list())
    return bool(drawn & set(BELOW)), bool(drawn & set(ABOVE))


def _draw_panel(axes: Axes, points: pl.DataFrame, names: Sequence[str]) -> None:
    axes.set_yscale("log")
    many = len(names) > MOST_NAMED
    low, high = _ends(points)
    for (name,), line in points.partition_by("line", as_dict=True, maintain_order=True).items():
        colour, marker = look(names.index(f"{name}"), len(names))
        days = line["day"].to_list()
        values = [math.nan if value is None else value for value in line["conc_pg_per_ml"].to_list()]
        axes.plot(
            days, values, color=colour, marker=marker, markersize=2.5 if many else 4.5, linewidth=0.9 if many else 1.4,
            alpha=0.55 if many else 1.0, label=f"_{name}",
        )  # fmt: skip
        known = line.filter(line["conc_pg_per_ml"].is_not_null())
        for day, value, lower, upper in known.select("day", "conc_pg_per_ml", "lower", "upper").iter_rows():
            ends = (max(lower or low, low), min(upper or high, high))
            axes.vlines(day, min(ends[0], value), max(ends[1], value), color=colour, linewidth=1.0, alpha=0.6)
        limits = line.filter(line["conc_pg_per_ml"].is_null() & (line["at"] > 0))
        for day, value, status in limits.select("day", "at", "status").iter_rows():
            draw_limit(axes, day, value, (colour, marker), down=status in BELOW, size=3.5 if many else 5)
    room = max((high / low) ** 0.1 * 1.25, (LEAST_SPAN * low / high) ** 0.5)
    axes.set_ylim(low / room, high * room)
    plain_ticks(axes)
    axes.minorticks_off()
    axes.grid(axis="y", color=FAINT)


def _ends(points: pl.DataFrame) -> tuple[float, float]:
    """Return the ends of the marks, and of their intervals as far as these leave the marks legible."""
    at = [value for value in points["at"].drop_nulls().to_list() if value > 0]
    if not at:
        return 0.5, 2.0
    low = min([value for value in points["lower"].drop_nulls().to_list() if value > 0] + at)
    high = max(points["upper"].drop_nulls().to_list() + at)
    return max(low, min(at) / WIDE), min(high, max(at) * WIDE)


def _set_days(
    panels: Any,
    shown: int,
    days: Sequence[int],
    lymphodepletion_day: int | None,
    infusion_days: Sequence[int],
    il2_end_day: int | None,
) -> list[Any]:
    """Set the axis of days below the last panel of each column and the treatment above the first; return its legend."""
    rows, columns = panels.shape
    strip: list[Any] = []
    for place in range(shown):
        row, column = divmod(place, columns)
        axes = panels[row, column]
        if row == 0:
            strip = draw_treatment(
                axes, lymphodepletion_day=lymphodepletion_day, infusion_days=infusion_days, il2_end_day=il2_end_day
            )
        else:
            for day in infusion_days:
                axes.axvline(day, color=MUTED, linewidth=0.9, linestyle=":", zorder=0)
        last = place + columns >= shown
        set_days(axes, days)
        axes.tick_params(axis="x", labelbottom=last, labelsize=8)
        axes.figure.supxlabel(axes.get_xlabel(), fontsize=9)
        axes.set_xlabel("")
    return strip
