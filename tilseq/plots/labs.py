"""Figures of laboratory results: their course with the grades of the CTCAE, and shifts of grades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.plots.maps import draw_map
from tilseq.plots.style import MUTED, figure
from tilseq.plots.timeline import MOST_NAMED, look, plain_ticks
from tilseq.plots.treatment import GRADE_COLOURS, draw_treatment, set_days

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

COLUMNS = ("subject", "day", "test", "term", "value", "value_text", "unit", "version", "grade")
SHIFT_COLUMNS = ("test", "term", "direction", "period", "baseline_grade", "worst_grade", "subjects")
GRADES = (0, 1, 2, 3, 4)
NOT_KNOWN = "not known"
Band = tuple[int, float | None, float | None]


def lab_trajectories(
    frame: Any,
    *,
    term: str,
    bands: Sequence[Band] = (),
    scale: Literal["linear", "log"] = "linear",
    lymphodepletion_day: int | None = None,
    infusion_days: Sequence[int] = (0,),
    il2_end_day: int | None = None,
) -> Axes:
    """Draw the results of one term of the CTCAE over time, a line a subject, each point in the colour of its grade.

    A result such as ``<0.5`` is an open mark at its limit. A point without a grade is grey with a cross.

    Parameters
    ----------
    frame
        Table `lab_grades`, polars or pandas. Results of the term in another unit than most are left out, and counted
        in the title with those that have no value.
    term
        Term of the CTCAE.
    bands
        Grade, lowest and highest value of each band that is shaded behind, None for an open end; those of one subject's
        limits where grades hang on these.
    scale
        Of the values; `log` leaves out values of 0.
    lymphodepletion_day, infusion_days, il2_end_day
        For the strip above, see `treatment.draw_treatment`.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        A column or the term is absent, or nothing can be drawn.
    """
    points, left_out = _points(frame, term, scale)
    subjects = sorted(set(points["subject"].to_list()))
    with figure(8.2, 3.8) as axes:
        axes.set_yscale(scale)
        many = len(subjects) > MOST_NAMED
        for (subject,), line in points.partition_by("subject", as_dict=True, maintain_order=True).items():
            colour, _ = look(subjects.index(subject), len(subjects))
            days, values = line["day"].to_list(), line["value"].to_list()
            axes.plot(
                days, values, color=colour, linewidth=0.7 if many else 1.2, alpha=0.45 if many else 0.9,
                label=f"_{subject}", zorder=1,
            )  # fmt: skip
        _mark_grades(axes, points, 9 if many else 22)
        set_days(axes, points["day"].to_list())
        _shade(axes, bands)
        if scale == "log":
            plain_ticks(axes)
            axes.minorticks_off()
        unit, version = points["unit"][0], points["version"][0]
        axes.set_ylabel(f"{points['test'][0]}" + (f" ({unit})" if unit else ""))
        strip = draw_treatment(
            axes, lymphodepletion_day=lymphodepletion_day, infusion_days=infusion_days, il2_end_day=il2_end_day
        )
        told = [f"{term}, CTCAE {version}", f"{len(subjects)} subjects"]
        told += [f"results left out: {left_out}"] if left_out else []
        axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED, pad=14)
        handles, _ = axes.get_legend_handles_labels()
        axes.legend(handles=[*handles, *_open_marks(points), *strip], loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def lab_shift_map(frame: Any, *, term: str, period: str = "any") -> Axes:
    """Draw how many subjects went from each grade before treatment to each worst grade in a period.

    Parameters
    ----------
    frame
        Table `lab_shifts`, polars or pandas.
    term
        Term of the CTCAE.
    period
        Which period; `any` is the worst from the start of treatment on.

    Returns
    -------
    Axes
        The only axes of a new figure: rows are grades before treatment, columns the worst grades, no change is
        framed; what is not known has a row or column of its own where there is any.

    Raises
    ------
    AnalysisError
        A column, the term or the period is absent.
    """
    import numpy as np
    import polars as pl
    from matplotlib.patches import Rectangle

    from tilseq.tables import as_polars

    rows = _of_term(as_polars(frame), SHIFT_COLUMNS, term)
    periods = rows["period"].unique().sort().to_list()
    rows = rows.filter(pl.col("period") == period)
    if rows.is_empty():
        mend = did_you_mean(period, periods) or f"there are {', '.join(periods)}"
        raise AnalysisError("no shift is of this period", found=period, mend=mend)
    before = [*GRADES, *([None] if rows["baseline_grade"].null_count() else [])]
    worst = [*GRADES, *([None] if rows["worst_grade"].null_count() else [])]
    counts = np.zeros((len(before), len(worst)))
    for one, other, n in rows.select("baseline_grade", "worst_grade", "subjects").iter_rows():
        counts[before.index(one), worst.index(other)] += n
    with figure(5.6, 4.4) as axes:
        names = [[_grade(grade) for grade in side] for side in (before, worst)]
        draw_map(axes, counts, *names, label="subjects", printed=lambda n: f"{n:.0f}" if n else "")
        axes.set_xticks(range(len(worst)), names[1], rotation=0, ha="center")
        for grade in range(len(GRADES)):  # no change
            square = Rectangle((grade - 0.5, grade - 0.5), 1, 1, fill=False, edgecolor=MUTED, linewidth=0.8)
            axes.add_patch(square)
        axes.set_xlabel("Worst grade" + ("" if period == "any" else f", {period.replace('_', ' ')}"))
        axes.set_ylabel("Grade before treatment")
        axes.set_title(f"{term}, {int(counts.sum())} subjects", fontweight="normal", fontsize=9, color=MUTED)
    return axes


def _grade(grade: int | None) -> str:
    return NOT_KNOWN if grade is None else f"{grade}"


def _of_term(rows: pl.DataFrame, columns: Sequence[str], term: str) -> pl.DataFrame:
    absent = [name for name in columns if name not in rows.columns]
    if absent:
        raise AnalysisError("the figure needs this column", column=absent[0], expected=", ".join(columns))
    terms = rows["term"].unique().sort().to_list()
    if term not in terms:
        raise AnalysisError("the table has no such term", found=term, mend=did_you_mean(term, terms))
    return rows.filter(rows["term"] == term)


def _points(frame: Any, term: str, scale: str) -> tuple[pl.DataFrame, int]:
    """Return what can be drawn, and how many results cannot."""
    import polars as pl

    from tilseq.tables import as_polars

    rows = _of_term(as_polars(frame), COLUMNS, term)
    known = rows.filter(pl.col("value").is_not_null(), pl.lit(scale == "linear") | (pl.col("value") > 0))
    if known.is_empty():
        raise AnalysisError("nothing to draw: no result of the term has a value", found=term)
    unit = (
        known.group_by("unit", maintain_order=True).len().sort("len", descending=True, maintain_order=True)["unit"][0]
    )
    points = known.filter(pl.col("unit").eq_missing(pl.lit(unit, pl.String)))
    limit = pl.col("value_text").str.strip_chars().str.contains(r"^[<>≤≥]").fill_null(False)
    return points.with_columns(limit=limit).sort("subject", "day"), rows.height - points.height


def _mark_grades(axes: Axes, points: pl.DataFrame, size: float) -> None:
    """Draw the points in the colours of their grades, the worst last."""
    for grade in GRADES:
        of_grade = points.filter(points["grade"] == grade)
        if of_grade.height:
            colour = GRADE_COLOURS[grade]
            for limit, part in of_grade.partition_by("limit", as_dict=True).items():
                face = "white" if limit[0] else colour
                label = f"_{grade}" if limit[0] and not of_grade["limit"].all() else f"grade {grade}"
                axes.scatter(
                    part["day"].to_list(), part["value"].to_list(), s=size, facecolors=face, edgecolors=colour,
                    linewidths=0.8, label=label, zorder=2 + grade,
                )  # fmt: skip
    unknown = points.filter(points["grade"].is_null())
    if unknown.height:
        days, values = unknown["day"].to_list(), unknown["value"].to_list()
        axes.scatter(days, values, s=size, marker="x", color=MUTED, linewidths=0.8, label="no grade", zorder=2)


def _open_marks(points: pl.DataFrame) -> list[Any]:
    from matplotlib.lines import Line2D

    if not points["limit"].any():
        return []
    look: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
    return [Line2D([], [], color=MUTED, label="open: a limit, as <0.5", **look)]


def _shade(axes: Axes, bands: Sequence[Band]) -> None:
    """Shade the bands of grades behind the lines, within the axis as it stands."""
    low, high = axes.get_ylim()
    for grade, lowest, highest in bands:
        start = low if lowest is None else max(lowest, low)
        end = high if highest is None else min(highest, high)
        if end > start:
            axes.axhspan(start, end, color=GRADE_COLOURS[grade], alpha=0.16, linewidth=0, zorder=0)
    axes.set_ylim(low, high)
