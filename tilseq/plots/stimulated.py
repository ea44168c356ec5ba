"""Figures of cytokines within cells: shares with and without a stimulus, and the cells of a pair of tubes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.flow.intracellular import PARENT, Stained
from tilseq.flow.transform import arcsinh, cofactor
from tilseq.flow.tube import Floats
from tilseq.plots.linear_ticks import brief, ticks_of
from tilseq.plots.rows import needing
from tilseq.plots.style import FAINT, INK, MUTED, PALETTE, house_style, short, visible
from tilseq.tables.intracellular import INTRACELLULAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LETTER = 5.0, 0.072  # inches: of both panels, and of a letter of the labels
ROW, ABOUT = 0.24, 1.45  # inches: of a row, and above and below the rows
FILLED = {"yes": PALETTE[0], "no": "white", "not_evaluable": "white"}
EDGES = {"yes": PALETTE[0], "no": PALETTE[0], "not_evaluable": MUTED}
LEGEND = (
    "left, open: unstimulated, filled: stimulated\n"
    "right, with 95 % interval, filled: response, open: none, grey: not evaluable"
)
LONGEST, LONGEST_STIMULUS = 64, 26
OF_ROW = ("visit", "stimulus", "population")  # what every label names
BINS, SHOWN, ROOM = 80, (0.001, 0.999), 0.3
OPEN = 7.5  # size of the mark of unstimulated cells, which shows behind that of stimulated ones at the same share
COLUMNS = ("subject", *OF_ROW, "marker", "unstimulated_pct", "stimulated_pct", "difference_pct", "lower", "upper",
           "response")  # fmt: skip


def intracellular(table: Any, *, marker: str | None = None) -> Figure:
    """Draw each population and stimulus as a row: background and stimulated share, and their difference.

    Parameters
    ----------
    table
        Table `intracellular`, polars or pandas.
    marker
        Cytokine; needed where the table holds several.

    Returns
    -------
    matplotlib.figure.Figure
        On the left an open mark for the background, a filled one for the stimulated share, in per cent; on the right
        the difference in percentage points with its 95 % limits, filled where the cells respond. Rows go by the key of
        the table from the top down, in whatever order they are given: subject, day, timing, specimen, panel, stimulus,
        tubes and population. Those without a difference are left out.

    Raises
    ------
    AnalysisError
        No row of the cytokine has a difference, or several cytokines are there and none is named.
    """
    rows = _rows(needing(table, COLUMNS), marker)
    labels = _labels(rows)
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        width = WIDTH + LETTER * max(len(label) for label in labels)
        figure = Figure(figsize=(width, ABOUT + ROW * len(rows)))
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, sharey=True)
        for place, row in enumerate(rows):
            _draw_shares(left, place, row)
            _draw_difference(right, place, row)
        left.set_yticks(range(len(rows)), labels)
        left.set_ylim(len(rows) - 0.4, -0.6)
        name = short(str(rows[0]["marker"]))
        left.set(xlabel=f"{name}+ cells, %", xlim=(0, None))
        right.axvline(0, color=INK, linewidth=0.8)
        right.set_xlabel("Difference, percentage points")
        figure.supxlabel(LEGEND, fontsize=8, color=MUTED)
        for axes in (left, right):
            axes.grid(axis="x")
    return figure


def stimulated_pair(
    unstimulated: Sequence[Stained], stimulated: Sequence[Stained], cytokine: str, threshold: float
) -> Figure:
    """Draw the CD3+ cells of an unstimulated and a stimulated tube, CD8 against a cytokine, with the threshold.

    Parameters
    ----------
    unstimulated, stimulated
        Tubes of one pair, see `flow.intracellular.stained`; replicates are drawn together.
    cytokine
        Which.
    threshold
        On the compensated linear scale, one for both.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels on one arcsinh scale each way; colour is the number of cells, logarithmic; cells beyond the inner
        99.8 % are drawn at the ends. The share above the threshold is in each title.

    Raises
    ------
    AnalysisError
        There are no CD3+ cells to draw.
    """
    groups = (unstimulated, stimulated)
    linear = [_together(group, cytokine) for group in groups]
    every = [np.concatenate([tube[side] for tube in linear]) for side in (0, 1)]
    if not len(every[0]):
        raise AnalysisError(f"there are no {PARENT} cells to draw")
    scales = [cofactor(values) for values in every]
    limits = [_limits(arcsinh(values, scale)) for values, scale in zip(every, scales, strict=True)]
    line = float(arcsinh(threshold, scales[1]))
    limits[1] = (min(limits[1][0], line - ROOM), max(limits[1][1], line + ROOM))
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 3.4))
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for axes, group, (across, up) in zip(panels, groups, linear, strict=True):
            _draw_cells(axes, arcsinh(across, scales[0]), arcsinh(up, scales[1]), limits)
            axes.axhline(line, color=PALETTE[1], linewidth=1.3)
            share = f"{100 * float(np.mean(up > threshold)):.2f} % above" if len(up) else "no cells"
            axes.set_title(f"{short(', '.join(tube.sample for tube in group), 34)}\n{share}", fontsize=9)
            axes.set_xlabel("CD8")
        for axis, scale, ends in zip((panels[0].xaxis, panels[0].yaxis), scales, limits, strict=True):
            ticks = ticks_of(scale, ends)
            axis.set_ticks(list(ticks), labels=[brief(value) for value in ticks.values()])
        panels[0].set(xlim=limits[0], ylim=limits[1], ylabel=f"{visible(cytokine)} of {PARENT}")
    return figure


def _rows(table: pl.DataFrame, marker: str | None) -> list[dict[str, Any]]:
    found = table.filter(pl.col("difference_pct").is_not_null())
    known = found["marker"].unique().sort().to_list()
    if marker is not None and marker not in known and known:
        raise AnalysisError("no difference of this cytokine", found=marker, mend=did_you_mean(marker, known))
    if marker is None and len(known) > 1:
        raise AnalysisError("the table holds several cytokines", found=", ".join(known), mend="name one as marker")
    if not known:
        raise AnalysisError("nothing to draw: no pair of tubes has a difference")
    drawn = found.filter(marker=marker or known[0])
    return drawn.sort([name for name in INTRACELLULAR.key if name in drawn.columns], nulls_last=True).to_dicts()


def _labels(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a label a row: visit, stimulus and population; before them the subject, specimen or panel that parts rows.

    A name of a specimen or panel stands only where rows would else be alike: most names repeat subject and visit.
    """
    shown = [name for name in ("subject",) if len({row[name] for row in rows}) > 1] + list(OF_ROW)
    for name in ("specimen", "specimen_id", "panel"):
        if len({_joined(row, [*shown, name]) for row in rows}) > len({_joined(row, shown) for row in rows}):
            shown.insert(shown.index("stimulus"), name)
    cut = [row | {"stimulus": short(str(row["stimulus"]), LONGEST_STIMULUS)} for row in rows]
    return [short(_joined(row, shown), LONGEST) for row in cut]


