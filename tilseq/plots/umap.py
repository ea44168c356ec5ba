"""Figures of single cells on a UMAP: coloured by a score, by their label of infusion, by their type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.origins import ORIGINS, VERMILION
from tilseq.plots.rows import needing
from tilseq.plots.style import MUTED, PALETTE, figure, short
from tilseq.tables.cell_labels import INFUSED, NO_RECEPTOR, NOT_SEEN, UNDECIDED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

COORDINATES = ("umap_1", "umap_2")
WIDTH, HEIGHT = 6.4, 4.6
CLIPPED = 0.01  # share of the cells beyond either end of the scale
PALEST = 0.65  # how far towards white a cell of no sure label goes
UNKNOWN = "#b4bcc4"
SKY = PALETTE[4]  # no origin's colour: a cell that is not seen in the product may be of any
LOST = "left out, without coordinates"
# Status → its colour and its words; in the order of the legend.
STATUSES = {
    INFUSED: (VERMILION, "infused"),
    NOT_SEEN: (SKY, "not seen in the product"),
    UNDECIDED: (ORIGINS["indeterminate"][0], "undecided"),
    NO_RECEPTOR: (UNKNOWN, "no receptor"),
}
TYPES = {"CD4": PALETTE[1], "CD8": PALETTE[2], "unclear": UNKNOWN}  # as in the figures of flow


def umap_scores(frame: Any, *, score: str) -> Axes:
    """Draw cells on their UMAP, coloured by a score.

    Parameters
    ----------
    frame
        One row a cell: `umap_1, umap_2` and the score, polars or pandas. A cell whose score is null is grey, below the
        others.
    score
        Column of the score.

    Returns
    -------
    Axes
        Cells lie on each other in random order (seed 0), so that no value hides another. The colours end where 1 % of
        the cells lie beyond; the arrows of the colour bar stand for these.

    Raises
    ------
    AnalysisError
        A column is absent, or no cell has coordinates and a score.
    """
    rows, lost = _cells(frame, score)
    rows = rows.with_columns(value=pl.col(score).cast(pl.Float64).fill_nan(None))
    known, unknown = rows.drop_nulls("value"), rows.filter(pl.col("value").is_null())
    if known.is_empty():
        raise AnalysisError("nothing to draw: no cell has a score", column=score)
    low, high = (float(end) for end in np.quantile(known["value"].to_numpy(), (CLIPPED, 1 - CLIPPED)))
    below, above = (bool(beyond.any()) for beyond in (known["value"] < low, known["value"] > high))
    extend = "both" if below and above else "min" if below else "max" if above else "neither"
    with figure(WIDTH, HEIGHT) as axes:
        size = _size(rows.height)
        _scatter(axes, unknown, size, color=UNKNOWN)
        high = high if high > low else low + 1
        points = _scatter(axes, known, size, c=known["value"].to_numpy(), cmap="viridis", vmin=low, vmax=high)
        axes.figure.colorbar(points, ax=axes, label=short(score, 40), shrink=0.8, extend=extend)
        _finish(axes, [f"{rows.height:,} cells", *_told(unknown.height, "grey: no score"), *_told(lost, LOST)])
    return axes


def umap_labels(frame: Any) -> Axes:
    """Draw cells on their UMAP, coloured by whether their clone is in the product, paler where that is less sure.

    Parameters
    ----------
    frame
        One row a cell, polars or pandas: `umap_1, umap_2, status` (`infused, not_seen_in_product, undecided`,
        `no_receptor`) and `probability`, the chance that the cell's clone was infused; null where it cannot be told.

    Returns
    -------
    Axes
        An infused cell is the paler the lower its probability, one not seen in the product the paler the higher it
        is: at the product's depth its clone may have been missed. A cell of these whose chance is not known is as pale
        as can be. Cells lie on each other in random order (seed 0), those without a receptor below.

    Raises
    ------
    AnalysisError
        A column is absent, a status is none of these, or no cell has coordinates.
    """
    rows, lost = _cells(frame, "status", "probability")
    rows = rows.with_columns(pl.col("probability").cast(pl.Float64).fill_nan(None))
    strange = rows.filter(~pl.col("status").is_in(list(STATUSES)).fill_null(False))
    if strange.height:
        expected = ", ".join(STATUSES)
        raise AnalysisError("no such status", column="status", found=strange["status"][0], expected=expected)
    infused, other = pl.col("status") == INFUSED, pl.col("status") == NOT_SEEN
    sure = pl.when(infused).then("probability").when(other).then(1 - pl.col("probability"))
    rows = rows.with_columns(sure=sure.otherwise(1.0).fill_null(0.0))
    with figure(WIDTH, HEIGHT) as axes:
        size = _size(rows.height)
        for drawn in (rows.filter(status=NO_RECEPTOR), rows.filter(pl.col("status") != NO_RECEPTOR)):
            _scatter(axes, drawn, size, c=_paled(drawn))
        _legend(axes, "Clone", _label_words(rows))
        told = [f"{rows.height:,} cells; paler: less sure", *_told(lost, LOST)]
        _finish(axes, told)
    return axes


def umap_cell_types(frame: Any) -> Axes:
    """Draw cells on their UMAP, coloured by their type.

    Parameters
    ----------
    frame
        One row a cell, polars or pandas: `umap_1, umap_2, cell_type`; `CD4`, `CD8` and `unclear` have the colours that
        they have elsewhere. A null is `unclear`.

    Returns
    -------
    Axes
        Cells lie on each other in random order (seed 0); the legend counts them.

    Raises
    ------
    AnalysisError
        A column is absent, no cell has coordinates, or there are more types than colours.
    """
    rows, lost = _cells(frame, "cell_type")
    rows = rows.with_columns(pl.col("cell_type").cast(pl.String).fill_null("unclear"))
    found = rows["cell_type"].unique().sort().to_list()
    further = [name for name in found if name not in TYPES]
    free = [colour for colour in PALETTE if colour not in TYPES.values()]
    if len(further) > len(free):
        raise AnalysisError(
            "there are more types than colours", found=len(found), expected=f"at most {len(free) + len(TYPES)}"
        )
    colours = {**TYPES, **dict(zip(further, free, strict=False))}
    counts = dict(rows["cell_type"].value_counts().iter_rows())
    named = {name: (colour, f"{short(name)} ({counts[name]:,})") for name, colour in colours.items() if name in counts}
    with figure(WIDTH, HEIGHT) as axes:
        _scatter(axes, rows, _size(rows.height), c=[colours[name] for name in rows["cell_type"]])
        _legend(axes, "Type", named.values())
        _finish(axes, [f"{rows.height:,} cells", *_told(lost, LOST)])
    return axes


def _cells(frame: Any, *needed: str) -> tuple[pl.DataFrame, int]:
    """Return the cells that have coordinates, in random order, and how many have none."""
    rows = needing(frame, (*COORDINATES, *needed))
    placed = rows.filter(pl.all_horizontal(pl.col(name).cast(pl.Float64).is_finite() for name in COORDINATES))
    if placed.is_empty():
        raise AnalysisError("nothing to draw: no cell has coordinates", found=f"{rows.height} cells")
    return placed[np.random.default_rng(0).permutation(placed.height)], rows.height - placed.height


def _size(cells: int) -> float:
    """Return the area of a cell's dot in square points."""
    return float(np.clip(24_000 / cells, 1.2, 24))


