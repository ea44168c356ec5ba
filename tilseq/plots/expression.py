"""Figures of gene-set scores: of samples, and of subjects over their visits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.plots.maps import MOST_PRINTED, draw_map, hatch
from tilseq.plots.scored import chosen_scores, in_order, scored_samples
from tilseq.plots.style import INK, decimal, figure, short

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

WIDTH = 6.4
LONGEST_SET = 36
WIDEST = 14.0  # in inches
COLUMN, LETTER = 0.2, 0.09  # width of a visit's column and of a letter, in inches
LEAST_FONT = 5.0
HUNDREDS = 100


def score_heatmap(frame: Any, *, samples: Sequence[str] | None = None, method: str | None = None) -> Axes:
    """Draw gene-set scores: a row a set, a column a sample.

    One scale holds for all, so that samples that hardly differ look alike: from 0 to the highest score, or, where a
    score is negative, as far below 0 as above. Sets differ in how highly their genes are expressed: compare samples
    within a row. Up to 144 cells bear their score.

    Parameters
    ----------
    frame
        Table `scores` or `sample_scores`, or any with columns `sample`, `set` and `value` and one row each sample and
        set, polars or pandas. A null value is hatched.
    samples
        Which samples, in the order to draw them in; by default all, by name.
    method
        Which method; needed where the table holds several.

    Returns
    -------
    Axes
        The axes of the map, in a new figure with a colour bar.

    Raises
    ------
    AnalysisError
        A column is absent, the table holds several methods and none is chosen, no row has a value, there is no such
        sample, or a sample and set stand twice.
    """
    rows = chosen_scores(frame, method)
    known, sets = (rows[name].unique().sort().to_list() for name in ("sample", "set"))
    samples = known if samples is None else list(samples)
    for name in samples:
        if name not in known:
            raise AnalysisError("no score is of this sample", found=name, mend=did_you_mean(name, known))
    rows = rows.filter(pl.col("sample").is_in(samples))
    if not rows["value"].count():
        raise AnalysisError("nothing to draw: no row has a value")
    values = _matrix(rows.rename({"sample": "column"}), sets, samples)
    # As wide as the other figures: shown at one width, their letters are of one size.
    width = min(WIDEST, max(WIDTH, 2.6 + 0.5 * len(samples)))
    with figure(width, 1.4 + 0.34 * len(sets)) as axes:
        _draw(axes, values, sets, samples, label=_label("score", method), printed=_printed(values))
        if 72 * (width - 2.6) / len(samples) < LEAST_FONT:
            axes.set_xticks([])
            axes.set_xlabel(f"{len(samples)} samples, too many to be named")
    return axes


def visit_heatmap(
    scores: Any,
    design: Any,
    *,
    sets: Sequence[str] | None = None,
    visits: Sequence[str] | None = None,
    reference: str | None = None,
    method: str | None = None,
) -> Axes:
    """Draw gene-set scores over visits: a row a set, a column a visit, each cell the mean over subjects.

    Parameters
    ----------
    scores
        Table `scores` or `sample_scores`, polars or pandas.
    design
        One row a sample: `sample, subject, visit`; visits stand in the order of their first `day`, where there is one.
        The design chooses what is drawn: one sample a subject and visit.
    sets
        Which sets, in the order to draw them in; by default all, by name.
    visits
        Which visits, in the order to draw them in.
    reference
        A visit from which each subject's change is taken, such as `product`: then a cell is the mean change of the
        subjects that have both. Without it visits of different subjects are set side by side.
    method
        Which method; needed where the table holds several.

    Returns
    -------
    Axes
        One scale holds for all, see `score_heatmap`. Below a visit stand its subjects; a cell of fewer bears their
        number. A cell without a score is hatched.

    Raises
    ------
    AnalysisError
        As `score_heatmap`; the design lacks a column or a value, holds two samples of a subject and visit, or has no
        such visit; there is no such set.
    """
    rows, order = _over_visits(scores, design, sets, visits, reference, method)
    names = rows["set"].unique(maintain_order=True).to_list()
    means = rows.group_by("set", column="visit").agg(pl.col("value").mean(), n=pl.col("value").count())
    values = _matrix(means, names, order)
    numbers = _matrix(means.with_columns(value=pl.col("n").cast(pl.Float64)), names, order)
    most = numbers.max(axis=0)
    labels = [f"{short(visit, 16)}\nn = {int(n)}" for visit, n in zip(order, most, strict=True)]
    with figure(max(WIDTH, 3.6 + 0.7 * len(order)), 1.7 + 0.34 * len(names)) as axes:
        label = _label("mean score" if reference is None else f"mean change from {short(reference)}", method)
        _draw(axes, values, names, labels, label=label, missing=_missing(reference), printed=_printed(values))
        axes.set_xticks(range(len(order)), labels, rotation=0)
        if values.size <= MOST_PRINTED:
            _print_fewer(axes, numbers, most)
    return axes


def subject_heatmap(
    scores: Any,
    design: Any,
    *,
    sets: Sequence[str] | None = None,
    visits: Sequence[str] | None = None,
    reference: str | None = None,
    method: str | None = None,
) -> Axes:
    """Draw gene-set scores of each subject over its visits: a row a set, a block a subject, a column a visit.

    Parameters
    ----------
    scores, design, sets, visits, reference, method
        As of `visit_heatmap`.

    Returns
    -------
    Axes
        One scale holds for all, see `score_heatmap`. Every subject has a column for each visit; where it has no score,
        or no pair to take the change from, the cell is hatched.

    Raises
    ------
    AnalysisError
        As `visit_heatmap`.
    """
    rows, order = _over_visits(scores, design, sets, visits, reference, method)
    subjects = rows["subject"].unique().sort().to_list()
    names = rows["set"].unique(maintain_order=True).to_list()
    columns = [(subject, visit) for subject in subjects for visit in order]
    rows = rows.with_columns(column=pl.concat_list("subject", "visit"))
    place = {column: i for i, column in enumerate(columns)}
    values = _empty(names, columns)
    for name, subject, visit, value in rows.select("set", "subject", "visit", "value").drop_nulls().iter_rows():
        values[names.index(name), place[subject, visit]] = value
    width = min(COLUMN, (WIDEST - 3.6) / len(columns))
    with figure(max(WIDTH, 3.6 + width * len(columns)), 2.0 + 0.3 * len(names)) as axes:
        label = _label("score" if reference is None else f"change from {short(reference)}", method)
        _draw(axes, values, names, [visit for _, visit in columns], label=label, missing=_missing(reference))
        font = 0.85 * 72 * width
        axes.tick_params(axis="x", labelsize=min(8.0, font))
        if font < LEAST_FONT:
            axes.set_xticks([])
            axes.set_xlabel(f"Of each subject, from the left: {', '.join(map(short, order))}")
        for number, subject in enumerate(subjects):
            middle = (number + 0.5) * len(order) - 0.5
            axes.annotate(
                short(subject), (middle, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
                textcoords="offset points", ha="center", va="bottom", fontsize=8, color=INK,
                rotation=90 if len(order) * width < LETTER * len(short(subject)) else 0,
            )  # fmt: skip
            if number:
                axes.axvline(number * len(order) - 0.5, color="white", linewidth=3)
    return axes


def _over_visits(
    scores: Any,
    design: Any,
    sets: Sequence[str] | None,
    visits: Sequence[str] | None,
    reference: str | None,
    method: str | None,
) -> tuple[pl.DataFrame, list[str]]:
    """Return each subject's score, or its change from the reference, and the visits in order."""
    rows = scored_samples(scores, design, by=("subject", "visit"), sets=sets, method=method)
    order = in_order(rows, visits)
    if reference is not None:
        in_order(rows, [reference])
        first = rows.filter(visit=reference).select("subject", "set", first="value")
        rows = rows.join(first, on=["subject", "set"], how="left", maintain_order="left")
        rows = rows.with_columns(value=pl.col("value") - pl.col("first")).filter(pl.col("visit") != reference)
        order = [visit for visit in order if visit != reference]
    rows = rows.filter(pl.col("visit").is_in(order))
    if not rows["value"].count():
        raise AnalysisError("nothing to draw: no subject has a score of both visits", found=reference)
    return rows, order


