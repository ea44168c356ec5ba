"""Figures of adverse events."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from tilseq.errors import AnalysisError, plural
from tilseq.plots.rows import needing
from tilseq.plots.style import INK, MUTED, figure, short
from tilseq.plots.treatment import GRADE_COLOURS

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

COLUMNS = ("subject", "counted_soc", "counted_term", "grade", "counted")
MOST, FEW_LEFT = 30, 5
GRADES = (1, 2, 3, 4, 5)
ROW, HEAD = 0.24, 1.3  # inches: of a bar, and of what stands above and below


def adverse_event_bars(
    rows: Any, *, subjects: int, by: Literal["term", "soc"] = "term", most: int = MOST, title: str = ""
) -> Axes:
    """Draw the share of subjects with each adverse event, a bar a term, parted by the worst grade of each subject.

    The commonest term stands at the top; of equally common ones that with more of grade 3 to 5. Beside each bar stand
    the subjects, and in brackets those of grade 3 to 5.

    Parameters
    ----------
    rows
        Table `adverse_event_rows`, polars or pandas; rows that are not counted are left out.
    subjects
        How many were treated, with or without an event.
    by
        A bar a `term` or a system organ class (`soc`).
    most
        How many bars are drawn at the most, where more than five would be left; the title says how many there are.
    title
        Stands above the bars.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        A column is absent, nothing is counted, or more subjects have events than were treated.
    """
    counts, left_out = _counts(rows, subjects, f"counted_{by}")
    drawn = counts if counts.height <= most + FEW_LEFT else counts.head(most)
    with figure(7.4, HEAD + ROW * drawn.height) as axes:
        ends = _draw_bars(axes, drawn, subjects)
        axes.set_yticks(range(drawn.height), [short(name, 34) for name in drawn[f"counted_{by}"].to_list()], color=INK)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(drawn.height - 0.5, -0.5)
        step = 10 if max(ends) <= 50 else 20
        last = step * math.ceil(max(ends) / step - 1e-9)
        axes.set_xlim(0, last + 0.14 * last)  # room for the numbers beside the longest bar
        axes.set_xticks(range(0, last + 1, step))
        axes.spines["bottom"].set_bounds(0, last)
        axes.set_xlabel(f"Subjects (% of {subjects} treated), by worst grade\nbeside a bar: subjects (of grade 3 to 5)")
        axes.grid(axis="x")
        noun = "terms" if by == "term" else "systems"
        told = [title] if title else []
        told += [f"the {drawn.height} commonest of {counts.height} {noun}"] if counts.height > drawn.height else []
        told += [f"without {plural(left_out, 'event')} not counted"] if left_out else []
        axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED)
        axes.legend(loc="lower right")
    return axes


def _draw_bars(axes: Axes, drawn: pl.DataFrame, subjects: int) -> list[float]:
    """Draw the bars, each parted by grade and with its numbers beside it; return where they end, in percent."""
    places = list(range(drawn.height))
    left = [0.0] * drawn.height
    for grade in GRADES:
        shares = [100 * n / subjects for n in drawn[str(grade)].to_list()]
        if any(shares):
            axes.barh(places, shares, left=left, height=0.74, color=GRADE_COLOURS[grade], label=f"grade {grade}")
        left = [start + share for start, share in zip(left, shares, strict=True)]
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    for place, end, row in zip(places, left, drawn.to_dicts(), strict=True):
        text = f"{row['all']}" + (f" ({row['severe']})" if row["severe"] else "")
        axes.text(end + 1, place, text, va="center", fontsize=8, color=MUTED, bbox=box)
    return left


def _counts(rows: Any, subjects: int, by: str) -> tuple[pl.DataFrame, int]:
    """Return a row a term, the commonest first, and how many events are not counted.

    Subjects of each worst grade, `all`, and `severe` of grade 3 to 5.
    """
    import polars as pl

    frame = needing(rows, COLUMNS)
    recorded = frame.height
    frame = frame.filter("counted").with_columns(pl.col(by).fill_null("not coded"))
    if frame.is_empty():
        raise AnalysisError("nothing to draw: no adverse event is counted")
    if frame["subject"].n_unique() > subjects:
        raise AnalysisError(
            "more subjects have events than were treated", found=frame["subject"].n_unique(), expected=f"<= {subjects}"
        )
    worst = frame.group_by(by, "subject").agg(pl.col("grade").max())
    counts = (
        worst.group_by(by)
        .agg(
            *((pl.col("grade") == grade).sum().alias(str(grade)) for grade in GRADES),
            pl.len().alias("all"),
            (pl.col("grade") >= 3).sum().alias("severe"),
        )
        .sort("all", "severe", by, descending=[True, True, False])
    )
    return counts, recorded - frame.height
