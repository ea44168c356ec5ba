"""Kaplan-Meier curves with the numbers at risk below them."""

from __future__ import annotations

from itertools import cycle, product
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.clinic_words import MONTH, group_in_words, limits_words, median_words
from tilseq.plots.rows import needing
from tilseq.plots.style import INK, MUTED, PALETTE, figure

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

COLUMNS = ("parameter", "reader", "group", "day", "at_risk", "events", "censored", "survival", "lower", "upper",
           "method")  # fmt: skip
OF_MEDIAN = (
    "parameter",
    "reader",
    "group",
    "quantity",
    "estimate",
    "lower",
    "upper",
    "estimate_text",
    "lower_text",
    "upper_text",
    "unit",
)
STEPS = (1, 2, 3, 6, 12, 24, 60, 120)  # months between ticks
LEAST_MONTHS, FRACTIONS = 3, (0.1, 0.25, 0.5)  # of a month, where the whole lasts less than that
MOST_TICKS = 10
DASHES = ("-", "--", ":", "-.")
LINE = 13  # points between lines below the axis


def survival(curve: Any, estimates: Any = None, *, since: str = "start") -> Axes:
    """Draw the Kaplan-Meier curve of one parameter, a line a group, with limits, censored subjects and numbers at risk.

    Upright ticks are subjects censored there; the band holds the 95 % limits of each moment by itself. Below the axis
    stand the subjects at risk at each of its ticks: where few are left, the line rests on few. With `estimates` the
    legend has each group's median with its limits, in words where there is no number, and says how they were found.

    Parameters
    ----------
    curve
        Table `survival_curve`, polars or pandas, of one parameter and reader: `parameter, reader, group, day` (days
        since the start), `at_risk, events, censored` (subjects), `survival, lower, upper` (fractions; limits may be
        null), `method`.
    estimates
        Table `survival_estimates`, of which the rows `median` of the same are taken; None for none.
    since
        What time counts from, for the label of the axis.

    Returns
    -------
    Axes
        The only axes of a new figure; its horizontal axis is in months of 30.4375 days.

    Raises
    ------
    AnalysisError
        A column is absent, there is no row, or rows of several parameters or readers.
    """
    rows = needing(curve, COLUMNS)
    for column in ("parameter", "reader"):
        found = rows[column].unique().sort().to_list()
        if len(found) != 1:
            told = ", ".join(map(str, found)) or "no row"
            raise AnalysisError("a curve is of one of these", column=column, found=told, mend="filter the table")
    parameter, reader = rows["parameter"][0], rows["reader"][0]
    groups = {str(group): own.sort("day") for (group,), own in rows.group_by("group", maintain_order=True)}
    medians = _medians(estimates, parameter, reader)
    with figure(6.8 if len(groups) == 1 else 8.2, 3.9 + 0.4 * (len(groups) - 1)) as axes:
        looks = zip(groups.items(), cycle(product(DASHES, PALETTE)), strict=False)
        for (group, own), (dash, colour) in looks:
            _draw_curve(axes, own, _label(group, own, medians.get(group), alone=len(groups) == 1), colour, dash)
        last = max(float(day) for own in groups.values() for day in own["day"]) / MONTH
        axes.set_xlim(0, max(last, FRACTIONS[0]) * 1.03)
        axes.set_ylim(0, 1.03)
        axes.set_xticks(ticks := _ticks(last), [f"{month:g}" for month in ticks])
        axes.set_ylabel(f"{parameter}, share without an event")
        axes.grid(axis="y")
        _write_at_risk(axes, groups, ticks, since)
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "borderpad": 0}
        by = limits_words(rows["method"])
        title = f"In brackets 95 % limits{by and f', {by}'}" if medians else None
        axes.legend(title=title, title_fontsize=8, alignment="left", **place)
    return axes


def _medians(estimates: Any, parameter: str, reader: str | None) -> dict[str, dict[str, Any]]:
    if estimates is None:
        return {}
    rows = needing(estimates, OF_MEDIAN).filter(parameter=parameter, quantity="median")
    rows = rows.filter(rows["reader"].is_null() if reader is None else rows["reader"] == reader)
    return {str(row["group"]): row for row in rows.iter_rows(named=True)}


def _label(group: str, own: pl.DataFrame, median: dict[str, Any] | None, *, alone: bool) -> str:
    who = f"{_counted(own['at_risk'][0], 'subject')}, {_counted(int(own['events'].sum()), 'event')}"
    who = who if alone and group == "all" else f"{group_in_words(group)}: {who}"
    return who if median is None else f"{who}; {median_words(median)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + 's'}"


def _draw_curve(axes: Axes, own: pl.DataFrame, label: str, colour: str, dash: str) -> None:
    months = [day / MONTH for day in (0, *own["day"])]
    axes.plot(months, [1.0, *own["survival"]], drawstyle="steps-post", color=colour, linestyle=dash, label=label)
    lower, upper = ([1.0, *own[name].fill_null(float("nan"))] for name in ("lower", "upper"))
    axes.fill_between(months, lower, upper, step="post", color=colour, alpha=0.14, linewidth=0)
    censored = own.filter(own["censored"] > 0)
    axes.plot(
        [day / MONTH for day in censored["day"]], censored["survival"].to_list(), linestyle="none", marker="|",
        markersize=8, markeredgewidth=1.2, color=colour, label="_censored",
    )  # fmt: skip


def _ticks(last: float) -> list[float]:
    steps = STEPS if last >= LEAST_MONTHS else (*FRACTIONS, *STEPS)
    step = next((step for step in steps if last / step <= MOST_TICKS), steps[-1])
    return [step * place for place in range(int(last / step) + 1)]


def _write_at_risk(axes: Axes, groups: dict[str, pl.DataFrame], ticks: list[float], since: str) -> None:
    """Write below each tick how many of each group are still at risk: without an event and not censored before."""
    look: dict[str, Any] = {"textcoords": "offset points", "va": "top", "fontsize": 9, "annotation_clip": False}
    under = {"xycoords": axes.get_xaxis_transform(), **look}
    axes.annotate(f"Months since {since}", (0.5, 0), xytext=(0, -22), ha="center", xycoords="axes fraction", **look)
    axes.annotate("at risk", (0, 0), xytext=(0, -22 - LINE), ha="left", color=MUTED, **under)
    for line, ((group, own), colour) in enumerate(zip(groups.items(), cycle(PALETTE), strict=False), 2):
        colour = INK if len(groups) == 1 else colour
        for month in ticks:
            left = own.filter(own["day"] >= month * MONTH)["at_risk"]
            number = left[0] if left.len() else 0
            axes.annotate(f"{number}", (month, 0), xytext=(0, -22 - LINE * line), ha="center", color=colour, **under)
        if len(groups) > 1:
            axes.annotate(
                f"{group_in_words(group)}  ", (0, 0), xytext=(-10, -22 - LINE * line), ha="right", color=colour, **under
            )