def _matrix(rows: pl.DataFrame, sets: Sequence[str], columns: Sequence[str]) -> NDArray[np.float64]:
    """Return sets × columns, NaN where there is no value."""
    values = _empty(sets, columns)
    down, across = ({name: i for i, name in enumerate(names)} for names in (sets, columns))
    for name, column, value in rows.select("set", "column", "value").drop_nulls().iter_rows():
        values[down[name], across[column]] = value
    return values


def _empty(sets: Sequence[Any], columns: Sequence[Any]) -> NDArray[np.float64]:
    import numpy as np

    return np.full((len(sets), len(columns)), np.nan)


def _draw(
    axes: Axes,
    values: NDArray[np.float64],
    sets: Sequence[str],
    columns: Sequence[str],
    *,
    label: str,
    missing: str = "no score",
    printed: Any = None,
) -> None:
    """Draw a map and hatch what is missing."""
    import numpy as np

    draw_map(axes, values, sets, columns, label=label, printed=printed, square=False, longest=LONGEST_SET)
    axes.tick_params(axis="y", labelsize=9)  # rows are as high however many there are
    cells = hatch(axes, ~np.isfinite(values))
    if cells is not None:
        cells.set_label(missing)
        axes.figure.legend(handles=[cells], loc="outside lower right")


def _printed(values: NDArray[np.float64]) -> Callable[[float], str]:
    """Return what writes a score: with two decimals, or none where scores reach hundreds, as those of ssGSEA do."""
    import numpy as np

    return partial(decimal, places=0 if np.nanmax(np.abs(values)) >= HUNDREDS else 2)


def _print_fewer(axes: Axes, numbers: NDArray[np.float64], most: NDArray[np.float64]) -> None:
    """Write the number of subjects into cells that have fewer than their visit."""
    inks = {text.get_position(): text.get_color() for text in axes.texts}
    for row, column in zip(*((numbers < most) & (numbers > 0)).nonzero(), strict=True):
        told = f"n = {int(numbers[row, column])}"
        look: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": 6, "color": inks[column, row]}
        axes.text(column + 0.46, row + 0.44, told, **look)


def _missing(reference: str | None) -> str:
    return "no score" if reference is None else f"no score here or of {short(reference)}"


def _label(words: str, method: str | None) -> str:
    return words if method is None else f"{words} ({method})"
