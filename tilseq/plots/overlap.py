"""Figures of overlap: all pairs of samples, and beside them what each subject's samples are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.maps import draw_map
from tilseq.plots.rows import needing
from tilseq.plots.style import figure, house_style
from tilseq.plots.usage import COLUMNS as USAGE
from tilseq.plots.usage import draw_usage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {
    "shared_clones": "shared clones",
    "jaccard": "Jaccard index",
    "f": "F",
    "f2": "F2",
    "morisita_horn": "Morisita-Horn index",
    "morisita": "Morisita index",
    "bray_curtis_similarity": "Bray-Curtis similarity",
}
WIDTH, WIDEST = 6.4, 14.0
USED = ("v_call", "junction_aa_length")
COLUMNS = ("sample_a", "sample_b", "locus", "key", "parameter", "value")


def overlap_heatmap(frame: Any, *, parameter: str = "morisita_horn", order: Sequence[str] | None = None) -> Axes:
    """Draw one index of overlap of all pairs of samples, of one locus and key.

    Parameters
    ----------
    frame
        Table `overlap`, polars or pandas, of one locus and key.
    parameter
        The index.
    order
        Samples in the order to draw them in, those that are not named left out; by default that of their names.

    Returns
    -------
    Axes
        A square, darker for more; pairs without a value, and each sample with itself, are grey. Up to 144 cells bear
        their value. The scale starts at 0 and ends at 1, so that maps compare; of shared clones at the most of them.

    Raises
    ------
    AnalysisError
        There is no such row, or rows of several loci or keys.
    """
    rows = _of_parameter(frame, parameter)
    names = list(order) if order else sorted(set(rows["sample_a"]) | set(rows["sample_b"]))
    side = min(WIDEST, max(WIDTH, 2.4 + 0.5 * len(names)))
    with figure(side, side * 0.85) as axes:
        _draw_overlap(axes, rows, names, parameter)
        axes.set_title("{}, key: {}".format(*rows.select("locus", "key").row(0)))
    return axes


def repertoire_maps(
    shared: Any, used: Any, *, parameter: str = "morisita_horn", order: Sequence[str] | None = None
) -> Figure:
    """Draw the repertoires of one locus of several samples: overlap of all pairs, use of V genes, junction lengths.

    Parameters
    ----------
    shared
        Table `overlap`, polars or pandas, of one locus and key.
    used
        Table `usage` of the same locus.
    parameter
        The index of overlap.
    order
        As of `overlap_heatmap`.

    Returns
    -------
    matplotlib.figure.Figure
        Three maps, each with a row a sample; genes and lengths are shares of clones.

    Raises
    ------
    AnalysisError
        There is no row of the index, or of clones; there are rows of several loci or keys.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    use = needing(used, USAGE).filter(pl.col("weight") == "clones")
    loci = use["locus"].unique().sort().to_list()
    if needing(shared, COLUMNS).filter(pl.col("parameter") == parameter).is_empty() or not loci:
        raise AnalysisError("nothing to draw: no overlap or no use of genes", found=f"use of {len(loci)} loci")
    pairs = _of_parameter(shared, parameter)
    if loci != [pairs["locus"][0]]:
        what = "use of genes and overlap are not of one locus"
        raise AnalysisError(what, found=", ".join(loci), expected=pairs["locus"][0])
    names = list(order) if order else sorted(set(pairs["sample_a"]) | set(pairs["sample_b"]))
    with house_style():
        drawn = Figure(figsize=(12.5, 3.6 + 0.5 * len(names)))
        FigureCanvasAgg(drawn)
        above = drawn.add_gridspec(2, 2, width_ratios=(1, 1.15), height_ratios=(1.6, 1))
        for place, feature in zip((above[1, :], above[0, 1]), USED, strict=True):
            axes = drawn.add_subplot(place)
            draw_usage(axes, use.filter(feature=feature), names, feature, "clones")
        _draw_overlap(drawn.add_subplot(above[0, 0]), pairs, names, parameter)
    return drawn


def _of_parameter(frame: Any, parameter: str) -> pl.DataFrame:
    """Return the rows of one index, which must be of one locus and key."""
    rows = needing(frame, COLUMNS).filter(pl.col("parameter") == parameter)
    what = rows.select("locus", "key").unique()
    if what.height != 1:
        found = "; ".join(f"{locus} by {key}" for locus, key in what.sort("locus", "key").iter_rows()) or "no row"
        raise AnalysisError(f"a map of {parameter} takes rows of one locus and key", found=found)
    return rows


def _draw_overlap(axes: Axes, rows: pl.DataFrame, names: Sequence[str], parameter: str) -> None:
    import numpy as np

    place = {name: i for i, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    of_named = rows.filter(pl.col("sample_a").is_in(list(names)), pl.col("sample_b").is_in(list(names)))
    for a, b, value in of_named.select("sample_a", "sample_b", "value").drop_nulls().iter_rows():
        values[place[a], place[b]] = values[place[b], place[a]] = value
    label = NAMES.get(parameter, parameter)
    if parameter == "shared_clones":
        draw_map(axes, values, names, names, label=label, printed="{:,.0f}".format)
    else:  # of few cells Morisita's index may come out far above 1
        draw_map(axes, values, names, names, label=label, printed=_similarity, least=1, most=1)


def _similarity(value: float) -> str:
    if value == 0:  # no clone in common, where 0.00 looks like a rounded value
        return "0"
    return "<0.01" if 0 < value < 0.005 else f"{value:.2f}"
