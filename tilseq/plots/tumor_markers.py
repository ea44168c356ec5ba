"""Figures of tumour markers."""

from __future__ import annotations

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

COLUMNS = ("subject", "day", "test", "value", "operator", "limit_value", "upper_limit", "assay", "used")
PANEL_HEIGHT, WIDTH = 2.1, 8.2


def marker_courses(
    frame: Any,
    *,
    tests: Sequence[str] | None = None,
    lymphodepletion_day: int | None = None,
    infusion_days: Sequence[int] = (0,),
    il2_end_day: int | None = None,
) -> Figure:
    """Draw tumour markers over time as multiples of the upper limit of normal, a panel a marker and a line a subject.

    Lines break where the assay changes. A result below a limit of the assay is an open mark at that limit with an arrow
    down, one above it an open mark with an arrow up; no line goes through them. The line at 1 is the upper limit.

    Parameters
    ----------
    frame
        Table `marker_courses`, polars or pandas; rows that are not used, without an upper limit or of a value of 0,
        which a logarithmic axis cannot show, are left out and counted in the title.
    tests
        Which markers, in this order; by default all, by name.
    lymphodepletion_day, infusion_days, il2_end_day
        For the strip above, see `treatment.draw_treatment`; those of subjects may differ by some days.

    Returns
    -------
    Figure
        A panel a marker.

    Raises
    ------
    AnalysisError
        A column is absent, no row is of a marker that is asked for, or nothing can be drawn.
    """
    points, left_out = _points(frame, tests)
    shown = list(tests) if tests else sorted(set(points["test"].to_list()))
    shown = [test for test in shown if test in set(points["test"].to_list())]
    subjects = sorted(set(points["subject"].to_list()))
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        drawn = Figure(figsize=(WIDTH, 0.9 + PANEL_HEIGHT * len(shown)))
        FigureCanvasAgg(drawn)
        panels = drawn.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axes, test in zip(panels, shown, strict=True):
            _draw_panel(axes, points.filter(test=test), subjects)
            axes.set_ylabel(f"{short(test)}\n(× ULN)")
        set_days(panels[-1], points["day"].to_list())
        for axes in panels[:-1]:
            axes.tick_params(axis="x", labelbottom=False)
        strip = draw_treatment(
            panels[0],
            lymphodepletion_day=lymphodepletion_day,
            infusion_days=infusion_days,
            il2_end_day=il2_end_day,
        )
        for axes in panels[1:]:
            for day in infusion_days:
                axes.axvline(day, color=MUTED, linewidth=0.9, linestyle=":", zorder=0)
        told = [f"{len(subjects)} subjects"] if len(subjects) > MOST_NAMED else []
        told += ["a line breaks where the assay changes"] if _assays_change(points) else []
        told += [f"records left out: {left_out}"] if left_out else []
        panels[0].set_title("; ".join(told) or " ", fontweight="normal", fontsize=9, color=MUTED, pad=14)
        drawn.legend(
            handles=[*strip, *named_lines(subjects), _upper_limit(), *limits_told(*_beyond(points))],
            loc="outside right upper",
        )
    return drawn


def _points(frame: Any, tests: Sequence[str] | None) -> tuple[pl.DataFrame, int]:
    """Return what can be drawn, as multiples of the upper limit, and how many records cannot."""
    import polars as pl

    rows = needing(frame, COLUMNS)
    rows = of_names(rows, "test", tests)
    points = rows.with_columns(
        times=pl.coalesce("value", "limit_value") / pl.when(pl.col("upper_limit") > 0).then("upper_limit"),
        beyond=pl.col("operator").str.slice(0, 1),
    ).filter(pl.col("used"), pl.col("times") > 0)
    if points.is_empty():
        raise AnalysisError("nothing to draw: no record has a value and an upper limit")
    return points.sort("test", "subject", "day"), rows.height - points.height


def _assays_change(points: pl.DataFrame) -> bool:
    return points.select("subject", "test", "assay").n_unique() > points.select("subject", "test").n_unique()


def _draw_panel(axes: Axes, points: pl.DataFrame, subjects: Sequence[str]) -> None:
    axes.set_yscale("log")
    axes.axhline(1, color=MUTED, linewidth=1, linestyle="--", zorder=0)
    for (subject, _), line in points.partition_by("subject", "assay", as_dict=True, maintain_order=True).items():
        colour, marker = look(subjects.index(subject), len(subjects))
        many = len(subjects) > MOST_NAMED
        days = line["day"].to_list()
        numbers = [value if beyond is None else float("nan") for value, beyond in line.select("times", "beyond").rows()]
        axes.plot(
            days, numbers, color=colour, marker=marker, markersize=2.5 if many else 4.5, linewidth=0.9 if many else 1.4,
            alpha=0.55 if many else 1.0, label=f"_{subject}",
        )  # fmt: skip
        for day, value, beyond in line.filter(line["beyond"].is_not_null()).select("day", "times", "beyond").rows():
            draw_limit(axes, day, value, (colour, marker), down=beyond == "<", size=3.5 if many else 5)
    _set_multiples(axes, points["times"].to_list())


def _set_multiples(axes: Axes, values: Sequence[float]) -> None:
    """Set ends with room for arrows, and plain ticks."""
    low, high = min([*values, 1.0]), max([*values, 1.0])
    room = (high / low) ** 0.12 * 1.15
    axes.set_ylim(low / room, high * room)
    plain_ticks(axes)
    axes.minorticks_off()
    axes.grid(axis="y", color=FAINT)


def _upper_limit() -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=MUTED, linewidth=1, linestyle="--", label="upper limit (ULN)")


def _beyond(points: pl.DataFrame) -> tuple[bool, bool]:
    """Return whether results below a limit of the assay are drawn, and whether results above one."""
    beyond = set(points["beyond"].drop_nulls().to_list())
    return "<" in beyond, ">" in beyond
