"""Figures of laboratory results: their course with the grades of the CTCAE, and shifts of grades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from tilseq.errors import AnalysisError, did_you_mean, plural
from tilseq.lab_tests import lab_test
from tilseq.plots.maps import draw_map
from tilseq.plots.rows import needing
from tilseq.plots.style import MUTED, figure, raised
from tilseq.plots.timeline import MOST_NAMED, plain_ticks
from tilseq.plots.treatment import GRADE_COLOURS, draw_treatment, set_days

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("subject", "day", "test", "term", "value", "value_text", "unit", "version", "grade")
SHIFT_COLUMNS = ("test", "term", "direction", "period", "baseline_grade", "worst_grade", "subjects")
GRADES = (0, 1, 2, 3, 4)
NOT_KNOWN = "not known"
PLACE = (0.09, 0.14, 0.68, 0.71)  # of the axes in the figure: left, bottom, width, height
LINE = "#9aa4ae"  # no colour of a grade or of the treatment
SHADE = 0.2
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
    """Draw the results of one term of the CTCAE over time, a grey line a subject, each point in its grade's colour.

    A result such as ``<0.5`` is an open mark at its limit, where the line breaks. What has no grade is a grey cross.

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
    subjects = points["subject"].n_unique()
    many = subjects > MOST_NAMED
    with figure(8.2, 3.8) as axes:
        # Where all parts lie is known, so that no engine has to find it.
        cast("Figure", axes.figure).set_layout_engine("none")
        axes.set_position(PLACE)
        axes.set_yscale(scale)
        for line in points.partition_by("subject", maintain_order=True):
            # A result that is a limit is no value: no line runs through it.
            values = [float("nan") if limit else value for value, limit in line.select("value", "limit").rows()]
            axes.plot(
                line["day"].to_list(), values, color=LINE, linewidth=0.7 if many else 1.1, alpha=0.6 if many else 1.0,
                label=f"_{line['subject'][0]}", zorder=1,
            )  # fmt: skip
        _mark_grades(axes, points, 3.0 if many else 4.7)
        set_days(axes, points["day"].to_list())
        shaded = _shade(axes, bands)
        if scale == "log":
            plain_ticks(axes)
            axes.minorticks_off()
        axes.set_ylabel(_value_in_words(points["test"][0], points["unit"][0]))
        strip = draw_treatment(
            axes, lymphodepletion_day=lymphodepletion_day, infusion_days=infusion_days, il2_end_day=il2_end_day
        )
        told = [f"{term}, CTCAE {points['version'][0]}", plural(subjects, "subject")]
        told += [f"results left out: {left_out}"] if left_out else []
        axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED, pad=14)
        handles, _ = axes.get_legend_handles_labels()
        handles = [*handles, *_open_marks(points), *shaded, *strip]
        axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
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
        The only axes of a new figure: rows are grades before treatment, columns the worst grades, each to the highest
        there is; no change is framed; what is not known has a row or column of its own where there is any.

    Raises
    ------
    AnalysisError
        A column, the term or the period is absent.
    """
    import numpy as np
    import polars as pl
    from matplotlib.patches import Rectangle

    rows = _of_term(needing(frame, SHIFT_COLUMNS), term)
    periods = rows["period"].unique().sort().to_list()
    rows = rows.filter(pl.col("period") == period)
    if rows.is_empty():
        mend = did_you_mean(period, periods) or f"there are {', '.join(periods)}"
        raise AnalysisError("no shift is of this period", found=period, mend=mend)
    before, worst = (_shown(rows[name]) for name in ("baseline_grade", "worst_grade"))
    counts = np.zeros((len(before), len(worst)))
    for one, other, n in rows.select("baseline_grade", "worst_grade", "subjects").iter_rows():
        counts[before.index(one), worst.index(other)] += n
    with figure(5.6, 4.4) as axes:
        names = [[_grade(grade) for grade in side] for side in (before, worst)]
        draw_map(axes, counts, *names, label=None, printed=lambda n: f"{n:.0f}" if n else "")
        axes.set_xticks(range(len(worst)), names[1], rotation=0, ha="center")
        for grade in set(before) & set(worst) - {None}:  # no change
            corner = (worst.index(grade) - 0.5, before.index(grade) - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=MUTED, linewidth=0.8))
        since = "since treatment began" if period == "any" else period.replace("_", " ")
        axes.set_xlabel(f"Worst grade, {since}")
        axes.set_ylabel("Grade before treatment")
        told = f"{term}, {plural(int(counts.sum()), 'subject')}; framed: no change"
        axes.set_title(told, fontweight="normal", fontsize=9, color=MUTED)
    return axes


def _shown(grades: pl.Series) -> list[int | None]:
    """Return the grades of one side: to the highest seen and at least to 1, and those that are not known."""
    known = grades.drop_nulls().to_list()
    return [*range(max([*known, 1]) + 1), *([None] if grades.null_count() else [])]


def _grade(grade: int | None) -> str:
    return NOT_KNOWN if grade is None else f"{grade}"


def _of_term(rows: pl.DataFrame, term: str) -> pl.DataFrame:
    terms = rows["term"].unique().sort().to_list()
    if term not in terms:
        mend = did_you_mean(term, terms) or f"it has {', '.join(terms)}"
        raise AnalysisError("the table has no such term", found=term, mend=mend)
    return rows.filter(rows["term"] == term)


def _points(frame: Any, term: str, scale: str) -> tuple[pl.DataFrame, int]:
    """Return what can be drawn, and how many results cannot."""
    import polars as pl

    rows = _of_term(needing(frame, COLUMNS), term)
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
        colour = GRADE_COLOURS[grade]
        for (limit,), part in of_grade.partition_by("limit", as_dict=True, maintain_order=True).items():
            axes.plot(
                part["day"].to_list(), part["value"].to_list(), marker="o", linestyle="none", markersize=size,
                markerfacecolor="white" if limit else colour, markeredgecolor=colour, markeredgewidth=0.8,
                label=f"_{grade}" if limit and not of_grade["limit"].all() else f"grade {grade}", zorder=2 + grade,
            )  # fmt: skip
    unknown = points.filter(points["grade"].is_null())
    if unknown.height:
        axes.plot(
            unknown["day"].to_list(), unknown["value"].to_list(), marker="x", linestyle="none", markersize=size,
            color=MUTED, markeredgewidth=0.8, label="no grade", zorder=2,
        )  # fmt: skip


def _open_marks(points: pl.DataFrame) -> list[Any]:
    from matplotlib.lines import Line2D

    if not points["limit"].any():
        return []
    look: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
    return [Line2D([], [], color=MUTED, label="open: told as < or >", **look)]


def _shade(axes: Axes, bands: Sequence[Band]) -> list[Any]:
    """Shade the bands of grades behind the lines, within the axis as it stands; return a handle of each."""
    from matplotlib.patches import Patch

    low, high = axes.get_ylim()
    shown = []
    for grade, lowest, highest in bands:
        start = low if lowest is None else max(lowest, low)
        end = high if highest is None else min(highest, high)
        if end > start:
            axes.axhspan(start, end, color=GRADE_COLOURS[grade], alpha=SHADE, linewidth=0, zorder=0)
            shown.append(grade)
    axes.set_ylim(low, high)
    return [
        Patch(color=GRADE_COLOURS[grade], alpha=SHADE, linewidth=0, label=f"band of {grade}") for grade in sorted(shown)
    ]


def _value_in_words(test: str, unit: str | None) -> str:
    """Return the label of the axis of values: a test's plain name and the unit, its power of ten raised."""
    known = lab_test(test)
    name = test if known is None else known.name
    return f"{name} ({raised(unit)})" if unit else name
