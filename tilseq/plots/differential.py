"""Figures of differential expression."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.contrast_rows import compared, one_contrast
from tilseq.plots.labels import place_labels
from tilseq.plots.style import FAINT, MUTED, PALETTE, figure, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEEDED = ("contrast", "gene", "log2_fold_change", "p", "q")
CALLED_Q = 0.05
WIDTH, HEIGHT = 6.8, 4.6
# Side of a gene → its colour, marker and words; the marker tells the sides apart without colour.
SIDES = {
    "not_called": ("#b4bcc4", "o", "not called"),
    "down": (PALETTE[0], "v", "down"),
    "up": (PALETTE[1], "^", "up"),
}


def volcano(
    frame: Any, *, contrast: str | None = None, engine: str | None = None, fold: float = 0.0, labels: int = 20
) -> Axes:
    """Draw the fold change of each gene over how sure it is, the called genes coloured and named.

    Parameters
    ----------
    frame
        Table `differential`, polars or pandas: `contrast, gene, log2_fold_change, p, q` are read. A gene without p or
        fold change was not tested: the title says how many there are.
    contrast, engine
        Which; needed where the table holds several.
    fold
        Least absolute log2 fold change of a called gene, beside q < 0.05.
    labels
        Called genes to name, those of the lowest p first, then of the largest fold change. A name that finds no room is
        left out, and the title says how many of the called genes are named.

    Returns
    -------
    Axes
        The dashed line stands at the highest p with q < 0.05, dotted lines at the least fold change. A p of 0 stands on
        the line at the top, which is below the lowest p that is not 0: how far above it belongs is not known.

    Raises
    ------
    AnalysisError
        A column is absent, the table holds several contrasts or engines and none is chosen, a gene stands twice, or
        none was tested.
    """
    rows = one_contrast(frame, contrast, engine, NEEDED)
    rows = rows.with_columns(pl.col("log2_fold_change", "p", "q").cast(pl.Float64).fill_nan(None))
    tested = rows.filter(pl.col("p").is_finite(), pl.col("log2_fold_change").is_finite()).with_columns(
        called=(pl.col("q") < CALLED_Q).fill_null(False) & (pl.col("log2_fold_change").abs() >= fold)
    )
    if tested.is_empty():
        raise AnalysisError("nothing to draw: no gene has a fold change and p", found=f"{rows.height} genes")
    floor = _floor(tested)
    height = pl.when(pl.col("p") > 0).then(-pl.col("p").log10()).otherwise(floor)
    side = pl.when("called").then(pl.when(pl.col("log2_fold_change") > 0).then(pl.lit("up")).otherwise(pl.lit("down")))
    tested = tested.with_columns(height=height, side=side.fill_null("not_called"))
    tested = tested.sort("p", -pl.col("log2_fold_change").abs(), "gene")
    with figure(WIDTH, HEIGHT) as axes:
        _draw_genes(axes, tested)
        _draw_lines(axes, tested, fold, floor)
        reach = 1.08 * max(fold, 0.5, *tested["log2_fold_change"].abs())
        axes.set(xlim=(-reach, reach), ylim=(0, 1.1 * max(1.5, *tested["height"])))
        axes.set_xlabel(f"log2 fold change, {short(compared(rows['contrast'][0]), 48)}")
        axes.set_ylabel("−log10 p")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="Genes", alignment="left")
        called = tested.filter("called")
        few = called.head(labels)
        rule = f"q < {CALLED_Q:g}" + (f", log2 fold change of {fold:g} or more" if fold else "")
        told = [f"{called.height:,} called ({rule})" if called.height else f"none called ({rule})"]
        told += [f"{rows.height - tested.height:,} not tested"] if rows.height > tested.height else []
        note = axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED)
        named = place_labels(axes, _points(few), few["gene"].to_list(), avoid=_points(called))
        if 0 < len(named) < called.height:
            note.set_text("; ".join([told[0], f"{len(named)} of them named", *told[1:]]))
    return axes


def _points(rows: pl.DataFrame) -> Any:
    return rows.select("log2_fold_change", "height").to_numpy()


def _floor(tested: pl.DataFrame) -> float | None:
    """Return the height at which genes with a p of 0 stand, or None where there is none."""
    if not (tested["p"] == 0).any():
        return None
    return 1.05 * max([-log10(p) for p in tested["p"] if p > 0], default=300.0)


def _draw_genes(axes: Axes, tested: pl.DataFrame) -> None:
    for side, (colour, marker, words) in SIDES.items():
        own = tested.filter(side=side)
        called = side != "not_called"
        if own.is_empty():
            continue
        axes.plot(
            own["log2_fold_change"].to_numpy(),
            own["height"].to_numpy(),
            linestyle="none",
            marker=marker,
            markersize=5 if called else 2.5,
            markeredgewidth=0.3 if called else 0,
            markeredgecolor="white",
            color=colour,
            label=f"{words} ({own.height:,})",
            rasterized=not called,  # an SVG of every gene would weigh megabytes
            zorder=3 if called else 1,
        )


def _draw_lines(axes: Axes, tested: pl.DataFrame, fold: float, floor: float | None) -> None:
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
    significant = tested.filter(pl.col("q") < CALLED_Q)["height"].to_list()
    if significant:
        label = f"q < {CALLED_Q:g} above"
        axes.axhline(min(significant), color=MUTED, linewidth=0.8, linestyle="--", zorder=0, label=label)
    if fold > 0:
        for end, label in ((-fold, "_"), (fold, f"log2 fold change of {fold:g}")):
            axes.axvline(end, color=MUTED, linewidth=0.8, linestyle=":", zorder=0, label=label)
    if floor is not None:
        axes.axhline(floor, color=MUTED, linewidth=0.8, linestyle="-.", zorder=0, label="p too small to be told from 0")