def _joined(row: dict[str, Any], names: Sequence[str]) -> str:
    return " · ".join(str(row[name]) for name in names if row[name] is not None)


def _draw_shares(axes: Axes, place: int, row: dict[str, Any]) -> None:
    ends, colour = (row["unstimulated_pct"], row["stimulated_pct"]), EDGES[row["response"]]
    axes.plot(ends, (place, place), color=FAINT, linewidth=2.4, zorder=1)
    look: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": colour, "markersize": OPEN}
    axes.plot(ends[0], place, "o", **look, zorder=2, clip_on=False)
    axes.plot(ends[1], place, "o", color=colour, zorder=2, clip_on=False)


def _draw_difference(axes: Axes, place: int, row: dict[str, Any]) -> None:
    colour = EDGES[row["response"]]
    axes.plot((row["lower"], row["upper"]), (place, place), color=colour, linewidth=1.2, zorder=1)
    face = FILLED[row["response"]]
    axes.plot(row["difference_pct"], place, "o", markerfacecolor=face, markeredgecolor=colour, zorder=2)


def _together(group: Sequence[Stained], cytokine: str) -> tuple[Floats, Floats]:
    return (
        np.concatenate([tube.cd8 for tube in group]),
        np.concatenate([tube.values[cytokine][PARENT] for tube in group]),
    )


def _limits(values: Floats) -> tuple[float, float]:
    """Return the ends of an axis: the inner 99.8 % of the values, with room about them."""
    low, high = (float(end) for end in np.quantile(values, SHOWN))
    return low - ROOM, high + ROOM


def _draw_cells(axes: Axes, across: Floats, up: Floats, limits: Sequence[tuple[float, float]]) -> None:
    from matplotlib.colors import LogNorm

    counts, x, y = np.histogram2d(np.clip(across, *limits[0]), np.clip(up, *limits[1]), BINS, limits)
    norm = LogNorm(1, max(2.0, float(counts.max())))
    axes.pcolormesh(x, y, np.ma.masked_equal(counts.T, 0), cmap="viridis", norm=norm, rasterized=True)
