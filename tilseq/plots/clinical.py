"""Figures of tumour response."""

from __future__ import annotations

from itertools import cycle
from textwrap import fill
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.clinic_words import THRESHOLDS, first_new_therapy, named_few, response_that_counts
from tilseq.plots.rows import needing
from tilseq.plots.style import INK, MARKERS, MUTED, PALETTE, figure, short
from tilseq.plots.timeline import mark_infusion

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

MOST_NAMED = 14
WRAP = 84
COLUMNS = ("subject", "reader", "day", "baseline", "change_from_baseline_pct", "new_lesion", "response",
           "recorded")  # fmt: skip
AFTER = "after a new therapy"


def spider(frame: Any, *, therapies: Any = None) -> Axes:
    """Draw the change of the sum of target diameters from baseline over time, a line a subject and reader.

    Dashed lines stand at -30 % and +20 % of the baseline; progression itself counts from the nadir, so it is marked:
    a ring for PD by the response that counts (recorded of a subject and reader who has any recorded, else derived), a
    star for a new lesion. After a new therapy a line is dotted and bears no ring.

    Parameters
    ----------
    frame
        Table `response`, polars or pandas. The baseline is drawn at 0 %. An assessment without a complete sum has no
        place; the title says how many there are, and names subjects without a line.
    therapies
        Further anti-tumour therapies: `subject, start_day`; None for none.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        A column is absent, or no assessment after the baseline has a complete sum.
    """
    points, told = _points(frame, therapies)
    lines = points.partition_by("subject", "reader", as_dict=True, maintain_order=True)
    many_readers = points["reader"].n_unique() > 1
    named = len(lines) <= MOST_NAMED
    with figure(6.8, 4.2) as axes:
        looks = zip(lines.items(), cycle(PALETTE), _markers(), strict=False)
        for ((subject, reader), line), colour, marker in looks:
            label = short(f"{subject} · {reader or 'no reader'}" if many_readers else str(subject))
            look = {"color": colour, "marker": marker} if named else {"color": MUTED, "marker": "o", "alpha": 0.6}
            before = line.filter(~line["treated"])
            axes.plot(before["day"].to_list(), before["change"].to_list(), label=label, **look)
            after = line[max(before.height - 1, 0) :]
            if before.height < line.height:
                look |= {"marker": "", "linestyle": ":"}
                axes.plot(after["day"].to_list(), after["change"].to_list(), label=AFTER, **look)
        _mark(axes, points, "progressed", "o", "PD")
        _mark(axes, points, "new", "*", "new lesion")
        for threshold in THRESHOLDS:
            axes.axhline(threshold, color=MUTED, linestyle="--", linewidth=1, zorder=0)
        axes.axhline(0, color=MUTED, linewidth=0.8, zorder=0)
        mark_infusion(axes)
        axes.set_xlabel("Day (0 = first infusion)")
        axes.set_ylabel("Sum of diameters, change from baseline (%)")
        told = told if named else [f"{len(lines)} lines", *told]
        words = fill("; ".join(told), WRAP)
        axes.set_title(words, fontweight="normal", fontsize=9, color=MUTED, pad=16)  # above "infusion"
        axes.legend(*_legend(axes, named), loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def _points(frame: Any, therapies: Any) -> tuple[pl.DataFrame, list[str]]:
    """Return what can be drawn, and in words which assessments and subjects cannot."""
    import polars as pl

    rows = needing(frame, COLUMNS)
    at_baseline = pl.col("baseline").fill_null(False)
    rows = rows.select(
        "subject",
        "reader",
        pl.col("day").cast(pl.Int64),
        at_baseline.alias("baseline"),
        pl.when(at_baseline).then(0.0).otherwise(pl.col("change_from_baseline_pct").cast(pl.Float64)).alias("change"),
        (pl.col("new_lesion").cast(pl.Boolean) & ~at_baseline).fill_null(False).alias("new"),
        (response_that_counts("subject", "reader") == "PD").fill_null(False).alias("progressed"),
    )
    began = first_new_therapy(therapies).rename({"day": "began"})
    rows = rows.join(began, on="subject", how="left", maintain_order="left")
    rows = rows.with_columns(treated=(pl.col("day") > pl.col("began")).fill_null(False))
    rows = rows.with_columns(pl.col("progressed", "new") & ~pl.col("treated"))
    measured = rows.filter(~pl.col("baseline") & pl.col("change").is_not_null()).select("subject", "reader").unique()
    if measured.is_empty():
        raise AnalysisError("nothing to draw: no assessment after a baseline has a complete sum")
    # A subject of whom nothing but the baseline can be drawn would be a lone point at 0 %.
    points = rows.drop_nulls("change").join(measured, on=["subject", "reader"], how="semi", nulls_equal=True)
    lost = rows.filter(pl.col("change").is_null())
    without = sorted(set(rows["subject"]) - set(points["subject"]))
    told = [f"assessments without a complete sum: {lost.height}, of them PD: {lost['progressed'].sum()}"]
    told = told if lost.height else []
    told += [f"no line for want of a sum after the baseline: {named_few(without)}"] if without else []
    return points.sort("subject", "reader", "day", nulls_last=True), told


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
    marks = ("PD", "new lesion", AFTER)
    kept = {text: handle for handle, text in zip(handles, labels, strict=True) if named or text in marks}
    kept |= {text: kept.pop(text) for text in marks if text in kept}
    return list(kept.values()), list(kept)


def _markers() -> list[str]:
    """Return markers for the lines such that colour and marker together do not come twice."""
    size = len(PALETTE)
    return [MARKERS[(i + turn) % len(MARKERS)] for turn in range(len(MARKERS)) for i in range(size)]
