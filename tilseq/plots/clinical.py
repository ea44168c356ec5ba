"""Figures of tumour response."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.style import INK, MARKERS, MUTED, PALETTE, figure, short

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

MOST_NAMED = 14
THRESHOLDS = (-30, 20)
COLUMNS = ("subject", "reader", "day", "baseline", "change_from_baseline_pct", "new_lesion", "response")


def spider(frame: Any) -> Axes:
    """Draw the change of the sum of target diameters from baseline over time, a line a subject and reader.

    Dashed lines stand at -30 % and +20 % of the baseline; progression itself counts from the nadir, so it is marked
    where it was derived: a ring for PD, a star for a new lesion.

    Parameters
    ----------
    frame
        Table `response`, polars or pandas. The baseline is drawn at 0 %. An assessment without a complete sum has no
        place; the title says how many there are.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        A column is absent, or no assessment after the baseline has a complete sum.
    """
    points, left_out, of_them_pd = _points(frame)
    lines = points.partition_by("subject", "reader", as_dict=True, maintain_order=True)
    many_readers = points["reader"].n_unique() > 1
    named = len(lines) <= MOST_NAMED
    with figure(6.8, 4.2) as axes:
        looks = zip(lines.items(), cycle(PALETTE), _markers(), strict=False)
        for ((subject, reader), line), colour, marker in looks:
            label = short(f"{subject} · {reader or 'no reader'}" if many_readers else str(subject))
            look = {"color": colour, "marker": marker} if named else {"color": MUTED, "marker": "o", "alpha": 0.6}
            axes.plot(line["day"].to_list(), line["change"].to_list(), label=label, **look)
        _mark(axes, points, "progressed", "o", "PD")
        _mark(axes, points, "new", "*", "new lesion")
        for threshold in THRESHOLDS:
            axes.axhline(threshold, color=MUTED, linestyle="--", linewidth=1, zorder=0)
        axes.axhline(0, color=MUTED, linewidth=0.8, zorder=0)
        axes.set_xlabel("Day (0 = first infusion)")
        axes.set_ylabel("Sum of diameters, change from baseline (%)")
        told = [] if named else [f"{len(lines)} lines"]
        told += [f"not drawn for want of a complete sum: {left_out}, of them PD: {of_them_pd}"] if left_out else []
        axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED)
        axes.legend(*_legend(axes, named), loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def _points(frame: Any) -> tuple[pl.DataFrame, int, int]:
    """Return what can be drawn, how many assessments cannot, and how many of those are PD."""
    import polars as pl

    from tilseq.tables import as_polars

    rows = as_polars(frame)
    absent = [name for name in COLUMNS if name not in rows.columns]
    if absent:
        raise AnalysisError("the figure needs this column", column=absent[0], expected=", ".join(COLUMNS))
    at_baseline = pl.col("baseline").fill_null(False)
    rows = rows.select(
        "subject",
        "reader",
        pl.col("day").cast(pl.Int64),
        at_baseline.alias("baseline"),
        pl.when(at_baseline).then(0.0).otherwise(pl.col("change_from_baseline_pct").cast(pl.Float64)).alias("change"),
        (pl.col("new_lesion").cast(pl.Boolean) & ~at_baseline).fill_null(False).alias("new"),
        (pl.col("response").cast(pl.String) == "PD").fill_null(False).alias("progressed"),
    )
    measured = rows.filter(~pl.col("baseline") & pl.col("change").is_not_null()).select("subject", "reader").unique()
    if measured.is_empty():
        raise AnalysisError("nothing to draw: no assessment after a baseline has a complete sum")
    # A subject of whom nothing but the baseline can be drawn would be a lone point at 0 %.
    points = rows.drop_nulls("change").join(measured, on=["subject", "reader"], how="semi", nulls_equal=True)
    lost = rows.filter(pl.col("change").is_null())
    return points.sort("subject", "reader", "day", nulls_last=True), lost.height, int(lost["progressed"].sum())


def _mark(axes: Axes, points: pl.DataFrame, column: str, marker: str, label: str) -> None:
    marked = points.filter(points[column])
    if marked.height:
        look: dict[str, Any] = (
            {"facecolors": "none", "edgecolors": INK, "s": 110} if marker == "o" else {"color": INK, "s": 70}
        )
        axes.scatter(marked["day"].to_list(), marked["change"].to_list(), marker=marker, label=label, zorder=3, **look)


def _legend(axes: Axes, named: bool) -> tuple[list[Any], list[str]]:
    """Return the entries of the legend: lines only where there are few enough to tell apart."""
    handles, labels = axes.get_legend_handles_labels()
    kept = [(h, text) for h, text in zip(handles, labels, strict=True) if named or text in ("PD", "new lesion")]
    return [handle for handle, _ in kept], [text for _, text in kept]


def _markers() -> list[str]:
    """Return markers for the lines such that colour and marker together do not come twice."""
    size = len(PALETTE)
    return [MARKERS[(i + turn) % len(MARKERS)] for turn in range(len(MARKERS)) for i in range(size)]