def _scatter(axes: Axes, rows: pl.DataFrame, size: float, **look: Any) -> Any:
    across, up = (rows[name].cast(pl.Float64).to_numpy() for name in COORDINATES)
    return axes.scatter(across, up, s=size, linewidths=0, rasterized=True, **look)


def _paled(rows: pl.DataFrame) -> NDArray[np.float64]:
    """Return the colour of each cell's status, mixed with white where the label is less sure."""
    from matplotlib.colors import to_rgb

    own = np.array([to_rgb(STATUSES[status][0]) for status in rows["status"]]).reshape(-1, 3)
    white = PALEST * (1 - rows["sure"].to_numpy())[:, None]
    return own * (1 - white) + white


def _label_words(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Return colour and words of each status: its cells, and the mean chance that they were infused."""
    words = []
    for status, (colour, name) in STATUSES.items():
        own = rows.filter(status=status)
        chances = own["probability"].drop_nulls().to_list()
        told = f"\nmean P(infused) {sum(chances) / len(chances):.2f}" if chances and status != NO_RECEPTOR else ""
        if own.height:
            words.append((colour, f"{name} ({own.height:,}){told}"))
    return words


def _legend(axes: Axes, title: str, entries: Iterable[tuple[str, str]]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker="o", markersize=6, color=colour, label=words)
        for colour, words in entries
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), title=title, alignment="left")


def _told(number: int, words: str) -> list[str]:
    return [f"{words} ({number:,})"] if number else []


def _finish(axes: Axes, told: list[str]) -> None:
    """Set axes whose units mean nothing: equal, without ticks."""
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("UMAP 1")
    axes.set_ylabel("UMAP 2")
    axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED)
